#include <stdlib.h>

#include "common/map.h"
#include "common/spec.h"

/* Enums that stand apart, as {Status: [open, done]}, {Status: {values: [open, done]}} or a
 * list of {name, values}. A field whose type is such a name has these values. */

static void add_enum(gc_spec *self, const gc_node *at, const char *text,
                     const gc_node *values)
{
    if (gc_spec_is_null(values)) {
        gc_spec_error(self, at, "the enum \"%.80s\" has no values; add values: [a, b]",
                      text);
        return;
    }
    char *name = gc_spec_trim(text);
    char *low = gc_spec_lower(name);
    if (!self->enums)
        self->enums = gc_map_new();
    if (!gc_spec_name_ok(self, self->diags, at, "enum name", name))
        ; /* said */
    else if (gc_map_has(self->enums, low))
        gc_spec_error(self, at, "the enum \"%.80s\" is there twice; remove one", name);
    else
        gc_map_set(self->enums, low, (void *)values);
    free(low);
    free(name);
}

static void read_listed(gc_spec *self, const gc_node *item)
{
    const gc_node *name = gc_spec_pick(item, "name enum");
    if (item->kind != GC_NODE_MAP || gc_spec_is_null(name)) {
        gc_spec_error(self, item, "an enum has no name; write {name, values}");
        return;
    }
    char *text = gc_spec_text(self, name, "the name of an enum");
    add_enum(self, name, text, gc_spec_pick(item, "values options items"));
    free(text);
}

void gc_spec_read_enums(gc_spec *self, const gc_node *node)
{
    if (node->kind < GC_NODE_SEQ) {
        gc_spec_error(self, node,
                      "enums is text; write a map of names to lists of values");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const gc_node *value = node->items[i];
        if (node->kind == GC_NODE_SEQ) {
            read_listed(self, value);
            continue;
        }
        const gc_node *values = value->kind == GC_NODE_MAP
                                    ? gc_spec_pick(value, "values options items")
                                    : NULL;
        add_enum(self, node->keys[i], node->keys[i]->text, values ? values : value);
    }
}

const gc_node *gc_spec_find_enum(const gc_spec *self, const char *name)
{
    if (!self->enums)
        return NULL;
    char *low = gc_spec_lower(name);
    const gc_node *values = gc_map_get(self->enums, low);
    free(low);
    return values;
}
