#include "support/must.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "worker/sse.h"

static void note(void *arg, const char *name, const char *data, size_t len)
{
    gc_buf *seen = arg;
    assert_int_equal(strlen(data) <= len, 1);
    gc_buf_printf(seen, "[%s|%s]", name, data);
}

/* What comes out when `text` arrives in pieces of `step` bytes. */
static void expect_events(const char *text, size_t step, const char *want)
{
    gc_buf seen;
    gc_sse sse;
    gc_buf_init(&seen, 1 << 20);
    gc_sse_init(&sse, note, &seen);
    for (size_t at = 0, len = strlen(text); at < len; at += step)
        must_ok(gc_sse_feed(&sse, text + at, len - at < step ? len - at : step));
    assert_string_equal(seen.ptr, want);
    gc_sse_release(&sse);
    gc_buf_release(&seen);
}

static void test_sse_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    const char *text = "\xef\xbb\xbf: hello\n"
                       "event: message_start\ndata: {\"a\":1}\n\n"
                       "data:x\r\ndata: y\r\n\r\n"
                       "event: ping\rdata\r\r"
                       "id: 7\nretry: 10\nunknown: z\n\n"
                       "data:  two blanks\n\n"
                       "data: no end";
    const char *want =
        "[message_start|{\"a\":1}][message|x\ny][ping|][message| two blanks]";
    for (size_t step = 1; step <= strlen(text); step++)
        expect_events(text, step, want);
}

static void test_sse_event_without_data_is_none(void **state)
{
    (void)state;
    expect_events("event: ping\n\ndata: a\n\n", 100, "[message|a]");
}

static void test_sse_cuts_long_names(void **state)
{
    (void)state;
    char *text = gc_xasprintf("event: %0200d\ndata: a\n\n", 0);
    char *want = gc_xasprintf("[%0*d|a]", GC_SSE_MAX_NAME - 1, 0);
    expect_events(text, 7, want);
    free(text);
    free(want);
}

static void test_sse_refuses_an_event_over_the_limit(void **state)
{
    (void)state;
    gc_buf seen;
    gc_sse sse;
    char *half = gc_xmalloc(GC_SSE_MAX_EVENT);
    memset(half, 'x', GC_SSE_MAX_EVENT);
    gc_buf_init(&seen, 100);
    gc_sse_init(&sse, note, &seen);
    must_ok(gc_sse_feed(&sse, half, GC_SSE_MAX_EVENT));
    expect_err(GC_ETOOBIG, gc_sse_feed(&sse, half, 1));
    gc_sse_release(&sse);
    gc_sse_init(&sse, note, &seen);
    for (int i = 0; i < 2; i++) { /* two lines, together too much */
        must_ok(gc_sse_feed(&sse, "data: ", 6));
        must_ok(gc_sse_feed(&sse, half, GC_SSE_MAX_EVENT - 100));
        gc_err err = gc_sse_feed(&sse, "\n", 1);
        expect_err(i == 0 ? GC_OK : GC_ETOOBIG, err);
    }
    gc_sse_release(&sse);
    gc_buf_release(&seen);
    free(half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sse_is_the_same_however_it_is_cut),
        cmocka_unit_test(test_sse_event_without_data_is_none),
        cmocka_unit_test(test_sse_cuts_long_names),
        cmocka_unit_test(test_sse_refuses_an_event_over_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
