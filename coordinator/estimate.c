#include "coordinator/estimate.h"

#include <math.h>
#include <string.h>

/* Bytes of one <generate> element and its frame beside the promise. */
#define ELEMENT_BYTES 160

static double add_call(gc_estimate *self, const gc_model *model, const gc_usage *usage,
                       const gc_rates *rates)
{
    double seconds = gc_rates_seconds(rates, (double)usage->output);
    gc_usage_add(&self->usage, usage);
    self->usd += gc_model_cost(model, usage);
    self->call_seconds += seconds;
    self->calls++;
    return seconds;
}

double gc_estimate_add(gc_estimate *self, const gc_task *task, double output_tokens,
                       size_t marked_bytes, const gc_rates *rates)
{
    int64_t marked = llround((double)marked_bytes / rates->marked_bytes_per_token);
    double plain_bytes = (double)task->prompt_bytes - (double)marked_bytes;
    gc_usage usage = {
        .input = llround(plain_bytes / rates->plain_bytes_per_token),
        .output = (int64_t)(output_tokens + rates->thinking_tokens),
    };
    if (self->calls || self->warm)
        usage.cache_read = marked;
    else if (strcmp(task->cache_ttl, "1h") == 0)
        usage.cache_write_1h = marked;
    else
        usage.cache_write_5m = marked;
    return add_call(self, &task->model, &usage, rates);
}

double gc_estimate_seconds(const gc_estimate *self, int64_t slots)
{
    double even = self->call_seconds / (double)(slots > 0 ? slots : 1);
    return even > self->chain_seconds ? even : self->chain_seconds;
}

gc_estimate gc_estimate_baseline(const gc_plan *plan, size_t shared_bytes,
                                 const gc_model *model, const gc_rates *rates)
{
    gc_estimate e = { 0 };
    for (size_t i = 0; i < plan->file_count; i++) {
        const gc_plan_file *f = &plan->files[i];
        if (f->extra)
            continue;
        double own = (double)(strlen(f->promise) + ELEMENT_BYTES);
        double output = gc_rates_output(rates, f) + rates->thinking_tokens;
        gc_usage usage = {
            .input = (int64_t)((double)shared_bytes / rates->marked_bytes_per_token +
                               own / rates->plain_bytes_per_token),
            .output = (int64_t)output,
        };
        add_call(&e, model, &usage, rates);
    }
    e.chain_seconds = e.call_seconds;
    return e;
}
