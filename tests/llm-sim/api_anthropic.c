/* The body of POST /v1/messages and /v1/messages/count_tokens: checked as the API checks
 * it, then laid out for the cache in the order tools, system, messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "tests/llm-sim/call.h"

/* Streaming is required where the answer could take longer than ten minutes. */
#define NON_STREAM_MAX 21333
#define TOOLS_TOKENS 286
#define MESSAGES_MAX 100000
#define SYSTEM_TEXT_MAX ((size_t)64 << 20)

/* A request under examination. */
typedef struct exam {
    const json_t *body;
    gc_sim_call *call;
    gc_sim_reject *reject;
    size_t marks;        /* explicit breakpoints so far */
    bool seen_5m;        /* a short lifetime came already */
    int64_t auto_ttl_ms; /* top-level cache_control; 0 = absent */
    int64_t last_ttl_ms; /* of the last block that can carry a breakpoint */
    size_t last_block;   /* its number + 1; 0 = none */
    const char *effort;
    gc_buf system;           /* all system text */
    const json_t *last_user; /* content of the last user message */
} exam;

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* Reads a cache_control object; *out_ttl is 0 if it is absent or null. */
static bool read_mark(exam *self, const json_t *object, const char *where,
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

static bool check_ttl_order(exam *self, const char *where, int64_t ttl_ms)
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
static bool add_block(exam *self, const json_t *block, const char *section,
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

static bool add_text(exam *self, const char *text, const char *section)
{
    json_t *block = json_pack("{s:s, s:s}", "type", "text", "text", text);
    bool ok = add_block(self, block, section, section, false);
    json_decref(block);
    return ok;
}

static bool check_tools(exam *self)
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

static bool check_system(exam *self)
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

static bool check_content_block(exam *self, const json_t *block, const char *role,
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

static bool check_message(exam *self, const json_t *message, size_t index)
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

static bool check_messages(exam *self)
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

static bool check_marks(exam *self)
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

static bool check_sampling(exam *self)
{
    static const char *const names[] = { "temperature", "top_p", "top_k" };
    const gc_sim_model *model = self->call->model;
    int neutral = 0;
    for (size_t i = 0; i < 3; i++) {
        const json_t *value = json_object_get(self->body, names[i]);
        if (!value || json_is_null(value) || model->sampling)
            continue;
        double number = json_number_value(value);
        bool tolerated = model->sampling_neutral &&
                         ((i == 0 && number == 1.0) || (i == 1 && number == 0.99));
        neutral += tolerated;
        if (!tolerated || neutral > 1)
            return gc_sim_invalid(self->reject, "`%s` is deprecated for this model.",
                                  names[i]);
    }
    return true;
}

static bool is_top_effort(const char *effort)
{
    return strcmp(effort, "xhigh") == 0 || strcmp(effort, "max") == 0;
}

static bool refuse_thinking(exam *self, const char *type)
{
    return gc_sim_invalid(self->reject,
                          "\"thinking.type.%.40s\" is not supported for this "
                          "model%s.",
                          type,
                          is_top_effort(self->effort) ? " at this effort"
                          : strcmp(type, "enabled") == 0
                              ? ". Use \"thinking.type.adaptive\" and "
                                "\"output_config.effort\" to control thinking behavior"
                              : "");
}

static bool check_thinking(exam *self)
{
    const gc_sim_model *model = self->call->model;
    const json_t *thinking = json_object_get(self->body, "thinking");
    const char *type = text_of(thinking, "type");
    bool on = model->thinking >= GC_SIM_THINKS_BY_DEFAULT;
    bool may_stop = !is_top_effort(self->effort);
    if (thinking && !json_is_null(thinking)) {
        if (!type)
            return gc_sim_invalid(self->reject, "thinking.type: Field required");
        if (strcmp(type, "adaptive") == 0 && model->thinking > GC_SIM_THINKS_NEVER)
            on = true;
        else if (strcmp(type, "disabled") == 0 && model->thinking_disabled && may_stop)
            on = false;
        else if (strcmp(type, "between_tools") == 0 && model->thinking_between_tools &&
                 may_stop)
            on = false;
        else if (strcmp(type, "enabled") == 0 && model->budget_tokens)
            on = true;
        else
            return refuse_thinking(self, type);
        int64_t budget = json_integer_value(json_object_get(thinking, "budget_tokens"));
        if (json_object_get(thinking, "budget_tokens") && strcmp(type, "enabled") != 0)
            return gc_sim_invalid(
                self->reject, "thinking.budget_tokens: Extra inputs are not permitted");
        if (strcmp(type, "enabled") == 0 &&
            (budget < 1024 ||
             (!self->call->count_only && budget >= self->call->max_tokens)))
            return gc_sim_invalid(self->reject,
                                  "thinking.budget_tokens: must be at least "
                                  "1024 and less than max_tokens");
    }
    self->call->thinking_tokens = on; /* how much is known with the wanted files */
    return true;
}

static bool check_output_config(exam *self)
{
    static const char *const known[] = { "effort", "format", "task_budget", NULL };
    static const char *const efforts[] = { "low", "medium", "high", "xhigh", "max" };
    const json_t *config = json_object_get(self->body, "output_config");
    const gc_sim_model *model = self->call->model;
    self->effort = model->default_effort ? model->default_effort : "medium";
    if (!config || json_is_null(config))
        return true;
    if (!json_is_object(config))
        return gc_sim_invalid(self->reject, "output_config: Input should be an object");
    if (!gc_sim_known_members(config, "output_config.", known, self->reject))
        return false;
    const json_t *effort = json_object_get(config, "effort");
    self->call->json = json_object_get(config, "format") != NULL;
    if (!effort || json_is_null(effort))
        return true;
    if (!model->effort)
        return gc_sim_invalid(self->reject, "This model does not support the effort "
                                            "parameter.");
    for (size_t i = 0; i < sizeof efforts / sizeof *efforts; i++)
        if (json_is_string(effort) &&
            strcmp(json_string_value(effort), efforts[i]) == 0) {
            self->effort = efforts[i];
            return true;
        }
    return gc_sim_invalid(self->reject, "output_config.effort: Input should be 'low', "
                                        "'medium', 'high', 'xhigh' or 'max'");
}

static bool check_tool_choice(exam *self)
{
    const char *type = text_of(json_object_get(self->body, "tool_choice"), "type");
    bool forced = type && (strcmp(type, "any") == 0 || strcmp(type, "tool") == 0);
    if (forced && !self->call->model->forced_tools)
        return gc_sim_invalid(self->reject,
                              "tool_choice.type: '%s' is not supported for "
                              "this model",
                              type);
    if (forced && self->call->prewarm)
        return gc_sim_invalid(self->reject, "max_tokens: 0 cannot be used with a forced "
                                            "tool_choice");
    if (forced)
        self->call->thinking_tokens = 0;
    return true;
}

static bool check_prewarm(exam *self)
{
    const char *type = text_of(json_object_get(self->body, "thinking"), "type");
    if (!self->call->prewarm)
        return true;
    if (self->call->stream)
        return gc_sim_invalid(self->reject, "max_tokens: 0 cannot be used with stream");
    if (type && strcmp(type, "enabled") == 0)
        return gc_sim_invalid(self->reject, "max_tokens: 0 cannot be used with "
                                            "thinking.type 'enabled'");
    if (json_object_get(json_object_get(self->body, "output_config"), "format"))
        return gc_sim_invalid(self->reject, "max_tokens: 0 cannot be used with "
                                            "output_config.format");
    return true;
}

static bool check_max_tokens(exam *self)
{
    const json_t *value = json_object_get(self->body, "max_tokens");
    gc_sim_call *call = self->call;
    if (call->count_only)
        return value ? gc_sim_invalid(self->reject,
                                      "max_tokens: Extra inputs are not permitted")
                     : true;
    if (!value)
        return gc_sim_invalid(self->reject, "max_tokens: Field required");
    if (!json_is_integer(value))
        return gc_sim_invalid(self->reject,
                              "max_tokens: Input should be a valid integer");
    call->max_tokens = json_integer_value(value);
    call->prewarm = call->max_tokens == 0;
    if (call->max_tokens < 0)
        return gc_sim_invalid(self->reject,
                              "max_tokens: must be greater than or equal to 0");
    if (call->max_tokens > call->model->max_output_tokens)
        return gc_sim_invalid(
            self->reject,
            "max_tokens: %lld > %lld, which is the maximum allowed number "
            "of output tokens for %.100s",
            (long long)call->max_tokens, (long long)call->model->max_output_tokens,
            call->model_id);
    if (!call->stream && call->max_tokens > NON_STREAM_MAX)
        return gc_sim_invalid(self->reject,
                              "Streaming is required for operations that may "
                              "take longer than 10 minutes.");
    return true;
}

static bool check_model(exam *self, const gc_strv *extra)
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

static bool check_stop_sequences(exam *self)
{
    const json_t *list = json_object_get(self->body, "stop_sequences");
    size_t i;
    json_t *item;
    if (list && !json_is_array(list) && !json_is_null(list))
        return gc_sim_invalid(self->reject,
                              "stop_sequences: Input should be a valid list");
    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        if (!text || !text[strspn(text, " \t\r\n")])
            return gc_sim_invalid(self->reject, "stop_sequences: each stop sequence must "
                                                "contain non-whitespace");
        gc_strv_add(&self->call->stop_sequences, text);
    }
    return true;
}

/* What is part of the cache identity without being a block. */
static void mix(exam *self, const char *name)
{
    char *value = json_dumps(json_object_get(self->body, name),
                             JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    gc_sim_prompt_mix(&self->call->prompt, name, value ? value : "");
    free(value);
}

/* The blocks in the order of the hashed prefix; each level is keyed by what invalidates it. */
static bool lay_out(exam *self)
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

static bool check_context(exam *self)
{
    const gc_sim_call *call = self->call;
    if (call->prompt.tokens > call->model->context_tokens)
        return gc_sim_invalid(
            self->reject, "prompt is too long: %lld tokens > %lld maximum",
            (long long)call->prompt.tokens, (long long)call->model->context_tokens);
    return true;
}

static void read_task(exam *self)
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
    exam self = { .body = body, .call = out, .reject = reject };
    gc_buf_init(&self.system, SYSTEM_TEXT_MAX);
    bool ok = check_model(&self, extra) &&
              read_mark(&self, body, "", &self.auto_ttl_ms) && check_max_tokens(&self) &&
              check_output_config(&self) && check_sampling(&self) &&
              check_thinking(&self) && check_tool_choice(&self) && check_prewarm(&self) &&
              check_stop_sequences(&self) && lay_out(&self) && check_context(&self);
    if (ok)
        read_task(&self);
    gc_buf_release(&self.system);
    return ok;
}
