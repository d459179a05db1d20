#include "common/gosrc.h"

#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "support/must.h"

static const char *const letters[] = { "eof",  "name", "key", "int",  "float", "imag",
                                       "rune", "str",  "op",  "semi", "note" };

/* The tokens as "kind:text ...", or "error" and its words. */
static char *lex(const char *src, size_t len, bool comments)
{
    gc_go_lexer lexer;
    gc_go_token token;
    gc_errinfo info;
    gc_buf out;
    gc_buf_init(&out, 1 << 20);
    gc_go_lexer_init(&lexer, src, len, comments);
    for (;;) {
        if (gc_go_lexer_next(&lexer, &token, &info)) {
            gc_buf_printf(&out, "error %s", info.text);
            break;
        }
        if (token.kind == GC_GO_EOF)
            break;
        gc_buf_printf(&out, "%s:%.*s ", letters[token.kind], (int)token.len, token.text);
    }
    return gc_buf_take(&out);
}

static void expect_lex(const char *src, const char *want)
{
    char *got = lex(src, strlen(src), false);
    assert_string_equal(got, want);
    free(got);
}

static void expect_refused(const char *src, const char *words)
{
    char *got = lex(src, strlen(src), true);
    if (!strstr(got, "error ") || !strstr(got, words))
        print_error("%s gave: %s\n", src, got);
    assert_non_null(strstr(got, "error "));
    assert_non_null(strstr(got, words));
    free(got);
}

static void test_semicolons(void **state)
{
    (void)state;
    expect_lex("a\n\n+\nb // c\n)", "name:a semi: op:+ name:b semi: op:) semi: ");
    expect_lex("return\nx++\n}", "key:return semi: name:x op:++ semi: op:} semi: ");
    expect_lex("a /* x\n y */ b", "name:a semi: name:b semi: ");
    expect_lex("a /* x */ /* y */\nb;", "name:a semi: name:b semi:; ");
    expect_lex("if\nfunc\n,\n", "key:if key:func op:, ");
    expect_lex("fallthrough\n", "key:fallthrough semi: ");
    expect_lex("\xef\xbb\xbf// only a comment", "");
}

static void test_comments_are_tokens_when_asked(void **state)
{
    (void)state;
    const char *src = "//go:build x\na /* b\n */ c // d";
    char *got = lex(src, strlen(src), true);
    assert_string_equal(got, "note://go:build x name:a semi: note:/* b\n */ name:c "
                             "note:// d semi: ");
    free(got);
}

static void test_operators_take_the_longest(void **state)
{
    (void)state;
    expect_lex(
        "a<<=b&^=c...d<-e&^f~g:=h!=i>>j->k",
        "name:a op:<<= name:b op:&^= name:c op:... name:d op:<- name:e op:&^ name:f "
        "op:~ name:g op::= name:h op:!= name:i op:>> name:j op:- op:> name:k semi: ");
}

static void test_identifiers(void **state)
{
    (void)state;
    expect_lex(
        "_x9 \xcf\x80\xc3\xa9 \xe4\xbd\xa0\xe5\xa5\xbd x\xd9\xa3 ranges",
        "name:_x9 name:\xcf\x80\xc3\xa9 name:\xe4\xbd\xa0\xe5\xa5\xbd name:x\xd9\xa3 "
        "name:ranges semi: ");
    expect_refused("\xd9\xa3x", "U+0663 is no Go character");
    expect_refused("a \xe2\x80\x9cquoted\xe2\x80\x9d", "U+201C");
    expect_refused("a # b", "'#' is no Go character");
}

static void test_numbers(void **state)
{
    (void)state;
    expect_lex(
        "0 1_000 0x_1F 0b1 0o17 017 0X1p-2 0x1.8p1 1e3 .5 1. 08.5 09i 1i 0x1i 1.e+1_0",
        "int:0 int:1_000 int:0x_1F int:0b1 int:0o17 int:017 float:0X1p-2 "
        "float:0x1.8p1 float:1e3 float:.5 float:1. float:08.5 imag:09i imag:1i "
        "imag:0x1i float:1.e+1_0 semi: ");
    expect_lex("1..2 x.y", "float:1. float:.2 name:x op:. name:y semi: ");
    static const char *const bad[] = { "08",    "0x",     "0b2",   "1__0", "1_",
                                       "0_x1",  "1e",     "0x1.0", "1p3",  "0b1e1",
                                       "0o1.5", "0x1_p1", "1._5",  "0b" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused(bad[i], "line 1: ");
}

static void test_strings_and_runes(void **state)
{
    (void)state;
    expect_lex(
        "\"a\\\"b\\n\\x41\\101\\u00e9\\U0001F600\" `r\\aw\n` 'x' '\\'' '\\\\' '\xc3\xa9'",
        "str:\"a\\\"b\\n\\x41\\101\\u00e9\\U0001F600\" str:`r\\aw\n` rune:'x' "
        "rune:'\\'' rune:'\\\\' rune:'\xc3\xa9' semi: ");
    expect_refused("\n\"abc\n", "line 2: a string that never ends");
    expect_refused("x\n`abc", "line 2: a raw string that never ends");
    expect_refused("\"\\'\"", "unknown escape");
    expect_refused("'\\\"'", "unknown escape");
    expect_refused("\"\\xg0\"", "too few digits");
    expect_refused("\"\\400\"", "above 255");
    expect_refused("\"\\ud800\"", "no Unicode character");
    expect_refused("'\\U00110000'", "no Unicode character");
    expect_refused("''", "empty rune");
    expect_refused("'ab'", "more than one");
    expect_refused("'a", "never ends");
    expect_refused("/* a\n", "line 1: a comment that never ends");
}

static void test_bytes_that_are_no_text(void **state)
{
    (void)state;
    static const char *const places[] = { "a %s b", "\"%s\"",  "`%s`",
                                          "'%s'",   "// %s\n", "/*\n%s */" };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        gc_buf src;
        gc_buf_init(&src, 100);
        const char *mark = strstr(places[i], "%s");
        for (const char *bad = "\xc3("; bad;
             bad = bad[0] == '\xc3' ? "\xef\xbb\xbf" : NULL) {
            gc_buf_reset(&src);
            must_ok(gc_buf_append(&src, places[i], (size_t)(mark - places[i])));
            must_ok(gc_buf_puts(&src, bad));
            must_ok(gc_buf_puts(&src, mark + 2));
            expect_refused(src.ptr, bad[0] == '\xc3' ? "not UTF-8" : "byte order mark");
        }
        gc_buf_release(&src);
    }
    char *got = lex("a\n\0", 3, false);
    assert_string_equal(got, "name:a semi: error line 2: a NUL byte");
    free(got);
}

static void test_places(void **state)
{
    (void)state;
    const char *src = "\xef\xbb\xbf"
                      "a\n  `x\n\ny` /*\n*/ b";
    gc_go_lexer lexer;
    gc_go_token token;
    int want[][2] = { { 1, 1 }, { 1, 2 }, { 2, 3 }, { 4, 4 }, { 5, 4 } };
    gc_go_lexer_init(&lexer, src, strlen(src), false);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        must_ok(gc_go_lexer_next(&lexer, &token, NULL));
        assert_int_equal(token.line, want[i][0]);
        assert_int_equal(token.column, want[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_semicolons),
        cmocka_unit_test(test_comments_are_tokens_when_asked),
        cmocka_unit_test(test_operators_take_the_longest),
        cmocka_unit_test(test_identifiers),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_strings_and_runes),
        cmocka_unit_test(test_bytes_that_are_no_text),
        cmocka_unit_test(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
