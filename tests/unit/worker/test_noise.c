#include "worker/noise.h"

#include "support/must.h"

static void test_noise_tells_the_first_and_one_a_minute(void **state)
{
    (void)state;
    gc_noise noise = { 0 };
    int64_t more = -1;
    assert_true(gc_noise_tell(&noise, GC_FAULT_BUSY, 1000, &more));
    assert_int_equal(more, 0);
    for (int i = 0; i < 7; i++)
        assert_false(gc_noise_tell(&noise, GC_FAULT_BUSY, 2000 + i, &more));
    assert_false(
        gc_noise_tell(&noise, GC_FAULT_BUSY, 1000 + GC_NOISE_EVERY_MS - 1, &more));
    assert_true(gc_noise_tell(&noise, GC_FAULT_BUSY, 1000 + GC_NOISE_EVERY_MS, &more));
    assert_int_equal(more, 8);
}

static void test_noise_knows_sorts_apart(void **state)
{
    (void)state;
    gc_noise noise = { 0 };
    int64_t more;
    assert_true(gc_noise_tell(&noise, GC_FAULT_BUSY, 1000, &more));
    assert_true(gc_noise_tell(&noise, GC_FAULT_RATE, 1000, &more));
    assert_false(gc_noise_tell(&noise, GC_FAULT_RATE, 1001, &more));
}

static void test_noise_ends_with_a_success(void **state)
{
    (void)state;
    gc_noise noise = { 0 };
    int64_t more;
    assert_false(gc_noise_over(&noise));
    assert_true(gc_noise_tell(&noise, GC_FAULT_BUSY, 1000, &more));
    assert_true(gc_noise_over(&noise));
    assert_false(gc_noise_over(&noise));
    assert_true(gc_noise_tell(&noise, GC_FAULT_BUSY, 1001, &more));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_tells_the_first_and_one_a_minute),
        cmocka_unit_test(test_noise_knows_sorts_apart),
        cmocka_unit_test(test_noise_ends_with_a_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
