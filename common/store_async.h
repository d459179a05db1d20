/* Redis for the worker's event loop: libuv, non-blocking, everything of one loop tick goes
 * out as one pipeline. Reconnects with back-off; reloads scripts on NOSCRIPT. While Redis
 * is away requests wait in a bounded queue and are sent again after reconnecting (every
 * operation here may be repeated safely). One loop, one thread. */
#ifndef GC_COMMON_STORE_ASYNC_H
#define GC_COMMON_STORE_ASYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/err.h"
#include "common/hash.h"
#include "common/limits.h"
#include "common/models.h"
#include "common/task.h"

typedef struct gc_astore gc_astore;

/* Bounds of the queue. Over them a request is answered with GC_EFULL (a claim with
 * GC_EAGAIN: its GC_EFULL speaks of the cap). */
#define GC_ASTORE_MAX_REQUESTS ((size_t)65536)
#define GC_ASTORE_MAX_BYTES ((size_t)256 << 20)

/* Callbacks never run inside the call that asks, and run in the order of asking but for
 * refused arguments (GC_EINVAL, GC_ETOOBIG). A `done` callback may be NULL. */

/* Connects in the background. `url` as in store.h; GC_EINVAL only for a bad url.
 * `on_state(arg, up)` tells every change; until the first up nothing is connected. Redis
 * that refuses (out of memory, read-only, loading, wrong password, ACL) counts as away. */
GC_MUST_CHECK gc_err gc_astore_open(uv_loop_t *loop, const char *url,
                                    void (*on_state)(void *arg, bool up), void *arg,
                                    gc_astore **out, gc_errinfo *info);

/* Closes; callbacks still waiting get GC_ECLOSED before it returns, and must ask nothing
 * more. The memory goes when the loop has run once more. */
void gc_astore_close(gc_astore **self_p);
bool gc_astore_up(const gc_astore *self);

/* Number of requests not answered yet: a drain waits for 0. */
size_t gc_astore_pending(const gc_astore *self);

/* ---- claim: one script for all files of a task ---- */
typedef struct gc_claim_file {
    gc_outcome outcome; /* GC_FILE_REUSED: sha256 set; GC_FILE_WAITING: held by another;
                           GC_FILE_MADE: ours to make, `epoch` set */
    char sha256[GC_SHA_HEX + 1];
    int64_t epoch;
} gc_claim_file;
/* err GC_ESTATE: the job is cancelled; GC_EFULL: the reserve does not fit under the cap now
 * (`running` > 0: other calls will settle, ask again). GC_EAGAIN: our queue is full. `files`
 * is parallel to the task's; NULL on any error. */
typedef void (*gc_claim_cb)(void *arg, gc_err err, const gc_claim_file *files,
                            int64_t running);

/* For each file: gc:gen has it and its blob is there -> reused (also recorded in the job's
 * checkpoint); lease held -> waiting; else the lease is taken with a new epoch for
 * task->lease_ms. Marks the task running. If something is ours to make and
 * task->max_cost_usd > 0, reserves task->reserve_usd in the same script: if it does not fit,
 * nothing is taken. `worker` names the holder: a word that changes with every start of the
 * program. Without task->reuse only what this very job has made is adopted. Claiming again
 * with the same task, worker and attempt gives the same epoch and, after a settle, reserves
 * for the next call. */
void gc_astore_claim(gc_astore *self, const gc_task *task, const char *worker,
                     int64_t attempt, gc_claim_cb cb, void *arg);

/* Renews leases and the reserve; ok[i] false = lost. A lease that lapsed while nobody
 * claimed the file is ours again. Files of other outcomes are always ok. */
typedef void (*gc_renew_cb)(void *arg, gc_err err, const bool *ok, size_t count);
void gc_astore_renew(gc_astore *self, const gc_task *task, const gc_claim_file *claims,
                     const char *worker, gc_renew_cb cb, void *arg);

/* Gives back what is still ours of a task, and its reserve, without a result. */
typedef void (*gc_done_cb)(void *arg, gc_err err);
void gc_astore_release(gc_astore *self, const gc_task *task, const gc_claim_file *claims,
                       const char *worker, const char *state, gc_done_cb cb, void *arg);

/* ---- commit: one script per file, as it completes ---- */
/* If the lease is still worker + epoch (or it lapsed and nobody claimed or made the file
 * since: a paid answer is not thrown away): blob, gc:gen, checkpoint, lease dropped.
 * err GC_ESTATE: the lease is lost (counted in gc:job field stale_results): if the new owner
 * has committed, `sha256` is his, else "". */
typedef void (*gc_commit_cb)(void *arg, gc_err err, const char *sha256);
void gc_astore_commit(gc_astore *self, const gc_task *task, size_t file, int64_t epoch,
                      const char *worker, const void *mem, size_t len,
                      const gc_usage *usage, double cost_usd, gc_commit_cb cb, void *arg);

/* Ends the call: settles the reserve against the true cost, adds usage, calls and cost to the
 * job, sets the task's state ("" leaves it). Call it once for each LLM call; that the store
 * may send it again after a lost reply changes nothing. */
void gc_astore_settle(gc_astore *self, const gc_task *task, const char *worker,
                      int64_t attempt, int64_t call, const gc_usage *usage,
                      double cost_usd, double unconfirmed_usd, const char *state,
                      gc_done_cb cb, void *arg);

/* ---- blobs ---- */
typedef void (*gc_blob_cb)(void *arg, gc_err err, const void *mem, size_t len);
void gc_astore_blob_get(gc_astore *self, const char *sha256, gc_blob_cb cb, void *arg);
void gc_astore_blob_put(gc_astore *self, const void *mem, size_t len, gc_sha *sha,
                        gc_done_cb cb, void *arg);

/* ---- warm prefix: one call writes the cache, the others wait for its first event ---- */
#define GC_PREFIX_CLAIM_MS 5000 /* a dead claimer is noticed after so long */
#define GC_PREFIX_RENEW_MS 1500

typedef enum gc_prefix_state {
    GC_PREFIX_WARM,
    GC_PREFIX_MINE,
    GC_PREFIX_WAIT
} gc_prefix_state;
/* `left_ms`: of a WARM one, until the provider may forget it. */
typedef void (*gc_prefix_cb)(void *arg, gc_err err, gc_prefix_state state,
                             int64_t left_ms);
/* gc:prefix:<provider>:<model>:<sha>: warm and not expired -> WARM; being warmed by another
 * -> WAIT; else MINE for claim_ms. Claiming again keeps it. */
void gc_astore_prefix_claim(gc_astore *self, const gc_task *task, const char *sha256,
                            const char *worker, int64_t claim_ms, gc_prefix_cb cb,
                            void *arg);
/* First event seen: warm until now + ttl_ms (counted from the start of the request). */
void gc_astore_prefix_warm(gc_astore *self, const gc_task *task, const char *sha256,
                           int64_t tokens, int64_t ttl_ms);
/* The warming call failed: let another try. */
void gc_astore_prefix_abandon(gc_astore *self, const gc_task *task, const char *sha256,
                              const char *worker);

/* ---- shared limits of a model, for everybody with the key (`key_id`: its hash) ---- */
typedef struct gc_turn {
    int64_t paused_ms; /* the provider wants nobody to call for so long */
    int64_t wait_ms;   /* then ask again; 0: go */
    int64_t slot;      /* booked, if it may go; else 0 */
    int64_t ticket;    /* to ask again with, if it may not; else 0 */
} gc_turn;
/* `turn` is NULL on any error. */
typedef void (*gc_turn_cb)(void *arg, gc_err err, const gc_turn *turn);

/* May a call go that takes `want`? Then it is booked for now; where nobody knows limits it may.
 * Else it has a place in the line of all who wait, and asks again with want->ticket after
 * wait_ms; a ticket that nobody asks with is worth nothing after a while. With want->slot set,
 * asks whether that booking still holds: it does, and moves to now, unless there is a pause.
 * `window_ms`: GC_LIMIT_WINDOW_MS outside of tests. A repeat after a lost reply may book or
 * wait twice: that errs on the safe side. */
void gc_astore_limit_take(gc_astore *self, const gc_task *task, const char *key_id,
                          int64_t window_ms, const gc_booking *want, gc_turn_cb cb,
                          void *arg);
/* The call of this ticket will not be made. */
void gc_astore_limit_leave(gc_astore *self, const gc_task *task, const char *key_id,
                           int64_t window_ms, int64_t ticket);
/* Adds `error` (what it took less what was booked) to the slot error->slot; output tokens that
 * streamed since (error->streamed, part of what it took) move to the slots until now. */
void gc_astore_limit_settle(gc_astore *self, const gc_task *task, const char *key_id,
                            int64_t window_ms, const gc_booking *error);
void gc_astore_limit_learn(gc_astore *self, const gc_task *task, const char *key_id,
                           int64_t window_ms, const gc_limits *told);
/* Nobody may call for that long. Only ever lengthens a pause. */
void gc_astore_limit_pause(gc_astore *self, const gc_task *task, const char *key_id,
                           int64_t wait_ms);

/* ---- presence ---- */
void gc_astore_worker_seen(gc_astore *self, const char *id, const char *host, int64_t pid,
                           int64_t slots, int64_t busy, const char *providers,
                           int64_t ttl_ms);
void gc_astore_worker_gone(gc_astore *self, const char *id);

/* Adds one call's figures to gc:model:<id>. */
void gc_astore_model_add(gc_astore *self, const char *model, double bytes_per_token,
                         double seconds_per_output_token);

#endif
