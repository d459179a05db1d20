#include "common/spec.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

/* ---- one field as a map ---- */

static const char name_keys[] = "name attribute field column property";
static const char type_keys[] = "type data_type datatype";
static const char value_keys[] =
    "enum values enum_values options allowed_values choices one_of";

static bool read_flag(gc_spec *self, const gc_node *node, const char *key)
{
    const char *text = node->kind == GC_NODE_SCALAR ? node->text : "";
    if (gc_spec_is_one_of(text, "true True TRUE yes Yes YES on 1 y"))
        return true;
    if (!gc_spec_is_one_of(text, "false False FALSE no No NO off 0 n"))
        gc_spec_error(self, node, "%s is %s; write true or false", key,
                      *text ? text : gc_spec_kind_words(node));
    return false;
}

static void add_value(gc_spec *self, gc_spec_field *f, const gc_node *at,
                      const char *text)
{
    if (text[strspn(text, " \t\r\n")] == '\0')
        gc_spec_error(self, at, "field \"%s\" has an empty value; remove it",
                      f->field.name);
    else if (!gc_spec_add_value(f, text))
        gc_spec_error(self, at,
                      "field \"%s\" lists the value \"%.60s\" twice; remove one",
                      f->field.name, text);
}

void gc_spec_read_values(gc_spec *self, gc_spec_field *f, const gc_node *node)
{
    f->is_enum = true;
    if (node->kind == GC_NODE_SCALAR) {
        gc_strv parts = { 0 };
        gc_strv_split(&parts, node->text, ',');
        for (size_t i = 0; i < parts.count && i < GC_SPEC_MAX_VALUES; i++)
            add_value(self, f, node, parts.items[i]);
        gc_strv_release(&parts);
        return;
    }
    if (node->count > GC_SPEC_MAX_VALUES)
        gc_spec_error(self, node, "field \"%s\" has more than %d values; use an entity",
                      f->field.name, GC_SPEC_MAX_VALUES);
    for (size_t i = 0; i < node->count && i < GC_SPEC_MAX_VALUES; i++) {
        const gc_node *item = node->kind == GC_NODE_MAP ? node->keys[i] : node->items[i];
        const gc_node *value =
            item->kind == GC_NODE_MAP ? gc_spec_pick(item, "value name key id") : item;
        if (value && gc_spec_is_text(value))
            add_value(self, f, value, value->text ? value->text : "");
        else
            gc_spec_error(self, item,
                          "a value of field \"%s\" is %s; write a list of texts",
                          f->field.name, gc_spec_kind_words(value));
    }
}

/* One name for each way to say it: minLength, min_len -> min_length. */
static const char *constraint_name(const char *key)
{
    static const char *const same[][2] = {
        { "minimum min_value gte", "min" },
        { "maximum max_value lte", "max" },
        { "min_len minlength", "min_length" },
        { "max_len maxlength size", "max_length" },
        { "regex regexp", "pattern" },
        { "pk primary is_primary", "primary_key" },
        { "index", "indexed" },
        { "read_only", "readonly" },
        { "examples", "example" },
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (gc_spec_is_one_of(key, same[i][0]))
            return same[i][1];
    return key;
}

static void add_constraint(gc_spec_field *f, const char *key, const gc_node *node)
{
    char *text = gc_spec_flat(node);
    const char *name = constraint_name(key);
    if (gc_spec_is_one_of(text, "true True yes"))
        gc_spec_add_constraint(f, name);
    else if (*text && !gc_spec_is_one_of(text, "false False no")) {
        char *constraint = gc_xasprintf("%s=%s", name, text);
        gc_spec_add_constraint(f, constraint);
        free(constraint);
    }
    free(text);
}

static void read_constraints(gc_spec_field *f, const gc_node *node)
{
    if (node->kind == GC_NODE_SEQ) {
        for (size_t i = 0; i < node->count; i++)
            read_constraints(f, node->items[i]);
    } else if (node->kind == GC_NODE_MAP) {
        for (size_t i = 0; i < node->count; i++) {
            char *key = gc_spec_key(node->keys[i]->text);
            if (gc_spec_is_one_of(key, "required not_null"))
                f->field.required =
                    f->field.required ||
                    gc_spec_is_one_of(node->items[i]->text ? node->items[i]->text : "",
                                      "true yes");
            else if (strcmp(key, "unique") == 0)
                f->field.unique = true;
            else
                add_constraint(f, key, node->items[i]);
            free(key);
        }
    } else if (!gc_spec_is_null(node)) {
        char *text = gc_spec_trim(node->text);
        if (gc_spec_is_one_of(text, "required not_null"))
            f->field.required = true;
        else if (strcmp(text, "unique") == 0)
            f->field.unique = true;
        else
            gc_spec_add_constraint(f, text);
        free(text);
    }
}

/* The element of a list type stands beside it: {type: list, items: string}. */
static char *type_of(gc_spec *self, const gc_node *map)
{
    const gc_node *type = gc_spec_pick(map, type_keys);
    char *text = NULL;
    if (type && type->kind == GC_NODE_SEQ) { /* [string, "null"] */
        text = gc_spec_flat(type);
        gc_spec_error(self, type,
                      "the type is a list; write one type, such as \"string?\"");
        text[0] = '\0';
    } else if (type && type->kind == GC_NODE_MAP) {
        text = gc_xstrdup("object");
    } else {
        text = gc_spec_text(self, type, "the type");
    }
    const gc_node *items = gc_spec_pick(map, "items item_type element_type of elements");
    if (items && gc_spec_is_one_of(text, "list array slice set collection")) {
        const gc_node *inner =
            items->kind == GC_NODE_MAP ? gc_spec_pick(items, type_keys) : items;
        char *element = gc_spec_text(self, inner, "the type of the items");
        gc_spec_set(&text, gc_xasprintf("[]%s", *element ? element : "string"));
        free(element);
    }
    const gc_node *target = gc_spec_pick(map, "ref references reference entity target");
    if (target && gc_spec_is_text(target) &&
        (!*text || gc_spec_is_one_of(text, "ref reference relation")))
        gc_spec_set(&text, gc_xasprintf("ref %s", target->text));
    else if (target && gc_spec_is_text(target))
        gc_spec_set(&text, gc_xasprintf("%s references %s", text, target->text));
    const gc_node *foreign = gc_spec_pick(map, "foreign_key fk");
    if (foreign && gc_spec_is_text(foreign) &&
        !gc_spec_is_one_of(foreign->text, "true false yes no"))
        gc_spec_set(&text, gc_xasprintf("%s references %s", *text ? text : "string",
                                        foreign->text));
    return text;
}

static void read_field_key(gc_spec *self, gc_spec_field *f, const char *key,
                           const gc_node *value)
{
    static const char type_parts[] =
        "items item_type element_type of elements ref references reference entity target "
        "foreign_key fk";
    if (gc_spec_is_null(value) || gc_spec_is_one_of(key, name_keys) ||
        gc_spec_is_one_of(key, type_keys) || gc_spec_is_one_of(key, type_parts))
        return;
    if (gc_spec_is_one_of(key, "description desc comment purpose note notes summary"))
        gc_spec_set(&f->field.description, gc_spec_text(self, value, "the description"));
    else if (strcmp(key, "required") == 0)
        f->field.required = read_flag(self, value, key);
    else if (strcmp(key, "optional") == 0)
        f->field.required = !read_flag(self, value, key) || f->field.required;
    else if (gc_spec_is_one_of(key, "nullable null"))
        f->optional = read_flag(self, value, key) || f->optional;
    else if (strcmp(key, "unique") == 0)
        f->field.unique = read_flag(self, value, key);
    else if (gc_spec_is_one_of(key, "default default_value"))
        gc_spec_set(&f->field.default_value, gc_spec_flat(value));
    else if (gc_spec_is_one_of(key, value_keys))
        gc_spec_read_values(self, f, value);
    else if (gc_spec_is_one_of(key, "constraints validation validations rules validate"))
        read_constraints(f, value);
    else
        add_constraint(f, key, value);
}

static void read_field_map(gc_spec *self, size_t entity, const gc_node *at,
                           const char *name, const gc_node *map)
{
    gc_spec_field *f = gc_spec_add_field(self, &self->entities[entity], at, name);
    if (!f)
        return;
    gc_spec_set(&f->field.spec_type, type_of(self, map));
    for (size_t i = 0; i < map->count; i++) {
        char *key = gc_spec_key(map->keys[i]->text);
        read_field_key(self, f, key, map->items[i]);
        free(key);
    }
}

/* ---- one field in a line ---- */

/* The first " - ", " -- ", " – " or " — " outside of brackets; its length in *len. */
static const char *find_dash(const char *text, size_t *len)
{
    static const char *const dashes[] = { " - ", " -- ", " \xe2\x80\x93 ",
                                          " \xe2\x80\x94 " };
    const char *best = NULL;
    for (size_t i = 0; i < sizeof dashes / sizeof *dashes; i++) {
        const char *at = strstr(text, dashes[i]);
        if (at && (!best || at < best)) {
            best = at;
            *len = strlen(dashes[i]);
        }
    }
    return best;
}

/* Position of the bracket that closes the one at text[0], or of the end. */
static size_t closing(const char *text)
{
    size_t depth = 0, i = 0;
    for (; text[i]; i++) {
        if (strchr("([{<", text[i]))
            depth++;
        else if (strchr(")]}>", text[i]) && --depth == 0)
            break;
    }
    return i;
}

typedef struct field_parts {
    char *name;
    char *type;
    char *description;
} field_parts;

/* "name (type)", "name (type): text", with the bracket at `open`. */
static void split_bracket(field_parts *parts, const char *text, size_t open)
{
    size_t close = closing(text + open);
    parts->name = gc_spec_slice(text, open);
    parts->type = gc_spec_slice(text + open + 1, close ? close - 1 : 0);
    const char *rest = text[open + close] ? text + open + close + 1 : "";
    parts->description = gc_spec_trim(rest + strspn(rest, " :,-"));
}

static void split_line(field_parts *parts, const char *line)
{
    size_t dash_len = 0;
    const char *dash = find_dash(line, &dash_len);
    char *head = gc_spec_slice(line, dash ? (size_t)(dash - line) : strlen(line));
    size_t colon = strcspn(head, ":"), open = strcspn(head, "("),
           blank = strcspn(head, " ");
    if (open && open < colon && head[open] && blank + 1 == open) {
        split_bracket(parts, head, open);
    } else if (head[colon]) {
        parts->name = gc_spec_slice(head, colon);
        parts->type = gc_spec_trim(head + colon + 1);
    } else if (head[blank] && blank < open + 1) {
        parts->name = gc_spec_slice(head, blank);
        parts->type = gc_spec_trim(head + blank);
    } else {
        parts->name = gc_xstrdup(head);
        parts->type = gc_xstrdup("");
    }
    if (dash)
        gc_spec_set(&parts->description, gc_spec_trim(dash + dash_len));
    if (!parts->description)
        parts->description = gc_xstrdup("");
    free(head);
}

void gc_spec_field_line(gc_spec *self, size_t entity, const gc_node *at, const char *line)
{
    char *plain = gc_spec_plain(line);
    field_parts parts = { 0 };
    split_line(&parts, plain);
    gc_spec_field *f = gc_spec_add_field(self, &self->entities[entity], at, parts.name);
    if (f) {
        gc_spec_set(&f->field.spec_type, gc_xstrdup(parts.type));
        gc_spec_set(&f->field.description, gc_xstrdup(parts.description));
    }
    free(parts.name);
    free(parts.type);
    free(parts.description);
    free(plain);
}

bool gc_spec_looks_like_fields(const char *text)
{
    gc_strv parts = { 0 };
    gc_strv_split(&parts, text, ',');
    bool fields = parts.count > 0;
    for (size_t i = 0; i < parts.count && fields; i++) {
        const char *part = parts.items[i];
        const char *second = strchr(part, ' ');
        if (!second || strpbrk(part, ":([<"))
            continue;
        char *word = gc_spec_slice(second + 1, strcspn(second + 1, " "));
        fields = gc_spec_is_type_word(second + 1) || gc_spec_is_type_word(word);
        free(word);
    }
    gc_strv_release(&parts);
    return fields;
}

void gc_spec_field_list(gc_spec *self, size_t entity, const gc_node *at, const char *line)
{
    size_t depth = 0, start = 0;
    for (size_t i = 0;; i++) {
        char c = line[i];
        if (c && strchr("([{<", c))
            depth++;
        else if (c && depth && strchr(")]}>", c))
            depth--;
        if (c && (depth || !strchr(",;\n", c)))
            continue;
        char *part = gc_spec_slice(line + start, i - start);
        if (*part)
            gc_spec_field_line(self, entity, at, part);
        free(part);
        start = i + 1;
        if (!c)
            break;
    }
}

/* ---- lists and maps of fields ---- */

/* A map below a field's name that has none of a field's own keys describes an object. */
static bool describes_field(const gc_node *map)
{
    static const char own[] =
        "type data_type datatype required optional nullable unique default default_value "
        "description desc comment enum values enum_values options allowed_values choices min "
        "max minimum maximum min_length max_length pattern format length constraints validation "
        "validations ref references reference entity target foreign_key fk items primary_key pk";
    for (size_t i = 0; i < map->count; i++) {
        char *key = gc_spec_key(map->keys[i]->text);
        bool known = gc_spec_is_one_of(key, own);
        free(key);
        if (known)
            return true;
    }
    return map->count == 0;
}

static void read_object(gc_spec *self, size_t entity, const gc_node *at, const char *name,
                        const gc_node *map)
{
    gc_spec_field *f = gc_spec_add_field(self, &self->entities[entity], at, name);
    if (!f)
        return;
    gc_spec_set(&f->field.spec_type, gc_xstrdup("object"));
    gc_spec_set(&f->field.description, gc_spec_flat(map));
    gc_spec_warn(self, map,
                 "field \"%.60s\" has fields of its own and becomes a "
                 "map[string]any; make it an entity to give it a type",
                 name);
}

static void read_named_field(gc_spec *self, size_t entity, const gc_node *at,
                             const char *name, const gc_node *value)
{
    if (value->kind == GC_NODE_MAP && describes_field(value)) {
        read_field_map(self, entity, at, name, value);
        return;
    }
    if (value->kind == GC_NODE_MAP) {
        read_object(self, entity, at, name, value);
        return;
    }
    gc_spec_field *f = gc_spec_add_field(self, &self->entities[entity], at, name);
    if (f && value->kind == GC_NODE_SEQ) {
        gc_spec_read_values(self, f, value);
    } else if (f) {
        size_t len = 0;
        char *text = gc_spec_text(self, value, "the type");
        const char *dash = find_dash(text, &len);
        if (dash) { /* "uuid - who ordered" */
            gc_spec_set(&f->field.description, gc_spec_trim(dash + len));
            gc_spec_set(&text, gc_spec_slice(text, (size_t)(dash - text)));
        }
        gc_spec_set(&f->field.spec_type, text);
    }
}

/* `- id: uuid` (a pair) and `- name: total` (a field without a type) look alike: a list is
 * one of pairs if a key is no word for "name", or if a value is a type. */
static bool is_list_of_pairs(const gc_node *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const gc_node *item = list->items[i];
        if (item->kind != GC_NODE_MAP || item->count != 1)
            continue;
        char *key = gc_spec_key(item->keys[0]->text);
        bool named = gc_spec_is_one_of(key, name_keys);
        free(key);
        if (!named || !gc_spec_is_text(item->items[0]) ||
            gc_spec_is_type_word(item->items[0]->text))
            return true;
    }
    return false;
}

static void read_field_item(gc_spec *self, size_t entity, const gc_node *item, bool pairs)
{
    if (gc_spec_is_null(item))
        return;
    if (item->kind == GC_NODE_SCALAR) {
        gc_spec_field_line(self, entity, item, item->text);
        return;
    }
    if (item->kind == GC_NODE_MAP && item->count == 1 && pairs) {
        read_named_field(self, entity, item->keys[0], item->keys[0]->text,
                         item->items[0]);
        return;
    }
    const gc_node *name = gc_spec_pick(item, name_keys);
    if (!name || item->kind == GC_NODE_SEQ) {
        gc_spec_error(self, item,
                      "a field is %s without a name; write {name, type} or \"name: "
                      "type\"",
                      gc_spec_kind_words(item));
        return;
    }
    char *text = gc_spec_text(self, name, "the field name");
    if (gc_spec_is_text(name))
        read_field_map(self, entity, name, text, item);
    free(text);
}

void gc_spec_read_fields(gc_spec *self, size_t entity, const gc_node *node)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind == GC_NODE_SCALAR) {
        gc_spec_field_list(self, entity, node, node->text);
        return;
    }
    bool pairs = node->kind == GC_NODE_SEQ && is_list_of_pairs(node);
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == GC_NODE_MAP)
            read_named_field(self, entity, node->keys[i], node->keys[i]->text,
                             node->items[i]);
        else
            read_field_item(self, entity, node->items[i], pairs);
    }
}
