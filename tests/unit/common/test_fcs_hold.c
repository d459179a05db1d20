#include "support/must_fcs.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define ENTITIES                                                      \
    "name: s\nentities:\n- {name: Order, attributes: {id: uuid%s}}\n" \
    "- {name: Customer, attributes: {id: int%s}}\n"

static const gc_field *field(const gc_fcs *fcs, const char *entity, const char *json)
{
    const gc_entity *e = gc_fcs_entity(fcs, entity);
    for (size_t i = 0; e && i < e->field_count; i++)
        if (strcmp(e->fields[i].json_name, json) == 0)
            return &e->fields[i];
    return NULL;
}

static gc_fcs *build(const char *order, const char *customer, const char *relations)
{
    char *head = gc_xasprintf(ENTITIES, order, customer);
    char *yaml = gc_xasprintf("%srelationships:\n%s", head, relations);
    gc_fcs *fcs = must_build(yaml);
    free(yaml);
    free(head);
    return fcs;
}

static void expect_field(const char *relations, const char *entity, const char *json,
                         const char *type)
{
    gc_fcs *fcs = build("", "", relations);
    const gc_field *f = field(fcs, entity, json);
    if (!f)
        fail_msg("%s has no %s after %s", entity, json, relations);
    assert_string_equal(f->go_type, type);
    assert_true(f->ref && f->ref_by_id);
    assert_false(f->required);
    size_t fields = gc_fcs_entity(fcs, "Order")->field_count +
                    gc_fcs_entity(fcs, "Customer")->field_count;
    assert_int_equal(fields, 3);
    gc_fcs_destroy(&fcs);
}

static void test_hold_gives_the_key_to_the_right_side(void **state)
{
    (void)state;
    expect_field("- Order belongs to Customer\n", "Order", "customer_id", "int");
    expect_field("- Customer has many Order\n", "Order", "customer_id", "int");
    expect_field("- Customer has one Order\n", "Order", "customer_id", "int");
    expect_field("- {from: Order, to: Customer, type: many_to_many}\n", "Order",
                 "customer_ids", "[]int");
    expect_field("- Order belongs to Customer\n- Customer has many Order\n", "Order",
                 "customer_id", "int");
    expect_field("- {from: Order, to: Customer, type: belongs_to, name: buyer}\n",
                 "Order", "buyer_id", "int");
    expect_field(
        "- {from: Order, to: Customer, type: belongs_to, foreign_key: owner_no}\n",
        "Order", "owner_no", "int");
}

static void test_hold_two_roles(void **state)
{
    (void)state;
    gc_fcs *fcs = build("", "",
                        "- {from: Order, to: Customer, type: belongs_to, name: buyer}\n"
                        "- {from: Order, to: Customer, type: belongs_to, name: payer}\n"
                        "- Customer has many Order\n");
    assert_non_null(field(fcs, "Order", "buyer_id"));
    assert_non_null(field(fcs, "Order", "payer_id"));
    assert_int_equal(gc_fcs_entity(fcs, "Order")->field_count, 3);
    gc_fcs_destroy(&fcs);
}

static void test_hold_of_itself(void **state)
{
    (void)state;
    gc_fcs *fcs = build("", "", "- Order belongs to Order\n");
    const gc_field *f = field(fcs, "Order", "parent_id");
    assert_non_null(f);
    assert_string_equal(f->go_type, "string");
    gc_fcs_destroy(&fcs);
    /* the name is that of the other direction */
    fcs =
        build("", "", "- {from: Order, to: Order, type: one_to_many, name: children}\n");
    assert_non_null(field(fcs, "Order", "parent_id"));
    gc_fcs_destroy(&fcs);
}

/* A field that says it already, whatever its name or side, is enough. */
static void test_hold_adds_nothing_to_what_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *order, *customer;
    } cases[] = {
        { ", customer_id: uuid", "" },   { ", customer: Customer", "" },
        { ", buyer: Customer", "" },     { "", ", orders: '[]Order'" },
        { "", ", order_ids: '[]uuid'" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gc_fcs *fcs =
            build(cases[i].order, cases[i].customer, "- Customer has many Order\n");
        size_t fields = gc_fcs_entity(fcs, "Order")->field_count +
                        gc_fcs_entity(fcs, "Customer")->field_count;
        assert_int_equal(fields, 3);
        gc_fcs_destroy(&fcs);
    }
}

static void test_hold_refuses_a_foreign_key_that_is_no_name(void **state)
{
    (void)state;
    static const char *const keys[] = { "[a]", "{a: b}", "'***'" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *head = gc_xasprintf(ENTITIES, "", "");
        char *yaml = gc_xasprintf("%srelationships:\n- {from: Order, to: Customer, "
                                  "type: belongs_to, foreign_key: %s}\n",
                                  head, keys[i]);
        expect_finding(yaml, "6:", " error ");
        free(yaml);
        free(head);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hold_gives_the_key_to_the_right_side),
        cmocka_unit_test(test_hold_two_roles),
        cmocka_unit_test(test_hold_of_itself),
        cmocka_unit_test(test_hold_adds_nothing_to_what_is_said),
        cmocka_unit_test(test_hold_refuses_a_foreign_key_that_is_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
