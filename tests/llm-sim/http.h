/* A small HTTP/1.1 request parser (RFC 9112): bytes in, one request out. Every part of a
 * request has a limit, checked before memory is taken. Pure: no sockets. */
#ifndef GC_LLM_SIM_HTTP_H
#define GC_LLM_SIM_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

#define GC_SIM_HTTP_LINE_MAX ((size_t)16 << 10)
#define GC_SIM_HTTP_HEADERS_MAX 100
#define GC_SIM_HTTP_BODY_MAX ((size_t)32 << 20)

typedef struct gc_sim_header {
    char *name; /* lower case */
    char *value;
} gc_sim_header;

typedef enum gc_sim_http_state {
    GC_SIM_HTTP_START, /* no byte of a request seen */
    GC_SIM_HTTP_HEADERS,
    GC_SIM_HTTP_BODY,
    GC_SIM_HTTP_CHUNK_SIZE,
    GC_SIM_HTTP_CHUNK_DATA,
    GC_SIM_HTTP_CHUNK_END,
    GC_SIM_HTTP_TRAILER,
    GC_SIM_HTTP_DONE
} gc_sim_http_state;

typedef struct gc_sim_http {
    gc_sim_http_state state;
    char *method;
    char *target; /* origin form: starts with '/' */
    bool http10;
    bool keep_alive;
    bool expect_continue; /* the client waits for "100 Continue" */
    gc_sim_header headers[GC_SIM_HTTP_HEADERS_MAX];
    size_t header_count;
    gc_buf body;
    gc_buf line; /* private, like what follows */
    size_t left; /* bytes still wanted of the body or chunk */
    bool chunked;
    bool has_length;
} gc_sim_http;

void gc_sim_http_init(gc_sim_http *self);
void gc_sim_http_release(gc_sim_http *self);

/* Ready for the next request on the same connection; gives the memory back. */
void gc_sim_http_reset(gc_sim_http *self);

/* Takes bytes up to the end of one request; *used says how many. When `state` is
 * GC_SIM_HTTP_DONE the request is complete and the rest belongs to the next one.
 * GC_EPROTO: no valid request. GC_ETOOBIG: a line, the headers or the body is over its
 * limit. After an error the connection cannot go on. */
GC_MUST_CHECK gc_err gc_sim_http_feed(gc_sim_http *self, const char *mem, size_t len,
                                      size_t *used);

/* The value of header `name` (lower case), or NULL. Borrowed. */
const char *gc_sim_http_header(const gc_sim_http *self, const char *name);

/* The reason phrase of an HTTP status. */
const char *gc_sim_http_reason(int status);

#endif
