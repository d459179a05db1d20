#include "coordinator/slice.h"

#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"
#include "common/text.h"

#define SHARED_LIMIT ((size_t)256 << 20)

struct gc_slicer {
    const gc_fcs *fcs;
    gc_map *entities; /* go_name -> gc_entity */
    gc_map *requirements;
    gc_map *contracts;
    gc_map *relations; /* go_name -> gc_strv of lines */
    gc_sha shared;
};

static void add_relation(gc_map *map, const char *name, char *line)
{
    gc_strv *list = gc_map_get(map, name);
    if (!list) {
        list = gc_xcalloc(1, sizeof *list);
        gc_map_set(map, name, list);
    }
    gc_strv_push(list, line);
}

gc_slicer *gc_slicer_new(const gc_fcs *fcs)
{
    gc_slicer *self = gc_xcalloc(1, sizeof *self);
    *self = (gc_slicer){ .fcs = fcs,
                         .entities = gc_map_new(),
                         .requirements = gc_map_new(),
                         .contracts = gc_map_new(),
                         .relations = gc_map_new() };
    for (size_t i = 0; i < fcs->entity_count; i++)
        gc_map_set(self->entities, fcs->entities[i].go_name, &fcs->entities[i]);
    for (size_t i = 0; i < fcs->requirement_count; i++)
        gc_map_set(self->requirements, fcs->requirements[i].id, &fcs->requirements[i]);
    for (size_t i = 0; i < fcs->contract_count; i++)
        gc_map_set(self->contracts, fcs->contracts[i].id, &fcs->contracts[i]);
    for (size_t i = 0; i < fcs->relation_count; i++) {
        const gc_relation *r = &fcs->relations[i];
        char *line = gc_xasprintf("%s %s %s%s%s", r->from, r->kind, r->to,
                                  *r->description ? ": " : "", r->description);
        add_relation(self->relations, r->from, line); /* r->to does not use r->from */
    }
    gc_buf text;
    gc_buf_init(&text, SHARED_LIMIT);
    gc_slice_shared(self, &text);
    self->shared = gc_sha256(text.ptr, text.len);
    gc_buf_release(&text);
    return self;
}

void gc_slicer_destroy(gc_slicer **self_p)
{
    gc_slicer *self = *self_p;
    if (!self)
        return;
    size_t cursor = 0;
    void *list;
    while (gc_map_next(self->relations, &cursor, NULL, &list)) {
        gc_strv_release(list);
        free(list);
    }
    gc_map_destroy(&self->relations);
    gc_map_destroy(&self->entities);
    gc_map_destroy(&self->requirements);
    gc_map_destroy(&self->contracts);
    free(self);
    *self_p = NULL;
}

/* ---- pieces ---- */

static void put_words(gc_buf *out, const char *label, const gc_strv *words)
{
    if (!words->count)
        return;
    char *list = gc_strv_join(words, ", ");
    gc_buf_printf(out, "; %s: %s", label, list);
    free(list);
}

static void put_field(gc_buf *out, const gc_field *f)
{
    gc_buf_printf(out, "- %s %s", f->go_name, f->go_type);
    if (strcmp(f->spec_type, f->go_type) != 0 && *f->spec_type)
        gc_buf_printf(out, " (%s)", f->spec_type);
    if (f->ref)
        gc_buf_printf(out, "; refers to %s%s", f->ref, f->ref_by_id ? " by id" : "");
    if (f->required)
        gc_buf_puts(out, "; required");
    if (f->unique)
        gc_buf_puts(out, "; unique");
    if (f->default_value)
        gc_buf_printf(out, "; default: %s", f->default_value);
    put_words(out, "one of", &f->enum_values);
    put_words(out, "rules", &f->constraints);
    if (*f->description)
        gc_buf_printf(out, "; %s", f->description);
    gc_buf_putc(out, '\n');
}

static void put_entity(const gc_slicer *self, gc_buf *out, const gc_entity *e)
{
    gc_buf_printf(out, "Entity %s", e->go_name);
    if (strcmp(e->name, e->go_name) != 0)
        gc_buf_printf(out, " (\"%s\" in the specification)", e->name);
    gc_buf_printf(out, "%s%s\n", *e->description ? ": " : "", e->description);
    for (size_t i = 0; i < e->field_count; i++)
        put_field(out, &e->fields[i]);
    const gc_strv *relations = gc_map_get(self->relations, e->go_name);
    for (size_t i = 0; relations && i < relations->count; i++)
        gc_buf_printf(out, "- relation: %s\n", relations->items[i]);
}

static void put_neighbour(gc_buf *out, const gc_entity *e)
{
    const gc_field *key = gc_entity_key(e);
    gc_buf_printf(out, "Related entity %s: key %s %s\n", e->go_name,
                  key ? key->go_name : "ID", key ? key->go_type : "string");
}

static void put_contract(gc_buf *out, const gc_contract *c)
{
    gc_buf_printf(out, "Contract %s", c->id);
    if (*c->name)
        gc_buf_printf(out, " (%s)", c->name);
    gc_buf_printf(out, "%s%s\n", *c->description ? ": " : "", c->description);
    if (*c->request)
        gc_buf_printf(out, "- request: %s\n", c->request);
    if (*c->response)
        gc_buf_printf(out, "- response: %s\n", c->response);
}

static void put_requirement(gc_buf *out, const gc_requirement *r)
{
    gc_buf_printf(out, "Requirement %s (%s%s%s): %s\n", r->id, r->kind,
                  *r->priority ? ", " : "", r->priority, r->text);
}

/* ---- slices ---- */

/* What one text has put already; NULL-valued marks in a map. */
typedef struct seen {
    gc_map *names;
} seen;

static bool first_time(seen *s, const char *class, const char *name)
{
    char *key = gc_xasprintf("%s %s", class, name);
    bool fresh = !gc_map_has(s->names, key);
    if (fresh)
        gc_map_set(s->names, key, s);
    free(key);
    return fresh;
}

static void put_entities(const gc_slicer *self, const gc_strv *names, gc_buf *out)
{
    for (size_t i = 0; i < names->count; i++) {
        const gc_entity *e = gc_map_get(self->entities, names->items[i]);
        if (e)
            put_entity(self, out, e);
    }
}

typedef struct union_lists {
    gc_strv entities, neighbours, contracts, requirements;
} union_lists;

static void unite(seen *s, const char *class, const gc_strv *from, gc_strv *to)
{
    for (size_t i = 0; i < from->count; i++)
        if (first_time(s, class, from->items[i]))
            gc_strv_add(to, from->items[i]);
}

/* Those that are no own entity; beyond `max` only their names, in one line. */
static void put_neighbours(const gc_slicer *self, const union_lists *u, size_t max,
                           gc_buf *out)
{
    size_t count = 0;
    for (size_t i = 0; i < u->neighbours.count; i++) {
        const gc_entity *e = gc_map_get(self->entities, u->neighbours.items[i]);
        if (!e || gc_strv_has(&u->entities, e->go_name))
            continue;
        count++;
        if (!max || count <= max)
            put_neighbour(out, e);
        else
            gc_buf_printf(out, "%s%s",
                          count == max + 1
                              ? "Related entities that are only named, since "
                                "the context is limited: "
                              : ", ",
                          e->go_name);
    }
    if (max && count > max)
        gc_buf_putc(out, '\n');
}

static void put_lists(const gc_slicer *self, const union_lists *u, size_t max,
                      gc_buf *out)
{
    put_entities(self, &u->entities, out);
    put_neighbours(self, u, max, out);
    for (size_t i = 0; i < u->contracts.count; i++) {
        const gc_contract *c = gc_map_get(self->contracts, u->contracts.items[i]);
        if (c)
            put_contract(out, c);
    }
    for (size_t i = 0; i < u->requirements.count; i++) {
        const gc_requirement *r =
            gc_map_get(self->requirements, u->requirements.items[i]);
        if (r && r->entities.count) /* the others are shared */
            put_requirement(out, r);
    }
}

/* Many explicit files do. */
static bool names_nothing(const gc_plan_file *f)
{
    return !f->entities.count && !f->neighbours.count && !f->contracts.count &&
           !f->requirements.count;
}

static void slice(const gc_slicer *self, const gc_plan_file *const *files, size_t count,
                  size_t max, gc_buf *out)
{
    union_lists u = { 0 };
    if (count == 1 && names_nothing(files[0]))
        return;
    seen s = { gc_map_new() };
    for (size_t i = 0; i < count; i++) {
        unite(&s, "e", &files[i]->entities, &u.entities);
        unite(&s, "n", &files[i]->neighbours, &u.neighbours);
        unite(&s, "c", &files[i]->contracts, &u.contracts);
        unite(&s, "r", &files[i]->requirements, &u.requirements);
    }
    gc_map_destroy(&s.names);
    gc_strv_sort(&u.entities);
    gc_strv_sort(&u.neighbours);
    gc_strv_sort(&u.contracts);
    gc_strv_sort(&u.requirements);
    put_lists(self, &u, max, out);
    gc_strv_release(&u.entities);
    gc_strv_release(&u.neighbours);
    gc_strv_release(&u.contracts);
    gc_strv_release(&u.requirements);
}

static void put_project(const gc_fcs *fcs, gc_buf *out)
{
    gc_buf_printf(out, "Project %s%s%s\n", fcs->name, *fcs->description ? ": " : "",
                  fcs->description);
    for (size_t i = 0; i < fcs->patterns.count; i++)
        gc_buf_printf(out, "Pattern: %s\n", fcs->patterns.items[i]);
    for (size_t i = 0; i < fcs->testing.count; i++)
        gc_buf_printf(out, "Testing: %s\n", fcs->testing.items[i]);
    for (size_t i = 0; i < fcs->question_count; i++)
        if (fcs->questions[i].answer)
            gc_buf_printf(out, "Clarification (%s): %s Answer: %s\n",
                          fcs->questions[i].subject, fcs->questions[i].text,
                          fcs->questions[i].answer);
}

void gc_slice_shared(const gc_slicer *self, gc_buf *out)
{
    put_project(self->fcs, out);
    for (size_t i = 0; i < self->fcs->requirement_count; i++)
        if (!self->fcs->requirements[i].entities.count)
            put_requirement(out, &self->fcs->requirements[i]);
}

gc_sha gc_slice_shared_sha(const gc_slicer *self)
{
    return self->shared;
}

void gc_slice_own(const gc_slicer *self, const gc_plan_file *file, gc_buf *out)
{
    gc_slice_shared(self, out);
    slice(self, &file, 1, 0, out);
}

void gc_slice_context(const gc_slicer *self, const gc_plan_file *const *files,
                      size_t count, size_t max_neighbours, gc_buf *out)
{
    slice(self, files, count, max_neighbours, out);
}

void gc_slice_everything(const gc_slicer *self, gc_buf *out)
{
    const gc_fcs *fcs = self->fcs;
    put_project(fcs, out);
    for (size_t i = 0; i < fcs->entity_count; i++)
        put_entity(self, out, &fcs->entities[i]);
    for (size_t i = 0; i < fcs->contract_count; i++)
        put_contract(out, &fcs->contracts[i]);
    for (size_t i = 0; i < fcs->requirement_count; i++)
        put_requirement(out, &fcs->requirements[i]);
}
