/* The blocking store against a real redis-server: jobs, content, figures. */
#include "common/store.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "support/must.h"
#include "support/redis.h"

typedef struct fixture {
    test_redis *redis;
    gc_store *store;
} fixture;

static int setup(void **state)
{
    fixture *f = gc_xcalloc(1, sizeof *f);
    f->redis = must_redis_start();
    gc_errinfo info = { 0 };
    must_ok(gc_store_open(f->redis->url, &f->store, &info));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    gc_store_close(&f->store);
    must_redis_destroy(&f->redis);
    free(f);
    return 0;
}

static int flush(void **state)
{
    fixture *f = *state;
    freeReplyObject(must_redis(f->redis, "FLUSHALL"));
    return 0;
}

#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static gc_job sample_job(const char *id, const char *owner)
{
    gc_job job = { .spec = (char *)"shop.yaml",
                   .project = (char *)"shop",
                   .fcs = (char *)SHA_B,
                   .owner = (char *)owner,
                   .output = (char *)SHA_A,
                   .model = (char *)"claude-sonnet-5-5",
                   .files_total = 12 };
    strncat(job.id, id, sizeof job.id - 1);
    return job;
}

static void make_job(fixture *f, const char *id, const char *owner, int64_t created_at,
                     int64_t ttl_ms)
{
    gc_job job = sample_job(id, owner);
    job.created_at = created_at;
    must_ok(gc_store_job_create(f->store, &job, ttl_ms));
}

static void test_store_job_is_created_and_read(void **state)
{
    fixture *f = *state;
    make_job(f, "j-000000000001", "host/1/a", 1700000000000, 5000);
    gc_job got;
    must_ok(gc_store_job_get(f->store, "j-000000000001", &got));
    assert_string_equal(got.id, "j-000000000001");
    assert_string_equal(got.spec, "shop.yaml");
    assert_string_equal(got.project, "shop");
    assert_string_equal(got.state, "running");
    assert_string_equal(got.owner, "host/1/a");
    assert_string_equal(got.model, "claude-sonnet-5-5");
    assert_int_equal(got.created_at, 1700000000000);
    assert_true(got.updated_at > 1700000000000);
    assert_int_equal(got.files_total, 12);
    gc_job_release(&got);
    char *usd = must_redis_text(f->redis, "HGET gc:job:j-000000000001 cost_usd");
    assert_string_equal(usd, "0.000000000");
    free(usd);
    expect_err(GC_ENOENT, gc_store_job_get(f->store, "j-000000000002", &got));
    expect_err(GC_ENOENT, gc_store_job_get(f->store, "j-1:files", &got));
}

static void test_store_job_create_repeats_but_never_steals(void **state)
{
    fixture *f = *state;
    gc_job job = sample_job("j-000000000001", "host/1/a");
    must_ok(gc_store_job_create(f->store, &job, 5000));
    job.files_total = 13;
    must_ok(gc_store_job_create(f->store, &job, 5000));
    job.owner = (char *)"host/2/b";
    expect_err(GC_EEXIST, gc_store_job_create(f->store, &job, 5000));
    job.owner = (char *)"two words";
    expect_err(GC_EINVAL, gc_store_job_create(f->store, &job, 5000));
}

static void test_store_lost_job_is_created_again_with_its_cost(void **state)
{
    fixture *f = *state;
    make_job(f, "j-000000000001", "host/1/a", 0, 5000);
    freeReplyObject(must_redis(f->redis, "FLUSHALL"));
    expect_err(GC_ENOENT,
               gc_store_job_renew(f->store, "j-000000000001", "host/1/a", 5000));
    gc_job job = sample_job("j-000000000001", "host/1/a");
    job.cost_usd = 1.25;
    must_ok(gc_store_job_create(f->store, &job, 5000));
    must_ok(gc_store_job_create(f->store, &job, 5000));
    char *usd = must_redis_text(f->redis, "HGET gc:job:j-000000000001 cost_usd");
    assert_string_equal(usd, "1.250000000");
    free(usd);
    must_ok(gc_store_job_renew(f->store, "j-000000000001", "host/1/a", 5000));
}

static void test_store_living_owner_is_named_and_refused(void **state)
{
    fixture *f = *state;
    char *holder = NULL;
    make_job(f, "j-000000000001", "host/1/a", 0, 60000);
    must_ok(gc_store_job_cancel(f->store, "j-000000000001"));
    expect_err(GC_EEXIST, gc_store_job_take(f->store, "j-000000000001", "host/2/b", 60000,
                                            false, &holder));
    assert_string_equal(holder, "host/1/a");
    free(holder);
    must_ok(gc_store_job_take(f->store, "j-000000000001", "host/2/b", 60000, true, NULL));
    expect_err(GC_ESTATE,
               gc_store_job_renew(f->store, "j-000000000001", "host/1/a", 60000));
    expect_err(GC_ESTATE, gc_store_job_state(f->store, "j-000000000001", "host/1/a",
                                             "failed", true));
    bool cancelled = true;
    must_ok(gc_store_job_cancelled(f->store, "j-000000000001", &cancelled));
    assert_false(cancelled); /* going on takes the cancel back */
    expect_err(GC_ENOENT, gc_store_job_take(f->store, "j-00000000000z", "host/2/b", 60000,
                                            true, NULL));
}

static void test_store_lapsed_owner_is_followed(void **state)
{
    fixture *f = *state;
    make_job(f, "j-000000000001", "host/1/a", 0, 50);
    int64_t end = gc_clock_ms() + TEST_WAIT_MS;
    gc_err err;
    do {
        char *holder = NULL;
        err = gc_store_job_take(f->store, "j-000000000001", "host/2/b", 60000, false,
                                &holder);
        free(holder);
    } while (err == GC_EEXIST && gc_clock_ms() < end);
    must_ok(err);
    expect_err(GC_ESTATE, gc_store_job_renew(f->store, "j-000000000001", "host/1/a", 50));
}

static void test_store_lapsed_claim_comes_back_if_nobody_took_it(void **state)
{
    fixture *f = *state;
    make_job(f, "j-000000000001", "host/1/a", 0, 60000);
    freeReplyObject(must_redis(f->redis, "DEL gc:owner:j-000000000001"));
    must_ok(gc_store_job_renew(f->store, "j-000000000001", "host/1/a", 60000));
    int64_t left = 0;
    must_ok(gc_store_job_claim_ms(f->store, "j-000000000001", &left));
    assert_true(left > 0);
    must_ok(gc_store_job_claim_ms(f->store, "j-00000000000x", &left));
    assert_int_equal(left, 0);
}

static void test_store_final_state_gives_the_claim_up(void **state)
{
    fixture *f = *state;
    make_job(f, "j-000000000001", "host/1/a", 0, 60000);
    must_ok(gc_store_job_state(f->store, "j-000000000001", "host/1/a", "running", false));
    assert_int_equal(must_redis_int(f->redis, "EXISTS gc:owner:j-000000000001"), 1);
    must_ok(gc_store_job_state(f->store, "j-000000000001", "host/1/a", "done", true));
    assert_int_equal(must_redis_int(f->redis, "EXISTS gc:owner:j-000000000001"), 0);
    gc_job got;
    must_ok(gc_store_job_get(f->store, "j-000000000001", &got));
    assert_string_equal(got.state, "done");
    gc_job_release(&got);
    must_ok(gc_store_job_set(f->store, "j-000000000001", "files_failed", "2"));
    expect_err(GC_ENOENT, gc_store_job_set(f->store, "j-zzzzzzzzzzzz", "level", "2"));
}

static void test_store_jobs_come_newest_first(void **state)
{
    fixture *f = *state;
    make_job(f, "j-00000000000a", "o", 1000, 60000);
    make_job(f, "j-00000000000b", "o", 3000, 60000);
    make_job(f, "j-00000000000c", "o", 2000, 60000);
    gc_strv ids = { 0 };
    must_ok(gc_store_jobs(f->store, 2, &ids));
    assert_int_equal(ids.count, 2);
    assert_string_equal(ids.items[0], "j-00000000000b");
    assert_string_equal(ids.items[1], "j-00000000000c");
    gc_strv_release(&ids);
}

static void test_store_unfinished_prefers_the_output(void **state)
{
    fixture *f = *state;
    char id[GC_JOB_ID_SIZE] = "";
    expect_err(GC_ENOENT, gc_store_job_unfinished(f->store, SHA_A, SHA_B, id));
    make_job(f, "j-00000000000a", "o", 1000, 60000);
    make_job(f, "j-00000000000b", "o", 2000, 60000);
    gc_job elsewhere = sample_job("j-00000000000c", "o");
    elsewhere.output = (char *)SHA_B;
    elsewhere.created_at = 3000;
    must_ok(gc_store_job_create(f->store, &elsewhere, 60000));
    must_ok(gc_store_job_unfinished(f->store, SHA_A, SHA_B, id));
    assert_string_equal(id, "j-00000000000b");
    must_ok(gc_store_job_state(f->store, "j-00000000000b", "o", "done", true));
    must_ok(gc_store_job_unfinished(f->store, SHA_A, SHA_B, id));
    assert_string_equal(id, "j-00000000000a");
    must_ok(gc_store_job_state(f->store, "j-00000000000a", "o", "done", true));
    must_ok(gc_store_job_unfinished(f->store, SHA_A, SHA_B, id));
    assert_string_equal(id, "j-00000000000c");
}

static void test_store_cancel_is_seen(void **state)
{
    fixture *f = *state;
    bool cancelled = true;
    make_job(f, "j-000000000001", "o", 0, 60000);
    must_ok(gc_store_job_cancelled(f->store, "j-000000000001", &cancelled));
    assert_false(cancelled);
    must_ok(gc_store_job_cancel(f->store, "j-000000000001"));
    must_ok(gc_store_job_cancelled(f->store, "j-000000000001", &cancelled));
    assert_true(cancelled);
    expect_err(GC_ENOENT, gc_store_job_cancel(f->store, "j-zzzzzzzzzzzz"));
}

static void test_store_tasks_and_events_are_recorded(void **state)
{
    fixture *f = *state;
    gc_strv lines = { 0 };
    must_ok(gc_store_task_set(f->store, "j-1", "t2", "queued", "", 1, 0));
    must_ok(gc_store_task_set(f->store, "j-1", "t1", "running", "w-1", 2, 77));
    must_ok(gc_store_tasks(f->store, "j-1", &lines));
    assert_int_equal(lines.count, 2);
    assert_ptr_equal(strstr(lines.items[0], "t1 running w-1 2 77 "), lines.items[0]);
    assert_ptr_equal(strstr(lines.items[1], "t2 queued - 1 0 "), lines.items[1]);
    gc_strv_release(&lines);
    expect_err(GC_EINVAL, gc_store_task_set(f->store, "j-1", "t 1", "queued", "", 1, 0));
    const char *const news[] = { "{}", "{\"phase\":\"plan\"}", "{\"phase\":\"end\"}" };
    must_ok(gc_store_events_add(f->store, "j-1", news, 1));
    must_ok(gc_store_events_add(f->store, "j-1", news, 3));
    assert_int_equal(must_redis_int(f->redis, "XLEN gc:job:j-1:events"), 4);
    expect_err(GC_EINVAL, gc_store_events_add(f->store, "j 1", news, 1));
    gc_strv events = { 0 };
    must_ok(gc_store_events(f->store, "j-1", 2, &events));
    assert_int_equal(events.count, 2);
    assert_string_equal(events.items[0], "{\"phase\":\"end\"}");
    assert_string_equal(events.items[1], "{\"phase\":\"plan\"}");
    gc_strv_release(&events);
    must_ok(gc_store_events(f->store, "j-none", 2, &events));
    assert_int_equal(events.count, 0);
}

static void test_store_event_stream_is_capped(void **state)
{
    fixture *f = *state;
    for (int i = 0; i < 1500; i++)
        freeReplyObject(must_redis(f->redis, "XADD gc:job:j-1:events * json {}"));
    must_ok(gc_store_events_add(f->store, "j-1", &(const char *){ "{}" }, 1));
    assert_true(must_redis_int(f->redis, "XLEN gc:job:j-1:events") < 1200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_store_job_is_created_and_read, flush),
        cmocka_unit_test_setup(test_store_job_create_repeats_but_never_steals, flush),
        cmocka_unit_test_setup(test_store_lost_job_is_created_again_with_its_cost, flush),
        cmocka_unit_test_setup(test_store_living_owner_is_named_and_refused, flush),
        cmocka_unit_test_setup(test_store_lapsed_owner_is_followed, flush),
        cmocka_unit_test_setup(test_store_lapsed_claim_comes_back_if_nobody_took_it,
                               flush),
        cmocka_unit_test_setup(test_store_final_state_gives_the_claim_up, flush),
        cmocka_unit_test_setup(test_store_jobs_come_newest_first, flush),
        cmocka_unit_test_setup(test_store_unfinished_prefers_the_output, flush),
        cmocka_unit_test_setup(test_store_cancel_is_seen, flush),
        cmocka_unit_test_setup(test_store_tasks_and_events_are_recorded, flush),
        cmocka_unit_test_setup(test_store_event_stream_is_capped, flush),
    };
    return cmocka_run_group_tests_name("store", tests, setup, teardown);
}
