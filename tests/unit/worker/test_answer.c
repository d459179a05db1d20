#include "support/must.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "worker/answer.h"

#define A "package p\n\nfunc A() int { return 1 }\n"
#define B "package p\n\nfunc Other() {}\n"

static gc_task_file files[] = {
    { .path = (char *)"a.go", .package = (char *)"p", .promise = (char *)"func A() int" },
    { .path = (char *)"b.go", .package = (char *)"p", .promise = (char *)"func B()" },
    { .path = (char *)"c.go", .package = (char *)"p", .promise = (char *)"" },
};
static gc_task task = { .files = files, .file_count = 3 };

static void feed(gc_answer *answer, const char *text)
{
    gc_answer_feed(answer, text, strlen(text));
}

static void expect_missing(gc_answer *answer, gc_stop stop, const char *word)
{
    gc_buf out;
    gc_buf_init(&out, 1000);
    gc_answer_missing(answer, "c.go", stop, "cyber", &out);
    assert_non_null(strstr(out.ptr, word));
    gc_buf_release(&out);
}

static void test_answer_gives_each_file_once_it_is_whole(void **state)
{
    (void)state;
    const bool wanted[] = { true, true, true };
    gc_answer_file file;
    gc_promises *promises = gc_promises_new(&task);
    gc_answer *answer = gc_answer_new(&task, promises, wanted);
    feed(answer, "<file path=\"a.go\">\n" A);
    assert_false(gc_answer_next(answer, &file));
    feed(answer, "</file>\n<file path=\"b.go\">\n" B "</file>\n");
    assert_true(gc_answer_next(answer, &file));
    assert_int_equal(file.index, 0);
    assert_true(file.good);
    assert_int_equal(file.len, strlen(A));
    assert_memory_equal(file.text, A, strlen(A));
    assert_false(gc_answer_next(answer, &file)); /* a better one may come */
    feed(answer, "<file path=\"c.go\">\npackage p\n");
    gc_answer_finish(answer, true);
    assert_true(gc_answer_next(answer, &file));
    assert_int_equal(file.index, 1);
    assert_false(file.good); /* it promised B */
    assert_non_null(strstr(file.complaint, "B"));
    assert_false(gc_answer_next(answer, &file));
    expect_missing(answer, GC_STOP_END, "missing");
    expect_missing(answer, GC_STOP_CUT, "cut off");
    expect_missing(answer, GC_STOP_REFUSED, "cyber");
    gc_answer_destroy(&answer);
    gc_promises_destroy(&promises);
}

static void expect_b(const char *text, bool cut, const char *want, bool good)
{
    const bool wanted[] = { false, true, false };
    gc_answer_file file;
    gc_promises *promises = gc_promises_new(&task);
    gc_answer *answer = gc_answer_new(&task, promises, wanted);
    feed(answer, text);
    gc_answer_finish(answer, cut);
    assert_true(gc_answer_next(answer, &file));
    assert_string_equal(file.text, want);
    assert_int_equal(file.good, good);
    assert_int_equal(*file.complaint == '\0', good);
    assert_false(gc_answer_next(answer, &file));
    gc_answer_destroy(&answer);
    gc_promises_destroy(&promises);
}

static void test_answer_of_a_file_given_again(void **state)
{
    (void)state;
#define TAG "<file path=\"b.go\">\n"
#define GOOD "package p\n\nfunc B() {}\n"
#define LATER "package p\n\nfunc B() { B() }\n"
    expect_b(TAG B "</file>\nSorry, again:\n" TAG GOOD "</file>\n", false, GOOD, true);
    expect_b(TAG GOOD "</file>\n" TAG LATER "</file>\n", false, GOOD, true);
    expect_b(TAG GOOD "</file>\n" TAG B "</file>\n", false, GOOD, true);
    expect_b(TAG B "</file>\n" TAG GOOD, true, B, false);
    expect_b("[{\"path\":\"b.go\",\"content\":\"package p\"},"
             "{\"path\":\"b.go\",\"content\":\"package p\\n\\nfunc B() {}\\n\"}]",
             false, GOOD, true);
}

static void expect_piece(const char *text, bool cut, const bool *wanted, const char *want)
{
    size_t len = 0;
    gc_promises *promises = gc_promises_new(&task);
    gc_answer *answer = gc_answer_new(&task, promises, wanted);
    feed(answer, text);
    gc_answer_finish(answer, cut);
    const char *piece = gc_answer_piece(answer, 1, &len);
    char *copy = gc_xasprintf("%.*s", piece ? (int)len : 0, piece ? piece : "");
    assert_string_equal(copy, want);
    free(copy);
    gc_answer_destroy(&answer);
    gc_promises_destroy(&promises);
}

/* It was paid for: where no file came, what did come can be looked at. */
static void test_answer_keeps_what_came_instead(void **state)
{
    (void)state;
    const bool all[] = { true, true, true }, one[] = { false, true, false };
    expect_piece("<file path=\"b.go\">\npackage p\n\nfunc B", true, all,
                 "package p\n\nfunc B");
    expect_piece("<file path=\"b.go\">\npackage p\n<file path=\"a.go\">\n" A "</file>",
                 false, all, "package p");
    expect_piece("I'd rather not.\nReally.", false, all, "I'd rather not.\nReally.");
    expect_piece("<file path=\"src/b.go\">\n" B "</file>", false, one,
                 "package p\n\nfunc Other() {}");
    expect_piece("<file path=\"src/b.go\">\n" B "</file>", false, all, "");
    expect_piece(" \n", false, all, "");
    expect_piece("<file path=\"b.go\">\n" B "</file>", false, all, ""); /* it is there */
}

static void test_answer_takes_only_what_this_call_wants(void **state)
{
    (void)state;
    const bool wanted[] = { false, false, true };
    gc_answer_file file;
    gc_promises *promises = gc_promises_new(&task);
    gc_answer *answer = gc_answer_new(&task, promises, wanted);
    feed(answer, "<file path=\"a.go\">\n" A "</file>\n<file path=\"c.go\">\npackage p\n"
                 "</file>\n");
    gc_answer_finish(answer, false);
    assert_true(gc_answer_next(answer, &file));
    assert_int_equal(file.index, 2);
    assert_false(gc_answer_next(answer, &file));
    gc_answer_destroy(&answer);
    gc_promises_destroy(&promises);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_gives_each_file_once_it_is_whole),
        cmocka_unit_test(test_answer_of_a_file_given_again),
        cmocka_unit_test(test_answer_keeps_what_came_instead),
        cmocka_unit_test(test_answer_takes_only_what_this_call_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
