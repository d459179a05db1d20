#include "tests/llm-sim/bucket.h"

#include <math.h>

#define MINUTE_MS 60000.0

void gc_sim_bucket_init(gc_sim_bucket *self, int64_t limit_per_min, int64_t now_ms)
{
    *self = (gc_sim_bucket){ .limit_per_min = limit_per_min,
                             .level = (double)limit_per_min,
                             .at_ms = now_ms };
}

static void refill(gc_sim_bucket *self, int64_t now_ms)
{
    if (now_ms <= self->at_ms)
        return;
    double flow =
        (double)(now_ms - self->at_ms) * (double)self->limit_per_min / MINUTE_MS;
    self->level = fmin((double)self->limit_per_min, self->level + flow);
    self->at_ms = now_ms;
}

static int64_t until_level_ms(const gc_sim_bucket *self, double level)
{
    if (self->level >= level)
        return 0;
    if (self->limit_per_min <= 0)
        return INT32_MAX;
    return (int64_t)ceil((level - self->level) * MINUTE_MS / (double)self->limit_per_min);
}

int64_t gc_sim_bucket_wait_ms(gc_sim_bucket *self, int64_t amount, int64_t now_ms)
{
    refill(self, now_ms);
    return until_level_ms(self, fmin((double)amount, (double)self->limit_per_min));
}

void gc_sim_bucket_take(gc_sim_bucket *self, int64_t amount, int64_t now_ms)
{
    refill(self, now_ms);
    self->level -= (double)amount;
}

int64_t gc_sim_bucket_remaining(gc_sim_bucket *self, int64_t now_ms)
{
    refill(self, now_ms);
    return self->level > 0 ? (int64_t)self->level : 0;
}

int64_t gc_sim_bucket_full_ms(gc_sim_bucket *self, int64_t now_ms)
{
    refill(self, now_ms);
    return until_level_ms(self, (double)self->limit_per_min);
}
