/* What a provider lets one key do with one model in a minute, and what a call takes of it. */
#ifndef GC_COMMON_LIMITS_H
#define GC_COMMON_LIMITS_H

#include <stdint.h>

#define GC_LIMIT_WINDOW_MS 60000

/* As the headers of an answer say; -1: not said. */
typedef struct gc_limits {
    int64_t requests, requests_left;
    int64_t input,
        input_left; /* tokens; of both kinds where the provider has one limit */
    int64_t output, output_left;
} gc_limits;

/* A call's share of the shared window: booked for one slot, or waiting for room. */
typedef struct gc_booking {
    int64_t slot;   /* 0: not booked */
    int64_t ticket; /* place in the line of those who wait; 0: in none */
    int64_t requests, input, output;
    int64_t
        streamed; /* settled: output tokens that count for when they came, not were booked */
} gc_booking;

#endif
