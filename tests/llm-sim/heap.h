/* Timers: a binary heap of deadlines. An entry lives inside its owner and knows its place,
 * so that moving or removing it costs O(log n) and nothing scans. Pure. */
#ifndef GC_LLM_SIM_HEAP_H
#define GC_LLM_SIM_HEAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct gc_sim_timer {
    int64_t due_us;
    size_t place; /* 1-based place in the heap; 0 = not in it */
    void *owner;  /* borrowed */
} gc_sim_timer;

typedef struct gc_sim_heap {
    gc_sim_timer **items;
    size_t count;
    size_t cap;
} gc_sim_heap;

/* Zero-initialised memory is a valid empty heap. Timers are not freed. */
void gc_sim_heap_release(gc_sim_heap *self);

/* Adds `timer`, or moves it if it is there already. */
void gc_sim_heap_set(gc_sim_heap *self, gc_sim_timer *timer, int64_t due_us);
void gc_sim_heap_remove(gc_sim_heap *self, gc_sim_timer *timer);

/* The earliest timer, or NULL. It stays in the heap. */
gc_sim_timer *gc_sim_heap_first(const gc_sim_heap *self);

#endif
