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

/* The service keeps these times itself. */
static bool is_servers(const plan_entity *pe, const plan_field *f)
{
    static const char *const times[] = { "created_at", "updated_at",   "modified_at",
                                         "changed_at", "deleted_at",   "created",
                                         "updated",    "modified",     "created_on",
                                         "updated_on", "last_updated", NULL };
    if (strcmp(f->name, pe->id_field) == 0)
        return true;
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

static bool add_named(request *self, const plan_entity *pe, structural_fields *fields,
                      const char *json)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->items[i].json, json) == 0) {
            if (strcmp(fields->items[i].name, pe->id_field) == 0)
                return false;
            add_plain(self, &fields->items[i]);
            return true;
        }
    for (size_t i = 0; i < fields->count && gc_ends_with(json, "_id"); i++) {
        const char *field = fields->items[i].json;
        if (strlen(field) + 3 == strlen(json) && gc_starts_with(json, field))
            return add_by_id(self, fields, &fields->items[i], json);
    }
    return false;
}

static bool read_request(const plan_entity *pe, structural_fields *fields,
                         const char *shape, request *out)
{
    *out = (request){ 0 };
    if (!*shape) {
        for (size_t i = 0; i < fields->count; i++)
            if (!is_servers(pe, &fields->items[i]))
                add_plain(out, &fields->items[i]);
        return true;
    }
    gc_strv names = { 0 }, seen = { 0 };
    bool known = structural_read_shape(shape, &names);
    for (size_t i = 0; i < names.count && known; i++) {
        known = !gc_strv_has(&seen, names.items[i]) &&
                add_named(out, pe, fields, names.items[i]);
        gc_strv_add(&seen, names.items[i]);
    }
    gc_strv_release(&names);
    gc_strv_release(&seen);
    return known;
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
    bool fits = read_request(pe, &fields, routes.create_shape, &create) &&
                read_request(pe, &fields, routes.update_shape, &update);
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

static void add_request(json_t *list, plan_promise *p, const structural_fields *fields,
                        const request *r, char *name)
{
    json_t *item = json_object(), *rows = json_array(), *lines = json_array();
    structural_take(item, "name", name);
    for (size_t i = 0; i < r->names.count; i++) {
        structural_add(rows, struct_row(r, i));
        structural_import(p, &fields->all, r->types.items[i]);
    }
    for (size_t i = 0; i < r->lines.count; i++) {
        json_array_append_new(lines, json_string(r->lines.items[i]));
        structural_import(p, &fields->all, r->lines.items[i]);
    }
    json_object_set_new(item, "fields", rows);
    json_object_set_new(item, "lines", lines);
    json_array_append_new(list, item);
}

/* One type for both if they are the same. */
static void set_requests(json_t *data, plan_promise *p, const plan_entity *pe,
                         const structural_routes *routes, const char *helper)
{
    request create = { 0 }, update = { 0 };
    json_t *list = json_array();
    structural_fields fields = structural_open_fields(p, pe);
    bool known = read_request(pe, &fields, routes->create_shape, &create) &&
                 read_request(pe, &fields, routes->update_shape, &update);
    bool one = !routes->create || !routes->update || is_same(&create, &update);
    char *create_name = gc_xasprintf("%s%sRequest", helper, one ? "" : "Create");
    char *update_name = gc_xasprintf("%s%sRequest", helper, one ? "" : "Update");
    if (known && routes->create)
        add_request(list, p, &fields, &create, gc_xstrdup(create_name));
    if (known && routes->update && !(one && routes->create))
        add_request(list, p, &fields, &update, gc_xstrdup(update_name));
    json_object_set_new(data, "requests", list);
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

static void set_id(json_t *data, plan_promise *p, const plan_entity *pe,
                   const char *helper, const char *web)
{
    json_t *lines = json_array();
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
        structural_set(data, "parse", rule.parse);
        structural_set(data, "zero", rule.zero);
        plan_promise_std(p, "fmt");
        plan_promise_std(p, rule.import);
    }
    if (strstr(key, "time."))
        plan_promise_std(p, "time");
    json_object_set_new(data, "id_lines", lines);
    structural_take(data, "path_value", value);
    structural_set(data, "key", key);
    free(rule.parse);
    free(key);
}

/* ---- routes ---- */

static json_t *route(const char *method, char *path, const char *function)
{
    json_t *item = json_object();
    structural_set(item, "method", method);
    structural_take(item, "path", path);
    structural_set(item, "function", function);
    return item;
}

static void set_allow(json_t *data, const json_t *routes)
{
    gc_strv verbs = { 0 };
    for (size_t i = 0; i < json_array_size(routes); i++)
        gc_strv_add(&verbs, json_string_value(
                                json_object_get(json_array_get(routes, i), "method")));
    structural_take(data, "allow", gc_strv_join(&verbs, ", "));
    gc_strv_release(&verbs);
}

static json_t *collection_routes(const structural_routes *r)
{
    json_t *list = json_array();
    if (r->list)
        json_array_append_new(list, route("GET", gc_xstrdup(r->base), "list"));
    if (r->create)
        json_array_append_new(list, route("POST", gc_xstrdup(r->base), "create"));
    return list;
}

static json_t *item_routes(const structural_routes *r)
{
    json_t *list = json_array();
    const struct {
        bool is;
        const char *method, *function;
    } table[] = { { r->get, "GET", "get" },
                  { r->update, "PUT", "update" },
                  { r->delete, "DELETE", "delete" } };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].is)
            json_array_append_new(list,
                                  route(table[i].method, gc_xasprintf("%s/{id}", r->base),
                                        table[i].function));
    return list;
}

static json_t *action_route(const structural_routes *r, size_t i)
{
    const structural_action *a = &r->actions[i];
    char *function = gc_xasprintf("do%s", a->name);
    json_t *item = route(a->verb, gc_xasprintf("%s/{id}/%s", r->base, a->tail), function);
    structural_set(item, "service_method", a->name);
    structural_set(item, "tail", a->tail);
    free(function);
    return item;
}

static void set_routes(json_t *data, const structural_routes *r)
{
    json_t *all = collection_routes(r), *items = item_routes(r), *acts = json_array();
    json_array_extend(all, items);
    for (size_t i = 0; i < r->action_count; i++)
        json_array_append_new(acts, action_route(r, i));
    json_array_extend(all, acts);
    json_object_set_new(data, "routes", all);
    json_object_set_new(data, "acts", acts);
    json_decref(items);
    json_object_set_new(data, "create", json_boolean(r->create));
    json_object_set_new(data, "list", json_boolean(r->list));
    json_object_set_new(data, "get", json_boolean(r->get));
    json_object_set_new(data, "update", json_boolean(r->update));
    json_object_set_new(data, "delete", json_boolean(r->delete));
    json_object_set_new(data, "reads", json_boolean(r->get || r->update));
    json_object_set_new(data, "decodes", json_boolean(r->create || r->update));
    json_object_set_new(
        data, "by_id", json_boolean(r->get || r->update || r->delete || r->action_count));
    structural_set(data, "base", r->base);
}

static json_t *mount(const char *function, char *path)
{
    json_t *item = json_object();
    structural_set(item, "function", function);
    structural_take(item, "mount", path);
    return item;
}

/* For a mux without patterns: one function for the collection, one for all below it. */
static void set_mounts(json_t *data, const structural_routes *r)
{
    json_t *mounts = json_array(), *actions = json_array();
    json_t *collection = collection_routes(r), *items = item_routes(r);
    if (json_array_size(collection)) {
        json_t *item = mount("serveCollection", gc_xstrdup(r->base));
        set_allow(item, collection);
        json_object_set(item, "routes", collection);
        json_array_append_new(mounts, item);
    }
    for (size_t i = 0; i <= r->action_count; i++) {
        json_t *routes =
            i ? json_pack("[o]", action_route(r, i - 1)) : json_incref(items);
        json_t *action = json_object();
        structural_set(action, "name", i ? r->actions[i - 1].tail : "");
        set_allow(action, routes);
        json_object_set(action, "routes", routes);
        if (json_array_size(routes))
            json_array_append(actions, action);
        json_decref(action);
        json_decref(routes);
    }
    if (json_array_size(actions)) {
        json_t *item = mount("serveItem", gc_xasprintf("%s/", r->base));
        json_object_set_new(item, "item", json_true());
        json_object_set(item, "actions", actions);
        json_array_append_new(mounts, item);
    }
    json_decref(collection);
    json_decref(items);
    json_decref(actions);
    json_object_set_new(data, "mounts", mounts);
}

/* ---- the files ---- */

static void set_methods(json_t *data, const structural_routes *r, const char *type,
                        const char *key)
{
    json_t *list = json_array();
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
    json_object_set_new(data, "methods", list);
}

static void set_names(json_t *data, plan_promise *p, const plan_entity *pe)
{
    structural_web_rules rules = *p->ctx->web_rules;
    structural_set(data, "package", pe->handler->name);
    structural_set(data, "handler", pe->handler_type);
    structural_set(data, "service_name", pe->service_type);
    structural_set(data, "entity", pe->type);
    structural_set(data, "id", pe->id_field);
    structural_take(data, "type", plan_promise_ref(p, pe->model, pe->type));
    json_object_set_new(data, "patterns", json_boolean(gc_fcs_go_has(p->ctx->fcs, 22)));
    json_object_set_new(data, "cursor", json_boolean(rules.cursor));
}

json_t *structural_handler(const plan_ctx *ctx, const plan_entity *pe,
                           const plan_pkg *errors, const plan_pkg *web)
{
    structural_routes routes;
    if (!structural_routes_read(ctx, pe, &routes))
        return NULL;
    plan_promise p;
    json_t *data = json_object();
    char *helper = structural_helper(pe, "_handler");
    plan_promise_init(&p, ctx, pe->handler);
    plan_promise_std(&p, "context");
    plan_promise_std(&p, "net/http");
    structural_import_package(data, "web", &p, web);
    set_names(data, &p, pe);
    structural_take(data, "service", plan_promise_ref(&p, pe->service, pe->service_type));
    set_routes(data, &routes);
    set_mounts(data, &routes);
    bool by_id = json_is_true(json_object_get(data, "by_id"));
    if (by_id && !gc_fcs_go_has(ctx->fcs, 22))
        plan_promise_std(&p, "strings");
    if (by_id)
        set_id(data, &p, pe, helper, json_string_value(json_object_get(data, "web")));
    if (json_object_get(data, "parse"))
        structural_import_package(data, "errors", &p, errors);
    set_requests(data, &p, pe, &routes, helper);
    const char *key = json_string_value(json_object_get(data, "key"));
    set_methods(data, &routes, json_string_value(json_object_get(data, "type")),
                key ? key : "");
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

json_t *structural_handler_test(const plan_ctx *ctx, const plan_entity *pe,
                                const plan_pkg *errors, const char *function)
{
    static const char *const always[] = { "context", "net/http", "net/http/httptest",
                                          "strings", "testing" };
    structural_routes routes;
    if (!structural_routes_read(ctx, pe, &routes))
        return NULL;
    plan_promise p;
    json_t *data = json_object();
    plan_promise_init(&p, ctx, pe->handler);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        plan_promise_std(&p, always[i]);
    structural_import_package(data, "errors", &p, errors);
    set_names(data, &p, pe);
    set_routes(data, &routes);
    structural_take(data, "key", structural_key_type(&p, pe));
    if (json_is_true(json_object_get(data, "by_id")) && strstr(pe->id_type, "time."))
        plan_promise_std(&p, "time");
    if (routes.list)
        plan_promise_std(&p, "fmt");
    if (routes.create || routes.list || routes.get)
        plan_promise_std(&p, "errors");
    /* A route that is there, for a method that is not. */
    json_t *first = json_object();
    structural_take(first, "path",
                    routes.create || routes.list ? gc_xasprintf("\"%s\"", routes.base)
                                                 : first_item_path(&routes));
    json_object_set_new(data, "first", first);
    structural_set(data, "function", function);
    structural_set(data, "id_sample", path_sample(structural_key_class(pe)));
    bool parses = structural_key_class(pe) != STRUCTURAL_STRING;
    json_object_set_new(data, "parses", json_boolean(parses));
    structural_take(data, "helper", structural_helper(pe, "_handler_test"));
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    structural_routes_release(&routes);
    return data;
}
