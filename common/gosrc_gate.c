/* Does an answer hold what was promised for its file? All problems are named, not the first
 * alone, since each round with the model costs money. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "common/gosrc_ast.h"
#include "common/gosrc_gate.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/text.h"

#define MAX_COMPLAINTS 100
#define MAX_LINE 1000

void gc_go_complain(gc_go_gate_state *self, int line, const char *fmt, ...)
{
    char text[MAX_LINE];
    va_list ap;
    self->problems++;
    if (self->problems > MAX_COMPLAINTS)
        return;
    va_start(ap, fmt);
    int len = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (len >= (int)sizeof text) { /* cut between characters */
        len = (int)sizeof text - 1;
        while (len > 0 && !gc_utf8_valid(text, (size_t)len))
            len--;
        text[len] = '\0';
    }
    if (line)
        gc_buf_printf(self->complaint, "line %d: %s\n", line, text);
    else
        gc_buf_printf(self->complaint, "%s\n", text);
}

static bool is_blank_text(const char *src, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!strchr(" \t\r\n", src[i]) || !src[i])
            return false;
    return true;
}

/* ---- the file by itself ---- */

static void check_package(gc_go_gate_state *self, const char *path, const char *package)
{
    const gc_go_file *file = self->answer;
    bool is_test = gc_ends_with(path, "_test.go");
    size_t len = strlen(package);
    if (!len || strcmp(file->package, package) == 0)
        return;
    if (is_test && strncmp(file->package, package, len) == 0 &&
        strcmp(file->package + len, "_test") == 0)
        return;
    gc_go_complain(self, file->package_line, "the package is %s, it must be %s",
                   file->package, package);
}

/* Names that may be declared again and again. */
static bool may_repeat(const gc_go_decl *decl)
{
    bool init =
        decl->kind == GC_GO_FUNC && !decl->receiver && strcmp(decl->name, "init") == 0;
    return init || strcmp(decl->name, "_") == 0;
}

char *gc_go_decl_key(const gc_go_decl *decl)
{
    if (decl->receiver)
        return gc_xasprintf("%s.%s", decl->receiver, decl->name);
    return gc_xstrdup(decl->name);
}

/* Fills the index by key on the way. */
static void check_duplicates(gc_go_gate_state *self)
{
    const gc_go_file *file = self->answer;
    for (size_t i = 0; i < file->decl_count; i++) {
        gc_go_decl *decl = &file->decls[i];
        char *key = gc_go_decl_key(decl);
        gc_go_decl *first = may_repeat(decl) ? NULL : gc_map_get(self->by_key, key);
        if (first)
            gc_go_complain(self, decl->line, "%s is declared twice, first in line %d",
                           key, first->line);
        else if (!may_repeat(decl))
            gc_map_set(self->by_key, key, decl);
        free(key);
    }
}

/* `//go:linkname NAME ...` at the start of a line: the body is in another package. */
static bool is_linked(const char *name, const char *src, size_t len)
{
    static const char directive[] = "//go:linkname ";
    const size_t skip = sizeof directive - 1, name_len = strlen(name);
    const char *end = src + len;
    for (const char *at = src; at && at < end;
         at = memchr(at, '\n', (size_t)(end - at))) {
        at += *at == '\n';
        size_t left = (size_t)(end - at);
        if (left > skip + name_len && memcmp(at, directive, skip) == 0 &&
            memcmp(at + skip, name, name_len) == 0 &&
            memchr(" \t\r\n", at[skip + name_len], 4))
            return true;
    }
    return false;
}

/* Go takes such a function for one in assembly, of which a generated project has none. */
static void check_bodies(gc_go_gate_state *self, const char *path, const char *src,
                         size_t len)
{
    const gc_go_file *file = self->answer;
    for (size_t i = 0; i < file->decl_count; i++) {
        const gc_go_decl *decl = &file->decls[i];
        if (decl->kind != GC_GO_FUNC || decl->body || is_linked(decl->name, src, len))
            continue;
        char *key = gc_go_decl_key(decl);
        gc_go_complain(self, decl->line, "%s in %s has no body", key, path);
        free(key);
    }
}

static bool binds_name(const gc_go_import *import)
{
    return strcmp(import->name, "_") != 0 && strcmp(import->name, ".") != 0 &&
           strcmp(import->path, "C") != 0;
}

static void check_unused(gc_go_gate_state *self, const gc_go_import *import)
{
    const gc_map *selected = self->answer->selected;
    bool used = gc_map_has(selected, import->name) ||
                (import->other && gc_map_has(selected, import->other));
    if (import->certain && !used)
        gc_go_complain(self, import->line,
                       "\"%s\" is imported as %s and not used; take the import out",
                       import->path, *import->name ? import->name : import->other);
}

/* Two imports, or an import and a declaration, of one name. */
static void check_name(gc_go_gate_state *self, const gc_go_import *import,
                       const gc_go_import *first)
{
    const gc_go_decl *decl = gc_map_get(self->by_key, import->name);
    bool known = import->certain && !import->other;
    if (first && known && first->certain && !first->other)
        gc_go_complain(self, import->line,
                       "\"%s\" and \"%s\" are both imported as %s; give one an alias",
                       first->path, import->path, import->name);
    if (decl && !first && known)
        gc_go_complain(self, decl->line, "%s is already the name of the import \"%s\"",
                       decl->name, import->path);
}

/* Go binds a name once per file, and not to a package and a declaration both. */
static void check_imports(gc_go_gate_state *self)
{
    const gc_go_file *file = self->answer;
    gc_map *names = gc_map_new();
    for (size_t i = 0; i < file->import_count; i++) {
        gc_go_import *import = file->imports[i];
        if (!binds_name(import))
            continue;
        const gc_go_import *first = gc_map_get(names, import->name);
        if (first && strcmp(first->path, import->path) == 0) {
            gc_go_complain(self, import->line,
                           "\"%s\" is imported twice, first in line %d", import->path,
                           first->line);
            continue;
        }
        check_name(self, import, first);
        check_unused(self, import);
        if (!first && *import->name)
            gc_map_set(names, import->name, import);
    }
    gc_map_destroy(&names);
}

/* Could an import whose package name is not known explain an unknown qualifier? */
static bool all_names_known(const gc_go_file *file)
{
    for (size_t i = 0; i < file->import_count; i++)
        if (!file->imports[i]->certain)
            return false;
    return true;
}

static void check_strays(gc_go_gate_state *self)
{
    const gc_go_file *file = self->answer;
    bool known = all_names_known(file);
    gc_map *said = gc_map_new();
    for (size_t i = 0; i < file->stray_count; i++) {
        const gc_go_stray *stray = &file->strays[i];
        const gc_go_import *hint = gc_go_resolve(self->promise, stray->name);
        if (gc_map_has(said, stray->name))
            continue;
        gc_map_set(said, stray->name, self);
        if (hint)
            gc_go_complain(self, stray->line, "%s is not imported: import \"%s\"",
                           stray->name, hint->path);
        else if (known)
            gc_go_complain(self, stray->line, "%s is not imported", stray->name);
    }
    gc_map_destroy(&said);
}

/* ---- all of it ---- */

static gc_err parse_promise(gc_go_gate_state *self, const char *promise,
                            const gc_go_file *hints)
{
    gc_go_parse_options options = { .promise = true, .hints = hints, .borrow = hints };
    gc_errinfo info;
    gc_go_file_destroy(&self->promise);
    gc_err err = gc_go_parse(promise, strlen(promise), &options, &self->promise, &info);
    if (err)
        gc_go_complain(self, 0, "the promised declarations cannot be read: %s",
                       info.text);
    return err;
}

static gc_err check_go(gc_go_gate_state *self, const char *path, const char *package,
                       const char *src, size_t len)
{
    gc_errinfo info;
    gc_go_parse_options options = { .hints = self->promise };
    gc_err err = gc_go_parse(src, len, &options, &self->answer, &info);
    if (err) {
        gc_go_complain(self, 0, "%s", info.text);
        return err;
    }
    check_package(self, path, package);
    check_duplicates(self);
    check_bodies(self, path, src, len);
    check_imports(self);
    check_strays(self);
    return GC_OK;
}

gc_err gc_go_gate(const char *path, const char *package, const char *promise,
                  const char *src, size_t len, gc_buf *complaint)
{
    gc_go_gate_state self = { .complaint = complaint };
    if (is_blank_text(src, len)) {
        gc_go_complain(&self, 0, "the file is empty");
        return GC_EPROTO;
    }
    if (!gc_ends_with(path, ".go"))
        return GC_OK;
    self.by_key = gc_map_new();
    gc_err err = parse_promise(&self, promise, NULL);
    if (!err)
        err = check_go(&self, path, package, src, len);
    if (!err && self.promise->stray_count) /* it relies on imports of the answer */
        err = parse_promise(&self, promise, self.answer);
    if (!err)
        gc_go_check_promise(&self);
    gc_map_destroy(&self.by_key);
    gc_go_file_destroy(&self.promise);
    gc_go_file_destroy(&self.answer);
    return self.problems ? GC_EPROTO : GC_OK;
}
