/* What to do with each file: pure decisions from fingerprint, state and tree. */
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
    GC_PENDING,     /* a real dependency is not known yet */
    GC_REMOVE,      /* orphan of ours, untouched */
    GC_LEAVE        /* orphan, changed by hand: reported, left alone */
} gc_action;

const char *gc_action_str(gc_action action);

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
    const char *reason; /* static words: "new file", "inputs changed", ... */
} gc_decision;

/* A planned file. `state` NULL: not in state.json. `force`: make it whatever the state says.
 * An edit that was kept before, with the same inputs, stays kept unless the policy is
 * overwrite. */
gc_decision gc_delta_planned(const gc_sha *fingerprint, const gc_state_file *state,
                             const gc_tree_file *tree, gc_on_edit on_edit, bool force);

/* A file of the state that the plan no longer has. */
gc_decision gc_delta_orphan(const gc_state_file *state, const gc_tree_file *tree);

#endif
