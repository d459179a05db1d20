#include "tests/llm-sim/catalog.h"

#include <string.h>

#define K INT64_C(1000)
#define M INT64_C(1000000)

/* Claude 5.x: thinking by default, nothing of the old knobs. */
#define CLAUDE_5(name, effort_default, think)                                    \
    .id = (name), .context_tokens = 1 * M, .max_output_tokens = 128 * K,         \
    .cache_min_tokens = 512, .effort = true, .default_effort = (effort_default), \
    .thinking = (think)

/* Claude 4.x with effort and thinking on request. */
#define CLAUDE_4(name, minimum)                                              \
    .id = (name), .context_tokens = 1 * M, .max_output_tokens = 128 * K,     \
    .cache_min_tokens = (minimum), .effort = true, .default_effort = "high", \
    .thinking = GC_SIM_THINKS_ON_REQUEST, .thinking_disabled = true,         \
    .forced_tools = true

/* GPT-5.6 and later: cache breakpoints, writes are billed. */
#define GPT_NEW(name)                                                                 \
    .id = (name), .openai = true, .context_tokens = 400 * K,                          \
    .max_output_tokens = 128 * K, .cache_min_tokens = 1024, .explicit_cache = true,   \
    .effort = true, .default_effort = "medium", .thinking = GC_SIM_THINKS_BY_DEFAULT, \
    .forced_tools = true

#define GPT_OLD(name, context, output)                                         \
    .id = (name), .openai = true, .context_tokens = (context),                 \
    .max_output_tokens = (output), .cache_min_tokens = 1024, .sampling = true, \
    .prefill = true, .forced_tools = true

static const gc_sim_model models[] = {
    { CLAUDE_5("claude-haiku-5-5", "medium", GC_SIM_THINKS_BY_DEFAULT),
      .thinking_disabled = true, .sampling_neutral = true, .forced_tools = true },
    { CLAUDE_5("claude-sonnet-5-5", "high", GC_SIM_THINKS_BY_DEFAULT),
      .thinking_between_tools = true, .sampling_neutral = true },
    { CLAUDE_5("claude-opus-5-5", "medium", GC_SIM_THINKS_ALWAYS) },
    { CLAUDE_5("claude-fable-5-1", "high", GC_SIM_THINKS_ALWAYS) },
    { CLAUDE_5("claude-mythos-5-1", "high", GC_SIM_THINKS_ALWAYS) },
    { CLAUDE_5("claude-opus-5", "high", GC_SIM_THINKS_BY_DEFAULT),
      .thinking_disabled = true, .forced_tools = true },
    { CLAUDE_5("claude-fable-5", "high", GC_SIM_THINKS_ALWAYS) },
    { CLAUDE_5("claude-mythos-5", "high", GC_SIM_THINKS_ALWAYS) },
    { .id = "claude-sonnet-5",
      .context_tokens = 1 * M,
      .max_output_tokens = 128 * K,
      .cache_min_tokens = 1024,
      .effort = true,
      .default_effort = "high",
      .thinking = GC_SIM_THINKS_BY_DEFAULT,
      .thinking_disabled = true,
      .sampling_neutral = true,
      .forced_tools = true },
    { CLAUDE_4("claude-opus-4-8", 1024), .sampling_neutral = true },
    { CLAUDE_4("claude-opus-4-7", 2048), .sampling_neutral = true },
    { CLAUDE_4("claude-opus-4-6", 4096), .sampling = true, .budget_tokens = true },
    { CLAUDE_4("claude-sonnet-4-6", 1024), .sampling = true, .budget_tokens = true },
    { .id = "claude-opus-4-5",
      .context_tokens = 200 * K,
      .max_output_tokens = 64 * K,
      .cache_min_tokens = 4096,
      .effort = true,
      .default_effort = "high",
      .thinking_disabled = true,
      .budget_tokens = true,
      .sampling = true,
      .prefill = true,
      .forced_tools = true },
    { .id = "claude-sonnet-4-5",
      .context_tokens = 200 * K,
      .max_output_tokens = 64 * K,
      .cache_min_tokens = 1024,
      .thinking_disabled = true,
      .budget_tokens = true,
      .sampling = true,
      .prefill = true,
      .forced_tools = true },
    { .id = "claude-haiku-4-5",
      .context_tokens = 200 * K,
      .max_output_tokens = 64 * K,
      .cache_min_tokens = 4096,
      .thinking_disabled = true,
      .budget_tokens = true,
      .sampling = true,
      .prefill = true,
      .forced_tools = true },
    { GPT_NEW("gpt-6-luna") },
    { GPT_NEW("gpt-6.1-sol") },
    { GPT_NEW("gpt-6-sol") },
    { GPT_NEW("gpt-6-astra") },
    { GPT_NEW("gpt-5.6-luna") },
    { GPT_NEW("gpt-5.6-terra") },
    { GPT_NEW("gpt-5.6-sol") },
    { GPT_OLD("gpt-5", 400 * K, 128 * K), .effort = true, .default_effort = "medium",
      .thinking = GC_SIM_THINKS_BY_DEFAULT },
    { GPT_OLD("gpt-4.1", 1 * M, 32 * K) },
    { GPT_OLD("gpt-4o", 128 * K, 16 * K) },
    { GPT_OLD("gpt-4o-mini", 128 * K, 16 * K) },
};

const gc_sim_model gc_sim_catalog_extra = {
    .id = "",
    .context_tokens = 1 * M,
    .max_output_tokens = 128 * K,
    .cache_min_tokens = 512,
    .effort = true,
    .default_effort = "medium",
    .thinking = GC_SIM_THINKS_BY_DEFAULT,
    .thinking_disabled = true,
    .forced_tools = true,
};

/* "-20251001" */
static bool is_date(const char *tail)
{
    return tail[0] == '-' && strspn(tail + 1, "0123456789") == 8 && !tail[9];
}

const gc_sim_model *gc_sim_catalog_find(const char *id, bool openai)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        size_t len = strlen(models[i].id);
        if (models[i].openai == openai && strncmp(id, models[i].id, len) == 0 &&
            (!id[len] || is_date(id + len)))
            return &models[i];
    }
    return NULL;
}

const gc_sim_model *gc_sim_catalog_at(size_t index)
{
    return index < sizeof models / sizeof *models ? &models[index] : NULL;
}
