/* libcurl's multi interface on a libuv loop: its sockets are polled and its timer runs there,
 * as https://curl.se/libcurl/c/libcurl-multi.html wants it. Knows nothing of what the transfers
 * are for. One loop, one thread. */
#ifndef GC_WORKER_CURL_LOOP_H
#define GC_WORKER_CURL_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "common/err.h"

typedef struct gc_curl_loop gc_curl_loop;

typedef struct gc_curl_loop_conf {
    uv_loop_t *loop;
    size_t keep; /* connections that stay open for later transfers */
    /* The transfer is over. It is still in the loop: the callback removes it, and may add and
     * remove others. */
    void (*on_done)(void *arg, CURL *easy, CURLcode code);
    /* Nothing of the request waits to be written at this moment. Inside libcurl. */
    void (*on_written)(void *arg, CURL *easy);
    void *arg;
} gc_curl_loop_conf;

/* GC_EIO: libcurl does not start. */
GC_MUST_CHECK gc_err gc_curl_loop_open(const gc_curl_loop_conf *conf, gc_curl_loop **out);

/* All transfers must be removed. Its handles close as the loop runs on. */
void gc_curl_loop_close(gc_curl_loop **self_p);

/* Not while gc_curl_loop_inside. Neither calls back; the handles stay the caller's. */
CURLMcode gc_curl_loop_add(gc_curl_loop *self, CURL *easy);
void gc_curl_loop_remove(gc_curl_loop *self, CURL *easy);

/* libcurl is on the stack: it must not be called. */
bool gc_curl_loop_inside(const gc_curl_loop *self);

#endif
