/* Function bodies: guards and a usable result in general, more where the shape of a
 * declaration says what it is for. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "tests/llm-sim/gowrite.h"

#define TYPE_MAX ((size_t)64 << 10)

static const char *bare_type(const char *type)
{
    return *type == '*' ? type + 1 : type;
}

static bool same_type(const char *type, const char *name)
{
    size_t len = strcspn(bare_type(type), "[");
    return strlen(name) == len && memcmp(bare_type(type), name, len) == 0;
}

/* A parameter that code can speak of. */
static bool is_named(const gc_sim_param *param)
{
    return *param->name && strcmp(param->name, "_") != 0;
}

static bool makes(const gc_sim_decl *decl, const char *type)
{
    return decl->kind == GC_SIM_DECL_FUNC && !decl->method &&
           gc_starts_with(decl->name, "New") && decl->results.count &&
           same_type(decl->results.items[0].type, type);
}

const gc_sim_decl *gc_sim_constructor(const gc_sim_writer *self, const char *type)
{
    for (size_t i = 0; i < self->promise.decl_count; i++)
        if (makes(&self->promise.decls[i], type))
            return &self->promise.decls[i];
    return NULL;
}

static bool has_method(const gc_sim_writer *self, const char *type, const char *name)
{
    for (size_t i = 0; i < self->promise.decl_count; i++) {
        const gc_sim_decl *decl = &self->promise.decls[i];
        if (decl->method && same_type(decl->receiver_type, type) &&
            strcmp(decl->name, name) == 0)
            return true;
    }
    return false;
}

bool gc_sim_is_field(const gc_sim_writer *self, const gc_sim_decl *maker, size_t index,
                     const char *type)
{
    const gc_sim_param *param = &maker->params.items[index];
    return is_named(param) && !*maker->type_params &&
           islower((unsigned char)*param->name) && *param->type &&
           !gc_ends_with(param->type, ".Context") && !has_method(self, type, param->name);
}

void gc_sim_signature(const gc_sim_decl *decl, gc_buf *out)
{
    gc_buf_putc(out, '(');
    for (size_t i = 0; i < decl->params.count; i++) {
        const gc_sim_param *p = &decl->params.items[i];
        gc_buf_printf(out, "%s%s%s%s", i ? ", " : "", p->name, *p->name ? " " : "",
                      p->type);
    }
    gc_buf_putc(out, ')');
    const gc_sim_params *results = &decl->results;
    bool bare = results->count == 1 && !*results->items[0].name;
    for (size_t i = 0; i < results->count; i++) {
        const gc_sim_param *p = &results->items[i];
        gc_buf_printf(out, "%s%s%s%s",
                      i      ? ", "
                      : bare ? " "
                             : " (",
                      p->name, *p->name ? " " : "", p->type);
    }
    if (results->count && !bare)
        gc_buf_putc(out, ')');
}

/* The results of `decl` as an expression list; `last` stands in for the last one. */
static void result_list(gc_sim_writer *self, const gc_sim_decl *decl, const char *last,
                        gc_buf *out)
{
    for (size_t i = 0; i < decl->results.count; i++) {
        if (i)
            gc_buf_puts(out, ", ");
        const char *type = decl->results.items[i].type;
        if (last && i + 1 == decl->results.count)
            gc_buf_puts(out, last);
        else if (last && *type == '*')
            gc_buf_puts(out, "nil");
        else
            gc_sim_value(self, type, out);
    }
}

static void write_return(gc_sim_writer *self, const gc_sim_decl *decl, int depth,
                         const char *last)
{
    gc_buf list;
    gc_buf_init(&list, TYPE_MAX);
    result_list(self, decl, last, &list);
    if (list.len)
        gc_sim_line(self, depth, "return %s", list.ptr);
    gc_buf_release(&list);
}

static bool returns_error(const gc_sim_decl *decl)
{
    return decl->results.count &&
           strcmp(decl->results.items[decl->results.count - 1].type, "error") == 0;
}

/* An error for what `condition` finds; needs a result for it. */
static void guard(gc_sim_writer *self, const gc_sim_decl *decl, const char *condition,
                  const char *says)
{
    const char *errors = gc_sim_use(self, "errors");
    char *last = gc_xasprintf("%s.New(\"%s: %s\")", errors, self->pkg, says);
    gc_sim_line(self, 1, "if %s {", condition);
    write_return(self, decl, 2, last);
    gc_sim_line(self, 1, "}");
    free(last);
}

static bool is_id(const gc_sim_param *param)
{
    return strcmp(param->type, "string") == 0 &&
           (strcmp(param->name, "id") == 0 || gc_ends_with(param->name, "ID") ||
            gc_ends_with(param->name, "Id"));
}

static void write_guards(gc_sim_writer *self, const gc_sim_decl *decl)
{
    if (!returns_error(decl) ||
        !gc_sim_sees_package(decl, gc_sim_name_of(self, "errors")))
        return;
    for (size_t i = 0; i < decl->params.count; i++) {
        const gc_sim_param *param = &decl->params.items[i];
        if (!is_named(param))
            continue;
        char *condition = NULL;
        char *says = NULL;
        if (strcmp(param->type, "context.Context") == 0) {
            gc_sim_line(self, 1, "if err := %s.Err(); err != nil {", param->name);
            write_return(self, decl, 2, "err");
            gc_sim_line(self, 1, "}");
        } else if (is_id(param)) {
            condition = gc_xasprintf("%s == \"\"", param->name);
            says = gc_xasprintf("%s is required", param->name);
        } else if (*param->type == '*') {
            condition = gc_xasprintf("%s == nil", param->name);
            says = gc_xasprintf("%s is missing", param->name);
        }
        if (condition)
            guard(self, decl, condition, says);
        free(condition);
        free(says);
    }
}

/* `return &Service{repo: repo}` */
static bool constructor_body(gc_sim_writer *self, const gc_sim_decl *decl)
{
    if (!decl->results.count || decl->method)
        return false;
    const char *type = decl->results.items[0].type;
    const gc_sim_decl *own = gc_sim_promise_type(&self->promise, type);
    if (!gc_sim_is_opaque(own) || gc_sim_constructor(self, own->name) != decl)
        return false;
    gc_buf made;
    gc_buf_init(&made, TYPE_MAX);
    gc_buf_printf(&made, "%s%s{", *type == '*' ? "&" : "", bare_type(type));
    size_t fields = 0;
    for (size_t i = 0; i < decl->params.count; i++) {
        const char *name = decl->params.items[i].name;
        if (gc_sim_is_field(self, decl, i, own->name))
            gc_buf_printf(&made, "%s%s: %s", fields++ ? ", " : "", name, name);
    }
    gc_buf_putc(&made, '}');
    for (size_t i = 1; i < decl->results.count; i++) {
        gc_buf_puts(&made, ", ");
        gc_sim_value(self, decl->results.items[i].type, &made);
    }
    gc_sim_line(self, 1, "return %s", made.ptr);
    gc_buf_release(&made);
    return true;
}

/* The package word of a (w http.ResponseWriter, r *http.Request) pair, or "". */
static void http_word(const gc_sim_decl *decl, gc_buf *out)
{
    static const char suffix[] = ".ResponseWriter";
    if (decl->params.count != 2 || decl->results.count ||
        !gc_ends_with(decl->params.items[0].type, suffix) ||
        !gc_ends_with(decl->params.items[1].type, ".Request"))
        return;
    const char *type = decl->params.items[0].type;
    gc_buf_append(out, type, strlen(type) - strlen(suffix));
    if (!gc_sim_sees_package(decl, out->ptr))
        gc_buf_reset(out);
}

static bool handler_body(gc_sim_writer *self, const gc_sim_decl *decl)
{
    gc_buf http;
    gc_buf_init(&http, TYPE_MAX);
    http_word(decl, &http);
    bool yes = http.len && is_named(&decl->params.items[0]);
    if (yes) {
        const char *w = decl->params.items[0].name;
        gc_sim_line(self, 1, "%s.Header().Set(\"Content-Type\", \"application/json\")",
                    w);
        gc_sim_line(self, 1, "if _, err := %s.Write([]byte(\"{}\\n\")); err != nil {", w);
        gc_sim_line(self, 2, "%s.Error(%s, err.Error(), %s.StatusInternalServerError)",
                    http.ptr, w, http.ptr);
        gc_sim_line(self, 1, "}");
    }
    gc_buf_release(&http);
    return yes;
}

/* "OrderHandler" -> "orders": what its routes are about. */
static char *resource(const char *type)
{
    char *name = gc_xstrdup(bare_type(type));
    size_t len = strlen(name);
    if (gc_ends_with(name, "Handler") && len > 7)
        name[len - 7] = '\0';
    char *words = gc_sim_words(name);
    for (char *c = words; *c; c++)
        if (*c == ' ')
            *c = '-';
    char *plural = gc_xasprintf("%ss", words);
    free(words);
    free(name);
    return plural;
}

static char *route(const char *method, const char *noun, const gc_strv *taken)
{
    static const struct {
        const char *verb;
        const char *http;
        const char *tail;
    } routes[] = { { "Create", "POST", "" },        { "List", "GET", "" },
                   { "Get", "GET", "/{id}" },       { "Update", "PUT", "/{id}" },
                   { "Delete", "DELETE", "/{id}" }, { "Patch", "PATCH", "/{id}" } };
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (!gc_starts_with(method, routes[i].verb))
            continue;
        char *found = gc_xasprintf("%s /%s%s", routes[i].http, noun, routes[i].tail);
        if (!gc_strv_has(taken, found))
            return found;
        free(found);
    }
    char *words = gc_sim_words(method);
    for (char *c = words; *c; c++)
        if (*c == ' ')
            *c = '-';
    char *found = gc_xasprintf("POST /%s/%s", noun, words);
    free(words);
    return found;
}

/* Routes for the handler methods promised beside `decl`; the number of them. */
static size_t write_routes(gc_sim_writer *self, const gc_sim_decl *decl, const char *mux)
{
    char *noun = resource(decl->receiver_type);
    gc_strv taken = { 0 };
    gc_buf http;
    gc_buf_init(&http, TYPE_MAX);
    for (size_t i = 0; i < self->promise.decl_count; i++) {
        const gc_sim_decl *other = &self->promise.decls[i];
        gc_buf_reset(&http);
        if (!other->method || strcmp(other->receiver_type, decl->receiver_type) != 0)
            continue;
        http_word(other, &http);
        if (!http.len)
            continue;
        char *pattern = route(other->name, noun, &taken);
        if (gc_strv_add_unique(&taken, pattern))
            gc_sim_line(self, 1, "%s.HandleFunc(\"%s\", %s.%s)", mux, pattern,
                        decl->receiver_name, other->name);
        free(pattern);
    }
    size_t count = taken.count;
    gc_buf_release(&http);
    gc_strv_release(&taken);
    free(noun);
    return count;
}

static bool register_body(gc_sim_writer *self, const gc_sim_decl *decl)
{
    if (decl->params.count != 1 || decl->results.count ||
        !is_named(&decl->params.items[0]) ||
        strcmp(decl->params.items[0].type, "*http.ServeMux") != 0 ||
        !gc_sim_sees_package(decl, "http"))
        return false;
    const char *mux = decl->params.items[0].name;
    if (*decl->receiver_name && strcmp(decl->receiver_name, "_") != 0 &&
        write_routes(self, decl, mux))
        return true;
    /* All packages may have a Handler: the file's name tells them apart in one mux. */
    bool named = !same_type(decl->receiver_type, "Handler") && *decl->receiver_type;
    char *noun = resource(named ? decl->receiver_type : self->stem);
    gc_sim_line(self, 1,
                "%s.HandleFunc(\"/%s\", func(w http.ResponseWriter, _ *http.Request) {",
                mux, noun);
    gc_sim_line(self, 2, "w.WriteHeader(http.StatusNoContent)");
    gc_sim_line(self, 1, "})");
    free(noun);
    return true;
}

/* Methods that a Go programmer knows by name. */
static bool known_method(gc_sim_writer *self, const gc_sim_decl *decl)
{
    if (!decl->method || decl->params.count || decl->results.count != 1)
        return false;
    const char *result = decl->results.items[0].type;
    const char *name = decl->receiver_name;
    const gc_sim_decl *own = gc_sim_promise_type(&self->promise, decl->receiver_type);
    bool text = own && strcmp(own->type, "string") == 0 && *decl->receiver_type != '*' &&
                *name && strcmp(name, "_") != 0;
    char *words = gc_sim_words(bare_type(decl->receiver_type));
    bool known = true;
    if (text && strcmp(decl->name, "String") == 0 && strcmp(result, "string") == 0)
        gc_sim_line(self, 1, "return string(%s)", name);
    else if (text && gc_ends_with(decl->name, "Valid") && strcmp(result, "bool") == 0)
        gc_sim_line(self, 1, "return %s != \"\"", name);
    else if (strcmp(result, "string") == 0 &&
             (strcmp(decl->name, "Error") == 0 || strcmp(decl->name, "String") == 0))
        gc_sim_line(self, 1, "return \"%s: %s\"", self->pkg, words);
    else
        known = false;
    free(words);
    return known;
}

static void main_body(gc_sim_writer *self)
{
    const char *fmt = gc_sim_use(self, "fmt");
    const char *os = gc_sim_use(self, "os");
    gc_sim_line(self, 1, "if len(%s.Args) > 1 && %s.Args[1] == \"version\" {", os, os);
    gc_sim_line(self, 2, "%s.Println(\"development build\")", fmt);
    gc_sim_line(self, 2, "return");
    gc_sim_line(self, 1, "}");
    gc_sim_line(self, 1,
                "%s.Fprintln(%s.Stderr, \"nothing to do: a simulated model wrote this\")",
                fmt, os);
}

void gc_sim_main(gc_sim_writer *self)
{
    gc_sim_comment(self, "main runs the program.");
    gc_sim_line(self, 0, "func main() {");
    main_body(self);
    gc_sim_line(self, 0, "}");
}

static void write_body(gc_sim_writer *self, const gc_sim_decl *decl)
{
    bool is_main = strcmp(decl->name, "main") == 0 && !decl->method &&
                   strcmp(self->pkg, "main") == 0;
    if (is_main) {
        main_body(self);
        return;
    }
    if (handler_body(self, decl) || register_body(self, decl) || known_method(self, decl))
        return;
    write_guards(self, decl);
    if (!constructor_body(self, decl))
        write_return(self, decl, 1, NULL);
}

void gc_sim_func(gc_sim_writer *self, const gc_sim_decl *decl)
{
    gc_buf signature;
    gc_buf_init(&signature, GC_SIM_PROMISE_MAX);
    gc_sim_signature(decl, &signature);
    gc_sim_doc(self, decl);
    if (decl->method)
        gc_sim_line(self, 0, "func (%s%s%s) %s%s {", decl->receiver_name,
                    *decl->receiver_name ? " " : "", decl->receiver_type, decl->name,
                    signature.ptr);
    else
        gc_sim_line(self, 0, "func %s%s%s {", decl->name, decl->type_params,
                    signature.ptr);
    write_body(self, decl);
    gc_sim_line(self, 0, "}");
    gc_buf_release(&signature);
}
