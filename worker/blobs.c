#include "worker/blobs.h"

#include <stdlib.h>

#include "common/map.h"
#include "common/mem.h"

typedef struct waiter {
    struct waiter *next;
    gc_blobs_cb cb;
    void *arg;
} waiter;

/* One question to Redis and all who wait for its answer. */
typedef struct fetch {
    gc_blobs *blobs;
    char sha256[GC_SHA_HEX + 1];
    waiter *waiters;
} fetch;

struct gc_blobs {
    gc_astore *store;
    gc_lru *lru;
    gc_map *fetches;
};

gc_blobs *gc_blobs_new(gc_astore *store, size_t limit_bytes)
{
    gc_blobs *self = gc_xcalloc(1, sizeof *self);
    *self = (gc_blobs){ store, gc_lru_new(limit_bytes), gc_map_new() };
    return self;
}

void gc_blobs_destroy(gc_blobs **self_p)
{
    gc_blobs *self = *self_p;
    if (!self)
        return;
    gc_lru_destroy(&self->lru);
    gc_map_destroy(&self->fetches);
    free(self);
    *self_p = NULL;
}

static void on_blob(void *arg, gc_err err, const void *mem, size_t len)
{
    fetch *self = arg;
    gc_text *text = err ? NULL : gc_text_new(mem, len);
    gc_map_remove(self->blobs->fetches, self->sha256);
    if (text)
        gc_lru_put(self->blobs->lru, self->sha256, text);
    for (waiter *one = self->waiters, *next; one; one = next) {
        next = one->next;
        one->cb(one->arg, err, text);
        free(one);
    }
    gc_text_drop(&text);
    free(self);
}

void gc_blobs_get(gc_blobs *self, const char *sha256, gc_blobs_cb cb, void *arg)
{
    gc_text *text = gc_lru_get(self->lru, sha256);
    if (text) {
        cb(arg, GC_OK, text);
        gc_text_drop(&text);
        return;
    }
    waiter *one = gc_xcalloc(1, sizeof *one);
    fetch *running = gc_map_get(self->fetches, sha256);
    *one = (waiter){ running ? running->waiters : NULL, cb, arg };
    if (running) {
        running->waiters = one;
        return;
    }
    running = gc_xcalloc(1, sizeof *running);
    running->blobs = self;
    running->waiters = one;
    for (size_t i = 0; i < GC_SHA_HEX && sha256[i]; i++)
        running->sha256[i] = sha256[i];
    gc_map_set(self->fetches, running->sha256, running);
    gc_astore_blob_get(self->store, running->sha256, on_blob, running);
}
