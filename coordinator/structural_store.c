#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "coordinator/structural_entity.h"
#include "coordinator/structural_rule.h"

#define DEEP_FIELDS 4 /* fields whose copies the test of a store looks at */
#define UUID_LENGTH 36

/* ---- keys ---- */

static const gc_field *field_of_key(const plan_entity *pe)
{
    for (size_t i = 0; !pe->id_added && i < pe->e->field_count; i++)
        if (strcmp(pe->e->fields[i].go_name, pe->id_field) == 0)
            return &pe->e->fields[i];
    return NULL;
}

bool structural_can_order(structural_class class)
{
    return class == STRUCTURAL_STRING || class == STRUCTURAL_INTEGER ||
           class == STRUCTURAL_FLOAT || class == STRUCTURAL_TIME;
}

/* STRUCTURAL_OTHER: the key is no plain value. */
structural_class structural_key_class(const plan_entity *pe)
{
    const gc_field *key = field_of_key(pe);
    if (pe->id_declared)
        return STRUCTURAL_STRING;
    if (!pe->id_added && (!key || strcmp(key->go_type, pe->id_type) != 0))
        return STRUCTURAL_OTHER;
    return structural_class_of(pe->id_type, NULL);
}

/* ---- values that only one item may have ---- */

typedef enum unique_shape {
    UNIQUE_NO,
    UNIQUE_PLAIN,
    UNIQUE_POINTER, /* nil is no value */
    UNIQUE_ENTITY,  /* *Entity: its key is compared */
    UNIQUE_UNKNOWN
} unique_shape;

static unique_shape shape_of(const plan_entity *pe, const plan_field *f)
{
    if (!f->spec || !f->spec->unique || strcmp(f->name, pe->id_field) == 0)
        return UNIQUE_NO;
    bool pointer = f->type[0] == '*';
    structural_class class = structural_class_of(f->type + pointer, f);
    if (class == STRUCTURAL_ENTITY)
        return pointer && structural_can_order(structural_key_class(f->target))
                   ? UNIQUE_ENTITY
                   : UNIQUE_UNKNOWN;
    if (!structural_can_order(class) && (class != STRUCTURAL_BYTES || pointer))
        return UNIQUE_UNKNOWN;
    return pointer ? UNIQUE_POINTER : UNIQUE_PLAIN;
}

static char *same_value(structural_class class, const char *a, const char *b)
{
    if (class == STRUCTURAL_TIME)
        return gc_xasprintf("%s.Equal(%s)", a, b);
    if (class == STRUCTURAL_BYTES)
        return gc_xasprintf("bytes.Equal(%s, %s)", a, b);
    return gc_xasprintf("%s == %s", a, b);
}

/* What an optional value must be to count: a value that is not given is no duplicate. */
static char *given(structural_class class, const char *name)
{
    switch (class) {
    case STRUCTURAL_STRING: return gc_xasprintf("item.%s != \"\"", name);
    case STRUCTURAL_TIME: return gc_xasprintf("!item.%s.IsZero()", name);
    case STRUCTURAL_BYTES: return gc_xasprintf("len(item.%s) > 0", name);
    default: return gc_xasprintf("item.%s != 0", name);
    }
}

static char *plain_clash(const plan_field *f, structural_class class)
{
    char *a = gc_xasprintf("item.%s", f->name), *b = gc_xasprintf("other.%s", f->name);
    char *same = same_value(class, a, b);
    if (!f->spec->required) {
        char *is_given = given(class, f->name);
        char *both = gc_xasprintf("%s && %s", is_given, same);
        free(is_given);
        free(same);
        same = both;
    }
    free(a);
    free(b);
    return same;
}

/* `behind`: the way from the pointer to what is compared, "" for the value itself. */
static char *pointer_clash(const plan_field *f, structural_class class,
                           const char *behind)
{
    const char *star = *behind ? "" : class == STRUCTURAL_TIME ? "" : "*";
    char *a = gc_xasprintf("%sitem.%s%s", star, f->name, behind);
    char *b = gc_xasprintf("%sother.%s%s", *behind ? "" : "*", f->name, behind);
    char *same = same_value(class, a, b);
    char *clash =
        gc_xasprintf("item.%s != nil && other.%s != nil && %s", f->name, f->name, same);
    free(a);
    free(b);
    free(same);
    return clash;
}

static char *clash_of(const plan_field *f, unique_shape shape, structural_class class)
{
    if (shape == UNIQUE_PLAIN)
        return plain_clash(f, class);
    if (shape == UNIQUE_POINTER)
        return pointer_clash(f, class, "");
    char *behind = gc_xasprintf(".%s", f->target->id_field);
    char *clash = pointer_clash(f, class, behind);
    free(behind);
    return clash;
}

/* Statements of a test that give newItem a value of its own for n. No package can have
 * such a name, whatever the entities are called. */
static gc_tell *sample_lines(gc_arena *arena, const plan_field *f, unique_shape shape,
                             structural_class class, const char *type)
{
    gc_tell *lines = gc_tell_list(arena);
    char *sample = structural_sample(type, class, f->json);
    const char *behind = "", *star = "";
    if (shape == UNIQUE_ENTITY) {
        structural_add(lines,
                       gc_xasprintf("newItem.%s = &%s{}", f->name, f->target_type));
        behind = f->target->id_field;
    } else if (shape == UNIQUE_POINTER) {
        structural_add(lines, gc_xasprintf("newItem.%s = new(%s)", f->name, type));
        star = "*";
    }
    structural_add(lines, gc_xasprintf("%snewItem.%s%s%s = %s", star, f->name,
                                       *behind ? "." : "", behind, sample));
    free(sample);
    return lines;
}

char *structural_key_type(plan_promise *p, const plan_entity *pe)
{
    return pe->id_declared ? plan_promise_ref(p, pe->model, pe->id_type)
                           : gc_xstrdup(pe->id_type);
}

/* What a test needs for structural_sample()'s expression. */
static void import_for_sample(plan_promise *p, const char *type, structural_class class)
{
    if (class == STRUCTURAL_STRING || class == STRUCTURAL_BYTES)
        plan_promise_std(p, "fmt");
    if (strstr(type, "time."))
        plan_promise_std(p, "time");
}

static gc_tell *unique_item(plan_promise *p, const plan_entity *pe,
                            structural_fields *fields, const plan_field *f, bool sample)
{
    unique_shape shape = shape_of(pe, f);
    if (shape == UNIQUE_NO || shape == UNIQUE_UNKNOWN)
        return NULL;
    char *type = shape == UNIQUE_ENTITY ? structural_key_type(&fields->all, f->target)
                                        : gc_xstrdup(f->type + (f->type[0] == '*'));
    structural_class class = shape == UNIQUE_ENTITY ? structural_key_class(f->target)
                                                    : structural_class_of(type, f);
    gc_tell *item = gc_tell_map(p->ctx->arena);
    gc_tell_set_text(item, "field", f->name);
    gc_tell_set_text(item, "label", f->json);
    structural_take(item, "same", clash_of(f, shape, class));
    gc_tell_set(item, "lines", sample_lines(p->ctx->arena, f, shape, class, type));
    if (sample)
        import_for_sample(p, type, class);
    else if (class == STRUCTURAL_BYTES)
        plan_promise_std(p, "bytes");
    if (sample && shape == UNIQUE_ENTITY)
        structural_import(p, &fields->all, f->target_type);
    if (sample)
        structural_import(p, &fields->all, type);
    free(type);
    return item;
}

/* ---- what store and test share ---- */

bool structural_store_fits(const plan_ctx *ctx, const plan_entity *pe)
{
    bool fits = structural_can_order(structural_key_class(pe));
    plan_promise p;
    plan_promise_init(&p, ctx, pe->store);
    structural_fields fields = structural_open_fields(&p, pe);
    for (size_t i = 0; i < fields.count && fits; i++) {
        const char *type = fields.items[i].type;
        fits = shape_of(pe, &fields.items[i]) != UNIQUE_UNKNOWN;
        /* Such keys cannot be written as JSON. */
        if (ctx->cli && (strstr(type, "map[bool]") || strstr(type, "map[float")))
            fits = false;
    }
    structural_close_fields(&fields);
    plan_promise_release(&p);
    return fits;
}

static bool rule_takes_uuid(const structural_rule *r)
{
    return !r->pattern && !r->one_of.count &&
           (r->min_count == STRUCTURAL_NO_BOUND || r->min_count <= UUID_LENGTH) &&
           (r->max_count == STRUCTURAL_NO_BOUND || r->max_count >= UUID_LENGTH) &&
           (r->format == STRUCTURAL_NO_FORMAT || r->format == STRUCTURAL_UUID);
}

/* A key that its own entity refuses could never be updated. */
static bool takes_uuid(const plan_ctx *ctx, const plan_entity *pe)
{
    bool takes = true;
    plan_promise p;
    plan_promise_init(&p, ctx, pe->store);
    structural_fields fields = structural_open_fields(&p, pe);
    for (size_t i = 0; i < fields.count; i++) {
        const plan_field *f = &fields.items[i];
        structural_rule rule;
        if (!f->spec || strcmp(f->name, pe->id_field) != 0 ||
            !structural_rule_read(pe, f, &rule))
            continue;
        takes = rule_takes_uuid(&rule);
        structural_rule_release(&rule);
    }
    structural_close_fields(&fields);
    plan_promise_release(&p);
    return takes;
}

/* A key that means nothing to anybody: not "isbn". */
static bool is_surrogate(const plan_entity *pe)
{
    const gc_field *key = field_of_key(pe);
    const char *name = key ? key->json_name : "id";
    return strcmp(name, "id") == 0 || gc_ends_with(name, "_id") ||
           gc_ends_with(name, "Id") || strcmp(key->spec_type, "uuid") == 0 ||
           strcmp(key->spec_type, "ulid") == 0;
}

static bool is_random(const plan_ctx *ctx, const plan_entity *pe)
{
    return is_surrogate(pe) && structural_key_class(pe) == STRUCTURAL_STRING &&
           !pe->id_declared && takes_uuid(ctx, pe);
}

static bool is_counted(const plan_entity *pe)
{
    return is_surrogate(pe) && structural_key_class(pe) == STRUCTURAL_INTEGER &&
           strcmp(pe->id_type, "time.Duration") != 0;
}

bool structural_assigns_key(const plan_ctx *ctx, const plan_entity *pe)
{
    return is_random(ctx, pe) || is_counted(pe);
}

static void set_names(gc_tell *data, plan_promise *p, const plan_entity *pe)
{
    structural_class key = structural_key_class(pe);
    bool random = is_random(p->ctx, pe), counts = is_counted(pe);
    gc_tell_set_text(data, "package", pe->store->name);
    gc_tell_set_text(data, "store", pe->store_type);
    gc_tell_set_text(data, "memory", pe->memory_type);
    gc_tell_set_text(data, "entity", pe->type);
    gc_tell_set_text(data, "id", pe->id_field);
    gc_tell_set_text(data, "clone", pe->clone);
    gc_tell_set_text(data, "zero", random ? "\"\"" : "0");
    structural_take(data, "type", plan_promise_ref(p, pe->model, pe->type));
    structural_take(data, "key", structural_key_type(p, pe));
    structural_take(data, "noun", structural_noun(pe));
    gc_tell_set_bool(data, "file", p->ctx->cli);
    gc_tell_set_bool(data, "assigns", random || counts);
    gc_tell_set_bool(data, "must_have", !random && key == STRUCTURAL_STRING);
    gc_tell_set_bool(data, "random", random);
    gc_tell_set_bool(data, "counts", counts);
    gc_tell_set_bool(data, "time_key", key == STRUCTURAL_TIME);
}

static void set_unique(gc_tell *data, plan_promise *p, const plan_entity *pe,
                       structural_fields *fields, bool sample)
{
    gc_tell *unique = gc_tell_list(p->ctx->arena);
    for (size_t i = 0; i < fields->count; i++) {
        gc_tell *item = unique_item(p, pe, fields, &fields->items[i], sample);
        if (item)
            gc_tell_add(unique, item);
    }
    structural_set_list(data, "unique", "has_unique", unique);
}

static void import_all(plan_promise *p, const char *const *paths)
{
    for (; *paths; paths++)
        plan_promise_std(p, *paths);
}

gc_tell *structural_store(const plan_ctx *ctx, const plan_entity *pe,
                          const plan_pkg *errors)
{
    static const char *const always[] = { "context", "fmt", "sort", "sync", NULL };
    static const char *const file[] = { "encoding/json", "errors", "os", "path/filepath",
                                        NULL };
    plan_promise p;
    gc_tell *data = gc_tell_map(ctx->arena);
    plan_promise_init(&p, ctx, pe->store);
    import_all(&p, always);
    if (ctx->cli)
        import_all(&p, file);
    if (is_random(ctx, pe))
        plan_promise_std(&p, "crypto/rand");
    if (is_counted(pe))
        plan_promise_std(&p, "errors");
    if (strstr(pe->id_type, "time."))
        plan_promise_std(&p, "time");
    structural_import_package(data, "errors", &p, errors);
    set_names(data, &p, pe);
    structural_take(data, "helper", structural_helper(pe, "_store"));
    structural_fields fields = structural_open_fields(&p, pe);
    set_unique(data, &p, pe, &fields, false);
    structural_close_fields(&fields);
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    return data;
}

/* ---- tests ---- */

/* Two literals of a class; NULL: none that every type of it takes. */
static const char *literal(structural_class class, bool second)
{
    switch (class) {
    case STRUCTURAL_STRING: return second ? "\"second\"" : "\"first\"";
    case STRUCTURAL_INTEGER:
    case STRUCTURAL_FLOAT: return second ? "2" : "1";
    case STRUCTURAL_BOOL: return second ? "true" : "false";
    default: return NULL;
    }
}

static gc_tell *deep_item(gc_arena *arena, const char *field, char *fill, char *change,
                          char *changed)
{
    gc_tell *item = gc_tell_map(arena);
    gc_tell_set_text(item, "field", field);
    structural_take(item, "fill", fill);
    structural_take(item, "change", change);
    structural_take(item, "changed", changed);
    return item;
}

static gc_tell *deep_entity(gc_arena *arena, const plan_field *f)
{
    const char *n = f->name, *id = f->target->id_field;
    const char *second = literal(structural_key_class(f->target), true);
    if (!second)
        return NULL;
    if (f->type[0] == '*')
        return deep_item(
            arena, n, gc_xasprintf("newItem.%s = &%s{}", n, f->target_type),
            gc_xasprintf("newItem.%s.%s = %s", n, id, second),
            gc_xasprintf("got.%s == nil || got.%s.%s == %s", n, n, id, second));
    return deep_item(
        arena, n, gc_xasprintf("newItem.%s = %s{{}}", n, f->type),
        gc_xasprintf("newItem.%s[0].%s = %s", n, id, second),
        gc_xasprintf("len(got.%s) != 1 || got.%s[0].%s == %s", n, n, id, second));
}

static gc_tell *deep_plain(gc_arena *arena, const plan_field *f)
{
    const char *n = f->name, *type = f->type;
    bool pointer = type[0] == '*', slice = gc_starts_with(type, "[]");
    bool map = gc_starts_with(type, "map[string]");
    const char *value = type + (pointer ? 1 : slice ? 2 : map ? 11 : 0);
    structural_class class = structural_class_of(value, f);
    const char *first = literal(class, false), *second = literal(class, true);
    if (!first)
        return NULL;
    if (pointer)
        return deep_item(arena, n, gc_xasprintf("newItem.%s = new(%s)", n, value),
                         gc_xasprintf("*newItem.%s = %s", n, second),
                         gc_xasprintf("got.%s == nil || *got.%s == %s", n, n, second));
    if (slice)
        return deep_item(
            arena, n, gc_xasprintf("newItem.%s = %s{%s}", n, type, first),
            gc_xasprintf("newItem.%s[0] = %s", n, second),
            gc_xasprintf("len(got.%s) != 1 || got.%s[0] == %s", n, n, second));
    if (map)
        return deep_item(
            arena, n, gc_xasprintf("newItem.%s = %s{\"key\": %s}", n, type, first),
            gc_xasprintf("newItem.%s[\"key\"] = %s", n, second),
            gc_xasprintf("len(got.%s) != 1 || got.%s[\"key\"] == %s", n, n, second));
    return NULL;
}

static gc_tell *deep_of(gc_arena *arena, const plan_entity *pe, const plan_field *f)
{
    if (strcmp(f->name, pe->id_field) == 0 || (f->spec && f->spec->unique))
        return NULL;
    if (!f->target)
        return deep_plain(arena, f);
    const char *type = f->type;
    const char *element = gc_starts_with(type, "[]") ? type + 2 : type;
    if (*element == '*')
        element++;
    bool known = element != type && strcmp(element, f->target_type) == 0;
    return known ? deep_entity(arena, f) : NULL;
}

static void set_deep(gc_tell *data, plan_promise *p, const plan_entity *pe,
                     const structural_fields *fields)
{
    gc_tell *deep = gc_tell_list(p->ctx->arena);
    for (size_t i = 0; i < fields->count && gc_tell_count(deep) < DEEP_FIELDS; i++) {
        gc_tell *item = deep_of(p->ctx->arena, pe, &fields->items[i]);
        if (!item)
            continue;
        gc_tell_add(deep, item);
        structural_import(p, &fields->all, fields->items[i].type);
    }
    structural_set_list(data, "deep", "has_deep", deep);
}

gc_tell *structural_store_test(const plan_ctx *ctx, const plan_entity *pe,
                               const plan_pkg *errors, const char *function)
{
    static const char *const always[] = { "context", "errors", "sync", "testing", NULL };
    static const char *const file[] = { "os", "path/filepath", NULL };
    plan_promise p;
    gc_tell *data = gc_tell_map(ctx->arena);
    plan_promise_init(&p, ctx, pe->store);
    import_all(&p, always);
    if (ctx->cli)
        import_all(&p, file);
    structural_class key = structural_key_class(pe);
    import_for_sample(&p, pe->id_type, key);
    structural_import_package(data, "errors", &p, errors);
    set_names(data, &p, pe);
    gc_tell_set_text(data, "function", function);
    structural_take(data, "helper", structural_helper(pe, "_store_test"));
    char *type = structural_key_type(&p, pe);
    char *sample = structural_sample(type, key, "id");
    structural_take(data, "key_sample", sample);
    free(type);
    structural_fields fields = structural_open_fields(&p, pe);
    set_unique(data, &p, pe, &fields, true);
    set_deep(data, &p, pe, &fields);
    structural_close_fields(&fields);
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    return data;
}
