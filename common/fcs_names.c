#include "common/spec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"

/* Gives every entity, field and package its Go names. Names are handed out in the order of
 * (Go name, name), never in that of the file, so that reordering a spec changes nothing. */

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* Names in use, and the next number to try for each that is asked for again. */
typedef struct taken {
    gc_map *names;
    gc_map *numbers;
} taken;

static taken taken_new(void)
{
    return (taken){ gc_map_new(), gc_map_new() };
}

static void taken_release(taken *self)
{
    gc_map_destroy(&self->names);
    gc_map_destroy(&self->numbers);
}

/* ---- entities ---- */

static int by_entity_name(const void *a, const void *b)
{
    const gc_entity *x = &((const gc_spec_entity *)a)->entity;
    const gc_entity *y = &((const gc_spec_entity *)b)->entity;
    int order = strcmp(x->go_name, y->go_name);
    return order ? order : strcmp(x->name, y->name);
}

/* The forms in which two entities would collide: type, folder, file. */
typedef struct entity_forms {
    char *lower;
    char *package;
    char *snake;
} entity_forms;

static entity_forms forms_of(const char *name)
{
    char *go = gc_go_exported(name);
    entity_forms f = { gc_spec_lower(go), gc_go_package(name), gc_go_snake(name) };
    free(go);
    return f;
}

static void forms_release(entity_forms *f)
{
    free(f->lower);
    free(f->package);
    free(f->snake);
}

/* The owner of one of these forms, or NULL. The prefixes keep the kinds apart. */
static const gc_entity *owner_of(const taken *used, const entity_forms *f)
{
    const char *const forms[] = { f->lower, f->package, f->snake };
    const gc_entity *owner = NULL;
    for (size_t i = 0; i < 3 && !owner; i++) {
        char *key = gc_xasprintf("%zu %s", i, forms[i]);
        owner = gc_map_get(used->names, key);
        free(key);
    }
    return owner;
}

static void claim(const taken *used, const entity_forms *f, gc_entity *owner)
{
    const char *const forms[] = { f->lower, f->package, f->snake };
    for (size_t i = 0; i < 3; i++) {
        char *key = gc_xasprintf("%zu %s", i, forms[i]);
        gc_map_set(used->names, key, owner);
        free(key);
    }
}

/* OrderStore beside Order: generated code uses these names for what belongs to Order. */
static const gc_entity *stem_owner(const taken *used, const char *go_name)
{
    static const char *const roles[] = { "Store", "Service", "Handler" };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (!gc_ends_with(go_name, roles[i]) || strlen(go_name) == strlen(roles[i]))
            continue;
        char *stem = gc_spec_lower(go_name);
        stem[strlen(stem) - strlen(roles[i])] = '\0';
        char *key = gc_xasprintf("0 %s", stem);
        const gc_entity *owner = gc_map_get(used->names, key);
        free(key);
        free(stem);
        if (owner)
            return owner;
    }
    return NULL;
}

/* Says what of the name could not stay as it was, apart from its case and its joints. */
static void report_entity(gc_spec *self, const gc_spec_entity *e, const gc_entity *other)
{
    const gc_entity *n = &e->entity;
    char *package = gc_go_package(n->name), *plain = gc_go_snake_plain(n->name);
    char *low = gc_spec_lower(n->name);
    if (other)
        gc_spec_rename(
            self, e->diags, e->at,
            "entity \"%s\" is called %s in Go, since \"%s\" takes its name; rename one "
            "of them",
            n->name, n->go_name, other->name);
    else if (gc_go_is_keyword(low) || gc_go_is_predeclared(low))
        gc_spec_rename(
            self, e->diags, e->at,
            "entity \"%s\" is called %s in Go and its package %s, since %s is a "
            "reserved word of Go; rename it to choose yourself",
            n->name, n->go_name, package, low);
    else if (!is_ascii(n->name))
        gc_spec_rename(
            self, e->diags, e->at,
            "entity \"%s\" is called %s in Go and %s in file names; rename it to "
            "choose yourself",
            n->name, n->go_name, n->snake);
    else if (strcmp(plain, n->snake) != 0)
        gc_spec_rename(
            self, e->diags, e->at,
            "entity \"%s\" is called %s in file names, since the go command reads the "
            "end of %s.go as a condition; rename it to choose yourself",
            n->name, n->snake, plain);
    else if (gc_ends_with(package, "pkg") && !gc_ends_with(plain, "pkg"))
        gc_spec_rename(
            self, e->diags, e->at,
            "entity \"%s\" gets the package %s, since %s is taken; rename it to "
            "choose yourself",
            n->name, package, plain);
    else if (n->go_name[0] == 'X' && plain[0] != 'x')
        gc_spec_rename(
            self, e->diags, e->at,
            "entity \"%s\" is called %s in Go, where a type starts with a letter; "
            "rename it to choose yourself",
            n->name, n->go_name);
    free(low);
    free(plain);
    free(package);
}

/* Tries the name, then name2, name3, ... until no form collides. */
static void name_entity(gc_spec *self, gc_spec_entity *e, taken *used)
{
    gc_entity *n = &e->entity;
    const gc_entity *stem = stem_owner(used, n->go_name), *reason = stem;
    char *base = gc_xasprintf("%s%s", n->go_name, stem ? "Entity" : "");
    size_t number = gc_number_get(used->numbers, base);
    for (;; number++) {
        bool renamed = stem || number;
        char *name = number    ? gc_xasprintf("%s%zu", base, number + 1)
                     : renamed ? gc_xstrdup(base)
                               : gc_xstrdup(n->name);
        entity_forms forms = forms_of(name);
        const gc_entity *other = owner_of(used, &forms);
        if (!other) {
            if (renamed)
                gc_spec_set(&n->go_name, gc_go_exported(name));
            gc_spec_set(&n->snake, gc_xstrdup(forms.snake));
            claim(used, &forms, n);
        }
        forms_release(&forms);
        free(name);
        if (!other)
            break;
        reason = reason ? reason : other;
    }
    gc_number_set(used->numbers, base, number);
    report_entity(self, e, reason);
    free(base);
}

/* Of two entities with the same name the one that stands later is the mistake. It is
 * dropped, so that one finding is all it causes. */
static void drop_duplicates(gc_spec *self)
{
    gc_spec_entity *all = self->entities;
    size_t kept = 0;
    for (size_t i = 0; i < self->entity_count; i++) {
        gc_spec_entity *e = &all[i];
        gc_spec_entity *before = kept ? &all[kept - 1] : NULL;
        if (!before || strcmp(before->entity.name, e->entity.name) != 0) {
            gc_spec_entity item = *e;
            all[kept++] = item;
            continue;
        }
        bool later =
            e->at->line > before->at->line ||
            (e->at->line == before->at->line && e->at->column >= before->at->column);
        gc_spec_error(
            self, later ? e->at : before->at,
            "the entity \"%s\" is there twice, first in line %d; remove or rename one",
            e->entity.name, later ? before->at->line : e->at->line);
        gc_spec_entity_release(e);
    }
    self->entity_count = kept;
}

void gc_spec_name_entities(gc_spec *self)
{
    if (!self->entities)
        return;
    for (size_t i = 0; i < self->entity_count; i++) {
        gc_entity *e = &self->entities[i].entity;
        gc_spec_set(&e->go_name, gc_go_exported(e->name));
    }
    gc_spec_sort(self->entities, self->entity_count, sizeof *self->entities,
                 by_entity_name);
    drop_duplicates(self);
    taken used = taken_new();
    for (size_t i = 0; i < self->entity_count; i++)
        name_entity(self, &self->entities[i], &used);
    taken_release(&used);
    gc_spec_sort(self->entities, self->entity_count, sizeof *self->entities,
                 by_entity_name);
    const char **names = gc_xcalloc(self->entity_count + 1, sizeof *names);
    for (size_t i = 0; i < self->entity_count; i++)
        names[i] = self->entities[i].entity.name;
    gc_word_index_fill(self->names, names, self->entity_count);
    free(names);
}

size_t gc_spec_find_entity(const gc_spec *self, const char *name)
{
    char *clean = gc_spec_plain(name);
    size_t entity = gc_word_index_find(self->names, clean);
    free(clean);
    return entity == GC_WORDS_NONE ? SIZE_MAX : entity;
}

size_t gc_spec_find_go(const gc_spec *self, const char *go_name)
{
    size_t low = 0, high = self->entity_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(self->entities[mid].entity.go_name, go_name);
        if (order == 0)
            return mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return SIZE_MAX;
}

/* ---- fields ---- */

static int by_field_name(const void *a, const void *b)
{
    const gc_field *x = &((const gc_spec_field *)a)->field;
    const gc_field *y = &((const gc_spec_field *)b)->field;
    int order = strcmp(x->go_name, y->go_name);
    return order ? order : strcmp(x->name, y->name);
}

int gc_spec_by_field(const void *a, const void *b)
{
    const gc_field *x = &((const gc_spec_field *)a)->field;
    const gc_field *y = &((const gc_spec_field *)b)->field;
    int ids = (strcmp(y->go_name, "ID") == 0) - (strcmp(x->go_name, "ID") == 0);
    return ids ? ids : strcmp(x->go_name, y->go_name);
}

static void drop_duplicate_fields(gc_spec_entity *e)
{
    size_t kept = 0;
    for (size_t i = 0; i < e->field_count; i++) {
        gc_spec_field *f = &e->fields[i];
        gc_spec_field *before = kept ? &e->fields[kept - 1] : NULL;
        if (!before || strcmp(before->field.name, f->field.name) != 0) {
            gc_spec_field item = *f;
            e->fields[kept++] = item;
            continue;
        }
        bool later =
            f->at->line > before->at->line ||
            (f->at->line == before->at->line && f->at->column >= before->at->column);
        const gc_node *at = later ? f->at : before->at;
        gc_diags_add(
            e->diags, GC_SEV_ERROR, at->line, at->column,
            "entity \"%s\" has the field \"%s\" twice, first in line %d; remove or "
            "rename one",
            e->entity.name, f->field.name, later ? before->at->line : f->at->line);
        gc_spec_field_release(f);
    }
    e->field_count = kept;
}

void gc_spec_claim_field(gc_map *used, gc_field *f)
{
    char *go = gc_xstrdup(f->go_name), *json = gc_xstrdup(f->json_name);
    for (size_t n = 2;; n++) {
        char *low = gc_spec_lower(f->go_name);
        char *go_key = gc_xasprintf("g %s", low),
             *json_key = gc_xasprintf("j %s", f->json_name);
        bool free_name = !gc_map_has(used, go_key) && !gc_map_has(used, json_key);
        if (free_name) {
            gc_map_set(used, go_key, f);
            gc_map_set(used, json_key, f);
        }
        free(low);
        free(go_key);
        free(json_key);
        if (free_name)
            break;
        gc_spec_set(&f->go_name, gc_xasprintf("%s%zu", go, n));
        gc_spec_set(&f->json_name, gc_xasprintf("%s_%zu", json, n));
    }
    free(go);
    free(json);
}

static void report_field(gc_spec *self, gc_spec_entity *e, const gc_spec_field *f,
                         const char *wanted)
{
    const gc_field *n = &f->field;
    if (strcmp(wanted, n->go_name) != 0)
        gc_spec_rename(
            self, e->diags, f->at,
            "field \"%s\" of %s is called %s in Go, since another field takes %s; "
            "rename one of them",
            n->name, e->entity.name, n->go_name, wanted);
    else if (!is_ascii(n->name))
        gc_spec_rename(
            self, e->diags, f->at,
            "field \"%s\" of %s is called %s in Go and %s in JSON; rename it to "
            "choose yourself",
            n->name, e->entity.name, n->go_name, n->json_name);
}

void gc_spec_name_fields(gc_spec *self, gc_spec_entity *e)
{
    for (size_t i = 0; i < e->field_count; i++) {
        gc_field *f = &e->fields[i].field;
        gc_spec_set(&f->go_name, gc_go_exported(f->name));
        gc_spec_set(&f->json_name, gc_go_snake_plain(f->name));
    }
    gc_spec_sort(e->fields, e->field_count, sizeof *e->fields, by_field_name);
    drop_duplicate_fields(e);
    gc_map *used = gc_map_new();
    for (size_t i = 0; i < e->field_count; i++) {
        char *wanted = gc_xstrdup(e->fields[i].field.go_name);
        gc_spec_claim_field(used, &e->fields[i].field);
        report_field(self, e, &e->fields[i], wanted);
        free(wanted);
    }
    gc_map_destroy(&used);
    gc_spec_sort(e->fields, e->field_count, sizeof *e->fields, gc_spec_by_field);
}

/* ---- types of enums: unique among themselves and among the entities ---- */

void gc_spec_name_enums(gc_spec *self)
{
    gc_map *used = gc_map_new();
    for (size_t i = 0; i < self->entity_count; i++)
        gc_map_set(used, self->entities[i].entity.go_name, self);
    for (size_t i = 0; i < self->entity_count; i++) {
        gc_spec_entity *e = &self->entities[i];
        for (size_t k = 0; k < e->field_count; k++) {
            gc_field *f = &e->fields[k].field;
            if (!f->enum_values.count)
                continue;
            char *base = gc_xasprintf("%s%s", e->entity.go_name, f->go_name);
            char *name = gc_xstrdup(base);
            for (size_t n = 1; gc_map_has(used, name); n++)
                gc_spec_set(&name, n == 1 ? gc_xasprintf("%sValue", base)
                                          : gc_xasprintf("%sValue%zu", base, n));
            gc_map_set(used, name, self);
            if (strcmp(name, base) != 0) {
                char *at = strstr(f->go_type, base);
                char *type =
                    gc_xasprintf("%.*s%s", (int)(at - f->go_type), f->go_type, name);
                gc_spec_set(&f->go_type, type);
                gc_spec_rename(
                    self, e->diags, e->fields[k].at,
                    "the values of %s.%s get the Go type %s, since %s is taken; "
                    "rename one of them",
                    e->entity.name, f->name, name, base);
            }
            free(name);
            free(base);
        }
    }
    gc_map_destroy(&used);
}

/* ---- packages ---- */

static int by_package_path(const void *a, const void *b)
{
    const gc_package *x = &((const gc_spec_package *)a)->package;
    const gc_package *y = &((const gc_spec_package *)b)->package;
    return strcmp(x->path, y->path);
}

/* The name that the package clause gets: main stays only below cmd/. */
static char *package_clause(const gc_package *p)
{
    const char *slash = strrchr(p->path, '/');
    if (gc_starts_with(p->path, "cmd/"))
        return gc_xstrdup("main");
    /* The name says more than the folder, if both are given. */
    const char *name = *p->name ? p->name : slash ? slash + 1 : p->path;
    const char *base = strrchr(name, '/');
    return gc_go_package(base ? base + 1 : name);
}

static void drop_package(gc_spec *self, size_t *kept, gc_spec_package *p)
{
    gc_spec_package *before = *kept ? &self->packages[*kept - 1] : NULL;
    if (*p->package.path &&
        (!before || strcmp(before->package.path, p->package.path) != 0)) {
        gc_spec_package item = *p;
        self->packages[(*kept)++] = item;
        return;
    }
    if (*p->package.path) /* one without a path was reported when it was read */
        gc_spec_error(self, p->at, "the package \"%s\" is there twice; remove one",
                      p->package.path);
    gc_spec_package_release(p);
}

void gc_spec_name_packages(gc_spec *self)
{
    gc_spec_sort(self->packages, self->package_count, sizeof *self->packages,
                 by_package_path);
    size_t kept = 0;
    for (size_t i = 0; i < self->package_count; i++)
        drop_package(self, &kept, &self->packages[i]);
    self->package_count = kept;
    gc_map *used = gc_map_new(), *numbers = gc_map_new();
    for (size_t i = 0; i < kept; i++) {
        gc_package *p = &self->packages[i].package;
        char *base = package_clause(p), *name = gc_xstrdup(base);
        bool main_package = strcmp(base, "main") == 0;
        size_t n = gc_number_get(numbers, base);
        while (!main_package && gc_map_has(used, name)) {
            n = n < 2 ? 2 : n + 1;
            gc_spec_set(&name, gc_xasprintf("%s%zu", base, n));
        }
        gc_number_set(numbers, base, n);
        gc_map_set(used, name, p);
        char *low = gc_spec_lower(p->name);
        if (strcmp(low, name) != 0 && !main_package && !strpbrk(low, "_- /"))
            gc_spec_rename(
                self, self->diags, self->packages[i].at,
                "package \"%s\" is called %s in Go; rename it to choose yourself",
                p->name, name);
        free(low);
        free(base);
        gc_spec_set(&p->name, name);
    }
    gc_map_destroy(&used);
    gc_map_destroy(&numbers);
}
