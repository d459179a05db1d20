/* What adds up: corrections of a booking and measured figures. Nobody waits for them, and many
 * calls that end in one turn of the loop have them for the same key, so they gather until the
 * turn ends. Corrections go before the next question about a limit, which must see them. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/store_async_private.h"

#define MOST_FIGURES 256 /* in one command */

static void submit_limit(gc_astore *self)
{
    gc_limit_sum *sum = &self->limit_sum;
    if (!sum->key)
        return;
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_LIMIT_SETTLE);
    gc_cmd_text(&cmd, sum->key);
    gc_cmd_booking(&cmd, sum->window_ms, &sum->error);
    gc_cmd_int(&cmd, sum->error.streamed);
    gc_request_submit_done(self, &cmd, NULL, NULL);
    gc_free_str(&sum->key);
}

static void submit_figures(gc_astore *self)
{
    gc_model_sum *sum = &self->model_sum;
    if (sum->count == 0)
        return;
    gc_request_submit_done(self, &sum->cmd, NULL, NULL);
    gc_free_str(&sum->model);
    sum->count = 0;
}

void gc_sums_submit(gc_astore *self)
{
    submit_limit(self);
    submit_figures(self);
}

void gc_sums_drop(gc_astore *self)
{
    gc_free_str(&self->limit_sum.key);
    if (self->model_sum.count > 0)
        gc_cmd_release(&self->model_sum.cmd);
    gc_free_str(&self->model_sum.model);
    self->model_sum.count = 0;
}

size_t gc_sums_pending(const gc_astore *self)
{
    return (self->limit_sum.key != NULL) + (self->model_sum.count > 0);
}

static bool is_same_booking(const gc_limit_sum *sum, const char *key, int64_t window_ms,
                            const gc_booking *error)
{
    return sum->key && strcmp(sum->key, key) == 0 && sum->window_ms == window_ms &&
           sum->error.slot == error->slot;
}

void gc_sums_add_limit(gc_astore *self, char *key, int64_t window_ms,
                       const gc_booking *error)
{
    gc_limit_sum *sum = &self->limit_sum;
    if (is_same_booking(sum, key, window_ms, error)) {
        sum->error.requests += error->requests;
        sum->error.input += error->input;
        sum->error.output += error->output;
        sum->error.streamed += error->streamed;
        free(key);
        return;
    }
    submit_limit(self);
    *sum = (gc_limit_sum){ key, window_ms, *error };
}

void gc_sums_add_figures(gc_astore *self, const char *model, double bytes_per_token,
                         double seconds_per_output_token)
{
    gc_model_sum *sum = &self->model_sum;
    if (sum->count == MOST_FIGURES || (sum->count && strcmp(sum->model, model) != 0))
        submit_figures(self);
    if (sum->count == 0) {
        sum->model = gc_xstrdup(model);
        gc_cmd_model_add(&sum->cmd, &self->scripts, model);
    }
    gc_cmd_figures(&sum->cmd, bytes_per_token, seconds_per_output_token);
    sum->count++;
}
