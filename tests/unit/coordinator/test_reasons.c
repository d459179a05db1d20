#include "coordinator/reasons.h"

#include <string.h>

#include "support/must_fcs.h"

static const char shop[] =
    "name: shop\n"
    "entities:\n"
    "- {name: Age, attributes: {id: uuid, years: int}}\n"
    "- {name: Item, attributes: {id: uuid, name: string}}\n"
    "- {name: Customer, attributes: {id: uuid}}\n"
    "- {name: Order, attributes: {id: uuid, customer: Customer}}\n"
    "- {name: OrderItem, attributes: {id: uuid, order: Order}}\n"
    "requirements:\n"
    "- {id: R1, text: An order item has a price}\n"
    "- {id: R2, text: Orders are numbered}\n"
    "- {id: R3, text: Everything is logged}\n"
    "- {id: R4, text: Items have names}\n"
    "endpoints: [GET /orders, 'POST /orders/{id}/cancel', GET /version]\n"
    "files:\n"
    "- {path: shop/order_item.go, purpose: One line of it}\n"
    "- {path: shop/page.go, purpose: Splits lists into pages}\n"
    "- {path: shop/orders.go, purpose: 'Keeps orders, as R4 says'}\n"
    "- {path: shop/order_store.go, purpose: Finds them}\n"
    "- {path: shop/order_service.go, purpose: Cancels them}\n"
    "- {path: shop/routes.go, purpose: Joins it all}\n"
    "- {path: shop/hello.go, purpose: Answers GET /version alone}\n"
    "- {path: shop/listed.go, purpose: About an age, entities: [Customer]}\n"
    "- {path: customer/util.go, purpose: Small helpers}\n";

typedef struct fixture {
    gc_fcs *fcs;
    gc_plan *plan;
    gc_diags diags;
    gc_reasons reasons;
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    static const gc_plan_options options = { .templates = true, .max_files = 1000 };
    f = (fixture){ .fcs = must_build(shop) };
    gc_diags_init(&f.diags, "spec");
    must_ok(gc_plan_make(f.fcs, &options, &f.diags, &f.plan));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gc_reasons_release(&f.reasons);
    gc_plan_destroy(&f.plan);
    gc_fcs_destroy(&f.fcs);
    gc_diags_release(&f.diags);
    return 0;
}

/* "what name: why" of each, one a line. */
static void expect(const char *path, const char *want)
{
    long index = gc_plan_find(f.plan, path);
    assert_true(index >= 0);
    gc_reasons_release(&f.reasons);
    f.reasons = gc_reasons_of(f.fcs, &f.plan->files[index]);
    gc_buf out;
    gc_buf_init(&out, 10000);
    gc_buf_puts(&out, "");
    for (size_t i = 0; i < f.reasons.count; i++)
        gc_buf_printf(&out, "%s %s: %s\n", f.reasons.items[i].what,
                      f.reasons.items[i].name, f.reasons.items[i].why);
    assert_string_equal(out.ptr ? out.ptr : "", want);
    gc_buf_release(&out);
}

static void test_reasons_of_a_name_of_two_words(void **state)
{
    (void)state;
    expect("shop/order_item.go",
           "entity OrderItem: its own: path or purpose name it\n"
           "neighbour Order: field Order of OrderItem refers to it\n"
           "requirement R1: names OrderItem\n"
           "requirement R3: names no entity: goes to all\n");
}

static void test_reasons_want_whole_words(void **state)
{
    (void)state;
    expect("shop/page.go", "requirement R3: names no entity: goes to all\n");
}

static void test_reasons_by_plural_and_by_id(void **state)
{
    (void)state;
    expect("shop/orders.go",
           "entity Order: its own: path or purpose name it\n"
           "neighbour Customer: field Customer of Order refers to it\n"
           "contract GET /orders: is about Order\n"
           "contract POST /orders/{id}/cancel: is about Order\n"
           "requirement R2: names Order\n"
           "requirement R3: names no entity: goes to all\n"
           "requirement R4: the file is about all of them, or its purpose names it\n");
}

static void test_reasons_of_contracts(void **state)
{
    (void)state;
    expect("shop/order_store.go",
           "entity Order: its own: path or purpose name it\n"
           "neighbour Customer: field Customer of Order refers to it\n"
           "requirement R2: names Order\n"
           "requirement R3: names no entity: goes to all\n");
    assert_int_equal(f.reasons.contracts_left_out, 2);
    assert_string_equal(f.reasons.why_left_out, "such a file serves none");
    expect("shop/order_service.go",
           "entity Order: its own: path or purpose name it\n"
           "neighbour Customer: field Customer of Order refers to it\n"
           "contract POST /orders/{id}/cancel: is about Order and says more than its "
           "methods do\n"
           "requirement R2: names Order\n"
           "requirement R3: names no entity: goes to all\n");
    assert_int_equal(f.reasons.contracts_left_out, 1);
    expect("shop/routes.go",
           "contract GET /orders: the file is about routes\n"
           "contract POST /orders/{id}/cancel: the file is about routes\n"
           "contract GET /version: the file is about routes\n"
           "requirement R3: names no entity: goes to all\n");
    expect("shop/hello.go", "contract GET /version: its purpose names it\n"
                            "requirement R3: names no entity: goes to all\n");
}

static void test_reasons_what_is_listed_counts_alone(void **state)
{
    (void)state;
    expect("shop/listed.go", "entity Customer: its own: listed for the file\n"
                             "requirement R3: names no entity: goes to all\n");
}

static void test_reasons_by_folder_at_last(void **state)
{
    (void)state;
    expect("customer/util.go", "entity Customer: its own: path or purpose name it\n"
                               "requirement R3: names no entity: goes to all\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_reasons_of_a_name_of_two_words),
        TEST(test_reasons_want_whole_words),
        TEST(test_reasons_by_plural_and_by_id),
        TEST(test_reasons_of_contracts),
        TEST(test_reasons_what_is_listed_counts_alone),
        TEST(test_reasons_by_folder_at_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
