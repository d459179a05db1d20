/* The gate that an answer must pass: it parses, and it declares what was promised. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "common/gosrc_ast.h"
#include "common/mem.h"
#include "common/text.h"

typedef struct go_gate {
    const gc_go_file *file; /* the answer */
    const gc_go_file *promise;
    gc_map *decls; /* "T.Name" or "Name" -> gc_go_decl of the answer */
    gc_buf *complaint;
    size_t problems;
} go_gate;

static void complain(go_gate *self, const char *fmt, ...) GC_PRINTF(2, 3);

static void complain(go_gate *self, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    self->problems++;
    gc_buf_printf(self->complaint, "%s\n", text);
}

/* ---- equal text ---- */

static bool same(const char *a, const gc_strv *a_names, const char *b,
                 const gc_strv *b_names)
{
    char *x = gc_go_with_numbers(a, a_names), *y = gc_go_with_numbers(b, b_names);
    bool equal = strcmp(x, y) == 0;
    free(x);
    free(y);
    return equal;
}

static bool same_in(const gc_go_decl *p, const gc_go_decl *d, const char *a,
                    const char *b)
{
    return same(a, &p->param_names, b, &d->param_names);
}

/* ---- one promise against one declaration ---- */

static const gc_go_member *find_member(const gc_go_decl *d, const gc_go_member *wanted)
{
    for (size_t i = 0; i < d->members.count; i++) {
        const gc_go_member *m = &d->members.items[i];
        if (*wanted->name ? strcmp(m->name, wanted->name) == 0
                          : strcmp(m->type, wanted->type) == 0)
            return m;
    }
    return NULL;
}

static void check_members(go_gate *self, const gc_go_decl *p, const gc_go_decl *d)
{
    const char *what = d->form == GC_GO_STRUCT ? "field" : "method";
    for (size_t i = 0; i < p->members.count; i++) {
        const gc_go_member *m = &p->members.items[i], *got = find_member(d, m);
        if (!got)
            complain(self, "line %d: type %s lacks the promised %s: %s", d->line, d->name,
                     what, m->source);
        else if (!same_in(p, d, m->type, got->type) || m->embedded != got->embedded)
            complain(self, "line %d: in type %s, %s is promised, but the file has %s",
                     got->line, d->name, m->source, got->source);
    }
    if (d->form != GC_GO_INTERFACE)
        return;
    for (size_t i = 0; i < d->members.count; i++)
        if (!find_member(p, &d->members.items[i]))
            complain(self, "line %d: interface %s has a method that is not promised: %s",
                     d->members.items[i].line, d->name, d->members.items[i].source);
}

static void check_type(go_gate *self, const gc_go_decl *p, const gc_go_decl *d)
{
    if (p->form == GC_GO_OPEN_STRUCT && d->form == GC_GO_STRUCT) {
        if (p->param_names.count != d->param_names.count)
            complain(self, "line %d: type %s has other type parameters than promised: %s",
                     d->line, d->name, p->source);
        return;
    }
    if (p->form == d->form && (p->form == GC_GO_STRUCT || p->form == GC_GO_INTERFACE)) {
        check_members(self, p, d);
        return;
    }
    if (!same_in(p, d, p->type, d->type) || p->alias != d->alias)
        complain(self, "line %d: %s is promised, but the file has %s", d->line, p->source,
                 d->source);
}

static void check_func(go_gate *self, const gc_go_decl *p, const gc_go_decl *d)
{
    bool params = p->receiver || same_in(p, d, p->params, d->params);
    if (!params || p->pointer != d->pointer || !same_in(p, d, p->type, d->type))
        complain(self, "line %d: %s is promised, but the file has %s", d->line, p->source,
                 d->source);
}

static void check_value(go_gate *self, const gc_go_decl *p, const gc_go_decl *d)
{
    bool type = !*p->type || !*d->type || same_in(p, d, p->type, d->type);
    bool value = !*p->value || !*d->value || strcmp(p->value, d->value) == 0;
    if (!type || (p->kind == GC_GO_CONST && !value))
        complain(self, "line %d: %s is promised, but the file has %s", d->line, p->source,
                 d->source);
}

static const char *word_of(gc_go_decl_kind kind)
{
    static const char *const words[] = { "const ", "var ", "type ", "" };
    return words[kind];
}

static char *key_of(const gc_go_decl *d)
{
    return d->receiver ? gc_xasprintf("%s.%s", d->receiver, d->name)
                       : gc_xstrdup(d->name);
}

static void check_promise(go_gate *self, const gc_go_decl *p)
{
    char *key = key_of(p);
    const gc_go_decl *d = gc_map_get(self->decls, key);
    free(key);
    if (!d)
        complain(self, "missing: %s%s", word_of(p->kind), p->source);
    else if (d->kind != p->kind)
        complain(self, "line %d: %s must be declared as promised: %s%s", d->line, d->name,
                 word_of(p->kind), p->source);
    else if (p->kind == GC_GO_TYPE)
        check_type(self, p, d);
    else if (p->kind == GC_GO_FUNC)
        check_func(self, p, d);
    else
        check_value(self, p, d);
}

/* ---- the file by itself ---- */

static void index_decls(go_gate *self)
{
    for (size_t i = 0; i < self->file->decl_count; i++) {
        const gc_go_decl *d = &self->file->decls[i];
        bool many = strcmp(d->name, "_") == 0 || (d->kind == GC_GO_FUNC && !d->receiver &&
                                                  strcmp(d->name, "init") == 0);
        if (many)
            continue;
        char *key = key_of(d);
        const gc_go_decl *before = gc_map_get(self->decls, key);
        if (before)
            complain(self, "line %d: %s is declared already in line %d", d->line, key,
                     before->line);
        else
            gc_map_set(self->decls, key, (void *)d);
        free(key);
    }
}

static void check_imports(go_gate *self)
{
    gc_map *seen = gc_map_new();
    for (size_t i = 0; i < self->file->import_count; i++) {
        const gc_go_import *import = self->file->imports[i];
        char *key =
            gc_xasprintf("%s %s", import->alias ? import->alias : "", import->path);
        if (gc_map_has(seen, key))
            complain(self, "line %d: \"%s\" is imported twice", import->line,
                     import->path);
        gc_map_set(seen, key, seen);
        free(key);
        bool silent = import->alias && (strcmp(import->alias, "_") == 0 ||
                                        strcmp(import->alias, ".") == 0);
        if (!silent && import->certain && !gc_map_has(self->file->selected, import->name))
            complain(self, "line %d: \"%s\" is imported but never used", import->line,
                     import->path);
    }
    gc_map_destroy(&seen);
}

static void check_package(go_gate *self, const char *path, const char *package)
{
    const char *got = self->file->package;
    size_t len = strlen(package);
    bool external = gc_ends_with(path, "_test.go") && strncmp(got, package, len) == 0 &&
                    strcmp(got + len, "_test") == 0;
    if (*package && strcmp(got, package) != 0 && !external)
        complain(self,
                 "line %d: the package clause must be `package %s`, not `package %s`",
                 self->file->package_line, package, got);
}

static bool is_blank(const char *src, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)src[i] > ' ')
            return false;
    return true;
}

gc_err gc_go_gate(const char *path, const char *package, const char *promise,
                  const char *src, size_t len, gc_buf *complaint)
{
    go_gate gate = { .complaint = complaint };
    gc_go_file *promised = NULL, *file = NULL;
    gc_errinfo info = { 0 };
    if (is_blank(src, len)) {
        complain(&gate, "the file is empty");
        return GC_EPROTO;
    }
    if (!gc_ends_with(path, ".go"))
        return GC_OK;
    gc_go_parse_options promise_options = { .promise = true };
    if (gc_go_parse(promise, strlen(promise), &promise_options, &promised, &info)) {
        complain(&gate, "the promise itself does not parse: %s", info.text);
        return GC_EPROTO;
    }
    gc_go_parse_options options = { .hints = promised };
    if (gc_go_parse(src, len, &options, &file, &info)) {
        complain(&gate, "%s", info.text);
    } else {
        gate.file = file;
        gate.promise = promised;
        gate.decls = gc_map_new();
        check_package(&gate, path, package);
        index_decls(&gate);
        check_imports(&gate);
        for (size_t i = 0; i < promised->decl_count; i++)
            check_promise(&gate, &promised->decls[i]);
        gc_map_destroy(&gate.decls);
    }
    gc_go_file_destroy(&file);
    gc_go_file_destroy(&promised);
    return gate.problems ? GC_EPROTO : GC_OK;
}
