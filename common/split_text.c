#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/split_parts.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

gc_span gc_span_trim(gc_span text)
{
    while (text.len && is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

bool gc_span_starts(gc_span text, const char *prefix)
{
    size_t n = strlen(prefix);
    return text.len >= n && memcmp(text.ptr, prefix, n) == 0;
}

bool gc_span_is(gc_span text, const char *word)
{
    return text.len == strlen(word) && gc_span_starts(text, word);
}

static gc_span skip(gc_span text, size_t count)
{
    return (gc_span){ text.ptr + count, text.len - count };
}

bool gc_span_line(gc_span *rest, gc_span *line)
{
    if (!rest->len)
        return false;
    const char *newline = memchr(rest->ptr, '\n', rest->len);
    size_t n = newline ? (size_t)(newline - rest->ptr) + 1 : rest->len;
    *line = (gc_span){ rest->ptr, n };
    *rest = skip(*rest, n);
    return true;
}

/* How many backquotes or tildes the line starts with. */
static size_t fence_width(gc_span trimmed)
{
    size_t n = 0;
    if (!trimmed.len || (trimmed.ptr[0] != '`' && trimmed.ptr[0] != '~'))
        return 0;
    while (n < trimmed.len && trimmed.ptr[n] == trimmed.ptr[0])
        n++;
    return n;
}

bool gc_fence_line(gc_span line, bool *bare)
{
    gc_span text = gc_span_trim(line);
    size_t width = fence_width(text);
    if (width < 3 || memchr(text.ptr + width, text.ptr[0], text.len - width))
        return false;
    *bare = width == text.len;
    return true;
}

/* One `&...;` at the start of `text`; bytes taken, 0 if it is no reference we know. */
static size_t decode_reference(gc_span text, gc_buf *out)
{
    static const struct {
        const char *name;
        char c;
    } known[] = { { "&lt;", '<' },
                  { "&gt;", '>' },
                  { "&amp;", '&' },
                  { "&quot;", '"' },
                  { "&apos;", '\'' } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gc_span_starts(text, known[i].name)) {
            gc_buf_putc(out, known[i].c);
            return strlen(known[i].name);
        }
    bool hex = gc_span_starts(text, "&#x");
    if (!hex && !gc_span_starts(text, "&#"))
        return 0;
    unsigned value = 0;
    size_t i = hex ? 3 : 2;
    for (; i < text.len && i < 8 && text.ptr[i] != ';'; i++) {
        char c = text.ptr[i];
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
                         : hex && (c | 32) >= 'a' && (c | 32) <= 'f'
                             ? (unsigned)((c | 32) - 'a' + 10)
                             : 99;
        if (digit == 99)
            return 0;
        value = value * (hex ? 16 : 10) + digit;
    }
    /* Above ASCII a reference has no use in a path. */
    if (i >= text.len || text.ptr[i] != ';' || value < 0x20 || value > 0x7e)
        return 0;
    gc_buf_putc(out, (char)value);
    return i + 1;
}

static void decode_path(gc_span value, gc_buf *out)
{
    gc_buf_reset(out);
    while (value.len) {
        size_t n = value.ptr[0] == '&' ? decode_reference(value, out) : 0;
        if (!n) {
            gc_buf_putc(out, value.ptr[0]);
            n = 1;
        }
        value = skip(value, n);
    }
}

static size_t name_len(gc_span text)
{
    size_t n = 0;
    while (n < text.len && !is_blank(text.ptr[n]) && !strchr("=/><\"'", text.ptr[n]))
        n++;
    return n;
}

/* The value of an attribute at the start of `text`: quoted or a word. Bytes taken, 0 if there
 * is none. */
static size_t attribute_value(gc_span text, gc_span *value)
{
    if (!text.len)
        return 0;
    char quote = text.ptr[0];
    if (quote == '"' || quote == '\'') {
        const char *end = memchr(text.ptr + 1, quote, text.len - 1);
        if (!end || memchr(text.ptr, '\n', (size_t)(end - text.ptr)))
            return 0;
        *value = (gc_span){ text.ptr + 1, (size_t)(end - text.ptr) - 1 };
        return value->len + 2;
    }
    size_t n = 0;
    while (n < text.len && !is_blank(text.ptr[n]) && !strchr(">\"'<", text.ptr[n]))
        n++;
    if (n && text.ptr[n - 1] == '/' && n < text.len && text.ptr[n] == '>')
        n--;
    *value = (gc_span){ text.ptr, n };
    return n;
}

static gc_span skip_spaces(gc_span text)
{
    while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = skip(text, 1);
    return text;
}

/* One `name = value` at the start of *rest; false if there is none. */
static bool take_attribute(gc_span *rest, gc_buf *path)
{
    size_t n = name_len(*rest);
    if (!n)
        return false;
    gc_span name = { rest->ptr, n };
    gc_span value = { rest->ptr, 0 };
    gc_span after = skip_spaces(skip(*rest, n));
    if (after.len && after.ptr[0] == '=') {
        after = skip_spaces(skip(after, 1));
        n = attribute_value(after, &value);
        if (!n)
            return false;
        after = skip(after, n);
    }
    if (gc_span_is(name, "path"))
        decode_path(value, path);
    *rest = after;
    return true;
}

size_t gc_file_tag(gc_span text, gc_buf *path, bool *self_closed)
{
    gc_buf_reset(path);
    *self_closed = false;
    if (!gc_span_starts(text, "<file"))
        return 0;
    /* A bound on the tag, so that a hostile line is not searched again and again. */
    size_t limit = GC_SPLIT_MAX_PATH + 1024;
    gc_span rest = skip(text, strlen("<file"));
    if (rest.len > limit)
        rest.len = limit;
    if (!rest.len || !is_blank(rest.ptr[0]))
        return 0;
    for (;;) {
        rest = skip_spaces(rest);
        *self_closed = gc_span_starts(rest, "/>");
        if (*self_closed || gc_span_starts(rest, ">"))
            break;
        if (!take_attribute(&rest, path))
            return 0;
    }
    if (!path->len || path->full)
        return 0;
    return (size_t)(rest.ptr - text.ptr) + (*self_closed ? 2 : 1);
}

/* Past the closing quote of a string or rune that opens at `i`, or the end of the line. */
static size_t after_quoted(gc_span line, size_t i)
{
    char quote = line.ptr[i++];
    while (i < line.len && line.ptr[i] != quote)
        i += line.ptr[i] == '\\' ? 2 : 1;
    return i < line.len ? i + 1 : line.len;
}

gc_go_within gc_go_follow(gc_go_within state, gc_span line)
{
    for (size_t i = 0; i < line.len;) {
        char c = line.ptr[i];
        char next = i + 1 < line.len ? line.ptr[i + 1] : '\0';
        if (state == GC_WITHIN_RAW_STRING) {
            state = c == '`' ? GC_WITHIN_CODE : state;
        } else if (state == GC_WITHIN_COMMENT) {
            if (c == '*' && next == '/') {
                state = GC_WITHIN_CODE;
                i++;
            }
        } else if (c == '/' && next == '/') {
            return state;
        } else if (c == '/' && next == '*') {
            state = GC_WITHIN_COMMENT;
            i++;
        } else if (c == '`') {
            state = GC_WITHIN_RAW_STRING;
        } else if (c == '"' || c == '\'') {
            i = after_quoted(line, i);
            continue;
        }
        i++;
    }
    return state;
}

/* Takes the fence around the whole of `text` off. A Markdown text may start and end with two
 * different blocks: then there is a bare fence in between, and nothing is taken. */
static gc_span without_fence(gc_span text, bool is_go)
{
    gc_span rest = gc_span_trim(text);
    gc_span line;
    gc_span last = { rest.ptr, 0 };
    bool bare;
    size_t inner_fences = 0;
    if (!gc_span_line(&rest, &line) || !gc_fence_line(line, &bare))
        return text;
    size_t width = fence_width(gc_span_trim(line));
    char mark = gc_span_trim(line).ptr[0];
    gc_span inner = rest;
    while (gc_span_line(&rest, &line)) {
        gc_span trimmed = gc_span_trim(line);
        last = line;
        bool closing = gc_fence_line(line, &bare) && bare && trimmed.ptr[0] == mark &&
                       trimmed.len >= width;
        inner_fences += closing && rest.len > 0;
    }
    if (!last.len || !gc_fence_line(last, &bare) || !bare || (inner_fences && !is_go))
        return text;
    inner.len = (size_t)(last.ptr - inner.ptr);
    return inner;
}

/* A byte order mark is no part of a file. */
static gc_span without_mark(gc_span text)
{
    return gc_span_starts(text, "\xef\xbb\xbf") ? skip(text, 3) : text;
}

static gc_span without_cdata(gc_span text)
{
    static const char start[] = "<![CDATA[", end[] = "]]>";
    const size_t before = sizeof start - 1, after = sizeof end - 1;
    gc_span inner = gc_span_trim(text);
    if (!gc_span_starts(inner, start) || inner.len < before + after ||
        memcmp(inner.ptr + inner.len - after, end, after) != 0)
        return text;
    inner = skip(inner, before);
    inner.len -= after;
    if (inner.len && inner.ptr[0] == '\n')
        inner = skip(inner, 1);
    return inner;
}

/* As a Go file does, if it is to have a package clause. */
static bool begins_go(gc_span text)
{
    text = gc_span_trim(text);
    return gc_span_starts(text, "package ") || gc_span_starts(text, "//") ||
           gc_span_starts(text, "/*");
}

char *gc_file_content(gc_span raw, bool is_go, size_t *len)
{
    gc_span block;
    gc_span text = without_mark(without_fence(without_cdata(without_mark(raw)), is_go));
    if (is_go && !begins_go(text) && gc_bare_answer(text, true, &block))
        text = block; /* words around a fence, within the file's tags */
    char *out = gc_xmalloc(text.len + 2);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool before_newline = i + 1 < text.len && text.ptr[i + 1] == '\n';
        if (text.ptr[i] != '\r' || !before_newline)
            out[n++] = text.ptr[i];
    }
    if (is_go) {
        while (n && is_blank(out[n - 1]))
            n--;
        if (n)
            out[n++] = '\n';
    }
    out[n] = '\0';
    *len = n;
    return out;
}

static bool has_package_clause(gc_span text)
{
    gc_span line;
    while (gc_span_line(&text, &line))
        if (gc_span_starts(line, "package "))
            return true;
    return false;
}

/* The fenced block that begins after *rest's next fence line, closed by a bare fence. */
static bool next_block(gc_span *rest, gc_span *block)
{
    gc_span line;
    bool bare;
    bool open = false;
    while (gc_span_line(rest, &line)) {
        bool fence = gc_fence_line(line, &bare);
        if (open && fence && bare) {
            block->len = (size_t)(line.ptr - block->ptr);
            return true;
        }
        if (!open && fence) {
            open = true;
            *block = (gc_span){ rest->ptr, 0 };
        }
    }
    return false;
}

bool gc_bare_answer(gc_span answer, bool is_go, gc_span *out)
{
    gc_span text = gc_span_trim(without_mark(answer));
    gc_span rest = text, block;
    size_t found = 0;
    if (!is_go) {
        *out = without_fence(text, false);
        return out->ptr != text.ptr;
    }
    if (begins_go(text)) {
        *out = text;
        return has_package_clause(text);
    }
    while (next_block(&rest, &block))
        if (has_package_clause(block)) {
            *out = block;
            found++;
        }
    return found == 1;
}
