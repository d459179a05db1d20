#include "common/spec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"

/* ---- a name that must be an entity ---- */

static void report_unknown(gc_spec *self, const gc_node *at, const char *where,
                           const char *name)
{
    const char *near = gc_spec_nearest_entity(self, name);
    if (near)
        gc_spec_error(self, at,
                      "%s names the unknown entity \"%.60s\"; did you mean \"%s\"?",
                      where, name, near);
    else
        gc_spec_error(self, at,
                      "%s names the unknown entity \"%.60s\"; add it to entities", where,
                      name);
}

/* go_name (borrowed) of the entity that `name` means, or NULL with an error. */
static const char *require_entity(gc_spec *self, const gc_node *at, const char *where,
                                  const char *name)
{
    size_t entity = gc_spec_find_entity(self, name);
    if (entity != SIZE_MAX)
        return self->entities[entity].entity.go_name;
    report_unknown(self, at, where, name);
    return NULL;
}

void gc_spec_resolve_list(gc_spec *self, const gc_node *node, const char *where,
                          gc_strv *out)
{
    if (gc_spec_is_null(node))
        return;
    gc_strv names = { 0 };
    if (node->kind == GC_NODE_SCALAR)
        gc_strv_split(&names, node->text, ',');
    for (size_t i = 0; i < names.count; i++) {
        const char *go = require_entity(self, node, where, names.items[i]);
        if (go)
            gc_strv_add(out, go);
    }
    gc_strv_release(&names);
    for (size_t i = 0; node->kind >= GC_NODE_SEQ && i < node->count; i++) {
        const gc_node *item = node->kind == GC_NODE_MAP ? node->keys[i] : node->items[i];
        char *name = gc_spec_text(self, item, "an entity name");
        const char *go = *name ? require_entity(self, item, where, name) : NULL;
        if (go)
            gc_strv_add(out, go);
        free(name);
    }
}

void gc_spec_sort_unique(gc_strv *list)
{
    gc_strv_sort(list);
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (kept && strcmp(list->items[kept - 1], list->items[i]) == 0)
            free(list->items[i]);
        else
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

/* ---- relations ---- */

static int by_relation(const void *a, const void *b)
{
    const gc_relation *x = &((const gc_spec_relation *)a)->relation;
    const gc_relation *y = &((const gc_spec_relation *)b)->relation;
    int order = strcmp(x->from, y->from);
    if (!order)
        order = strcmp(x->to, y->to);
    if (!order)
        order = strcmp(x->kind, y->kind);
    if (!order)
        order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->description, y->description);
}

static bool is_plural_of(const char *word, const char *name)
{
    return gc_ends_with(word, "s") && !gc_ends_with(name, "s");
}

/* "Order has OrderItems": the plural tells that there are many. */
static void resolve_relation(gc_spec *self, gc_spec_relation *r)
{
    gc_relation *n = &r->relation;
    const char *from = require_entity(self, r->at, "a relation", n->from);
    const char *to = require_entity(self, r->at, "a relation", n->to);
    size_t target = to ? gc_spec_find_entity(self, n->to) : SIZE_MAX;
    if (target != SIZE_MAX && strcmp(n->kind, "has_one") == 0 &&
        is_plural_of(n->to, self->entities[target].entity.name))
        gc_spec_set(&n->kind, gc_xstrdup("has_many"));
    gc_spec_set(&n->from, gc_xstrdup(from ? from : ""));
    gc_spec_set(&n->to, gc_xstrdup(to ? to : ""));
}

static void relation_release(gc_spec_relation *r)
{
    free(r->relation.from);
    free(r->relation.to);
    free(r->relation.kind);
    free(r->relation.name);
    free(r->relation.description);
}

static void resolve_relations(gc_spec *self)
{
    for (size_t i = 0; i < self->relation_count; i++)
        resolve_relation(self, &self->relations[i]);
    gc_spec_sort(self->relations, self->relation_count, sizeof *self->relations,
                 by_relation);
    size_t kept = 0;
    for (size_t i = 0; i < self->relation_count; i++) {
        gc_spec_relation *r = &self->relations[i];
        bool whole = *r->relation.from && *r->relation.to;
        bool twice = kept && by_relation(&self->relations[kept - 1], r) == 0;
        if (whole && !twice) {
            gc_spec_relation item = *r;
            self->relations[kept++] = item;
            continue;
        }
        if (whole)
            gc_spec_warn(self, r->at,
                         "the relation from %s to %s is there twice; remove one",
                         r->relation.from, r->relation.to);
        relation_release(r);
    }
    self->relation_count = kept;
}

/* ---- packages ---- */

static void put_into(gc_spec *self, size_t entity, const gc_spec_package *p)
{
    gc_entity *e = &self->entities[entity].entity;
    if (*e->package && strcmp(e->package, p->package.name) != 0)
        gc_spec_error(self, p->at,
                      "entity \"%s\" is in two packages, %s and %s; remove one", e->name,
                      e->package, p->package.name);
    else
        gc_spec_set(&e->package, gc_xstrdup(p->package.name));
}

/* What an entity's `package:` names: a package by name, path or last part of its path. */
static const gc_package *find_package(const gc_map *by_name, const char *text)
{
    char *low = gc_spec_key(text);
    const gc_package *p = gc_map_get(by_name, text);
    if (!p)
        p = gc_map_get(by_name, low);
    free(low);
    return p;
}

static void index_package(gc_map *by_name, const char *key, gc_package *p)
{
    if (*key && !gc_map_has(by_name, key))
        gc_map_set(by_name, key, p);
}

/* The package that an entity names itself and nobody declared. */
static void add_own_package(gc_spec *self, const gc_spec_entity *e)
{
    char *text = gc_xstrdup(e->entity.package);
    const char *base = strrchr(text, '/');
    gc_spec_package *p = NULL;
    char *path = NULL;
    if (base)
        path = gc_spec_path_clean(self, e->at, "package path", text);
    else if (gc_spec_name_ok(self, self->diags, e->at, "package name", text)) {
        char *folder = gc_go_package(text);
        path = gc_xasprintf("internal/%s", folder);
        free(folder);
    }
    if (path) {
        p = gc_spec_add_package(self, e->at);
        p->implied = !base;
        gc_spec_set(&p->package.name, gc_xstrdup(base ? base + 1 : text));
        gc_spec_set(&p->package.path, path);
    }
    free(text);
}

static gc_map *index_packages(const gc_spec *self)
{
    gc_map *by_name = gc_map_new();
    for (size_t i = 0; i < self->package_count; i++)
        index_package(by_name, self->packages[i].package.name,
                      &self->packages[i].package);
    for (size_t i = 0; i < self->package_count; i++) {
        gc_package *p = &self->packages[i].package;
        const char *slash = strrchr(p->path, '/');
        index_package(by_name, p->path, p);
        index_package(by_name, slash ? slash + 1 : p->path, p);
    }
    return by_name;
}

static void declare_own_packages(gc_spec *self)
{
    gc_map *by_name = index_packages(self), *added = gc_map_new();
    size_t declared = self->package_count;
    for (size_t i = 0; i < self->entity_count; i++) {
        const gc_spec_entity *e = &self->entities[i];
        if (!*e->entity.package || find_package(by_name, e->entity.package) ||
            gc_map_set(added, e->entity.package, self))
            continue;
        if (declared)
            gc_spec_warn(self, e->at,
                         "entity \"%s\" is in the package \"%.60s\", which is not "
                         "listed; add it to architecture.packages",
                         e->entity.name, e->entity.package);
        add_own_package(self, e);
    }
    gc_map_destroy(&by_name);
    gc_map_destroy(&added);
}

/* Nothing can import a program, so no type that others use may live in one. */
static void refuse_programs(gc_spec *self)
{
    for (size_t i = 0; i < self->entity_count; i++) {
        const gc_spec_entity *e = &self->entities[i];
        if (strcmp(e->entity.package, "main") == 0)
            gc_spec_error(self, e->at,
                          "entity \"%s\" is in a package below cmd/, which is a program "
                          "that nothing can import; put it below internal/",
                          e->entity.name);
    }
}

/* Nobody outside can import what lies below internal/. */
static void open_packages_of_library(gc_spec *self)
{
    bool library = strcmp(self->fcs->kind, "library") == 0;
    for (size_t i = 0; library && i < self->package_count; i++) {
        gc_spec_package *p = &self->packages[i];
        if (p->implied)
            gc_spec_set(&p->package.path,
                        gc_xstrdup(p->package.path + strlen("internal/")));
    }
}

static void resolve_packages(gc_spec *self)
{
    declare_own_packages(self);
    open_packages_of_library(self);
    /* Before the names are made Go names, entities may use them as written. */
    gc_map *written = index_packages(self), *paths = gc_map_new();
    for (size_t i = 0; i < self->entity_count; i++) {
        gc_entity *e = &self->entities[i].entity;
        const gc_package *p = *e->package ? find_package(written, e->package) : NULL;
        gc_spec_set(&e->package, gc_xstrdup(p ? p->path : ""));
    }
    gc_map_destroy(&written);
    gc_spec_name_packages(self);
    for (size_t i = 0; i < self->package_count; i++)
        gc_map_set(paths, self->packages[i].package.path, &self->packages[i].package);
    for (size_t i = 0; i < self->entity_count; i++) {
        gc_entity *e = &self->entities[i].entity;
        const gc_package *p = *e->package ? gc_map_get(paths, e->package) : NULL;
        gc_spec_set(&e->package, gc_xstrdup(p ? p->name : ""));
    }
    gc_map_destroy(&paths);
    for (size_t i = 0; i < self->package_count; i++) {
        gc_strv names = { 0 };
        gc_spec_resolve_list(self, self->packages[i].entities, "a package", &names);
        gc_spec_sort_unique(&names);
        for (size_t k = 0; k < names.count; k++)
            put_into(self, gc_spec_find_go(self, names.items[k]), &self->packages[i]);
        gc_strv_release(&names);
    }
    /* A package that is called like an entity without one holds it. */
    for (size_t i = 0; i < self->package_count; i++) {
        const gc_package *p = &self->packages[i].package;
        size_t entity = gc_starts_with(p->path, "cmd/")
                            ? SIZE_MAX
                            : gc_spec_find_entity(self, p->name);
        if (entity != SIZE_MAX && !*self->entities[entity].entity.package)
            put_into(self, entity, &self->packages[i]);
    }
    refuse_programs(self);
}

/* ---- files ---- */

static void index_files(gc_spec *self, gc_map *paths, gc_map *folders)
{
    for (size_t i = 0; i < self->file_count; i++) {
        gc_spec_path *f = &self->files[i];
        char *low = gc_xstrdup(f->file.path);
        for (char *p = low; *p; p++)
            *p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
        const gc_spec_path *other = gc_map_get(paths, low);
        if (other)
            gc_spec_error(self, f->at,
                          "the file \"%s\" is listed twice, first in line %d; "
                          "remove one",
                          f->file.path, other->file.line);
        else
            gc_map_set(paths, low, f);
        for (char *slash = strrchr(low, '/'); slash; slash = strrchr(low, '/')) {
            *slash = '\0';
            if (gc_map_set(folders, low, f))
                break; /* and so is all above it */
        }
        free(low);
    }
}

static void resolve_needs(gc_spec *self, gc_spec_path *f, const gc_map *listed)
{
    const gc_node *needs = f->depends_on;
    size_t count = gc_spec_is_null(needs)          ? 0
                   : needs->kind == GC_NODE_SCALAR ? 1
                                                   : needs->count;
    for (size_t i = 0; i < count; i++) {
        const gc_node *item = needs->kind == GC_NODE_SCALAR ? needs
                              : needs->kind == GC_NODE_MAP  ? needs->keys[i]
                                                            : needs->items[i];
        char *text = gc_spec_text(self, item, "depends_on");
        char *path = gc_map_has(listed, text) /* as a clean path, so it is one */
                         ? gc_xstrdup(text)
                         : gc_spec_path_clean(self, item, "path in depends_on", text);
        if (path && strcmp(path, f->file.path) == 0)
            gc_spec_error(self, item, "the file \"%s\" depends on itself; remove that",
                          path);
        else if (path && !gc_map_has(listed, path))
            gc_spec_error(self, item,
                          "\"%s\" depends on \"%s\", which is not listed; add it to "
                          "files",
                          f->file.path, path);
        else if (path)
            gc_strv_add(&f->file.depends_on, path);
        free(path);
        free(text);
    }
    gc_spec_sort_unique(&f->file.depends_on);
}

static void resolve_files(gc_spec *self)
{
    gc_map *paths = gc_map_new(), *folders = gc_map_new(), *listed = gc_map_new();
    index_files(self, paths, folders);
    for (size_t i = 0; i < self->file_count; i++)
        gc_map_set(listed, self->files[i].file.path, self);
    for (size_t i = 0; i < self->file_count; i++) {
        gc_spec_path *f = &self->files[i];
        if (gc_map_has(folders, f->file.path))
            gc_spec_error(self, f->at,
                          "\"%s\" is both a file and the folder of another; rename "
                          "one",
                          f->file.path);
        gc_spec_resolve_list(self, f->entities, "a file", &f->file.entities);
        gc_spec_sort_unique(&f->file.entities);
        resolve_needs(self, f, listed);
    }
    gc_map_destroy(&paths);
    gc_map_destroy(&folders);
    gc_map_destroy(&listed);
}

/* ---- contracts ---- */

static int by_contract(const void *a, const void *b)
{
    const gc_contract *x = &((const gc_spec_contract *)a)->contract;
    const gc_contract *y = &((const gc_spec_contract *)b)->contract;
    int order = strcmp(x->path, y->path);
    return order ? order : strcmp(x->method, y->method);
}

static void note_first(void *arg, size_t name)
{
    size_t *first = arg;
    if (*first == SIZE_MAX)
        *first = name;
}

/* "items" below "orders" is an order item, if there is such a thing. */
static size_t entity_of_part(const gc_spec *self, const gc_strv *parts, size_t at)
{
    size_t above = at;
    while (above > 0 && parts->items[above - 1][0] == '{')
        above--;
    if (above > 0) {
        char *owner = gc_word_singular(parts->items[above - 1]);
        char *both = gc_xasprintf("%s %s", owner, parts->items[at]);
        size_t entity = gc_spec_find_entity(self, both);
        free(both);
        free(owner);
        if (entity != SIZE_MAX)
            return entity;
    }
    return gc_spec_find_entity(self, parts->items[at]);
}

/* The last part of the path that names an entity, else the first one in the words. */
static size_t entity_of_contract(const gc_spec *self, const gc_contract *c)
{
    gc_strv parts = { 0 };
    size_t entity = SIZE_MAX;
    gc_strv_split(&parts, c->path, '/');
    for (size_t i = parts.count; i-- > 0 && entity == SIZE_MAX;)
        if (parts.items[i][0] != '{')
            entity = entity_of_part(self, &parts, i);
    gc_strv_release(&parts);
    const char *const texts[] = { c->name, c->response, c->request, c->description };
    for (size_t i = 0; i < 4 && entity == SIZE_MAX; i++)
        gc_word_index_scan(self->names, texts[i], note_first, &entity);
    return entity;
}

static void resolve_contract(gc_spec *self, gc_spec_contract *c)
{
    gc_contract *n = &c->contract;
    if (*n->entity) {
        const char *go = require_entity(self, c->at, "a contract", n->entity);
        gc_spec_set(&n->entity, gc_xstrdup(go ? go : ""));
        return;
    }
    size_t entity = entity_of_contract(self, n);
    if (entity != SIZE_MAX)
        gc_spec_set(&n->entity, gc_xstrdup(self->entities[entity].entity.go_name));
}

static void resolve_contracts(gc_spec *self)
{
    for (size_t i = 0; i < self->contract_count; i++)
        resolve_contract(self, &self->contracts[i]);
    gc_spec_sort(self->contracts, self->contract_count, sizeof *self->contracts,
                 by_contract);
    for (size_t i = 1; i < self->contract_count; i++) {
        const gc_spec_contract *a = &self->contracts[i - 1], *b = &self->contracts[i];
        bool later = b->at->line >= a->at->line;
        if (strcmp(a->contract.id, b->contract.id) == 0)
            gc_spec_error(
                self, later ? b->at : a->at,
                "the contract \"%s\" is there twice, first in line %d; remove one",
                b->contract.id, later ? a->at->line : b->at->line);
    }
}

void gc_spec_resolve_links(gc_spec *self)
{
    resolve_relations(self);
    resolve_packages(self);
    resolve_files(self);
    resolve_contracts(self);
    gc_spec_resolve_requirements(self);
}
