/* Says trouble once, not for each of a thousand calls: the first of its sort, then at most
 * one a minute with the count of those in between, then that it is over. Pure. */
#ifndef GC_WORKER_NOISE_H
#define GC_WORKER_NOISE_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/retry.h"

#define GC_NOISE_EVERY_MS 60000

typedef struct gc_noise {
    int64_t told_ms[GC_FAULT_COUNT]; /* 0: quiet */
    int64_t held_back[GC_FAULT_COUNT];
    bool trouble;
} gc_noise;

/* True if this failure is to be told; *more is how many of its sort were not. */
bool gc_noise_tell(gc_noise *self, gc_fault fault, int64_t now_ms, int64_t *more);

/* A call succeeded. True if there was trouble before: it is over. */
bool gc_noise_over(gc_noise *self);

#endif
