/* Types, as normal text: https://go.dev/ref/spec#Types */
#include <stdlib.h>
#include <string.h>

#include "common/gosrc_parser.h"
#include "common/mem.h"
#include "common/text.h"

#define MAX_DEPTH 100

/* NULL and an error if the file holds too much text already. */
static const char *kept(gc_go_parser *self, const char *text)
{
    if (!text)
        gc_go_refuse(self, "the declarations are too large");
    return self->failed ? NULL : text;
}

/* What the buffer holds, kept; releases it. */
static const char *kept_buf(gc_go_parser *self, gc_buf *buf)
{
    const char *text = buf->full ? NULL : gc_go_keep(self->file, buf->ptr, buf->len);
    gc_buf_release(buf);
    return kept(self, text);
}

static void start_text(gc_buf *buf)
{
    gc_buf_init(buf, GC_GO_MAX_SOURCE);
}

/* ---- names ---- */

const char *gc_go_plain_name(const char *name)
{
    return strcmp(name, "uint8") == 0  ? "byte"
           : strcmp(name, "rune") == 0 ? "int32"
                                       : name;
}

static void note_stray(gc_go_file *file, const char *name, int line)
{
    file->strays =
        gc_grow(file->strays, file->stray_count, &file->stray_cap, sizeof *file->strays);
    file->strays[file->stray_count++] = (gc_go_stray){ name, line };
}

static const char *qualified(gc_go_parser *self, const char *package, int line,
                             const char *name)
{
    gc_go_import *import = gc_go_resolve(self->file, package);
    if (import)
        import->used_as = package;
    if (!import && self->options->borrow && self->options->hints)
        import = gc_go_resolve(self->options->hints, package);
    if (import)
        return gc_go_keepf(self->file, "\"%s\".%s", import->path, name);
    note_stray(self->file, package, line);
    return gc_go_keepf(self->file, "%s.%s", package, name);
}

/* Types between brackets or so, up to `closer`, which is taken. */
static const char *type_list(gc_go_parser *self, const char *closer)
{
    gc_buf text;
    start_text(&text);
    while (!self->failed && !gc_go_is(self, closer)) {
        const char *type = gc_go_parse_type(self);
        gc_buf_printf(&text, "%s%s", text.len ? ", " : "", type ? type : "");
        if (!gc_go_accept(self, ","))
            break;
    }
    gc_go_expect(self, closer);
    return kept_buf(self, &text);
}

static const char *type_name(gc_go_parser *self)
{
    int line = self->at.token.line;
    const char *name = gc_go_take_name(self);
    if (gc_go_accept(self, ".")) {
        const char *member = gc_go_take_name(self);
        if (name && member)
            name = qualified(self, name, line, member);
    } else if (name) {
        name = gc_go_plain_name(name);
    }
    if (!gc_go_is(self, "[") || !name)
        return kept(self, name);
    gc_go_advance(self);
    const char *arguments = type_list(self, "]");
    return arguments ? kept(self, gc_go_keepf(self->file, "%s[%s]", name, arguments))
                     : NULL;
}

/* ---- looking ahead ---- */

/* What follows the brackets at the present token; the place stays. */
static gc_go_token after_brackets(gc_go_parser *self)
{
    gc_go_place place = self->at;
    gc_go_skip_brackets(self);
    gc_go_token after = self->at.token;
    if (!self->failed)
        self->at = place;
    return after;
}

static bool mark_in(const gc_go_token *token, const char *marks)
{
    return token->kind == GC_GO_OPERATOR && token->len == 1 &&
           strchr(marks, token->text[0]);
}

/* ---- arrays, channels, functions ---- */

/* An array length, token by token: what it is worth is not computed. */
static const char *length_text(gc_go_parser *self)
{
    gc_buf text;
    gc_go_place from = self->at;
    gc_go_place to;
    gc_go_token last = { .kind = GC_GO_OPERATOR };
    while (!self->failed && !gc_go_is(self, "]") && !gc_go_is_kind(self, GC_GO_EOF)) {
        if (gc_go_is(self, "(") || gc_go_is(self, "[") || gc_go_is(self, "{"))
            gc_go_skip_brackets(self);
        else
            gc_go_advance(self);
    }
    if (self->failed) /* the place must stay at the end */
        return NULL;
    to = self->at;
    start_text(&text);
    for (self->at = from; self->at.token.text < to.token.text; gc_go_advance(self)) {
        const gc_go_token *token = &self->at.token;
        bool words = last.kind != GC_GO_OPERATOR && token->kind != GC_GO_OPERATOR;
        if (words)
            gc_buf_putc(&text, ' ');
        gc_buf_append(&text, token->text, token->len);
        last = *token;
    }
    self->at = to;
    return kept_buf(self, &text);
}

static const char *array_type(gc_go_parser *self)
{
    gc_go_expect(self, "[");
    const char *length = gc_go_is(self, "]") ? "" : length_text(self);
    gc_go_expect(self, "]");
    const char *element = gc_go_parse_type(self);
    if (!length || !element)
        return NULL;
    return kept(self, gc_go_keepf(self->file, "[%s]%s", length, element));
}

static const char *channel_type(gc_go_parser *self)
{
    const char *head = "chan ";
    if (gc_go_accept(self, "<-"))
        head = "<-chan ";
    gc_go_expect(self, "chan");
    if (head[0] == 'c' && gc_go_accept(self, "<-"))
        head = "chan<- ";
    const char *element = gc_go_parse_type(self);
    if (!element)
        return NULL;
    /* `chan <-chan T` would read as `chan<- chan T`. */
    bool wrap = strcmp(head, "chan ") == 0 && gc_starts_with(element, "<-");
    return kept(self, gc_go_keepf(self->file, wrap ? "%s(%s)" : "%s%s", head, element));
}

static const char *map_type(gc_go_parser *self)
{
    gc_go_expect(self, "map");
    gc_go_expect(self, "[");
    const char *key = gc_go_parse_type(self);
    gc_go_expect(self, "]");
    const char *value = gc_go_parse_type(self);
    if (!key || !value)
        return NULL;
    return kept(self, gc_go_keepf(self->file, "map[%s]%s", key, value));
}

static const char *members_type(gc_go_parser *self, bool is_struct)
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

static const char *type_here(gc_go_parser *self)
{
    if (gc_go_is_kind(self, GC_GO_IDENT))
        return type_name(self);
    if (gc_go_accept(self, "*")) {
        const char *base = gc_go_parse_type(self);
        return base ? kept(self, gc_go_keepf(self->file, "*%s", base)) : NULL;
    }
    if (gc_go_accept(self, "(")) {
        const char *inner = gc_go_parse_type(self);
        gc_go_expect(self, ")");
        return self->failed ? NULL : inner;
    }
    if (gc_go_is(self, "["))
        return array_type(self);
    if (gc_go_is(self, "<-") || gc_go_is(self, "chan"))
        return channel_type(self);
    if (gc_go_is(self, "map"))
        return map_type(self);
    if (gc_go_is(self, "struct") || gc_go_is(self, "interface"))
        return members_type(self, gc_go_is(self, "struct"));
    if (gc_go_accept(self, "func")) {
        const char *signature = gc_go_parse_signature(self);
        return signature ? kept(self, gc_go_keepf(self->file, "func%s", signature))
                         : NULL;
    }
    gc_go_expected(self, "a type");
    return NULL;
}

const char *gc_go_parse_type(gc_go_parser *self)
{
    if (self->failed)
        return NULL;
    if (self->depth >= MAX_DEPTH) {
        gc_go_refuse(self, "types are nested too deeply");
        return NULL;
    }
    self->depth++;
    const char *type = type_here(self);
    self->depth--;
    return self->failed ? NULL : type;
}

/* ---- parameters ---- */

typedef struct go_param {
    const char *lone; /* a word alone: a type, or a name that shares the next type */
    const char *type;
    bool named;
    bool variadic;
} go_param;

typedef struct go_params {
    go_param *items;
    size_t count;
    size_t cap;
} go_params;

/* At an identifier: is it the name of a parameter that has its type behind it? `*lone`: it
 * stands alone, which decides nothing. */
static bool at_named_param(gc_go_parser *self, bool *lone)
{
    gc_go_place place = self->at;
    gc_go_advance(self);
    gc_go_token next = self->at.token;
    *lone = mark_in(&next, ",)");
    bool named = !*lone && !mark_in(&next, ".");
    if (mark_in(&next, "[")) { /* `a [n]T` or `Set[T]` */
        gc_go_token after = after_brackets(self);
        named = !mark_in(&after, ",)");
    }
    if (!self->failed)
        self->at = place;
    return named;
}

static go_param parse_param(gc_go_parser *self)
{
    go_param param = { 0 };
    bool lone = false;
    if (gc_go_is_kind(self, GC_GO_IDENT))
        param.named = at_named_param(self, &lone);
    if (param.named)
        gc_go_advance(self);
    if (lone) {
        param.lone = gc_go_take_name(self);
        return param;
    }
    param.variadic = gc_go_accept(self, "...");
    param.type = gc_go_parse_type(self);
    return param;
}

/* In `(a, b int)` the words alone are names, in `(int, string)` they are types. */
static void settle_params(gc_go_parser *self, go_params *params)
{
    bool named = false;
    for (size_t i = 0; i < params->count; i++)
        named |= params->items[i].named;
    for (size_t i = params->count; i-- > 0;) {
        go_param *param = &params->items[i];
        bool nothing_follows = param->lone && i + 1 == params->count;
        if (named && !param->named && (!param->lone || nothing_follows))
            gc_go_refuse(self, "parameters with and without names are mixed");
        if (!param->lone)
            continue;
        param->type = named && i + 1 < params->count ? params->items[i + 1].type
                                                     : gc_go_plain_name(param->lone);
        param->variadic = named && i + 1 < params->count && params->items[i + 1].variadic;
    }
}

/* "(A, ...B)" */
static const char *parse_params(gc_go_parser *self, size_t *count)
{
    go_params params = { 0 };
    gc_buf text;
    start_text(&text);
    gc_go_expect(self, "(");
    while (!self->failed && !gc_go_is(self, ")")) {
        params.items =
            gc_grow(params.items, params.count, &params.cap, sizeof *params.items);
        params.items[params.count++] = parse_param(self);
        if (!gc_go_accept(self, ","))
            break;
    }
    gc_go_expect(self, ")");
    if (!self->failed)
        settle_params(self, &params);
    gc_buf_putc(&text, '(');
    for (size_t i = 0; i < params.count && !self->failed; i++)
        gc_buf_printf(&text, "%s%s%s", i ? ", " : "",
                      params.items[i].variadic ? "..." : "", params.items[i].type);
    gc_buf_putc(&text, ')');
    *count = params.count;
    free(params.items);
    return kept_buf(self, &text);
}

static bool at_type(const gc_go_parser *self)
{
    static const char *const starts[] = { "*",    "[",   "<-",     "func",
                                          "chan", "map", "struct", "interface" };
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        if (gc_go_is(self, starts[i]))
            return true;
    return gc_go_is_kind(self, GC_GO_IDENT);
}

const char *gc_go_parse_signature(gc_go_parser *self)
{
    size_t count;
    const char *params = parse_params(self, &count);
    const char *result = "";
    if (!params || self->depth >= MAX_DEPTH) {
        gc_go_refuse(self, "types are nested too deeply");
        return NULL;
    }
    if (gc_go_is(self, "(")) {
        result = parse_params(self, &count);
        if (result && count == 0)
            result = "";
        else if (result && count == 1)
            result = gc_go_keep(self->file, result + 1, strlen(result) - 2);
    } else if (at_type(self)) {
        result = gc_go_parse_type(self);
    }
    if (!result || self->failed)
        return NULL;
    if (!*result)
        return params;
    return kept(self, gc_go_keepf(self->file, "%s %s", params, result));
}
