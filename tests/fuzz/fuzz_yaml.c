/* Any bytes as a document: a tree or findings, never a crash, and never silence. */
#include <stdint.h>
#include <stdlib.h>

#include "common/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches every node, so that the sanitizers see what a reader of the tree would. */
static size_t visit(const gc_node *node)
{
    size_t sum = node->text ? node->len : 0;
    if (node->line < 1 || node->column < 1 || (node->text && node->text[node->len]))
        abort();
    for (size_t i = 0; i < node->count; i++)
        sum += visit(node->items[i]) + (node->keys ? node->keys[i]->len : 0);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gc_diags diags;
    gc_node *root = NULL;
    gc_diags_init(&diags, "input");
    gc_err err = gc_doc_parse((const char *)data, size, GC_DOC_YAML, &diags, &root);
    if ((err == GC_OK) != (diags.errors == 0) || (err == GC_OK && !root))
        abort();
    if (root)
        visit(root);
    gc_node_destroy(&root);
    gc_diags_release(&diags);
    return 0;
}
