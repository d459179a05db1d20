/* Real gc-worker processes when tasks and answers are not what they should be. */
#include "support/must.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "support/farm.h"

static int set_up(void **state)
{
    *state = must_farm_start(NULL);
    return 0;
}

static int tear_down(void **state)
{
    farm *f = *state;
    must_farm_destroy(&f);
    return 0;
}

static const farm_end *run(farm *f, gc_task *task)
{
    farm_submit(f, task);
    const farm_end *end = farm_await(f, task->id);
    gc_task_destroy(&task);
    return end;
}

static void expect_bad_task(const farm_end *end, const char *word)
{
    assert_false(end->done);
    assert_string_equal(end->reason, GC_FAIL_BAD_TASK);
    if (!strstr(end->text, word))
        fail_msg("%s does not say %s", end->text, word);
}

static void set_text(char **at, const char *text)
{
    free(*at);
    *at = gc_xstrdup(text);
}

static void test_answers_bad_tasks_are_refused_and_the_worker_goes_on(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "ttl", 1);
    set_text(&task->cache_ttl, "7m");
    expect_bad_task(run(f, task), "7m");
    task = farm_task(f, "t2", "up", 2);
    set_text(&task->files[1].path, "../up.go");
    expect_bad_task(run(f, task), "../up.go");
    task = farm_task(f, "t3", "root", 1);
    set_text(&task->files[0].path, "/etc/passwd");
    expect_bad_task(run(f, task), "/etc/passwd");
    task = farm_task(f, "t4", "twice", 2);
    set_text(&task->files[1].path, task->files[0].path);
    expect_bad_task(run(f, task), "twice");
    const farm_end *end = run(f, farm_task(f, "t5", "good", 1));
    assert_true(end->done);
    assert_int_equal(farm_stat(f, "requests"), 1);
}

#define FAST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAST(test_answers_bad_tasks_are_refused_and_the_worker_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
