#include "common/map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

typedef struct map_entry {
    const char *key; /* NULL: removed */
    void *value;
    uint64_t hash;
} map_entry;

/* Up to here looking at all entries is as quick, and needs no slots. */
#define FEW 8

/* `slots` holds entry index + 1, 0 for empty; linear probing, at most half full. There are
 * none for few entries. Removed entries stay as tombstones until the next rebuild. */
struct gc_map {
    map_entry *entries;
    size_t used; /* entries, tombstones included */
    size_t live;
    size_t cap;
    uint32_t *slots;
    size_t slot_count;
    bool borrows; /* keys are not its own */
};

static uint64_t hash_key(const char *key)
{
    uint64_t h = 1469598103934665603ULL; /* FNV-1a */
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 1099511628211ULL;
    return h ^ (h >> 29);
}

gc_map *gc_map_new(void)
{
    return gc_xcalloc(1, sizeof(gc_map));
}

gc_map *gc_map_new_borrowing(void)
{
    gc_map *self = gc_map_new();
    self->borrows = true;
    return self;
}

static void drop_key(const gc_map *self, map_entry *e)
{
    if (!self->borrows)
        free((char *)e->key);
    e->key = NULL;
}

void gc_map_destroy(gc_map **self_p)
{
    gc_map *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->used; i++)
        drop_key(self, &self->entries[i]);
    free(self->entries);
    free(self->slots);
    free(self);
    *self_p = NULL;
}

/* The slot that holds `key`, or the empty slot where it would go. */
static size_t find_slot(const gc_map *self, const char *key, uint64_t hash)
{
    size_t mask = self->slot_count - 1;
    size_t i = (size_t)hash & mask;
    while (self->slots[i]) {
        const map_entry *e = &self->entries[self->slots[i] - 1];
        if (e->hash == hash && e->key && strcmp(e->key, key) == 0)
            break;
        i = (i + 1) & mask;
    }
    return i;
}

/* Of few entries without slots. */
static map_entry *find_among_few(const gc_map *self, const char *key, uint64_t hash)
{
    for (size_t i = 0; i < self->used; i++) {
        map_entry *e = &self->entries[i];
        if (e->hash == hash && e->key && strcmp(e->key, key) == 0)
            return e;
    }
    return NULL;
}

static void rebuild(gc_map *self)
{
    size_t live = 0;
    for (size_t i = 0; i < self->used; i++)
        if (self->entries[i].key)
            self->entries[live++] = self->entries[i];
    self->used = live;
    size_t count = 16;
    while (count < live * 4)
        count *= 2;
    free(self->slots);
    self->slots = gc_xcalloc(count, sizeof *self->slots);
    self->slot_count = count;
    for (size_t i = 0; i < live; i++) {
        size_t slot = (size_t)self->entries[i].hash & (count - 1);
        while (self->slots[slot])
            slot = (slot + 1) & (count - 1);
        self->slots[slot] = (uint32_t)(i + 1);
    }
}

/* The entry of `key` or NULL; *slot is where it is or would go, if there are slots. */
static map_entry *find_entry(const gc_map *self, const char *key, uint64_t hash,
                             size_t *slot)
{
    if (!self->slot_count)
        return find_among_few(self, key, hash);
    *slot = find_slot(self, key, hash);
    return self->slots[*slot] ? &self->entries[self->slots[*slot] - 1] : NULL;
}

static map_entry *find(const gc_map *self, const char *key)
{
    size_t slot;
    return find_entry(self, key, hash_key(key), &slot);
}

void *gc_map_set(gc_map *self, const char *key, void *value)
{
    size_t slot = 0;
    uint64_t hash = hash_key(key);
    if (self->used >= FEW && (self->used + 1) * 2 > self->slot_count)
        rebuild(self);
    map_entry *e = find_entry(self, key, hash, &slot);
    if (e) {
        void *old = e->value;
        e->value = value;
        return old;
    }
    self->entries = gc_grow(self->entries, self->used, &self->cap, sizeof *self->entries);
    self->entries[self->used++] =
        (map_entry){ self->borrows ? key : gc_xstrdup(key), value, hash };
    if (self->slot_count)
        self->slots[slot] = (uint32_t)self->used;
    self->live++;
    return NULL;
}

void *gc_map_get(const gc_map *self, const char *key)
{
    const map_entry *e = find(self, key);
    return e ? e->value : NULL;
}

bool gc_map_has(const gc_map *self, const char *key)
{
    return find(self, key) != NULL;
}

void *gc_map_remove(gc_map *self, const char *key)
{
    map_entry *e = find(self, key);
    if (!e)
        return NULL;
    void *value = e->value;
    drop_key(self, e); /* its slot stays taken: probing goes on past it */
    self->live--;
    return value;
}

size_t gc_map_count(const gc_map *self)
{
    return self->live;
}

bool gc_map_next(const gc_map *self, size_t *cursor, const char **key, void **value)
{
    while (*cursor < self->used) {
        const map_entry *e = &self->entries[(*cursor)++];
        if (!e->key)
            continue;
        if (key)
            *key = e->key;
        if (value)
            *value = e->value;
        return true;
    }
    return false;
}
