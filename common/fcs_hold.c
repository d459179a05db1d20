#include "common/spec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"

/* A relation that no field says gives one side a field with the key of the other, so that the
 * struct can hold what the specification states. As in a database: who belongs to another
 * holds its key; of many to many the first side holds the list. */

typedef struct holding {
    size_t holder, target; /* entities */
    bool many;             /* a list of keys */
} holding;

static holding holding_of(const gc_spec *self, const gc_relation *r)
{
    size_t from = gc_spec_find_go(self, r->from), to = gc_spec_find_go(self, r->to);
    if (strcmp(r->kind, "has_one") == 0 || strcmp(r->kind, "has_many") == 0)
        return (holding){ to, from, false };
    return (holding){ from, to, strcmp(r->kind, "many_to_many") == 0 };
}

/* "customer_id", "customer_ids", "customers" -> "customer". malloc'ed. */
static char *without_id(const char *json)
{
    size_t len = strlen(json);
    bool plural = gc_ends_with(json, "_ids"), one = gc_ends_with(json, "_id");
    char *base = gc_xmemdup(json, len - (plural ? 4 : one ? 3 : 0));
    char *singular = gc_word_singular(base);
    free(base);
    return singular;
}

/* Does a field of `e`, of its first `count`, refer to `other` or bear its name? */
static bool mentions(const gc_spec_entity *e, size_t count, const gc_entity *other)
{
    for (size_t i = 0; i < count; i++) {
        const gc_field *f = &e->fields[i].field;
        if (f->ref && strcmp(f->ref, other->go_name) == 0)
            return true;
        char *name = without_id(f->json_name);
        bool same = strcmp(name, other->snake) == 0;
        free(name);
        if (same)
            return true;
    }
    return false;
}

static bool has_field(const gc_spec_entity *e, const char *json)
{
    for (size_t i = 0; i < e->field_count; i++)
        if (strcmp(e->fields[i].field.json_name, json) == 0)
            return true;
    return false;
}

/* What the relation says; else origin -> origin_id; the entity's name without a role, parent
 * for the entity itself. */
static char *field_name(gc_spec *self, const gc_spec_relation *r, const holding *h)
{
    bool own_side = gc_spec_find_go(self, r->relation.from) == h->holder &&
                    strncmp(r->relation.kind, "has_", 4) != 0;
    char *key = gc_spec_text(self, r->foreign_key, "the foreign key");
    if (*key)
        return key;
    free(key);
    char *role =
        own_side && *r->relation.name
            ? gc_go_snake_plain(r->relation.name)
            : gc_xstrdup(h->holder == h->target ? "parent"
                                                : self->entities[h->target].entity.snake);
    char *base = without_id(role);
    char *name = gc_xasprintf("%s_id%s", base, h->many ? "s" : "");
    free(base);
    free(role);
    return name;
}

static void hold(gc_spec *self, const gc_spec_relation *r, const holding *h,
                 const char *name, const char *json)
{
    gc_spec_entity *e = &self->entities[h->holder];
    const gc_spec_entity *target = &self->entities[h->target];
    gc_map *used = gc_map_new();
    for (size_t i = 0; i < e->field_count; i++)
        gc_spec_claim_field(used, &e->fields[i].field);
    gc_spec_field *f = gc_spec_add_field(self, e, r->at, name);
    if (f) {
        const char *list = h->many ? "[]" : "";
        gc_spec_set(&f->field.json_name, gc_xstrdup(json));
        gc_spec_set(&f->field.go_name, gc_go_exported(json));
        gc_spec_claim_field(used, &f->field);
        gc_spec_set(&f->field.spec_type, gc_xasprintf("%s%s", list, target->entity.name));
        gc_spec_set(&f->field.go_type,
                    gc_xasprintf("%s%s", list, gc_spec_id_type(target)));
        f->field.ref = gc_xstrdup(target->entity.go_name);
        f->field.ref_by_id = true;
        gc_spec_warn(
            self, r->at,
            "%s gets the field %s for \"%s %s %s\", which no field says; declare "
            "it to choose its name and type",
            e->entity.name, f->field.json_name, r->relation.from, r->relation.kind,
            r->relation.to);
    }
    gc_map_destroy(&used);
}

/* Those that say on their own side whom they belong to come first: the other side of the same
 * relation then has nothing to add. */
static bool is_direct(const gc_relation *r)
{
    return strcmp(r->kind, "belongs_to") == 0 || strcmp(r->kind, "references") == 0;
}

/* `counts[i]` fields of entity i are looked at for a field that says the relation already. */
static void hold_all(gc_spec *self, const size_t *counts, bool direct)
{
    for (size_t i = 0; i < self->relation_count; i++) {
        const gc_spec_relation *r = &self->relations[i];
        if (is_direct(&r->relation) != direct)
            continue;
        holding h = holding_of(self, &r->relation);
        const gc_spec_entity *holder = &self->entities[h.holder];
        const gc_spec_entity *target = &self->entities[h.target];
        if (mentions(holder, counts[h.holder], &target->entity) ||
            mentions(target, counts[h.target], &holder->entity))
            continue;
        char *name = field_name(self, r, &h), *json = gc_go_snake_plain(name);
        if (!has_field(holder, json))
            hold(self, r, &h, name, json);
        free(json);
        free(name);
    }
}

static void count_fields(const gc_spec *self, size_t *counts)
{
    for (size_t i = 0; i < self->entity_count; i++)
        counts[i] = self->entities[i].field_count;
}

void gc_spec_hold_relations(gc_spec *self)
{
    size_t *counts = gc_xcalloc(self->entity_count + 1, sizeof *counts);
    count_fields(self, counts);
    hold_all(self, counts, true);
    count_fields(self, counts);
    hold_all(self, counts, false);
    for (size_t i = 0; i < self->entity_count; i++)
        gc_spec_sort(self->entities[i].fields, self->entities[i].field_count,
                     sizeof *self->entities[i].fields, gc_spec_by_field);
    free(counts);
}
