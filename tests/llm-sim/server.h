/* The sockets of the simulator: one thread, one epoll, one heap of timers. Nothing scans
 * over connections, so ten thousand idle streams cost nothing. */
#ifndef GC_LLM_SIM_SERVER_H
#define GC_LLM_SIM_SERVER_H

#include "common/err.h"
#include "tests/llm-sim/engine.h"

typedef struct gc_sim_server gc_sim_server;

/* Listens on loopback address `address` and `port` (0 = any free one). `engine` is
 * borrowed. GC_EINVAL: no loopback address; GC_EIO: cannot listen. */
GC_MUST_CHECK gc_err gc_sim_server_new(const char *address, int port,
                                       gc_sim_engine *engine, gc_sim_server **out,
                                       gc_errinfo *info);
void gc_sim_server_destroy(gc_sim_server **self_p);

/* "http://127.0.0.1:4711". Borrowed. */
const char *gc_sim_server_url(const gc_sim_server *self);

/* Serves until SIGTERM or SIGINT; answers under way are broken off then. */
GC_MUST_CHECK gc_err gc_sim_server_run(gc_sim_server *self, gc_errinfo *info);

#endif
