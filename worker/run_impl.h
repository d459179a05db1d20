/* The inside of gc_run: run.c (start, time, end), run_claim.c (all that happens before a
 * call), run_call.c (the call and its files), run_result.c (what it cost and what is told).
 *
 * Design notes. `phase` says what the run waits for; every callback looks at it first, since
 * the run may have been ended meanwhile. `pending` counts answers that Redis still owes: a
 * run ends only when it is 0, so that no callback meets a destroyed run. Redis answers in
 * the order of asking, hence a claim after a settle sees its money back, and a commit after
 * a renewal is refused if that found the lease lost. */
#ifndef GC_WORKER_RUN_IMPL_H
#define GC_WORKER_RUN_IMPL_H

#include "worker/answer.h"
#include "worker/call.h"
#include "worker/promises.h"
#include "worker/run.h"

#define RUN_RETRY_STORE_MS 500 /* our own queue to Redis was full */
#define RUN_NEWS_MS 10         /* a call that is over by then is not worth a message */

typedef enum run_phase {
    RUN_QUEUED,
    RUN_CLAIMING,
    RUN_NO_ROOM, /* until due_ms: claim again */
    RUN_BLOBS,
    RUN_LIMIT,
    RUN_PAUSED, /* until due_ms: the provider's limit */
    RUN_PREFIX,
    RUN_WARMING, /* until due_ms: another call warms our prefix */
    RUN_LEASE,   /* ready to send: its turn (until due_ms), or is the lease still ours? */
    RUN_CALLING,
    RUN_BACK_OFF, /* until due_ms */
    RUN_ENDING,
    RUN_ENDED
} run_phase;

typedef enum run_file_state {
    RUN_FILE_WANTED,
    RUN_FILE_COMMITTING,
    RUN_FILE_FINAL /* `outcome` holds */
} run_file_state;

typedef struct run_file {
    gc_run *run;
    size_t index;
    run_file_state state;
    gc_outcome outcome;
    gc_sha sha;
    char *complaint;  /* or NULL */
    bool partial;     /* rejected: `sha` is of what came in its place */
    const char *text; /* while committing: in the answer, or `kept` */
    size_t len;       /* bytes in the answer */
    char *kept;       /* copy for another try */
    bool retry;       /* commit again at the next tick */
    int64_t call;     /* the call that brought it; 0: none */
    gc_usage usage;
    double cost_usd;
} run_file;

typedef struct run_block {
    gc_run *run;
    const gc_block *block;
    gc_text *text; /* held while the request is made; NULL if the block has its own */
} run_block;

struct gc_run {
    const gc_run_env *env;
    void *owner;
    gc_task *task;
    gc_promises *promises; /* of the task's files */
    const gc_key *key;
    int64_t attempt;
    run_phase phase;
    int64_t due_ms; /* of the phases that wait */
    size_t pending;

    run_file *files; /* parallel to the task's */
    gc_claim_file *claims;
    bool claimed;           /* something was taken that must go back */
    bool must_reclaim;      /* the reserve was settled: ask anew before the next call */
    int64_t claim_ms;       /* when the last claim was sent */
    int64_t renew_ms;       /* when the last renewal was sent */
    int64_t lease_until_ms; /* counted from the sending: never later than Redis counts */
    int64_t renew_at_ms;
    bool renewing;
    int64_t no_room_since_ms; /* 0: there was room */

    run_block *blocks; /* system, then user */
    size_t block_count;
    size_t blocks_missing;
    gc_err block_err;

    bool has_prefix;
    gc_sha prefix;
    bool warming;       /* others wait for our first event */
    bool keeping;       /* the claim on the prefix is being renewed */
    int64_t keep_at_ms; /* when it must be, next */
    int64_t warm_since_ms;
    bool unmarked;         /* waited long enough: goes without touching the cache */
    gc_booking booked;     /* our share of the provider's limits, or our place in line */
    bool asking_limit;     /* Redis has not answered yet */
    int64_t slot_since_ms; /* waiting for a free slot; 0: no */
    int64_t limit_ms;      /* when Redis last let us go */

    gc_call *call;
    gc_answer *answer;
    int64_t call_number;
    int64_t call_started_ms;
    gc_usage call_usage; /* as told at the start of the message */
    size_t call_files;
    uint64_t call_bytes;
    int64_t progress_ms;
    int64_t news_at_ms; /* when the call is to be told of; 0: it was */
    gc_patience patience;

    gc_result *result;
    bool recorded_done; /* a settle wrote state "done" and took the reserve */
    bool released;
    const char *reason; /* "" = DONE */
    char *text;         /* why it failed, or NULL */
};

/* ---- run.c ---- */
void run_wait(gc_run *self, run_phase phase, int64_t wait_ms);
void run_end(gc_run *self, const char *reason, const char *text);
/* After every answer of Redis. False: the store is closing, or the run ends and this was
 * only waited for; nothing more is to be done with it. */
bool run_answered(gc_run *self, gc_err err);
/* Goes on with an end that waited for answers. The last thing a callback does. */
void run_go_on_ending(gc_run *self);
size_t run_wanted(const gc_run *self);
/* Money of the job may have become free: those that wait for it look again. */
void run_tell_settled(gc_run *self);
/* Nothing was paid or stored by it: another worker may as well do the task. */
bool run_costs_nothing(const gc_run *self);

/* ---- run_claim.c ---- */
void run_claim(gc_run *self);
void run_renew(gc_run *self);
void run_get_blocks(gc_run *self);
void run_ask_limit(gc_run *self);
void run_ask_prefix(gc_run *self);
void run_stop_warming(gc_run *self);
void run_keep_warming(gc_run *self);

/* Corrects the booking by what the call really took; NULL: nothing was sent. */
void run_settle_limit(gc_run *self, const gc_usage *usage);
void run_check_lease(gc_run *self);

/* ---- run_call.c ---- */
void run_call(gc_run *self);
/* Ends the call that runs, if one does; what it cost is settled. */
void run_abort_call(gc_run *self);
void run_commit(run_file *file);
/* To the coordinator: it is being called, or answers already. */
void run_tell_call(gc_run *self);

/* ---- run_result.c ---- */
/* Adds the call to the result and settles it with the job. */
void run_account(gc_run *self, const gc_call_end *end);
void run_fill_result(gc_run *self);

#endif
