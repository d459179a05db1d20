/* The decision list: what happens to every file of the plan, and to those that the plan no
 * longer has. Specification (plan and fingerprints), state and tree go in as values, the
 * list comes out. Pure: no file, no clock, no Redis. `generate`, `--dry-run`, `explain` and
 * `check` all read this one list.
 *
 * A fingerprint holds the API digests of real dependencies, so the list is advanced as these
 * become known:
 *
 *     while (gc_decider_next(d, how, &file)) {
 *         fingerprint = ... gc_decider_apis(d, file) ...
 *         gc_decider_decide(d, file, &fingerprint, &tree);
 *         if (gc_decider_stands(d, file))
 *             gc_decider_settle(d, file, &api);      // of what stands on disk
 *     }
 *
 * A file that is made is settled once it is on disk. Until then those that really depend on it
 * stay GC_PENDING; if its API comes out as it was, their fingerprints are what they were, and
 * they are kept: the wave of changes ends there. */
#ifndef GC_COORDINATOR_DECIDE_H
#define GC_COORDINATOR_DECIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/hash.h"
#include "coordinator/delta.h"
#include "coordinator/plan.h"
#include "coordinator/state.h"

typedef struct gc_decider gc_decider;

typedef struct gc_decide_options {
    gc_on_edit on_edit;
    bool force; /* every file is made */

    /* Every file is made but those of ours that stand: what a resumed job has paid for is not
     * paid again. The state counts for the sake of hand edits only. */
    bool baseline;

    /* The run before never came to its end: what seems to be edited may be what it wrote,
     * until gc_decider_reopen(). */
    bool unfinished;
} gc_decide_options;

/* A planned file, as far as it is decided. */
typedef struct gc_decided {
    gc_decision decision; /* GC_PENDING until it is decided */
    gc_sha fingerprint;   /* "" while pending */
    gc_sha api; /* settled: of what stands there. Before: of the last run, or "" */
    bool settled;
    bool api_changed; /* settled: it is not that of the last run */
    bool taken;       /* gc_decider_next() gave it away */
    size_t blockers;  /* real dependencies that are not settled */
} gc_decided;

/* A file of the state that the plan no longer has. */
typedef struct gc_orphan {
    char *path;
    gc_decision decision; /* GC_PENDING until it is decided */
} gc_orphan;

/* Nothing is decided yet. Borrows both; the state may change between the calls, as files are
 * written: an entry is read when its file is decided. */
gc_decider *gc_decider_new(const gc_plan *plan, const gc_state *state,
                           gc_decide_options options);
void gc_decider_destroy(gc_decider **self_p);

/* A file of this kind that can be decided now; each is given once. Those that just became
 * free come first, then the others in the order of the plan. False: none. */
bool gc_decider_next(gc_decider *self, gc_file_how how, size_t *file);

/* There may be more for gc_decider_next(), of either kind. */
bool gc_decider_more(const gc_decider *self);

/* One entry per edge of the file: the API behind it if it is a real one, else "". For
 * gc_fingerprint_llm(). Borrowed until the next call. */
const gc_sha *gc_decider_apis(gc_decider *self, size_t file);

/* Decides a file that gc_decider_next() gave. */
gc_decision gc_decider_decide(gc_decider *self, size_t file, const gc_sha *fingerprint,
                              const gc_tree_file *tree);

/* What stands at a decided file's path is final, and this is its API ("" will do for a file
 * without dependents). */
void gc_decider_settle(gc_decider *self, size_t file, const gc_sha *api);

/* What stands at a decided file's path stays, nothing is to be made; and there is no doubt. */
bool gc_decider_stands(const gc_decider *self, size_t file);

/* What a run that never ended has left is not known yet: GC_WHY_DOUBTED may be no edits, and
 * files may lie around that neither plan nor state have. */
bool gc_decider_doubts(const gc_decider *self);

/* What is decided but not settled is open again, and so are the orphans, which are looked for
 * anew: now all is known that may be ours. */
void gc_decider_reopen(gc_decider *self);

/* For one who will not make anything: what is sure of a file that is pending. The fingerprint
 * is made with gc_decider_last_apis(), the APIs of the last run where those of now are not
 * known: if it is that of the last run, only another API can change the file. */
const gc_sha *gc_decider_last_apis(gc_decider *self, size_t file);
void gc_decider_foresee(gc_decider *self, size_t file, const gc_sha *fingerprint);

/* ---- reading the list ---- */

const gc_decided *gc_decider_file(const gc_decider *self, size_t file);

/* Those with a real edge to `file`, ascending; their count. Borrowed. */
size_t gc_decider_dependents(const gc_decider *self, size_t file, const size_t **list);

/* The first real dependency that keeps a file pending, or -1. */
long gc_decider_waits_for(const gc_decider *self, size_t file);

/* The sentence for a planned file: the words of its reason, or what it waits for. */
#define GC_WHY_SIZE 600
void gc_decider_why(const gc_decider *self, size_t file, char out[GC_WHY_SIZE]);

/* By path. Each is decided when its place in the tree was looked at. */
size_t gc_decider_orphans(const gc_decider *self);
const gc_orphan *gc_decider_orphan(const gc_decider *self, size_t orphan);
gc_decision gc_decider_decide_orphan(gc_decider *self, size_t orphan,
                                     const gc_tree_file *tree);

#endif
