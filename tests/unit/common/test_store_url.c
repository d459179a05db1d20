#include <stdlib.h>
#include <string.h>

#include "common/store.h"
#include "common/store_private.h"
#include "support/must.h"

static void test_store_url_forms_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *url, *user, *password, *host, *path;
        int port, db;
    } table[] = {
        { "redis://h", "", "", "h", NULL, 6379, 0 },
        { "redis://h/", "", "", "h", NULL, 6379, 0 },
        { "redis://h:7000/3", "", "", "h", NULL, 7000, 3 },
        { "redis://:s3cret@h:1", "", "s3cret", "h", NULL, 1, 0 },
        { "redis://ben:a%40b%2Fc@h/1", "ben", "a@b/c", "h", NULL, 6379, 1 },
        { "redis://:pa/ss@w@h", "", "pa/ss@w", "h", NULL, 6379, 0 },
        { "redis://[::1]:6380/2", "", "", "::1", NULL, 6380, 2 },
        { "redis://[fe80::1]", "", "", "fe80::1", NULL, 6379, 0 },
        { "unix:///run/r.sock", "", "", NULL, "/run/r.sock", 0, 0 },
        { "unix:///run/r@x.sock?db=4", "", "", NULL, "/run/r@x.sock", 0, 4 },
        { "unix://u:p@/run/r.sock", "u", "p", NULL, "/run/r.sock", 0, 0 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        gc_redis_url url;
        must_ok(gc_redis_url_parse(table[i].url, &url, NULL));
        assert_string_equal(url.user, table[i].user);
        assert_string_equal(url.password, table[i].password);
        assert_string_equal(url.host ? url.host : "", table[i].host ? table[i].host : "");
        assert_string_equal(url.path ? url.path : "", table[i].path ? table[i].path : "");
        assert_int_equal(url.port, table[i].port);
        assert_int_equal(url.db, table[i].db);
        gc_redis_url_release(&url);
    }
}

#define TEN "bbbbbbbbbb"
#define LONG_PATH "unix:///" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void test_store_url_nonsense_is_refused_without_the_password(void **state)
{
    (void)state;
    static const char *const table[] = {
        "",
        "h:6379",
        "http://hunter2@h",
        "rediss://:hunter2@h",
        "redis://",
        "redis://:hunter2@",
        "redis://hunter2@h",
        "redis://u:@h",
        "redis://:hunter2%4@h",
        "redis://:hunter2%00@h",
        "redis://:hunter2@h:0",
        "redis://:hunter2@h:66000",
        "redis://:hunter2@h:1x",
        "redis://:hunter2@h/x",
        "redis://:hunter2@h/-1",
        "redis://:hunter2@h?tls=1",
        "redis://[::1",
        "redis://[::1]x",
        "unix://run/r.sock",
        "unix:///run/r.sock?x=1",
        LONG_PATH,
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        gc_redis_url url;
        gc_errinfo info = { 0 };
        expect_err(GC_EINVAL, gc_redis_url_parse(table[i], &url, &info));
        assert_true(strlen(info.text) > 10);
        assert_null(strstr(info.text, "hunter2"));
    }
}

static void test_store_url_public_hides_the_password(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        { "redis://h:1/2", "redis://h:1/2" },
        { "redis://:hunter2@h:1/2", "redis://h:1/2" },
        { "redis://u:hun/ter2@x@h", "redis://h" },
        { "rediss://u:hunter2@h", "rediss://h" },
        { "redis://h?password=hunter2", "redis://h" },
        { "unix:///run/r@x.sock?db=4", "unix:///run/r@x.sock?db=4" },
        { "unix://u:p@/run/r.sock", "unix:///run/r.sock" },
        { "hunter2", "(not a url)" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *shown = gc_store_url_public(table[i][0]);
        assert_string_equal(shown, table[i][1]);
        free(shown);
    }
}

static void test_store_money_rounds_up_to_billionths(void **state)
{
    (void)state;
    int64_t n = 0;
    assert_true(gc_nano_usd(0.1, &n));
    assert_int_equal(n, 100000000);
    assert_true(gc_nano_usd(0.3, &n));
    assert_int_equal(n, 300000000);
    assert_true(gc_nano_usd(0.0000000011, &n));
    assert_int_equal(n, 2);
    assert_true(gc_nano_usd(0, &n));
    assert_int_equal(n, 0);
    assert_false(gc_nano_usd(-0.1, &n));
    assert_false(gc_nano_usd(1e300, &n));
    assert_false(gc_nano_usd(0.0 / 0.0, &n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_url_forms_are_understood),
        cmocka_unit_test(test_store_url_nonsense_is_refused_without_the_password),
        cmocka_unit_test(test_store_url_public_hides_the_password),
        cmocka_unit_test(test_store_money_rounds_up_to_billionths),
    };
    return cmocka_run_group_tests_name("store_url", tests, NULL, NULL);
}
