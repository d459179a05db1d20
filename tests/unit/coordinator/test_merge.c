#include "coordinator/merge.h"

#include <string.h>

#include "support/must.h"

#define LIMIT ((size_t)1 << 20)

static gc_err merge(const char *mine, const char *base, const char *theirs, gc_buf *out)
{
    return gc_merge((gc_text){ mine, strlen(mine) }, (gc_text){ base, strlen(base) },
                    (gc_text){ theirs, strlen(theirs) }, out, NULL);
}

static void expect_merged(const char *mine, const char *base, const char *theirs,
                          const char *want)
{
    gc_buf out;
    gc_buf_init(&out, LIMIT);
    must_ok(merge(mine, base, theirs, &out));
    assert_string_equal(out.ptr, want);
    gc_buf_release(&out);
}

static void test_merge_of_distant_changes(void **state)
{
    (void)state;
    expect_merged("A\nb\nc\nd\ne\n", "a\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n",
                  "A\nb\nc\nd\nE\n");
}

static void test_merge_with_one_side_only(void **state)
{
    (void)state;
    expect_merged("a\nmine\n", "a\n", "a\n", "a\nmine\n");
    expect_merged("a\n", "a\n", "a\ntheirs\n", "a\ntheirs\n");
    expect_merged("same\n", "a\n", "same\n", "same\n");
    expect_merged("", "", "", "");
}

static void test_merge_conflict_leaves_nothing(void **state)
{
    (void)state;
    gc_buf out;
    gc_buf_init(&out, LIMIT);
    expect_err(GC_EEXIST, merge("mine\n", "base\n", "theirs\n", &out));
    assert_int_equal(out.len, 0);
    gc_buf_release(&out);
}

/* More than a pipe holds, so that reading and writing must take turns. */
static void test_merge_of_large_texts(void **state)
{
    (void)state;
    gc_buf base, mine, theirs, want, out;
    gc_buf *all[] = { &base, &mine, &theirs, &want, &out };
    for (size_t i = 0; i < 5; i++)
        gc_buf_init(all[i], LIMIT);
    for (int line = 0; line < 20000; line++) {
        const char *first = line == 10 ? "mine" : "line";
        const char *last = line == 19990 ? "theirs" : "line";
        gc_buf_printf(&base, "line %d\n", line);
        gc_buf_printf(&mine, "%s %d\n", first, line);
        gc_buf_printf(&theirs, "%s %d\n", last, line);
        gc_buf_printf(&want, "%s %d\n", line == 10 ? first : last, line);
    }
    must_ok(merge(mine.ptr, base.ptr, theirs.ptr, &out));
    assert_string_equal(out.ptr, want.ptr);
    for (size_t i = 0; i < 5; i++)
        gc_buf_release(all[i]);
}

/* Far more than the limit and than a pipe holds: diff3 must not be waited for for ever. */
static void test_merge_result_has_a_limit(void **state)
{
    (void)state;
    gc_buf text, out;
    gc_buf_init(&text, LIMIT);
    gc_buf_init(&out, 4);
    for (int line = 0; line < 30000; line++)
        gc_buf_printf(&text, "line %d\n", line);
    expect_err(GC_EFULL, merge(text.ptr, text.ptr, text.ptr, &out));
    gc_buf_release(&text);
    gc_buf_release(&out);
}

static void test_merge_keeps_a_missing_line_end(void **state)
{
    (void)state;
    expect_merged("a\nb\nc\nd", "a\nb\nc\nd", "A\nb\nc\nd", "A\nb\nc\nd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_of_distant_changes),
        cmocka_unit_test(test_merge_with_one_side_only),
        cmocka_unit_test(test_merge_conflict_leaves_nothing),
        cmocka_unit_test(test_merge_of_large_texts),
        cmocka_unit_test(test_merge_result_has_a_limit),
        cmocka_unit_test(test_merge_keeps_a_missing_line_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
