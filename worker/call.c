#include "worker/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

struct gc_call {
    gc_call_conf conf;
    const gc_task *task;
    gc_llm llm;
    gc_http_call *http;
    gc_retry_hint hint;
    char *request_id; /* NULL: the answer had no head yet */
    int64_t started_ms;
    int64_t first_byte_ms; /* 0: none yet */
    bool told_start;
};

static void call_free(gc_call *self)
{
    gc_llm_release(&self->llm);
    free(self->request_id);
    free(self);
}

static int64_t guess_tokens(const gc_task *task, uint64_t bytes)
{
    double per_token =
        task->model.bytes_per_token > 0 ? task->model.bytes_per_token : 3.0;
    return (int64_t)((double)bytes / per_token);
}

/* The provider's figures; where it gave none (the call died, or the server does not count),
 * what we count ourselves: the output that came through, and the prompt. */
static gc_usage guess_usage(const gc_call *self)
{
    gc_usage usage = self->llm.usage;
    int64_t output = guess_tokens(self->task, self->llm.text_bytes);
    if (!self->llm.is_counted && usage.output < output)
        usage.output = output;
    if (gc_usage_prompt(&usage) == 0)
        usage.input = guess_tokens(self->task, (uint64_t)self->task->prompt_bytes);
    return usage;
}

static void fill_end(gc_call *self, bool sent, gc_call_end *out)
{
    int64_t now_ms = gc_clock_ms();
    const gc_llm *llm = &self->llm;
    bool refused =
        llm->is_alien || (llm->status != 0 && (llm->status < 200 || llm->status > 299));
    *out = (gc_call_end){
        .fault = gc_fault_of(llm, &self->hint),
        .hint = self->hint,
        .sent = sent,
        .started = llm->started,
        .stop = llm->stop,
        .text_bytes = llm->text_bytes,
        .duration_ms = now_ms - self->started_ms,
        .first_byte_ms =
            self->first_byte_ms ? self->first_byte_ms - self->started_ms : -1,
        .stop_reason = "",
        .refusal = "",
        .text = "",
    };
    if (out->fault == GC_FAULT_NONE) {
        out->charge = GC_CHARGE_CONFIRMED;
        out->usage = guess_usage(self);
    } else if (sent && !refused) {
        out->charge = GC_CHARGE_UNKNOWN;
        out->usage = guess_usage(self);
    }
}

/* Credentials in the URL are not shown. */
static const char *public_base(const gc_call *self)
{
    const char *base = gc_llm_base_url(self->conf.config, self->task->provider);
    const char *at = strrchr(base, '@');
    return at ? at + 1 : base;
}

/* What is not the provider's own words may come from elsewhere: then it says from where. */
static void describe_error(const gc_call *self, char *text, size_t size)
{
    const gc_llm_words *said = gc_llm_said(&self->llm);
    const char *message = *said->message ? said->message : "no message";
    if (*said->error_type)
        snprintf(text, size, "%s: %s", said->error_type, message);
    else
        snprintf(text, size, "%s (from %s)", message, public_base(self));
}

/* Nothing of it was what this API says. */
static void describe_stranger(const gc_call *self, char *text, size_t size)
{
    const char *name = self->task->provider;
    snprintf(
        text, size,
        "no LLM API answers at %s (%s); correct llm.%s_base_url (%s), or what stands "
        "between (proxy, login page)",
        public_base(self), gc_llm_said(&self->llm)->message, name,
        strcmp(name, "openai") == 0 ? "OPENAI_BASE_URL" : "ANTHROPIC_BASE_URL");
}

static void describe(const gc_call *self, const gc_http_end *http, gc_fault fault,
                     char *text, size_t size)
{
    const gc_llm *llm = &self->llm;
    if ((fault == GC_FAULT_FINAL && llm->is_alien) ||
        (fault == GC_FAULT_STRANGE && !llm->started))
        describe_stranger(self, text, size);
    else if (llm->has_error)
        describe_error(self, text, size);
    else if (llm->garbled)
        snprintf(text, size, "the answer is garbled");
    else if (http->err)
        snprintf(text, size, "%s", http->text);
    else
        snprintf(text, size, "the answer ended in the middle");
    gc_key_scrub(self->conf.key, text);
}

/* ---- what comes in ---- */

static void on_text(void *arg, const char *mem, size_t len)
{
    gc_call *self = arg;
    self->conf.on_text(self->conf.arg, mem, len);
}

static void on_head(void *arg, const gc_http_head *head)
{
    gc_call *self = arg;
    self->hint = head->hint;
    free(self->request_id);
    self->request_id = gc_xstrdup(head->request_id);
    gc_llm_head(&self->llm, head->status, head->content_type);
    if (head->has_limits)
        self->conf.on_limits(self->conf.arg, &head->limits);
}

static bool on_data(void *arg, const char *mem, size_t len)
{
    gc_call *self = arg;
    if (!self->first_byte_ms)
        self->first_byte_ms = gc_clock_ms();
    gc_llm_feed(&self->llm, mem, len);
    if (self->llm.started && !self->told_start) {
        self->told_start = true;
        self->conf.on_started(self->conf.arg, &self->llm.usage);
    }
    return !(self->llm.garbled && self->llm.is_stream); /* no use to read on */
}

static void on_http_end(void *arg, const gc_http_end *http)
{
    gc_call *self = arg;
    gc_call_end end;
    char text[768] = "";
    self->http = NULL;
    self->llm.is_broken = http->err && http->err != GC_ESTATE;
    gc_llm_finish(&self->llm);
    fill_end(self, http->sent, &end);
    if (end.fault != GC_FAULT_NONE)
        describe(self, http, end.fault, text, sizeof text);
    if (http->err == GC_EINVAL)
        end.fault = GC_FAULT_REQUEST;
    end.stop_reason = self->llm.stop_reason;
    end.refusal = gc_llm_said(&self->llm)->refusal;
    end.text = text;
    gc_log_debug(
        "call.end", "task=%s/%s status=%d fault=%s sent=%d request_id=%s ms=%lld",
        self->task->job, self->task->id, self->llm.status, gc_fault_str(end.fault),
        end.sent, self->request_id ? self->request_id : "", (long long)end.duration_ms);
    self->conf.on_end(self->conf.arg, &end);
    call_free(self);
}

/* ---- start and end ---- */

gc_err gc_call_start(const gc_call_conf *conf, gc_call **out)
{
    const gc_task *task = conf->prompt.task;
    const gc_provider *provider = gc_provider_find(task->provider);
    gc_buf body;
    gc_strv headers = { 0 };
    if (!provider)
        return GC_ENOENT;
    gc_buf_init(&body, GC_LLM_MAX_BODY);
    gc_err err = provider->body(&conf->prompt, &body);
    if (err) {
        gc_buf_release(&body);
        return err;
    }
    gc_call *self = gc_xcalloc(1, sizeof *self);
    self->conf = *conf;
    self->task = task;
    self->hint = (gc_retry_hint){ -1, -1 };
    self->started_ms = gc_clock_ms();
    gc_llm_init(&self->llm, provider, on_text, self);
    self->llm.long_cache = strcmp(task->cache_ttl, "1h") == 0;
    provider->headers(conf->key->secret, &headers);
    char *url = gc_llm_url(gc_llm_base_url(conf->config, task->provider), provider->path);
    gc_http_request request = {
        .url = url,
        .headers = &headers,
        .body_len = body.len,
        .connect_ms = conf->config->llm_connect_timeout_ms,
        .first_byte_ms = task->first_byte_ms,
        .idle_ms = task->idle_ms,
        .call_ms = task->call_ms,
        .on_head = on_head,
        .on_data = on_data,
        .on_end = on_http_end,
        .arg = self,
    };
    request.body = gc_buf_take(&body);
    self->http = gc_http_start(conf->http, &request);
    free(url);
    for (size_t i = 0; i < headers.count; i++)
        explicit_bzero(headers.items[i], strlen(headers.items[i]));
    gc_strv_release(&headers);
    *out = self;
    return GC_OK;
}

void gc_call_abort(gc_call **self_p, gc_call_end *out)
{
    gc_call *self = *self_p;
    *self_p = NULL;
    bool sent = gc_http_cancel(self->http);
    fill_end(self, sent, out);
    out->text = "ended by us";
    call_free(self);
}
