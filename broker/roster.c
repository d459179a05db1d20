#include "broker/roster.h"

#include <assert.h>
#include <stdlib.h>

#include "common/map.h"
#include "common/mem.h"

#define NO_PLACE SIZE_MAX

typedef struct seat {
    gc_worker *worker;
    size_t index; /* of this pool among the worker's pools */
} seat;

/* Invariant: heap[i] is not after its children; heap[i].worker->places[index] == i; exactly
 * the workers with room are in it. */
struct gc_pool {
    char *provider;
    size_t members;
    seat *heap;
    size_t count;
    size_t cap;
};

struct gc_roster {
    gc_map *pools;
    uint64_t turns;
};

gc_roster *gc_roster_new(void)
{
    gc_roster *self = gc_xcalloc(1, sizeof *self);
    self->pools = gc_map_new();
    return self;
}

void gc_roster_destroy(gc_roster **self_p)
{
    if (!*self_p)
        return;
    assert(gc_map_count((*self_p)->pools) == 0); /* all workers were removed */
    gc_map_destroy(&(*self_p)->pools);
    free(*self_p);
    *self_p = NULL;
}

/* ---- the heap ---- */

static bool goes_before(const gc_worker *a, const gc_worker *b)
{
    int64_t left = a->held * b->credit, right = b->held * a->credit;
    return left != right ? left < right : a->turn < b->turn;
}

static void put(gc_pool *pool, size_t place, seat s)
{
    pool->heap[place] = s;
    s.worker->places[s.index] = place;
}

static void sift(gc_pool *pool, size_t place)
{
    seat s = pool->heap[place];
    while (place && goes_before(s.worker, pool->heap[(place - 1) / 2].worker)) {
        put(pool, place, pool->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    for (size_t child; (child = 2 * place + 1) < pool->count; place = child) {
        if (child + 1 < pool->count &&
            goes_before(pool->heap[child + 1].worker, pool->heap[child].worker))
            child++;
        if (!goes_before(pool->heap[child].worker, s.worker))
            break;
        put(pool, place, pool->heap[child]);
    }
    put(pool, place, s);
}

static void heap_add(gc_pool *pool, gc_worker *worker, size_t index)
{
    pool->heap = gc_grow(pool->heap, pool->count, &pool->cap, sizeof *pool->heap);
    put(pool, pool->count++, (seat){ worker, index });
    sift(pool, pool->count - 1);
}

static void heap_drop(gc_pool *pool, gc_worker *worker, size_t index)
{
    size_t place = worker->places[index];
    if (place == NO_PLACE)
        return;
    worker->places[index] = NO_PLACE;
    seat last = pool->heap[--pool->count];
    if (place == pool->count)
        return;
    put(pool, place, last);
    sift(pool, place);
}

/* ---- workers ---- */

gc_worker *gc_worker_new(void *owner)
{
    gc_worker *worker = gc_xcalloc(1, sizeof *worker);
    worker->owner = owner;
    return worker;
}

static void leave_pools(gc_roster *self, gc_worker *worker)
{
    for (size_t i = 0; i < worker->pool_count; i++) {
        gc_pool *pool = worker->pools[i];
        heap_drop(pool, worker, i);
        if (--pool->members)
            continue;
        gc_map_remove(self->pools, pool->provider);
        free(pool->provider);
        free(pool->heap);
        free(pool);
    }
    worker->pool_count = 0;
}

void gc_roster_remove(gc_roster *self, gc_worker **worker_p)
{
    if (!*worker_p)
        return;
    leave_pools(self, *worker_p);
    free(*worker_p);
    *worker_p = NULL;
}

static gc_pool *require_pool(gc_roster *self, const char *provider)
{
    gc_pool *pool = gc_map_get(self->pools, provider);
    if (pool)
        return pool;
    pool = gc_xcalloc(1, sizeof *pool);
    pool->provider = gc_xstrdup(provider);
    gc_map_set(self->pools, provider, pool);
    return pool;
}

static bool serves(const gc_worker *worker, const gc_pool *pool)
{
    for (size_t i = 0; i < worker->pool_count; i++)
        if (worker->pools[i] == pool)
            return true;
    return false;
}

void gc_roster_serve(gc_roster *self, gc_worker *worker, const gc_strv *providers)
{
    leave_pools(self, worker);
    for (size_t i = 0; i < providers->count; i++) {
        if (worker->pool_count == GC_WIRE_MAX_PROVIDERS)
            break;
        gc_pool *pool = require_pool(self, providers->items[i]);
        if (serves(worker, pool))
            continue;
        worker->places[worker->pool_count] = NO_PLACE;
        worker->pools[worker->pool_count++] = pool;
        pool->members++;
    }
    gc_roster_update(worker);
}

void gc_roster_update(gc_worker *worker)
{
    bool room = !worker->blocked && worker->held < worker->credit;
    for (size_t i = 0; i < worker->pool_count; i++) {
        if (!room)
            heap_drop(worker->pools[i], worker, i);
        else if (worker->places[i] == NO_PLACE)
            heap_add(worker->pools[i], worker, i);
        else
            sift(worker->pools[i], worker->places[i]);
    }
}

gc_worker *gc_roster_pick(gc_roster *self, const char *provider)
{
    gc_pool *pool = gc_map_get(self->pools, provider);
    if (!pool || !pool->count)
        return NULL;
    gc_worker *worker = pool->heap[0].worker;
    worker->turn = ++self->turns;
    gc_roster_update(worker);
    return worker;
}

size_t gc_roster_serving(const gc_roster *self, const char *provider)
{
    const gc_pool *pool = gc_map_get(self->pools, provider);
    return pool ? pool->members : 0;
}

void gc_roster_providers(const gc_roster *self, gc_strv *out)
{
    const char *name;
    for (size_t cursor = 0; gc_map_next(self->pools, &cursor, &name, NULL);)
        gc_strv_add(out, name);
}
