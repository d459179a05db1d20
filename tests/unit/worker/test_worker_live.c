/* Real gc-worker processes between a real broker, a real Redis and the simulator: what a
 * task becomes when nothing breaks. */
#include "support/farm_test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "common/text.h"

/* Some ten seconds per file: time to do things to it meanwhile. */
static int set_up_slow(void **state)
{
    static const char *const slow[] = { "--tokens-per-second", "60", NULL };
    *state = must_farm_start(slow);
    return 0;
}

/* ---- the straight way ---- */

static void expect_stored(farm *f, const gc_file_result *file)
{
    char *text = must_redis_text(f->redis, "GET gc:blob:%s", file->sha256);
    gc_sha sha = gc_sha256(text, strlen(text));
    assert_string_equal(sha.hex, file->sha256);
    assert_non_null(strstr(text, "package p"));
    char *listed =
        must_redis_text(f->redis, "HGET gc:job:" FARM_JOB ":files %s", file->path);
    assert_string_equal(listed, file->sha256);
    free(text);
    free(listed);
}

static int64_t job_number(farm *f, const char *field)
{
    int64_t number = -1;
    char *text = must_redis_text(f->redis, "HGET gc:job:" FARM_JOB " %s", field);
    must_ok(gc_parse_i64(text, 0, INT64_MAX, &number));
    free(text);
    return number;
}

static void test_worker_makes_and_stores_files(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    const farm_end *end = farm_run(f, farm_task(f, "t1", "made", 3));
    expect_outcomes(end, GC_FILE_MADE, 3);
    const gc_result *r = end->result;
    gc_usage sum = { 0 };
    double cost = 0;
    for (size_t i = 0; i < r->file_count; i++) {
        expect_stored(f, &r->files[i]);
        gc_usage_add(&sum, &r->files[i].usage);
        cost += r->files[i].cost_usd;
    }
    assert_memory_equal(&sum, &r->usage, sizeof sum); /* shares add up */
    assert_true(cost > r->cost_usd * 0.999 && cost < r->cost_usd * 1.001);
    assert_true(r->cost_usd > 0);
    assert_int_equal(r->usage.output, farm_stat(f, "output_tokens"));
    assert_int_equal(r->calls, 1);
    assert_int_equal(r->requests, 1);
    assert_string_equal(r->stop_reason, "end_turn");
    assert_int_equal(job_number(f, "llm_calls"), 1);
    assert_int_equal(job_number(f, "tokens_output"), r->usage.output);
    expect_no_leases(f);
    char *record = must_redis_text(f->redis, "HGET gc:job:" FARM_JOB ":tasks t1");
    assert_int_equal(strncmp(record, "done ", 5), 0);
    free(record);
}

static void test_worker_reuses_what_is_paid(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    expect_outcomes(farm_run(f, farm_task(f, "t1", "same", 2)), GC_FILE_MADE, 2);
    gc_task *again = farm_task(f, "t2", "same", 2);
    set_text(&again->job, "j-farm00000002");
    const farm_end *end = farm_run(f, again);
    expect_outcomes(end, GC_FILE_REUSED, 2);
    assert_int_equal(end->result->requests, 0);
    assert_int_equal(farm_stat(f, "requests"), 1);
}

static void test_worker_asks_only_for_what_is_its_own(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    expect_outcomes(farm_run(f, farm_task(f, "t1", "part", 1)), GC_FILE_MADE, 1);
    const farm_end *end = farm_run(f, farm_task(f, "t2", "part", 3));
    assert_true(end->done);
    assert_int_equal(end->result->files[0].outcome, GC_FILE_REUSED);
    assert_int_equal(end->result->files[1].outcome, GC_FILE_MADE);
    assert_int_equal(end->result->files[2].outcome, GC_FILE_MADE);
    json_t *journal = farm_journal(f);
    const json_t *wanted = json_object_get(json_array_get(journal, 1), "wanted");
    assert_int_equal(json_array_size(wanted), 2);
    assert_string_equal(json_string_value(json_array_get(wanted, 0)), "part/f1.go");
    json_decref(journal);
}

static void test_worker_fetches_shared_blocks(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "blob", 1);
    gc_block *block = &task->system[0];
    gc_sha sha = gc_sha256(block->text, strlen(block->text));
    gc_task *lost = farm_task(f, "t2", "lost", 1);
    free(lost->system[0].text);
    lost->system[0].text = NULL;
    lost->system[0].sha256 = gc_xstrdup(sha.hex);
    farm_submit(f, lost); /* the block is not there yet */
    expect_fail(farm_await(f, "t2"), GC_FAIL_STALE);
    gc_task_destroy(&lost);
    freeReplyObject(must_redis(f->redis, "SET gc:blob:%s %s", sha.hex, block->text));
    free(block->text);
    block->text = NULL;
    block->sha256 = gc_xstrdup(sha.hex);
    expect_outcomes(farm_run(f, task), GC_FILE_MADE, 1);
}

static void test_worker_speaks_chat_completions(void **state)
{
    farm *f = *state;
    static const char *const key[] = { "OPENAI_API_KEY=" FARM_KEY, NULL };
    farm_start_worker(f, 0, 4, NULL, key);
    gc_task *task = farm_task(f, "t1", "chat", 2);
    const gc_model *model = gc_models_find(f->models, "gpt-6-luna");
    set_text(&task->provider, "openai");
    free(task->model.id);
    free(task->model.provider);
    task->model = *model;
    task->model.id = gc_xstrdup(model->id);
    task->model.provider = gc_xstrdup(model->provider);
    task->openai_cache = true;
    const farm_end *end = farm_run(f, task);
    expect_outcomes(end, GC_FILE_MADE, 2);
    assert_true(end->result->usage.cache_write_5m > 0);
    assert_true(end->result->cost_usd > 0);
}

/* ---- one warms, the others follow ---- */

static void test_worker_warms_a_prefix_once(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 16, NULL, NULL);
    farm_start_worker(f, 1, 16, NULL, NULL);
    int64_t written = 0, read = 0;
    for (int i = 0; i < 12; i++) {
        char id[8], stem[8];
        snprintf(id, sizeof id, "t%d", i);
        snprintf(stem, sizeof stem, "w%d", i);
        gc_task *task = farm_task(f, id, stem, 1);
        farm_submit(f, task);
        gc_task_destroy(&task);
    }
    for (int i = 0; i < 12; i++) {
        char id[8];
        snprintf(id, sizeof id, "t%d", i);
        const farm_end *end = farm_await(f, id);
        expect_outcomes(end, GC_FILE_MADE, 1);
        written += end->result->usage.cache_write_5m > 0;
        read += end->result->usage.cache_read > 0;
    }
    assert_int_equal(written, 1);
    assert_int_equal(read, 11);
}

/* The table says that a prefix is long enough; the provider thinks otherwise. */
static void test_worker_tells_of_a_prefix_that_was_not_cached(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "uncached", 1);
    set_text(&task->system[0].text, "Module path: example.com/app");
    const farm_end *end = farm_run(f, task);
    expect_outcomes(end, GC_FILE_MADE, 1);
    assert_int_equal(end->result->uncached, 1);
}

/* ---- one makes, the others wait ---- */

static void test_worker_leaves_what_another_makes(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *first = farm_task(f, "t1", "once", 1);
    gc_task *second = farm_task(f, "t2", "once", 1);
    farm_submit(f, first);
    farm_await_stat(f, "active", 1);
    farm_submit(f, second);
    expect_outcomes(farm_await(f, "t2"), GC_FILE_WAITING, 1);
    assert_null(farm_find(f, "t1"));
    assert_int_equal(farm_stat(f, "requests"), 1);
    gc_task_destroy(&first);
    gc_task_destroy(&second);
}

static void test_worker_stops_what_is_cancelled(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "stop", 2);
    farm_submit(f, task);
    farm_until(f, farm_has_progress, NULL);
    farm_await_stat(f, "active", 1); /* the request has left */
    farm_cancel(f, FARM_JOB);
    const farm_end *end = farm_await(f, "t1");
    expect_fail(end, GC_FAIL_CANCELLED);
    assert_true(end->result->unconfirmed_usd > 0);
    expect_no_leases(f);
    gc_task_destroy(&task);
}

static void test_worker_lets_a_call_end_that_was_sent(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "sent", 2);
    farm_submit(f, task);
    farm_until(f, farm_has_progress, NULL);
    farm_take_back(f, FARM_JOB);
    expect_outcomes(farm_await(f, "t1"), GC_FILE_MADE, 2);
    gc_task_destroy(&task);
}

static void test_worker_ends_a_call_whose_lease_is_lost(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "lease", 1);
    task->lease_ms = 600;
    farm_submit(f, task);
    farm_until(f, farm_has_progress, NULL);
    freeReplyObject(
        must_redis(f->redis, "SET gc:lease:%s other@1", task->files[0].fingerprint));
    expect_outcomes(farm_await(f, "t1"), GC_FILE_WAITING, 1);
    farm_until(f, farm_is_idle, NULL);
    char *holder =
        must_redis_text(f->redis, "GET gc:lease:%s", task->files[0].fingerprint);
    assert_string_equal(holder, "other@1");
    free(holder);
    gc_task_destroy(&task);
}

/* ---- money ---- */

static void test_worker_stays_under_the_cap(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "cap", 1);
    task->max_cost_usd = 0.02;
    task->reserve_usd = 0.015;
    gc_task *more = farm_task(f, "t2", "cap-more", 1);
    more->max_cost_usd = task->max_cost_usd;
    more->reserve_usd = task->reserve_usd; /* fits once the first has settled */
    gc_task *never = farm_task(f, "t3", "cap-never", 1);
    never->max_cost_usd = task->max_cost_usd;
    never->reserve_usd = 0.02;
    farm_faults(f, "[{\"kind\":\"slow\",\"count\":1,\"at\":90,\"every_ms\":5}]");
    farm_submit(f, task);
    farm_await_stat(f, "active", 1);
    farm_submit(f, more);
    expect_outcomes(farm_await(f, "t1"), GC_FILE_MADE, 1);
    expect_outcomes(farm_await(f, "t2"), GC_FILE_MADE, 1);
    farm_submit(f, never);
    expect_fail(farm_await(f, "t3"), GC_FAIL_CAP);
    gc_task_destroy(&task);
    gc_task_destroy(&more);
    gc_task_destroy(&never);
}

/* ---- keys ---- */

static void test_worker_without_a_good_key_fails_auth(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL,
                      NULL); /* openai by its base URL alone, without a key */
    gc_task *task = farm_task(f, "t1", "auth", 1);
    set_text(&task->provider, "openai");
    const farm_end *end = farm_run(f, task);
    expect_fail(end, GC_FAIL_AUTH);
    assert_int_equal(farm_stat(f, "requests"), 1); /* not tried again */
}

static void test_worker_shows_its_key_nowhere(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 4, NULL, NULL);
    expect_outcomes(farm_run(f, farm_task(f, "t1", "key", 1)), GC_FILE_MADE, 1);
    farm_signal_worker(f, 0, SIGTERM);
    assert_int_equal(farm_await_worker(f, 0), 0);
    char *command =
        gc_xasprintf("grep -rqF '%s' '%s' '%s'", FARM_KEY, f->dir, f->redis->dir);
    assert_int_not_equal(system(command), 0);
    free(command);
}

/* ---- presence and drain ---- */

static bool is_present(farm *f, const void *arg)
{
    (void)arg;
    return must_redis_int(f->redis, "EXISTS gc:worker:farm-w") == 1;
}

static void test_worker_drains(void **state)
{
    farm *f = *state;
    static const char *const name[] = { "--id", "farm-w", NULL };
    farm_start_worker(f, 0, 1, name, NULL);
    farm_until(f, is_present, NULL);
    char *slots = must_redis_text(f->redis, "HGET gc:worker:farm-w slots");
    assert_string_equal(slots, "1");
    free(slots);
    gc_task *first = farm_task(f, "t1", "drain-a", 1);
    gc_task *second = farm_task(f, "t2", "drain-b", 1);
    farm_submit(f, first);
    farm_await_stat(f, "active", 1);
    farm_submit(f, second);
    farm_signal_worker(f, 0, SIGTERM);
    expect_outcomes(farm_await(f, "t1"), GC_FILE_MADE, 1); /* what runs is finished */
    assert_int_equal(farm_await_worker(f, 0), 0);
    assert_null(farm_find(f, "t2"));
    assert_int_equal(must_redis_int(f->redis, "EXISTS gc:worker:farm-w"), 0);
    farm_start_worker(f, 1, 1, NULL, NULL);
    expect_outcomes(farm_await(f, "t2"), GC_FILE_MADE, 1);
    gc_task_destroy(&first);
    gc_task_destroy(&second);
}

static void test_worker_second_signal_ends_at_once(void **state)
{
    farm *f = *state;
    farm_start_worker(f, 0, 1, NULL, NULL);
    gc_task *task = farm_task(f, "t1", "twice", 1);
    farm_submit(f, task);
    farm_until(f, farm_has_progress, NULL);
    farm_signal_worker(f, 0, SIGTERM);
    farm_idle(f, 300);
    farm_signal_worker(f, 0, SIGTERM);
    assert_int_equal(farm_await_worker(f, 0), 130);
    gc_task_destroy(&task);
}

#define SLOW(test) cmocka_unit_test_setup_teardown(test, set_up_slow, farm_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FARM_TEST(test_worker_makes_and_stores_files),
        FARM_TEST(test_worker_reuses_what_is_paid),
        FARM_TEST(test_worker_asks_only_for_what_is_its_own),
        FARM_TEST(test_worker_fetches_shared_blocks),
        FARM_TEST(test_worker_speaks_chat_completions),
        FARM_TEST(test_worker_warms_a_prefix_once),
        FARM_TEST(test_worker_tells_of_a_prefix_that_was_not_cached),
        SLOW(test_worker_leaves_what_another_makes),
        SLOW(test_worker_stops_what_is_cancelled),
        SLOW(test_worker_lets_a_call_end_that_was_sent),
        SLOW(test_worker_ends_a_call_whose_lease_is_lost),
        FARM_TEST(test_worker_stays_under_the_cap),
        FARM_TEST(test_worker_without_a_good_key_fails_auth),
        FARM_TEST(test_worker_shows_its_key_nowhere),
        SLOW(test_worker_drains),
        SLOW(test_worker_second_signal_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
