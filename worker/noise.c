#include "worker/noise.h"

bool gc_noise_tell(gc_noise *self, gc_fault fault, int64_t now_ms, int64_t *more)
{
    int64_t *told_ms = &self->told_ms[fault];
    self->trouble = true;
    if (*told_ms && now_ms - *told_ms < GC_NOISE_EVERY_MS) {
        self->held_back[fault]++;
        return false;
    }
    *more = self->held_back[fault];
    *told_ms = now_ms;
    self->held_back[fault] = 0;
    return true;
}

bool gc_noise_over(gc_noise *self)
{
    bool was = self->trouble;
    *self = (gc_noise){ 0 };
    return was;
}
