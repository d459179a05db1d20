#include "broker/roster.h"

#include "support/must.h"

static gc_worker *add(gc_roster *roster, int64_t credit, const char *providers)
{
    gc_strv list = { 0 };
    gc_worker *worker = gc_worker_new(NULL);
    worker->credit = credit;
    gc_strv_split(&list, providers, ',');
    gc_roster_serve(roster, worker, &list);
    gc_strv_release(&list);
    return worker;
}

static gc_worker *pick_and_load(gc_roster *roster, const char *provider)
{
    gc_worker *worker = gc_roster_pick(roster, provider);
    if (worker) {
        worker->held++;
        gc_roster_update(worker);
    }
    return worker;
}

static void test_roster_spreads_evenly(void **state)
{
    (void)state;
    gc_roster *roster = gc_roster_new();
    gc_worker *w[3];
    for (int i = 0; i < 3; i++)
        w[i] = add(roster, 2, "anthropic");
    for (int round = 1; round <= 2; round++) {
        for (int i = 0; i < 3; i++)
            assert_non_null(pick_and_load(roster, "anthropic"));
        for (int i = 0; i < 3; i++)
            assert_int_equal(w[i]->held, round);
    }
    assert_null(pick_and_load(roster, "anthropic")); /* credit is the bound */
    w[1]->held--;
    gc_roster_update(w[1]);
    assert_ptr_equal(pick_and_load(roster, "anthropic"), w[1]);
    for (int i = 0; i < 3; i++)
        gc_roster_remove(roster, &w[i]);
    gc_roster_destroy(&roster);
}

static void test_roster_goes_by_share_of_credit(void **state)
{
    (void)state;
    gc_roster *roster = gc_roster_new();
    gc_worker *small = add(roster, 4, "openai"), *large = add(roster, 12, "openai");
    for (int i = 0; i < 8; i++)
        assert_non_null(pick_and_load(roster, "openai"));
    assert_int_equal(small->held, 2);
    assert_int_equal(large->held, 6);
    gc_roster_remove(roster, &small);
    gc_roster_remove(roster, &large);
    gc_roster_destroy(&roster);
}

static void test_roster_matches_providers(void **state)
{
    (void)state;
    gc_roster *roster = gc_roster_new();
    gc_worker *one = add(roster, 1, "anthropic");
    gc_worker *both = add(roster, 1, "openai,anthropic,openai");
    gc_worker *none = add(roster, 1, "");
    assert_int_equal(gc_roster_serving(roster, "anthropic"), 2);
    assert_int_equal(gc_roster_serving(roster, "openai"), 1);
    assert_int_equal(gc_roster_serving(roster, "ollama"), 0);
    assert_null(gc_roster_pick(roster, "ollama"));
    assert_ptr_equal(pick_and_load(roster, "openai"), both);
    assert_null(gc_roster_pick(roster, "openai"));
    assert_ptr_equal(pick_and_load(roster, "anthropic"), one); /* both is full in each */
    assert_null(gc_roster_pick(roster, "anthropic"));
    gc_roster_remove(roster, &both);
    assert_int_equal(gc_roster_serving(roster, "openai"), 0);
    gc_roster_remove(roster, &one);
    gc_roster_remove(roster, &none);
    gc_roster_destroy(&roster);
}

static void test_roster_skips_blocked_and_draining(void **state)
{
    (void)state;
    gc_roster *roster = gc_roster_new();
    gc_worker *a = add(roster, 5, "x"), *b = add(roster, 5, "x");
    a->blocked = true;
    gc_roster_update(a);
    for (int i = 0; i < 5; i++)
        assert_ptr_equal(pick_and_load(roster, "x"), b);
    assert_null(pick_and_load(roster, "x"));
    a->blocked = false;
    a->credit = 0;
    gc_roster_update(a);
    assert_null(pick_and_load(roster, "x"));
    assert_int_equal(gc_roster_serving(roster, "x"), 2);
    gc_roster_remove(roster, &a);
    gc_roster_remove(roster, &b);
    gc_roster_destroy(&roster);
}

/* The heap against a linear search, over random changes. */
static void test_roster_heap_finds_the_least_loaded(void **state)
{
    (void)state;
    enum {
        COUNT = 50
    };
    gc_roster *roster = gc_roster_new();
    gc_worker *w[COUNT];
    unsigned seed = 3;
    for (int i = 0; i < COUNT; i++)
        w[i] = add(roster, 8, "x");
    for (int round = 0; round < 5000; round++) {
        seed = seed * 1103515245U + 12345U;
        gc_worker *changed = w[(seed >> 16) % COUNT];
        changed->held = (seed >> 8) % 9;
        gc_roster_update(changed);
        int64_t least = 8;
        for (int i = 0; i < COUNT; i++)
            least = w[i]->held < least ? w[i]->held : least;
        gc_worker *best = gc_roster_pick(roster, "x");
        assert_int_equal(best ? best->held : 8, least);
    }
    for (int i = 0; i < COUNT; i++)
        gc_roster_remove(roster, &w[i]);
    gc_roster_destroy(&roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roster_spreads_evenly),
        cmocka_unit_test(test_roster_goes_by_share_of_credit),
        cmocka_unit_test(test_roster_matches_providers),
        cmocka_unit_test(test_roster_skips_blocked_and_draining),
        cmocka_unit_test(test_roster_heap_finds_the_least_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
