#include "worker/warm.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"

#define MINUTE_MS 60000

typedef struct entry {
    int64_t warm_until_ms;
    int64_t asked_ms; /* -1: never */
    int64_t minute_ms;
    uint32_t calls; /* in that minute */
} entry;

struct gc_warm {
    gc_map *entries;
};

gc_warm *gc_warm_new(void)
{
    gc_warm *self = gc_xcalloc(1, sizeof *self);
    self->entries = gc_map_new();
    return self;
}

void gc_warm_destroy(gc_warm **self_p)
{
    gc_warm *self = *self_p;
    if (!self)
        return;
    size_t cursor = 0;
    void *one;
    while (gc_map_next(self->entries, &cursor, NULL, &one))
        free(one);
    gc_map_destroy(&self->entries);
    free(self);
    *self_p = NULL;
}

static entry *require(gc_warm *self, const char *key)
{
    entry *one = gc_map_get(self->entries, key);
    if (one)
        return one;
    if (gc_map_count(self->entries) >= GC_WARM_MAX_KEYS) {
        size_t cursor = 0;
        const char *eldest = NULL;
        if (gc_map_next(self->entries, &cursor, &eldest, NULL))
            free(gc_map_remove(self->entries, eldest));
    }
    one = gc_xcalloc(1, sizeof *one);
    one->asked_ms = -1;
    gc_map_set(self->entries, key, one);
    return one;
}

bool gc_warm_is(const gc_warm *self, const char *key, int64_t now_ms)
{
    const entry *one = gc_map_get(self->entries, key);
    return one && now_ms < one->warm_until_ms;
}

void gc_warm_set(gc_warm *self, const char *key, int64_t until_ms)
{
    entry *one = require(self, key);
    if (until_ms > one->warm_until_ms)
        one->warm_until_ms = until_ms;
}

bool gc_warm_may_ask(gc_warm *self, const char *key, int64_t now_ms)
{
    entry *one = require(self, key);
    if (one->asked_ms >= 0 && now_ms - one->asked_ms < GC_WARM_ASK_MS)
        return false;
    one->asked_ms = now_ms;
    return true;
}

uint32_t gc_warm_shard(gc_warm *self, const char *key, int64_t now_ms)
{
    entry *one = require(self, key);
    if (one->calls == 0 || now_ms - one->minute_ms >= MINUTE_MS) {
        one->minute_ms = now_ms;
        one->calls = 0;
    }
    return one->calls++ / GC_WARM_CALLS_PER_KEY;
}
