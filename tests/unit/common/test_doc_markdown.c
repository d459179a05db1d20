#include "support/must.h"

#include <stdlib.h>
#include <string.h>

#include "common/doc.h"
#include "support/doc_text.h"

static void md(const char *input, const char *want)
{
    must_parse(input, GC_DOC_MARKDOWN, want);
}

static void test_markdown_front_matter_is_the_root(void **state)
{
    (void)state;
    md("---\nname: Shop\nentities: [User]\n---\nText.\n",
       "{name=Shop, entities=[User], body=[{block='paragraph', text='Text.'}]}");
    md("---\n---\n", "{body=[]}");
    md("---\r\na: 1\r\n...\r\n# T\r\n",
       "{a=1, body=[{block='heading', level=1, text='T'}]}");
    md("\n \n---\na: 1\n---\nText\n", "{a=1, body=[{block='paragraph', text='Text'}]}");
    md("\n---\nText\n", "{body=[{block='paragraph', text='Text'}]}");
    md("no front matter", "{body=[{block='paragraph', text='no front matter'}]}");
}

static void test_markdown_front_matter_errors_have_their_place(void **state)
{
    (void)state;
    assert_true(must_refuse("---\na: 1\na: 2\n---\n", GC_DOC_MARKDOWN,
                            "x:3:1: error: duplicate key \"a\": first at line 2"));
    must_refuse("---\na: b: c\n---\n", GC_DOC_MARKDOWN, "x:2:5: error: YAML syntax");
    must_refuse("---\na: 1\n", GC_DOC_MARKDOWN,
                "x:1:1: error: the front matter is never");
    must_refuse("\n---\na: 1\na: 2\n---\n", GC_DOC_MARKDOWN,
                "x:4:1: error: duplicate key");
    must_refuse("---\n- a\n---\n", GC_DOC_MARKDOWN,
                "x:2:1: error: the front matter must");
    must_refuse("---\nbody: 1\n---\n", GC_DOC_MARKDOWN, "x:2:7: error: the key \"body\"");
}

static void test_markdown_headings(void **state)
{
    (void)state;
    md("# One #\n###### Six\n ##   Two ##  \n#\n",
       "{body=[{block='heading', level=1, text='One'}, {block='heading', level=6, "
       "text='Six'}, {block='heading', level=2, text='Two'}, {block='heading', level=1, "
       "text=''}]}");
    md("Title\n=====\n\nSub\ntitle\n---\n",
       "{body=[{block='heading', level=1, text='Title'}, {block='heading', level=2, "
       "text='Sub\ntitle'}]}");
    md("#no\n####### seven\n# C#\n",
       "{body=[{block='paragraph', text='#no\n####### seven'}, {block='heading', level=1, "
       "text='C#'}]}");
}

static void test_markdown_paragraphs(void **state)
{
    (void)state;
    md("a\n  b  \n\n\nc\n***\n> d\n> e\n",
       "{body=[{block='paragraph', text='a\nb'}, {block='paragraph', text='c'}, "
       "{block='paragraph', text='d\ne'}]}");
    md("It was in\n1984. Or\n- so\n",
       "{body=[{block='paragraph', text='It was in\n1984. Or'}, {block='list', "
       "items=['so']}]}");
}

static void test_markdown_lists(void **state)
{
    (void)state;
    md("- a\n- b\n  more\n\n  and\n  - c\n    - d\n* e\n+ [ ] f\n",
       "{body=[{block='list', items=['a', 'b\nmore\nand', '  c', '    d', 'e', '[ ] f']}]}");
    md("1. a\n2) b\n   - c\n10. d\n",
       "{body=[{block='list', items=['a', 'b', '  c', 'd']}]}");
    md("- a\n\nb\n",
       "{body=[{block='list', items=['a']}, {block='paragraph', text='b'}]}");
    md("- a\n-\n-b\n# c\n",
       "{body=[{block='list', items=['a', '-b']}, {block='heading', level=1, text='c'}]}");
}

static void test_markdown_tables(void **state)
{
    (void)state;
    md("| name | type |\n|------|:----:|\n| id | `a \\| b` |\n| x |\n\nend\n",
       "{body=[{block='table', header=['name', 'type'], rows=[['id', '`a | b`'], ['x', "
       "'']]}, {block='paragraph', text='end'}]}");
    md("a | b\n--|--\n1 | 2\n# c\n",
       "{body=[{block='table', header=['a', 'b'], rows=[['1', '2']]}, {block='heading', "
       "level=1, text='c'}]}");
    md("a | b\n|--|\n", "{body=[{block='paragraph', text='a | b\n|--|'}]}");
    gc_diags diags;
    gc_node *root = NULL;
    const char *wide = "|a|\n|-|\n|1|2|3|\n";
    gc_diags_init(&diags, "x");
    must_ok(gc_doc_parse(wide, strlen(wide), GC_DOC_MARKDOWN, &diags, &root));
    assert_int_equal(diags.warnings, 1);
    assert_int_equal(diags.items[0].line, 3);
    assert_int_equal(diags.items[0].column, 4);
    gc_node_destroy(&root);
    gc_diags_release(&diags);
}

static void test_markdown_code(void **state)
{
    (void)state;
    md("```yaml title\na: 1\n\n# no heading\n```\ntext\n",
       "{body=[{block='code', language='yaml', text='a: 1\n\n# no heading'}, "
       "{block='paragraph', text='text'}]}");
    md("~~~~\n```\n~~~\n~~~~\n\n    indented\n\n      more\n\nx\n",
       "{body=[{block='code', language='', text='```\n~~~'}, {block='code', language='', "
       "text='indented\n\n  more'}, {block='paragraph', text='x'}]}");
    md("- a\n  ```go\n  x\n    y\n  ```\n- b\n",
       "{body=[{block='list', items=['a']}, {block='code', language='go', text='x\n  y'}, "
       "{block='list', items=['b']}]}");
    md("```inline```\n", "{body=[{block='paragraph', text='```inline```'}]}");
}

static void test_markdown_comments_are_skipped(void **state)
{
    (void)state;
    md("a\n<!-- b\n\n# c -->\nd\n<!-- e --> f\n",
       "{body=[{block='paragraph', text='a'}, {block='paragraph', text='d'}, "
       "{block='paragraph', text='f'}]}");
}

static void test_markdown_places(void **state)
{
    (void)state;
    static const char input[] =
        "---\na: 1\n---\n\n## ü T\n- x\n  - y\n\n|a|b|\n|-|-|\n|ü|2|\n";
    gc_diags diags;
    gc_node *root = NULL;
    gc_diags_init(&diags, "x");
    must_ok(gc_doc_parse(input, sizeof input - 1, GC_DOC_MARKDOWN, &diags, &root));
    char *text = doc_text(root, true);
    assert_string_equal(
        text,
        "{a=1@2:4, body=[{block='heading'@5:1, level=2@5:1, text='ü T'@5:4}@5:1, "
        "{block='list'@6:1, items=['x'@6:3, '  y'@7:5]@6:1}@6:1, {block='table'@9:1, "
        "header=['a'@9:2, 'b'@9:4]@9:1, rows=[['ü'@11:2, '2'@11:4]@11:1]@11:1}@9:1]@4:1}"
        "@2:1");
    free(text);
    gc_node_destroy(&root);
    gc_diags_release(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_markdown_front_matter_is_the_root),
        cmocka_unit_test(test_markdown_front_matter_errors_have_their_place),
        cmocka_unit_test(test_markdown_headings),
        cmocka_unit_test(test_markdown_paragraphs),
        cmocka_unit_test(test_markdown_lists),
        cmocka_unit_test(test_markdown_tables),
        cmocka_unit_test(test_markdown_code),
        cmocka_unit_test(test_markdown_comments_are_skipped),
        cmocka_unit_test(test_markdown_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
