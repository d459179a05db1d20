#include "support/must_fcs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"

/* The specs of examples/ are accepted without a finding, and are what they say. */

static gc_fcs *build_file(const char *path)
{
    char *text = must_read(path);
    char *findings = findings_of(text, gc_doc_format_of(path), 0);
    assert_string_equal("", findings);
    gc_fcs *fcs = must_build_as(text, gc_doc_format_of(path));
    free(findings);
    free(text);
    return fcs;
}

static void expect_example(const char *name, size_t entities, const char *kind)
{
    char *path = gc_xasprintf("%s/examples/%s", GC_SOURCE_DIR, name);
    gc_fcs *fcs = build_file(path);
    assert_int_equal(entities, fcs->entity_count);
    assert_string_equal(kind, fcs->kind);
    assert_int_equal(0, fcs->question_count);
    gc_fcs_destroy(&fcs);
    free(path);
}

static void test_examples_are_clean(void **state)
{
    (void)state;
    expect_example("todo-cli.yaml", 3, "cli");
    expect_example("shop-6.yaml", 6, "http");
    expect_example("clinic-12.yaml", 12, "http");
    expect_example("erp-60.yaml", 60, "http");
    expect_example("notes.md", 3, "http");
    expect_example("library.json", 6, "http");
    expect_example("files-explicit.yaml", 1, "cli");
}

static void test_shared_spec_is_clean(void **state)
{
    (void)state;
    char *path = gc_xasprintf("%s/../shared/specs/simple-spec.yaml", GC_SOURCE_DIR);
    if (access(path, R_OK) != 0) {
        print_message("%s is absent\n", path);
        free(path);
        skip();
    }
    gc_fcs *fcs = build_file(path);
    assert_string_equal("cli", fcs->kind);
    assert_string_equal("1.21", fcs->go_version);
    assert_int_equal(0, fcs->question_count);
    gc_fcs_destroy(&fcs);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples_are_clean),
        cmocka_unit_test(test_shared_spec_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
