/* Time. Only shells read it; cores are handed `now_ms`. */
#ifndef GC_COMMON_CLOCK_H
#define GC_COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic milliseconds: for leases, timeouts, durations. */
int64_t gc_clock_ms(void);

/* Monotonic microseconds. */
int64_t gc_clock_us(void);

/* Wall clock, milliseconds since 1970 UTC: for records and logs only. */
int64_t gc_wall_ms(void);

#define GC_RFC3339_SIZE 32
/* "2026-01-02T03:04:05.678Z" into `out` (GC_RFC3339_SIZE bytes). */
void gc_rfc3339(int64_t wall_ms, char out[GC_RFC3339_SIZE]);

/* Fills `out` with `len` random characters of 0-9a-z and a NUL (out has len + 1 bytes). */
void gc_random_id(char *out, size_t len);

/* Uniform random number below `bound` (> 0): for jitter. */
uint32_t gc_random_below(uint32_t bound);

#endif
