#include "common/spec.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

/* Requirements, scenarios and criteria: objects become one text with a label per part. */

static const char id_keys[] = "id ref key code";
static const char entity_keys[] = "entities entity applies_to";

/* The parts in the order in which they are told; everything unknown follows by key. */
static const struct {
    const char *keys;
    const char *label;
} parts[] = {
    { "title name criterion", "" },
    { "description text requirement statement story content detail details summary scenario",
      "" },
    { "as_a as actor role persona user", "As a" },
    { "i_want want goal action", "I want" },
    { "so_that benefit", "So that" },
    { "given", "Given" },
    { "when", "When" },
    { "then", "Then" },
    { "steps flow", "Steps" },
    { "acceptance_criteria acceptance_scenarios acceptance criteria expected outcome",
      "Acceptance" },
    { "measurable metric measure target", "Measured by" },
    { "rationale reason why", "Reason" },
};

#define PARTS (sizeof parts / sizeof *parts)

/* Keys without a word for the generated program, or read elsewhere. */
static const char silent_keys[] =
    "id ref key code priority category entities entity applies_to "
    "type kind status tags version author";

static void put_part(gc_buf *out, const char *label, const gc_node *node)
{
    if (gc_spec_is_null(node))
        return;
    gc_buf_puts(out, out->len ? "\n" : "");
    if (*label)
        gc_buf_printf(out, "%s: ", label);
    if (node->kind != GC_NODE_SEQ) {
        char *text = gc_spec_flat(node);
        gc_buf_puts(out, text);
        free(text);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        char *text = gc_spec_flat(node->items[i]);
        gc_buf_printf(out, "%s%s", i || *label ? "\n- " : "- ", text);
        free(text);
    }
}

static bool has_part(const char *key)
{
    for (size_t i = 0; i < PARTS; i++)
        if (gc_spec_is_one_of(key, parts[i].keys))
            return true;
    return gc_spec_is_one_of(key, silent_keys);
}

/* Further keys, sorted, as "Key: text". */
static void put_rest(gc_buf *out, const gc_node *map)
{
    gc_strv lines = { 0 };
    for (size_t i = 0; i < map->count; i++) {
        char *key = gc_spec_key(map->keys[i]->text);
        if (!has_part(key) && !gc_spec_is_null(map->items[i])) {
            char *text = gc_spec_flat(map->items[i]);
            gc_strv_push(&lines, gc_xasprintf("%s: %s", key, text));
            free(text);
        }
        free(key);
    }
    gc_strv_sort(&lines);
    for (size_t i = 0; i < lines.count; i++)
        gc_buf_printf(out, "%s%s", out->len ? "\n" : "", lines.items[i]);
    gc_strv_release(&lines);
}

static void put_text(gc_buf *out, const char *category, const gc_node *map)
{
    for (size_t i = 0; i < PARTS; i++) {
        /* Each word of the row is a part of its own: a scenario may have title and name. */
        gc_strv keys = { 0 };
        gc_strv_split(&keys, parts[i].keys, ' ');
        for (size_t k = 0; k < keys.count; k++)
            put_part(out, parts[i].label, gc_spec_pick(map, keys.items[k]));
        gc_strv_release(&keys);
    }
    put_rest(out, map);
    if (*category && out->len) {
        char *text = gc_buf_take(out);
        gc_buf_printf(out, "%s: %s", category, text);
        free(text);
    }
}

static const char *kind_of(const char *word, const char *kind)
{
    if (gc_spec_is_one_of(word, "non_functional nonfunctional quality constraint"))
        return "non_functional";
    if (gc_spec_is_one_of(word, "functional"))
        return "functional";
    return kind;
}

static void read_object(gc_spec *self, const gc_node *map, const char *kind,
                        const char *category, const char *id)
{
    char *own = gc_spec_text(self, gc_spec_pick(map, "category"), "the category");
    const gc_node *type_node = gc_spec_pick(map, "type kind");
    char *type = gc_spec_text(self, type_node, "the type");
    gc_spec_set(&type, gc_spec_key(type));
    gc_buf text;
    gc_buf_init(&text, GC_SPEC_TEXT_LIMIT);
    put_text(&text, *own ? own : category, map);
    if (!text.len) {
        gc_spec_error(self, map, "a requirement has no text; add description:");
    } else {
        gc_spec_requirement *r = gc_spec_add_requirement(self, map, kind_of(type, kind));
        char *given = gc_spec_text(self, gc_spec_pick(map, id_keys), "the id");
        if (!*given && id)
            gc_spec_set(&given, gc_spec_trim(id));
        gc_spec_set(&r->requirement.id, given);
        gc_spec_set(&r->requirement.priority,
                    gc_spec_text(self, gc_spec_pick(map, "priority"), "the priority"));
        gc_spec_set(&r->requirement.text, gc_buf_take(&text));
        r->entities = gc_spec_pick(map, entity_keys);
    }
    gc_buf_release(&text);
    free(type);
    free(own);
}

/* Length of an id such as FR-001, NFR1.2 or US-3-Add at the start, before ':' or '-'. */
static size_t leading_id(const char *text)
{
    size_t letters = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (!letters || letters > 8)
        return 0;
    size_t i = letters + (text[letters] == '-' || text[letters] == '_');
    size_t digits = strspn(text + i, "0123456789");
    i += digits;
    if (!digits)
        return 0;
    while (text[i] == '.' && text[i + 1] >= '0' && text[i + 1] <= '9')
        i += 1 + strspn(text + i + 1, "0123456789");
    return i;
}

/* Bytes between the id and the text, 0 if nothing separates them. */
static size_t id_joint(const char *text)
{
    if (gc_starts_with(text, " - ") || gc_starts_with(text, ") "))
        return 3 - (text[0] == ')');
    if (gc_starts_with(text, " \xe2\x80\x94 ") || gc_starts_with(text, " \xe2\x80\x93 "))
        return 5;
    return (text[0] == ':' || text[0] == '.') && text[1] == ' ' ? 2 : 0;
}

void gc_spec_requirement_text(gc_spec *self, const gc_node *at, const char *kind,
                              const char *category, const char *text)
{
    char *clean = gc_spec_trim(text);
    if (*clean) {
        gc_spec_requirement *r = gc_spec_add_requirement(self, at, kind);
        size_t id = leading_id(clean);
        size_t joint = id ? id_joint(clean + id) : 0;
        if (joint)
            gc_spec_set(&r->requirement.id, gc_xasprintf("%.*s", (int)id, clean));
        const char *rest = joint ? clean + id + joint : clean;
        rest += strspn(rest, " ");
        gc_spec_set(&r->requirement.text, *category
                                              ? gc_xasprintf("%s: %s", category, rest)
                                              : gc_xstrdup(rest));
    }
    free(clean);
}

/* A block of text is one requirement, or one for each of its lines that start with "- ". */
static void read_block(gc_spec *self, const gc_node *node, const char *kind,
                       const char *category)
{
    if (!gc_starts_with(node->text, "- ") && !gc_starts_with(node->text, "* ")) {
        gc_spec_requirement_text(self, node, kind, category, node->text);
        return;
    }
    gc_strv lines = { 0 };
    gc_buf item;
    gc_buf_init(&item, GC_SPEC_TEXT_LIMIT);
    gc_strv_split(&lines, node->text, '\n');
    for (size_t i = 0; i < lines.count; i++) {
        const char *line = lines.items[i];
        bool starts = gc_starts_with(line, "- ") || gc_starts_with(line, "* ");
        if (starts && item.len) {
            gc_spec_requirement_text(self, node, kind, category, item.ptr);
            gc_buf_reset(&item);
        }
        gc_buf_printf(&item, "%s%s", item.len ? "\n" : "", line + (starts ? 2 : 0));
    }
    gc_spec_requirement_text(self, node, kind, category, item.ptr);
    gc_buf_release(&item);
    gc_strv_release(&lines);
}

static void read_list(gc_spec *self, const gc_node *node, const char *kind,
                      const char *category)
{
    for (size_t i = 0; i < node->count; i++) {
        const gc_node *item = node->items[i];
        if (gc_spec_is_null(item))
            continue;
        if (item->kind == GC_NODE_SCALAR)
            gc_spec_requirement_text(self, item, kind, category, item->text);
        else if (item->kind == GC_NODE_MAP && item->count == 1 &&
                 leading_id(item->keys[0]->text)) /* - FR-001: text */
            gc_spec_read_requirements(self, item, kind);
        else if (item->kind == GC_NODE_MAP)
            read_object(self, item, kind, category, NULL);
        else
            gc_spec_error(self, item,
                          "a requirement is a list; write a text or {id, "
                          "description}");
    }
}

/* The value below a key: a group (functional, performance), or an id. */
static void read_keyed(gc_spec *self, const gc_node *key_node, const gc_node *value,
                       const char *kind)
{
    char *key = gc_spec_key(key_node->text);
    const char *group_kind = kind_of(key, kind);
    bool plain =
        gc_spec_is_one_of(key, "functional non_functional nonfunctional items list "
                               "constraints");
    if (strcmp(key, "constraints") == 0)
        group_kind = "non_functional";
    char *title = gc_spec_trim(key_node->text);
    bool id = leading_id(title) > 0;
    if (gc_spec_is_null(value))
        ; /* says nothing */
    else if (value->kind == GC_NODE_SEQ)
        read_list(self, value, group_kind, plain ? "" : title);
    else if (value->kind == GC_NODE_MAP &&
             (plain || !gc_spec_pick(value, "description text title "
                                            "requirement given criterion")))
        gc_spec_read_requirements(self, value, group_kind);
    else if (value->kind == GC_NODE_MAP)
        read_object(self, value, group_kind, "", title);
    else if (id) {
        gc_spec_requirement *r = gc_spec_add_requirement(self, key_node, group_kind);
        gc_spec_set(&r->requirement.id, gc_xstrdup(title));
        gc_spec_set(&r->requirement.text, gc_spec_trim(value->text));
    } else {
        read_block(self, value, group_kind, plain ? "" : title);
    }
    free(title);
    free(key);
}

void gc_spec_read_requirements(gc_spec *self, const gc_node *node, const char *kind)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind == GC_NODE_SCALAR) {
        read_block(self, node, kind, "");
    } else if (node->kind == GC_NODE_SEQ) {
        read_list(self, node, kind, "");
    } else {
        for (size_t i = 0; i < node->count; i++)
            read_keyed(self, node->keys[i], node->items[i], kind);
    }
}

void gc_spec_read_rules(gc_spec *self, const gc_node *node, const char *owner)
{
    char *category = gc_xstrdup(owner); /* entities may move meanwhile */
    size_t first = self->requirement_count;
    if (node->kind == GC_NODE_SEQ)
        read_list(self, node, "functional", category);
    else if (node->kind == GC_NODE_SCALAR)
        read_block(self, node, "functional", category);
    for (size_t i = 0; node->kind == GC_NODE_MAP && i < node->count; i++) {
        char *text = gc_spec_flat(node->items[i]);
        char *line = gc_xasprintf("%s: %s", node->keys[i]->text, text);
        if (*text)
            gc_spec_requirement_text(self, node->keys[i], "functional", category, line);
        free(line);
        free(text);
    }
    for (size_t i = first; i < self->requirement_count; i++)
        gc_spec_set(&self->requirements[i].owner, gc_xstrdup(category));
    free(category);
}
