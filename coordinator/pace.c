#include "coordinator/pace.h"

#include <math.h>

#define LOOK_MS 500
#define MEMORY_S 15.0 /* what is older than a few times that has no weight */
#define ENOUGH_S 3.0  /* to say anything */
#define OVERRUN 0.25  /* of what came already */

void gc_pace_note(gc_pace *self, int64_t tokens, int64_t now_ms)
{
    if (!self->at_ms || (self->seen_s <= 0 && tokens <= self->tokens)) {
        self->at_ms = now_ms;
        self->tokens = tokens;
        return;
    }
    double seconds = (double)(now_ms - self->at_ms) / 1000;
    if (now_ms - self->at_ms < LOOK_MS)
        return;
    double came = tokens > self->tokens ? (double)(tokens - self->tokens) : 0;
    /* A plain average at first, then one that forgets. */
    self->seen_s += seconds;
    double weight = 1 - exp(-seconds / MEMORY_S), share = seconds / self->seen_s;
    self->rate += (came / seconds - self->rate) * (share > weight ? share : weight);
    self->at_ms = now_ms;
    self->tokens = tokens > self->tokens ? tokens : self->tokens;
}

double gc_pace_left(const gc_pace *self, double tokens)
{
    if (tokens <= 0)
        return 0;
    return self->seen_s >= ENOUGH_S && self->rate > 0 ? tokens / self->rate : -1;
}

double gc_pace_rest(double expected, double came)
{
    return fmax(expected - came, came * OVERRUN);
}
