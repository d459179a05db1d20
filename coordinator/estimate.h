/* Tokens, dollars and seconds before spending: from the composed prompts, the model's
 * prices and what earlier calls took. Everything here is an estimate and is named so. Pure. */
#ifndef GC_COORDINATOR_ESTIMATE_H
#define GC_COORDINATOR_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/models.h"
#include "common/task.h"
#include "coordinator/plan.h"
#include "coordinator/rates.h"

typedef struct gc_estimate {
    bool warm; /* the marked prefix is in the provider's cache: nobody writes it */
    int64_t calls;
    size_t guessed_files; /* nothing was measured of their kinds */
    gc_usage usage;
    double usd;
    double call_seconds;  /* of all calls, one after the other */
    double chain_seconds; /* of the longest chain of calls that wait for each other */
} gc_estimate;

/* Adds one call. Unless the prefix is warm the first call writes the `marked_bytes` of its
 * prompt to the cache, later ones read them. Returns its seconds. */
double gc_estimate_add(gc_estimate *self, const gc_task *task, double output_tokens,
                       size_t marked_bytes, const gc_rates *rates);

/* From start to end with `slots` calls at a time: no shorter than the longest chain, nor
 * than the work shared out evenly. */
double gc_estimate_seconds(const gc_estimate *self, int64_t slots);

/* The same files with every optimisation off: one call each, one after the other, the
 * `shared_bytes` of prompt with the whole FCS as plain input. */
gc_estimate gc_estimate_baseline(const gc_plan *plan, size_t shared_bytes,
                                 const gc_model *model, const gc_rates *rates);

#endif
