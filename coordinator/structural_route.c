#include "coordinator/structural_route.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"
#include "coordinator/structural_entity.h"

#define SAFE \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.~/" /* in paths */

static bool has_word(const char *const *list, const char *word)
{
    for (; *list; list++)
        if (strcmp(*list, word) == 0)
            return true;
    return false;
}

/* ---- names in paths ---- */

/* English is no rule book, but what it makes of most nouns is known. */
static char *plural_of(const char *noun)
{
    size_t len = strlen(noun);
    char last = len ? noun[len - 1] : 'x', before = len > 1 ? noun[len - 2] : 'x';
    if (last == 'y' && !strchr("aeiou", before))
        return gc_xasprintf("%.*sies", (int)(len - 1), noun);
    if (gc_ends_with(noun, "sis")) /* diagnosis */
        return gc_xasprintf("%.*ses", (int)(len - 2), noun);
    if (strchr("sxz", last) || (last == 'h' && strchr("cs", before)))
        return gc_xasprintf("%ses", noun);
    return gc_xasprintf("%ss", noun);
}

char *structural_plural(const plan_entity *pe)
{
    char *plural = plural_of(pe->e->snake);
    for (char *c = plural; *c; c++)
        if (*c == '_')
            *c = '-';
    return plural;
}

/* Letters and digits in small letters: "Order-Items" -> orderitems. */
static char *squeeze(const char *text)
{
    gc_strv words = { 0 };
    gc_go_words(text, &words);
    char *all = gc_strv_join(&words, "");
    gc_strv_release(&words);
    return all;
}

/* Does the last part of `base` call the entity by its name? */
bool structural_is_called(const char *base, const char *go_name)
{
    const char *slash = strrchr(base, '/');
    char *said = squeeze(slash ? slash + 1 : base), *one = squeeze(go_name);
    char *many = plural_of(one), *plain = gc_xasprintf("%ss", one);
    bool is =
        strcmp(said, one) == 0 || strcmp(said, many) == 0 || strcmp(said, plain) == 0;
    free(said);
    free(one);
    free(many);
    free(plain);
    return is;
}

/* ---- what is said about a route ---- */

bool structural_says_nothing(const char *description, const char *go_name)
{
    static const char *const plain[] = {
        "a",       "add",     "adds",    "all",      "an",       "and",       "by",
        "create",  "creates", "delete",  "deletes",  "details",  "existing",  "fetch",
        "fetches", "from",    "get",     "gets",     "given",    "id",        "its",
        "list",    "lists",   "new",     "of",       "one",      "read",      "reads",
        "remove",  "removes", "replace", "replaces", "retrieve", "retrieves", "return",
        "returns", "show",    "shows",   "single",   "specific", "store",     "stores",
        "the",     "update",  "updates", "with",     NULL
    };
    gc_strv words = { 0 };
    gc_go_words(description, &words);
    char *one = squeeze(go_name), *many = plural_of(one);
    gc_strv own = { 0 };
    gc_go_words(go_name, &own);
    bool nothing = true;
    for (size_t i = 0; i < words.count && nothing; i++) {
        const char *word = words.items[i];
        nothing = has_word(plain, word) || gc_strv_has(&own, word) ||
                  strcmp(word, one) == 0 || strcmp(word, many) == 0;
        for (size_t j = 0; j < own.count && !nothing; j++) {
            char *plural = plural_of(own.items[j]);
            nothing = strcmp(word, plural) == 0;
            free(plural);
        }
    }
    gc_strv_release(&words);
    gc_strv_release(&own);
    free(one);
    free(many);
    return nothing;
}

static bool is_entity(const char *text, const plan_entity *pe)
{
    char *said = squeeze(text), *one = squeeze(pe->e->go_name);
    bool is = strcmp(said, one) == 0;
    free(said);
    free(one);
    return is;
}

static bool answers_entity(const gc_contract *c, const plan_entity *pe)
{
    return !*c->response || (!strchr(c->response, '[') && is_entity(c->response, pe));
}

static bool answers_list(const gc_contract *c, const plan_entity *pe)
{
    return !*c->response ||
           (gc_starts_with(c->response, "[]") && is_entity(c->response + 2, pe));
}

bool structural_read_shape(const char *shape, gc_strv *names)
{
    size_t len = strlen(shape);
    if (len < 2 || shape[0] != '{' || shape[len - 1] != '}')
        return false;
    char *inner = gc_xmemdup(shape + 1, len - 2);
    bool plain = !strpbrk(inner, "{}[]()\"'");
    gc_strv parts = { 0 };
    if (plain)
        gc_strv_split(&parts, inner, ',');
    for (size_t i = 0; i < parts.count; i++) {
        parts.items[i][strcspn(parts.items[i], ":")] = '\0';
        gc_strv words = { 0 };
        gc_go_words(parts.items[i], &words);
        if (words.count)
            gc_strv_push(names, gc_strv_join(&words, "_"));
        gc_strv_release(&words);
    }
    gc_strv_release(&parts);
    free(inner);
    return plain && names->count;
}

/* ---- contracts ---- */

typedef struct route_path {
    char *base;       /* up to the parameter, or all of it */
    bool item;        /* there is a parameter */
    const char *tail; /* behind it, or NULL; into the contract's path */
} route_path;

static size_t parameter_length(const char *at)
{
    if (at[0] == '{' || at[0] == '<') {
        size_t n = strcspn(at, "}>");
        return at[n] ? n + 1 : 0;
    }
    return at[0] == ':' ? strcspn(at, "/") : 0;
}

/* "/x", "/x/{id}" or "/x/{id}/y"; anything else is false. */
static bool read_path(const char *path, route_path *out)
{
    size_t len = strcspn(path, "{<:");
    if (path[0] != '/' || strspn(path, SAFE) < len || strstr(path, "//") ||
        strstr(path, "/.") || len < 2)
        return false;
    *out = (route_path){ .item = path[len] != '\0' };
    if (!out->item) {
        if (path[len - 1] == '/')
            return false;
        out->base = gc_xstrdup(path);
        return true;
    }
    size_t parameter = parameter_length(path + len);
    const char *behind = path + len + parameter;
    if (!parameter || path[len - 1] != '/' || len < 3)
        return false;
    if (*behind) {
        out->tail = behind + 1;
        if (*behind != '/' || !*out->tail || strchr(out->tail, '/') ||
            out->tail[strspn(out->tail, SAFE)])
            return false;
    }
    out->base = gc_xmemdup(path, len - 1);
    return true;
}

static bool add_action(structural_routes *self, const plan_entity *pe,
                       const gc_contract *c, const char *tail)
{
    char *name = gc_go_exported(tail);
    const char *method = NULL;
    for (size_t i = 0; i < pe->actions.count && !method; i++)
        if (strcmp(pe->actions.items[i], name) == 0)
            method = pe->actions.items[i];
    free(name);
    bool verb = strcmp(c->method, "POST") == 0 || strcmp(c->method, "PUT") == 0;
    for (size_t i = 0; i < self->action_count; i++)
        if (strcmp(self->actions[i].name, method ? method : "") == 0)
            return false;
    if (!method || !verb || *c->request || !answers_entity(c, pe))
        return false;
    self->actions =
        gc_xrealloc(self->actions, (self->action_count + 1) * sizeof *self->actions);
    self->actions[self->action_count++] =
        (structural_action){ c->method, gc_xstrdup(tail), method };
    return true;
}

/* An empty request is any value of the entity; its name says the same. */
static const char *shape_of(const gc_contract *c, const plan_entity *pe)
{
    return is_entity(c->request, pe) && c->request[0] != '{' ? "" : c->request;
}

static bool add_collection(structural_routes *self, const plan_entity *pe,
                           const gc_contract *c)
{
    if (strcmp(c->method, "POST") == 0 && answers_entity(c, pe)) {
        self->create = true;
        self->create_shape = shape_of(c, pe);
        return true;
    }
    self->list |= strcmp(c->method, "GET") == 0;
    return strcmp(c->method, "GET") == 0 && !*c->request && answers_list(c, pe);
}

static bool add_item(structural_routes *self, const plan_entity *pe, const gc_contract *c)
{
    if (strcmp(c->method, "PUT") == 0 && answers_entity(c, pe)) {
        self->update = true;
        self->update_shape = shape_of(c, pe);
        return true;
    }
    if (strcmp(c->method, "GET") == 0 && !*c->request && answers_entity(c, pe))
        return self->get = true;
    if (strcmp(c->method, "DELETE") == 0 && !*c->request && !*c->response)
        return self->delete = true;
    return false;
}

static bool add_contract(structural_routes *self, const plan_entity *pe,
                         const gc_contract *c)
{
    route_path path;
    if (!structural_says_nothing(c->description, pe->e->go_name) ||
        !read_path(c->path, &path))
        return false;
    bool same = structural_is_called(path.base, pe->e->go_name) &&
                (!self->base || strcmp(self->base, path.base) == 0);
    if (!self->base)
        self->base = path.base;
    else
        free(path.base);
    if (!same)
        return false;
    if (path.tail)
        return add_action(self, pe, c, path.tail);
    return path.item ? add_item(self, pe, c) : add_collection(self, pe, c);
}

/* ---- requirements ---- */

/* Words that ask of a handler what no contract says. */
static bool asks_for_more(const char *text)
{
    static const char *const more[] = {
        "auth",       "authenticate", "authenticated", "authentication", "authorization",
        "authorized", "bearer",       "cookie",        "cookies",        "cors",
        "csv",        "download",     "etag",          "filter",         "filtered",
        "filters",    "header",       "headers",       "idempotency",    "idempotent",
        "jwt",        "log in",       "login",         "logs in",        "oauth",
        "permission", "permissions",  "role",          "roles",          "search",
        "searched",   "searches",     "session",       "sessions",       "sort",
        "sorted",     "stream",       "streamed",      "token",          "tokens",
        "upload",     "uploaded",     "webhook",       "websocket",      "xml",
        NULL
    };
    gc_strv words = { 0 };
    gc_go_words(text, &words);
    bool asks = false;
    for (size_t i = 0; i < words.count && !asks; i++)
        asks = has_word(more, words.items[i]);
    gc_strv_release(&words);
    return asks;
}

static bool requirements_ask_for_more(const plan_ctx *ctx, const plan_entity *pe)
{
    for (size_t i = 0; i < ctx->fcs->requirement_count; i++) {
        const gc_requirement *r = &ctx->fcs->requirements[i];
        if (!ctx->asks_for_more[i])
            continue;
        bool concerns = !r->entities.count || gc_strv_has(&r->entities, pe->e->go_name);
        if (concerns)
            return true;
    }
    return false;
}

/* A client must never see some values: which, is a matter of judgement. */
static bool has_secrets(const gc_entity *e)
{
    static const char *const secret[] = { "password", "hash", "secret", NULL };
    for (size_t i = 0; i < e->field_count; i++)
        if (has_word(secret, e->fields[i].spec_type) ||
            strstr(e->fields[i].json_name, "password") ||
            strstr(e->fields[i].json_name, "secret"))
            return true;
    return false;
}

/* Another entity's contract is at `base` or below it. */
static bool is_used(const plan_ctx *ctx, const plan_entity *pe, const char *base)
{
    size_t len = strlen(base);
    for (size_t i = 0; i < ctx->fcs->contract_count; i++) {
        const gc_contract *c = &ctx->fcs->contracts[i];
        if (strcmp(c->entity, pe->e->go_name) != 0 && strncmp(c->path, base, len) == 0 &&
            (c->path[len] == '/' || !c->path[len]))
            return true;
    }
    return false;
}

/* "bus" and "buse" have one plural: the other of the two, if it is an entity too. */
bool structural_shares_plural(const plan_ctx *ctx, const plan_entity *pe)
{
    static const char *const ends[][2] = {
        { "ies", "y" }, { "es", "" }, { "es", "is" }, { "s", "" }
    };
    char *plural = plural_of(pe->e->snake);
    size_t len = strlen(plural);
    bool shared = false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends && !shared; i++) {
        if (!gc_ends_with(plural, ends[i][0]))
            continue;
        char *one =
            gc_xasprintf("%.*s%s", (int)(len - strlen(ends[i][0])), plural, ends[i][1]);
        char *name = gc_go_exported(one), *many = plural_of(one);
        shared = strcmp(one, pe->e->snake) != 0 && strcmp(many, plural) == 0 &&
                 gc_map_has(ctx->entity_by_name, name);
        free(name);
        free(many);
        free(one);
    }
    free(plural);
    return shared;
}

bool structural_routes_read(const plan_ctx *ctx, const plan_entity *pe,
                            structural_routes *out)
{
    structural_routes self = { .create_shape = "", .update_shape = "" };
    size_t contracts = 0;
    bool plain = !has_secrets(pe->e) && !requirements_ask_for_more(ctx, pe);
    for (size_t i = 0; i < ctx->fcs->contract_count && plain; i++) {
        const gc_contract *c = &ctx->fcs->contracts[i];
        if (strcmp(c->entity, pe->e->go_name) != 0)
            continue;
        contracts++;
        plain = add_contract(&self, pe, c);
    }
    if (plain && !contracts) {
        char *plural = structural_plural(pe);
        self.base = gc_xasprintf("/%s", plural);
        self.create = self.list = self.get = self.update = self.delete = true;
        plain = !is_used(ctx, pe, self.base) && !structural_shares_plural(ctx, pe);
        free(plural);
    }
    /* Without patterns one handler answers all that is below its base. */
    if (plain && !gc_fcs_go_has(ctx->fcs, 22))
        plain = !is_used(ctx, pe, self.base);
    if (plain)
        *out = self;
    else
        structural_routes_release(&self);
    return plain;
}

void structural_routes_release(structural_routes *self)
{
    for (size_t i = 0; i < self->action_count; i++)
        free(self->actions[i].tail);
    free(self->actions);
    free(self->base);
    *self = (structural_routes){ 0 };
}

/* ---- lists and errors ---- */

#define DEFAULT_LIMIT 100
#define MAX_LIMIT 1000
#define TOO_LARGE 1000000

/* The number behind `words` in `text`, or 0. */
static long number_behind(const char *text, const char *words)
{
    const char *at = strstr(text, words);
    if (!at)
        return 0;
    at += strlen(words);
    size_t digits = strspn(at, "0123456789");
    char *copy = gc_xmemdup(at, digits);
    int64_t value = 0;
    if (gc_parse_i64(copy, 1, TOO_LARGE, &value))
        value = 0;
    free(copy);
    return (long)value;
}

static void read_list_rule(const char *text, structural_web_rules *rules)
{
    static const char *const most[] = {
        "at most ", "up to ",      " 1 to ", "(1 to ",        "maximum ", "max ",
        "1-",       "maximum of ", "max. ",  "no more than ", NULL
    };
    long limit = 0, usual = number_behind(text, "default ");
    for (size_t i = 0; most[i] && !limit; i++)
        limit = number_behind(text, most[i]);
    if (!usual)
        usual = number_behind(text, "default of ");
    if (limit)
        rules->max_limit = limit;
    if (usual)
        rules->default_limit = usual;
}

static structural_web_rules read_web_rules(const gc_fcs *fcs)
{
    structural_web_rules rules = { .default_limit = DEFAULT_LIMIT,
                                   .max_limit = MAX_LIMIT };
    for (size_t i = 0; i < fcs->requirement_count; i++) {
        const gc_requirement *r = &fcs->requirements[i];
        gc_strv words = { 0 };
        gc_go_words(r->text, &words);
        bool lists = !r->entities.count &&
                     (gc_strv_has(&words, "lists") || gc_strv_has(&words, "list") ||
                      gc_strv_has(&words, "page") || gc_strv_has(&words, "pages") ||
                      gc_strv_has(&words, "pagination"));
        if (lists)
            read_list_rule(r->text, &rules);
        rules.cursor |= lists && gc_strv_has(&words, "cursor");
        rules.error_and_message |= strstr(r->text, "error and message") != NULL;
        gc_strv_release(&words);
    }
    if (rules.default_limit > rules.max_limit)
        rules.default_limit = rules.max_limit;
    return rules;
}

void structural_read_requirements(plan_ctx *ctx)
{
    size_t count = ctx->fcs->requirement_count;
    ctx->asks_for_more = gc_xcalloc(count + 1, sizeof(bool));
    for (size_t i = 0; i < count; i++)
        ctx->asks_for_more[i] = asks_for_more(ctx->fcs->requirements[i].text);
    ctx->web_rules = gc_xcalloc(1, sizeof *ctx->web_rules);
    *ctx->web_rules = read_web_rules(ctx->fcs);
}
