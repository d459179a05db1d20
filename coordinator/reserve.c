#include "coordinator/reserve.h"

#include <string.h>

/* Worst case of a prompt's tokens: code that tokenises badly, and what providers put around
 * the blocks. */
#define WORST_BYTES_PER_TOKEN 2.0
#define FRAME_TOKENS 200

static int64_t worst_tokens(int64_t bytes)
{
    return (int64_t)((double)bytes / WORST_BYTES_PER_TOKEN);
}

/* Only what is marked is written to the cache, unless the provider caches by itself. */
gc_reserve gc_reserve_of(const gc_model *model, const gc_reserve_prompt *prompt)
{
    gc_reserve self = { .model = model };
    int64_t written = worst_tokens(prompt->marked_bytes);
    int64_t other = worst_tokens(prompt->other_bytes) + FRAME_TOKENS;
    bool openai = strcmp(model->provider, "openai") == 0;
    if (prompt->marked_bytes > 0 && prompt->marked_tokens > 0 && !openai)
        written = prompt->marked_tokens;
    if (openai)
        self.prompt.cache_write_5m = written + other;
    else if (prompt->one_hour)
        self.prompt = (gc_usage){ .input = other, .cache_write_1h = written };
    else
        self.prompt = (gc_usage){ .input = other, .cache_write_5m = written };
    return self;
}

double gc_reserve_usd(const gc_reserve *self, int64_t max_tokens)
{
    gc_usage worst = self->prompt;
    worst.output = max_tokens;
    return gc_model_cost(self->model, &worst);
}
