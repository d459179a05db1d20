#include "support/random_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"

#define MAX_ENTITIES 6
#define MAX_FIELDS 6
#define MAX_LINKS 5
#define MAX_FILES 14
#define TEXT_LIMIT ((size_t)1 << 20)

static const char *const entity_names[] = { "Book",   "Author", "Loan", "Reader",
                                            "Shelf",  "Branch", "Fine", "Notice",
                                            "Ticket", "Vendor" };
static const char *const field_names[] = { "title", "code", "amount",  "since", "active",
                                           "note",  "rank", "comment", "weight" };
static const char *const type_names[] = { "string",    "int",   "float",       "bool",
                                          "timestamp", "email", "\"[]string\"" };
#define ENTITY_NAMES (sizeof entity_names / sizeof *entity_names)
#define FIELD_NAMES (sizeof field_names / sizeof *field_names)
#define TYPE_NAMES (sizeof type_names / sizeof *type_names)
#define TYPE_INT 1

typedef struct field {
    size_t name, type;
    size_t max; /* bound of a number, 0: none */
    bool required;
    long ref; /* name of an entity instead of a type, -1: none */
} field;

typedef struct entity {
    size_t name;
    size_t text; /* of its description */
    field fields[MAX_FIELDS];
    size_t field_count;
} entity;

/* A relation (both names), a contract or a requirement (the first; ENTITY_NAMES: nobody). */
typedef struct link {
    size_t from, to;
    size_t number;
} link;

typedef struct links {
    link items[MAX_LINKS];
    size_t count;
} links;

/* Depends on files before it only, so that there is no cycle. */
typedef struct listed_file {
    size_t id, purpose;
    long about; /* name of an entity, -1: none */
    uint32_t needs;
} listed_file;

struct random_spec {
    random_source source;
    random_spec *last; /* as it was before the last edit, or NULL */
    bool explicit_files;
    size_t numbers; /* no text is used twice */
    entity entities[MAX_ENTITIES];
    size_t entity_count;
    links relations, contracts, requirements;
    listed_file files[MAX_FILES];
    size_t file_count;
};

size_t random_below(random_source *self, size_t below)
{
    uint64_t z = self->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ (z >> 31)) % below);
}

static size_t draw(random_spec *self, size_t below)
{
    return random_below(&self->source, below);
}

/* ---- entities and fields ---- */

static bool entity_taken(const random_spec *self, size_t name)
{
    for (size_t i = 0; i < self->entity_count; i++)
        if (self->entities[i].name == name)
            return true;
    return false;
}

static size_t free_entity_name(random_spec *self)
{
    size_t name = draw(self, ENTITY_NAMES);
    while (entity_taken(self, name))
        name = (name + 1) % ENTITY_NAMES;
    return name;
}

static entity *some_entity(random_spec *self)
{
    return &self->entities[draw(self, self->entity_count)];
}

static size_t free_field_name(random_spec *self, const entity *e)
{
    size_t name = draw(self, FIELD_NAMES);
    for (size_t i = 0; i < e->field_count; i++) {
        if (e->fields[i].name == name) {
            name = (name + 1) % FIELD_NAMES;
            i = (size_t)-1;
        }
    }
    return name;
}

static const char *add_field_to(random_spec *self, entity *e)
{
    if (e->field_count == MAX_FIELDS)
        return "";
    field f = { .name = free_field_name(self, e),
                .type = draw(self, TYPE_NAMES),
                .required = draw(self, 2),
                .ref = -1 };
    if (draw(self, 5) == 0)
        f.ref = (long)some_entity(self)->name;
    e->fields[e->field_count++] = f;
    return "field added";
}

static const char *add_field(random_spec *self)
{
    return add_field_to(self, some_entity(self));
}

static const char *remove_field(random_spec *self)
{
    entity *e = some_entity(self);
    if (!e->field_count)
        return "";
    e->fields[draw(self, e->field_count)] = e->fields[e->field_count - 1];
    e->field_count--;
    return "field removed";
}

static const char *rename_field(random_spec *self)
{
    entity *e = some_entity(self);
    if (!e->field_count)
        return "";
    e->fields[draw(self, e->field_count)].name = free_field_name(self, e);
    return "field renamed";
}

static const char *bound_field(random_spec *self)
{
    entity *e = some_entity(self);
    if (!e->field_count)
        return "";
    field *f = &e->fields[draw(self, e->field_count)];
    f->ref = -1;
    f->type = TYPE_INT;
    f->max = ++self->numbers;
    return "constraint changed";
}

static const char *describe(random_spec *self)
{
    some_entity(self)->text = ++self->numbers;
    return "description changed";
}

static const char *add_entity(random_spec *self)
{
    if (self->entity_count == MAX_ENTITIES)
        return "";
    size_t name = free_entity_name(self);
    entity *e = &self->entities[self->entity_count++];
    *e = (entity){ .name = name, .text = ++self->numbers };
    add_field_to(self, e);
    add_field_to(self, e);
    return "entity added";
}

static void drop_links(links *list, size_t name)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].from != name && list->items[i].to != name)
            list->items[kept++] = list->items[i];
    list->count = kept;
}

static const char *remove_entity(random_spec *self)
{
    if (self->entity_count < 2)
        return "";
    entity *gone = some_entity(self);
    size_t name = gone->name;
    *gone = self->entities[--self->entity_count];
    drop_links(&self->relations, name);
    drop_links(&self->contracts, name);
    drop_links(&self->requirements, name);
    for (size_t i = 0; i < self->entity_count; i++)
        for (size_t k = 0; k < self->entities[i].field_count; k++)
            if (self->entities[i].fields[k].ref == (long)name)
                self->entities[i].fields[k].ref = -1;
    for (size_t i = 0; i < self->file_count; i++)
        if (self->files[i].about == (long)name)
            self->files[i].about = -1;
    return "entity removed";
}

static void rename_links(links *list, size_t from, size_t to)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].from == from)
            list->items[i].from = to;
        if (list->items[i].to == from)
            list->items[i].to = to;
    }
}

static const char *rename_entity(random_spec *self)
{
    entity *e = some_entity(self);
    size_t from = e->name, to = free_entity_name(self);
    e->name = to;
    rename_links(&self->relations, from, to);
    rename_links(&self->contracts, from, to);
    rename_links(&self->requirements, from, to);
    for (size_t i = 0; i < self->entity_count; i++)
        for (size_t k = 0; k < self->entities[i].field_count; k++)
            if (self->entities[i].fields[k].ref == (long)from)
                self->entities[i].fields[k].ref = (long)to;
    for (size_t i = 0; i < self->file_count; i++)
        if (self->files[i].about == (long)from)
            self->files[i].about = (long)to;
    return "entity renamed";
}

/* ---- relations, contracts, requirements ---- */

static const char *add_link(random_spec *self, links *list, size_t to, const char *what)
{
    size_t from = some_entity(self)->name;
    bool there = from == to;
    for (size_t i = 0; i < list->count; i++)
        there |= list->items[i].from == from && list->items[i].to == to;
    if (there || list->count == MAX_LINKS)
        return "";
    list->items[list->count++] = (link){ from, to, ++self->numbers };
    return what;
}

static const char *remove_link(random_spec *self, links *list, const char *what)
{
    if (!list->count)
        return "";
    list->items[draw(self, list->count)] = list->items[list->count - 1];
    list->count--;
    return what;
}

static const char *add_relation(random_spec *self)
{
    return add_link(self, &self->relations, some_entity(self)->name, "relation added");
}

static const char *remove_relation(random_spec *self)
{
    return remove_link(self, &self->relations, "relation removed");
}

static const char *add_contract(random_spec *self)
{
    return add_link(self, &self->contracts, ENTITY_NAMES + draw(self, 4),
                    "contract added");
}

static const char *remove_contract(random_spec *self)
{
    return remove_link(self, &self->contracts, "contract removed");
}

/* About an entity, or about everything. */
static const char *add_requirement(random_spec *self)
{
    const char *what = add_link(self, &self->requirements, ENTITY_NAMES + draw(self, 9),
                                "requirement added");
    if (*what && draw(self, 4) == 0)
        self->requirements.items[self->requirements.count - 1].from = ENTITY_NAMES;
    return what;
}

static const char *remove_requirement(random_spec *self)
{
    return remove_link(self, &self->requirements, "requirement removed");
}

/* ---- listed files ---- */

static const char *add_file(random_spec *self)
{
    if (self->file_count == MAX_FILES)
        return "";
    listed_file *f = &self->files[self->file_count];
    *f = (listed_file){ .id = ++self->numbers, .purpose = ++self->numbers, .about = -1 };
    if (draw(self, 2))
        f->about = (long)some_entity(self)->name;
    for (size_t i = 0; i < self->file_count; i++)
        if (draw(self, 3) == 0)
            f->needs |= UINT32_C(1) << i;
    self->file_count++;
    return "file added";
}

static const char *remove_file(random_spec *self)
{
    if (self->file_count < 2)
        return "";
    size_t gone = draw(self, self->file_count);
    uint32_t below = (UINT32_C(1) << gone) - 1;
    self->file_count--;
    for (size_t i = 0; i < self->file_count; i++) {
        if (i >= gone)
            self->files[i] = self->files[i + 1];
        uint32_t needs = self->files[i].needs;
        self->files[i].needs = (needs & below) | ((needs >> 1) & ~below);
    }
    return "file removed";
}

static const char *change_purpose(random_spec *self)
{
    if (!self->file_count)
        return "";
    self->files[draw(self, self->file_count)].purpose = ++self->numbers;
    return "purpose changed";
}

static const char *change_needs(random_spec *self)
{
    if (self->file_count < 2)
        return "";
    size_t file = 1 + draw(self, self->file_count - 1);
    self->files[file].needs ^= UINT32_C(1) << draw(self, file);
    return "dependency changed";
}

/* ---- life ---- */

typedef const char *(*edit_fn)(random_spec *self);

static const char *edit_nothing(random_spec *self)
{
    (void)self;
    return "";
}

/* Back and forth; what is drawn next is drawn anew. */
static const char *undo(random_spec *self)
{
    if (!self->last)
        return "";
    random_spec now = *self, *last = self->last;
    *self = *last;
    *last = now;
    self->last = last;
    self->source = now.source;
    self->numbers = now.numbers;
    return "last edit undone";
}

static void remember(random_spec *self)
{
    if (!self->last)
        self->last = gc_xmalloc(sizeof *self->last);
    *self->last = *self;
}

const char *random_spec_edit(random_spec *self)
{
    static const edit_fn edits[] = { add_field,       remove_field,       rename_field,
                                     bound_field,     describe,           add_entity,
                                     remove_entity,   rename_entity,      add_relation,
                                     remove_relation, add_contract,       remove_contract,
                                     add_requirement, remove_requirement, edit_nothing,
                                     add_file,        remove_file,        change_purpose,
                                     change_purpose,  change_needs };
    const size_t of_files = 5, all = sizeof edits / sizeof *edits;
    size_t which = draw(self, self->explicit_files ? all : all - of_files);
    if (draw(self, 6) == 0)
        return undo(self);
    remember(self);
    return edits[which](self);
}

random_spec *random_spec_new(uint64_t seed, bool files)
{
    random_spec *self = gc_xcalloc(1, sizeof *self);
    self->source.state = seed;
    self->explicit_files = files;
    add_entity(self);
    add_entity(self);
    for (int i = 0; files && i < 6; i++)
        add_file(self);
    for (int i = 0; i < 6; i++)
        random_spec_edit(self);
    return self;
}

void random_spec_destroy(random_spec **self_p)
{
    if (*self_p)
        free((*self_p)->last);
    free(*self_p);
    *self_p = NULL;
}

/* ---- as text ---- */

/* A permutation of 0 .. count - 1. */
static void shuffle(random_spec *self, size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t k = draw(self, i + 1);
        if (k != i)
            order[i] = order[k];
        order[k] = i;
    }
}

static void print_field(const field *f, gc_buf *out)
{
    gc_buf_printf(out, ", %s: {type: %s", field_names[f->name],
                  f->ref >= 0 ? entity_names[f->ref] : type_names[f->type]);
    if (f->required)
        gc_buf_puts(out, ", required: true");
    if (f->max && f->ref < 0 && f->type == TYPE_INT)
        gc_buf_printf(out, ", max: %zu", f->max);
    gc_buf_puts(out, "}");
}

static void print_entities(random_spec *self, gc_buf *out)
{
    size_t order[MAX_ENTITIES], fields[MAX_FIELDS];
    shuffle(self, order, self->entity_count);
    gc_buf_puts(out, "entities:\n");
    for (size_t i = 0; i < self->entity_count; i++) {
        const entity *e = &self->entities[order[i]];
        gc_buf_printf(out, "- {name: %s, description: Text %zu., attributes: {id: uuid",
                      entity_names[e->name], e->text);
        shuffle(self, fields, e->field_count);
        for (size_t k = 0; k < e->field_count; k++)
            print_field(&e->fields[fields[k]], out);
        gc_buf_puts(out, "}}\n");
    }
}

static void print_relations(random_spec *self, gc_buf *out)
{
    size_t order[MAX_LINKS];
    shuffle(self, order, self->relations.count);
    for (size_t i = 0; i < self->relations.count; i++) {
        const link *l = &self->relations.items[order[i]];
        gc_buf_printf(out, "%s- %s has many %s\n", i ? "" : "relationships:\n",
                      entity_names[l->from], entity_names[l->to]);
    }
}

static void print_contracts(random_spec *self, gc_buf *out)
{
    static const char *const actions[] = { "", "/{id}/close", "/{id}/renew", "/report" };
    size_t order[MAX_LINKS];
    shuffle(self, order, self->contracts.count);
    for (size_t i = 0; i < self->contracts.count; i++) {
        const link *l = &self->contracts.items[order[i]];
        gc_buf_printf(out, "%s- {method: POST, path: '/%ss%s', entity: %s}\n",
                      i ? "" : "api_contracts:\n", entity_names[l->from],
                      actions[l->to - ENTITY_NAMES], entity_names[l->from]);
    }
}

static void print_requirements(random_spec *self, gc_buf *out)
{
    size_t order[MAX_LINKS];
    shuffle(self, order, self->requirements.count);
    for (size_t i = 0; i < self->requirements.count; i++) {
        const link *l = &self->requirements.items[order[i]];
        gc_buf_printf(
            out, "%s- {id: FR-%03zu, description: Every %s lives for %zu days.}\n",
            i ? "" : "requirements:\n", l->number,
            l->from < ENTITY_NAMES ? entity_names[l->from] : "request", l->number);
    }
}

/* Some are no Go: their whole text is what others see of them. */
static void print_path(const listed_file *f, gc_buf *out)
{
    gc_buf_printf(out, f->id % 5 ? "p%zu/f.go" : "docs/n%zu.md", f->id);
}

static void print_files(random_spec *self, gc_buf *out)
{
    size_t order[MAX_FILES];
    shuffle(self, order, self->file_count);
    for (size_t i = 0; i < self->file_count; i++) {
        const listed_file *f = &self->files[order[i]];
        const char *comma = "";
        gc_buf_puts(out, i ? "- {path: " : "files:\n- {path: ");
        print_path(f, out);
        gc_buf_printf(out, ", purpose: part %zu", f->purpose);
        if (f->about >= 0)
            gc_buf_printf(out, ", entities: [%s]", entity_names[f->about]);
        gc_buf_puts(out, ", depends_on: [");
        for (size_t k = 0; k < self->file_count; k++) {
            if (!(f->needs & UINT32_C(1) << k))
                continue;
            gc_buf_puts(out, comma);
            print_path(&self->files[k], out);
            comma = ", ";
        }
        gc_buf_puts(out, "]}\n");
    }
}

static void print_name(random_spec *self, gc_buf *out)
{
    gc_buf_printf(out, "# note %zu\nname: library\n", draw(self, 1000));
}

char *random_spec_yaml(random_spec *self)
{
    typedef void (*print_fn)(random_spec * self, gc_buf * out);
    static const print_fn parts[] = { print_name,         print_entities,
                                      print_relations,    print_contracts,
                                      print_requirements, print_files };
    size_t order[sizeof parts / sizeof *parts];
    gc_buf out;
    gc_buf_init(&out, TEXT_LIMIT);
    shuffle(self, order, sizeof parts / sizeof *parts);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        parts[order[i]](self, &out);
    return gc_buf_take(&out);
}
