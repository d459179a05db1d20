#include "coordinator/structural_entity.h"
#include "coordinator/structural_model.h"

void structural_promise_formats(plan_promise *self, const bool *formats)
{
    for (int i = STRUCTURAL_NO_FORMAT + 1; i < STRUCTURAL_FORMATS; i++)
        if (formats[i])
            gc_buf_printf(&self->body, "func %s(text string) bool\n",
                          structural_format_of((structural_format)i)->function);
}

gc_tell *structural_formats(const plan_ctx *ctx, const plan_pkg *pkg, const bool *formats,
                            const char *function)
{
    static const char *const imports[STRUCTURAL_FORMATS] = {
        [STRUCTURAL_EMAIL] = "net/mail", [STRUCTURAL_URL] = "net/url",
        [STRUCTURAL_URI] = "net/url",    [STRUCTURAL_UUID] = "encoding/hex",
        [STRUCTURAL_PHONE] = "strings",  [STRUCTURAL_DATE] = "time",
        [STRUCTURAL_CLOCK] = "time",     [STRUCTURAL_TIMESTAMP] = "time",
        [STRUCTURAL_IP] = "net",
    };
    plan_promise p;
    gc_tell *data = gc_tell_map(ctx->arena);
    plan_promise_init(&p, ctx, pkg);
    for (int i = STRUCTURAL_NO_FORMAT + 1; i < STRUCTURAL_FORMATS; i++) {
        if (!formats[i])
            continue;
        plan_promise_std(&p, imports[i]);
        gc_tell_set_bool(data, structural_format_of((structural_format)i)->function,
                         true);
    }
    structural_set_imports(data, &p);
    gc_tell_set_text(data, "package", pkg->name);
    gc_tell_set_text(data, "function", function);
    plan_promise_release(&p);
    return data;
}
