#include "worker/provider.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

#define MAX_ERROR_BODY ((size_t)64 << 10) /* of it, the start says it all */
#define MAX_START ((size_t)256)           /* of what may turn out to be no answer */
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

static bool is_hex(const char *text, size_t count, char first, const char *second)
{
    size_t n = 0;
    while (n < count && isxdigit((unsigned char)text[n]))
        n++;
    return n == count && tolower((unsigned char)text[0]) == first &&
           strchr(second, tolower((unsigned char)text[1]));
}

/* Halves of surrogate pairs that stand alone become U+FFFD. */
static void mend_escapes(char *text)
{
    while ((text = strchr(text, '\\')) && text[1]) {
        char *digits = text + 2;
        bool unicode = text[1] == 'u';
        text += 2;
        if (!unicode)
            continue;
        bool high = is_hex(digits, 4, 'd', "89ab");
        bool pair = high && digits[4] == '\\' && digits[5] == 'u' &&
                    is_hex(digits + 6, 4, 'd', "cdef");
        if (pair)
            text = digits + 10;
        else if (high || is_hex(digits, 4, 'd', "cdef"))
            memcpy(digits, "fffd", 4);
    }
}

json_t *gc_llm_json(const char *mem, size_t len)
{
    json_t *root = json_loadb(mem, len, JSON_ALLOW_NUL, NULL);
    if (root || len == 0)
        return root;
    char *text = gc_utf8_clean(mem, len);
    mend_escapes(text);
    root = json_loads(text, JSON_ALLOW_NUL, NULL);
    free(text);
    return root;
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
    if (json_is_integer(code))
        snprintf(words->error_code, sizeof words->error_code, "%lld",
                 (long long)json_integer_value(code));
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
    gc_llm *self = arg;
    if (self->garbled)
        return; /* as if it had come with the next bytes */
    while (len > 0 && strchr(" \t\n", data[len - 1]))
        len--;
    if (len == 0)
        return; /* only to keep the connection */
    if (len == strlen("[DONE]") && memcmp(data, "[DONE]", len) == 0) {
        self->ended = true;
        return;
    }
    /* the data says its type itself; chat completions name no events */
    json_t *root = gc_llm_json(data, len);
    if (json_is_object(root)) {
        self->provider->event(self, root);
    } else if (strcmp(name, "error") == 0) {
        json_t *text = json_stringn(data, len);
        gc_llm_error(self, text);
        json_decref(text);
    } else {
        self->garbled = true;
    }
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
    bool json = strstr(content_type, "json");
    self->status = status;
    self->is_alien = strstr(content_type, "html") != NULL;
    self->has_error = !good_status(self) || self->is_alien;
    self->is_stream = !self->has_error && !json;
    self->body.limit = self->has_error   ? MAX_ERROR_BODY
                       : self->is_stream ? MAX_START
                                         : GC_LLM_MAX_JSON;
    if (*content_type && !json && !strstr(content_type, "event-stream"))
        snprintf(gc_llm_words_of(self)->content_type, sizeof self->words->content_type,
                 "%s", content_type);
}

static void collect(gc_llm *self, const char *mem, size_t len)
{
    size_t room = self->body.limit - self->body.len;
    gc_buf_append(&self->body, mem, len < room ? len : room);
    if (len > room && !self->has_error && !self->is_stream)
        self->garbled = true;
}

void gc_llm_feed(gc_llm *self, const char *mem, size_t len)
{
    if (!self->is_stream || !self->started)
        collect(self, mem, len);
    if (!self->is_stream || self->garbled)
        return; /* past a broken event nothing is what it seems */
    if (gc_sse_feed(&self->sse, mem, len))
        self->garbled = true;
    if (self->started)
        gc_buf_release(&self->body);
}

/* What came instead of an answer: how it starts is enough to tell a login page from a proxy's
 * excuse. */
static void tell_start(gc_llm *self)
{
    char start[120];
    gc_llm_words *words = gc_llm_words_of(self);
    gc_one_line(start, sizeof start, self->body.ptr);
    snprintf(words->message, sizeof words->message, "HTTP status %d%s%s%s%s%s",
             self->status, *words->content_type ? ", " : "", words->content_type,
             *start ? ", \"" : "", start, *start ? "\"" : "");
}

/* `root` is no error object: so it is not the API that speaks, or in a hurry. */
static void judge_body(gc_llm *self, const json_t *root)
{
    const char *at = self->body.ptr;
    int status = self->status;
    at += strncmp(at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    at += strspn(at, " \t\r\n");
    bool moved = status >= 300 && status <= 399;
    if (*at == '<' || moved || status == 404 || status == 405)
        self->is_alien = true;
    if (self->is_alien)
        self->has_error = true;
    else if (good_status(self) && !self->is_stream && !self->is_broken &&
             !json_is_object(root))
        self->garbled = true;
}

void gc_llm_finish(gc_llm *self)
{
    bool whole = !self->is_stream && self->status != 0;
    if (self->started || self->status == 0 || (self->has_error && self->is_stream))
        return;
    json_t *root = whole ? gc_llm_json(self->body.ptr, self->body.len) : NULL;
    const json_t *error = json_object_get(root, "error");
    if (json_is_object(error) || json_is_string(error))
        gc_llm_error(self, error);
    else if (whole && good_status(self) && !self->is_alien && json_is_object(root))
        self->provider->message(self, root);
    else if (whole || self->body.len > 0)
        judge_body(self, root);
    json_decref(root);
    if ((self->has_error || !self->started) && !*gc_llm_said(self)->message)
        tell_start(self);
}

bool gc_llm_ok(const gc_llm *self)
{
    return good_status(self) && self->started && self->ended && !self->has_error &&
           !self->garbled;
}
