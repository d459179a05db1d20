/* The exported surface of a file, as text fit for a prompt and for a digest. */
#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "common/gosrc_ast.h"
#include "common/mem.h"

#define API_LIMIT ((size_t)16 << 20)

typedef struct go_surface {
    gc_strv imports;
    gc_strv lines;
} go_surface;

/* People's text of normal text; its packages are noted as imports. free() it. */
static char *show(go_surface *self, const char *normal)
{
    const char *path, *from = normal;
    size_t len;
    while (gc_go_next_qualifier(from, &path, &len)) {
        char *text = gc_xmemdup(path, len);
        gc_strv_add_unique(&self->imports, text);
        free(text);
        from = path + len + 2;
    }
    return gc_go_show(normal);
}

static void put_value(go_surface *self, const gc_go_decl *d)
{
    char *type = show(self, d->type);
    bool valued = d->kind == GC_GO_CONST && *d->value;
    gc_strv_push(&self->lines,
                 gc_xasprintf("%s %s%s%s%s%s\n", d->kind == GC_GO_CONST ? "const" : "var",
                              d->name, *type ? " " : "", type, valued ? " = " : "",
                              valued ? d->value : ""));
    free(type);
}

/* Members in the order of the source for a struct, sorted for an interface. */
static void put_members(go_surface *self, const gc_go_decl *d, gc_buf *out)
{
    gc_strv texts = { 0 };
    for (size_t i = 0; i < d->members.count; i++) {
        const gc_go_member *m = &d->members.items[i];
        if (*m->name && !gc_go_is_exported(m->name))
            continue;
        char *type = show(self, m->type);
        bool field = d->form == GC_GO_STRUCT && !m->embedded;
        gc_strv_push(&texts,
                     gc_xasprintf("\t%s%s%s%s%s\n", m->embedded ? "" : m->name,
                                  field ? " " : "", type, *m->tag ? " " : "", m->tag));
        free(type);
    }
    if (d->form == GC_GO_INTERFACE)
        gc_strv_sort(&texts);
    for (size_t i = 0; i < texts.count; i++)
        gc_buf_puts(out, texts.items[i]);
    gc_strv_release(&texts);
}

static void put_type(go_surface *self, const gc_go_decl *d)
{
    gc_buf out;
    char *params = show(self, d->params);
    gc_buf_init(&out, API_LIMIT);
    gc_buf_printf(&out, "type %s%s%s", d->name, params, d->alias ? " = " : " ");
    if (d->form == GC_GO_STRUCT || d->form == GC_GO_INTERFACE) {
        gc_buf_puts(&out, d->form == GC_GO_STRUCT ? "struct {\n" : "interface {\n");
        put_members(self, d, &out);
        gc_buf_puts(&out, "}\n");
    } else {
        char *type = show(self, d->type);
        gc_buf_printf(&out, "%s\n", type);
        free(type);
    }
    free(params);
    gc_strv_push(&self->lines, gc_buf_take(&out));
}

static void put_func(go_surface *self, const gc_go_decl *d)
{
    char *signature = show(self, d->type), *params = show(self, d->params);
    if (d->receiver) {
        char *args = gc_strv_join(&d->param_names, ", ");
        gc_strv_push(&self->lines,
                     gc_xasprintf("func (%s%s%s%s%s) %s%s\n", d->pointer ? "*" : "",
                                  d->receiver, *args ? "[" : "", args, *args ? "]" : "",
                                  d->name, signature));
        free(args);
    } else {
        gc_strv_push(&self->lines,
                     gc_xasprintf("func %s%s%s\n", d->name, params, signature));
    }
    free(signature);
    free(params);
}

static void put_decl(go_surface *self, const gc_go_decl *d)
{
    if (!gc_go_is_exported(d->name) || (d->receiver && !gc_go_is_exported(d->receiver)))
        return;
    if (d->kind == GC_GO_TYPE)
        put_type(self, d);
    else if (d->kind == GC_GO_FUNC)
        put_func(self, d);
    else
        put_value(self, d);
}

gc_err gc_go_api(const char *src, size_t len, gc_buf *out, gc_errinfo *info)
{
    gc_go_file *file = NULL;
    gc_go_parse_options options = { 0 };
    go_surface surface = { 0 };
    gc_err err = gc_go_parse(src, len, &options, &file, info);
    if (err)
        return err;
    for (size_t i = 0; i < file->decl_count; i++)
        put_decl(&surface, &file->decls[i]);
    gc_strv_sort(&surface.imports);
    gc_strv_sort(&surface.lines);
    gc_buf_printf(out, "package %s\n", file->package);
    for (size_t i = 0; i < surface.imports.count; i++)
        gc_buf_printf(out, "import \"%s\"\n", surface.imports.items[i]);
    for (size_t i = 0; i < surface.lines.count; i++)
        gc_buf_puts(out, surface.lines.items[i]);
    gc_strv_release(&surface.imports);
    gc_strv_release(&surface.lines);
    gc_go_file_destroy(&file);
    return out->full ? gc_fail(info, GC_EPROTO, "the file's surface is too large")
                     : GC_OK;
}

gc_err gc_go_api_digest(const char *src, size_t len, gc_sha *out, gc_errinfo *info)
{
    gc_buf api;
    gc_buf_init(&api, API_LIMIT);
    gc_err err = gc_go_api(src, len, &api, info);
    if (!err)
        *out = gc_sha256(api.ptr, api.len);
    gc_buf_release(&api);
    return err;
}
