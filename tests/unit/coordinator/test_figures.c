#include "coordinator/figures.h"

#include <string.h>

#include "support/must.h"

static void test_figures_round_trip(void **state)
{
    (void)state;
    gc_measured m = { .calls = 7,
                      .bytes_per_token = 3.5,
                      .marked = { 36, 10 },
                      .plain = { 30, 11 },
                      .wait = { 500, 7 },
                      .stream = { 900, 80 },
                      .kinds = { { .name = "service", .output = { 5, 20 } },
                                 { .name = "test",
                                   .output = { 6, 30 },
                                   .line = { 2, 70, 6, 2500, 210 } } },
                      .kind_count = 2 };
    gc_measured back;
    gc_buf text;
    gc_buf_init(&text, GC_FIGURES_MAX_BYTES);
    gc_figures_print("m", &m, &text);
    must_ok(gc_figures_read("m", text.ptr, text.len, &back));
    assert_int_equal(back.calls, 7);
    assert_true(back.bytes_per_token > 3.49 && back.bytes_per_token < 3.51);
    assert_int_equal(back.marked.sum, 36);
    assert_int_equal(back.stream.per, 80);
    assert_int_equal(back.kind_count, 2);
    assert_string_equal(back.kinds[1].name, "test");
    assert_int_equal(back.kinds[1].output.per, 30);
    assert_memory_equal(&back.kinds[1].line, &m.kinds[1].line, sizeof(gc_line));
    expect_err(GC_ENOENT, gc_figures_read("other", text.ptr, text.len, &back));
    expect_err(GC_EPROTO, gc_figures_read("m", text.ptr, text.len / 2, &back));
    gc_buf_release(&text);
}

static void test_figures_damaged(void **state)
{
    (void)state;
    gc_measured m;
    static const char odd[] =
        "{\"model\":\"m\",\"calls\":\"x\",\"marked\":7,"
        "\"kinds\":{\"a name that is much longer than any kind\":1}}";
    expect_err(GC_EPROTO, gc_figures_read("m", "[]", 2, &m));
    expect_err(GC_EPROTO, gc_figures_read("m", "", 0, &m));
    must_ok(gc_figures_read("m", odd, strlen(odd), &m));
    assert_int_equal(m.calls, 0);
    assert_int_equal(m.marked.per, 0);
    assert_int_equal(m.kind_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures_round_trip),
        cmocka_unit_test(test_figures_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
