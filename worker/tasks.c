#include "worker/tasks.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/map.h"
#include "common/mem.h"

#define RESULT_LIMIT ((size_t)8 << 20)
#define USUAL_BYTES 500 /* most results fit: they do not grow step by step */
#define NEWS_LIMIT ((size_t)8 << 10)
#define RESEND_MS 50 /* an end that the broker did not take yet */

typedef struct slot {
    gc_tasks *tasks;
    gc_session *from;
    gc_run *run;
    char *name;      /* "job/task" */
    int64_t attempt; /* of the latest TASK */
    struct slot *next_dead;
} slot;

struct gc_tasks {
    gc_run_env *env;
    size_t slots;
    size_t busy;    /* as last counted: started, not ended, and waiting for nothing */
    size_t warming; /* waiting for another's first event */
    size_t parked;  /* waiting for time to pass */
    bool ready;
    bool draining;
    gc_map *held; /* name -> slot */
    slot *dead;   /* told; freed at the next tick, when nobody is on their stack */
    void (*wake)(void *arg, int64_t due_ms);
    void *arg;
};

static void slot_free(slot *self)
{
    gc_run_destroy(&self->run);
    free(self->name);
    free(self);
}

/* ---- telling ---- */

static gc_err tell_end(slot *self)
{
    const gc_task *task = gc_run_task(self->run);
    const char *reason = gc_run_reason(self->run);
    gc_wire message;
    gc_buf payload;
    gc_buf_init(&payload, RESULT_LIMIT);
    (void)gc_buf_reserve(&payload, USUAL_BYTES); /* far below the limit */
    gc_result_encode(gc_run_result(self->run), &payload);
    gc_wire_init(&message, *reason ? GC_FAIL : GC_DONE);
    message.job = task->job;
    message.task = task->id;
    message.attempt = self->attempt;
    message.reason = (char *)reason;
    message.text = (char *)gc_run_text(self->run);
    if (!payload.full) { /* what does not fit is in Redis all the same */
        message.payload = payload.ptr;
        message.payload_len = payload.len;
    }
    gc_err err = gc_session_send(self->from, &message);
    gc_buf_release(&payload);
    return err;
}

/* True if the slot is free now. */
static bool try_to_tell(slot *self)
{
    gc_tasks *tasks = self->tasks;
    if (tell_end(self) != GC_OK)
        return false;
    gc_map_remove(tasks->held, self->name);
    self->next_dead = tasks->dead;
    tasks->dead = self;
    return true;
}

static void on_ended(void *arg, gc_run *run)
{
    gc_tasks *tasks = arg;
    slot *self = gc_run_owner(run);
    const char *reason = gc_run_reason(run);
    gc_log_write(*reason ? GC_LOG_INFO : GC_LOG_DEBUG, "task.end",
                 "task=%s reason=%s text=\"%s\"", self->name, *reason ? reason : "done",
                 gc_run_text(run));
    if (tasks->busy > 0)
        tasks->busy--;
    try_to_tell(self);
    tasks->wake(tasks->arg, gc_clock_ms()); /* others may start; the dead are buried */
}

static void on_progress(void *arg, gc_run *run, int64_t bytes, int64_t tokens,
                        const char *phase, const char *path)
{
    (void)arg;
    const slot *self = gc_run_owner(run);
    const gc_task *task = gc_run_task(run);
    gc_news news = { bytes, tokens, (char *)phase, (char *)path };
    gc_buf payload;
    gc_wire message;
    gc_buf_init(&payload, NEWS_LIMIT);
    gc_news_encode(&news, &payload);
    gc_wire_init(&message, GC_PROGRESS);
    message.job = task->job;
    message.task = task->id;
    message.attempt = self->attempt;
    message.payload = payload.ptr;
    message.payload_len = payload.len;
    if (gc_session_send(self->from, &message) != GC_OK)
        gc_log_debug("progress.lost", "task=%s", self->name); /* the next says more */
    gc_buf_release(&payload);
}

static void on_wake(void *arg, int64_t due_ms)
{
    gc_tasks *tasks = arg;
    tasks->wake(tasks->arg, due_ms);
}

static void on_settled(void *arg, const char *job)
{
    gc_tasks *tasks = arg;
    void *value;
    for (size_t cursor = 0; gc_map_next(tasks->held, &cursor, NULL, &value);)
        gc_run_money(((slot *)value)->run, job);
}

/* ---- making and unmaking ---- */

gc_tasks *gc_tasks_new(gc_run_env *env, size_t slots,
                       void (*wake)(void *arg, int64_t due_ms), void *arg)
{
    gc_tasks *self = gc_xcalloc(1, sizeof *self);
    self->env = env;
    self->slots = slots;
    self->held = gc_map_new();
    self->wake = wake;
    self->arg = arg;
    env->wake = on_wake;
    env->progress = on_progress;
    env->ended = on_ended;
    env->settled = on_settled;
    env->arg = self;
    env->calls_most = slots;
    return self;
}

static void bury(gc_tasks *self)
{
    while (self->dead) {
        slot *one = self->dead;
        self->dead = one->next_dead;
        slot_free(one);
    }
}

void gc_tasks_destroy(gc_tasks **self_p)
{
    gc_tasks *self = *self_p;
    void *value;
    if (!self)
        return;
    for (size_t cursor = 0; gc_map_next(self->held, &cursor, NULL, &value);)
        slot_free(value);
    bury(self);
    gc_map_destroy(&self->held);
    free(self);
    *self_p = NULL;
}

/* ---- taking ---- */

static void refuse(gc_session *from, const gc_wire *message, const char *reason,
                   const char *text)
{
    gc_wire fail;
    gc_wire_init(&fail, GC_FAIL);
    fail.job = message->job;
    fail.task = message->tasks[0].id;
    fail.attempt = message->tasks[0].attempt;
    fail.reason = (char *)reason;
    fail.text = (char *)text;
    if (gc_session_send(from, &fail) != GC_OK) /* our next PONG does not name it */
        gc_log_warn("task.refusal_lost", "task=%s/%s", message->job, fail.task);
}

static void start(slot *self)
{
    self->tasks->busy++;
    gc_run_start(self->run);
}

static bool may_start(const gc_tasks *self)
{
    return self->ready && self->busy < self->slots;
}

static void add(gc_tasks *self, gc_session *from, const gc_wire_task *given,
                gc_task **task_p, char *name)
{
    slot *one = gc_xcalloc(1, sizeof *one);
    *one = (slot){ .tasks = self, .from = from, .name = name, .attempt = given->attempt };
    one->run = gc_run_new(self->env, task_p, given->attempt, one);
    gc_map_set(self->held, name, one);
    if (may_start(self))
        start(one);
}

/* The task in the message; *out is for the caller to destroy even if it is refused. */
static gc_err read_task(const gc_wire *message, gc_task **out, gc_errinfo *info)
{
    const gc_wire_task *given = &message->tasks[0];
    gc_err err = gc_task_decode(given->payload, given->payload_len, out, info);
    if (!err &&
        (strcmp((*out)->job, message->job) != 0 || strcmp((*out)->id, given->id) != 0))
        err = gc_fail(info, GC_EPROTO, "the payload is another task than the message");
    return err;
}

void gc_tasks_take(gc_tasks *self, gc_session *from, const gc_wire *message)
{
    const gc_wire_task *given = &message->tasks[0];
    char *name = gc_xasprintf("%s/%s", message->job, given->id);
    slot *known = gc_map_get(self->held, name);
    gc_task *task = NULL;
    gc_errinfo info;
    if (known) {
        known->from = from;
        known->attempt = given->attempt;
    } else if (self->draining) {
        refuse(from, message, GC_FAIL_HANDBACK, "the worker drains");
    } else if (read_task(message, &task, &info)) {
        self->env->tally->refused++;
        gc_log_warn("task.bad", "task=%s error=\"%s\"", name, info.text);
        refuse(from, message, GC_FAIL_BAD_TASK, info.text);
    } else {
        add(self, from, given, &task, name);
        name = NULL; /* the slot has it */
    }
    gc_task_destroy(&task);
    free(name);
}

void gc_tasks_cancel(gc_tasks *self, const char *job, const char *task, bool unbegun)
{
    void *value;
    for (size_t cursor = 0; gc_map_next(self->held, &cursor, NULL, &value);) {
        gc_run *run = ((slot *)value)->run;
        const gc_task *held = gc_run_task(run);
        if (strcmp(held->job, job) != 0 || (*task && strcmp(held->id, task) != 0))
            continue;
        if (unbegun)
            gc_run_take_back(run);
        else
            gc_run_cancel(run, "cancelled while running");
    }
}

void gc_tasks_set_ready(gc_tasks *self, bool ready)
{
    self->ready = ready;
    self->wake(self->arg, gc_clock_ms());
}

void gc_tasks_drain(gc_tasks *self)
{
    void *value;
    self->draining = true;
    for (size_t cursor = 0; gc_map_next(self->held, &cursor, NULL, &value);)
        gc_run_hand_back(((slot *)value)->run);
}

/* ---- time ---- */

static void count(gc_tasks *self)
{
    void *value;
    self->busy = self->warming = self->parked = 0;
    for (size_t cursor = 0; gc_map_next(self->held, &cursor, NULL, &value);) {
        const gc_run *run = ((slot *)value)->run;
        if (!gc_run_started(run) || gc_run_ended(run))
            continue;
        switch (gc_run_waits(run)) {
        case GC_RUN_BUSY: self->busy++; break;
        case GC_RUN_PREFIX: self->warming++; break;
        case GC_RUN_PARKED: self->parked++; break;
        }
    }
}

size_t gc_tasks_waiting(const gc_tasks *self)
{
    size_t warming = self->warming < self->slots ? self->warming : self->slots;
    size_t all = warming + self->parked;
    return all < GC_TASKS_MAX_WAITING ? all : GC_TASKS_MAX_WAITING;
}

int64_t gc_tasks_tick(gc_tasks *self, int64_t now_ms)
{
    int64_t next = GC_RUN_NEVER;
    void *value;
    bury(self);
    count(self);
    for (size_t cursor = 0; gc_map_next(self->held, &cursor, NULL, &value);) {
        slot *one = value;
        int64_t due = GC_RUN_NEVER;
        if (!gc_run_started(one->run) && may_start(self))
            start(one);
        if (!gc_run_ended(one->run))
            due = gc_run_tick(one->run, now_ms);
        else if (!try_to_tell(one))
            due = now_ms + RESEND_MS;
        next = due < next ? due : next;
    }
    return next;
}

/* ---- questions ---- */

size_t gc_tasks_count(const gc_tasks *self)
{
    return gc_map_count(self->held);
}

size_t gc_tasks_of_others(const gc_tasks *self, const gc_session *from)
{
    size_t count = 0;
    void *value;
    for (size_t cursor = 0; gc_map_next(self->held, &cursor, NULL, &value);)
        count += ((slot *)value)->from != from;
    return count;
}

void gc_tasks_running(const gc_tasks *self, const gc_session *from, gc_strv *out)
{
    void *value;
    for (size_t cursor = 0; gc_map_next(self->held, &cursor, NULL, &value);)
        if (((slot *)value)->from == from && out->count < GC_WIRE_MAX_RUNNING)
            gc_strv_add(out, ((slot *)value)->name);
}

bool gc_tasks_precious(const gc_tasks *self)
{
    void *value;
    for (size_t cursor = 0; gc_map_next(self->held, &cursor, NULL, &value);)
        if (gc_run_precious(((slot *)value)->run))
            return true;
    return false;
}
