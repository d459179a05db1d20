#include "common/task.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "support/must.h"

#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static gc_task *make_task(void)
{
    gc_task *task = gc_task_new();
    task->job = gc_xstrdup("j-0123456789ab");
    task->id = gc_xstrdup("t.1");
    task->provider = gc_xstrdup("anthropic");
    task->model.id = gc_xstrdup("claude-sonnet-5-5");
    task->model.provider = gc_xstrdup("anthropic");
    task->model.priced = true;
    task->model.prices.output = 15;
    task->model.long_prices.cache_read = 0.3;
    task->model.thinking_off = GC_THINKING_BETWEEN_TOOLS;
    task->max_tokens = 4096;
    task->cache_ttl = gc_xstrdup("5m");
    task->system_count = 1;
    task->system = gc_xcalloc(1, sizeof *task->system);
    task->system[0].sha256 = gc_xstrdup(SHA);
    task->system[0].mark = true;
    task->user_count = 1;
    task->user = gc_xcalloc(1, sizeof *task->user);
    task->user[0].text = gc_xstrdup("write it");
    task->file_count = 2;
    task->files = gc_xcalloc(2, sizeof *task->files);
    for (size_t i = 0; i < 2; i++) {
        task->files[i].path = gc_xasprintf("a/%zu.go", i);
        task->files[i].fingerprint = gc_xstrdup(SHA);
    }
    task->reserve_usd = 0.25;
    task->reuse = true;
    return task;
}

static gc_errinfo why; /* the latest task was refused */

static gc_err encode_and_decode(const gc_task *task, gc_task **out)
{
    gc_buf buf;
    gc_buf_init(&buf, 1 << 20);
    gc_task_encode(task, &buf);
    gc_err err = gc_task_decode(buf.ptr, buf.len, out, &why);
    gc_buf_release(&buf);
    return err;
}

static void test_task_round_trip(void **state)
{
    (void)state;
    gc_task *in = make_task();
    gc_task *out = NULL;
    must_ok(encode_and_decode(in, &out));
    assert_string_equal(out->model.id, "claude-sonnet-5-5");
    assert_true(out->model.prices.output == 15);
    assert_true(out->model.long_prices.cache_read == 0.3);
    assert_int_equal(out->model.thinking_off, GC_THINKING_BETWEEN_TOOLS);
    assert_string_equal(out->effort, "");
    assert_null(out->system[0].text);
    assert_string_equal(out->system[0].sha256, SHA);
    assert_true(out->system[0].mark && !out->user[0].mark && out->reuse);
    assert_string_equal(out->user[0].text, "write it");
    assert_string_equal(out->files[1].path, "a/1.go");
    assert_string_equal(out->files[1].promise, "");
    assert_true(out->reserve_usd == 0.25);
    gc_task_destroy(&out);
    gc_task_destroy(&in);
    assert_null(in);
}

static void test_task_block_is_text_or_hash(void **state)
{
    (void)state;
    gc_task *in = make_task();
    gc_task *out = NULL;
    in->user[0].sha256 = gc_xstrdup(SHA);
    expect_err(GC_EPROTO, encode_and_decode(in, &out));
    free(in->user[0].text);
    in->user[0].text = NULL;
    must_ok(encode_and_decode(in, &out));
    gc_task_destroy(&out);
    free(in->user[0].sha256);
    in->user[0].sha256 = NULL;
    expect_err(GC_EPROTO, encode_and_decode(in, &out));
    assert_null(out);
    gc_task_destroy(&in);
}

static void test_task_refuses_bad_values(void **state)
{
    (void)state;
    gc_task *in = make_task();
    gc_task *out = NULL;
    in->files[0].fingerprint[0] = 'E';
    expect_err(GC_EPROTO, encode_and_decode(in, &out));
    in->files[0].fingerprint[0] = 'e';
    in->lease_ms = -1;
    expect_err(GC_EPROTO, encode_and_decode(in, &out));
    in->lease_ms = 0;
    in->id[1] = '/';
    expect_err(GC_EPROTO, encode_and_decode(in, &out));
    gc_task_destroy(&in);
}

static void expect_path_refused(const char *path)
{
    gc_task *in = make_task(), *out = NULL;
    free(in->files[0].path);
    in->files[0].path = gc_xstrdup(path);
    expect_err(GC_EPROTO, encode_and_decode(in, &out));
    assert_non_null(strstr(why.text, *path ? path : "path"));
    gc_task_destroy(&in);
}

static void test_task_refuses_files_nobody_may_write(void **state)
{
    (void)state;
    expect_path_refused("");
    expect_path_refused("../a.go");
    expect_path_refused("/etc/a.go");
    expect_path_refused("a/.git/hooks");
    expect_path_refused("./a.go");
    expect_path_refused("a//b.go");
    expect_path_refused("a/");
    expect_path_refused("a/1.go"); /* it is the other one, too */
}

static void test_task_refuses_other_lifetimes(void **state)
{
    (void)state;
    gc_task *in = make_task(), *out = NULL;
    free(in->cache_ttl);
    in->cache_ttl = gc_xstrdup("7m");
    expect_err(GC_EPROTO, encode_and_decode(in, &out));
    assert_non_null(strstr(why.text, "7m"));
    gc_task_destroy(&in);
}

static void test_task_refuses_every_truncation(void **state)
{
    (void)state;
    gc_task *in = make_task();
    gc_task *out = NULL;
    gc_buf buf;
    gc_buf_init(&buf, 1 << 20);
    gc_task_encode(in, &buf);
    for (size_t len = 0; len < buf.len; len++)
        expect_err(GC_EPROTO, gc_task_decode(buf.ptr, len, &out, NULL));
    gc_buf_release(&buf);
    gc_task_destroy(&in);
}

static void test_result_round_trip(void **state)
{
    (void)state;
    gc_result *in = gc_result_new();
    gc_result *out = NULL;
    in->file_count = 2;
    in->files = gc_xcalloc(2, sizeof *in->files);
    in->files[0].path = gc_xstrdup("a.go");
    in->files[0].sha256 = gc_xstrdup(SHA);
    in->files[0].usage.output = 100;
    in->files[1].path = gc_xstrdup("b.go");
    in->files[1].outcome = GC_FILE_REJECTED;
    in->files[1].text = gc_xstrdup("no package clause");
    in->usage.cache_read = 12;
    in->cost_usd = 0.01;
    in->calls = 1;
    in->worker = gc_xstrdup("w1");
    gc_buf buf;
    gc_buf_init(&buf, 1 << 20);
    gc_result_encode(in, &buf);
    must_ok(gc_result_decode(buf.ptr, buf.len, &out));
    assert_int_equal(out->files[0].outcome, GC_FILE_MADE);
    assert_int_equal(out->files[0].usage.output, 100);
    assert_int_equal(out->files[1].outcome, GC_FILE_REJECTED);
    assert_string_equal(out->files[1].sha256, "");
    assert_string_equal(out->files[1].text, "no package clause");
    assert_int_equal(out->usage.cache_read, 12);
    assert_string_equal(out->worker, "w1");
    assert_string_equal(out->stop_reason, "");
    gc_result_destroy(&out);
    in->files[1].outcome = GC_FILE_MADE; /* without a hash of its content */
    gc_buf_reset(&buf);
    gc_result_encode(in, &buf);
    expect_err(GC_EPROTO, gc_result_decode(buf.ptr, buf.len, &out));
    gc_buf_release(&buf);
    gc_result_destroy(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task_round_trip),
        cmocka_unit_test(test_task_block_is_text_or_hash),
        cmocka_unit_test(test_task_refuses_bad_values),
        cmocka_unit_test(test_task_refuses_files_nobody_may_write),
        cmocka_unit_test(test_task_refuses_other_lifetimes),
        cmocka_unit_test(test_task_refuses_every_truncation),
        cmocka_unit_test(test_result_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
