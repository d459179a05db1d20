#include "worker/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/wire.h"
#include "worker/run_impl.h"

#define MOST_TEXT 1023 /* bytes of what is told about a failure */

/* ---- making and unmaking ---- */

static void add_blocks(gc_run *self, const gc_block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        self->blocks[self->block_count++] = (run_block){ self, &blocks[i], NULL };
}

/* Marks that the provider does not get are none. */
static bool sends_marks(const gc_task *task)
{
    return strcmp(task->provider, "openai") == 0 ? task->openai_cache
                                                 : task->model.cache_min_tokens > 0;
}

gc_run *gc_run_new(const gc_run_env *env, gc_task **task_p, int64_t attempt, void *owner)
{
    gc_run *self = gc_xcalloc(1, sizeof *self);
    gc_task *task = *task_p;
    *task_p = NULL;
    self->env = env;
    self->owner = owner;
    self->task = task;
    self->promises = gc_promises_new(task);
    self->attempt = attempt;
    self->key = gc_keys_find(env->keys, task->provider);
    self->reason = "";
    self->result = gc_result_new();
    self->files = gc_xcalloc(task->file_count, sizeof *self->files);
    self->claims = gc_xcalloc(task->file_count, sizeof *self->claims);
    for (size_t i = 0; i < task->file_count; i++) {
        self->files[i].run = self;
        self->files[i].index = i;
        self->claims[i].outcome = GC_FILE_WAITING; /* nothing is ours yet */
    }
    self->blocks =
        gc_xcalloc(task->system_count + task->user_count, sizeof *self->blocks);
    add_blocks(self, task->system, task->system_count);
    add_blocks(self, task->user, task->user_count);
    self->has_prefix = sends_marks(task) && gc_task_prefix(task, &self->prefix);
    env->tally->tasks++;
    return self;
}

void gc_run_destroy(gc_run **self_p)
{
    gc_run *self = *self_p;
    gc_call_end end;
    if (!self)
        return;
    if (self->call)
        gc_call_abort(&self->call, &end); /* the store is closed: nobody counts it */
    for (size_t i = 0; i < self->block_count; i++)
        gc_text_drop(&self->blocks[i].text);
    for (size_t i = 0; i < self->task->file_count; i++) {
        free(self->files[i].complaint);
        free(self->files[i].kept);
    }
    free(self->files);
    free(self->claims);
    free(self->blocks);
    free(self->text);
    gc_answer_destroy(&self->answer);
    gc_result_destroy(&self->result);
    gc_promises_destroy(&self->promises);
    gc_task_destroy(&self->task);
    free(self);
    *self_p = NULL;
}

/* ---- questions ---- */

bool gc_run_started(const gc_run *self)
{
    return self->phase != RUN_QUEUED;
}

bool gc_run_ended(const gc_run *self)
{
    return self->phase == RUN_ENDED;
}

void *gc_run_owner(const gc_run *self)
{
    return self->owner;
}

const gc_task *gc_run_task(const gc_run *self)
{
    return self->task;
}

const gc_result *gc_run_result(const gc_run *self)
{
    return self->result;
}

const char *gc_run_reason(const gc_run *self)
{
    return self->reason;
}

const char *gc_run_text(const gc_run *self)
{
    return self->text ? self->text : "";
}

size_t run_wanted(const gc_run *self)
{
    size_t count = 0;
    for (size_t i = 0; i < self->task->file_count; i++)
        count += self->files[i].state == RUN_FILE_WANTED;
    return count;
}

static bool is_committing(const gc_run *self)
{
    for (size_t i = 0; i < self->task->file_count; i++)
        if (self->files[i].state == RUN_FILE_COMMITTING)
            return true;
    return false;
}

bool gc_run_precious(const gc_run *self)
{
    return self->phase == RUN_CALLING || is_committing(self) ||
           (self->phase == RUN_ENDING && self->result->calls > 0);
}

/* ---- time ---- */

void run_wait(gc_run *self, run_phase phase, int64_t wait_ms)
{
    self->phase = phase;
    self->due_ms = gc_clock_ms() + wait_ms;
    self->env->wake(self->env->arg, self->due_ms);
}

static void on_due(gc_run *self)
{
    switch (self->phase) {
    case RUN_NO_ROOM: run_claim(self); break;
    case RUN_PAUSED: run_ask_limit(self); break;
    case RUN_WARMING: run_ask_prefix(self); break;
    case RUN_LEASE: run_check_lease(self); break;
    case RUN_BACK_OFF:
        if (self->must_reclaim)
            run_claim(self);
        else
            run_get_blocks(self); /* the call before let go of them */
        break;
    case RUN_QUEUED:
    case RUN_CLAIMING:
    case RUN_BLOBS:
    case RUN_LIMIT:
    case RUN_PREFIX:
    case RUN_CALLING:
    case RUN_ENDING:
    case RUN_ENDED: break;
    }
}

gc_run_wait gc_run_waits(const gc_run *self)
{
    switch (self->phase) {
    case RUN_WARMING: return GC_RUN_PREFIX;
    case RUN_NO_ROOM:
    case RUN_PAUSED:
    case RUN_BACK_OFF: return GC_RUN_PARKED;
    default: return GC_RUN_BUSY;
    }
}

static bool waits(const gc_run *self)
{
    return self->phase == RUN_NO_ROOM || self->phase == RUN_PAUSED ||
           self->phase == RUN_WARMING || self->phase == RUN_BACK_OFF ||
           (self->phase == RUN_LEASE && !self->renewing);
}

static void retry_commits(gc_run *self)
{
    for (size_t i = 0; i < self->task->file_count; i++) {
        run_file *file = &self->files[i];
        if (file->state != RUN_FILE_COMMITTING || !file->retry)
            continue;
        file->retry = false;
        run_commit(file);
    }
}

/* A claim that is on its way renews by itself, and may change the epoch: a renewal sent
 * meanwhile would speak of the old one and look lost. */
static bool holds_leases(const gc_run *self)
{
    return self->claimed && self->phase < RUN_ENDING && self->phase != RUN_CLAIMING &&
           run_wanted(self) > 0;
}

int64_t gc_run_tick(gc_run *self, int64_t now_ms)
{
    int64_t next = GC_RUN_NEVER;
    if (self->phase != RUN_CLAIMING) /* it may bring another epoch */
        retry_commits(self);
    else if (is_committing(self))
        next = now_ms + RUN_RETRY_STORE_MS;
    if (holds_leases(self) && now_ms >= self->renew_at_ms && !self->renewing)
        run_renew(self);
    if (self->warming && now_ms >= self->keep_at_ms)
        run_keep_warming(self);
    if (self->warming && self->keep_at_ms < next)
        next = self->keep_at_ms;
    if (self->phase == RUN_CALLING && self->news_at_ms && now_ms >= self->news_at_ms)
        run_tell_call(self);
    if (self->phase == RUN_CALLING && self->news_at_ms && self->news_at_ms < next)
        next = self->news_at_ms;
    if (self->phase == RUN_WARMING &&
        gc_warm_is(self->env->warm, self->prefix.hex, now_ms))
        self->due_ms = now_ms;
    if (waits(self) && now_ms >= self->due_ms)
        on_due(self);
    if (waits(self) && self->due_ms < next)
        next = self->due_ms;
    if (holds_leases(self) && self->renew_at_ms < next)
        next = self->renew_at_ms;
    return next;
}

/* ---- the end ---- */

static bool has_outcome(const gc_run *self, gc_outcome outcome)
{
    for (size_t i = 0; i < self->task->file_count; i++)
        if (self->files[i].state == RUN_FILE_FINAL && self->files[i].outcome == outcome)
            return true;
    return false;
}

/* What remains to be given back: leases of files that we did not make, a reserve. */
static bool must_release(const gc_run *self)
{
    if (!self->claimed)
        return false;
    return !self->recorded_done || has_outcome(self, GC_FILE_REJECTED) ||
           has_outcome(self, GC_FILE_WAITING);
}

/* The task's state for people; "" leaves what the settle wrote. */
static const char *final_state(const gc_run *self)
{
    if (strcmp(self->reason, GC_FAIL_HANDBACK) == 0)
        return "queued";
    if (strcmp(self->reason, GC_FAIL_CANCELLED) == 0)
        return "cancelled";
    if (*self->reason)
        return "failed";
    return self->recorded_done                  ? ""
           : has_outcome(self, GC_FILE_WAITING) ? "waiting"
                                                : "done";
}

static void on_released(void *arg, gc_err err)
{
    gc_run *self = arg;
    if (err && err != GC_ECLOSED) /* then the leases lapse by themselves */
        gc_log_warn("task.release_failed", "task=%s/%s error=\"%s\"", self->task->job,
                    self->task->id, gc_err_str(err));
    if (run_answered(self, err))
        run_go_on_ending(self);
}

void run_tell_settled(gc_run *self)
{
    if (self->task->max_cost_usd > 0) /* nobody waits for money that has no cap */
        self->env->settled(self->env->arg, self->task->job);
}

void run_go_on_ending(gc_run *self)
{
    if (self->phase != RUN_ENDING || self->pending > 0 || is_committing(self))
        return;
    if (!self->released && must_release(self)) {
        self->released = true;
        self->pending++;
        gc_astore_release(self->env->store, self->task, self->claims, self->env->holder,
                          final_state(self), on_released, self);
        return;
    }
    if (self->released)
        run_tell_settled(self);
    self->phase = RUN_ENDED;
    run_fill_result(self);
    self->env->ended(self->env->arg, self);
}

void run_end(gc_run *self, const char *reason, const char *text)
{
    if (self->phase >= RUN_ENDING)
        return;
    self->phase = RUN_ENDING;
    self->reason = reason;
    if (*text)
        self->text = gc_xasprintf("%.*s", MOST_TEXT, text);
    run_abort_call(self);
    run_stop_warming(self);
    run_settle_limit(self, NULL);
    run_go_on_ending(self);
}

bool run_answered(gc_run *self, gc_err err)
{
    self->pending--;
    return err != GC_ECLOSED;
}

void gc_run_start(gc_run *self)
{
    bool has_key =
        self->key && (*self->key->secret || strcmp(self->task->provider, "openai") == 0);
    if (!has_key)
        run_end(self, GC_FAIL_AUTH, "this worker has no key for the provider");
    else
        run_claim(self);
}

void gc_run_cancel(gc_run *self, const char *text)
{
    run_end(self, GC_FAIL_CANCELLED, text);
}

/* What was sent may be paid for, and what came of it may still be stored. */
static bool is_under_way(const gc_run *self)
{
    return self->phase == RUN_CALLING || self->phase >= RUN_ENDING || is_committing(self);
}

/* Who paid keeps the task: its figures would be lost. */
bool run_costs_nothing(const gc_run *self)
{
    return !is_under_way(self) && self->result->calls == 0 &&
           self->result->unconfirmed_usd <= 0;
}

void gc_run_take_back(gc_run *self)
{
    if (!is_under_way(self))
        run_end(self, GC_FAIL_CANCELLED, "taken back before it was sent");
}

bool gc_run_hand_back(gc_run *self)
{
    if (!run_costs_nothing(self))
        return false;
    run_end(self, GC_FAIL_HANDBACK, "the worker drains");
    return true;
}

void gc_run_money(gc_run *self, const char *job)
{
    if (self->phase == RUN_NO_ROOM && strcmp(self->task->job, job) == 0)
        run_wait(self, RUN_NO_ROOM, 0);
}
