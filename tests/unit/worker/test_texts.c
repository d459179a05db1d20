#include "support/must.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "worker/texts.h"

#define LINES 60

static char *lines(const char *name, int count)
{
    gc_buf out;
    gc_buf_init(&out, 1 << 20);
    for (int i = 0; i < count; i++)
        must_ok(gc_buf_printf(&out, "func %s%d(name string) (int, error)\n", name, i));
    return gc_buf_take(&out);
}

/* One shared block, one of its own, two files. */
static gc_task *make_task(int count)
{
    gc_task *task = gc_task_new();
    task->system = gc_xcalloc(1, sizeof *task->system);
    task->system_count = 1;
    task->system[0].sha256 = gc_xstrdup("hash");
    task->user = gc_xcalloc(1, sizeof *task->user);
    task->user_count = 1;
    task->user[0].text = lines("Ask", count);
    task->files = gc_xcalloc(2, sizeof *task->files);
    task->file_count = 2;
    task->files[0].promise = gc_xstrdup("");
    task->files[1].promise = lines("Make", count);
    return task;
}

static void expect_texts(const gc_task *task, int count)
{
    char *ask = lines("Ask", count), *make = lines("Make", count);
    assert_null(task->system[0].text);
    assert_string_equal(task->system[0].sha256, "hash");
    assert_string_equal(task->user[0].text, ask);
    assert_string_equal(task->files[0].promise, "");
    assert_string_equal(task->files[1].promise, make);
    free(ask);
    free(make);
}

static void test_texts_come_back_as_they_were(void **state)
{
    (void)state;
    gc_texts texts;
    gc_task *task = make_task(LINES);
    gc_texts_init(&texts, task);
    gc_texts_unpack(&texts);
    expect_texts(task, LINES);
    for (int i = 0; i < 3; i++) {
        gc_texts_pack(&texts);
        gc_texts_pack(&texts);
        assert_true(texts.away);
        assert_null(task->user[0].text);
        assert_null(task->files[1].promise);
        assert_true(texts.packed_len < texts.raw_len / 3);
        gc_texts_unpack(&texts);
        expect_texts(task, LINES);
    }
    gc_texts_pack(&texts);
    gc_texts_release(&texts);
    gc_task_destroy(&task);
}

/* Sizes around those of zlib's windows, its largest among them. */
static void test_texts_of_any_size(void **state)
{
    (void)state;
    for (int count = 1; count < 2000; count += count / 8 + 1) {
        gc_texts texts;
        gc_task *task = make_task(count);
        gc_texts_init(&texts, task);
        gc_texts_pack(&texts);
        gc_texts_unpack(&texts);
        expect_texts(task, count);
        gc_texts_release(&texts);
        gc_task_destroy(&task);
    }
}

static void test_texts_that_do_not_shrink_stay(void **state)
{
    (void)state;
    gc_texts texts;
    gc_task *task = make_task(0);
    char *noise = gc_xcalloc(1, 4097);
    uint32_t seed = 1;
    for (int i = 0; i < 4096; i++) {
        seed = seed * 1664525 + 1013904223;
        noise[i] = (char)(1 + (seed >> 24) % 255);
    }
    free(task->user[0].text);
    task->user[0].text = noise;
    gc_texts_init(&texts, task);
    for (int i = 0; i < 2; i++) {
        gc_texts_pack(&texts);
        assert_false(texts.away);
        assert_ptr_equal(task->user[0].text, noise);
    }
    gc_texts_release(&texts);
    gc_task_destroy(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_come_back_as_they_were),
        cmocka_unit_test(test_texts_of_any_size),
        cmocka_unit_test(test_texts_that_do_not_shrink_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
