#include "tests/llm-sim/limits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/map.h"
#include "common/mem.h"

/* Sets held at once: a client that invents keys meets full buckets again beyond it. */
#define SETS_MAX ((size_t)1 << 16)

struct gc_sim_limits {
    gc_map *sets; /* "key model" -> gc_sim_limit_set */
    int64_t rpm;
    int64_t itpm;
    int64_t otpm;
    gc_sim_limit_set overflow;
};

gc_sim_limits *gc_sim_limits_new(int64_t rpm, int64_t itpm, int64_t otpm)
{
    gc_sim_limits *self = gc_xcalloc(1, sizeof *self);
    self->sets = gc_map_new();
    self->rpm = rpm;
    self->itpm = itpm;
    self->otpm = otpm;
    return self;
}

void gc_sim_limits_destroy(gc_sim_limits **self_p)
{
    gc_sim_limits *self = *self_p;
    if (!self)
        return;
    size_t cursor = 0;
    void *value;
    while (gc_map_next(self->sets, &cursor, NULL, &value))
        free(value);
    gc_map_destroy(&self->sets);
    free(self);
    *self_p = NULL;
}

static void init_set(const gc_sim_limits *self, gc_sim_limit_set *set, int64_t now_ms)
{
    gc_sim_bucket_init(&set->requests, self->rpm, now_ms);
    gc_sim_bucket_init(&set->input, self->itpm, now_ms);
    gc_sim_bucket_init(&set->output, self->otpm, now_ms);
}

gc_sim_limit_set *gc_sim_limits_require(gc_sim_limits *self, const char *key_id,
                                        const char *model, int64_t now_ms)
{
    char *name = gc_xasprintf("%s %s", key_id, model);
    gc_sim_limit_set *set = gc_map_get(self->sets, name);
    if (!set && gc_map_count(self->sets) >= SETS_MAX) {
        set = &self->overflow;
        init_set(self, set, now_ms);
    } else if (!set) {
        set = gc_xcalloc(1, sizeof *set);
        init_set(self, set, now_ms);
        gc_map_set(self->sets, name, set);
    }
    free(name);
    return set;
}

int64_t gc_sim_limits_take(gc_sim_limit_set *set, int64_t input_tokens, int64_t now_ms,
                           const char **what)
{
    int64_t requests = gc_sim_bucket_wait_ms(&set->requests, 1, now_ms);
    int64_t input = gc_sim_bucket_wait_ms(&set->input, input_tokens, now_ms);
    int64_t output = gc_sim_bucket_wait_ms(&set->output, 1, now_ms);
    int64_t wait = requests;
    *what = "requests";
    if (input > wait) {
        wait = input;
        *what = "input tokens";
    }
    if (output > wait) {
        wait = output;
        *what = "output tokens";
    }
    if (wait == 0) {
        gc_sim_bucket_take(&set->requests, 1, now_ms);
        gc_sim_bucket_take(&set->input, input_tokens, now_ms);
    }
    return wait;
}

void gc_sim_limits_produced(gc_sim_limit_set *set, int64_t tokens, int64_t now_ms)
{
    gc_sim_bucket_take(&set->output, tokens, now_ms);
}

typedef struct reading {
    int64_t limit;
    int64_t remaining;
    int64_t reset_ms;
} reading;

static reading read_bucket(gc_sim_bucket *bucket, int64_t now_ms, int64_t round_to)
{
    int64_t left = gc_sim_bucket_remaining(bucket, now_ms);
    return (reading){ .limit = bucket->limit_per_min,
                      .remaining = (left + round_to / 2) / round_to * round_to,
                      .reset_ms = gc_sim_bucket_full_ms(bucket, now_ms) };
}

static void put_anthropic(const char *name, reading r, int64_t wall_ms, gc_buf *out)
{
    char reset[GC_RFC3339_SIZE];
    gc_rfc3339(wall_ms + r.reset_ms, reset);
    gc_buf_printf(out,
                  "anthropic-ratelimit-%s-limit: %" PRId64 "\r\n"
                  "anthropic-ratelimit-%s-remaining: %" PRId64 "\r\n"
                  "anthropic-ratelimit-%s-reset: %s\r\n",
                  name, r.limit, name, r.remaining, name, reset);
}

static void put_openai(const char *name, reading r, gc_buf *out)
{
    gc_buf_printf(out,
                  "x-ratelimit-limit-%s: %" PRId64 "\r\n"
                  "x-ratelimit-remaining-%s: %" PRId64 "\r\n"
                  "x-ratelimit-reset-%s: %" PRId64 "ms\r\n",
                  name, r.limit, name, r.remaining, name, r.reset_ms);
}

void gc_sim_limits_headers(gc_sim_limit_set *set, bool openai, int64_t now_ms,
                           int64_t wall_ms, gc_buf *out)
{
    reading requests = read_bucket(&set->requests, now_ms, 1);
    reading input = read_bucket(&set->input, now_ms, 1000);
    reading output = read_bucket(&set->output, now_ms, 1000);
    /* "tokens" reports the tightest limit in force */
    reading tightest = (double)input.remaining * (double)output.limit <
                               (double)output.remaining * (double)input.limit
                           ? input
                           : output;
    if (openai) {
        put_openai("requests", requests, out);
        put_openai("tokens", tightest, out);
    } else {
        put_anthropic("requests", requests, wall_ms, out);
        put_anthropic("input-tokens", input, wall_ms, out);
        put_anthropic("output-tokens", output, wall_ms, out);
        put_anthropic("tokens", tightest, wall_ms, out);
    }
}
