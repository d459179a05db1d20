/* What to do with one file, from its fingerprint, its entry in the state and what stands on
 * disk. Pure. decide.h makes the list for all files of it. */
#ifndef GC_COORDINATOR_DELTA_H
#define GC_COORDINATOR_DELTA_H

#include <stdbool.h>

#include "common/hash.h"
#include "coordinator/state.h"

typedef enum gc_action {
    GC_KEEP,        /* nothing changed: neither generated nor rewritten */
    GC_KEEP_EDIT,   /* unchanged inputs, changed by hand: the edit stands */
    GC_MAKE,        /* generate (or take from the cache) and write */
    GC_MAKE_BESIDE, /* changed by hand: generate; the user's policy decides where it goes */
    GC_RESTORE,     /* unchanged inputs, gone from disk: write it again */
    GC_PENDING,     /* undecided: a real dependency is not known yet */
    GC_REMOVE,      /* orphan of ours, untouched */
    GC_LEAVE        /* orphan, changed by hand: reported, left alone */
} gc_action;

const char *gc_action_str(gc_action action);

typedef enum gc_why {
    GC_WHY_UNCHANGED,
    GC_WHY_NEW,
    GC_WHY_INPUTS, /* the fingerprint is not the one of the state */
    GC_WHY_ASKED,  /* --force, --no-optimization */
    GC_WHY_MISSING,
    GC_WHY_LEFT, /* what stands there is ours, but not what was last recorded */
    GC_WHY_EDITED,
    GC_WHY_CONFLICT,  /* kept before, and a merge was tried in vain: the user's turn */
    GC_WHY_OVERWRITE, /* edited, and the policy says that edits go */
    GC_WHY_MERGE,     /* kept before, and what was made since is to be merged */
    GC_WHY_INPUTS_EDITED, /* both at once */
    GC_WHY_ASKED_EDITED,
    GC_WHY_STRANGER,     /* what stands there was never ours */
    GC_WHY_DOUBTED,      /* edited, or left by a run that never ended: decide.h */
    GC_WHY_WAITS,        /* for a real dependency, and changes only if its API does */
    GC_WHY_NEW_WAITS,    /* for a real dependency; will be made */
    GC_WHY_INPUTS_WAITS, /* the same */
    GC_WHY_ASKED_WAITS,  /* the same */
    GC_WHY_ORPHAN,
    GC_WHY_ORPHAN_GONE, /* somebody removed it already */
    GC_WHY_ORPHAN_EDITED
} gc_why;

/* "new file", "inputs changed", ... */
const char *gc_why_str(gc_why why);

typedef enum gc_on_edit {
    GC_EDIT_KEEP,
    GC_EDIT_OVERWRITE,
    GC_EDIT_MERGE
} gc_on_edit;

typedef struct gc_tree_file {
    bool exists;
    gc_sha sha;
    bool
        ours; /* its sha256 is in the job's checkpoint or in gc:gen (no state entry needed) */
} gc_tree_file;

typedef struct gc_decision {
    gc_action action;
    gc_why why;
} gc_decision;

/* A planned file. `state` NULL: not in state.json. `force`: make it whatever the state says.
 * An edit that was kept before, with the same inputs, stays kept unless the policy is
 * overwrite, or merge while newer text stands beside it that was not tried yet. */
gc_decision gc_delta_planned(const gc_sha *fingerprint, const gc_state_file *state,
                             const gc_tree_file *tree, gc_on_edit on_edit, bool force);

/* A file of the state that the plan no longer has. */
gc_decision gc_delta_orphan(const gc_state_file *state, const gc_tree_file *tree);

#endif
