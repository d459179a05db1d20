/* The broker's counters and their Prometheus text (exposition format 0.0.4). One row per
 * counter, so that all of them exist from the first scrape, at 0. Pure. */
#ifndef GC_BROKER_STATS_H
#define GC_BROKER_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/strv.h"
#include "common/wire.h"

/* X(id, family, label, value): rows of one family stand together. */
#define GC_STAT_MAP(X)                                                          \
    X(GC_STAT_DONE, "tasks_total", "outcome", "done")                           \
    X(GC_STAT_FAILED, "tasks_total", "outcome", "failed")                       \
    X(GC_STAT_CANCELLED, "tasks_total", "outcome", "cancelled")                 \
    X(GC_STAT_POISON, "tasks_total", "outcome", "poison")                       \
    X(GC_STAT_NO_WORKER, "tasks_total", "outcome", "no_worker")                 \
    X(GC_STAT_DROPPED, "tasks_total", "outcome", "dropped")                     \
    X(GC_STAT_SUBMITTED, "tasks_submitted_total", "result", "queued")           \
    X(GC_STAT_KNOWN, "tasks_submitted_total", "result", "known")                \
    X(GC_STAT_BUSY, "tasks_submitted_total", "result", "busy")                  \
    X(GC_STAT_BAD_TASK, "tasks_submitted_total", "result", "bad_task")          \
    X(GC_STAT_DISPATCHED, "tasks_dispatched_total", "", "")                     \
    X(GC_STAT_RETRY_DEATH, "task_retries_total", "reason", "worker_death")      \
    X(GC_STAT_RETRY_LOST, "task_retries_total", "reason", "lost")               \
    X(GC_STAT_RETRY_HANDBACK, "task_retries_total", "reason", "handback")       \
    X(GC_STAT_NO_CLIENT, "messages_dropped_total", "reason", "absent_client")   \
    X(GC_STAT_UNKNOWN_TASK, "messages_dropped_total", "reason", "unknown_task") \
    X(GC_STAT_STALE, "messages_dropped_total", "reason", "stale")               \
    X(GC_STAT_SLOW, "messages_dropped_total", "reason", "slow_peer")            \
    X(GC_STAT_MUTED, "messages_dropped_total", "reason", "muted_peer")          \
    X(GC_STAT_STRANGER, "messages_refused_total", "reason", "hello")            \
    X(GC_STAT_VERSION, "messages_refused_total", "reason", "version")           \
    X(GC_STAT_MALFORMED, "messages_refused_total", "reason", "malformed")       \
    X(GC_STAT_TOO_BIG, "messages_refused_total", "reason", "too_big")           \
    X(GC_STAT_ROLE, "messages_refused_total", "reason", "role")                 \
    X(GC_STAT_FULL, "messages_refused_total", "reason", "full")                 \
    X(GC_STAT_WORKER_DEATH, "peers_lost_total", "role", "worker")               \
    X(GC_STAT_CLIENT_DEATH, "peers_lost_total", "role", "client")               \
    X(GC_STAT_AUTH, "auth_failures_total", "", "")

typedef enum gc_stat {
#define X(id, family, label, value) id,
    GC_STAT_MAP(X)
#undef X
    GC_STAT_COUNT
} gc_stat;

#define GC_WAIT_BUCKETS 12

typedef struct gc_stats {
    uint64_t counters[GC_STAT_COUNT];
    uint64_t received[GC_COMMAND_COUNT];
    uint64_t wait_buckets[GC_WAIT_BUCKETS + 1]; /* the last is +Inf */
    uint64_t wait_count;
    double wait_seconds;
} gc_stats;

/* A task waited this long between queued and sent. */
void gc_stats_waited(gc_stats *self, int64_t ms);

/* What is, as opposed to what was counted. */
typedef struct gc_gauges {
    gc_strv providers; /* of queued tasks, with `queued` beside it */
    size_t *queued;
    size_t in_flight;
    size_t bytes;
    size_t jobs;
    size_t clients;
    size_t workers_idle;
    size_t workers_busy;
    size_t workers_draining;
    double oldest_seconds;
    double lag_seconds; /* of the loop: longest recent turn */
    double cpu_seconds; /* process metrics, by the shell */
    double start_seconds;
    uint64_t resident_bytes;
    uint64_t open_fds;
} gc_gauges;

void gc_gauges_release(gc_gauges *self);

/* Appends all of it. */
void gc_stats_print(const gc_stats *self, const gc_gauges *gauges, gc_buf *out);

#endif
