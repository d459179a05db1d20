#include "support/must.h"

#include <stdint.h>
#include <string.h>

#include "common/mem.h"
#include "coordinator/structural_pattern.h"

static void expect_read(const char *pattern, size_t min, size_t max, const char *good,
                        const char *bad)
{
    structural_pattern p = { 0 };
    if (!structural_pattern_read(pattern, min, max, &p))
        fail_msg("%s is refused", pattern);
    assert_string_equal(good, p.good);
    if (bad)
        assert_string_equal(bad, p.bad);
    else
        assert_null(p.bad);
    structural_pattern_release(&p);
}

static void test_structural_pattern_gives_samples(void **state)
{
    (void)state;
    expect_read("^P[0-9]{6}$", 0, 99, "P000000", "!");
    expect_read("^[A-Z][0-9]{2}(\\.[0-9]+)?$", 0, 99, "A00", "!");
    expect_read("^(?:EUR|USD)-\\d{2,}$", 7, 99, "EUR-000", "!!!!!!!");
    expect_read("^[a-z0-9]+(-[a-z0-9]+)*$", 0, 99, "a", "!");
    expect_read("^[!?]x$", 0, 99, "!x", "~");
    expect_read("ab|cd", 0, 9, "ab", "!");
    expect_read("^[+\\]-]$", 0, 9, "+", "!");
    expect_read("^[^a-z]+$", 2, 4, "00", NULL);
    expect_read("^.{3}$", 0, 9, "xxx", NULL);
    expect_read("a*", 0, 9, "a", NULL);
    expect_read("^a*$", 0, 9, "a", "!");
    expect_read("(a{10}){10}", 0, 100,
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "!");
}

static void test_structural_pattern_refuses_the_rest(void **state)
{
    static const char *const others[] = {
        "(",
        ")",
        "[",
        "[]",
        "[z-a]",
        "a**",
        "*a",
        "a{3,2}",
        "a{1001}",
        "a{",
        "(?=a)",
        "(?i)a",
        "(?P<n>a)",
        "\\bword",
        "\\p{L}",
        "[[:alpha:]]",
        "a^b",
        "a$b",
        "(^a$)",
        "\\",
        "[a",
        "[\\d-z]x{",
        "\xc3\xa4",
        "a\n",
        "(a{100}){100}",
        "((a{50}){50}){50}",
        "\\1",
        "",
    };
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        structural_pattern p = { 0 };
        if (structural_pattern_read(others[i], 0, 99, &p))
            fail_msg("%s is taken, as %s", others[i], p.good);
    }
}

static void test_structural_pattern_has_limits(void **state)
{
    structural_pattern p = { 0 };
    char deep[200], wide[2000];
    (void)state;
    memset(deep, '(', sizeof deep);
    memset(wide, 'a', sizeof wide);
    deep[sizeof deep - 1] = wide[sizeof wide - 1] = '\0';
    assert_false(structural_pattern_read(deep, 0, 99, &p));
    assert_false(structural_pattern_read(wide, 0, SIZE_MAX, &p));
    assert_false(structural_pattern_read("^a{5}$", 6, 9, &p));
    assert_false(structural_pattern_read("^a{5}$", 0, 4, &p));
    assert_false(structural_pattern_read("^ *$", 0, 4, &p)); /* blank is not given */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structural_pattern_gives_samples),
        cmocka_unit_test(test_structural_pattern_refuses_the_rest),
        cmocka_unit_test(test_structural_pattern_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
