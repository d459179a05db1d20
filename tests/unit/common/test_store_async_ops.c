/* Blobs, prefixes, presence and figures of the asynchronous store. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/store.h"
#include "common/store_async.h"
#include "support/astore.h"
#include "support/must.h"

/* ---- blobs ---- */

typedef struct blob_answer {
    bool done;
    gc_err err;
    size_t len;
    gc_sha sha;
} blob_answer;

static void on_blob(void *arg, gc_err err, const void *mem, size_t len)
{
    blob_answer *answer = arg;
    *answer = (blob_answer){ .done = true, .err = err, .len = len };
    if (!err)
        answer->sha = gc_sha256(mem, len);
}

static blob_answer get_blob(astore_fixture *f, const char *sha256)
{
    blob_answer answer = { 0 };
    gc_astore_blob_get(f->store, sha256, on_blob, &answer);
    must_become(f, &answer.done, true);
    return answer;
}

static gc_sha put_blob(astore_fixture *f, const char *mem, size_t len)
{
    gc_sha sha;
    done_answer answer = { 0 };
    gc_astore_blob_put(f->store, mem, len, &sha, on_done, &answer);
    must_become(f, &answer.done, true);
    must_ok(answer.err);
    return sha;
}

static void test_store_async_blob_round_trip(void **state)
{
    astore_fixture *f = *state;
    size_t len = (size_t)20 << 20;
    char *big = gc_xcalloc(1, len);
    memset(big + 77, '\r', 1000);
    gc_sha sha = put_blob(f, big, len);
    blob_answer got = get_blob(f, sha.hex);
    must_ok(got.err);
    assert_int_equal(got.len, len);
    free(big);
    gc_sha nothing = put_blob(f, "", 0);
    must_ok(get_blob(f, nothing.hex).err);
    expect_err(GC_ENOENT, get_blob(f, gc_sha256("absent", 6).hex).err);
    expect_err(GC_EINVAL, get_blob(f, "nonsense").err);
}

static void test_store_async_damaged_blob_is_deleted(void **state)
{
    astore_fixture *f = *state;
    gc_sha sha = put_blob(f, "package a\n", 10);
    freeReplyObject(must_redis(f->redis, "SETBIT gc:blob:%s 7 1", sha.hex));
    expect_err(GC_EPROTO, get_blob(f, sha.hex).err);
    must_settle_down(f);
    expect_err(GC_ENOENT, get_blob(f, sha.hex).err);
}

typedef struct sequence {
    int next;
} sequence;

typedef struct step {
    sequence *sequence;
    int number;
} step;

static void on_step(void *arg, gc_err err)
{
    step *self = arg;
    must_ok(err);
    assert_int_equal(self->number, self->sequence->next);
    self->sequence->next++;
}

/* Far more than the socket takes at once: parts are sent as it drains, in order. */
static void test_store_async_large_pipeline_keeps_its_order(void **state)
{
    astore_fixture *f = *state;
    enum {
        STEPS = 300,
        SIZE = 100000
    };
    static step steps[STEPS];
    sequence order = { 0 };
    char *mem = gc_xcalloc(1, SIZE);
    gc_sha sha;
    for (int i = 0; i < STEPS; i++) {
        steps[i] = (step){ .sequence = &order, .number = i };
        memcpy(mem, &i, sizeof i);
        gc_astore_blob_put(f->store, mem, SIZE, &sha, on_step, &steps[i]);
        assert_int_equal(order.next, 0); /* never inside the call */
    }
    must_settle_down(f);
    assert_int_equal(order.next, STEPS);
    free(mem);
}

/* ---- warm prefix ---- */

typedef struct prefix_answer {
    bool done;
    gc_err err;
    gc_prefix_state state;
} prefix_answer;

static void on_prefix(void *arg, gc_err err, gc_prefix_state state, int64_t left_ms)
{
    (void)left_ms;
    *(prefix_answer *)arg = (prefix_answer){ .done = true, .err = err, .state = state };
}

static gc_prefix_state claim_prefix(astore_fixture *f, const gc_task *task,
                                    const char *sha, const char *worker, int64_t ms)
{
    prefix_answer answer = { 0 };
    gc_astore_prefix_claim(f->store, task, sha, worker, ms, on_prefix, &answer);
    must_become(f, &answer.done, true);
    must_ok(answer.err);
    return answer.state;
}

static void test_store_async_prefix_is_warmed_by_one(void **state)
{
    astore_fixture *f = *state;
    gc_task one = sample_task("t1", "a", 1);
    gc_task two = sample_task("t2", "b", 1);
    gc_sha sha = gc_sha256("prefix", 6);
    freeReplyObject(must_redis(f->redis, "HSET gc:worker:w1 pid 1"));
    assert_int_equal(claim_prefix(f, &one, sha.hex, "w1", 60000), GC_PREFIX_MINE);
    assert_int_equal(claim_prefix(f, &one, sha.hex, "w1", 60000), GC_PREFIX_MINE);
    assert_int_equal(claim_prefix(f, &two, sha.hex, "w1", 60000), GC_PREFIX_WAIT);
    gc_astore_prefix_abandon(f->store, &two, sha.hex, "w1"); /* not his: no effect */
    assert_int_equal(claim_prefix(f, &two, sha.hex, "w2", 60000), GC_PREFIX_WAIT);
    gc_astore_prefix_abandon(f->store, &one, sha.hex, "w1");
    assert_int_equal(claim_prefix(f, &two, sha.hex, "w2", 60000), GC_PREFIX_MINE);
    gc_astore_prefix_warm(f->store, &two, sha.hex, 1234, 60000);
    assert_int_equal(claim_prefix(f, &one, sha.hex, "w1", 60000), GC_PREFIX_WARM);
    gc_astore_prefix_abandon(f->store, &two, sha.hex, "w2"); /* warm stays warm */
    assert_int_equal(claim_prefix(f, &one, sha.hex, "w1", 60000), GC_PREFIX_WARM);
    char *key = gc_xasprintf("gc:prefix:anthropic:claude-sonnet-5-5:%s", sha.hex);
    char *tokens = must_redis_text(f->redis, "HGET %s tokens", key);
    char *hits = must_redis_text(f->redis, "HGET %s hits", key);
    assert_string_equal(tokens, "1234");
    assert_string_equal(hits, "2");
    int64_t before = must_redis_int(f->redis, "PTTL %s", key);
    gc_astore_prefix_warm(f->store, &two, sha.hex, 0, 1000); /* never shortens */
    must_settle_down(f);
    assert_true(before > 50000);
    assert_true(must_redis_int(f->redis, "PTTL %s", key) > 50000);
    free(tokens);
    free(hits);
    free(key);
    sample_task_release(&one);
    sample_task_release(&two);
}

static void test_store_async_prefix_of_a_dead_worker_is_free(void **state)
{
    astore_fixture *f = *state;
    gc_task one = sample_task("t1", "a", 1);
    gc_task two = sample_task("t2", "b", 1);
    gc_sha sha = gc_sha256("prefix", 6);
    freeReplyObject(must_redis(f->redis, "HSET gc:worker:w1 pid 1"));
    assert_int_equal(claim_prefix(f, &one, sha.hex, "w1.x7k2p9", 60000), GC_PREFIX_MINE);
    assert_int_equal(claim_prefix(f, &two, sha.hex, "w2", 60000), GC_PREFIX_WAIT);
    freeReplyObject(must_redis(f->redis, "DEL gc:worker:w1"));
    assert_int_equal(claim_prefix(f, &two, sha.hex, "w2", 60000), GC_PREFIX_MINE);
    sample_task_release(&one);
    sample_task_release(&two);
}

static void test_store_async_prefix_lapses(void **state)
{
    astore_fixture *f = *state;
    gc_task one = sample_task("t1", "a", 1);
    gc_task two = sample_task("t2", "b", 1);
    gc_sha sha = gc_sha256("prefix", 6);
    assert_int_equal(claim_prefix(f, &one, sha.hex, "w1", 30), GC_PREFIX_MINE);
    int64_t end = gc_clock_ms() + TEST_WAIT_MS;
    while (claim_prefix(f, &two, sha.hex, "w2", 60000) == GC_PREFIX_WAIT)
        assert_true(gc_clock_ms() < end);
    gc_astore_prefix_warm(f->store, &two, sha.hex, 9, 30);
    while (claim_prefix(f, &one, sha.hex, "w1", 60000) == GC_PREFIX_WARM)
        assert_true(gc_clock_ms() < end);
    sample_task_release(&one);
    sample_task_release(&two);
}

/* ---- presence and figures ---- */

static void test_store_async_workers_come_and_go(void **state)
{
    astore_fixture *f = *state;
    gc_store *reader = NULL;
    gc_worker_info *list = NULL;
    size_t count = 0;
    must_ok(gc_store_open(f->redis->url, &reader, NULL));
    gc_astore_worker_seen(f->store, "w-1", "host a", 12, 32, 3, "anthropic", 60000);
    gc_astore_worker_seen(f->store, "w-2", "host b", 13, 32, 0, "openai", 60000);
    must_settle_down(f);
    gc_astore_worker_gone(f->store, "w-2");
    must_settle_down(f);
    must_ok(gc_store_workers(reader, &list, &count));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].id, "w-1");
    assert_string_equal(list[0].host, "host a");
    assert_string_equal(list[0].version, GC_VERSION);
    assert_string_equal(list[0].providers, "anthropic");
    assert_int_equal(list[0].busy, 3);
    assert_true(list[0].seen_at > 1700000000000);
    assert_true(must_redis_int(f->redis, "PTTL gc:worker:w-1") > 0);
    gc_worker_info_release(&list[0]);
    free(list);
    gc_store_close(&reader);
}

static void test_store_async_model_figures_add_up(void **state)
{
    astore_fixture *f = *state;
    gc_store *reader = NULL;
    gc_measured got;
    must_ok(gc_store_open(f->redis->url, &reader, NULL));
    for (int i = 0; i < 30; i++)
        gc_astore_model_add(f->store, "m", i < 10 ? 4.0 : 3.0, 0.01);
    assert_int_equal(gc_astore_pending(f->store), 1); /* of one turn of the loop */
    must_settle_down(f);
    must_ok(gc_store_model_get(reader, "m", &got));
    assert_int_equal(got.calls, 30);
    assert_true(got.bytes_per_token > 3.0 && got.bytes_per_token < 3.2);
    gc_store_close(&reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_store_async_blob_round_trip, astore_flush),
        cmocka_unit_test_setup(test_store_async_damaged_blob_is_deleted, astore_flush),
        cmocka_unit_test_setup(test_store_async_large_pipeline_keeps_its_order,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_prefix_is_warmed_by_one, astore_flush),
        cmocka_unit_test_setup(test_store_async_prefix_of_a_dead_worker_is_free,
                               astore_flush),
        cmocka_unit_test_setup(test_store_async_prefix_lapses, astore_flush),
        cmocka_unit_test_setup(test_store_async_workers_come_and_go, astore_flush),
        cmocka_unit_test_setup(test_store_async_model_figures_add_up, astore_flush),
    };
    return cmocka_run_group_tests_name("store_async_ops", tests, astore_setup,
                                       astore_teardown);
}
