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
#include "tests/llm-sim/engine_parts.h"

#define BODY_MAX ((size_t)256 << 20)
#define OPENAI_READ_STEP 128

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

void gc_sim_exchange_refuse(gc_sim_exchange *ex, bool openai, int status,
                            const char *type, const char *message)
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
        gc_sim_exchange_refuse(ex, false, 431, "invalid_request_error",
                               "request headers are too large");
    } else {
        gc_sim_exchange_refuse(ex, false, 400, "invalid_request_error",
                               "malformed HTTP request");
    }
    return ex;
}

bool gc_sim_exchange_read_key(gc_sim_exchange *ex, const gc_sim_http *request,
                              bool openai)
{
    gc_sim_call *call = &ex->call;
    const char *key = openai ? NULL : gc_sim_http_header(request, "x-api-key");
    const char *bearer = gc_sim_http_header(request, "authorization");
    if (!key && bearer && strncasecmp(bearer, "Bearer ", 7) == 0)
        key = bearer + 7;
    if (!key) {
        gc_sim_exchange_refuse(
            ex, openai, 401, openai ? "invalid_request_error" : "authentication_error",
            openai ? "You didn't provide an API key." : "x-api-key header is required");
        return false;
    }
    key += strspn(key, " \t");
    if (!*key) {
        gc_sim_exchange_refuse(
            ex, openai, 401, openai ? "invalid_request_error" : "authentication_error",
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
        gc_sim_exchange_refuse(ex, ex->call.openai, 529, "overloaded_error",
                               "Overloaded");
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
    if (!gc_sim_exchange_read_key(ex, request, openai))
        return;
    if (!openai && (!version || strcmp(version, "2023-06-01") != 0)) {
        gc_sim_exchange_refuse(ex, false, 400, "invalid_request_error",
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
    if (!gc_sim_exchange_read_key(ex, request, false))
        return;
    if (!gc_sim_http_header(request, "anthropic-version")) {
        gc_sim_exchange_refuse(ex, false, 400, "invalid_request_error",
                               "anthropic-version: header is required");
        return;
    }
    if (parse_call(self, request, ex, false))
        gc_buf_printf(&ex->body, "{\"input_tokens\":%" PRId64 "}",
                      ex->call.prompt.tokens);
}

bool gc_sim_is_path(const char *target, const char *path)
{
    size_t len = strcspn(target, "?");
    return strlen(path) == len && memcmp(target, path, len) == 0;
}

static void route(gc_sim_engine *self, const gc_sim_http *request, gc_sim_exchange *ex)
{
    const char *target = request->target;
    bool post = strcmp(request->method, "POST") == 0;
    if (post && gc_sim_is_path(target, "/v1/messages"))
        begin_call(self, request, ex, false);
    else if (post && gc_sim_is_path(target, "/v1/messages/count_tokens"))
        begin_count(self, request, ex);
    else if (post && gc_sim_is_path(target, "/v1/chat/completions"))
        begin_call(self, request, ex, true);
    else if (!gc_sim_engine_info(self, request, ex))
        gc_sim_exchange_refuse(ex, false, 404, "not_found_error", "Not found");
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
    self->totals.events++;
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
        gc_sim_engine_record(self, ex, completed, now_ms);
    gc_sim_reply_release(&ex->reply);
    gc_sim_call_release(&ex->call);
    gc_buf_release(&ex->headers);
    gc_buf_release(&ex->body);
    free(ex);
    *exchange_p = NULL;
}
