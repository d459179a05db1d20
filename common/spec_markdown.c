#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/spec.h"
#include "common/spec_section.h"
#include "common/text.h"

/* The body of a Markdown spec. Headings open sections by their words; below them lists,
 * tables and paragraphs become what the section is about. Table rows and list items turn
 * into nodes as YAML would have given them and go through the same readers. */

typedef struct reader {
    gc_spec *spec;
    gc_section section;
    long level;  /* of the section's heading */
    size_t open; /* entity, requirement or contract below a sub-heading, or SIZE_MAX */
    long open_level;
    char *category; /* "" or a sub-heading */
    bool titled;
    gc_buf description; /* of the project */
    gc_buf pending;     /* text for what is open: joined once, not piece by piece */
    gc_map *rows;       /* entity name -> index + 1, for tables */
    size_t rows_seen;   /* entities that are in it */
} reader;

/* ---- nodes ---- */

static gc_node *keep(gc_spec *spec, gc_node *node)
{
    spec->made = gc_grow(spec->made, spec->made_count, &spec->made_cap, sizeof(void *));
    spec->made[spec->made_count++] = node;
    return node;
}

static gc_node *new_node(gc_spec *spec, gc_node_kind kind, const gc_node *at)
{
    gc_node *node = gc_xcalloc(1, sizeof *node);
    node->kind = kind;
    node->line = at->line;
    node->column = at->column;
    node->text = gc_xstrdup("");
    return keep(spec, node);
}

/* Takes `text`. */
static gc_node *new_scalar(gc_spec *spec, const gc_node *at, char *text)
{
    gc_node *node = new_node(spec, *text ? GC_NODE_SCALAR : GC_NODE_NULL, at);
    gc_spec_set(&node->text, text);
    node->len = strlen(text);
    return node;
}

/* Room for the children of a node. */
static void give_slots(gc_node *node, size_t count)
{
    size_t size = sizeof(void *);
    if (node->kind == GC_NODE_MAP)
        node->keys = gc_xcalloc(count + 1, size);
    node->items = gc_xcalloc(count + 1, size);
    node->count = count;
}

static gc_node *list_of(gc_spec *spec, gc_node *item)
{
    gc_node *list = new_node(spec, GC_NODE_SEQ, item);
    give_slots(list, 1);
    list->items[0] = item;
    return list;
}

static gc_node *text_list(gc_spec *spec, const gc_node *at, const char *text)
{
    return list_of(spec, new_scalar(spec, at, gc_xstrdup(text)));
}

void gc_spec_release_made(gc_spec *self)
{
    for (size_t i = 0; i < self->made_count;
         i++) { /* children are in the list themselves */
        free(self->made[i]->text);
        free(self->made[i]->items);
        free(self->made[i]->keys);
        free(self->made[i]);
    }
    free(self->made);
}

/* ---- what a sub-heading opened ---- */

static char **open_text(reader *self)
{
    gc_spec *spec = self->spec;
    if (self->open == SIZE_MAX)
        return NULL;
    if (self->section == GC_IN_ENTITIES)
        return &spec->entities[self->open].entity.description;
    if (self->section == GC_IN_API)
        return &spec->contracts[self->open].contract.description;
    return gc_section_holds_requirements(self->section)
               ? &spec->requirements[self->open].requirement.text
               : NULL;
}

/* Text that belongs to what the last sub-heading opened; false if nothing is open. */
static bool append_to_open(reader *self, const char *text)
{
    if (!open_text(self))
        return false;
    gc_buf_printf(&self->pending, "%s%s", self->pending.len ? "\n" : "", text);
    return true;
}

static void close_open(reader *self)
{
    char **slot = open_text(self);
    if (slot && self->pending.len)
        gc_spec_set(slot,
                    gc_xasprintf("%s%s%s", *slot, **slot ? "\n" : "", self->pending.ptr));
    gc_buf_reset(&self->pending);
    self->open = SIZE_MAX;
}

/* ---- headings ---- */

static void open_entity(reader *self, const gc_node *at, const char *heading)
{
    static const char *const lead[] = { "Entity: ", "Entity ", "entity: ", "Model: " };
    const char *name = gc_heading_without_number(heading);
    for (size_t i = 0; i < sizeof lead / sizeof *lead; i++)
        if (gc_starts_with(name, lead[i]))
            name += strlen(lead[i]);
    self->open = gc_spec_add_entity(self->spec, at, name) ? self->spec->entity_count - 1
                                                          : SIZE_MAX;
}

/* A heading below the section's own: an entity, a contract, a scenario or a category. */
static void read_sub_heading(reader *self, const gc_node *at, long level,
                             const char *heading)
{
    gc_spec *spec = self->spec;
    bool inner = self->open != SIZE_MAX && level > self->open_level;
    if (self->section == GC_IN_ENTITIES && inner)
        return; /* "Fields" below an entity */
    close_open(self);
    self->open_level = level;
    size_t contracts = spec->contract_count, requirements = spec->requirement_count;
    gc_spec_set(&self->category, gc_xstrdup(""));
    if (self->section == GC_IN_ENTITIES) {
        open_entity(self, at, heading);
    } else if (self->section == GC_IN_API) {
        if (gc_spec_contract_line(spec, at, heading))
            self->open = spec->contract_count > contracts ? contracts : SIZE_MAX;
    } else if (self->section == GC_IN_SCENARIOS) {
        gc_spec_requirement_text(spec, at, "scenario", "",
                                 gc_heading_without_number(heading));
        self->open = spec->requirement_count > requirements ? requirements : SIZE_MAX;
    } else if (gc_section_holds_requirements(self->section)) {
        gc_section s = gc_section_of(heading);
        if (gc_section_holds_requirements(s) && s != GC_IN_OTHER) {
            self->section = s; /* "Functional", then "Non-functional" */
        } else {
            gc_spec_set(&self->category, gc_xstrdup(gc_heading_without_number(heading)));
        }
    }
}

static void read_heading(reader *self, const gc_node *block)
{
    const gc_node *at = gc_node_get(block, "text");
    const char *level_text = gc_node_text(block, "level");
    long level = level_text && *level_text ? *level_text - '0' : 1;
    char *heading = gc_spec_plain(at && at->text ? at->text : "");
    at = at ? at : block;
    gc_section found = gc_section_of(heading);
    bool top = level == 1 && !self->titled;
    bool below = self->section != GC_IN_DESCRIPTION && level > self->level;
    if (top) {
        close_open(self);
        self->titled = true;
        self->section = GC_IN_DESCRIPTION;
        self->level = level;
    } else if (below && (self->section == GC_IN_ENTITIES ||
                         gc_section_holds_requirements(self->section) ||
                         self->section == GC_IN_API)) {
        read_sub_heading(self, at, level, heading);
    } else {
        close_open(self);
        self->section = found;
        self->level = level;
        bool named = found == GC_IN_OTHER || (found == GC_IN_NON_FUNCTIONAL &&
                                              !strcasestr(heading, "requirement"));
        gc_spec_set(&self->category,
                    gc_xstrdup(named ? gc_heading_without_number(heading) : ""));
    }
    free(heading);
}

/* ---- paragraphs and code ---- */

static void add_pattern_text(gc_spec *spec, const char *text)
{
    gc_strv_add(&spec->fcs->patterns, text);
}

static void describe(reader *self, const char *joint, const char *text)
{
    gc_buf_printf(&self->description, "%s%s", self->description.len ? joint : "", text);
}

static void relation_lines(reader *self, const gc_node *at, const char *text)
{
    gc_strv lines = { 0 };
    gc_strv_split(&lines, text, '\n');
    for (size_t i = 0; i < lines.count; i++)
        gc_spec_relation_line(self->spec, at, lines.items[i], NULL);
    gc_strv_release(&lines);
}

static void read_paragraph(reader *self, const gc_node *block)
{
    gc_spec *spec = self->spec;
    const gc_node *at = gc_node_get(block, "text");
    char *text = gc_spec_plain(at && at->text ? at->text : "");
    if (!*text || self->section == GC_IN_NOTHING) {
        free(text);
        return;
    }
    /* "POST /orders creates an order", or text of the entity or scenario above. */
    bool taken = (self->section == GC_IN_API && gc_spec_contract_line(spec, at, text)) ||
                 append_to_open(self, text);
    if (taken) {
        free(text);
        return;
    }
    if (gc_section_holds_requirements(self->section) && self->section != GC_IN_OTHER)
        gc_spec_requirement_text(spec, at, gc_section_kind(self->section), self->category,
                                 text);
    else if (self->section == GC_IN_API)
        gc_spec_requirement_text(spec, at, "functional", "API", text);
    else if (self->section == GC_IN_PATTERNS || self->section == GC_IN_PACKAGES ||
             self->section == GC_IN_DEPENDENCIES)
        add_pattern_text(spec, text);
    else if (self->section == GC_IN_TESTING)
        gc_strv_push(&spec->fcs->testing, gc_xasprintf("testing: %s", text));
    else if (self->section == GC_IN_RELATIONS && strstr(text, " "))
        relation_lines(self, at, text);
    else if (self->section == GC_IN_OTHER && *self->category) {
        char *line = gc_xasprintf("%s: %s", self->category, text);
        describe(self, "\n\n", line);
        free(line);
    } else
        describe(self, "\n\n", text);
    free(text);
}

static void read_code(reader *self, const gc_node *block)
{
    const gc_node *at = gc_node_get(block, "text");
    char *text = gc_spec_trim(at && at->text ? at->text : "");
    if (*text && self->section != GC_IN_NOTHING && !append_to_open(self, text))
        describe(self, "\n\n", text);
    free(text);
}

/* ---- lists ---- */

static bool starts_relation(const char *item)
{
    static const char *const leads[] = {
        "has many",    "has one",      "belongs to",
        "references ", "many to many", "has and belongs"
    };
    for (size_t i = 0; i < sizeof leads / sizeof *leads; i++)
        if (strncasecmp(item, leads[i], strlen(leads[i])) == 0)
            return true;
    return false;
}

static void read_entity_item(reader *self, const gc_node *at, const char *text,
                             bool nested)
{
    gc_spec *spec = self->spec;
    if (self->open != SIZE_MAX && starts_relation(text)) {
        char *owner = gc_xstrdup(spec->entities[self->open].entity.name);
        gc_spec_relation_line(spec, at, text, owner);
        free(owner);
        return;
    }
    if (self->open != SIZE_MAX && (self->open_level || nested)) {
        gc_spec_field_line(spec, self->open, at, text);
        return;
    }
    gc_node *list = text_list(spec, at, text);
    size_t before = spec->entity_count;
    close_open(self);
    gc_spec_read_entities(spec, list);
    self->open = spec->entity_count > before ? before : SIZE_MAX;
    self->open_level = 0; /* opened by an item: only nested items are its fields */
}

/* "internal/user - keeps users" as {internal/user: keeps users}. */
static gc_node *pair_of(gc_spec *spec, const gc_node *at, const char *text)
{
    gc_node *map = new_node(spec, GC_NODE_MAP, at);
    const char *dash = strstr(text, " - "), *colon = strstr(text, ": ");
    const char *end = dash ? dash : colon ? colon : text + strlen(text);
    const char *rest = dash ? dash + 3 : *end ? end + 2 : "";
    give_slots(map, 1);
    map->keys[0] = new_scalar(spec, at, gc_spec_slice(text, (size_t)(end - text)));
    map->items[0] = new_scalar(spec, at, gc_spec_trim(rest));
    return map;
}

static void read_item(reader *self, const gc_node *at, const char *text, bool nested)
{
    gc_spec *spec = self->spec;
    switch (self->section) {
    case GC_IN_ENTITIES: read_entity_item(self, at, text, nested); break;
    case GC_IN_API:
        if (!gc_spec_contract_line(spec, at, text) && !append_to_open(self, text))
            gc_spec_requirement_text(spec, at, "functional", "API", text);
        break;
    case GC_IN_RELATIONS: gc_spec_relation_line(spec, at, text, NULL); break;
    case GC_IN_PACKAGES: gc_spec_read_packages(spec, pair_of(spec, at, text)); break;
    case GC_IN_FILES: gc_spec_read_files(spec, pair_of(spec, at, text)); break;
    case GC_IN_DEPENDENCIES:
        gc_spec_read_dependencies(spec, text_list(spec, at, text));
        break;
    case GC_IN_PATTERNS: gc_spec_read_patterns(spec, text_list(spec, at, text)); break;
    case GC_IN_TESTING: gc_spec_read_testing(spec, text_list(spec, at, text)); break;
    case GC_IN_DESCRIPTION: describe(self, "\n- ", text); break;
    default:
        if (!append_to_open(self, text))
            gc_spec_requirement_text(spec, at, gc_section_kind(self->section),
                                     self->category, text);
        break;
    }
}

/* Nested items are told as part of the item above them, but for those of entities. */
static void read_list(reader *self, const gc_node *block)
{
    const gc_node *items = gc_node_get(block, "items");
    bool whole = self->section == GC_IN_ENTITIES;
    for (size_t i = 0; items && items->kind == GC_NODE_SEQ && i < items->count &&
                       self->section != GC_IN_NOTHING;) {
        const gc_node *at = items->items[i];
        bool nested = gc_starts_with(at->text, "  ");
        gc_buf text;
        gc_buf_init(&text, GC_SPEC_TEXT_LIMIT);
        char *plain = gc_spec_plain(at->text);
        gc_buf_puts(&text, plain);
        free(plain);
        for (i++;
             !whole && i < items->count && gc_starts_with(items->items[i]->text, "  ");
             i++) {
            plain = gc_spec_plain(items->items[i]->text);
            gc_buf_printf(&text, "\n- %s", plain);
            free(plain);
        }
        read_item(self, at, text.ptr, nested);
        gc_buf_release(&text);
    }
}

/* ---- tables ---- */

/* The keys that readers know, for the heads of columns. */
static char *column_key(const char *head)
{
    static const char *const same[][2] = {
        { "field_name attribute_name column_name field attribute column property",
          "name" },
        { "entity_name model", "entity" },
        { "req_id requirement_id no nr", "id" },
        { "comment comments remarks", "description" },
    };
    char *plain = gc_spec_plain(head);
    char *key = strcmp(plain, "#") == 0 ? gc_xstrdup("id") : gc_spec_key(plain);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (gc_spec_is_one_of(key, same[i][0]))
            gc_spec_set(&key, gc_xstrdup(same[i][1]));
    free(plain);
    return key;
}

/* Empty marks say nothing, ticks say yes. */
static char *cell_text(const char *cell)
{
    char *text = gc_spec_plain(cell);
    if (gc_spec_is_one_of(text, "- -- \xe2\x80\x94 \xe2\x80\x93 n/a N/A"))
        gc_spec_set(&text, gc_xstrdup(""));
    else if (gc_spec_is_one_of(text, "x X \xe2\x9c\x93 \xe2\x9c\x94 \xe2\x9c\x85"))
        gc_spec_set(&text, gc_xstrdup("true"));
    return text;
}

static gc_node *row_map(reader *self, const gc_node *header, const gc_node *row)
{
    gc_node *map = new_node(self->spec, GC_NODE_MAP, row);
    size_t count = row->count < header->count ? row->count : header->count;
    give_slots(map, count);
    for (size_t i = 0; i < count; i++) {
        const gc_node *head = header->items[i], *cell = row->items[i];
        map->keys[i] =
            new_scalar(self->spec, head, column_key(head->text ? head->text : ""));
        map->items[i] =
            new_scalar(self->spec, cell, cell_text(cell->text ? cell->text : ""));
    }
    return map;
}

/* entity | field | type: rows of one entity stand together or not. */
static size_t entity_of_row(reader *self, const gc_node *map)
{
    const gc_node *name = gc_spec_pick(map, "entity");
    char *text = gc_spec_trim(name && name->text ? name->text : "");
    gc_spec *spec = self->spec;
    for (; self->rows_seen < spec->entity_count; self->rows_seen++)
        gc_number_set(self->rows, spec->entities[self->rows_seen].entity.name,
                      self->rows_seen + 1);
    size_t found = gc_number_get(self->rows, text);
    if (!found && gc_spec_add_entity(spec, name ? name : map, text))
        found = spec->entity_count;
    free(text);
    return found ? found - 1 : SIZE_MAX;
}

static void hide_key(gc_node *map, const char *key)
{
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) == 0)
            map->items[i]->kind = GC_NODE_NULL;
}

static void read_entity_row(reader *self, gc_node *map)
{
    bool has_entity = gc_spec_pick(map, "entity") != NULL;
    bool has_name = gc_spec_pick(map, "name") != NULL;
    if (has_entity && has_name) {
        size_t entity = entity_of_row(self, map);
        hide_key(map, "entity");
        if (entity != SIZE_MAX)
            gc_spec_read_fields(self->spec, entity, list_of(self->spec, map));
    } else if (self->open != SIZE_MAX && has_name) {
        gc_spec_read_fields(self->spec, self->open, list_of(self->spec, map));
    } else {
        gc_spec_read_entities(self->spec, list_of(self->spec, map));
    }
}

static void read_row(reader *self, gc_node *map)
{
    gc_spec *spec = self->spec;
    switch (self->section) {
    case GC_IN_ENTITIES: read_entity_row(self, map); break;
    case GC_IN_API: gc_spec_read_contracts(spec, list_of(self->spec, map)); break;
    case GC_IN_RELATIONS:
        gc_spec_read_relations(spec, list_of(self->spec, map), NULL);
        break;
    case GC_IN_PACKAGES: gc_spec_read_packages(spec, list_of(self->spec, map)); break;
    case GC_IN_DEPENDENCIES:
        gc_spec_read_dependencies(spec, list_of(self->spec, map));
        break;
    case GC_IN_FILES: gc_spec_read_files(spec, list_of(self->spec, map)); break;
    case GC_IN_PATTERNS: gc_spec_read_patterns(spec, list_of(self->spec, map)); break;
    case GC_IN_TESTING: {
        char *text = gc_spec_flat(map);
        gc_strv_push(&spec->fcs->testing, gc_xasprintf("testing: %s", text));
        free(text);
        break;
    }
    default:
        gc_spec_read_requirements(spec, list_of(self->spec, map),
                                  gc_section_kind(self->section));
        break;
    }
}

static void read_table(reader *self, const gc_node *block)
{
    const gc_node *header = gc_node_get(block, "header"),
                  *rows = gc_node_get(block, "rows");
    if (!header || !rows || self->section == GC_IN_NOTHING)
        return;
    for (size_t i = 0; i < rows->count; i++)
        read_row(self, row_map(self, header, rows->items[i]));
}

void gc_spec_read_body(gc_spec *self, const gc_node *body)
{
    reader r = {
        .spec = self, .open = SIZE_MAX, .category = gc_xstrdup(""), .rows = gc_map_new()
    };
    gc_buf_init(&r.description, GC_SPEC_TEXT_LIMIT);
    gc_buf_init(&r.pending, GC_SPEC_TEXT_LIMIT);
    gc_buf_puts(&r.description, self->fcs->description);
    if (body->kind != GC_NODE_SEQ)
        gc_spec_error(self, body,
                      "body is %s; it is reserved for the text of Markdown specs",
                      gc_spec_kind_words(body));
    for (size_t i = 0; body->kind == GC_NODE_SEQ && i < body->count; i++) {
        const gc_node *block = body->items[i];
        const char *kind = gc_node_text(block, "block");
        if (!kind)
            gc_spec_error(self, block,
                          "body is reserved for the text of Markdown specs; rename "
                          "the key");
        else if (strcmp(kind, "heading") == 0)
            read_heading(&r, block);
        else if (strcmp(kind, "paragraph") == 0)
            read_paragraph(&r, block);
        else if (strcmp(kind, "list") == 0)
            read_list(&r, block);
        else if (strcmp(kind, "table") == 0)
            read_table(&r, block);
        else if (strcmp(kind, "code") == 0)
            read_code(&r, block);
    }
    close_open(&r);
    gc_spec_set(&self->fcs->description, gc_spec_trim(r.description.ptr));
    gc_buf_release(&r.description);
    gc_buf_release(&r.pending);
    gc_map_destroy(&r.rows);
    free(r.category);
}
