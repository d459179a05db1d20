#include <stdlib.h>
#include <string.h>

#include "broker/route_impl.h"
#include "common/mem.h"

/* A job without tickets is forgotten. */
static void drop_if_empty(gc_route *self, gc_job *job)
{
    if (job->tickets)
        return;
    route_leave_job(job);
    gc_ledger_drop_job(self->ledger, &job);
}

/* Takes the ticket out of the ledger; its worker has room again. */
static void finish(gc_route *self, gc_ticket *ticket)
{
    gc_job *job = ticket->job;
    gc_worker *worker = ticket->worker;
    gc_ledger_finish(self->ledger, &ticket);
    if (worker)
        gc_roster_update(worker);
    drop_if_empty(self, job);
}

/* To the job's client, or nowhere: the truth is in Redis. */
static void forward(gc_route *self, const gc_job *job, const gc_wire *message)
{
    if (job->client)
        route_post(self, job->client, message);
    else
        route_count(self, GC_STAT_NO_CLIENT);
}

static void fail_ticket(gc_route *self, gc_ticket *ticket, const char *reason,
                        const char *text, gc_stat stat)
{
    gc_wire fail;
    gc_wire_init(&fail, GC_FAIL);
    fail.job = ticket->job->id;
    fail.task = ticket->id;
    fail.attempt = ticket->attempt;
    fail.reason = (char *)reason;
    fail.text = (char *)text;
    route_count(self, stat);
    forward(self, ticket->job, &fail);
    finish(self, ticket);
}

static void send_cancel(gc_route *self, gc_worker *worker, const char *job,
                        const char *task, bool unbegun)
{
    gc_wire cancel;
    gc_wire_init(&cancel, GC_CANCEL);
    cancel.unbegun = unbegun;
    cancel.job = (char *)job;
    cancel.task = (char *)task;
    route_post(self, worker->owner, &cancel);
}

/* ---- from clients ---- */

static void send_busy(gc_route *self, gc_peer *peer, const char *job, const gc_strv *ids)
{
    gc_wire busy;
    gc_wire_init(&busy, GC_BUSY);
    busy.job = (char *)job;
    busy.task_ids = *ids;
    busy.retry_ms = GC_ROUTE_BUSY_RETRY_MS;
    self->stats.counters[GC_STAT_BUSY] += ids->count;
    route_post(self, peer, &busy);
}

static void refuse_task(gc_route *self, gc_peer *peer, const char *job,
                        const gc_wire_task *task)
{
    gc_wire fail;
    gc_wire_init(&fail, GC_FAIL);
    fail.job = (char *)job;
    fail.task = task->id;
    fail.attempt = task->attempt;
    fail.reason = (char *)GC_FAIL_BAD_TASK;
    fail.text = (char *)"the broker holds tasks of too many providers";
    route_count(self, GC_STAT_BAD_TASK);
    route_post(self, peer, &fail);
}

void route_on_submit(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms)
{
    gc_strv busy = { 0 };
    gc_job *job = gc_ledger_require_job(self->ledger, message->job);
    route_join_job(self, peer, job);
    gc_job_set_max_in_flight(job, message->max_in_flight);
    for (size_t i = 0; i < message->task_count; i++) {
        gc_wire_task *task = &message->tasks[i];
        gc_err err =
            self->draining ? GC_EFULL : gc_ledger_submit(self->ledger, job, task, now_ms);
        if (err == GC_EFULL)
            gc_strv_add(&busy, task->id);
        else if (err == GC_ETOOBIG)
            refuse_task(self, peer, job->id, task);
        else
            route_count(self, err ? GC_STAT_KNOWN : GC_STAT_SUBMITTED);
    }
    if (busy.count)
        send_busy(self, peer, job->id, &busy);
    gc_strv_release(&busy);
    drop_if_empty(self, job);
}

static void cancel_ticket(gc_route *self, gc_ticket *ticket, const gc_wire *message)
{
    gc_worker *worker = ticket->worker;
    if (!worker) {
        fail_ticket(self, ticket, GC_FAIL_CANCELLED, "cancelled while queued",
                    GC_STAT_CANCELLED);
    } else if (worker->stamp != self->stamps) {
        worker->stamp = self->stamps; /* one CANCEL per worker */
        send_cancel(self, worker, ticket->job->id, message->task, message->unbegun);
    }
}

void route_on_cancel(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms)
{
    (void)now_ms;
    self->stamps++;
    route_note(self, GC_LOG_INFO, "job.cancel", "job=%s task=%s by=%s", message->job,
               message->task, peer->id);
    if (*message->task) {
        gc_ticket *one = gc_ledger_find(self->ledger, message->job, message->task);
        if (one)
            cancel_ticket(self, one, message);
        return;
    }
    gc_job *job = gc_ledger_find_job(self->ledger, message->job);
    gc_ticket *next;
    for (gc_ticket *ticket = job ? job->tickets : NULL; ticket; ticket = next) {
        next = ticket->job_next; /* the job is dropped with its last ticket */
        cancel_ticket(self, ticket, message);
    }
}

/* ---- from workers ---- */

/* The ticket that the worker's message is about; NULL: counted and to be dropped. */
static gc_ticket *find_ticket(gc_route *self, const gc_wire *message)
{
    gc_ticket *ticket = gc_ledger_find(self->ledger, message->job, message->task);
    if (!ticket)
        route_count(self, GC_STAT_UNKNOWN_TASK);
    return ticket;
}

void route_on_progress(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms)
{
    (void)now_ms;
    gc_ticket *ticket = find_ticket(self, message);
    if (!ticket)
        return;
    gc_peer *client = ticket->job->client;
    if (ticket->worker != peer->worker)
        route_count(self, GC_STAT_STALE);
    else if (!client)
        route_count(self, GC_STAT_NO_CLIENT);
    else if (client->blocked || route_send(self, client, message))
        route_count(self, GC_STAT_SLOW); /* the next one will say more */
}

/* DONE counts whoever sends it: the answer is in Redis. Another holder is called off. */
void route_on_done(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms)
{
    (void)now_ms;
    gc_ticket *ticket = find_ticket(self, message);
    if (!ticket)
        return;
    if (ticket->worker && ticket->worker != peer->worker)
        send_cancel(self, ticket->worker, message->job, message->task, false);
    route_count(self, GC_STAT_DONE);
    forward(self, ticket->job, message);
    finish(self, ticket);
}

void route_on_fail(gc_route *self, gc_peer *peer, gc_wire *message, int64_t now_ms)
{
    gc_ticket *ticket = find_ticket(self, message);
    if (!ticket)
        return;
    if (ticket->worker != peer->worker) {
        route_count(self, GC_STAT_STALE); /* whoever holds it now will decide */
        return;
    }
    bool handback = strcmp(message->reason, GC_FAIL_HANDBACK) == 0;
    if (handback && ticket->payload && !self->draining) {
        route_lose_ticket(self, ticket, "handed back", GC_STAT_RETRY_HANDBACK, now_ms);
        return;
    }
    bool cancelled = strcmp(message->reason, GC_FAIL_CANCELLED) == 0;
    route_count(self, cancelled ? GC_STAT_CANCELLED : GC_STAT_FAILED);
    forward(self, ticket->job, message);
    finish(self, ticket);
}

/* ---- losing and finding ---- */

static void add_history(gc_ticket *ticket, const gc_peer *worker, const char *why)
{
    char *old = ticket->history;
    ticket->history =
        gc_xasprintf("%s%sattempt %lld on %s: %s", old ? old : "", old ? "; " : "",
                     (long long)ticket->attempt, worker->id, why);
    free(old);
}

void route_lose_ticket(gc_route *self, gc_ticket *ticket, const char *why, gc_stat retry,
                       int64_t now_ms)
{
    bool counted = retry != GC_STAT_RETRY_HANDBACK;
    gc_worker *worker = ticket->worker;
    gc_job *job = ticket->job;
    if (counted)
        add_history(ticket, worker->owner, why);
    if (!job->client || !ticket->payload) {
        /* Nobody waits, or only the worker knew of it: whoever wants it submits it again. */
        route_count(self, GC_STAT_DROPPED);
        finish(self, ticket);
    } else if (counted && ticket->attempt >= GC_ROUTE_MAX_DEATHS) {
        route_note(self, GC_LOG_WARN, "task.poison", "job=%s task=%s history=\"%s\"",
                   job->id, ticket->id, ticket->history);
        fail_ticket(self, ticket, GC_FAIL_POISON, ticket->history, GC_STAT_POISON);
    } else {
        ticket->attempt += counted;
        route_count(self, retry);
        gc_ledger_requeue(self->ledger, ticket, now_ms);
        gc_roster_update(worker);
    }
}

void route_adopt(gc_route *self, gc_peer *peer, const gc_strv *running, int64_t now_ms)
{
    for (size_t i = 0; i < running->count; i++) {
        const char *name = running->items[i];
        gc_ticket *ticket = gc_ledger_find_key(self->ledger, name);
        if (!ticket)
            gc_ledger_adopt(self->ledger, name, peer->worker, now_ms);
        else if (!ticket->worker)
            gc_ledger_start(self->ledger, ticket, peer->worker, now_ms);
    }
    gc_roster_update(peer->worker);
}

void route_reconcile(gc_route *self, gc_peer *peer, const gc_strv *running,
                     int64_t before_ms, int64_t now_ms)
{
    if (running->count >= GC_WIRE_MAX_RUNNING)
        return; /* it holds more than it can name */
    self->stamps++;
    for (size_t i = 0; i < running->count; i++) {
        gc_ticket *ticket = gc_ledger_find_key(self->ledger, running->items[i]);
        if (ticket)
            ticket->stamp = self->stamps;
    }
    gc_ticket *next;
    for (gc_ticket *ticket = peer->worker->tickets; ticket; ticket = next) {
        next = ticket->held_next;
        if (ticket->stamp == self->stamps || ticket->since_ms > before_ms)
            continue;
        route_lose_ticket(self, ticket, "no longer there", GC_STAT_RETRY_LOST, now_ms);
    }
}

void route_orphan_job(gc_route *self, gc_job *job)
{
    gc_ticket *next;
    route_leave_job(job);
    gc_job_pause(job, false);
    for (gc_ticket *ticket = job->tickets; ticket; ticket = next) {
        next = ticket->job_next;
        if (ticket->worker)
            continue;
        route_count(self, GC_STAT_DROPPED);
        gc_ledger_finish(self->ledger, &ticket);
    }
    drop_if_empty(self, job);
}

static char *unserved_text(const gc_route *self, const char *provider)
{
    gc_strv served = { 0 };
    gc_roster_providers(self->roster, &served);
    gc_strv_sort(&served);
    char *names = gc_strv_join(&served, ", ");
    char *text =
        served.count
            ? gc_xasprintf(
                  "no connected worker serves %s (they serve %s); start one that "
                  "has a key for it",
                  provider, names)
            : gc_xasprintf("no worker with a key for %s is connected; start one",
                           provider);
    free(names);
    gc_strv_release(&served);
    return text;
}

void route_fail_unserved(gc_route *self, int64_t now_ms)
{
    const char *name;
    gc_strv names = { 0 }; /* a copy: a queue goes with its last job */
    for (size_t cursor = 0; gc_ledger_walk(self->ledger, &cursor, &name);)
        gc_strv_add(&names, name);
    for (size_t i = 0; i < names.count; i++) {
        bool served = gc_roster_serving(self->roster, names.items[i]) > 0;
        gc_ticket *ticket;
        while ((ticket = gc_ledger_unserved(self->ledger, names.items[i], served,
                                            GC_ROUTE_NO_WORKER_MS, now_ms))) {
            char *text = unserved_text(self, names.items[i]);
            fail_ticket(self, ticket, GC_FAIL_NO_WORKER, text, GC_STAT_NO_WORKER);
            free(text);
        }
    }
    gc_strv_release(&names);
}

/* ---- sending work ---- */

/* If the worker cannot take it, the ticket is queued again and the worker gets a rest. */
static void assign(gc_route *self, gc_ticket *ticket, gc_worker *worker, int64_t now_ms)
{
    gc_peer *peer = worker->owner;
    gc_wire_task task = { ticket->id, ticket->provider, ticket->attempt, ticket->payload,
                          ticket->payload_len };
    gc_wire message;
    gc_wire_init(&message, GC_TASK);
    message.job = ticket->job->id;
    message.tasks = &task;
    message.task_count = 1;
    gc_err err = route_send(self, peer, &message);
    if (err) {
        gc_ledger_requeue(self->ledger, ticket, ticket->since_ms);
        route_block(self, peer);
        return;
    }
    route_count(self, GC_STAT_DISPATCHED);
    gc_stats_waited(&self->stats, now_ms - ticket->since_ms);
    gc_ledger_start(self->ledger, ticket, worker, now_ms);
    gc_roster_update(worker);
}

void route_dispatch(gc_route *self, int64_t now_ms)
{
    for (bool progress = !self->draining; progress;) {
        const char *provider;
        progress = false;
        for (size_t cursor = 0; gc_ledger_walk(self->ledger, &cursor, &provider);) {
            if (!gc_ledger_ready(self->ledger, provider))
                continue;
            gc_worker *worker = gc_roster_pick(self->roster, provider);
            if (!worker)
                continue;
            assign(self, gc_ledger_next(self->ledger, provider), worker, now_ms);
            progress = true;
        }
    }
}
