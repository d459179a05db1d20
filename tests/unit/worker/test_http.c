/* gc_http against a small server on the same loop. The path of a request picks what the
 * server does with it. */
#include "support/must.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "worker/http.h"

#define WAIT_MS 10000
#define BODY "{\"a\":1}"

typedef struct fixture {
    uv_loop_t loop;
    uv_tcp_t server;
    uv_timer_t beat; /* so that waiting loops turn */
    int port;
    gc_http *http;
    gc_strv headers;
    int connections;
    int requests;
} fixture;

typedef struct heard {
    gc_http_head head;
    gc_http_end end;
    gc_buf text;
    int heads;
    int ends;
    bool enough; /* wants no more after the first bytes */
} heard;

/* ---- the server ---- */

typedef struct connection {
    uv_tcp_t tcp;
    fixture *f;
    gc_buf in;
} connection;

static void on_closed(uv_handle_t *handle)
{
    connection *c = handle->data;
    gc_buf_release(&c->in);
    free(c);
}

static void hang_up(connection *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->tcp))
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

static void say_bytes(connection *c, const void *mem, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)mem, (unsigned)len);
    assert_int_equal(uv_try_write((uv_stream_t *)&c->tcp, &buf, 1), (int)len);
}

static void say(connection *c, const char *text)
{
    say_bytes(c, text, strlen(text));
}

/* "hello" as a proxy packs it that was not asked to. */
static const unsigned char packed[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00,
                                        0x00, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9,
                                        0xc9, 0x07, 0x00, 0x86, 0xa6, 0x10, 0x36,
                                        0x05, 0x00, 0x00, 0x00 };

static void answer(connection *c)
{
    static const char via_proxy[] = "http://no-such-host.invalid";
    const char *path = c->in.ptr + strlen("POST ");
    if (strncmp(path, via_proxy, strlen(via_proxy)) == 0)
        path += strlen(via_proxy);
    path++;
    c->f->requests++;
    if (strncmp(path, "good", 4) == 0)
        say(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
               "Content-Type: text/event-stream\r\nContent-Length: 5\r\n"
               "Request-Id: r1\r\n\r\nhello");
    else if (strncmp(path, "busy", 4) == 0)
        say(c, "HTTP/1.1 529 Busy\r\nRetry-After: 7\r\nretry-after-ms: 1500\r\n"
               "x-should-retry: true\r\nContent-Length: 0\r\n\r\n");
    else if (strncmp(path, "part", 4) == 0)
        say(c, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    if (strncmp(path, "packed", 6) == 0) {
        assert_non_null(strstr(c->in.ptr, "Accept-Encoding: identity\r\n"));
        say(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 25\r\n\r\n");
        say_bytes(c, packed, sizeof packed);
    }
    if (strncmp(path, "cut", 3) == 0 || strncmp(path, "part-cut", 8) == 0)
        hang_up(c);
    gc_buf_reset(&c->in);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    connection *c = stream->data;
    if (len < 0)
        hang_up(c);
    else if (len > 10 && strncmp(buf->base, "POST /deaf", 10) == 0)
        uv_tcp_close_reset(&c->tcp, on_closed);
    else if (len > 0)
        must_ok(gc_buf_append(&c->in, buf->base, (size_t)len));
    free(buf->base);
    if (len > 0 && strstr(c->in.ptr, BODY))
        answer(c);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)handle;
    *buf = uv_buf_init(gc_xmalloc(size), (unsigned)size);
}

static void on_connection(uv_stream_t *server, int status)
{
    fixture *f = server->data;
    connection *c = gc_xcalloc(1, sizeof *c);
    assert_int_equal(status, 0);
    f->connections++;
    c->f = f;
    gc_buf_init(&c->in, 1 << 20);
    uv_tcp_init(&f->loop, &c->tcp);
    c->tcp.data = c;
    assert_int_equal(uv_accept(server, (uv_stream_t *)&c->tcp), 0);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

static void on_beat(uv_timer_t *timer)
{
    (void)timer;
}

static int set_up(void **state)
{
    fixture *f = gc_xcalloc(1, sizeof *f);
    struct sockaddr_in address;
    int size = sizeof address;
    uv_loop_init(&f->loop);
    uv_tcp_init(&f->loop, &f->server);
    f->server.data = f;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_bind(&f->server, (struct sockaddr *)&address, 0);
    uv_listen((uv_stream_t *)&f->server, 16, on_connection);
    uv_tcp_getsockname(&f->server, (struct sockaddr *)&address, &size);
    f->port = ntohs(address.sin_port);
    uv_timer_init(&f->loop, &f->beat);
    uv_timer_start(&f->beat, on_beat, 10, 10);
    must_ok(gc_http_open(&f->loop, 4, "", &f->http));
    gc_strv_add(&f->headers, "x-test: yes");
    *state = f;
    return 0;
}

static void close_rest(uv_handle_t *handle, void *arg)
{
    const fixture *f = arg;
    if (uv_is_closing(handle))
        return;
    bool own = handle == (const uv_handle_t *)&f->server ||
               handle == (const uv_handle_t *)&f->beat;
    if (own || handle->type == UV_TCP)
        uv_close(handle, own ? NULL : on_closed);
}

static int tear_down(void **state)
{
    fixture *f = *state;
    gc_http_close(&f->http);
    uv_walk(&f->loop, close_rest, f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    gc_strv_release(&f->headers);
    free(f);
    return 0;
}

/* ---- the client ---- */

static void on_head(void *arg, const gc_http_head *head)
{
    heard *h = arg;
    h->heads++;
    h->head = *head;
}

static bool on_data(void *arg, const char *mem, size_t len)
{
    heard *h = arg;
    must_ok(gc_buf_append(&h->text, mem, len));
    return !h->enough;
}

static void on_end(void *arg, const gc_http_end *end)
{
    heard *h = arg;
    h->ends++;
    h->end = *end;
}

static gc_http_request request_of(fixture *f, const char *url, heard *h)
{
    gc_buf_init(&h->text, 1 << 20);
    return (gc_http_request){ .url = url,
                              .headers = &f->headers,
                              .body = gc_xstrdup(BODY),
                              .body_len = strlen(BODY),
                              .connect_ms = 5000,
                              .first_byte_ms = 5000,
                              .idle_ms = 5000,
                              .call_ms = 5000,
                              .on_head = on_head,
                              .on_data = on_data,
                              .on_end = on_end,
                              .arg = h };
}

static void run_until_end(fixture *f, const heard *h)
{
    int64_t end = gc_clock_ms() + WAIT_MS;
    while (!h->ends && gc_clock_ms() < end)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(h->ends, 1);
}

static void post_to(fixture *f, const char *url, heard *h)
{
    gc_http_request request = request_of(f, url, h);
    gc_http_start(f->http, &request);
    assert_int_equal(h->ends, 0); /* never from inside the start */
    run_until_end(f, h);
}

static void post(fixture *f, const char *host, const char *path, heard *h)
{
    char *url = gc_xasprintf("http://%s:%d/%s", host, f->port, path);
    post_to(f, url, h);
    free(url);
}

static void test_http_hands_over_head_and_bytes(void **state)
{
    fixture *f = *state;
    heard h = { 0 };
    post(f, "127.0.0.1", "good", &h);
    assert_int_equal(h.end.err, GC_OK);
    assert_true(h.end.sent);
    assert_int_equal(h.heads, 1);
    assert_int_equal(h.head.status, 200);
    assert_string_equal(h.head.content_type, "text/event-stream");
    assert_string_equal(h.head.request_id, "r1");
    assert_int_equal(h.head.hint.after_ms, -1);
    assert_int_equal(h.head.hint.should_retry, -1);
    assert_string_equal(h.text.ptr, "hello");
    gc_buf_release(&h.text);
}

static void test_http_unpacks_what_it_did_not_ask_for(void **state)
{
    fixture *f = *state;
    heard h = { 0 };
    post(f, "127.0.0.1", "packed", &h);
    assert_int_equal(h.end.err, GC_OK);
    assert_string_equal(h.text.ptr, "hello");
    gc_buf_release(&h.text);
}

static void test_http_keeps_connections(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        heard h = { 0 };
        post(f, "127.0.0.1", "good", &h);
        assert_int_equal(h.end.err, GC_OK);
        gc_buf_release(&h.text);
    }
    assert_int_equal(f->connections, 1);
}

static void test_http_reads_the_hints(void **state)
{
    fixture *f = *state;
    heard h = { 0 };
    post(f, "127.0.0.1", "busy", &h);
    assert_int_equal(h.head.status, 529);
    assert_int_equal(h.head.hint.after_ms, 1500); /* the finer one wins */
    assert_int_equal(h.head.hint.should_retry, 1);
    gc_buf_release(&h.text);
}

static void test_http_resolves_names(void **state)
{
    fixture *f = *state;
    heard h[8] = { 0 };
    char *url = gc_xasprintf("http://localhost:%d/good", f->port);
    for (int i = 0; i < 8; i++) {
        gc_http_request request = request_of(f, url, &h[i]);
        gc_http_start(f->http, &request);
    }
    for (int i = 0; i < 8; i++) {
        run_until_end(f, &h[i]);
        assert_int_equal(h[i].end.err, GC_OK);
        gc_buf_release(&h[i].text);
    }
    free(url);
}

static void test_http_tells_not_sent_from_sent(void **state)
{
    fixture *f = *state;
    const struct {
        const char *url;
        gc_err err;
    } unsent[] = {
        { "http://no-such-host.invalid/x", GC_ECLOSED },
        { "http://127.0.0.1:1/x", GC_ECLOSED }, /* nobody listens there */
        { "ftp://127.0.0.1/x", GC_EINVAL },
        { "not a url", GC_EINVAL },
    };
    for (size_t i = 0; i < sizeof unsent / sizeof *unsent; i++) {
        heard h = { 0 };
        post_to(f, unsent[i].url, &h);
        assert_int_equal(h.end.err, unsent[i].err);
        assert_false(h.end.sent);
        assert_true(*h.end.text);
        gc_buf_release(&h.text);
    }
    static const char *const sent[] = { "cut", "part-cut" };
    for (size_t i = 0; i < 2; i++) {
        heard h = { 0 };
        post(f, "127.0.0.1", sent[i], &h);
        assert_int_equal(h.end.err, GC_ECLOSED);
        assert_true(h.end.sent);
        gc_buf_release(&h.text);
    }
}

/* What no server can have read whole, none can have charged for. */
static void test_http_reset_in_an_upload_is_not_sent(void **state)
{
    fixture *f = *state;
    heard h = { 0 };
    char *url = gc_xasprintf("http://127.0.0.1:%d/deaf", f->port);
    gc_http_request request = request_of(f, url, &h);
    free(request.body);
    request.body_len = (size_t)64 << 20; /* more than the kernel takes in advance */
    request.body = gc_xcalloc(1, request.body_len);
    gc_http_start(f->http, &request);
    run_until_end(f, &h);
    assert_int_equal(h.end.err, GC_ECLOSED);
    assert_false(h.end.sent);
    gc_buf_release(&h.text);
    free(url);
}

/* Behind a proxy it is the proxy that knows the names. */
static void test_http_leaves_names_to_the_proxy(void **state)
{
    fixture *f = *state;
    static const char *const exceptions[] = { "", "other.invalid" };
    char *proxy = gc_xasprintf("http://127.0.0.1:%d", f->port);
    for (size_t i = 0; i < 2; i++) {
        heard h = { 0 };
        setenv("http_proxy", proxy, 1);
        setenv("no_proxy", exceptions[i], 1);
        post_to(f, "http://no-such-host.invalid/good", &h);
        unsetenv("http_proxy");
        unsetenv("no_proxy");
        assert_int_equal(h.end.err, GC_OK);
        assert_int_equal(h.head.status, 200);
        gc_buf_release(&h.text);
    }
    free(proxy);
}

/* libcurl would send it again by itself on a new connection. */
static void test_http_never_sends_twice(void **state)
{
    fixture *f = *state;
    heard first = { 0 }, second = { 0 };
    post(f, "127.0.0.1", "good", &first);
    post(f, "127.0.0.1", "cut", &second);
    assert_int_equal(second.end.err, GC_ECLOSED);
    assert_true(second.end.sent);
    assert_int_equal(f->requests, 2);
    gc_buf_release(&first.text);
    gc_buf_release(&second.text);
}

static void expect_timeout(fixture *f, const char *path, int64_t clocks[3],
                           const char *word)
{
    heard h = { 0 };
    char *url = gc_xasprintf("http://127.0.0.1:%d/%s", f->port, path);
    gc_http_request request = request_of(f, url, &h);
    request.first_byte_ms = clocks[0];
    request.idle_ms = clocks[1];
    request.call_ms = clocks[2];
    gc_http_start(f->http, &request);
    run_until_end(f, &h);
    assert_int_equal(h.end.err, GC_ETIMEOUT);
    assert_true(h.end.sent);
    assert_non_null(strstr(h.end.text, word));
    gc_buf_release(&h.text);
    free(url);
}

static void test_http_has_three_clocks(void **state)
{
    fixture *f = *state;
    expect_timeout(f, "hold", (int64_t[]){ 100, 5000, 5000 }, "first byte");
    expect_timeout(f, "part", (int64_t[]){ 5000, 100, 5000 }, "no byte");
    expect_timeout(f, "part", (int64_t[]){ 5000, 5000, 200 }, "longer");
}

static void test_http_stops_when_told(void **state)
{
    fixture *f = *state;
    heard h = { .enough = true }, cancelled = { 0 };
    post(f, "127.0.0.1", "part", &h);
    assert_int_equal(h.end.err, GC_ESTATE);
    char *url = gc_xasprintf("http://127.0.0.1:%d/hold", f->port);
    gc_http_request request = request_of(f, url, &cancelled);
    gc_http_call *call = gc_http_start(f->http, &request);
    int64_t end = gc_clock_ms() + WAIT_MS;
    while (f->requests < 2 && gc_clock_ms() < end)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_true(gc_http_sent(call));
    assert_true(gc_http_cancel(call));
    for (int i = 0; i < 10; i++)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(cancelled.ends, 0);
    request = request_of(f, url, &cancelled);
    assert_false(gc_http_cancel(gc_http_start(f->http, &request))); /* at once */
    gc_buf_release(&h.text);
    gc_buf_release(&cancelled.text);
    free(url);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_http_hands_over_head_and_bytes),
        TEST(test_http_keeps_connections),
        TEST(test_http_reads_the_hints),
        TEST(test_http_resolves_names),
        TEST(test_http_tells_not_sent_from_sent),
        TEST(test_http_reset_in_an_upload_is_not_sent),
        TEST(test_http_never_sends_twice),
        TEST(test_http_unpacks_what_it_did_not_ask_for),
        TEST(test_http_leaves_names_to_the_proxy),
        TEST(test_http_has_three_clocks),
        TEST(test_http_stops_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
