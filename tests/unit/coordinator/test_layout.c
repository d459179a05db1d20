#include "coordinator/layout.h"

#include <math.h>
#include <string.h>

#include "support/must.h"

/* One byte is one token: the numbers below are tokens. */
static const gc_model sonnet = { .priced = true,
                                 .prices = { 2, 2.5, 4, 0.1, 10 },
                                 .context_tokens = 1000000,
                                 .cache_min_tokens = 512,
                                 .bytes_per_token = 1 };
static const gc_layout_rules all_on = { .filter = true,
                                        .cache = true,
                                        .window_part = 0.8 };

static gc_layout_option options[GC_LAYOUT_OPTIONS];

static const char *choose(const gc_model *model, const gc_layout_sizes *sizes,
                          const gc_layout_rules *rules)
{
    size_t best = gc_layout_choose(model, sizes, rules, options);
    assert_in_range(best, 0, GC_LAYOUT_OPTIONS - 1);
    return gc_layout_str(&options[best].layout);
}

static const gc_layout_option *option(const char *name)
{
    for (size_t i = 0; i < GC_LAYOUT_OPTIONS; i++)
        if (strcmp(gc_layout_str(&options[i].layout), name) == 0)
            return &options[i];
    fail_msg("no layout is called %s", name);
    return NULL;
}

/* clang-format off */
static const struct {
    const char *why;
    gc_layout_sizes sizes; /* calls, base, symbols, shared, spec, tails, contexts, tables, out */
    const char *want;
} table[] = {
    { "a small spec is read by all for less than slices cost",
      { 30, 4000, 500, 200, 1500, 30000, 15000, 9000, 4096 },
      "whole specification, whole symbol table, cached" },
    { "a large spec is not: 20 reads of it cost what one slice at full price does",
      { 100, 4000, 40000, 500, 80000, 100000, 60000, 20000, 4096 },
      "filtered specification, filtered symbol table, cached" },
    { "slices of a large spec, a small table for all",
      { 100, 4000, 1000, 500, 80000, 100000, 60000, 90000, 4096 },
      "filtered specification, whole symbol table, cached" },
    { "a spec for all, but not a huge table",
      { 100, 4000, 90000, 500, 2000, 100000, 60000, 20000, 4096 },
      "whole specification, filtered symbol table, cached" },
    { "one call reads nothing from a cache",
      { 1, 4000, 1000, 200, 1500, 1000, 500, 300, 4096 },
      "filtered specification, filtered symbol table, not cached" },
    { "no model caches so short a start",
      { 30, 100, 50, 50, 90, 30000, 1000, 900, 4096 },
      "filtered specification, filtered symbol table, not cached" },
    { "equal prices: the layout that tells more",
      { 10, 4000, 0, 200, 200, 1000, 0, 0, 4096 },
      "filtered specification, whole symbol table, cached" },
};
/* clang-format on */

static void test_layout_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const char *got = choose(&sonnet, &table[i].sizes, &all_on);
        if (strcmp(got, table[i].want) != 0)
            fail_msg("%s: %s, not %s", table[i].why, got, table[i].want);
    }
}

static void test_layout_prices_each_call(void **state)
{
    (void)state;
    const gc_layout_sizes sizes = { 11, 900, 300, 100, 400, 11000, 2200, 1100, 4096 };
    choose(&sonnet, &sizes, &all_on);
    const gc_layout_option *o =
        option("filtered specification, whole symbol table, cached");
    assert_int_equal(o->usage.cache_write_5m, 1300);
    assert_int_equal(o->usage.cache_read, 13000);
    assert_int_equal(o->usage.input, 13200);
    double usd = (1300 * 2.5 + 13000 * 0.1 + 13200 * 2) / 1e6;
    assert_true(fabs(o->usd - usd) < 1e-12);
    o = option("whole specification, filtered symbol table, not cached");
    assert_int_equal(o->usage.input, 11 * 1300 + 12100);
    assert_true(fabs(o->usd - (11 * 1300 + 12100) * 2 / 1e6) < 1e-12);
}

static void test_layout_writes_for_an_hour(void **state)
{
    (void)state;
    const gc_layout_rules hour = { true, true, true, 0.8 };
    choose(&sonnet, &table[0].sizes, &hour);
    const gc_layout_option *o = option("whole specification, whole symbol table, cached");
    assert_int_equal(o->usage.cache_write_5m, 0);
    assert_int_equal(o->usage.cache_write_1h, 6000);
}

static void test_layout_keeps_to_the_config(void **state)
{
    (void)state;
    gc_layout_rules rules = all_on;
    rules.filter = false;
    assert_string_equal(choose(&sonnet, &table[1].sizes, &rules),
                        "whole specification, whole symbol table, cached");
    rules.cache = false;
    assert_string_equal(choose(&sonnet, &table[1].sizes, &rules),
                        "whole specification, whole symbol table, not cached");
    rules.filter = true;
    assert_string_equal(choose(&sonnet, &table[0].sizes, &rules),
                        "filtered specification, filtered symbol table, not cached");
    assert_string_equal(
        option("filtered specification, whole symbol table, cached")->refused,
        "prompt caching is off");
}

static void test_layout_keeps_to_the_window(void **state)
{
    (void)state;
    gc_model small = sonnet;
    small.context_tokens = 20000; /* 16,000 with 4,096 of answer */
    gc_layout_sizes sizes = table[0].sizes;
    sizes.spec = 11000;
    sizes.task_context = 300000; /* dearer, but it fits */
    sizes.shared = 10;
    sizes.symbols = 100;
    small.prices.input = 0.001;
    assert_string_equal(choose(&small, &sizes, &all_on),
                        "filtered specification, whole symbol table, not cached");
    sizes.base = 90000; /* nothing fits: what is smallest, so that halves may */
    sizes.task_context = 0;
    sizes.symbols = 90000;
    assert_string_equal(choose(&small, &sizes, &all_on),
                        "filtered specification, filtered symbol table, not cached");
}

static void test_layout_without_prices(void **state)
{
    (void)state;
    gc_model unknown = sonnet;
    unknown.priced = false;
    unknown.prices = (gc_prices){ 0 };
    assert_string_equal(choose(&unknown, &table[1].sizes, &all_on),
                        "filtered specification, filtered symbol table, cached");
    assert_true(options[0].usd == 0 && options[0].weight > 0);
    unknown.cache_min_tokens = 0;
    assert_string_equal(choose(&unknown, &table[0].sizes, &all_on),
                        "filtered specification, filtered symbol table, not cached");
}

static void test_layout_sees_the_cliff_of_long_prompts(void **state)
{
    (void)state;
    gc_model cliff = sonnet;
    cliff.long_prompt_tokens = 10000;
    cliff.long_prices = (gc_prices){ 20, 25, 40, 1, 100 };
    gc_layout_sizes sizes = table[0].sizes;
    sizes.spec = 8000; /* over the cliff with it, far below without */
    sizes.task_context = 60000;
    assert_string_equal(choose(&sonnet, &sizes, &all_on),
                        "whole specification, whole symbol table, cached");
    assert_string_equal(choose(&cliff, &sizes, &all_on),
                        "filtered specification, whole symbol table, cached");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_table),
        cmocka_unit_test(test_layout_prices_each_call),
        cmocka_unit_test(test_layout_writes_for_an_hour),
        cmocka_unit_test(test_layout_keeps_to_the_config),
        cmocka_unit_test(test_layout_keeps_to_the_window),
        cmocka_unit_test(test_layout_without_prices),
        cmocka_unit_test(test_layout_sees_the_cliff_of_long_prompts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
