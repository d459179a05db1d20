/* How fast a job goes, and when it will end: from what came in lately, so that the answer
 * converges whatever was expected. Pure. */
#ifndef GC_COORDINATOR_PACE_H
#define GC_COORDINATOR_PACE_H

#include <stdint.h>

typedef struct gc_pace {
    double rate;    /* tokens per second of the whole job */
    double seen_s;  /* time that the rate rests on */
    int64_t at_ms;  /* of the last look; 0: none */
    int64_t tokens; /* seen by then */
} gc_pace;

/* `tokens` have come in all in all. Time before the first of them does not count; looks less
 * than half a second apart are one look; a sum that became smaller (a call was lost) counts
 * as no news. */
void gc_pace_note(gc_pace *self, int64_t tokens, int64_t now_ms);

/* Seconds until `tokens` more have come, negative if it is too early to say. */
double gc_pace_left(const gc_pace *self, double tokens);

/* Tokens that a call has still to bring, of which so many were expected and so many came. One
 * that is longer than expected is taken to be close to its end, not over. */
double gc_pace_rest(double expected, double came);

#endif
