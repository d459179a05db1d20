#include "support/must_fcs.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/buf.h"
#include "common/mem.h"

/* ---- the same meaning gives the same bytes ---- */

static void test_fcs_ignores_the_order_of_lists(void **state)
{
    (void)state;
    expect_same(
        "name: shop\nentities:\n- name: A\n  attributes: {id: uuid, x: int}\n"
        "- name: B\n  attributes: {id: uuid, a: A}\n"
        "requirements: [one A, two B]\nendpoints: [GET /as, POST /bs]\n",
        "endpoints: [POST /bs, GET /as]\nrequirements: [two B, one A]\nentities:\n"
        "- attributes: {a: A, id: uuid}\n  name: B\n- name: A\n"
        "  attributes: {x: int, id: uuid}\nname: shop\n");
}

static void test_fcs_ignores_the_shape(void **state)
{
    (void)state;
    const char *map = "name: s\ndata_model:\n  entities:\n  - name: A\n"
                      "    attributes: {id: uuid, n: {type: string, required: true}}\n";
    expect_same(map, "name: s\nentities:\n- name: A\n  attributes:\n"
                     "  - attribute: id\n    type: uuid\n"
                     "  - {attribute: n, type: text, required: yes}\n");
    expect_same(
        map,
        "name: s\nentities:\n  A:\n    fields: ['id: uuid', 'n: string, required']\n");
    expect_same(map, "name: s\nentities:\n  A: {id: uuid, n: string required}\n");
    expect_same(map, "project_name: s\nentities:\n- 'A: id uuid, n str required'\n");
    expect_same(
        map,
        "title: s\nmodels:\n- A: [id: guid, n: {data_type: varchar, required: true}]\n");
}

static void test_fcs_takes_nothing_for_absent(void **state)
{
    (void)state;
    expect_same("name: s\n", "name: s\nentities:\nrequirements: []\ndescription: ''\n"
                             "architecture: {packages: null}\nfiles: ~\n");
    expect_same("name: s\n", "name: s\nmetadata: {version: 1, author: me}\nversion: 2\n");
}

static void test_fcs_is_the_same_from_json(void **state)
{
    (void)state;
    gc_fcs *yaml = must_build("name: s\ndescription: 'a \"b\"'\nentities:\n"
                              "- {name: A, attributes: {id: uuid}}\n");
    gc_fcs *json = must_build_as("{\"entities\":[{\"attributes\":{\"id\":\"uuid\"},"
                                 "\"name\":\"A\"}],\"description\":\"a \\\"b\\\"\","
                                 "\"name\":\"s\"}",
                                 GC_DOC_JSON);
    assert_string_equal(gc_fcs_sha(yaml).hex, gc_fcs_sha(json).hex);
    gc_fcs_destroy(&yaml);
    gc_fcs_destroy(&json);
}

static void test_fcs_tells_real_changes(void **state)
{
    (void)state;
    expect_different("name: s\n", "name: t\n");
    expect_different("name: s\nrequirements: [a]\n", "name: s\nrequirements: [b]\n");
    expect_different("name: s\nentities: {A: {s: 'enum(a, b)'}}\n",
                     "name: s\nentities: {A: {s: 'enum(b, a)'}}\n");
}

static void test_fcs_keeps_names_in_nfc(void **state)
{
    (void)state;
    expect_same("name: caf\xc3\xa9\nentities: {\xc3\x89tage: {id: uuid}}\n",
                "name: cafe\xcc\x81\nentities: {E\xcc\x81tage: {id: uuid}}\n");
}

static void test_fcs_canonical_is_json(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build("name: s\ndescription: \"a\\tb \\\"q\\\"\\nline\"\n");
    gc_buf out;
    gc_buf_init(&out, 1 << 16);
    gc_fcs_canonical(fcs, &out);
    assert_string_equal(out.ptr,
                        "{\"app\":\"s\",\"broken_cycles\":[],\"contracts\":[],"
                        "\"description\":\"a\\tb \\\"q\\\"\\nline\",\"entities\":[],"
                        "\"files\":[],\"go_version\":\"1.22\",\"kind\":\"http\","
                        "\"module_path\":\"example.com/s\",\"modules\":[],\"name\":\"s\","
                        "\"packages\":[],\"patterns\":[],\"relations\":[],"
                        "\"requirements\":[],\"sql\":false,\"testing\":[]}");
    gc_buf_release(&out);
    gc_fcs_destroy(&fcs);
}

/* ---- project ---- */

static void test_fcs_project_fields(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build(
        "project: {name: My Shop, module: example.org/shop}\n"
        "overview: Sells.\nbuild_config: {go_version: '1.21+', target_os: any}\n"
        "testing_strategy: {coverage_target: 80, kinds: [unit, e2e]}\n");
    assert_string_equal("My Shop", fcs->name);
    assert_string_equal("my-shop", fcs->app);
    assert_string_equal("example.org/shop", fcs->module_path);
    assert_string_equal("1.21", fcs->go_version);
    assert_string_equal("Sells.", fcs->description);
    assert_int_equal(3, fcs->testing.count);
    assert_string_equal("build.target_os: any", fcs->testing.items[0]);
    assert_string_equal("testing.coverage_target: 80", fcs->testing.items[1]);
    assert_string_equal("testing.kinds: [unit, e2e]", fcs->testing.items[2]);
    gc_fcs_destroy(&fcs);
}

static void expect_kind(const char *kind, bool sql, const char *yaml)
{
    gc_fcs *fcs = must_build(yaml);
    assert_string_equal(kind, fcs->kind);
    assert_int_equal(sql, fcs->sql);
    gc_fcs_destroy(&fcs);
}

static void test_fcs_kind_from_the_words(void **state)
{
    (void)state;
    expect_kind("http", false, "name: shop\n");
    expect_kind("cli", false, "name: todo\ndescription: A command-line tool\n");
    expect_kind("cli", false, "name: todo CLI\n");
    expect_kind("http", false, "name: todo\ndescription: No CLI\n");
    expect_kind("http", false, "name: todo CLI\nendpoints: [GET /todos]\n");
    expect_kind("library", false,
                "name: csv\ndescription: A Go library that reads CSV\n");
    expect_kind("http", false, "name: City library\ndescription: Lends books\n");
    expect_kind("library", false, "name: csv\nkind: library\n");
    expect_kind("http", false, "name: csv\nkind: REST API\nentities: [{name: A}]\n");
    expect_kind("cli", false, "name: csv\nkind: cli-tool\n");
    expect_kind("http", true, "name: x\nrequirements: [Data is stored in PostgreSQL]\n");
    expect_kind("http", false, "name: x\nrequirements: [Runs without SQL]\n");
}

static void test_fcs_modules_without_the_standard_library(void **state)
{
    (void)state;
    gc_fcs *fcs =
        must_build("name: s\narchitecture:\n  dependencies:\n  - net/http\n"
                   "  - github.com/google/uuid@v1.6.0\n  - fmt\n"
                   "  - {name: github.com/b/c, version: 1.2.3}\n"
                   "  - github.com/a/b v0.1.0\n"
                   "  patterns: [Repository, {name: DI, description: by hand}]\n");
    assert_int_equal(3, fcs->module_count);
    assert_string_equal("github.com/a/b", fcs->modules[0].path);
    assert_string_equal("v0.1.0", fcs->modules[0].version);
    assert_string_equal("v1.2.3", fcs->modules[1].version);
    assert_string_equal("v1.6.0", fcs->modules[2].version);
    assert_string_equal("DI: by hand", fcs->patterns.items[0]);
    gc_fcs_destroy(&fcs);
}

/* ---- requirements ---- */

static const gc_requirement *requirement(const gc_fcs *fcs, const char *id)
{
    for (size_t i = 0; i < fcs->requirement_count; i++)
        if (strcmp(fcs->requirements[i].id, id) == 0)
            return &fcs->requirements[i];
    fail();
    return NULL;
}

static void test_fcs_requirement_shapes(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build(
        "name: s\nrequirements:\n  functional:\n  - 'FR-1: does x'\n"
        "  - {id: FR-2, title: T, description: D, priority: high}\n"
        "  non_functional: {performance: under 200 ms}\n"
        "nonfunctional_requirements:\n- {id: N-1, category: Ops, text: logs}\n"
        "success_criteria:\n- {id: C-1, criterion: works, measurable: 100%}\n"
        "user_stories:\n- {id: U-1, as_a: clerk, i_want: lists, so_that: order}\n");
    assert_string_equal("does x", requirement(fcs, "FR-1")->text);
    assert_string_equal("T\nD", requirement(fcs, "FR-2")->text);
    assert_string_equal("high", requirement(fcs, "FR-2")->priority);
    assert_string_equal("Ops: logs", requirement(fcs, "N-1")->text);
    assert_string_equal("non_functional", requirement(fcs, "N-1")->kind);
    assert_string_equal("works\nMeasured by: 100%", requirement(fcs, "C-1")->text);
    assert_string_equal("scenario", requirement(fcs, "U-1")->kind);
    assert_string_equal("As a: clerk\nI want: lists\nSo that: order",
                        requirement(fcs, "U-1")->text);
    assert_int_equal(6, fcs->requirement_count);
    gc_fcs_destroy(&fcs);
}

static void expect_entities(const char *text, const char *entities)
{
    char *yaml = NULL;
    gc_buf out;
    gc_buf_init(&out, 1 << 16);
    gc_buf_printf(
        &out,
        "name: s\nentities: {Age: {id: uuid}, Order: {id: uuid}, Order Item: {id: uuid}, "
        "Category: {id: uuid}}\nrelations: ['Order belongs to Category as section']\n"
        "endpoints: [POST /orders/place]\nrequirements:\n- \"%s\"\n",
        text);
    yaml = gc_buf_take(&out);
    gc_fcs *fcs = must_build(yaml);
    char *got = gc_strv_join(&fcs->requirements[0].entities, " ");
    assert_string_equal(entities, got);
    free(got);
    gc_fcs_destroy(&fcs);
    free(yaml);
}

static void test_fcs_requirements_name_entities_by_whole_words(void **state)
{
    (void)state;
    expect_entities("the page shows a manager", "");
    expect_entities("orders are kept", "Order");
    expect_entities("ORDER-ITEMS cost", "OrderItem");
    expect_entities("order_item and orderItem and OrderItems", "OrderItem");
    expect_entities("categories of orders", "Category Order");
    expect_entities("in order to sell", "");
    expect_entities("answers POST /orders/place.", "Order");
    expect_entities("every section has a name", "Category Order");
}

/* ---- contracts, relations, packages, files ---- */

static void test_fcs_contract_shapes(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build(
        "name: s\nentities: {User: {id: uuid}, Order Item: {id: uuid}}\napi_contracts:\n"
        "- {method: get, endpoint: '/users/:id', response: User}\n- 'POST /users: creates'\n"
        "- {endpoint: DELETE /users/<id>}\n- PATCH /orders/{id}/items: {description: changes}\n"
        "- /login: {post: {entity: user}}\n");
    const char *ids[] = { "POST /login", "PATCH /orders/{id}/items", "POST /users",
                          "DELETE /users/{id}", "GET /users/{id}" };
    assert_int_equal(5, fcs->contract_count);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(ids[i], fcs->contracts[i].id);
    assert_string_equal("User", fcs->contracts[0].entity);
    assert_string_equal("OrderItem", fcs->contracts[1].entity);
    assert_string_equal("creates", fcs->contracts[2].description);
    gc_fcs_destroy(&fcs);
}

static void test_fcs_contracts_as_map_with_base(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build("name: s\napi: {base_path: /v1, endpoints: {GET /a: lists, "
                             "POST /a: {request: {b: int, a: string}}}}\n");
    assert_string_equal("GET /v1/a", fcs->contracts[0].id);
    assert_string_equal("{a: string, b: int}", fcs->contracts[1].request);
    gc_fcs_destroy(&fcs);
    fcs = must_build(
        "name: s\napi_contracts:\n- {name: A, base_path: /a, endpoints: [GET /b]}\n"
        "- {name: C, endpoints: [{method: GET, path: /c}]}\n");
    assert_string_equal("GET /a/b", fcs->contracts[0].id);
    assert_string_equal("GET /c", fcs->contracts[1].id);
    gc_fcs_destroy(&fcs);
}

static void expect_relation(const char *line, const char *from, const char *kind,
                            const char *to)
{
    gc_buf out;
    gc_buf_init(&out, 1 << 16);
    gc_buf_printf(
        &out,
        "name: s\nentities: {User: {id: uuid}, Order: {id: uuid}, Order Item: {id: uuid}}\n"
        "relationships:\n- %s\n",
        line);
    gc_fcs *fcs = must_build(out.ptr);
    assert_int_equal(1, fcs->relation_count);
    assert_string_equal(from, fcs->relations[0].from);
    assert_string_equal(kind, fcs->relations[0].kind);
    assert_string_equal(to, fcs->relations[0].to);
    gc_fcs_destroy(&fcs);
    gc_buf_release(&out);
}

static void test_fcs_relation_shapes(void **state)
{
    (void)state;
    expect_relation("Order has many OrderItem", "Order", "has_many", "OrderItem");
    expect_relation("Each order has many order items", "Order", "has_many", "OrderItem");
    expect_relation("'User 1:N Order'", "User", "has_many", "Order");
    expect_relation("Order N-1 User", "Order", "belongs_to", "User");
    expect_relation("User many-to-many Order", "User", "many_to_many", "Order");
    expect_relation("Order has OrderItems", "Order", "has_many", "OrderItem");
    expect_relation("Order belongs to a User as buyer", "Order", "belongs_to", "User");
    expect_relation("User -> Order (1:N)", "User", "has_many", "Order");
    expect_relation("{from: Order, to: User, type: many_to_one}", "Order", "belongs_to",
                    "User");
    expect_relation("{source: Order, target: User, type: references}", "Order",
                    "references", "User");
}

static void test_fcs_relations_below_entities(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build("name: s\nentities:\n- name: A\n  attributes: {id: uuid}\n"
                             "  relationships: [has many B, {type: has_one, entity: C}]\n"
                             "- name: B\n  attributes: {id: uuid}\n  relationships:\n"
                             "    belongs_to: C\n"
                             "- name: C\n  attributes: {id: uuid}\n");
    assert_int_equal(3, fcs->relation_count);
    assert_string_equal("has_many", fcs->relations[0].kind);
    assert_string_equal("has_one", fcs->relations[1].kind);
    assert_string_equal("B", fcs->relations[2].from);
    gc_fcs_destroy(&fcs);
}

static void test_fcs_packages_hold_entities(void **state)
{
    (void)state;
    gc_fcs *fcs =
        must_build("name: s\nentities:\n- {name: Order, attributes: {id: uuid}}\n"
                   "- {name: Item, attributes: {id: uuid}}\n"
                   "- {name: User, package: people, attributes: {id: uuid}}\n"
                   "- {name: Tag, attributes: {id: uuid}}\n"
                   "architecture:\n  packages:\n"
                   "  - {name: sales, path: internal/sales, entities: [Order, Item]}\n"
                   "  - internal/people\n  - tag\n");
    assert_string_equal("sales", gc_fcs_entity(fcs, "Order")->package);
    assert_string_equal("sales", gc_fcs_entity(fcs, "Item")->package);
    assert_string_equal("people", gc_fcs_entity(fcs, "User")->package);
    assert_string_equal("tag", gc_fcs_entity(fcs, "Tag")->package);
    assert_string_equal("internal/people", fcs->packages[0].path);
    assert_string_equal("internal/tag", fcs->packages[2].path);
    gc_fcs_destroy(&fcs);
}

static void test_fcs_files_are_resolved(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build(
        "name: s\nentities: {A: {id: uuid}}\nfiles:\n- ./main.go\n"
        "- {path: a/a.go, purpose: type, entities: [a], depends_on: [main.go]}\n");
    assert_int_equal(2, fcs->file_count);
    assert_string_equal("main.go", fcs->files[0].path);
    assert_string_equal("A", fcs->files[1].entities.items[0]);
    assert_string_equal("main.go", fcs->files[1].depends_on.items[0]);
    assert_int_equal(5, fcs->files[1].line);
    gc_fcs_destroy(&fcs);
}

/* ---- cycles of imports ---- */

static void test_fcs_breaks_the_later_field(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build("name: s\nentities:\n  B: {id: int64, a: A}\n"
                             "  A: {id: uuid, items: 'list of B', self: A}\n");
    assert_string_equal("[]B", must_field(fcs, "A", "items")->go_type);
    const gc_field *back = must_field(fcs, "B", "a");
    assert_true(back->ref_by_id);
    assert_string_equal("AID", back->go_name);
    assert_string_equal("a_id", back->json_name);
    assert_string_equal("string", back->go_type);
    assert_string_equal("A", back->ref);
    assert_string_equal("SelfID", must_field(fcs, "A", "self")->go_name);
    assert_int_equal(2, fcs->broken_cycles.count);
    gc_fcs_destroy(&fcs);
}

static void test_fcs_ids_have_the_type_of_the_key(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build(
        "name: s\nentities:\n  A: {id: int64, b: B}\n"
        "  B: {id: uuid, entries: '[]A', a_id: int}\n  C: {id: uuid, c: 'C[]'}\n");
    const gc_field *list = must_field(fcs, "B", "entries");
    assert_string_equal("[]int64", list->go_type);
    assert_string_equal("EntryIDs", list->go_name);
    assert_string_equal("entry_ids", list->json_name);
    assert_string_equal("[]string", must_field(fcs, "C", "c")->go_type);
    gc_fcs_destroy(&fcs);
}

static void test_fcs_one_package_needs_no_breaking(void **state)
{
    (void)state;
    gc_fcs *fcs =
        must_build("name: s\nentities:\n  A: {id: uuid, b: B}\n  B: {id: uuid, a: A}\n"
                   "packages: [{name: m, entities: [A, B]}]\n");
    assert_string_equal("*A", must_field(fcs, "B", "a")->go_type);
    assert_int_equal(0, fcs->broken_cycles.count);
    gc_fcs_destroy(&fcs);
}

static void test_fcs_breaks_cycles_between_packages(void **state)
{
    (void)state; /* no entity needs itself, but the packages m and n would */
    gc_fcs *fcs = must_build(
        "name: s\nentities:\n  A: {id: uuid, c: C}\n  B: {id: uuid}\n"
        "  C: {id: uuid}\n  D: {id: uuid, b: B}\n"
        "packages: [{name: m, entities: [A, B]}, {name: n, entities: [C, D]}]\n");
    assert_string_equal("*C", must_field(fcs, "A", "c")->go_type);
    assert_true(must_field(fcs, "D", "b")->ref_by_id);
    gc_fcs_destroy(&fcs);
}

static void test_fcs_relations_give_way_to_fields(void **state)
{
    (void)state;
    gc_fcs *fcs = must_build("name: s\nentities: {A: {id: uuid}, B: {id: uuid, a: A}}\n"
                             "relations: [A has many B, B belongs to A]\n");
    assert_false(must_field(fcs, "B", "a")->ref_by_id);
    assert_true(fcs->relations[0].by_id);
    assert_false(fcs->relations[1].by_id);
    gc_fcs_destroy(&fcs);
}

/* ---- size ---- */

static void test_fcs_is_linear_in_entities(void **state)
{
    (void)state;
    enum {
        COUNT = 5000
    };
    gc_buf out;
    gc_buf_init(&out, (size_t)32 << 20);
    gc_buf_puts(&out, "name: big\nentities:\n");
    for (int i = 0; i < COUNT; i++)
        gc_buf_printf(&out,
                      "- {name: Thing %d, attributes: {id: uuid, next: Thing %d}}\n", i,
                      (i + 1) % COUNT);
    gc_buf_puts(&out, "requirements:\n");
    for (int i = 0; i < COUNT; i++)
        gc_buf_printf(&out, "- The Thing %d is shown\n", i);
    gc_node *root = NULL;
    gc_diags diags;
    gc_diags_init(&diags, "big");
    must_ok(gc_doc_parse(out.ptr, out.len, GC_DOC_YAML, &diags, &root));
    gc_fcs *fcs = NULL;
    clock_t start = clock();
    must_ok(gc_fcs_build(root, NULL, 0, &diags, NULL, &fcs));
    assert_true((clock() - start) / CLOCKS_PER_SEC < 20);
    assert_int_equal(COUNT, fcs->entity_count);
    assert_int_equal(1, fcs->broken_cycles.count);
    assert_int_equal(1, fcs->requirements[0].entities.count);
    gc_fcs_destroy(&fcs);
    gc_node_destroy(&root);
    gc_diags_release(&diags);
    gc_buf_release(&out);
}

static void test_fcs_entity_key(void **state)
{
    static const struct {
        const char *fields, *key;
    } rows[] = {
        { "{name: string}", NULL },
        { "{name: string, id: int}", "ID" },
        { "{code: {type: string, primary_key: true}, id: int}", "Code" },
        { "{a: {type: int, pk: true}, b: {type: int, pk: true}}", NULL },
        { "{a: {type: int, pk: true}, b: {type: int, pk: true}, id: uuid}", "ID" },
        { "{owner: {type: Other, primary_key: true}, id: uuid}", "ID" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *yaml =
            gc_xasprintf("name: Keys\nentities:\n  - {name: Thing, attributes: %s}\n"
                         "  - {name: Other, attributes: {id: uuid}}\n",
                         rows[i].fields);
        gc_fcs *fcs = must_build(yaml);
        const gc_field *key = gc_entity_key(gc_fcs_entity(fcs, "Thing"));
        assert_int_equal(key != NULL, rows[i].key != NULL);
        if (key)
            assert_string_equal(key->go_name, rows[i].key);
        gc_fcs_destroy(&fcs);
        free(yaml);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fcs_entity_key),
        cmocka_unit_test(test_fcs_ignores_the_order_of_lists),
        cmocka_unit_test(test_fcs_ignores_the_shape),
        cmocka_unit_test(test_fcs_takes_nothing_for_absent),
        cmocka_unit_test(test_fcs_is_the_same_from_json),
        cmocka_unit_test(test_fcs_tells_real_changes),
        cmocka_unit_test(test_fcs_keeps_names_in_nfc),
        cmocka_unit_test(test_fcs_canonical_is_json),
        cmocka_unit_test(test_fcs_project_fields),
        cmocka_unit_test(test_fcs_kind_from_the_words),
        cmocka_unit_test(test_fcs_modules_without_the_standard_library),
        cmocka_unit_test(test_fcs_requirement_shapes),
        cmocka_unit_test(test_fcs_requirements_name_entities_by_whole_words),
        cmocka_unit_test(test_fcs_contract_shapes),
        cmocka_unit_test(test_fcs_contracts_as_map_with_base),
        cmocka_unit_test(test_fcs_relation_shapes),
        cmocka_unit_test(test_fcs_relations_below_entities),
        cmocka_unit_test(test_fcs_packages_hold_entities),
        cmocka_unit_test(test_fcs_files_are_resolved),
        cmocka_unit_test(test_fcs_breaks_the_later_field),
        cmocka_unit_test(test_fcs_ids_have_the_type_of_the_key),
        cmocka_unit_test(test_fcs_one_package_needs_no_breaking),
        cmocka_unit_test(test_fcs_breaks_cycles_between_packages),
        cmocka_unit_test(test_fcs_relations_give_way_to_fields),
        cmocka_unit_test(test_fcs_is_linear_in_entities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
