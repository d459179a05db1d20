/* The file: package clause, imports and top-level declarations; bodies and initialisers are
 * skipped by their brackets. https://go.dev/ref/spec#Source_file_organization */
#include <stdlib.h>
#include <string.h>

#include "common/gosrc_lex.h"
#include "common/gosrc_parser.h"
#include "common/mem.h"
#include "common/text.h"

/* Names x of `x.` longer than this are never imports. */
#define MAX_SELECTED GC_GO_MAX_NAME

/* One `const ( ... )` group: what a constant without `= ...` repeats. */
typedef struct go_span {
    const char *ptr;
    size_t len;
} go_span;

typedef struct go_exprs {
    go_span *items;
    size_t count;
    size_t cap;
} go_exprs;

typedef struct go_group {
    gc_go_decl_kind kind;
    const char *type;
    go_exprs exprs;
    long iota;
} go_group;

static gc_go_decl *add_decl(gc_go_file *file, gc_go_decl_kind kind, const char *name,
                            int line)
{
    file->decls =
        gc_grow(file->decls, file->decl_count, &file->decl_cap, sizeof *file->decls);
    gc_go_decl *decl = &file->decls[file->decl_count++];
    *decl = (gc_go_decl){ .kind = kind,
                          .name = name ? name : "",
                          .line = line,
                          .params = "",
                          .type = "",
                          .value = "",
                          .source = "" };
    return decl;
}

static const char *or_empty(const char *text)
{
    return text ? text : "";
}

/* ---- import ---- */

/* https://go.dev/ref/spec#Import_declarations: the characters that a path may not hold. */
static bool path_is_legal(const gc_buf *path)
{
    if (!path->len || path->full || memchr(path->ptr, '\0', path->len))
        return false;
    for (const char *c = path->ptr; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f ||
            strchr("!\"#$%&'()*,:;<=>?[\\]^`{|}", *c))
            return false;
    return gc_utf8_valid(path->ptr, path->len);
}

static void parse_import(gc_go_parser *self)
{
    const char *alias = NULL;
    int line = self->at.token.line;
    if (gc_go_accept(self, "."))
        alias = ".";
    else if (gc_go_is_kind(self, GC_GO_IDENT))
        alias = gc_go_take_name(self);
    if (!gc_go_is_kind(self, GC_GO_STRING)) {
        gc_go_expected(self, "an import path in quotes");
        return;
    }
    gc_buf path;
    gc_buf_init(&path, 1024);
    gc_go_unquote(self->at.token.text, self->at.token.len, &path);
    const char *kept = gc_go_keep(self->file, path.ptr, path.len);
    if (!kept || !path_is_legal(&path))
        gc_go_refuse(self, "this import path is not valid");
    else
        gc_go_add_import(self->file, kept, alias, line, self->options->hints);
    gc_buf_release(&path);
    gc_go_advance(self);
}

/* ---- const and var ---- */

/* Expressions up to the end of the line, cut at the commas between them. */
static void skip_exprs(gc_go_parser *self, go_exprs *out)
{
    const char *start = self->at.token.text;
    const char *end = start;
    out->count = 0;
    for (;;) {
        bool over = gc_go_is_kind(self, GC_GO_SEMICOLON) ||
                    gc_go_is_kind(self, GC_GO_EOF) || gc_go_is(self, ")");
        if (over || gc_go_is(self, ",")) {
            if (end == start)
                gc_go_expected(self, "an expression");
            out->items = gc_grow(out->items, out->count, &out->cap, sizeof *out->items);
            out->items[out->count++] = (go_span){ start, (size_t)(end - start) };
            if (over || self->failed)
                return;
            gc_go_advance(self);
            start = end = self->at.token.text;
            continue;
        }
        if (gc_go_is(self, "(") || gc_go_is(self, "[") || gc_go_is(self, "{"))
            gc_go_skip_brackets(self);
        else
            gc_go_advance(self);
        end = self->at.before.text + self->at.before.len;
    }
}

static void set_const(gc_go_parser *self, gc_go_decl *decl, const go_group *group,
                      size_t index)
{
    decl->type = group->type;
    if (index < group->exprs.count)
        decl->value = or_empty(gc_go_const_value(self, group->exprs.items[index].ptr,
                                                 group->exprs.items[index].len,
                                                 group->iota, &decl->type));
}

/* `a, b T = x, y`; a constant without type and value repeats those before it. */
static void parse_values(gc_go_parser *self, go_group *group)
{
    size_t first = self->file->decl_count;
    const char *start = self->at.token.text;
    const char *type = "";
    bool assigned = false;
    do {
        int line = self->at.token.line;
        const char *name = gc_go_take_name(self);
        add_decl(self->file, group->kind, name, line);
    } while (gc_go_accept(self, ","));
    bool ends = gc_go_is_kind(self, GC_GO_SEMICOLON) || gc_go_is(self, ")") ||
                gc_go_is_kind(self, GC_GO_EOF);
    if (!ends && !gc_go_is(self, "="))
        type = or_empty(gc_go_parse_type(self));
    if (gc_go_accept(self, "=")) {
        assigned = true;
        skip_exprs(self, &group->exprs);
    } else if (group->kind == GC_GO_VAR && !*type) {
        gc_go_expected(self, "a type or '='");
    } else if (group->kind == GC_GO_CONST && !group->exprs.count &&
               !self->options->promise) {
        gc_go_expected(self, "'=' and a value");
    }
    if (assigned || *type)
        group->type = type;
    const char *source = or_empty(gc_go_source_since(self, start));
    for (size_t i = first; i < self->file->decl_count; i++) {
        gc_go_decl *decl = &self->file->decls[i];
        decl->source = source;
        if (group->kind == GC_GO_CONST)
            set_const(self, decl, group, i - first);
        else
            decl->type = group->type;
    }
    group->iota++;
    if (group->kind == GC_GO_VAR)
        group->type = "";
}

/* ---- type ---- */

static void parse_type_spec(gc_go_parser *self)
{
    const char *start = self->at.token.text;
    int line = self->at.token.line;
    const char *name = gc_go_take_name(self);
    size_t index = self->file->decl_count;
    gc_go_decl *decl = add_decl(self->file, GC_GO_TYPE, name, line);
    if (gc_go_is(self, "[") && gc_go_at_type_params(self))
        decl->params = or_empty(gc_go_parse_type_params(self, &decl->param_names));
    decl->alias = gc_go_accept(self, "=");
    bool is_struct = gc_go_is(self, "struct");
    if (!is_struct && !gc_go_is(self, "interface")) {
        decl->type = or_empty(gc_go_parse_type(self));
        decl->source = or_empty(gc_go_source_since(self, start));
        return;
    }
    gc_go_members members = { 0 };
    gc_go_advance(self);
    const char *source = or_empty(gc_go_source_since(self, start));
    bool open = is_struct && self->options->promise && !gc_go_is(self, "{");
    if (!open && is_struct)
        gc_go_parse_fields(self, &members);
    else if (!open)
        gc_go_parse_elements(self, &members);
    const char *type = open ? "struct" : gc_go_members_text(self, &members, is_struct);
    decl = &self->file->decls[index];
    decl->members = members;
    decl->type = or_empty(type);
    decl->source = source;
    if (is_struct)
        decl->form = open ? GC_GO_OPEN_STRUCT : GC_GO_STRUCT;
    else if (members.count) /* else it is any, however it is written */
        decl->form = GC_GO_INTERFACE;
}

/* ---- func ---- */

/* Cuts `"*Set[K, V]"`, a receiver's type, into its parts. */
static void set_receiver(gc_go_parser *self, gc_go_decl *decl, const char *type)
{
    decl->pointer = *type == '*';
    type += decl->pointer;
    size_t len = strcspn(type, "[");
    decl->receiver = gc_go_keep(self->file, type, len);
    if (!decl->receiver || !len || memchr(type, '.', len) || strchr("*(<", type[0]))
        gc_go_refuse(self, "a receiver must be T or *T with a type T of this package");
    if (type[len] == '[') {
        char *names = gc_xmemdup(type + len + 1, strlen(type + len + 1) - 1);
        gc_strv_split(&decl->param_names, names, ',');
        free(names);
    }
}

/* `(s *Service)` or `(Service)`. */
static const char *parse_receiver(gc_go_parser *self)
{
    gc_go_expect(self, "(");
    if (gc_go_is_kind(self, GC_GO_IDENT)) {
        gc_go_place place = self->at;
        gc_go_advance(self);
        bool named = gc_go_is_kind(self, GC_GO_IDENT) || gc_go_is(self, "*") ||
                     gc_go_is(self, "(");
        if (!named && !self->failed)
            self->at = place;
    }
    const char *type = gc_go_parse_type(self);
    gc_go_accept(self, ",");
    gc_go_expect(self, ")");
    return type;
}

static void parse_func(gc_go_parser *self, const char *start)
{
    const char *receiver = gc_go_is(self, "(") ? parse_receiver(self) : NULL;
    int line = self->at.token.line;
    const char *name = gc_go_take_name(self);
    gc_go_decl *decl = add_decl(self->file, GC_GO_FUNC, name, line);
    if (receiver)
        set_receiver(self, decl, receiver);
    else if (gc_go_is(self, "["))
        decl->params = or_empty(gc_go_parse_type_params(self, &decl->param_names));
    decl->type = or_empty(gc_go_parse_signature(self));
    decl->source = or_empty(gc_go_source_since(self, start));
    decl->body = gc_go_is(self, "{");
    if (decl->body)
        gc_go_skip_brackets(self);
}

/* ---- file ---- */

static void parse_spec(gc_go_parser *self, const char *keyword, go_group *group)
{
    if (*keyword == 'i')
        parse_import(self);
    else if (*keyword == 't')
        parse_type_spec(self);
    else
        parse_values(self, group);
}

/* One spec, or several in parentheses. */
static void parse_specs(gc_go_parser *self, const char *keyword)
{
    go_group group = { .kind = *keyword == 'c' ? GC_GO_CONST : GC_GO_VAR, .type = "" };
    if (gc_go_accept(self, "(")) {
        while (!self->failed && !gc_go_is(self, ")") && !gc_go_is_kind(self, GC_GO_EOF)) {
            parse_spec(self, keyword, &group);
            gc_go_end_of_line(self, ")");
        }
        gc_go_expect(self, ")");
    } else {
        parse_spec(self, keyword, &group);
    }
    free(group.exprs.items);
}

static void parse_package(gc_go_parser *self)
{
    self->file->package_line = self->at.token.line;
    if (!gc_go_accept(self, "package")) {
        gc_go_expected(self, "the package clause");
        return;
    }
    self->file->package = gc_go_take_name(self);
    gc_go_end_of_line(self, "");
}

static void parse_declaration(gc_go_parser *self, bool *imports_over)
{
    static const char *const keywords[] = { "import", "const", "var", "type" };
    const char *start = self->at.token.text;
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        if (!gc_go_is(self, keywords[i]))
            continue;
        if (i == 0 && *imports_over && !self->options->promise)
            gc_go_refuse(self, "imports must come before all other declarations");
        *imports_over |= i > 0;
        gc_go_advance(self);
        parse_specs(self, keywords[i]);
        return;
    }
    *imports_over = true;
    if (gc_go_accept(self, "func"))
        parse_func(self, start);
    else if (!gc_go_refuse_closer(self))
        gc_go_expected(self, "a declaration (import, const, type, var or func)");
}

static void parse_file(gc_go_parser *self)
{
    bool imports_over = false;
    gc_go_advance(self);
    if (!self->options->promise)
        parse_package(self);
    while (!self->failed && !gc_go_is_kind(self, GC_GO_EOF)) {
        if (self->options->promise && gc_go_is_kind(self, GC_GO_SEMICOLON)) {
            gc_go_advance(self);
            continue;
        }
        parse_declaration(self, &imports_over);
        gc_go_end_of_line(self, "");
    }
}

gc_err gc_go_parse(const char *src, size_t len, const gc_go_parse_options *options,
                   gc_go_file **out, gc_errinfo *info)
{
    gc_errinfo local;
    if (len > GC_GO_MAX_SOURCE)
        return gc_fail(info, GC_EPROTO, "the file is larger than %zu bytes",
                       GC_GO_MAX_SOURCE);
    gc_go_file *file = gc_xcalloc(1, sizeof *file);
    file->selected = gc_map_new();
    file->exact = gc_map_new();
    file->guesses = gc_map_new();
    gc_go_parser self = { .file = file,
                          .options = options,
                          .info = info ? info : &local };
    self.at.token.text = self.at.before.text = src;
    self.at.token.line = 1;
    gc_go_lexer_init(&self.at.lexer, src, len, false);
    parse_file(&self);
    if (self.failed) {
        gc_go_file_destroy(&file);
        return GC_EPROTO;
    }
    *out = file;
    return GC_OK;
}

void gc_go_file_destroy(gc_go_file **self_p)
{
    gc_go_file *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->decl_count; i++) {
        gc_strv_release(&self->decls[i].param_names);
        free(self->decls[i].members.items);
    }
    for (size_t i = 0; i < self->import_count; i++)
        free(self->imports[i]);
    free(self->imports);
    free(self->decls);
    free(self->strays);
    gc_map_destroy(&self->selected);
    gc_map_destroy(&self->exact);
    gc_map_destroy(&self->guesses);
    gc_strv_release(&self->texts);
    free(self);
    *self_p = NULL;
}
