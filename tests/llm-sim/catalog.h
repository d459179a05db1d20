/* What the simulated APIs know of their models: limits, cache minima, and what each model
 * refuses. A table of its own, on purpose: the simulator judges the rest of the project and
 * must not share its beliefs. From the providers' documentation as of October 2026. */
#ifndef GC_LLM_SIM_CATALOG_H
#define GC_LLM_SIM_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum gc_sim_thinking_default {
    GC_SIM_THINKS_NEVER,      /* unless budget_tokens asks for it */
    GC_SIM_THINKS_ON_REQUEST, /* off until adaptive is asked for */
    GC_SIM_THINKS_BY_DEFAULT, /* on, may be turned off (see the other fields) */
    GC_SIM_THINKS_ALWAYS
} gc_sim_thinking_default;

typedef struct gc_sim_model {
    const char *id;
    bool openai;
    int64_t context_tokens;
    int64_t max_output_tokens;
    int64_t cache_min_tokens; /* 0: no caching */
    bool explicit_cache;      /* openai: breakpoints, as from GPT-5.6 on */
    bool effort;
    const char *default_effort;
    gc_sim_thinking_default thinking;
    bool thinking_disabled;      /* accepts thinking.type "disabled" at effort <= high */
    bool thinking_between_tools; /* accepts "between_tools" at effort <= high */
    bool budget_tokens;          /* accepts thinking.type "enabled" */
    bool sampling;               /* accepts temperature, top_p, top_k */
    bool sampling_neutral;       /* tolerates the neutral value of one of them */
    bool prefill;
    bool forced_tools;
} gc_sim_model;

/* The model of that id (a trailing -YYYYMMDD does not matter), or NULL. */
const gc_sim_model *gc_sim_catalog_find(const char *id, bool openai);

/* Row `index`, or NULL past the end. */
const gc_sim_model *gc_sim_catalog_at(size_t index);

/* What a model added by option is like: modern, effort, thinking may be turned off. */
extern const gc_sim_model gc_sim_catalog_extra;

#endif
