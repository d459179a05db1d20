#include "common/template_parse.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/template.h"

typedef struct span {
    const char *text;
    size_t len;
} span;

typedef struct parser {
    const gc_template_text *source;
    const char *pos; /* what is before it has become tokens */
    const char *end;
    span open; /* the delimiters in force, into the template or static */
    span close;
    size_t sections[GC_TEMPLATE_MAX_DEPTH]; /* open sections, as token indexes */
    size_t depth;
    gc_tag_tokens *out;
    gc_errinfo *info;
} parser;

/* One tag as it stands in the text: sigil 0 is a plain name. */
typedef struct tag {
    char sigil;
    span body;         /* between sigil and closing delimiter, blanks trimmed */
    const char *start; /* of the opening delimiter */
    const char *end;   /* past the closing delimiter */
} tag;

void gc_tag_tokens_release(gc_tag_tokens *self)
{
    free(self->items);
    *self = (gc_tag_tokens){ 0 };
}

gc_err gc_template_fail(const gc_template_text *source, const char *at, gc_errinfo *info,
                        gc_err code, const char *fmt, ...)
{
    int line = 1, column = 1;
    for (const char *p = source->text; p < at; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*p & 0xc0) != 0x80) {
            column++; /* code points, not bytes */
        }
    }
    column -= (int)source->indent;
    char words[320];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    const char *name = source->name;
    return gc_fail(info, code, "%s%s%sline %d, column %d: %s", name ? "partial \"" : "",
                   name ? name : "", name ? "\", " : "", line, column < 1 ? 1 : column,
                   words);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v';
}

static span trim(const char *start, const char *end)
{
    while (start < end && is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    return (span){ start, (size_t)(end - start) };
}

static const char *find(const char *from, const char *end, span what)
{
    return memmem(from, (size_t)(end - from), what.text, what.len);
}

/* The first `mark` that stands directly before the closing delimiter. */
static const char *find_marked_close(const parser *self, const char *from, char mark)
{
    for (;;) {
        const char *hit = memchr(from, mark, (size_t)(self->end - from));
        if (!hit)
            return NULL;
        from = hit + 1;
        if ((size_t)(self->end - from) >= self->close.len &&
            memcmp(from, self->close.text, self->close.len) == 0)
            return hit;
    }
}

/* Reads the tag whose opening delimiter is at `start`. */
static gc_err read_tag(const parser *self, const char *start, tag *out)
{
    const char *p = start + self->open.len;
    char sigil = '\0';
    while (p < self->end && is_blank(*p))
        p++;
    if (p < self->end && *p && strchr("#^/>!&={<$", *p))
        sigil = *p++;
    bool marked = sigil == '{' || sigil == '=';
    const char *stop = marked ? find_marked_close(self, p, sigil == '{' ? '}' : '=')
                              : find(p, self->end, self->close);
    if (!stop)
        return gc_template_fail(self->source, start, self->info, GC_EINVAL,
                                "this tag is not closed; add \"%s%.*s\"",
                                sigil == '{'   ? "}"
                                : sigil == '=' ? "="
                                               : "",
                                (int)(self->close.len > 32 ? 32 : self->close.len),
                                self->close.text);
    *out = (tag){ .sigil = sigil,
                  .body = trim(p, stop),
                  .start = start,
                  .end = stop + marked + self->close.len };
    return GC_OK;
}

/* Names are dotted words, or the single dot. */
static gc_err check_name(const parser *self, const tag *found)
{
    span name = found->body;
    const gc_template_text *source = self->source;
    if (!name.len)
        return gc_template_fail(source, found->start, self->info, GC_EINVAL,
                                "this tag has no name");
    if (name.len > GC_TEMPLATE_MAX_NAME)
        return gc_template_fail(source, found->start, self->info, GC_ETOOBIG,
                                "a name may have at most %d bytes", GC_TEMPLATE_MAX_NAME);
    bool path = found->sigil != '>'; /* names of partials may hold any dots */
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.text[i];
        if (c <= ' ' || c == 0x7f)
            return gc_template_fail(source, found->start, self->info, GC_EINVAL,
                                    "a name has no blanks or control bytes in it");
        bool edge = i == 0 || i + 1 == name.len || name.text[i - 1] == '.';
        if (path && c == '.' && edge && name.len > 1)
            return gc_template_fail(source, found->start, self->info, GC_EINVAL,
                                    "the name \"%.*s\" has an empty part", (int)name.len,
                                    name.text);
    }
    return GC_OK;
}

static gc_tag_token *add(parser *self, gc_tag kind, span text, const char *at)
{
    gc_tag_tokens *out = self->out;
    out->items = gc_grow(out->items, out->count, &out->cap, sizeof *out->items);
    gc_tag_token *token = &out->items[out->count++];
    *token = (gc_tag_token){ .tag = kind, .text = text.text, .len = text.len, .at = at };
    return token;
}

static gc_err open_section(parser *self, const tag *found)
{
    if (self->depth == GC_TEMPLATE_MAX_DEPTH)
        return gc_template_fail(self->source, found->start, self->info, GC_ETOOBIG,
                                "sections are nested deeper than %d",
                                GC_TEMPLATE_MAX_DEPTH);
    self->sections[self->depth++] = self->out->count;
    add(self, found->sigil == '#' ? GC_TAG_SECTION : GC_TAG_INVERTED, found->body,
        found->start);
    return GC_OK;
}

static gc_err close_section(parser *self, const tag *found)
{
    span name = found->body;
    if (!self->depth)
        return gc_template_fail(self->source, found->start, self->info, GC_EINVAL,
                                "\"%.*s\" is closed here but is not open", (int)name.len,
                                name.text);
    gc_tag_token *section = &self->out->items[self->sections[--self->depth]];
    if (section->len != name.len || memcmp(section->text, name.text, name.len) != 0)
        return gc_template_fail(self->source, found->start, self->info, GC_EINVAL,
                                "\"%.*s\" is closed here, but the open section is "
                                "\"%.*s\"",
                                (int)name.len, name.text, (int)section->len,
                                section->text);
    section->end = self->out->count;
    add(self, GC_TAG_CLOSE, name, found->start);
    return GC_OK;
}

/* `open close` with blanks between; neither may hold blanks or '='. */
static gc_err set_delimiters(parser *self, const tag *found)
{
    const char *p = found->body.text, *end = p + found->body.len;
    span open = { p, 0 };
    while (p < end && !is_blank(*p))
        p++;
    open.len = (size_t)(p - open.text);
    span close = trim(p, end);
    bool good = open.len && close.len && !memchr(found->body.text, '=', found->body.len);
    for (size_t i = 0; good && i < close.len; i++)
        good = !is_blank(close.text[i]);
    if (!good)
        return gc_template_fail(self->source, found->start, self->info, GC_EINVAL,
                                "delimiters are set as {{=OPEN CLOSE=}}, without "
                                "blanks or \"=\" in them");
    self->open = open;
    self->close = close;
    return GC_OK;
}

/* If nothing but blanks shares the line with the tag, the line goes: *before is then the
 * line's start and *after the next line's. */
static bool find_standalone(const parser *self, const tag *found, const char **before,
                            const char **after)
{
    const char *start = found->start, *end = found->end;
    while (start > self->pos && (start[-1] == ' ' || start[-1] == '\t'))
        start--;
    if (start > self->source->text && start[-1] != '\n')
        return false;
    while (end < self->end && (*end == ' ' || *end == '\t'))
        end++;
    if (self->end - end >= 2 && end[0] == '\r' && end[1] == '\n')
        end += 2;
    else if (end < self->end && *end == '\n')
        end++;
    else if (end < self->end)
        return false;
    *before = start;
    *after = end;
    return true;
}

static gc_err add_tag(parser *self, const tag *found, span indent)
{
    if (found->sigil == '!')
        return GC_OK;
    if (found->sigil == '=')
        return set_delimiters(self, found);
    if (found->sigil == '<' || found->sigil == '$')
        return gc_template_fail(self->source, found->start, self->info, GC_EINVAL,
                                "template inheritance is not supported");
    gc_err err = check_name(self, found);
    if (err)
        return err;
    switch (found->sigil) {
    case '#':
    case '^': return open_section(self, found);
    case '/': return close_section(self, found);
    case '>': {
        gc_tag_token *token = add(self, GC_TAG_PARTIAL, found->body, found->start);
        token->indent = indent.text;
        token->indent_len = indent.len;
        return GC_OK;
    }
    default:
        add(self, found->sigil ? GC_TAG_RAW : GC_TAG_VALUE, found->body, found->start);
        return GC_OK;
    }
}

/* Takes the text up to the tag at `start`, and the tag. */
static gc_err take_tag(parser *self, const char *start)
{
    tag found = { 0 };
    gc_err err = read_tag(self, start, &found);
    if (err)
        return err;
    const char *before = found.start, *after = found.end;
    bool value = !found.sigil || found.sigil == '{' || found.sigil == '&';
    span indent = { NULL, 0 };
    if (!value && find_standalone(self, &found, &before, &after))
        indent = (span){ before, (size_t)(found.start - before) };
    if (before > self->pos)
        add(self, GC_TAG_TEXT, (span){ self->pos, (size_t)(before - self->pos) },
            self->pos);
    self->pos = after;
    return add_tag(self, &found, indent);
}

gc_err gc_template_parse(const gc_template_text *source, gc_tag_tokens *out,
                         gc_errinfo *info)
{
    parser self = { .source = source,
                    .pos = source->text,
                    .end = source->text + source->len,
                    .open = { "{{", 2 },
                    .close = { "}}", 2 },
                    .out = out,
                    .info = info };
    for (;;) {
        const char *start = find(self.pos, self.end, self.open);
        if (!start)
            break;
        gc_err err = take_tag(&self, start);
        if (err)
            return err;
    }
    if (self.pos < self.end)
        add(&self, GC_TAG_TEXT, (span){ self.pos, (size_t)(self.end - self.pos) },
            self.pos);
    if (self.depth) {
        const gc_tag_token *section = &out->items[self.sections[self.depth - 1]];
        return gc_template_fail(source, section->at, info, GC_EINVAL,
                                "the section \"%.*s\" is not closed", (int)section->len,
                                section->text);
    }
    return GC_OK;
}
