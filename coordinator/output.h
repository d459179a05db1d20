/* The output folder: confined, atomic writes, hand edits respected, state.json kept. */
#ifndef GC_COORDINATOR_OUTPUT_H
#define GC_COORDINATOR_OUTPUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/fs.h"
#include "coordinator/delta.h"
#include "coordinator/seen.h"
#include "coordinator/state.h"

/* Held by whoever works on the folder. */
#define GC_OUTPUT_LOCK ".gocreator/lock"

typedef struct gc_output gc_output;

/* Opens `dir` for work: makes it, takes the lock, reads the state, writes
 * .gocreator/.gitignore. `use_state` false: an empty state, whatever the file says.
 * GC_EEXIST: another coordinator works on it. GC_EPROTO: damaged state. */
GC_MUST_CHECK gc_err gc_output_open(const char *dir, const char *state_file,
                                    bool use_state, gc_output **out, gc_errinfo *info);

/* Opens it for looking only: nothing is made or locked; a missing folder is an empty tree. */
GC_MUST_CHECK gc_err gc_output_peek(const char *dir, const char *state_file,
                                    bool use_state, gc_output **out, gc_errinfo *info);

/* From looking to work: as gc_output_open(). What was found out so far counts unless somebody
 * else has written the state meanwhile, which is read again then. */
GC_MUST_CHECK gc_err gc_output_begin(gc_output *self, const char *dir, gc_errinfo *info);
void gc_output_close(gc_output **self_p);

/* What earlier looks found out: files with the stamp of then are not read again. Without it,
 * or when it is damaged, all are. */
void gc_output_recall(gc_output *self);

/* Adds what is known of `path` to `seen`, if it was looked at and nothing was done to it.
 * False: there is nothing to add. `path` outlives `seen`. */
bool gc_output_remember(const gc_output *self, const char *path, gc_seen *seen);

/* Of the state file as it was read, and is: false if there was none or it has changed. */
bool gc_output_state_stamp(const gc_output *self, gc_stamp *stamp,
                           unsigned char sha[GC_SHA_RAW]);

/* Writes `seen` unless that is what was recalled. Failing costs time only. */
void gc_output_save_seen(gc_output *self, const gc_seen *seen);

/* What was recalled, if state and tree are still as it says: as far as was looked ahead. Else
 * NULL. Borrowed. */
const gc_seen *gc_output_as_recalled(const gc_output *self);

/* Adds what the checkpoint at `path` knows of files that stand as it says: those that a run
 * wrote which never came to its end. GC_ENOENT: there is none; a damaged one is refused whole. */
GC_MUST_CHECK gc_err gc_output_recover(gc_output *self, const char *path,
                                       gc_errinfo *info);

/* A file that a job made, says its checkpoint in Redis. If that is what stands there and the
 * state does not know the path, it gets an entry: the file is ours. */
void gc_output_adopt(gc_output *self, const char *path, const char *sha256);

/* NULL when only peeking into a folder that does not exist. Borrowed. */
gc_root *gc_output_root(gc_output *self);
gc_state *gc_output_state(gc_output *self);

/* The file is as git left it in a merge with conflicts: the state is that of both sides. */
bool gc_output_state_merged(const gc_output *self);

/* What stands at `path` now. `ours`: set of sha256 that are known to be generated. */
GC_MUST_CHECK gc_err gc_output_look(gc_output *self, const char *path, const gc_map *ours,
                                    gc_tree_file *out, gc_errinfo *info);

/* Looks at every file of the state, for the first gc_output_look() at each. `stop`: end early
 * once it is true. */
void gc_output_look_ahead(gc_output *self, const atomic_bool *stop);

typedef struct gc_made {
    const char *path;
    const char *mem;
    size_t len;
    gc_sha fingerprint;
    const char *how;
    const char *sources;
    const char *base; /* text that the edit started from, or NULL: for merge */
    size_t base_len;
} gc_made;

typedef enum gc_put {
    GC_PUT_WRITTEN,
    GC_PUT_SAME,   /* the same bytes stood there already */
    GC_PUT_BESIDE, /* the edit stays, the new text is in PATH.gc-new */
    GC_PUT_MERGED,
    GC_PUT_CONFLICT /* merge did not succeed: as BESIDE */
} gc_put;

/* A file of several that are put together. */
typedef struct gc_put_file {
    gc_made made;
    gc_action action;
    gc_put put;      /* out, if `err` is GC_OK */
    gc_err err;      /* out */
    gc_errinfo info; /* out: why not */
} gc_put_file;

/* Writes made files as decided and records them in the state, with a few waits for the disk in
 * all. What is no longer as gc_output_look saw it was edited meanwhile: like GC_MAKE_BESIDE.
 * The state has those whose `err` is GC_OK. Returns the first error. */
GC_MUST_CHECK gc_err gc_output_put_all(gc_output *self, gc_put_file *files, size_t count,
                                       gc_on_edit on_edit);

/* Records that the user's edit stands for these inputs. */
GC_MUST_CHECK gc_err gc_output_keep(gc_output *self, const char *path,
                                    const gc_sha *fingerprint, gc_errinfo *info);

/* Removes an orphan and its state entry. */
GC_MUST_CHECK gc_err gc_output_remove(gc_output *self, const char *path,
                                      gc_errinfo *info);

/* API digest of the text that stands at `path` (of the whole text if it is no Go). */
GC_MUST_CHECK gc_err gc_output_api(gc_output *self, const char *path, gc_sha *out,
                                   gc_errinfo *info);

/* The specification that the state is of, once all its files stand: its sha256. */
void gc_output_set_fcs(gc_output *self, const char *sha256);

/* Writes the state file, atomically; one that says the same already stays untouched. */
GC_MUST_CHECK gc_err gc_output_save(gc_output *self, gc_errinfo *info);

#endif
