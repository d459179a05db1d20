/* The coordinator's session with a broker: one DEALER, heartbeats, reconnection. News only:
 * every answer is already in Redis, so any message may be lost. One thread. */
#ifndef GC_COORDINATOR_CLIENT_H
#define GC_COORDINATOR_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/err.h"
#include "common/wire.h"

typedef struct gc_client gc_client;

/* Connects to the first of config's endpoints (the next one whenever a broker falls silent).
 * `endpoints` overrides config.cluster_broker. GC_EINVAL: endpoint or certificates. */
GC_MUST_CHECK gc_err gc_client_new(const gc_config *config, const char *endpoints,
                                   const char *job, gc_client **out, gc_errinfo *info);
void gc_client_destroy(gc_client **self_p);

/* Sends or GC_EAGAIN (not connected or full: send again later). */
GC_MUST_CHECK gc_err gc_client_send(gc_client *self, const gc_wire *message);

/* Waits at most `timeout_ms` for a message or for `wake_fd` (-1: none) to be readable. */
void gc_client_wait(gc_client *self, int wake_fd, int64_t timeout_ms);

/* The next message for the run, heartbeats aside. GC_EAGAIN: none now. */
GC_MUST_CHECK gc_err gc_client_next(gc_client *self, int64_t now_ms, gc_wire *out);

/* Heartbeats and reconnection. Returns ms until the next deadline. */
int64_t gc_client_tick(gc_client *self, int64_t now_ms);

/* True once after a broker with another id has answered: what it should know about us must
 * be sent again. The first broker counts too. */
bool gc_client_broker_changed(gc_client *self);

/* A broker has answered within the last three heartbeats. */
bool gc_client_up(const gc_client *self);

/* Largest payload the broker takes, bytes; 0 before it has answered. */
int64_t gc_client_max_bytes(const gc_client *self);

#endif
