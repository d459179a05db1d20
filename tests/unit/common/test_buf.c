#include "support/must.h"

#include <string.h>

#include "common/buf.h"

static void test_buf_refuses_what_passes_its_limit(void **state)
{
    (void)state;
    gc_buf buf;
    gc_buf_init(&buf, 5);
    must_ok(gc_buf_puts(&buf, "abc"));
    expect_err(GC_EFULL, gc_buf_puts(&buf, "def"));
    expect_err(GC_EFULL, gc_buf_puts(&buf, "d")); /* it stays full */
    assert_string_equal(buf.ptr, "abc");
    gc_buf_reset(&buf);
    must_ok(gc_buf_append_lean(&buf, "abcde", 5));
    expect_err(GC_EFULL, gc_buf_append_lean(&buf, "f", 1));
    assert_string_equal(buf.ptr, "abcde");
    gc_buf_release(&buf);
}

static void test_buf_that_grows_lean_wastes_little(void **state)
{
    (void)state;
    gc_buf lean, usual;
    gc_buf_init(&lean, 1 << 20);
    gc_buf_init(&usual, 1 << 20);
    size_t moves = 0;
    while (lean.len < 100000) {
        size_t before = lean.cap;
        must_ok(gc_buf_append_lean(&lean, "seven b", 7));
        must_ok(gc_buf_append(&usual, "seven b", 7));
        moves += lean.cap != before;
        assert_true(lean.cap <= lean.len + lean.len / 8 + 256);
    }
    assert_true(moves < 100);
    assert_int_equal(lean.len, usual.len);
    assert_string_equal(lean.ptr, usual.ptr);
    gc_buf_release(&lean);
    gc_buf_release(&usual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf_refuses_what_passes_its_limit),
        cmocka_unit_test(test_buf_that_grows_lean_wastes_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
