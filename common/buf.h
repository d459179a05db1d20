/* Growing byte buffer, born with a limit. `ptr` is never NULL and always NUL-terminated.
 * Overflow is sticky: once an append does not fit, `full` is set, the buffer keeps what it
 * had and every later append returns GC_EFULL, so a writer may check once at the end. */
#ifndef GC_COMMON_BUF_H
#define GC_COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

typedef struct gc_buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t limit;
    bool full;
} gc_buf;

/* An empty buffer that may hold at most `limit` bytes (the NUL not counted). */
void gc_buf_init(gc_buf *self, size_t limit);
void gc_buf_release(gc_buf *self);

/* Empties it, keeps the memory, clears `full`. */
void gc_buf_reset(gc_buf *self);

/* Makes room for `more` bytes at once; GC_EFULL as for an append. */
gc_err gc_buf_reserve(gc_buf *self, size_t more);
gc_err gc_buf_append(gc_buf *self, const void *mem, size_t len);

/* The same for one of thousands of buffers that fill slowly: it grows by an eighth, where
 * others double. */
gc_err gc_buf_append_lean(gc_buf *self, const void *mem, size_t len);
gc_err gc_buf_puts(gc_buf *self, const char *text);
gc_err gc_buf_putc(gc_buf *self, char c);
gc_err gc_buf_printf(gc_buf *self, const char *fmt, ...) GC_PRINTF(2, 3);

/* Drops the first `len` bytes. */
void gc_buf_drop(gc_buf *self, size_t len);

/* Moves the text out (free() it) and leaves the buffer empty with the same limit. */
char *gc_buf_take(gc_buf *self);

#endif
