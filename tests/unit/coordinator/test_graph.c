#include "coordinator/graph.h"

#include <stdbool.h>
#include <string.h>

#include "support/must.h"

#define MAX_NODES 12
#define MAX_EDGES (MAX_NODES * MAX_NODES)

/* A graph that is easy to write down: needs[i][j] means node i needs node j. */
typedef struct matrix {
    size_t count;
    bool needs[MAX_NODES][MAX_NODES];
} matrix;

typedef struct rows {
    size_t first[MAX_NODES + 1];
    size_t to[MAX_EDGES];
    gc_graph graph;
} rows;

static void to_rows(const matrix *m, rows *out)
{
    size_t used = 0;
    for (size_t i = 0; i < m->count; i++) {
        out->first[i] = used;
        for (size_t j = 0; j < m->count; j++)
            if (m->needs[i][j])
                out->to[used++] = j;
    }
    out->first[m->count] = used;
    out->graph = (gc_graph){ m->count, out->first, out->to };
}

static gc_err levels_of(const matrix *m, size_t *level, size_t *cycle, size_t *cycle_len)
{
    rows r;
    to_rows(m, &r);
    return gc_graph_levels(&r.graph, level, cycle, cycle_len);
}

/* ---- brute force: plain recursion over the definition ---- */

static size_t slow_level(const matrix *m, size_t node)
{
    size_t level = 0;
    for (size_t j = 0; j < m->count; j++) {
        if (!m->needs[node][j])
            continue;
        size_t below = slow_level(m, j) + 1;
        level = below > level ? below : level;
    }
    return level;
}

static double slow_remaining(const matrix *m, const double *weight, size_t node)
{
    double longest = 0;
    for (size_t i = 0; i < m->count; i++) {
        if (!m->needs[i][node])
            continue;
        double above = slow_remaining(m, weight, i);
        longest = above > longest ? above : longest;
    }
    return longest + weight[node];
}

/* A small generator of its own, so that every machine tests the same graphs. */
static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

/* Nodes are numbered in a shuffled order, so that needs point both ways. */
static void random_dag(matrix *m, unsigned *seed)
{
    size_t order[MAX_NODES];
    memset(m, 0, sizeof *m);
    m->count = 1 + next_random(seed) % MAX_NODES;
    for (size_t i = 0; i < m->count; i++)
        order[i] = i;
    for (size_t i = m->count - 1; i > 0; i--) {
        size_t j = next_random(seed) % (i + 1), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (size_t i = 0; i < m->count; i++)
        for (size_t j = 0; j < i; j++)
            m->needs[order[i]][order[j]] = next_random(seed) % 3 == 0;
}

/* ---- tests ---- */

static void test_graph_levels_of_a_diamond(void **state)
{
    (void)state;
    matrix m = { .count = 4 };
    size_t level[4], cycle[4], len = 0;
    m.needs[3][1] = m.needs[3][2] = m.needs[1][0] = m.needs[2][0] = true;
    must_ok(levels_of(&m, level, cycle, &len));
    assert_int_equal(level[0], 0);
    assert_int_equal(level[1], 1);
    assert_int_equal(level[2], 1);
    assert_int_equal(level[3], 2);
}

static void test_graph_takes_the_longest_way(void **state)
{
    (void)state;
    matrix m = { .count = 4 };
    size_t level[4], cycle[4], len = 0;
    m.needs[3][0] = m.needs[3][2] = m.needs[2][1] = m.needs[1][0] = true;
    must_ok(levels_of(&m, level, cycle, &len));
    assert_int_equal(level[3], 3);
}

static void test_graph_without_nodes(void **state)
{
    (void)state;
    matrix m = { .count = 0 };
    size_t level[1], cycle[1], len = 0;
    rows r;
    must_ok(levels_of(&m, level, cycle, &len));
    to_rows(&m, &r);
    assert_true(gc_graph_critical(&r.graph, NULL, NULL) == 0);
}

static void test_graph_names_a_cycle_in_order(void **state)
{
    (void)state;
    matrix m = { .count = 6 };
    size_t level[6], cycle[6], len = 0;
    m.needs[1][2] = m.needs[2][4] = m.needs[4][1] = true; /* the cycle */
    m.needs[0][1] = m.needs[5][0] = true;                 /* leads into it */
    m.needs[4][3] = true;                                 /* leads out of it */
    expect_err(GC_EINVAL, levels_of(&m, level, cycle, &len));
    assert_int_equal(len, 3);
    for (size_t i = 0; i < len; i++)
        assert_true(m.needs[cycle[i]][cycle[(i + 1) % len]]);
}

static void test_graph_names_a_node_that_needs_itself(void **state)
{
    (void)state;
    matrix m = { .count = 2 };
    size_t level[2], cycle[2], len = 0;
    m.needs[0][1] = m.needs[1][1] = true;
    expect_err(GC_EINVAL, levels_of(&m, level, cycle, &len));
    assert_int_equal(len, 1);
    assert_int_equal(cycle[0], 1);
}

static void test_graph_finds_the_cycle_of_a_random_graph(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 300; round++) {
        matrix m;
        size_t level[MAX_NODES], cycle[MAX_NODES], len = 0;
        random_dag(&m, &seed);
        size_t a = next_random(&seed) % m.count, b = next_random(&seed) % m.count;
        m.needs[a][b] = m.needs[b][a] = true;
        expect_err(GC_EINVAL, levels_of(&m, level, cycle, &len));
        assert_true(len >= 1 && len <= m.count);
        bool seen[MAX_NODES] = { false };
        for (size_t i = 0; i < len; i++) {
            assert_true(m.needs[cycle[i]][cycle[(i + 1) % len]]);
            assert_false(seen[cycle[i]]);
            seen[cycle[i]] = true;
        }
    }
}

static void test_graph_agrees_with_brute_force(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 500; round++) {
        matrix m;
        rows r;
        size_t level[MAX_NODES], cycle[MAX_NODES], len = 0;
        double weight[MAX_NODES], remaining[MAX_NODES], longest = 0;
        random_dag(&m, &seed);
        to_rows(&m, &r);
        for (size_t i = 0; i < m.count; i++)
            weight[i] = next_random(&seed) % 16;
        must_ok(gc_graph_levels(&r.graph, level, cycle, &len));
        double critical = gc_graph_critical(&r.graph, weight, remaining);
        for (size_t i = 0; i < m.count; i++) {
            assert_int_equal(level[i], slow_level(&m, i));
            double want = slow_remaining(&m, weight, i);
            assert_true(remaining[i] == want);
            longest = want > longest ? want : longest;
        }
        assert_true(critical == longest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph_levels_of_a_diamond),
        cmocka_unit_test(test_graph_takes_the_longest_way),
        cmocka_unit_test(test_graph_without_nodes),
        cmocka_unit_test(test_graph_names_a_cycle_in_order),
        cmocka_unit_test(test_graph_names_a_node_that_needs_itself),
        cmocka_unit_test(test_graph_finds_the_cycle_of_a_random_graph),
        cmocka_unit_test(test_graph_agrees_with_brute_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
