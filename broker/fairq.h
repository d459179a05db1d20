/* Fair queue: lanes of FIFO order, served round robin, one item per turn, so that a job of
 * a thousand tasks delays a job of one by one task. Intrusive and pure: it owns lanes, never
 * items. Everything but the walks is O(1). */
#ifndef GC_BROKER_FAIRQ_H
#define GC_BROKER_FAIRQ_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gc_fairq gc_fairq;
typedef struct gc_lane gc_lane;

/* Lives inside what is queued; `lane` is NULL while it is not. */
typedef struct gc_fairq_item {
    struct gc_fairq_item *prev;
    struct gc_fairq_item *next;
    gc_lane *lane;
    void *owner; /* what the item stands for; set by the caller */
} gc_fairq_item;

gc_fairq *gc_fairq_new(void);

/* Lanes and queue must be empty. */
void gc_fairq_destroy(gc_fairq **self_p);

gc_lane *gc_lane_new(gc_fairq *queue);
void gc_lane_destroy(gc_lane **self_p);

/* At the end, or at the `front` for what comes back. */
void gc_lane_push(gc_lane *self, gc_fairq_item *item, bool front);

/* Takes `item` out of its lane; nothing if it is in none. */
void gc_fairq_remove(gc_fairq_item *item);

/* A parked lane keeps its items and gets no turn. */
void gc_lane_park(gc_lane *self, bool parked);

/* Removes and returns the item whose turn it is; NULL if no lane is ready. */
gc_fairq_item *gc_fairq_next(gc_fairq *self);
bool gc_fairq_ready(const gc_fairq *self);

/* Items, parked ones included. */
size_t gc_fairq_count(const gc_fairq *self);
size_t gc_fairq_lanes(const gc_fairq *self);

/* Walks the lanes: pass NULL first; NULL at the end. */
gc_lane *gc_fairq_walk(const gc_fairq *self, const gc_lane *lane);

/* Borrowed; NULL if empty. */
gc_fairq_item *gc_lane_head(const gc_lane *self);

#endif
