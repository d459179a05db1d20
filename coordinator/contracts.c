#include "coordinator/contracts.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/strv.h"
#include "coordinator/structural_route.h"

/* ---- the role of a file ---- */

static bool is_in(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

static const char *const data_words[] = {
    "model",      "models",   "entity",  "entities", "type",       "types",
    "store",      "stores",   "storage", "memory",   "repository", "repositories",
    "repo",       "database", "db",      "sql",      "postgres",   "migration",
    "migrations", "errors",   "config",  "clone",    NULL
};
static const char *const rule_words[] = { "service",  "services", "usecase",
                                          "usecases", "rules",    NULL };
static const char *const http_words[] = { "http",       "rest",        "api",
                                          "handler",    "handlers",    "server",
                                          "controller", "controllers", NULL };
static const char *const route_words[] = { "route",     "routes",    "router",
                                           "endpoint",  "endpoints", "contract",
                                           "contracts", NULL };

static bool is_http(const char *word)
{
    return is_in(word, http_words) || is_in(word, route_words);
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The last word of the name that says something counts: "store_handler.go" handles. */
static gc_contract_use use_of_words(const char *path, const char *purpose)
{
    gc_contract_use use = GC_CONTRACTS_ALL;
    gc_strv words = { 0 };
    gc_go_words(name_of(path), &words);
    for (size_t i = 0; i < words.count; i++) {
        if (is_in(words.items[i], data_words))
            use = GC_CONTRACTS_NONE;
        else if (is_in(words.items[i], rule_words))
            use = GC_CONTRACTS_RULES;
        else if (is_http(words.items[i]))
            use = GC_CONTRACTS_ALL;
    }
    gc_strv_release(&words);
    gc_go_words(purpose, &words);
    for (size_t i = 0; i < words.count; i++)
        if (is_http(words.items[i]))
            use = GC_CONTRACTS_ALL;
    gc_strv_release(&words);
    return use;
}

gc_contract_use gc_contract_use_of(const char *kind, const char *path,
                                   const char *purpose, bool http)
{
    if (strcmp(kind, "handler") == 0 || strcmp(kind, "cli") == 0)
        return GC_CONTRACTS_ALL;
    if (strcmp(kind, "service") == 0)
        return http ? GC_CONTRACTS_RULES : GC_CONTRACTS_ALL;
    if (strcmp(kind, "source") == 0 || strcmp(kind, "test") == 0 ||
        strcmp(kind, "main") == 0)
        return use_of_words(path, purpose);
    return GC_CONTRACTS_NONE;
}

/* ---- files without an entity ---- */

gc_contract_use gc_contract_use_without(const char *path, const char *purpose)
{
    bool http = false, routes = false;
    gc_strv words = { 0 };
    gc_go_words(name_of(path), &words);
    gc_go_words(purpose, &words);
    for (size_t i = 0; i < words.count; i++) {
        http = http || is_in(words.items[i], http_words);
        routes = routes || is_in(words.items[i], route_words);
    }
    gc_strv_release(&words);
    return routes ? GC_CONTRACTS_ALL : http ? GC_CONTRACTS_FREE : GC_CONTRACTS_NONE;
}

/* ---- rules ---- */

/* "Order", "[]Order", "{id, total}": nothing but the shape of the answer. */
static bool is_type(const char *text)
{
    int depth = 0;
    for (; *text; text++) {
        depth += (*text == '{') - (*text == '}');
        if (depth <= 0 && (*text == ' ' || *text == ';' || *text == ','))
            return false;
    }
    return true;
}

/* One of the five that every service promises: "/orders" or "/orders/{id}". */
static bool is_plain(const gc_contract *c)
{
    static const char *const on_all[] = { "GET", "POST", NULL };
    static const char *const on_one[] = { "GET", "PUT", "DELETE", NULL };
    size_t len = strcspn(c->path, "{<:");
    bool one = c->path[len] != '\0';
    if (strchr(c->path + len, '/') || (one && (!len || c->path[len - 1] != '/')))
        return false;
    char *base = gc_xmemdup(c->path, one ? len - 1 : len);
    bool called = structural_is_called(base, c->entity);
    free(base);
    return called && is_in(c->method, one ? on_one : on_all);
}

bool gc_contract_is_rule(const gc_contract *contract)
{
    return *contract->request || !is_type(contract->response) || !is_plain(contract) ||
           !structural_says_nothing(contract->description, contract->entity);
}
