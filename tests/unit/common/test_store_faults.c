/* Redis goes away, forgets, refuses, hangs: both stores live on. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/store.h"
#include "common/store_async.h"
#include "common/store_async_private.h"
#include "common/strv.h"
#include "support/astore.h"
#include "support/must.h"

/* ---- the asynchronous store ---- */

enum {
    MANY = 40
};

typedef struct many {
    gc_task tasks[MANY];
    claim_answer claims[MANY];
    commit_answer commits[MANY];
} many;

static many *many_new(void)
{
    many *self = gc_xcalloc(1, sizeof *self);
    for (int i = 0; i < MANY; i++) {
        char *name = gc_xasprintf("m%d-", i);
        self->tasks[i] = sample_task(name, name, 1);
        self->claims[i].count = 1;
        free(name);
    }
    return self;
}

static void many_destroy(many *self)
{
    for (int i = 0; i < MANY; i++)
        sample_task_release(&self->tasks[i]);
    free(self);
}

static void ask_claims(astore_fixture *f, many *m)
{
    for (int i = 0; i < MANY; i++)
        gc_astore_claim(f->store, &m->tasks[i], "w1", 1, on_claim, &m->claims[i]);
}

static void ask_commits(astore_fixture *f, many *m)
{
    gc_usage usage = { .output = 1 };
    for (int i = 0; i < MANY; i++) {
        must_ok(m->claims[i].err);
        gc_astore_commit(f->store, &m->tasks[i], 0, m->claims[i].files[0].epoch, "w1",
                         m->tasks[i].id, strlen(m->tasks[i].id), &usage, 0.001, on_commit,
                         &m->commits[i]);
    }
}

static void expect_commits(const many *m)
{
    for (int i = 0; i < MANY; i++) {
        assert_true(m->commits[i].done);
        must_ok(m->commits[i].err);
    }
}

static void test_store_killed_redis_loses_no_request(void **state)
{
    astore_fixture *f = *state;
    many *m = many_new();
    ask_claims(f, m);
    uv_run(&f->loop, UV_RUN_NOWAIT); /* written, hardly answered */
    must_redis_kill(f->redis);
    must_become(f, &f->up, false);
    gc_task late = sample_task("late", "late", 1);
    claim_answer late_claim = { .count = 1 };
    gc_astore_claim(f->store, &late, "w1", 1, on_claim, &late_claim);
    assert_true(gc_astore_pending(f->store) > 0);
    must_redis_again(f->redis);
    must_settle_down(f);
    assert_true(gc_astore_up(f->store));
    must_ok(late_claim.err);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(m->claims[i].files[0].outcome, GC_FILE_MADE);
    ask_commits(f, m);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    must_redis_kill(f->redis);
    must_redis_again(f->redis);
    must_settle_down(f);
    expect_commits(m);
    assert_int_equal(must_redis_int(f->redis, "HLEN gc:job:j-000000000001:files"), MANY);
    assert_int_equal(job_int(f, "j-000000000001", "stale_results"), 0);
    sample_task_release(&late);
    many_destroy(m);
}

/* What is asked now reaches Redis, but the replies are lost: it is asked a second time. */
static void lose_replies(astore_fixture *f)
{
    assert_int_equal(shutdown(f->store->fd, SHUT_RD), 0);
}

static void test_store_repeats_after_lost_replies_change_nothing(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 2);
    task.max_cost_usd = 1;
    task.reserve_usd = 0.4;
    lose_replies(f);
    claim_answer mine = do_claim(f, &task, "w1", 1);
    must_ok(mine.err);
    assert_int_equal(mine.files[0].outcome, GC_FILE_MADE);
    expect_job_field(f, task.job, "reserved_usd", "0.400000000");
    lose_replies(f);
    must_ok(do_commit(f, &task, 0, mine.files[0].epoch, "w1", "package a\n").err);
    assert_int_equal(job_int(f, task.job, "stale_results"), 0);
    lose_replies(f);
    must_ok(do_settle(f, &task, "w1", 1, 0.1, 0.02));
    expect_job_field(f, task.job, "cost_usd", "0.100000000");
    expect_job_field(f, task.job, "unconfirmed_usd", "0.020000000");
    expect_job_field(f, task.job, "reserved_usd", "0.000000000");
    assert_int_equal(job_int(f, task.job, "llm_calls"), 1);
    lose_replies(f);
    must_ok(do_release(f, &task, &mine, "w1", "queued"));
    assert_int_equal(
        must_redis_int(f->redis, "EXISTS gc:lease:%s", task.files[1].fingerprint), 0);
    assert_true(f->downs >= 4);
    sample_task_release(&task);
}

static void test_store_forgotten_scripts_are_loaded_again(void **state)
{
    astore_fixture *f = *state;
    many *m = many_new();
    freeReplyObject(must_redis(f->redis, "SCRIPT FLUSH"));
    ask_claims(f, m);
    must_settle_down(f);
    freeReplyObject(must_redis(f->redis, "SCRIPT FLUSH"));
    ask_commits(f, m);
    must_settle_down(f);
    expect_commits(m);
    assert_int_equal(f->downs, 0);
    many_destroy(m);
}

static void test_store_full_memory_is_waited_out(void **state)
{
    astore_fixture *f = *state;
    many *m = many_new();
    ask_claims(f, m);
    must_settle_down(f);
    freeReplyObject(must_redis(f->redis, "CONFIG SET maxmemory-policy noeviction"));
    freeReplyObject(must_redis(f->redis, "CONFIG SET maxmemory 1mb"));
    ask_commits(f, m);
    must_become(f, &f->up, false);
    assert_false(m->commits[0].done);
    int64_t end = gc_clock_ms() + 300; /* several rounds: it must not flap meanwhile */
    while (gc_clock_ms() < end)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(f->downs, 1);
    assert_int_equal(gc_astore_pending(f->store), MANY);
    freeReplyObject(must_redis(f->redis, "CONFIG SET maxmemory 0"));
    must_settle_down(f);
    expect_commits(m);
    assert_true(f->up);
    many_destroy(m);
}

static void test_store_read_only_redis_is_waited_out(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    freeReplyObject(must_redis(f->redis, "REPLICAOF 127.0.0.1 1"));
    claim_answer answer = { .count = 1 };
    gc_astore_claim(f->store, &task, "w1", 1, on_claim, &answer);
    must_become(f, &f->up, false);
    assert_false(answer.done);
    freeReplyObject(must_redis(f->redis, "REPLICAOF NO ONE"));
    must_become(f, &answer.done, true);
    must_ok(answer.err);
    sample_task_release(&task);
}

/* One program waits out the reply timeout for both stores. */
static void test_store_frozen_redis_is_left_and_found_again(void **state)
{
    astore_fixture *f = *state;
    gc_store *blocking = NULL;
    gc_sha sha;
    gc_task task = sample_task("t1", "a", 1);
    claim_answer answer = { .count = 1 };
    must_ok(gc_store_open(f->redis->url, &blocking, NULL));
    must_redis_freeze(f->redis);
    gc_astore_claim(f->store, &task, "w1", 1, on_claim, &answer);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    expect_err(GC_EIO, gc_store_blob_put(blocking, "x", 1, &sha));
    assert_non_null(strstr(gc_store_error(blocking), "in time"));
    must_become(f, &f->up, false);
    must_redis_thaw(f->redis);
    must_become(f, &answer.done, true);
    must_ok(answer.err);
    must_ok(gc_store_blob_put(blocking, "x", 1, &sha));
    gc_store_close(&blocking);
    sample_task_release(&task);
}

static void test_store_close_answers_whoever_waits(void **state)
{
    astore_fixture *f = *state;
    many *m = many_new();
    ask_claims(f, m);
    must_redis_kill(f->redis);
    gc_astore_close(&f->store);
    for (int i = 0; i < MANY; i++)
        expect_err(GC_ECLOSED, m->claims[i].err);
    many_destroy(m);
}

typedef struct closer {
    gc_astore **store;
    int calls;
} closer;

static void close_on_first(void *arg, gc_err err, const char *sha256)
{
    closer *self = arg;
    (void)err;
    (void)sha256;
    if (self->calls++ == 0)
        gc_astore_close(self->store);
}

static void test_store_may_be_closed_from_a_callback(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_usage usage = { 0 };
    closer c = { .store = &f->store };
    for (int i = 0; i < 3; i++)
        gc_astore_commit(f->store, &task, 0, 5, "w1", "x", 1, &usage, 0, close_on_first,
                         &c);
    while (f->store)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(c.calls, 3);
    sample_task_release(&task);
}

static void count_full(void *arg, gc_err err)
{
    size_t *full = arg;
    *full += err == GC_EFULL;
}

static void test_store_queue_is_bounded(void **state)
{
    astore_fixture *f = *state;
    gc_task task = sample_task("t1", "a", 1);
    gc_sha sha;
    size_t full = 0;
    must_redis_kill(f->redis);
    must_become(f, &f->up, false);
    for (size_t i = 0; i < GC_ASTORE_MAX_REQUESTS + 5; i++)
        gc_astore_blob_put(f->store, "x", 1, &sha, count_full, &full);
    claim_answer answer = { .count = 1 };
    gc_astore_claim(f->store, &task, "w1", 1, on_claim, &answer);
    must_become(f, &answer.done, true);
    expect_err(GC_EAGAIN, answer.err);
    assert_int_equal(full, 5);
    must_redis_again(f->redis);
    must_settle_down(f);
    assert_int_equal(full, 5);
    sample_task_release(&task);
}

static void test_store_queue_is_bounded_in_bytes(void **state)
{
    astore_fixture *f = *state;
    gc_sha sha;
    size_t full = 0;
    size_t len = (size_t)60 << 20;
    char *big = gc_xcalloc(1, len);
    must_redis_kill(f->redis);
    must_become(f, &f->up, false);
    for (size_t i = 0; i < 5; i++)
        gc_astore_blob_put(f->store, big, len, &sha, count_full, &full);
    free(big);
    assert_int_equal(gc_astore_pending(f->store), 5);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(full, 1);
    assert_int_equal(gc_astore_pending(f->store), 4);
}

static void test_store_absent_redis_is_waited_for(void **state)
{
    astore_fixture *f = *state;
    must_redis_kill(f->redis);
    gc_astore *second = must_astore_open(f, f->redis->url);
    gc_sha sha;
    done_answer answer = { 0 };
    gc_astore_blob_put(second, "x", 1, &sha, on_done, &answer);
    must_become(f, &f->up, false);
    assert_false(gc_astore_up(second));
    must_redis_again(f->redis);
    must_become(f, &answer.done, true);
    must_ok(answer.err);
    gc_astore_close(&second);
}

/* ---- passwords, databases, rights ---- */

static void test_store_password_and_database_come_from_the_url(void **state)
{
    (void)state;
    test_redis *redis = must_redis_start_tcp();
    gc_errinfo info = { 0 };
    gc_store *store = NULL;
    gc_sha sha;
    freeReplyObject(must_redis(redis, "ACL SETUSER ben on >s3cret/x ~gc:* +@all"));
    freeReplyObject(must_redis(redis, "CONFIG SET requirepass hunter2"));
    char *url = gc_xasprintf("redis://127.0.0.1:%d", redis->port);
    expect_err(GC_EIO, gc_store_open(url, &store, &info));
    assert_non_null(strstr(info.text, "NOAUTH"));
    free(url);
    url = gc_xasprintf("redis://:wrong@127.0.0.1:%d", redis->port);
    expect_err(GC_EIO, gc_store_open(url, &store, &info));
    assert_non_null(strstr(info.text, "WRONGPASS"));
    assert_null(strstr(info.text, ":wrong@"));
    free(url);
    url = gc_xasprintf("redis://ben:s3cret%%2Fx@localhost:%d/3", redis->port);
    must_ok(gc_store_open(url, &store, &info));
    must_ok(gc_store_blob_put(store, "x", 1, &sha));
    gc_store_close(&store);
    free(url);
    freeReplyObject(must_redis(redis, "AUTH hunter2"));
    freeReplyObject(must_redis(redis, "SELECT 3"));
    assert_int_equal(must_redis_int(redis, "EXISTS gc:blob:%s", sha.hex), 1);
    must_redis_destroy(&redis);
}

static void test_store_wrong_password_is_tried_until_it_fits(void **state)
{
    astore_fixture *f = *state;
    test_redis *redis = must_redis_start_tcp();
    freeReplyObject(must_redis(redis, "CONFIG SET requirepass one"));
    char *url = gc_xasprintf("redis://:two@127.0.0.1:%d/2", redis->port);
    gc_astore *store = must_astore_open(f, url);
    gc_sha sha;
    done_answer answer = { 0 };
    gc_astore_blob_put(store, "x", 1, &sha, on_done, &answer);
    int64_t end = gc_clock_ms() + 300;
    while (gc_clock_ms() < end)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_false(gc_astore_up(store));
    assert_false(answer.done);
    freeReplyObject(must_redis(redis, "AUTH one"));
    freeReplyObject(must_redis(redis, "CONFIG SET requirepass two"));
    must_become(f, &answer.done, true);
    must_ok(answer.err);
    gc_astore_close(&store);
    free(url);
    must_redis_destroy(&redis);
}

/* Applies the line "user gc on …" of docs/redis.md. */
static void apply_documented_rights(test_redis *redis)
{
    gc_strv words = { 0 };
    char *docs = must_read(GC_SOURCE_DIR "/docs/redis.md");
    char *line = strstr(docs, "\nuser gc on ");
    assert_non_null(line);
    line[1 + strcspn(line + 1, "\n")] = '\0';
    gc_strv_split(&words, line + 1 + strlen("user "), ' ');
    const char *argv[64] = { "ACL", "SETUSER" };
    assert_true(words.count < 60);
    for (size_t i = 0; i < words.count; i++)
        argv[i + 2] = words.items[i];
    redisReply *reply =
        redisCommandArgv(redis->control, (int)words.count + 2, argv, NULL);
    assert_non_null(reply);
    assert_string_equal(reply->str, "OK");
    freeReplyObject(reply);
    gc_strv_release(&words);
    free(docs);
}

static void test_store_documented_rights_suffice(void **state)
{
    astore_fixture *f = *state;
    test_redis *redis = must_redis_start_tcp();
    freeReplyObject(must_redis(redis, "PING"));
    apply_documented_rights(redis);
    char *url = gc_xasprintf("redis://gc:CHANGE-ME@127.0.0.1:%d", redis->port);
    gc_store *blocking = NULL;
    gc_job job = { .id = "j-000000000001", .owner = (char *)"o" };
    must_ok(gc_store_open(url, &blocking, NULL));
    must_ok(gc_store_job_create(blocking, &job, 60000));
    must_ok(gc_store_files_put(blocking, job.id, &(gc_store_file){ "a.go", "a", 1 }, 1));
    must_ok(gc_store_events_add(blocking, job.id, &(const char *){ "{}" }, 1));
    must_ok(gc_store_job_state(blocking, job.id, "o", "done", true));
    gc_store_close(&blocking);
    gc_astore_close(&f->store);
    f->store = must_astore_open(f, url);
    gc_task task = sample_task("t1", "a", 1);
    task.max_cost_usd = 1;
    task.reserve_usd = 0.5;
    claim_answer mine = do_claim(f, &task, "w1", 1);
    must_ok(mine.err);
    must_ok(do_renew(f, &task, &mine, "w1").err);
    must_ok(do_commit(f, &task, 0, mine.files[0].epoch, "w1", "x").err);
    must_ok(do_settle(f, &task, "w1", 1, 0.1, 0));
    must_ok(do_release(f, &task, &mine, "w1", "done"));
    gc_astore_worker_seen(f->store, "w1", "h", 1, 1, 0, "anthropic", 1000);
    gc_astore_model_add(f->store, "m", 3, 0.1);
    must_settle_down(f);
    sample_task_release(&task);
    free(url);
    gc_astore_close(&f->store);
    must_redis_destroy(&redis);
}

/* ---- the blocking store ---- */

static void test_store_blocking_follows_a_restart(void **state)
{
    astore_fixture *f = *state;
    gc_store *store = NULL;
    gc_sha sha;
    must_ok(gc_store_open(f->redis->url, &store, NULL));
    must_redis_kill(f->redis);
    must_redis_again(f->redis);
    must_ok(gc_store_blob_put(store, "x", 1, &sha)); /* as if nothing had happened */
    must_redis_kill(f->redis);
    expect_err(GC_EIO, gc_store_blob_put(store, "x", 1, &sha));
    expect_err(GC_EIO, gc_store_blob_put(store, "x", 1, &sha));
    assert_true(strlen(gc_store_error(store)) > 10);
    must_redis_again(f->redis);
    must_ok(gc_store_blob_put(store, "y", 1, &sha));
    freeReplyObject(must_redis(f->redis, "SCRIPT FLUSH"));
    must_ok(gc_store_blob_put(store, "z", 1, &sha));
    gc_store_close(&store);
}

static void test_store_blocking_says_when_redis_is_full(void **state)
{
    astore_fixture *f = *state;
    gc_store *store = NULL;
    gc_sha sha;
    must_ok(gc_store_open(f->redis->url, &store, NULL));
    freeReplyObject(must_redis(f->redis, "CONFIG SET maxmemory 1mb"));
    expect_err(GC_EAGAIN, gc_store_blob_put(store, "x", 1, &sha));
    assert_non_null(strstr(gc_store_error(store), "OOM"));
    freeReplyObject(must_redis(f->redis, "CONFIG SET maxmemory 0"));
    must_ok(gc_store_blob_put(store, "x", 1, &sha));
    gc_store_close(&store);
}

static void test_store_open_names_what_is_wrong(void **state)
{
    (void)state;
    gc_store *store = NULL;
    gc_errinfo info = { 0 };
    expect_err(GC_EINVAL, gc_store_open("rediss://h", &store, &info));
    assert_non_null(strstr(info.text, "TLS"));
    expect_err(GC_EIO, gc_store_open("unix:///nowhere/r.sock", &store, &info));
    assert_non_null(strstr(info.text, "unix:///nowhere/r.sock"));
    assert_null(store);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, astore_setup, astore_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_store_killed_redis_loses_no_request),
        TEST(test_store_repeats_after_lost_replies_change_nothing),
        TEST(test_store_forgotten_scripts_are_loaded_again),
        TEST(test_store_full_memory_is_waited_out),
        TEST(test_store_read_only_redis_is_waited_out),
        TEST(test_store_frozen_redis_is_left_and_found_again),
        TEST(test_store_close_answers_whoever_waits),
        TEST(test_store_may_be_closed_from_a_callback),
        TEST(test_store_queue_is_bounded),
        TEST(test_store_queue_is_bounded_in_bytes),
        TEST(test_store_absent_redis_is_waited_for),
        TEST(test_store_password_and_database_come_from_the_url),
        TEST(test_store_wrong_password_is_tried_until_it_fits),
        TEST(test_store_documented_rights_suffice),
        TEST(test_store_blocking_follows_a_restart),
        TEST(test_store_blocking_says_when_redis_is_full),
        TEST(test_store_open_names_what_is_wrong),
    };
    return cmocka_run_group_tests_name("store_faults", tests, NULL, NULL);
}
