#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "support/must.h"
#include "tests/llm-sim/http.h"

/* Feeds all of `text`, `step` bytes at a time, until a request is complete. */
static gc_err feed(gc_sim_http *http, const char *text, size_t step, size_t *used)
{
    size_t len = strlen(text);
    *used = 0;
    while (*used < len && http->state != GC_SIM_HTTP_DONE) {
        size_t part = len - *used < step ? len - *used : step;
        size_t took = 0;
        gc_err err = gc_sim_http_feed(http, text + *used, part, &took);
        *used += took;
        if (err)
            return err;
    }
    return GC_OK;
}

static const char whole[] = "POST /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\n"
                            "X-API-Key:  secret \r\nContent-Length: 5\r\n\r\nhello";

static void test_http_reads_a_request_in_any_pieces(void **state)
{
    (void)state;
    for (size_t step = 1; step <= sizeof whole; step++) {
        gc_sim_http http;
        size_t used;
        gc_sim_http_init(&http);
        must_ok(feed(&http, whole, step, &used));
        assert_int_equal(GC_SIM_HTTP_DONE, http.state);
        assert_string_equal("POST", http.method);
        assert_string_equal("/v1/messages?beta=true", http.target);
        assert_string_equal("secret", gc_sim_http_header(&http, "x-api-key"));
        assert_string_equal("hello", http.body.ptr);
        assert_true(http.keep_alive);
        gc_sim_http_release(&http);
    }
}

static void test_http_reads_chunks(void **state)
{
    (void)state;
    gc_sim_http http;
    size_t used;
    gc_sim_http_init(&http);
    must_ok(feed(&http,
                 "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
                 7, &used));
    assert_int_equal(GC_SIM_HTTP_DONE, http.state);
    assert_string_equal("abc0123456789", http.body.ptr);
    gc_sim_http_release(&http);
}

static void test_http_leaves_the_next_request_alone(void **state)
{
    (void)state;
    gc_sim_http http;
    size_t used;
    gc_sim_http_init(&http);
    must_ok(feed(&http, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n", 1000, &used));
    assert_string_equal("/a", http.target);
    assert_int_equal(strlen("GET /a HTTP/1.1\r\n\r\n"), used);
    gc_sim_http_reset(&http);
    assert_int_equal(GC_SIM_HTTP_START, http.state);
    gc_sim_http_release(&http);
}

static void test_http_knows_when_to_close(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool keep;
    } cases[] = { { "GET / HTTP/1.1\r\n\r\n", true },
                  { "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false },
                  { "GET / HTTP/1.0\r\n\r\n", false },
                  { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gc_sim_http http;
        size_t used;
        gc_sim_http_init(&http);
        must_ok(feed(&http, cases[i].text, 1000, &used));
        assert_int_equal(cases[i].keep, http.keep_alive);
        gc_sim_http_release(&http);
    }
}

static void test_http_refuses_what_is_malformed(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "GET /\r\n",
        "GET  / HTTP/1.1\r\n",
        "GET / HTTP/2.0\r\n",
        "GET http://x/ HTTP/1.1\r\n",
        "G@T / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n",
        "GET / HTTP/1.1\r\nbad name: x\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5x\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gc_sim_http http;
        size_t used;
        gc_sim_http_init(&http);
        expect_err(GC_EPROTO, feed(&http, cases[i], 1000, &used));
        gc_sim_http_release(&http);
    }
}

static void test_http_refuses_sizes_before_taking_memory(void **state)
{
    (void)state;
    gc_sim_http http;
    size_t used;
    gc_sim_http_init(&http);
    expect_err(GC_ETOOBIG, feed(&http, "POST / HTTP/1.1\r\nContent-Length: 33554433\r\n",
                                1000, &used));
    gc_sim_http_reset(&http);
    expect_err(GC_ETOOBIG, feed(&http,
                                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "ffffffffffffffffff\r\n",
                                1000, &used));
    gc_sim_http_reset(&http);
    char *line = gc_xmalloc(GC_SIM_HTTP_LINE_MAX + 10);
    memset(line, 'a', GC_SIM_HTTP_LINE_MAX + 9);
    line[GC_SIM_HTTP_LINE_MAX + 9] = '\0';
    expect_err(GC_ETOOBIG, feed(&http, line, 1000, &used));
    free(line);
    gc_sim_http_reset(&http);
    must_ok(feed(&http, "GET / HTTP/1.1\r\n", 1000, &used));
    for (int i = 0; i < GC_SIM_HTTP_HEADERS_MAX; i++)
        must_ok(feed(&http, "a: b\r\n", 1000, &used));
    expect_err(GC_ETOOBIG, feed(&http, "a: b\r\n", 1000, &used));
    gc_sim_http_release(&http);
}

static void test_http_notes_who_waits_for_continue(void **state)
{
    (void)state;
    gc_sim_http http;
    size_t used;
    gc_sim_http_init(&http);
    must_ok(feed(&http,
                 "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
                 1000, &used));
    assert_true(http.expect_continue);
    assert_int_equal(GC_SIM_HTTP_BODY, http.state);
    gc_sim_http_release(&http);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_reads_a_request_in_any_pieces),
        cmocka_unit_test(test_http_reads_chunks),
        cmocka_unit_test(test_http_leaves_the_next_request_alone),
        cmocka_unit_test(test_http_knows_when_to_close),
        cmocka_unit_test(test_http_refuses_what_is_malformed),
        cmocka_unit_test(test_http_refuses_sizes_before_taking_memory),
        cmocka_unit_test(test_http_notes_who_waits_for_continue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
