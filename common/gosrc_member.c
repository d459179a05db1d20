/* Struct fields, interface elements and type parameters. */
#include <stdlib.h>
#include <string.h>

#include "common/gosrc_parser.h"
#include "common/mem.h"
#include "common/text.h"

static gc_go_member *add_member(gc_go_members *members, const char *name, int line)
{
    members->items =
        gc_grow(members->items, members->count, &members->cap, sizeof *members->items);
    gc_go_member *member = &members->items[members->count++];
    *member = (gc_go_member){
        .name = name ? name : "", .type = "", .tag = "", .source = "", .line = line
    };
    return member;
}

/* ---- fields ---- */

/* At a field: a type alone, whose last word is then the field's name? */
static bool at_embedded(gc_go_parser *self)
{
    if (gc_go_is(self, "*") || gc_go_is(self, "("))
        return true;
    gc_go_place place = self->at;
    gc_go_advance(self);
    if (gc_go_is(self, "["))
        gc_go_skip_brackets(self); /* `a [n]T` or `Set[T]` */
    bool embedded = gc_go_is_kind(self, GC_GO_SEMICOLON) || gc_go_is(self, "}") ||
                    gc_go_is_kind(self, GC_GO_STRING) || gc_go_is(self, ".");
    if (!self->failed)
        self->at = place;
    return embedded;
}

/* "T" of `*"path".T[K]`. */
static const char *embedded_name(gc_go_parser *self, const char *type)
{
    const char *path;
    size_t path_len;
    if (!type)
        return NULL;
    type += *type == '*';
    if (gc_go_next_qualifier(type, &path, &path_len) == type)
        type = path + path_len + 2;
    size_t len = strcspn(type, "[");
    const char *point = memchr(type, '.', len);
    if (point) {
        len -= (size_t)(point + 1 - type);
        type = point + 1;
    }
    return gc_go_keep(self->file, type, len);
}

static void parse_field(gc_go_parser *self, gc_go_members *out)
{
    size_t first = out->count;
    const char *start = self->at.token.text;
    int line = self->at.token.line;
    const char *type;
    bool embedded = at_embedded(self);
    if (embedded) {
        type = gc_go_parse_type(self);
        add_member(out, embedded_name(self, type), line);
    } else {
        do
            add_member(out, gc_go_take_name(self), line);
        while (gc_go_accept(self, ","));
        type = gc_go_parse_type(self);
    }
    const char *source = gc_go_source_since(self, start);
    const char *tag = "";
    if (gc_go_is_kind(self, GC_GO_STRING)) {
        tag = gc_go_keep(self->file, self->at.token.text, self->at.token.len);
        gc_go_advance(self);
    }
    for (size_t i = first; i < out->count; i++) {
        out->items[i].type = type ? type : "";
        out->items[i].tag = tag ? tag : "";
        out->items[i].source = source ? source : "";
        out->items[i].embedded = embedded;
    }
}

void gc_go_parse_fields(gc_go_parser *self, gc_go_members *out)
{
    gc_go_expect(self, "{");
    while (!self->failed && !gc_go_is(self, "}")) {
        parse_field(self, out);
        gc_go_end_of_line(self, "}");
    }
    gc_go_expect(self, "}");
}

/* ---- interface elements ---- */

/* `~int | Stringer` as "~int|Stringer" */
static const char *parse_constraint(gc_go_parser *self)
{
    gc_buf text;
    gc_buf_init(&text, GC_GO_MAX_SOURCE);
    do {
        bool about = gc_go_accept(self, "~");
        const char *term = gc_go_parse_type(self);
        gc_buf_printf(&text, "%s%s%s", text.len ? "|" : "", about ? "~" : "",
                      term ? term : "");
    } while (gc_go_accept(self, "|"));
    const char *kept = text.full ? NULL : gc_go_keep(self->file, text.ptr, text.len);
    gc_buf_release(&text);
    if (!kept)
        gc_go_refuse(self, "the declarations are too large");
    return self->failed ? NULL : kept;
}

static bool at_method(gc_go_parser *self)
{
    if (!gc_go_is_kind(self, GC_GO_IDENT))
        return false;
    gc_go_place place = self->at;
    gc_go_advance(self);
    bool method = gc_go_is(self, "(");
    if (!self->failed)
        self->at = place;
    return method;
}

static void parse_element(gc_go_parser *self, gc_go_members *out)
{
    const char *start = self->at.token.text;
    int line = self->at.token.line;
    bool method = at_method(self);
    const char *name = method ? gc_go_take_name(self) : "";
    const char *type = method ? gc_go_parse_signature(self) : parse_constraint(self);
    const char *source = gc_go_source_since(self, start);
    gc_go_member *member = add_member(out, name, line);
    member->type = type ? type : "";
    member->source = source ? source : "";
    member->embedded = !method;
}

void gc_go_parse_elements(gc_go_parser *self, gc_go_members *out)
{
    gc_go_expect(self, "{");
    while (!self->failed && !gc_go_is(self, "}")) {
        parse_element(self, out);
        gc_go_end_of_line(self, "}");
    }
    gc_go_expect(self, "}");
}

/* ---- both as text ---- */

static int by_name_and_type(const void *a, const void *b)
{
    const gc_go_member *const *x = a;
    const gc_go_member *const *y = b;
    int order = strcmp((*x)->name, (*y)->name);
    return order ? order : strcmp((*x)->type, (*y)->type);
}

static const char *interface_text(gc_go_parser *self, const gc_go_members *members)
{
    gc_buf text;
    if (!members->count)
        return "any";
    const gc_go_member **sorted = gc_xcalloc(members->count, sizeof(gc_go_member *));
    for (size_t i = 0; i < members->count; i++)
        sorted[i] = &members->items[i];
    qsort(sorted, members->count, sizeof(gc_go_member *), by_name_and_type);
    gc_buf_init(&text, GC_GO_MAX_SOURCE);
    gc_buf_puts(&text, "interface{");
    for (size_t i = 0; i < members->count; i++)
        gc_buf_printf(&text, "%s%s%s", i ? "; " : "", sorted[i]->name, sorted[i]->type);
    gc_buf_puts(&text, "}");
    const char *kept = text.full ? NULL : gc_go_keep(self->file, text.ptr, text.len);
    gc_buf_release(&text);
    free(sorted);
    return kept;
}

static const char *struct_text(gc_go_parser *self, const gc_go_members *members)
{
    gc_buf text;
    gc_buf_init(&text, GC_GO_MAX_SOURCE);
    gc_buf_puts(&text, "struct{");
    for (size_t i = 0; i < members->count; i++) {
        const gc_go_member *field = &members->items[i];
        gc_buf_printf(&text, "%s%s%s%s%s%s", i ? "; " : "",
                      field->embedded ? "" : field->name, field->embedded ? "" : " ",
                      field->type, *field->tag ? " " : "", field->tag);
    }
    gc_buf_puts(&text, "}");
    const char *kept = text.full ? NULL : gc_go_keep(self->file, text.ptr, text.len);
    gc_buf_release(&text);
    return kept;
}

const char *gc_go_members_text(gc_go_parser *self, const gc_go_members *members,
                               bool is_struct)
{
    const char *text =
        is_struct ? struct_text(self, members) : interface_text(self, members);
    if (!text)
        gc_go_refuse(self, "the declarations are too large");
    return self->failed ? NULL : text;
}

/* ---- type parameters ---- */

const char *gc_go_parse_type_params(gc_go_parser *self, gc_strv *names)
{
    gc_buf text;
    gc_buf_init(&text, GC_GO_MAX_SOURCE);
    gc_go_expect(self, "[");
    while (!self->failed && !gc_go_is(self, "]")) {
        size_t first = names->count;
        do {
            const char *name = gc_go_take_name(self);
            gc_strv_add(names, name ? name : "");
        } while (gc_go_accept(self, ","));
        const char *constraint = parse_constraint(self);
        for (size_t i = first; i < names->count; i++)
            gc_buf_printf(&text, "%s%s %s", i ? ", " : "", names->items[i],
                          constraint ? constraint : "");
        if (!gc_go_accept(self, ","))
            break;
    }
    gc_go_expect(self, "]");
    const char *kept = gc_go_keepf(self->file, "[%s]", text.ptr);
    gc_buf_release(&text);
    if (!kept)
        gc_go_refuse(self, "the declarations are too large");
    return self->failed ? NULL : kept;
}

/* After `[ P`, what cannot go on an array length starts a constraint. */
static bool starts_constraint(gc_go_parser *self)
{
    static const char *const starts[] = { ",",   "~",    "interface", "func",
                                          "map", "chan", "struct",    "<-" };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (gc_go_is(self, starts[i]))
            return true;
    return gc_go_is_kind(self, GC_GO_IDENT);
}

/* `[P *C` and `[P (C)`: like Go's own parser, an array length unless a comma or something
 * that only types have follows. */
static bool only_types_follow(gc_go_parser *self)
{
    while (!self->failed && !gc_go_is(self, "]") && !gc_go_is_kind(self, GC_GO_EOF)) {
        if (starts_constraint(self) && !gc_go_is_kind(self, GC_GO_IDENT))
            return true;
        if (gc_go_is(self, "[") || gc_go_is(self, "("))
            gc_go_skip_brackets(self);
        else
            gc_go_advance(self);
    }
    return false;
}

bool gc_go_at_type_params(gc_go_parser *self)
{
    gc_go_place place = self->at;
    bool params = false;
    gc_go_advance(self);
    if (gc_go_is_kind(self, GC_GO_IDENT)) {
        gc_go_advance(self);
        if (gc_go_is(self, "[")) { /* `[P []T]` or `[table[0]]T` */
            gc_go_advance(self);
            params = gc_go_is(self, "]");
        } else if (gc_go_is(self, "*") || gc_go_is(self, "(")) {
            params = only_types_follow(self);
        } else {
            params = starts_constraint(self);
        }
    }
    if (!self->failed)
        self->at = place;
    return params;
}
