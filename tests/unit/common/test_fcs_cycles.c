#include "support/must.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/fcs_cycles.h"

/* The plain rule, without any order kept: is `goal` reached from `from` over kept edges? */
static bool reaches(const gc_cycle_edge *edges, const bool *broken, size_t count,
                    size_t from, size_t goal, bool *seen)
{
    if (from == goal)
        return true;
    seen[from] = true;
    for (size_t i = 0; i < count; i++)
        if (edges[i].from == from && !broken[i] && !seen[edges[i].to] &&
            reaches(edges, broken, count, edges[i].to, goal, seen))
            return true;
    return false;
}

static void test_cycles_agree_with_the_plain_rule(void **state)
{
    (void)state;
    enum {
        NODES = 12,
        EDGES = 40
    };
    unsigned seed = 7;
    for (int round = 0; round < 500; round++) {
        gc_cycle_edge edges[EDGES];
        bool broken[EDGES], want[EDGES] = { false };
        for (size_t i = 0; i < EDGES; i++) {
            seed = seed * 1103515245u + 12345u;
            edges[i] = (gc_cycle_edge){ (seed >> 16) % NODES, (seed >> 20) % NODES };
        }
        gc_cycles_break(NODES, edges, EDGES, broken);
        for (size_t i = 0; i < EDGES; i++) {
            bool seen[NODES] = { false };
            want[i] = reaches(edges, want, i, edges[i].to, edges[i].from, seen);
        }
        assert_memory_equal(want, broken, sizeof want);
    }
}

static void test_cycles_nothing_to_do(void **state)
{
    (void)state;
    gc_cycles_break(0, NULL, 0, NULL);
    gc_cycle_edge edge = { 0, 0 };
    bool broken = false;
    gc_cycles_break(1, &edge, 1, &broken);
    assert_true(broken);
}

static void test_cycles_long_ring(void **state)
{
    (void)state;
    enum {
        COUNT = 100000
    };
    gc_cycle_edge *edges = calloc(2 * COUNT, sizeof *edges);
    bool *broken = calloc(2 * COUNT, sizeof *broken);
    for (size_t i = 0; i < COUNT; i++) {
        edges[i] = (gc_cycle_edge){ i, (i + 1) % COUNT };
        edges[COUNT + i] = (gc_cycle_edge){ (i + 1) % COUNT, i };
    }
    gc_cycles_break(COUNT, edges, 2 * COUNT, broken);
    assert_false(broken[0]);
    assert_true(broken[COUNT - 1]); /* closes the ring */
    assert_true(broken[COUNT]);
    assert_false(broken[2 * COUNT - 1]); /* the way back beside the broken one */
    free(edges);
    free(broken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cycles_agree_with_the_plain_rule),
        cmocka_unit_test(test_cycles_nothing_to_do),
        cmocka_unit_test(test_cycles_long_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
