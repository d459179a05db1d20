#include "worker/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

#define MAX_ERROR_BODY ((size_t)64 << 10) /* of it, the start says it all */
#define MAX_TOKENS ((json_int_t)1000000000)

#define PROVIDERS 2
static const gc_provider *const providers[PROVIDERS] = { &gc_provider_anthropic,
                                                         &gc_provider_openai };

const gc_provider *gc_provider_find(const char *name)
{
    for (size_t i = 0; i < PROVIDERS; i++)
        if (strcmp(providers[i]->name, name) == 0)
            return providers[i];
    return NULL;
}

/* ---- reading JSON that somebody else wrote ---- */

void gc_llm_count(const json_t *object, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value) && json_integer_value(value) >= 0 &&
        json_integer_value(value) <= MAX_TOKENS)
        *out = json_integer_value(value);
}

void gc_llm_copy(char *out, size_t size, const json_t *string)
{
    const char *text = json_is_string(string) ? json_string_value(string) : "";
    size_t len = strlen(text);
    if (len >= size) {
        len = size - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--;
    }
    memcpy(out, text, len);
    out[len] = '\0';
}

const gc_llm_words *gc_llm_said(const gc_llm *self)
{
    static const gc_llm_words none;
    return self->words ? self->words : &none;
}

gc_llm_words *gc_llm_words_of(gc_llm *self)
{
    if (!self->words)
        self->words = gc_xcalloc(1, sizeof *self->words);
    return self->words;
}

void gc_llm_error(gc_llm *self, const json_t *error)
{
    gc_llm_words *words = gc_llm_words_of(self);
    self->has_error = true;
    if (json_is_string(error)) {
        gc_llm_copy(words->message, sizeof words->message, error);
        return;
    }
    const json_t *code = json_object_get(json_object_get(error, "details"), "error_code");
    if (!code)
        code = json_object_get(error, "code");
    gc_llm_copy(words->error_type, sizeof words->error_type,
                json_object_get(error, "type"));
    gc_llm_copy(words->error_code, sizeof words->error_code, code);
    gc_llm_copy(words->message, sizeof words->message, json_object_get(error, "message"));
}

void gc_llm_stop(gc_llm *self, gc_stop stop, const char *reason)
{
    self->stop = stop;
    snprintf(self->stop_reason, sizeof self->stop_reason, "%s", reason);
}

void gc_llm_text(gc_llm *self, const char *mem, size_t len)
{
    if (len == 0)
        return;
    self->text_bytes += len;
    self->on_text(self->arg, mem, len);
}

/* ---- the answer ---- */

static void on_event(void *arg, const char *name, const char *data, size_t len)
{
    (void)name; /* the data says its type itself; chat completions name no events */
    gc_llm *self = arg;
    if (strcmp(data, "[DONE]") == 0) {
        self->ended = true;
        return;
    }
    json_t *root = json_loadb(data, len, JSON_ALLOW_NUL, NULL);
    if (json_is_object(root))
        self->provider->event(self, root);
    else
        self->garbled = true;
    json_decref(root);
}

void gc_llm_init(gc_llm *self, const gc_provider *provider,
                 void (*on_text)(void *arg, const char *mem, size_t len), void *arg)
{
    *self = (gc_llm){ .provider = provider, .on_text = on_text, .arg = arg };
    gc_sse_init(&self->sse, on_event, self);
    gc_buf_init(&self->body, MAX_ERROR_BODY);
}

void gc_llm_release(gc_llm *self)
{
    gc_sse_release(&self->sse);
    gc_buf_release(&self->body);
    free(self->words);
    self->words = NULL;
}

static bool good_status(const gc_llm *self)
{
    return self->status >= 200 && self->status <= 299;
}

void gc_llm_head(gc_llm *self, int status, const char *content_type)
{
    self->status = status;
    self->is_page = good_status(self) && gc_starts_with(content_type, "text/html");
    self->has_error = !good_status(self) || self->is_page;
    self->is_stream = !self->has_error && !strstr(content_type, "json");
    self->body.limit = self->has_error ? MAX_ERROR_BODY : GC_LLM_MAX_JSON;
}

void gc_llm_feed(gc_llm *self, const char *mem, size_t len)
{
    if (self->garbled && self->is_stream)
        return; /* past a broken event nothing is what it seems */
    if (self->is_stream) {
        if (gc_sse_feed(&self->sse, mem, len))
            self->garbled = true;
        return;
    }
    size_t room = self->body.limit - self->body.len;
    gc_buf_append(&self->body, mem, len < room ? len : room);
    if (len > room && !self->has_error)
        self->garbled = true;
}

/* How a page starts is enough to tell a login page from a proxy's excuse. */
static void tell_page(gc_llm *self)
{
    char start[120];
    gc_llm_words *words = gc_llm_words_of(self);
    gc_one_line(start, sizeof start, self->body.ptr);
    snprintf(words->message, sizeof words->message,
             "a web page came instead of an answer; check the base URL and what stands "
             "between (proxy, login): %s",
             start);
}

void gc_llm_finish(gc_llm *self)
{
    if (self->is_stream || self->status == 0)
        return;
    if (self->is_page) {
        tell_page(self);
        return;
    }
    json_t *root = json_loadb(self->body.ptr, self->body.len, JSON_ALLOW_NUL, NULL);
    const json_t *error = json_object_get(root, "error");
    if (json_is_object(error) || json_is_string(error))
        gc_llm_error(self, error);
    else if (good_status(self) && json_is_object(root))
        self->provider->message(self, root);
    else if (good_status(self))
        self->garbled = true;
    gc_llm_words *words = self->has_error ? gc_llm_words_of(self) : NULL;
    if (words && !*words->message)
        snprintf(words->message, sizeof words->message, "HTTP status %d", self->status);
    json_decref(root);
}

bool gc_llm_ok(const gc_llm *self)
{
    return good_status(self) && self->ended && !self->has_error && !self->garbled;
}
