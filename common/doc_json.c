#include <string.h>

#include "common/buf.h"
#include "common/doc_build.h"
#include "common/text.h"

/* RFC 8259, strictly: no comments, no trailing commas, no other numbers. The text has a NUL
 * behind its end (gc_doc_parse sees to it) and is valid UTF-8 without control characters but
 * tab and line ends, so one byte may always be looked at. */

typedef struct json_reader {
    gc_doc_build *build;
    gc_cursor cursor;
    const char *text;
    size_t len;
    size_t pos;
    gc_buf scratch; /* the string being read */
} json_reader;

static gc_place here(json_reader *self)
{
    return gc_cursor_move(&self->cursor, self->pos);
}

static void skip_blanks(json_reader *self)
{
    self->pos += strspn(self->text + self->pos, " \t\r\n");
}

/* Stops at the current byte and says what was found there. */
static void unexpected(json_reader *self, const char *wanted)
{
    gc_place at = here(self);
    const char *p = self->text + self->pos;
    size_t end = self->pos;
    if (self->pos >= self->len) {
        gc_doc_stop(self->build, at, "JSON syntax: the text ends where %s is needed",
                    wanted);
    } else if (*p == '/' || *p == '#') {
        gc_doc_stop(self->build, at, "JSON syntax: JSON has no comments; remove it");
    } else if (*p == '\'') {
        gc_doc_stop(self->build, at, "JSON syntax: use double quotes");
    } else {
        gc_utf8_next(self->text, self->len, &end);
        gc_doc_stop(self->build, at,
                    "JSON syntax: unexpected \"%.*s\"; %s is needed here",
                    (int)(end - self->pos), *p == '\n' || *p == '\r' ? " " : p, wanted);
    }
}

/* Four hex digits at `p` as a number, or -1. */
static int32_t hex4(const char *p)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static void put_utf8(gc_buf *out, uint32_t c)
{
    if (c < 0x80) {
        gc_buf_putc(out, (char)c);
        return;
    }
    if (c < 0x800) {
        gc_buf_putc(out, (char)(0xc0 | c >> 6));
    } else {
        if (c < 0x10000) {
            gc_buf_putc(out, (char)(0xe0 | c >> 12));
        } else {
            gc_buf_putc(out, (char)(0xf0 | c >> 18));
            gc_buf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
        }
        gc_buf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
    }
    gc_buf_putc(out, (char)(0x80 | (c & 0x3f)));
}

/* At the `u` of an escape. Surrogates come in pairs or not at all. */
static bool read_unicode_escape(json_reader *self)
{
    const char *p = self->text + self->pos + 1;
    int32_t code = hex4(p);
    size_t used = 5;
    if (code < 0) {
        gc_doc_stop(self->build, here(self), "JSON syntax: \\u needs four hex digits");
        return false;
    }
    if (code >= 0xd800 && code < 0xe000) {
        int32_t low = p[4] == '\\' && p[5] == 'u' ? hex4(p + 6) : -1;
        if (code >= 0xdc00 || low < 0xdc00 || low >= 0xe000) {
            gc_doc_stop(self->build, here(self),
                        "JSON syntax: half of a surrogate pair; write both or the "
                        "character itself");
            return false;
        }
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        used = 11;
    }
    put_utf8(&self->scratch, (uint32_t)code);
    self->pos += used;
    return true;
}

/* Behind the backslash. */
static bool read_escape(json_reader *self)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char c = self->text[self->pos];
    if (c == 'u')
        return read_unicode_escape(self);
    const char *found = c ? strchr(names, c) : NULL;
    if (!found) {
        unexpected(self, "one of \" \\ / b f n r t u after a backslash");
        return false;
    }
    gc_buf_putc(&self->scratch, values[found - names]);
    self->pos++;
    return true;
}

/* At the opening quote; the text goes to `scratch`. */
static bool read_chars(json_reader *self)
{
    gc_place start = here(self);
    gc_buf_reset(&self->scratch);
    self->pos++;
    for (;;) {
        const char *p = self->text + self->pos;
        size_t run = strcspn(p, "\"\\\t\r\n");
        gc_buf_append(&self->scratch, p, run);
        self->pos += run;
        switch (p[run]) {
        case '"': self->pos++; return true;
        case '\\':
            self->pos++;
            if (!read_escape(self))
                return false;
            break;
        case '\0':
            gc_doc_stop(self->build, start,
                        "JSON syntax: this text is never closed; add \"");
            return false;
        default:
            gc_doc_stop(
                self->build, here(self),
                "JSON syntax: a line end or tab inside of a text; write \\n or \\t");
            return false;
        }
    }
}

static gc_node *read_string(json_reader *self)
{
    gc_place at = here(self);
    if (!read_chars(self))
        return NULL;
    gc_node *node = gc_doc_scalar(self->build, at, self->scratch.ptr, self->scratch.len);
    if (node)
        node->quoted = true;
    return node;
}

static size_t count_digits(const char *p)
{
    return strspn(p, "0123456789");
}

/* Length of the number at `p`, 0 if it is none. */
static size_t number_len(const char *p)
{
    const char *q = p + (*p == '-');
    size_t digits = count_digits(q);
    if (!digits || (*q == '0' && digits > 1))
        return 0;
    q += digits;
    if (*q == '.') {
        digits = count_digits(q + 1);
        if (!digits)
            return 0;
        q += 1 + digits;
    }
    if (*q == 'e' || *q == 'E') {
        q++;
        q += *q == '+' || *q == '-';
        digits = count_digits(q);
        if (!digits)
            return 0;
        q += digits;
    }
    return (size_t)(q - p);
}

/* A number, true, false or null: plain text as it is spelled. */
static gc_node *read_word(json_reader *self)
{
    static const char *const words[] = { "true", "false", "null" };
    const char *p = self->text + self->pos;
    size_t len = number_len(p);
    for (size_t i = 0; !len && i < sizeof words / sizeof *words; i++)
        if (gc_starts_with(p, words[i]))
            len = strlen(words[i]);
    size_t run = strspn(p, "+-.0123456789abcdefghijklmnopqrstuvwxyz"
                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    if (!len || run != len) {
        if (run > 1)
            gc_doc_stop(self->build, here(self),
                        "JSON syntax: \"%.*s\" is no value; put texts in double quotes",
                        (int)(run > 40 ? 40 : run), p);
        else
            unexpected(self, "a value");
        return NULL;
    }
    gc_place at = here(self);
    self->pos += len;
    if (*p == 'n')
        return gc_doc_node(self->build, GC_NODE_NULL, at);
    return gc_doc_scalar(self->build, at, p, len);
}

static gc_node *read_value(json_reader *self, int depth);

/* Behind a value: true if another one follows, false at `close` (taken) or an error. */
static bool more_items(json_reader *self, char close, const char *wanted)
{
    skip_blanks(self);
    char c = self->text[self->pos];
    if (c != close && c != ',') {
        unexpected(self, wanted);
        return false;
    }
    self->pos++;
    if (c == close)
        return false;
    skip_blanks(self);
    if (self->text[self->pos] != close)
        return true;
    gc_doc_stop(self->build, here(self), "JSON syntax: a comma before \"%c\"; remove it",
                close);
    return false;
}

static gc_node *read_array(json_reader *self, int depth)
{
    gc_node *node = gc_doc_node(self->build, GC_NODE_SEQ, here(self));
    self->pos++;
    skip_blanks(self);
    if (self->text[self->pos] == ']') {
        self->pos++;
        return node;
    }
    while (node && !self->build->stopped) {
        gc_doc_push(self->build, node, read_value(self, depth + 1));
        if (self->build->stopped || !more_items(self, ']', "',' or ']'"))
            break;
    }
    return node;
}

static void read_member(json_reader *self, gc_node *map, int depth)
{
    if (self->text[self->pos] != '"') {
        unexpected(self, "a key in double quotes");
        return;
    }
    gc_node *key = read_string(self), *value = NULL;
    skip_blanks(self);
    if (key && self->text[self->pos] != ':') {
        unexpected(self, "':'");
    } else if (key) {
        self->pos++;
        value = read_value(self, depth + 1);
    }
    gc_doc_put(self->build, map, key, value);
}

static gc_node *read_object(json_reader *self, int depth)
{
    gc_node *node = gc_doc_node(self->build, GC_NODE_MAP, here(self));
    self->pos++;
    skip_blanks(self);
    if (self->text[self->pos] == '}') {
        self->pos++;
        return node;
    }
    while (node && !self->build->stopped) {
        read_member(self, node, depth);
        if (self->build->stopped || !more_items(self, '}', "',' or '}'"))
            break;
    }
    if (node)
        gc_doc_close_map(self->build, node);
    return node;
}

static gc_node *read_value(json_reader *self, int depth)
{
    skip_blanks(self);
    if (!gc_doc_depth_ok(self->build, depth, here(self)))
        return NULL;
    switch (self->text[self->pos]) {
    case '{': return read_object(self, depth);
    case '[': return read_array(self, depth);
    case '"': return read_string(self);
    default: return read_word(self);
    }
}

gc_node *gc_doc_read_json(gc_doc_build *self, const char *mem, size_t len)
{
    json_reader reader = { .build = self,
                           .text = mem,
                           .len = len,
                           .cursor = { .text = mem, .place = { 1, 1 } } };
    gc_buf_init(&reader.scratch, GC_DOC_MAX_BYTES);
    gc_node *root = NULL;
    skip_blanks(&reader);
    if (reader.pos >= len) {
        root = gc_doc_node(self, GC_NODE_NULL, (gc_place){ 1, 1 });
    } else {
        root = read_value(&reader, 1);
        skip_blanks(&reader);
        if (!self->stopped && reader.pos < len)
            gc_doc_stop(self, here(&reader),
                        "JSON syntax: text after the end of the document; remove it");
    }
    gc_buf_release(&reader.scratch);
    return root;
}
