#include "common/spec.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

static const char field_list_keys[] = "attributes fields properties columns";
static const char relation_keys[] = "relationships relations associations";
static const char rule_keys[] =
    "rules constraints invariants validations validation validation_rules business_rules "
    "behavior behaviors methods operations indexes indices notes";
static const char entity_keys[] =
    "name entity description purpose summary attributes fields properties columns "
    "relationships relations associations package rules constraints invariants validations "
    "validation validation_rules business_rules behavior behaviors methods operations indexes "
    "indices notes id table table_name plural";

/* ---- one entity ---- */

static void read_entity_key(gc_spec *self, size_t entity, const gc_node *key_node,
                            const gc_node *value)
{
    char *key = gc_spec_key(key_node->text);
    gc_entity *e = &self->entities[entity].entity;
    if (!gc_spec_is_one_of(key, entity_keys))
        gc_spec_unknown_key(self, key_node, "an entity", entity_keys);
    else if (gc_spec_is_null(value))
        ; /* says nothing */
    else if (gc_spec_is_one_of(key, field_list_keys))
        gc_spec_read_fields(self, entity, value);
    else if (gc_spec_is_one_of(key, "description purpose summary"))
        gc_spec_set(&e->description, gc_spec_text(self, value, "the description"));
    else if (gc_spec_is_one_of(key, relation_keys))
        gc_spec_read_relations(self, value, e->name);
    else if (gc_spec_is_one_of(key, rule_keys))
        gc_spec_read_rules(self, value, e->name);
    else if (strcmp(key, "package") == 0)
        gc_spec_set(&e->package, gc_spec_text(self, value, "the package"));
    free(key);
}

static void read_entity_map(gc_spec *self, size_t entity, const gc_node *node)
{
    for (size_t i = 0; i < node->count; i++)
        read_entity_key(self, entity, node->keys[i], node->items[i]);
}

/* Whether a map below an entity's name describes it ({attributes: ...}) or is itself the
 * map of its fields ({id: uuid, total: decimal}). */
static bool describes_entity(const gc_node *map)
{
    bool all_known = true;
    for (size_t i = 0; i < map->count; i++) {
        char *key = gc_spec_key(map->keys[i]->text);
        const gc_node *value = map->items[i];
        bool structural = value->kind >= GC_NODE_SEQ;
        bool list = gc_spec_is_one_of(key, field_list_keys) && structural;
        bool field = gc_spec_is_text(value) && gc_spec_is_type_word(value->text);
        bool known = gc_spec_is_one_of(key, entity_keys) && !field;
        free(key);
        if (list)
            return true;
        all_known = all_known && known;
    }
    return all_known;
}

/* `value` stands below the name: a description of the entity, its fields, or nothing. */
static void read_named(gc_spec *self, const gc_node *at, const char *name,
                       const gc_node *value)
{
    if (!gc_spec_add_entity(self, at, name))
        return;
    size_t entity = self->entity_count - 1;
    if (gc_spec_is_null(value))
        return;
    if (value->kind == GC_NODE_MAP && describes_entity(value))
        read_entity_map(self, entity, value);
    else
        gc_spec_read_fields(self, entity, value);
}

/* "Order", "Order: id, total", "Order (id: uuid, total: decimal)". */
static void read_entity_text(gc_spec *self, const gc_node *node)
{
    char *text = gc_spec_plain(node->text);
    size_t end = strcspn(text, ":(");
    char *name = gc_xasprintf("%.*s", (int)end, text);
    if (gc_spec_add_entity(self, node, name) && text[end]) {
        char *rest = gc_spec_trim(text + end + 1);
        size_t len = strlen(rest);
        if (text[end] == '(' && len && rest[len - 1] == ')')
            rest[len - 1] = '\0';
        if (gc_spec_looks_like_fields(rest))
            gc_spec_field_list(self, self->entity_count - 1, node, rest);
        else
            gc_spec_set(&self->entities[self->entity_count - 1].entity.description,
                        gc_xstrdup(rest));
        free(rest);
    }
    free(name);
    free(text);
}

static void read_entity_item(gc_spec *self, const gc_node *node)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind == GC_NODE_SCALAR) {
        read_entity_text(self, node);
        return;
    }
    const gc_node *name = gc_spec_pick(node, "name entity");
    bool pair = node->kind == GC_NODE_MAP && node->count == 1 &&
                (name ? name->kind != GC_NODE_SCALAR
                      : !gc_spec_is_one_of(node->keys[0]->text, "name entity"));
    if (name && !pair) {
        char *text = gc_spec_text(self, name, "the entity name");
        if (gc_spec_is_text(name) && gc_spec_add_entity(self, name, text))
            read_entity_map(self, self->entity_count - 1, node);
        free(text);
    } else if (pair) {
        read_named(self, node->keys[0], node->keys[0]->text, node->items[0]);
    } else {
        gc_spec_error(self, node, "an entity is %s without a name; add name: Order",
                      gc_spec_kind_words(node));
    }
}

void gc_spec_read_entities(gc_spec *self, const gc_node *node)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind == GC_NODE_SCALAR) {
        gc_spec_error(self, node,
                      "entities is text; write a list of {name, attributes}, or a "
                      "map by name");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == GC_NODE_MAP)
            read_named(self, node->keys[i], node->keys[i]->text, node->items[i]);
        else
            read_entity_item(self, node->items[i]);
    }
}

/* ---- data_model ---- */

static const char model_keys[] =
    "entities models key_entities relationships relations enums enumerations "
    "description overview";

/* {Order: {...}, Customer: {...}} without "entities" around it. */
static bool is_bare_model(const gc_node *node)
{
    if (gc_spec_pick(node, "entities models key_entities relationships relations enums"))
        return false;
    for (size_t i = 0; i < node->count; i++)
        if (gc_spec_is_text(node->items[i]))
            return false;
    return node->count > 0;
}

void gc_spec_read_data_model(gc_spec *self, const gc_node *node)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind != GC_NODE_MAP || is_bare_model(node)) {
        gc_spec_read_entities(self, node);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const gc_node *value = node->items[i];
        char *key = gc_spec_key(node->keys[i]->text);
        if (!gc_spec_is_one_of(key, model_keys))
            gc_spec_unknown_key(self, node->keys[i], "data_model", model_keys);
        else if (gc_spec_is_null(value))
            ; /* says nothing */
        else if (gc_spec_is_one_of(key, "entities models key_entities"))
            gc_spec_read_entities(self, value);
        else if (gc_spec_is_one_of(key, "enums enumerations"))
            gc_spec_read_enums(self, value);
        else if (gc_spec_is_one_of(key, "relationships relations"))
            gc_spec_read_relations(self, value, NULL);
        else
            gc_spec_requirement_text(self, value, "functional", "Data model",
                                     gc_spec_is_text(value) ? value->text : "");
        free(key);
    }
}
