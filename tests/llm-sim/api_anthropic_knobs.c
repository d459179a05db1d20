/* The settings of a request to the Messages API beside its prompt: which of them a model
 * takes, and in what combinations. */
#include <string.h>

#include "tests/llm-sim/anthropic_exam.h"

/* Streaming is required where the answer could take longer than ten minutes. */
#define NON_STREAM_MAX 21333

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static bool check_sampling(gc_sim_exam *self)
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

static bool refuse_thinking(gc_sim_exam *self, const char *type)
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

/* Whether thinking.type `type` is accepted, and whether it makes the model think. */
static bool thinking_type(const gc_sim_exam *self, const char *type, bool *on)
{
    const gc_sim_model *model = self->call->model;
    bool may_stop = !is_top_effort(self->effort);
    *on = strcmp(type, "adaptive") == 0 || strcmp(type, "enabled") == 0;
    if (strcmp(type, "adaptive") == 0)
        return model->thinking > GC_SIM_THINKS_NEVER;
    if (strcmp(type, "enabled") == 0)
        return model->budget_tokens;
    if (strcmp(type, "disabled") == 0)
        return model->thinking_disabled && may_stop;
    return strcmp(type, "between_tools") == 0 && model->thinking_between_tools &&
           may_stop;
}

static bool check_budget(gc_sim_exam *self, const json_t *thinking, const char *type)
{
    const json_t *value = json_object_get(thinking, "budget_tokens");
    int64_t budget = json_integer_value(value);
    bool enabled = strcmp(type, "enabled") == 0;
    if (value && !enabled)
        return gc_sim_invalid(self->reject,
                              "thinking.budget_tokens: Extra inputs are not permitted");
    bool too_big = !self->call->count_only && budget >= self->call->max_tokens;
    if (enabled && (budget < 1024 || too_big))
        return gc_sim_invalid(self->reject,
                              "thinking.budget_tokens: must be at least 1024 "
                              "and less than max_tokens");
    return true;
}

static bool check_thinking(gc_sim_exam *self)
{
    const json_t *thinking = json_object_get(self->body, "thinking");
    const char *type = text_of(thinking, "type");
    bool on = self->call->model->thinking >= GC_SIM_THINKS_BY_DEFAULT;
    if (thinking && !json_is_null(thinking)) {
        if (!type)
            return gc_sim_invalid(self->reject, "thinking.type: Field required");
        if (!thinking_type(self, type, &on))
            return refuse_thinking(self, type);
        if (!check_budget(self, thinking, type))
            return false;
    }
    self->call->thinking_tokens = on; /* how much is known with the wanted files */
    return true;
}

static bool check_output_config(gc_sim_exam *self)
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

static bool check_tool_choice(gc_sim_exam *self)
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

static bool check_prewarm(gc_sim_exam *self)
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

static bool check_max_tokens(gc_sim_exam *self)
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

static bool check_stop_sequences(gc_sim_exam *self)
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

bool gc_sim_anthropic_knobs(gc_sim_exam *self)
{
    return check_max_tokens(self) && check_output_config(self) && check_sampling(self) &&
           check_thinking(self) && check_tool_choice(self) && check_prewarm(self) &&
           check_stop_sequences(self);
}
