/* A whole cluster in a test: private Redis, gc-broker, gc-llm-sim, some gc-worker processes,
 * and a client that submits tasks and waits for what comes back. Everything dies with the
 * test; every wait has a deadline and fails the test. */
#ifndef GC_TESTS_SUPPORT_FARM_H
#define GC_TESTS_SUPPORT_FARM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/models.h"
#include "common/task.h"
#include "common/wire.h"
#include "support/redis.h"

#define FARM_WORKERS 4
#define FARM_JOB "j-farm00000001" /* of farm_task */
#define FARM_KEY "sk-farm-key-that-nobody-may-see"

typedef struct farm_end {
    char *task;
    bool done;    /* else FAIL */
    char *reason; /* of a FAIL, else "" */
    char *text;
    gc_result *result; /* NULL: none came along */
} farm_end;

typedef struct farm {
    char *dir;
    char *endpoint; /* of the broker */
    char *sim_url;
    test_redis *redis;
    pid_t broker;
    pid_t sim;
    pid_t workers[FARM_WORKERS];
    void *context;
    void *client;
    gc_models *models;
    farm_end *ends;
    size_t end_count;
    size_t progress_count;
} farm;

/* Redis, broker and simulator with these further arguments (NULL at the end; may be NULL). */
farm *must_farm_start(const char *const *sim_arguments);
void must_farm_destroy(farm **self_p);

void farm_start_broker(farm *self);
void farm_stop_broker(farm *self);

/* A worker with `slots`, further arguments and environment ("NAME=value"); either may be
 * NULL. It has the key FARM_KEY for Anthropic and logs to <dir>/worker<i>.log. */
void farm_start_worker(farm *self, size_t index, int slots, const char *const *arguments,
                       const char *const *environment);
/* Sends a signal; does not wait. */
void farm_signal_worker(farm *self, size_t index, int signal);
/* Waits for its end: exit code, or -signal. */
int farm_await_worker(farm *self, size_t index);

/* A task of `count` Go files "<stem>/f<i>.go" of package p with one promised function each;
 * fingerprints come from stem and i. Release with gc_task_destroy. */
gc_task *farm_task(farm *self, const char *id, const char *stem, size_t count);

void farm_submit(farm *self, const gc_task *task);
void farm_cancel(farm *self, const char *job);
/* Cancels what is not begun. */
void farm_take_back(farm *self, const char *job);

/* Waits for DONE or FAIL of this task. Borrowed. */
const farm_end *farm_await(farm *self, const char *task);
/* NULL: it has not ended so far. */
const farm_end *farm_find(farm *self, const char *task);
/* Handles messages until `ms` are over. */
void farm_idle(farm *self, int64_t ms);
/* Until the predicate holds. */
void farm_until(farm *self, bool (*holds)(farm *self, const void *arg), const void *arg);

/* The simulator: rules that replace all others, its counters, its journal (decref it). */
void farm_faults(farm *self, const char *rules_json);
int64_t farm_stat(farm *self, const char *name);
json_t *farm_journal(farm *self);

/* For farm_until: the simulator streams nothing. */
bool farm_is_idle(farm *self, const void *unused);

/* Until a counter of the simulator is at least that. */
void farm_await_stat(farm *self, const char *name, int64_t least);

#endif
