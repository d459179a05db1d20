/* Types as normal text: https://go.dev/ref/spec#Types. Two types are the same exactly if
 * their texts are equal. */
#include <stdlib.h>
#include <string.h>

#include "common/gosrc_lex.h"
#include "common/gosrc_parser.h"
#include "common/mem.h"

#define MAX_DEPTH 200
#define TEXT_LIMIT ((size_t)1 << 20)

static const char *keep_buf(gc_go_parser *self, gc_buf *buf)
{
    const char *kept = NULL;
    if (!self->failed && !buf->full)
        kept = gc_go_keep(self->file, buf->ptr, buf->len);
    if (!kept)
        gc_go_refuse(self, "the declarations are too large");
    gc_buf_release(buf);
    return kept;
}

static bool enter(gc_go_parser *self)
{
    if (++self->depth > MAX_DEPTH)
        gc_go_refuse(self, "types are nested too deeply");
    return !self->failed;
}

/* ---- names ---- */

static const char *same_type(const char *name)
{
    if (strcmp(name, "uint8") == 0)
        return "byte";
    return strcmp(name, "int32") == 0 ? "rune" : name;
}

static void note_stray(gc_go_parser *self, const char *name, int line)
{
    gc_go_file *file = self->file;
    file->strays =
        gc_grow(file->strays, file->stray_count, &file->stray_cap, sizeof *file->strays);
    file->strays[file->stray_count++] = (gc_go_stray){ name, line };
}

/* `name` or `pkg.name`, without type arguments. */
static const char *parse_type_name(gc_go_parser *self)
{
    int line = self->at.token.line;
    const char *first = gc_go_take_name(self);
    if (!first || !gc_go_accept(self, "."))
        return first ? same_type(first) : NULL;
    const char *name = gc_go_take_name(self);
    if (!name)
        return NULL;
    const gc_go_import *import = gc_go_resolve(self->file, first);
    if (!import && self->options->borrow && self->options->hints)
        import = gc_go_resolve(self->options->hints, first);
    if (!import) {
        note_stray(self, first, line);
        return gc_go_keepf(self->file, "%s.%s", first, name);
    }
    return gc_go_keepf(self->file, "\"%s\".%s", import->path, name);
}

/* `[A, B]` behind a type's name. */
static const char *parse_type_args(gc_go_parser *self, const char *name)
{
    gc_buf out;
    gc_buf_init(&out, TEXT_LIMIT);
    gc_buf_printf(&out, "%s[", name);
    gc_go_advance(self);
    while (!self->failed && !gc_go_is(self, "]")) {
        const char *arg = gc_go_parse_type(self);
        if (!arg)
            break;
        gc_buf_puts(&out, arg);
        if (!gc_go_accept(self, ","))
            break;
        if (!gc_go_is(self, "]"))
            gc_buf_puts(&out, ", ");
    }
    gc_go_expect(self, "]");
    gc_buf_putc(&out, ']');
    return keep_buf(self, &out);
}

static const char *parse_named(gc_go_parser *self)
{
    const char *name = parse_type_name(self);
    return name && gc_go_is(self, "[") ? parse_type_args(self, name) : name;
}

/* ---- composite types ---- */

/* `[N]T`, `[...]T`, `[]T` from `[` on; the length keeps its words. */
static const char *parse_array(gc_go_parser *self)
{
    gc_buf out;
    gc_buf_init(&out, TEXT_LIMIT);
    gc_buf_putc(&out, '[');
    gc_go_advance(self);
    int open = 0;
    while (!self->failed && !gc_go_is_kind(self, GC_GO_EOF) &&
           (open || !gc_go_is(self, "]"))) {
        open += gc_go_is(self, "[") || gc_go_is(self, "(") || gc_go_is(self, "{");
        open -= gc_go_is(self, "]") || gc_go_is(self, ")") || gc_go_is(self, "}");
        gc_buf_append(&out, self->at.token.text, self->at.token.len);
        gc_go_advance(self);
    }
    gc_go_expect(self, "]");
    const char *element = gc_go_parse_type(self);
    gc_buf_printf(&out, "]%s", element ? element : "");
    return keep_buf(self, &out);
}

static const char *parse_map(gc_go_parser *self)
{
    gc_go_advance(self);
    gc_go_expect(self, "[");
    const char *key = gc_go_parse_type(self);
    gc_go_expect(self, "]");
    const char *value = gc_go_parse_type(self);
    return key && value ? gc_go_keepf(self->file, "map[%s]%s", key, value) : NULL;
}

/* `chan T`, `chan<- T`, `<-chan T`. */
static const char *parse_channel(gc_go_parser *self)
{
    const char *shape = "chan ";
    if (gc_go_accept(self, "<-"))
        shape = "<-chan ";
    gc_go_expect(self, "chan");
    if (gc_go_accept(self, "<-"))
        shape = "chan<- ";
    const char *element = gc_go_parse_type(self);
    return element ? gc_go_keepf(self->file, "%s%s", shape, element) : NULL;
}

static const char *parse_literal(gc_go_parser *self, bool is_struct)
{
    gc_go_members members = { 0 };
    gc_go_advance(self);
    if (is_struct)
        gc_go_parse_fields(self, &members);
    else
        gc_go_parse_elements(self, &members);
    const char *text =
        self->failed ? NULL : gc_go_members_text(self, &members, is_struct);
    free(members.items);
    return text;
}

static const char *parse_any_type(gc_go_parser *self)
{
    if (gc_go_is_kind(self, GC_GO_IDENT))
        return parse_named(self);
    if (gc_go_is(self, "["))
        return parse_array(self);
    if (gc_go_is(self, "map"))
        return parse_map(self);
    if (gc_go_is(self, "chan") || gc_go_is(self, "<-"))
        return parse_channel(self);
    if (gc_go_is(self, "struct") || gc_go_is(self, "interface"))
        return parse_literal(self, gc_go_is(self, "struct"));
    if (gc_go_accept(self, "*")) {
        const char *to = gc_go_parse_type(self);
        return to ? gc_go_keepf(self->file, "*%s", to) : NULL;
    }
    if (gc_go_accept(self, "func")) {
        const char *signature = gc_go_parse_signature(self);
        return signature ? gc_go_keepf(self->file, "func%s", signature) : NULL;
    }
    if (gc_go_accept(self, "(")) {
        const char *type = gc_go_parse_type(self);
        gc_go_expect(self, ")");
        return type;
    }
    gc_go_expected(self, "a type");
    return NULL;
}

const char *gc_go_parse_type(gc_go_parser *self)
{
    const char *type = enter(self) ? parse_any_type(self) : NULL;
    self->depth--;
    return self->failed ? NULL : type;
}

/* ---- parameters ---- */

typedef struct go_param {
    const char *name; /* NULL: this may be a type alone */
    const char *type; /* NULL: this may be a name alone */
    const char *lone; /* a single word, as a type */
} go_param;

typedef struct go_params {
    go_param *items;
    size_t count;
    size_t cap;
    bool named;
} go_params;

/* At a name: does a type follow it? `a [5]int` does, `Set[int]` and `pkg.T` do not. */
static bool type_follows(gc_go_parser *self)
{
    gc_go_place place = self->at;
    gc_go_advance(self);
    bool follows = !gc_go_is(self, ",") && !gc_go_is(self, ")") && !gc_go_is(self, ".") &&
                   !gc_go_is_kind(self, GC_GO_SEMICOLON) && !gc_go_is(self, "}") &&
                   !gc_go_is_kind(self, GC_GO_STRING);
    if (follows && gc_go_is(self, "[")) {
        gc_go_place bracket = self->at;
        gc_go_advance(self);
        bool slice = gc_go_is(self, "]");
        self->at = bracket;
        gc_go_skip_brackets(self);
        follows = slice || (!gc_go_is(self, ",") && !gc_go_is(self, ")") &&
                            !gc_go_is_kind(self, GC_GO_SEMICOLON) &&
                            !gc_go_is(self, "}") && !gc_go_is_kind(self, GC_GO_STRING));
    }
    if (!self->failed)
        self->at = place;
    return follows && !self->failed;
}

static const char *parse_param_type(gc_go_parser *self)
{
    bool variadic = gc_go_accept(self, "...");
    const char *type = gc_go_parse_type(self);
    return type && variadic ? gc_go_keepf(self->file, "...%s", type) : type;
}

static go_param parse_param(gc_go_parser *self)
{
    if (!gc_go_is_kind(self, GC_GO_IDENT))
        return (go_param){ NULL, parse_param_type(self), NULL };
    if (!type_follows(self))
        return (go_param){ NULL, NULL, gc_go_parse_type(self) };
    const char *name = gc_go_take_name(self);
    return (go_param){ name, parse_param_type(self), NULL };
}

/* From `(` on; appends the types, each grouped name with its own. Returns their number. */
static size_t parse_params(gc_go_parser *self, gc_buf *out)
{
    go_params params = { 0 };
    gc_go_expect(self, "(");
    while (!self->failed && !gc_go_is(self, ")")) {
        go_param param = parse_param(self);
        params.items =
            gc_grow(params.items, params.count, &params.cap, sizeof *params.items);
        params.items[params.count++] = param;
        params.named |= param.name != NULL;
        if (!gc_go_accept(self, ","))
            break;
    }
    gc_go_expect(self, ")");
    const char *next = "";
    for (size_t i = params.count; i-- > 0;) {
        go_param *p = &params.items[i];
        if (!p->type)
            p->type = params.named ? next : p->lone ? p->lone : "";
        next = p->type;
    }
    for (size_t i = 0; i < params.count && !self->failed; i++)
        gc_buf_printf(out, "%s%s", i ? ", " : "", params.items[i].type);
    free(params.items);
    return params.count;
}

static bool at_type(const gc_go_parser *self)
{
    static const char *const starts[] = { "*",    "[",  "(",      "func",     "map",
                                          "chan", "<-", "struct", "interface" };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (gc_go_is(self, starts[i]))
            return true;
    return gc_go_is_kind(self, GC_GO_IDENT);
}

const char *gc_go_parse_signature(gc_go_parser *self)
{
    gc_buf out, results;
    gc_buf_init(&out, TEXT_LIMIT);
    gc_buf_init(&results, TEXT_LIMIT);
    gc_buf_putc(&out, '(');
    if (enter(self))
        parse_params(self, &out);
    gc_buf_putc(&out, ')');
    if (gc_go_is(self, "(")) {
        size_t count = parse_params(self, &results);
        if (count == 1)
            gc_buf_printf(&out, " %s", results.ptr);
        else if (count)
            gc_buf_printf(&out, " (%s)", results.ptr);
    } else if (at_type(self)) {
        const char *type = gc_go_parse_type(self);
        gc_buf_printf(&out, " %s", type ? type : "");
    }
    self->depth--;
    gc_buf_release(&results);
    return keep_buf(self, &out);
}

/* ---- members ---- */

static gc_go_member *add_member(gc_go_members *members, const char *name,
                                const char *type, int line)
{
    members->items =
        gc_grow(members->items, members->count, &members->cap, sizeof *members->items);
    gc_go_member *m = &members->items[members->count++];
    *m = (gc_go_member){ name ? name : "", type ? type : "", "", "", false, line };
    return m;
}

/* The name by which an embedded type is selected: the T of *pkg.T[A]. */
static const char *embedded_name(gc_go_parser *self, const char *type)
{
    const char *start = type;
    size_t len = 0;
    if (*start == '*')
        start++;
    if (*start == '"') {
        const char *quote = strchr(start + 1, '"');
        start = quote && quote[1] == '.' ? quote + 2 : start;
    } else {
        const char *point = strchr(start, '.');
        start = point ? point + 1 : start;
    }
    len = strcspn(start, "[");
    return gc_go_keep(self->file, start, len);
}

static void finish_fields(gc_go_parser *self, gc_go_members *out, size_t first,
                          const char *start)
{
    const char *source = gc_go_source_since(self, start), *tag = "";
    if (gc_go_is_kind(self, GC_GO_STRING)) {
        tag = gc_go_keep(self->file, self->at.token.text, self->at.token.len);
        gc_go_advance(self);
    }
    for (size_t i = first; i < out->count; i++) {
        out->items[i].source = source ? source : "";
        out->items[i].tag = tag ? tag : "";
    }
}

static void parse_field(gc_go_parser *self, gc_go_members *out)
{
    const char *start = self->at.token.text;
    int line = self->at.token.line;
    size_t first = out->count;
    gc_go_place place = self->at;
    bool ident = gc_go_is_kind(self, GC_GO_IDENT);
    gc_go_advance(self);
    bool list = ident && gc_go_is(self, ",");
    if (!self->failed)
        self->at = place;
    if (!list && !(ident && type_follows(self))) {
        const char *type = gc_go_parse_type(self);
        const char *name = type ? embedded_name(self, type) : NULL;
        add_member(out, name, type, line)->embedded = true;
    } else {
        do
            add_member(out, gc_go_take_name(self), NULL, line);
        while (gc_go_accept(self, ","));
        const char *type = gc_go_parse_type(self);
        for (size_t i = first; i < out->count; i++)
            out->items[i].type = type ? type : "";
    }
    finish_fields(self, out, first, start);
}

void gc_go_parse_fields(gc_go_parser *self, gc_go_members *out)
{
    gc_go_expect(self, "{");
    while (!self->failed && !gc_go_is(self, "}") && !gc_go_is_kind(self, GC_GO_EOF)) {
        parse_field(self, out);
        gc_go_end_of_line(self, "}");
    }
    gc_go_expect(self, "}");
}

/* `~int | string | pkg.T` */
static const char *parse_union(gc_go_parser *self)
{
    gc_buf out;
    gc_buf_init(&out, TEXT_LIMIT);
    do {
        bool tilde = gc_go_accept(self, "~");
        const char *type = gc_go_parse_type(self);
        gc_buf_printf(&out, "%s%s%s", out.len ? "|" : "", tilde ? "~" : "",
                      type ? type : "");
    } while (gc_go_accept(self, "|"));
    return keep_buf(self, &out);
}

static void parse_element(gc_go_parser *self, gc_go_members *out)
{
    const char *start = self->at.token.text;
    int line = self->at.token.line;
    gc_go_place place = self->at;
    bool ident = gc_go_is_kind(self, GC_GO_IDENT);
    gc_go_advance(self);
    bool method = ident && gc_go_is(self, "(");
    if (!self->failed)
        self->at = place;
    const char *name = method ? gc_go_take_name(self) : "";
    const char *type = method ? gc_go_parse_signature(self) : parse_union(self);
    gc_go_member *m = add_member(out, name, type, line);
    const char *source = gc_go_source_since(self, start);
    m->embedded = !method;
    m->source = source ? source : "";
}

void gc_go_parse_elements(gc_go_parser *self, gc_go_members *out)
{
    gc_go_expect(self, "{");
    while (!self->failed && !gc_go_is(self, "}") && !gc_go_is_kind(self, GC_GO_EOF)) {
        parse_element(self, out);
        gc_go_end_of_line(self, "}");
    }
    gc_go_expect(self, "}");
}

const char *gc_go_members_text(gc_go_parser *self, const gc_go_members *members,
                               bool is_struct)
{
    gc_strv texts = { 0 };
    gc_buf out;
    if (!is_struct && !members->count)
        return "any";
    for (size_t i = 0; i < members->count; i++) {
        const gc_go_member *m = &members->items[i];
        const char *blank = is_struct && *m->name && !m->embedded ? " " : "";
        const char *name = m->embedded ? "" : m->name;
        gc_strv_push(&texts, gc_xasprintf("%s%s%s%s%s", name, blank, m->type,
                                          is_struct && *m->tag ? " " : "",
                                          is_struct ? m->tag : ""));
    }
    if (!is_struct)
        gc_strv_sort(&texts); /* the order of methods has no meaning */
    char *joined = gc_strv_join(&texts, "; ");
    gc_buf_init(&out, TEXT_LIMIT);
    gc_buf_printf(&out, "%s{%s}", is_struct ? "struct" : "interface", joined);
    free(joined);
    gc_strv_release(&texts);
    return keep_buf(self, &out);
}

/* ---- type parameters ---- */

bool gc_go_at_type_params(gc_go_parser *self)
{
    gc_go_place place = self->at;
    bool yes = false;
    gc_go_advance(self);
    if (gc_go_is_kind(self, GC_GO_IDENT)) {
        gc_go_advance(self);
        yes = gc_go_is_kind(self, GC_GO_IDENT) || gc_go_is(self, ",") ||
              gc_go_is(self, "~") || gc_go_is(self, "[") || gc_go_is(self, "interface") ||
              gc_go_is(self, "func") || gc_go_is(self, "map") || gc_go_is(self, "chan") ||
              gc_go_is(self, "*");
        /* `[N * 2]T` is an array: then a type follows the bracket and no comma stands in it */
        if (gc_go_is(self, "*")) {
            gc_go_advance(self);
            yes = gc_go_is_kind(self, GC_GO_IDENT);
            gc_go_advance(self);
            yes = yes && (gc_go_is(self, ",") || gc_go_is(self, "["));
        }
    }
    if (!self->failed)
        self->at = place;
    return yes && !self->failed;
}

const char *gc_go_parse_type_params(gc_go_parser *self, gc_strv *names)
{
    gc_buf out;
    gc_buf_init(&out, TEXT_LIMIT);
    gc_buf_putc(&out, '[');
    gc_go_expect(self, "[");
    while (!self->failed && !gc_go_is(self, "]")) {
        size_t first = names->count;
        do {
            const char *name = gc_go_take_name(self);
            if (name)
                gc_strv_add(names, name);
        } while (gc_go_accept(self, ","));
        const char *constraint = parse_union(self);
        for (size_t i = first; i < names->count && !self->failed; i++)
            gc_buf_printf(&out, "%s%s %s", out.len > 1 ? ", " : "", names->items[i],
                          constraint ? constraint : "");
        if (!gc_go_accept(self, ","))
            break;
    }
    gc_go_expect(self, "]");
    gc_buf_putc(&out, ']');
    return keep_buf(self, &out);
}
