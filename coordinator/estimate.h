/* Tokens, dollars and seconds before spending: from the composed prompts, the model's
 * prices and measured figures. Everything here is an estimate and is named so. Pure. */
#ifndef GC_COORDINATOR_ESTIMATE_H
#define GC_COORDINATOR_ESTIMATE_H

#include <stddef.h>
#include <stdint.h>

#include "common/models.h"
#include "common/task.h"
#include "coordinator/compose.h"

typedef struct gc_estimate {
    int64_t calls;
    gc_usage usage;
    double usd;
    double seconds; /* of calls, one after the other */
} gc_estimate;

/* Measured figures, or the model's own. */
typedef struct gc_rates {
    double bytes_per_token;
    double seconds_per_token; /* of output */
} gc_rates;

/* Adds one call, `expected_bytes` of answer. The first call writes the `marked_bytes` of its
 * prompt to the cache, later ones read them. */
void gc_estimate_add(gc_estimate *self, const gc_task *task, size_t expected_bytes,
                     size_t marked_bytes, const gc_rates *rates);

/* The same files with every optimisation off: one call each, the whole FCS as plain input. */
gc_estimate gc_estimate_baseline(const gc_plan *plan, size_t shared_bytes,
                                 const gc_model *model, const gc_rates *rates);

#endif
