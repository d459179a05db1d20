/* The body of POST /v1/chat/completions, checked and laid out for the cache. From GPT-5.6 on
 * the cache works by breakpoints (implicit: on the latest message; explicit: where marked)
 * and writes are billed; before, the longest known prefix is read in steps of 128 tokens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "tests/llm-sim/call.h"

#define LOOK_BACK 50
#define SYSTEM_TEXT_MAX ((size_t)64 << 20)

typedef struct exam {
    const json_t *body;
    gc_sim_call *call;
    gc_sim_reject *reject;
    bool explicit_mode;
    const char *effort;
    gc_buf system;
    const char *last_user;
} exam;

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool check_top(exam *self, const gc_strv *extra)
{
    static const char *const known[] = { "model",
                                         "messages",
                                         "max_completion_tokens",
                                         "max_tokens",
                                         "stream",
                                         "stream_options",
                                         "reasoning_effort",
                                         "response_format",
                                         "prediction",
                                         "service_tier",
                                         "temperature",
                                         "top_p",
                                         "n",
                                         "stop",
                                         "seed",
                                         "user",
                                         "metadata",
                                         "store",
                                         "tools",
                                         "tool_choice",
                                         "parallel_tool_calls",
                                         "prompt_cache_key",
                                         "prompt_cache_options",
                                         "prompt_cache_retention",
                                         "safety_identifier",
                                         "verbosity",
                                         "presence_penalty",
                                         "frequency_penalty",
                                         NULL };
    const char *model = text_of(self->body, "model");
    if (!json_is_object(self->body) || !model)
        return gc_sim_invalid(self->reject, "you must provide a model parameter");
    if (!gc_sim_known_members(
            self->body, "Unrecognized request argument supplied: ", known, self->reject))
        return false;
    self->call->openai = true;
    self->call->model_id = gc_xstrdup(model);
    self->call->model = gc_sim_call_model(model, true, extra);
    if (!self->call->model) {
        gc_sim_refuse(
            self->reject, 404, "invalid_request_error",
            "The model `%.200s` does not exist or you do not have access to it.", model);
        self->reject->code = "model_not_found";
        return false;
    }
    const json_t *options = json_object_get(self->body, "stream_options");
    self->call->stream = json_is_true(json_object_get(self->body, "stream"));
    self->call->include_usage = json_is_true(json_object_get(options, "include_usage"));
    if (options && !json_is_null(options) && !self->call->stream)
        return gc_sim_invalid(self->reject,
                              "The 'stream_options' parameter is only allowed "
                              "when 'stream' is enabled.");
    return true;
}

static bool check_limits(exam *self)
{
    gc_sim_call *call = self->call;
    const json_t *newer = json_object_get(self->body, "max_completion_tokens");
    const json_t *older = json_object_get(self->body, "max_tokens");
    bool reasoning = call->model->thinking >= GC_SIM_THINKS_BY_DEFAULT;
    if (older && reasoning)
        return gc_sim_invalid(self->reject, "Unsupported parameter: 'max_tokens' is not "
                                            "supported with this model. Use "
                                            "'max_completion_tokens' instead.");
    const json_t *value = newer ? newer : older;
    call->max_tokens = json_is_integer(value) ? json_integer_value(value)
                                              : call->model->max_output_tokens;
    if (value && !json_is_null(value) && !json_is_integer(value))
        return gc_sim_invalid(self->reject, "Invalid type for 'max_completion_tokens': "
                                            "expected an integer.");
    if (call->max_tokens < 1 || call->max_tokens > call->model->max_output_tokens)
        return gc_sim_invalid(
            self->reject,
            "max_tokens is too large: %lld. This model supports at most "
            "%lld completion tokens.",
            (long long)call->max_tokens, (long long)call->model->max_output_tokens);
    return true;
}

static bool check_knobs(exam *self)
{
    static const char *const efforts[] = { "none",   "minimal", "low",
                                           "medium", "high",    "xhigh" };
    const gc_sim_model *model = self->call->model;
    const json_t *temperature = json_object_get(self->body, "temperature");
    if (temperature && !json_is_null(temperature) && !model->sampling &&
        json_number_value(temperature) != 1.0)
        return gc_sim_invalid(self->reject,
                              "Unsupported value: 'temperature' does not "
                              "support %g with this model. Only the default "
                              "(1) value is supported.",
                              json_number_value(temperature));
    const char *effort = text_of(self->body, "reasoning_effort");
    self->effort = model->default_effort ? model->default_effort : "none";
    if (effort) {
        size_t i = 0;
        size_t count = sizeof efforts / sizeof *efforts;
        while (i < count && strcmp(efforts[i], effort) != 0)
            i++;
        if (!model->effort || i == count)
            return gc_sim_invalid(
                self->reject,
                "Unsupported value: 'reasoning_effort' does not support "
                "'%.40s' with this model.",
                effort);
        self->effort = effort;
    }
    self->call->thinking_tokens = model->thinking >= GC_SIM_THINKS_BY_DEFAULT;
    const char *mode =
        text_of(json_object_get(self->body, "prompt_cache_options"), "mode");
    self->explicit_mode = mode && strcmp(mode, "explicit") == 0;
    const json_t *stop = json_object_get(self->body, "stop");
    size_t i;
    json_t *item;
    if (json_is_string(stop))
        gc_strv_add(&self->call->stop_sequences, json_string_value(stop));
    json_array_foreach(stop, i, item) if (json_is_string(item))
        gc_strv_add(&self->call->stop_sequences, json_string_value(item));
    return true;
}

static bool add_part(exam *self, const json_t *part, const char *role, size_t index)
{
    const char *type = text_of(part, "type");
    const char *text = text_of(part, "text");
    if (!type)
        return gc_sim_invalid(self->reject,
                              "Missing required parameter: "
                              "'messages[%zu].content[].type'.",
                              index);
    if (strcmp(type, "text") == 0 && !text)
        return gc_sim_invalid(self->reject,
                              "Missing required parameter: "
                              "'messages[%zu].content[].text'.",
                              index);
    char *bytes = text ? gc_xstrdup(text) : json_dumps(part, JSON_COMPACT);
    gc_sim_prompt_add(&self->call->prompt, role, bytes, strlen(bytes), false);
    free(bytes);
    if (json_object_get(part, "prompt_cache_breakpoint"))
        gc_sim_prompt_mark(&self->call->prompt, GC_SIM_TTL_30M_MS);
    if (text && (strcmp(role, "system") == 0 || strcmp(role, "developer") == 0)) {
        gc_buf_puts(&self->system, text);
        gc_buf_putc(&self->system, '\n');
    } else if (text && strcmp(role, "user") == 0) {
        self->last_user = text;
    }
    return true;
}

static bool add_message(exam *self, const json_t *message, size_t index)
{
    static const char *const roles[] = { "system", "developer", "user", "assistant",
                                         "tool" };
    const char *role = text_of(message, "role");
    const json_t *content = json_object_get(message, "content");
    size_t i = 0;
    while (role && i < sizeof roles / sizeof *roles && strcmp(roles[i], role) != 0)
        i++;
    if (!role || i == sizeof roles / sizeof *roles)
        return gc_sim_invalid(self->reject,
                              "Invalid value: '%.40s' in 'messages[%zu].role'.",
                              role ? role : "", index);
    if (json_is_string(content)) {
        json_t *part = json_pack("{s:s, s:O}", "type", "text", "text", (json_t *)content);
        bool ok = add_part(self, part, role, index);
        /* the text lives on in the body, not in this part */
        if (self->last_user && strcmp(role, "user") == 0)
            self->last_user = json_string_value(content);
        json_decref(part);
        return ok;
    }
    if (!json_is_array(content))
        return gc_sim_invalid(self->reject,
                              "Invalid type for 'messages[%zu].content': "
                              "expected a string or an array.",
                              index);
    json_t *part;
    json_array_foreach(content, i,
                       part) if (!add_part(self, part, role, index)) return false;
    return true;
}

static bool lay_out(exam *self)
{
    gc_sim_call *call = self->call;
    const json_t *messages = json_object_get(self->body, "messages");
    const char *cache_key = text_of(self->body, "prompt_cache_key");
    char *tools = json_dumps(json_object_get(self->body, "tools"), JSON_COMPACT);
    gc_sim_prompt_mix(&call->prompt, "workspace", call->key_id);
    gc_sim_prompt_mix(&call->prompt, "model", call->model_id);
    gc_sim_prompt_mix(&call->prompt, "key", cache_key ? cache_key : "");
    gc_sim_prompt_mix(&call->prompt, "tools", tools ? tools : "");
    free(tools);
    if (!json_is_array(messages) || json_array_size(messages) == 0)
        return gc_sim_invalid(self->reject,
                              "Invalid 'messages': empty array. Expected an "
                              "array with minimum length 1.");
    for (size_t i = 0; i < json_array_size(messages); i++)
        if (!add_message(self, json_array_get(messages, i), i))
            return false;
    if (call->prompt.marks > GC_SIM_MARKS_MAX)
        return gc_sim_invalid(self->reject,
                              "At most 4 prompt_cache_breakpoint are allowed.");
    call->free_writes = !call->model->explicit_cache;
    /* the older cache knows every prefix; its first blocks and its end stand for them */
    for (size_t i = 0; call->free_writes && i < call->prompt.count; i++)
        call->prompt.blocks[i].ttl_ms = i + 1 < GC_SIM_MARKS_MAX ? GC_SIM_TTL_5M_MS : 0;
    bool implicit = call->model->explicit_cache && !self->explicit_mode;
    if (implicit || call->free_writes)
        gc_sim_prompt_mark(&call->prompt, GC_SIM_TTL_30M_MS);
    if (call->prompt.tokens > call->model->context_tokens) {
        gc_sim_invalid(self->reject,
                       "This model's maximum context length is %lld tokens. "
                       "However, your messages resulted in %lld tokens.",
                       (long long)call->model->context_tokens,
                       (long long)call->prompt.tokens);
        self->reject->code = "context_length_exceeded";
        return false;
    }
    return true;
}

bool gc_sim_openai_parse(const json_t *body, const gc_strv *extra, gc_sim_call *out,
                         gc_sim_reject *reject)
{
    exam self = { .body = body, .call = out, .reject = reject };
    gc_buf_init(&self.system, SYSTEM_TEXT_MAX);
    bool ok = check_top(&self, extra) && check_limits(&self) && check_knobs(&self) &&
              lay_out(&self);
    if (ok) {
        const char *task = self.last_user ? self.last_user : "";
        const char *format = text_of(json_object_get(body, "response_format"), "type");
        gc_sim_wanted_parse(task, strlen(task), &out->wanted);
        gc_sim_project_read(self.system.ptr, &out->project);
        out->json =
            gc_sim_wants_json(self.system.ptr) || (format && strcmp(format, "text") != 0);
        if (out->thinking_tokens)
            out->thinking_tokens = gc_sim_thinking_tokens(self.effort, out->wanted.count);
        out->look_back = out->free_writes ? out->prompt.count + 1 : LOOK_BACK;
    }
    gc_buf_release(&self.system);
    return ok;
}
