#include "support/must.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "worker/fold.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char *repeated(const char *line, int count)
{
    gc_buf text;
    gc_buf_init(&text, 1 << 20);
    for (int i = 0; i < count; i++)
        gc_buf_printf(&text, "%s %d\n", line, i);
    return gc_buf_take(&text);
}

/* A block by hash, one of its own, one file with a promise and one with none. */
static gc_task *make_task(int lines)
{
    gc_task *task = gc_task_new();
    task->system = gc_xcalloc(1, sizeof *task->system);
    task->system_count = 1;
    task->system[0].sha256 = gc_xstrdup(SHA);
    task->user = gc_xcalloc(1, sizeof *task->user);
    task->user_count = 1;
    task->user[0].text = repeated("func Get(ctx context.Context) error", lines);
    task->files = gc_xcalloc(2, sizeof *task->files);
    task->file_count = 2;
    task->files[0].promise = repeated("func Put(ctx context.Context) error", lines);
    task->files[1].promise = gc_xstrdup("");
    return task;
}

static void test_fold_gives_back_what_it_took(void **state)
{
    (void)state;
    gc_folder *folder = gc_folder_new();
    for (int lines = 20; lines <= 20000; lines *= 10) {
        gc_task *task = make_task(lines), *same = make_task(lines);
        gc_fold *fold = gc_fold_new(folder, task);
        assert_non_null(fold);
        for (int i = 0; i < 2; i++) {
            assert_null(task->user[0].text);
            assert_null(task->files[0].promise);
            assert_string_equal(task->system[0].sha256, SHA);
            gc_fold_open(fold, task);
            gc_fold_open(fold, task);
            assert_string_equal(task->user[0].text, same->user[0].text);
            assert_string_equal(task->files[0].promise, same->files[0].promise);
            assert_string_equal(task->files[1].promise, "");
            assert_null(task->system[0].text);
            gc_fold_shut(fold, task);
            gc_fold_shut(fold, task);
        }
        gc_fold_destroy(&fold);
        gc_task_destroy(&task);
        gc_task_destroy(&same);
    }
    gc_folder_destroy(&folder);
}

static void test_fold_leaves_short_texts(void **state)
{
    (void)state;
    gc_folder *folder = gc_folder_new();
    gc_task *task = make_task(5);
    gc_fold *none = gc_fold_new(folder, task);
    assert_null(none);
    assert_non_null(task->user[0].text);
    gc_fold_open(none, task);
    gc_fold_shut(none, task);
    gc_fold_destroy(&none);
    assert_non_null(task->files[0].promise);
    gc_task_destroy(&task);
    gc_folder_destroy(&folder);
}

static void test_fold_leaves_what_does_not_shrink(void **state)
{
    (void)state;
    gc_folder *folder = gc_folder_new();
    gc_task *task = make_task(1);
    uint32_t x = 1;
    free(task->user[0].text);
    task->user[0].text = gc_xcalloc(1, 4001);
    for (int i = 0; i < 4000; i++) {
        x = x * 1664525 + 1013904223;
        task->user[0].text[i] = (char)(1 + (x >> 16) % 255);
    }
    assert_null(gc_fold_new(folder, task));
    assert_int_equal(strlen(task->user[0].text), 4000);
    gc_task_destroy(&task);
    gc_folder_destroy(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold_gives_back_what_it_took),
        cmocka_unit_test(test_fold_leaves_short_texts),
        cmocka_unit_test(test_fold_leaves_what_does_not_shrink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
