/* What the engine tells of itself: its models, and /_sim/ for whoever runs the test. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "tests/llm-sim/engine_parts.h"

static json_t *model_entry(const char *id, const gc_sim_model *model)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:I, s:I}", "type", "model",
                     "object", "model", "id", id, "display_name", id, "created_at",
                     "2026-10-01T00:00:00Z", "created", 1790812800, "owned_by",
                     "simulator", "max_input_tokens", (json_int_t)model->context_tokens,
                     "max_tokens", (json_int_t)model->max_output_tokens);
}

static void put_json(gc_sim_exchange *ex, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    gc_buf_puts(&ex->body, text ? text : "{}");
    free(text);
    json_decref(value);
}

static void begin_models(gc_sim_engine *self, const gc_sim_http *request,
                         gc_sim_exchange *ex, const char *id)
{
    bool openai = !gc_sim_http_header(request, "anthropic-version");
    const gc_strv *extra = &self->settings->extra_models;
    if (!gc_sim_exchange_read_key(ex, request, openai))
        return;
    if (*id) {
        const gc_sim_model *model = gc_sim_call_model(id, openai, extra);
        if (model)
            put_json(ex, model_entry(id, model));
        else
            gc_sim_exchange_refuse(ex, openai, 404,
                                   openai ? "invalid_request_error" : "not_found_error",
                                   "model not found");
        return;
    }
    json_t *list = json_array();
    const gc_sim_model *model;
    for (size_t i = 0; (model = gc_sim_catalog_at(i)); i++)
        if (model->openai == openai)
            json_array_append_new(list, model_entry(model->id, model));
    for (size_t i = 0; i < extra->count; i++)
        json_array_append_new(list, model_entry(extra->items[i], &gc_sim_catalog_extra));
    put_json(ex,
             json_pack("{s:s, s:b, s:o}", "object", "list", "has_more", 0, "data", list));
}

static void control_stats(gc_sim_engine *self, const gc_sim_http *request,
                          gc_sim_exchange *ex)
{
    (void)request;
    const gc_sim_totals *t = &self->totals;
    put_json(ex,
             json_pack(
                 "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                 "requests", (json_int_t)t->requests, "active", (json_int_t)t->active,
                 "peak_active", (json_int_t)t->peak_active, "completed",
                 (json_int_t)t->completed, "events", (json_int_t)t->events, "refused",
                 (json_int_t)t->refused, "faults", (json_int_t)t->faults, "input_tokens",
                 (json_int_t)t->input, "cache_read_tokens", (json_int_t)t->cache_read,
                 "cache_write_5m_tokens", (json_int_t)t->cache_write_5m,
                 "cache_write_1h_tokens", (json_int_t)t->cache_write_1h, "output_tokens",
                 (json_int_t)t->output, "bytes", (json_int_t)t->bytes, "cache_entries",
                 (json_int_t)gc_sim_cache_count(self->cache)));
}

static void control_journal(gc_sim_engine *self, const gc_sim_http *request,
                            gc_sim_exchange *ex)
{
    const char *query = strstr(request->target, "?limit=");
    int64_t limit = GC_SIM_JOURNAL_TAIL;
    if (query && gc_parse_i64(query + 7, 0, GC_SIM_JOURNAL_TAIL, &limit)) {
        gc_sim_exchange_refuse(ex, false, 400, "invalid_request_error",
                               "limit: 0 to 10000");
        return;
    }
    gc_sim_journal_tail(self->journal, (size_t)limit, &ex->body);
}

static void control_faults(gc_sim_engine *self, const gc_sim_http *request,
                           gc_sim_exchange *ex)
{
    gc_errinfo info = { .text = "the body is no rule and no {\"rules\": [...]}" };
    gc_err err = GC_OK;
    if (strcmp(request->method, "DELETE") == 0) {
        gc_sim_faults_clear(self->faults);
    } else if (strcmp(request->method, "POST") == 0) {
        json_t *body = json_loadb(request->body.ptr, request->body.len, 0, NULL);
        json_t *rules = json_object_get(body, "rules");
        size_t i;
        json_t *rule;
        if (json_is_true(json_object_get(body, "replace")))
            gc_sim_faults_clear(self->faults);
        if (rules)
            json_array_foreach(rules, i, rule) err =
                err ? err : gc_sim_faults_add_json(self->faults, rule, &info);
        else
            err = json_is_object(body) ? gc_sim_faults_add_json(self->faults, body, &info)
                                       : GC_EINVAL;
        json_decref(body);
    }
    if (err)
        gc_sim_exchange_refuse(ex, false, 400, "invalid_request_error", info.text);
    else
        put_json(ex, json_pack("{s:o}", "rules", gc_sim_faults_list(self->faults)));
}

static const struct {
    const char *path; /* up to a question mark */
    const char *methods;
    void (*answer)(gc_sim_engine *self, const gc_sim_http *request, gc_sim_exchange *ex);
} controls[] = {
    { "/_sim/stats", "GET", control_stats },
    { "/_sim/journal", "GET", control_journal },
    { "/_sim/faults", "GET POST DELETE", control_faults },
};

bool gc_sim_engine_info(gc_sim_engine *self, const gc_sim_http *request,
                        gc_sim_exchange *ex)
{
    const char *target = request->target;
    bool get = strcmp(request->method, "GET") == 0;
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
        if (!gc_sim_is_path(target, controls[i].path))
            continue;
        if (strstr(controls[i].methods, request->method))
            controls[i].answer(self, request, ex);
        else
            gc_sim_exchange_refuse(ex, false, 405, "invalid_request_error",
                                   "method not allowed");
        return true;
    }
    if (get && gc_sim_is_path(target, "/v1/models"))
        begin_models(self, request, ex, "");
    else if (get && gc_starts_with(target, "/v1/models/"))
        begin_models(self, request, ex, target + strlen("/v1/models/"));
    else
        return false;
    return true;
}
