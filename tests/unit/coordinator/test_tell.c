#include "coordinator/tell.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "support/must.h"

static void expect_print(const char *want, const gc_tell *value)
{
    gc_buf out;
    gc_buf_init(&out, 1 << 20);
    gc_tell_print(value, &out);
    assert_string_equal(want, out.ptr);
    gc_buf_release(&out);
}

static void test_tell_prints_in_the_order_of_setting(void **state)
{
    gc_arena *arena = gc_arena_new();
    gc_tell *map = gc_tell_map(arena), *list = gc_tell_list(arena);
    (void)state;
    expect_print("{}", map);
    expect_print("[]", list);
    gc_tell_set_text(map, "z", "last");
    gc_tell_set_bool(map, "a", true);
    gc_tell_set_bool(map, "b", false);
    gc_tell_set_text(map, "missing", NULL);
    gc_tell_set_int(map, "n", INT64_MIN);
    gc_tell_set(map, "list", list);
    gc_tell_add_text(list, "x"); /* it is in the map already, and still grows */
    gc_tell_add(list, gc_tell_map(arena));
    expect_print("{\"z\":\"last\",\"a\":true,\"b\":false,\"n\":-9223372036854775808,"
                 "\"list\":[\"x\",{}]}",
                 map);
    gc_arena_destroy(&arena);
}

/* A value may stand in several places. */
static void test_tell_is_asked(void **state)
{
    gc_arena *arena = gc_arena_new();
    gc_tell *map = gc_tell_map(arena), *list = gc_tell_list(arena),
            *more = gc_tell_list(arena);
    (void)state;
    gc_tell_set_text(map, "name", "value");
    gc_tell_set_bool(map, "true", true);
    gc_tell_add(list, map);
    gc_tell_add_text(list, "text");
    gc_tell_extend(more, list);
    gc_tell_extend(more, list);
    assert_int_equal(gc_tell_count(more), 4);
    assert_ptr_equal(gc_tell_at(more, 2), map);
    assert_string_equal(gc_tell_text(gc_tell_at(more, 3)), "text");
    assert_null(gc_tell_text(map));
    assert_string_equal(gc_tell_get_text(map, "name"), "value");
    assert_null(gc_tell_get_text(map, "true"));
    assert_true(gc_tell_get_bool(map, "true"));
    assert_false(gc_tell_get_bool(map, "name"));
    assert_null(gc_tell_get(map, "other"));
    assert_int_equal(gc_tell_count(map), 2);
    assert_string_equal(gc_tell_key(map, 1), "true");
    assert_string_equal(gc_tell_key(list, 1), "");
    assert_int_equal(gc_tell_count(gc_tell_at(list, 1)), 0);
    assert_ptr_equal(gc_tell_arena(map), arena);
    gc_arena_destroy(&arena);
}

/* Fingerprints are made of the text: it must stay what it was when jansson printed it. */
static void test_tell_prints_as_jansson_does(void **state)
{
    gc_arena *arena = gc_arena_new();
    gc_tell *list = gc_tell_list(arena);
    json_t *same = json_array();
    (void)state;
    for (int c = 1; c < 0x80; c++) {
        char text[] = { 'a', (char)c, (char)c, 'b', '\0' };
        gc_tell_add_text(list, text);
        json_array_append_new(same, json_string(text));
    }
    gc_tell_add_text(list, "é \u2028 \U0001F600 </script>");
    json_array_append_new(same, json_string("é \u2028 \U0001F600 </script>"));
    char *want = json_dumps(same, JSON_COMPACT);
    expect_print(want, list);
    free(want);
    json_decref(same);
    gc_arena_destroy(&arena);
}

static void test_tell_holds_many(void **state)
{
    gc_arena *arena = gc_arena_new();
    gc_tell *list = gc_tell_list(arena);
    (void)state;
    for (int i = 0; i < 10000; i++) {
        gc_tell *item = gc_tell_map(arena);
        gc_tell_set_int(item, "n", i);
        gc_tell_add(list, item);
    }
    assert_int_equal(gc_tell_count(list), 10000);
    expect_print("{\"n\":9999}", gc_tell_at(list, 9999));
    gc_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tell_prints_in_the_order_of_setting),
        cmocka_unit_test(test_tell_is_asked),
        cmocka_unit_test(test_tell_prints_as_jansson_does),
        cmocka_unit_test(test_tell_holds_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
