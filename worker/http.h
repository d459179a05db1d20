/* HTTP POSTs with streamed answers: libcurl's multi interface driven by libuv, no thread per
 * call. The only place that knows CURLcode. One loop, one thread.
 *
 * A call that failed says whether any byte of the request had left: if none had, asking again
 * is free; else the provider may charge for an answer nobody saw. */
#ifndef GC_WORKER_HTTP_H
#define GC_WORKER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "common/err.h"
#include "common/limits.h"
#include "common/strv.h"
#include "worker/retry.h"

typedef struct gc_http gc_http;
typedef struct gc_http_call gc_http_call;

typedef struct gc_http_head {
    int status;
    char content_type[64];
    char request_id[128]; /* the provider's name for the call, "" if none */
    gc_retry_hint hint;
    bool has_limits;
    gc_limits limits; /* if has_limits */
} gc_http_head;

/* Takes one header line, its CRLF included or not, into *head. Pure but for the wall clock,
 * which dates in `retry-after` are compared with. */
void gc_http_head_line(gc_http_head *head, const char *line, size_t len);

typedef struct gc_http_end {
    gc_err err;     /* GC_OK: the response is whole. GC_ECLOSED: the connection failed;
                       GC_ETIMEOUT: one of the three clocks; GC_EINVAL: the URL is wrong;
                       GC_EPROTO: no HTTP; GC_ESTATE: on_data wanted no more */
    bool sent;      /* as gc_http_sent */
    char text[256]; /* what happened, without secrets */
} gc_http_end;

typedef struct gc_http_request {
    const char *url;
    const gc_strv *headers; /* "Name: value"; borrowed during gc_http_start */
    char *body;             /* malloc'ed; taken */
    size_t body_len;
    int64_t connect_ms;
    int64_t first_byte_ms; /* from the start to the first byte of the answer's body */
    int64_t idle_ms;       /* between bytes after that */
    int64_t call_ms;       /* from the start to the end */
    /* None of the three may start or cancel calls but on_end. */
    void (*on_head)(void *arg, const gc_http_head *head);
    bool (*on_data)(void *arg, const char *mem, size_t len); /* false: enough */
    void (*on_end)(void *arg,
                   const gc_http_end *end); /* the last; the call is gone then */
    void *arg;
} gc_http_request;

/* `keep` handles and connections stay open for later calls. `ca_file` (PEM; "": the system's)
 * says whose certificates are trusted. GC_EIO: libcurl does not start. */
GC_MUST_CHECK gc_err gc_http_open(uv_loop_t *loop, size_t keep, const char *ca_file,
                                  gc_http **out);

/* Ends all calls without a callback. Its handles close as the loop runs on. */
void gc_http_close(gc_http **self_p);

/* Never fails at once: what goes wrong comes with on_end, later. Borrowed handle, valid until
 * on_end or gc_http_cancel. */
gc_http_call *gc_http_start(gc_http *self, const gc_http_request *request);

/* Ends the call without a callback; the connection is cut. As gc_http_sent. */
bool gc_http_cancel(gc_http_call *call);

/* Calls whose request has not left whole yet: they hold its body. */
size_t gc_http_uploading(const gc_http *self);

/* True once the request has left whole, or was answered: from then on it may cost something.
 * What no server can have read to its end, none can have charged for. */
bool gc_http_sent(const gc_http_call *call);

#endif
