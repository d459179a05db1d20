/* What one call may cost at the most: that is reserved for it under a spend cap. Pure. */
#ifndef GC_COORDINATOR_RESERVE_H
#define GC_COORDINATOR_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/models.h"

typedef struct gc_reserve_prompt {
    int64_t marked_bytes;  /* of the part that goes to the cache, 0: none does */
    int64_t marked_tokens; /* the same as the provider takes it at the most; 0: unknown */
    int64_t other_bytes;
    bool one_hour; /* the part is written for an hour, not for five minutes */
} gc_reserve_prompt;

typedef struct gc_reserve {
    const gc_model *model; /* borrowed */
    gc_usage prompt;       /* every token of it at the dearest price that it can have */
} gc_reserve;

gc_reserve gc_reserve_of(const gc_model *model, const gc_reserve_prompt *prompt);

/* The worst case of a call whose answer may have `max_tokens`. */
double gc_reserve_usd(const gc_reserve *self, int64_t max_tokens);

#endif
