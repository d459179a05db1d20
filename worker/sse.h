/* Server-sent events, incrementally: bytes in, whole events out, however they were cut.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 * (`id` and `retry` are of no use here and ignored). Pure. */
#ifndef GC_WORKER_SSE_H
#define GC_WORKER_SSE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

#define GC_SSE_MAX_EVENT ((size_t)1 << 20) /* data of one event, and one line */
#define GC_SSE_MAX_NAME 64                 /* longer event names are cut */

/* `name` is "message" if the event has none. Both are borrowed for the call; `data` is
 * NUL-terminated. */
typedef void (*gc_sse_cb)(void *arg, const char *name, const char *data, size_t len);

typedef struct gc_sse {
    gc_buf line; /* the unfinished line */
    gc_buf data;
    char name[GC_SSE_MAX_NAME];
    bool has_data;
    bool skip_lf;    /* the last byte was CR */
    bool past_start; /* a byte order mark may only stand before everything */
    gc_sse_cb cb;
    void *arg;
} gc_sse;

void gc_sse_init(gc_sse *self, gc_sse_cb cb, void *arg);
void gc_sse_release(gc_sse *self);

/* GC_ETOOBIG: an event or line over the limit; feed no more. */
GC_MUST_CHECK gc_err gc_sse_feed(gc_sse *self, const char *mem, size_t len);

#endif
