#include "coordinator/issues.h"

#include <stdio.h>
#include <string.h>

#include "support/must.h"

static gc_issues found;

static int tear_down(void **state)
{
    (void)state;
    gc_issues_release(&found);
    return 0;
}

static void collect_in(const char *dir, const char *output)
{
    gc_issue_source source = { "go test", "go test m/a", "/tmp/project", dir };
    gc_issues_collect(&found, &source, output);
}

static void collect(const char *output)
{
    collect_in("", output);
}

static void expect_issue(size_t index, const char *file, int line, int column,
                         const char *text)
{
    assert_true(index < found.count);
    const gc_issue *e = &found.items[index];
    assert_string_equal(e->file, file);
    assert_int_equal(e->line, line);
    assert_int_equal(e->column, column);
    assert_string_equal(e->text, text);
    assert_string_equal(e->check, "go test");
}

static void test_issues_of_the_compiler(void **state)
{
    (void)state;
    collect("# example.com/m/internal/order\n"
            "internal/order/order.go:12:5: undefined: foo\n"
            "./main.go:3:8: \"os\" imported and not used\n"
            "\tinternal/order/order.go:9: other declaration of foo\n");
    assert_int_equal(found.count, 3);
    expect_issue(0, "internal/order/order.go", 12, 5, "undefined: foo");
    expect_issue(1, "main.go", 3, 8, "\"os\" imported and not used");
    expect_issue(2, "internal/order/order.go", 9, 0, "other declaration of foo");
}

static void test_issues_of_vet(void **state)
{
    (void)state;
    collect("# m/a\nvet: a/a.go:4:2: undefined: x\n");
    expect_issue(0, "a/a.go", 4, 2, "undefined: x");
}

static void test_issues_of_a_test_get_their_folder(void **state)
{
    (void)state;
    collect_in("internal/a", "--- FAIL: TestX (0.00s)\n"
                             "    x_test.go:12: got 1, want 2\n"
                             "FAIL\nFAIL\tm/internal/a\t0.003s\nFAIL\n");
    assert_int_equal(found.count, 1);
    expect_issue(0, "internal/a/x_test.go", 12, 0, "got 1, want 2");
    collect_in("internal/a", "internal/a/x_test.go:3:1: syntax error\n");
    expect_issue(1, "internal/a/x_test.go", 3, 1, "syntax error");
}

static void test_issues_blame_the_first_place_of_a_panic(void **state)
{
    (void)state;
    collect_in("a", "--- FAIL: TestX (0.00s)\n"
                    "panic: index out of range [recovered]\n"
                    "\tpanic: index out of range\n\ngoroutine 7 [running]:\n"
                    "testing.tRunner.func1.2({0x52, 0x53})\n"
                    "\t/usr/local/go/src/testing/testing.go:1632 +0x230\n"
                    "m/a.Load(...)\n\t/tmp/project/a/load.go:17\n"
                    "m/a.TestX(0xc0)\n\t/tmp/project/a/load_test.go:9 +0x1d\n");
    assert_true(found.count >= 1);
    assert_string_equal(found.items[0].file, "a/load.go");
    assert_int_equal(found.items[0].line, 17);
    assert_string_equal(found.items[0].text, "panic: index out of range [recovered]");
    for (size_t i = 0; i < found.count; i++)
        assert_null(strstr(found.items[i].text, "+0x"));
}

static void test_issues_of_a_missing_module_say_the_remedy(void **state)
{
    (void)state;
    collect("a/a.go:4:2: no required module provides package github.com/x/y; to add it:\n"
            "\tgo get github.com/x/y\n");
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].text,
                        "no required module provides package github.com/x/y; run `go mod "
                        "tidy` in the project");
}

static void test_issues_without_a_place(void **state)
{
    (void)state;
    collect("something broke\nbadly\n");
    assert_int_equal(found.count, 1);
    expect_issue(0, "", 0, 0, "go test m/a: something broke\nbadly\n");
    collect("");
    expect_issue(1, "", 0, 0, "go test m/a: failed");
    collect("/usr/local/go/src/fmt/print.go:12: not ours\n");
    assert_int_equal(found.count, 3);
    assert_string_equal(found.items[2].file, "");
}

static void test_issues_are_no_places(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "a.go",      "a.go:",   ".go:1: x",    "a.gox:1:2: x", "a.go:x: y",
        "a.go:0: y", ":1:2: x", "ok m/a 0.1s", "a.c:1:2: x",   "vet: ",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        collect(lines[i]);
        assert_string_equal(found.items[found.count - 1].file, "");
        gc_issues_release(&found);
    }
}

static void test_issues_twice_are_one(void **state)
{
    (void)state;
    collect("a.go:1:2: x\n");
    collect("a.go:1:2: x\nvet: ./a.go:1:2: x\n");
    assert_int_equal(found.count, 1);
    collect("a.go:1:3: x\n");
    assert_int_equal(found.count, 2);
    assert_int_equal(found.dropped, 0);
}

static void test_issues_are_clean_text(void **state)
{
    (void)state;
    collect("a.go:1:2: bad \xff\xfe byte, \x1b[31mred\x1b[0m\n");
    expect_issue(0, "a.go", 1, 2, "bad \xef\xbf\xbd\xef\xbf\xbd byte,  [31mred [0m");
    char cut[700]; /* the bound falls into the middle of a character */
    memset(cut, 'x', sizeof cut);
    memcpy(cut + 598, "\xe2\x82\xac", 3);
    cut[sizeof cut - 1] = '\0';
    collect(cut);
    size_t len = strlen(found.items[1].text);
    assert_string_equal(found.items[1].text + len - 3, "\xef\xbf\xbd");
}

static void test_issues_are_bounded(void **state)
{
    (void)state;
    char line[64];
    for (int i = 1; i <= GC_ISSUES_MAX + 5; i++) {
        snprintf(line, sizeof line, "a.go:%d:1: x\n", i);
        collect(line);
    }
    assert_int_equal(found.count, GC_ISSUES_MAX);
    assert_int_equal(found.dropped, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_issues_of_the_compiler),
        TEST(test_issues_of_vet),
        TEST(test_issues_of_a_test_get_their_folder),
        TEST(test_issues_blame_the_first_place_of_a_panic),
        TEST(test_issues_of_a_missing_module_say_the_remedy),
        TEST(test_issues_without_a_place),
        TEST(test_issues_are_no_places),
        TEST(test_issues_twice_are_one),
        TEST(test_issues_are_clean_text),
        TEST(test_issues_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
