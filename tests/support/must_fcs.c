#include "support/must_fcs.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ENTITIES 1000

static gc_node *must_parse(const char *text, gc_doc_format format)
{
    gc_diags diags;
    gc_node *root = NULL;
    gc_diags_init(&diags, "test");
    gc_err err = gc_doc_parse(text, strlen(text), format, &diags, &root);
    if (err)
        gc_diags_print(&diags, stderr);
    assert_int_equal(GC_OK, err);
    gc_diags_release(&diags);
    return root;
}

static gc_fcs *build(const char *text, gc_doc_format format, const char *answers)
{
    gc_node *root = must_parse(text, format);
    gc_node *answer_root = answers ? must_parse(answers, GC_DOC_YAML) : NULL;
    gc_diags diags, answer_diags;
    gc_fcs *fcs = NULL;
    gc_diags_init(&diags, "spec");
    gc_diags_init(&answer_diags, "answers");
    gc_err err =
        gc_fcs_build(root, answer_root, MAX_ENTITIES, &diags, &answer_diags, &fcs);
    if (err) {
        gc_diags_print(&diags, stderr);
        gc_diags_print(&answer_diags, stderr);
    }
    assert_int_equal(GC_OK, err);
    gc_diags_release(&diags);
    gc_diags_release(&answer_diags);
    gc_node_destroy(&root);
    gc_node_destroy(&answer_root);
    return fcs;
}

gc_fcs *must_build(const char *yaml)
{
    return build(yaml, GC_DOC_YAML, NULL);
}

gc_fcs *must_build_as(const char *text, gc_doc_format format)
{
    return build(text, format, NULL);
}

gc_fcs *must_build_answered(const char *yaml, const char *answers)
{
    return build(yaml, GC_DOC_YAML, answers);
}

char *findings_of(const char *yaml, gc_doc_format format, size_t max_entities)
{
    gc_node *root = must_parse(yaml, format);
    gc_diags diags;
    gc_fcs *fcs = NULL;
    gc_buf out;
    gc_buf_init(&out, (size_t)1 << 24);
    gc_diags_init(&diags, "spec");
    gc_err err = gc_fcs_build(root, NULL, max_entities, &diags, NULL, &fcs);
    assert_int_equal(diags.errors > 0, err != GC_OK);
    for (size_t i = 0; i < diags.count; i++)
        gc_buf_printf(&out, "%d:%d %s %s\n", diags.items[i].line, diags.items[i].column,
                      diags.items[i].severity == GC_SEV_ERROR ? "error" : "warning",
                      diags.items[i].text);
    gc_diags_release(&diags);
    gc_node_destroy(&root);
    gc_fcs_destroy(&fcs);
    return gc_buf_take(&out);
}

void expect_finding(const char *yaml, const char *place, const char *words)
{
    char *all = findings_of(yaml, GC_DOC_YAML, MAX_ENTITIES);
    gc_strv lines = { 0 };
    gc_strv_split(&lines, all, '\n');
    bool found = false;
    for (size_t i = 0; i < lines.count; i++)
        found = found || (strncmp(lines.items[i], place, strlen(place)) == 0 &&
                          strstr(lines.items[i], words));
    if (!found)
        print_error("wanted %s ... %s, got:\n%s", place, words, all);
    assert_true(found);
    gc_strv_release(&lines);
    free(all);
}

static bool same(const char *yaml, const char *other)
{
    gc_fcs *a = must_build(yaml), *b = must_build(other);
    bool equal = strcmp(gc_fcs_sha(a).hex, gc_fcs_sha(b).hex) == 0;
    gc_fcs_destroy(&a);
    gc_fcs_destroy(&b);
    return equal;
}

void expect_same(const char *yaml, const char *other)
{
    if (!same(yaml, other))
        print_error("differ:\n%s\n---\n%s\n", yaml, other);
    assert_true(same(yaml, other));
}

void expect_different(const char *yaml, const char *other)
{
    assert_false(same(yaml, other));
}

const gc_field *must_field(const gc_fcs *fcs, const char *entity, const char *field)
{
    const gc_entity *e = gc_fcs_entity(fcs, entity);
    assert_non_null(e);
    for (size_t i = 0; i < e->field_count; i++)
        if (strcmp(e->fields[i].name, field) == 0)
            return &e->fields[i];
    print_error("%s has no field %s\n", entity, field);
    fail();
    return NULL;
}
