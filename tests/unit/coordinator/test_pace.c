#include "coordinator/pace.h"

#include "support/must.h"

static void test_pace_knows_nothing_at_first(void **state)
{
    (void)state;
    gc_pace pace = { 0 };
    assert_true(gc_pace_left(&pace, 100) < 0);
    gc_pace_note(&pace, 0, 1000);
    gc_pace_note(&pace, 0, 60000); /* nothing has come yet: the wait does not count */
    assert_true(gc_pace_left(&pace, 100) < 0);
    gc_pace_note(&pace, 10, 61000); /* one look is too little */
    assert_true(gc_pace_left(&pace, 100) < 0);
    gc_pace_note(&pace, 40, 64000);
    assert_true(gc_pace_left(&pace, 100) > 9.99 && gc_pace_left(&pace, 100) < 10.01);
    assert_true(gc_pace_left(&pace, 0) == 0);
}

/* A steady stream is foretold exactly from the first look on. */
static void test_pace_of_a_steady_stream(void **state)
{
    (void)state;
    gc_pace pace = { 0 };
    for (int64_t t = 0; t <= 60; t++)
        gc_pace_note(&pace, t * 50, 1000 + t * 1000);
    assert_true(gc_pace_left(&pace, 500) > 9.99 && gc_pace_left(&pace, 500) < 10.01);
}

/* When the speed changes, the answer follows within a minute. */
static void test_pace_converges(void **state)
{
    (void)state;
    gc_pace pace = { 0 };
    int64_t tokens = 0, now_ms = 1000;
    for (int i = 0; i < 60; i++)
        gc_pace_note(&pace, tokens += 1000, now_ms += 1000);
    for (int i = 0; i < 60; i++)
        gc_pace_note(&pace, tokens += 100, now_ms += 1000);
    double left = gc_pace_left(&pace, 1000);
    assert_true(left > 8 && left < 10.5);
}

/* Many looks within a moment do not shake it, and a sum that falls is no news. */
static void test_pace_ignores_noise(void **state)
{
    (void)state;
    gc_pace pace = { 0 };
    gc_pace_note(&pace, 0, 1000);
    gc_pace_note(&pace, 500, 6000);
    double left = gc_pace_left(&pace, 1000);
    gc_pace_note(&pace, 5000, 6001);
    assert_true(gc_pace_left(&pace, 1000) == left);
    gc_pace_note(&pace, 10, 7000);
    assert_true(gc_pace_left(&pace, 1000) > left);
}

static void test_pace_rest_of_a_call(void **state)
{
    (void)state;
    static const struct {
        double expected, came, rest;
    } rows[] = {
        { 800, 0, 800 }, { 800, 400, 400 }, { 800, 700, 175 }, { 800, 1600, 400 }
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_float_equal(gc_pace_rest(rows[i].expected, rows[i].came), rows[i].rest,
                           1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace_rest_of_a_call),
        cmocka_unit_test(test_pace_knows_nothing_at_first),
        cmocka_unit_test(test_pace_of_a_steady_stream),
        cmocka_unit_test(test_pace_converges),
        cmocka_unit_test(test_pace_ignores_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
