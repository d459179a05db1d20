#include "support/doc_text.h"

#include <stdlib.h>
#include <string.h>

#include "support/must.h"

static void append_node(gc_buf *out, const gc_node *node, bool places)
{
    switch (node->kind) {
    case GC_NODE_NULL: gc_buf_putc(out, '~'); break;
    case GC_NODE_SCALAR:
        gc_buf_printf(out, node->quoted ? "'%s'" : "%s", node->text);
        break;
    case GC_NODE_SEQ:
    case GC_NODE_MAP:
        gc_buf_putc(out, node->kind == GC_NODE_MAP ? '{' : '[');
        for (size_t i = 0; i < node->count; i++) {
            if (i)
                gc_buf_puts(out, ", ");
            if (node->keys)
                gc_buf_printf(out, "%s=", node->keys[i]->text);
            append_node(out, node->items[i], places);
        }
        gc_buf_putc(out, node->kind == GC_NODE_MAP ? '}' : ']');
        break;
    }
    if (places)
        gc_buf_printf(out, "@%d:%d", node->line, node->column);
}

char *doc_text(const gc_node *node, bool places)
{
    gc_buf out;
    gc_buf_init(&out, (size_t)1 << 24);
    append_node(&out, node, places);
    return gc_buf_take(&out);
}

char *diags_text(gc_diags *diags)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    gc_diags_print(diags, out);
    fclose(out);
    return text;
}

void must_parse(const char *input, gc_doc_format format, const char *want)
{
    gc_diags diags;
    gc_node *root = NULL;
    gc_diags_init(&diags, "x");
    gc_err err = gc_doc_parse(input, strlen(input), format, &diags, &root);
    char *findings = diags_text(&diags);
    assert_string_equal(findings, "");
    must_ok(err);
    char *got = doc_text(root, false);
    assert_string_equal(got, want);
    free(got);
    free(findings);
    gc_node_destroy(&root);
    gc_diags_release(&diags);
}

bool must_refuse(const char *input, gc_doc_format format, const char *want)
{
    gc_diags diags;
    gc_node *root = NULL;
    gc_diags_init(&diags, "x");
    expect_err(GC_EINVAL, gc_doc_parse(input, strlen(input), format, &diags, &root));
    char *findings = diags_text(&diags);
    if (!strstr(findings, want))
        fail_msg("wanted \"%s\" in:\n%s", want, findings);
    free(findings);
    bool tree = root != NULL;
    gc_node_destroy(&root);
    gc_diags_release(&diags);
    return tree;
}
