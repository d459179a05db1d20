#include "common/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void out_of_memory(size_t size)
{
    fprintf(stderr, "out of memory: %zu bytes wanted\n", size);
    abort();
}

void *gc_xmalloc(size_t size)
{
    void *ptr = malloc(size ? size : 1);
    if (!ptr)
        out_of_memory(size);
    return ptr;
}

void *gc_xcalloc(size_t count, size_t size)
{
    void *ptr = calloc(count ? count : 1, size ? size : 1);
    if (!ptr)
        out_of_memory(count);
    return ptr;
}

void *gc_xrealloc(void *ptr, size_t size)
{
    void *next = realloc(ptr, size ? size : 1);
    if (!next)
        out_of_memory(size);
    return next;
}

char *gc_xmemdup(const void *mem, size_t len)
{
    char *copy = gc_xmalloc(len + 1);
    if (len)
        memcpy(copy, mem, len);
    copy[len] = '\0';
    return copy;
}

char *gc_xstrdup(const char *text)
{
    return gc_xmemdup(text, strlen(text));
}

char *gc_xvasprintf(const char *fmt, va_list ap)
{
    char few[256]; /* most texts need one pass only */
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(few, sizeof few, fmt, ap);
    if (len < 0)
        out_of_memory(0);
    char *text;
    if ((size_t)len < sizeof few) {
        text = gc_xmemdup(few, (size_t)len);
    } else {
        text = gc_xmalloc((size_t)len + 1);
        vsnprintf(text, (size_t)len + 1, fmt, again);
    }
    va_end(again);
    return text;
}

char *gc_xasprintf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = gc_xvasprintf(fmt, ap);
    va_end(ap);
    return text;
}

void *gc_grow(void *array, size_t count, size_t *cap, size_t item_size)
{
    if (count < *cap)
        return array;
    size_t next = *cap ? *cap * 2 : 8;
    if (next > SIZE_MAX / item_size)
        out_of_memory(SIZE_MAX);
    *cap = next;
    return gc_xrealloc(array, next * item_size);
}

void gc_free_str(char **text)
{
    free(*text);
    *text = NULL;
}
