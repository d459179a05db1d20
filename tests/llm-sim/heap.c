#include "tests/llm-sim/heap.h"

#include <stdlib.h>

#include "common/mem.h"

void gc_sim_heap_release(gc_sim_heap *self)
{
    free(self->items);
    *self = (gc_sim_heap){ 0 };
}

static void put(gc_sim_heap *self, size_t place, gc_sim_timer *timer)
{
    self->items[place - 1] = timer;
    timer->place = place;
}

static void sift_up(gc_sim_heap *self, gc_sim_timer *timer)
{
    size_t place = timer->place;
    while (place > 1 && self->items[place / 2 - 1]->due_us > timer->due_us) {
        put(self, place, self->items[place / 2 - 1]);
        place /= 2;
    }
    put(self, place, timer);
}

static void sift_down(gc_sim_heap *self, gc_sim_timer *timer)
{
    size_t place = timer->place;
    for (;;) {
        size_t child = place * 2;
        if (child > self->count)
            break;
        if (child < self->count &&
            self->items[child]->due_us < self->items[child - 1]->due_us)
            child++;
        if (self->items[child - 1]->due_us >= timer->due_us)
            break;
        put(self, place, self->items[child - 1]);
        place = child;
    }
    put(self, place, timer);
}

void gc_sim_heap_set(gc_sim_heap *self, gc_sim_timer *timer, int64_t due_us)
{
    timer->due_us = due_us;
    if (timer->place == 0) {
        self->items =
            gc_grow(self->items, self->count, &self->cap, sizeof(gc_sim_timer *));
        self->count++;
        put(self, self->count, timer);
    }
    sift_up(self, timer);
    sift_down(self, timer);
}

void gc_sim_heap_remove(gc_sim_heap *self, gc_sim_timer *timer)
{
    if (timer->place == 0)
        return;
    size_t place = timer->place;
    gc_sim_timer *last = self->items[--self->count];
    timer->place = 0;
    if (last == timer)
        return;
    put(self, place, last);
    sift_up(self, last);
    sift_down(self, last);
}

gc_sim_timer *gc_sim_heap_first(const gc_sim_heap *self)
{
    return self->count ? self->items[0] : NULL;
}
