/* Allocation that aborts when memory is gone. Sizes that come from outside are checked
 * against a limit before they get here. Everything is freed with free(). */
#ifndef GC_COMMON_MEM_H
#define GC_COMMON_MEM_H

#include <stdarg.h>
#include <stddef.h>

#include "common/err.h"

void *gc_xmalloc(size_t size);
void *gc_xcalloc(size_t count, size_t size);
void *gc_xrealloc(void *ptr, size_t size);
char *gc_xstrdup(const char *text);

/* Copies `len` bytes and adds a NUL. */
char *gc_xmemdup(const void *mem, size_t len);
char *gc_xasprintf(const char *fmt, ...) GC_PRINTF(1, 2);
char *gc_xvasprintf(const char *fmt, va_list ap) GC_PRINTF(1, 0);

/* Makes room for one more element of `*array`; doubles `*cap` when `count` reached it.
 * Use: `items = gc_grow(items, count, &cap, sizeof *items);` */
void *gc_grow(void *array, size_t count, size_t *cap, size_t item_size);

/* Frees *text and sets it NULL: the cleanup handler for GC_AUTO(gc_free_str). */
void gc_free_str(char **text);

#endif
