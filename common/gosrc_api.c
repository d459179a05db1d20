/* What other packages see of a file, as Go-like text: sorted, parameters by type alone, no
 * blank lines (they would be paid for). A struct shows its exported fields, an interface its exported
 * methods. */
#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "common/gosrc_ast.h"
#include "common/map.h"
#include "common/mem.h"

/* An import that the shown text uses, and the name it has there. */
typedef struct api_import {
    char *path;
    char *name;
    bool aliased;
} api_import;

typedef struct api_imports {
    api_import *items;
    size_t count;
    size_t cap;
} api_imports;

/* ---- declarations ---- */

static bool member_shown(const gc_go_member *member, bool is_struct)
{
    return (!is_struct && member->embedded) || gc_go_is_exported(member->name);
}

static void put_field(const gc_go_member *field, gc_buf *out)
{
    if (!field->embedded)
        gc_buf_printf(out, "%s ", field->name);
    gc_buf_puts(out, field->type);
    if (*field->tag)
        gc_buf_printf(out, " %s", field->tag);
}

static void put_members(const gc_go_decl *decl, gc_buf *out)
{
    bool is_struct = decl->form == GC_GO_STRUCT;
    gc_strv lines = { 0 };
    for (size_t i = 0; i < decl->members.count; i++) {
        const gc_go_member *member = &decl->members.items[i];
        gc_buf line;
        if (!member_shown(member, is_struct))
            continue;
        gc_buf_init(&line, GC_GO_MAX_SOURCE);
        if (is_struct)
            put_field(member, &line);
        else
            gc_buf_printf(&line, "%s%s", member->name, member->type);
        gc_strv_push(&lines, gc_buf_take(&line));
    }
    if (!is_struct)
        gc_strv_sort(&lines); /* fields keep their order: it is part of the type */
    gc_buf_puts(out, is_struct ? "struct {" : "interface {");
    for (size_t i = 0; i < lines.count; i++)
        gc_buf_printf(out, "%s\t%s\n", i ? "" : "\n", lines.items[i]);
    gc_buf_puts(out, "}");
    gc_strv_release(&lines);
}

static void put_func(const gc_go_decl *decl, gc_buf *out)
{
    gc_buf_puts(out, "func ");
    if (decl->receiver) {
        gc_buf_printf(out, "(%s%s", decl->pointer ? "*" : "", decl->receiver);
        for (size_t i = 0; i < decl->param_names.count; i++)
            gc_buf_printf(out, "%s%s", i ? ", " : "[", decl->param_names.items[i]);
        gc_buf_puts(out, decl->param_names.count ? "]) " : ") ");
    }
    gc_buf_printf(out, "%s%s%s", decl->name, decl->params, decl->type);
}

static void put_value(const gc_go_decl *decl, gc_buf *out)
{
    gc_buf_printf(out, "%s %s", decl->kind == GC_GO_CONST ? "const" : "var", decl->name);
    if (*decl->type)
        gc_buf_printf(out, " %s", decl->type);
    if (*decl->value)
        gc_buf_printf(out, " = %s", decl->value);
}

static void put_type(const gc_go_decl *decl, gc_buf *out)
{
    gc_buf_printf(out, "type %s%s %s", decl->name, decl->params, decl->alias ? "= " : "");
    if (decl->form == GC_GO_OTHER)
        gc_buf_puts(out, decl->type);
    else
        put_members(decl, out);
}

static bool decl_shown(const gc_go_decl *decl)
{
    return gc_go_is_exported(decl->name) &&
           (!decl->receiver || gc_go_is_exported(decl->receiver));
}

static int by_rank(const void *a, const void *b)
{
    const gc_go_decl *x = *(const gc_go_decl *const *)a;
    const gc_go_decl *y = *(const gc_go_decl *const *)b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    int order = strcmp(x->receiver ? x->receiver : "", y->receiver ? y->receiver : "");
    order = order ? order : strcmp(x->name, y->name);
    return order ? order : strcmp(x->type, y->type);
}

static void put_decls(const gc_go_file *file, gc_buf *out)
{
    size_t count = 0;
    const gc_go_decl **shown = gc_xcalloc(file->decl_count + 1, sizeof(gc_go_decl *));
    for (size_t i = 0; i < file->decl_count; i++)
        if (decl_shown(&file->decls[i]))
            shown[count++] = &file->decls[i];
    qsort(shown, count, sizeof(gc_go_decl *), by_rank);
    for (size_t i = 0; i < count; i++) {
        if (shown[i]->kind == GC_GO_FUNC)
            put_func(shown[i], out);
        else if (shown[i]->kind == GC_GO_TYPE)
            put_type(shown[i], out);
        else
            put_value(shown[i], out);
        gc_buf_putc(out, '\n');
    }
    free(shown);
}

/* ---- imports ---- */

static int by_path(const void *a, const void *b)
{
    return strcmp(((const api_import *)a)->path, ((const api_import *)b)->path);
}

static void collect_paths(const char *text, api_imports *out)
{
    const char *path;
    size_t path_len;
    gc_map *seen = gc_map_new();
    for (; (text = gc_go_next_qualifier(text, &path, &path_len));
         text = path + path_len + 1) {
        char *copy = gc_xmemdup(path, path_len);
        if (gc_map_has(seen, copy)) {
            free(copy);
            continue;
        }
        gc_map_set(seen, copy, out);
        out->items = gc_grow(out->items, out->count, &out->cap, sizeof *out->items);
        out->items[out->count++] = (api_import){ .path = copy };
    }
    gc_map_destroy(&seen);
    if (out->count)
        qsort(out->items, out->count, sizeof *out->items, by_path);
}

/* The file's own names for its imports, by path. */
static gc_map *own_names(const gc_go_file *file)
{
    gc_map *names = gc_map_new();
    for (size_t i = 0; i < file->import_count; i++) {
        gc_go_import *import = file->imports[i];
        if (import->used_as && !gc_map_has(names, import->path))
            gc_map_set(names, import->path, (char *)import->used_as);
    }
    return names;
}

/* The names that more than one of the imports has by its path. */
static gc_map *shared_names(api_imports *imports)
{
    gc_map *seen = gc_map_new();
    gc_map *shared = gc_map_new();
    for (size_t i = 0; i < imports->count; i++) {
        char name[GC_GO_MAX_NAME + 1];
        gc_go_package_name(imports->items[i].path, name);
        gc_map_set(gc_map_has(seen, name) ? shared : seen, name, imports);
    }
    gc_map_destroy(&seen);
    return shared;
}

/* The name that the path gives, so that an alias taken for its looks does not change the
 * text; where two share one, or the path gives none, the file's own name. */
static void name_imports(const gc_go_file *file, api_imports *imports)
{
    gc_map *taken = gc_map_new();
    gc_map *shared = shared_names(imports);
    gc_map *own = own_names(file);
    for (size_t i = 0; i < imports->count; i++) {
        api_import *import = &imports->items[i];
        char name[GC_GO_MAX_NAME + 1];
        const char *used_as = gc_map_get(own, import->path);
        gc_go_package_name(import->path, name);
        bool unclear = !*name || gc_map_has(shared, name);
        import->name = gc_xstrdup(unclear && used_as ? used_as : name);
        for (size_t n = i + 1; !*import->name || gc_map_has(taken, import->name); n++) {
            free(import->name);
            import->name = gc_xasprintf("%s%zu", *name ? name : "pkg", n);
        }
        import->aliased = strcmp(import->name, name) != 0;
        gc_map_set(taken, import->name, import);
    }
    gc_map_destroy(&taken);
    gc_map_destroy(&shared);
    gc_map_destroy(&own);
}

static void put_imports(const api_imports *imports, gc_buf *out)
{
    for (size_t i = 0; i < imports->count; i++) {
        const api_import *import = &imports->items[i];
        gc_buf_printf(out, "import %s%s\"%s\"\n", import->aliased ? import->name : "",
                      import->aliased ? " " : "", import->path);
    }
}

/* `text` with the names of the imports in place of their paths. */
static void put_named(const char *text, const api_imports *imports, gc_buf *out)
{
    const char *path, *at;
    size_t path_len;
    gc_map *names = gc_map_new();
    for (size_t i = 0; i < imports->count; i++)
        gc_map_set(names, imports->items[i].path, imports->items[i].name);
    while ((at = gc_go_next_qualifier(text, &path, &path_len))) {
        char *key = gc_xmemdup(path, path_len);
        const char *name = gc_map_get(names, key);
        gc_buf_append(out, text, (size_t)(at - text));
        gc_buf_puts(out, name ? name : key);
        text = path + path_len + 1;
        free(key);
    }
    gc_buf_puts(out, text);
    gc_map_destroy(&names);
}

gc_err gc_go_api(const char *src, size_t len, gc_buf *out, gc_errinfo *info)
{
    static const gc_go_parse_options plain;
    gc_go_file *file = NULL;
    api_imports imports = { 0 };
    gc_buf decls;
    gc_err err = gc_go_parse(src, len, &plain, &file, info);
    if (err)
        return err;
    gc_buf_init(&decls, (size_t)64 << 20);
    put_decls(file, &decls);
    collect_paths(decls.ptr, &imports);
    name_imports(file, &imports);
    gc_buf_printf(out, "package %s\n", file->package);
    put_imports(&imports, out);
    put_named(decls.ptr, &imports, out);
    if (out->full || decls.full)
        err = gc_fail(info, GC_EFULL, "the exported declarations are too large");
    for (size_t i = 0; i < imports.count; i++) {
        free(imports.items[i].path);
        free(imports.items[i].name);
    }
    free(imports.items);
    gc_buf_release(&decls);
    gc_go_file_destroy(&file);
    return err;
}

gc_err gc_go_api_digest(const char *src, size_t len, gc_sha *out, gc_errinfo *info)
{
    gc_buf text;
    gc_buf_init(&text, (size_t)64 << 20);
    gc_err err = gc_go_api(src, len, &text, info);
    if (!err)
        *out = gc_sha256(text.ptr, text.len);
    gc_buf_release(&text);
    return err;
}
