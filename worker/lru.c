#include "worker/lru.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"

/* The map iterates in insertion order, so a used entry is taken out and set again: the
 * first one is always the eldest. */
struct gc_lru {
    gc_map *texts;
    size_t bytes;
    size_t limit;
};

gc_text *gc_text_new(const char *mem, size_t len)
{
    gc_text *self = gc_xmalloc(sizeof *self + len + 1);
    self->holds = 1;
    self->len = len;
    if (len)
        memcpy(self->text, mem, len);
    self->text[len] = '\0';
    return self;
}

gc_text *gc_text_hold(gc_text *self)
{
    self->holds++;
    return self;
}

void gc_text_drop(gc_text **self_p)
{
    gc_text *self = *self_p;
    *self_p = NULL;
    if (self && --self->holds == 0)
        free(self);
}

gc_lru *gc_lru_new(size_t limit_bytes)
{
    gc_lru *self = gc_xcalloc(1, sizeof *self);
    self->texts = gc_map_new();
    self->limit = limit_bytes;
    return self;
}

static void forget(gc_lru *self, const char *name)
{
    gc_text *text = gc_map_remove(self->texts, name);
    if (text)
        self->bytes -= text->len;
    gc_text_drop(&text);
}

static void shrink(gc_lru *self, size_t limit)
{
    while (self->bytes > limit) {
        size_t cursor = 0;
        const char *name;
        void *text;
        if (!gc_map_next(self->texts, &cursor, &name, &text))
            break;
        forget(self, name);
    }
}

void gc_lru_destroy(gc_lru **self_p)
{
    gc_lru *self = *self_p;
    if (!self)
        return;
    size_t cursor = 0;
    const char *name;
    void *text;
    while (gc_map_next(self->texts, &cursor, &name, &text)) {
        gc_text *held = text;
        gc_text_drop(&held);
    }
    gc_map_destroy(&self->texts);
    free(self);
    *self_p = NULL;
}

gc_text *gc_lru_get(gc_lru *self, const char *name)
{
    gc_text *text = gc_map_remove(self->texts, name);
    if (!text)
        return NULL;
    gc_map_set(self->texts, name, text);
    return gc_text_hold(text);
}

void gc_lru_put(gc_lru *self, const char *name, gc_text *text)
{
    forget(self, name);
    if (text->len > self->limit)
        return;
    shrink(self, self->limit - text->len);
    gc_map_set(self->texts, name, gc_text_hold(text));
    self->bytes += text->len;
}

size_t gc_lru_bytes(const gc_lru *self)
{
    return self->bytes;
}
