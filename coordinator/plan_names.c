#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"
#include "coordinator/plan_private.h"

plan_pkg *plan_require_pkg(plan_ctx *ctx, const char *dir, const char *name,
                           const char *purpose)
{
    plan_pkg *pkg = gc_map_get(ctx->pkg_by_dir, dir);
    if (pkg)
        return pkg;
    pkg = gc_xcalloc(1, sizeof *pkg);
    pkg->name = gc_xstrdup(name);
    pkg->dir = gc_xstrdup(dir);
    pkg->import_path = *dir ? gc_xasprintf("%s/%s", ctx->fcs->module_path, dir)
                            : gc_xstrdup(ctx->fcs->module_path);
    pkg->purpose = gc_xstrdup(purpose);
    pkg->symbols = gc_map_new();
    pkg->imports = gc_map_new();
    ctx->pkgs = gc_grow(ctx->pkgs, ctx->pkg_count, &ctx->pkg_cap, sizeof(plan_pkg *));
    ctx->pkgs[ctx->pkg_count++] = pkg;
    gc_map_set(ctx->pkg_by_dir, pkg->dir, pkg);
    return pkg;
}

char *plan_unique_symbol(plan_pkg *pkg, const char *want)
{
    char *name = gc_xstrdup(want);
    for (int n = 2; gc_map_has(pkg->symbols, name); n++) {
        free(name);
        name = gc_xasprintf("%s%d", want, n);
    }
    gc_map_set(pkg->symbols, name, pkg);
    return name;
}

static char *free_dir(plan_ctx *ctx, const char *above, const char *base)
{
    char *dir = gc_xasprintf("%s%s", above, base);
    for (int n = 1; gc_map_has(ctx->pkg_by_dir, dir); n++) {
        free(dir);
        dir = n == 1 ? gc_xasprintf("%sapp%s", above, base)
                     : gc_xasprintf("%sapp%s%d", above, base, n);
    }
    return dir;
}

char *plan_free_dir(plan_ctx *ctx, const char *base)
{
    return free_dir(ctx, "internal/", base);
}

/* Others can import a library, and nothing below internal/. */
static const char *open_root(const plan_ctx *ctx)
{
    return ctx->http || ctx->cli ? "internal/" : "";
}

char *plan_free_open_dir(plan_ctx *ctx, const char *base)
{
    return free_dir(ctx, open_root(ctx), base);
}

/* ---- which package holds which kind of file ---- */

/* A spec that names layers (models, repository, services, handlers) gets its files there.
 * Each missing layer falls back on the one below, so imports only point downwards. */
typedef struct layers {
    plan_pkg *model, *store, *service, *handler;
} layers;

static const char *const model_words[] = { "model",    "models", "domain", "entity",
                                           "entities", "types",  NULL };
static const char *const store_words[] = { "store",       "stores",       "storage",
                                           "repository",  "repositories", "repo",
                                           "persistence", "database",     "db",
                                           NULL };
static const char *const service_words[] = { "service", "services", "usecase", "usecases",
                                             "core",    "business", NULL };
static const char *const handler_words[] = { "handler",     "handlers",  "api",
                                             "rest",        "transport", "controller",
                                             "controllers", NULL };

static bool is_listed(const char *name, const char *const *words)
{
    while (*words && strcmp(*words, name) != 0)
        words++;
    return *words != NULL;
}

bool plan_is_layer(const char *name)
{
    return is_listed(name, model_words) || is_listed(name, store_words) ||
           is_listed(name, service_words) || is_listed(name, handler_words);
}

static const gc_package *find_layer(const gc_fcs *fcs, const char *const *words)
{
    for (size_t i = 0; i < fcs->package_count; i++)
        if (is_listed(fcs->packages[i].name, words))
            return &fcs->packages[i];
    return NULL;
}

static plan_pkg *layer_pkg(plan_ctx *ctx, const char *const *words, plan_pkg *below)
{
    const gc_package *p = find_layer(ctx->fcs, words);
    return p ? plan_require_pkg(ctx, p->path, p->name, p->purpose) : below;
}

static layers find_layers(plan_ctx *ctx)
{
    layers l = { 0 };
    l.model = layer_pkg(ctx, model_words, NULL);
    if (!l.model)
        return l;
    l.store = layer_pkg(ctx, store_words, l.model);
    l.service = layer_pkg(ctx, service_words, l.store);
    l.handler = layer_pkg(ctx, handler_words, l.service);
    return l;
}

static const gc_package *spec_package(const plan_ctx *ctx, const char *name)
{
    return *name ? gc_map_get(ctx->package_by_name, name) : NULL;
}

static void place_entity(plan_ctx *ctx, plan_entity *pe, const layers *l)
{
    char *own = gc_go_package(pe->e->go_name);
    const gc_package *p = spec_package(ctx, pe->e->package);
    if (!p)
        p = spec_package(ctx, own);
    if (!p && l->model) {
        pe->model = l->model;
        pe->store = l->store;
        pe->service = l->service;
        pe->handler = l->handler;
    } else {
        char *dir = p ? gc_xstrdup(p->path) : gc_xasprintf("%s%s", open_root(ctx), own);
        char *purpose = gc_xasprintf("%s: model, store, service", pe->e->go_name);
        pe->model = plan_require_pkg(ctx, dir, p ? p->name : own,
                                     p && *p->purpose ? p->purpose : purpose);
        pe->store = pe->service = pe->handler = pe->model;
        free(dir);
        free(purpose);
    }
    if (!pe->model->residents++)
        pe->model->first_resident = pe;
    free(own);
}

/* ---- names ---- */

const char *plan_enum_type(const gc_field *field)
{
    const char *type = field->go_type, *bracket = strrchr(type, ']');
    return bracket ? bracket + 1 : type + (type[0] == '*');
}

/* JSON has its names in small letters. */
static bool has_field(const gc_entity *e, const char *go_name)
{
    for (size_t i = 0; i < e->field_count; i++)
        if (strcasecmp(e->fields[i].go_name, go_name) == 0)
            return true;
    return false;
}

char *plan_free_member(const gc_entity *e, const char *want)
{
    char *name = gc_xstrdup(want);
    for (int n = 2; has_field(e, name); n++) {
        free(name);
        name = gc_xasprintf("%s%d", want, n);
    }
    return name;
}

static void name_key(plan_entity *pe)
{
    const gc_field *key = gc_entity_key(pe->e);
    bool usable = key && key->go_type[0] != '[' && key->go_type[0] != '*' &&
                  !gc_starts_with(key->go_type, "map[") &&
                  strcmp(key->go_type, "json.RawMessage") != 0;
    pe->id_added = !key;
    pe->id_declared = usable && key->enum_values.count;
    pe->id_field = key ? gc_xstrdup(key->go_name) : plan_free_member(pe->e, "ID");
    pe->validate = plan_free_member(pe->e, "Validate");
    pe->clone = plan_free_member(pe->e, "Clone");
    pe->id_type = gc_xstrdup(usable ? key->go_type : "string");
}

static char *role_name(plan_pkg *pkg, const plan_entity *pe, const char *role)
{
    bool alone = pe->model->residents == 1 && pkg == pe->model;
    char *want = gc_xasprintf("%s%s", alone ? "" : pe->type, role), *name = NULL;
    char *maker = NULL; /* NewStore may be the name of an entity */
    do {
        free(name);
        free(maker);
        name = plan_unique_symbol(pkg, want);
        maker = gc_xasprintf("New%s", name);
    } while (gc_map_has(pkg->symbols, maker));
    gc_map_set(pkg->symbols, maker, pkg);
    free(maker);
    free(want);
    return name;
}

/* Roles get other names than the enums of their package. */
static void take_enums(plan_entity *pe)
{
    for (size_t i = 0; i < pe->e->field_count; i++)
        if (pe->e->fields[i].enum_values.count)
            gc_map_set(pe->model->symbols, plan_enum_type(&pe->e->fields[i]), pe);
}

static void name_roles(plan_ctx *ctx, plan_entity *pe)
{
    pe->store_type = role_name(pe->store, pe, "Store");
    pe->memory_type = role_name(pe->store, pe, ctx->cli ? "FileStore" : "MemoryStore");
    pe->service_type = role_name(pe->service, pe, "Service");
    pe->handler_type = role_name(pe->handler, pe, "Handler");
}

#define STEM_TAILS 5

/* "order" beside an entity OrderStore would make order_store.go twice in one folder. */
static void choose_stem(plan_entity *pe, gc_map *taken)
{
    static const char *const tails[] = { "", "_clone", "_store", "_service", "_handler" };
    char *stem = gc_xstrdup(pe->e->snake);
    for (int n = 1;; n++) {
        bool clash = false;
        for (size_t i = 0; i < STEM_TAILS && !clash; i++) {
            char *path = gc_xasprintf("%s/%s%s", pe->model->dir, stem, tails[i]);
            clash = gc_map_has(taken, path);
            free(path);
        }
        if (!clash)
            break;
        free(stem);
        stem = n == 1 ? gc_xasprintf("%s_entity", pe->e->snake)
                      : gc_xasprintf("%s_entity%d", pe->e->snake, n);
    }
    for (size_t i = 0; i < STEM_TAILS; i++) {
        char *path = gc_xasprintf("%s/%s%s", pe->model->dir, stem, tails[i]);
        gc_map_set(taken, path, pe);
        free(path);
    }
    pe->stem = stem;
}

/* ---- imports between models stay free of cycles ---- */

/* With a stack of its own: a chain of packages may be as long as the specification. */
static bool reaches(plan_ctx *ctx, plan_pkg *from, const plan_pkg *to)
{
    size_t open = 0, visit = ++ctx->visits;
    plan_pkg **stack = gc_xcalloc(ctx->pkg_count, sizeof(plan_pkg *));
    from->visit = visit;
    stack[open++] = from;
    while (open && to->visit != visit) {
        const plan_pkg *pkg = stack[--open];
        size_t cursor = 0;
        void *next;
        while (gc_map_next(pkg->imports, &cursor, NULL, &next)) {
            plan_pkg *import = next;
            if (import->visit == visit)
                continue;
            import->visit = visit;
            stack[open++] = import;
        }
    }
    free(stack);
    return to->visit == visit;
}

/* True if importing `to` from `from` closes a cycle; otherwise the import is recorded. */
static bool closes_cycle(plan_ctx *ctx, plan_pkg *from, plan_pkg *to)
{
    if (from == to || gc_map_has(from->imports, to->dir))
        return false;
    bool cycle = reaches(ctx, to, from);
    if (!cycle)
        gc_map_set(from->imports, to->dir, to);
    return cycle;
}

/* What the roles of an entity import by their promises. */
static void import_layers(const plan_entity *pe)
{
    plan_pkg *const down[][2] = { { pe->store, pe->model },
                                  { pe->service, pe->store },
                                  { pe->service, pe->model },
                                  { pe->handler, pe->service },
                                  { pe->handler, pe->model } };
    for (size_t i = 0; i < sizeof down / sizeof *down; i++)
        if (down[i][0] != down[i][1])
            gc_map_set(down[i][0]->imports, down[i][1]->dir, down[i][1]);
}

static void check_references(plan_ctx *ctx, plan_entity *pe)
{
    pe->by_id = gc_xcalloc(pe->e->field_count, sizeof *pe->by_id);
    for (size_t i = 0; i < pe->e->field_count; i++) {
        const gc_field *f = &pe->e->fields[i];
        if (!f->ref || f->ref_by_id)
            continue;
        const plan_entity *target = gc_map_get(ctx->entity_by_name, f->ref);
        pe->by_id[i] = !target || closes_cycle(ctx, pe->model, target->model);
        if (pe->by_id[i])
            gc_strv_push(
                &ctx->plan->notes,
                gc_xasprintf("%s.%s refers to %s by id: an import would close a cycle "
                             "between packages",
                             pe->e->go_name, f->go_name, f->ref));
    }
}

/* ---- actions: POST /orders/{id}/cancel -> Cancel ---- */

static bool is_parameter(const char *part)
{
    return part[0] == '{' || part[0] == ':' || part[0] == '<';
}

static void add_action(plan_entity *pe, const gc_contract *contract)
{
    static const char *const taken[] = { "Create", "Get", "List", "Update", "Delete" };
    gc_strv parts = { 0 };
    gc_strv_split(&parts, contract->path, '/');
    if (parts.count >= 2 && !is_parameter(parts.items[parts.count - 1]) &&
        is_parameter(parts.items[parts.count - 2]) &&
        strcmp(contract->method, "GET") != 0) {
        char *name = gc_go_exported(parts.items[parts.count - 1]);
        bool known = false;
        for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
            known |= strcmp(name, taken[i]) == 0;
        if (!known)
            gc_strv_add_unique(&pe->actions, name);
        free(name);
    }
    gc_strv_release(&parts);
}

static void find_actions(plan_ctx *ctx)
{
    for (size_t i = 0; i < ctx->fcs->contract_count; i++) {
        const gc_contract *c = &ctx->fcs->contracts[i];
        plan_entity *pe = *c->entity ? gc_map_get(ctx->entity_by_name, c->entity) : NULL;
        if (pe)
            add_action(pe, c);
    }
}

void plan_assign_entities(plan_ctx *ctx)
{
    size_t count = ctx->fcs->entity_count;
    ctx->entities = gc_xcalloc(count, sizeof *ctx->entities);
    layers l = find_layers(ctx);
    for (size_t i = 0; i < count; i++) {
        plan_entity *pe = &ctx->entities[i];
        pe->e = &ctx->fcs->entities[i];
        gc_map_set(ctx->entity_by_name, pe->e->go_name, pe);
        place_entity(ctx, pe, &l);
    }
    gc_map *stems = gc_map_new();
    for (size_t i = 0; i < count;
         i++) { /* entity names come first: they are the spec's own */
        plan_entity *pe = &ctx->entities[i];
        pe->type = plan_unique_symbol(pe->model, pe->e->go_name);
        choose_stem(pe, stems);
        name_key(pe);
        take_enums(pe);
        import_layers(pe);
    }
    gc_map_destroy(&stems);
    for (size_t i = 0; i < count; i++) {
        name_roles(ctx, &ctx->entities[i]);
        check_references(ctx, &ctx->entities[i]);
    }
    find_actions(ctx);
}

static void release_entity(plan_entity *pe)
{
    free(pe->stem);
    free(pe->type);
    free(pe->id_field);
    free(pe->id_type);
    free(pe->validate);
    free(pe->clone);
    free(pe->store_type);
    free(pe->memory_type);
    free(pe->service_type);
    free(pe->handler_type);
    free(pe->by_id);
    gc_strv_release(&pe->actions);
}

void plan_release_entities(plan_ctx *ctx)
{
    for (size_t i = 0; ctx->entities && i < ctx->fcs->entity_count; i++)
        release_entity(&ctx->entities[i]);
    free(ctx->entities);
    for (size_t i = 0; i < ctx->pkg_count; i++) {
        plan_pkg *pkg = ctx->pkgs[i];
        free(pkg->name);
        free(pkg->dir);
        free(pkg->import_path);
        free(pkg->purpose);
        gc_map_destroy(&pkg->symbols);
        gc_map_destroy(&pkg->imports);
        free(pkg);
    }
    free(ctx->pkgs);
}
