/* One DEALER socket on the libuv loop. ZeroMQ's descriptor is edge-triggered and any call may
 * eat its signal, so the owner asks gc_dealer_ready before the loop sleeps and calls
 * gc_dealer_pump after it wakes, whoever woke it (http://api.zeromq.org/4-3:zmq-getsockopt,
 * ZMQ_FD). One loop, one thread. */
#ifndef GC_WORKER_DEALER_H
#define GC_WORKER_DEALER_H

#include <stdbool.h>
#include <uv.h>

#include "common/config.h"
#include "common/err.h"
#include "common/wire.h"

#define GC_DEALER_PER_PUMP 256

typedef struct gc_dealer gc_dealer;

typedef struct gc_dealer_conf {
    uv_loop_t *loop;
    void *context; /* of ZeroMQ */
    const char *endpoint;
    const gc_config *config;                         /* CURVE, heartbeat, message size */
    void (*on_message)(void *arg, gc_wire *message); /* may take parts of it */
    void *arg;
} gc_dealer_conf;

/* Connects in the background. GC_EINVAL: endpoint or certificates; GC_EIO. */
GC_MUST_CHECK gc_err gc_dealer_open(const gc_dealer_conf *conf, gc_dealer **out,
                                    gc_errinfo *info);
void gc_dealer_close(gc_dealer **self_p);

/* A new socket in place of the old one, and with it a new identity at the broker. */
void gc_dealer_reopen(gc_dealer *self);

/* GC_EAGAIN: nobody is connected or the queue is full. Other errors are logged and look
 * like it: the broker falls silent, then the socket is made anew. */
GC_MUST_CHECK gc_err gc_dealer_send(gc_dealer *self, const gc_wire *message);

/* True if messages wait: the loop must not sleep. */
bool gc_dealer_ready(gc_dealer *self);

/* Hands over at most GC_DEALER_PER_PUMP messages. */
void gc_dealer_pump(gc_dealer *self);

#endif
