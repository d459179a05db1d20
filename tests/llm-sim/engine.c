#include "tests/llm-sim/engine.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/text.h"
#include "tests/llm-sim/journal.h"
#include "tests/llm-sim/limits.h"

#define BODY_MAX ((size_t)256 << 20)
#define OPENAI_READ_STEP 128

typedef struct totals {
    int64_t requests;
    int64_t active;
    int64_t peak_active;
    int64_t completed;
    int64_t refused; /* status 4xx and 5xx */
    int64_t faults;
    int64_t input;
    int64_t cache_read;
    int64_t cache_write_5m;
    int64_t cache_write_1h;
    int64_t output;
    int64_t bytes;
} totals;

struct gc_sim_engine {
    const gc_sim_settings *settings;
    gc_sim_cache *cache;
    gc_sim_limits *limits;
    gc_sim_faults *faults;
    gc_sim_journal *journal;
    totals totals;
    uint64_t random; /* state of the latency generator */
};

gc_err gc_sim_engine_new(const gc_sim_settings *settings, gc_sim_engine **out,
                         gc_errinfo *info)
{
    gc_sim_engine *self = gc_xcalloc(1, sizeof *self);
    self->settings = settings;
    self->random = settings->seed;
    self->cache = gc_sim_cache_new(settings->cache_ttl_scale);
    self->limits = gc_sim_limits_new(settings->rpm, settings->itpm, settings->otpm);
    self->faults = gc_sim_faults_new(settings->seed);
    gc_err err = gc_sim_journal_open(settings->journal, &self->journal, info);
    for (size_t i = 0; !err && i < settings->faults.count; i++)
        err = gc_sim_faults_add_text(self->faults, settings->faults.items[i], info);
    if (err)
        gc_sim_engine_destroy(&self);
    else
        *out = self;
    return err;
}

void gc_sim_engine_destroy(gc_sim_engine **self_p)
{
    gc_sim_engine *self = *self_p;
    if (!self)
        return;
    gc_sim_cache_destroy(&self->cache);
    gc_sim_limits_destroy(&self->limits);
    gc_sim_faults_destroy(&self->faults);
    gc_sim_journal_close(&self->journal);
    free(self);
    *self_p = NULL;
}

/* Uniform in (0, 1]; splitmix64. */
static double draw(gc_sim_engine *self)
{
    uint64_t x = self->random += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    x ^= x >> 31;
    return ((double)(x >> 11) + 1.0) / 9007199254740992.0;
}

static double first_event_ms(gc_sim_engine *self)
{
    const gc_sim_settings *s = self->settings;
    if (s->latency_sigma <= 0)
        return s->ttft_ms;
    double normal = sqrt(-2.0 * log(draw(self))) * cos(2.0 * M_PI * draw(self));
    return s->ttft_ms * exp(s->latency_sigma * normal);
}

static double tokens_ms(const gc_sim_engine *self, int64_t tokens)
{
    double rate = self->settings->tokens_per_second;
    return rate > 0 ? (double)tokens * 1000.0 / rate : 0;
}

static gc_sim_exchange *exchange_new(int64_t now_ms, int64_t wall_ms)
{
    gc_sim_exchange *ex = gc_xcalloc(1, sizeof *ex);
    gc_buf_init(&ex->headers, 64 << 10);
    gc_buf_init(&ex->body, BODY_MAX);
    ex->status = 200;
    ex->content_type = "application/json";
    ex->strike_at = SIZE_MAX;
    ex->started_ms = now_ms;
    ex->started_wall_ms = wall_ms;
    char random[21];
    gc_random_id(random, 20);
    snprintf(ex->request_id, sizeof ex->request_id, "req_%s", random);
    gc_buf_printf(&ex->headers, "request-id: %s\r\n", ex->request_id);
    return ex;
}

/* Control requests are not counted: they look, they do not take part. */
static void count_in(gc_sim_engine *self, gc_sim_exchange *ex)
{
    ex->counted = true;
    self->totals.requests++;
    if (++self->totals.active > self->totals.peak_active)
        self->totals.peak_active = self->totals.active;
}

static void put_error(gc_sim_exchange *ex, bool openai, const gc_sim_reject *reject,
                      json_t *details)
{
    json_t *error =
        json_pack("{s:s, s:s}", "type", reject->type, "message", reject->message);
    json_t *body;
    if (openai) {
        json_object_set_new(error, "param", json_null());
        json_object_set_new(error, "code",
                            reject->code ? json_string(reject->code) : json_null());
        body = json_pack("{s:o}", "error", error);
    } else {
        if (details)
            json_object_set(error, "details", details);
        body = json_pack("{s:s, s:o, s:s}", "type", "error", "error", error, "request_id",
                         ex->request_id);
    }
    char *text = json_dumps(body, JSON_COMPACT);
    gc_buf_reset(&ex->body);
    gc_buf_puts(&ex->body, text ? text : "{}");
    free(text);
    json_decref(body);
    json_decref(details);
    ex->status = reject->status;
    ex->stream = false;
    snprintf(ex->error_type, sizeof ex->error_type, "%s", reject->type);
}

static void refuse(gc_sim_exchange *ex, bool openai, int status, const char *type,
                   const char *message)
{
    gc_sim_reject reject;
    gc_sim_refuse(&reject, status, type, "%s", message);
    put_error(ex, openai, &reject, NULL);
}

gc_sim_exchange *gc_sim_engine_bad(gc_sim_engine *self, gc_err why, bool body_too_big,
                                   int64_t now_ms, int64_t wall_ms)
{
    gc_sim_exchange *ex = exchange_new(now_ms, wall_ms);
    count_in(self, ex);
    if (why == GC_ETOOBIG && body_too_big) { /* answered in front of the API: no JSON */
        ex->status = 413;
        ex->content_type = "text/html";
        ex->endpoint = "messages";
        snprintf(ex->error_type, sizeof ex->error_type, "request_too_large");
        gc_buf_puts(&ex->body,
                    "<html><head><title>413 Request Entity Too Large</title>"
                    "</head><body>413 Request Entity Too Large</body></html>\n");
    } else if (why == GC_ETOOBIG) {
        refuse(ex, false, 431, "invalid_request_error", "request headers are too large");
    } else {
        refuse(ex, false, 400, "invalid_request_error", "malformed HTTP request");
    }
    return ex;
}

/* ---- what decides a call ---- */

/* The key's id into `out`; false: no usable key. */
static bool read_key(const gc_sim_http *request, gc_sim_call *call, gc_sim_exchange *ex,
                     bool openai)
{
    const char *key = openai ? NULL : gc_sim_http_header(request, "x-api-key");
    const char *bearer = gc_sim_http_header(request, "authorization");
    if (!key && bearer && strncasecmp(bearer, "Bearer ", 7) == 0)
        key = bearer + 7;
    if (!key) {
        refuse(ex, openai, 401, openai ? "invalid_request_error" : "authentication_error",
               openai ? "You didn't provide an API key."
                      : "x-api-key header is required");
        return false;
    }
    key += strspn(key, " \t");
    if (!*key) {
        refuse(ex, openai, 401, openai ? "invalid_request_error" : "authentication_error",
               openai ? "Incorrect API key provided." : "invalid x-api-key");
        return false;
    }
    snprintf(call->key_id, sizeof call->key_id, "%.*s", GC_SIM_KEY_ID_LEN,
             gc_sha256(key, strlen(key)).hex);
    return true;
}

static bool parse_call(gc_sim_engine *self, const gc_sim_http *request,
                       gc_sim_exchange *ex, bool openai)
{
    json_error_t json_error;
    gc_sim_reject reject = { 0 };
    json_t *body = json_loadb(request->body.ptr, request->body.len,
                              JSON_REJECT_DUPLICATES, &json_error);
    bool ok;
    if (!body)
        ok = gc_sim_invalid(&reject,
                            "The request body is not valid JSON: %s: line %d "
                            "column %d",
                            json_error.text, json_error.line, json_error.column);
    else if (openai)
        ok = gc_sim_openai_parse(body, &self->settings->extra_models, &ex->call, &reject);
    else
        ok = gc_sim_anthropic_parse(body, &self->settings->extra_models, &ex->call,
                                    &reject);
    json_decref(body);
    if (!ok)
        put_error(ex, openai, &reject, NULL);
    return ok;
}

static const gc_sim_fault *pick_fault(gc_sim_engine *self, const gc_sim_exchange *ex)
{
    const gc_sim_wanted *wanted = &ex->call.wanted;
    const char **paths = gc_xcalloc(wanted->count, sizeof *paths);
    for (size_t i = 0; i < wanted->count; i++)
        paths[i] = wanted->files[i].path;
    gc_sim_fault_query query = { .fingerprint = ex->call.prompt.chain.hex,
                                 .model = ex->call.model_id,
                                 .paths = paths,
                                 .path_count = wanted->count };
    const gc_sim_fault *fault = gc_sim_faults_pick(self->faults, &query);
    free(paths);
    return fault;
}

/* Faults that answer with a status; true if this is one. */
static bool status_fault(gc_sim_exchange *ex, const gc_sim_fault *fault)
{
    bool openai = ex->call.openai;
    gc_sim_reject reject = { 0 };
    json_t *details = NULL;
    switch (fault->kind) {
    case GC_SIM_FAULT_429:
        gc_sim_refuse(&reject, 429, "rate_limit_error",
                      "This request would exceed your organization's rate limit.");
        gc_buf_printf(&ex->headers, "retry-after: %" PRId64 "\r\n",
                      (fault->retry_ms + 999) / 1000);
        break;
    case GC_SIM_FAULT_SPEND:
        gc_sim_refuse(&reject, 429, "rate_limit_error",
                      "You have reached your monthly spend limit.");
        reject.code = "insufficient_quota";
        details = json_pack("{s:s}", "error_code", "enforced_spend_limit_reached");
        break;
    case GC_SIM_FAULT_529:
        gc_sim_refuse(&reject, openai ? 503 : 529, "overloaded_error", "Overloaded");
        break;
    case GC_SIM_FAULT_500:
        gc_sim_refuse(&reject, 500, "api_error", "Internal server error");
        break;
    default: return false;
    }
    put_error(ex, openai, &reject, details);
    return true;
}

static void read_cache(gc_sim_engine *self, gc_sim_exchange *ex)
{
    const gc_sim_call *call = &ex->call;
    gc_sim_cache_use *use = &ex->reply.use;
    if (call->model->cache_min_tokens == 0) {
        use->input = call->prompt.tokens;
        return;
    }
    gc_sim_cache_lookup(self->cache, &call->prompt, call->model->cache_min_tokens,
                        call->look_back, ex->started_ms, use);
    if (call->free_writes) {
        int64_t odd = use->read % OPENAI_READ_STEP;
        use->read -= odd;
        use->input += odd + use->write_5m + use->write_1h;
        use->write_5m = use->write_1h = 0;
    }
}

/* True if the limits let the call through; else it is answered with 429. */
static bool admit(gc_sim_engine *self, gc_sim_exchange *ex)
{
    const gc_sim_call *call = &ex->call;
    const gc_sim_cache_use *use = &ex->reply.use;
    gc_sim_limit_set *set =
        gc_sim_limits_require(self->limits, call->key_id, call->model_id, ex->started_ms);
    int64_t counted = use->input + use->write_5m + use->write_1h;
    if (call->openai) /* cached tokens count there */
        counted += use->read;
    const char *what;
    int64_t wait = gc_sim_limits_take(set, counted, ex->started_ms, &what);
    gc_sim_limits_headers(set, call->openai, ex->started_ms, ex->started_wall_ms,
                          &ex->headers);
    if (wait == 0)
        return true;
    gc_sim_reject reject;
    gc_sim_refuse(&reject, 429, "rate_limit_error",
                  "This request would exceed your organization's rate limit of %s per "
                  "minute for %.100s.",
                  what, call->model_id);
    reject.code = "rate_limit_exceeded";
    gc_buf_printf(&ex->headers, "retry-after: %" PRId64 "\r\n", (wait + 999) / 1000);
    put_error(ex, call->openai, &reject, NULL);
    return false;
}

static void produced(gc_sim_engine *self, const gc_sim_exchange *ex, int64_t tokens,
                     int64_t now_ms)
{
    if (tokens > 0)
        gc_sim_limits_produced(gc_sim_limits_require(self->limits, ex->call.key_id,
                                                     ex->call.model_id, now_ms),
                               tokens, now_ms);
}

/* Transport faults that need a place in the answer. */
static bool strikes_in_answer(gc_sim_fault_kind kind)
{
    return kind == GC_SIM_FAULT_RESET || kind == GC_SIM_FAULT_TRUNCATE ||
           kind == GC_SIM_FAULT_CUT || kind == GC_SIM_FAULT_STALL ||
           kind == GC_SIM_FAULT_ERROR_EVENT;
}

static void answer(gc_sim_engine *self, gc_sim_exchange *ex, const gc_sim_fault *fault)
{
    gc_sim_reply *reply = &ex->reply;
    char random[21];
    gc_random_id(random, 20);
    snprintf(reply->id, sizeof reply->id, "%s%s", ex->call.openai ? "chatcmpl-" : "msg_",
             random);
    reply->call = &ex->call;
    reply->created_s = ex->started_wall_ms / 1000;
    gc_sim_reply_make(reply, fault);
    ex->has_call = true;
    ex->stream = ex->call.stream;
    if (fault && fault->kind == GC_SIM_FAULT_ERROR_EVENT && !ex->stream) {
        ex->has_call = false; /* without events the same error is a status */
        refuse(ex, ex->call.openai, 529, "overloaded_error", "Overloaded");
        return;
    }
    ex->delay_ms = first_event_ms(self);
    if (fault && strikes_in_answer(fault->kind))
        ex->strike_at = reply->text_len * (size_t)fault->at / 100;
    if (fault && fault->kind == GC_SIM_FAULT_SLOW)
        ex->every_ms = fault->every_ms;
    if (ex->stream) {
        ex->content_type = "text/event-stream; charset=utf-8";
        gc_buf_puts(&ex->headers, "cache-control: no-cache\r\n");
        return;
    }
    ex->delay_ms += tokens_ms(self, gc_sim_reply_total(reply));
    gc_sim_reply_whole(reply, &ex->body);
    produced(self, ex, gc_sim_reply_total(reply), ex->started_ms);
}

static void begin_call(gc_sim_engine *self, const gc_sim_http *request,
                       gc_sim_exchange *ex, bool openai)
{
    ex->endpoint = openai ? "chat" : "messages";
    const char *version = gc_sim_http_header(request, "anthropic-version");
    if (!read_key(request, &ex->call, ex, openai))
        return;
    if (!openai && (!version || strcmp(version, "2023-06-01") != 0)) {
        refuse(ex, false, 400, "invalid_request_error",
               version ? "anthropic-version: unknown version"
                       : "anthropic-version: header is required");
        return;
    }
    if (!parse_call(self, request, ex, openai))
        return;
    const gc_sim_fault *fault = pick_fault(self, ex);
    if (fault) {
        ex->fault = fault->kind;
        self->totals.faults++;
        if (status_fault(ex, fault))
            return;
    }
    read_cache(self, ex);
    if (admit(self, ex))
        answer(self, ex, fault);
}

static void begin_count(gc_sim_engine *self, const gc_sim_http *request,
                        gc_sim_exchange *ex)
{
    ex->endpoint = "count_tokens";
    ex->call.count_only = true;
    if (!read_key(request, &ex->call, ex, false))
        return;
    if (!gc_sim_http_header(request, "anthropic-version")) {
        refuse(ex, false, 400, "invalid_request_error",
               "anthropic-version: header is required");
        return;
    }
    if (parse_call(self, request, ex, false))
        gc_buf_printf(&ex->body, "{\"input_tokens\":%" PRId64 "}",
                      ex->call.prompt.tokens);
}

/* ---- models ---- */

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
    if (!read_key(request, &ex->call, ex, openai))
        return;
    if (*id) {
        const gc_sim_model *model = gc_sim_call_model(id, openai, extra);
        if (model)
            put_json(ex, model_entry(id, model));
        else
            refuse(ex, openai, 404, openai ? "invalid_request_error" : "not_found_error",
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

/* ---- control ---- */

static void control_stats(gc_sim_engine *self, const gc_sim_http *request,
                          gc_sim_exchange *ex)
{
    (void)request;
    const totals *t = &self->totals;
    put_json(
        ex,
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                  "requests", (json_int_t)t->requests, "active", (json_int_t)t->active,
                  "peak_active", (json_int_t)t->peak_active, "completed",
                  (json_int_t)t->completed, "refused", (json_int_t)t->refused, "faults",
                  (json_int_t)t->faults, "input_tokens", (json_int_t)t->input,
                  "cache_read_tokens", (json_int_t)t->cache_read, "cache_write_5m_tokens",
                  (json_int_t)t->cache_write_5m, "cache_write_1h_tokens",
                  (json_int_t)t->cache_write_1h, "output_tokens", (json_int_t)t->output,
                  "bytes", (json_int_t)t->bytes, "cache_entries",
                  (json_int_t)gc_sim_cache_count(self->cache)));
}

static void control_journal(gc_sim_engine *self, const gc_sim_http *request,
                            gc_sim_exchange *ex)
{
    const char *query = strstr(request->target, "?limit=");
    int64_t limit = GC_SIM_JOURNAL_TAIL;
    if (query && gc_parse_i64(query + 7, 0, GC_SIM_JOURNAL_TAIL, &limit)) {
        refuse(ex, false, 400, "invalid_request_error", "limit: 0 to 10000");
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
        refuse(ex, false, 400, "invalid_request_error", info.text);
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

static bool is_path(const char *target, const char *path)
{
    size_t len = strcspn(target, "?");
    return strlen(path) == len && memcmp(target, path, len) == 0;
}

static void route(gc_sim_engine *self, const gc_sim_http *request, gc_sim_exchange *ex)
{
    const char *target = request->target;
    bool post = strcmp(request->method, "POST") == 0;
    bool get = strcmp(request->method, "GET") == 0;
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
        if (!is_path(target, controls[i].path))
            continue;
        if (strstr(controls[i].methods, request->method))
            controls[i].answer(self, request, ex);
        else
            refuse(ex, false, 405, "invalid_request_error", "method not allowed");
        return;
    }
    if (post && is_path(target, "/v1/messages"))
        begin_call(self, request, ex, false);
    else if (post && is_path(target, "/v1/messages/count_tokens"))
        begin_count(self, request, ex);
    else if (post && is_path(target, "/v1/chat/completions"))
        begin_call(self, request, ex, true);
    else if (get && is_path(target, "/v1/models"))
        begin_models(self, request, ex, "");
    else if (get && gc_starts_with(target, "/v1/models/"))
        begin_models(self, request, ex, target + strlen("/v1/models/"));
    else
        refuse(ex, false, 404, "not_found_error", "Not found");
}

gc_sim_exchange *gc_sim_engine_begin(gc_sim_engine *self, const gc_sim_http *request,
                                     int64_t now_ms, int64_t wall_ms)
{
    gc_sim_exchange *ex = exchange_new(now_ms, wall_ms);
    if (gc_starts_with(request->target, "/v1/"))
        count_in(self, ex);
    route(self, request, ex);
    return ex;
}

/* ---- the answer on its way ---- */

void gc_sim_engine_begun(gc_sim_engine *self, gc_sim_exchange *ex)
{
    if (ex->begun)
        return;
    ex->begun = true;
    if (ex->has_call && ex->status == 200)
        gc_sim_cache_commit(self->cache, &ex->reply.use, ex->started_ms);
}

bool gc_sim_exchange_strikes(const gc_sim_exchange *ex)
{
    if (ex->strike_at == SIZE_MAX)
        return false;
    if (!ex->stream)
        return true;
    return ex->strike_at == 0 || ex->reply.phase >= GC_SIM_PHASE_END ||
           (ex->reply.phase == GC_SIM_PHASE_TEXT && ex->reply.sent >= ex->strike_at);
}

bool gc_sim_exchange_done(const gc_sim_exchange *ex)
{
    return !ex->stream || ex->reply.phase == GC_SIM_PHASE_DONE;
}

double gc_sim_engine_next(gc_sim_engine *self, gc_sim_exchange *ex, gc_buf *out,
                          int64_t now_ms)
{
    int64_t tokens =
        gc_sim_reply_next(&ex->reply, self->settings->event_tokens, ex->strike_at, out);
    produced(self, ex, tokens, now_ms);
    return tokens_ms(self, tokens);
}

void gc_sim_exchange_error_event(const gc_sim_exchange *ex, gc_buf *out)
{
    if (ex->call.openai)
        gc_buf_puts(out, "data: {\"error\":{\"message\":\"The server had an error while "
                         "processing your request.\",\"type\":\"server_error\","
                         "\"param\":null,\"code\":null}}\n\n");
    else
        gc_buf_puts(out, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                         "\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n");
}

/* ---- the ledger ---- */

static json_t *sent_files(const gc_sim_reply *reply)
{
    json_t *files = json_array();
    for (size_t i = 0; i < reply->answer.file_count; i++) {
        const gc_sim_answer_file *file = &reply->answer.files[i];
        if (file->end <= reply->sent)
            json_array_append_new(files, json_pack("{s:s, s:s}", "path", file->path,
                                                   "sha256", file->sha.hex));
    }
    return files;
}

/* What a call that was answered adds to the record. */
static void record_call(gc_sim_engine *self, const gc_sim_exchange *ex, bool completed,
                        json_t *record)
{
    const gc_sim_reply *reply = &ex->reply;
    const gc_sim_cache_use *use = &reply->use;
    int64_t output = gc_sim_reply_output(reply);
    json_t *usage = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I}", "input", (json_int_t)use->input,
        "cache_write_5m", (json_int_t)use->write_5m, "cache_write_1h",
        (json_int_t)use->write_1h, "cache_read", (json_int_t)use->read, "output",
        (json_int_t)output, "thinking", (json_int_t)reply->thinking_tokens);
    json_object_set_new(record, "usage", usage);
    json_object_set_new(record, "files", sent_files(reply));
    json_object_set_new(record, "stop_reason",
                        completed ? json_string(reply->stop_reason) : json_null());
    self->totals.input += use->input;
    self->totals.cache_read += use->read;
    self->totals.cache_write_5m += use->write_5m;
    self->totals.cache_write_1h += use->write_1h;
    self->totals.output += output;
}

static json_t *wanted_paths(const gc_sim_exchange *ex)
{
    json_t *wanted = json_array();
    for (size_t i = 0; i < ex->call.wanted.count; i++)
        json_array_append_new(wanted, json_string(ex->call.wanted.files[i].path));
    return wanted;
}

static void record(gc_sim_engine *self, const gc_sim_exchange *ex, bool completed,
                   int64_t now_ms)
{
    int64_t ended_wall = ex->started_wall_ms + (now_ms - ex->started_ms);
    char time[GC_RFC3339_SIZE];
    gc_rfc3339(ended_wall, time);
    const char *model = ex->call.model_id ? ex->call.model_id : "";
    json_t *line = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:s, s:i, s:b, s:I, s:I, s:I}", "time", time,
        "request_id", ex->request_id, "endpoint", ex->endpoint, "key", ex->call.key_id,
        "model", model, "stream", ex->call.stream, "wanted", wanted_paths(ex),
        "fingerprint", ex->call.prompt.chain.hex, "status", ex->status, "completed",
        completed, "bytes", (json_int_t)ex->bytes, "started_ms",
        (json_int_t)ex->started_wall_ms, "ended_ms", (json_int_t)ended_wall);
    if (!line)
        return;
    json_object_set_new(line, "fault",
                        ex->fault ? json_string(gc_sim_fault_name(ex->fault))
                                  : json_null());
    json_object_set_new(line, "error",
                        *ex->error_type ? json_string(ex->error_type) : json_null());
    if (ex->has_call)
        record_call(self, ex, completed, line);
    gc_sim_journal_add(self->journal, line);
}

void gc_sim_engine_end(gc_sim_engine *self, gc_sim_exchange **exchange_p, bool completed,
                       int64_t now_ms)
{
    gc_sim_exchange *ex = *exchange_p;
    if (!ex)
        return;
    if (ex->counted) {
        self->totals.active--;
        self->totals.completed += completed;
        self->totals.refused += ex->status >= 400;
        self->totals.bytes += ex->bytes;
    }
    if (ex->endpoint)
        record(self, ex, completed, now_ms);
    gc_sim_reply_release(&ex->reply);
    gc_sim_call_release(&ex->call);
    gc_buf_release(&ex->headers);
    gc_buf_release(&ex->body);
    free(ex);
    *exchange_p = NULL;
}
