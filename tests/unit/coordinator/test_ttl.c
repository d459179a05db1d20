#include "coordinator/ttl.h"

#include "support/must.h"

static void test_ttl_is_short_while_reads_renew_it(void **state)
{
    (void)state;
    assert_string_equal(gc_cache_ttl(30, 3600), "5m"); /* starts come often enough */
    assert_string_equal(gc_cache_ttl(0, 0), "5m");
}

static void test_ttl_is_long_for_long_calls_in_turns(void **state)
{
    (void)state;
    assert_string_equal(gc_cache_ttl(400, 1200), "1h");
    assert_string_equal(gc_cache_ttl(400, 100), "5m"); /* nothing starts later */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ttl_is_short_while_reads_renew_it),
        cmocka_unit_test(test_ttl_is_long_for_long_calls_in_turns),
    };
    return cmocka_run_group_tests_name("ttl", tests, NULL, NULL);
}
