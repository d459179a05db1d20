/* The three buckets of one key and model, and the headers that report them. Pure. */
#ifndef GC_LLM_SIM_LIMITS_H
#define GC_LLM_SIM_LIMITS_H

#include <stdint.h>

#include "common/buf.h"
#include "tests/llm-sim/bucket.h"

typedef struct gc_sim_limits gc_sim_limits;

typedef struct gc_sim_limit_set {
    gc_sim_bucket requests;
    gc_sim_bucket input;
    gc_sim_bucket output;
} gc_sim_limit_set;

gc_sim_limits *gc_sim_limits_new(int64_t rpm, int64_t itpm, int64_t otpm);
void gc_sim_limits_destroy(gc_sim_limits **self_p);

/* The buckets of that key and model. Borrowed for the life of `self`. */
gc_sim_limit_set *gc_sim_limits_require(gc_sim_limits *self, const char *key_id,
                                        const char *model, int64_t now_ms);

/* Takes one request and `input_tokens` if every bucket has room; 0 then. Otherwise takes
 * nothing and returns the milliseconds to wait; *what names the limit (static). */
int64_t gc_sim_limits_take(gc_sim_limit_set *set, int64_t input_tokens, int64_t now_ms,
                           const char **what);

/* Output tokens that were produced. */
void gc_sim_limits_produced(gc_sim_limit_set *set, int64_t tokens, int64_t now_ms);

/* Appends the header lines of the API (anthropic-ratelimit-* or x-ratelimit-*). */
void gc_sim_limits_headers(gc_sim_limit_set *set, bool openai, int64_t now_ms,
                           int64_t wall_ms, gc_buf *out);

#endif
