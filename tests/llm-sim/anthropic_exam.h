/* A request to the Messages API under examination; private to the api_anthropic*.c files. */
#ifndef GC_LLM_SIM_ANTHROPIC_EXAM_H
#define GC_LLM_SIM_ANTHROPIC_EXAM_H

#include "common/buf.h"
#include "tests/llm-sim/call.h"

typedef struct gc_sim_exam {
    const json_t *body;
    gc_sim_call *call;
    gc_sim_reject *reject;
    size_t marks;        /* explicit breakpoints so far */
    bool seen_5m;        /* a short lifetime came already */
    int64_t auto_ttl_ms; /* top-level cache_control; 0 = absent */
    int64_t last_ttl_ms; /* of the last block that can carry a breakpoint */
    size_t last_block;   /* its number + 1; 0 = none */
    const char *effort;
    gc_buf system;           /* all system text */
    const json_t *last_user; /* content of the last user message */
} gc_sim_exam;

/* The settings beside the prompt: limits, effort, thinking, sampling, tools. False: the
 * reason is in `reject`. The effort is known first, thinking leans on it. */
bool gc_sim_anthropic_knobs(gc_sim_exam *self);

#endif
