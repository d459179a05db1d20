#include "common/text.h"

#include <stdlib.h>
#include <string.h>

#include "support/must.h"

static void test_text_integers(void **state)
{
    (void)state;
    int64_t n = 7;
    must_ok(gc_parse_i64("-12", -20, 20, &n));
    assert_int_equal(n, -12);
    must_ok(gc_parse_i64("9223372036854775807", 0, INT64_MAX, &n));
    assert_true(n == INT64_MAX);
    static const char *const wrong[] = {
        "", " 1", "1 ", "+1", "0x1", "1.0", "-", "21", "9223372036854775808",
    };
    n = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_err(GC_EINVAL, gc_parse_i64(wrong[i], 0, 20, &n));
    assert_int_equal(n, 7);
}

static void test_text_numbers(void **state)
{
    (void)state;
    double x = 0;
    must_ok(gc_parse_double("1.5", 0, 2, &x));
    assert_true(x == 1.5);
    static const char *const wrong[] = { "", "nan", "inf", "1,5", "2.1", "1e999", "x" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_err(GC_EINVAL, gc_parse_double(wrong[i], 0, 2, &x));
}

static void test_text_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = { { "500ms", 500 }, { "2s", 2000 },    { "1.5s", 1500 },
                 { "1m", 60000 },  { "2h", 7200000 }, { "30", 30000 } };
    int64_t ms = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        must_ok(gc_parse_duration_ms(rows[i].text, 0, 10000000, &ms));
        assert_int_equal(ms, rows[i].ms);
    }
    static const char *const wrong[] = { "", "s", "-1s", "1 s", "1d", "3h", "1..5s" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_err(GC_EINVAL, gc_parse_duration_ms(wrong[i], 0, 10000000, &ms));
}

static void expect_clean(const char *text, const char *want)
{
    char *clean = gc_utf8_clean(text, strlen(text));
    assert_string_equal(clean, want);
    assert_true(gc_utf8_valid(clean, strlen(clean)));
    free(clean);
}

#define UNKNOWN "\xef\xbf\xbd"

static void test_text_clean_replaces_malformed_bytes(void **state)
{
    (void)state;
    expect_clean("", "");
    expect_clean("plain \xc3\xbc \xf0\x9f\x98\x80", "plain \xc3\xbc \xf0\x9f\x98\x80");
    expect_clean("a\xff"
                 "b\x80",
                 "a" UNKNOWN "b" UNKNOWN);
    expect_clean("cut \xe2\x82", "cut " UNKNOWN UNKNOWN);
    expect_clean("\xc0\xaf", UNKNOWN UNKNOWN);             /* overlong */
    expect_clean("\xed\xa0\x80", UNKNOWN UNKNOWN UNKNOWN); /* surrogate */
    expect_clean(UNKNOWN, UNKNOWN);
}

static void expect_line(const char *want, size_t size, const char *text)
{
    char line[64];
    gc_one_line(line, size, text);
    assert_string_equal(line, want);
}

static void test_text_one_line_moves_no_terminal(void **state)
{
    (void)state;
    expect_line("", 64, "");
    expect_line("", 64, "\n\n");
    expect_line("a; b; c", 64, "a\nb\n\r\nc\n");
    expect_line("a [31mred b c", 64,
                "a\x1b[31mred\tb\x7f"
                "c");
    expect_line("a b c d", 64,
                "a\xc2\x9b"
                "b\xe2\x80\xae"
                "c\xe2\x81\xa6"
                "d");
    expect_line("\xef\xbf\xbdx\xc3\xa9", 64, "\xffx\xc3\xa9");
    expect_line("ab", 4, "ab\xc3\xa9"); /* no half characters */
    expect_line("", 1, "abc");
    expect_line("a", 64, "a\n\x07 \xe2\x80\xae");
}

static void test_text_prefixes_and_suffixes(void **state)
{
    (void)state;
    assert_true(gc_starts_with("abc", "ab") && gc_starts_with("abc", ""));
    assert_false(gc_starts_with("ab", "abc"));
    assert_true(gc_ends_with("abc", "bc") && gc_ends_with("abc", ""));
    assert_false(gc_ends_with("bc", "abc"));
}

static void test_text_columns_of_a_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t columns, within3; /* bytes of what three columns hold */
    } rows[] = {
        { "", 0, 0 },
        { "abc", 3, 3 },
        { "\xc3\xa9t\xc3\xa9s", 4, 5 },
        { "\xe6\xb3\xa8\xe6\x96\x87", 4, 3 },         /* wide: the second does not fit */
        { "e\xcc\x81te", 3, 5 },                      /* an accent that combines */
        { "\xf0\x9f\x98\x80\xf0\x9f\x98\x80", 4, 4 }, /* emoji */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = strlen(rows[i].text);
        assert_int_equal(gc_text_columns(rows[i].text, len), rows[i].columns);
        assert_int_equal(gc_text_within(rows[i].text, len, 3), rows[i].within3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_columns_of_a_terminal),
        cmocka_unit_test(test_text_integers),
        cmocka_unit_test(test_text_numbers),
        cmocka_unit_test(test_text_durations),
        cmocka_unit_test(test_text_clean_replaces_malformed_bytes),
        cmocka_unit_test(test_text_one_line_moves_no_terminal),
        cmocka_unit_test(test_text_prefixes_and_suffixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
