#include "support/must_fcs.h"

#include <stdlib.h>
#include <string.h>

static gc_fcs *build_type(const char *type)
{
    gc_buf yaml;
    gc_buf_init(&yaml, 1 << 16);
    gc_buf_printf(
        &yaml,
        "name: s\narchitecture: {dependencies: [github.com/shopspring/decimal]}\n"
        "entities:\n  Customer: {id: int64}\n  Order:\n    x: %s\n",
        type);
    gc_fcs *fcs = must_build(yaml.ptr);
    gc_buf_release(&yaml);
    return fcs;
}

static void expect_type(const char *type, const char *go)
{
    gc_fcs *fcs = build_type(type);
    const gc_field *f = must_field(fcs, "Order", "x");
    if (strcmp(f->go_type, go) != 0)
        print_error("%s\n", type);
    assert_string_equal(go, f->go_type);
    gc_fcs_destroy(&fcs);
}

static void test_type_enums_with_a_name(void **state)
{
    (void)state;
    const char *const forms[] = {
        "name: s\ndata_model:\n  enums: {Status: [open, done]}\n"
        "  entities: {A: {id: uuid, s: Status, l: \"[]status\"}}\n",
        "name: s\nenums: [{name: Status, values: [open, done]}]\n"
        "entities: {A: {id: uuid, s: Status, l: \"[]status\"}}\n",
        "name: s\ndata_model:\n  enums: {Status: {values: [open, done]}}\n"
        "entities: {A: {id: uuid, s: Status, l: \"[]status\"}}\n",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        gc_fcs *fcs = must_build(forms[i]);
        const gc_field *f = must_field(fcs, "A", "s");
        assert_string_equal(f->go_type, "AS");
        assert_int_equal(f->enum_values.count, 2);
        assert_string_equal(must_field(fcs, "A", "l")->go_type, "[]AL");
        gc_fcs_destroy(&fcs);
    }
    expect_finding("name: s\nenums: {S: [a], s: [b]}\n", "2:", "is there twice");
    expect_finding("name: s\nenums: {S: }\n", "2:9 error", "has no values");
    expect_finding("name: s\nenums: 5\n", "2:8 error", "enums is text");
}

static void test_type_of_unnamed_modules_is_told(void **state)
{
    (void)state;
    const char *yaml = "name: s\nentities: {A: {id: uuid, x: decimal.Decimal, "
                       "y: decimal.Decimal}}\n";
    expect_finding(yaml, "2:", "\"decimal.Decimal\" is taken as float64");
    gc_fcs *fcs = must_build(yaml);
    assert_int_equal(fcs->renames.count, 1); /* once, not for each field */
    gc_fcs_destroy(&fcs);
}

static void test_type_words(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "string", "string" },
        { "Text", "string" },
        { "unique identifier", "string" },
        { "UUID", "string" },
        { "email", "string" },
        { "integer", "int" },
        { "number", "int" },
        { "bigint", "int64" },
        { "decimal", "float64" },
        { "money", "float64" },
        { "boolean", "bool" },
        { "timestamp", "time.Time" },
        { "date-time", "time.Time" },
        { "time.Time", "time.Time" },
        { "duration", "time.Duration" },
        { "json", "map[string]any" },
        { "blob", "[]byte" },
        { "'[]byte'", "[]byte" },
        { "'byte[]'", "[]byte" },
        { "int32", "int32" },
        { "interface{}", "any" },
        { "list", "[]string" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_type(cases[i][0], cases[i][1]);
}

static void test_type_shapes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "'[]int'", "[]int" },
        { "'string[]'", "[]string" },
        { "List<float>", "[]float64" },
        { "array of strings", "[]string" },
        { "list of list of int", "[][]int" },
        { "'map[string]int'", "map[string]int" },
        { "'Map<int, []string>'", "map[int][]string" },
        { "map of string to bool", "map[string]bool" },
        { "'string?'", "*string" },
        { "'*time.Time'", "*time.Time" },
        { "'int | null'", "*int" },
        { "Optional<int>", "*int" },
        { "'[]string?'", "[]string" },
        { "{type: int, nullable: true}", "*int" },
        { "{type: list, items: int}", "[]int" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_type(cases[i][0], cases[i][1]);
}

static void test_type_references(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "Customer", "*Customer" },
        { "customer", "*Customer" },
        { "Customers", "[]Customer" },
        { "'[]Customer'", "[]Customer" },
        { "'Customer[]'", "[]Customer" },
        { "list of customers", "[]Customer" },
        { "ref Customer", "*Customer" },
        { "'ref(Customer)'", "*Customer" },
        { "{ref: Customer}", "*Customer" },
        { "'map[string]Customer'", "map[string]Customer" },
        { "int references Customer", "int" },
        { "foreign key to customers.id", "string" },
        { "{type: uuid, references: Customer}", "string" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gc_fcs *fcs = build_type(cases[i][0]);
        assert_string_equal("Customer", must_field(fcs, "Order", "x")->ref);
        gc_fcs_destroy(&fcs);
        expect_type(cases[i][0], cases[i][1]);
    }
}

static void test_type_enums(void **state)
{
    (void)state;
    static const char *const types[] = {
        "'enum(a, b, c)'",
        "'enum [a, b, c]'",
        "'enum: a, b, c'",
        "'a | b | c'",
        "one of a, b or c",
        "{type: enum, values: [a, b, c]}",
        "[a, b, c]",
        "{type: string, enum: [a, b, c]}",
        "'enum(\"a\", \"b\", \"c\")'",
        "{enum: 'a, b, c'}",
    };
    char sha[65] = "";
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        gc_fcs *fcs = build_type(types[i]);
        const gc_field *f = must_field(fcs, "Order", "x");
        if (f->enum_values.count != 3)
            print_error("%s\n", types[i]);
        assert_string_equal("OrderX", f->go_type);
        assert_int_equal(3, f->enum_values.count);
        assert_string_equal("c", f->enum_values.items[2]);
        gc_sha now = gc_fcs_sha(fcs);
        if (*sha)
            assert_string_equal(sha, now.hex);
        memcpy(sha, now.hex, sizeof sha);
        gc_fcs_destroy(&fcs);
    }
    expect_type("'[]enum(a, b)'", "[]OrderX");
    expect_type("{type: int, enum: [1, 2]}", "int");
    expect_type("'enum(a, b)?'", "*OrderX");
}

static void test_type_enum_names_stay_unique(void **state)
{
    (void)state;
    gc_fcs *fcs =
        must_build("name: s\nentities: {Order: {status: 'enum(a, b)'}, OrderStatus: "
                   "{id: uuid}}\n");
    assert_string_equal("OrderStatusValue", must_field(fcs, "Order", "status")->go_type);
    gc_fcs_destroy(&fcs);
}

static void test_type_of_modules(void **state)
{
    (void)state;
    expect_type("decimal.Decimal", "decimal.Decimal");
    expect_type("uuid.UUID", "string");
    expect_finding("name: s\nentities: {A: {x: foo.Bar}}\n", "2:16 warning",
                   "unknown type");
}

static void expect_constraints(const char *type, const char *constraints)
{
    gc_fcs *fcs = build_type(type);
    const gc_field *f = must_field(fcs, "Order", "x");
    char *got = gc_strv_join(&f->constraints, " ");
    char all[300];
    snprintf(all, sizeof all, "%s%s%s%s%s", got, f->required ? " required" : "",
             f->unique ? " unique" : "", f->default_value ? " default=" : "",
             f->default_value ? f->default_value : "");
    assert_string_equal(constraints, all);
    free(got);
    gc_fcs_destroy(&fcs);
}

static void test_type_constraints(void **state)
{
    (void)state;
    expect_constraints("string(255)", "max_length=255");
    expect_constraints("{type: string, maxLength: 255}", "max_length=255");
    expect_constraints("'decimal(10, 2)'", "precision=10 scale=2");
    expect_constraints("'int, required, unique, min 1, max=5'",
                       "max=5 min=1 required unique");
    expect_constraints("{type: int, minimum: 1, required: true, default: 3}",
                       "min=1 required default=3");
    expect_constraints("{type: string, validation: [required, email]}", "email required");
    expect_constraints("string required unique", " required unique");
    expect_constraints("'uuid (primary key)'", "primary_key");
    expect_constraints("{type: string, format: email, pattern: '^a$'}",
                       "format=email pattern=^a$");
    expect_constraints("integer greater than 0", "greater than 0");
}

/* Whoever checks UUIDs would refuse a ULID. */
static void test_type_ulid_is_no_uuid(void **state)
{
    (void)state;
    gc_fcs *fcs =
        must_build("name: s\nentities:\n- name: A\n"
                   "  fields: [{name: x, type: ulid}, {name: y, type: guid}]\n");
    assert_string_equal(must_field(fcs, "A", "x")->spec_type, "ulid");
    assert_string_equal(must_field(fcs, "A", "y")->spec_type, "uuid");
    gc_fcs_destroy(&fcs);
}

/* As JSON Schema and OpenAPI tell numbers apart. */
static void test_type_number_formats(void **state)
{
    (void)state;
    expect_type("{type: number, format: double}", "float64");
    expect_type("{type: number, format: float}", "float64");
    expect_type("{type: integer, format: int32}", "int32");
    expect_type("{type: integer, format: int64}", "int64");
    expect_type("{type: integer, format: int64, nullable: true}", "*int64");
    expect_type("{type: string, format: int64}", "string");
    expect_constraints("{type: number, format: double, minimum: 0}", "min=0");
    expect_constraints("{type: string, format: int64}", "format=int64");
}

static void expect_line(const char *line, const char *name, const char *go,
                        const char *description)
{
    gc_buf yaml;
    gc_buf_init(&yaml, 1 << 16);
    gc_buf_printf(&yaml, "name: s\nentities:\n- name: A\n  fields:\n  - \"%s\"\n", line);
    gc_fcs *fcs = must_build(yaml.ptr);
    const gc_field *f = must_field(fcs, "A", name);
    assert_string_equal(go, f->go_type);
    assert_string_equal(description, f->description);
    gc_fcs_destroy(&fcs);
    gc_buf_release(&yaml);
}

static void test_field_lines(void **state)
{
    (void)state;
    expect_line("total: decimal", "total", "float64", "");
    expect_line("total decimal", "total", "float64", "");
    expect_line("total (decimal)", "total", "float64", "");
    expect_line("total (decimal): what is due", "total", "float64", "what is due");
    expect_line("total: decimal - what is due", "total", "float64", "what is due");
    expect_line("total", "total", "string", "");
    expect_line("created_at", "created_at", "time.Time", "");
    expect_line("code string(8)", "code", "string", "");
    expect_line("**total**: `decimal`", "total", "float64", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_type_enums_with_a_name),
        cmocka_unit_test(test_type_of_unnamed_modules_is_told),
        cmocka_unit_test(test_type_words),
        cmocka_unit_test(test_type_shapes),
        cmocka_unit_test(test_type_references),
        cmocka_unit_test(test_type_enums),
        cmocka_unit_test(test_type_enum_names_stay_unique),
        cmocka_unit_test(test_type_of_modules),
        cmocka_unit_test(test_type_constraints),
        cmocka_unit_test(test_type_number_formats),
        cmocka_unit_test(test_type_ulid_is_no_uuid),
        cmocka_unit_test(test_field_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
