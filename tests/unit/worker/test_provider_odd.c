/* Answers as servers, gateways and what stands between really send them: odd, foreign, cut,
 * or of no API at all. */
#include "unit/worker/heard.h"

#include <string.h>

#include "worker/retry.h"

/* The whole body, in pieces of `step` bytes, and the end of the connection. */
static void hear(heard *self, const gc_provider *provider, int status, const char *type,
                 const char *body, size_t step)
{
    size_t len = strlen(body);
    listen(self, provider, status, type);
    for (size_t i = 0; i < len; i += step)
        gc_llm_feed(&self->llm, body + i, len - i < step ? len - i : step);
    gc_llm_finish(&self->llm);
}

static gc_fault fault_of(const heard *self)
{
    return gc_fault_of(&self->llm, &(gc_retry_hint){ -1, -1 });
}

#define SSE "text/event-stream"
#define JSON "application/json"
#define A_START "data: {\"type\":\"message_start\",\"message\":{}}\n\n"
#define A_DELTA(text)                                                                 \
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_" \
    "delta\",\"text\":\"" text "\"}}\n\n"
#define A_STOP                                                                        \
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n" \
    "data: {\"type\":\"message_stop\"}\n\n"
#define O_DELTA(text) "data: {\"choices\":[{\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define O_STOP(reason) \
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"

/* ---- whole answers in odd clothes ---- */

typedef struct odd {
    const gc_provider *provider;
    const char *type, *body, *text;
} odd;

static const odd good_ones[] = {
    { &gc_provider_anthropic, SSE, "\xef\xbb\xbf" A_START A_DELTA("a") A_STOP, "a" },
    { &gc_provider_anthropic, SSE, /* lines end in CRLF */
      "event: message_start\r\ndata: {\"type\":\"message_start\"}\r\n\r\n"
      "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\","
      "\"text\":\"a\"}}\r\n\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n",
      "a" },
    { &gc_provider_anthropic, SSE, /* keep-alives, a type to come, data in lines */
      ": ping\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\ndata:\n\ndata:  \n\n" A_START
      "event: later\ndata: {\"type\":\"later\",\"delta\":{\"text\":\"no\"}}\n\n"
      "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\ndata: "
      "\"delta\":{\"type\":\"text_delta\",\ndata: \"text\":\"a\"}}\n\n" A_STOP,
      "a" },
    { &gc_provider_anthropic, SSE, /* thinking and tools are no text */
      A_START "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":"
              "\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}}\n\n"
              "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":"
              "\"input_json_delta\",\"partial_json\":\"{\\\"text\\\":\"}}\n\n"
              "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":"
              "\"signature_delta\",\"signature\":\"x\"}}\n\n"
              "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":"
              "\"redacted_thinking\",\"data\":\"zzz\"}}\n\n" A_DELTA("a") A_STOP,
      "a" },
    { &gc_provider_anthropic, SSE, /* halves of a pair, and one that is whole */
      A_START A_DELTA("\\ud83d") A_DELTA("\\ude00 \\uD83D\\uDE00 \\\\ud83d \\u00e9")
          A_STOP,
      "\xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x98\x80 \\ud83d \xc3\xa9" },
    { &gc_provider_anthropic, SSE, A_START A_DELTA("x\xff y") A_STOP, "x\xef\xbf\xbd y" },
    { &gc_provider_openai, SSE, O_DELTA("a") O_STOP("stop"), "a" }, /* no [DONE] */
    { &gc_provider_openai, SSE, O_DELTA("a") "data: [DONE] \n\n", "a" },
    { &gc_provider_openai, SSE, /* figures alone, before and after */
      "data: {\"choices\":[],\"prompt_filter_results\":[]}\n\n" O_DELTA("a")
          O_STOP("stop") "data: {\"choices\":[],\"usage\":null}\n\ndata: [DONE]\n\n",
      "a" },
    { &gc_provider_openai, SSE, /* thinking apart from the answer */
      "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"no\",\"content\":null}}]}"
      "\n\n" O_DELTA("a") O_STOP("stop"),
      "a" },
    { &gc_provider_openai, JSON, /* parts, as models send that think in between */
      "{\"choices\":[{\"message\":{\"content\":[{\"type\":\"thinking\",\"thinking\":["
      "{\"text\":\"no\"}]},{\"type\":\"text\",\"text\":\"a\"}]},\"finish_reason\":"
      "\"stop\"}]}",
      "a" },
};

static void test_odd_answers_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good_ones / sizeof *good_ones; i++)
        for (size_t step = 1; step < 4096; step *= 7) {
            const odd *row = &good_ones[i];
            heard h;
            hear(&h, row->provider, 200, row->type, row->body, step);
            if (!gc_llm_ok(&h.llm) || strcmp(h.text.ptr, row->text) != 0)
                fail_msg("row %zu by %zu: ok=%d, \"%s\"", i, step, gc_llm_ok(&h.llm),
                         h.text.ptr);
            forget(&h);
        }
}

/* ---- what is no answer ---- */

typedef struct strange {
    const gc_provider *provider;
    int status;
    const char *type, *body;
    gc_fault fault;
    const char *said; /* in the message, "" if none is to be said */
} strange;

static const strange bad_ones[] = {
    /* pages for people, whatever they are called */
    { &gc_provider_anthropic, 200, "text/html", "<h1>Hi</h1>", GC_FAULT_FINAL,
      "HTTP status 200, text/html, \"<h1>Hi</h1>\"" },
    { &gc_provider_openai, 200, JSON, " \r\n<!DOCTYPE html>", GC_FAULT_FINAL, "DOCTYPE" },
    { &gc_provider_openai, 200, "", "<html>\n\n", GC_FAULT_FINAL, "<html>" },
    { &gc_provider_openai, 200, "text/html", "", GC_FAULT_FINAL, "200, text/html" },
    { &gc_provider_openai, 404, "text/plain", "404 page not found\n", GC_FAULT_FINAL,
      "HTTP status 404, text/plain, \"404 page not found\"" },
    { &gc_provider_openai, 404, JSON, "{\"detail\":\"Not Found\"}", GC_FAULT_FINAL,
      "Not Found" },
    { &gc_provider_openai, 404, JSON, "{\"error\":{\"message\":\"no model x\"}}",
      GC_FAULT_REQUEST, "no model x" },
    { &gc_provider_anthropic, 302, "text/plain", "", GC_FAULT_FINAL, "HTTP status 302" },
    { &gc_provider_anthropic, 403, "text/html", "<b>Blocked", GC_FAULT_FINAL, "Blocked" },
    { &gc_provider_anthropic, 403, JSON, "", GC_FAULT_AUTH, "HTTP status 403" },
    { &gc_provider_anthropic, 413, "text/html", "<b>cloudflare", GC_FAULT_REQUEST,
      "413" },
    { &gc_provider_anthropic, 502, "text/html", "<b>nginx", GC_FAULT_BUSY, "nginx" },
    { &gc_provider_anthropic, 429, "text/html", "<b>slow", GC_FAULT_RATE, "slow" },
    /* nothing, or somebody else's words: asked for again a few times */
    { &gc_provider_anthropic, 200, SSE, "", GC_FAULT_STRANGE, "HTTP status 200" },
    { &gc_provider_anthropic, 200, JSON, "", GC_FAULT_STRANGE, "HTTP status 200" },
    { &gc_provider_anthropic, 204, "", "", GC_FAULT_STRANGE, "HTTP status 204" },
    { &gc_provider_openai, 200, "text/plain", "OK\n", GC_FAULT_STRANGE,
      "HTTP status 200, text/plain, \"OK\"" },
    { &gc_provider_openai, 200, JSON, "{\"status\":\"up\"}", GC_FAULT_STRANGE, "up" },
    { &gc_provider_anthropic, 200, JSON, "{\"status\":\"up\"}", GC_FAULT_STRANGE, "up" },
    { &gc_provider_anthropic, 200, JSON, "[1]", GC_FAULT_STRANGE, "[1]" },
    { &gc_provider_openai, 200, SSE, "data: [DONE]\n\n", GC_FAULT_STRANGE, "DONE" },
    { &gc_provider_openai, 200, SSE, "data: {oops\n\n", GC_FAULT_STRANGE, "oops" },
    { &gc_provider_anthropic, 200, SSE, A_START "data: {oops\n\n", GC_FAULT_STRANGE, "" },
    { &gc_provider_anthropic, 200, SSE, A_START "data: {oops\n\n" A_DELTA("late") A_STOP,
      GC_FAULT_STRANGE, "" },
    /* errors under a status that knows of none */
    { &gc_provider_openai, 200, JSON, "{\"error\":{\"message\":\"m\",\"code\":400}}",
      GC_FAULT_REQUEST, "m" },
    { &gc_provider_openai, 200, SSE,
      O_DELTA("a") "data: {\"error\":{\"message\":\"m\",\"code\":502}}\n\n",
      GC_FAULT_BUSY, "m" },
    { &gc_provider_openai, 200, SSE,
      "data: {\"error\":{\"message\":\"m\",\"type\":\"BadRequestError\",\"code\":400}}\n\n"
      "data: [DONE]\n\n",
      GC_FAULT_REQUEST, "m" },
    { &gc_provider_openai, 200, JSON, "{\"error\":\"model is loading\"}", GC_FAULT_BUSY,
      "loading" },
    { &gc_provider_openai, 200, SSE, O_DELTA("a") O_STOP("error"), GC_FAULT_BUSY, "" },
    { &gc_provider_anthropic, 200, SSE, A_START "event: error\ndata: upstream gone\n\n",
      GC_FAULT_BUSY, "upstream gone" },
};

static void test_odd_answers_that_are_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_ones / sizeof *bad_ones; i++)
        for (size_t step = 1; step < 4096; step *= 7) {
            const strange *row = &bad_ones[i];
            heard h;
            hear(&h, row->provider, row->status, row->type, row->body, step);
            const char *said = gc_llm_said(&h.llm)->message;
            assert_null(strstr(h.text.ptr, "late")); /* nothing behind what is garbled */
            if (fault_of(&h) != row->fault || !strstr(said, row->said))
                fail_msg("row %zu by %zu: %s, \"%s\"", i, step,
                         gc_fault_str(fault_of(&h)), said);
            forget(&h);
        }
}

/* A connection that broke is asked again as long as the patience lasts. */
static void test_odd_what_breaks_off_is_no_stranger(void **state)
{
    (void)state;
    static const odd rows[] = {
        { &gc_provider_anthropic, SSE, "", "" },
        { &gc_provider_anthropic, SSE, "event: message_st", "" },
        { &gc_provider_anthropic, JSON, "{\"content\":[{\"ty", "" },
        { &gc_provider_openai, SSE, O_DELTA("a") "data: {\"ch", "a" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        heard h;
        listen(&h, rows[i].provider, 200, rows[i].type);
        gc_llm_feed(&h.llm, rows[i].body, strlen(rows[i].body));
        h.llm.is_broken = true;
        gc_llm_finish(&h.llm);
        assert_int_equal(fault_of(&h), GC_FAULT_BUSY);
        assert_string_equal(h.text.ptr, rows[i].text);
        forget(&h);
    }
}

/* ---- how it stopped, and what it cost ---- */

static void test_odd_refusals(void **state)
{
    (void)state;
    heard h;
    hear(&h, &gc_provider_openai, 200, SSE, O_DELTA("a") O_STOP("content_filter"), 10);
    assert_true(gc_llm_ok(&h.llm));
    assert_int_equal(h.llm.stop, GC_STOP_REFUSED);
    forget(&h);
    hear(&h, &gc_provider_openai, 200, SSE,
         "data: {\"choices\":[{\"delta\":{\"refusal\":\"I can\"}}]}\n\n"
         "data: {\"choices\":[{\"delta\":{\"refusal\":\"not.\"}}]}\n\n" O_STOP("stop"),
         10);
    assert_int_equal(h.llm.stop, GC_STOP_REFUSED);
    assert_string_equal(gc_llm_said(&h.llm)->refusal, "I cannot.");
    forget(&h);
    hear(&h, &gc_provider_openai, 200, JSON,
         "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":"
         "\"content_filter\"}]}",
         10);
    assert_int_equal(h.llm.stop, GC_STOP_REFUSED);
    assert_int_equal(h.llm.text_bytes, 0); /* not to be used */
    forget(&h);
    hear(&h, &gc_provider_anthropic, 200, JSON,
         "{\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"stop_reason\":"
         "\"refusal\",\"stop_details\":{\"category\":\"cyber\"}}",
         10);
    assert_true(gc_llm_ok(&h.llm));
    assert_string_equal(gc_llm_said(&h.llm)->refusal, "cyber");
    assert_int_equal(h.llm.text_bytes, 0);
    forget(&h);
}

/* message_start knows one token of the answer; that is no figure for all of it. */
static void test_odd_figures_of_the_start_are_not_the_end(void **state)
{
    (void)state;
    static const char start[] =
        "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,"
        "\"output_tokens\":1}}}\n\n" A_DELTA("a");
    heard h;
    gc_buf both;
    gc_buf_init(&both, 4096);
    gc_buf_printf(&both, "%s%s", start, A_STOP);
    hear(&h, &gc_provider_anthropic, 200, SSE, both.ptr, 100);
    assert_true(gc_llm_ok(&h.llm));
    assert_false(h.llm.is_counted);
    forget(&h);
    gc_buf_reset(&both);
    gc_buf_printf(&both, "%s%s", start,
                  "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
                  "\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\n"
                  "data: {\"type\":\"message_delta\",\"delta\":{}}\n\n"
                  "data: {\"type\":\"message_stop\"}\n\n");
    hear(&h, &gc_provider_anthropic, 200, SSE, both.ptr, 100);
    assert_true(h.llm.is_counted);
    assert_int_equal(h.llm.usage.output, 7);
    forget(&h);
    hear(&h, &gc_provider_openai, 200, SSE, O_DELTA("a") O_STOP("stop"), 100);
    assert_false(h.llm.is_counted);
    forget(&h);
    gc_buf_release(&both);
}

/* One event as large as the limit is read; a larger one ends the reading, not the process. */
static void test_odd_huge_lines(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        heard h;
        gc_buf body;
        gc_buf_init(&body, 4 * GC_SSE_MAX_EVENT);
        gc_buf_puts(&body, "data: {\"choices\":[{\"delta\":{\"content\":\"");
        size_t room = GC_SSE_MAX_EVENT - 100 + (over ? 200 : 0);
        while (body.len < room)
            gc_buf_putc(&body, 'x');
        gc_buf_puts(&body, "\"}}]}\n\n" O_STOP("stop"));
        hear(&h, &gc_provider_openai, 200, SSE, body.ptr, 65536);
        assert_int_equal(gc_llm_ok(&h.llm), !over);
        assert_int_equal(h.llm.text_bytes > 0, !over);
        forget(&h);
        gc_buf_release(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_odd_answers_are_read),
        cmocka_unit_test(test_odd_answers_that_are_none),
        cmocka_unit_test(test_odd_what_breaks_off_is_no_stranger),
        cmocka_unit_test(test_odd_refusals),
        cmocka_unit_test(test_odd_figures_of_the_start_are_not_the_end),
        cmocka_unit_test(test_odd_huge_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
