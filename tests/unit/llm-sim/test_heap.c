#include "support/must.h"
#include "tests/llm-sim/heap.h"

#define COUNT 500

static void test_heap_gives_timers_in_order(void **state)
{
    (void)state;
    gc_sim_heap heap = { 0 };
    gc_sim_timer timers[COUNT] = { 0 };
    for (int i = 0; i < COUNT; i++)
        gc_sim_heap_set(&heap, &timers[i], i * 7919 % COUNT);
    for (int i = 0; i < COUNT; i++) {
        gc_sim_timer *first = gc_sim_heap_first(&heap);
        assert_int_equal(i, first->due_us);
        gc_sim_heap_remove(&heap, first);
    }
    assert_null(gc_sim_heap_first(&heap));
    gc_sim_heap_release(&heap);
}

static void test_heap_moves_and_removes_anywhere(void **state)
{
    (void)state;
    gc_sim_heap heap = { 0 };
    gc_sim_timer timers[COUNT] = { 0 };
    for (int i = 0; i < COUNT; i++)
        gc_sim_heap_set(&heap, &timers[i], i);
    for (int i = 0; i < COUNT; i += 2) /* the even ones go */
        gc_sim_heap_remove(&heap, &timers[i]);
    gc_sim_heap_remove(&heap, &timers[0]); /* once more does nothing */
    for (int i = 1; i < COUNT; i += 2)     /* the odd ones turn round */
        gc_sim_heap_set(&heap, &timers[i], COUNT - i);
    for (int i = COUNT - 1; i > 0; i -= 2) {
        assert_ptr_equal(&timers[i], gc_sim_heap_first(&heap));
        gc_sim_heap_remove(&heap, &timers[i]);
    }
    assert_int_equal(0, heap.count);
    gc_sim_heap_release(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heap_gives_timers_in_order),
        cmocka_unit_test(test_heap_moves_and_removes_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
