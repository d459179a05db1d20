/* RFC 8259, as strict as needed to tell JSON from prose: a string holds no raw newline, so
 * text that only looks like JSON is left again within its line. Trailing commas pass. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/split.h"
#include "common/split_parts.h"

#define MAX_DEPTH 16

typedef enum json_expect {
    WANT_VALUE,
    WANT_VALUE_OR_END, /* in an array */
    WANT_KEY_OR_END,
    WANT_COLON,
    WANT_COMMA_OR_END
} json_expect;

typedef struct json_frame {
    bool is_object;
    bool has_path;
    bool has_content;
    char key[16]; /* "" if it is too long to be one of ours */
    gc_buf path;
    gc_buf content;
} json_frame;

typedef enum json_lex {
    LEX_NONE,
    LEX_SCALAR,
    LEX_STRING,
    LEX_ESCAPE,
    LEX_HEX
} json_lex;

struct gc_split_json {
    gc_split_json_fn *found;
    void *context;
    json_frame frames[MAX_DEPTH];
    size_t depth;
    json_expect expect;
    json_lex lex;
    bool is_key;
    gc_buf *into; /* where the string goes; NULL: nowhere */
    gc_buf key;
    uint32_t unit;   /* \u being read */
    int unit_digits; /* still to come */
    uint32_t high;   /* surrogate that waits for its other half, 0 if none */
};

gc_split_json *gc_split_json_new(gc_split_json_fn *found, void *context)
{
    gc_split_json *self = gc_xcalloc(1, sizeof *self);
    self->found = found;
    self->context = context;
    self->expect = WANT_VALUE;
    gc_buf_init(&self->key, sizeof self->frames[0].key - 1);
    for (size_t i = 0; i < MAX_DEPTH; i++) {
        gc_buf_init(&self->frames[i].path, GC_SPLIT_MAX_PATH);
        gc_buf_init(&self->frames[i].content, GC_SPLIT_MAX_BYTES);
    }
    return self;
}

void gc_split_json_destroy(gc_split_json **self_p)
{
    gc_split_json *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < MAX_DEPTH; i++) {
        gc_buf_release(&self->frames[i].path);
        gc_buf_release(&self->frames[i].content);
    }
    gc_buf_release(&self->key);
    free(self);
    *self_p = NULL;
}

static json_frame *top(gc_split_json *self)
{
    return self->depth ? &self->frames[self->depth - 1] : NULL;
}

static gc_json_step value_done(gc_split_json *self)
{
    self->expect = WANT_COMMA_OR_END;
    return self->depth ? GC_JSON_MORE : GC_JSON_DONE;
}

static gc_json_step open_frame(gc_split_json *self, bool is_object)
{
    if (self->depth == MAX_DEPTH)
        return GC_JSON_BAD;
    json_frame *frame = &self->frames[self->depth++];
    frame->is_object = is_object;
    frame->has_path = frame->has_content = false;
    frame->key[0] = '\0';
    self->expect = is_object ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
    return GC_JSON_MORE;
}

static gc_json_step close_frame(gc_split_json *self, bool is_object)
{
    json_frame *frame = top(self);
    if (!frame || frame->is_object != is_object)
        return GC_JSON_BAD;
    if (self->expect == WANT_COLON || self->expect == WANT_VALUE)
        return GC_JSON_BAD;
    if (frame->has_path && frame->has_content && !frame->path.full)
        self->found(self->context, (gc_span){ frame->path.ptr, frame->path.len },
                    (gc_span){ frame->content.ptr, frame->content.len });
    self->depth--;
    return value_done(self);
}

static void open_string(gc_split_json *self)
{
    json_frame *frame = top(self);
    self->lex = LEX_STRING;
    self->high = 0;
    self->into = NULL;
    self->is_key = self->expect == WANT_KEY_OR_END;
    if (self->is_key) {
        self->into = &self->key;
    } else if (frame && frame->is_object && strcmp(frame->key, "path") == 0) {
        self->into = &frame->path;
        frame->has_path = true;
    } else if (frame && frame->is_object && strcmp(frame->key, "content") == 0) {
        self->into = &frame->content;
        frame->has_content = true;
    }
    if (self->into)
        gc_buf_reset(self->into);
}

static void put_code(gc_split_json *self, uint32_t code)
{
    char utf8[4];
    size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    if (!self->into)
        return;
    for (size_t i = n; i-- > 1; code >>= 6)
        utf8[i] = (char)(0x80 | (code & 0x3f));
    utf8[0] = (char)(lead[n] | code);
    gc_buf_append(self->into, utf8, n);
}

/* A high surrogate that stayed alone becomes U+FFFD. */
static void flush_high(gc_split_json *self)
{
    if (self->high)
        put_code(self, 0xfffd);
    self->high = 0;
}

static void put_unit(gc_split_json *self, uint32_t unit)
{
    bool low = unit >= 0xdc00 && unit <= 0xdfff;
    if (low && self->high) {
        put_code(self, 0x10000 + ((self->high - 0xd800) << 10) + (unit - 0xdc00));
        self->high = 0;
        return;
    }
    flush_high(self);
    if (unit >= 0xd800 && unit <= 0xdbff)
        self->high = unit;
    else
        put_code(self, low ? 0xfffd : unit);
}

static gc_json_step close_string(gc_split_json *self)
{
    json_frame *frame = top(self);
    flush_high(self);
    self->lex = LEX_NONE;
    if (!self->is_key)
        return value_done(self);
    const char *key = self->key.full ? "" : self->key.ptr;
    size_t n = strlen(key);
    memcpy(frame->key, key, n + 1);
    self->expect = WANT_COLON;
    return GC_JSON_MORE;
}

static gc_json_step string_byte(gc_split_json *self, char c)
{
    if ((unsigned char)c < 0x20 && c != '\t')
        return GC_JSON_BAD;
    if (c == '\\') {
        self->lex = LEX_ESCAPE;
        return GC_JSON_MORE;
    }
    if (c == '"')
        return close_string(self);
    flush_high(self);
    if (self->into)
        gc_buf_putc(self->into, c);
    return GC_JSON_MORE;
}

static gc_json_step escape_byte(gc_split_json *self, char c)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    self->lex = LEX_STRING;
    if (c == 'u') {
        self->lex = LEX_HEX;
        self->unit = 0;
        self->unit_digits = 4;
        return GC_JSON_MORE;
    }
    const char *known = c ? strchr(from, c) : NULL;
    if (!known)
        return GC_JSON_BAD;
    flush_high(self);
    if (self->into)
        gc_buf_putc(self->into, to[known - from]);
    return GC_JSON_MORE;
}

static gc_json_step hex_byte(gc_split_json *self, char c)
{
    static const char digits[] = "0123456789abcdef";
    char l = c >= 'A' && c <= 'F' ? (char)(c | 32) : c;
    const char *digit = l ? strchr(digits, l) : NULL;
    if (!digit)
        return GC_JSON_BAD;
    self->unit = self->unit << 4 | (uint32_t)(digit - digits);
    if (--self->unit_digits == 0) {
        put_unit(self, self->unit);
        self->lex = LEX_STRING;
    }
    return GC_JSON_MORE;
}

static bool in_scalar(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' ||
           c == '.' || c == 'E';
}

static gc_json_step start_value(gc_split_json *self, char c)
{
    if (c == '{' || c == '[')
        return open_frame(self, c == '{');
    if (!self->depth)
        return GC_JSON_BAD; /* a file list is never a lone scalar */
    if (c == '"') {
        open_string(self);
        return GC_JSON_MORE;
    }
    if (c != '-' && !(c >= '0' && c <= '9') && c != 't' && c != 'f' && c != 'n')
        return GC_JSON_BAD;
    self->lex = LEX_SCALAR;
    return GC_JSON_MORE;
}

static gc_json_step structure_byte(gc_split_json *self, char c)
{
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
        return GC_JSON_MORE;
    if (c == '}' || c == ']')
        return close_frame(self, c == '}');
    switch (self->expect) {
    case WANT_KEY_OR_END:
        if (c != '"')
            return GC_JSON_BAD;
        open_string(self);
        return GC_JSON_MORE;
    case WANT_COLON:
        self->expect = WANT_VALUE;
        return c == ':' ? GC_JSON_MORE : GC_JSON_BAD;
    case WANT_COMMA_OR_END:
        if (c != ',')
            return GC_JSON_BAD;
        self->expect = top(self)->is_object ? WANT_KEY_OR_END : WANT_VALUE_OR_END;
        return GC_JSON_MORE;
    default: return start_value(self, c);
    }
}

gc_json_step gc_split_json_byte(gc_split_json *self, char c)
{
    switch (self->lex) {
    case LEX_STRING: return string_byte(self, c);
    case LEX_ESCAPE: return escape_byte(self, c);
    case LEX_HEX: return hex_byte(self, c);
    case LEX_SCALAR:
        if (in_scalar(c))
            return GC_JSON_MORE;
        self->lex = LEX_NONE;
        value_done(self);
        return structure_byte(self, c);
    default: return structure_byte(self, c);
    }
}
