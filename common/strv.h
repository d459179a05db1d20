/* A vector of owned strings. Zero-initialised memory is a valid empty vector. */
#ifndef GC_COMMON_STRV_H
#define GC_COMMON_STRV_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gc_strv {
    char **items;
    size_t count;
    size_t cap;
} gc_strv;

void gc_strv_release(gc_strv *self);

/* Copies `text`. */
void gc_strv_add(gc_strv *self, const char *text);

/* Copies `text` unless it is there already; true if it was added. */
bool gc_strv_add_unique(gc_strv *self, const char *text);

/* Takes ownership of `text` (malloc'ed). */
void gc_strv_push(gc_strv *self, char *text);
bool gc_strv_has(const gc_strv *self, const char *text);

/* Byte order (strcmp), the same on every host. */
void gc_strv_sort(gc_strv *self);
void gc_strv_copy(gc_strv *self, const gc_strv *from);

/* The items joined by `separator`; free() it. */
char *gc_strv_join(const gc_strv *self, const char *separator);

/* Splits at `separator` and trims blanks; empty parts are dropped. */
void gc_strv_split(gc_strv *self, const char *text, char separator);

/* The item nearest to `word` by edit distance (at most a third of its length away), or
 * NULL: for "did you mean". Borrowed. */
const char *gc_nearest(const char *word, const char *const *names, size_t count);

#endif
