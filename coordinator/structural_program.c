#include "coordinator/structural_program.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "coordinator/structural_entity.h"
#include "coordinator/structural_handler.h"
#include "coordinator/structural_route.h"

/* ---- what requirements leave to the templates ---- */

static bool has_any(const gc_strv *words, const char *const *list)
{
    for (; *list; list++)
        if (gc_strv_has(words, *list))
            return true;
    return false;
}

/* Words that ask for settings, or for something of the server. */
static bool asks_of_program(const char *text)
{
    static const char *const settings[] = { "certificate",   "certificates",
                                            "compress",      "compressed",
                                            "config",        "configurable",
                                            "configuration", "configured",
                                            "env",           "environment",
                                            "flag",          "flags",
                                            "gzip",          "health",
                                            "healthz",       "http2",
                                            "https",         "listen",
                                            "listens",       "log",
                                            "logged",        "logging",
                                            "logs",          "metrics",
                                            "middleware",    "port",
                                            "prometheus",    "readiness",
                                            "ready",         "setting",
                                            "settings",      "shutdown",
                                            "signal",        "signals",
                                            "throttle",      "throttled",
                                            "timeout",       "timeouts",
                                            "tls",           "trace",
                                            "traced",        "traces",
                                            "tracing",       "variable",
                                            "variables",     NULL };
    gc_strv words = { 0 };
    gc_go_words(text, &words);
    bool asks = has_any(&words, settings);
    gc_strv_release(&words);
    return asks;
}

bool structural_program_fits(const plan_ctx *ctx)
{
    for (size_t i = 0; i < ctx->fcs->requirement_count; i++)
        if (!ctx->fcs->requirements[i].entities.count &&
            asks_of_program(ctx->fcs->requirements[i].text))
            return false;
    return true;
}

bool structural_router_fits(const plan_ctx *ctx)
{
    const gc_fcs *fcs = ctx->fcs;
    for (size_t i = 0; i < fcs->requirement_count; i++)
        if (!fcs->requirements[i].entities.count && ctx->asks_for_more[i])
            return false;
    for (size_t i = 0; i < fcs->contract_count; i++)
        if (!*fcs->contracts[i].entity || strcmp(fcs->contracts[i].path, "/healthz") == 0)
            return false;
    return structural_program_fits(ctx);
}

bool structural_logs(const plan_ctx *ctx)
{
    return gc_fcs_go_has(ctx->fcs, 21);
}

/* ---- data ---- */

static json_t *common_data(const plan_ctx *ctx, const plan_pkg *pkg, const char *function)
{
    json_t *data = json_object();
    structural_set(data, "package", pkg->name);
    structural_set(data, "function", function);
    json_object_set_new(data, "http", json_boolean(ctx->http));
    json_object_set_new(data, "joins", json_boolean(gc_fcs_go_has(ctx->fcs, 20)));
    return data;
}

json_t *structural_errors(const plan_ctx *ctx, const plan_pkg *pkg, const char *function)
{
    return common_data(ctx, pkg, function);
}

json_t *structural_config(const plan_ctx *ctx, const plan_pkg *pkg, const char *function)
{
    return common_data(ctx, pkg, function);
}

json_t *structural_server(const plan_ctx *ctx, const plan_pkg *pkg,
                          const plan_pkg *config, const char *function)
{
    plan_promise p;
    json_t *data = common_data(ctx, pkg, function);
    plan_promise_init(&p, ctx, pkg);
    structural_import_package(data, "config", &p, config);
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    return data;
}

json_t *structural_main(const plan_ctx *ctx, const plan_pkg *pkg, const plan_pkg *config,
                        const plan_pkg *run)
{
    plan_promise p;
    json_t *data = common_data(ctx, pkg, "");
    plan_promise_init(&p, ctx, pkg);
    structural_import_package(data, "config", &p, config);
    structural_import_package(data, ctx->http ? "server" : "cli", &p, run);
    structural_set_imports(data, &p);
    structural_set(data, "app", ctx->fcs->app);
    plan_promise_release(&p);
    return data;
}

static char *handler_line(plan_promise *p, const plan_entity *pe)
{
    char *handler = gc_xasprintf("New%s", pe->handler_type);
    char *service = gc_xasprintf("New%s", pe->service_type);
    char *store = gc_xasprintf("New%s", pe->memory_type);
    char *make_handler = plan_promise_ref(p, pe->handler, handler);
    char *make_service = plan_promise_ref(p, pe->service, service);
    char *make_store = plan_promise_ref(p, pe->store, store);
    char *line = gc_xasprintf("%s(%s(%s())).Register(serveMux)", make_handler,
                              make_service, make_store);
    free(handler);
    free(service);
    free(store);
    free(make_handler);
    free(make_service);
    free(make_store);
    return line;
}

json_t *structural_router(const plan_ctx *ctx, const plan_pkg *pkg)
{
    static const char *const always[] = { "log/slog", "net/http", "runtime/debug",
                                          "time" };
    plan_promise p;
    json_t *data = common_data(ctx, pkg, ""), *handlers = json_array();
    plan_promise_init(&p, ctx, pkg);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        plan_promise_std(&p, always[i]);
    for (size_t i = 0; i < ctx->fcs->entity_count; i++)
        structural_add(handlers, handler_line(&p, &ctx->entities[i]));
    json_object_set_new(data, "handlers", handlers);
    json_object_set_new(data, "patterns", json_boolean(gc_fcs_go_has(ctx->fcs, 22)));
    json_object_set_new(data, "error_and_message",
                        json_boolean(ctx->web_rules->error_and_message));
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    return data;
}

/* Only the routes that templates write are known before the files are. */
json_t *structural_router_test(const plan_ctx *ctx, const plan_pkg *pkg,
                               const char *function)
{
    json_t *data = common_data(ctx, pkg, function), *paths = json_array();
    for (size_t i = 0; i < ctx->fcs->entity_count; i++) {
        structural_routes routes;
        if (!structural_handler_fits(ctx, &ctx->entities[i]) ||
            !structural_routes_read(ctx, &ctx->entities[i], &routes))
            continue;
        if (routes.create || routes.list)
            structural_add(paths, gc_xstrdup(routes.base));
        structural_routes_release(&routes);
    }
    json_object_set_new(data, "routes", paths);
    return data;
}
