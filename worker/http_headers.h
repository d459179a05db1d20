/* The headers of requests. Most calls of a worker have the same ones: one list serves them all,
 * counted by its users. One thread. */
#ifndef GC_WORKER_HTTP_HEADERS_H
#define GC_WORKER_HTTP_HEADERS_H

#include <curl/curl.h>

#include "common/strv.h"

typedef struct gc_http_headers gc_http_headers;

/* The list of these headers and our own: *latest if it is the same, else a new one, which then
 * is *latest (held too; NULL at first). */
gc_http_headers *gc_http_headers_hold(gc_http_headers **latest, const gc_strv *headers);
void gc_http_headers_drop(gc_http_headers **self_p);

/* Borrowed. */
struct curl_slist *gc_http_headers_list(const gc_http_headers *self);

#endif
