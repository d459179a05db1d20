#include "broker/quarantine.h"

#include <stdio.h>

#include "support/must.h"

static void test_quarantine_needs_errors_in_a_row(void **state)
{
    (void)state;
    gc_quarantine *q = gc_quarantine_new();
    for (int i = 1; i < GC_QUARANTINE_ERRORS; i++)
        assert_false(gc_quarantine_error(q, "p", 0));
    gc_quarantine_good(q, "p");
    for (int i = 1; i < GC_QUARANTINE_ERRORS; i++)
        assert_false(gc_quarantine_error(q, "p", 0));
    assert_false(gc_quarantine_holds(q, "p", 0));
    assert_true(gc_quarantine_error(q, "p", 0));
    assert_true(gc_quarantine_holds(q, "p", GC_QUARANTINE_MS - 1));
    assert_false(gc_quarantine_holds(q, "other", 0));
    assert_false(gc_quarantine_holds(q, "p", GC_QUARANTINE_MS));
    assert_false(gc_quarantine_error(q, "p", GC_QUARANTINE_MS)); /* counts anew */
    gc_quarantine_destroy(&q);
}

static void test_quarantine_is_bounded(void **state)
{
    (void)state;
    gc_quarantine *q = gc_quarantine_new();
    for (int i = 0; i < GC_QUARANTINE_ERRORS; i++)
        gc_quarantine_error(q, "first", 0);
    for (int i = 0; i < 3 * GC_QUARANTINE_MAX; i++) {
        char name[16];
        snprintf(name, sizeof name, "p%d", i);
        gc_quarantine_error(q, name, 0);
    }
    assert_false(gc_quarantine_holds(q, "first", 1)); /* forgotten for newer ones */
    gc_quarantine_destroy(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quarantine_needs_errors_in_a_row),
        cmocka_unit_test(test_quarantine_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
