#include "coordinator/structural_handler.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "coordinator/structural_entity.h"
#include "coordinator/structural_route.h"

/* ---- what a client may set ---- */

/* Rows of a request's struct and the statements that carry them over. */
typedef struct request {
    gc_strv names, types, tags, lines;
} request;

static void release_request(request *self)
{
    gc_strv_release(&self->names);
    gc_strv_release(&self->types);
    gc_strv_release(&self->tags);
    gc_strv_release(&self->lines);
}

static void add_row(request *self, const char *name, const char *type, const char *json)
{
    gc_strv_add(&self->names, name);
    gc_strv_add(&self->types, type);
    gc_strv_push(&self->tags, gc_xasprintf("`json:\"%s\"`", json));
}

/* Which fields a client may set. */
typedef struct request_rule {
    const plan_entity *pe;
    bool key; /* also the key: it creates, and the store has no keys of its own to give */
} request_rule;

static bool is_key(const request_rule *rule, const plan_field *f)
{
    return strcmp(f->name, rule->pe->id_field) == 0;
}

/* The service keeps these times itself, and keys but for those that clients choose. */
static bool is_servers(const request_rule *rule, const plan_field *f)
{
    static const char *const times[] = { "created_at", "updated_at",   "modified_at",
                                         "changed_at", "deleted_at",   "created",
                                         "updated",    "modified",     "created_on",
                                         "updated_on", "last_updated", NULL };
    if (is_key(rule, f))
        return !rule->key;
    for (size_t i = 0; times[i] && strstr(f->type, "time.Time"); i++)
        if (strcmp(times[i], f->json) == 0)
            return true;
    return false;
}

static void add_plain(request *self, const plan_field *f)
{
    add_row(self, f->name, f->type, f->json);
    gc_strv_push(&self->lines, gc_xasprintf("newItem.%s = r.%s", f->name, f->name));
}

/* "patient_id" for the field "patient": a value that is known by its key alone. */
static bool add_by_id(request *self, structural_fields *fields, const plan_field *f,
                      const char *json)
{
    const plan_entity *target = f->target;
    structural_class class = target ? structural_key_class(target) : STRUCTURAL_OTHER;
    bool text = class == STRUCTURAL_STRING;
    if (!target || f->type[0] != '*' || strcmp(f->type + 1, f->target_type) != 0 ||
        (!text && class != STRUCTURAL_INTEGER))
        return false;
    char *name = gc_xasprintf("%sID", f->name);
    char *type = structural_key_type(&fields->all, target);
    add_row(self, name, type, json);
    gc_strv_push(&self->lines, gc_xasprintf("newItem.%s = nil", f->name));
    gc_strv_push(&self->lines,
                 gc_xasprintf("if r.%s != %s {", name, text ? "\"\"" : "0"));
    gc_strv_push(&self->lines, gc_xasprintf("\tnewItem.%s = &%s{%s: r.%s}", f->name,
                                            f->target_type, target->id_field, name));
    gc_strv_add(&self->lines, "}");
    free(type);
    free(name);
    return true;
}

static bool add_named(request *self, const request_rule *rule, structural_fields *fields,
                      const char *json)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->items[i].json, json) == 0) {
            bool may = rule->key || !is_key(rule, &fields->items[i]);
            if (may)
                add_plain(self, &fields->items[i]);
            return may;
        }
    for (size_t i = 0; i < fields->count && gc_ends_with(json, "_id"); i++) {
        const char *field = fields->items[i].json;
        if (strlen(field) + 3 == strlen(json) && gc_starts_with(json, field))
            return add_by_id(self, fields, &fields->items[i], json);
    }
    return false;
}

static bool read_request(const request_rule *rule, structural_fields *fields,
                         const char *shape, request *out)
{
    *out = (request){ 0 };
    if (!*shape) {
        for (size_t i = 0; i < fields->count; i++)
            if (!is_servers(rule, &fields->items[i]))
                add_plain(out, &fields->items[i]);
        return true;
    }
    gc_strv names = { 0 }, seen = { 0 };
    bool known = structural_read_shape(shape, &names);
    for (size_t i = 0; i < names.count && known; i++) {
        known = !gc_strv_has(&seen, names.items[i]) &&
                add_named(out, rule, fields, names.items[i]);
        gc_strv_add(&seen, names.items[i]);
    }
    gc_strv_release(&names);
    gc_strv_release(&seen);
    return known;
}

static bool read_requests(const plan_entity *pe, structural_fields *fields,
                          const structural_routes *routes, request *create,
                          request *update)
{
    request_rule creates = { pe, !structural_assigns_key(fields->all.ctx, pe) };
    request_rule updates = { pe, false };
    return read_request(&creates, fields, routes->create_shape, create) &&
           read_request(&updates, fields, routes->update_shape, update);
}

static bool is_same(const request *a, const request *b)
{
    bool same = a->names.count == b->names.count;
    for (size_t i = 0; i < a->names.count && same; i++)
        same = strcmp(a->names.items[i], b->names.items[i]) == 0;
    return same;
}

bool structural_handler_fits(const plan_ctx *ctx, const plan_entity *pe)
{
    structural_routes routes;
    if (!structural_can_order(structural_key_class(pe)) ||
        !structural_routes_read(ctx, pe, &routes))
        return false;
    plan_promise p;
    request create = { 0 }, update = { 0 };
    plan_promise_init(&p, ctx, pe->handler);
    structural_fields fields = structural_open_fields(&p, pe);
    bool fits = read_requests(pe, &fields, &routes, &create, &update);
    release_request(&create);
    release_request(&update);
    structural_close_fields(&fields);
    plan_promise_release(&p);
    structural_routes_release(&routes);
    return fits;
}

/* ---- the request types ---- */

static size_t columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static size_t widest(const gc_strv *texts)
{
    size_t most = 0;
    for (size_t i = 0; i < texts->count; i++)
        most = columns(texts->items[i]) > most ? columns(texts->items[i]) : most;
    return most;
}

/* In gofmt's columns. */
static char *struct_row(const request *r, size_t i)
{
    const char *name = r->names.items[i], *type = r->types.items[i];
    int name_pad = (int)(widest(&r->names) - columns(name)) + 1;
    int type_pad = (int)(widest(&r->types) - columns(type)) + 1;
    return gc_xasprintf("%s%*s%s%*s%s", name, name_pad, "", type, type_pad, "",
                        r->tags.items[i]);
}

static void add_request(gc_tell *list, plan_promise *p, const structural_fields *fields,
                        const request *r, char *name)
{
    gc_arena *arena = p->ctx->arena;
    gc_tell *item = gc_tell_map(arena), *rows = gc_tell_list(arena),
            *lines = gc_tell_list(arena);
    structural_take(item, "name", name);
    for (size_t i = 0; i < r->names.count; i++) {
        structural_add(rows, struct_row(r, i));
        structural_import(p, &fields->all, r->types.items[i]);
    }
    for (size_t i = 0; i < r->lines.count; i++) {
        gc_tell_add_text(lines, r->lines.items[i]);
        structural_import(p, &fields->all, r->lines.items[i]);
    }
    gc_tell_set(item, "fields", rows);
    gc_tell_set(item, "lines", lines);
    gc_tell_add(list, item);
}

/* One type for both if they are the same. */
static void set_requests(gc_tell *data, plan_promise *p, const plan_entity *pe,
                         const structural_routes *routes, const char *helper)
{
    request create = { 0 }, update = { 0 };
    gc_tell *list = gc_tell_list(p->ctx->arena);
    structural_fields fields = structural_open_fields(p, pe);
    bool known = read_requests(pe, &fields, routes, &create, &update);
    bool one = !routes->create || !routes->update || is_same(&create, &update);
    char *create_name = gc_xasprintf("%s%sRequest", helper, one ? "" : "Create");
    char *update_name = gc_xasprintf("%s%sRequest", helper, one ? "" : "Update");
    if (known && routes->create)
        add_request(list, p, &fields, &create, gc_xstrdup(create_name));
    if (known && routes->update && !(one && routes->create))
        add_request(list, p, &fields, &update, gc_xstrdup(update_name));
    gc_tell_set(data, "requests", list);
    structural_take(data, "create_request", create_name);
    structural_take(data, "update_request", update_name);
    release_request(&create);
    release_request(&update);
    structural_close_fields(&fields);
}

/* ---- the id in a path ---- */

typedef struct id_rule {
    char *parse; /* a statement, NULL: any text is an id */
    const char *result, *zero, *import;
} id_rule;

static id_rule integer_rule(const char *type)
{
    size_t bits = strcspn(type, "0123456789");
    bool is_unsigned = type[0] == 'u' || strcmp(type, "byte") == 0;
    const char *size = type[bits]                           ? type + bits
                       : strcmp(type, "rune") == 0          ? "32"
                       : strcmp(type, "byte") == 0          ? "8"
                       : strcmp(type, "time.Duration") == 0 ? "64"
                                                            : "0";
    return (id_rule){ gc_xasprintf("number, err := strconv.Parse%s(text, 10, %s)",
                                   is_unsigned ? "Uint" : "Int", size),
                      "number", "0", "strconv" };
}

static id_rule rule_of(const plan_entity *pe)
{
    switch (structural_key_class(pe)) {
    case STRUCTURAL_INTEGER: return integer_rule(pe->id_type);
    case STRUCTURAL_FLOAT:
        return (id_rule){ gc_xasprintf("number, err := strconv.ParseFloat(text, %s)",
                                       pe->id_type + strlen("float")),
                          "number", "0", "strconv" };
    case STRUCTURAL_TIME:
        return (id_rule){ gc_xstrdup("moment, err := time.Parse(time.RFC3339Nano, text)"),
                          "moment", "time.Time{}", "time" };
    default: return (id_rule){ NULL, "", "", NULL };
    }
}

static void set_id(gc_tell *data, plan_promise *p, const plan_entity *pe,
                   const char *helper, const char *web)
{
    gc_tell *lines = gc_tell_list(p->ctx->arena);
    id_rule rule = rule_of(pe);
    char *key = structural_key_type(p, pe);
    char *value = gc_fcs_go_has(p->ctx->fcs, 22) ? gc_xstrdup("r.PathValue(\"id\")")
                                                 : gc_xasprintf("%sPathID(r)", helper);
    if (!rule.parse && strcmp(key, "string") == 0) {
        structural_add(lines, gc_xasprintf("id := %s", value));
    } else if (!rule.parse) {
        structural_add(lines, gc_xasprintf("id := %s(%s)", key, value));
    } else {
        structural_add(lines, gc_xasprintf("id, err := %sID(r)", helper));
        structural_add(lines, gc_xstrdup("if err != nil {"));
        structural_add(lines, gc_xasprintf("\t%s.Error(w, r, err)", web));
        structural_add(lines, gc_xstrdup("\treturn"));
        structural_add(lines, gc_xstrdup("}"));
        bool same = strcmp(key, "int64") == 0 || strcmp(key, "uint64") == 0 ||
                    strcmp(key, "float64") == 0 || strcmp(key, "time.Time") == 0;
        structural_take(data, "parsed",
                        same ? gc_xstrdup(rule.result)
                             : gc_xasprintf("%s(%s)", key, rule.result));
        gc_tell_set_text(data, "parse", rule.parse);
        gc_tell_set_text(data, "zero", rule.zero);
        plan_promise_std(p, "fmt");
        plan_promise_std(p, rule.import);
    }
    if (strstr(key, "time."))
        plan_promise_std(p, "time");
    gc_tell_set(data, "id_lines", lines);
    structural_take(data, "path_value", value);
    gc_tell_set_text(data, "key", key);
    free(rule.parse);
    free(key);
}

/* ---- routes ---- */

static gc_tell *route(gc_arena *arena, const char *method, char *path,
                      const char *function)
{
    gc_tell *item = gc_tell_map(arena);
    gc_tell_set_text(item, "method", method);
    structural_take(item, "path", path);
    gc_tell_set_text(item, "function", function);
    return item;
}

static void set_allow(gc_tell *data, const gc_tell *routes)
{
    gc_strv verbs = { 0 };
    for (size_t i = 0; i < gc_tell_count(routes); i++)
        gc_strv_add(&verbs, gc_tell_text(gc_tell_get(gc_tell_at(routes, i), "method")));
    structural_take(data, "allow", gc_strv_join(&verbs, ", "));
    gc_strv_release(&verbs);
}

static gc_tell *collection_routes(gc_arena *arena, const structural_routes *r)
{
    gc_tell *list = gc_tell_list(arena);
    if (r->list)
        gc_tell_add(list, route(arena, "GET", gc_xstrdup(r->base), "list"));
    if (r->create)
        gc_tell_add(list, route(arena, "POST", gc_xstrdup(r->base), "create"));
    return list;
}

static gc_tell *item_routes(gc_arena *arena, const structural_routes *r)
{
    gc_tell *list = gc_tell_list(arena);
    const struct {
        bool is;
        const char *method, *function;
    } table[] = { { r->get, "GET", "get" },
                  { r->update, "PUT", "update" },
                  { r->delete, "DELETE", "delete" } };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].is)
            gc_tell_add(list, route(arena, table[i].method,
                                    gc_xasprintf("%s/{id}", r->base), table[i].function));
    return list;
}

static gc_tell *action_route(gc_arena *arena, const structural_routes *r, size_t i)
{
    const structural_action *a = &r->actions[i];
    char *function = gc_xasprintf("do%s", a->name);
    gc_tell *item =
        route(arena, a->verb, gc_xasprintf("%s/{id}/%s", r->base, a->tail), function);
    gc_tell_set_text(item, "service_method", a->name);
    gc_tell_set_text(item, "tail", a->tail);
    free(function);
    return item;
}

static void set_routes(gc_tell *data, const structural_routes *r)
{
    gc_arena *arena = gc_tell_arena(data);
    gc_tell *all = collection_routes(arena, r), *items = item_routes(arena, r),
            *acts = gc_tell_list(arena);
    gc_tell_extend(all, items);
    for (size_t i = 0; i < r->action_count; i++)
        gc_tell_add(acts, action_route(arena, r, i));
    gc_tell_extend(all, acts);
    gc_tell_set(data, "routes", all);
    gc_tell_set(data, "acts", acts);
    gc_tell_set_bool(data, "create", r->create);
    gc_tell_set_bool(data, "list", r->list);
    gc_tell_set_bool(data, "get", r->get);
    gc_tell_set_bool(data, "update", r->update);
    gc_tell_set_bool(data, "delete", r->delete);
    gc_tell_set_bool(data, "reads", r->get || r->update);
    gc_tell_set_bool(data, "decodes", r->create || r->update);
    gc_tell_set_bool(data, "by_id", r->get || r->update || r->delete || r->action_count);
    gc_tell_set_text(data, "base", r->base);
}

static gc_tell *mount(gc_arena *arena, const char *function, char *path)
{
    gc_tell *item = gc_tell_map(arena);
    gc_tell_set_text(item, "function", function);
    structural_take(item, "mount", path);
    return item;
}

/* For a mux without patterns: one function for the collection, one for all below it. */
static void set_mounts(gc_tell *data, const structural_routes *r)
{
    gc_arena *arena = gc_tell_arena(data);
    gc_tell *mounts = gc_tell_list(arena), *actions = gc_tell_list(arena);
    gc_tell *collection = collection_routes(arena, r), *items = item_routes(arena, r);
    if (gc_tell_count(collection)) {
        gc_tell *item = mount(arena, "serveCollection", gc_xstrdup(r->base));
        set_allow(item, collection);
        gc_tell_set(item, "routes", collection);
        gc_tell_add(mounts, item);
    }
    for (size_t i = 0; i <= r->action_count; i++) {
        gc_tell *routes = i ? gc_tell_list(arena) : items;
        gc_tell *action = gc_tell_map(arena);
        if (i)
            gc_tell_add(routes, action_route(arena, r, i - 1));
        gc_tell_set_text(action, "name", i ? r->actions[i - 1].tail : "");
        set_allow(action, routes);
        gc_tell_set(action, "routes", routes);
        if (gc_tell_count(routes))
            gc_tell_add(actions, action);
    }
    if (gc_tell_count(actions)) {
        gc_tell *item = mount(arena, "serveItem", gc_xasprintf("%s/", r->base));
        gc_tell_set_bool(item, "item", true);
        gc_tell_set(item, "actions", actions);
        gc_tell_add(mounts, item);
    }
    gc_tell_set(data, "mounts", mounts);
}

/* ---- the files ---- */

static void set_methods(gc_tell *data, const structural_routes *r, const char *type,
                        const char *key)
{
    gc_tell *list = gc_tell_list(gc_tell_arena(data));
    const char *ctx = "ctx context.Context";
    if (r->create)
        structural_add(list,
                       gc_xasprintf("Create(%s, in *%s) (*%s, error)", ctx, type, type));
    if (r->get || r->update)
        structural_add(list, gc_xasprintf("Get(%s, id %s) (*%s, error)", ctx, key, type));
    if (r->list)
        structural_add(
            list, gc_xasprintf("List(%s, limit, offset int) ([]*%s, error)", ctx, type));
    if (r->update)
        structural_add(list,
                       gc_xasprintf("Update(%s, in *%s) (*%s, error)", ctx, type, type));
    if (r->delete)
        structural_add(list, gc_xasprintf("Delete(%s, id %s) error", ctx, key));
    for (size_t i = 0; i < r->action_count; i++)
        structural_add(list, gc_xasprintf("%s(%s, id %s) (*%s, error)",
                                          r->actions[i].name, ctx, key, type));
    gc_tell_set(data, "methods", list);
}

static void set_names(gc_tell *data, plan_promise *p, const plan_entity *pe)
{
    structural_web_rules rules = *p->ctx->web_rules;
    gc_tell_set_text(data, "package", pe->handler->name);
    gc_tell_set_text(data, "handler", pe->handler_type);
    gc_tell_set_text(data, "service_name", pe->service_type);
    gc_tell_set_text(data, "entity", pe->type);
    gc_tell_set_text(data, "id", pe->id_field);
    structural_take(data, "type", plan_promise_ref(p, pe->model, pe->type));
    gc_tell_set_bool(data, "patterns", gc_fcs_go_has(p->ctx->fcs, 22));
    gc_tell_set_bool(data, "cursor", rules.cursor);
}

gc_tell *structural_handler(const plan_ctx *ctx, const plan_entity *pe,
                            const plan_pkg *errors, const plan_pkg *web)
{
    structural_routes routes;
    if (!structural_routes_read(ctx, pe, &routes))
        return NULL;
    plan_promise p;
    gc_tell *data = gc_tell_map(ctx->arena);
    char *helper = structural_helper(pe, "_handler");
    plan_promise_init(&p, ctx, pe->handler);
    plan_promise_std(&p, "context");
    plan_promise_std(&p, "net/http");
    structural_import_package(data, "web", &p, web);
    set_names(data, &p, pe);
    structural_take(data, "service", plan_promise_ref(&p, pe->service, pe->service_type));
    set_routes(data, &routes);
    set_mounts(data, &routes);
    bool by_id = gc_tell_get_bool(data, "by_id");
    if (by_id && !gc_fcs_go_has(ctx->fcs, 22))
        plan_promise_std(&p, "strings");
    if (by_id)
        set_id(data, &p, pe, helper, gc_tell_get_text(data, "web"));
    if (gc_tell_get(data, "parse"))
        structural_import_package(data, "errors", &p, errors);
    set_requests(data, &p, pe, &routes, helper);
    const char *key = gc_tell_get_text(data, "key");
    set_methods(data, &routes, gc_tell_get_text(data, "type"), key ? key : "");
    structural_take(data, "helper", helper);
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    structural_routes_release(&routes);
    return data;
}

static const char *path_sample(structural_class class)
{
    switch (class) {
    case STRUCTURAL_INTEGER: return "1";
    case STRUCTURAL_FLOAT: return "1.5";
    case STRUCTURAL_TIME: return "2024-01-02T12:00:00Z";
    default: return "a1";
    }
}

static char *first_item_path(const structural_routes *r)
{
    if (r->get || r->update || r->delete)
        return gc_xstrdup("item");
    return gc_xasprintf("item + \"/%s\"", r->actions[0].tail);
}

gc_tell *structural_handler_test(const plan_ctx *ctx, const plan_entity *pe,
                                 const plan_pkg *errors, const char *function)
{
    static const char *const always[] = { "context", "net/http", "net/http/httptest",
                                          "strings", "testing" };
    structural_routes routes;
    if (!structural_routes_read(ctx, pe, &routes))
        return NULL;
    plan_promise p;
    gc_tell *data = gc_tell_map(ctx->arena);
    plan_promise_init(&p, ctx, pe->handler);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        plan_promise_std(&p, always[i]);
    structural_import_package(data, "errors", &p, errors);
    set_names(data, &p, pe);
    set_routes(data, &routes);
    structural_take(data, "key", structural_key_type(&p, pe));
    if (gc_tell_get_bool(data, "by_id") && strstr(pe->id_type, "time."))
        plan_promise_std(&p, "time");
    if (routes.list)
        plan_promise_std(&p, "fmt");
    if (routes.create || routes.list || routes.get)
        plan_promise_std(&p, "errors");
    /* A route that is there, for a method that is not. */
    gc_tell *first = gc_tell_map(ctx->arena);
    structural_take(first, "path",
                    routes.create || routes.list ? gc_xasprintf("\"%s\"", routes.base)
                                                 : first_item_path(&routes));
    gc_tell_set(data, "first", first);
    gc_tell_set_text(data, "function", function);
    gc_tell_set_text(data, "id_sample", path_sample(structural_key_class(pe)));
    bool parses = structural_key_class(pe) != STRUCTURAL_STRING;
    gc_tell_set_bool(data, "parses", parses);
    structural_take(data, "helper", structural_helper(pe, "_handler_test"));
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    structural_routes_release(&routes);
    return data;
}
