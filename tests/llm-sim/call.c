#include "tests/llm-sim/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gc_sim_call_release(gc_sim_call *self)
{
    free(self->model_id);
    gc_strv_release(&self->stop_sequences);
    gc_sim_prompt_release(&self->prompt);
    gc_sim_wanted_release(&self->wanted);
    gc_sim_project_release(&self->project);
    *self = (gc_sim_call){ 0 };
}

bool gc_sim_refuse(gc_sim_reject *self, int status, const char *type, const char *fmt,
                   ...)
{
    va_list ap;
    va_start(ap, fmt);
    self->status = status;
    self->type = type;
    self->code = NULL;
    vsnprintf(self->message, sizeof self->message, fmt, ap);
    va_end(ap);
    return false;
}

const gc_sim_model *gc_sim_call_model(const char *id, bool openai, const gc_strv *extra)
{
    const gc_sim_model *known = gc_sim_catalog_find(id, openai);
    if (!known && gc_strv_has(extra, id))
        known = &gc_sim_catalog_extra;
    return known;
}

int64_t gc_sim_thinking_tokens(const char *effort, size_t files)
{
    static const struct {
        const char *effort;
        int64_t factor;
    } factors[] = { { "minimal", 1 }, { "low", 2 },    { "medium", 6 },
                    { "high", 16 },   { "xhigh", 32 }, { "max", 48 } };
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
        if (strcmp(effort, factors[i].effort) == 0)
            return factors[i].factor * (int64_t)(16 + 8 * files);
    return 0;
}

bool gc_sim_is_tool_block(const char *type)
{
    return strcmp(type, "tool_use") == 0 || strcmp(type, "tool_result") == 0;
}

bool gc_sim_known_members(const json_t *object, const char *where,
                          const char *const *known, gc_sim_reject *reject)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        size_t i = 0;
        while (known[i] && strcmp(known[i], name) != 0)
            i++;
        if (!known[i])
            return gc_sim_invalid(reject, "%s%.100s: Extra inputs are not permitted",
                                  where, name);
    }
    return true;
}
