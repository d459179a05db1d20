#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "coordinator/plan_private.h"
#include "coordinator/structural_entity.h"
#include "coordinator/structural_handler.h"
#include "coordinator/structural_model.h"
#include "coordinator/structural_program.h"
#include "coordinator/structural_route.h"
#include "coordinator/structural_sql.h"

#define CLONE_BYTES 300
#define WEB_BYTES 3000
#define FORMAT_BYTES 1500

/* The packages that the templates of entities lean on. */
typedef struct shared {
    const plan_pkg *errors;
    const plan_pkg *formats; /* NULL: no model checks any */
    plan_pkg *web;
} shared;

static void by_template(plan_ctx *ctx, size_t file, const char *name, const gc_tell *data)
{
    gc_plan_file *f = &ctx->plan->files[file];
    f->how = GC_BY_TEMPLATE;
    f->template_name = name;
    gc_buf text;
    gc_buf_init(&text, PLAN_TEXT_LIMIT);
    gc_tell_print(data, &text);
    f->template_data = gc_xmemdup(text.ptr, text.len);
    gc_buf_release(&text);
    gc_arena_reset(ctx->arena);
}

/* Of a file that the LLM would not have: it writes that code where it needs it. */
static void by_template_only(plan_ctx *ctx, size_t file, const char *name,
                             const gc_tell *data)
{
    by_template(ctx, file, name, data);
    ctx->plan->files[file].extra = true;
}

/* Index of an entity's file, and of the test beside it. */
static size_t file_of(const plan_ctx *ctx, const plan_entity *pe, const plan_pkg *pkg,
                      const char *tail)
{
    char *path = gc_xasprintf("%s/%s%s.go", pkg->dir, pe->stem, tail);
    size_t file = (size_t)gc_map_get(ctx->file_by_path, path);
    free(path);
    return file - 1; /* the plan has them all */
}

/* The function that the promise of a test names; free() it. */
static char *function_of(const plan_ctx *ctx, size_t test)
{
    const char *name = strstr(ctx->plan->files[test].promise, "func ") + strlen("func ");
    return gc_xmemdup(name, strcspn(name, "("));
}

/* The file with the functions that look at formats; SIZE_MAX if no model needs one. */
static size_t write_formats(plan_ctx *ctx, shared *with, const bool *formats)
{
    bool any = false;
    for (int i = 0; i < STRUCTURAL_FORMATS; i++)
        any = any || formats[i];
    if (!any)
        return SIZE_MAX;
    char *dir = plan_free_dir(ctx, "format");
    plan_pkg *pkg = plan_require_pkg(ctx, dir, strrchr(dir, '/') + 1, "formats of texts");
    char *path = gc_xasprintf("%s/format.go", dir);
    size_t file = plan_add_file(ctx, path, pkg, "model");
    plan_promise promise;
    plan_promise_init(&promise, ctx, pkg);
    structural_promise_formats(&promise, formats);
    plan_set_promise(ctx, file, &promise, FORMAT_BYTES);
    plan_purpose(ctx, file, "Tells whether texts have a format.");
    size_t test = plan_add_test(ctx, file, "TestFormats", FORMAT_BYTES);
    char *function = function_of(ctx, test);
    by_template_only(ctx, file, "format.go.tmpl",
                     structural_formats(ctx, pkg, formats, function));
    by_template_only(ctx, test, "format_test.go.tmpl",
                     structural_formats(ctx, pkg, formats, function));
    with->formats = pkg;
    free(function);
    free(path);
    free(dir);
    return file;
}

static void write_model(plan_ctx *ctx, const plan_entity *pe, const shared *with,
                        size_t formats)
{
    size_t model = file_of(ctx, pe, pe->model, "");
    size_t test = file_of(ctx, pe, pe->model, "_test");
    char *function = function_of(ctx, test);
    structural_model_with names = { with->errors, with->formats,
                                    ctx->plan->files[model].promise, function };
    by_template(ctx, model, "model.go.tmpl", structural_model(ctx, pe, &names));
    by_template(ctx, test, "model_test.go.tmpl", structural_model_test(ctx, pe, &names));
    if (formats != SIZE_MAX)
        plan_add_edge(ctx, model, formats, GC_EDGE_CONTRACT);
    free(function);
}

/* Where the specification says more of a value than templates understand, the LLM writes
 * the whole file. */
static void write_models(plan_ctx *ctx, shared *with)
{
    size_t count = ctx->fcs->entity_count;
    bool formats[STRUCTURAL_FORMATS] = { false };
    bool *fits = gc_xcalloc(count, sizeof *fits);
    for (size_t i = 0; i < count; i++)
        fits[i] = structural_model_fits(ctx, &ctx->entities[i], formats);
    size_t file = write_formats(ctx, with, formats);
    for (size_t i = 0; i < count; i++)
        if (fits[i])
            write_model(ctx, &ctx->entities[i], with, file);
    free(fits);
}

static void write_clone(plan_ctx *ctx, const plan_entity *pe)
{
    char *path = gc_xasprintf("%s/%s_clone.go", pe->model->dir, pe->stem);
    size_t file = plan_add_file(ctx, path, pe->model, "model");
    plan_promise promise;
    plan_promise_init(&promise, ctx, pe->model);
    gc_buf_printf(&promise.body, "func (m *%s) %s() *%s\n", pe->type, pe->clone,
                  pe->type);
    plan_set_promise(ctx, file, &promise, CLONE_BYTES);
    plan_about_entity(ctx, file, pe);
    plan_purpose(ctx, file, "Deep copies of %s.", pe->type);
    plan_add_edge(ctx, file, file_of(ctx, pe, pe->model, ""), GC_EDGE_CONTRACT);
    by_template_only(ctx, file, "clone.go.tmpl", structural_clone_file(ctx, pe));
    free(path);
}

static void write_store(plan_ctx *ctx, const plan_entity *pe, const shared *with)
{
    size_t test = file_of(ctx, pe, pe->store, "_store_test");
    char *function = function_of(ctx, test);
    by_template(ctx, file_of(ctx, pe, pe->store, "_store"), "store.go.tmpl",
                structural_store(ctx, pe, with->errors));
    by_template(ctx, test, "store_test.go.tmpl",
                structural_store_test(ctx, pe, with->errors, function));
    free(function);
}

static void write_handler(plan_ctx *ctx, const plan_entity *pe, const shared *with)
{
    size_t test = file_of(ctx, pe, pe->handler, "_handler_test");
    char *function = function_of(ctx, test);
    by_template(ctx, file_of(ctx, pe, pe->handler, "_handler"), "handler.go.tmpl",
                structural_handler(ctx, pe, with->errors, with->web));
    by_template(ctx, test, "handler_test.go.tmpl",
                structural_handler_test(ctx, pe, with->errors, function));
    free(function);
}

/* What handlers share, once there is one that a template writes. */
static void require_web(plan_ctx *ctx, shared *with)
{
    if (with->web)
        return;
    char *dir = plan_free_dir(ctx, "httpjson");
    with->web = plan_require_pkg(ctx, dir, strrchr(dir, '/') + 1, "JSON over HTTP");
    char *path = gc_xasprintf("%s/httpjson.go", dir);
    size_t file = plan_add_file(ctx, path, with->web, "server");
    plan_promise promise;
    plan_promise_init(&promise, ctx, with->web);
    structural_promise_web(&promise);
    plan_set_promise(ctx, file, &promise, WEB_BYTES);
    plan_purpose(ctx, file, "Reads and writes the JSON of all handlers.");
    by_template_only(ctx, file, "httpjson.go.tmpl",
                     structural_web(ctx, with->web, with->errors));
    size_t test = plan_add_test(ctx, file, "TestDecode", WEB_BYTES);
    char *function = function_of(ctx, test);
    by_template_only(ctx, test, "httpjson_test.go.tmpl",
                     structural_web_test(ctx, with->web, with->errors, function));
    free(function);
    free(path);
    free(dir);
}

/* The first file of a kind with that name; SIZE_MAX if there is none. */
static size_t find_kind(const plan_ctx *ctx, const char *kind, const char *name)
{
    for (size_t i = 0; i < ctx->plan->file_count; i++) {
        const gc_plan_file *f = &ctx->plan->files[i];
        if (strcmp(f->kind, kind) == 0 && gc_ends_with(f->path, name))
            return i;
    }
    return SIZE_MAX;
}

static plan_pkg *package_of(const plan_ctx *ctx, size_t file)
{
    return gc_map_get(ctx->pkg_by_dir, ctx->plan->files[file].dir);
}

/* The test beside `file`. */
static size_t test_of(const plan_ctx *ctx, size_t file)
{
    const char *path = ctx->plan->files[file].path;
    char *test = gc_xasprintf("%.*s_test.go", (int)(strlen(path) - 3), path);
    size_t found = (size_t)gc_map_get(ctx->file_by_path, test);
    free(test);
    return found - 1; /* the plan has it */
}

static const plan_pkg *write_errors(plan_ctx *ctx)
{
    size_t file = find_kind(ctx, "errors", "/errors.go"), test = test_of(ctx, file);
    const plan_pkg *pkg = package_of(ctx, file);
    char *function = function_of(ctx, test);
    by_template(ctx, file, "errors.go.tmpl", structural_errors(ctx, pkg, function));
    by_template(ctx, test, "errors_test.go.tmpl", structural_errors(ctx, pkg, function));
    free(function);
    return pkg;
}

static void write_server(plan_ctx *ctx, size_t server, const plan_pkg *config)
{
    const plan_pkg *pkg = package_of(ctx, server);
    size_t test = test_of(ctx, server);
    char *function = function_of(ctx, test);
    by_template(ctx, server, "server.go.tmpl",
                structural_server(ctx, pkg, config, function));
    by_template(ctx, test, "server_test.go.tmpl",
                structural_server(ctx, pkg, config, function));
    free(function);
}

static void write_router(plan_ctx *ctx, size_t router)
{
    const plan_pkg *pkg = package_of(ctx, router);
    size_t test = test_of(ctx, router);
    char *function = function_of(ctx, test);
    by_template(ctx, router, "router.go.tmpl", structural_router(ctx, pkg));
    by_template(ctx, test, "router_test.go.tmpl",
                structural_router_test(ctx, pkg, function));
    free(function);
}

/* A library has none of these files. */
static void write_program(plan_ctx *ctx)
{
    size_t config = find_kind(ctx, "config", "/config.go");
    size_t server = find_kind(ctx, "server", "/server.go");
    size_t router = find_kind(ctx, "server", "/router.go");
    size_t run = ctx->http ? server : find_kind(ctx, "cli", "/cli.go");
    if (config == SIZE_MAX || !structural_program_fits(ctx))
        return;
    const plan_pkg *pkg = package_of(ctx, config);
    size_t test = test_of(ctx, config), program = find_kind(ctx, "main", "/main.go");
    char *function = function_of(ctx, test);
    by_template(ctx, config, "config.go.tmpl", structural_config(ctx, pkg, function));
    by_template(ctx, test, "config_test.go.tmpl", structural_config(ctx, pkg, function));
    free(function);
    if (server != SIZE_MAX)
        write_server(ctx, server, pkg);
    if (structural_logs(ctx))
        by_template(
            ctx, program, "main.go.tmpl",
            structural_main(ctx, package_of(ctx, program), pkg, package_of(ctx, run)));
    if (router != SIZE_MAX && structural_logs(ctx) && structural_router_fits(ctx))
        write_router(ctx, router);
}

/* One pair for all tables: the plan knows a first state, not what is deployed. */
static void write_migrations(plan_ctx *ctx)
{
    static const char *const table[][3] = {
        { "migrations/0001_init.up.sql", "migration_up.sql.tmpl",
          "Makes the tables of all entities." },
        { "migrations/0001_init.down.sql", "migration_down.sql.tmpl",
          "Drops the tables of all entities." },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t file = plan_add_file(ctx, table[i][0], NULL, "migration");
        plan_purpose(ctx, file, "%s", table[i][2]);
        ctx->plan->files[file].expected_bytes = 400 * ctx->fcs->entity_count;
        by_template_only(ctx, file, table[i][1], structural_sql(ctx));
    }
}

void plan_structural_files(plan_ctx *ctx)
{
    size_t count = ctx->fcs->entity_count;
    if (!count)
        return;
    structural_read_requirements(ctx);
    shared with = { .errors = write_errors(ctx) };
    write_models(ctx, &with);
    for (size_t i = 0; i < count; i++) {
        const plan_entity *pe = &ctx->entities[i];
        write_clone(ctx, pe);
        if (structural_store_fits(ctx, pe))
            write_store(ctx, pe, &with);
        if (ctx->http && structural_handler_fits(ctx, pe)) {
            require_web(ctx, &with);
            write_handler(ctx, pe, &with);
        }
    }
    write_program(ctx);
    if (ctx->fcs->sql)
        write_migrations(ctx);
}
