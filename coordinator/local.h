/* Local mode: a private redis-server, one broker, the workers and, for the simulated model,
 * its server, all as child processes that die with us however we die. Sockets live in
 * $XDG_RUNTIME_DIR/gocreator/<hash> or /tmp/gc-<uid>-<hash> (0700, owner checked). */
#ifndef GC_COORDINATOR_LOCAL_H
#define GC_COORDINATOR_LOCAL_H

#include <stdbool.h>

#include "common/config.h"
#include "common/err.h"

typedef struct gc_local gc_local;

/* Starts what `config` does not name: Redis unless cluster.redis, broker and workers unless
 * cluster.broker, the simulator if llm.provider is sim. Redis' data go to
 * `<output>/.gocreator/redis`. Returns when all are ready (10 s). On failure everything is
 * stopped again; GC_EIO, GC_ETIMEOUT, GC_ENOENT (a program is missing: `info` says which). */
GC_MUST_CHECK gc_err gc_local_start(const gc_config *config, const char *output,
                                    gc_local **out, gc_errinfo *info);

/* Only Redis, for commands that read the state of a local job: the named one, the one that a
 * coordinator at work on `output` has started, or a private one for as long as this lives.
 * GC_ENOENT: no job was ever run in `output`. */
GC_MUST_CHECK gc_err gc_local_attach(const gc_config *config, const char *output,
                                     gc_local **out, gc_errinfo *info);

/* Stops all in order (workers, broker, simulator, Redis), gently, then not. NULL is fine. */
void gc_local_stop(gc_local **self_p);

/* What to connect to: of the children, or of `config`. Borrowed. */
const char *gc_local_redis(const gc_local *self);
const char *gc_local_broker(const gc_local *self);

/* Base URL of the simulated LLM service, or NULL; `self` may be NULL. It takes any key. */
const char *gc_local_sim(const gc_local *self);

/* Reaps children; true if one that is needed has died (a worker is started again, at most
 * five times a minute; Redis or broker too). `info` then says what could not be mended;
 * its code is GC_EINVAL if a child refused its settings. */
bool gc_local_failed(gc_local *self, gc_errinfo *info);

#endif
