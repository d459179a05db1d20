#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/fs.h"
#include "common/mem.h"
#include "coordinator/report.h"
#include "support/capture.h"
#include "support/must.h"

static char *dir, *path_a, *path_b;

static int set_up(void **state)
{
    (void)state;
    dir = must_temp_dir();
    path_a = gc_xasprintf("%s/baseline.json", dir);
    path_b = gc_xasprintf("%s/optimized.json", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    must_remove_tree(dir);
    free(path_a);
    free(path_b);
    free(dir);
    return 0;
}

static void put(const char *path, double processed, double usd, double seconds,
                double hit_rate)
{
    json_t *root =
        json_pack("{s:i, s:{s:f, s:i}, s:{s:f}, s:{s:f}, s:{s:f}, s:{s:i, s:i}}",
                  "schema", 1, "tokens", "processed", processed, "output", 10, "cost",
                  "usd", usd, "performance", "duration_s", seconds, "caching",
                  "hit_rate_pct", hit_rate, "batching", "llm_calls", 8, "total_files", 8);
    char *text = json_dumps(root, 0);
    must_ok(gc_write_file(path, text, strlen(text), NULL));
    free(text);
    json_decref(root);
}

/* What compare-metrics prints; fails unless it ends with `want`. */
static char *compare(gc_exit want, bool json, char **err)
{
    capture out, errors;
    capture_begin(&errors, stderr);
    capture_begin(&out, stdout);
    gc_exit code = gc_compare_metrics(path_a, path_b, json, stdout);
    char *text = capture_end(&out);
    *err = capture_end(&errors);
    assert_int_equal(code, want);
    return text;
}

static void expect_tail(const char *tail)
{
    char *err, *text = compare(GC_EXIT_OK, false, &err);
    size_t len = strlen(text), tail_len = strlen(tail);
    if (len < tail_len || strcmp(text + len - tail_len, tail) != 0 || *err)
        fail_msg("got:\n%s%s", text, err);
    free(text);
    free(err);
}

static void test_compare_prints_the_guide_s_lines(void **state)
{
    (void)state;
    put(path_a, 100000, 1.0, 100, 0);
    put(path_b, 28000, 0.32, 55, 81);
    expect_tail("\n\n✓ Token reduction: 72%\n✓ Cost reduction: 68%\n"
                "✓ Speed improvement: 45%\n✓ Cache hit rate: 81%\n");
}

static void test_compare_crosses_what_got_worse(void **state)
{
    (void)state;
    put(path_a, 100, 1.0, 100, 50);
    put(path_b, 150, 1.0, 101, 0);
    expect_tail("✗ Token reduction: -50%\n✗ Cost reduction: 0%\n"
                "✗ Speed improvement: -1%\n✗ Cache hit rate: 0%\n");
}

static void test_compare_rounds_before_it_judges(void **state)
{
    (void)state;
    put(path_a, 1000, 1.0, 100, 0);
    put(path_b, 1004, 0.996, 99.4, 0.4);
    expect_tail("✗ Token reduction: 0%\n✗ Cost reduction: 0%\n"
                "✓ Speed improvement: 1%\n✗ Cache hit rate: 0%\n");
}

static void test_compare_with_nothing(void **state)
{
    (void)state;
    put(path_a, 0, 0, 0, 0);
    put(path_b, 5, 5, 5, 5);
    expect_tail("✗ Token reduction: 0%\n✗ Cost reduction: 0%\n"
                "✗ Speed improvement: 0%\n✓ Cache hit rate: 5%\n");
}

static void test_compare_of_hit_rates(void **state)
{
    (void)state;
    put(path_a, 100, 1.0, 100, 81);
    put(path_b, 100, 1.0, 100, 81.3); /* as good as before */
    expect_tail("✗ Speed improvement: 0%\n✓ Cache hit rate: 81%\n");
    put(path_b, 100, 1.0, 100, 80);
    expect_tail("✗ Speed improvement: 0%\n✗ Cache hit rate: 80%\n");
}

static void test_compare_prints_a_table(void **state)
{
    (void)state;
    put(path_a, 100000, 1.0, 100, 0);
    put(path_b, 28000, 0.32, 55, 81);
    char *err, *text = compare(GC_EXIT_OK, false, &err);
    static const char *const rows[] = { "processed tokens", "100000", "28000", "-72.0%",
                                        "cost (USD)",       "1.0000", "0.3200" };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_non_null(strstr(text, rows[i]));
    free(text);
    free(err);
}

/* There is no percentage of nothing; what fell by nothing did not fall by -0. */
static void test_compare_from_nothing(void **state)
{
    (void)state;
    put(path_a, 100, 1, 10, 0);
    put(path_b, 100, 1, 10, 40.7);
    char *err, *text = compare(GC_EXIT_OK, false, &err);
    assert_non_null(strstr(text, "40.7        new\n"));
    assert_null(strstr(text, "-0.0%"));
    free(text);
    free(err);
}

static void test_compare_as_json(void **state)
{
    (void)state;
    put(path_a, 100000, 1.0, 100, 0);
    put(path_b, 25000, 0.5, 75, 81);
    char *err, *text = compare(GC_EXIT_OK, true, &err);
    json_t *root = json_loads(text, 0, NULL);
    static const struct {
        const char *key;
        double want;
    } rows[] = { { "schema", 1 },
                 { "token_reduction_pct", 75 },
                 { "cost_reduction_pct", 50 },
                 { "speed_improvement_pct", 25 },
                 { "cache_hit_rate_pct", 81 },
                 { "call_reduction_pct", 0 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(json_number_value(json_object_get(root, rows[i].key)) ==
                    rows[i].want);
    const json_t *better = json_object_get(root, "better");
    assert_true(json_is_true(json_object_get(better, "token_reduction")));
    assert_true(json_is_true(json_object_get(better, "cost_reduction")));
    assert_true(json_is_true(json_object_get(better, "speed_improvement")));
    assert_true(json_is_true(json_object_get(better, "cache_hit_rate")));
    json_decref(root);
    free(text);
    free(err);
}

static void test_compare_reads_what_metrics_writes(void **state)
{
    (void)state;
    gc_stats s = { .spec = (char *)"s",
                   .provider = (char *)"sim",
                   .ended_ms = 1000,
                   .usage = { .input = 10 } };
    gc_buf text;
    gc_buf_init(&text, 100000);
    gc_metrics_json(&s, &text);
    must_ok(gc_write_file(path_a, text.ptr, text.len, NULL));
    must_ok(gc_write_file(path_b, text.ptr, text.len, NULL));
    gc_buf_release(&text);
    expect_tail("✗ Token reduction: 0%\n✗ Cost reduction: 0%\n"
                "✗ Speed improvement: 0%\n✗ Cache hit rate: 0%\n");
}

static void expect_refused(const char *path, const char *words)
{
    char *err, *text = compare(GC_EXIT_GENERAL, false, &err);
    assert_string_equal(text, "");
    if (strncmp(err, "error: ", 7) != 0 || !strstr(err, path) || !strstr(err, words))
        fail_msg("%s", err);
    free(text);
    free(err);
}

static void test_compare_refuses_damaged_files(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "", "{\n oops", "[]", "{}", "{\"tokens\":{}}", "{\"tokens\":1,\"cost\":{}}"
    };
    put(path_a, 1, 1, 1, 1);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        must_ok(gc_write_file(path_b, damaged[i], strlen(damaged[i]), NULL));
        expect_refused(path_b, "--metrics wrote");
    }
    must_ok(gc_write_file(path_b, "{\n oops", 7, NULL));
    expect_refused(path_b, "optimized.json:2:");
}

static void test_compare_refuses_a_missing_file(void **state)
{
    (void)state;
    put(path_b, 1, 1, 1, 1);
    expect_refused(path_a, "--metrics wrote");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_compare_prints_the_guide_s_lines),
        TEST(test_compare_crosses_what_got_worse),
        TEST(test_compare_rounds_before_it_judges),
        TEST(test_compare_with_nothing),
        TEST(test_compare_of_hit_rates),
        TEST(test_compare_prints_a_table),
        TEST(test_compare_from_nothing),
        TEST(test_compare_as_json),
        TEST(test_compare_reads_what_metrics_writes),
        TEST(test_compare_refuses_damaged_files),
        TEST(test_compare_refuses_a_missing_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
