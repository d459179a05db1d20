/* Real gc-worker processes when tasks and answers are not what they should be. */
#include "support/farm_test.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static void expect_bad_task(const farm_end *end, const char *word)
{
    expect_fail(end, GC_FAIL_BAD_TASK);
    if (!strstr(end->text, word))
        fail_msg("%s does not say %s", end->text, word);
}

static void test_answers_bad_tasks_are_refused_and_the_worker_goes_on(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "ttl", 1);
    set_text(&task->cache_ttl, "7m");
    expect_bad_task(farm_run(f, task), "7m");
    task = farm_task(f, "t2", "up", 2);
    set_text(&task->files[1].path, "../up.go");
    expect_bad_task(farm_run(f, task), "../up.go");
    task = farm_task(f, "t3", "root", 1);
    set_text(&task->files[0].path, "/etc/passwd");
    expect_bad_task(farm_run(f, task), "/etc/passwd");
    task = farm_task(f, "t4", "twice", 2);
    set_text(&task->files[1].path, task->files[0].path);
    expect_bad_task(farm_run(f, task), "twice");
    const farm_end *end = farm_run(f, farm_task(f, "t5", "good", 1));
    assert_true(end->done);
    assert_int_equal(farm_stat(f, "requests"), 1);
}

/* ---- what came is kept, or not ---- */

static void expect_blob(farm *f, const gc_file_result *file, const char *word)
{
    char *text = must_redis_text(f->redis, "GET gc:blob:%s", file->sha256);
    if (!strstr(text, word))
        fail_msg("%s: no %s in %s", file->path, word, text);
    free(text);
}

static void test_answers_cut_or_without_a_file_are_kept(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    farm_faults(f, "[{\"kind\":\"max_tokens\",\"at\":60}]");
    const farm_end *end = farm_run(f, farm_task(f, "t1", "cut", 1));
    assert_true(end->done);
    assert_int_equal(end->result->files[0].outcome, GC_FILE_REJECTED);
    assert_true(end->result->files[0].partial);
    expect_blob(f, &end->result->files[0], "package p");
    farm_faults(f, "[{\"kind\":\"garbage\"}]");
    end = farm_run(f, farm_task(f, "t2", "junk", 2));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(end->result->files[i].outcome, GC_FILE_REJECTED);
        assert_true(end->result->files[i].partial);
        assert_int_equal(strlen(end->result->files[i].sha256), 64);
    }
    farm_faults(f, "[{\"kind\":\"bad_signature\"}]");
    end = farm_run(f, farm_task(f, "t3", "sign", 1));
    assert_int_equal(end->result->files[0].outcome, GC_FILE_REJECTED);
    assert_false(end->result->files[0].partial);
    expect_blob(f, &end->result->files[0], "package p");
}

/* Files that had ended before the refusal were stored as they streamed past. */
static void test_answers_that_a_refusal_broke_off_are_not_used(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    farm_faults(f, "[{\"kind\":\"refusal\",\"at\":60}]");
    const farm_end *end = farm_run(f, farm_task(f, "t1", "half", 3));
    assert_true(end->done);
    const gc_file_result *files = end->result->files;
    assert_int_equal(files[0].outcome, GC_FILE_MADE);
    assert_int_equal(files[2].outcome, GC_FILE_REJECTED);
    assert_string_equal(files[2].sha256, "");
    assert_non_null(strstr(files[2].text, "refused"));
}

/* A bad file is kept, too, if the call is cancelled before its answer ends. */
static void test_answers_of_cancelled_calls_are_kept(void **state)
{
    farm *f = *state;
    bool kept = false;
    farm_start_worker(f, 0, 4, NULL, NULL);
    farm_faults(f, "[{\"kind\":\"stall\",\"at\":70}]");
    for (int i = 1; i <= 20 && !kept; i++) { /* until it was read before the word came */
        char *id = gc_xasprintf("t%d", i);
        gc_task *task = farm_task(f, id, id, 3);
        set_text(&task->files[0].promise, "func Another()");
        farm_submit(f, task);
        farm_await_stat(f, "requests", i);
        farm_idle(f, 50 * i);
        farm_cancel(f, task->job);
        const farm_end *end = farm_await(f, id);
        assert_false(end->done);
        for (size_t n = 0; end->result && n < end->result->file_count; n++)
            if (end->result->files[n].outcome == GC_FILE_REJECTED) {
                expect_blob(f, &end->result->files[n], "package p");
                kept = true;
            }
        gc_task_destroy(&task);
        free(id);
    }
    assert_true(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FARM_TEST(test_answers_bad_tasks_are_refused_and_the_worker_goes_on),
        FARM_TEST(test_answers_cut_or_without_a_file_are_kept),
        FARM_TEST(test_answers_that_a_refusal_broke_off_are_not_used),
        FARM_TEST(test_answers_of_cancelled_calls_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
