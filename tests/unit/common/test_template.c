#include "support/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/template.h"

#define LIMIT ((size_t)1 << 20)

/* The partials of a case: a JSON object of texts. */
static const char *find_partial(void *arg, const char *name)
{
    return json_string_value(json_object_get(arg, name));
}

static gc_err render_with(const char *template, json_t *data, json_t *partials,
                          gc_buf *out, gc_errinfo *info)
{
    gc_render_options options = { .partial = find_partial, .partial_arg = partials };
    return gc_template_render(template, strlen(template), data, &options, out, info);
}

/* Renders `template` with `data` (JSON text) and compares. */
static void expect_text(const char *template, const char *data, const char *want)
{
    json_t *root = json_loads(data, JSON_DECODE_ANY, NULL);
    gc_buf out;
    gc_buf_init(&out, LIMIT);
    assert_non_null(root);
    must_ok(gc_template_render(template, strlen(template), root, NULL, &out, NULL));
    assert_string_equal(want, out.ptr);
    gc_buf_release(&out);
    json_decref(root);
}

/* Renders `template` with `data` and insists on the error and its words. */
static void expect_words(gc_err want, const char *template, const char *data,
                         const char *words)
{
    json_t *root = json_loads(data, JSON_DECODE_ANY, NULL);
    json_t *partials = json_pack("{s:s, s:s}", "bad", "a\nb {{#x}}", "self", "{{>self}}");
    gc_errinfo info = { 0 };
    gc_buf out;
    gc_buf_init(&out, LIMIT);
    expect_err(want, render_with(template, root, partials, &out, &info));
    if (!strstr(info.text, words))
        fail_msg("wanted \"%s\" in \"%s\"", words, info.text);
    gc_buf_release(&out);
    json_decref(partials);
    json_decref(root);
}

static char *find_official(const char *file)
{
    static const char *const folders[] = { GC_SOURCE_DIR "/../shared/mustache",
                                           GC_SOURCE_DIR "/../../shared/mustache" };
    for (size_t i = 0; i < 2; i++) {
        char *path = gc_xasprintf("%s/%s", folders[i], file);
        if (access(path, R_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static bool passes(const char *file, json_t *test)
{
    const char *template = json_string_value(json_object_get(test, "template"));
    const char *want = json_string_value(json_object_get(test, "expected"));
    gc_render_options options = { .partial = find_partial,
                                  .partial_arg = json_object_get(test, "partials"),
                                  .escape_html = true };
    gc_errinfo info = { 0 };
    gc_buf out;
    gc_buf_init(&out, LIMIT);
    gc_err err = gc_template_render(template, strlen(template),
                                    json_object_get(test, "data"), &options, &out, &info);
    bool good = !err && strcmp(want, out.ptr) == 0;
    if (!good)
        print_error("%s: %s: wanted \"%s\", got \"%s\" %s\n", file,
                    json_string_value(json_object_get(test, "name")), want, out.ptr,
                    info.text);
    gc_buf_release(&out);
    return good;
}

static void test_template_passes_the_official_cases(void **state)
{
    static const char *const files[] = { "comments.json",      "delimiters.json",
                                         "interpolation.json", "inverted.json",
                                         "partials.json",      "sections.json" };
    size_t failed = 0, count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = find_official(files[i]);
        if (!path) {
            print_message("the official Mustache cases are not here: skipped\n");
            skip();
        }
        json_t *root = json_load_file(path, 0, NULL);
        json_t *test;
        size_t index;
        json_array_foreach(json_object_get(root, "tests"), index, test)
        {
            count++;
            failed += !passes(files[i], test);
        }
        json_decref(root);
        free(path);
    }
    assert_int_equal(0, failed);
    assert_true(count > 130);
}

static void test_template_leaves_code_alone(void **state)
{
    (void)state;
    expect_text("if a {{op}} b && \"{{x}}\" {", "{\"op\":\"<\",\"x\":\"'&\"}",
                "if a < b && \"'&\" {");
}

static void test_template_prints_numbers_plainly(void **state)
{
    (void)state;
    expect_text("{{a}} {{b}} {{c}} {{d}} {{e}}",
                "{\"a\":9007199254740993,\"b\":1.21,\"c\":0.1,\"d\":-3.0,\"e\":1e300}",
                "9007199254740993 1.21 0.1 -3 1e+300");
    expect_text("{{t}} {{f}} {{n}}|", "{\"t\":true,\"f\":false,\"n\":null}",
                "true false |");
}

static void test_template_knows_what_is_false(void **state)
{
    static const char *const falsey[] = { "{}",        "{\"v\":null}", "{\"v\":false}",
                                          "{\"v\":0}", "{\"v\":0.0}",  "{\"v\":\"\"}",
                                          "{\"v\":[]}" };
    static const char *const truthy[] = { "{\"v\":true}", "{\"v\":1}", "{\"v\":\"0\"}",
                                          "{\"v\":[0]}", "{\"v\":{}}" };
    (void)state;
    for (size_t i = 0; i < sizeof falsey / sizeof *falsey; i++)
        expect_text("{{#v}}yes{{/v}}{{^v}}no{{/v}}", falsey[i], "no");
    for (size_t i = 0; i < sizeof truthy / sizeof *truthy; i++)
        expect_text("{{#v}}yes{{/v}}{{^v}}no{{/v}}", truthy[i], "yes");
}

static void test_template_renders_data_once(void **state)
{
    (void)state;
    expect_text("{{a}}{{{a}}}{{&a}}", "{\"a\":\"{{b}}{{>p}}\",\"b\":\"no\"}",
                "{{b}}{{>p}}{{b}}{{>p}}{{b}}{{>p}}");
}

static void test_template_indents_nested_partials(void **state)
{
    json_t *partials =
        json_pack("{s:s, s:s}", "a", "a1\n  {{>b}}\na2\n", "b", "b1\n{{x}}\n");
    json_t *data = json_pack("{s:s}", "x", "one\ntwo");
    gc_buf out;
    (void)state;
    gc_buf_init(&out, LIMIT);
    must_ok(render_with("top\n {{>a}}\nend\n", data, partials, &out, NULL));
    assert_string_equal("top\n a1\n   b1\n   one\ntwo\n a2\nend\n", out.ptr);
    gc_buf_release(&out);
    json_decref(data);
    json_decref(partials);
}

static void test_template_errors_name_the_place(void **state)
{
    (void)state;
    expect_words(GC_EINVAL, "a\n  {{name", "{}", "line 2, column 3: this tag is not");
    expect_words(GC_EINVAL, "a {{{name}}", "{}", "line 1, column 3");
    expect_words(GC_EINVAL, "a {{=<% %>}}", "{}", "add \"=}}\"");
    expect_words(GC_EINVAL, "\xc3\xa9\xc3\xa9{{#open}}\n", "{}",
                 "line 1, column 3: the section \"open\" is not closed");
    expect_words(GC_EINVAL, "{{#a}}\n{{#b}}\n{{/a}}", "{}",
                 "line 3, column 1: \"a\" is closed here, but the open section is \"b\"");
    expect_words(GC_EINVAL, "\n{{/a}}", "{}", "line 2, column 1: \"a\" is closed here");
    expect_words(GC_EINVAL, "{{}}", "{}", "has no name");
    expect_words(GC_EINVAL, "{{a b}}", "{}", "no blanks");
    expect_words(GC_EINVAL, "{{a..b}}", "{}", "empty part");
    expect_words(GC_EINVAL, "{{.a}}", "{}", "empty part");
    expect_words(GC_EINVAL, "{{=a=}}", "{}", "delimiters are set as");
    expect_words(GC_EINVAL, "{{=a b c=}}", "{}", "delimiters are set as");
    expect_words(GC_EINVAL, "{{<a}}", "{}", "inheritance");
    expect_words(GC_EINVAL, "x {{l}}", "{\"l\":[1]}",
                 "line 1, column 3: \"l\" is a list");
    expect_words(GC_EINVAL, "x\n  {{>bad}}\n", "{}",
                 "partial \"bad\", line 2, column 3: the section \"x\"");
}

static void test_template_bounds_depth_and_work(void **state)
{
    gc_buf text;
    (void)state;
    gc_buf_init(&text, LIMIT);
    for (int i = 0; i <= GC_TEMPLATE_MAX_DEPTH; i++)
        gc_buf_puts(&text, "{{#a}}");
    expect_words(GC_ETOOBIG, text.ptr, "{}", "nested deeper than 64");
    expect_words(GC_ETOOBIG, "{{>self}}", "{}", "nested deeper than 64");
    gc_buf_reset(&text);
    for (int i = 0; i < 20; i++)
        gc_buf_puts(&text, "{{#a}}");
    gc_buf_puts(&text, "x");
    for (int i = 0; i < 20; i++)
        gc_buf_puts(&text, "{{/a}}");
    expect_words(GC_EFULL, text.ptr, "{\"a\":[1,2,3,4,5,6,7,8]}", "longer than");
    expect_words(
        GC_ETOOBIG,
        "{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{#a}}{{^a}}{{/a}}{{/a}}"
        "{{/a}}{{/a}}{{/a}}{{/a}}{{/a}}",
        "{\"a\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]}",
        "steps");
    gc_buf_reset(&text);
    gc_buf_puts(&text, "{{");
    for (int i = 0; i < 256; i++)
        gc_buf_putc(&text, 'n');
    gc_buf_puts(&text, "}}");
    expect_words(GC_ETOOBIG, text.ptr, "{}", "at most 255 bytes");
    gc_buf_release(&text);
}

static void test_template_takes_zero_bytes_as_text(void **state)
{
    gc_buf out;
    json_t *data = json_object();
    (void)state;
    gc_buf_init(&out, LIMIT);
    must_ok(gc_template_render("a\0b", 3, data, NULL, &out, NULL));
    assert_int_equal(3, out.len);
    expect_err(GC_EINVAL, gc_template_render("{{a\0b}}", 7, data, NULL, &out, NULL));
    json_decref(data);
    gc_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_template_passes_the_official_cases),
        cmocka_unit_test(test_template_leaves_code_alone),
        cmocka_unit_test(test_template_prints_numbers_plainly),
        cmocka_unit_test(test_template_knows_what_is_false),
        cmocka_unit_test(test_template_renders_data_once),
        cmocka_unit_test(test_template_indents_nested_partials),
        cmocka_unit_test(test_template_errors_name_the_place),
        cmocka_unit_test(test_template_bounds_depth_and_work),
        cmocka_unit_test(test_template_takes_zero_bytes_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
