/* In which order the calls of a run go out, and what that order leads to. The longest
 * remaining path goes first: from the start of a call to the end of all that waits for it. Of
 * equals the longer call goes first, since short ones fill the gaps at the end; then the
 * lower number. All seconds are expected ones. Pure and deterministic. */
#ifndef GC_COORDINATOR_SCHEDULE_H
#define GC_COORDINATOR_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

typedef struct gc_rank {
    double path_s;   /* the call and the longest chain behind it */
    double call_s;   /* the call alone */
    uint64_t number; /* no two of a schedule are the same */
} gc_rank;

/* < 0: `a` goes first. */
int gc_rank_compare(const gc_rank *a, const gc_rank *b);

/* Lives inside what is scheduled; zeroed it is in no schedule. */
typedef struct gc_scheduled {
    gc_rank rank;       /* not to be changed while it is in a schedule */
    int64_t not_before; /* monotonic ms; 0: at once */
    size_t place;       /* 1-based, 0: in none */
    void *owner;        /* borrowed */
} gc_scheduled;

typedef struct gc_schedule_heap {
    gc_scheduled **items;
    size_t count, cap;
} gc_schedule_heap;

/* Zero-initialised memory is an empty schedule. Putting, taking and removing cost O(log n). */
typedef struct gc_schedule {
    gc_schedule_heap ready; /* by rank */
    gc_schedule_heap later; /* by time */
} gc_schedule;

/* Frees what it took for itself; items are their owners'. */
void gc_schedule_release(gc_schedule *self);

/* Adds `item`, or moves it if it is in already. Its rank must be set. */
void gc_schedule_put(gc_schedule *self, gc_scheduled *item, int64_t not_before);

/* Nothing if it is in none. */
void gc_schedule_remove(gc_schedule *self, gc_scheduled *item);

/* Takes the first of those whose time has come; NULL if there is none. */
gc_scheduled *gc_schedule_take(gc_schedule *self, int64_t now_ms);

/* All of them, those whose time has not come included. */
size_t gc_schedule_count(const gc_schedule *self);

/* Seconds from now to the last end if `slots` (> 0) take these calls in their order and the
 * chains behind them need no slots; free_s[i]: from now until slot i is free, NULL: all are.
 * Sorts `calls`. */
double gc_schedule_makespan(gc_rank *calls, size_t count, const double *free_s,
                            size_t slots);

/* A call more, on the slot (of `slots` > 0) that is free first; as above, but in any order. */
void gc_schedule_append(double *free_s, size_t slots, double seconds);

/* One way of sharing the same files out over calls. */
typedef struct gc_spread {
    size_t calls;
    double makespan_s;
} gc_spread;

/* The fewest calls (option 0 has fewest, later ones more) that end about as soon as any
 * which `budget` pays for; `per_call` is what one call more costs, in the unit of `budget`. */
size_t gc_schedule_spread(const gc_spread *options, size_t count, double per_call,
                          double budget);

#endif
