/* The workers: who serves which provider, how many tasks each may hold, who is next. A heap
 * per provider holds the workers with room, the least loaded first. Pure. */
#ifndef GC_BROKER_ROSTER_H
#define GC_BROKER_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/strv.h"
#include "common/wire.h"

typedef struct gc_roster gc_roster;
typedef struct gc_pool gc_pool;
typedef struct gc_ticket gc_ticket;

/* Change `credit`, `held` and `blocked` freely, then call gc_roster_update(). */
typedef struct gc_worker {
    int64_t credit;     /* tasks it is willing to hold in all; 0 while it drains */
    int64_t held;       /* tasks it holds */
    bool blocked;       /* gets nothing: unreachable, or its queue is full */
    gc_ticket *tickets; /* what it holds: a list kept by the ledger */
    uint64_t stamp;     /* free use by a walk over many tickets: was it seen already */
    void *owner;        /* set by the caller */
    /* the roster's own */
    uint64_t turn;
    size_t pool_count;
    gc_pool *pools[GC_WIRE_MAX_PROVIDERS];
    size_t places[GC_WIRE_MAX_PROVIDERS];
} gc_worker;

gc_roster *gc_roster_new(void);
void gc_roster_destroy(gc_roster **self_p);

/* A worker without credit that serves nobody yet. */
gc_worker *gc_worker_new(void *owner);
void gc_roster_remove(gc_roster *self, gc_worker **worker_p);

/* At most GC_WIRE_MAX_PROVIDERS of them count; doubled names count once. */
void gc_roster_serve(gc_roster *self, gc_worker *worker, const gc_strv *providers);
void gc_roster_update(gc_worker *worker);

/* The least loaded worker with room for this provider, by share of its credit; among equals
 * the one that waited longest. NULL: none has room. */
gc_worker *gc_roster_pick(gc_roster *self, const char *provider);

/* Workers that serve this provider, with or without room. */
size_t gc_roster_serving(const gc_roster *self, const char *provider);

/* Names of all providers that are served. */
void gc_roster_providers(const gc_roster *self, gc_strv *out);

#endif
