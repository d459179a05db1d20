#include "common/spec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "common/text.h"

#define ID_DIGITS 8

/* ---- ids ---- */

int gc_spec_by_requirement(const void *a, const void *b)
{
    const gc_requirement *x = &((const gc_spec_requirement *)a)->requirement;
    const gc_requirement *y = &((const gc_spec_requirement *)b)->requirement;
    int order = strcmp(x->id, y->id);
    if (!order)
        order = strcmp(x->kind, y->kind);
    return order ? order : strcmp(x->text, y->text);
}

/* From the text without regard to line breaks, so that neither order nor folding matters. */
static char *derived_id(const char *text)
{
    gc_buf flat;
    gc_buf_init(&flat, strlen(text));
    for (const char *p = text; *p; p++) {
        bool gap = strchr(" \t\r\n", *p) != NULL;
        if (!gap)
            gc_buf_putc(&flat, *p);
        else if (flat.len && flat.ptr[flat.len - 1] != ' ')
            gc_buf_putc(&flat, ' ');
    }
    gc_sha sha = gc_sha256(flat.ptr, flat.len);
    gc_buf_release(&flat);
    return gc_xasprintf("R-%.*s", ID_DIGITS, sha.hex);
}

static void requirement_release(gc_spec_requirement *r)
{
    free(r->requirement.id);
    free(r->requirement.kind);
    free(r->requirement.text);
    free(r->requirement.priority);
    gc_strv_release(&r->requirement.entities);
    free(r->owner);
}

/* The same id again: a text written twice is dropped with a warning, an id given twice is an
 * error. */
static bool drop_duplicate(gc_spec *self, gc_spec_requirement *before,
                           gc_spec_requirement *r)
{
    bool same = strcmp(before->requirement.text, r->requirement.text) == 0;
    bool later = r->at->line > before->at->line ||
                 (r->at->line == before->at->line && r->at->column >= before->at->column);
    const gc_node *at = later ? r->at : before->at;
    int first = later ? before->at->line : r->at->line;
    if (!same || r->id_given) {
        gc_spec_error(self, at,
                      "the requirement id \"%.60s\" is used twice, first in line %d; "
                      "give each its own",
                      r->requirement.id, first);
        return false;
    }
    gc_spec_warn(self, at,
                 "this requirement is there twice, first in line %d; remove one", first);
    return true;
}

static void identify(gc_spec *self)
{
    if (!self->requirements)
        return;
    for (size_t i = 0; i < self->requirement_count; i++) {
        gc_spec_requirement *r = &self->requirements[i];
        r->id_given = *r->requirement.id != '\0';
        if (r->id_given)
            gc_spec_name_ok(self, self->diags, r->at, "requirement id",
                            r->requirement.id);
        else
            gc_spec_set(&r->requirement.id, derived_id(r->requirement.text));
    }
    gc_spec_sort(self->requirements, self->requirement_count, sizeof *self->requirements,
                 gc_spec_by_requirement);
    gc_spec_requirement *all = self->requirements;
    size_t kept = 0;
    for (size_t i = 0; i < self->requirement_count; i++) {
        gc_spec_requirement *r = &all[i];
        gc_spec_requirement *before = kept ? &all[kept - 1] : NULL;
        bool twice = before && strcmp(before->requirement.id, r->requirement.id) == 0;
        if (twice && drop_duplicate(self, before, r)) {
            requirement_release(r);
            continue;
        }
        gc_spec_requirement item = *r;
        all[kept++] = item;
    }
    self->requirement_count = kept;
}

/* ---- which entities it is about ---- */

typedef struct linker {
    gc_spec *spec;
    gc_strv *out;
    gc_map *contracts;    /* "POST /orders" and "/orders" -> contract */
    gc_word_index *roles; /* names of relations that are no entities */
    gc_strv role_names;
    size_t *role_relation;
} linker;

static void found_entity(void *arg, size_t entity)
{
    linker *self = arg;
    gc_strv_add(self->out, self->spec->entities[entity].entity.go_name);
}

static void found_role(void *arg, size_t role)
{
    linker *self = arg;
    const gc_relation *r = &self->spec->relations[self->role_relation[role]].relation;
    gc_strv_add(self->out, r->from);
    gc_strv_add(self->out, r->to);
}

/* Paths of contracts in the text: "POST /orders/{id}", "/orders". */
static void find_paths(linker *self, const char *text)
{
    for (const char *p = text; (p = strchr(p, '/'));) {
        size_t len = strcspn(p, " \t\r\n\"'`,;()");
        while (len > 1 && strchr(".:?!", p[len - 1]))
            len--;
        bool starts = p == text || strchr(" \t\r\n\"'`(", p[-1]);
        if (starts && len > 1 && len <= GC_SPEC_MAX_PATH) {
            char *path = gc_xasprintf("%.*s", (int)len, p);
            const gc_contract *c = gc_map_get(self->contracts, path);
            if (c && *c->entity)
                gc_strv_add(self->out, c->entity);
            free(path);
        }
        p += len ? len : 1;
    }
}

static void index_contracts(linker *self)
{
    self->contracts = gc_map_new();
    for (size_t i = 0; i < self->spec->contract_count; i++) {
        gc_contract *c = &self->spec->contracts[i].contract;
        gc_map_set(self->contracts, c->path,
                   c); /* all methods of a path share its entity */
    }
}

/* Names of relations, if they belong to one relation only and to no entity. */
static void index_roles(linker *self)
{
    gc_spec *spec = self->spec;
    gc_map *count = gc_map_new();
    self->role_relation =
        gc_xcalloc(spec->relation_count + 1, sizeof *self->role_relation);
    for (size_t i = 0; i < spec->relation_count; i++) {
        const char *name = spec->relations[i].relation.name;
        size_t seen = gc_number_get(count, name);
        gc_number_set(count, name, seen + 1);
    }
    for (size_t i = 0; i < spec->relation_count; i++) {
        const char *name = spec->relations[i].relation.name;
        if (!*name || gc_number_get(count, name) != 1 ||
            gc_spec_find_entity(spec, name) != SIZE_MAX)
            continue;
        self->role_relation[self->role_names.count] = i;
        gc_strv_add(&self->role_names, name);
    }
    self->roles = gc_word_index_new();
    gc_word_index_fill(self->roles, (const char *const *)self->role_names.items,
                       self->role_names.count);
    gc_map_destroy(&count);
}

static void link_requirement(linker *self, gc_spec_requirement *r)
{
    self->out = &r->requirement.entities;
    if (!gc_spec_is_null(r->entities)) {
        gc_spec_resolve_list(self->spec, r->entities, "a requirement", self->out);
    } else {
        gc_word_index_scan(self->spec->names, r->requirement.text, found_entity, self);
        gc_word_index_scan(self->roles, r->requirement.text, found_role, self);
        find_paths(self, r->requirement.text);
        size_t owner = r->owner ? gc_spec_find_entity(self->spec, r->owner) : SIZE_MAX;
        if (owner != SIZE_MAX)
            found_entity(self, owner);
    }
    gc_spec_sort_unique(self->out);
}

void gc_spec_resolve_requirements(gc_spec *self)
{
    linker l = { .spec = self };
    identify(self);
    index_contracts(&l);
    index_roles(&l);
    for (size_t i = 0; i < self->requirement_count; i++)
        link_requirement(&l, &self->requirements[i]);
    gc_map_destroy(&l.contracts);
    gc_word_index_destroy(&l.roles);
    gc_strv_release(&l.role_names);
    free(l.role_relation);
}
