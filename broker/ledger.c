#include "broker/ledger.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"

#define KEY_SIZE (2 * GC_WIRE_MAX_ID + 2)

typedef struct queue {
    gc_fairq *fair;
    int64_t unserved_ms; /* since when nobody serves it; -1: somebody does */
} queue;

/* Invariants: a ticket is in a lane or has a worker, but for the moment between next() and
 * start() or requeue(). Its job outlives it. `bytes` is the sum of all payloads, `queued`
 * the sum of all lanes. A fair queue lives as long as a job has a lane in it. */
struct gc_ledger {
    gc_map *jobs;
    gc_map *tickets; /* "job/task" */
    gc_map *queues;  /* provider -> queue */
    size_t max_queued;
    size_t max_bytes;
    size_t queued;
    size_t bytes;
    size_t in_flight;
};

gc_ledger *gc_ledger_new(size_t max_queued, size_t max_bytes)
{
    gc_ledger *self = gc_xcalloc(1, sizeof *self);
    self->jobs = gc_map_new();
    self->tickets = gc_map_new();
    self->queues = gc_map_new();
    self->max_queued = max_queued;
    self->max_bytes = max_bytes;
    return self;
}

void gc_ledger_destroy(gc_ledger **self_p)
{
    gc_ledger *self = *self_p;
    if (!self)
        return;
    void *job;
    for (size_t cursor = 0; gc_map_next(self->jobs, &cursor, NULL, &job);) {
        gc_job *mine = job;
        gc_ticket *next;
        for (gc_ticket *ticket = mine->tickets; ticket; ticket = next) {
            next = ticket->job_next;
            gc_ledger_finish(self, &ticket);
        }
        gc_ledger_drop_job(self, &mine);
    }
    gc_map_destroy(&self->jobs);
    gc_map_destroy(&self->tickets);
    gc_map_destroy(&self->queues);
    free(self);
    *self_p = NULL;
}

/* ---- jobs ---- */

gc_job *gc_ledger_find_job(const gc_ledger *self, const char *id)
{
    return gc_map_get(self->jobs, id);
}

gc_job *gc_ledger_require_job(gc_ledger *self, const char *id)
{
    gc_job *job = gc_map_get(self->jobs, id);
    if (job)
        return job;
    job = gc_xcalloc(1, sizeof *job);
    job->id = gc_xstrdup(id);
    gc_map_set(self->jobs, id, job);
    return job;
}

bool gc_ledger_drop_job(gc_ledger *self, gc_job **job_p)
{
    gc_job *job = *job_p;
    if (job->tickets)
        return false;
    for (size_t i = 0; i < job->lane_count; i++) {
        queue *q = gc_map_get(self->queues, job->lanes[i].provider);
        gc_lane_destroy(&job->lanes[i].lane);
        if (gc_fairq_lanes(q->fair) == 0) {
            gc_map_remove(self->queues, job->lanes[i].provider);
            gc_fairq_destroy(&q->fair);
            free(q);
        }
        free(job->lanes[i].provider);
    }
    gc_map_remove(self->jobs, job->id);
    free(job->lanes);
    free(job->id);
    free(job);
    *job_p = NULL;
    return true;
}

static void settle(gc_job *job)
{
    bool parked =
        job->paused || (job->max_in_flight && job->in_flight >= job->max_in_flight);
    if (parked == job->parked)
        return;
    job->parked = parked;
    for (size_t i = 0; i < job->lane_count; i++)
        gc_lane_park(job->lanes[i].lane, parked);
}

void gc_job_set_max_in_flight(gc_job *job, int64_t max_in_flight)
{
    job->max_in_flight = max_in_flight;
    settle(job);
}

void gc_job_pause(gc_job *job, bool paused)
{
    job->paused = paused;
    settle(job);
}

static gc_lane *find_lane(const gc_job *job, const char *provider)
{
    for (size_t i = 0; i < job->lane_count; i++)
        if (strcmp(job->lanes[i].provider, provider) == 0)
            return job->lanes[i].lane;
    return NULL;
}

/* NULL: too many providers. */
static gc_lane *require_lane(gc_ledger *self, gc_job *job, const char *provider)
{
    gc_lane *lane = find_lane(job, provider);
    if (lane)
        return lane;
    queue *q = gc_map_get(self->queues, provider);
    if (!q) {
        if (gc_map_count(self->queues) >= GC_LEDGER_MAX_PROVIDERS)
            return NULL;
        q = gc_xcalloc(1, sizeof *q);
        q->fair = gc_fairq_new();
        q->unserved_ms = -1;
        gc_map_set(self->queues, provider, q);
    }
    lane = gc_lane_new(q->fair);
    gc_lane_park(lane, job->parked);
    job->lanes = gc_grow(job->lanes, job->lane_count, &job->lane_cap, sizeof *job->lanes);
    job->lanes[job->lane_count++] = (gc_lane_of){ gc_xstrdup(provider), lane };
    return lane;
}

/* ---- tickets ---- */

static void make_key(char key[KEY_SIZE], const char *job, const char *task)
{
    snprintf(key, KEY_SIZE, "%s/%s", job, task);
}

gc_ticket *gc_ledger_find(const gc_ledger *self, const char *job, const char *task)
{
    char key[KEY_SIZE];
    make_key(key, job, task);
    return gc_ledger_find_key(self, key);
}

gc_ticket *gc_ledger_find_key(const gc_ledger *self, const char *key)
{
    return gc_map_get(self->tickets, key);
}

static gc_ticket *add_ticket(gc_ledger *self, gc_job *job, const char *id)
{
    char key[KEY_SIZE];
    gc_ticket *ticket = gc_xcalloc(1, sizeof *ticket);
    ticket->id = gc_xstrdup(id);
    ticket->job = job;
    ticket->item.owner = ticket;
    ticket->job_next = job->tickets;
    if (ticket->job_next)
        ticket->job_next->job_prev = ticket;
    job->tickets = ticket;
    make_key(key, job->id, id);
    gc_map_set(self->tickets, key, ticket);
    return ticket;
}

static void take_payload(gc_ledger *self, gc_ticket *ticket, gc_wire_task *task)
{
    self->bytes += task->payload_len;
    self->bytes -= ticket->payload_len;
    free(ticket->payload);
    free(ticket->provider);
    ticket->payload = task->payload;
    ticket->payload_len = task->payload_len;
    ticket->provider = gc_xstrdup(task->provider);
    task->payload = NULL;
    task->payload_len = 0;
}

static bool has_room(const gc_ledger *self, const gc_wire_task *task)
{
    return self->queued < self->max_queued &&
           task->payload_len <= self->max_bytes - self->bytes;
}

/* The words of a client about a task that is known already. */
static gc_err submit_known(gc_ledger *self, gc_ticket *ticket, gc_wire_task *task)
{
    if (!ticket->payload) {
        if (task->payload_len > self->max_bytes - self->bytes)
            return GC_EFULL;
        if (!require_lane(self, ticket->job, task->provider))
            return GC_ETOOBIG;
        take_payload(self, ticket, task);
        if (ticket->attempt < task->attempt)
            ticket->attempt = task->attempt;
        return GC_EEXIST;
    }
    if (ticket->worker || task->attempt <= ticket->attempt)
        return GC_EEXIST;
    if (task->payload_len > ticket->payload_len &&
        task->payload_len - ticket->payload_len > self->max_bytes - self->bytes)
        return GC_EFULL;
    gc_lane *lane = require_lane(self, ticket->job, task->provider);
    if (!lane)
        return GC_ETOOBIG;
    take_payload(self, ticket, task);
    ticket->attempt = task->attempt;
    if (ticket->item.lane != lane) { /* another provider than before */
        gc_fairq_remove(&ticket->item);
        gc_lane_push(lane, &ticket->item, false);
    }
    return GC_EEXIST;
}

gc_err gc_ledger_submit(gc_ledger *self, gc_job *job, gc_wire_task *task, int64_t now_ms)
{
    gc_ticket *ticket = gc_ledger_find(self, job->id, task->id);
    if (ticket)
        return submit_known(self, ticket, task);
    if (!has_room(self, task))
        return GC_EFULL;
    gc_lane *lane = require_lane(self, job, task->provider);
    if (!lane)
        return GC_ETOOBIG;
    ticket = add_ticket(self, job, task->id);
    take_payload(self, ticket, task);
    ticket->attempt = task->attempt;
    ticket->since_ms = now_ms;
    gc_lane_push(lane, &ticket->item, false);
    self->queued++;
    return GC_OK;
}

gc_ticket *gc_ledger_next(gc_ledger *self, const char *provider)
{
    const queue *q = gc_map_get(self->queues, provider);
    gc_fairq_item *item = q ? gc_fairq_next(q->fair) : NULL;
    if (!item)
        return NULL;
    self->queued--;
    return item->owner;
}

bool gc_ledger_ready(const gc_ledger *self, const char *provider)
{
    const queue *q = gc_map_get(self->queues, provider);
    return q && gc_fairq_ready(q->fair);
}

/* Out of the queue or away from its worker: the ticket is nowhere then. */
static void detach(gc_ledger *self, gc_ticket *ticket)
{
    gc_worker *worker = ticket->worker;
    if (ticket->item.lane) {
        gc_fairq_remove(&ticket->item);
        self->queued--;
    }
    if (!worker)
        return;
    if (ticket->held_prev)
        ticket->held_prev->held_next = ticket->held_next;
    else
        worker->tickets = ticket->held_next;
    if (ticket->held_next)
        ticket->held_next->held_prev = ticket->held_prev;
    ticket->held_prev = ticket->held_next = NULL;
    ticket->worker = NULL;
    worker->held--;
    self->in_flight--;
    ticket->job->in_flight--;
    settle(ticket->job);
}

static void attach(gc_ledger *self, gc_ticket *ticket, gc_worker *worker)
{
    ticket->worker = worker;
    ticket->held_next = worker->tickets;
    if (ticket->held_next)
        ticket->held_next->held_prev = ticket;
    worker->tickets = ticket;
    worker->held++;
    self->in_flight++;
    ticket->job->in_flight++;
    settle(ticket->job);
}

gc_ticket *gc_ledger_adopt(gc_ledger *self, const char *name, gc_worker *worker,
                           int64_t now_ms)
{
    char job[KEY_SIZE];
    const char *slash = strchr(name, '/');
    if (!slash || slash - name > GC_WIRE_MAX_ID || strlen(slash + 1) > GC_WIRE_MAX_ID)
        return NULL;
    snprintf(job, sizeof job, "%.*s", (int)(slash - name), name);
    gc_ticket *ticket = add_ticket(self, gc_ledger_require_job(self, job), slash + 1);
    ticket->provider = gc_xstrdup("");
    ticket->attempt = 1;
    ticket->since_ms = now_ms;
    attach(self, ticket, worker);
    return ticket;
}

void gc_ledger_start(gc_ledger *self, gc_ticket *ticket, gc_worker *worker,
                     int64_t now_ms)
{
    detach(self, ticket);
    attach(self, ticket, worker);
    ticket->since_ms = now_ms;
}

void gc_ledger_requeue(gc_ledger *self, gc_ticket *ticket, int64_t now_ms)
{
    assert(ticket->payload);
    detach(self, ticket);
    gc_lane_push(find_lane(ticket->job, ticket->provider), &ticket->item, true);
    self->queued++;
    ticket->since_ms = now_ms;
}

void gc_ledger_finish(gc_ledger *self, gc_ticket **ticket_p)
{
    char key[KEY_SIZE];
    gc_ticket *ticket = *ticket_p;
    detach(self, ticket);
    if (ticket->job_prev)
        ticket->job_prev->job_next = ticket->job_next;
    else
        ticket->job->tickets = ticket->job_next;
    if (ticket->job_next)
        ticket->job_next->job_prev = ticket->job_prev;
    make_key(key, ticket->job->id, ticket->id);
    gc_map_remove(self->tickets, key);
    self->bytes -= ticket->payload_len;
    free(ticket->payload);
    free(ticket->provider);
    free(ticket->history);
    free(ticket->id);
    free(ticket);
    *ticket_p = NULL;
}

/* ---- questions ---- */

bool gc_ledger_walk(const gc_ledger *self, size_t *cursor, const char **provider)
{
    return gc_map_next(self->queues, cursor, provider, NULL);
}

gc_ticket *gc_ledger_unserved(gc_ledger *self, const char *provider, bool served,
                              int64_t patience_ms, int64_t now_ms)
{
    queue *q = gc_map_get(self->queues, provider);
    if (!q)
        return NULL;
    if (served || q->unserved_ms < 0)
        q->unserved_ms = served ? -1 : now_ms;
    if (served || now_ms - q->unserved_ms < patience_ms)
        return NULL;
    for (gc_lane *lane = NULL; (lane = gc_fairq_walk(q->fair, lane));) {
        gc_fairq_item *first = gc_lane_head(lane);
        gc_ticket *ticket = first ? first->owner : NULL;
        if (ticket && now_ms - ticket->since_ms >= patience_ms)
            return ticket;
    }
    return NULL;
}

int64_t gc_ledger_oldest_ms(const gc_ledger *self)
{
    int64_t oldest = -1;
    void *value;
    for (size_t cursor = 0; gc_map_next(self->queues, &cursor, NULL, &value);) {
        const queue *q = value;
        for (gc_lane *lane = NULL; (lane = gc_fairq_walk(q->fair, lane));) {
            gc_fairq_item *head = gc_lane_head(lane);
            const gc_ticket *ticket = head ? head->owner : NULL;
            if (ticket && (oldest < 0 || ticket->since_ms < oldest))
                oldest = ticket->since_ms;
        }
    }
    return oldest;
}

size_t gc_ledger_queued(const gc_ledger *self, const char *provider)
{
    if (!provider)
        return self->queued;
    const queue *q = gc_map_get(self->queues, provider);
    return q ? gc_fairq_count(q->fair) : 0;
}

size_t gc_ledger_in_flight(const gc_ledger *self)
{
    return self->in_flight;
}

size_t gc_ledger_bytes(const gc_ledger *self)
{
    return self->bytes;
}

size_t gc_ledger_jobs(const gc_ledger *self)
{
    return gc_map_count(self->jobs);
}
