/* Redis, blocking: for the coordinator and the commands that read state. docs/redis.md
 * specifies the keys. One connection, one thread. After GC_EIO/GC_ECLOSED the connection is
 * thrown away and the next call connects again. GC_EAGAIN: Redis is there but refuses for
 * now (loading, out of memory, read-only): try again later. Every call may be repeated.
 * Arguments go as argv, never pasted text. */
#ifndef GC_COMMON_STORE_H
#define GC_COMMON_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/hash.h"
#include "common/models.h"
#include "common/strv.h"
#include "common/task.h"

#define GC_JOB_ID_SIZE 15 /* "j-" + 12 of 0-9a-z + NUL */

typedef struct gc_store gc_store;

/* `url`: redis://[[user]:password@]host[:port][/db], or unix:///path[?db=N]. Connects
 * (5 s) and checks PING. GC_EINVAL: the url; GC_EIO: no connection; `info` says what to do
 * and never shows the password. */
GC_MUST_CHECK gc_err gc_store_open(const char *url, gc_store **out, gc_errinfo *info);
void gc_store_close(gc_store **self_p);

/* What the last failed call ran into, for a message; "" at first. Borrowed. */
const char *gc_store_error(const gc_store *self);

/* The url without its password, for messages. malloc'ed. */
char *gc_store_url_public(const char *url);

/* ---- jobs ---- */
typedef struct gc_job {
    char id[GC_JOB_ID_SIZE];
    char *spec; /* spec name (file's base name) */
    char *project;
    char *state;  /* running, done, failed, interrupted, cancelled, capped */
    char *fcs;    /* sha256 */
    char *owner;  /* host/pid/random */
    char *output; /* sha256 of the absolute output path: no local path in Redis */
    char *model;
    int64_t created_at; /* wall ms */
    int64_t updated_at;
    int64_t level;
    int64_t files_total, files_done, files_failed, files_reused;
    int64_t llm_calls;
    int64_t tokens_input, tokens_cache_write, tokens_cache_read, tokens_output;
    double cost_usd, reserved_usd, unconfirmed_usd;
} gc_job;
void gc_job_release(gc_job *self);

/* Creates the job and makes `owner` its owner for `owner_ttl_ms`. One step. */
GC_MUST_CHECK gc_err gc_store_job_create(gc_store *self, const gc_job *job,
                                         int64_t owner_ttl_ms);

/* Renews the owner's claim; GC_ESTATE: somebody else owns it now. GC_ENOENT: the record is
 * gone (FLUSHALL): create the job again with the same id, and with the cost known so far. */
GC_MUST_CHECK gc_err gc_store_job_renew(gc_store *self, const char *job,
                                        const char *owner, int64_t owner_ttl_ms);

/* Takes over a job whose owner's claim lapsed, or any if `force` (dead owner on this host);
 * GC_EEXIST: `holder` (malloc'ed) names who still renews. GC_ENOENT: no such job. */
GC_MUST_CHECK gc_err gc_store_job_take(gc_store *self, const char *job, const char *owner,
                                       int64_t owner_ttl_ms, bool force, char **holder);

/* How long the owner's claim still runs, in ms; 0: nobody holds one. */
GC_MUST_CHECK gc_err gc_store_job_claim_ms(gc_store *self, const char *job, int64_t *out);

/* Sets the state (only as owner; GC_ESTATE otherwise) and gives the claim up if final. */
GC_MUST_CHECK gc_err gc_store_job_state(gc_store *self, const char *job,
                                        const char *owner, const char *state, bool final);
GC_MUST_CHECK gc_err gc_store_job_set(gc_store *self, const char *job, const char *field,
                                      const char *value);
GC_MUST_CHECK gc_err gc_store_job_get(gc_store *self, const char *job, gc_job *out);

/* Newest first, at most `limit`. */
GC_MUST_CHECK gc_err gc_store_jobs(gc_store *self, size_t limit, gc_strv *ids);

/* Newest job of this output (sha256 of the path) or, if none, of this FCS, that is not
 * done. GC_ENOENT: none. */
GC_MUST_CHECK gc_err gc_store_job_unfinished(gc_store *self, const char *output_sha,
                                             const char *fcs_sha,
                                             char id[GC_JOB_ID_SIZE]);

/* Asks everybody to stop the job: sets gc:job:<id> field cancel=1. */
GC_MUST_CHECK gc_err gc_store_job_cancel(gc_store *self, const char *job);
GC_MUST_CHECK gc_err gc_store_job_cancelled(gc_store *self, const char *job, bool *out);

/* ---- tasks and events ---- */
/* state: queued, running, done, failed, waiting. Stored as short text. */
GC_MUST_CHECK gc_err gc_store_task_set(gc_store *self, const char *job, const char *task,
                                       const char *state, const char *worker,
                                       int64_t attempt, int64_t epoch);
/* Task id -> text lines "id state worker attempt epoch updated_at". */
GC_MUST_CHECK gc_err gc_store_tasks(gc_store *self, const char *job, gc_strv *lines);
/* Appends progress events (JSON texts) to the capped stream, in one round trip. */
GC_MUST_CHECK gc_err gc_store_events_add(gc_store *self, const char *job,
                                         const char *const *json, size_t count);
/* The last `max` of them, the newest first. */
GC_MUST_CHECK gc_err gc_store_events(gc_store *self, const char *job, size_t max,
                                     gc_strv *json);

/* ---- content ---- */
/* Stores a blob under its hash; returns the hash in *sha. */
GC_MUST_CHECK gc_err gc_store_blob_put(gc_store *self, const void *mem, size_t len,
                                       gc_sha *sha);
/* GC_ENOENT: absent. GC_EPROTO: the bytes do not match the hash (the blob is deleted). */
GC_MUST_CHECK gc_err gc_store_blob_get(gc_store *self, const char *sha256, gc_buf *out);
/* Several in one round trip: at most GC_STORE_BLOBS, `out` as many initialised buffers,
 * errs[i] what gc_store_blob_get() would return for each. */
#define GC_STORE_BLOBS 32
void gc_store_blobs_get(gc_store *self, const char *const *sha256, size_t count,
                        gc_buf *out, gc_err *errs);
GC_MUST_CHECK gc_err gc_store_fcs_put(gc_store *self, const char *sha256, const void *mem,
                                      size_t len);
GC_MUST_CHECK gc_err gc_store_fcs_get(gc_store *self, const char *sha256, gc_buf *out);

/* ---- checkpoint and generation cache ---- */
typedef struct gc_store_file {
    const char *path;
    const void *mem;
    size_t len;
} gc_store_file;

/* Records path -> sha256 in the job's checkpoint for each file (blob first, then the entry),
 * a few round trips in all. At an error earlier ones may be recorded. */
GC_MUST_CHECK gc_err gc_store_files_put(gc_store *self, const char *job,
                                        const gc_store_file *files, size_t count);
/* Records it for a blob that is there already; GC_ENOENT: it is not. */
GC_MUST_CHECK gc_err gc_store_file_ref(gc_store *self, const char *job, const char *path,
                                       const char *sha256);
/* The same for many files, a few round trips in all. At GC_ENOENT earlier ones may be
 * recorded. */
GC_MUST_CHECK gc_err gc_store_file_refs(gc_store *self, const char *job,
                                        const char *const *paths, const char *const *shas,
                                        size_t count);
/* "path sha256" lines of the checkpoint, by path. */
GC_MUST_CHECK gc_err gc_store_files(gc_store *self, const char *job, gc_strv *lines);

typedef struct gc_gen {
    char *path;
    char *sha256;
    char *model;
    char *worker;
    gc_usage usage;
    double cost_usd;
    int64_t created_at;
} gc_gen;
void gc_gen_release(gc_gen *self);

/* Looks fingerprints up in one round trip; out[i].sha256 is NULL where absent or where its
 * blob is gone (the record is then dropped). `out` has `count` zeroed entries. */
GC_MUST_CHECK gc_err gc_store_gen_find(gc_store *self, const char *const *fingerprints,
                                       size_t count, gc_gen *out);

/* Drops every lease: only for the owner of a private Redis whose workers are all dead. */
GC_MUST_CHECK gc_err gc_store_clear_leases(gc_store *self);

/* ---- workers and measured models ---- */
typedef struct gc_worker_info {
    char *id;
    char *host;
    char *version;
    char *providers; /* comma separated */
    int64_t pid, slots, busy, seen_at;
} gc_worker_info;
void gc_worker_info_release(gc_worker_info *self);
/* *out malloc'ed array of *count. */
GC_MUST_CHECK gc_err gc_store_workers(gc_store *self, gc_worker_info **out,
                                      size_t *count);

/* Two sums over many calls: their quotient is the figure, weighted as it should be. */
typedef struct gc_ratio {
    int64_t sum, per;
} gc_ratio;

#define GC_MEASURED_KINDS 24

/* Sums over files, for the straight line through what their answers took by what the plan
 * promised of them. */
typedef struct gc_line {
    int64_t files;
    int64_t bytes;    /* promised */
    int64_t tokens;   /* of output */
    int64_t squares;  /* of the bytes of each file */
    int64_t products; /* of bytes and tokens of each file */
} gc_line;

/* What answers for files of one kind took: output tokens, thinking included, per byte that
 * the plan expected, and by what it promised. */
typedef struct gc_measured_kind {
    char name[32];
    gc_ratio output;
    gc_line line;
} gc_measured_kind;

/* Measured figures of a model; zeros where nothing was measured yet. */
typedef struct gc_measured {
    double bytes_per_token; /* of answers, thinking included in the tokens */
    double seconds_per_output_token;
    int64_t calls;
    gc_ratio marked; /* prompt bytes per token, of what the cache mark covers */
    gc_ratio plain;  /* prompt bytes per token, of the rest */
    gc_ratio wait;   /* milliseconds to the first event, per call */
    gc_ratio stream; /* milliseconds from then to the end, per output token */
    gc_measured_kind kinds[GC_MEASURED_KINDS];
    size_t kind_count;
} gc_measured;
#define GC_MEASURED_NAME 160
/* Under which name a model's figures are kept: simulated ones must not mix with real ones. */
void gc_measured_name(const char *model, bool simulated, char out[GC_MEASURED_NAME]);

GC_MUST_CHECK gc_err gc_store_model_get(gc_store *self, const char *model,
                                        gc_measured *out);

/* Adds one call's figures (exponential mean). */
GC_MUST_CHECK gc_err gc_store_model_add(gc_store *self, const char *model,
                                        double bytes_per_token,
                                        double seconds_per_output_token);

/* Adds the sums of `more` (not its means and calls) in one step. Old calls fade: sums
 * that belong together are halved when one of them grows over its bound. Names of kinds are words (a-z, 0-9, '_', '-'). */
GC_MUST_CHECK gc_err gc_store_model_learn(gc_store *self, const char *model,
                                          const gc_measured *more);

/* True if the prefix of this task is in the provider's cache, as far as is known. */
GC_MUST_CHECK gc_err gc_store_prefix_is_warm(gc_store *self, const gc_task *task,
                                             bool *out);

#endif
