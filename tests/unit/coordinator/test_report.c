#include "coordinator/report.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/must.h"

#define LIMIT ((size_t)1 << 20)

/* A run whose figures are easy to check by hand. */
typedef struct fixture {
    gc_stats stats;
    gc_model model;
    gc_file_stat files[4];
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    f = (fixture){ 0 };
    f.model = (gc_model){ .id = (char *)"model-x",
                          .priced = true,
                          .prices = { 3.0, 3.75, 6.0, 0.3, 15.0 } };
    f.files[0] = (gc_file_stat){ .path = "go.mod", .how = "template" };
    f.files[1] = (gc_file_stat){ .path = "a/a.go",
                                 .how = "llm",
                                 .task = (char *)"t-1",
                                 .attempts = 2,
                                 .usage = { 100, 10, 20, 400, 300 },
                                 .cost_usd = 0.25,
                                 .seconds = 1.5,
                                 .sha256 = "aa",
                                 .batched = true };
    f.files[2] = (gc_file_stat){ .path = "a/b.go", .how = "llm", .batched = true };
    f.files[3] = (gc_file_stat){ .path = "a/c.go", .how = "reused" };
    f.stats = (gc_stats){
        .job = (char *)"j-0123456789ab",
        .spec = (char *)"spec.yaml",
        .provider = (char *)"anthropic",
        .model = &f.model,
        .optimization = true,
        .files = f.files,
        .file_count = 4,
        .template_files = 1,
        .llm_files = 3,
        .done = 4,
        .made = 2,
        .reused = 1,
        .kept = 0,
        .removed = 5,
        .peak_in_flight = 2,
        .usage = { 1000, 200, 300, 2500, 800 },
        .cost_usd = 0.5,
        .unconfirmed_usd = 0.125,
        .wasted_usd = 0.0625,
        .expected_usd = 0.75,
        .llm_calls = 1,
        .requests = 2,
        .started_ms = 1000,
        .ended_ms = 11000,
        .llm_busy_s = 4,
        .critical_path_s = 3,
        .lower_bound_s = 3.5,
        .baseline_usd = 2.0,
        .baseline_s = 40,
        .baseline_calls = 4,
        .baseline_processed = 9200,
    };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gc_strv_release(&f.stats.notes);
    return 0;
}

static json_t *metrics(void)
{
    gc_buf out;
    gc_buf_init(&out, LIMIT);
    gc_metrics_json(&f.stats, &out);
    json_t *root = json_loads(out.ptr, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    gc_buf_release(&out);
    return root;
}

static double number(const json_t *root, const char *group, const char *key)
{
    const json_t *value = json_object_get(json_object_get(root, group), key);
    if (!json_is_number(value))
        fail_msg("%s.%s is no number", group, key);
    return json_number_value(value);
}

static void expect_number(const json_t *root, const char *group, const char *key,
                          double want)
{
    double got = number(root, group, key);
    if (fabs(got - want) > 1e-9)
        fail_msg("%s.%s is %f, not %f", group, key, got, want);
}

static void expect_text(const json_t *object, const char *key, const char *want)
{
    const char *got = json_string_value(json_object_get(object, key));
    assert_non_null(got);
    assert_string_equal(got, want);
}

/* ---- metrics ---- */

static void test_report_metrics_of_the_job(void **state)
{
    (void)state;
    json_t *root = metrics();
    assert_int_equal(json_integer_value(json_object_get(root, "schema")), 1);
    expect_text(root, "job", "j-0123456789ab");
    expect_text(root, "spec", "spec.yaml");
    expect_text(root, "provider", "anthropic");
    expect_text(root, "model", "model-x");
    assert_true(json_is_true(json_object_get(root, "optimization")));
    assert_true(json_is_false(json_object_get(root, "simulated")));
    assert_true(json_is_true(json_object_get(root, "baseline_estimated")));
    json_decref(root);
}

static void test_report_metrics_of_tokens_and_money(void **state)
{
    (void)state;
    json_t *root = metrics();
    expect_number(root, "tokens", "input", 1000);
    expect_number(root, "tokens", "cache_write", 500);
    expect_number(root, "tokens", "cache_read", 2500);
    expect_number(root, "tokens", "output", 800);
    expect_number(root, "tokens", "processed", 1000 + 500 + 800);
    expect_number(root, "tokens", "baseline_processed", 9200);
    expect_number(root, "tokens", "reduction_pct", 75);
    expect_number(root, "caching", "hit_rate_pct", 62.5); /* 2500 of 4000 */
    expect_number(root, "caching", "tokens_cached", 2500);
    /* Read at 0.3 instead of 3; written dearer by 0.75 (5 min) and 3 (1 h). */
    expect_number(root, "caching", "savings_usd",
                  (2500 * 2.7 - 200 * 0.75 - 300 * 3.0) / 1e6);
    expect_number(root, "cost", "usd", 0.5);
    expect_number(root, "cost", "unconfirmed_usd", 0.125);
    expect_number(root, "cost", "wasted_usd", 0.0625);
    expect_number(root, "cost", "baseline_usd", 2.0);
    expect_number(root, "cost", "reduction_pct", 75);
    expect_number(root, "cost", "estimated_usd", 0.75);
    json_decref(root);
}

static void test_report_metrics_of_files_and_time(void **state)
{
    (void)state;
    json_t *root = metrics();
    expect_number(root, "batching", "total_files", 4);
    expect_number(root, "batching", "batched_files", 2);
    expect_number(root, "batching", "llm_calls", 1);
    expect_number(root, "batching", "baseline_llm_calls", 4);
    expect_number(root, "batching", "call_reduction_pct", 75);
    expect_number(root, "templates", "template_files", 1);
    expect_number(root, "templates", "llm_files", 3);
    expect_number(root, "templates", "ratio_pct", 25);
    expect_number(root, "incremental", "regenerated", 2);
    expect_number(root, "incremental", "reused", 1);
    expect_number(root, "incremental", "kept", 0);
    expect_number(root, "incremental", "removed", 5);
    expect_number(root, "performance", "duration_s", 10);
    expect_number(root, "performance", "baseline_duration_s", 40);
    expect_number(root, "performance", "improvement_pct", 75);
    expect_number(root, "performance", "llm_busy_s", 4);
    expect_number(root, "performance", "critical_path_s", 3);
    expect_number(root, "performance", "lower_bound_s", 3.5);
    expect_number(root, "performance", "peak_in_flight", 2);
    json_decref(root);
}

static void test_report_metrics_of_each_call(void **state)
{
    (void)state;
    gc_call_stat call = { .task = (char *)"t-1",
                          .worker = (char *)"w",
                          .start_s = 1,
                          .seconds = 2,
                          .wait_s = 0.5,
                          .expected_s = 3,
                          .files = 2,
                          .cost_usd = 0.25,
                          .calls = 1 };
    f.stats.calls = &call;
    f.stats.call_count = 1;
    json_t *root = metrics();
    const json_t *calls = json_object_get(root, "calls");
    assert_int_equal(json_array_size(calls), 1);
    json_t *got = json_array_get(calls, 0);
    expect_text(got, "task", "t-1");
    expect_text(got, "worker", "w");
    static const struct {
        const char *key;
        double want;
    } numbers[] = { { "files", 2 },    { "start_s", 1 },    { "seconds", 2 },
                    { "wait_s", 0.5 }, { "expected_s", 3 }, { "cost_usd", 0.25 },
                    { "calls", 1 } };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (fabs(json_number_value(json_object_get(got, numbers[i].key)) -
                 numbers[i].want) > 1e-9)
            fail_msg("%s", numbers[i].key);
    assert_true(json_is_false(json_object_get(got, "failed")));
    json_decref(root);
}

static void test_report_metrics_of_each_file(void **state)
{
    (void)state;
    json_t *root = metrics();
    const json_t *files = json_object_get(root, "files");
    assert_int_equal(json_array_size(files), 4);
    const json_t *file = json_array_get(files, 1);
    static const struct {
        const char *key;
        double want;
    } numbers[] = { { "attempt", 2 },      { "input", 100 },  { "cache_write", 30 },
                    { "cache_read", 400 }, { "output", 300 }, { "cost_usd", 0.25 },
                    { "seconds", 1.5 } };
    expect_text(file, "path", "a/a.go");
    expect_text(file, "how", "llm");
    expect_text(file, "task", "t-1");
    expect_text(file, "sha256", "aa");
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_true(json_number_value(json_object_get(file, numbers[i].key)) ==
                    numbers[i].want);
    expect_text(json_array_get(files, 0), "task", "");
    json_decref(root);
}

/* A run with every optimisation off is its own baseline: measured, not estimated. */
static void test_report_metrics_of_a_baseline_run(void **state)
{
    (void)state;
    f.stats.optimization = false;
    json_t *root = metrics();
    assert_true(json_is_false(json_object_get(root, "optimization")));
    assert_true(json_is_false(json_object_get(root, "baseline_estimated")));
    expect_number(root, "tokens", "baseline_processed", 2300);
    expect_number(root, "tokens", "reduction_pct", 0);
    expect_number(root, "cost", "baseline_usd", 0.5);
    expect_number(root, "performance", "baseline_duration_s", 10);
    expect_number(root, "batching", "baseline_llm_calls", 1);
    json_decref(root);
}

static void test_report_metrics_of_nothing(void **state)
{
    (void)state;
    f.stats = (gc_stats){ .spec = (char *)"s", .provider = (char *)"sim" };
    f.stats.ended_ms = 1;
    json_t *root = metrics();
    expect_text(root, "job", "");
    expect_text(root, "model", "");
    expect_number(root, "caching", "hit_rate_pct", 0);
    expect_number(root, "tokens", "reduction_pct", 0);
    expect_number(root, "templates", "ratio_pct", 0);
    json_decref(root);
}

static void test_report_metrics_of_an_unpriced_model(void **state)
{
    (void)state;
    f.model.priced = false;
    json_t *root = metrics();
    expect_number(root, "caching", "savings_usd", 0);
    json_decref(root);
}

/* ---- text ---- */

static char *text(void)
{
    char *out = NULL;
    size_t len;
    FILE *stream = open_memstream(&out, &len);
    gc_report_print(&f.stats, stream);
    fclose(stream);
    return out;
}

static void expect_lines(const char *const *lines, size_t count)
{
    char *report = text();
    const char *at = report;
    for (size_t i = 0; i < count; i++) {
        const char *next = strstr(at, lines[i]);
        if (!next)
            fail_msg("\"%s\" is missing, or not in its place, in:\n%s", lines[i], report);
        at = next;
    }
    free(report);
}

static void test_report_has_the_guide_s_headings(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "Performance Optimization Report\n================================\n",
        "\nToken Efficiency:\n  Baseline: 9200 tokens (estimated)\n",
        "  Optimized: 2300 tokens\n  Reduction: 75.0%\n",
        "\nCaching:\n  Hit Rate: 62.5%\n  Tokens Cached: 2500\n  Cost Savings: $0.0057\n",
        "\nBatching:\n  Total Files: 4\n  Batched: 2\n",
        "  API Call Reduction: 75.0%\n",
        "\nTemplates:\n  Template-Generated: 1\n  LLM-Generated: 3\n"
        "  Template Usage: 25.0%\n",
        "\nPerformance:\n  Baseline Duration: 40.0s (estimated)\n"
        "  Optimized Duration: 10.0s\n  Speed Improvement: 75.0%\n",
    };
    expect_lines(lines, sizeof lines / sizeof *lines);
}

static void test_report_tells_what_happened(void **state)
{
    (void)state;
    gc_strv_add(&f.stats.notes, "entity \"type\" is called Type_ in Go");
    f.stats.failed = 1;
    f.stats.max_cost_usd = 5;
    static const char *const lines[] = {
        "Job: j-0123456789ab\n",
        "Model: model-x\n",
        "4 planned, 4 done (2 made, 1 reused, 0 unchanged), 1 failed, 5 removed",
        "Cost: $0.5000",
        "$0.1250 for calls that broke off",
        "cap $5.00",
        "Note: entity \"type\" is called Type_ in Go\n",
    };
    expect_lines(lines, sizeof lines / sizeof *lines);
}

static void test_report_says_that_a_model_is_simulated(void **state)
{
    (void)state;
    char *report = text();
    assert_null(strstr(report, "simulated"));
    free(report);
    f.stats.simulated = true;
    static const char *const lines[] = { "simulated model", "(simulated)" };
    expect_lines(lines, 2);
}

static void test_report_of_a_baseline_run_estimates_nothing(void **state)
{
    (void)state;
    f.stats.optimization = false;
    char *report = text();
    assert_null(strstr(report, "estimated"));
    free(report);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_report_metrics_of_the_job),
        TEST(test_report_metrics_of_tokens_and_money),
        TEST(test_report_metrics_of_files_and_time),
        TEST(test_report_metrics_of_each_file),
        TEST(test_report_metrics_of_each_call),
        TEST(test_report_metrics_of_a_baseline_run),
        TEST(test_report_metrics_of_nothing),
        TEST(test_report_metrics_of_an_unpriced_model),
        TEST(test_report_has_the_guide_s_headings),
        TEST(test_report_tells_what_happened),
        TEST(test_report_says_that_a_model_is_simulated),
        TEST(test_report_of_a_baseline_run_estimates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
