#include "support/must.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/gosrc.h"
#include "common/mem.h"
#include "common/project.h"
#include "common/text.h"
#include "coordinator/plan.h"
#include "support/must_fcs.h"

#define NASTY                                                                             \
    "name: Nasty\nmodule: nasty\n"                                                        \
    "packages:\n  - {name: shared, path: internal/shared}\n"                              \
    "entities:\n  - name: Empty\n    description: nothing\n"                              \
    "  - name: Alpha\n    package: shared\n    attributes:\n"                             \
    "      id: {type: enum, values: [north, \"east side\"]}\n"                            \
    "      meta: {type: \"map[string]any\"}\n      matrix: {type: \"[][]int\"}\n"         \
    "      data: {type: bytes, unique: true}\n"                                           \
    "      seen: {type: timestamp, unique: true, nullable: true}\n"                       \
    "      beta: {type: Beta, unique: true}\n      clone: {type: string, unique: true}\n" \
    "  - name: Beta\n    package: shared\n    attributes:\n      id: int8\n"              \
    "      gammas: \"[]Gamma\"\n      ptrs: {type: \"map[string]Gamma\"}\n"               \
    "  - name: Gamma\n    attributes:\n      id: timestamp\n"                             \
    "  - name: Größe\n    attributes:\n      id: float64\n"                             \
    "  - name: 注文\n    attributes:\n      id: duration\n"                             \
    "  - name: Page\n    attributes:\n      id: uuid\n      items: \"[]Item\"\n"          \
    "  - name: Item\n    attributes:\n      id: uuid\n"                                   \
    "  - name: Store\n    attributes:\n      id: uuid\n"

typedef struct made {
    gc_fcs *fcs;
    gc_plan *plan;
} made;

static made make(const char *yaml, bool structural)
{
    made m = { .fcs = must_build(yaml) };
    gc_diags diags;
    gc_diags_init(&diags, "spec.yaml");
    gc_plan_options options = { true, 1000, structural };
    must_ok(gc_plan_make(m.fcs, &options, &diags, &m.plan));
    gc_diags_release(&diags);
    return m;
}

static void drop(made *m)
{
    gc_plan_destroy(&m->plan);
    gc_fcs_destroy(&m->fcs);
}

static const gc_plan_file *must_find(const made *m, const char *path)
{
    long at = gc_plan_find(m->plan, path);
    if (at < 0)
        fail_msg("%s is not planned", path);
    return &m->plan->files[at];
}

static bool is_template(const made *m, const char *path)
{
    return must_find(m, path)->how == GC_BY_TEMPLATE;
}

/* free() it */
static char *rendered(const gc_plan_file *f)
{
    gc_buf out;
    gc_errinfo info = { 0 };
    json_t *data = json_loads(f->template_data, 0, NULL);
    gc_buf_init(&out, 1 << 20);
    if (gc_project_render_data("", f->template_name, data, &out, &info))
        fail_msg("%s: %s", f->path, info.text);
    json_decref(data);
    return gc_buf_take(&out);
}

static size_t expect_gate_opens(const made *m)
{
    size_t count = 0;
    for (size_t i = 0; i < m->plan->file_count; i++) {
        const gc_plan_file *f = &m->plan->files[i];
        if (!f->template_data)
            continue;
        char *text = rendered(f);
        gc_buf complaint;
        gc_buf_init(&complaint, 1 << 16);
        if (gc_go_gate(f->path, f->package, f->promise, text, strlen(text), &complaint))
            fail_msg("%s: %s\n%s", f->path, complaint.ptr, text);
        gc_buf_release(&complaint);
        free(text);
        count++;
    }
    return count;
}

static void test_structural_files_keep_their_promises(void **state)
{
    static const char old[] = "kind: http\nbuild_config: {go_version: \"1.19\"}\n"
                              "description: kept in PostgreSQL\n";
    static const char *const kinds[] = { "kind: http\n", "kind: cli\n", old };
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *yaml = gc_xasprintf("%s%s", NASTY, kinds[i]);
        made m = make(yaml, true);
        assert_true(expect_gate_opens(&m) > 20);
        drop(&m);
        free(yaml);
    }
}

static void test_structural_files_of_the_examples(void **state)
{
    static const char *const paths[] = { "examples/clinic-12.yaml",
                                         "examples/erp-60.yaml", "examples/shop-6.yaml",
                                         "examples/todo-cli.yaml",
                                         "../shared/specs/simple-spec.yaml" };
    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char *path = gc_xasprintf("%s/%s", GC_SOURCE_DIR, paths[i]);
        bool there = access(path, R_OK) == 0;
        if (!there && gc_starts_with(paths[i], "../")) {
            print_message("no %s here\n", paths[i]);
        } else {
            char *yaml = must_read(path);
            made m = make(yaml, true);
            assert_true(expect_gate_opens(&m) >= 10);
            drop(&m);
            free(yaml);
        }
        free(path);
    }
}

static void test_structural_is_a_choice(void **state)
{
    (void)state;
    made m = make(NASTY, false);
    assert_false(is_template(&m, "internal/item/item_store.go"));
    assert_int_equal(-1, gc_plan_find(m.plan, "internal/item/item_clone.go"));
    drop(&m);
}

#define ROOM                                                                \
    "name: Hotel\nkind: http\nentities:\n  - name: Room\n    attributes:\n" \
    "      id: uuid\n      code: {type: string, unique: true}\n"            \
    "      bed: Bed\n  - name: Bed\n    attributes: {id: int}\n"

#define HANDLER "internal/room/room_handler.go"

static void expect_handler(const char *more, bool by_template)
{
    char *yaml = gc_xasprintf("%s%s", ROOM, more);
    made m = make(yaml, true);
    if (is_template(&m, HANDLER) != by_template)
        fail_msg("by %s: %s", by_template ? "the model" : "a template", more);
    assert_true(is_template(&m, "internal/room/room_handler_test.go") == by_template);
    expect_gate_opens(&m);
    drop(&m);
    free(yaml);
}

static void test_structural_handler_is_plain(void **state)
{
    (void)state;
    expect_handler("", true);
    expect_handler(
        "contracts:\n  - {method: GET, path: /api/v1/rooms, response: "
        "\"[]Room\", description: Lists all rooms}\n"
        "  - {method: POST, path: /api/v1/rooms, request: \"{code, bed_id}\"}\n"
        "  - {method: PUT, path: \"/api/v1/rooms/{room}\", response: Room}\n"
        "  - {method: POST, path: \"/api/v1/rooms/{id}/close\", entity: Room}\n",
        true);
}

static void test_structural_handler_is_special(void **state)
{
    static const char *const specials[] = {
        "{method: GET, path: \"/beds/{id}/rooms\", entity: Room}",
        "{method: GET, path: /rooms, entity: Room, request: \"query: day\"}",
        "{method: GET, path: /rooms, entity: Room, description: Only the free rooms}",
        "{method: POST, path: /rooms, entity: Room, request: \"{code, guests: [{id}]}\"}",
        "{method: POST, path: /rooms, entity: Room, request: \"{code, colour}\"}",
        "{method: PATCH, path: \"/rooms/{id}\", entity: Room}",
        "{method: GET, path: /rooms, entity: Room, response: Summary}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        char *more = gc_xasprintf("contracts:\n  - %s\n", specials[i]);
        expect_handler(more, false);
        free(more);
    }
    expect_handler("requirements:\n  - {id: R1, description: Every call needs a bearer "
                   "token.}\n",
                   false);
}

static void expect_text(const made *m, const char *path, const char *text)
{
    char *all = rendered(must_find(m, path));
    if (!strstr(all, text))
        fail_msg("%s lacks \"%s\":\n%s", path, text, all);
    free(all);
}

static void test_structural_requirements_shape_lists(void **state)
{
    (void)state;
    made m = make(ROOM "requirements:\n"
                       "  - {id: R1, description: \"Lists take limit (1 to 50, default "
                       "20) and a cursor.\"}\n"
                       "  - {id: R2, description: Errors have the keys error and "
                       "message.}\n",
                  true);
    const char *path = "internal/httpjson/httpjson.go";
    expect_text(&m, path, "defaultLimit = 20\n");
    expect_text(&m, path, "maxLimit     = 50\n");
    expect_text(&m, path, "\"message\": message");
    expect_text(&m, HANDLER, "page.SetNext(w, r, len(found))");
    drop(&m);
}

static void test_structural_keys_that_no_template_orders(void **state)
{
    static const char *const keys[] = {
        "id: bool", "id: \"[]string\"", "id: uuid\n      on: {type: bool, unique: true}"
    };
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char *yaml = gc_xasprintf("name: Odd\nkind: http\nentities:\n  - name: Odd\n"
                                  "    attributes:\n      %s\n",
                                  keys[i]);
        made m = make(yaml, true);
        assert_false(is_template(&m, "internal/odd/odd_store.go"));
        drop(&m);
        free(yaml);
    }
}

static void test_structural_stores_give_no_key_that_is_refused(void **state)
{
    static const struct {
        const char *key;
        bool given;
    } rows[] = {
        { "id: uuid", true },
        { "id: {type: string, max_length: 36}", true },
        { "id: {type: string, max_length: 35}", false },
        { "id: {type: string, min_length: 40}", false },
        { "id: {type: string, pattern: '^[a-z]+$'}", false },
        { "room_id: {type: string, primary_key: true}", true },
        { "tag: {type: uuid, primary_key: true}", true },
        { "isbn: {type: string, primary_key: true}", false },
        { "number: {type: int, primary_key: true}", false },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *yaml = gc_xasprintf("name: Odd\nkind: http\nentities:\n  - name: Odd\n"
                                  "    attributes:\n      %s\n",
                                  rows[i].key);
        made m = make(yaml, true);
        const char *path = "internal/odd/odd_store.go";
        assert_true(is_template(&m, path));
        char *text = rendered(must_find(&m, path));
        if ((strstr(text, "gives item an id") != NULL) != rows[i].given)
            fail_msg("%s: %s", rows[i].key, text);
        free(text);
        drop(&m);
        free(yaml);
    }
}

static void test_structural_sql_quotes_and_orders(void **state)
{
    (void)state;
    made m = make("name: Shop\nkind: http\ndescription: Data is stored in PostgreSQL.\n"
                  "entities:\n  - name: Abc\n    attributes:\n      order: Zeta\n"
                  "      mood: {type: enum, values: [\"it's\", b], default: b}\n"
                  "      n: {type: int, min: 1}\n      after: {type: Abc}\n"
                  "  - name: Zeta\n    attributes: {id: int64}\n",
                  true);
    const char *up = "migrations/0001_init.up.sql";
    expect_text(&m, up, "\"order_id\" bigint REFERENCES \"zetas\" (\"id\")");
    expect_text(&m, up, "DEFAULT 'b' CHECK (\"mood\" IN ('it''s', 'b'))");
    expect_text(&m, up, "\"n\" bigint CHECK (\"n\" >= 1)");
    expect_text(&m, up, "ALTER TABLE \"abcs\" ADD CONSTRAINT");
    char *text = rendered(must_find(&m, up));
    assert_true(strstr(text, "TABLE \"zetas\"") < strstr(text, "TABLE \"abcs\""));
    free(text);
    expect_text(&m, "migrations/0001_init.down.sql",
                "DROP TABLE \"abcs\";\nDROP TABLE "
                "\"zetas\";");
    drop(&m);
}

static made make_thing(const char *attributes)
{
    char *yaml = gc_xasprintf("name: T\nkind: http\nentities:\n  - name: Thing\n"
                              "    attributes:\n      id: uuid\n%s",
                              attributes);
    made m = make(yaml, true);
    free(yaml);
    return m;
}

#define THING "internal/thing/thing.go"

static void expect_in_model(const char *attribute, const char *text)
{
    char *line = gc_xasprintf("      %s\n", attribute);
    made m = make_thing(line);
    if (!is_template(&m, THING) || !is_template(&m, "internal/thing/thing_test.go"))
        fail_msg("the model writes %s", attribute);
    expect_text(&m, THING, text);
    expect_gate_opens(&m);
    drop(&m);
    free(line);
}

static void test_structural_model_checks_what_is_said(void **state)
{
    (void)state;
    expect_in_model(
        "a: {type: string, required: true}",
        "\tif strings.TrimSpace(m.A) == \"\" {\n"
        "\t\treturn fmt.Errorf(\"a is required: %w\", apperrors.ErrInvalid)\n");
    expect_in_model("a: {type: string, max_length: 5}",
                    "if utf8.RuneCountInString(m.A) > 5 {");
    expect_in_model("a: {type: \"string?\", min_length: 2}",
                    "if m.A != nil && utf8.RuneCountInString(*m.A) < 2 {");
    expect_in_model("a: {type: int, min: 0, max: 9}", "if m.A < 0 {");
    expect_in_model("a: {type: int, min: 2}", "if m.A != 0 && m.A < 2 {");
    expect_in_model("a: {type: int, min: 2, required: true}", "if m.A < 2 {");
    expect_in_model("a: {type: int, min: 0.5, required: true}", "if m.A < 1 {");
    expect_in_model("a: {type: decimal, max: 0.25}", "if m.A > 0.25 {");
    expect_in_model("a: {type: email}", "if m.A != \"\" && !format.Email(m.A) {");
    expect_in_model("a: {type: \"[]url\"}", "if !format.URL(m.A[i]) {");
    expect_in_model("a: {type: string, pattern: \"^[a-z]+$\"}",
                    "var thingAPattern = regexp.MustCompile(`^[a-z]+$`)");
    expect_in_model(
        "a: {type: enum, values: [x, \"100%\"], required: true}",
        "if !m.A.Valid() {\n\t\treturn fmt.Errorf(\"a is not one of x, 100%%: ");
    expect_in_model("a: {type: \"[]enum\", values: [x, y]}", "for i := range m.A {");
    expect_in_model("a: {type: int, values: [1, 2]}",
                    "if m.A != 0 && m.A != 1 && m.A != 2 {");
    expect_in_model("a: {type: Thing, required: true}",
                    "if strings.TrimSpace(m.AID) == \"\" {");
    expect_in_model("validate: {type: bool}", "func (m *Thing) Validate2() error {");
}

static void test_structural_model_tests_both_sides_of_a_bound(void **state)
{
    (void)state;
    made m = make_thing("      a: {type: int, min: 2, max: 9, required: true}\n");
    const char *path = "internal/thing/thing_test.go";
    expect_text(&m, path, "{name: \"a is 2\", change:");
    expect_text(&m, path, "{name: \"a is 1\", field: \"a\", change:");
    expect_text(&m, path, "{name: \"a is 10\", field: \"a\", change:");
    drop(&m);
}

static void test_structural_model_ignores_bounds_of_the_type(void **state)
{
    static const char *const all[] = { "a: {type: int8, min: -128, max: 1000}",
                                       "a: {type: uint, min: 0}",
                                       "a: {type: uint8, min: 1, max: 255}" };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char *line = gc_xasprintf("      %s\n", all[i]);
        made m = make_thing(line);
        char *text = rendered(must_find(&m, THING));
        assert_null(strstr(text, "m.A"));
        free(text);
        drop(&m);
        free(line);
    }
}

static void test_structural_model_leaves_the_rest_to_the_llm(void **state)
{
    static const char *const specials[] = {
        "a: {type: timestamp, constraints: [\"after b\"]}",
        "a: {type: string, pattern: \"(?i)abc\"}",
        "a: {type: string, format: iban}",
        "a: {type: int, min: 5, max: 4}",
        "a: {type: int8, min: 200}",
        "a: {type: duration, min: 5}",
        "a: {type: email, max_length: 5}",
        "a: {type: int, min: many}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        char *line = gc_xasprintf("      %s\n", specials[i]);
        made m = make_thing(line);
        if (is_template(&m, THING) || is_template(&m, "internal/thing/thing_test.go"))
            fail_msg("a template writes %s", specials[i]);
        drop(&m);
        free(line);
    }
}

static void test_structural_model_tames_comments(void **state)
{
    (void)state;
    made m = make("name: T\nkind: http\nentities:\n  - name: Thing\n"
                  "    description: \"one\\n//go:build x ``two'' `three` \\u202efour\"\n"
                  "    attributes: {id: uuid}\n",
                  true);
    expect_text(&m, THING, "\n// Thing: one //go:build x two' three four\n");
    drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structural_model_checks_what_is_said),
        cmocka_unit_test(test_structural_model_tests_both_sides_of_a_bound),
        cmocka_unit_test(test_structural_model_ignores_bounds_of_the_type),
        cmocka_unit_test(test_structural_model_leaves_the_rest_to_the_llm),
        cmocka_unit_test(test_structural_model_tames_comments),
        cmocka_unit_test(test_structural_files_keep_their_promises),
        cmocka_unit_test(test_structural_files_of_the_examples),
        cmocka_unit_test(test_structural_is_a_choice),
        cmocka_unit_test(test_structural_handler_is_plain),
        cmocka_unit_test(test_structural_handler_is_special),
        cmocka_unit_test(test_structural_requirements_shape_lists),
        cmocka_unit_test(test_structural_keys_that_no_template_orders),
        cmocka_unit_test(test_structural_stores_give_no_key_that_is_refused),
        cmocka_unit_test(test_structural_sql_quotes_and_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
