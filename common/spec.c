#include "common/spec.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/nfc.h"
#include "common/text.h"

#define MESSAGE_MAX 1600

/* ---- findings ---- */

GC_PRINTF(4, 0)
static void add_finding(gc_diags *diags, gc_severity severity, const gc_node *at,
                        const char *fmt, va_list ap)
{
    char text[MESSAGE_MAX];
    vsnprintf(text, sizeof text, fmt, ap);
    gc_diags_add(diags, severity, at ? at->line : 1, at ? at->column : 1, "%s", text);
}

void gc_spec_error(gc_spec *self, const gc_node *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_finding(self->diags, GC_SEV_ERROR, at, fmt, ap);
    va_end(ap);
}

void gc_spec_warn(gc_spec *self, const gc_node *at, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_finding(self->diags, GC_SEV_WARNING, at, fmt, ap);
    va_end(ap);
}

void gc_spec_rename(gc_spec *self, gc_diags *diags, const gc_node *at, const char *fmt,
                    ...)
{
    char text[MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    gc_strv_add(&self->fcs->renames, text);
    gc_diags_add(diags, GC_SEV_WARNING, at ? at->line : 1, at ? at->column : 1, "%s",
                 text);
}

/* ---- nodes and texts ---- */

const char *gc_spec_kind_words(const gc_node *node)
{
    if (!node || node->kind == GC_NODE_NULL)
        return "nothing";
    return node->kind == GC_NODE_SCALAR ? "text"
           : node->kind == GC_NODE_SEQ  ? "a list"
                                        : "a map";
}

bool gc_spec_is_null(const gc_node *node)
{
    return !node || node->kind == GC_NODE_NULL ||
           (node->kind == GC_NODE_SCALAR &&
            node->text[strspn(node->text, " \t\r\n")] == '\0') ||
           (node->kind >= GC_NODE_SEQ && node->count == 0);
}

bool gc_spec_is_text(const gc_node *node)
{
    return !node || node->kind == GC_NODE_NULL || node->kind == GC_NODE_SCALAR;
}

char *gc_spec_text(gc_spec *self, const gc_node *node, const char *what)
{
    if (!gc_spec_is_text(node)) {
        gc_spec_error(self, node, "%s is %s; write one text", what,
                      gc_spec_kind_words(node));
        return gc_xstrdup("");
    }
    return gc_spec_trim(node ? node->text : "");
}

void gc_spec_sort(void *items, size_t count, size_t size,
                  int (*order)(const void *, const void *))
{
    if (count) /* an empty list may be NULL, which qsort() refuses */
        qsort(items, count, size, order);
}

const gc_node *gc_spec_pick(const gc_node *map, const char *list)
{
    if (!map || map->kind != GC_NODE_MAP)
        return NULL;
    const gc_node *best = NULL;
    const char *best_at = NULL;
    for (size_t i = 0; i < map->count; i++) {
        char *key = gc_spec_key(map->keys[i]->text);
        const char *at = gc_spec_place_in(key, list);
        if (at && !gc_spec_is_null(map->items[i]) && (!best || at < best_at)) {
            best = map->items[i];
            best_at = at;
        }
        free(key);
    }
    return best;
}

/* ---- names and paths ---- */

static bool has_control(const char *text)
{
    size_t len = strlen(text), pos = 0;
    while (pos < len)
        if (gc_rune_is_control(gc_utf8_next(text, len, &pos)))
            return true;
    return false;
}

static bool is_absolute(const char *text)
{
    bool drive = ((text[0] | 32) >= 'a' && (text[0] | 32) <= 'z') && text[1] == ':' &&
                 (text[2] == '\\' || text[2] == '/');
    return text[0] == '/' || text[0] == '\\' || text[0] == '~' || drive;
}

/* ".git" as a whole part of the name, in any case (file systems may fold it). */
static bool has_git(const char *text)
{
    for (const char *p = text; (p = strcasestr(p, ".git")); p++) {
        bool starts = p == text || strchr("/\\ ", p[-1]);
        unsigned char after = (unsigned char)p[4];
        if (starts && (after == '\0' || strchr("/\\ .", (char)after)))
            return true;
    }
    return false;
}

#define SHOWN_MAX 60

/* The start of a name for a message: what cannot be seen is written as its number. */
static char *shown(const char *name)
{
    gc_buf out;
    size_t len = strlen(name), pos = 0;
    gc_buf_init(&out, SHOWN_MAX * 8);
    while (pos < len && out.len < SHOWN_MAX) {
        uint32_t code = gc_utf8_next(name, len, &pos);
        if (gc_rune_is_control(code))
            gc_buf_printf(&out, "\\u%04x", (unsigned)code);
        else
            gc_rune_put(&out, code);
    }
    return gc_buf_take(&out);
}

bool gc_spec_name_ok(gc_spec *self, gc_diags *diags, const gc_node *at, const char *what,
                     const char *name)
{
    const char *problem = NULL;
    (void)self;
    if (name[strspn(name, " \t\r\n")] == '\0')
        problem = "is empty; write a name";
    else if (strlen(name) > GC_SPEC_MAX_NAME)
        problem = "is longer than 200 bytes; shorten it";
    else if (has_control(name))
        problem =
            "holds a control or invisible character; write it with letters, digits and blanks";
    else if (is_absolute(name))
        problem = "looks like an absolute path; write a name";
    else if (strstr(name, ".."))
        problem = "holds \"..\"; write a name";
    else if (has_git(name))
        problem = "holds \".git\"; write a name";
    if (!problem) {
        gc_strv words = { 0 };
        gc_go_words(name, &words);
        if (words.count == 0)
            problem = "has no letter and no digit; write a name";
        gc_strv_release(&words);
    }
    if (!problem)
        return true;
    char *start = shown(name);
    gc_diags_add(diags, GC_SEV_ERROR, at ? at->line : 1, at ? at->column : 1,
                 "the %s \"%s\" %s", what, start, problem);
    free(start);
    return false;
}

static const char *path_problem(const char *path)
{
    if (!*path)
        return "is empty; write a path relative to the project";
    if (strlen(path) > GC_SPEC_MAX_PATH)
        return "is longer than 240 bytes; shorten it";
    if (has_control(path))
        return "holds a control or invisible character; remove it";
    if (is_absolute(path))
        return "is absolute; write it relative to the project, such as internal/order";
    if (strchr(path, '\\'))
        return "holds a backslash; write / between folders";
    if (has_git(path))
        return "holds \".git\"; nothing is generated there, choose another folder";
    for (const char *p = path; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
              (*p >= '0' && *p <= '9') || strchr("/._-+~", *p)))
            return "holds a character that Go import paths refuse; use letters, digits and ._-";
    return NULL;
}

static bool part_is(const char *part, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(part, word, len) == 0;
}

/* Appends the parts of `path` without "." and empty ones; what is wrong with one. */
static const char *put_parts(gc_buf *out, const char *path)
{
    for (size_t len; *path; path += len + (path[len] == '/')) {
        len = strcspn(path, "/");
        if (part_is(path, len, ".."))
            return "holds \"..\"; stay inside of the project";
        if (part_is(path, len, ".gocreator"))
            return "is in .gocreator, which holds the state of the project; choose another "
                   "folder";
        if (!len || part_is(path, len, "."))
            continue;
        if (out->len)
            gc_buf_putc(out, '/');
        gc_buf_append(out, path, len);
    }
    return out->len ? NULL
                    : "names no file or folder; write a path relative to the project";
}

char *gc_spec_path_clean(gc_spec *self, const gc_node *at, const char *what,
                         const char *path)
{
    gc_buf out;
    gc_buf_init(&out, GC_SPEC_MAX_PATH + 1);
    const char *problem = path_problem(path);
    if (!problem)
        problem = put_parts(&out, path);
    if (!problem)
        return gc_buf_take(&out);
    gc_buf_release(&out);
    gc_spec_error(self, at, "the %s \"%.80s\" %s", what, path, problem);
    return NULL;
}

/* ---- did you mean ---- */

void gc_spec_unknown_key(gc_spec *self, const gc_node *key, const char *where,
                         const char *known)
{
    gc_strv words = { 0 };
    gc_strv_split(&words, known, ' ');
    char *written = gc_spec_key(key->text);
    bool shown_at_all = self->diags->count < GC_DIAGS_MAX;
    const char *near =
        shown_at_all ? gc_nearest(written, (const char *const *)words.items, words.count)
                     : NULL;
    if (near)
        gc_spec_warn(self, key,
                     "unknown key \"%.60s\" in %s is ignored; did you mean \"%s\"?",
                     key->text, where, near);
    else
        gc_spec_warn(self, key,
                     "unknown key \"%.60s\" in %s is ignored; remove it or move "
                     "its text to a requirement",
                     key->text, where);
    free(written);
    gc_strv_release(&words);
}

const char *gc_spec_nearest_entity(gc_spec *self, const char *name)
{
    if (!self->nearest_left)
        return NULL;
    self->nearest_left--;
    const char **names = gc_xcalloc(self->entity_count + 1, sizeof *names);
    for (size_t i = 0; i < self->entity_count; i++)
        names[i] = self->entities[i].entity.name;
    const char *near = gc_nearest(name, names, self->entity_count);
    free(names);
    return near;
}

/* ---- additions ---- */

static char *empty(void)
{
    return gc_xstrdup("");
}

gc_spec_entity *gc_spec_add_entity(gc_spec *self, const gc_node *at, const char *name)
{
    char *clean = gc_spec_trim(name);
    if (!gc_spec_name_ok(self, self->diags, at, "entity name", clean)) {
        free(clean);
        return NULL;
    }
    if (self->max_entities && self->entity_count >= self->max_entities) {
        if (!self->over_limit)
            gc_spec_error(
                self, at,
                "more than %zu entities (limits.max_entities); split the spec or "
                "raise the limit",
                self->max_entities);
        self->over_limit = true;
        free(clean);
        return NULL;
    }
    self->entities = gc_grow(self->entities, self->entity_count, &self->entity_cap,
                             sizeof *self->entities);
    gc_spec_entity *e = &self->entities[self->entity_count++];
    *e = (gc_spec_entity){ .at = at, .diags = self->diags };
    e->entity = (gc_entity){ .name = clean, .description = empty(), .package = empty() };
    return e;
}

gc_spec_field *gc_spec_add_field(gc_spec *self, gc_spec_entity *entity, const gc_node *at,
                                 const char *name)
{
    char *clean = gc_spec_trim(name);
    if (!gc_spec_name_ok(self, entity->diags, at, "field name", clean)) {
        free(clean);
        return NULL;
    }
    if (entity->field_count >= GC_SPEC_MAX_FIELDS) {
        if (!entity->over_limit && at)
            gc_diags_add(entity->diags, GC_SEV_ERROR, at->line, at->column,
                         "entity \"%s\" has more than %d fields; split it",
                         entity->entity.name, GC_SPEC_MAX_FIELDS);
        entity->over_limit = true;
        free(clean);
        return NULL;
    }
    entity->fields = gc_grow(entity->fields, entity->field_count, &entity->field_cap,
                             sizeof *entity->fields);
    gc_spec_field *f = &entity->fields[entity->field_count++];
    *f = (gc_spec_field){ .at = at };
    f->field = (gc_field){ .name = clean, .spec_type = empty(), .description = empty() };
    return f;
}

void gc_spec_add_constraint(gc_spec_field *field, const char *text)
{
    if (field->field.constraints.count < GC_SPEC_MAX_VALUES)
        gc_strv_add_unique(&field->field.constraints, text);
}

/* "...", "…", "etc." at the end of a list of values: there are more. */
static bool is_open_mark(const char *text)
{
    return strcmp(text, "...") == 0 || strcmp(text, "\xe2\x80\xa6") == 0 ||
           strcasecmp(text, "etc") == 0 || strcasecmp(text, "etc.") == 0;
}

bool gc_spec_add_value(gc_spec_field *field, const char *text)
{
    char *value = gc_spec_trim(text);
    size_t len = strlen(value);
    if (len > 1 && strchr("'\"`", value[0]) && value[len - 1] == value[0]) {
        value[len - 1] = '\0';
        gc_spec_set(&value, gc_spec_trim(value + 1));
    }
    bool added = true;
    if (is_open_mark(value))
        field->open_enum = true;
    else if (*value)
        added = field->field.enum_values.count < GC_SPEC_MAX_VALUES &&
                gc_strv_add_unique(&field->field.enum_values, value);
    free(value);
    return added;
}

gc_spec_relation *gc_spec_add_relation(gc_spec *self, const gc_node *at)
{
    self->relations = gc_grow(self->relations, self->relation_count, &self->relation_cap,
                              sizeof *self->relations);
    gc_spec_relation *r = &self->relations[self->relation_count++];
    *r = (gc_spec_relation){ .at = at };
    r->relation = (gc_relation){ empty(), empty(), empty(), empty(), empty(), false };
    return r;
}

gc_spec_requirement *gc_spec_add_requirement(gc_spec *self, const gc_node *at,
                                             const char *kind)
{
    self->requirements = gc_grow(self->requirements, self->requirement_count,
                                 &self->requirement_cap, sizeof *self->requirements);
    gc_spec_requirement *r = &self->requirements[self->requirement_count++];
    *r = (gc_spec_requirement){ .at = at };
    r->requirement = (gc_requirement){
        .id = empty(), .kind = gc_xstrdup(kind), .text = empty(), .priority = empty()
    };
    return r;
}

gc_spec_contract *gc_spec_add_contract(gc_spec *self, const gc_node *at)
{
    self->contracts = gc_grow(self->contracts, self->contract_count, &self->contract_cap,
                              sizeof *self->contracts);
    gc_spec_contract *c = &self->contracts[self->contract_count++];
    *c = (gc_spec_contract){ .at = at };
    c->contract = (gc_contract){ empty(), empty(), empty(), empty(),
                                 empty(), empty(), empty(), empty() };
    return c;
}

gc_spec_package *gc_spec_add_package(gc_spec *self, const gc_node *at)
{
    self->packages = gc_grow(self->packages, self->package_count, &self->package_cap,
                             sizeof *self->packages);
    gc_spec_package *p = &self->packages[self->package_count++];
    *p = (gc_spec_package){ .at = at };
    p->package = (gc_package){ empty(), empty(), empty() };
    return p;
}
