/* One task's life: claim its files in Redis, ask the provider for those that are ours, store
 * each as it arrives, settle, report. A state machine driven by callbacks and gc_run_tick.
 * One loop, one thread.
 *
 * What it promises: (1) what it reports as made is stored in Redis; (2) no request is sent
 * and no file stored on a lease that another may hold; (3) trouble of the provider costs
 * patience, not attempts; (4) it always ends, once, by env->ended. */
#ifndef GC_WORKER_RUN_H
#define GC_WORKER_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/keys.h"
#include "common/store_async.h"
#include "common/task.h"
#include "worker/blobs.h"
#include "worker/http.h"
#include "worker/noise.h"
#include "worker/pulse.h"
#include "worker/warm.h"

#define GC_RUN_CAP_WAIT_MS \
    30000 /* for room under the cap, then the task is handed back */
#define GC_RUN_WARM_WAIT_MS 60000 /* for another's first event */
#define GC_RUN_SLOT_WAIT_MS 2000 /* for a slot that was given up; then others may do it */
#define GC_RUN_MAX_UPLOADS 256   /* requests on their way out, of one worker */
#define GC_RUN_PROGRESS_MS 500
#define GC_RUN_NEVER INT64_MAX

/* Counted since the start of the process; for the log. */
typedef struct gc_tally {
    int64_t tasks, done, failed;
    int64_t refused; /* what came was no task that can be taken */
    int64_t requests, answers;
    int64_t not_sent, sent_unknown; /* failed calls: free, or maybe charged */
    int64_t rate_limited;
    int64_t files_made, files_reused, files_rejected, files_waiting;
    int64_t lost_leases;
    int64_t uncached; /* calls whose marked prefix the provider did not cache */
    size_t calls;     /* that run at this moment */
} gc_tally;

typedef struct gc_run gc_run;

/* What all tasks of a worker share. */
typedef struct gc_run_env {
    gc_astore *store;
    gc_http *http;
    gc_blobs *blobs;
    gc_warm *warm;
    gc_pulse *pulse;
    gc_tally *tally;
    gc_noise *noise; /* of failing calls */
    const gc_keys *keys;
    const gc_config *config;
    const char *worker; /* id, for results */
    const char *holder; /* of leases: new at every start of the program */
    /* Call gc_run_tick of all runs not later than then. */
    void (*wake)(void *arg, int64_t due_ms);
    void (*progress)(void *arg, gc_run *run, int64_t bytes, int64_t tokens,
                     const char *phase, const char *path);
    /* The outcome is there. The run must not be destroyed before this has returned. */
    void (*ended)(void *arg, gc_run *run);
    /* Money of this job was given back: runs that wait for room may ask again. */
    void (*settled)(void *arg, const char *job);
    void *arg;
    size_t calls_most; /* at once */
} gc_run_env;

/* Takes the task. Nothing happens before gc_run_start. `owner` is the caller's own. */
gc_run *gc_run_new(const gc_run_env *env, gc_task **task_p, int64_t attempt, void *owner);
void *gc_run_owner(const gc_run *self);

/* Only after it ended, or after the store was closed. */
void gc_run_destroy(gc_run **self_p);

void gc_run_start(gc_run *self);
bool gc_run_started(const gc_run *self);
bool gc_run_ended(const gc_run *self);

/* What it waits for besides work of its own. */
typedef enum gc_run_wait {
    GC_RUN_BUSY,   /* nothing, or a moment */
    GC_RUN_PREFIX, /* another call's first event */
    GC_RUN_PARKED  /* time: a limit, a back-off, money */
} gc_run_wait;
gc_run_wait gc_run_waits(const gc_run *self);

/* It has, or may be getting, an answer that is paid for and not stored. */
bool gc_run_precious(const gc_run *self);

/* Does what is due; when it wants to be called next, GC_RUN_NEVER for not at all. */
int64_t gc_run_tick(gc_run *self, int64_t now_ms);

/* Ends it early: leases go back, what was spent is settled. */
void gc_run_cancel(gc_run *self, const char *text);

/* The same, unless a call is under way or its files are being stored. */
void gc_run_take_back(gc_run *self);

/* Gives it back, if nothing was paid or is being paid for; true if so. */
bool gc_run_hand_back(gc_run *self);

/* Room under the cap of `job` may have appeared. */
void gc_run_money(gc_run *self, const char *job);

const gc_task *gc_run_task(const gc_run *self);

/* After the end. `reason` is "" for DONE, else one of GC_FAIL_*. All borrowed. */
const gc_result *gc_run_result(const gc_run *self);
const char *gc_run_reason(const gc_run *self);
const char *gc_run_text(const gc_run *self);

#endif
