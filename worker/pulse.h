/* When did a model last answer? A provider that serves others is not down, so their success
 * renews the patience of a task that has bad luck. Pure. */
#ifndef GC_WORKER_PULSE_H
#define GC_WORKER_PULSE_H

#include <stdint.h>

#define GC_PULSE_MODELS 64

typedef struct gc_pulse gc_pulse;

gc_pulse *gc_pulse_new(void);
void gc_pulse_destroy(gc_pulse **self_p);

void gc_pulse_beat(gc_pulse *self, const char *model, int64_t now_ms);

/* Of the last success; 0: never. */
int64_t gc_pulse_last(const gc_pulse *self, const char *model);

#endif
