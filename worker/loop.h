/* The worker: one libuv loop that carries brokers, Redis, all calls and the clock. */
#ifndef GC_WORKER_LOOP_H
#define GC_WORKER_LOOP_H

#include "common/err.h"
#include "worker/conf.h"

typedef struct gc_loop gc_loop;

/* Opens everything; nothing has to be there yet. GC_EINVAL, GC_EIO: `info` says why. */
GC_MUST_CHECK gc_err gc_loop_new(const gc_worker_conf *conf, gc_loop **out,
                                 gc_errinfo *info);

/* Until SIGTERM or SIGINT and the end of what runs; the exit code. */
int gc_loop_run(gc_loop *self);
void gc_loop_destroy(gc_loop **self_p);

#endif
