/* A YAML spec to its FCS and canonical form. What is accepted must be canonical: turned
 * around it gives the same bytes, and all names are valid and unique in Go. */
#include "fuzz/body.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/fcs.h"
#include "common/map.h"
#include "common/naming.h"
#include "common/nfc.h"
#include "common/text.h"

#define MAX_ENTITIES 200
#define CANONICAL_LIMIT ((size_t)64 << 20)

static void check_identifier(const char *name)
{
    size_t len = strlen(name), pos = 0;
    assert(len > 0 && gc_utf8_valid(name, len));
    assert(gc_rune_is_upper(gc_utf8_next(name, len, &pos)));
    while (pos < len) {
        uint32_t code = gc_utf8_next(name, len, &pos);
        assert(code == '_' || gc_rune_is_letter(code) || gc_rune_is_digit(code));
    }
}

static void claim(gc_map *used, const char *name)
{
    assert(!gc_map_has(used, name));
    gc_map_set(used, name, used);
}

static void check_stem(const char *stem)
{
    assert(*stem &&
           strspn(stem, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(stem));
    assert(!gc_ends_with(stem, "_test") && !gc_ends_with(stem, "_linux"));
}

static void check_names(const gc_fcs *fcs)
{
    gc_map *types = gc_map_new(), *stems = gc_map_new();
    for (size_t i = 0; i < fcs->entity_count; i++) {
        const gc_entity *e = &fcs->entities[i];
        gc_map *fields = gc_map_new();
        check_identifier(e->go_name);
        check_stem(e->snake);
        claim(types, e->go_name);
        claim(stems, e->snake);
        assert(gc_fcs_entity(fcs, e->go_name) == e);
        for (size_t k = 0; k < e->field_count; k++) {
            const gc_field *f = &e->fields[k];
            check_identifier(f->go_name);
            claim(fields, f->go_name);
            assert(*f->go_type);
            assert(!f->ref || gc_fcs_entity(fcs, f->ref));
        }
        gc_map_destroy(&fields);
    }
    gc_map_destroy(&types);
    gc_map_destroy(&stems);
}

static gc_fcs *build(const gc_node *root, gc_buf *canonical)
{
    gc_diags diags;
    gc_fcs *fcs = NULL;
    gc_diags_init(&diags, "fuzz");
    gc_err err = gc_fcs_build(root, NULL, MAX_ENTITIES, &diags, NULL, &fcs);
    assert((err != GC_OK) == (diags.errors > 0));
    if (!err)
        gc_fcs_canonical(fcs, canonical);
    gc_diags_release(&diags);
    return fcs;
}

static void reverse(gc_node **items, size_t count)
{
    for (size_t i = 0; items && i < count / 2; i++) {
        gc_node *item = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

/* Turns around what has no order: the keys of the root, and these of its lists. */
static void reverse_root(gc_node *root)
{
    static const char *const lists[] = { "entities",  "requirements", "relations",
                                         "endpoints", "packages",     "files" };
    if (!root || root->kind != GC_NODE_MAP)
        return;
    reverse(root->items, root->count);
    reverse(root->keys, root->count);
    for (size_t i = 0; i < root->count; i++)
        for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
            if (strcmp(root->keys[i]->text, lists[k]) == 0 &&
                root->items[i]->kind >= GC_NODE_SEQ) {
                reverse(root->items[i]->items, root->items[i]->count);
                reverse(root->items[i]->keys, root->items[i]->count);
            }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gc_diags diags;
    gc_node *root = NULL;
    gc_buf first, second;
    gc_diags_init(&diags, "fuzz");
    gc_buf_init(&first, CANONICAL_LIMIT);
    gc_buf_init(&second, CANONICAL_LIMIT);
    /* The first byte chooses the format, so that one corpus holds all of them. */
    gc_doc_format format = size && data[0] == '{'   ? GC_DOC_JSON
                           : size && data[0] == '#' ? GC_DOC_MARKDOWN
                                                    : GC_DOC_YAML;
    if (gc_doc_parse((const char *)data, size, format, &diags, &root) == GC_OK) {
        gc_fcs *a = build(root, &first);
        reverse_root(root);
        gc_fcs *b = build(root, &second);
        if (a) {
            assert(b && first.len == second.len && strcmp(first.ptr, second.ptr) == 0);
            assert(gc_utf8_valid(first.ptr, first.len));
            check_names(a);
        }
        gc_fcs_destroy(&a);
        gc_fcs_destroy(&b);
    }
    gc_node_destroy(&root);
    gc_diags_release(&diags);
    gc_buf_release(&first);
    gc_buf_release(&second);
    return 0;
}
