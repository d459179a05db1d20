#include "tests/llm-sim/reply.h"

#include <inttypes.h>
#include <string.h>

#include "tests/llm-sim/jsontext.h"

/* Bytes of text that `tokens` tokens are at most. */
static size_t token_bytes(int64_t tokens)
{
    return tokens > 0 ? (size_t)tokens * 36 / 10 : 0;
}

static void stop_at_sequence(gc_sim_reply *self)
{
    const gc_strv *stops = &self->call->stop_sequences;
    for (size_t i = 0; i < stops->count; i++) {
        const char *hit = memmem(self->answer.text, self->text_len, stops->items[i],
                                 strlen(stops->items[i]));
        if (!hit)
            continue;
        self->text_len = (size_t)(hit - self->answer.text);
        self->stop_reason = "stop_sequence";
        self->stop_sequence = stops->items[i];
    }
}

/* The output limit is shared by thinking and text, in that order. */
static void stop_at_limit(gc_sim_reply *self)
{
    int64_t limit = self->call->max_tokens;
    if (self->thinking_tokens >= limit) {
        self->thinking_tokens = limit;
        self->text_len = 0;
    } else if (gc_sim_tokens(self->text_len) > limit - self->thinking_tokens) {
        self->text_len = gc_sim_utf8_cut(self->answer.text, self->text_len,
                                         token_bytes(limit - self->thinking_tokens));
    } else {
        return;
    }
    self->stop_reason = "max_tokens";
    self->stop_sequence = NULL;
}

static void stop_at_percent(gc_sim_reply *self, int percent, const char *reason)
{
    self->text_len = gc_sim_utf8_cut(self->answer.text, self->text_len,
                                     self->text_len * (size_t)percent / 100);
    self->stop_reason = reason;
    self->stop_sequence = NULL;
}

void gc_sim_reply_make(gc_sim_reply *self, const gc_sim_fault *spoil)
{
    const gc_sim_call *call = self->call;
    gc_sim_answer_make(&call->wanted, &call->project, call->json, spoil, &self->answer);
    self->text_len = self->answer.len;
    self->thinking_tokens = call->thinking_tokens;
    self->stop_reason = "end_turn";
    stop_at_sequence(self);
    stop_at_limit(self);
    if (spoil && spoil->kind == GC_SIM_FAULT_MAX_TOKENS)
        stop_at_percent(self, spoil->at, "max_tokens");
    if (spoil && spoil->kind == GC_SIM_FAULT_REFUSAL) {
        stop_at_percent(self, spoil->at, "refusal");
        if (self->text_len == 0)
            self->thinking_tokens = 0;
    }
    if (call->prewarm) {
        self->text_len = 0;
        self->thinking_tokens = 0;
        self->stop_reason = "max_tokens";
    }
}

void gc_sim_reply_release(gc_sim_reply *self)
{
    gc_sim_answer_release(&self->answer);
}

static int64_t output_of(const gc_sim_reply *self, size_t text)
{
    if (self->call->prewarm)
        return 0;
    int64_t tokens = gc_sim_tokens(text) + self->thinking_tokens;
    return tokens ? tokens : 1;
}

int64_t gc_sim_reply_output(const gc_sim_reply *self)
{
    return self->phase <= GC_SIM_PHASE_THINKING ? 1 : output_of(self, self->sent);
}

int64_t gc_sim_reply_total(const gc_sim_reply *self)
{
    return output_of(self, self->text_len);
}

/* ---- Anthropic ---- */

static void put_input_usage(const gc_sim_reply *self, gc_buf *out)
{
    const gc_sim_cache_use *use = &self->use;
    gc_buf_printf(out,
                  "\"input_tokens\":%" PRId64 ",\"cache_creation_input_tokens\":%" PRId64
                  ",\"cache_read_input_tokens\":%" PRId64
                  ",\"cache_creation\":{\"ephemeral_5m_input_tokens\":%" PRId64
                  ",\"ephemeral_1h_input_tokens\":%" PRId64 "}",
                  use->input, use->write_5m + use->write_1h, use->read, use->write_5m,
                  use->write_1h);
}

static void put_output_usage(const gc_sim_reply *self, int64_t output, gc_buf *out)
{
    gc_buf_printf(out,
                  ",\"output_tokens\":%" PRId64
                  ",\"output_tokens_details\":{\"thinking_tokens\":%" PRId64 "}",
                  output, self->thinking_tokens);
}

static void put_stop(const gc_sim_reply *self, gc_buf *out)
{
    gc_buf_printf(out, "\"stop_reason\":\"%s\",\"stop_sequence\":", self->stop_reason);
    if (self->stop_sequence)
        gc_sim_json_string(out, self->stop_sequence, strlen(self->stop_sequence));
    else
        gc_buf_puts(out, "null");
    if (strcmp(self->stop_reason, "refusal") == 0)
        gc_buf_puts(out, ",\"stop_details\":{\"type\":\"refusal\",\"category\":"
                         "\"general_harms\",\"explanation\":\"Declined by request of the "
                         "test.\"}");
}

static void put_head(const gc_sim_reply *self, gc_buf *out)
{
    gc_buf_printf(out,
                  "{\"id\":\"%s\",\"type\":\"message\",\"role\":\"assistant\",\"model\":",
                  self->id);
    gc_sim_json_string(out, self->call->model_id, strlen(self->call->model_id));
}

static void put_signature(const gc_sim_reply *self, gc_buf *out)
{
    gc_buf_printf(out, "\"c2ltdWxhdGVk%s\"", self->answer.len ? self->id + 4 : "");
}

static void start_event(const gc_sim_reply *self, gc_buf *out)
{
    gc_buf_puts(out,
                "event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
    put_head(self, out);
    gc_buf_puts(
        out, ",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{");
    put_input_usage(self, out);
    gc_buf_puts(out, ",\"output_tokens\":1,\"service_tier\":\"standard\"}}}\n\n"
                     "event: ping\ndata: {\"type\":\"ping\"}\n\n");
}

/* As on models whose thinking is not displayed: one signature, no text. */
static void thinking_events(const gc_sim_reply *self, gc_buf *out)
{
    gc_buf_puts(out,
                "event: content_block_start\ndata: {\"type\":\"content_block_start\","
                "\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\","
                "\"signature\":\"\"}}\n\n"
                "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
                "\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":");
    put_signature(self, out);
    gc_buf_puts(out,
                "}}\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\","
                "\"index\":0}\n\n");
}

static int text_index(const gc_sim_reply *self)
{
    return self->thinking_tokens > 0;
}

static void text_start_event(const gc_sim_reply *self, gc_buf *out)
{
    gc_buf_printf(out,
                  "event: content_block_start\ndata: {\"type\":\"content_block_start\","
                  "\"index\":%d,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
                  text_index(self));
}

static void text_event(const gc_sim_reply *self, const char *text, size_t len,
                       gc_buf *out)
{
    gc_buf_printf(out,
                  "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
                  "\"index\":%d,\"delta\":{\"type\":\"text_delta\",\"text\":",
                  text_index(self));
    gc_sim_json_string(out, text, len);
    gc_buf_puts(out, "}}\n\n");
}

static void end_events(const gc_sim_reply *self, gc_buf *out)
{
    if (self->text_len)
        gc_buf_printf(out,
                      "event: content_block_stop\ndata: {\"type\":\"content_block_stop\","
                      "\"index\":%d}\n\n",
                      text_index(self));
    gc_buf_puts(out,
                "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{");
    put_stop(self, out);
    gc_buf_puts(out, "},\"usage\":{");
    put_input_usage(self, out);
    put_output_usage(self, gc_sim_reply_total(self), out);
    gc_buf_puts(out, "}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

static void whole_anthropic(const gc_sim_reply *self, gc_buf *out)
{
    put_head(self, out);
    gc_buf_puts(out, ",\"content\":[");
    if (self->thinking_tokens) {
        gc_buf_puts(out, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":");
        put_signature(self, out);
        gc_buf_puts(out, "}");
    }
    if (self->text_len) {
        gc_buf_printf(out,
                      "%s{\"type\":\"text\",\"text\":", self->thinking_tokens ? "," : "");
        gc_sim_json_string(out, self->answer.text, self->text_len);
        gc_buf_puts(out, "}");
    }
    gc_buf_puts(out, "],");
    put_stop(self, out);
    gc_buf_puts(out, ",\"usage\":{");
    put_input_usage(self, out);
    put_output_usage(self, gc_sim_reply_total(self), out);
    gc_buf_puts(out, ",\"service_tier\":\"standard\"}}");
}

/* ---- OpenAI ---- */

static const char *finish_reason(const gc_sim_reply *self)
{
    if (strcmp(self->stop_reason, "max_tokens") == 0)
        return "length";
    return strcmp(self->stop_reason, "refusal") == 0 ? "content_filter" : "stop";
}

static void put_chunk_head(const gc_sim_reply *self, const char *object, gc_buf *out)
{
    gc_buf_printf(out,
                  "{\"id\":\"%s\",\"object\":\"%s\",\"created\":%" PRId64 ",\"model\":",
                  self->id, object, self->created_s);
    gc_sim_json_string(out, self->call->model_id, strlen(self->call->model_id));
}

static void put_openai_usage(const gc_sim_reply *self, gc_buf *out)
{
    const gc_sim_cache_use *use = &self->use;
    int64_t prompt = use->input + use->read + use->write_5m + use->write_1h;
    int64_t output = gc_sim_reply_total(self);
    gc_buf_printf(out,
                  "\"usage\":{\"prompt_tokens\":%" PRId64
                  ",\"completion_tokens\":%" PRId64 ",\"total_tokens\":%" PRId64
                  ",\"prompt_tokens_details\":{\"cached_tokens\":%" PRId64
                  ",\"cache_write_tokens\":%" PRId64
                  "},\"completion_tokens_details\":{\"reasoning_tokens\":%" PRId64 "}}",
                  prompt, output, prompt + output, use->read,
                  use->write_5m + use->write_1h, self->thinking_tokens);
}

static void chunk_start(const gc_sim_reply *self, gc_buf *out)
{
    gc_buf_puts(out, "data: ");
    put_chunk_head(self, "chat.completion.chunk", out);
    gc_buf_puts(out, ",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
                     "\"content\":\"\"},\"finish_reason\":null}]}\n\n");
}

static void chunk_text(const gc_sim_reply *self, const char *text, size_t len,
                       gc_buf *out)
{
    gc_buf_puts(out, "data: ");
    put_chunk_head(self, "chat.completion.chunk", out);
    gc_buf_puts(out, ",\"choices\":[{\"index\":0,\"delta\":{\"content\":");
    gc_sim_json_string(out, text, len);
    gc_buf_puts(out, "},\"finish_reason\":null}]}\n\n");
}

static void chunk_end(const gc_sim_reply *self, gc_buf *out)
{
    gc_buf_puts(out, "data: ");
    put_chunk_head(self, "chat.completion.chunk", out);
    gc_buf_printf(
        out, ",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"%s\"}]}\n\n",
        finish_reason(self));
    if (self->call->include_usage) {
        gc_buf_puts(out, "data: ");
        put_chunk_head(self, "chat.completion.chunk", out);
        gc_buf_puts(out, ",\"choices\":[],");
        put_openai_usage(self, out);
        gc_buf_puts(out, "}\n\n");
    }
    gc_buf_puts(out, "data: [DONE]\n\n");
}

static void whole_openai(const gc_sim_reply *self, gc_buf *out)
{
    put_chunk_head(self, "chat.completion", out);
    gc_buf_puts(out, ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
                     "\"content\":");
    gc_sim_json_string(out, self->answer.text, self->text_len);
    gc_buf_printf(out, "},\"finish_reason\":\"%s\"}],", finish_reason(self));
    put_openai_usage(self, out);
    gc_buf_puts(out, "}");
}

static void no_events(const gc_sim_reply *self, gc_buf *out)
{
    (void)self;
    (void)out;
}

static const struct {
    void (*start)(const gc_sim_reply *self, gc_buf *out);
    void (*thinking)(const gc_sim_reply *self, gc_buf *out);
    void (*text_start)(const gc_sim_reply *self, gc_buf *out);
    void (*text)(const gc_sim_reply *self, const char *text, size_t len, gc_buf *out);
    void (*end)(const gc_sim_reply *self, gc_buf *out);
    void (*whole)(const gc_sim_reply *self, gc_buf *out);
} dialects[] = {
    { start_event, thinking_events, text_start_event, text_event, end_events,
      whole_anthropic },
    { chunk_start, no_events, no_events, chunk_text, chunk_end, whole_openai },
};

static int64_t next_text(gc_sim_reply *self, int64_t tokens, size_t stop_at, gc_buf *out)
{
    size_t end = self->text_len < stop_at ? self->text_len : stop_at;
    const char *text = self->answer.text + self->sent;
    size_t left = end > self->sent ? end - self->sent : 0;
    size_t part = gc_sim_utf8_cut(text, left, token_bytes(tokens));
    if (part == 0)
        part = left; /* no whole character fits: rather a longer event than none */
    int64_t before = gc_sim_tokens(self->sent);
    if (part)
        dialects[self->call->openai].text(self, text, part, out);
    self->sent += part;
    if (self->sent >= self->text_len && stop_at > self->text_len)
        self->phase = GC_SIM_PHASE_END;
    return gc_sim_tokens(self->sent) - before;
}

int64_t gc_sim_reply_next(gc_sim_reply *self, int64_t tokens, size_t stop_at, gc_buf *out)
{
    int dialect = self->call->openai;
    switch (self->phase) {
    case GC_SIM_PHASE_START:
        dialects[dialect].start(self, out);
        self->phase = GC_SIM_PHASE_THINKING;
        return 0;
    case GC_SIM_PHASE_THINKING:
        if (self->thinking_tokens)
            dialects[dialect].thinking(self, out);
        self->phase = self->text_len ? GC_SIM_PHASE_TEXT_START : GC_SIM_PHASE_END;
        return self->thinking_tokens;
    case GC_SIM_PHASE_TEXT_START:
        dialects[dialect].text_start(self, out);
        self->phase = GC_SIM_PHASE_TEXT;
        return 0;
    case GC_SIM_PHASE_TEXT: return next_text(self, tokens, stop_at, out);
    case GC_SIM_PHASE_END:
        dialects[dialect].end(self, out);
        self->phase = GC_SIM_PHASE_DONE;
        return 0;
    case GC_SIM_PHASE_DONE: break;
    }
    return 0;
}

void gc_sim_reply_whole(gc_sim_reply *self, gc_buf *out)
{
    dialects[self->call->openai].whole(self, out);
    self->sent = self->text_len;
    self->phase = GC_SIM_PHASE_DONE;
}
