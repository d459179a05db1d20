/* Anthropic Messages: the answer. The request is common/llm_request.c. */
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "worker/provider.h"

static gc_err body(const gc_llm_prompt *prompt, gc_buf *out)
{
    return gc_anthropic_body(prompt, false, out);
}

/* ---- answer ---- */

/* Figures replace earlier ones: they are cumulative, and a later event may leave out the
 * input side. `whole`: they are of more than the start. */
static void take_usage(gc_llm *self, const json_t *usage, bool whole)
{
    const json_t *split = json_object_get(usage, "cache_creation");
    int64_t written = -1, output = -1;
    gc_llm_count(usage, "input_tokens", &self->usage.input);
    gc_llm_count(usage, "output_tokens", &output);
    if (output >= 0)
        self->usage.output = output;
    self->is_counted |= whole && output >= 0;
    gc_llm_count(usage, "cache_read_input_tokens", &self->usage.cache_read);
    gc_llm_count(usage, "cache_creation_input_tokens", &written);
    if (json_is_object(split)) {
        gc_llm_count(split, "ephemeral_5m_input_tokens", &self->usage.cache_write_5m);
        gc_llm_count(split, "ephemeral_1h_input_tokens", &self->usage.cache_write_1h);
    } else if (written >= 0) {
        self->usage.cache_write_5m = self->long_cache ? 0 : written;
        self->usage.cache_write_1h = self->long_cache ? written : 0;
    }
}

static void take_refusal(gc_llm *self, const json_t *details)
{
    char category[64], explanation[256];
    gc_llm_copy(category, sizeof category, json_object_get(details, "category"));
    gc_llm_copy(explanation, sizeof explanation, json_object_get(details, "explanation"));
    gc_llm_words *words = gc_llm_words_of(self);
    snprintf(words->refusal, sizeof words->refusal, "%s%s%s", category,
             *category && *explanation ? ": " : "", explanation);
}

static void take_stop(gc_llm *self, const json_t *object)
{
    char reason[sizeof self->stop_reason];
    gc_llm_copy(reason, sizeof reason, json_object_get(object, "stop_reason"));
    if (!*reason)
        return;
    gc_stop stop = GC_STOP_END;
    if (strcmp(reason, "max_tokens") == 0 ||
        strcmp(reason, "model_context_window_exceeded") == 0)
        stop = GC_STOP_CUT;
    if (strcmp(reason, "refusal") == 0) {
        stop = GC_STOP_REFUSED;
        take_refusal(self, json_object_get(object, "stop_details"));
    }
    gc_llm_stop(self, stop, reason);
}

/* Text of a block or delta, if that is its type: thinking comes first on current models. */
static void take_text(gc_llm *self, const json_t *part, const char *type)
{
    const char *is = json_string_value(json_object_get(part, "type"));
    const json_t *text = json_object_get(part, "text");
    if (is && strcmp(is, type) == 0 && json_is_string(text))
        gc_llm_text(self, json_string_value(text), json_string_length(text));
}

static void event(gc_llm *self, const json_t *data)
{
    const char *type = json_string_value(json_object_get(data, "type"));
    if (!type)
        return;
    if (strcmp(type, "content_block_delta") == 0) {
        take_text(self, json_object_get(data, "delta"), "text_delta");
    } else if (strcmp(type, "content_block_start") == 0) {
        take_text(self, json_object_get(data, "content_block"), "text");
    } else if (strcmp(type, "message_start") == 0) {
        self->started = true;
        take_usage(self, json_object_get(json_object_get(data, "message"), "usage"),
                   false);
    } else if (strcmp(type, "message_delta") == 0) {
        take_stop(self, json_object_get(data, "delta"));
        take_usage(self, json_object_get(data, "usage"), true);
    } else if (strcmp(type, "message_stop") == 0) {
        self->ended = true;
    } else if (strcmp(type, "error") == 0) {
        gc_llm_error(self, json_object_get(data, "error"));
    }
}

static void message(gc_llm *self, const json_t *data)
{
    const json_t *part;
    size_t i;
    if (!json_is_array(json_object_get(data, "content")))
        return; /* somebody else's JSON */
    self->started = true;
    take_stop(self, data);
    if (self->stop != GC_STOP_REFUSED) /* then what it began with is not to be used */
        json_array_foreach(json_object_get(data, "content"), i, part)
            take_text(self, part, "text");
    take_usage(self, json_object_get(data, "usage"), true);
    self->ended = self->stop != GC_STOP_NONE;
}

const gc_provider gc_provider_anthropic = {
    .name = "anthropic",
    .path = GC_ANTHROPIC_MESSAGES,
    .headers = gc_anthropic_headers,
    .body = body,
    .event = event,
    .message = message,
};
