#include "support/farm_test.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

int farm_set_up(void **state)
{
    *state = must_farm_start(NULL);
    return 0;
}

int farm_tear_down(void **state)
{
    farm *self = *state;
    must_farm_destroy(&self);
    return 0;
}

const farm_end *farm_run(farm *self, gc_task *task)
{
    farm_submit(self, task);
    const farm_end *end = farm_await(self, task->id);
    gc_task_destroy(&task);
    return end;
}

void expect_outcomes(const farm_end *end, gc_outcome outcome, size_t count)
{
    if (!end->done)
        fail_msg("%s: FAIL %s: %s", end->task, end->reason, end->text);
    assert_non_null(end->result);
    assert_int_equal(end->result->file_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(end->result->files[i].outcome, outcome);
}

void expect_fail(const farm_end *end, const char *reason)
{
    assert_false(end->done);
    assert_string_equal(end->reason, reason);
}

void expect_no_leases(farm *self)
{
    redisReply *leases = must_redis(self->redis, "KEYS gc:lease:*");
    assert_int_equal(leases->elements, 0);
    freeReplyObject(leases);
}

bool farm_has_progress(farm *self, const void *unused)
{
    (void)unused;
    return self->progress_count > 0;
}

void set_text(char **at, const char *text)
{
    free(*at);
    *at = gc_xstrdup(text);
}
