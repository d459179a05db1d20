#include "coordinator/schedule.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* What is not sooner by more than this is as soon: estimates are no better. */
#define AS_SOON 1.05

int gc_rank_compare(const gc_rank *a, const gc_rank *b)
{
    if (a->path_s != b->path_s)
        return a->path_s > b->path_s ? -1 : 1;
    if (a->call_s != b->call_s)
        return a->call_s > b->call_s ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

/* ---- heaps ---- */

typedef bool (*before_fn)(const gc_scheduled *a, const gc_scheduled *b);

static bool by_rank(const gc_scheduled *a, const gc_scheduled *b)
{
    return gc_rank_compare(&a->rank, &b->rank) < 0;
}

static bool by_time(const gc_scheduled *a, const gc_scheduled *b)
{
    if (a->not_before != b->not_before)
        return a->not_before < b->not_before;
    return by_rank(a, b);
}

static void set(gc_schedule_heap *heap, size_t place, gc_scheduled *item)
{
    heap->items[place - 1] = item;
    item->place = place;
}

static void rise(gc_schedule_heap *heap, gc_scheduled *item, before_fn before)
{
    size_t place = item->place;
    while (place > 1 && before(item, heap->items[place / 2 - 1])) {
        set(heap, place, heap->items[place / 2 - 1]);
        place /= 2;
    }
    set(heap, place, item);
}

static void sink(gc_schedule_heap *heap, gc_scheduled *item, before_fn before)
{
    size_t place = item->place, child;
    while ((child = 2 * place) <= heap->count) {
        if (child < heap->count && before(heap->items[child], heap->items[child - 1]))
            child++;
        if (!before(heap->items[child - 1], item))
            break;
        set(heap, place, heap->items[child - 1]);
        place = child;
    }
    set(heap, place, item);
}

static void heap_put(gc_schedule_heap *heap, gc_scheduled *item, before_fn before)
{
    heap->items = gc_grow(heap->items, heap->count, &heap->cap, sizeof *heap->items);
    set(heap, ++heap->count, item);
    rise(heap, item, before);
}

static void heap_remove(gc_schedule_heap *heap, gc_scheduled *item, before_fn before)
{
    gc_scheduled *last = heap->items[--heap->count];
    if (last != item) {
        set(heap, item->place, last);
        rise(heap, last, before);
        sink(heap, last, before);
    }
    item->place = 0;
}

/* ---- the schedule ---- */

void gc_schedule_release(gc_schedule *self)
{
    free(self->ready.items);
    free(self->later.items);
    *self = (gc_schedule){ 0 };
}

static bool is_ready(const gc_schedule *self, const gc_scheduled *item)
{
    return item->place <= self->ready.count && self->ready.items[item->place - 1] == item;
}

void gc_schedule_remove(gc_schedule *self, gc_scheduled *item)
{
    if (!item->place)
        return;
    if (is_ready(self, item))
        heap_remove(&self->ready, item, by_rank);
    else
        heap_remove(&self->later, item, by_time);
}

void gc_schedule_put(gc_schedule *self, gc_scheduled *item, int64_t not_before)
{
    gc_schedule_remove(self, item);
    item->not_before = not_before;
    if (not_before > 0)
        heap_put(&self->later, item, by_time);
    else
        heap_put(&self->ready, item, by_rank);
}

gc_scheduled *gc_schedule_take(gc_schedule *self, int64_t now_ms)
{
    while (self->later.count && self->later.items[0]->not_before <= now_ms)
        gc_schedule_put(self, self->later.items[0], 0);
    gc_scheduled *first = self->ready.count ? self->ready.items[0] : NULL;
    if (first)
        heap_remove(&self->ready, first, by_rank);
    return first;
}

size_t gc_schedule_count(const gc_schedule *self)
{
    return self->ready.count + self->later.count;
}

/* ---- what comes of it ---- */

static int compare(const void *a, const void *b)
{
    return gc_rank_compare(a, b);
}

/* Moves a changed one to its place among those below; `free_at` is a heap of times. */
static void sink_time(double *free_at, size_t at, size_t count)
{
    double time = free_at[at];
    size_t child;
    while ((child = 2 * at + 1) < count) {
        if (child + 1 < count && free_at[child + 1] < free_at[child])
            child++;
        if (free_at[child] >= time)
            break;
        free_at[at] = free_at[child];
        at = child;
    }
    free_at[at] = time;
}

double gc_schedule_makespan(gc_rank *calls, size_t count, const double *free_s,
                            size_t slots)
{
    double *free_at = gc_xcalloc(slots + 1, sizeof *free_at);
    double last = 0;
    if (count)
        qsort(calls, count, sizeof *calls, compare);
    if (free_s)
        memcpy(free_at, free_s, slots * sizeof *free_at);
    for (size_t at = slots / 2; free_s && at-- > 0;)
        sink_time(free_at, at, slots);
    for (size_t i = 0; i < count; i++) {
        double all = free_at[0] + calls[i].path_s;
        free_at[0] += calls[i].call_s;
        last = all > last ? all : last;
        sink_time(free_at, 0, slots);
    }
    free(free_at);
    return last;
}

void gc_schedule_append(double *free_s, size_t slots, double seconds)
{
    size_t first = 0;
    for (size_t i = 1; i < slots; i++)
        first = free_s[i] < free_s[first] ? i : first;
    free_s[first] += seconds;
}

static bool is_paid(const gc_spread *options, size_t i, double per_call, double budget)
{
    size_t more =
        options[i].calls > options[0].calls ? options[i].calls - options[0].calls : 0;
    return (double)more * per_call <= budget;
}

size_t gc_schedule_spread(const gc_spread *options, size_t count, double per_call,
                          double budget)
{
    double soonest = count ? options[0].makespan_s : 0;
    for (size_t i = 1; i < count; i++)
        if (options[i].makespan_s < soonest && is_paid(options, i, per_call, budget))
            soonest = options[i].makespan_s;
    for (size_t i = 0; i < count; i++)
        if (options[i].makespan_s <= soonest * AS_SOON &&
            is_paid(options, i, per_call, budget))
            return i;
    return 0;
}
