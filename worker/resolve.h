/* Names of API hosts, resolved once for all calls: libcurl's own resolver starts a thread per
 * transfer, which for a thousand calls at once is a thousand threads. One loop, one thread. */
#ifndef GC_WORKER_RESOLVE_H
#define GC_WORKER_RESOLVE_H

#include <stdbool.h>
#include <uv.h>

#include "common/err.h"

typedef struct gc_resolver gc_resolver;

/* `on_done(arg)` is called when a look-up has ended, well or badly: ask again then. */
gc_resolver *gc_resolver_new(uv_loop_t *loop, void (*on_done)(void *arg), void *arg);

/* No callback follows. A running look-up keeps what it needs until it ends. */
void gc_resolver_destroy(gc_resolver **self_p);

/* True if `host` is an address already: IPv4, or IPv6 in brackets. */
bool gc_resolver_is_address(const char *host);

/* GC_OK: *out is a CURLOPT_RESOLVE line, borrowed until the next call. GC_EAGAIN: a look-up is
 * running. GC_EIO: the name cannot be resolved; *out says why; asked anew after a second. */
GC_MUST_CHECK gc_err gc_resolver_find(gc_resolver *self, const char *host, int port,
                                      const char **out);

/* As the environment variables that libcurl reads say: a proxy may stand between us and this
 * URL. It resolves the name then, which the host itself often cannot; unless the exceptions
 * (no_proxy) hold for it. */
bool gc_proxy_may_serve(const char *url);
bool gc_proxy_has_exceptions(void);

#endif
