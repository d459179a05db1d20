#include "common/spec.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"

/* The grammar of written types: shapes, phrases and modifiers around the words of
 * spec_type_words.c. */

#define DEPTH_MAX 8

typedef struct type_result {
    char *go;
    char *said;
    size_t entity; /* SIZE_MAX: none */
    bool by_id;
    bool optional;
    bool is_enum;
    bool is_known;
} type_result;

typedef struct type_reader {
    gc_spec *spec;
    gc_spec_entity *owner;
    gc_spec_field *field;
    size_t depth;
    bool in_list; /* "list of customers" is one list */
} type_reader;

static void read_type(type_reader *self, const char *text, type_result *out);

static void set(type_result *out, const char *go, const char *said)
{
    gc_spec_set(&out->go, gc_xstrdup(go));
    gc_spec_set(&out->said, gc_xstrdup(said));
    out->is_known = true;
}

static const char *after_word(const char *text, const char *low, const char *const *words,
                              size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (gc_starts_with(low, words[i]))
            return text + strlen(words[i]);
    return NULL;
}

static void release(type_result *r)
{
    free(r->go);
    free(r->said);
}

/* ---- lists, maps, references, enums ---- */

static const char *bare(const char *go)
{
    return go[0] == '*' ? go + 1 : go;
}

static void read_list(type_reader *self, const char *element, type_result *out)
{
    type_result inner = { .entity = SIZE_MAX };
    bool outer = self->in_list;
    self->in_list = true;
    read_type(self, element, &inner);
    self->in_list = outer;
    gc_spec_set(&out->go, gc_xasprintf("[]%s", bare(inner.go)));
    gc_spec_set(&out->said, gc_xasprintf("[]%s", inner.said));
    if (strcmp(inner.go, "uint8") == 0)
        set(out, "[]byte", "bytes");
    out->entity = inner.entity;
    out->by_id = inner.by_id;
    out->is_enum = inner.is_enum;
    out->is_known = true;
    release(&inner);
}

static void read_map(type_reader *self, const char *key, const char *value,
                     type_result *out)
{
    type_result k = { .entity = SIZE_MAX }, v = { .entity = SIZE_MAX };
    read_type(self, key, &k);
    read_type(self, value, &v);
    const char *key_go = gc_spec_is_map_key(k.go) ? k.go : "string";
    gc_spec_set(&out->go, gc_xasprintf("map[%s]%s", key_go, bare(v.go)));
    gc_spec_set(
        &out->said,
        gc_xasprintf("map[%s]%s", gc_spec_is_map_key(k.go) ? k.said : "string", v.said));
    out->entity = v.entity;
    out->by_id = v.by_id;
    out->is_enum = v.is_enum;
    out->is_known = true;
    release(&k);
    release(&v);
}

static void use_entity(type_reader *self, size_t entity, type_result *out)
{
    const char *name = self->spec->entities[entity].entity.go_name;
    gc_spec_set(&out->go, gc_xasprintf("*%s", name));
    gc_spec_set(&out->said, gc_xstrdup(name));
    out->entity = entity;
    out->is_known = true;
}

/* "ref Order", "foreign key to Order": `target` is what follows; by id keeps an id type. */
static void read_reference(type_reader *self, const char *target, bool by_id,
                           const char *id_type, type_result *out)
{
    char *name = gc_spec_trim(target);
    size_t end = strcspn(name, ".( ");
    size_t entity = gc_spec_find_entity(self->spec, name);
    if (entity == SIZE_MAX && name[end]) { /* users.id, User (id) */
        name[end] = '\0';
        entity = gc_spec_find_entity(self->spec, name);
    }
    if (entity != SIZE_MAX) {
        use_entity(self, entity, out);
        out->by_id = by_id;
        if (by_id)
            gc_spec_set(&out->go, gc_xstrdup(id_type));
    } else {
        const char *near = gc_spec_nearest_entity(self->spec, name);
        gc_diags_add(self->owner->diags, GC_SEV_ERROR, self->field->at->line,
                     self->field->at->column,
                     "field \"%s\" refers to the unknown entity \"%.60s\"; %s%s%s",
                     self->field->field.name, name,
                     near ? "did you mean \"" : "add it to entities", near ? near : "",
                     near ? "\"?" : "");
        set(out, "string", name);
    }
    free(name);
}

/* "a, b or c", "a|b", "a / b". */
static void read_enum(type_reader *self, const char *values, type_result *out)
{
    gc_spec_field *f = self->field;
    char separator = strchr(values, ',')   ? ','
                     : strchr(values, '|') ? '|'
                     : strchr(values, ';') ? ';'
                                           : '/';
    bool given =
        f->field.enum_values.count > 0; /* a list of values beside the type wins */
    gc_strv parts = { 0 };
    gc_strv_split(&parts, values + strspn(values, " :="), separator);
    for (size_t i = 0; i < parts.count && i < GC_SPEC_MAX_VALUES && !given; i++) {
        const char *part = parts.items[i];
        const char *last = strstr(part, " or ");
        if (gc_starts_with(part, "or "))
            part += 3;
        if (last && last != part) {
            char *first = gc_spec_slice(part, (size_t)(last - part));
            gc_spec_add_value(f, first);
            free(first);
            part = last + 4;
        }
        gc_spec_add_value(f, part);
    }
    gc_strv_release(&parts);
    set(out, "string", "enum");
    out->is_enum = true;
}

/* ---- modifiers: words behind the type ---- */

/* "string, required, max 10": the first part is the type. */
static bool read_parts(type_reader *self, const char *text, type_result *out)
{
    size_t comma = gc_spec_find_outside(text, ',');
    if (!text[comma])
        comma = gc_spec_find_outside(text, ';');
    if (!text[comma])
        return false;
    char *type = gc_spec_slice(text, comma);
    read_type(self, type, out);
    free(type);
    const char *rest = text + comma + 1;
    while (*rest) {
        size_t len = gc_spec_find_outside(rest, ',');
        char *part = gc_spec_slice(rest, len);
        gc_spec_read_modifier(self->field, part);
        free(part);
        rest += len + (rest[len] == ',');
    }
    return true;
}

/* "string required unique": known words at the end. */
static bool read_trailing(type_reader *self, const char *text, type_result *out)
{
    static const char *const tails[] = { " required",     " unique",   " optional",
                                         " nullable",     " not null", " primary key",
                                         " indexed",      " pk",       " (optional)",
                                         " (required)",   " (unique)", " (nullable)",
                                         " (primary key)" };
    char *low = gc_spec_lower(text);
    bool found = false;
    for (size_t i = 0; i < sizeof tails / sizeof *tails && !found; i++) {
        if (!gc_ends_with(low, tails[i]))
            continue;
        size_t cut = strlen(low) - strlen(tails[i]);
        char *type = gc_spec_slice(text, cut);
        char *word = gc_spec_slice(text + cut, strlen(tails[i]));
        size_t len = strlen(word);
        if (word[0] == '(') {
            word[len - 1] = '\0';
            memmove(word, word + 1, len - 1);
        }
        gc_spec_read_modifier(self->field, word);
        read_type(self, type, out);
        free(type);
        free(word);
        found = true;
    }
    free(low);
    return found;
}

/* ---- the grammar ---- */

static bool read_call(type_reader *self, const char *text, type_result *out)
{
    char *head = NULL, *inner = NULL;
    const char *said = NULL;
    if (!gc_spec_split_call(text, &head, &inner))
        return false;
    char *word = gc_spec_normal(head);
    const char *go = gc_spec_type_word(word, &said);
    size_t comma = gc_spec_find_outside(inner, ',');
    bool done = true;
    if (gc_spec_is_one_of(word, "list array slice set collection sequence vector"))
        read_list(self, inner, out);
    else if (gc_spec_is_one_of(word, "map dict dictionary hashmap record") &&
             inner[comma]) {
        char *key = gc_spec_slice(inner, comma);
        read_map(self, key, inner + comma + 1, out);
        free(key);
    } else if (gc_spec_is_one_of(word, "optional nullable maybe option")) {
        read_type(self, inner, out);
        out->optional = true;
    } else if (gc_spec_is_one_of(word, "enum enumeration oneof choice choices select") ||
               strcmp(word, "one of") == 0 ||
               (go && strcmp(go, "string") == 0 && strchr(inner, '|')))
        read_enum(self, inner, out);
    else if (gc_spec_is_one_of(word, "ref reference relation link entity"))
        read_reference(self, inner, false, "", out);
    else if (gc_spec_is_one_of(word, "fk") || strcmp(word, "foreign key") == 0)
        read_reference(self, inner, true, "string", out);
    else if (go) {
        set(out, go, said);
        gc_spec_add_size(self->field, go, inner);
    } else
        done = false;
    free(word);
    free(inner);
    free(head);
    return done;
}

/* "list of X", "map of X to Y", "ref X", "uuid references X", "enum: a, b". */
static bool read_phrase(type_reader *self, const char *text, type_result *out)
{
    static const char *const lists[] = { "list of ",  "array of ",      "set of ",
                                         "slice of ", "collection of ", "many ",
                                         "multiple " };
    static const char *const enums[] = { "enum:", "enum ", "one of ",
                                         "one of: ", "enumeration " };
    static const char *const refs[] = {
        "ref ", "reference to ", "references ", "link to ", "-> ", "ref:", "->"
    };
    static const char *const ids[] = { "fk to ",       "fk ",    "foreign key to ",
                                       "foreign key ", "id of ", "uuid of " };
    char *low = gc_spec_lower(text);
    const char *rest, *joint = strstr(low, " to ");
    bool done = true;
    if ((rest = after_word(text, low, lists, sizeof lists / sizeof *lists)))
        read_list(self, rest, out);
    else if ((rest = after_word(text, low, enums, sizeof enums / sizeof *enums)))
        read_enum(self, rest, out);
    else if (strcmp(low, "enum") == 0)
        read_enum(self, "", out);
    else if ((rest = after_word(text, low, ids, sizeof ids / sizeof *ids)))
        read_reference(self, rest, true, "string", out);
    else if ((rest = after_word(text, low, refs, sizeof refs / sizeof *refs)))
        read_reference(self, rest, false, "", out);
    else if (gc_starts_with(low, "map of ") && joint) {
        char *key = gc_spec_slice(text + 7, (size_t)(joint - low - 7));
        read_map(self, key, text + (joint - low) + 4, out);
        free(key);
    } else
        done = false;
    free(low);
    return done;
}

/* "uuid references User", "int fk users": an id of that type. */
static bool read_keyed_reference(type_reader *self, const char *text, type_result *out)
{
    static const char *const joints[] = { " references ", " ref ", " fk ",
                                          " foreign key ", " -> " };
    char *low = gc_spec_lower(text);
    bool found = false;
    for (size_t i = 0; i < sizeof joints / sizeof *joints && !found; i++) {
        const char *at = strstr(low, joints[i]);
        if (!at)
            continue;
        char *type = gc_spec_slice(text, (size_t)(at - low));
        const char *said = NULL;
        char *word = gc_spec_normal(type);
        const char *go = gc_spec_type_word(word, &said);
        const char *target = text + (at - low) + strlen(joints[i]);
        if (go) {
            found = true;
            read_reference(self, gc_starts_with(target, "to ") ? target + 3 : target,
                           true, go, out);
        }
        free(word);
        free(type);
    }
    free(low);
    return found;
}

/* "a | b | null": a nullable type, or values. */
static bool read_union(type_reader *self, const char *text, type_result *out)
{
    if (!text[gc_spec_find_outside(text, '|')])
        return false;
    gc_strv parts = { 0 }, rest = { 0 };
    gc_strv_split(&parts, text, '|');
    for (size_t i = 0; i < parts.count; i++)
        if (!gc_spec_is_one_of(parts.items[i], "null nil None undefined"))
            gc_strv_add(&rest, parts.items[i]);
    bool nullable = rest.count < parts.count;
    if (rest.count == 1) {
        read_type(self, rest.items[0], out);
    } else {
        char *values = gc_strv_join(&rest, ",");
        read_enum(self, values, out);
        free(values);
    }
    out->optional = out->optional || nullable;
    gc_strv_release(&parts);
    gc_strv_release(&rest);
    return true;
}

/* decimal.Decimal stays if the spec names a module called decimal. */
static bool read_qualified(type_reader *self, const char *text, type_result *out)
{
    const char *dot = strchr(text, '.');
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if (!dot || dot == text || !(dot[1] >= 'A' && dot[1] <= 'Z') ||
        strspn(text, letters) != (size_t)(dot - text) ||
        strspn(dot + 1, letters) != strlen(dot + 1))
        return false;
    for (size_t i = 0; i < self->spec->module_count; i++)
        if (gc_spec_module_has_name(self->spec->modules[i].module.path, text,
                                    (size_t)(dot - text))) {
            set(out, text, text);
            return true;
        }
    return false;
}

/* A known type with words behind it: "integer greater than 0", "text of the note". */
static bool read_prefix(type_reader *self, const char *text, type_result *out)
{
    size_t blank = strcspn(text, " ");
    if (!text[blank])
        return false;
    char *first = gc_spec_slice(text, blank);
    const char *said = NULL;
    char *word = gc_spec_normal(first);
    const char *go = gc_spec_type_word(word, &said);
    if (go) {
        set(out, go, said);
        gc_spec_read_modifier(self->field, text + blank + 1);
    }
    free(word);
    free(first);
    return go != NULL;
}

static void read_unknown(type_reader *self, const char *text, type_result *out)
{
    gc_spec_field *f = self->field;
    const char *near = gc_spec_nearest_entity(self->spec, text);
    gc_diags_add(self->owner->diags, GC_SEV_WARNING, f->at->line, f->at->column,
                 "field \"%s\" has the unknown type \"%.60s\", taken as string; %s%s%s",
                 f->field.name, text,
                 near ? "did you mean \"" : "write a type or an entity", near ? near : "",
                 near ? "\"?" : "");
    set(out, "string", text);
    if (strchr(text, ' ') && !*f->field.description)
        gc_spec_set(&f->field.description, gc_xstrdup(text));
}

/* "[]T", "T[]", "[4]T", "map[K]V", "*T", "T?", "optional T". */
static bool read_go_shape(type_reader *self, const char *text, type_result *out)
{
    size_t len = strlen(text);
    if (text[0] == '[') {
        size_t close = strcspn(text, "]");
        if (!text[close] || !text[close + 1])
            return false;
        read_list(self, text + close + 1, out);
        return true;
    }
    if (len > 2 && strcmp(text + len - 2, "[]") == 0) {
        char *element = gc_spec_slice(text, len - 2);
        read_list(self, element, out);
        free(element);
        return true;
    }
    if (strncasecmp(text, "map[", 4) == 0 &&
        text[4 + gc_spec_find_outside(text + 4, ']')] &&
        text[5 + gc_spec_find_outside(text + 4, ']')]) {
        size_t close = gc_spec_find_outside(text + 4, ']');
        char *key = gc_spec_slice(text + 4, close);
        read_map(self, key, text + 5 + close, out);
        free(key);
        return true;
    }
    if (len > 1 && (text[0] == '*' || text[len - 1] == '?')) {
        char *inner =
            text[0] == '*' ? gc_xstrdup(text + 1) : gc_spec_slice(text, len - 1);
        read_type(self, inner, out);
        out->optional = true;
        free(inner);
        return true;
    }
    if (strncasecmp(text, "optional ", 9) == 0 ||
        strncasecmp(text, "nullable ", 9) == 0) {
        read_type(self, text + 9, out);
        out->optional = out->optional || (text[0] | 32) == 'n';
        return true;
    }
    return false;
}

/* A type of a module that the spec does not name becomes a plainer one: said once. */
static void tell_plainer(type_reader *self, const char *text, const char *go)
{
    static const char fmt[] = "the type \"%.60s\" is taken as %s; name its module under "
                              "dependencies to keep it";
    char said[200];
    const char *dot = strchr(text, '.');
    size_t len = dot ? (size_t)(dot - text) : 0;
    char *package = gc_spec_slice(text, len);
    snprintf(said, sizeof said, fmt, text, go);
    if (gc_spec_is_one_of(package, "decimal money uuid ulid") &&
        !gc_strv_has(&self->spec->fcs->renames, said))
        gc_spec_rename(self->spec, self->owner->diags, self->field->at, fmt, text, go);
    free(package);
}

/* A list of values that the spec has given a name. */
static bool read_named_enum(type_reader *self, const char *text, type_result *out)
{
    const gc_node *values = gc_spec_find_enum(self->spec, text);
    if (!values)
        return false;
    if (!self->field->field.enum_values.count)
        gc_spec_read_values(self->spec, self->field, values);
    set(out, "string", "enum");
    out->is_enum = true;
    return true;
}

static void read_word(type_reader *self, const char *text, type_result *out)
{
    const char *said = NULL;
    if (read_qualified(self, text, out))
        return;
    size_t entity = gc_spec_find_entity(self->spec, text);
    char *word = gc_spec_normal(text);
    const char *go = gc_spec_type_word(word, &said);
    bool exact =
        entity != SIZE_MAX && strcmp(self->spec->entities[entity].entity.name, text) == 0;
    if (!exact && read_named_enum(self, text, out))
        ; /* the spec's own words come before ours */
    else if (go && !exact) {
        set(out, go, said);
        tell_plainer(self, text, go);
    } else if (entity != SIZE_MAX) {
        use_entity(self, entity, out);
        bool plural = !self->in_list && gc_ends_with(text, "s") &&
                      !gc_ends_with(self->spec->entities[entity].entity.name, "s");
        if (plural) {
            gc_spec_set(&out->go, gc_xasprintf("[]%s", bare(out->go)));
            gc_spec_set(&out->said, gc_xasprintf("[]%s", out->said));
        }
    } else if (!read_prefix(self, text, out))
        read_unknown(self, text, out);
    free(word);
}

static void read_type(type_reader *self, const char *text, type_result *out)
{
    char *clean = gc_spec_trim(text);
    if (!*clean || self->depth >= DEPTH_MAX) {
        set(out, "string", "string");
        free(clean);
        return;
    }
    self->depth++;
    /* Most types are one word, which nothing but read_word() can take. */
    bool word = clean[strspn(clean, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0' &&
                strcmp(clean, "enum") != 0;
    bool done =
        !word && (read_go_shape(self, clean, out) || read_call(self, clean, out) ||
                  read_trailing(self, clean, out) || read_phrase(self, clean, out) ||
                  read_parts(self, clean, out) || read_union(self, clean, out) ||
                  read_keyed_reference(self, clean, out));
    if (!done)
        read_word(self, clean, out);
    self->depth--;
    free(clean);
}

/* ---- the result in the field ---- */

/* Without a type the name often tells. */
static const char *type_by_name(const gc_spec *spec, const gc_field *f)
{
    const char *json = f->json_name;
    if (gc_ends_with(json, "_at") || gc_ends_with(json, "_date") ||
        strcmp(json, "date") == 0)
        return "timestamp";
    if (gc_starts_with(json, "is_") || gc_starts_with(json, "has_"))
        return "boolean";
    size_t entity = gc_spec_find_entity(spec, f->name);
    return entity != SIZE_MAX ? f->name : "string";
}

static void apply_enum(gc_spec_entity *entity, gc_spec_field *field, type_result *r)
{
    gc_field *f = &field->field;
    const char *go = r->go;
    if (f->enum_values.count == 0) {
        gc_diags_add(
            entity->diags, GC_SEV_WARNING, field->at->line, field->at->column,
            "field \"%s\" is an enum without values, taken as string; add values: [a, b]",
            f->name);
        return;
    }
    bool list = gc_starts_with(go, "[]");
    const char *prefix = list ? "[]" : gc_starts_with(go, "map[") ? "map[string]" : "";
    if (strcmp(go + (list ? 2 : 0), "string") != 0 &&
        !*prefix) { /* numbers stay numbers */
        char *values = gc_strv_join(&f->enum_values, ", ");
        gc_strv_push(&f->constraints, gc_xasprintf("one_of=%s", values));
        gc_strv_release(&f->enum_values);
        free(values);
        return;
    }
    char *type = gc_xasprintf("%s%s%s", prefix, entity->entity.go_name, f->go_name);
    gc_spec_set(&r->go, type);
    gc_spec_set(&r->said, gc_xasprintf("%senum", prefix));
}

void gc_spec_resolve_type(gc_spec *self, gc_spec_entity *entity, gc_spec_field *field)
{
    gc_field *f = &field->field;
    type_reader reader = { self, entity, field, 0, false };
    type_result r = { .entity = SIZE_MAX };
    const char *text = f->spec_type;
    if (!*text)
        text = f->enum_values.count ? "string" : type_by_name(self, f);
    char *copy = gc_xstrdup(text);
    read_type(&reader, copy, &r);
    free(copy);
    const char *said, *number = gc_spec_number_format(field, r.go, &said);
    if (number) {
        gc_spec_set(&r.go, gc_xstrdup(number));
        gc_spec_set(&r.said, gc_xstrdup(said));
    }
    if (field->is_enum || r.is_enum)
        apply_enum(entity, field, &r);
    if ((field->optional || r.optional) && !strchr("*[", r.go[0]) &&
        !gc_starts_with(r.go, "map[") && strcmp(r.go, "any") != 0)
        gc_spec_set(&r.go, gc_xasprintf("*%s", r.go));
    gc_spec_set(&f->go_type, r.go);
    gc_spec_set(&f->spec_type, r.said);
    if (r.entity != SIZE_MAX) {
        gc_spec_set(&f->ref, gc_xstrdup(self->entities[r.entity].entity.go_name));
        f->ref_by_id = r.by_id;
    }
    gc_strv_sort(&f->constraints);
}
