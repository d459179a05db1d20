#include "coordinator/tell.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

typedef enum tell_kind {
    TELL_MAP,
    TELL_LIST,
    TELL_TEXT,
    TELL_INT,
    TELL_BOOL
} tell_kind;

struct gc_tell {
    tell_kind kind;
    union {
        struct {
            gc_arena *arena;
            const char **keys; /* of a map */
            const gc_tell **values;
            size_t count, cap;
        } many;
        struct {
            const char *text;
            size_t len;
        } text;
        int64_t number;
        bool truth;
    } is;
};

#define FIRST_CAP 8

static gc_tell *make(gc_arena *arena, tell_kind kind)
{
    gc_tell *self = gc_arena_alloc(arena, sizeof *self);
    self->kind = kind;
    self->is.many.arena = arena;
    return self;
}

gc_tell *gc_tell_map(gc_arena *arena)
{
    return make(arena, TELL_MAP);
}

gc_tell *gc_tell_list(gc_arena *arena)
{
    return make(arena, TELL_LIST);
}

gc_arena *gc_tell_arena(const gc_tell *self)
{
    assert(self->kind == TELL_MAP || self->kind == TELL_LIST);
    return self->is.many.arena;
}

/* What a list has outgrown stays in the arena: less than the list itself. */
static void *regrow(const gc_tell *self, const void *old, size_t cap)
{
    void *next = gc_arena_alloc(self->is.many.arena, cap * sizeof(void *));
    if (self->is.many.count)
        memcpy(next, old, self->is.many.count * sizeof(void *));
    return next;
}

static void append(gc_tell *self, const char *key, const gc_tell *value)
{
    size_t count = self->is.many.count;
    if (count == self->is.many.cap) {
        size_t cap = count ? 2 * count : FIRST_CAP;
        self->is.many.values = regrow(self, self->is.many.values, cap);
        if (self->kind == TELL_MAP)
            self->is.many.keys = regrow(self, self->is.many.keys, cap);
        self->is.many.cap = cap;
    }
    if (self->kind == TELL_MAP)
        self->is.many.keys[count] = key;
    self->is.many.values[count] = value;
    self->is.many.count++;
}

static const gc_tell *make_text(gc_arena *arena, const char *text)
{
    size_t len = strlen(text);
    gc_tell *value = gc_arena_alloc(arena, sizeof *value);
    value->kind = TELL_TEXT;
    value->is.text.text = gc_arena_text(arena, text, len);
    value->is.text.len = len;
    return value;
}

void gc_tell_set(gc_tell *self, const char *key, const gc_tell *value)
{
    assert(self->kind == TELL_MAP && !gc_tell_get(self, key));
    append(self, key, value);
}

void gc_tell_set_text(gc_tell *self, const char *key, const char *text)
{
    if (text)
        gc_tell_set(self, key, make_text(self->is.many.arena, text));
}

void gc_tell_set_bool(gc_tell *self, const char *key, bool value)
{
    static const gc_tell yes = { .kind = TELL_BOOL, .is.truth = true };
    static const gc_tell no = { .kind = TELL_BOOL, .is.truth = false };
    gc_tell_set(self, key, value ? &yes : &no);
}

void gc_tell_set_int(gc_tell *self, const char *key, int64_t value)
{
    gc_tell *number = make(self->is.many.arena, TELL_INT);
    number->is.number = value;
    gc_tell_set(self, key, number);
}

void gc_tell_add(gc_tell *self, const gc_tell *value)
{
    assert(self->kind == TELL_LIST);
    append(self, NULL, value);
}

void gc_tell_add_text(gc_tell *self, const char *text)
{
    gc_tell_add(self, make_text(self->is.many.arena, text));
}

void gc_tell_extend(gc_tell *self, const gc_tell *list)
{
    for (size_t i = 0; i < gc_tell_count(list); i++)
        gc_tell_add(self, gc_tell_at(list, i));
}

const gc_tell *gc_tell_get(const gc_tell *self, const char *key)
{
    assert(self->kind == TELL_MAP);
    for (size_t i = 0; i < self->is.many.count; i++)
        if (strcmp(self->is.many.keys[i], key) == 0)
            return self->is.many.values[i];
    return NULL;
}

const char *gc_tell_get_text(const gc_tell *self, const char *key)
{
    const gc_tell *value = gc_tell_get(self, key);
    return value ? gc_tell_text(value) : NULL;
}

bool gc_tell_get_bool(const gc_tell *self, const char *key)
{
    const gc_tell *value = gc_tell_get(self, key);
    return value && value->kind == TELL_BOOL && value->is.truth;
}

size_t gc_tell_count(const gc_tell *self)
{
    return self->kind == TELL_LIST || self->kind == TELL_MAP ? self->is.many.count : 0;
}

const gc_tell *gc_tell_at(const gc_tell *self, size_t index)
{
    assert(index < gc_tell_count(self));
    return self->is.many.values[index];
}

const char *gc_tell_key(const gc_tell *self, size_t index)
{
    assert(index < gc_tell_count(self));
    return self->kind == TELL_MAP ? self->is.many.keys[index] : "";
}

const char *gc_tell_text(const gc_tell *self)
{
    return self->kind == TELL_TEXT ? self->is.text.text : NULL;
}

/* ---- printing ---- */

/* RFC 8259, 7: quotes, backslashes and control characters; all else stands for itself. */
static void put_escaped(gc_buf *out, char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *at = strchr(plain, c);
    if (at)
        gc_buf_append(out, (char[]){ '\\', letters[at - plain] }, 2);
    else
        gc_buf_printf(out, "\\u%04X", (unsigned)c);
}

static bool is_plain(char c)
{
    return (unsigned char)c >= ' ' && c != '"' && c != '\\';
}

static void put_text(gc_buf *out, const char *text, size_t len)
{
    const char *end = text + len;
    gc_buf_putc(out, '"');
    while (text < end) {
        const char *from = text;
        while (text < end && is_plain(*text))
            text++;
        gc_buf_append(out, from, (size_t)(text - from));
        if (text < end)
            put_escaped(out, *text++);
    }
    gc_buf_putc(out, '"');
}

static void put_many(const gc_tell *self, gc_buf *out, char open, char close)
{
    gc_buf_putc(out, open);
    for (size_t i = 0; i < self->is.many.count; i++) {
        if (i)
            gc_buf_putc(out, ',');
        if (self->kind == TELL_MAP) {
            put_text(out, self->is.many.keys[i], strlen(self->is.many.keys[i]));
            gc_buf_putc(out, ':');
        }
        gc_tell_print(self->is.many.values[i], out);
    }
    gc_buf_putc(out, close);
}

void gc_tell_print(const gc_tell *self, gc_buf *out)
{
    switch (self->kind) {
    case TELL_MAP: put_many(self, out, '{', '}'); break;
    case TELL_LIST: put_many(self, out, '[', ']'); break;
    case TELL_TEXT: put_text(out, self->is.text.text, self->is.text.len); break;
    case TELL_INT: gc_buf_printf(out, "%" PRId64, self->is.number); break;
    case TELL_BOOL: gc_buf_puts(out, self->is.truth ? "true" : "false"); break;
    }
}
