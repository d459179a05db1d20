#include "support/must.h"

#include <string.h>

#include "worker/lru.h"

static void put(gc_lru *lru, const char *name, const char *text)
{
    gc_text *one = gc_text_new(text, strlen(text));
    gc_lru_put(lru, name, one);
    gc_text_drop(&one);
}

static bool has(gc_lru *lru, const char *name)
{
    gc_text *one = gc_lru_get(lru, name);
    bool found = one != NULL;
    gc_text_drop(&one);
    return found;
}

static void test_lru_drops_the_eldest(void **state)
{
    (void)state;
    gc_lru *lru = gc_lru_new(10);
    put(lru, "a", "1234");
    put(lru, "b", "1234");
    assert_true(has(lru, "a")); /* used: now b is the eldest */
    put(lru, "c", "1234");
    assert_true(has(lru, "a"));
    assert_false(has(lru, "b"));
    assert_true(has(lru, "c"));
    assert_int_equal(gc_lru_bytes(lru), 8);
    put(lru, "a", "12");
    assert_int_equal(gc_lru_bytes(lru), 6);
    put(lru, "big", "12345678901");
    assert_false(has(lru, "big"));
    assert_int_equal(gc_lru_bytes(lru), 6);
    gc_lru_destroy(&lru);
    assert_null(lru);
}

static void test_lru_text_lives_while_it_is_held(void **state)
{
    (void)state;
    gc_lru *lru = gc_lru_new(4);
    put(lru, "a", "1234");
    gc_text *held = gc_lru_get(lru, "a");
    put(lru, "b", "5678");
    assert_false(has(lru, "a"));
    assert_string_equal(held->text, "1234");
    gc_lru_destroy(&lru);
    assert_string_equal(held->text, "1234");
    gc_text_drop(&held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lru_drops_the_eldest),
        cmocka_unit_test(test_lru_text_lives_while_it_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
