/* Real gc-worker processes when the provider, Redis, the broker or they themselves break. */
#include "support/farm_test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"

static int set_up_slow(void **state)
{
    static const char *const slow[] = { "--tokens-per-second", "100", NULL };
    *state = must_farm_start(slow);
    return 0;
}

/* Made by this task, or found made by the same task sent twice. */
static void expect_there(const farm_end *end, size_t count)
{
    if (!end->done)
        fail_msg("%s: FAIL %s: %s", end->task, end->reason, end->text);
    assert_int_equal(end->result->file_count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(end->result->files[i].outcome == GC_FILE_MADE ||
                    end->result->files[i].outcome == GC_FILE_REUSED);
}

/* ---- answers that are not what was asked ---- */

static void test_faults_gate_rejects_with_a_complaint(void **state)
{
    farm *f = *state;
    farm_faults(f, "[{\"kind\":\"bad_signature\",\"path\":\"f1\"}]");
    farm_start_worker(f, 0, 4, NULL, NULL);
    const farm_end *end = farm_run(f, farm_task(f, "t1", "gate", 1));
    expect_outcomes(end, GC_FILE_MADE, 1); /* the rule wants f1 */
    end = farm_run(f, farm_task(f, "t2", "gates", 2));
    assert_true(end->done);
    size_t rejected = 0;
    for (size_t i = 0; i < 2; i++) {
        const gc_file_result *file = &end->result->files[i];
        if (file->outcome != GC_FILE_REJECTED)
            continue;
        rejected++;
        assert_non_null(strstr(file->text, "Make"));
        assert_int_equal(must_redis_int(f->redis, "EXISTS gc:blob:%s", file->sha256), 1);
    }
    assert_true(rejected > 0);
    expect_no_leases(f);
}

static void test_faults_cut_at_the_output_limit(void **state)
{
    farm *f = *state;
    farm_faults(f, "[{\"kind\":\"max_tokens\",\"at\":60}]");
    farm_start_worker(f, 0, 4, NULL, NULL);
    const farm_end *end = farm_run(f, farm_task(f, "t1", "cut", 3));
    assert_true(end->done);
    assert_string_equal(end->result->stop_reason, "max_tokens");
    assert_int_equal(end->result->files[0].outcome, GC_FILE_MADE);
    assert_int_equal(end->result->files[2].outcome, GC_FILE_REJECTED);
    assert_non_null(strstr(end->result->files[2].text, "cut off"));
    assert_true(end->result->wasted_usd > 0);
    assert_true(end->result->wasted_usd < end->result->cost_usd);
    assert_int_equal(end->result->calls, 1);
}

static void test_faults_refusal_is_told(void **state)
{
    farm *f = *state;
    farm_faults(f, "[{\"kind\":\"refusal\"}]");
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "refuse", 1);
    gc_model model = task->model; /* its prices */
    const farm_end *end = farm_run(f, task);
    assert_true(end->done);
    assert_int_equal(end->result->files[0].outcome, GC_FILE_REJECTED);
    assert_non_null(strstr(end->result->files[0].text, "refused"));
    gc_usage bought = end->result->usage; /* but for the cache, nothing */
    bought.cache_write_5m = bought.cache_write_1h = 0;
    double wasted = gc_model_cost(&model, &bought);
    assert_true(wasted > 0);
    assert_true(end->result->wasted_usd > wasted - 1e-9 &&
                end->result->wasted_usd < wasted + 1e-9);
    assert_string_equal(end->result->stop_reason, "refusal");
}

/* ---- broken calls cost patience, not attempts ---- */

static size_t count_outcome(const farm_end *end, gc_outcome outcome)
{
    size_t count = 0;
    for (size_t i = 0; i < end->result->file_count; i++)
        count += end->result->files[i].outcome == outcome;
    return count;
}

/* What came whole is kept, the rest given back at once, to be asked for with less around it. */
static void test_faults_gives_back_the_rest(void **state)
{
    farm *f = *state;
    static const char *const kinds[] = { "truncate", "cut", "error_event", "reset" };
    farm_start_worker(f, 0, 4, NULL, NULL);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *rule = gc_xasprintf("[{\"kind\":\"%s\",\"at\":60,\"count\":1}]", kinds[i]);
        char *id = gc_xasprintf("t%zu", i);
        farm_faults(f, rule);
        const farm_end *end = farm_run(f, farm_task(f, id, kinds[i], 3));
        assert_true(end->done);
        assert_true(end->result->unconfirmed_usd > 0);
        assert_true(end->result->wasted_usd > 0); /* the file that was cut off */
        assert_true(end->result->wasted_usd <= end->result->unconfirmed_usd);
        /* a reset may take what had arrived but was not read yet */
        bool all_lost = end->result->requests == 2;
        assert_true(!all_lost || strcmp(kinds[i], "reset") == 0);
        if (!all_lost) {
            assert_true(count_outcome(end, GC_FILE_MADE) > 0);
            assert_true(count_outcome(end, GC_FILE_WAITING) > 0);
            expect_no_leases(f);
        }
        char *again = gc_xasprintf("t%zu-rest", i);
        expect_there(farm_run(f, farm_task(f, again, kinds[i], 3)), 3);
        free(again);
        json_t *journal = farm_journal(f);
        size_t lines = json_array_size(journal);
        const json_t *last = json_array_get(journal, lines - 1);
        assert_in_range(json_array_size(json_object_get(last, "wanted")), 1,
                        all_lost ? 3 : 2);
        json_decref(journal);
        free(rule);
        free(id);
    }
}

static void test_faults_overload_is_waited_out(void **state)
{
    farm *f = *state;
    farm_faults(f, "[{\"kind\":\"529\",\"count\":2},{\"kind\":\"500\",\"count\":1},"
                   "{\"kind\":\"reset\",\"at\":0,\"count\":1}]");
    farm_start_worker(f, 0, 4, NULL, NULL);
    const farm_end *end = farm_run(f, farm_task(f, "t1", "busy", 1));
    expect_outcomes(end, GC_FILE_MADE, 1);
    assert_int_equal(end->result->requests, 5);
    assert_int_equal(end->result->calls, 1);
}

static void test_faults_patience_ends(void **state)
{
    farm *f = *state;
    farm_faults(f, "[{\"kind\":\"529\"}]");
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "down", 1);
    task->patience_ms = 2500;
    const farm_end *end = farm_run(f, task);
    expect_fail(end, GC_FAIL_PROVIDER);
    assert_non_null(strstr(end->text, "verloaded"));
}

/* The provider's refusal has come to everybody's knowledge. */
static bool is_refused(farm *f, const void *unused)
{
    (void)unused;
    redisReply *keys = must_redis(f->redis, "KEYS gc:limit:*");
    bool paused = false;
    for (size_t i = 0; i < keys->elements; i++) {
        redisReply *until =
            must_redis(f->redis, "HGET %s paused_until", keys->element[i]->str);
        paused = paused || until->type == REDIS_REPLY_STRING;
        freeReplyObject(until);
    }
    freeReplyObject(keys);
    return paused;
}

static void test_faults_429_pauses_everybody(void **state)
{
    farm *f = *state;
    farm_faults(f, "[{\"kind\":\"429\",\"count\":1,\"retry_ms\":2000}]");
    farm_start_worker(f, 0, 4, NULL, NULL);
    farm_start_worker(f, 1, 4, NULL, NULL);
    int64_t began_ms = gc_clock_ms();
    gc_task *first = farm_task(f, "t1", "limit-a", 1);
    farm_submit(f, first);
    farm_await_stat(f, "requests", 1);
    farm_until(f, is_refused, NULL);
    gc_task *second = farm_task(f, "t2", "limit-b", 1);
    farm_submit(f, second);
    expect_outcomes(farm_await(f, "t1"), GC_FILE_MADE, 1);
    expect_outcomes(farm_await(f, "t2"), GC_FILE_MADE, 1);
    assert_true(gc_clock_ms() - began_ms >= 2000);
    assert_int_equal(farm_stat(f, "requests"), 3); /* nobody asked during the pause */
    gc_task_destroy(&first);
    gc_task_destroy(&second);
}

static void test_faults_what_waits_can_be_taken_back(void **state)
{
    farm *f = *state;
    farm_faults(f, "[{\"kind\":\"429\",\"retry_ms\":60000}]");
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "taken", 1);
    task->patience_ms = 300000;
    farm_submit(f, task);
    farm_until(f, is_refused, NULL);
    farm_take_back(f, task->job);
    const farm_end *end = farm_await(f, "t1");
    expect_fail(end, GC_FAIL_CANCELLED);
    gc_task_destroy(&task);
}

static void test_faults_spend_limit_is_final(void **state)
{
    farm *f = *state;
    farm_faults(f, "[{\"kind\":\"spend\"}]");
    farm_start_worker(f, 0, 4, NULL, NULL);
    const farm_end *end = farm_run(f, farm_task(f, "t1", "spend", 1));
    expect_fail(end, GC_FAIL_SPEND);
    assert_int_equal(farm_stat(f, "requests"), 1);
}

static void test_faults_unknown_model_is_refused_once(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "model", 1);
    set_text(&task->model.id, "no-such-model");
    const farm_end *end = farm_run(f, task);
    expect_fail(end, GC_FAIL_REQUEST);
    assert_non_null(strstr(end->text, "no-such-model"));
    assert_int_equal(farm_stat(f, "requests"), 1);
}

static void test_faults_silence_is_cut_by_the_clocks(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    farm_faults(f, "[{\"kind\":\"stall\",\"at\":50,\"count\":1}]");
    gc_task *idle = farm_task(f, "t1", "idle", 1);
    int64_t began_ms = gc_clock_ms();
    idle->idle_ms = 300;
    expect_outcomes(farm_run(f, idle), GC_FILE_MADE, 1);
    assert_true(gc_clock_ms() - began_ms < 10000); /* not first_byte_ms, which is 20 s */
    farm_faults(f, "[{\"kind\":\"slow\",\"count\":1,\"every_ms\":50}]");
    gc_task *drip = farm_task(f, "t2", "drip", 1);
    drip->call_ms = 500;
    drip->lease_ms = 200; /* renewed by its own clock, whatever the bytes do */
    expect_outcomes(farm_run(f, drip), GC_FILE_MADE, 1);
}

/* ---- processes die ---- */

static void test_faults_killed_worker_is_succeeded(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "kill", 1);
    task->lease_ms = 1000;
    farm_submit(f, task);
    farm_until(f, farm_has_progress, NULL);
    farm_signal_worker(f, 0, SIGKILL);
    assert_int_equal(farm_await_worker(f, 0), -SIGKILL);
    farm_start_worker(f, 1, 4, NULL, NULL);
    expect_outcomes(farm_await(f, "t1"), GC_FILE_MADE, 1);
    assert_int_equal(farm_stat(f, "requests"), 2);
    gc_task_destroy(&task);
}

static void test_faults_stopped_worker_writes_nothing_late(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "zombie", 1);
    task->lease_ms = 1000;
    farm_submit(f, task);
    farm_until(f, farm_has_progress, NULL);
    farm_signal_worker(f, 0, SIGSTOP);
    farm_start_worker(f, 1, 4, NULL, NULL);
    const farm_end *end = farm_await(f, "t1");
    expect_outcomes(end, GC_FILE_MADE, 1);
    char *sha =
        must_redis_text(f->redis, "HGET gc:gen:%s sha256", task->files[0].fingerprint);
    farm_signal_worker(f, 0, SIGCONT);
    farm_idle(f, 1000);
    char *later =
        must_redis_text(f->redis, "HGET gc:gen:%s sha256", task->files[0].fingerprint);
    assert_string_equal(sha, later);
    assert_string_equal(sha, end->result->files[0].sha256);
    farm_signal_worker(f, 0, SIGTERM);
    assert_int_equal(farm_await_worker(f, 0), 0); /* it runs on, and holds nothing */
    free(sha);
    free(later);
    gc_task_destroy(&task);
}

static void test_faults_redis_goes_and_comes_back(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "redis", 1);
    task->lease_ms = 1000;
    farm_submit(f, task);
    farm_until(f, farm_has_progress, NULL);
    must_redis_kill(f->redis);
    gc_task *second = farm_task(f, "t2", "redis-more", 1);
    farm_submit(f, second);
    farm_idle(f, 1500); /* longer than the lease: nobody else can take it meanwhile */
    assert_int_equal(farm_stat(f, "requests"), 1);
    must_redis_again(f->redis);
    expect_outcomes(farm_await(f, "t1"), GC_FILE_MADE, 1);
    expect_outcomes(farm_await(f, "t2"), GC_FILE_MADE, 1);
    assert_int_equal(farm_stat(f, "requests"), 2);
    gc_task_destroy(&task);
    gc_task_destroy(&second);
}

/* The lease lapses while the claim for the second call is on its way. */
static void test_faults_lapsed_lease_is_claimed_anew(void **state)
{
    farm *f = *state;
    farm_faults(f, "[{\"kind\":\"cut\",\"at\":5,\"count\":1}]");
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "lapse", 2);
    task->lease_ms =
        3000; /* renewed after the second claim, which comes by half a second */
    farm_submit(f, task);
    farm_await_stat(f, "faults", 1);
    must_redis_freeze(f->redis);
    farm_idle(f, 3500);
    must_redis_thaw(f->redis);
    expect_outcomes(farm_await(f, "t1"), GC_FILE_MADE, 2);
    gc_task_destroy(&task);
}

static void test_faults_broker_goes_and_comes_back(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "broker", 1);
    farm_submit(f, task);
    farm_until(f, farm_has_progress, NULL);
    farm_stop_broker(f);
    farm_start_broker(f);
    farm_submit(f, task); /* as a client does that was forgotten */
    expect_there(farm_await(f, "t1"), 1);
    assert_int_equal(farm_stat(f, "requests"), 1);
    gc_task_destroy(&task);
    task = farm_task(f, "t2", "broker-more", 1);
    expect_outcomes(farm_run(f, task), GC_FILE_MADE, 1); /* it consumes again */
}

#define SLOW(test) cmocka_unit_test_setup_teardown(test, set_up_slow, farm_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FARM_TEST(test_faults_gate_rejects_with_a_complaint),
        FARM_TEST(test_faults_cut_at_the_output_limit),
        FARM_TEST(test_faults_refusal_is_told),
        FARM_TEST(test_faults_gives_back_the_rest),
        FARM_TEST(test_faults_overload_is_waited_out),
        FARM_TEST(test_faults_patience_ends),
        FARM_TEST(test_faults_429_pauses_everybody),
        FARM_TEST(test_faults_what_waits_can_be_taken_back),
        FARM_TEST(test_faults_spend_limit_is_final),
        FARM_TEST(test_faults_unknown_model_is_refused_once),
        FARM_TEST(test_faults_silence_is_cut_by_the_clocks),
        SLOW(test_faults_killed_worker_is_succeeded),
        SLOW(test_faults_stopped_worker_writes_nothing_late),
        SLOW(test_faults_redis_goes_and_comes_back),
        FARM_TEST(test_faults_lapsed_lease_is_claimed_anew),
        SLOW(test_faults_broker_goes_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
