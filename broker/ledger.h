/* What the broker holds: tickets (one per task) of jobs, each queued in the fair queue of
 * its provider or held by a worker. Bounded in tickets and bytes. Pure. */
#ifndef GC_BROKER_LEDGER_H
#define GC_BROKER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/fairq.h"
#include "broker/roster.h"
#include "common/err.h"
#include "common/strv.h"
#include "common/wire.h"

#define GC_LEDGER_MAX_PROVIDERS 64 /* distinct ones that tasks wait for at a time */

typedef struct gc_ledger gc_ledger;
typedef struct gc_job gc_job;
typedef struct gc_peer gc_peer;

struct gc_ticket {
    char *id;
    char *provider; /* "" while only a worker's word is known */
    gc_job *job;
    gc_worker *worker; /* NULL: queued */
    int64_t attempt;
    void *payload; /* NULL: only a worker's word is known, it cannot be sent again */
    size_t payload_len;
    int64_t since_ms; /* queued, or sent */
    char *history;    /* deaths so far, for the one who reads "poison"; or NULL */
    uint64_t stamp;   /* free use by a walk: was it seen */
    /* the ledger's own */
    gc_fairq_item item;
    gc_ticket *job_prev, *job_next;
    gc_ticket *held_prev, *held_next;
};

typedef struct gc_lane_of {
    char *provider;
    gc_lane *lane;
} gc_lane_of;

struct gc_job {
    char *id;
    gc_peer *client; /* newest one that spoke for it; NULL: gone */
    int64_t max_in_flight;
    int64_t in_flight;
    gc_ticket *tickets;
    gc_job *client_prev, *client_next; /* jobs of one client: a list kept by the route */
    /* the ledger's own */
    bool paused;
    bool parked;
    gc_lane_of *lanes;
    size_t lane_count;
    size_t lane_cap;
};

gc_ledger *gc_ledger_new(size_t max_queued, size_t max_bytes);
void gc_ledger_destroy(gc_ledger **self_p);

gc_job *gc_ledger_find_job(const gc_ledger *self, const char *id);
gc_job *gc_ledger_require_job(gc_ledger *self, const char *id);

/* Frees the job if it has no tickets; then *job_p is NULL and true is returned. */
bool gc_ledger_drop_job(gc_ledger *self, gc_job **job_p);
void gc_job_set_max_in_flight(gc_job *job, int64_t max_in_flight);

/* A paused job keeps its queue and gets no turn. */
void gc_job_pause(gc_job *job, bool paused);

gc_ticket *gc_ledger_find(const gc_ledger *self, const char *job, const char *task);

/* By "job/task". */
gc_ticket *gc_ledger_find_key(const gc_ledger *self, const char *key);

/* Queues a task and takes its payload. GC_EEXIST: known already; a queued one takes a higher
 * attempt, one that runs learns its payload. GC_EFULL: no room. GC_ETOOBIG: too many
 * providers. */
GC_MUST_CHECK gc_err gc_ledger_submit(gc_ledger *self, gc_job *job, gc_wire_task *task,
                                      int64_t now_ms);

/* A task that a worker says it runs, though nobody here sent it; in flight at once. NULL if
 * `name` is not "job/task". */
gc_ticket *gc_ledger_adopt(gc_ledger *self, const char *name, gc_worker *worker,
                           int64_t now_ms);

/* Takes the ticket whose turn it is out of the queue; it must then be started or requeued. */
gc_ticket *gc_ledger_next(gc_ledger *self, const char *provider);
bool gc_ledger_ready(const gc_ledger *self, const char *provider);

/* Hands the ticket to `worker`, out of the queue or from another worker. The caller updates
 * the roster for both. */
void gc_ledger_start(gc_ledger *self, gc_ticket *ticket, gc_worker *worker,
                     int64_t now_ms);

/* Back to the front of its queue, from a worker or from gc_ledger_next(). It has a payload. */
void gc_ledger_requeue(gc_ledger *self, gc_ticket *ticket, int64_t now_ms);

/* Forgets the ticket, wherever it is. */
void gc_ledger_finish(gc_ledger *self, gc_ticket **ticket_p);

/* Steps through the providers that tasks are known for: start with *cursor = 0; false at the
 * end. No task may be submitted and no job dropped meanwhile. */
bool gc_ledger_walk(const gc_ledger *self, size_t *cursor, const char **provider);

/* Tells whether any worker serves this provider now. A ticket that was first in its lane for
 * `patience_ms` while nobody did; else NULL. */
gc_ticket *gc_ledger_unserved(gc_ledger *self, const char *provider, bool served,
                              int64_t patience_ms, int64_t now_ms);

/* When the longest waiting first-in-lane was queued; -1: nothing is queued. */
int64_t gc_ledger_oldest_ms(const gc_ledger *self);

size_t gc_ledger_queued(const gc_ledger *self, const char *provider); /* NULL: all */
size_t gc_ledger_in_flight(const gc_ledger *self);
size_t gc_ledger_bytes(const gc_ledger *self);
size_t gc_ledger_jobs(const gc_ledger *self);

#endif
