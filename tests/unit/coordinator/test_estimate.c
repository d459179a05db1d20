#include "coordinator/estimate.h"

#include <math.h>
#include <string.h>

#include "support/must.h"

static const gc_model model = {
    .id = (char *)"model-x",
    .priced = true,
    .prices = { 3, 3.75, 6, 0.3, 15 },
    .thinking_tokens = 50,
    .bytes_per_token = 4,
    .seconds_per_1k_output = 10,
};

static gc_plan_file files[] = {
    { .kind = (char *)"service", .promise = (char *)"", .expected_bytes = 4000 },
    { .kind = (char *)"test", .promise = (char *)"", .expected_bytes = 2000 },
};

static gc_rates table_rates(void)
{
    gc_rates rates;
    gc_rates_init(&rates, &model);
    return rates;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9 * (1 + fabs(b));
}

static gc_task task_of(const char *ttl)
{
    return (gc_task){ .model = model, .prompt_bytes = 10000, .cache_ttl = (char *)ttl };
}

static void test_estimate_of_calls_with_a_shared_prefix(void **state)
{
    (void)state;
    gc_rates rates = table_rates();
    gc_task task = task_of("5m");
    gc_estimate e = { .calls = 0 };
    gc_estimate_add(&e, &task, 1000, 8000, &rates);
    double seconds = gc_estimate_add(&e, &task, 1000, 8000, &rates);
    assert_true(near(seconds, rates.wait_s + 10.5));
    assert_int_equal(e.calls, 2);
    assert_int_equal(e.usage.input, 1000);
    assert_int_equal(e.usage.cache_write_5m, 2000);
    assert_int_equal(e.usage.cache_read, 2000);
    assert_int_equal(e.usage.output, 2 * (1000 + 50));
    assert_true(near(e.usd, (1000 * 3.0 + 2000 * 3.75 + 2000 * 0.3 + 2100 * 15.0) / 1e6));
    assert_true(near(e.call_seconds, 2 * seconds));
}

static void test_estimate_of_a_prefix_by_its_lifetime(void **state)
{
    (void)state;
    gc_rates rates = table_rates();
    gc_task task = task_of("1h");
    gc_estimate cold = { .warm = false }, warm = { .warm = true };
    gc_estimate_add(&cold, &task, 10, 8000, &rates);
    gc_estimate_add(&warm, &task, 10, 8000, &rates);
    assert_int_equal(cold.usage.cache_write_1h, 2000);
    assert_int_equal(cold.usage.cache_write_5m, 0);
    assert_int_equal(warm.usage.cache_write_1h, 0);
    assert_int_equal(warm.usage.cache_read, 2000);
}

static void test_estimate_seconds_count_slots_and_chains(void **state)
{
    (void)state;
    gc_estimate e = { .call_seconds = 100, .chain_seconds = 20 };
    assert_true(near(gc_estimate_seconds(&e, 1), 100));
    assert_true(near(gc_estimate_seconds(&e, 4), 25));
    assert_true(near(gc_estimate_seconds(&e, 50), 20));
    assert_true(near(gc_estimate_seconds(&e, 0), 100));
}

static void test_estimate_of_a_baseline(void **state)
{
    (void)state;
    gc_rates rates = table_rates();
    gc_plan plan = { .files = files, .file_count = 2 };
    gc_estimate e = gc_estimate_baseline(&plan, 8000, &model, &rates);
    assert_int_equal(e.calls, 2);
    assert_int_equal(e.usage.cache_read + e.usage.cache_write_5m, 0);
    assert_int_equal(e.usage.input, 2 * (2000 + 40));
    assert_int_equal(e.usage.output, 1000 + 500 + 2 * 50);
    assert_true(near(gc_estimate_seconds(&e, 1), e.call_seconds));
    assert_true(near(gc_estimate_seconds(&e, 32), e.call_seconds)); /* one at a time */
    gc_plan_file extra[] = { files[0], files[1] };
    extra[1].extra = true; /* only a template would make it */
    plan.files = extra;
    assert_int_equal(gc_estimate_baseline(&plan, 8000, &model, &rates).calls, 1);
}

static void test_estimate_says_where_figures_come_from(void **state)
{
    (void)state;
    gc_rates rates = table_rates();
    gc_measured measured = { .calls = 17 };
    char text[64], whole[GC_RATES_SOURCE];
    gc_rates_source(&rates, 0, text, sizeof text);
    assert_string_equal(text, "from the models table");
    gc_rates_learn(&rates, &measured);
    gc_rates_source(&rates, 0, text, sizeof text);
    assert_string_equal(text, "measured over 17 calls");
    gc_rates_source(&rates, 1, whole, sizeof whole);
    assert_string_equal(whole, "measured over 17 calls, answers of 1 file guessed from "
                               "other kinds");
    assert_true(near(rates.bytes_per_token, 4)); /* nothing in it: the table stands */
}

static void test_estimate_takes_what_was_counted(void **state)
{
    (void)state;
    gc_rates rates = table_rates();
    gc_counted counted = { .prompts = 2,
                           .marked = { 9000, 3000 },
                           .plain = { 500, 250 } };
    gc_task task = task_of("5m");
    gc_estimate e = { 0 };
    char text[GC_RATES_SOURCE];
    gc_rates_count(&rates, &counted);
    gc_estimate_add(&e, &task, 10, 9000, &rates);
    assert_int_equal(e.usage.cache_write_5m, 3000);
    assert_int_equal(e.usage.input, llround((double)(task.prompt_bytes - 9000) / 2));
    gc_rates_source(&rates, 0, text, sizeof text);
    assert_string_equal(text, "prompts counted by the provider, the rest from the models "
                              "table");
}

/* Nothing is counted, or what no prompt has: what was known stays. */
static void test_estimate_ignores_a_count_out_of_reason(void **state)
{
    (void)state;
    gc_rates rates = table_rates();
    const gc_rates before = rates;
    gc_rates_count(&rates, &(gc_counted){ .prompts = 0 });
    gc_rates_count(&rates, &(gc_counted){ .prompts = 1, .plain = { 500, 5000000 } });
    gc_rates_count(&rates, &(gc_counted){ .prompts = 1, .plain = { 500, 0 } });
    assert_int_equal(rates.counted, 0);
    assert_true(near(rates.plain_bytes_per_token, before.plain_bytes_per_token));
    gc_rates_count(&rates, &(gc_counted){ .prompts = 1, .plain = { 500, 100 } });
    assert_true(near(rates.plain_bytes_per_token, 5));
    assert_true(near(rates.marked_bytes_per_token, before.marked_bytes_per_token));
}

/* A call teaches exactly what it took: the same call again is estimated to the token. */
static void test_estimate_learns_from_a_call(void **state)
{
    (void)state;
    gc_lesson_file parts[] = { { "service", 4000, 3000, 0 }, { "test", 2000, 100, 0 } };
    gc_lesson lesson = { .prompt_bytes = 10000,
                         .marked_bytes = 8000,
                         .usage = { .input = 1000, .cache_read = 2500, .output = 3100 },
                         .wait_s = 0.5,
                         .seconds = 31.5,
                         .files = parts,
                         .file_count = 2 };
    gc_measured measured = { .calls = 1 };
    gc_rates rates = table_rates();
    gc_measured_add(&measured, &lesson);
    gc_rates_learn(&rates, &measured);
    gc_estimate e = { .warm = true };
    gc_task task = task_of("5m");
    double output =
        gc_rates_output(&rates, &files[0]) + gc_rates_output(&rates, &files[1]);
    double seconds = gc_estimate_add(&e, &task, output, 8000, &rates);
    assert_int_equal(e.usage.input, 1000);
    assert_int_equal(e.usage.cache_read, 2500);
    assert_int_equal(e.usage.output, 3100); /* thinking is in the measured output */
    assert_true(near(seconds, 31.5));
    gc_plan_file other = { .kind = (char *)"cli", .expected_bytes = 6000 };
    double factors =
        sqrt(3000.0 / 4000 * 100 / 2000); /* the mean of what the kinds took */
    assert_true(near(gc_rates_output(&rates, &other), 6000 * factors));
}

/* The order of calls is planned with a kind that nobody knows as long. */
static void test_estimate_takes_unknown_kinds_for_long(void **state)
{
    (void)state;
    gc_lesson_file part = { "test", 2000, 100, 0 };
    gc_lesson lesson = { .usage = { .output = 100 }, .files = &part, .file_count = 1 };
    gc_measured measured = { .calls = 1 };
    gc_rates rates = table_rates();
    gc_measured_add(&measured, &lesson);
    gc_rates_learn(&rates, &measured);
    assert_true(near(gc_rates_output(&rates, &files[0]), 200)); /* as short as tests */
    assert_true(
        near(gc_rates_output_most(&rates, &files[0]), 1000)); /* as in the table */
    assert_true(near(gc_rates_output_most(&rates, &files[1]), 100));
    assert_int_equal(gc_measured_output(&measured, &files[1]).sum, 100);
    assert_int_equal(gc_measured_output(&measured, &files[0]).per, 0);
    part.output_tokens = 1000;
    lesson.usage.output = 1000;
    measured = (gc_measured){ .calls = 1 };
    gc_measured_add(&measured, &lesson);
    gc_rates_learn(&rates, &measured);
    assert_true(
        near(gc_rates_output_most(&rates, &files[0]), 2000)); /* as long as tests */
}

/* Tests of services are longer than those of handlers: each kind is measured by itself, and
 * stands in for those that were not. */
static void test_estimate_tells_tests_apart(void **state)
{
    (void)state;
    gc_plan_file of_service = { .path = (char *)"internal/a/a_service_test.go",
                                .kind = (char *)"test",
                                .expected_bytes = 1000 };
    gc_plan_file of_model = of_service, service = of_service;
    of_model.path = (char *)"internal/a/a_test.go";
    service.kind = (char *)"service";
    assert_string_equal(gc_rates_kind(&of_service), "test:service");
    assert_string_equal(gc_rates_kind(&of_model), "test");
    assert_string_equal(gc_rates_kind(&service), "service");
    gc_measured measured = {
        .calls = 3,
        .kinds = { { .name = "test:service", .output = { 500, 1000 } },
                   { .name = "test:handler", .output = { 100, 1000 } },
                   { .name = "service", .output = { 900, 1000 } } },
        .kind_count = 3
    };
    gc_rates rates = table_rates();
    gc_rates_learn(&rates, &measured);
    assert_true(near(gc_rates_output(&rates, &of_service), 500));
    assert_true(near(gc_rates_output(&rates, &of_model), 300)); /* as tests are */
    assert_true(near(gc_rates_output(&rates, &service), 900));
}

/* One answered file. */
static void learn_file(gc_measured *measured, const char *kind, size_t expected,
                       size_t promised, int64_t tokens)
{
    gc_lesson_file part = { kind, expected, tokens, promised };
    gc_lesson lesson = { .usage = { .output = tokens }, .files = &part, .file_count = 1 };
    gc_measured_add(measured, &lesson);
}

static gc_plan_file promising(const char *kind, char promise[], size_t bytes,
                              size_t expected)
{
    memset(promise, 'p', bytes);
    promise[bytes] = '\0';
    return (gc_plan_file){ .path = (char *)"a.go",
                           .kind = (char *)kind,
                           .promise = promise,
                           .expected_bytes = expected };
}

static void test_estimate_follows_what_is_promised(void **state)
{
    (void)state;
    gc_measured measured = { .calls = 1 };
    gc_rates rates = table_rates();
    char promise[4000];
    for (size_t i = 0; i < 40; i++)
        learn_file(&measured, "service", 1500 + 200 + 10 * i, 200 + 10 * i,
                   (int64_t)(50 + 200 + 10 * i)); /* a token for each promised byte */
    gc_rates_learn(&rates, &measured);
    gc_plan_file small = promising("service", promise, 200, 1700);
    double output = gc_rates_output(&rates, &small);
    assert_true(output > 240 && output < 275);
    gc_plan_file large = promising("service", promise, 700, 2200);
    output = gc_rates_output(&rates, &large);
    assert_true(output > 690 && output < 760);
    /* far outside of what was seen the line is not followed to nothing */
    for (size_t i = 0; i < 40; i++)
        learn_file(&measured, "store", 3000, 1000 + 10 * i, (int64_t)(10 + 10 * i));
    gc_rates_learn(&rates, &measured);
    gc_plan_file bare = promising("store", promise, 0, 3000);
    assert_true(gc_rates_output(&rates, &bare) > 100);
}

/* Where the measured kinds took so many tokens for a file and each promised byte, whatever was
 * expected of them, one that nobody measured is taken to do so, too; where they took what was
 * expected, it is not. */
static void test_estimate_of_an_unknown_kind_is_like_the_known(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        size_t expected, promised;
    } known[] = { { "cli", 4000, 150 },
                  { "handler", 3700, 130 },
                  { "service", 2000, 500 },
                  { "test", 2200, 50 } };
    gc_measured by_promise = { .calls = 1 }, by_size = { .calls = 1 };
    gc_rates rates = table_rates();
    char promise[1000];
    for (size_t i = 0; i < 4; i++) {
        learn_file(&by_promise, known[i].kind, known[i].expected, known[i].promised,
                   (int64_t)(60 + known[i].promised));
        learn_file(&by_size, known[i].kind, known[i].expected, known[i].promised,
                   (int64_t)known[i].expected / 5);
    }
    gc_plan_file file = promising("source", promise, 300, 3000);
    gc_rates_learn(&rates, &by_promise);
    assert_false(gc_rates_know(&rates, &file));
    assert_true(gc_rates_know(&rates, &files[0]));
    assert_true(near(gc_rates_output(&rates, &file), 360));
    gc_rates_learn(&rates, &by_size);
    assert_true(near(gc_rates_output(&rates, &file), 600));
    assert_string_equal(gc_rates_kind(&file), "source:types");
    file = promising("source", promise, 0, 3000);
    assert_string_equal(gc_rates_kind(&file), "source");
}

static void test_estimate_refuses_absurd_figures(void **state)
{
    (void)state;
    gc_lesson_file parts[] = { { "service", 10, 1000000, 0 }, { "test", 0, 100, 0 } };
    gc_lesson lesson = { .prompt_bytes = 1000000,
                         .usage = { .input = 1, .output = 1000100 },
                         .wait_s = 3,
                         .seconds = -1,
                         .files = parts,
                         .file_count = 2 };
    gc_measured measured = { .calls = 0 };
    gc_measured_add(&measured, &lesson);
    assert_int_equal(measured.kind_count, 0);
    assert_int_equal(measured.plain.per, 0);
    assert_int_equal(measured.wait.per, 0);
    gc_measured foreign = { .calls = 3,
                            .bytes_per_token = 1e300,
                            .marked = { 1, -5 },
                            .plain = { 900, 1 },
                            .kinds = { { .name = "service", .output = { 5000000, 1 } },
                                       { .name = "test",
                                         .output = { 500, 2000 },
                                         .line = { 1, INT64_MAX, 500, INT64_MAX, -1 } } },
                            .kind_count = 2 };
    gc_rates rates = table_rates();
    gc_rates_learn(&rates, &foreign);
    assert_true(near(rates.bytes_per_token, 4));
    assert_true(near(rates.marked_bytes_per_token, 4));
    assert_true(near(rates.plain_bytes_per_token, 4));
    assert_true(near(gc_rates_output(&rates, &files[0]), 1000));
    assert_true(near(gc_rates_output(&rates, &files[1]), 500));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_estimate_of_calls_with_a_shared_prefix),
        cmocka_unit_test(test_estimate_of_a_prefix_by_its_lifetime),
        cmocka_unit_test(test_estimate_seconds_count_slots_and_chains),
        cmocka_unit_test(test_estimate_of_a_baseline),
        cmocka_unit_test(test_estimate_says_where_figures_come_from),
        cmocka_unit_test(test_estimate_takes_what_was_counted),
        cmocka_unit_test(test_estimate_ignores_a_count_out_of_reason),
        cmocka_unit_test(test_estimate_learns_from_a_call),
        cmocka_unit_test(test_estimate_takes_unknown_kinds_for_long),
        cmocka_unit_test(test_estimate_tells_tests_apart),
        cmocka_unit_test(test_estimate_follows_what_is_promised),
        cmocka_unit_test(test_estimate_of_an_unknown_kind_is_like_the_known),
        cmocka_unit_test(test_estimate_refuses_absurd_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
