#include "coordinator/view.h"

#include <stdlib.h>
#include <string.h>

#include "common/strv.h"
#include "common/text.h"
#include "support/must.h"

static gc_view_call call(const char *path, size_t files, int64_t tokens,
                         int64_t elapsed_ms)
{
    return (gc_view_call){ .path = (char *)path,
                           .files = files,
                           .streaming = tokens > 0,
                           .tokens = tokens,
                           .elapsed_ms = elapsed_ms };
}

static gc_view two_calls(void)
{
    gc_view v = { .phase = "generate",
                  .files = 57,
                  .done = 19,
                  .in_flight = 7,
                  .calls_running = 2,
                  .output_tokens = 1234,
                  .cost_usd = 0.0123,
                  .expected_usd = 0.0456,
                  .elapsed_ms = 5000,
                  .left_s = 75,
                  .call_count = 2 };
    v.calls[0] = call("internal/user/user_service.go", 5, 900, 3000);
    v.calls[1] = call("internal/pet/pet_service.go", 1, 0, 1000);
    return v;
}

/* Without the blanks around each line. */
static gc_strv drawn(const gc_view *v, size_t width, size_t height)
{
    gc_strv lines = { 0 };
    gc_buf text;
    gc_buf_init(&text, 1 << 16);
    gc_view_draw(v, width, height, 0, &text);
    gc_strv_split(&lines, text.ptr, '\n');
    gc_buf_release(&text);
    return lines;
}

static void test_view_draws_bar_and_calls(void **state)
{
    (void)state;
    gc_view v = two_calls();
    gc_strv lines = drawn(&v, 120, 10);
    assert_int_equal(lines.count, 3);
    assert_string_equal(lines.items[0],
                        "generate [========>               ] 19/57 files, 2 calls, 1234 "
                        "tokens, $0.0123 of about $0.0456, 1m15s left");
    assert_string_equal(lines.items[1],
                        "| internal/user/user_service.go (+4)  3s, 900 tokens, 300/s");
    assert_string_equal(lines.items[2],
                        "/ internal/pet/pet_service.go  1s, waiting for the first word");
    gc_strv_release(&lines);
    lines = drawn(&v, 80, 10);
    assert_string_equal(lines.items[0],
                        "generate [===>      ] 19/57 files, 2 calls, 1234 "
                        "tokens, $0.01/$0.05, 1m15s left");
    gc_strv_release(&lines);
}

static void test_view_fits_every_width_and_height(void **state)
{
    (void)state;
    gc_view v = two_calls();
    v.simulated = true;
    v.files = 100000;
    v.calls_running = 2000;
    v.calls[0].path =
        (char *)"internal/\xc3\xa9t\xc3\xa9/\xe6\xb3\xa8\xe6\x96\x87_service.go";
    for (size_t width = 19; width < 140; width++)
        for (size_t height = 1; height < 6; height++) {
            gc_strv lines = drawn(&v, width, height);
            assert_in_range(lines.count, 1, height);
            for (size_t i = 0; i < lines.count; i++)
                assert_in_range(gc_text_columns(lines.items[i], strlen(lines.items[i])),
                                1, width);
            assert_int_equal(strncmp(lines.items[0], "generate (simulated", 19), 0);
            gc_strv_release(&lines);
        }
}

static void test_view_counts_what_it_does_not_list(void **state)
{
    (void)state;
    gc_view v = two_calls();
    v.calls_running = 40;
    gc_strv lines = drawn(&v, 100, 10);
    assert_int_equal(lines.count, 4);
    assert_string_equal(lines.items[3], "and 38 more calls");
    gc_strv_release(&lines);
    lines = drawn(&v, 100, 3);
    assert_int_equal(lines.count, 3);
    assert_string_equal(lines.items[2], "and 39 more calls");
    gc_strv_release(&lines);
}

static void test_view_survives_its_json(void **state)
{
    (void)state;
    gc_view v = two_calls(), back;
    json_t *event = gc_view_json(&v);
    json_object_set_new(event, "v", json_integer(GC_VIEW_VERSION));
    char *text = json_dumps(event, JSON_COMPACT);
    must_ok(gc_view_parse(text, strlen(text), &back));
    gc_strv a = drawn(&v, 100, 10), b = drawn(&back, 100, 10);
    assert_int_equal(a.count, b.count);
    for (size_t i = 0; i < a.count; i++)
        assert_string_equal(a.items[i], b.items[i]);
    gc_strv_release(&a);
    gc_strv_release(&b);
    gc_view_release(&back);
    free(text);
    json_decref(event);
}

static void test_view_refuses_what_is_no_view(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"event\":\"file\",\"v\":1}",
        "{\"event\":\"progress\"}",
        "{\"event\":\"progress\",\"v\":2}",
        "{\"event\":\"progress\",\"v\":1",
    };
    gc_view v;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_err(GC_EPROTO, gc_view_parse(bad[i], strlen(bad[i]), &v));
}

/* Anybody can write into Redis: no number crashes us, no text steers the terminal. */
static void test_view_of_a_hostile_event(void **state)
{
    (void)state;
    static const char hostile[] =
        "{\"event\":\"progress\",\"v\":1,\"phase\":\"a phase whose name is longer than any "
        "that there is\",\"files\":-1,\"done\":99999999999999,\"cost_usd\":-1e300,"
        "\"left_s\":\"x\",\"running\":[{\"path\":\"\\u001b[2Jx\"},1,null,"
        "{\"elapsed_s\":1e308,\"tokens\":9223372036854775807}]}";
    gc_view v;
    must_ok(gc_view_parse(hostile, strlen(hostile), &v));
    assert_int_equal(v.call_count, 4);
    assert_string_equal(v.calls[0].path, " [2Jx");
    gc_strv lines = drawn(&v, 79, 10);
    assert_in_range(lines.count, 1, 10);
    gc_strv_release(&lines);
    gc_view_release(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_draws_bar_and_calls),
        cmocka_unit_test(test_view_fits_every_width_and_height),
        cmocka_unit_test(test_view_counts_what_it_does_not_list),
        cmocka_unit_test(test_view_survives_its_json),
        cmocka_unit_test(test_view_refuses_what_is_no_view),
        cmocka_unit_test(test_view_of_a_hostile_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
