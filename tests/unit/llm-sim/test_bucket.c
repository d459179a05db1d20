#include "support/must.h"
#include "tests/llm-sim/bucket.h"
#include "tests/llm-sim/limits.h"

#include <string.h>

static void test_bucket_refills_continuously(void **state)
{
    (void)state;
    gc_sim_bucket b;
    gc_sim_bucket_init(&b, 60, 0);
    for (int i = 0; i < 60; i++)
        gc_sim_bucket_take(&b, 1, 0);
    assert_int_equal(0, gc_sim_bucket_remaining(&b, 0));
    assert_int_equal(1000,
                     gc_sim_bucket_wait_ms(&b, 1, 0)); /* 60 a minute: one a second */
    assert_int_equal(0, gc_sim_bucket_wait_ms(&b, 1, 1000));
    assert_int_equal(60, gc_sim_bucket_remaining(&b, 120000)); /* never over the limit */
}

static void test_bucket_waits_for_debts(void **state)
{
    (void)state;
    gc_sim_bucket b;
    gc_sim_bucket_init(&b, 600, 0);
    gc_sim_bucket_take(&b, 900, 0); /* output is counted after the fact */
    assert_int_equal(0, gc_sim_bucket_remaining(&b, 0));
    assert_int_equal(30100, gc_sim_bucket_wait_ms(&b, 1, 0));
    assert_int_equal(90000, gc_sim_bucket_full_ms(&b, 0));
}

static void test_bucket_gives_more_than_its_size_only_when_full(void **state)
{
    (void)state;
    gc_sim_bucket b;
    gc_sim_bucket_init(&b, 100, 0);
    assert_int_equal(0, gc_sim_bucket_wait_ms(&b, 5000, 0));
    gc_sim_bucket_take(&b, 1, 0);
    assert_int_equal(600, gc_sim_bucket_wait_ms(&b, 5000, 0));
}

static void test_bucket_ignores_a_clock_that_steps_back(void **state)
{
    (void)state;
    gc_sim_bucket b;
    gc_sim_bucket_init(&b, 60, 5000);
    gc_sim_bucket_take(&b, 60, 5000);
    assert_int_equal(0, gc_sim_bucket_remaining(&b, 1000));
    assert_int_equal(1, gc_sim_bucket_remaining(&b, 6000));
}

static void test_limits_name_the_one_that_holds(void **state)
{
    (void)state;
    gc_sim_limits *limits = gc_sim_limits_new(2, 1000, 100);
    gc_sim_limit_set *set = gc_sim_limits_require(limits, "k", "m", 0);
    const char *what;
    assert_int_equal(0, gc_sim_limits_take(set, 900, 0, &what));
    assert_true(gc_sim_limits_take(set, 200, 0, &what) > 0);
    assert_string_equal("input tokens", what);
    assert_int_equal(0, gc_sim_limits_take(set, 10, 0, &what));
    assert_true(gc_sim_limits_take(set, 10, 0, &what) > 0);
    assert_string_equal("requests", what);
    gc_sim_limits_produced(set, 500, 0);
    assert_true(gc_sim_limits_take(set, 10, 60000, &what) > 0);
    assert_string_equal("output tokens", what);
    gc_sim_limits_destroy(&limits);
}

static void test_limits_are_per_key_and_model(void **state)
{
    (void)state;
    gc_sim_limits *limits = gc_sim_limits_new(1, 1000, 1000);
    gc_sim_limit_set *set = gc_sim_limits_require(limits, "k", "m", 0);
    const char *what;
    assert_int_equal(0, gc_sim_limits_take(set, 1, 0, &what));
    assert_ptr_equal(set, gc_sim_limits_require(limits, "k", "m", 0));
    assert_int_equal(
        0, gc_sim_limits_take(gc_sim_limits_require(limits, "k", "n", 0), 1, 0, &what));
    assert_int_equal(
        0, gc_sim_limits_take(gc_sim_limits_require(limits, "l", "m", 0), 1, 0, &what));
    gc_sim_limits_destroy(&limits);
}

static void test_limits_report_in_headers(void **state)
{
    (void)state;
    gc_sim_limits *limits = gc_sim_limits_new(60, 100000, 50000);
    gc_sim_limit_set *set = gc_sim_limits_require(limits, "k", "m", 0);
    const char *what;
    must_ok((gc_err)gc_sim_limits_take(set, 40400, 0, &what));
    gc_buf out;
    gc_buf_init(&out, 4096);
    gc_sim_limits_headers(set, false, 0, 0, &out);
    assert_non_null(strstr(out.ptr, "anthropic-ratelimit-requests-limit: 60\r\n"));
    assert_non_null(strstr(out.ptr, "anthropic-ratelimit-requests-remaining: 59\r\n"));
    assert_non_null(
        strstr(out.ptr, "anthropic-ratelimit-requests-reset: 1970-01-01T00:00:01"));
    assert_non_null(
        strstr(out.ptr, "anthropic-ratelimit-input-tokens-remaining: 60000\r\n"));
    assert_non_null(strstr(out.ptr, "anthropic-ratelimit-tokens-limit: 100000\r\n"));
    gc_buf_release(&out);
    gc_sim_limits_destroy(&limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket_refills_continuously),
        cmocka_unit_test(test_bucket_waits_for_debts),
        cmocka_unit_test(test_bucket_gives_more_than_its_size_only_when_full),
        cmocka_unit_test(test_bucket_ignores_a_clock_that_steps_back),
        cmocka_unit_test(test_limits_name_the_one_that_holds),
        cmocka_unit_test(test_limits_are_per_key_and_model),
        cmocka_unit_test(test_limits_report_in_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
