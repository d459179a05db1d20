/* What is known of models: prices, cache minima, limits, abilities. Data, not code: the
 * table is config/models.yaml, carried inside and overridable by a file. */
#ifndef GC_COMMON_MODELS_H
#define GC_COMMON_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/diag.h"
#include "common/err.h"

/* How to keep thinking as small as the model allows. */
typedef enum gc_thinking {
    GC_THINKING_NONE,         /* the model has none, or cannot be told: send nothing */
    GC_THINKING_DISABLED,     /* thinking:{"type":"disabled"} is accepted */
    GC_THINKING_BETWEEN_TOOLS /* thinking:{"type":"between_tools"} is accepted */
} gc_thinking;

/* USD per million tokens. */
typedef struct gc_prices {
    double input;
    double cache_write_5m;
    double cache_write_1h;
    double cache_read;
    double output;
} gc_prices;

typedef struct gc_model {
    char *id;
    char *provider; /* "anthropic" or "openai" */
    bool priced;    /* false: unknown prices; `--max-cost` is refused */
    gc_prices prices;
    int64_t long_prompt_tokens; /* prompts over this cost `long_prices`; 0 = no cliff */
    gc_prices long_prices;
    int64_t context_tokens;
    int64_t max_output_tokens;
    int64_t cache_min_tokens; /* 0: cannot be marked */
    bool effort;              /* accepts output_config.effort / reasoning_effort */
    gc_thinking thinking_off;
    int64_t thinking_tokens; /* expected thinking per call at low effort, for estimates */
    double bytes_per_token;  /* of Go source, for estimates */
    double seconds_per_1k_output; /* for estimates */
} gc_model;

typedef struct gc_models gc_models;

/* Loads the table inside, then `override_path` over it (NULL: none). Findings about the
 * override go to `diags` (GC_EINVAL), an unreadable file is GC_EIO. */
GC_MUST_CHECK gc_err gc_models_load(const char *override_path, gc_diags *diags,
                                    gc_models **out);
void gc_models_destroy(gc_models **self_p);

/* Borrowed, or NULL if `id` is unknown. */
const gc_model *gc_models_find(const gc_models *self, const char *id);

/* Borrowed: the known model, or an unpriced one with careful defaults made for `id`. */
const gc_model *gc_models_require(gc_models *self, const char *id, const char *provider);

/* Token counts of one call, as the provider's usage fields give them. */
typedef struct gc_usage {
    int64_t input; /* full price */
    int64_t cache_write_5m;
    int64_t cache_write_1h;
    int64_t cache_read;
    int64_t output; /* thinking included */
} gc_usage;

void gc_usage_add(gc_usage *self, const gc_usage *more);

/* All prompt tokens: input + writes + reads. */
int64_t gc_usage_prompt(const gc_usage *self);

/* USD of one call (not of a sum: the long-prompt cliff is per call). 0 if unpriced. */
double gc_model_cost(const gc_model *self, const gc_usage *usage);

#endif
