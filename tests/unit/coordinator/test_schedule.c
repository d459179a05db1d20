#include "coordinator/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "support/must.h"

static gc_scheduled item(double path_s, double call_s, uint64_t number)
{
    return (gc_scheduled){ .rank = { path_s, call_s, number } };
}

static void expect_order(gc_schedule *s, int64_t now_ms, const gc_scheduled *const *items,
                         size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(gc_schedule_take(s, now_ms), items[i]);
    assert_null(gc_schedule_take(s, now_ms));
}

static void test_schedule_takes_the_longest_path_first(void **state)
{
    gc_schedule s = { 0 };
    gc_scheduled brief = item(5, 5, 1), chain = item(9, 2, 2), longer = item(7, 7, 3);
    (void)state;
    gc_schedule_put(&s, &brief, 0);
    gc_schedule_put(&s, &chain, 0);
    gc_schedule_put(&s, &longer, 0);
    assert_int_equal(gc_schedule_count(&s), 3);
    expect_order(&s, 0, (const gc_scheduled *[]){ &chain, &longer, &brief }, 3);
    gc_schedule_release(&s);
}

static void test_schedule_breaks_ties_by_length_then_number(void **state)
{
    gc_schedule s = { 0 };
    gc_scheduled a = item(9, 2, 1), b = item(9, 3, 2), c = item(9, 2, 0);
    (void)state;
    gc_schedule_put(&s, &a, 0);
    gc_schedule_put(&s, &b, 0);
    gc_schedule_put(&s, &c, 0);
    expect_order(&s, 0, (const gc_scheduled *[]){ &b, &c, &a }, 3);
    gc_schedule_release(&s);
}

static void test_schedule_holds_back_until_the_time_has_come(void **state)
{
    gc_schedule s = { 0 };
    gc_scheduled urgent = item(9, 9, 1), other = item(1, 1, 2);
    (void)state;
    gc_schedule_put(&s, &urgent, 500);
    gc_schedule_put(&s, &other, 0);
    expect_order(&s, 499, (const gc_scheduled *[]){ &other }, 1);
    assert_int_equal(gc_schedule_count(&s), 1);
    expect_order(&s, 500, (const gc_scheduled *[]){ &urgent }, 1);
    gc_schedule_release(&s);
}

static void test_schedule_moves_what_is_put_again(void **state)
{
    gc_schedule s = { 0 };
    gc_scheduled a = item(9, 9, 1);
    (void)state;
    gc_schedule_put(&s, &a, 0);
    gc_schedule_put(&s, &a, 100);
    assert_int_equal(gc_schedule_count(&s), 1);
    assert_null(gc_schedule_take(&s, 99));
    gc_schedule_put(&s, &a, 0);
    expect_order(&s, 0, (const gc_scheduled *[]){ &a }, 1);
    gc_schedule_remove(&s, &a); /* is in none */
    gc_schedule_release(&s);
}

#define MANY 300

/* Against the plainest model: look at all of them each time. */
static size_t first_of(const gc_scheduled *items, const bool *in, int64_t now_ms)
{
    size_t best = MANY;
    for (size_t i = 0; i < MANY; i++)
        if (in[i] && items[i].not_before <= now_ms &&
            (best == MANY || gc_rank_compare(&items[i].rank, &items[best].rank) < 0))
            best = i;
    return best;
}

static void test_schedule_agrees_with_looking_at_all(void **state)
{
    gc_schedule s = { 0 };
    gc_scheduled items[MANY];
    bool in[MANY] = { false };
    unsigned seed = 1;
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        items[i] = item(rand_r(&seed) % 20, rand_r(&seed) % 5, i);
    for (int64_t now_ms = 1; now_ms < 5000; now_ms++) {
        size_t i = (size_t)rand_r(&seed) % MANY;
        switch (rand_r(&seed) % 4) {
        case 0: gc_schedule_put(&s, &items[i], now_ms + rand_r(&seed) % 50); break;
        case 1: gc_schedule_put(&s, &items[i], 0); break;
        case 2: gc_schedule_remove(&s, &items[i]); break;
        default:
            i = first_of(items, in, now_ms);
            assert_ptr_equal(gc_schedule_take(&s, now_ms), i < MANY ? &items[i] : NULL);
        }
        if (i < MANY)
            in[i] = items[i].place > 0;
    }
    gc_schedule_release(&s);
}

static void test_schedule_makespan(void **state)
{
    (void)state;
    gc_rank calls[] = { { 2, 2, 0 }, { 2, 2, 1 }, { 3, 3, 2 }, { 3, 3, 3 }, { 2, 2, 4 } };
    assert_true(gc_schedule_makespan(calls, 5, NULL, 2) == 7); /* 3+2+2 beside 3+2 */
    assert_true(gc_schedule_makespan(calls, 5, NULL, 5) == 3);
    assert_true(gc_schedule_makespan(calls, 5, NULL, 100) == 3);
    assert_true(gc_schedule_makespan(calls, 5, NULL, 1) == 12);
    assert_true(gc_schedule_makespan(calls, 0, NULL, 4) == 0);
    static const double busy[] = { 9, 0, 4 };
    gc_rank two[] = { { 5, 5, 0 }, { 1, 1, 1 } };
    assert_true(gc_schedule_makespan(two, 2, busy, 3) == 5); /* the short one after 4 */
    assert_true(gc_schedule_makespan(two, 2, busy, 1) == 15);
    assert_true(gc_schedule_makespan(two, 0, busy, 3) == 0);
    gc_rank chains[] = { { 1, 1, 0 }, { 10, 1, 1 } };
    assert_true(gc_schedule_makespan(chains, 2, NULL, 1) ==
                10); /* the chain needs no slot */
}

static void test_schedule_append_takes_the_first_free_slot(void **state)
{
    (void)state;
    double free_s[] = { 4, 1, 3 };
    gc_schedule_append(free_s, 3, 5); /* after 1 */
    gc_schedule_append(free_s, 3, 2); /* after 3 */
    gc_schedule_append(free_s, 3, 1); /* after 4 */
    assert_true(free_s[0] == 5 && free_s[1] == 6 && free_s[2] == 5);
}

static void test_spread_takes_what_costs_nothing(void **state)
{
    (void)state;
    gc_spread options[] = { { 3, 5 }, { 3, 4 }, { 4, 3 }, { 12, 1 } };
    assert_int_equal(gc_schedule_spread(options, 4, 1, 0), 1);
    assert_int_equal(gc_schedule_spread(options, 4, 1, 1), 2);
    assert_int_equal(gc_schedule_spread(options, 4, 1, 8), 2);
    assert_int_equal(gc_schedule_spread(options, 4, 1, 9), 3);
}

static void test_spread_keeps_few_calls_when_slots_are_scarce(void **state)
{
    (void)state;
    gc_spread options[] = { { 100, 50 }, { 125, 49 }, { 500, 48 } };
    assert_int_equal(gc_schedule_spread(options, 3, 1, 1000), 0); /* about as soon */
    assert_int_equal(gc_schedule_spread(options, 1, 1, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schedule_takes_the_longest_path_first),
        cmocka_unit_test(test_schedule_breaks_ties_by_length_then_number),
        cmocka_unit_test(test_schedule_holds_back_until_the_time_has_come),
        cmocka_unit_test(test_schedule_moves_what_is_put_again),
        cmocka_unit_test(test_schedule_agrees_with_looking_at_all),
        cmocka_unit_test(test_schedule_makespan),
        cmocka_unit_test(test_schedule_append_takes_the_first_free_slot),
        cmocka_unit_test(test_spread_takes_what_costs_nothing),
        cmocka_unit_test(test_spread_keeps_few_calls_when_slots_are_scarce),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
