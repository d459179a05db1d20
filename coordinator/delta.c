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

/* The text on disk is one that we wrote and nobody touched. */
static bool untouched(const gc_state_file *state, const gc_tree_file *tree)
{
    if (tree->ours)
        return true;
    return state && strcmp(state->sha256, tree->sha.hex) == 0;
}

static gc_decision unchanged_inputs(const gc_state_file *state, const gc_tree_file *tree,
                                    gc_on_edit on_edit)
{
    if (!tree->exists)
        return (gc_decision){ GC_RESTORE, "missing on disk" };
    if (strcmp(state->sha256, tree->sha.hex) == 0)
        return (gc_decision){ GC_KEEP, "unchanged" };
    if (on_edit == GC_EDIT_OVERWRITE)
        return (gc_decision){ GC_RESTORE, "changed by hand, --on-edit overwrite" };
    return (gc_decision){ GC_KEEP_EDIT, "changed by hand" };
}

gc_decision gc_delta_planned(const gc_sha *fingerprint, const gc_state_file *state,
                             const gc_tree_file *tree, gc_on_edit on_edit, bool force)
{
    bool same = state && strcmp(state->fingerprint, fingerprint->hex) == 0;
    if (same && !force)
        return unchanged_inputs(state, tree, on_edit);
    if (!tree->exists)
        return (gc_decision){ GC_MAKE, force   ? "asked for"
                                       : state ? "inputs changed"
                                               : "new file" };
    if (untouched(state, tree))
        return (gc_decision){ GC_MAKE, force ? "asked for" : "inputs changed" };
    return (gc_decision){ GC_MAKE_BESIDE,
                          state ? "inputs changed, and changed by hand"
                                : "a file that is not ours stands in its place" };
}

gc_decision gc_delta_orphan(const gc_state_file *state, const gc_tree_file *tree)
{
    if (!tree->exists)
        return (gc_decision){ GC_REMOVE, "no longer planned, gone already" };
    if (untouched(state, tree))
        return (gc_decision){ GC_REMOVE, "no longer planned" };
    return (gc_decision){ GC_LEAVE, "no longer planned, but changed by hand" };
}
