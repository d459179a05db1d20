/* Chat completions of OpenAI and of the servers that speak like it. Sampling parameters are
 * never sent. */
#include <string.h>

#include "common/mem.h"
#include "worker/provider.h"

static void headers(const char *key, gc_strv *out)
{
    if (*key)
        gc_strv_push(out, gc_xasprintf("Authorization: Bearer %s", key));
}

/* ---- request ---- */

/* Plain text, which every server understands. NULL: no UTF-8. */
static json_t *joined(const gc_llm_block *blocks, size_t count)
{
    gc_buf text;
    gc_buf_init(&text, GC_LLM_MAX_BODY);
    for (size_t i = 0; i < count; i++) {
        if (text.len > 0 && blocks[i].len > 0)
            gc_buf_puts(&text, "\n\n");
        gc_buf_append(&text, blocks[i].text, blocks[i].len);
    }
    json_t *json = text.full ? NULL : json_stringn(text.ptr, text.len);
    gc_buf_release(&text);
    return json;
}

/* Parts, so that one of them can carry a cache mark. NULL: no UTF-8. */
static json_t *parts(const gc_llm_block *blocks, size_t count)
{
    json_t *mark = json_pack("{s:s}", "mode", "explicit");
    json_t *array = gc_llm_text_blocks(blocks, count, "prompt_cache_breakpoint", mark);
    json_decref(mark);
    return array;
}

static bool add_message(json_t *messages, const char *role, const gc_llm_block *blocks,
                        size_t count, bool marks)
{
    json_t *content = marks ? parts(blocks, count) : joined(blocks, count);
    if (!content)
        return false;
    return json_array_append_new(
               messages, json_pack("{s:s,s:o}", "role", role, "content", content)) == 0;
}

static gc_err body(const gc_llm_prompt *prompt, gc_buf *out)
{
    const gc_task *task = prompt->task;
    bool marks = task->openai_cache;
    json_t *messages = json_array();
    json_t *root =
        json_pack("{s:s,s:o,s:I,s:b,s:{s:b}}", "model", task->model.id, "messages",
                  messages, "max_completion_tokens", (json_int_t)task->max_tokens,
                  "stream", 1, "stream_options", "include_usage", 1);
    if (!root)
        return GC_EPROTO;
    if ((prompt->system_count > 0 &&
         !add_message(messages, "system", prompt->system, prompt->system_count, marks)) ||
        !add_message(messages, "user", prompt->user, prompt->user_count, marks)) {
        json_decref(root);
        return GC_EPROTO;
    }
    if (task->model.effort && *task->effort)
        json_object_set_new(root, "reasoning_effort", json_string(task->effort));
    if (*prompt->cache_key)
        json_object_set_new(root, "prompt_cache_key", json_string(prompt->cache_key));
    /* Implicit mode would mark the varying tail of every call: writes and no reads. */
    if (marks)
        json_object_set_new(root, "prompt_cache_options",
                            json_pack("{s:s,s:s}", "mode", "explicit", "ttl", "30m"));
    return gc_llm_dump(root, out);
}

/* ---- answer ---- */

/* prompt_tokens includes the cached and the written ones; ours are apart. Writes cost what
 * the model's five-minute write price says. */
static void take_usage(gc_llm *self, const json_t *usage)
{
    const json_t *details = json_object_get(usage, "prompt_tokens_details");
    int64_t prompt = -1, output = -1, cached = 0, written = 0;
    gc_llm_count(usage, "prompt_tokens", &prompt);
    gc_llm_count(usage, "completion_tokens", &output);
    gc_llm_count(details, "cached_tokens", &cached);
    gc_llm_count(details, "cache_write_tokens", &written);
    if (output >= 0) {
        self->usage.output = output;
        self->is_counted = true;
    }
    if (prompt < 0)
        return;
    cached = cached < prompt ? cached : prompt;
    written = written < prompt - cached ? written : prompt - cached;
    self->usage.input = prompt - cached - written;
    self->usage.cache_read = cached;
    self->usage.cache_write_5m = written;
}

static void take_stop(gc_llm *self, const json_t *choice)
{
    const char *reason = json_string_value(json_object_get(choice, "finish_reason"));
    if (!reason)
        return;
    if (strcmp(reason, "error") == 0) { /* of a gateway whose own provider broke */
        self->has_error = true;
        return;
    }
    if (strcmp(reason, "length") == 0)
        gc_llm_stop(self, GC_STOP_CUT, "max_tokens");
    else if (strcmp(reason, "content_filter") == 0 || *gc_llm_said(self)->refusal)
        gc_llm_stop(self, GC_STOP_REFUSED, "refusal");
    else
        gc_llm_stop(self, GC_STOP_END, strcmp(reason, "stop") == 0 ? "end_turn" : reason);
    /* A server may close without [DONE]; what it owed after this is usage at most. */
    self->ended = true;
}

static void take_string(gc_llm *self, const json_t *text)
{
    if (json_is_string(text))
        gc_llm_text(self, json_string_value(text), json_string_length(text));
}

static void take_content(gc_llm *self, const json_t *content)
{
    const json_t *part;
    size_t i;
    take_string(self, content);
    json_array_foreach(content, i, part) /* of models that think in between */
        take_string(self, json_object_get(part, "text"));
}

static void take_refusal(gc_llm *self, const json_t *refusal)
{
    if (json_string_length(refusal) == 0)
        return;
    char *words = gc_llm_words_of(self)->refusal;
    size_t len = strlen(words);
    gc_llm_copy(words + len, sizeof self->words->refusal - len, refusal);
}

static void take_answer(gc_llm *self, const json_t *data, const char *holder)
{
    const json_t *error = json_object_get(data, "error");
    const json_t *choice = json_array_get(json_object_get(data, "choices"), 0);
    if (json_is_object(error) || json_is_string(error)) {
        gc_llm_error(self, error);
        return;
    }
    if (!json_is_array(json_object_get(data, "choices")))
        return; /* somebody else's JSON */
    self->started = true;
    const json_t *said = json_object_get(choice, holder);
    take_refusal(self, json_object_get(said, "refusal"));
    take_stop(self, choice);
    if (self->stop != GC_STOP_REFUSED) /* then what it began with is not to be used */
        take_content(self, json_object_get(said, "content"));
    take_usage(self, json_object_get(data, "usage"));
}

static void event(gc_llm *self, const json_t *data)
{
    take_answer(self, data, "delta");
}

static void message(gc_llm *self, const json_t *data)
{
    take_answer(self, data, "message");
}

const gc_provider gc_provider_openai = {
    .name = "openai",
    .path = "/v1/chat/completions",
    .headers = headers,
    .body = body,
    .event = event,
    .message = message,
};
