#include "support/must_fcs.h"

#include <stdlib.h>
#include <string.h>

static gc_fcs *build(const char *markdown)
{
    return must_build_as(markdown, GC_DOC_MARKDOWN);
}

static void test_markdown_title_and_text(void **state)
{
    (void)state;
    gc_fcs *fcs = build("# Order desk\n\nTakes orders.\n\n## Overview\n\nSmall.\n");
    assert_string_equal("Order desk", fcs->name);
    assert_string_equal("Takes orders.\n\nSmall.", fcs->description);
    gc_fcs_destroy(&fcs);
    fcs = build("---\nname: desk\ndescription: Front.\n---\n# Title\n\nBody.\n");
    assert_string_equal("desk", fcs->name);
    assert_string_equal("Front.\n\nBody.", fcs->description);
    gc_fcs_destroy(&fcs);
}

static void test_markdown_entities_by_heading(void **state)
{
    (void)state;
    gc_fcs *fcs = build("# s\n\n## 2. Data model\n\n### Order\n\nWhat is sold.\n\n"
                        "| Field | Type | Required | Description |\n|---|---|---|---|\n"
                        "| id | uuid | yes | |\n| `total` | decimal | - | the sum |\n\n"
                        "### Entity: Customer\n\n- **id**: uuid\n- name (string) - who\n"
                        "- has many Order\n");
    assert_int_equal(2, fcs->entity_count);
    assert_string_equal("What is sold.", gc_fcs_entity(fcs, "Order")->description);
    assert_true(must_field(fcs, "Order", "id")->required);
    assert_string_equal("float64", must_field(fcs, "Order", "total")->go_type);
    assert_string_equal("the sum", must_field(fcs, "Order", "total")->description);
    assert_string_equal("who", must_field(fcs, "Customer", "name")->description);
    assert_string_equal("has_many", fcs->relations[0].kind);
    gc_fcs_destroy(&fcs);
}

static void test_markdown_entities_in_one_table(void **state)
{
    (void)state;
    gc_fcs *fcs = build("# s\n## Entities\n\n| Entity | Field | Type |\n|---|---|---|\n"
                        "| A | id | uuid |\n| B | id | int |\n| A | b | B |\n");
    assert_int_equal(2, fcs->entity_count);
    assert_string_equal("*B", must_field(fcs, "A", "b")->go_type);
    gc_fcs_destroy(&fcs);
}

static void test_markdown_entities_in_a_list(void **state)
{
    (void)state;
    gc_fcs *fcs =
        build("# s\n## Entities\n\n- **Order**: id uuid, total decimal\n"
              "- Item (id: uuid, n: int)\n- Tag\n  - id: uuid\n  - label: string\n");
    assert_int_equal(3, fcs->entity_count);
    assert_string_equal("float64", must_field(fcs, "Order", "total")->go_type);
    assert_string_equal("int", must_field(fcs, "Item", "n")->go_type);
    assert_string_equal("string", must_field(fcs, "Tag", "label")->go_type);
    gc_fcs_destroy(&fcs);
}

static void test_markdown_requirements(void **state)
{
    (void)state;
    gc_fcs *fcs =
        build("# s\n## Requirements\n\n- **FR-1**: adds\n  - with tax\n- lists\n\n"
              "### Non-functional requirements\n\n| ID | Requirement | Priority |\n"
              "|---|---|---|\n| N-1 | logs | high |\n\n## User stories\n\n"
              "### Buying\n\nA clerk buys.\n\n- it is stored\n\n## Security\n\n- keys\n");
    assert_int_equal(5, fcs->requirement_count);
    assert_string_equal("FR-1", fcs->requirements[0].id);
    assert_string_equal("adds\n- with tax", fcs->requirements[0].text);
    assert_string_equal("N-1", fcs->requirements[1].id);
    assert_string_equal("non_functional", fcs->requirements[1].kind);
    assert_string_equal("high", fcs->requirements[1].priority);
    size_t scenarios = 0, secure = 0;
    for (size_t i = 0; i < fcs->requirement_count; i++) {
        const gc_requirement *r = &fcs->requirements[i];
        scenarios += strcmp(r->text, "Buying\nA clerk buys.\nit is stored") == 0 &&
                     strcmp(r->kind, "scenario") == 0;
        secure += strcmp(r->text, "Security: keys") == 0;
    }
    assert_int_equal(1, scenarios);
    assert_int_equal(1, secure);
    gc_fcs_destroy(&fcs);
}

static void test_markdown_contracts(void **state)
{
    (void)state;
    gc_fcs *fcs =
        build("# s\n## Entities\n- A: id uuid\n## API\n\n- `GET /as` - lists\n\n"
              "| Method | Path | Description |\n|---|---|---|\n| POST | /as | adds |\n\n"
              "### DELETE /as/:id\n\nRemoves one.\n");
    assert_int_equal(3, fcs->contract_count);
    assert_string_equal("lists", fcs->contracts[0].description);
    assert_string_equal("POST /as", fcs->contracts[1].id);
    assert_string_equal("Removes one.", fcs->contracts[2].description);
    assert_string_equal("A", fcs->contracts[2].entity);
    gc_fcs_destroy(&fcs);
}

static void test_markdown_other_sections(void **state)
{
    (void)state;
    gc_fcs *fcs = build(
        "# s\n## Relations\n- A has many B\n## Entities\n- A: id uuid\n- B: id uuid\n"
        "## Packages\n- internal/a: holds A\n## Dependencies\n- github.com/x/y@v1.0.0\n"
        "## Testing\n- unit tests\n## Files\n- `cmd/s/main.go` - starts\n"
        "## License\nMIT\n");
    assert_int_equal(1, fcs->relation_count);
    assert_string_equal("internal/a", fcs->packages[0].path);
    assert_string_equal("holds A", fcs->packages[0].purpose);
    assert_string_equal("v1.0.0", fcs->modules[0].version);
    assert_string_equal("testing: [unit tests]", fcs->testing.items[0]);
    assert_string_equal("starts", fcs->files[0].purpose);
    assert_string_equal("", fcs->description);
    gc_fcs_destroy(&fcs);
}

static void test_markdown_findings_have_places(void **state)
{
    (void)state;
    char *all = findings_of("# s\n\n## Entities\n\n### Order\n\n- id: uuid\n- id: int\n",
                            GC_DOC_MARKDOWN, 0);
    assert_non_null(strstr(all, "8:3 error entity \"Order\" has the field \"id\" twice"));
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_markdown_title_and_text),
        cmocka_unit_test(test_markdown_entities_by_heading),
        cmocka_unit_test(test_markdown_entities_in_one_table),
        cmocka_unit_test(test_markdown_entities_in_a_list),
        cmocka_unit_test(test_markdown_requirements),
        cmocka_unit_test(test_markdown_contracts),
        cmocka_unit_test(test_markdown_other_sections),
        cmocka_unit_test(test_markdown_findings_have_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
