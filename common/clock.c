#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define RANDOM_AT_ONCE 16 /* a system call each */

static int64_t read_clock_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t gc_clock_us(void)
{
    return read_clock_us(CLOCK_MONOTONIC);
}

int64_t gc_clock_ms(void)
{
    return gc_clock_us() / 1000;
}

int64_t gc_wall_ms(void)
{
    return read_clock_us(CLOCK_REALTIME) / 1000;
}

void gc_rfc3339(int64_t wall_ms, char out[GC_RFC3339_SIZE])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t len = strftime(out, GC_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + len, GC_RFC3339_SIZE - len, ".%03dZ", (int)(wall_ms % 1000));
}

static void random_bytes(void *mem, size_t len)
{
    if (getrandom(mem, len, 0) != (ssize_t)len) {
        perror("getrandom");
        abort();
    }
}

static uint32_t below(uint32_t value, uint32_t bound)
{
    return (uint32_t)(((uint64_t)value * bound) >> 32);
}

uint32_t gc_random_below(uint32_t bound)
{
    uint32_t value;
    random_bytes(&value, sizeof value);
    return below(value, bound);
}

void gc_random_id(char *out, size_t len)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    uint32_t values[RANDOM_AT_ONCE];
    for (size_t i = 0; i < len; i++) {
        if (i % RANDOM_AT_ONCE == 0)
            random_bytes(values, sizeof values);
        out[i] = letters[below(values[i % RANDOM_AT_ONCE], sizeof letters - 1)];
    }
    out[len] = '\0';
}
