/* A small HTTP server for metrics and health, run from the caller's own loop: no thread, so
 * that an answer from /livez proves the loop alive. GET and HEAD only. */
#ifndef GC_BROKER_HTTP_H
#define GC_BROKER_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

#define GC_HTTP_MAX_CONNECTIONS 64
#define GC_HTTP_TIMEOUT_S 10
#define GC_HTTP_MAX_BODY ((size_t)1 << 20)

typedef struct gc_http gc_http;

/* Fills the body for `path`; the HTTP status. *type starts as plain text. */
typedef unsigned (*gc_http_handler)(void *arg, const char *path, bool verbose,
                                    gc_buf *body, const char **type);

/* Listens on "HOST:PORT" (port 0: any). GC_EINVAL: the address; GC_EIO: the socket. */
GC_MUST_CHECK gc_err gc_http_new(const char *address, gc_http_handler handler, void *arg,
                                 gc_http **out, gc_errinfo *info);
void gc_http_destroy(gc_http **self_p);

/* Readable when gc_http_run() has something to do. */
int gc_http_fd(const gc_http *self);
void gc_http_run(gc_http *self);

/* Until gc_http_run() is wanted without any event; -1: not at all. */
int64_t gc_http_timeout_ms(const gc_http *self);

/* "http://HOST:PORT" with the real port. Borrowed. */
const char *gc_http_url(const gc_http *self);

#endif
