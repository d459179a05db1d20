#include <stdlib.h>

#include "coordinator/structural_entity.h"
#include "coordinator/structural_handler.h"
#include "coordinator/structural_route.h"

static const char *any_of(const gc_fcs *fcs)
{
    return gc_fcs_go_has(fcs, 18) ? "any" : "interface{}";
}

void structural_promise_web(plan_promise *self)
{
    const gc_fcs *fcs = self->ctx->fcs;
    plan_promise_std(self, "net/http");
    gc_buf_printf(&self->body,
                  "type Page struct {\n\tLimit  int\n\tOffset int\n}\n"
                  "func Decode(w http.ResponseWriter, r *http.Request, target %s) error\n"
                  "func Write(w http.ResponseWriter, status int, value %s)\n"
                  "func Error(w http.ResponseWriter, r *http.Request, err error)\n"
                  "func ReadPage(r *http.Request) (Page, error)\n",
                  any_of(fcs), any_of(fcs));
    if (self->ctx->web_rules->cursor)
        gc_buf_puts(&self->body, "func (p Page) SetNext(w http.ResponseWriter, r "
                                 "*http.Request, count int)\n");
}

static json_t *shared_data(plan_promise *p, const plan_pkg *web, const plan_pkg *errors)
{
    const gc_fcs *fcs = p->ctx->fcs;
    structural_web_rules rules = *p->ctx->web_rules;
    json_t *data = json_object();
    structural_import_package(data, "errors", p, errors);
    structural_set(data, "package", web->name);
    structural_set(data, "any", any_of(fcs));
    json_object_set_new(data, "default_limit", json_integer(rules.default_limit));
    json_object_set_new(data, "max_limit", json_integer(rules.max_limit));
    json_object_set_new(data, "cursor", json_boolean(rules.cursor));
    json_object_set_new(data, "error_and_message", json_boolean(rules.error_and_message));
    json_object_set_new(data, "slog", json_boolean(gc_fcs_go_has(fcs, 21)));
    json_object_set_new(data, "wraps_two", json_boolean(gc_fcs_go_has(fcs, 20)));
    return data;
}

json_t *structural_web(const plan_ctx *ctx, const plan_pkg *web, const plan_pkg *errors)
{
    static const char *const always[] = { "encoding/json", "errors", "fmt", "io",
                                          "net/http",      "strconv" };
    plan_promise p;
    plan_promise_init(&p, ctx, web);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        plan_promise_std(&p, always[i]);
    plan_promise_std(&p, gc_fcs_go_has(ctx->fcs, 21) ? "log/slog" : "log");
    if (ctx->web_rules->cursor)
        plan_promise_std(&p, "encoding/base64");
    json_t *data = shared_data(&p, web, errors);
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    return data;
}

json_t *structural_web_test(const plan_ctx *ctx, const plan_pkg *web,
                            const plan_pkg *errors, const char *function)
{
    static const char *const always[] = { "encoding/json", "errors",  "fmt",
                                          "net/http",      "strconv", "net/http/httptest",
                                          "strings",       "testing" };
    plan_promise p;
    plan_promise_init(&p, ctx, web);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        plan_promise_std(&p, always[i]);
    json_t *data = shared_data(&p, web, errors);
    structural_set(data, "function", function);
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    return data;
}
