#include "support/must.h"

#include <stdlib.h>
#include <string.h>

#include "common/naming.h"

typedef char *(*naming)(const char *);

static void expect_name(const char *want, naming call, const char *name)
{
    char *got = call(name);
    assert_string_equal(want, got);
    free(got);
}

static void test_exported_joins_words(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "order item", "OrderItem" },
        { "order-item", "OrderItem" },
        { "orderItem", "OrderItem" },
        { "ORDER_ITEM", "OrderItem" },
        { "OrderItem", "OrderItem" },
        { "id", "ID" },
        { "user_ids", "UserIDs" },
        { "UserIDs", "UserIDs" },
        { "http url", "HTTPURL" },
        { "HTTPURL", "HTTPURL" },
        { "HTTPServer", "HTTPServer" },
        { "OAuth2Token", "OAuth2Token" },
        { "type", "Type" },
        { "3d model", "X3dModel" },
        { "", "X" },
        { "!!", "X" },
        { "v1 2", "V1_2" },
        { "status", "Status" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_name(cases[i][1], gc_go_exported, cases[i][0]);
}

static void test_exported_keeps_other_scripts(void **state)
{
    (void)state;
    expect_name("École", gc_go_exported, "ÉCOLE");
    expect_name("École", gc_go_exported,
                "e\xcc\x81"
                "cole"); /* decomposed */
    expect_name("Заказ", gc_go_exported, "заказ");
    expect_name("X客户", gc_go_exported, "客户");
}

static void test_unexported_avoids_reserved_words(void **state)
{
    (void)state;
    expect_name("orderItem", gc_go_unexported, "Order item");
    expect_name("type_", gc_go_unexported, "Type");
    expect_name("string_", gc_go_unexported, "string");
    expect_name("id", gc_go_unexported, "ID");
    expect_name("urlPath", gc_go_unexported, "URLPath");
    expect_name("x3dModel", gc_go_unexported, "3d model");
    expect_name("x", gc_go_unexported, "");
}

static void test_snake_is_a_safe_file_stem(void **state)
{
    (void)state;
    expect_name("order_item", gc_go_snake, "OrderItem");
    expect_name("load_test_x", gc_go_snake, "load test");
    expect_name("agent_linux_x", gc_go_snake, "AgentLinux");
    expect_name("agent_amd64_x", gc_go_snake, "agent amd64");
    expect_name("linux", gc_go_snake, "Linux");
    expect_name("is_test", gc_go_snake_plain, "isTest");
    expect_name("ecole", gc_go_snake, "École");
    expect_name("strasse", gc_go_snake, "Straße");
    expect_name("zakaz", gc_go_snake, "Заказ");
    expect_name("u5ba2u6237", gc_go_snake, "客户");
    expect_name("x", gc_go_snake, "");
}

static void test_long_names_stay_short_and_apart(void **state)
{
    (void)state;
    char a[400], b[400];
    memset(a, 'a', sizeof a);
    memset(b, 'a', sizeof b);
    a[sizeof a - 1] = b[sizeof b - 1] = '\0';
    b[sizeof b - 2] = 'b';
    char *x = gc_go_snake(a), *y = gc_go_snake(b);
    assert_true(strlen(x) <= 130);
    assert_string_not_equal(x, y);
    free(x);
    free(y);
}

static void test_package_is_no_reserved_name(void **state)
{
    (void)state;
    expect_name("orderitem", gc_go_package, "OrderItem");
    expect_name("typepkg", gc_go_package, "type");
    expect_name("errorpkg", gc_go_package, "Error");
    expect_name("timepkg", gc_go_package, "time");
    expect_name("p3dmodel", gc_go_package, "3d model");
    expect_name("loadtest", gc_go_package, "load_test");
}

static void test_module_name_is_the_last_part_that_is_no_version(void **state)
{
    (void)state;
    expect_name("uuid", gc_go_module_name, "github.com/google/uuid");
    expect_name("uuid", gc_go_module_name, "github.com/gofrs/uuid/v5");
    expect_name("yaml", gc_go_module_name, "gopkg.in/yaml.v3");
    expect_name("v5", gc_go_module_name, "v5");
    expect_name("vault", gc_go_module_name, "example.com/vault");
    expect_name("", gc_go_module_name, "");
}

static void test_keywords_and_predeclared(void **state)
{
    (void)state;
    assert_true(gc_go_is_keyword("func"));
    assert_false(gc_go_is_keyword("Func"));
    assert_true(gc_go_is_predeclared("nil"));
    assert_false(gc_go_is_predeclared("order"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exported_joins_words),
        cmocka_unit_test(test_exported_keeps_other_scripts),
        cmocka_unit_test(test_unexported_avoids_reserved_words),
        cmocka_unit_test(test_snake_is_a_safe_file_stem),
        cmocka_unit_test(test_long_names_stay_short_and_apart),
        cmocka_unit_test(test_package_is_no_reserved_name),
        cmocka_unit_test(test_module_name_is_the_last_part_that_is_no_version),
        cmocka_unit_test(test_keywords_and_predeclared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
