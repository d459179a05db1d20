#include "coordinator/reserve.h"

#include <string.h>

/* Worst case of a prompt's tokens: code that tokenises badly, and what providers put around
 * the blocks. */
#define WORST_BYTES_PER_TOKEN 2.0
#define FRAME_TOKENS 200

/* Under a budget: the room for an answer that is aimed at, and the least that is worth a
 * call, in times of what is expected; both with a few tokens for the frame. */
#define AIM 2.0
#define LEAST 1.25
#define ANSWER_FRAME_TOKENS 64

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

gc_err gc_reserve_fit(const gc_reserve *self, double budget_usd, double output_tokens,
                      int64_t *max_tokens, gc_errinfo *info)
{
    int64_t most = *max_tokens, room = most;
    int64_t least = (int64_t)(LEAST * output_tokens) + ANSWER_FRAME_TOKENS;
    int64_t aim = (int64_t)(AIM * output_tokens) + ANSWER_FRAME_TOKENS;
    double start_usd = gc_reserve_usd(self, 0);
    double token_usd = (gc_reserve_usd(self, most) - start_usd) / (double)most;
    double left_usd = budget_usd - start_usd;
    if (left_usd < token_usd * (double)most)
        room = left_usd > 0 ? (int64_t)(left_usd / token_usd) : 0;
    least = least < most ? least : most;
    if (room < least)
        return gc_fail(info, GC_EFULL,
                       "the cheapest call may cost $%.4f, and $%.4f is left",
                       start_usd + (double)least * token_usd, budget_usd);
    *max_tokens = aim < room ? aim : room;
    return GC_OK;
}
