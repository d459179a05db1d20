#include "common/split.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "support/must.h"

static const char *const two[] = { "a.go", "b.go" };

/* What a split found, as one text: every file or "-", then the notes. */
static char *outcome(const gc_split *split, size_t count)
{
    gc_buf out;
    gc_buf_init(&out, (size_t)1 << 20);
    for (size_t i = 0; i < count; i++) {
        size_t len = 0;
        const char *text = gc_split_file(split, i, &len);
        gc_buf_printf(&out, "%zu=", i);
        must_ok(gc_buf_append(&out, text ? text : "-", text ? len : 1));
        gc_buf_puts(&out, "|");
    }
    gc_buf_puts(&out, gc_split_notes(split));
    return gc_buf_take(&out);
}

static char *split_cut(const char *const *paths, size_t count, const char *answer,
                       size_t cut, bool short_stop)
{
    gc_split *split = gc_split_new(paths, count);
    size_t len = strlen(answer);
    if (cut == 0) {
        for (size_t i = 0; i < len; i++)
            must_ok(gc_split_feed(split, answer + i, 1));
    } else {
        must_ok(gc_split_feed(split, answer, cut));
        must_ok(gc_split_feed(split, answer + cut, len - cut));
    }
    gc_split_finish(split, short_stop);
    char *text = outcome(split, count);
    gc_split_destroy(&split);
    return text;
}

/* The answer gives `want`, whole, byte by byte, and cut at every position. */
static void expect_split_of(const char *const *paths, size_t count, const char *answer,
                            bool short_stop, const char *want)
{
    for (size_t cut = 0; cut <= strlen(answer); cut++) {
        char *got = split_cut(paths, count, answer, cut, short_stop);
        if (strcmp(got, want) != 0)
            print_error("cut at %zu of: %s\n", cut, answer);
        assert_string_equal(got, want);
        free(got);
    }
}

static void expect_split(const char *answer, const char *want)
{
    expect_split_of(two, 2, answer, false, want);
}

static void test_paths_with_slips(void **state)
{
    (void)state;
    static const char *const alike[] = { "A.go", "a.go", "b.go" };
    expect_split("<file path=\" a.go \">\npackage a\n</file>\n"
                 "<file path='./B.go'>\npackage b\n</file>",
                 "0=package a\n|1=package b\n|");
    expect_split("[{\"path\":\"\\ta.GO\",\"content\":\"package a\"}]",
                 "0=package a\n|1=-|");
    expect_split_of(alike, 3, "<file path=\"a.go\">\npackage a\n</file>", false,
                    "0=-|1=package a\n|2=-|");
    expect_split_of(alike, 3, "<file path=\"a.Go\">\npackage a\n</file>", false,
                    "0=-|1=-|2=-|is not wanted: a.Go\n");
}

static void test_tags(void **state)
{
    (void)state;
    expect_split("<file path=\"a.go\">\npackage a\n</file>\n"
                 "<file path=\"b.go\">\npackage b\n</file>",
                 "0=package a\n|1=package b\n|");
    expect_split(
        "Sure!\r\n\r\n<file path=\"b.go\">\r\npackage b\r\n\r\n</file>\r\nnext\r\n"
        "  <file path='a.go' >\r\npackage a\r\n  </file>\r\nDone.\r\n",
        "0=package a\n|1=package b\n|");
    expect_split(
        "<file path=\"a.go\">package a</file><file path=\"b.go\">package b</file>",
        "0=package a\n|1=package b\n|");
    expect_split(
        "<file path=\"a.go\">package a\n</file><file path=\"b.go\">\nx\n</file> ok",
        "0=package a\n|1=x\n|");
}

static void test_tag_forms(void **state)
{
    static const char *const odd[] = { "x/a&b's.go", "c.go" };
    (void)state;
    expect_split_of(
        odd, 2,
        "<file kind=model path=\"x/a&amp;b&#39;s.go\" n='1'>\npackage a\n</file>\n"
        "<file\tlang = \"go\" path = ./c.go>\npackage c\n</file>\n",
        false, "0=package a\n|1=package c\n|");
    expect_split("<file path=\"a.go\"/>\n<file name=\"b.go\">\n</file>\n",
                 "0=-|1=-|is empty: a.go\n");
    expect_split("<filepath=\"a.go\">\nx\n</file>\n<file path=\"a.go>\nx\n</file>\n",
                 "0=-|1=-|");
}

static void test_fences_inside_and_outside(void **state)
{
    (void)state;
    expect_split("```go\n<file path=\"a.go\">\npackage a\n</file>\n```\n"
                 "<file path=\"b.go\">\n```go\npackage b\n```\n</file>\n",
                 "0=package a\n|1=package b\n|");
    expect_split("<file path=\"a.go\">\n\n~~~~\npackage a\n~~~~\n\n</file>\n",
                 "0=package a\n|1=-|");
    expect_split("<file path=\"a.go\">\n```go\npackage a\n```</file>\n",
                 "0=package a\n|1=-|");
}

static void test_wrappings_of_a_file(void **state)
{
    (void)state;
    expect_split("<file path=\"a.go\"><![CDATA[\npackage a\n]]></file>\n"
                 "<file path=\"b.go\">\n<![CDATA[package b]]>\n</file>\n",
                 "0=package a\n|1=package b\n|");
    expect_split("<file path=\"a.go\">\n```go\npackage a\n```\nThat was it.\n</file>\n"
                 "<file path=\"b.go\">\nHere it is:\n\n```go\npackage b\n```\n</file>",
                 "0=package a\n|1=package b\n|");
    expect_split(
        "<file path=\"a.go\">\n/* ```go\npackage x\n``` */\npackage a\n</file>\n",
        "0=/* ```go\npackage x\n``` */\npackage a\n|1=-|");
}

static void test_byte_order_marks(void **state)
{
    (void)state;
    expect_split("\xef\xbb\xbf<file path=\"a.go\">\n\xef\xbb\xbfpackage a\n</file>",
                 "0=package a\n|1=-|");
    expect_split("\xef\xbb\xbf[{\"path\":\"a.go\",\"content\":\"\\ufeffpackage a\"}]",
                 "0=package a\n|1=-|");
    expect_split_of(two, 1, "\xef\xbb\xbfpackage a\n", false, "0=package a\n|");
    expect_split("<file path=\"a.go\">\n```go\n\xef\xbb\xbfpackage a\n```\n</file>",
                 "0=package a\n|1=-|");
}

static void test_markdown_keeps_its_own_fences(void **state)
{
    static const char *const readme[] = { "README.md" };
    (void)state;
    expect_split_of(
        readme, 1,
        "<file path=\"README.md\">\n```sh\nmake\n```\ntext\n```\nx\n```\n</file>\n",
        false, "0=```sh\nmake\n```\ntext\n```\nx\n```\n|");
    expect_split_of(readme, 1,
                    "<file path=\"README.md\">\n````\n# T\n```\nx\n```\n````\n</file>",
                    false, "0=# T\n```\nx\n```\n|");
}

static void test_end_tag_in_go_text(void **state)
{
    (void)state;
    expect_split(
        "<file path=\"a.go\">\npackage a\n\nconst s = `<file path=\"x\">\n</file>\n"
        "more`\n\nvar t = \"</file>\"\n</file>\n",
        "0=package a\n\nconst s = `<file path=\"x\">\n</file>\nmore`\n\n"
        "var t = \"</file>\"\n|1=-|");
    expect_split("<file path=\"a.go\">\npackage a\n\n// ends at </file>\nvar x int\n"
                 "/*\n</file>\n*/\n</file>\n",
                 "0=package a\n\n// ends at </file>\nvar x int\n/*\n</file>\n*/\n|1=-|");
}

static void test_end_tag_behind_code(void **state)
{
    (void)state;
    expect_split("<file path=\"a.go\">\npackage a\nfunc F() {}</file>\n\n"
                 "<file path=\"b.go\">\npackage b\nvar x int</file>\n```\n",
                 "0=package a\nfunc F() {}\n|1=package b\nvar x int\n|");
    expect_split("<file path=\"a.go\">\npackage a</file>\nand now the other one:\n"
                 "<file path=\"b.go\">\npackage b\n</file>\n",
                 "0=package a\n|1=package b\n|");
}

static void test_unterminated_raw_string_does_not_swallow_the_next(void **state)
{
    (void)state;
    expect_split("<file path=\"a.go\">\npackage a\nvar s = `oops\n</file>\n"
                 "<file path=\"b.go\">\npackage b\n</file>\n",
                 "0=package a\nvar s = `oops\n|1=package b\n|");
}

static void test_missing_end_tag_drops_only_that_file(void **state)
{
    (void)state;
    expect_split(
        "<file path=\"a.go\">\npackage a\n<file path=\"b.go\">\npackage b\n</file>\n",
        "0=-|1=package b\n|has no end: a.go\n");
    expect_split("<file path=\"a.go\">\npackage a\n", "0=-|1=-|has no end: a.go\n");
}

static void test_stopped_short(void **state)
{
    (void)state;
    expect_split_of(
        two, 2, "<file path=\"a.go\">\npackage a\n</file>\n<file path=\"b.go\">\npack",
        true, "0=package a\n|1=-|has no end: b.go\n");
    expect_split_of(two, 2, "<file path=\"a.go\">\npackage a\n</file>", true,
                    "0=package a\n|1=-|");
    expect_split_of(two, 1, "package a\n", true, "0=-|");
    expect_split_of(two, 2,
                    "[{\"path\":\"a.go\",\"content\":\"x\"},{\"path\":\"b.go\",\"cont",
                    true, "0=x\n|1=-|");
}

static void test_unwanted_and_duplicates(void **state)
{
    (void)state;
    expect_split(
        "<file path=\"c\x01.go\">\npackage c\n</file>\n<file path=\"a.go\">\none\n</file>\n"
        "<file path=\"a.go\">\ntwo\n</file>\n",
        "0=one\n|1=-|is not wanted: c?.go\ncame twice, the first one was taken: a.go\n");
}

static void test_prose_that_mentions_a_tag(void **state)
{
    (void)state;
    expect_split(
        "I write `<file path=\"a.go\">` now.\nHere: <file path=\"a.go\">\npackage a\n"
        "</file>\n",
        "0=package a\n|1=-|");
}

static void test_json_forms(void **state)
{
    (void)state;
    expect_split("[{\"path\":\"a.go\",\"content\":\"package a\\n\"},"
                 "{\"content\":\"package b\",\"path\":\"b.go\"}]",
                 "0=package a\n|1=package b\n|");
    expect_split(
        "Here you are:\n```json\n{\"note\": [1, -2.5e3, true, null], \"files\": [\n"
        " {\"lang\": \"go\", \"path\": \"./a.go\", \"content\": \"package a\"},\n ]}\n```\n",
        "0=package a\n|1=-|");
    expect_split(
        "{\"path\":\"b.go\",\"content\":\"x\"}\n{\"path\":\"c.go\",\"content\":\"x\"}",
        "0=-|1=x\n|is not wanted: c.go\n");
}

static void test_json_strings(void **state)
{
    (void)state;
    expect_split(
        "[{\"path\":\"\\u0061.go\",\"content\":"
        "\"\\ud83d\\ude00 \\u00e9\\t\\\"\\\\\\/ \\ud83d! \\ude00 \xc3\xa9\"}]",
        "0=\xf0\x9f\x98\x80 \xc3\xa9\t\"\\/ \xef\xbf\xbd! \xef\xbf\xbd \xc3\xa9\n|1=-|");
    expect_split("[{\"path\":\"a.go\",\"content\":\"\\x\"}]", "0=-|1=-|");
    expect_split("[{\"path\":\"a.go\",\"content\":\"raw\nnewline\"}]", "0=-|1=-|");
    expect_split("[{\"path\":\"a.go\",\"content\":\"```go\\npackage a\\n```\"}]",
                 "0=package a\n|1=-|");
}

static void test_prose_that_looks_like_json(void **state)
{
    (void)state;
    expect_split("[note] first\n{ \"x\": 1,\n<file path=\"a.go\">\npackage a\n</file>\n",
                 "0=package a\n|1=-|");
    expect_split("[1,\n[{\"path\":\"a.go\",\"content\":\"x\"}]\n", "0=x\n|1=-|");
    expect_split("[1\n[{\"path\":\"a.go\",\"content\":\"x\"}]\n", "0=x\n|1=-|");
}

static void test_bare_answer(void **state)
{
    (void)state;
    expect_split_of(two, 1, "package a\n\nfunc F() {}", false,
                    "0=package a\n\nfunc F() {}\n|");
    expect_split_of(two, 1, "// Package a is.\npackage a\n", false,
                    "0=// Package a is.\npackage a\n|");
    expect_split_of(two, 1, "Sure:\n```sh\ngo build\n```\n```go\npackage a\n```\nBye.",
                    false, "0=package a\n|");
    expect_split_of(two, 1, "```go\npackage a\n```\n```go\npackage b\n```", false,
                    "0=-|");
    expect_split_of(two, 1, "```go\npackage a\n", false, "0=-|");
    expect_split_of(two, 1, "I cannot do that.", false, "0=-|");
    expect_split("package a\n", "0=-|1=-|");
}

static void test_a_file_is_known_at_its_end_tag(void **state)
{
    (void)state;
    const char *answer = "<file path=\"a.go\">\npackage a\n</file>";
    gc_split *split = gc_split_new(two, 2);
    must_ok(gc_split_feed(split, answer, strlen(answer) - 1));
    assert_null(gc_split_file(split, 0, NULL));
    must_ok(gc_split_feed(split, ">", 1));
    size_t len;
    assert_string_equal(gc_split_file(split, 0, &len), "package a\n");
    assert_int_equal(len, 10);
    assert_null(gc_split_file(split, 7, &len));
    answer = "[{\"path\":\"b.go\",\"content\":\"x\"}";
    must_ok(gc_split_feed(split, answer, strlen(answer)));
    assert_string_equal(gc_split_file(split, 1, &len), "x\n");
    gc_split_finish(split, false);
    expect_err(GC_ESTATE, gc_split_feed(split, "x", 1));
    gc_split_destroy(&split);
}

static void test_too_much_keeps_what_was_complete(void **state)
{
    (void)state;
    const char *answer =
        "<file path=\"a.go\">\npackage a\n</file>\n<file path=\"b.go\">\n";
    char *filler = gc_xcalloc(1, GC_SPLIT_MAX_BYTES);
    memset(filler, 'x', GC_SPLIT_MAX_BYTES);
    gc_split *split = gc_split_new(two, 2);
    must_ok(gc_split_feed(split, answer, strlen(answer)));
    expect_err(GC_ETOOBIG, gc_split_feed(split, filler, GC_SPLIT_MAX_BYTES));
    expect_err(GC_ETOOBIG, gc_split_feed(split, "\n</file>\n", 9));
    gc_split_finish(split, false);
    assert_non_null(gc_split_file(split, 0, NULL));
    assert_null(gc_split_file(split, 1, NULL));
    gc_split_destroy(&split);
    free(filler);
}

/* What was judged is forgotten; nothing else changes, however the bytes are cut. */
static void test_split_forgets_what_it_has_judged(void **state)
{
    (void)state;
    const char *paths[] = { "a.txt", "b.txt" };
    gc_split *split = gc_split_new(paths, 2);
    gc_buf body;
    size_t len;
    gc_buf_init(&body, 1 << 20);
    for (int i = 0; i < 1000; i++)
        gc_buf_printf(&body, "line %d of the file\n", i);
    for (size_t i = 0; i < 2; i++) {
        must_ok(gc_split_feed(split, "prose\n<file path=\"", 18));
        must_ok(gc_split_feed(split, paths[i], strlen(paths[i])));
        must_ok(gc_split_feed(split, "\">\n", 3));
        for (size_t at = 0; at < body.len; at += 100)
            must_ok(gc_split_feed(split, body.ptr + at,
                                  body.len - at < 100 ? body.len - at : 100));
        assert_null(gc_split_file(split, i, &len));
        must_ok(gc_split_feed(split, "</file>\n", 8));
        assert_string_equal(gc_split_file(split, i, &len), body.ptr);
        gc_split_drop(split, i);
        assert_null(gc_split_file(split, i, &len));
    }
    must_ok(gc_split_feed(split, "<file path=\"a.txt\">\nx\n</file>\n", 30));
    gc_split_finish(split, false);
    assert_null(gc_split_file(split, 0, &len)); /* it came: the first one counts */
    assert_non_null(strstr(gc_split_notes(split), "a.txt"));
    gc_split_destroy(&split);
    gc_buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_paths_with_slips),
        cmocka_unit_test(test_tag_forms),
        cmocka_unit_test(test_fences_inside_and_outside),
        cmocka_unit_test(test_wrappings_of_a_file),
        cmocka_unit_test(test_byte_order_marks),
        cmocka_unit_test(test_markdown_keeps_its_own_fences),
        cmocka_unit_test(test_end_tag_in_go_text),
        cmocka_unit_test(test_end_tag_behind_code),
        cmocka_unit_test(test_unterminated_raw_string_does_not_swallow_the_next),
        cmocka_unit_test(test_missing_end_tag_drops_only_that_file),
        cmocka_unit_test(test_stopped_short),
        cmocka_unit_test(test_unwanted_and_duplicates),
        cmocka_unit_test(test_prose_that_mentions_a_tag),
        cmocka_unit_test(test_json_forms),
        cmocka_unit_test(test_json_strings),
        cmocka_unit_test(test_prose_that_looks_like_json),
        cmocka_unit_test(test_bare_answer),
        cmocka_unit_test(test_a_file_is_known_at_its_end_tag),
        cmocka_unit_test(test_too_much_keeps_what_was_complete),
        cmocka_unit_test(test_split_forgets_what_it_has_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
