#include "coordinator/contracts.h"

#include "support/must.h"

static char empty[] = "";

static gc_contract contract(const char *method, const char *path, const char *entity)
{
    return (gc_contract){ .method = (char *)method,
                          .path = (char *)path,
                          .entity = (char *)entity,
                          .description = empty,
                          .request = empty,
                          .response = empty };
}

static bool is_rule(const char *method, const char *path)
{
    gc_contract c = contract(method, path, "OrderItem");
    return gc_contract_is_rule(&c);
}

static void test_contracts_of_promised_methods_are_no_rules(void **state)
{
    (void)state;
    assert_false(is_rule("GET", "/order-items"));
    assert_false(is_rule("POST", "/api/v1/order_items"));
    assert_false(is_rule("GET", "/order-items/{id}"));
    assert_false(is_rule("PUT", "/order-items/:id"));
    assert_false(is_rule("DELETE", "/order-items/<id>"));
    gc_contract c = contract("GET", "/order-items", "OrderItem");
    c.description = (char *)"Lists all order items";
    c.response = (char *)"[]OrderItem";
    assert_false(gc_contract_is_rule(&c));
    c.response = (char *)"{items: [OrderItem], total}";
    assert_false(gc_contract_is_rule(&c)); /* a shape, whatever its size */
}

static void test_contracts_that_say_more_are_rules(void **state)
{
    (void)state;
    assert_true(is_rule("POST", "/order-items/{id}/cancel"));
    assert_true(is_rule("POST", "/login"));
    assert_true(is_rule("PATCH", "/order-items/{id}"));
    assert_true(is_rule("DELETE", "/order-items"));
    assert_true(is_rule("GET", "/orders/{id}/order-items"));
    assert_true(is_rule("GET", "{id}"));
    assert_true(is_rule("GET", ""));
    gc_contract c = contract("POST", "/order-items", "OrderItem");
    c.request = (char *)"{amount}";
    assert_true(gc_contract_is_rule(&c));
    c.request = empty;
    c.description = (char *)"Refused while the order is closed";
    assert_true(gc_contract_is_rule(&c));
    c.description = empty;
    c.response = (char *)"OrderItem, or 409 if the order is closed";
    assert_true(gc_contract_is_rule(&c));
}

static void expect_use(gc_contract_use want, const char *kind, const char *path,
                       const char *purpose)
{
    gc_contract_use use = gc_contract_use_of(kind, path, purpose, true);
    if (use != want)
        fail_msg("%s %s (%s): %d", kind, path, purpose, (int)use);
}

static void test_contracts_by_kind(void **state)
{
    (void)state;
    expect_use(GC_CONTRACTS_NONE, "model", "a/handler.go", "");
    expect_use(GC_CONTRACTS_NONE, "store", "a/service_store.go", "");
    expect_use(GC_CONTRACTS_RULES, "service", "a/model_service.go", "");
    expect_use(GC_CONTRACTS_ALL, "handler", "a/store_handler.go", "");
    expect_use(GC_CONTRACTS_NONE, "config", "a/config.go", "");
    assert_int_equal(gc_contract_use_of("service", "a.go", "", false), GC_CONTRACTS_ALL);
}

static void test_contracts_by_words(void **state)
{
    (void)state;
    expect_use(GC_CONTRACTS_ALL, "source", "order/order.go", "An order");
    expect_use(GC_CONTRACTS_NONE, "source", "http/order_store.go", "Keeps orders");
    expect_use(GC_CONTRACTS_RULES, "test", "order/order_service_test.go", "Tests it");
    expect_use(GC_CONTRACTS_ALL, "source", "store/store_handler.go", "");
    expect_use(GC_CONTRACTS_ALL, "source", "types.go", "Types of HTTP requests");
    expect_use(GC_CONTRACTS_ALL, "main", "main.go", "All of the program");
}

static void test_contracts_of_files_without_entity(void **state)
{
    (void)state;
    static const struct {
        const char *path, *purpose;
        gc_contract_use use;
    } rows[] = {
        { "web/router.go", "", GC_CONTRACTS_ALL },
        { "web/web.go", "Registers the routes", GC_CONTRACTS_ALL },
        { "web/web.go", "HTTP middleware", GC_CONTRACTS_FREE },
        { "web/server.go", "", GC_CONTRACTS_FREE },
        { "http/page.go", "Splits lists", GC_CONTRACTS_NONE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(gc_contract_use_without(rows[i].path, rows[i].purpose),
                         rows[i].use);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contracts_of_promised_methods_are_no_rules),
        cmocka_unit_test(test_contracts_that_say_more_are_rules),
        cmocka_unit_test(test_contracts_by_kind),
        cmocka_unit_test(test_contracts_by_words),
        cmocka_unit_test(test_contracts_of_files_without_entity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
