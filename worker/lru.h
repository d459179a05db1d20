/* Recently used texts by name, within a bound of bytes: the prompt blocks that many tasks
 * share. The eldest go first; a text in use stays alive until it is put back. Pure. */
#ifndef GC_WORKER_LRU_H
#define GC_WORKER_LRU_H

#include <stddef.h>

typedef struct gc_lru gc_lru;

/* A shared text; counted by gc_text_hold and gc_text_drop. */
typedef struct gc_text {
    size_t holds;
    size_t len;
    char text[]; /* NUL-terminated */
} gc_text;

gc_text *gc_text_new(const char *mem, size_t len); /* held once */
gc_text *gc_text_hold(gc_text *self);
void gc_text_drop(gc_text **self_p); /* NULL is fine */

gc_lru *gc_lru_new(size_t limit_bytes);
void gc_lru_destroy(gc_lru **self_p);

/* Held for the caller, or NULL. */
gc_text *gc_lru_get(gc_lru *self, const char *name);

/* Keeps a hold of `text` under `name`, unless it alone is over the bound. */
void gc_lru_put(gc_lru *self, const char *name, gc_text *text);

size_t gc_lru_bytes(const gc_lru *self);

#endif
