#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"
#include "coordinator/contracts.h"
#include "coordinator/plan_private.h"

/* ---- adding ---- */

size_t plan_add_file(plan_ctx *ctx, const char *path, const plan_pkg *pkg,
                     const char *kind)
{
    gc_plan *plan = ctx->plan;
    plan->files =
        gc_grow(plan->files, plan->file_count, &ctx->file_cap, sizeof *plan->files);
    gc_plan_file *f = &plan->files[plan->file_count];
    const char *slash = strrchr(path, '/');
    *f = (gc_plan_file){
        .path = gc_xstrdup(path),
        .dir = slash ? gc_xmemdup(path, (size_t)(slash - path)) : gc_xstrdup(""),
        .package = gc_xstrdup(pkg ? pkg->name : ""),
        .import_path = gc_xstrdup(pkg ? pkg->import_path : ""),
        .kind = kind,
        .purpose = gc_xstrdup(""),
        .promise = gc_xstrdup(""),
        .how = GC_BY_LLM,
    };
    gc_map_set(ctx->file_by_path, f->path, (void *)(plan->file_count + 1)); // NOLINT
    return plan->file_count++;
}

void plan_add_edge(plan_ctx *ctx, size_t from, size_t to, gc_edge_kind kind)
{
    gc_plan_file *f = &ctx->plan->files[from];
    size_t n = f->edge_count;
    if ((n & (n - 1)) == 0) /* full at every power of two */
        f->edges = gc_xrealloc(f->edges, (n ? 2 * n : 1) * sizeof *f->edges);
    f->edges[f->edge_count++] = (gc_edge){ to, kind };
}

void plan_purpose(plan_ctx *ctx, size_t file, const char *fmt, ...)
{
    gc_plan_file *f = &ctx->plan->files[file];
    va_list ap;
    va_start(ap, fmt);
    free(f->purpose);
    f->purpose = gc_xvasprintf(fmt, ap);
    va_end(ap);
}

static void copy_list(const gc_map *map, const char *key, gc_strv *to)
{
    const gc_strv *list = gc_map_get(map, key);
    for (size_t i = 0; list && i < list->count; i++)
        gc_strv_add(to, list->items[i]);
}

static void tell_contracts(const plan_ctx *ctx, gc_plan_file *f, const char *entity)
{
    gc_contract_use use = gc_contract_use_of(f->kind, f->path, f->purpose, ctx->http);
    if (use == GC_CONTRACTS_ALL)
        copy_list(ctx->contract_by_entity, entity, &f->contracts);
    else if (use == GC_CONTRACTS_RULES)
        copy_list(ctx->rule_by_entity, entity, &f->contracts);
}

void plan_about_entity(plan_ctx *ctx, size_t file, const plan_entity *pe)
{
    gc_plan_file *f = &ctx->plan->files[file];
    const char *name = pe->e->go_name;
    gc_strv_add(&f->entities, name);
    copy_list(ctx->neighbours_of, name, &f->neighbours);
    if (gc_map_has(ctx->contract_by_entity, name))
        tell_contracts(ctx, f, name);
    copy_list(ctx->req_by_entity, name, &f->requirements);
    gc_strv_copy(&f->requirements, &ctx->general_reqs);
    gc_strv_sort(&f->requirements);
}

void plan_set_promise(plan_ctx *ctx, size_t file, plan_promise *promise,
                      size_t body_bytes)
{
    gc_plan_file *f = &ctx->plan->files[file];
    free(f->promise);
    f->promise = plan_promise_take(promise);
    f->expected_bytes = strlen(f->promise) + body_bytes;
    plan_promise_release(promise);
}

/* ---- the files of one entity ---- */

/* Rough size of function bodies by kind, in bytes: measured on typical answers. */
enum {
    MODEL_BYTES = 900,
    STORE_BYTES = 1700,
    SERVICE_BYTES = 1500,
    HANDLER_BYTES = 3200,
    TEST_BYTES = 2200,
    SMALL_BYTES = 900,
    WIRING_BYTES = 600
};

/* What the files of one role have in common, whatever the entity. */
typedef struct role {
    const char *tail; /* of the file name */
    const char *kind;
    void (*promise)(plan_promise *self, const plan_entity *pe);
    size_t body_bytes;
} role;

static const role roles[] = {
    { "", "model", plan_promise_model, MODEL_BYTES },
    { "_store", "store", plan_promise_store, STORE_BYTES },
    { "_service", "service", plan_promise_service, SERVICE_BYTES },
    { "_handler", "handler", plan_promise_handler, HANDLER_BYTES },
};

enum {
    ROLE_MODEL,
    ROLE_STORE,
    ROLE_SERVICE,
    ROLE_HANDLER
};

static size_t add_role(plan_ctx *ctx, const plan_entity *pe, const plan_pkg *pkg,
                       int which)
{
    const role *r = &roles[which];
    char *path = gc_xasprintf("%s/%s%s.go", pkg->dir, pe->stem, r->tail);
    size_t file = plan_add_file(ctx, path, pkg, r->kind);
    plan_promise promise;
    plan_promise_init(&promise, ctx, pkg);
    r->promise(&promise, pe);
    plan_set_promise(ctx, file, &promise, r->body_bytes + 60 * pe->e->field_count);
    plan_about_entity(ctx, file, pe);
    free(path);
    return file;
}

size_t plan_add_test(plan_ctx *ctx, size_t subject, const char *function, size_t bytes)
{
    const gc_plan_file *s = &ctx->plan->files[subject];
    char *path = gc_xasprintf("%.*s_test.go", (int)(strlen(s->path) - 3), s->path);
    plan_pkg *pkg = gc_map_get(ctx->pkg_by_dir, s->dir);
    char *name = plan_unique_symbol(pkg, function);
    size_t file = plan_add_file(ctx, path, pkg, "test");
    plan_promise promise;
    plan_promise_init(&promise, ctx, pkg);
    plan_promise_test(&promise, name);
    plan_set_promise(ctx, file, &promise, bytes);
    s = &ctx->plan->files[subject]; /* the array may have moved */
    gc_plan_file *f = &ctx->plan->files[file];
    gc_strv_copy(&f->entities, &s->entities);
    gc_strv_copy(&f->neighbours, &s->neighbours);
    gc_strv_copy(&f->contracts, &s->contracts);
    gc_strv_copy(&f->requirements, &s->requirements);
    plan_purpose(ctx, file, "Table-driven tests of %s.", s->path);
    plan_add_edge(ctx, file, subject, GC_EDGE_CONTRACT);
    for (size_t i = 0; i < s->edge_count; i++)
        plan_add_edge(ctx, file, s->edges[i].file, GC_EDGE_CONTRACT);
    free(name);
    free(path);
    return file;
}

typedef struct entity_files {
    size_t model, store, service, handler;
} entity_files;

/* The models whose types the struct mentions. */
static void link_references(plan_ctx *ctx, const plan_entity *pe, size_t model)
{
    for (size_t i = 0; i < pe->e->field_count; i++) {
        const gc_field *f = &pe->e->fields[i];
        if (!f->ref || f->ref_by_id || pe->by_id[i] ||
            strcmp(f->ref, pe->e->go_name) == 0)
            continue;
        const plan_entity *target = gc_map_get(ctx->entity_by_name, f->ref);
        char *path = gc_xasprintf("%s/%s.go", target->model->dir, target->stem);
        size_t index = (size_t)gc_map_get(ctx->file_by_path, path);
        if (index)
            plan_add_edge(ctx, model, index - 1, GC_EDGE_CONTRACT);
        free(path);
    }
}

static void test_role(plan_ctx *ctx, const plan_entity *pe, size_t file, const char *what,
                      size_t bytes)
{
    char *function = gc_xasprintf("Test%s%s", pe->type, what);
    plan_add_test(ctx, file, function, bytes);
    free(function);
}

static void link_errors(plan_ctx *ctx, size_t file, long errors)
{
    if (errors >= 0)
        plan_add_edge(ctx, file, (size_t)errors, GC_EDGE_CONTRACT);
}

static entity_files add_entity(plan_ctx *ctx, const plan_entity *pe, long errors)
{
    entity_files at;
    at.model = add_role(ctx, pe, pe->model, ROLE_MODEL);
    plan_purpose(ctx, at.model, "Data type %s with its enums and validation.", pe->type);
    at.store = add_role(ctx, pe, pe->store, ROLE_STORE);
    plan_purpose(ctx, at.store, "Repository interface %s and its %s implementation %s.",
                 pe->store_type, ctx->cli ? "file" : "in-memory", pe->memory_type);
    at.service = add_role(ctx, pe, pe->service, ROLE_SERVICE);
    plan_purpose(ctx, at.service, "Business rules of %s over its store.", pe->type);
    plan_add_edge(ctx, at.store, at.model, GC_EDGE_CONTRACT);
    plan_add_edge(ctx, at.service, at.model, GC_EDGE_CONTRACT);
    plan_add_edge(ctx, at.service, at.store, GC_EDGE_CONTRACT);
    link_errors(ctx, at.model, errors);
    link_errors(ctx, at.store, errors);
    link_errors(ctx, at.service, errors);
    if (!ctx->http)
        return at;
    at.handler = add_role(ctx, pe, pe->handler, ROLE_HANDLER);
    plan_purpose(ctx, at.handler,
                 "HTTP handlers of %s: routes, decoding, encoding, status codes.",
                 pe->type);
    plan_add_edge(ctx, at.handler, at.model, GC_EDGE_CONTRACT);
    plan_add_edge(ctx, at.handler, at.service, GC_EDGE_CONTRACT);
    link_errors(ctx, at.handler, errors);
    return at;
}

static void test_entity(plan_ctx *ctx, const plan_entity *pe, const entity_files *at)
{
    link_references(ctx, pe, at->model);
    test_role(ctx, pe, at->model, "", TEST_BYTES);
    test_role(ctx, pe, at->store, "Store", TEST_BYTES);
    size_t before = ctx->plan->file_count;
    test_role(ctx, pe, at->service, "Service", TEST_BYTES);
    plan_add_edge(ctx, before, at->store, GC_EDGE_CONTRACT);
    if (!ctx->http)
        return;
    before = ctx->plan->file_count;
    test_role(ctx, pe, at->handler, "Handler", TEST_BYTES);
    plan_add_edge(ctx, before, at->store, GC_EDGE_CONTRACT);
}

static long add_errors(plan_ctx *ctx)
{
    char *dir = plan_free_open_dir(ctx, "apperrors");
    const char *slash = strrchr(dir, '/');
    plan_pkg *pkg = plan_require_pkg(ctx, dir, slash ? slash + 1 : dir,
                                     "error values that every layer shares");
    char *path = gc_xasprintf("%s/errors.go", dir);
    size_t file = plan_add_file(ctx, path, pkg, "errors");
    plan_purpose(ctx, file, "Sentinel errors of the whole program and their meaning%s.",
                 ctx->http ? " as HTTP status codes" : "");
    plan_promise p;
    plan_promise_init(&p, ctx, pkg);
    gc_buf_puts(&p.body,
                "var ErrNotFound error\nvar ErrConflict error\nvar ErrInvalid error\n");
    if (ctx->http)
        gc_buf_puts(&p.body, "func HTTPStatus(err error) int\n");
    plan_set_promise(ctx, file, &p, SMALL_BYTES / 2);
    plan_add_test(ctx, file, "TestErrors", SMALL_BYTES);
    free(path);
    free(dir);
    return (long)file;
}

void plan_entity_files(plan_ctx *ctx)
{
    size_t count = ctx->fcs->entity_count;
    if (!count)
        return;
    long errors = add_errors(ctx);
    entity_files *at = gc_xcalloc(count, sizeof *at);
    for (size_t i = 0; i < count; i++)
        at[i] = add_entity(ctx, &ctx->entities[i], errors);
    for (size_t i = 0; i < count; i++)
        test_entity(ctx, &ctx->entities[i], &at[i]);
    free(at);
}

/* ---- cross-cutting files ---- */

static size_t add_shared(plan_ctx *ctx, const plan_pkg *pkg, const char *name,
                         const char *kind, plan_promise *promise, size_t bytes)
{
    char *path = *pkg->dir ? gc_xasprintf("%s/%s.go", pkg->dir, name)
                           : gc_xasprintf("%s.go", name);
    size_t file = plan_add_file(ctx, path, pkg, kind);
    plan_set_promise(ctx, file, promise, bytes);
    gc_strv_copy(&ctx->plan->files[file].requirements, &ctx->general_reqs);
    free(path);
    return file;
}

static size_t add_config(plan_ctx *ctx, plan_pkg **pkg)
{
    char *dir = plan_free_dir(ctx, "config");
    *pkg = plan_require_pkg(ctx, dir, strrchr(dir, '/') + 1,
                            "settings from the environment");
    free(dir);
    plan_promise p;
    plan_promise_init(&p, ctx, *pkg);
    if (ctx->http) {
        plan_promise_std(&p, "time");
        gc_buf_puts(&p.body, "type Config struct {\n\tAddr            string\n"
                             "\tLogLevel        string\n"
                             "\tShutdownTimeout time.Duration\n}\n");
    } else {
        gc_buf_puts(&p.body,
                    "type Config struct {\n\tDataDir  string\n\tLogLevel string\n}\n");
    }
    gc_buf_puts(&p.body, "func Load(getenv func(string) string) (Config, error)\n");
    size_t file = add_shared(ctx, *pkg, "config", "config", &p, SMALL_BYTES);
    plan_purpose(ctx, file, "Settings of the program with defaults and checks.");
    plan_add_test(ctx, file, "TestLoad", SMALL_BYTES);
    return file;
}

/* Wiring knows every entity by name, and by the promises of its files. */
static void link_wiring(plan_ctx *ctx, size_t file)
{
    for (size_t i = 0; i < ctx->fcs->entity_count; i++)
        gc_strv_add(&ctx->plan->files[file].neighbours, ctx->fcs->entities[i].go_name);
    for (size_t i = 0; i < ctx->plan->file_count; i++) {
        const char *kind = ctx->plan->files[i].kind;
        if (strcmp(kind, "store") == 0 || strcmp(kind, "service") == 0 ||
            strcmp(kind, "handler") == 0)
            plan_add_edge(ctx, file, i, GC_EDGE_CONTRACT);
    }
    ctx->plan->files[file].expected_bytes += 160 * ctx->fcs->entity_count;
    gc_strv_copy(&ctx->plan->files[file].contracts, &ctx->free_contracts);
}

static void add_main(plan_ctx *ctx, const size_t *needs, size_t count)
{
    char *dir = gc_xasprintf("cmd/%s", ctx->fcs->app);
    plan_pkg *pkg = plan_require_pkg(ctx, dir, "main", "the program");
    plan_promise p;
    plan_promise_init(&p, ctx, pkg);
    gc_buf_puts(&p.body, "func main()\n");
    size_t file = add_shared(ctx, pkg, "main", "main", &p, WIRING_BYTES);
    plan_purpose(ctx, file,
                 "Entry point: load the configuration, build, run, shut down on "
                 "signals, report errors with an exit code.");
    for (size_t i = 0; i < count; i++)
        plan_add_edge(ctx, file, needs[i], GC_EDGE_CONTRACT);
    free(dir);
}

static void add_server(plan_ctx *ctx)
{
    plan_pkg *config;
    size_t config_file = add_config(ctx, &config);
    char *dir = plan_free_dir(ctx, "server");
    plan_pkg *pkg =
        plan_require_pkg(ctx, dir, strrchr(dir, '/') + 1, "HTTP server and routes");
    free(dir);
    plan_promise p;
    plan_promise_init(&p, ctx, pkg);
    plan_promise_std(&p, "net/http");
    gc_buf_puts(&p.body, "func NewRouter() http.Handler\n");
    size_t router = add_shared(ctx, pkg, "router", "server", &p, WIRING_BYTES);
    plan_purpose(ctx, router,
                 "Builds every store, service and handler and registers all routes, "
                 "with request logging and panic recovery.");
    link_wiring(ctx, router);

    plan_promise_init(&p, ctx, pkg);
    plan_promise_std(&p, "context");
    plan_promise_std(&p, "net/http");
    char *type = plan_promise_ref(&p, config, "Config");
    gc_buf_printf(&p.body, "func New(cfg %s, handler http.Handler) *http.Server\n", type);
    gc_buf_printf(&p.body,
                  "func Run(ctx context.Context, cfg %s, server *http.Server) error\n",
                  type);
    free(type);
    size_t server = add_shared(ctx, pkg, "server", "server", &p, SMALL_BYTES);
    plan_purpose(ctx, server,
                 "The HTTP server with sane timeouts; Run serves until the context "
                 "ends, then shuts down gracefully.");
    plan_add_edge(ctx, server, config_file, GC_EDGE_CONTRACT);
    plan_add_test(ctx, router, "TestRouter", SMALL_BYTES);
    plan_add_test(ctx, server, "TestServer", SMALL_BYTES);
    add_main(ctx, (size_t[]){ config_file, router, server }, 3);
}

static void add_cli(plan_ctx *ctx)
{
    plan_pkg *config;
    size_t config_file = add_config(ctx, &config);
    char *dir = plan_free_dir(ctx, "cli");
    plan_pkg *pkg =
        plan_require_pkg(ctx, dir, strrchr(dir, '/') + 1, "commands of the program");
    free(dir);
    plan_promise p;
    plan_promise_init(&p, ctx, pkg);
    plan_promise_std(&p, "context");
    plan_promise_std(&p, "io");
    char *type = plan_promise_ref(&p, config, "Config");
    gc_buf_printf(&p.body,
                  "func Run(ctx context.Context, cfg %s, args []string, stdout, stderr "
                  "io.Writer) int\n",
                  type);
    free(type);
    size_t cli = add_shared(ctx, pkg, "cli", "cli", &p, HANDLER_BYTES);
    plan_purpose(ctx, cli,
                 "Parses the command line, runs the commands over the services and "
                 "prints results; returns the exit code.");
    link_wiring(ctx, cli);
    plan_add_edge(ctx, cli, config_file, GC_EDGE_CONTRACT);
    gc_plan_file *f = &ctx->plan->files[cli];
    gc_strv_release(&f->requirements);
    for (size_t i = 0; i < ctx->fcs->requirement_count; i++)
        gc_strv_add(&f->requirements, ctx->fcs->requirements[i].id);
    plan_add_test(ctx, cli, "TestRun", TEST_BYTES);
    add_main(ctx, (size_t[]){ config_file, cli }, 2);
}

void plan_shared_files(plan_ctx *ctx)
{
    if (ctx->http)
        add_server(ctx);
    else if (ctx->cli)
        add_cli(ctx);
}

/* ---- files that are no Go ---- */

void plan_project_files(plan_ctx *ctx, bool templates)
{
    static const struct {
        const char *path, *template_name, *purpose;
        size_t bytes;
    } table[] = {
        { "go.mod", "go.mod.tmpl", "Go module file", 80 },
        { ".gitignore", "gitignore.tmpl", "Files that git ignores", 200 },
        { ".dockerignore", "dockerignore.tmpl", "Files that the image build ignores",
          150 },
        { "Dockerfile", "dockerfile.tmpl", "Multi-stage, non-root container image", 600 },
        { "Makefile", "makefile.tmpl", "build, test, vet, lint, run", 700 },
        { "README.md", "readme.tmpl", "What the project is and how to run it", 1500 },
        { ".golangci.yml", "golangci.tmpl", "Settings of the linter", 500 },
        { ".github/workflows/ci.yml", "ci.tmpl", "CI: build, vet, test", 700 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        /* A listed file has a purpose of its own; go.mod leaves nothing to choose. */
        size_t listed = (size_t)gc_map_get(ctx->file_by_path, table[i].path);
        if (listed && i > 0)
            continue;
        size_t file =
            listed ? listed - 1 : plan_add_file(ctx, table[i].path, NULL, "project");
        plan_purpose(ctx, file, "%s.", table[i].purpose);
        gc_plan_file *f = &ctx->plan->files[file];
        f->expected_bytes = table[i].bytes;
        f->how = templates ? GC_BY_TEMPLATE : GC_BY_LLM;
        f->template_name = templates ? table[i].template_name : NULL;
    }
}
