#include "worker/pulse.h"

#include <stdlib.h>

#include "common/map.h"
#include "common/mem.h"

struct gc_pulse {
    gc_map *beats; /* model -> int64_t */
};

gc_pulse *gc_pulse_new(void)
{
    gc_pulse *self = gc_xcalloc(1, sizeof *self);
    self->beats = gc_map_new();
    return self;
}

void gc_pulse_destroy(gc_pulse **self_p)
{
    gc_pulse *self = *self_p;
    if (!self)
        return;
    size_t cursor = 0;
    void *beat;
    while (gc_map_next(self->beats, &cursor, NULL, &beat))
        free(beat);
    gc_map_destroy(&self->beats);
    free(self);
    *self_p = NULL;
}

void gc_pulse_beat(gc_pulse *self, const char *model, int64_t now_ms)
{
    int64_t *beat = gc_map_get(self->beats, model);
    if (!beat && gc_map_count(self->beats) >= GC_PULSE_MODELS)
        return; /* their tasks count on themselves alone */
    if (!beat) {
        beat = gc_xmalloc(sizeof *beat);
        gc_map_set(self->beats, model, beat);
    }
    *beat = now_ms;
}

int64_t gc_pulse_last(const gc_pulse *self, const char *model)
{
    const int64_t *beat = gc_map_get(self->beats, model);
    return beat ? *beat : 0;
}
