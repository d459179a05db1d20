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

static gc_tell *shared_data(plan_promise *p, const plan_pkg *web, const plan_pkg *errors)
{
    const gc_fcs *fcs = p->ctx->fcs;
    structural_web_rules rules = *p->ctx->web_rules;
    gc_tell *data = gc_tell_map(p->ctx->arena);
    structural_import_package(data, "errors", p, errors);
    gc_tell_set_text(data, "package", web->name);
    gc_tell_set_text(data, "any", any_of(fcs));
    gc_tell_set_int(data, "default_limit", rules.default_limit);
    gc_tell_set_int(data, "max_limit", rules.max_limit);
    gc_tell_set_bool(data, "cursor", rules.cursor);
    gc_tell_set_bool(data, "error_and_message", rules.error_and_message);
    gc_tell_set_bool(data, "slog", gc_fcs_go_has(fcs, 21));
    gc_tell_set_bool(data, "wraps_two", gc_fcs_go_has(fcs, 20));
    return data;
}

gc_tell *structural_web(const plan_ctx *ctx, const plan_pkg *web, const plan_pkg *errors)
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
    gc_tell *data = shared_data(&p, web, errors);
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    return data;
}

gc_tell *structural_web_test(const plan_ctx *ctx, const plan_pkg *web,
                             const plan_pkg *errors, const char *function)
{
    static const char *const always[] = { "encoding/json", "errors",  "fmt",
                                          "net/http",      "strconv", "net/http/httptest",
                                          "strings",       "testing" };
    plan_promise p;
    plan_promise_init(&p, ctx, web);
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        plan_promise_std(&p, always[i]);
    gc_tell *data = shared_data(&p, web, errors);
    gc_tell_set_text(data, "function", function);
    structural_set_imports(data, &p);
    plan_promise_release(&p);
    return data;
}
