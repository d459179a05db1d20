#include "support/must.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/doc.h"
#include "common/mem.h"
#include "support/doc_text.h"

static void yaml(const char *input, const char *want)
{
    must_parse(input, GC_DOC_YAML, want);
}

static bool bad_yaml(const char *input, const char *want)
{
    return must_refuse(input, GC_DOC_YAML, want);
}

static gc_node *parse(const char *text, size_t len, gc_doc_format format)
{
    gc_diags diags;
    gc_node *root = NULL;
    gc_diags_init(&diags, "x");
    must_ok(gc_doc_parse(text, len, format, &diags, &root));
    gc_diags_release(&diags);
    return root;
}

static void test_doc_format_by_name(void **state)
{
    (void)state;
    assert_int_equal(gc_doc_format_of("a.json"), GC_DOC_JSON);
    assert_int_equal(gc_doc_format_of("dir.md/A.MD"), GC_DOC_MARKDOWN);
    assert_int_equal(gc_doc_format_of("a.markdown"), GC_DOC_MARKDOWN);
    assert_int_equal(gc_doc_format_of("a.yml"), GC_DOC_YAML);
    assert_int_equal(gc_doc_format_of("spec"), GC_DOC_YAML);
}

static void test_doc_plain_scalars_are_text(void **state)
{
    (void)state;
    yaml("a: 1.20\nb: yes\nc: on\nd: 0x1F\ne: 2001-01-01\n",
         "{a=1.20, b=yes, c=on, d=0x1F, e=2001-01-01}");
    yaml("a: null\nb: ~\nc:\nd: Null\ne: \"null\"\nf: ''\n",
         "{a=~, b=~, c=~, d=Null, e='null', f=''}");
    yaml("- !!str null\n- ! ~\n- !!int 7\n- |\n  x\n- >-\n  y\n  z\n",
         "['null', '~', 7, 'x\n', 'y z']");
}

static void test_doc_empty_documents_are_null(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "\n\n", "# only a comment\n", "---\n", "~" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        yaml(texts[i], "~");
    must_parse(" \n", GC_DOC_JSON, "~");
    must_parse("", GC_DOC_MARKDOWN, "{body=[]}");
}

static void test_doc_bom_and_line_ends(void **state)
{
    (void)state;
    yaml("\xef\xbb\xbf"
         "a: 1\r\nb: [x,\r\n y]\r\n",
         "{a=1, b=[x, y]}");
    must_parse("\xef\xbb\xbf{\"a\":\r\n1}", GC_DOC_JSON, "{a=1}");
    gc_node *root = parse("a: 1\r\n\r\nü: [x, ü]\r\n", 21, GC_DOC_YAML);
    char *text = doc_text(root, true);
    assert_string_equal(text, "{a=1@1:4, ü=[x@3:5, ü@3:8]@3:4}@1:1");
    free(text);
    gc_node_destroy(&root);
}

static void test_doc_lookups(void **state)
{
    (void)state;
    const char *input = "a: x\nb: [1]\nc: ~\n";
    gc_node *root = parse(input, strlen(input), GC_DOC_YAML);
    assert_string_equal(gc_node_text(root, "a"), "x");
    assert_null(gc_node_text(root, "b"));
    assert_null(gc_node_text(root, "c"));
    assert_null(gc_node_get(root, "d"));
    assert_null(gc_node_get(NULL, "d"));
    assert_null(gc_node_get(gc_node_get(root, "b"), "a"));
    gc_node_destroy(&root);
    gc_node_destroy(&root);
}

static void test_doc_aliases_are_copies(void **state)
{
    (void)state;
    yaml("a: &x [1, {k: v}]\nb: *x\nc: &y z\n*y : &x 2\nd: *x\n",
         "{a=[1, {k=v}], b=[1, {k=v}], c=z, z=2, d=2}");
    yaml("- &a ~\n- *a\n", "[~, ~]");
    assert_true(bad_yaml("a: *no\nb: 1\n", "x:1:4: error: the alias *no has no anchor"));
    assert_true(bad_yaml("a: &r [*r]\n", "x:1:8: error: the alias *r is inside"));
    /* The anchor stays usable when its node leaves the tree. */
    assert_true(bad_yaml("a: 1\na: &x [2]\nb: *x\n", "duplicate key \"a\""));
}

static void test_doc_merge_keys(void **state)
{
    (void)state;
    yaml("base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\n"
         "one: {<<: *b, y: 9}\ntwo:\n  <<: [*m, *b]\n",
         "{base={x=1, y=2}, more={y=3, z=4}, one={y=9, x=1}, two={y=3, z=4, x=1}}");
    yaml("'<<': 1\n", "{<<=1}");
    assert_true(bad_yaml("<<: 1\n", "x:1:5: error: \"<<\" merges maps only"));
}

static void test_doc_duplicate_keys_name_both_lines(void **state)
{
    (void)state;
    assert_true(bad_yaml("a: 1\nb: 2\na: 3\n",
                         "x:3:1: error: duplicate key \"a\": first at "
                         "line 1, again at line 3; remove one"));
    must_refuse("{\"a\": 1,\n \"a\": 2}", GC_DOC_JSON,
                "x:2:2: error: duplicate key \"a\"");
    gc_buf big; /* past the size where keys are hashed */
    gc_buf_init(&big, 100000);
    for (int i = 0; i < 1000; i++)
        gc_buf_printf(&big, "k%d: x\n", i % 999);
    assert_true(
        bad_yaml(big.ptr, "x:1000:1: error: duplicate key \"k0\": first at line 1,"));
    gc_buf_release(&big);
}

static void test_doc_all_findings_in_one_pass(void **state)
{
    (void)state;
    const char *text = "a: 1\na: 2\nb: *no\n? [x]\n: 1\nc: \"\\x07\"\n---\nd: 1\n";
    assert_true(bad_yaml(text, "x:2:1: error: duplicate"));
    assert_true(bad_yaml(text, "x:3:4: error: the alias"));
    assert_true(bad_yaml(text, "x:4:3: error: a key must be a text"));
    assert_true(
        bad_yaml(text, "x:6:4: error: the text has the control character U+0007"));
    assert_true(bad_yaml(text, "x:7:1: error: a second document"));
}

static void test_doc_yaml_syntax_errors_have_a_fix(void **state)
{
    (void)state;
    assert_false(bad_yaml("a: b: c\n", "x:1:5: error: YAML syntax: mapping values"));
    assert_false(bad_yaml("a:\n\tb: 1\n",
                          "x:2:1: error: YAML syntax: found character that "
                          "cannot start any token"));
    assert_false(bad_yaml("a:\n\tb: 1\n", "; indent with blanks, not tabs"));
    assert_false(bad_yaml("a: [1, 2\nb: 3\n", "that starts at line 1; close the '['"));
    assert_false(bad_yaml("a: \"x\n", "close the quote"));
    assert_false(bad_yaml("a: 1\n  b\n c: 1\n", "x:3:3: error: YAML syntax"));
    assert_true(bad_yaml("?\n: 2\n", "x:1:2: error: a key is missing"));
}

static void test_doc_foreign_tags_are_ignored_with_a_warning(void **state)
{
    (void)state;
    gc_diags diags;
    gc_node *root = NULL;
    const char *input = "a: !!binary aGk=\nb: !thing {c: !!float 1}\n";
    gc_diags_init(&diags, "x");
    must_ok(gc_doc_parse(input, strlen(input), GC_DOC_YAML, &diags, &root));
    assert_int_equal(diags.warnings, 2);
    assert_non_null(strstr(diags.items[1].text, "!thing"));
    assert_string_equal(gc_node_text(root, "a"), "aGk=");
    gc_node_destroy(&root);
    gc_diags_release(&diags);
}

static void test_doc_bytes_that_nobody_may_see(void **state)
{
    (void)state;
    bad_yaml("a: 1\nü: \x01\nb: \x7f\n", "x:2:4: error: control character U+0001");
    bad_yaml("a: 1\nü: \x01\nb: \x7f\n", "x:3:4: error: control character U+007F");
    bad_yaml("a: \xc3(\n", "x:1:4: error: byte 0xc3 is not UTF-8");
    bad_yaml("a: \xed\xa0\x80\n", "byte 0xed is not UTF-8");
    bad_yaml("a: \xef\xbb\xbf\n", "U+FEFF");
    must_refuse("\xff\xfe{", GC_DOC_JSON, "UTF-16");
    must_refuse("# a\x1b[0m", GC_DOC_MARKDOWN, "x:1:4: error: control character U+001B");
    yaml("a: \xef\xbf\xbd\n", "{a=\xef\xbf\xbd}"); /* a written U+FFFD is fine */
    gc_diags diags;
    gc_node *root = NULL;
    gc_diags_init(&diags, "x");
    expect_err(GC_EINVAL, gc_doc_parse("a: b\0c", 6, GC_DOC_YAML, &diags, &root));
    gc_diags_release(&diags);
}

/* `open` as often as `count`, then `inner`, then `close` as often. */
static char *nested(const char *open, int count, const char *inner, const char *close)
{
    gc_buf out;
    gc_buf_init(&out, 1 << 20);
    for (int i = 0; i < count; i++)
        gc_buf_puts(&out, open);
    gc_buf_puts(&out, inner);
    for (int i = 0; i < count; i++)
        gc_buf_puts(&out, close);
    return gc_buf_take(&out);
}

static void test_doc_limit_of_depth(void **state)
{
    (void)state;
    static const gc_doc_format formats[] = { GC_DOC_YAML, GC_DOC_JSON };
    char *good = nested("[", GC_DOC_MAX_DEPTH - 1, "1", "]");
    char *bad = nested("[", GC_DOC_MAX_DEPTH, "1", "]");
    char *worse = nested("[{\"a\":", 50000, "", "");
    for (size_t i = 0; i < 2; i++) {
        gc_node *root = parse(good, strlen(good), formats[i]);
        gc_node_destroy(&root);
        assert_false(must_refuse(bad, formats[i],
                                 "x:1:65: error: nested deeper than the "
                                 "limit of 64 levels"));
        assert_false(must_refuse(worse, formats[i], "limit of 64 levels"));
    }
    free(good);
    free(bad);
    free(worse);
    /* Each alias deepens the next one. */
    gc_buf deep;
    gc_buf_init(&deep, 10000);
    gc_buf_puts(&deep, "a0: &a0 x\n");
    for (int i = 1; i < 70; i++)
        gc_buf_printf(&deep, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    assert_false(bad_yaml(deep.ptr, "limit of 64 levels"));
    gc_buf_release(&deep);
}

static void test_doc_limit_of_expansion(void **state)
{
    (void)state;
    gc_buf bomb; /* ten to the ninth values */
    gc_buf_init(&bomb, 10000);
    gc_buf_puts(&bomb, "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 9; i++) {
        gc_buf_printf(&bomb, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            gc_buf_printf(&bomb, "%s*a%d", j ? "," : "", i - 1);
        gc_buf_puts(&bomb, "]\n");
    }
    assert_false(bad_yaml(bomb.ptr, "limit of 4000000 values"));
    gc_buf_reset(&bomb);
    bomb.limit = (size_t)2 << 20; /* few values, long ones */
    gc_buf_puts(&bomb, "a: &a ");
    for (int i = 0; i < 500000; i++)
        gc_buf_puts(&bomb, "x");
    gc_buf_puts(&bomb, "\nb:\n");
    for (int i = 0; i < 100; i++)
        gc_buf_puts(&bomb, "- *a\n");
    assert_false(bad_yaml(bomb.ptr, "limit of 33554432 bytes"));
    gc_buf_release(&bomb);
}

static void test_doc_limit_of_scalars_and_files(void **state)
{
    (void)state;
    char *text = gc_xmalloc(GC_DOC_MAX_BYTES + 2);
    memset(text, 'x', GC_DOC_MAX_BYTES + 1);
    text[GC_DOC_MAX_BYTES + 1] = '\0';
    assert_false(
        bad_yaml(text, "x:1:1: error: a file of 33554433 bytes is over the limit"));
    text[GC_DOC_MAX_SCALAR] = '\0';
    gc_node *root = parse(text, GC_DOC_MAX_SCALAR, GC_DOC_YAML);
    gc_node_destroy(&root);
    text[GC_DOC_MAX_SCALAR] = 'x';
    text[GC_DOC_MAX_SCALAR + 1] = '\0';
    assert_true(bad_yaml(text, "a text of 1048577 bytes is over the limit of 1048576"));
    must_refuse(text, GC_DOC_MARKDOWN, "a text of 1048577 bytes");
    free(text);
}

static void test_doc_long_keys_are_clipped_in_messages(void **state)
{
    (void)state;
    gc_buf text;
    gc_buf_init(&text, 1000);
    for (int line = 0; line < 2; line++) {
        for (int i = 0; i < 50; i++)
            gc_buf_puts(&text, "üx");
        gc_buf_puts(&text, ": 1\n");
    }
    bad_yaml(text.ptr, "üxü...\": first at line 1");
    gc_buf_release(&text);
}

static void test_doc_json_values(void **state)
{
    (void)state;
    must_parse("{\"a\": [1, -0.5e+3, true, false, null, \"null\"], \"\": {}, \"b\": []}",
               GC_DOC_JSON, "{a=[1, -0.5e+3, true, false, ~, 'null'], ={}, b=[]}");
    must_parse("\"\\\"\\\\\\/\\n\\r\\t\\u00fc\\u20ac\\ud83d\\ude00\"", GC_DOC_JSON,
               "'\"\\/\n\r\tü€😀'");
    must_parse(" 7 ", GC_DOC_JSON, "7");
}

static void test_doc_json_places(void **state)
{
    (void)state;
    const char *input = "{\n  \"ü\": [1,\n \"x\"], \"b\": null}";
    gc_node *root = parse(input, strlen(input), GC_DOC_JSON);
    char *text = doc_text(root, true);
    assert_string_equal(text, "{ü=[1@2:9, 'x'@3:2]@2:8, b=~@3:13}@1:1");
    assert_int_equal(root->keys[1]->column, 8);
    free(text);
    gc_node_destroy(&root);
}

static void test_doc_json_is_strict(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        { "{\"a\": 1,}", "x:1:9: error: JSON syntax: a comma before \"}\"; remove it" },
        { "[1,]", "a comma before \"]\"" },
        { "[1 2]", "x:1:4: error: JSON syntax: unexpected \"2\"; ',' or ']' is needed" },
        { "{a: 1}", "a key in double quotes" },
        { "{'a': 1}", "use double quotes" },
        { "{\"a\" 1}", "':' is needed" },
        { "[1", "the text ends where ',' or ']' is needed" },
        { "\"abc", "x:1:1: error: JSON syntax: this text is never closed" },
        { "// x\n1", "JSON has no comments" },
        { "[1, # x\n1]", "JSON has no comments" },
        { "1 2", "x:1:3: error: JSON syntax: text after the end" },
        { "[01]", "\"01\" is no value" },
        { "[1.]", "\"1.\" is no value" },
        { "[.5]", "\".5\" is no value" },
        { "[+1]", "\"+1\" is no value" },
        { "[1e]", "\"1e\" is no value" },
        { "[NaN]", "\"NaN\" is no value; put texts in double quotes" },
        { "[nullx]", "\"nullx\" is no value" },
        { "[ü]", "unexpected \"ü\"" },
        { "\"\\x41\"", "after a backslash" },
        { "\"\\u12g4\"", "four hex digits" },
        { "\"\\u12", "four hex digits" },
        { "\"\\ud800\"", "half of a surrogate pair" },
        { "\"\\udc00\\ud800\"", "half of a surrogate pair" },
        { "\"\\ud800\\u0041\"", "half of a surrogate pair" },
        { "\"a\nb\"", "x:1:3: error: JSON syntax: a line end or tab inside" },
        { "[\"\\u0000\", \"\\u001b\"]",
          "x:1:12: error: the text has the control character "
          "U+001B" },
        { "[\"\\u0000\"]", "x:1:2: error: the text has the control character U+0000" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        must_refuse(cases[i].text, GC_DOC_JSON, cases[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doc_format_by_name),
        cmocka_unit_test(test_doc_plain_scalars_are_text),
        cmocka_unit_test(test_doc_empty_documents_are_null),
        cmocka_unit_test(test_doc_bom_and_line_ends),
        cmocka_unit_test(test_doc_lookups),
        cmocka_unit_test(test_doc_aliases_are_copies),
        cmocka_unit_test(test_doc_merge_keys),
        cmocka_unit_test(test_doc_duplicate_keys_name_both_lines),
        cmocka_unit_test(test_doc_all_findings_in_one_pass),
        cmocka_unit_test(test_doc_yaml_syntax_errors_have_a_fix),
        cmocka_unit_test(test_doc_foreign_tags_are_ignored_with_a_warning),
        cmocka_unit_test(test_doc_bytes_that_nobody_may_see),
        cmocka_unit_test(test_doc_limit_of_depth),
        cmocka_unit_test(test_doc_limit_of_expansion),
        cmocka_unit_test(test_doc_limit_of_scalars_and_files),
        cmocka_unit_test(test_doc_long_keys_are_clipped_in_messages),
        cmocka_unit_test(test_doc_json_values),
        cmocka_unit_test(test_doc_json_places),
        cmocka_unit_test(test_doc_json_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
