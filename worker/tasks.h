/* The tasks that this worker holds: who gave them, which run, what is still to be told.
 * One loop, one thread. */
#ifndef GC_WORKER_TASKS_H
#define GC_WORKER_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/strv.h"
#include "common/wire.h"
#include "worker/run.h"
#include "worker/session.h"

typedef struct gc_tasks gc_tasks;

/* `env` is completed (its callbacks are the table's) and must outlive the table; `wake` as
 * there: gc_tasks_tick is wanted by then. At most `slots` are at work at once: whoever waits for
 * time, money or a prefix gives its slot to the next. */
gc_tasks *gc_tasks_new(gc_run_env *env, size_t slots,
                       void (*wake)(void *arg, int64_t due_ms), void *arg);

/* After the store was closed. */
void gc_tasks_destroy(gc_tasks **self_p);

/* A TASK of `from`. One that is here already is only told to `from` from now on. */
void gc_tasks_take(gc_tasks *self, gc_session *from, const gc_wire *message);

/* One task, or with "" all of the job; with `unbegun` only what was not sent so far. */
void gc_tasks_cancel(gc_tasks *self, const char *job, const char *task, bool unbegun);

/* Redis is there: what waits may start. */
void gc_tasks_set_ready(gc_tasks *self, bool ready);

/* Takes nothing more and hands back what has cost nothing yet. */
void gc_tasks_drain(gc_tasks *self);

int64_t gc_tasks_tick(gc_tasks *self, int64_t now_ms);

size_t gc_tasks_count(const gc_tasks *self);

/* Held tasks that wait for something which takes a while: their slots are free for others.
 * At most as many wait for a cached prefix as there are slots (they will want them all at
 * the same moment), and GC_TASKS_MAX_WAITING in all. */
#define GC_TASKS_MAX_WAITING 1024
size_t gc_tasks_waiting(const gc_tasks *self);

/* Held tasks that `from` did not give. */
size_t gc_tasks_of_others(const gc_tasks *self, const gc_session *from);

/* Appends "job/task" of what `from` gave. */
void gc_tasks_running(const gc_tasks *self, const gc_session *from, gc_strv *out);

/* Some task has an answer that is paid and not stored, or may get one. */
bool gc_tasks_precious(const gc_tasks *self);

#endif
