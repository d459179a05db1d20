/* Claims, commits and the spend cap of the asynchronous store, against a real Redis. */
#include "common/store_async.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "support/astore.h"
#include "support/must.h"

#define JOB "j-000000000001"

static void expect_record(astore_fixture *f, const char *task, const char *prefix)
{
    char *text = must_redis_text(f->redis, "HGET gc:job:" JOB ":tasks %s", task);
    text[strlen(text) < strlen(prefix) ? 0 : strlen(prefix)] = '\0';
    assert_string_equal(text, prefix);
    free(text);
}

/* The lease of a file lapses when the test says so, by the server's own clock. */
static void lapse(astore_fixture *f, const gc_task *task)
{
    for (size_t i = 0; i < task->file_count; i++) {
        const char *fp = task->files[i].fingerprint;
        freeReplyObject(must_redis(f->redis, "PEXPIRE gc:lease:%s 1", fp));
        while (must_redis_int(f->redis, "EXISTS gc:lease:%s", fp))
            ;
    }
}

static void test_store_async_claim_takes_and_commit_makes(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 2);
    claim_answer mine = do_claim(f, &task, "w1", 1);
    must_ok(mine.err);
    assert_int_equal(mine.files[0].outcome, GC_FILE_MADE);
    assert_true(mine.files[0].epoch > 0);
    assert_int_equal(mine.files[0].epoch, mine.files[1].epoch);
    char *lease = must_redis_text(f->redis, "GET gc:lease:%s", task.files[0].fingerprint);
    char *want = gc_xasprintf("w1 %lld", (long long)mine.files[0].epoch);
    assert_string_equal(lease, want);
    assert_true(must_redis_int(f->redis, "PTTL gc:lease:%s", task.files[0].fingerprint) >
                0);
    free(lease);
    free(want);
    expect_record(f, "t1", "running w1 1 ");

    commit_answer done = do_commit(f, &task, 0, mine.files[0].epoch, "w1", "package a\n");
    must_ok(done.err);
    assert_string_equal(done.sha256, gc_sha256("package a\n", 10).hex);
    assert_int_equal(
        must_redis_int(f->redis, "EXISTS gc:lease:%s", task.files[0].fingerprint), 0);
    char *field =
        must_redis_text(f->redis, "HGET gc:gen:%s cost", task.files[0].fingerprint);
    assert_string_equal(field, "0.250000000");
    free(field);
    field = must_redis_text(f->redis, "HGET gc:job:" JOB ":files a0.go");
    assert_string_equal(field, done.sha256);
    free(field);
    assert_int_equal(job_int(f, JOB, "files_done"), 1);
    sample_task_release(&task);
}

static void test_store_async_made_files_are_reused(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 2);
    claim_answer mine = do_claim(f, &task, "w1", 1);
    commit_answer done = do_commit(f, &task, 0, mine.files[0].epoch, "w1", "package a\n");
    free(task.job);
    task.job = gc_xstrdup("j-000000000002");
    claim_answer theirs = do_claim(f, &task, "w2", 1);
    must_ok(theirs.err);
    assert_int_equal(theirs.files[0].outcome, GC_FILE_REUSED);
    assert_string_equal(theirs.files[0].sha256, done.sha256);
    assert_int_equal(theirs.files[1].outcome, GC_FILE_WAITING);
    assert_int_equal(job_int(f, "j-000000000002", "files_reused"), 1);
    assert_int_equal(job_int(f, "j-000000000002", "files_done"), 1);
    must_ok(do_claim(f, &task, "w2", 1).err);
    assert_int_equal(job_int(f, "j-000000000002", "files_reused"), 1);
    sample_task_release(&task);
}

static void test_store_async_without_reuse_adopts_only_own_work(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    task.reuse = false;
    claim_answer mine = do_claim(f, &task, "w1", 1);
    must_ok(do_commit(f, &task, 0, mine.files[0].epoch, "w1", "package a\n").err);
    claim_answer again = do_claim(f, &task, "w2", 2);
    assert_int_equal(again.files[0].outcome, GC_FILE_REUSED);
    free(task.job);
    task.job = gc_xstrdup("j-000000000002");
    claim_answer other = do_claim(f, &task, "w2", 1);
    assert_int_equal(other.files[0].outcome, GC_FILE_MADE);
    must_ok(do_commit(f, &task, 0, other.files[0].epoch, "w2", "package b\n").err);
    sample_task_release(&task);
}

static void test_store_async_lost_blob_is_made_again(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    claim_answer mine = do_claim(f, &task, "w1", 1);
    commit_answer done = do_commit(f, &task, 0, mine.files[0].epoch, "w1", "package a\n");
    freeReplyObject(must_redis(f->redis, "DEL gc:blob:%s", done.sha256));
    claim_answer again = do_claim(f, &task, "w1", 1);
    assert_int_equal(again.files[0].outcome, GC_FILE_MADE);
    assert_int_equal(
        must_redis_int(f->redis, "EXISTS gc:gen:%s", task.files[0].fingerprint), 0);
    must_ok(do_commit(f, &task, 0, again.files[0].epoch, "w1", "package a\n").err);
    sample_task_release(&task);
}

/* Both were paused past their leases, and the one who claimed first woke up first. */
static void test_store_async_made_meanwhile_is_no_lease_any_more(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    claim_answer first = do_claim(f, &task, "w1", 1);
    lapse(f, &task);
    claim_answer second = do_claim(f, &task, "w2", 2);
    lapse(f, &task);
    must_ok(do_commit(f, &task, 0, first.files[0].epoch, "w1", "package a\n").err);
    assert_false(do_renew(f, &task, &second, "w2").ok[0]);
    commit_answer late =
        do_commit(f, &task, 0, second.files[0].epoch, "w2", "package b\n");
    assert_int_equal(late.err, GC_ESTATE);
    assert_string_equal(late.sha256, gc_sha256("package a\n", 10).hex);
    sample_task_release(&task);
}

/* Without reuse an old answer of another job is no reason to lose a lease. */
static void test_store_async_old_answers_take_no_lease(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    task.reuse = false;
    claim_answer first = do_claim(f, &task, "w1", 1);
    must_ok(do_commit(f, &task, 0, first.files[0].epoch, "w1", "package a\n").err);
    free(task.job);
    task.job = gc_xstrdup("j-000000000002");
    for (int64_t made = gc_wall_ms(); gc_wall_ms() <= made;)
        ;
    claim_answer second = do_claim(f, &task, "w2", 1);
    lapse(f, &task);
    assert_true(do_renew(f, &task, &second, "w2").ok[0]);
    sample_task_release(&task);
}

static void test_store_async_repeated_claim_never_goes_back(void **state)
{
    astore_fixture *f = *state;
    gc_task both = sample_task("t1", "a", 2), one = sample_task("t2", "a", 1);
    claim_answer first = do_claim(f, &both, "w1", 1);
    lapse(f, &one);
    claim_answer second = do_claim(f, &one, "w2", 1);
    lapse(f, &one);
    claim_answer again = do_claim(f, &both, "w1", 1);
    assert_true(second.files[0].epoch > first.files[0].epoch);
    assert_true(again.files[0].epoch > second.files[0].epoch);
    assert_int_equal(again.files[0].epoch, again.files[1].epoch);
    must_ok(do_commit(f, &both, 1, again.files[1].epoch, "w1", "package b\n").err);
    sample_task_release(&both);
    sample_task_release(&one);
}

static void test_store_async_two_claimants_share_nothing(void **state)
{
    astore_fixture *f = *state;
    gc_task first = sample_task("t1", "a", 2);
    gc_task both = sample_task("t2", "a", 3);
    claim_answer one = do_claim(f, &first, "w1", 1);
    claim_answer two = do_claim(f, &both, "w2", 1);
    must_ok(two.err);
    assert_int_equal(two.files[0].outcome, GC_FILE_WAITING);
    assert_int_equal(two.files[1].outcome, GC_FILE_WAITING);
    assert_int_equal(two.files[2].outcome, GC_FILE_MADE);
    assert_true(two.files[2].epoch > one.files[0].epoch);
    must_ok(do_release(f, &first, &one, "w1", "waiting"));
    expect_record(f, "t1", "waiting w1 1 ");
    two = do_claim(f, &both, "w2", 1);
    assert_int_equal(two.files[0].outcome, GC_FILE_MADE);
    sample_task_release(&first);
    sample_task_release(&both);
}

static void test_store_async_repeated_claim_is_the_same_claim(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 2);
    claim_answer one = do_claim(f, &task, "w1", 1);
    claim_answer two = do_claim(f, &task, "w1", 1);
    assert_int_equal(two.files[0].outcome, GC_FILE_MADE);
    assert_int_equal(two.files[0].epoch, one.files[0].epoch);
    claim_answer three = do_claim(f, &task, "w1", 2);
    assert_int_equal(three.files[0].outcome, GC_FILE_WAITING);
    sample_task_release(&task);
}

static void test_store_async_stale_writer_changes_nothing(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    claim_answer zombie = do_claim(f, &task, "w1", 1);
    lapse(f, &task);
    claim_answer heir = do_claim(f, &task, "w2", 2);
    assert_true(heir.files[0].epoch > zombie.files[0].epoch);
    renew_answer renewed = do_renew(f, &task, &zombie, "w1");
    must_ok(renewed.err);
    assert_false(renewed.ok[0]);
    commit_answer late =
        do_commit(f, &task, 0, zombie.files[0].epoch, "w1", "package zombie\n");
    expect_err(GC_ESTATE, late.err);
    assert_string_equal(late.sha256, "");
    commit_answer good = do_commit(f, &task, 0, heir.files[0].epoch, "w2", "package h\n");
    must_ok(good.err);
    late = do_commit(f, &task, 0, zombie.files[0].epoch, "w1", "package zombie\n");
    expect_err(GC_ESTATE, late.err);
    assert_string_equal(late.sha256, good.sha256);
    assert_int_equal(job_int(f, JOB, "stale_results"), 1);
    must_ok(do_release(f, &task, &zombie, "w1", "failed"));
    expect_record(f, "t1", "running w2 2 ");
    sample_task_release(&task);
}

static void test_store_async_repeated_commit_is_the_same_commit(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    claim_answer mine = do_claim(f, &task, "w1", 1);
    must_ok(do_commit(f, &task, 0, mine.files[0].epoch, "w1", "package a\n").err);
    must_ok(do_commit(f, &task, 0, mine.files[0].epoch, "w1", "package a\n").err);
    assert_int_equal(job_int(f, JOB, "stale_results"), 0);
    renew_answer renewed = do_renew(f, &task, &mine, "w1");
    assert_true(renewed.ok[0]); /* done is not lost */
    assert_int_equal(
        must_redis_int(f->redis, "EXISTS gc:lease:%s", task.files[0].fingerprint), 0);
    sample_task_release(&task);
}

static void test_store_async_lapsed_lease_without_heir_is_kept(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 2);
    claim_answer mine = do_claim(f, &task, "w1", 1);
    lapse(f, &task);
    commit_answer done = do_commit(f, &task, 0, mine.files[0].epoch, "w1", "package a\n");
    must_ok(done.err);
    renew_answer renewed = do_renew(f, &task, &mine, "w1");
    assert_true(renewed.ok[1]);
    assert_int_equal(
        must_redis_int(f->redis, "EXISTS gc:lease:%s", task.files[1].fingerprint), 1);
    sample_task_release(&task);
}

static void test_store_async_epochs_survive_flushall(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    claim_answer zombie = do_claim(f, &task, "w1", 1);
    freeReplyObject(must_redis(f->redis, "FLUSHALL"));
    claim_answer heir = do_claim(f, &task, "w2", 1);
    must_ok(heir.err);
    assert_true(heir.files[0].epoch > zombie.files[0].epoch);
    expect_err(GC_ESTATE, do_commit(f, &task, 0, zombie.files[0].epoch, "w1", "x").err);
    must_ok(do_commit(f, &task, 0, heir.files[0].epoch, "w2", "y").err);
    sample_task_release(&task);
}

static void test_store_async_running_call_survives_flushall(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    task.max_cost_usd = 1;
    task.reserve_usd = 0.5;
    claim_answer mine = do_claim(f, &task, "w1", 1);
    freeReplyObject(must_redis(f->redis, "FLUSHALL"));
    renew_answer renewed = do_renew(f, &task, &mine, "w1");
    assert_true(renewed.ok[0]);
    must_ok(do_commit(f, &task, 0, mine.files[0].epoch, "w1", "package a\n").err);
    must_ok(do_settle(f, &task, "w1", 1, 0.25, 0));
    expect_job_field(f, JOB, "cost_usd", "0.250000000");
    assert_int_equal(job_int(f, JOB, "reserved_nusd"), 0);
    sample_task_release(&task);
}

static void test_store_async_cancelled_job_claims_nothing(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    freeReplyObject(must_redis(f->redis, "HSET gc:job:" JOB " cancel 1"));
    expect_err(GC_ESTATE, do_claim(f, &task, "w1", 1).err);
    assert_int_equal(
        must_redis_int(f->redis, "EXISTS gc:lease:%s", task.files[0].fingerprint), 0);
    sample_task_release(&task);
}

static void test_store_async_settle_counts_every_call(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    task.max_cost_usd = 1;
    task.reserve_usd = 0.4;
    must_ok(do_claim(f, &task, "w1", 1).err);
    expect_job_field(f, JOB, "reserved_usd", "0.400000000");
    must_ok(do_claim(f, &task, "w1", 1).err); /* a repeat reserves nothing more */
    expect_job_field(f, JOB, "reserved_usd", "0.400000000");
    must_ok(do_settle(f, &task, "w1", 1, 0.1, 0.02));
    expect_job_field(f, JOB, "cost_usd", "0.100000000");
    expect_job_field(f, JOB, "unconfirmed_usd", "0.020000000");
    expect_job_field(f, JOB, "reserved_usd", "0.000000000");
    assert_int_equal(job_int(f, JOB, "llm_calls"), 1);
    assert_int_equal(job_int(f, JOB, "tokens_input"), 100);
    assert_int_equal(job_int(f, JOB, "tokens_cache_write"), 20);
    assert_int_equal(job_int(f, JOB, "tokens_output"), 50);
    expect_record(f, "t1", "done w1 1 ");
    must_ok(do_settle(f, &task, "w1", 1, 0.1, 0)); /* the task came to w1 again */
    expect_job_field(f, JOB, "cost_usd", "0.200000000");
    sample_task_release(&task);
}

static void test_store_async_next_call_reserves_again(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    task.max_cost_usd = 1;
    task.reserve_usd = 0.6;
    claim_answer one = do_claim(f, &task, "w1", 1);
    done_answer settled = { 0 };
    gc_usage usage = { .output = 1 };
    gc_astore_settle(f->store, &task, "w1", 1, 1, &usage, 0.3, 0, "running", on_done,
                     &settled);
    must_become(f, &settled.done, true);
    claim_answer two = do_claim(f, &task, "w1", 1);
    must_ok(two.err);
    assert_int_equal(two.files[0].epoch, one.files[0].epoch);
    expect_job_field(f, JOB, "reserved_usd", "0.600000000");
    must_ok(do_settle(f, &task, "w1", 2, 0.3, 0));
    claim_answer three = do_claim(f, &task, "w1", 1); /* known also after "done" */
    expect_err(GC_EFULL, three.err);
    task.reserve_usd = 0.4;
    three = do_claim(f, &task, "w1", 1);
    must_ok(three.err);
    assert_int_equal(three.files[0].epoch, one.files[0].epoch);
    sample_task_release(&task);
}

static void test_store_async_released_task_gets_a_new_epoch(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    claim_answer one = do_claim(f, &task, "w1", 1);
    must_ok(do_release(f, &task, &one, "w1", ""));
    claim_answer two = do_claim(f, &task, "w1", 1);
    assert_true(two.files[0].epoch > one.files[0].epoch);
    sample_task_release(&task);
}

enum {
    RACERS = 20
};

static void test_store_async_parallel_claims_never_overshoot(void **state)
{
    astore_fixture *f = *state;
    gc_astore *stores[RACERS];
    gc_task tasks[RACERS];
    claim_answer answers[RACERS];
    int granted = 0;
    memset(answers, 0, sizeof answers);
    for (int i = 0; i < RACERS; i++) {
        char *name = gc_xasprintf("r%d-", i);
        stores[i] = must_astore_open(f, f->redis->url);
        tasks[i] = sample_task(name, name, 1);
        tasks[i].max_cost_usd = 1.0;
        tasks[i].reserve_usd = 0.3;
        answers[i].count = 1;
        gc_astore_claim(stores[i], &tasks[i], name, 1, on_claim, &answers[i]);
        free(name);
    }
    for (int i = 0; i < RACERS; i++)
        must_become(f, &answers[i].done, true);
    for (int i = 0; i < RACERS; i++) {
        granted += answers[i].err == GC_OK;
        if (answers[i].err) {
            expect_err(GC_EFULL, answers[i].err);
            assert_int_equal(answers[i].running, 3);
        }
    }
    assert_int_equal(granted, 3);
    expect_job_field(f, JOB, "reserved_usd", "0.900000000");
    for (int i = 0; i < RACERS; i++) {
        gc_astore_close(&stores[i]);
        sample_task_release(&tasks[i]);
    }
}

static void test_store_async_refused_reserve_takes_no_lease(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    task.max_cost_usd = 0.1;
    task.reserve_usd = 0.100000001;
    claim_answer none = do_claim(f, &task, "w1", 1);
    expect_err(GC_EFULL, none.err);
    assert_int_equal(none.running, 0);
    assert_int_equal(
        must_redis_int(f->redis, "EXISTS gc:lease:%s", task.files[0].fingerprint), 0);
    task.reserve_usd = 0.1; /* exactly the cap fits */
    must_ok(do_claim(f, &task, "w1", 1).err);
    sample_task_release(&task);
}

static void test_store_async_released_reserve_is_free_again(void **state)
{
    astore_fixture *f = *state;
    gc_task one = sample_task("t1", "a", 1);
    gc_task two = sample_task("t2", "b", 1);
    one.max_cost_usd = two.max_cost_usd = 1;
    one.reserve_usd = two.reserve_usd = 0.7;
    claim_answer first = do_claim(f, &one, "w1", 1);
    claim_answer second = do_claim(f, &two, "w2", 1);
    expect_err(GC_EFULL, second.err);
    assert_int_equal(second.running, 1);
    must_ok(do_release(f, &one, &first, "w1", "queued"));
    must_ok(do_claim(f, &two, "w2", 1).err);
    sample_task_release(&one);
    sample_task_release(&two);
}

/* A worker that died after sending may have been charged: its reserve stays in the cap. */
static void test_store_async_reserve_of_the_dead_is_unconfirmed(void **state)
{
    astore_fixture *f = *state;
    gc_task dead = sample_task("t1", "a", 1);
    gc_task next = sample_task("t2", "b", 1);
    dead.max_cost_usd = next.max_cost_usd = 1;
    dead.reserve_usd = 0.4;
    next.reserve_usd = 0.7;
    dead.lease_ms = 1;
    must_ok(do_claim(f, &dead, "w1", 1).err);
    lapse(f, &dead);
    claim_answer refused = do_claim(f, &next, "w2", 1);
    expect_err(GC_EFULL, refused.err);
    assert_int_equal(refused.running, 0);
    expect_job_field(f, JOB, "reserved_usd", "0.000000000");
    expect_job_field(f, JOB, "unconfirmed_usd", "0.400000000");
    must_ok(do_settle(f, &dead, "w1", 1, 0.1, 0)); /* it was only slow: now it is known */
    expect_job_field(f, JOB, "unconfirmed_usd", "0.000000000");
    expect_job_field(f, JOB, "cost_usd", "0.100000000");
    must_ok(do_claim(f, &next, "w2", 1).err);
    sample_task_release(&dead);
    sample_task_release(&next);
}

static void test_store_async_bad_arguments_are_refused(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    expect_err(GC_EINVAL, do_claim(f, &task, "two words", 1).err);
    expect_err(GC_EINVAL, do_commit(f, &task, 0, 0, "w1", "x").err);
    expect_err(GC_EINVAL, do_commit(f, &task, 1, 5, "w1", "x").err);
    expect_err(GC_EINVAL, do_settle(f, &task, "w1", 1, -1, 0));
    task.files[0].fingerprint[3] = 'X';
    expect_err(GC_EINVAL, do_claim(f, &task, "w1", 1).err);
    task.files[0].fingerprint[3] = 'a';
    task.lease_ms = 0;
    expect_err(GC_EINVAL, do_claim(f, &task, "w1", 1).err);
    task.lease_ms = 1000;
    task.job[0] = ':';
    expect_err(GC_EINVAL, do_claim(f, &task, "w1", 1).err);
    sample_task_release(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_store_async_claim_takes_and_commit_makes,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_made_files_are_reused, astore_flush),
        cmocka_unit_test_setup(test_store_async_without_reuse_adopts_only_own_work,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_lost_blob_is_made_again, astore_flush),
        cmocka_unit_test_setup(test_store_async_made_meanwhile_is_no_lease_any_more,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_old_answers_take_no_lease, astore_flush),
        cmocka_unit_test_setup(test_store_async_repeated_claim_never_goes_back,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_two_claimants_share_nothing,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_repeated_claim_is_the_same_claim,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_stale_writer_changes_nothing,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_repeated_commit_is_the_same_commit,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_lapsed_lease_without_heir_is_kept,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_epochs_survive_flushall, astore_flush),
        cmocka_unit_test_setup(test_store_async_running_call_survives_flushall,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_cancelled_job_claims_nothing,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_settle_counts_every_call, astore_flush),
        cmocka_unit_test_setup(test_store_async_next_call_reserves_again, astore_flush),
        cmocka_unit_test_setup(test_store_async_released_task_gets_a_new_epoch,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_parallel_claims_never_overshoot,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_refused_reserve_takes_no_lease,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_released_reserve_is_free_again,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_reserve_of_the_dead_is_unconfirmed,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_bad_arguments_are_refused, astore_flush),
    };
    return cmocka_run_group_tests_name("store_async", tests, astore_setup,
                                       astore_teardown);
}
