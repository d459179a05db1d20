/* Rate limits as the API has them: token buckets, refilled continuously up to the limit per
 * minute (requests, input tokens, output tokens), per key and model. Pure. */
#ifndef GC_LLM_SIM_BUCKET_H
#define GC_LLM_SIM_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct gc_sim_bucket {
    int64_t limit_per_min; /* capacity, and what flows back in a minute */
    double level;
    int64_t at_ms; /* the level is of this moment */
} gc_sim_bucket;

/* A full bucket. */
void gc_sim_bucket_init(gc_sim_bucket *self, int64_t limit_per_min, int64_t now_ms);

/* Milliseconds until `amount` is there: 0 = now. An amount over the whole limit is taken
 * from a full bucket, so that it is late but never impossible. Takes nothing. */
int64_t gc_sim_bucket_wait_ms(gc_sim_bucket *self, int64_t amount, int64_t now_ms);

/* Takes `amount`; the level may go below zero (output is counted after the fact). */
void gc_sim_bucket_take(gc_sim_bucket *self, int64_t amount, int64_t now_ms);

/* What is left, never below 0. */
int64_t gc_sim_bucket_remaining(gc_sim_bucket *self, int64_t now_ms);

/* Milliseconds until it is full again. */
int64_t gc_sim_bucket_full_ms(gc_sim_bucket *self, int64_t now_ms);

#endif
