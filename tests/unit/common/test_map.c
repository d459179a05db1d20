#include "common/map.h"

#include <stdio.h>
#include <string.h>

#include "support/must.h"

/* Enough for slots, and for growing them. */
#define KEYS 200

static void name(char *key, size_t size, int number)
{
    snprintf(key, size, "key %d", number);
}

static void expect_all(const gc_map *map, const int values[KEYS])
{
    char key[32];
    for (int i = 0; i < KEYS; i++) {
        name(key, sizeof key, i);
        assert_ptr_equal(gc_map_get(map, key), &values[i]);
    }
    assert_false(gc_map_has(map, "key"));
    assert_int_equal(gc_map_count(map), KEYS);
}

static void test_map_copies_its_keys(void **state)
{
    (void)state;
    char key[32];
    int values[KEYS];
    gc_map *map = gc_map_new();
    for (int i = 0; i < KEYS; i++) {
        name(key, sizeof key, i);
        assert_null(gc_map_set(map, key, &values[i]));
    }
    memset(key, 0, sizeof key);
    expect_all(map, values);
    gc_map_destroy(&map);
    assert_null(map);
}

static void test_map_borrows_its_keys(void **state)
{
    (void)state;
    static char keys[KEYS][32];
    int values[KEYS];
    gc_map *map = gc_map_new_borrowing();
    for (int i = 0; i < KEYS; i++) {
        name(keys[i], sizeof keys[i], i);
        assert_null(gc_map_set(map, keys[i], &values[i]));
    }
    expect_all(map, values);
    size_t cursor = 0;
    const char *key;
    for (int i = 0; i < KEYS; i++) {
        assert_true(gc_map_next(map, &cursor, &key, NULL));
        assert_ptr_equal(key, keys[i]);
    }
    gc_map_destroy(&map);
}

static void test_map_removes_borrowed_keys(void **state)
{
    (void)state;
    int one, two;
    gc_map *map = gc_map_new_borrowing();
    gc_map_set(map, "one", &one);
    assert_ptr_equal(gc_map_set(map, "one", &two), &one);
    assert_ptr_equal(gc_map_remove(map, "one"), &two);
    assert_null(gc_map_remove(map, "one"));
    assert_false(gc_map_has(map, "one"));
    assert_int_equal(gc_map_count(map), 0);
    gc_map_destroy(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_copies_its_keys),
        cmocka_unit_test(test_map_borrows_its_keys),
        cmocka_unit_test(test_map_removes_borrowed_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
