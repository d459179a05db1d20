#include "common/spec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/fcs_cycles.h"
#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"

/* Go packages must not import each other in a circle. The nodes are packages: those that the
 * spec shares among entities, and one of its own for every other entity. An edge is a field
 * or a relation that mentions an entity of another package. Fields come first, both in their
 * canonical order, so that what is broken depends on the content alone. */

typedef struct reference {
    size_t from; /* entities */
    size_t to;
    size_t field;    /* of `from`, or SIZE_MAX */
    size_t relation; /* or SIZE_MAX */
} reference;

typedef struct references {
    reference *items;
    size_t count;
    size_t cap;
} references;

static void add(references *self, reference r)
{
    self->items = gc_grow(self->items, self->count, &self->cap, sizeof *self->items);
    self->items[self->count++] = r;
}

static void collect(const gc_spec *spec, references *out)
{
    for (size_t i = 0; i < spec->entity_count; i++) {
        const gc_spec_entity *e = &spec->entities[i];
        for (size_t k = 0; k < e->field_count; k++) {
            const gc_field *f = &e->fields[k].field;
            if (f->ref && !f->ref_by_id)
                add(out, (reference){ i, gc_spec_find_go(spec, f->ref), k, SIZE_MAX });
        }
    }
    for (size_t i = 0; i < spec->relation_count; i++) {
        const gc_relation *r = &spec->relations[i].relation;
        add(out, (reference){ gc_spec_find_go(spec, r->from),
                              gc_spec_find_go(spec, r->to), SIZE_MAX, i });
    }
}

/* Node of each entity: entities of one package share the node of its first. */
static size_t *nodes_of(const gc_spec *spec)
{
    size_t *nodes = gc_xcalloc(spec->entity_count + 1, sizeof *nodes);
    gc_map *first = gc_map_new();
    for (size_t i = 0; i < spec->entity_count; i++) {
        const char *package = spec->entities[i].entity.package;
        size_t shared = *package ? gc_number_get(first, package) : 0;
        nodes[i] = shared ? shared - 1 : i;
        if (*package && !shared)
            gc_number_set(first, package, i + 1);
    }
    gc_map_destroy(&first);
    return nodes;
}

/* ---- a field becomes an id ---- */

const char *gc_spec_id_type(const gc_spec_entity *target)
{
    const gc_field *id = target->field_count ? &target->fields[0].field : NULL;
    bool usable = id && strcmp(id->go_name, "ID") == 0 &&
                  gc_spec_is_one_of(id->go_type, "int int32 int64 uint uint32 uint64");
    return usable ? id->go_type : "string";
}

/* customer -> customer_id, items -> item_ids. */
static char *id_name(const char *json, bool many)
{
    if (gc_ends_with(json, "_id") || gc_ends_with(json, "_ids"))
        return gc_xstrdup(json);
    if (!many)
        return gc_xasprintf("%s_id", json);
    const char *last = strrchr(json, '_');
    size_t head = last ? (size_t)(last + 1 - json) : 0;
    char *singular = gc_word_singular(json + head);
    char *name = gc_xasprintf("%.*s%s_ids", (int)head, json, singular);
    free(singular);
    return name;
}

static void rename_field(gc_spec_entity *e, gc_field *f, bool many)
{
    gc_map *used = gc_map_new();
    for (size_t i = 0; i < e->field_count; i++)
        if (&e->fields[i].field != f)
            gc_spec_claim_field(used, &e->fields[i].field);
    char *json = id_name(f->json_name, many);
    gc_spec_set(&f->go_name, gc_go_exported(json));
    gc_spec_set(&f->json_name, json);
    gc_spec_claim_field(used, f);
    gc_map_destroy(&used);
}

static void break_field(gc_spec *spec, const reference *r)
{
    gc_spec_entity *e = &spec->entities[r->from];
    gc_field *f = &e->fields[r->field].field;
    const gc_spec_entity *target = &spec->entities[r->to];
    size_t head = strlen(f->go_type) - strlen(f->ref);
    if (head && f->go_type[head - 1] == '*')
        head--;
    bool many = head > 0; /* "[]", "map[string]" */
    gc_spec_set(&f->go_type,
                gc_xasprintf("%.*s%s", (int)head, f->go_type, gc_spec_id_type(target)));
    f->ref_by_id = true;
    rename_field(e, f, many);
    const char *why = r->from == r->to ? "it refers to itself"
                                       : "their packages would import each other";
    gc_strv_push(&spec->fcs->broken_cycles,
                 gc_xasprintf("%s.%s refers to %s by id, as %s: %s", e->entity.go_name,
                              f->name, f->ref, f->go_name, why));
}

static void break_relation(gc_spec *spec, const reference *r)
{
    gc_relation *n = &spec->relations[r->relation].relation;
    n->by_id = true;
    const char *why = r->from == r->to ? "it refers to itself"
                                       : "their packages would import each other";
    gc_strv_push(&spec->fcs->broken_cycles,
                 gc_xasprintf("%s %s %s by id: %s", n->from, n->kind, n->to, why));
}

void gc_spec_break_cycles(gc_spec *self)
{
    references all = { 0 };
    collect(self, &all);
    size_t *nodes = nodes_of(self);
    gc_cycle_edge *edges = gc_xcalloc(all.count + 1, sizeof *edges);
    size_t *source = gc_xcalloc(all.count + 1, sizeof *source), count = 0;
    bool *broken = gc_xcalloc(all.count + 1, sizeof *broken);
    for (size_t i = 0; i < all.count; i++) {
        size_t from = nodes[all.items[i].from], to = nodes[all.items[i].to];
        bool within = from == to && all.items[i].from != all.items[i].to;
        if (within) /* one package: types may point at each other */
            continue;
        edges[count] = (gc_cycle_edge){ from, to };
        source[count++] = i;
    }
    gc_cycles_break(self->entity_count, edges, count, broken);
    for (size_t i = 0; i < count; i++) {
        const reference *r = &all.items[source[i]];
        if (broken[i] && r->field != SIZE_MAX)
            break_field(self, r);
        else if (broken[i])
            break_relation(self, r);
    }
    for (size_t i = 0; i < self->entity_count; i++) /* renamed fields move */
        gc_spec_sort(self->entities[i].fields, self->entities[i].field_count,
                     sizeof *self->entities[i].fields, gc_spec_by_field);
    free(all.items);
    free(nodes);
    free(edges);
    free(source);
    free(broken);
}
