#include "support/must.h"

#include <string.h>

#include "worker/elements.h"

#define A "<generate path=\"a.go\" package=\"p\" kind=\"model\">\nfunc A()\n</generate>\n"
#define B \
    "<generate path=\"b&amp;&lt;1&gt;.go\" package=\"p\" kind=\"model\">\n</generate>\n"
#define C "<generate path=\"c.md\" kind=\"doc\"/>\n"
#define D \
    "<generate path=\"d.go\" package=\"p\" kind=\"model\">\ntype D struct\n</generate>"

static bool is_wanted(void *arg, const char *path)
{
    const char *const *list = arg;
    for (; *list; list++)
        if (strcmp(*list, path) == 0)
            return true;
    return false;
}

static void expect_kept(const char *text, const char *const *paths, size_t dropped,
                        const char *want)
{
    gc_buf out;
    gc_buf_init(&out, 1 << 20);
    assert_int_equal(gc_elements_keep(text, strlen(text), is_wanted, (void *)paths, &out),
                     dropped);
    assert_string_equal(out.ptr, want);
    gc_buf_release(&out);
}

static void test_elements_keeps_only_the_wanted(void **state)
{
    (void)state;
    const char *text = "Make these files.\n\n" A B C D;
    const char *all[] = { "a.go", "b&<1>.go", "c.md", "d.go", NULL };
    const char *some[] = { "b&<1>.go", "d.go", NULL };
    const char *other[] = { "a.go", "c.md", NULL };
    const char *none[] = { NULL };
    expect_kept(text, all, 0, text);
    expect_kept(text, some, 2, "Make these files.\n\n" B D);
    expect_kept(text, other, 2, "Make these files.\n\n" A C);
    expect_kept(text, none, 4, "Make these files.\n\n");
}

static void test_elements_leaves_other_text_alone(void **state)
{
    (void)state;
    const char *none[] = { NULL };
    const char *plain =
        "say <generate path=\"a.go\"> in a sentence\n&lt;generate path=\"x\">\n";
    expect_kept(plain, none, 0, plain);
    const char *open = "<generate path=\"a.go\">\nno end\n";
    expect_kept(open, none, 0, open);
    const char *bad = "<generate path=\"a.go\n</generate>\n";
    expect_kept(bad, none, 0, bad);
    expect_kept("", none, 0, "");
}

static void test_elements_take_crlf_and_one_line_forms(void **state)
{
    (void)state;
    const char *none[] = { NULL };
    expect_kept("<generate path=\"a.go\">\r\nx\r\n</generate>\r\nend", none, 1, "end");
    expect_kept("<generate path=\"a.go\"></generate>\nend", none, 1, "end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_keeps_only_the_wanted),
        cmocka_unit_test(test_elements_leaves_other_text_alone),
        cmocka_unit_test(test_elements_take_crlf_and_one_line_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
