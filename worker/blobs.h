/* Texts of shared prompt blocks: from memory if they were used lately, else from Redis, each
 * fetched once however many calls wait for it. One loop, one thread. */
#ifndef GC_WORKER_BLOBS_H
#define GC_WORKER_BLOBS_H

#include <stddef.h>

#include "common/err.h"
#include "common/store_async.h"
#include "worker/lru.h"

typedef struct gc_blobs gc_blobs;

/* `text` is lent for the call (hold it to keep it); NULL on error: GC_ENOENT, GC_EPROTO
 * (damaged), GC_EFULL, GC_ECLOSED. */
typedef void (*gc_blobs_cb)(void *arg, gc_err err, gc_text *text);

gc_blobs *gc_blobs_new(gc_astore *store, size_t limit_bytes);

/* After the store was closed: nothing waits any more. */
void gc_blobs_destroy(gc_blobs **self_p);

/* The callback may run before this returns. */
void gc_blobs_get(gc_blobs *self, const char *sha256, gc_blobs_cb cb, void *arg);

#endif
