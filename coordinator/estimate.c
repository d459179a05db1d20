#include "coordinator/estimate.h"

#include <string.h>

/* Bytes of one <generate> element and its frame beside the promise. */
#define ELEMENT_BYTES 160

void gc_estimate_add(gc_estimate *self, const gc_task *task, size_t expected_bytes,
                     size_t marked_bytes, const gc_rates *rates)
{
    gc_usage usage = { 0 };
    double marked = (double)marked_bytes / rates->bytes_per_token;
    usage.input = (int64_t)(((double)task->prompt_bytes - (double)marked_bytes) /
                            rates->bytes_per_token);
    if (!self->calls)
        usage.cache_write_5m = (int64_t)marked;
    else
        usage.cache_read = (int64_t)marked;
    usage.output = (int64_t)((double)expected_bytes / rates->bytes_per_token) +
                   task->model.thinking_tokens;
    gc_usage_add(&self->usage, &usage);
    self->usd += gc_model_cost(&task->model, &usage);
    self->seconds += (double)usage.output * rates->seconds_per_token;
    self->calls++;
}

gc_estimate gc_estimate_baseline(const gc_plan *plan, size_t shared_bytes,
                                 const gc_model *model, const gc_rates *rates)
{
    gc_estimate e = { 0 };
    for (size_t i = 0; i < plan->file_count; i++) {
        const gc_plan_file *f = &plan->files[i];
        gc_usage usage = { 0 };
        double prompt = (double)(shared_bytes + strlen(f->promise) + ELEMENT_BYTES);
        usage.input = (int64_t)(prompt / rates->bytes_per_token);
        usage.output = (int64_t)((double)f->expected_bytes / rates->bytes_per_token) +
                       model->thinking_tokens;
        gc_usage_add(&e.usage, &usage);
        e.usd += gc_model_cost(model, &usage);
        e.seconds += (double)usage.output * rates->seconds_per_token;
        e.calls++;
    }
    return e;
}
