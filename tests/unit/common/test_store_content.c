/* Blobs, checkpoint, generation cache, workers and measured models in a real Redis. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/store.h"
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
    must_ok(gc_store_open(f->redis->url, &f->store, NULL));
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

static void expect_blob(gc_store *store, const char *sha256, const char *mem, size_t len)
{
    gc_buf buf;
    gc_buf_init(&buf, 1 << 20);
    must_ok(gc_store_blob_get(store, sha256, &buf));
    assert_int_equal(buf.len, len);
    assert_memory_equal(buf.ptr, mem, len);
    gc_buf_release(&buf);
}

/* Each says for itself how it is. */
static void test_store_blobs_come_together(void **state)
{
    fixture *f = *state;
    gc_sha good, bad, empty;
    must_ok(gc_store_blob_put(f->store, "good", 4, &good));
    must_ok(gc_store_blob_put(f->store, "", 0, &empty));
    must_ok(gc_store_blob_put(f->store, "bad", 3, &bad));
    freeReplyObject(must_redis(f->redis, "SET gc:blob:%s other", bad.hex));
    gc_sha absent = gc_sha256("absent", 6);
    const char *shas[] = { good.hex, absent.hex, bad.hex, empty.hex };
    for (int round = 0; round < 2; round++) { /* the second: one is no hash at all */
        gc_buf out[4];
        gc_err errs[4];
        for (size_t i = 0; i < 4; i++)
            gc_buf_init(&out[i], 1 << 20);
        gc_store_blobs_get(f->store, shas, 4, out, errs);
        must_ok(errs[0]);
        assert_string_equal(out[0].ptr, "good");
        expect_err(round ? GC_EINVAL : GC_ENOENT, errs[1]);
        expect_err(round ? GC_ENOENT : GC_EPROTO, errs[2]); /* it was dropped */
        must_ok(errs[3]);
        assert_int_equal(out[3].len, 0);
        for (size_t i = 0; i < 4; i++)
            gc_buf_release(&out[i]);
        shas[1] = "nonsense";
    }
}

static void test_store_blob_round_trip_keeps_every_byte(void **state)
{
    fixture *f = *state;
    static const char bytes[] = "a\0b\r\n$3\r\n\xff";
    gc_sha sha;
    must_ok(gc_store_blob_put(f->store, bytes, sizeof bytes, &sha));
    expect_blob(f->store, sha.hex, bytes, sizeof bytes);
    must_ok(gc_store_blob_put(f->store, "", 0, &sha));
    expect_blob(f->store, sha.hex, "", 0);
    gc_buf small;
    gc_buf_init(&small, 4);
    must_ok(gc_store_blob_put(f->store, "12345", 5, &sha));
    expect_err(GC_ETOOBIG, gc_store_blob_get(f->store, sha.hex, &small));
    expect_err(GC_EINVAL, gc_store_blob_get(f->store, "nonsense", &small));
    gc_buf_release(&small);
}

static void test_store_damaged_blob_is_found_and_deleted(void **state)
{
    fixture *f = *state;
    gc_sha sha;
    gc_buf buf;
    gc_buf_init(&buf, 1000);
    must_ok(gc_store_blob_put(f->store, "package a\n", 10, &sha));
    freeReplyObject(must_redis(f->redis, "SETBIT gc:blob:%s 7 1", sha.hex));
    expect_err(GC_EPROTO, gc_store_blob_get(f->store, sha.hex, &buf));
    expect_err(GC_ENOENT, gc_store_blob_get(f->store, sha.hex, &buf));
    must_ok(gc_store_blob_put(f->store, "package a\n", 10, &sha));
    freeReplyObject(must_redis(f->redis, "SETBIT gc:blob:%s 7 1", sha.hex));
    must_ok(gc_store_blob_put(f->store, "package a\n", 10, &sha)); /* heals it */
    expect_blob(f->store, sha.hex, "package a\n", 10);
    gc_buf_release(&buf);
}

static void test_store_fcs_round_trip(void **state)
{
    fixture *f = *state;
    gc_sha sha = gc_sha256("{}", 2);
    gc_buf buf;
    gc_buf_init(&buf, 100);
    expect_err(GC_ENOENT, gc_store_fcs_get(f->store, sha.hex, &buf));
    must_ok(gc_store_fcs_put(f->store, sha.hex, "{}", 2));
    must_ok(gc_store_fcs_get(f->store, sha.hex, &buf));
    assert_string_equal(buf.ptr, "{}");
    gc_buf_release(&buf);
}

static void test_store_checkpoint_lists_files_by_path(void **state)
{
    fixture *f = *state;
    gc_store_file mod = { "go.mod", "module x\n", 9 };
    gc_sha sha = gc_sha256(mod.mem, mod.len);
    gc_sha gone = gc_sha256("gone", 4);
    gc_strv lines = { 0 };
    must_ok(gc_store_files_put(f->store, "j-1", &mod, 1));
    must_ok(gc_store_file_ref(f->store, "j-1", "a/b c.go", sha.hex));
    expect_err(GC_ENOENT, gc_store_file_ref(f->store, "j-1", "lost.go", gone.hex));
    must_ok(gc_store_files(f->store, "j-1", &lines));
    assert_int_equal(lines.count, 2);
    char *want = gc_xasprintf("a/b c.go %s", sha.hex);
    assert_string_equal(lines.items[0], want);
    assert_true(strncmp(lines.items[1], "go.mod ", 7) == 0);
    free(want);
    gc_strv_release(&lines);
    expect_blob(f->store, sha.hex, "module x\n", 9);
    char *done = must_redis_text(f->redis, "HGET gc:job:j-1 files_done");
    assert_string_equal(done, "2");
    free(done);
}

static void test_store_puts_many_files(void **state)
{
    fixture *f = *state;
    enum {
        COUNT = 300
    };
    gc_store_file files[COUNT];
    char *large = gc_xcalloc(1, (size_t)3 << 20);
    for (size_t i = 0; i < COUNT; i++) {
        char *path = gc_xasprintf("p/%zu.go", i);
        files[i] = (gc_store_file){ path, path, strlen(path) };
    }
    files[10].mem = files[11].mem = large; /* no two of these in one command */
    files[10].len = files[11].len = (size_t)3 << 20;
    must_ok(gc_store_files_put(f->store, "j-1", files, COUNT));
    assert_int_equal(must_redis_int(f->redis, "HLEN gc:job:j-1:files"), COUNT);
    gc_sha sha = gc_sha256(files[10].mem, files[10].len);
    char *command = gc_xasprintf("STRLEN gc:blob:%s", sha.hex);
    assert_int_equal(must_redis_int(f->redis, command), (int64_t)files[10].len);
    free(command);
    sha = gc_sha256(files[299].mem, files[299].len);
    expect_blob(f->store, sha.hex, files[299].mem, files[299].len);
    must_ok(gc_store_files_put(f->store, "j-1", files, 0));
    for (size_t i = 0; i < COUNT; i++)
        free((char *)files[i].path);
    free(large);
    gc_store_file nameless = { "", "", 0 };
    expect_err(GC_EINVAL, gc_store_files_put(f->store, "j-1", &nameless, 1));
}

static void test_store_many_refs_take_few_round_trips(void **state)
{
    fixture *f = *state;
    enum {
        COUNT = 1201
    };
    gc_strv paths = { 0 };
    gc_strv shas = { 0 };
    gc_sha sha;
    must_ok(gc_store_blob_put(f->store, "x", 1, &sha));
    for (int i = 0; i < COUNT; i++) {
        gc_strv_push(&paths, gc_xasprintf("f%04d.go", i));
        gc_strv_add(&shas, sha.hex);
    }
    must_ok(gc_store_file_refs(f->store, "j-1", (const char *const *)paths.items,
                               (const char *const *)shas.items, COUNT));
    assert_int_equal(must_redis_int(f->redis, "HLEN gc:job:j-1:files"), COUNT);
    gc_strv_release(&paths);
    gc_strv_release(&shas);
}

static void put_gen(fixture *f, const char *fingerprint, const char *sha256)
{
    freeReplyObject(must_redis(f->redis,
                               "HSET gc:gen:%s path a.go sha256 %s model m worker w "
                               "tokens_input 5 tokens_output 7 cost 0.001500000 "
                               "created_at 1700000000000",
                               fingerprint, sha256));
}

static void test_store_gen_is_found_only_with_its_blob(void **state)
{
    fixture *f = *state;
    gc_sha blob;
    gc_sha there = gc_sha256("1", 1);
    gc_sha orphan = gc_sha256("2", 1);
    gc_sha absent = gc_sha256("3", 1);
    must_ok(gc_store_blob_put(f->store, "code", 4, &blob));
    put_gen(f, there.hex, blob.hex);
    put_gen(f, orphan.hex, absent.hex);
    const char *fingerprints[] = { absent.hex, there.hex, orphan.hex };
    gc_gen out[3] = { 0 };
    must_ok(gc_store_gen_find(f->store, fingerprints, 3, out));
    assert_null(out[0].sha256);
    assert_string_equal(out[1].sha256, blob.hex);
    assert_string_equal(out[1].path, "a.go");
    assert_int_equal(out[1].usage.output, 7);
    assert_true(out[1].cost_usd > 0.00149 && out[1].cost_usd < 0.00151);
    assert_int_equal(out[1].created_at, 1700000000000);
    assert_null(out[2].sha256);
    assert_int_equal(must_redis_int(f->redis, "EXISTS gc:gen:%s", orphan.hex), 0);
    gc_gen_release(&out[1]);
}

static void test_store_gen_is_looked_up_in_bulk(void **state)
{
    fixture *f = *state;
    enum {
        COUNT = 1100
    };
    gc_sha *shas = gc_xcalloc(COUNT, sizeof *shas);
    const char **fingerprints = gc_xcalloc(COUNT, sizeof *fingerprints);
    gc_gen *out = gc_xcalloc(COUNT, sizeof *out);
    gc_sha blob;
    must_ok(gc_store_blob_put(f->store, "code", 4, &blob));
    for (int i = 0; i < COUNT; i++) {
        shas[i] = gc_sha256(&i, sizeof i);
        fingerprints[i] = shas[i].hex;
    }
    put_gen(f, shas[0].hex, blob.hex);
    put_gen(f, shas[COUNT - 1].hex, blob.hex);
    must_ok(gc_store_gen_find(f->store, fingerprints, COUNT, out));
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(out[i].sha256 != NULL, i == 0 || i == COUNT - 1);
        gc_gen_release(&out[i]);
    }
    free(shas);
    free(fingerprints);
    free(out);
}

static void test_store_workers_are_listed_while_they_live(void **state)
{
    fixture *f = *state;
    gc_worker_info *list = NULL;
    size_t count = 0;
    freeReplyObject(must_redis(f->redis,
                               "HSET gc:worker:w-1 host h pid 7 slots 32 busy 3 "
                               "version 1 providers anthropic,openai seen_at 9"));
    freeReplyObject(must_redis(f->redis, "ZADD gc:workers 9 w-1 9 w-dead"));
    must_ok(gc_store_workers(f->store, &list, &count));
    assert_int_equal(count, 1);
    assert_string_equal(list[0].id, "w-1");
    assert_string_equal(list[0].host, "h");
    assert_string_equal(list[0].providers, "anthropic,openai");
    assert_int_equal(list[0].pid, 7);
    assert_int_equal(list[0].slots, 32);
    gc_worker_info_release(&list[0]);
    free(list);
    assert_int_equal(must_redis_int(f->redis, "ZCARD gc:workers"), 1);
}

static void test_store_model_keeps_a_mean(void **state)
{
    fixture *f = *state;
    gc_measured m;
    must_ok(gc_store_model_get(f->store, "qwen:7b", &m));
    assert_int_equal(m.calls, 0);
    assert_true(m.bytes_per_token == 0);
    must_ok(gc_store_model_add(f->store, "qwen:7b", 3.0, 0.01));
    must_ok(gc_store_model_add(f->store, "qwen:7b", 4.0, 0));
    must_ok(gc_store_model_get(f->store, "qwen:7b", &m));
    assert_int_equal(m.calls, 2);
    assert_true(m.bytes_per_token > 3.49 && m.bytes_per_token < 3.51);
    assert_true(m.seconds_per_output_token > 0.0099);
    assert_true(m.seconds_per_output_token < 0.0101);
    expect_err(GC_EINVAL, gc_store_model_add(f->store, "", 4.0, 0));
}

static void test_store_model_learns_sums(void **state)
{
    fixture *f = *state;
    gc_measured more = { .marked = { 3600, 1000 },
                         .kinds = { { .name = "service",
                                      .output = { 300, 2000 },
                                      .line = { 2, 70, 300, 2500, 11000 } },
                                    { .name = "no word", .output = { 1, 1 } } },
                         .kind_count = 2 };
    gc_measured m;
    must_ok(gc_store_model_learn(f->store, "m", &more));
    must_ok(gc_store_model_learn(f->store, "m", &more));
    must_ok(gc_store_model_learn(f->store, "m", &(gc_measured){ .calls = 1 }));
    must_ok(gc_store_model_get(f->store, "m", &m));
    assert_int_equal(m.marked.sum, 7200);
    assert_int_equal(m.marked.per, 2000);
    assert_int_equal(m.plain.per, 0);
    assert_int_equal(m.kind_count, 1);
    assert_string_equal(m.kinds[0].name, "service");
    assert_int_equal(m.kinds[0].output.sum, 600);
    assert_int_equal(m.kinds[0].output.per, 4000);
    const gc_line twice = { 4, 140, 600, 5000, 22000 };
    assert_memory_equal(&m.kinds[0].line, &twice, sizeof twice);
    expect_err(GC_EINVAL, gc_store_model_learn(f->store, "", &more));
}

/* What is old fades, and no number grows for ever. */
static void test_store_model_sums_are_bounded(void **state)
{
    fixture *f = *state;
    gc_measured old = { .plain = { 4000000, 1000000 } };
    gc_measured now = { .plain = { 2000000, 1000000 } };
    gc_measured m;
    must_ok(gc_store_model_learn(f->store, "m", &old));
    for (int i = 0; i < 20; i++)
        must_ok(gc_store_model_learn(f->store, "m", &now));
    must_ok(gc_store_model_get(f->store, "m", &m));
    assert_true(m.plain.per <= 2000000);
    double mean = (double)m.plain.sum / (double)m.plain.per;
    assert_true(mean > 1.99 && mean < 2.01);
    const gc_line full = { 1001, 70, 300, 2500, 11000 };
    gc_measured files = { .kinds = { { .name = "test", .line = full } },
                          .kind_count = 1 };
    files.kinds[0].output = (gc_ratio){ 1, 1 };
    must_ok(gc_store_model_learn(f->store, "m", &files));
    must_ok(gc_store_model_get(f->store, "m", &m));
    const gc_line half = { 500, 35, 150, 1250, 5500 };
    assert_memory_equal(&m.kinds[0].line, &half, sizeof half);
}

static void test_store_simulated_figures_are_apart(void **state)
{
    (void)state;
    char name[GC_MEASURED_NAME];
    gc_measured_name("claude-x", false, name);
    assert_string_equal(name, "claude-x");
    gc_measured_name("claude-x", true, name);
    assert_string_equal(name, "sim:claude-x");
}

static void test_store_knows_a_warm_prefix(void **state)
{
    fixture *f = *state;
    gc_block block = { .text = (char *)"rules", .mark = true };
    gc_task task = { .provider = (char *)"anthropic",
                     .model = { .id = (char *)"m" },
                     .effort = (char *)"low",
                     .cache_ttl = (char *)"5m",
                     .system = &block,
                     .system_count = 1 };
    gc_sha prefix;
    bool warm = true;
    must_ok(gc_store_prefix_is_warm(f->store, &task, &warm));
    assert_false(warm);
    assert_true(gc_task_prefix(&task, &prefix));
    char command[200];
    snprintf(command, sizeof command, "HSET gc:prefix:anthropic:m:%s state warm",
             prefix.hex);
    freeReplyObject(must_redis(f->redis, command));
    must_ok(gc_store_prefix_is_warm(f->store, &task, &warm));
    assert_true(warm);
    block.mark = false;
    must_ok(gc_store_prefix_is_warm(f->store, &task, &warm));
    assert_false(warm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_store_blobs_come_together, flush),
        cmocka_unit_test_setup(test_store_blob_round_trip_keeps_every_byte, flush),
        cmocka_unit_test_setup(test_store_damaged_blob_is_found_and_deleted, flush),
        cmocka_unit_test_setup(test_store_fcs_round_trip, flush),
        cmocka_unit_test_setup(test_store_checkpoint_lists_files_by_path, flush),
        cmocka_unit_test_setup(test_store_puts_many_files, flush),
        cmocka_unit_test_setup(test_store_many_refs_take_few_round_trips, flush),
        cmocka_unit_test_setup(test_store_gen_is_found_only_with_its_blob, flush),
        cmocka_unit_test_setup(test_store_gen_is_looked_up_in_bulk, flush),
        cmocka_unit_test_setup(test_store_workers_are_listed_while_they_live, flush),
        cmocka_unit_test_setup(test_store_model_keeps_a_mean, flush),
        cmocka_unit_test_setup(test_store_model_learns_sums, flush),
        cmocka_unit_test_setup(test_store_model_sums_are_bounded, flush),
        cmocka_unit_test_setup(test_store_simulated_figures_are_apart, flush),
        cmocka_unit_test_setup(test_store_knows_a_warm_prefix, flush),
    };
    return cmocka_run_group_tests_name("store_content", tests, setup, teardown);
}
