#include "broker/fairq.h"

#include "support/must.h"

typedef struct fixture {
    gc_fairq *queue;
    gc_lane *a;
    gc_lane *b;
    gc_fairq_item items[8];
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    f = (fixture){ .queue = gc_fairq_new() };
    f.a = gc_lane_new(f.queue);
    f.b = gc_lane_new(f.queue);
    for (size_t i = 0; i < 8; i++)
        f.items[i].owner = &f.items[i];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++)
        gc_fairq_remove(&f.items[i]);
    gc_lane_destroy(&f.a);
    gc_lane_destroy(&f.b);
    gc_fairq_destroy(&f.queue);
    return 0;
}

static void expect_next(int index)
{
    gc_fairq_item *item = gc_fairq_next(f.queue);
    assert_ptr_equal(item, index < 0 ? NULL : &f.items[index]);
}

static void test_fairq_takes_turns(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++)
        gc_lane_push(f.a, &f.items[i], false);
    gc_lane_push(f.b, &f.items[4], false);
    gc_lane_push(f.b, &f.items[5], false);
    expect_next(0);
    expect_next(4);
    expect_next(1);
    expect_next(5);
    expect_next(2);
    expect_next(3);
    expect_next(-1);
}

static void test_fairq_late_lane_waits_one_turn(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        gc_lane_push(f.a, &f.items[i], false);
    expect_next(0);
    gc_lane_push(f.b, &f.items[4], false);
    expect_next(1);
    expect_next(4);
    expect_next(2);
}

static void test_fairq_front_goes_first(void **state)
{
    (void)state;
    gc_lane_push(f.a, &f.items[0], false);
    gc_lane_push(f.a, &f.items[1], true);
    expect_next(1);
    expect_next(0);
}

static void test_fairq_removes_from_the_middle(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++)
        gc_lane_push(f.a, &f.items[i], false);
    gc_fairq_remove(&f.items[1]);
    gc_fairq_remove(&f.items[1]); /* twice is nothing */
    assert_int_equal(gc_fairq_count(f.queue), 2);
    expect_next(0);
    gc_fairq_remove(&f.items[2]);
    assert_false(gc_fairq_ready(f.queue));
    expect_next(-1);
}

static void test_fairq_parked_lane_gets_no_turn(void **state)
{
    (void)state;
    gc_lane_push(f.a, &f.items[0], false);
    gc_lane_push(f.b, &f.items[1], false);
    gc_lane_park(f.a, true);
    expect_next(1);
    expect_next(-1);
    assert_int_equal(gc_fairq_count(f.queue), 1);
    gc_lane_push(f.a, &f.items[2], false); /* stays parked */
    expect_next(-1);
    gc_lane_park(f.a, false);
    expect_next(0);
    expect_next(2);
}

static void test_fairq_walks_all_lanes(void **state)
{
    (void)state;
    size_t count = 0;
    for (gc_lane *lane = NULL; (lane = gc_fairq_walk(f.queue, lane));)
        count++;
    assert_int_equal(count, 2);
    assert_int_equal(gc_fairq_lanes(f.queue), 2);
    assert_null(gc_lane_head(f.a));
    gc_lane_push(f.a, &f.items[0], false);
    assert_ptr_equal(gc_lane_head(f.a), &f.items[0]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_fairq_takes_turns),
        TEST(test_fairq_late_lane_waits_one_turn),
        TEST(test_fairq_front_goes_first),
        TEST(test_fairq_removes_from_the_middle),
        TEST(test_fairq_parked_lane_gets_no_turn),
        TEST(test_fairq_walks_all_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
