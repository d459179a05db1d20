#include "coordinator/count_tokens.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/llm_request.h"
#include "common/mem.h"

#define MAX_ANSWER ((size_t)64 << 10)
#define MAX_TOKENS ((json_int_t)1000000000)
#define MAX_WAIT_MS 1000

/* ---- one answer ---- */

/* {"type":"error","error":{"type":...,"message":...}} or whatever stands before the API. */
static gc_err refused(long status, const json_t *root, gc_errinfo *info)
{
    const json_t *error = json_object_get(root, "error");
    const char *words = json_string_value(json_object_get(error, "message"));
    return gc_fail(info, GC_EINVAL, "status %ld%s%s", status, words ? ": " : "",
                   words ? words : "");
}

gc_err gc_count_read(long status, const char *mem, size_t len, int64_t *tokens,
                     gc_errinfo *info)
{
    json_t *root = json_loadb(mem, len, 0, NULL);
    const json_t *value = json_object_get(root, "input_tokens");
    json_int_t counted = json_integer_value(value);
    gc_err err = GC_OK;
    if (status != 200)
        err = refused(status, root, info);
    else if (!json_is_integer(value) || counted < 1 || counted > MAX_TOKENS)
        err = gc_fail(info, GC_EPROTO, "the answer holds no number of tokens");
    else
        *tokens = counted;
    json_decref(root);
    return err;
}

/* ---- all of them ---- */

typedef struct transfer {
    CURL *easy;
    gc_count_item *item; /* NULL: idle */
    gc_buf answer;
} transfer;

typedef struct counter {
    const gc_count_conf *conf;
    CURLM *multi;
    char *url;
    struct curl_slist *headers;
    transfer transfers[GC_COUNT_PARALLEL];
    gc_count_item *items;
    size_t count, next, running;
    int64_t end_ms;
} counter;

static size_t on_data(char *mem, size_t one, size_t len, void *arg)
{
    (void)one; /* always 1 */
    return gc_buf_append(arg, mem, len) ? 0 : len;
}

static void set_headers(counter *self)
{
    gc_strv lines = { 0 };
    gc_anthropic_headers(self->conf->key->secret, &lines);
    self->headers = curl_slist_append(NULL, "Content-Type: application/json");
    self->headers = curl_slist_append(self->headers, "Expect:");
    for (size_t i = 0; i < lines.count; i++) {
        self->headers = curl_slist_append(self->headers, lines.items[i]);
        explicit_bzero(lines.items[i], strlen(lines.items[i]));
    }
    gc_strv_release(&lines);
}

/* libcurl's copy of the key goes with the list. */
static void wipe_headers(struct curl_slist *list)
{
    for (struct curl_slist *line = list; line; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(list);
}

static void set_options(const counter *self, transfer *t)
{
    const gc_count_item *item = t->item;
    int64_t left = self->end_ms - gc_clock_ms();
    curl_easy_setopt(t->easy, CURLOPT_URL, self->url);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    if (*self->conf->ca_file)
        curl_easy_setopt(t->easy, CURLOPT_CAINFO, self->conf->ca_file);
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, self->headers);
    curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, item->body);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)item->len);
    curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "gocreator/" GC_VERSION);
    curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)self->conf->connect_ms);
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1));
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, &t->answer);
}

static gc_err start(counter *self, transfer *t, gc_errinfo *info)
{
    t->item = &self->items[self->next++];
    gc_buf_reset(&t->answer);
    set_options(self, t);
    CURLMcode code = curl_multi_add_handle(self->multi, t->easy);
    if (code != CURLM_OK) {
        t->item = NULL;
        return gc_fail(info, GC_EIO, "%s", curl_multi_strerror(code));
    }
    self->running++;
    return GC_OK;
}

/* The first goes alone: who refuses it would refuse them all. */
static gc_err start_all(counter *self, gc_errinfo *info)
{
    gc_err err = GC_OK;
    size_t most = self->next > self->running ? GC_COUNT_PARALLEL : 1;
    for (size_t i = 0; i < most && self->next < self->count && !err; i++)
        if (!self->transfers[i].item)
            err = start(self, &self->transfers[i], info);
    return err;
}

static gc_err outcome(const counter *self, const transfer *t, CURLcode code,
                      gc_errinfo *info)
{
    long status = 0;
    if (code != CURLE_OK)
        return gc_fail(info, code == CURLE_OPERATION_TIMEDOUT ? GC_ETIMEOUT : GC_ECLOSED,
                       "%s: %s", self->conf->base_url, curl_easy_strerror(code));
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return gc_count_read(status, t->answer.ptr, t->answer.len, &t->item->tokens, info);
}

/* Takes what has ended; the first failure. */
static gc_err take_ended(counter *self, gc_errinfo *info)
{
    CURLMsg *message;
    gc_err err = GC_OK;
    int left;
    while ((message = curl_multi_info_read(self->multi, &left)) != NULL) {
        transfer *t = NULL;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
        curl_multi_remove_handle(self->multi, easy);
        gc_err one = outcome(self, t, code, err ? NULL : info);
        err = err ? err : one;
        t->item = NULL;
        self->running--;
    }
    return err;
}

static gc_err wait_for_more(counter *self, gc_errinfo *info)
{
    struct curl_waitfd stop = { .fd = self->conf->stop_fd, .events = CURL_WAIT_POLLIN };
    int ready = 0;
    if (gc_clock_ms() >= self->end_ms)
        return gc_fail(info, GC_ETIMEOUT, "no answer within %d s",
                       GC_COUNT_TOTAL_MS / 1000);
    curl_multi_poll(self->multi, &stop, stop.fd >= 0, MAX_WAIT_MS, &ready);
    if (stop.revents)
        return gc_fail(info, GC_ESTATE, "stopped by a signal");
    return GC_OK;
}

static gc_err work(counter *self, gc_errinfo *info)
{
    int running;
    gc_err err = start_all(self, info);
    while (!err && self->running) {
        curl_multi_perform(self->multi, &running);
        err = take_ended(self, info);
        if (!err)
            err = start_all(self, info);
        if (!err && self->running)
            err = wait_for_more(self, info);
    }
    return err;
}

static gc_err open_counter(counter *self, gc_errinfo *info)
{
    self->multi = curl_multi_init();
    bool ready = self->multi != NULL;
    for (size_t i = 0; i < GC_COUNT_PARALLEL; i++) {
        self->transfers[i].easy = curl_easy_init();
        ready = ready && self->transfers[i].easy;
        gc_buf_init(&self->transfers[i].answer, MAX_ANSWER);
    }
    self->url = gc_llm_url(self->conf->base_url, GC_ANTHROPIC_COUNT);
    set_headers(self);
    return ready ? GC_OK : gc_fail(info, GC_EIO, "libcurl does not start");
}

static void close_counter(counter *self)
{
    for (size_t i = 0; i < GC_COUNT_PARALLEL; i++) {
        if (self->transfers[i].item)
            curl_multi_remove_handle(self->multi, self->transfers[i].easy);
        curl_easy_cleanup(self->transfers[i].easy);
        gc_buf_release(&self->transfers[i].answer);
    }
    curl_multi_cleanup(self->multi);
    wipe_headers(self->headers);
    free(self->url);
}

gc_err gc_count_tokens(const gc_count_conf *conf, gc_count_item *items, size_t count,
                       gc_errinfo *info)
{
    counter self = { .conf = conf,
                     .items = items,
                     .count = count,
                     .end_ms = gc_clock_ms() + GC_COUNT_TOTAL_MS };
    for (size_t i = 0; i < count; i++)
        items[i].tokens = 0;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return gc_fail(info, GC_EIO, "libcurl does not start");
    gc_err err = open_counter(&self, info);
    if (!err)
        err = work(&self, info);
    if (err && info)
        gc_key_scrub(conf->key, info->text);
    close_counter(&self);
    curl_global_cleanup();
    return err;
}
