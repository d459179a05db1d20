#include "common/spec.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

static const char methods[] = "GET POST PUT PATCH DELETE HEAD OPTIONS";
static const char path_keys[] = "endpoint path url route uri";
static const char group_of_keys[] = "endpoints contracts routes paths";
static const char contract_keys[] =
    "method http_method verb endpoint path url route uri name operation operation_id id summary "
    "title description purpose request request_body body input params parameters query headers "
    "response responses output returns errors status entity resource model auth "
    "authentication tags";

static char *upper(const char *text)
{
    char *copy = gc_xstrdup(text);
    for (char *p = copy; *p; p++)
        *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
    return copy;
}

/* Length of the method at the start of `text`, 0 if there is none before a blank. */
static size_t method_len(const char *text)
{
    size_t len = strcspn(text, " \t");
    if (!text[len] || len > 8)
        return 0;
    char *word = gc_xasprintf("%.*s", (int)len, text);
    char *big = upper(word);
    bool known = gc_spec_is_one_of(big, methods);
    free(big);
    free(word);
    return known ? len : 0;
}

/* One form for parameters: ":id" and "<id>" become "{id}". */
static void put_segment(gc_buf *out, const char *part)
{
    size_t len = strlen(part);
    gc_buf_putc(out, '/');
    if (part[0] == ':' && len > 1)
        gc_buf_printf(out, "{%s}", part + 1);
    else if (part[0] == '<' && part[len - 1] == '>')
        gc_buf_printf(out, "{%.*s}", (int)len - 2, part + 1);
    else
        gc_buf_puts(out, part);
}

/* Does each { of a parameter have its }? */
static bool balanced(const char *path)
{
    size_t depth = 0;
    for (const char *p = path; *p && !strchr("?#", *p); p++) {
        depth += *p == '{';
        if (*p == '}' && depth-- == 0)
            return false;
    }
    return depth == 0;
}

/* A router refuses /a/{id}/b/{id}: which one would it be? */
static bool repeats_parameter(const char *path)
{
    gc_strv parts = { 0 };
    bool repeats = false;
    gc_strv_split(&parts, path, '/');
    for (size_t i = 0; i < parts.count && !repeats; i++)
        for (size_t k = 0; k < i && parts.items[i][0] == '{' && !repeats; k++)
            repeats = strcmp(parts.items[i], parts.items[k]) == 0;
    gc_strv_release(&parts);
    return repeats;
}

static const char *path_problem(const char *path)
{
    if (!*path)
        return "is missing; write it like /orders/{id}";
    if (strlen(path) > GC_SPEC_MAX_PATH)
        return "is longer than 240 bytes; shorten it";
    if (strstr(path, "...}"))
        return "has a parameter for several parts; write one for one part, such as {name}";
    if (strstr(path, ".."))
        return "holds \"..\"; write it like /orders/{id}";
    if (!balanced(path))
        return "has a { without its }, or the other way round; write it like "
               "/orders/{id}, without blanks";
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("\"\\`", *p))
            return "holds a blank, a quote or a control character; write it like /orders/{id}";
    return NULL;
}

/* "https://host/v1/orders/:id/?page" -> "/v1/orders/{id}". */
static char *clean_path(const char *base, const char *path)
{
    const char *host = strstr(path, "://");
    if (host) {
        host = strchr(host + 3, '/');
        path = host ? host : "/";
    }
    gc_buf whole, out;
    gc_buf_init(&whole, GC_SPEC_TEXT_LIMIT);
    gc_buf_init(&out, GC_SPEC_TEXT_LIMIT);
    gc_buf_printf(&whole, "%s/%.*s", base, (int)strcspn(path, "?#"), path);
    gc_strv parts = { 0 };
    gc_strv_split(&parts, whole.ptr, '/');
    for (size_t i = 0; i < parts.count; i++)
        put_segment(&out, parts.items[i]);
    if (!out.len)
        gc_buf_putc(&out, '/');
    gc_strv_release(&parts);
    gc_buf_release(&whole);
    return gc_buf_take(&out);
}

/* Adds the contract, or reports what is wrong with method and path; NULL then. */
static gc_spec_contract *add(gc_spec *self, const gc_node *at, const char *method,
                             const char *base, const char *path)
{
    char *big = upper(method), *clean = clean_path(base, path);
    const char *problem = path_problem(path);
    if (!problem && repeats_parameter(clean))
        problem = "names one parameter twice; give each its own name";
    gc_spec_contract *c = NULL;
    if (problem) {
        gc_spec_error(self, at, "the path \"%.80s\" of a contract %s", path, problem);
    } else if (!*big) {
        gc_spec_error(self, at, "the contract %.80s has no method; add method: GET",
                      path);
    } else if (!gc_spec_is_one_of(big, methods)) {
        gc_spec_error(self, at,
                      "unknown method \"%.40s\" of the contract %.80s; use one of %s",
                      method, path, methods);
    } else {
        c = gc_spec_add_contract(self, at);
        gc_spec_set(&c->contract.method, gc_xstrdup(big));
        gc_spec_set(&c->contract.path, gc_xstrdup(clean));
        gc_spec_set(&c->contract.id, gc_xasprintf("%s %s", big, c->contract.path));
    }
    free(clean);
    free(big);
    return c;
}

/* ---- contracts in a line ---- */

static gc_spec_contract *add_line(gc_spec *self, const gc_node *at, const char *base,
                                  const char *line)
{
    size_t len = method_len(line), word = strcspn(line, " \t");
    if (!len && line[0] != '/' && line[word] && line[word + 1] == '/')
        len = word; /* an unknown method, which is reported as such */
    char *method = gc_xasprintf("%.*s", (int)len, line);
    const char *rest = line + len + strspn(line + len, " \t");
    size_t end = strcspn(rest, " \t\n");
    while (end > 1 && strchr(":,;", rest[end - 1]))
        end--;
    char *path = gc_xasprintf("%.*s", (int)end, rest);
    const char *tail = rest + end;
    tail += strspn(tail, " \t:,;-");
    if (gc_starts_with(tail, "\xe2\x80\x94") || gc_starts_with(tail, "\xe2\x80\x93") ||
        gc_starts_with(tail, "\xe2\x86\x92"))
        tail += 3;
    gc_spec_contract *c = add(self, at, method, base, path);
    if (c)
        gc_spec_set(&c->contract.description, gc_spec_trim(tail));
    free(path);
    free(method);
    return c;
}

bool gc_spec_contract_line(gc_spec *self, const gc_node *at, const char *line)
{
    char *plain = gc_spec_plain(line);
    size_t len = method_len(plain);
    bool fits = len && plain[len + strspn(plain + len, " \t")] == '/';
    if (fits)
        add_line(self, at, "", plain);
    free(plain);
    return fits;
}

/* ---- contracts as maps ---- */

/* The values of these keys as "key: text" lines, in this order. */
static char *labelled(const gc_node *map, const char *list)
{
    gc_strv keys = { 0 };
    gc_buf out;
    gc_buf_init(&out, GC_SPEC_TEXT_LIMIT);
    gc_strv_split(&keys, list, ' ');
    for (size_t i = 0; i < keys.count; i++) {
        char *text = gc_spec_flat(gc_spec_pick(map, keys.items[i]));
        if (*text)
            gc_buf_printf(&out, "%s%s: %s", out.len ? "\n" : "", keys.items[i], text);
        free(text);
    }
    gc_strv_release(&keys);
    return gc_buf_take(&out);
}

static char *body_of(const gc_node *map, const char *main_keys, const char *more)
{
    char *body = gc_spec_flat(gc_spec_pick(map, main_keys));
    char *rest = labelled(map, more);
    char *whole = gc_xasprintf("%s%s%s", body, *body && *rest ? "\n" : "", rest);
    free(body);
    free(rest);
    return whole;
}

static void fill(gc_spec *self, gc_spec_contract *c, const gc_node *map)
{
    gc_contract *k = &c->contract;
    gc_spec_set(&k->name,
                gc_spec_text(self, gc_spec_pick(map, "name operation operation_id id"),
                             "the name"));
    char *text = gc_spec_flat(gc_spec_pick(map, "description purpose"));
    char *title = gc_spec_flat(gc_spec_pick(map, "summary title"));
    char *extra = labelled(map, "auth authentication");
    gc_buf all;
    gc_buf_init(&all, GC_SPEC_TEXT_LIMIT);
    const char *const lines[] = { title, text, k->description, extra };
    for (size_t i = 0; i < 4; i++)
        if (*lines[i])
            gc_buf_printf(&all, "%s%s", all.len ? "\n" : "", lines[i]);
    gc_spec_set(&k->description, gc_buf_take(&all));
    gc_spec_set(&k->request, body_of(map, "request request_body body input",
                                     "params parameters query headers"));
    gc_spec_set(&k->response,
                body_of(map, "response responses output returns", "errors status"));
    gc_spec_set(&k->entity, gc_spec_text(self, gc_spec_pick(map, "entity resource model"),
                                         "the entity"));
    for (size_t i = 0; i < map->count; i++) {
        char *key = gc_spec_key(map->keys[i]->text);
        if (!gc_spec_is_one_of(key, contract_keys))
            gc_spec_unknown_key(self, map->keys[i], "a contract", contract_keys);
        free(key);
    }
    free(extra);
    free(title);
    free(text);
}

static void read_map(gc_spec *self, const gc_node *map, const char *base)
{
    const gc_node *path_node = gc_spec_pick(map, path_keys);
    char *method =
        gc_spec_text(self, gc_spec_pick(map, "method http_method verb"), "the method");
    char *path = gc_spec_text(self, path_node, "the path");
    size_t len = method_len(path);
    if (len) { /* endpoint: "POST /orders" */
        if (*method && strncasecmp(method, path, len) != 0)
            gc_spec_error(self, path_node,
                          "the contract has two methods, %.20s and %.*s; "
                          "remove one",
                          method, (int)len, path);
        gc_spec_set(&method, gc_xasprintf("%.*s", (int)len, path));
        gc_spec_set(&path, gc_spec_trim(path + len));
    }
    if (!path_node) {
        gc_spec_error(self, map, "a contract has no path; add path: /orders/{id}");
    } else {
        gc_spec_contract *c = add(self, map, method, base, path);
        if (c)
            fill(self, c, map);
    }
    free(path);
    free(method);
}

/* "/orders": {get: {...}, post: "create"}. */
static void read_path_item(gc_spec *self, const gc_node *key, const gc_node *value,
                           const char *base)
{
    for (size_t i = 0; value->kind == GC_NODE_MAP && i < value->count; i++) {
        const gc_node *detail = value->items[i];
        gc_spec_contract *c =
            add(self, value->keys[i], value->keys[i]->text, base, key->text);
        if (c && detail->kind == GC_NODE_MAP)
            fill(self, c, detail);
        else if (c)
            gc_spec_set(&c->contract.description, gc_spec_flat(detail));
    }
    if (value->kind != GC_NODE_MAP)
        gc_spec_error(self, key, "the contract %.80s has no method; write \"GET %.80s\"",
                      key->text, key->text);
}

static void read_keyed(gc_spec *self, const gc_node *key, const gc_node *value,
                       const char *base)
{
    if (method_len(key->text)) {
        gc_spec_contract *c = add_line(self, key, base, key->text);
        if (c && value->kind == GC_NODE_MAP)
            fill(self, c, value);
        else if (c && !gc_spec_is_null(value))
            gc_spec_set(&c->contract.description, gc_spec_flat(value));
    } else if (key->text[0] == '/') {
        read_path_item(self, key, value, base);
    } else if (value->kind == GC_NODE_MAP && gc_spec_pick(value, path_keys)) {
        size_t before = self->contract_count;
        read_map(self, value, base);
        gc_contract *c =
            self->contract_count > before ? &self->contracts[before].contract : NULL;
        if (c && !*c->name)
            gc_spec_set(&c->name, gc_spec_trim(key->text));
    } else if (value->kind == GC_NODE_SCALAR && method_len(value->text)) {
        gc_spec_contract *c = add_line(self, value, base, value->text);
        if (c)
            gc_spec_set(&c->contract.name, gc_spec_trim(key->text));
    } else {
        gc_spec_error(self, key,
                      "\"%.60s\" is no contract; write \"POST /orders\" or {method, "
                      "path}",
                      key->text);
    }
}

static void read_group(gc_spec *self, const gc_node *node, const char *outer);

static void read_item(gc_spec *self, const gc_node *node, const char *base)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind == GC_NODE_SCALAR) {
        char *plain = gc_spec_plain(node->text);
        add_line(self, node, base, plain);
        free(plain);
    } else if (node->kind == GC_NODE_SEQ) {
        gc_spec_error(self, node,
                      "a contract is a list; write \"POST /orders\" or {method, path}");
    } else if (!gc_spec_pick(node, path_keys) && gc_spec_pick(node, group_of_keys)) {
        read_group(self, node, base);
    } else if (gc_spec_pick(node, path_keys) || node->count != 1 ||
               gc_spec_is_one_of(node->keys[0]->text, contract_keys)) {
        read_map(self, node, base);
    } else {
        read_keyed(self, node->keys[0], node->items[0], base);
    }
}

static const char group_keys[] =
    "name base_path prefix endpoints contracts routes paths style "
    "version description format type authentication auth";

/* {base_path: /api/v1, endpoints: [...]}. */
static void read_group(gc_spec *self, const gc_node *node, const char *outer)
{
    char *base = gc_spec_text(self, gc_spec_pick(node, "base_path prefix"), "base_path");
    gc_spec_set(&base, gc_xasprintf("%s/%s", outer, base));
    for (size_t i = 0; i < node->count; i++) {
        const gc_node *value = node->items[i];
        char *key = gc_spec_key(node->keys[i]->text);
        if (gc_spec_is_one_of(key, group_of_keys)) {
            for (size_t k = 0; value->kind >= GC_NODE_SEQ && k < value->count; k++) {
                if (value->kind == GC_NODE_MAP)
                    read_keyed(self, value->keys[k], value->items[k], base);
                else
                    read_item(self, value->items[k], base);
            }
            if (value->kind == GC_NODE_SCALAR)
                gc_spec_error(self, value, "%s is text; write a list of contracts", key);
        } else if (!gc_spec_is_one_of(key, group_keys)) {
            gc_spec_unknown_key(self, node->keys[i], "the contracts", group_keys);
        } else if (!gc_spec_is_one_of(key, "name base_path prefix version") &&
                   !gc_spec_is_null(value)) {
            char *text = gc_spec_flat(value);
            char *line = gc_xasprintf("%s: %s", key, text);
            gc_spec_requirement_text(self, value, "non_functional", "API", line);
            free(line);
            free(text);
        }
        free(key);
    }
    free(base);
}

void gc_spec_read_contracts(gc_spec *self, const gc_node *node)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind == GC_NODE_SCALAR) {
        gc_spec_error(self, node,
                      "the contracts are text; write a list of {method, path}");
        return;
    }
    if (node->kind == GC_NODE_MAP && gc_spec_pick(node, group_of_keys)) {
        read_group(self, node, "");
        return;
    }
    if (node->kind == GC_NODE_MAP && gc_spec_pick(node, path_keys)) {
        read_map(self, node, "");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == GC_NODE_MAP)
            read_keyed(self, node->keys[i], node->items[i], "");
        else
            read_item(self, node->items[i], "");
    }
}
