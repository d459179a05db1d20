/* The broker's state machine: every message in, every decision out, no I/O. What it decides
 * leaves through `send`; docs/protocol.md is its specification.
 *
 * Design notes. Truth lives in Redis, messages only carry news, so a lost message may cost
 * time but no result: a peer that the broker does not know is told so ("hello") and says
 * everything again. Nothing waits without a bound: tasks and bytes in the ledger, messages
 * to a slow peer in its outbox (a job whose client is slow gets no turn), errors in the
 * quarantine, silence by the heartbeat. A task is always in one of three places: queued,
 * held by one worker, or ended by exactly one DONE, FAIL or BUSY to its client. */
#ifndef GC_BROKER_ROUTE_H
#define GC_BROKER_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/stats.h"
#include "common/err.h"
#include "common/log.h"
#include "common/wire.h"

#define GC_ROUTE_MAX_PEERS 16384
#define GC_ROUTE_MAX_DEATHS 3       /* then a task is poison */
#define GC_ROUTE_NO_WORKER_MS 20000 /* how long a task waits for any fitting worker */
#define GC_ROUTE_BUSY_RETRY_MS 500  /* BUSY: not before */
#define GC_ROUTE_CLIENT_SILENCE_MS 15000 /* at least; else three heartbeats */
#define GC_ROUTE_WORKER_SILENCE_MS 5000
#define GC_ROUTE_OUTBOX_MESSAGES 65536 /* per peer; then it counts as lost */
#define GC_ROUTE_OUTBOX_BYTES ((size_t)64 << 20)

typedef struct gc_route gc_route;

typedef struct gc_route_conf {
    const char *id; /* new at every start; strings are borrowed while the route lives */
    const char *host;
    int64_t pid;
    int64_t heartbeat_ms;
    int64_t max_message_bytes; /* told to peers */
    size_t max_queued;         /* tasks */
    size_t max_bytes;          /* payloads of all tasks, queued and in flight */
    /* Must not block. GC_EAGAIN, GC_ECLOSED: kept and tried again. */
    gc_err (*send)(void *arg, const void *route, size_t route_len,
                   const gc_wire *message);
    /* For the log: ids and reasons. May be NULL. */
    void (*note)(void *arg, gc_log_level level, const char *event, const char *text);
    void *arg;
} gc_route_conf;

gc_route *gc_route_new(const gc_route_conf *conf, int64_t now_ms);
void gc_route_destroy(gc_route **self_p);

/* One well-formed message. May take parts out of it; the caller releases the rest. */
void gc_route_receive(gc_route *self, const void *route, size_t route_len,
                      gc_wire *message, int64_t now_ms);

/* One message that did not decode: `err` and `text` as gc_wire_recv() gave them. */
void gc_route_refuse(gc_route *self, const void *route, size_t route_len, gc_err err,
                     const char *text, int64_t now_ms);

/* Does what is due; milliseconds until the next time. */
int64_t gc_route_tick(gc_route *self, int64_t now_ms);

/* From now on nothing is taken and nothing is sent to workers. */
void gc_route_drain(gc_route *self);

/* Nothing in flight and nothing left to tell. */
bool gc_route_idle(const gc_route *self);

/* BYE to all peers, and a PING behind it. */
void gc_route_bye(gc_route *self);

/* All have answered it, and so have read what came before: libzmq throws away what a DEALER
 * with ZMQ_IMMEDIATE has received and not yet read when its connection ends. */
bool gc_route_parted(const gc_route *self);

gc_stats *gc_route_stats(gc_route *self);

/* Fills what the route knows; release it. */
void gc_route_gauges(const gc_route *self, int64_t now_ms, gc_gauges *out);

#endif
