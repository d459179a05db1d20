/* Requests of one turn of the loop go as one script call and answer as if each had gone
 * alone. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "support/astore.h"
#include "support/must.h"

#define TASKS 600 /* more than one call takes */

static int64_t calls_of(astore_fixture *f)
{
    char *info = must_redis_text(f->redis, "INFO commandstats");
    char *at = strstr(info, "cmdstat_evalsha:calls=");
    int64_t calls = at ? strtoll(strchr(at, '=') + 1, NULL, 10) : 0;
    free(info);
    return calls;
}

static void claim_all(astore_fixture *f, gc_task *tasks, claim_answer *claims)
{
    for (size_t i = 0; i < TASKS; i++) {
        char *id = gc_xasprintf("t%zu", i);
        tasks[i] = sample_task(id, id, 1);
        claims[i] = (claim_answer){ .count = 1 };
        gc_astore_claim(f->store, &tasks[i], "w1", 1, on_claim, &claims[i]);
        free(id);
    }
    must_settle_down(f);
}

static void test_store_join_many_tasks_take_few_calls(void **state)
{
    astore_fixture *f = *state;
    static gc_task tasks[TASKS];
    static claim_answer claims[TASKS];
    static commit_answer commits[TASKS];
    static done_answer settled[TASKS];
    gc_usage usage = { .input = 3, .output = 2 };
    int64_t before = calls_of(f);
    claim_all(f, tasks, claims);
    for (size_t i = 0; i < TASKS; i++) {
        must_ok(claims[i].err);
        assert_int_equal(claims[i].files[0].outcome, GC_FILE_MADE);
        assert_true(i == 0 || claims[i].files[0].epoch > claims[i - 1].files[0].epoch);
        gc_astore_commit(f->store, &tasks[i], 0, claims[i].files[0].epoch, "w1",
                         tasks[i].id, strlen(tasks[i].id), &usage, 0, on_commit,
                         &commits[i]);
        gc_astore_settle(f->store, &tasks[i], "w1", 1, 1, &usage, 0.001, 0, "done",
                         on_done, &settled[i]);
    }
    must_settle_down(f);
    assert_true(calls_of(f) - before < TASKS / 10);
    for (size_t i = 0; i < TASKS; i++) {
        must_ok(commits[i].err);
        must_ok(settled[i].err);
        assert_string_equal(commits[i].sha256,
                            gc_sha256(tasks[i].id, strlen(tasks[i].id)).hex);
    }
    assert_int_equal(job_int(f, tasks[0].job, "files_done"), TASKS);
    assert_int_equal(job_int(f, tasks[0].job, "llm_calls"), TASKS);
    assert_int_equal(job_int(f, tasks[0].job, "tokens_output"), 2 * TASKS);
    expect_job_field(f, tasks[0].job, "cost_usd", "0.600000000");
    for (size_t i = 0; i < TASKS; i++)
        sample_task_release(&tasks[i]);
}

/* The second claims what the first has just taken: they do not see it together. */
static void test_store_join_keeps_the_order(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 2);
    claim_answer first = { .count = 2 }, second = { .count = 2 };
    gc_astore_claim(f->store, &task, "w1", 1, on_claim, &first);
    gc_astore_claim(f->store, &task, "w2", 1, on_claim, &second);
    must_settle_down(f);
    assert_int_equal(first.files[0].outcome, GC_FILE_MADE);
    assert_int_equal(second.files[0].outcome, GC_FILE_WAITING);
    assert_int_equal(second.files[1].outcome, GC_FILE_WAITING);
    sample_task_release(&task);
}

/* Writes are gathered until all have run, but each sees what those before it did. */
static void test_store_join_sees_what_it_did(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_usage usage = { .input = 3, .output = 2 };
    claim_answer first = { .count = 1 }, again = { .count = 1 }, last = { .count = 1 };
    commit_answer made = { 0 };
    gc_astore_claim(f->store, &task, "w1", 1, on_claim, &first);
    must_settle_down(f);
    gc_astore_release(f->store, &task, first.files, "w1", "queued", NULL, NULL);
    gc_astore_claim(f->store, &task, "w2", 1, on_claim, &again);
    must_settle_down(f);
    assert_int_equal(again.files[0].outcome, GC_FILE_MADE);
    assert_true(again.files[0].epoch > first.files[0].epoch);
    gc_astore_commit(f->store, &task, 0, again.files[0].epoch, "w2", "text", 4, &usage, 0,
                     on_commit, &made);
    gc_astore_claim(f->store, &task, "w3", 1, on_claim, &last);
    must_settle_down(f);
    must_ok(made.err);
    assert_int_equal(last.files[0].outcome, GC_FILE_REUSED);
    assert_string_equal(last.files[0].sha256, gc_sha256("text", 4).hex);
    assert_int_equal(job_int(f, task.job, "files_reused"),
                     0); /* the job has it already */
    assert_int_equal(job_int(f, task.job, "files_done"), 1);
    sample_task_release(&task);
}

typedef struct turn_answer {
    gc_err err;
    gc_turn turn;
} turn_answer;

static void on_turn(void *arg, gc_err err, const gc_turn *turn)
{
    turn_answer *answer = arg;
    answer->err = err;
    if (turn)
        answer->turn = *turn;
}

/* Calls that are booked by one script count for those after them. */
static void test_store_join_books_one_after_the_other(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_limits told = { .requests = 2,
                       .requests_left = 2,
                       .input = -1,
                       .input_left = -1,
                       .output = -1,
                       .output_left = -1 };
    gc_booking want = { .requests = 1, .input = 10, .output = 10 };
    turn_answer turns[3] = { 0 };
    gc_astore_limit_learn(f->store, &task, "key", 60000, &told);
    for (int i = 0; i < 3; i++)
        gc_astore_limit_take(f->store, &task, "key", 60000, &want, on_turn, &turns[i]);
    must_settle_down(f);
    for (int i = 0; i < 3; i++)
        must_ok(turns[i].err);
    assert_int_equal(turns[1].turn.wait_ms, 0);
    assert_int_equal(turns[1].turn.slot, turns[0].turn.slot);
    assert_true(turns[2].turn.wait_ms > 0);
    assert_true(turns[2].turn.ticket > 0);
    sample_task_release(&task);
}

/* A key of the wrong type fails whom it concerns. */
static void test_store_join_a_broken_one_leaves_the_others(void **state)
{
    astore_fixture *f = *state;
    gc_task good = sample_task("t1", "a", 1), bad = sample_task("t2", "b", 1);
    claim_answer one = { .count = 1 }, two = { .count = 1 };
    freeReplyObject(must_redis(f->redis, "SET gc:gen:%s x", bad.files[0].fingerprint));
    gc_astore_claim(f->store, &bad, "w1", 1, on_claim, &two);
    gc_astore_claim(f->store, &good, "w1", 1, on_claim, &one);
    must_settle_down(f);
    expect_err(GC_EPROTO, two.err);
    must_ok(one.err);
    sample_task_release(&good);
    sample_task_release(&bad);
}

/* What is written once for all at the end fails: each is asked again, alone. */
static void test_store_join_broken_sums_leave_the_others(void **state)
{
    astore_fixture *f = *state;
    gc_task good = sample_task("t1", "a", 1);
    claim_answer one = { .count = 1 };
    freeReplyObject(must_redis(f->redis, "SET gc:model:m x"));
    freeReplyObject(must_redis(f->redis, "LPUSH %s:files x", "gc:job:j-broken"));
    gc_task bad = sample_task("t2", "b", 1);
    free(bad.job);
    bad.job = gc_xstrdup("j-broken");
    claim_answer two = { .count = 1 };
    gc_astore_model_add(f->store, "m", 3, 0.01);
    gc_astore_claim(f->store, &bad, "w1", 1, on_claim, &two);
    gc_astore_claim(f->store, &good, "w1", 1, on_claim, &one);
    must_settle_down(f);
    expect_err(GC_EPROTO, two.err);
    must_ok(one.err);
    sample_task_release(&good);
    sample_task_release(&bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_store_join_many_tasks_take_few_calls, astore_flush),
        cmocka_unit_test_setup(test_store_join_keeps_the_order, astore_flush),
        cmocka_unit_test_setup(test_store_join_sees_what_it_did, astore_flush),
        cmocka_unit_test_setup(test_store_join_books_one_after_the_other, astore_flush),
        cmocka_unit_test_setup(test_store_join_a_broken_one_leaves_the_others,
                               astore_flush),
        cmocka_unit_test_setup(test_store_join_broken_sums_leave_the_others,
                               astore_flush),
    };
    return cmocka_run_group_tests(tests, astore_setup, astore_teardown);
}
