/* The body of POST /v1/messages and /v1/messages/count_tokens: checked as the API checks
 * it, then laid out for the cache in the order tools, system, messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "tests/llm-sim/anthropic_exam.h"

#define TOOLS_TOKENS 286
#define MESSAGES_MAX 100000
#define SYSTEM_TEXT_MAX ((size_t)64 << 20)

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Reads a cache_control object; *out_ttl is 0 if it is absent or null. */
static bool read_mark(gc_sim_exam *self, const json_t *object, const char *where,
                      int64_t *out_ttl)
{
    static const char *const known[] = { "type", "ttl", NULL };
    const json_t *mark = json_object_get(object, "cache_control");
    *out_ttl = 0;
    if (!mark || json_is_null(mark))
        return true;
    char prefix[200];
    snprintf(prefix, sizeof prefix, "%scache_control.", where);
    const char *type = text_of(mark, "type");
    const char *ttl = text_of(mark, "ttl");
    if (!type || strcmp(type, "ephemeral") != 0)
        return gc_sim_invalid(self->reject, "%stype: Input should be 'ephemeral'",
                              prefix);
    if (!gc_sim_known_members(mark, prefix, known, self->reject))
        return false;
    if (json_object_get(mark, "ttl") &&
        (!ttl || (strcmp(ttl, "5m") != 0 && strcmp(ttl, "1h") != 0)))
        return gc_sim_invalid(self->reject, "%sttl: Input should be '5m' or '1h'",
                              prefix);
    *out_ttl = ttl && strcmp(ttl, "1h") == 0 ? GC_SIM_TTL_1H_MS : GC_SIM_TTL_5M_MS;
    return true;
}

static bool check_ttl_order(gc_sim_exam *self, const char *where, int64_t ttl_ms)
{
    if (ttl_ms == GC_SIM_TTL_1H_MS && self->seen_5m)
        return gc_sim_invalid(
            self->reject,
            "%scache_control.ttl: a ttl='1h' cache_control block must not "
            "come after a ttl='5m' cache_control block. Note that blocks "
            "are processed in the following order: `tools`, `system`, "
            "`messages`.",
            where);
    self->seen_5m = self->seen_5m || (ttl_ms && ttl_ms < GC_SIM_TTL_1H_MS);
    return true;
}

/* Adds one block to the hashed prefix. Its cache_control is no part of the hash. */
static bool add_block(gc_sim_exam *self, const json_t *block, const char *section,
                      const char *where, bool tool_run)
{
    int64_t ttl_ms;
    if (!read_mark(self, block, where, &ttl_ms) || !check_ttl_order(self, where, ttl_ms))
        return false;
    const char *type = text_of(block, "type");
    const char *text = text_of(block, "text");
    bool thinking = type && strstr(type, "thinking");
    bool empty = type && strcmp(type, "text") == 0 && (!text || !*text);
    if (ttl_ms && thinking)
        return gc_sim_invalid(self->reject,
                              "%scache_control: Extra inputs are not permitted", where);
    if (ttl_ms && empty)
        return gc_sim_invalid(
            self->reject, "%scache_control cannot be set for empty text blocks", where);
    json_t *bare = json_copy((json_t *)block);
    json_object_del(bare, "cache_control");
    char *bytes = type && strcmp(type, "text") == 0 && text && json_object_size(bare) == 2
                      ? gc_xstrdup(text)
                      : json_dumps(bare, JSON_COMPACT);
    json_decref(bare);
    gc_sim_prompt_add(&self->call->prompt, section, bytes, strlen(bytes), tool_run);
    free(bytes);
    if (ttl_ms) {
        self->marks++;
        gc_sim_prompt_mark(&self->call->prompt, ttl_ms);
    }
    if (!thinking && !empty) {
        self->last_block = self->call->prompt.count;
        self->last_ttl_ms = ttl_ms;
    }
    return true;
}

static bool add_text(gc_sim_exam *self, const char *text, const char *section)
{
    json_t *block = json_pack("{s:s, s:s}", "type", "text", "text", text);
    bool ok = add_block(self, block, section, section, false);
    json_decref(block);
    return ok;
}

static bool check_tools(gc_sim_exam *self)
{
    const json_t *tools = json_object_get(self->body, "tools");
    size_t i;
    json_t *tool;
    if (tools && !json_is_array(tools))
        return gc_sim_invalid(self->reject, "tools: Input should be a valid list");
    json_array_foreach(tools, i, tool)
    {
        char where[64];
        snprintf(where, sizeof where, "tools.%zu.", i);
        if (!json_is_object(tool) || !text_of(tool, "name"))
            return gc_sim_invalid(self->reject, "%sname: Field required", where);
        if (!add_block(self, tool, "tools", where, false))
            return false;
    }
    if (json_array_size(tools))
        self->call->prompt.tokens += TOOLS_TOKENS;
    return true;
}

static bool check_system(gc_sim_exam *self)
{
    const json_t *system = json_object_get(self->body, "system");
    if (!system || json_is_null(system))
        return true;
    if (json_is_string(system)) {
        gc_buf_puts(&self->system, json_string_value(system));
        return *json_string_value(system)
                   ? add_text(self, json_string_value(system), "system")
                   : true;
    }
    if (!json_is_array(system))
        return gc_sim_invalid(self->reject,
                              "system: Input should be a valid string or list");
    size_t i;
    json_t *block;
    json_array_foreach(system, i, block)
    {
        char where[64];
        snprintf(where, sizeof where, "system.%zu.", i);
        const char *type = text_of(block, "type");
        const char *text = text_of(block, "text");
        if (!type || strcmp(type, "text") != 0)
            return gc_sim_invalid(self->reject, "%stype: Input should be 'text'", where);
        if (!text)
            return gc_sim_invalid(self->reject, "%stext: Field required", where);
        if (!add_block(self, block, "system", where, false))
            return false;
        gc_buf_puts(&self->system, text);
        gc_buf_putc(&self->system, '\n');
    }
    return true;
}

static bool check_content_block(gc_sim_exam *self, const json_t *block, const char *role,
                                const char *where)
{
    static const char *const types[] = {
        "text",        "image",    "document",          "tool_use",
        "tool_result", "thinking", "redacted_thinking", "search_result",
        NULL
    };
    const char *type = text_of(block, "type");
    size_t i = 0;
    while (type && types[i] && strcmp(types[i], type) != 0)
        i++;
    if (!type || !types[i])
        return gc_sim_invalid(
            self->reject,
            "%stype: Input tag '%.60s' found using 'type' does not match "
            "any of the expected tags",
            where, type ? type : "");
    bool is_text = strcmp(type, "text") == 0;
    int64_t ttl_ms;
    if (is_text && !text_of(block, "text"))
        return gc_sim_invalid(self->reject, "%stext: Field required", where);
    if (is_text && !*text_of(block, "text")) {
        if (!read_mark(self, block, where, &ttl_ms))
            return false;
        return ttl_ms
                   ? gc_sim_invalid(self->reject,
                                    "%scache_control cannot be set for empty text blocks",
                                    where)
                   : gc_sim_invalid(self->reject,
                                    "messages: text content blocks must be non-empty");
    }
    char section[32];
    snprintf(section, sizeof section, "messages.%s", role);
    return add_block(self, block, section, where, gc_sim_is_tool_block(type));
}

static bool check_message(gc_sim_exam *self, const json_t *message, size_t index)
{
    static const char *const known[] = { "role", "content", NULL };
    char where[96];
    snprintf(where, sizeof where, "messages.%zu.", index);
    const char *role = text_of(message, "role");
    const json_t *content = json_object_get(message, "content");
    if (!json_is_object(message))
        return gc_sim_invalid(self->reject, "messages.%zu: Input should be an object",
                              index);
    if (!role || (strcmp(role, "user") != 0 && strcmp(role, "assistant") != 0))
        return gc_sim_invalid(self->reject,
                              "%srole: Input should be 'user' or 'assistant'", where);
    if (!content)
        return gc_sim_invalid(self->reject, "%scontent: Field required", where);
    if (!gc_sim_known_members(message, where, known, self->reject))
        return false;
    if (strcmp(role, "user") == 0)
        self->last_user = content;
    bool empty = json_is_string(content) ? !*json_string_value(content)
                                         : json_array_size(content) == 0;
    if (empty)
        return gc_sim_invalid(self->reject,
                              "messages.%zu: %s messages must have non-empty "
                              "content",
                              index, role);
    if (json_is_string(content)) {
        char section[32];
        snprintf(section, sizeof section, "messages.%s", role);
        return add_text(self, json_string_value(content), section);
    }
    size_t i;
    json_t *block;
    json_array_foreach(content, i, block)
    {
        snprintf(where, sizeof where, "messages.%zu.content.%zu.", index, i);
        if (!check_content_block(self, block, role, where))
            return false;
    }
    return true;
}

static bool check_messages(gc_sim_exam *self)
{
    const json_t *messages = json_object_get(self->body, "messages");
    size_t count = json_array_size(messages);
    if (!messages)
        return gc_sim_invalid(self->reject, "messages: Field required");
    if (!json_is_array(messages))
        return gc_sim_invalid(self->reject, "messages: Input should be a valid list");
    if (count == 0)
        return gc_sim_invalid(self->reject, "messages: at least one message is required");
    if (count > MESSAGES_MAX)
        return gc_sim_invalid(self->reject, "messages: too many messages: %zu > %d",
                              count, MESSAGES_MAX);
    for (size_t i = 0; i < count; i++)
        if (!check_message(self, json_array_get(messages, i), i))
            return false;
    const char *last = text_of(json_array_get(messages, count - 1), "role");
    if (strcmp(last, "assistant") == 0 && !self->call->model->prefill)
        return gc_sim_invalid(
            self->reject, "This model does not support assistant message prefill. The "
                          "conversation must end with a user message.");
    return true;
}

static bool check_marks(gc_sim_exam *self)
{
    gc_sim_prompt *prompt = &self->call->prompt;
    if (self->marks > GC_SIM_MARKS_MAX)
        return gc_sim_invalid(self->reject,
                              "A maximum of 4 blocks with cache_control may be provided. "
                              "Found %zu.",
                              self->marks);
    if (!self->auto_ttl_ms || !self->last_block)
        return true;
    if (self->last_ttl_ms && self->last_ttl_ms != self->auto_ttl_ms)
        return gc_sim_invalid(self->reject, "cache_control: the last block has a "
                                            "cache_control with another ttl");
    if (self->last_ttl_ms)
        return true;
    if (self->marks == GC_SIM_MARKS_MAX)
        return gc_sim_invalid(self->reject,
                              "A maximum of 4 blocks with cache_control may be provided. "
                              "Found 5.");
    if (!check_ttl_order(self, "", self->auto_ttl_ms))
        return false;
    prompt->blocks[self->last_block - 1].ttl_ms = self->auto_ttl_ms;
    return true;
}

static bool check_model(gc_sim_exam *self, const gc_strv *extra)
{
    static const char *const known[] = { "model",
                                         "max_tokens",
                                         "messages",
                                         "system",
                                         "cache_control",
                                         "stream",
                                         "stop_sequences",
                                         "thinking",
                                         "output_config",
                                         "tools",
                                         "tool_choice",
                                         "service_tier",
                                         "metadata",
                                         "inference_geo",
                                         "container",
                                         "temperature",
                                         "top_p",
                                         "top_k",
                                         "speed",
                                         "fallbacks",
                                         "diagnostics",
                                         "context_management",
                                         NULL };
    const json_t *model = json_object_get(self->body, "model");
    if (!json_is_object(self->body))
        return gc_sim_invalid(self->reject, "The request body should be a JSON object");
    if (!gc_sim_known_members(self->body, "", known, self->reject))
        return false;
    if (!model)
        return gc_sim_invalid(self->reject, "model: Field required");
    if (!json_is_string(model))
        return gc_sim_invalid(self->reject, "model: Input should be a valid string");
    self->call->model_id = gc_xstrdup(json_string_value(model));
    self->call->model = gc_sim_call_model(self->call->model_id, false, extra);
    if (!self->call->model)
        return gc_sim_refuse(self->reject, 404, "not_found_error", "model: %.200s",
                             self->call->model_id);
    const json_t *stream = json_object_get(self->body, "stream");
    if (stream && !json_is_boolean(stream))
        return gc_sim_invalid(self->reject, "stream: Input should be a valid boolean");
    self->call->stream = json_is_true(stream);
    return true;
}

/* What is part of the cache identity without being a block. */
static void mix(gc_sim_exam *self, const char *name)
{
    char *value = json_dumps(json_object_get(self->body, name),
                             JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    gc_sim_prompt_mix(&self->call->prompt, name, value ? value : "");
    free(value);
}

/* The blocks in the order of the hashed prefix; each level is keyed by what invalidates it. */
static bool lay_out(gc_sim_exam *self)
{
    gc_sim_prompt *prompt = &self->call->prompt;
    const json_t *config = json_object_get(self->body, "output_config");
    gc_sim_prompt_mix(prompt, "workspace", self->call->key_id);
    gc_sim_prompt_mix(prompt, "model", self->call->model_id);
    if (!check_tools(self))
        return false;
    char *format = json_dumps(json_object_get(config, "format"), JSON_COMPACT);
    if (format)
        gc_sim_prompt_mix(prompt, "format", format);
    free(format);
    if (!check_system(self))
        return false;
    gc_sim_prompt_mix(prompt, "effort", self->effort);
    mix(self, "thinking");
    mix(self, "tool_choice");
    return check_messages(self) && check_marks(self);
}

/* The last text of the last user message. */
static const char *last_text(const json_t *content)
{
    const char *text = json_string_value(content);
    for (size_t i = json_array_size(content); !text && i-- > 0;) {
        const json_t *block = json_array_get(content, i);
        const char *type = text_of(block, "type");
        if (type && strcmp(type, "text") == 0)
            text = text_of(block, "text");
    }
    return text ? text : "";
}

static bool check_context(gc_sim_exam *self)
{
    const gc_sim_call *call = self->call;
    if (call->prompt.tokens > call->model->context_tokens)
        return gc_sim_invalid(
            self->reject, "prompt is too long: %lld tokens > %lld maximum",
            (long long)call->prompt.tokens, (long long)call->model->context_tokens);
    return true;
}

static void read_task(gc_sim_exam *self)
{
    gc_sim_call *call = self->call;
    const char *task = last_text(self->last_user);
    gc_sim_wanted_parse(task, strlen(task), &call->wanted);
    gc_sim_project_read(self->system.ptr, &call->project);
    call->json = call->json || gc_sim_wants_json(self->system.ptr);
    if (call->thinking_tokens)
        call->thinking_tokens = gc_sim_thinking_tokens(self->effort, call->wanted.count);
    call->look_back = GC_SIM_LOOK_BACK;
}

bool gc_sim_anthropic_parse(const json_t *body, const gc_strv *extra, gc_sim_call *out,
                            gc_sim_reject *reject)
{
    gc_sim_exam self = { .body = body, .call = out, .reject = reject };
    gc_buf_init(&self.system, SYSTEM_TEXT_MAX);
    bool ok = check_model(&self, extra) &&
              read_mark(&self, body, "", &self.auto_ttl_ms) &&
              gc_sim_anthropic_knobs(&self) && lay_out(&self) && check_context(&self);
    if (ok)
        read_task(&self);
    gc_buf_release(&self.system);
    return ok;
}
