#include "common/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define LEAN_STEP 128

static char empty_text[1];

void gc_buf_init(gc_buf *self, size_t limit)
{
    *self = (gc_buf){ .ptr = empty_text, .limit = limit };
}

void gc_buf_release(gc_buf *self)
{
    if (self->cap)
        free(self->ptr);
    gc_buf_init(self, self->limit);
}

void gc_buf_reset(gc_buf *self)
{
    self->len = 0;
    self->full = false;
    if (self->cap)
        self->ptr[0] = '\0';
}

/* Sets *need to what it must hold; GC_EFULL. */
static gc_err check_room(gc_buf *self, size_t more, size_t *need)
{
    assert(self->ptr); /* gc_buf_init() was called */
    if (self->full || more > self->limit - self->len) {
        self->full = true;
        return GC_EFULL;
    }
    *need = self->len + more + 1;
    return GC_OK;
}

static void grow_to(gc_buf *self, size_t cap)
{
    self->ptr = gc_xrealloc(self->cap ? self->ptr : NULL, cap);
    self->cap = cap;
    self->ptr[self->len] = '\0';
}

gc_err gc_buf_reserve(gc_buf *self, size_t more)
{
    size_t need;
    gc_err err = check_room(self, more, &need);
    if (err || need <= self->cap)
        return err;
    size_t cap = self->cap ? self->cap : 64;
    while (cap < need)
        cap *= 2;
    grow_to(self, cap);
    return GC_OK;
}

/* There is room. */
static void add(gc_buf *self, const void *mem, size_t len)
{
    if (len)
        memcpy(self->ptr + self->len, mem, len);
    self->len += len;
    self->ptr[self->len] = '\0';
}

gc_err gc_buf_append(gc_buf *self, const void *mem, size_t len)
{
    gc_err err = gc_buf_reserve(self, len);
    if (!err)
        add(self, mem, len);
    return err;
}

gc_err gc_buf_append_lean(gc_buf *self, const void *mem, size_t len)
{
    size_t need;
    gc_err err = check_room(self, len, &need);
    if (!err && need > self->cap)
        grow_to(self, need + need / 8 + LEAN_STEP);
    if (!err)
        add(self, mem, len);
    return err;
}

gc_err gc_buf_puts(gc_buf *self, const char *text)
{
    return gc_buf_append(self, text, strlen(text));
}

gc_err gc_buf_putc(gc_buf *self, char c)
{
    return gc_buf_append(self, &c, 1);
}

/* Most texts fit into what is there, and need one pass only. */
gc_err gc_buf_printf(gc_buf *self, const char *fmt, ...)
{
    size_t room = self->cap - self->len; /* of the NUL too; 0 without memory */
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(room ? self->ptr + self->len : NULL, room, fmt, ap);
    va_end(ap);
    if (len >= 0 && (size_t)len < room && !self->full &&
        (size_t)len <= self->limit - self->len) {
        self->len += (size_t)len;
        return GC_OK;
    }
    if (room)
        self->ptr[self->len] = '\0';
    if (len < 0)
        return GC_EINVAL;
    gc_err err = gc_buf_reserve(self, (size_t)len);
    if (err)
        return err;
    va_start(ap, fmt);
    vsnprintf(self->ptr + self->len, (size_t)len + 1, fmt, ap);
    va_end(ap);
    self->len += (size_t)len;
    return GC_OK;
}

void gc_buf_drop(gc_buf *self, size_t len)
{
    assert(len <= self->len);
    if (!len)
        return;
    memmove(self->ptr, self->ptr + len, self->len - len);
    self->len -= len;
    self->ptr[self->len] = '\0';
}

char *gc_buf_take(gc_buf *self)
{
    char *text = self->cap ? self->ptr : gc_xmemdup("", 0);
    gc_buf_init(self, self->limit);
    return text;
}
