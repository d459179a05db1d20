#include "coordinator/delta.h"

#include <string.h>

const char *gc_action_str(gc_action action)
{
    static const char *const names[] = { "keep",     "keep edit",
                                         "generate", "generate beside edit",
                                         "restore",  "pending",
                                         "remove",   "leave" };
    return names[action];
}

const char *gc_why_str(gc_why why)
{
    static const char *const words[] = {
        [GC_WHY_UNCHANGED] = "unchanged",
        [GC_WHY_NEW] = "new file",
        [GC_WHY_INPUTS] = "inputs changed",
        [GC_WHY_ASKED] = "asked for",
        [GC_WHY_MISSING] = "missing on disk",
        [GC_WHY_LEFT] = "left by a run that never ended",
        [GC_WHY_EDITED] = "changed by hand",
        [GC_WHY_CONFLICT] = "changed by hand, conflicts with the new text in .gc-new",
        [GC_WHY_OVERWRITE] = "changed by hand, --on-edit overwrite",
        [GC_WHY_MERGE] = "changed by hand, --on-edit merge",
        [GC_WHY_INPUTS_EDITED] = "inputs changed, and changed by hand",
        [GC_WHY_ASKED_EDITED] = "asked for, and changed by hand",
        [GC_WHY_STRANGER] = "a file that is not ours stands in its place",
        [GC_WHY_DOUBTED] = "changed by hand, or by a run that never ended",
        [GC_WHY_WAITS] = "may change if an API that it uses changes",
        [GC_WHY_NEW_WAITS] = "new file, waits for one that it depends on",
        [GC_WHY_INPUTS_WAITS] = "inputs changed, waits for one that it depends on",
        [GC_WHY_ASKED_WAITS] = "asked for, waits for one that it depends on",
        [GC_WHY_ORPHAN] = "no longer planned",
        [GC_WHY_ORPHAN_GONE] = "no longer planned, gone already",
        [GC_WHY_ORPHAN_EDITED] = "no longer planned, but changed by hand",
    };
    return words[why];
}

/* The text on disk is one that we wrote and nobody touched. */
static bool untouched(const gc_state_file *state, const gc_tree_file *tree)
{
    if (tree->ours)
        return true;
    return state && strcmp(state->sha256, tree->sha.hex) == 0;
}

/* The same two texts again would not merge any better. */
static bool conflicts(const gc_state_file *state, const gc_tree_file *tree)
{
    return state->conflict && state->kept && strcmp(state->kept_sha, tree->sha.hex) == 0;
}

static gc_decision unchanged_inputs(const gc_state_file *state, const gc_tree_file *tree,
                                    gc_on_edit on_edit)
{
    if (!tree->exists)
        return (gc_decision){ GC_RESTORE, GC_WHY_MISSING };
    if (strcmp(state->sha256, tree->sha.hex) == 0)
        return (gc_decision){ GC_KEEP, GC_WHY_UNCHANGED };
    if (tree->ours)
        return (gc_decision){ GC_RESTORE, GC_WHY_LEFT };
    if (on_edit == GC_EDIT_OVERWRITE)
        return (gc_decision){ GC_RESTORE, GC_WHY_OVERWRITE };
    if (conflicts(state, tree))
        return (gc_decision){ GC_KEEP_EDIT, GC_WHY_CONFLICT };
    if (on_edit == GC_EDIT_MERGE && *state->base)
        return (gc_decision){ GC_MAKE_BESIDE, GC_WHY_MERGE };
    return (gc_decision){ GC_KEEP_EDIT, GC_WHY_EDITED };
}

gc_decision gc_delta_planned(const gc_sha *fingerprint, const gc_state_file *state,
                             const gc_tree_file *tree, gc_on_edit on_edit, bool force)
{
    bool same = state && strcmp(state->fingerprint, fingerprint->hex) == 0;
    if (same && !force)
        return unchanged_inputs(state, tree, on_edit);
    gc_why why = force ? GC_WHY_ASKED : GC_WHY_INPUTS;
    if (!tree->exists)
        return (gc_decision){ GC_MAKE, force || state ? why : GC_WHY_NEW };
    if (untouched(state, tree))
        return (gc_decision){ GC_MAKE, why };
    if (!state)
        return (gc_decision){ GC_MAKE_BESIDE, GC_WHY_STRANGER };
    return (gc_decision){ GC_MAKE_BESIDE,
                          force ? GC_WHY_ASKED_EDITED : GC_WHY_INPUTS_EDITED };
}

gc_decision gc_delta_orphan(const gc_state_file *state, const gc_tree_file *tree)
{
    if (!tree->exists)
        return (gc_decision){ GC_REMOVE, GC_WHY_ORPHAN_GONE };
    if (untouched(state, tree))
        return (gc_decision){ GC_REMOVE, GC_WHY_ORPHAN };
    return (gc_decision){ GC_LEAVE, GC_WHY_ORPHAN_EDITED };
}
