#include "support/must.h"

#include <stdlib.h>

#include "common/mem.h"
#include "worker/promises.h"

#define TAIL \
    "<generate path=\"a.go\">\nfunc A() int\n</generate>\n<generate path=\"b.go\"/>\n"

static void expect(const gc_promises *promises, size_t file, const char *want)
{
    char *text = gc_promises_text(promises, file);
    assert_string_equal(text, want);
    free(text);
}

/* What the prompt has is kept once; what it has not, or as the hash of a shared text, stays. */
static void test_promises_live_in_the_prompt(void **state)
{
    (void)state;
    gc_block user[] = { { .sha256 = (char *)"ab" }, { .text = (char *)TAIL } };
    gc_task_file files[] = { { .promise = gc_xstrdup("func A() int") },
                             { .promise = gc_xstrdup("") },
                             { .promise = gc_xstrdup("func Elsewhere()") } };
    gc_task task = { .user = user, .user_count = 2, .files = files, .file_count = 3 };
    gc_promises *promises = gc_promises_new(&task);
    assert_null(files[0].promise);
    assert_non_null(files[2].promise);
    expect(promises, 0, "func A() int");
    expect(promises, 1, "");
    expect(promises, 2, "func Elsewhere()");
    gc_promises_destroy(&promises);
    for (size_t i = 0; i < 3; i++)
        free(files[i].promise);
}

static void test_promises_without_a_prompt(void **state)
{
    (void)state;
    gc_task_file file = { .promise = gc_xstrdup("func A() int") };
    gc_task task = { .files = &file, .file_count = 1 };
    gc_promises *promises = gc_promises_new(&task);
    expect(promises, 0, "func A() int");
    gc_promises_destroy(&promises);
    free(file.promise);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promises_live_in_the_prompt),
        cmocka_unit_test(test_promises_without_a_prompt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
