/* The broker's shell: one ROUTER socket, signals, HTTP and the clock around gc_route. One
 * thread; czmq's context is used, since its ZAP handler lives there. */
#ifndef GC_BROKER_BROKER_H
#define GC_BROKER_BROKER_H

#include "broker/conf.h"
#include "common/err.h"

#define GC_BROKER_DRAIN_MS 25000 /* how long running tasks may take after SIGTERM */
#define GC_BROKER_PART_MS 300    /* how long peers may take to read the last words */
#define GC_BROKER_MAX_BYTES ((size_t)1 << 30) /* payloads held at a time */
#define GC_BROKER_BATCH 256                   /* messages per turn of the loop */

typedef struct gc_broker gc_broker;

/* Blocks SIGTERM and SIGINT for the whole process, opens all endpoints and tells
 * `ready_fd`. `conf` is borrowed. GC_EINVAL: settings; GC_ESTATE: CURVE does not hold;
 * GC_EIO: an endpoint cannot be opened. One broker per process. */
GC_MUST_CHECK gc_err gc_broker_new(const gc_broker_conf *conf, gc_broker **out,
                                   gc_errinfo *info);

/* Until a signal has drained it. The exit code. */
int gc_broker_run(gc_broker *self);
void gc_broker_destroy(gc_broker **self_p);

#endif
