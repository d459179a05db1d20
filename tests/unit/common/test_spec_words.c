#include "support/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/spec_words.h"

static const char *const names[] = { "Order",  "Order Item",     "Category", "Status",
                                     "Person", "orders_archive", "Tasks" };

static gc_word_index *make(void)
{
    gc_word_index *index = gc_word_index_new();
    gc_word_index_fill(index, names, sizeof names / sizeof *names);
    return index;
}

static void expect_found(const gc_word_index *index, const char *name, size_t want)
{
    assert_int_equal(want, gc_word_index_find(index, name));
}

static void test_words_find_loose_spellings(void **state)
{
    (void)state;
    gc_word_index *index = make();
    expect_found(index, "Order", 0);
    expect_found(index, "orders", 0);
    expect_found(index, "order_items", 1);
    expect_found(index, "orderitem", 1);
    expect_found(index, "OrderItems", 1);
    expect_found(index, "categories", 2);
    expect_found(index, "statuses", 3);
    expect_found(index, "people", 4);
    expect_found(index, "task", 6);
    expect_found(index, "statu", GC_WORDS_NONE);
    expect_found(index, "border", GC_WORDS_NONE);
    expect_found(index, "", GC_WORDS_NONE);
    gc_word_index_destroy(&index);
}

static void collect(void *arg, size_t name)
{
    char *list = arg;
    size_t len = strlen(list);
    snprintf(list + len, 64 - len, "%zu ", name);
}

static void expect_scan(const char *text, const char *want)
{
    char list[64] = "";
    gc_word_index *index = make();
    gc_word_index_scan(index, text, collect, list);
    assert_string_equal(want, list);
    gc_word_index_destroy(&index);
}

static void test_words_scan_takes_the_longest(void **state)
{
    (void)state;
    expect_scan("An order item of the order", "1 0 ");
    expect_scan("OrderItems, ORDERS; task.", "1 0 6 ");
    expect_scan("recorder, reorder", "");
    expect_scan("in order to sell", "");
    expect_scan("orders archive", "5 ");
    expect_scan("", "");
}

static void test_words_singular(void **state)
{
    (void)state;
    const char *cases[][2] = { { "items", "item" },      { "entries", "entry" },
                               { "boxes", "box" },       { "status", "status" },
                               { "address", "address" }, { "children", "child" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = gc_word_singular(cases[i][0]);
        assert_string_equal(cases[i][1], got);
        free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_find_loose_spellings),
        cmocka_unit_test(test_words_scan_takes_the_longest),
        cmocka_unit_test(test_words_singular),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
