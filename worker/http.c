#include "worker/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "worker/curl_loop.h"
#include "worker/http_headers.h"
#include "worker/resolve.h"
#include "worker/tls.h"

#define WRITE_BYTES 16384L /* the least; kept per handle once a large body was sent */
#define READ_BYTES 1024L /* per handle, libcurl's least; an SSE event is some 200 bytes */
#define KEEP_ALIVE_S 30L /* below the idle time-outs of load balancers */
#define CLOCK_STEP_MS 50 /* the three clocks are not checked more often */
#define AGENT "gocreator/" GC_VERSION

typedef enum call_state {
    CALL_RESOLVING,
    CALL_RUNNING,
    CALL_FAILED /* before it started: on_end follows from the loop */
} call_state;

/* Thousands of these are held at once. */
struct gc_http_call {
    gc_http *http;
    gc_http_call *next, *prev; /* in http->calls */
    call_state state;
    CURL *easy;
    gc_http_headers *headers;
    struct curl_slist *resolve;
    gc_http_request request; /* url, headers: not valid after the start */
    size_t uploaded;         /* of the body, if libcurl takes it piece by piece */
    gc_http_head *head;      /* while its lines come in */
    gc_err failure;          /* CALL_FAILED: on_end will say; the text is in `error` */
    char *host;
    int port;
    char *url; /* until libcurl has its copy */
    int64_t started_ms;
    int64_t last_byte_ms; /* 0: none of the body yet */
    bool begun;           /* libcurl began to send it */
    bool broke;           /* its kept connection did, before an answer */
    char error[CURL_ERROR_SIZE];
};

struct gc_http {
    gc_curl_loop *curl;
    gc_resolver *resolver;
    gc_http_call *calls;
    gc_http_headers *headers; /* of the latest call */
    CURL **spare;             /* handles to use again */
    size_t spare_count;
    size_t keep;
    CURLSH *tls;            /* sessions; NULL: each handle has its own */
    char *ca_file;          /* NULL: the system's */
    size_t uploading;       /* calls that hold a body */
    uv_timer_t clock_timer; /* nearest of all calls' deadlines */
    int64_t clock_due_ms;   /* when it fires; 0 = not armed */
};

/* ---- the end of a call ---- */

static CURL *take_handle(gc_http *self)
{
    if (self->spare_count > 0)
        return self->spare[--self->spare_count];
    CURL *easy = curl_easy_init();
    if (!easy)
        abort(); /* out of memory is the only reason */
    return easy;
}

static void give_handle(gc_http *self, CURL *easy)
{
    if (self->spare_count < self->keep) {
        curl_easy_reset(easy);
        self->spare[self->spare_count++] = easy;
    } else {
        curl_easy_cleanup(easy);
    }
}

static void drop_body(gc_http_call *call)
{
    if (call->request.body)
        call->http->uploading--;
    free(call->request.body);
    call->request.body = NULL;
}

static void call_free(gc_http_call *call)
{
    gc_http *self = call->http;
    if (call->prev)
        call->prev->next = call->next;
    else
        self->calls = call->next;
    if (call->next)
        call->next->prev = call->prev;
    if (call->easy) {
        gc_curl_loop_remove(self->curl, call->easy);
        give_handle(self, call->easy);
    }
    gc_http_headers_drop(&call->headers);
    curl_slist_free_all(call->resolve);
    drop_body(call);
    free(call->head);
    free(call->host);
    free(call->url);
    free(call);
}

/* Once a kept connection broke libcurl has forgotten how much went, so that all may have. */
static bool body_went(const gc_http_call *call)
{
    curl_off_t bytes = 0;
    return call->broke ||
           (curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &bytes) == CURLE_OK &&
            bytes >= (curl_off_t)call->request.body_len);
}

bool gc_http_sent(const gc_http_call *call)
{
    long bytes = 0, status = 0;
    return call->easy &&
           curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK &&
           curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
           bytes > 0 && (body_went(call) || status != 0);
}

size_t gc_http_uploading(const gc_http *self)
{
    return self->uploading;
}

bool gc_http_cancel(gc_http_call *call)
{
    assert(!gc_curl_loop_inside(call->http->curl));
    bool sent = gc_http_sent(call);
    call_free(call);
    return sent;
}

static void call_end(gc_http_call *call, gc_err err, const char *text)
{
    gc_http_end end = { .err = err, .sent = gc_http_sent(call) };
    gc_http_request request = call->request;
    snprintf(end.text, sizeof end.text, "%s", text);
    call_free(call);
    request.on_end(request.arg, &end);
}

static gc_err translate(CURLcode code)
{
    switch (code) {
    case CURLE_OK: return GC_OK;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT: return GC_EINVAL;
    case CURLE_OPERATION_TIMEDOUT: return GC_ETIMEOUT;
    case CURLE_WRITE_ERROR: return GC_ESTATE;
    case CURLE_WEIRD_SERVER_REPLY: return GC_EPROTO;
    default: return GC_ECLOSED;
    }
}

static void on_done(void *arg, CURL *easy, CURLcode code)
{
    (void)arg;
    gc_http_call *call = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
    char text[CURL_ERROR_SIZE];
    snprintf(text, sizeof text, "%s",
             *call->error ? call->error : curl_easy_strerror(code));
    call_end(call, translate(code), text);
}

/* The body is kept while libcurl may read it, and no longer: while many calls wait for their
 * answers it is the largest thing that they hold. It is never sent again (on_sending). */
static void on_written(void *arg, CURL *easy)
{
    (void)arg;
    gc_http_call *call = NULL;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call) == CURLE_OK && call &&
        body_went(call))
        drop_body(call);
}

/* ---- the three clocks ---- */

static int64_t deadline(const gc_http_call *call)
{
    int64_t whole = call->started_ms + call->request.call_ms;
    int64_t quiet = call->last_byte_ms ? call->last_byte_ms + call->request.idle_ms
                                       : call->started_ms + call->request.first_byte_ms;
    return whole < quiet ? whole : quiet;
}

static void on_clock(uv_timer_t *timer);

static void arm_clock(gc_http *self, int64_t due_ms, int64_t now_ms)
{
    if (self->clock_due_ms && self->clock_due_ms <= due_ms)
        return;
    int64_t wait = due_ms - now_ms > CLOCK_STEP_MS ? due_ms - now_ms : CLOCK_STEP_MS;
    self->clock_due_ms = now_ms + wait;
    uv_timer_start(&self->clock_timer, on_clock, (uint64_t)wait, 0);
}

static void time_out(gc_http_call *call, int64_t now_ms)
{
    char text[128];
    const gc_http_request *r = &call->request;
    if (now_ms >= call->started_ms + r->call_ms)
        snprintf(text, sizeof text, "the call took longer than %" PRId64 " ms",
                 r->call_ms);
    else if (call->last_byte_ms)
        snprintf(text, sizeof text, "no byte of the answer for %" PRId64 " ms",
                 r->idle_ms);
    else
        snprintf(text, sizeof text, "no first byte of an answer within %" PRId64 " ms",
                 r->first_byte_ms);
    call_end(call, GC_ETIMEOUT, text);
}

/* on_end may change the list, so the search starts anew after each one that is over. */
static gc_http_call *find_overdue(gc_http *self, int64_t now_ms, int64_t *next_ms)
{
    *next_ms = INT64_MAX;
    for (gc_http_call *call = self->calls; call; call = call->next) {
        int64_t due = deadline(call);
        if (call->state == CALL_FAILED || now_ms >= due)
            return call;
        *next_ms = due < *next_ms ? due : *next_ms;
    }
    return NULL;
}

static void fail_now(gc_http_call *call)
{
    char text[CURL_ERROR_SIZE];
    snprintf(text, sizeof text, "%s", call->error);
    call_end(call, call->failure, text);
}

static void on_clock(uv_timer_t *timer)
{
    gc_http *self = timer->data;
    int64_t now_ms = gc_clock_ms();
    int64_t next_ms;
    self->clock_due_ms = 0;
    for (gc_http_call *call; (call = find_overdue(self, now_ms, &next_ms));) {
        if (call->state == CALL_FAILED)
            fail_now(call);
        else
            time_out(call, now_ms);
    }
    if (next_ms != INT64_MAX)
        arm_clock(self, next_ms, now_ms);
}

/* ---- bytes coming in ---- */

static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    gc_http_call *call = arg;
    size_t len = size * count;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        if (!call->head)
            call->head = gc_xmalloc(sizeof *call->head);
        *call->head = (gc_http_head){ .hint = { -1, -1 } };
    } else if (!call->head) {
        return len; /* a trailer: nothing of it matters */
    } else if (len > 2) {
        gc_http_head_line(call->head, line, len);
    } else {
        long status = 0;
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 200) { /* a 1xx is not the answer yet */
            call->head->status = (int)status;
            call->request.on_head(call->request.arg, call->head);
            free(call->head);
            call->head = NULL;
        }
    }
    return len;
}

static size_t on_body(char *mem, size_t size, size_t count, void *arg)
{
    gc_http_call *call = arg;
    size_t len = size * count;
    bool first = call->last_byte_ms == 0;
    call->last_byte_ms = gc_clock_ms();
    if (first) /* another clock counts from now on, and it may be the shorter one */
        arm_clock(call->http, deadline(call), call->last_byte_ms);
    return call->request.on_data(call->request.arg, mem, len) ? len : 0;
}

/* ---- the start of a call ---- */

/* libcurl sends a request again by itself if a kept connection breaks before the answer. It
 * may have been served, so that is for the caller to decide and to count. */
// NOLINTNEXTLINE(readability-non-const-parameter): libcurl's own signature
static int on_sending(void *arg, char *peer, char *local, int peer_port, int local_port)
{
    (void)peer;
    (void)local;
    (void)peer_port;
    (void)local_port;
    gc_http_call *call = arg;
    if (call->begun) {
        call->broke = true;
        snprintf(call->error, sizeof call->error,
                 "the connection broke before an answer");
        return CURL_PREREQFUNC_ABORT;
    }
    call->begun = true;
    return CURL_PREREQFUNC_OK;
}

/* Fails from the loop, so that gc_http_start never calls back. */
static void fail_soon(gc_http_call *call, gc_err err, const char *text)
{
    call->state = CALL_FAILED;
    call->failure = err;
    snprintf(call->error, sizeof call->error, "%s", text);
    arm_clock(call->http, gc_clock_ms(), gc_clock_ms());
}

/* With TLS libcurl would keep a body that it was given whole, 32 KB and more, until the answer
 * ends. */
static size_t on_upload(char *mem, size_t size, size_t count, void *arg)
{
    gc_http_call *call = arg;
    size_t left = call->request.body ? call->request.body_len - call->uploaded : 0;
    size_t len = size * count < left ? size * count : left;
    if (len)
        memcpy(mem, call->request.body + call->uploaded, len);
    call->uploaded += len;
    return len;
}

static void set_options(gc_http_call *call)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_URL, call->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, gc_http_headers_list(call->headers));
    curl_easy_setopt(easy, CURLOPT_RESOLVE, call->resolve);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    if (gc_starts_with(call->url, "https:")) {
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_upload);
        curl_easy_setopt(easy, CURLOPT_READDATA, call);
    } else {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->request.body);
    }
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     (curl_off_t)call->request.body_len);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, AGENT);
    /* Packed streams are held back by whoever packs them: none is asked for, but a proxy may
     * send one all the same. */
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "identity");
    /* HTTP/2 costs several times the CPU per event in this libcurl. */
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)call->request.connect_ms);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEP_ALIVE_S);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, KEEP_ALIVE_S);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, READ_BYTES);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, WRITE_BYTES);
    gc_tls_set_options(easy, call->http->tls, call->http->ca_file);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_sending);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
}

static void call_run(gc_http_call *call)
{
    call->easy = take_handle(call->http);
    call->state = CALL_RUNNING;
    set_options(call);
    free(call->url);
    call->url = NULL;
    CURLMcode code = gc_curl_loop_add(call->http->curl, call->easy);
    if (code == CURLM_OK)
        return;
    give_handle(call->http, call->easy);
    call->easy = NULL;
    fail_soon(call, GC_EIO, curl_multi_strerror(code));
}

static void call_resolve(gc_http_call *call)
{
    bool proxy = gc_proxy_may_serve(call->url);
    bool look_up =
        !gc_resolver_is_address(call->host) && (!proxy || gc_proxy_has_exceptions());
    if (look_up) {
        const char *line = NULL;
        gc_err err =
            gc_resolver_find(call->http->resolver, call->host, call->port, &line);
        if (err == GC_EAGAIN)
            return;
        if (err && !proxy) {
            fail_soon(call, GC_ECLOSED, line);
            return;
        }
        if (!err)
            call->resolve = curl_slist_append(NULL, line);
    }
    call_run(call);
}

static void on_resolved(void *arg)
{
    gc_http *self = arg;
    for (gc_http_call *call = self->calls; call; call = call->next)
        if (call->state == CALL_RESOLVING)
            call_resolve(call);
}

static gc_err parse_host(gc_http_call *call)
{
    CURLU *url = curl_url();
    char *host = NULL, *port = NULL;
    int64_t number = 0;
    gc_err err = GC_EINVAL;
    if (url && curl_url_set(url, CURLUPART_URL, call->url, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
        err = gc_parse_i64(port, 1, 65535, &number);
    if (!err) {
        call->host = gc_xstrdup(host);
        call->port = (int)number;
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
    return err;
}

gc_http_call *gc_http_start(gc_http *self, const gc_http_request *request)
{
    assert(!gc_curl_loop_inside(self->curl));
    gc_http_call *call = gc_xcalloc(1, sizeof *call);
    call->http = self;
    call->request = *request;
    self->uploading += request->body != NULL;
    call->url = gc_xstrdup(request->url);
    call->headers = gc_http_headers_hold(&self->headers, request->headers);
    call->started_ms = gc_clock_ms();
    call->next = self->calls;
    if (self->calls)
        self->calls->prev = call;
    self->calls = call;
    if (parse_host(call))
        fail_soon(call, GC_EINVAL, "the base URL is no http or https URL");
    else
        call_resolve(call);
    if (call->state != CALL_FAILED)
        arm_clock(self, deadline(call), call->started_ms);
    return call;
}

/* ---- open and close ---- */

gc_err gc_http_open(uv_loop_t *loop, size_t keep, const char *ca_file, gc_http **out)
{
    gc_http *self = gc_xcalloc(1, sizeof *self);
    gc_curl_loop_conf conf = { loop, keep, on_done, on_written, self };
    gc_err err = gc_curl_loop_open(&conf, &self->curl);
    if (err) {
        free(self);
        return err;
    }
    self->keep = keep;
    self->tls = gc_tls_share_new();
    self->ca_file = *ca_file ? gc_xstrdup(ca_file) : NULL;
    self->spare = gc_xcalloc(keep ? keep : 1, sizeof(CURL *));
    self->resolver = gc_resolver_new(loop, on_resolved, self);
    uv_timer_init(loop, &self->clock_timer);
    self->clock_timer.data = self;
    *out = self;
    return GC_OK;
}

static void on_clock_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void gc_http_close(gc_http **self_p)
{
    gc_http *self = *self_p;
    if (!self)
        return;
    while (self->calls)
        gc_http_cancel(self->calls);
    for (size_t i = 0; i < self->spare_count; i++)
        curl_easy_cleanup(self->spare[i]);
    free(self->spare);
    gc_free_str(&self->ca_file);
    gc_http_headers_drop(&self->headers);
    gc_curl_loop_close(&self->curl);
    curl_share_cleanup(self->tls);
    gc_resolver_destroy(&self->resolver);
    uv_close((uv_handle_t *)&self->clock_timer, on_clock_closed);
    *self_p = NULL;
}
