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

static gc_tell *common_data(const plan_ctx *ctx, const plan_pkg *pkg,
                            const char *function)
{
    gc_tell *data = gc_tell_map(ctx->arena);
    gc_tell_set_text(data, "package", pkg->name);
    gc_tell_set_text(data, "function", function);
    gc_tell_set_bool(data, "http", ctx->http);
    gc_tell_set_bool(data, "joins", gc_fcs_go_has(ctx->fcs, 20));
    return data;
}

gc_tell *structural_errors(const plan_ctx *ctx, const plan_pkg *pkg, const char *function)
{
    return common_data(ctx, pkg, function);
}

gc_tell *structural_config(const plan_ctx *ctx, const plan_pkg *pkg, const char *function)
{
    return common_data(ctx, pkg, function);
}

gc_tell *structural_server(const plan_ctx *ctx, const plan_pkg *pkg,
                           const plan_pkg *config, const char *function)
{
    plan_promise p;
    gc_tell *data = common_data(ctx, pkg, function);
    plan_promise_init(&p, ctx, pkg);
    structural_import_package(data, "config", &p, config);
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    return data;
}

gc_tell *structural_main(const plan_ctx *ctx, const plan_pkg *pkg, const plan_pkg *config,
                         const plan_pkg *run)
{
    plan_promise p;
    gc_tell *data = common_data(ctx, pkg, "");
    plan_promise_init(&p, ctx, pkg);
    structural_import_package(data, "config", &p, config);
    structural_import_package(data, ctx->http ? "server" : "cli", &p, run);
    structural_set_imports(data, &p);
    gc_tell_set_text(data, "app", ctx->fcs->app);
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

gc_tell *structural_router(const plan_ctx *ctx, const plan_pkg *pkg)
{
    static const char *const always[] = { "log/slog", "net/http", "runtime/debug",
                                          "time" };
    plan_promise p;
    gc_tell *data = common_data(ctx, pkg, ""), *handlers = gc_tell_list(ctx->arena);
    plan_promise_init(&p, ctx, pkg);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        plan_promise_std(&p, always[i]);
    for (size_t i = 0; i < ctx->fcs->entity_count; i++)
        structural_add(handlers, handler_line(&p, &ctx->entities[i]));
    gc_tell_set(data, "handlers", handlers);
    gc_tell_set_bool(data, "patterns", gc_fcs_go_has(ctx->fcs, 22));
    gc_tell_set_bool(data, "error_and_message", ctx->web_rules->error_and_message);
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    return data;
}

/* Only the routes that templates write are known before the files are. */
gc_tell *structural_router_test(const plan_ctx *ctx, const plan_pkg *pkg,
                                const char *function)
{
    gc_tell *data = common_data(ctx, pkg, function), *paths = gc_tell_list(ctx->arena);
    for (size_t i = 0; i < ctx->fcs->entity_count; i++) {
        structural_routes routes;
        if (!structural_handler_fits(ctx, &ctx->entities[i]) ||
            !structural_routes_read(ctx, &ctx->entities[i], &routes))
            continue;
        if (routes.create || routes.list)
            structural_add(paths, gc_xstrdup(routes.base));
        structural_routes_release(&routes);
    }
    gc_tell_set(data, "routes", paths);
    return data;
}
