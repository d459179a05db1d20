#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "support/must.h"
#include "tests/llm-sim/wanted.h"

static gc_sim_wanted parse(const char *text)
{
    gc_sim_wanted wanted;
    gc_sim_wanted_parse(text, strlen(text), &wanted);
    return wanted;
}

static void test_wanted_reads_the_documented_form(void **state)
{
    (void)state;
    gc_sim_wanted w =
        parse("Write these.\n"
              "<generate path=\"a/b.go\" package=\"b\" kind=\"service\">\n"
              "import \"context\"\n"
              "func F(a []int, b <-chan int) (x int)\n"
              "</generate>\n"
              "<generate path=\"c.go\" package=\"main\" kind=\"main\"/>\n"
              "<generate path=\"d.go\" package=\"main\" kind=\"x\"></generate>\n");
    assert_int_equal(3, w.count);
    assert_string_equal("a/b.go", w.files[0].path);
    assert_string_equal("b", w.files[0].package);
    assert_string_equal("service", w.files[0].kind);
    assert_non_null(strstr(w.files[0].promise, "b <-chan int) (x int)"));
    assert_string_equal("", w.files[1].promise);
    assert_string_equal("", w.files[2].promise);
    gc_sim_wanted_release(&w);
}

static void test_wanted_unescapes_attributes_only(void **state)
{
    (void)state;
    gc_sim_wanted w =
        parse("<generate path=\"a&amp;&quot;&#39;&lt;b&gt;.go\" package='p'>\n"
              "const X = \"&amp;\"\n</generate>");
    assert_int_equal(1, w.count);
    assert_string_equal("a&\"'<b>.go", w.files[0].path);
    assert_non_null(strstr(w.files[0].promise, "&amp;"));
    gc_sim_wanted_release(&w);
}

static void test_wanted_takes_only_the_last_run(void **state)
{
    (void)state;
    gc_sim_wanted w =
        parse("An example:\n<generate path=\"old.go\"/>\n"
              "and now the real ones\n\n"
              "<generate path=\"new.go\"/>\n\n<generate path=\"more.go\"/>\n \n");
    assert_int_equal(2, w.count);
    assert_string_equal("new.go", w.files[0].path);
    gc_sim_wanted_release(&w);
}

static void test_wanted_needs_the_very_end(void **state)
{
    (void)state;
    gc_sim_wanted w = parse("<generate path=\"a.go\"/>\nthank you");
    assert_int_equal(0, w.count);
    gc_sim_wanted_release(&w);
    w = parse("in a line <generate path=\"a.go\"/>");
    assert_int_equal(0, w.count);
    gc_sim_wanted_release(&w);
}

static void test_wanted_leaves_broken_elements_alone(void **state)
{
    (void)state;
    static const char *const cases[] = { "",
                                         "<generate",
                                         "<generate>",
                                         "<generate path=\"a.go\">\nno end",
                                         "<generate path=\"a.go>\n</generate>",
                                         "<generate path=a.go>\n</generate>",
                                         "<generate package=\"a\">\n</generate>",
                                         "<generate path=\"\"/>",
                                         "<generate path=\"a\" path=\"b\"/>",
                                         "<generated path=\"a.go\"/>",
                                         "&lt;generate path=\"a.go\"/>" };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gc_sim_wanted w = parse(cases[i]);
        assert_int_equal(0, w.count);
        gc_sim_wanted_release(&w);
    }
}

static void test_wanted_stays_linear_on_hostile_text(void **state)
{
    (void)state;
    gc_buf text;
    gc_buf_init(&text, 8 << 20);
    for (int i = 0; i < 100000; i++)
        gc_buf_puts(&text, "<generate path=\"a.go\">\n");
    gc_sim_wanted w = parse(text.ptr); /* a quadratic parser would not come back */
    assert_int_equal(0, w.count);
    gc_sim_wanted_release(&w);
    gc_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wanted_reads_the_documented_form),
        cmocka_unit_test(test_wanted_unescapes_attributes_only),
        cmocka_unit_test(test_wanted_takes_only_the_last_run),
        cmocka_unit_test(test_wanted_needs_the_very_end),
        cmocka_unit_test(test_wanted_leaves_broken_elements_alone),
        cmocka_unit_test(test_wanted_stays_linear_on_hostile_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
