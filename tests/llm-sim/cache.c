#include "tests/llm-sim/cache.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"

typedef struct entry {
    int64_t expires_ms;
    int64_t ttl_ms;
} entry;

struct gc_sim_cache {
    gc_map *entries; /* prefix hash -> entry */
    double ttl_scale;
    size_t sweep_at;
};

/* Swept when it has doubled since, so that sweeping costs O(1) per entry. */
#define SWEEP_MIN 1024

int64_t gc_sim_tokens(size_t len)
{
    return (int64_t)((len * 10 + 35) / 36);
}

void gc_sim_prompt_release(gc_sim_prompt *self)
{
    free(self->blocks);
    *self = (gc_sim_prompt){ 0 };
}

static void chain(gc_sim_prompt *self, const char *where, const void *mem, size_t len)
{
    gc_hasher *hasher = gc_hasher_new();
    gc_hasher_text(hasher, self->chain.hex);
    gc_hasher_text(hasher, where);
    gc_hasher_field(hasher, mem, len);
    self->chain = gc_hasher_finish(&hasher);
}

void gc_sim_prompt_mix(gc_sim_prompt *self, const char *name, const char *value)
{
    chain(self, name, value, strlen(value));
}

void gc_sim_prompt_add(gc_sim_prompt *self, const char *where, const void *mem,
                       size_t len, bool tool_run)
{
    chain(self, where, mem, len);
    self->tokens += gc_sim_tokens(len) + GC_SIM_BLOCK_TOKENS;
    size_t position = 0;
    if (self->count) {
        position = self->blocks[self->count - 1].position;
        if (!(tool_run && self->in_tool_run))
            position++;
    }
    self->in_tool_run = tool_run;
    self->blocks = gc_grow(self->blocks, self->count, &self->cap, sizeof(*self->blocks));
    self->blocks[self->count++] = (gc_sim_block){ .prefix = self->chain,
                                                  .tokens = self->tokens,
                                                  .position = position };
}

void gc_sim_prompt_mark(gc_sim_prompt *self, int64_t ttl_ms)
{
    if (self->count == 0)
        return;
    gc_sim_block *block = &self->blocks[self->count - 1];
    if (!block->ttl_ms)
        self->marks++;
    block->ttl_ms = ttl_ms;
}

gc_sim_cache *gc_sim_cache_new(double ttl_scale)
{
    gc_sim_cache *self = gc_xcalloc(1, sizeof *self);
    self->entries = gc_map_new();
    self->ttl_scale = ttl_scale;
    self->sweep_at = SWEEP_MIN;
    return self;
}

static void sweep(gc_sim_cache *self, bool all, int64_t now_ms)
{
    size_t cursor = 0;
    const char *key;
    void *value;
    while (gc_map_next(self->entries, &cursor, &key, &value)) {
        entry *item = value;
        if (!all && item->expires_ms > now_ms)
            continue;
        gc_map_remove(self->entries, key);
        free(item);
    }
    self->sweep_at = 2 * gc_map_count(self->entries) + SWEEP_MIN;
}

void gc_sim_cache_destroy(gc_sim_cache **self_p)
{
    gc_sim_cache *self = *self_p;
    if (!self)
        return;
    sweep(self, true, 0);
    gc_map_destroy(&self->entries);
    free(self);
    *self_p = NULL;
}

size_t gc_sim_cache_count(const gc_sim_cache *self)
{
    return gc_map_count(self->entries);
}

static int64_t scaled(const gc_sim_cache *self, int64_t ttl_ms)
{
    return (int64_t)((double)ttl_ms * self->ttl_scale);
}

static const entry *find_live(const gc_sim_cache *self, const gc_sha *prefix,
                              int64_t now_ms)
{
    const entry *item = gc_map_get(self->entries, prefix->hex);
    return item && item->expires_ms > now_ms ? item : NULL;
}

/* The last block at or before `mark` that an entry covers, or -1. */
static long find_read(const gc_sim_cache *self, const gc_sim_prompt *prompt, size_t mark,
                      size_t look_back, int64_t now_ms)
{
    const gc_sim_block *blocks = prompt->blocks;
    for (size_t i = mark + 1; i-- > 0;) {
        if (blocks[mark].position - blocks[i].position >= look_back)
            return -1;
        if (find_live(self, &blocks[i].prefix, now_ms))
            return (long)i;
    }
    return -1;
}

static void note_hit(const gc_sim_cache *self, gc_sim_cache_use *use,
                     const gc_sha *prefix)
{
    const entry *item = gc_map_get(self->entries, prefix->hex);
    if (use->hit_count < GC_SIM_MARKS_MAX)
        use->hits[use->hit_count++] =
            (gc_sim_cache_write){ .prefix = *prefix, .ttl_ms = item->ttl_ms };
}

/* One write for the stretch between what is cached so far and `block`. */
static void plan_write(gc_sim_cache_use *use, const gc_sim_block *block, int64_t tokens)
{
    if (use->write_count == GC_SIM_MARKS_MAX)
        return;
    if (block->ttl_ms >= GC_SIM_TTL_1H_MS)
        use->write_1h += tokens;
    else
        use->write_5m += tokens;
    use->writes[use->write_count++] =
        (gc_sim_cache_write){ .prefix = block->prefix, .ttl_ms = block->ttl_ms };
}

void gc_sim_cache_lookup(const gc_sim_cache *self, const gc_sim_prompt *prompt,
                         int64_t min_tokens, size_t look_back, int64_t now_ms,
                         gc_sim_cache_use *out)
{
    *out = (gc_sim_cache_use){ 0 };
    long read = -1;
    for (size_t i = 0; i < prompt->count; i++) {
        if (!prompt->blocks[i].ttl_ms)
            continue;
        long hit = find_read(self, prompt, i, look_back, now_ms);
        if (hit >= 0)
            note_hit(self, out, &prompt->blocks[hit].prefix);
        if (hit > read)
            read = hit;
    }
    out->read = read >= 0 ? prompt->blocks[read].tokens : 0;
    int64_t covered = out->read;
    for (size_t i = (size_t)(read + 1); i < prompt->count; i++) {
        const gc_sim_block *block = &prompt->blocks[i];
        if (!block->ttl_ms || block->tokens < min_tokens)
            continue;
        plan_write(out, block, block->tokens - covered);
        covered = block->tokens;
    }
    out->input = prompt->tokens - covered;
}

static void keep(gc_sim_cache *self, const gc_sim_cache_write *write, int64_t started_ms)
{
    int64_t expires = started_ms + scaled(self, write->ttl_ms);
    entry *item = gc_map_get(self->entries, write->prefix.hex);
    if (!item) {
        item = gc_xcalloc(1, sizeof *item);
        gc_map_set(self->entries, write->prefix.hex, item);
    }
    if (expires > item->expires_ms)
        item->expires_ms = expires;
    if (write->ttl_ms > item->ttl_ms)
        item->ttl_ms = write->ttl_ms;
}

void gc_sim_cache_commit(gc_sim_cache *self, const gc_sim_cache_use *use,
                         int64_t started_ms)
{
    for (size_t i = 0; i < use->write_count; i++)
        keep(self, &use->writes[i], started_ms);
    for (size_t i = 0; i < use->hit_count; i++)
        keep(self, &use->hits[i], started_ms);
    if (gc_map_count(self->entries) > self->sweep_at)
        sweep(self, false, started_ms);
}
