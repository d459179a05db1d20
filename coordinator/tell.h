/* What a Go template is told, before it is JSON: maps, lists, texts, numbers and truths in an
 * arena. Nothing is freed by itself, so that a value may stand in several places; circles there
 * are none. A plan tells a lot: of what a general JSON library does for a value, this does
 * only what is needed to print it. Pure. */
#ifndef GC_COORDINATOR_TELL_H
#define GC_COORDINATOR_TELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/buf.h"

typedef struct gc_tell gc_tell;

gc_tell *gc_tell_map(gc_arena *arena);
gc_tell *gc_tell_list(gc_arena *arena);

/* Where a map or list lives: what goes into it lives there, too. */
gc_arena *gc_tell_arena(const gc_tell *self);

/* Adds a pair to a map, behind the others. Keys are borrowed, and set once; texts are copied,
 * and must be UTF-8; a text that is NULL is not set. */
void gc_tell_set(gc_tell *self, const char *key, const gc_tell *value);
void gc_tell_set_text(gc_tell *self, const char *key, const char *text);
void gc_tell_set_bool(gc_tell *self, const char *key, bool value);
void gc_tell_set_int(gc_tell *self, const char *key, int64_t value);

/* Adds an item to a list. */
void gc_tell_add(gc_tell *self, const gc_tell *value);
void gc_tell_add_text(gc_tell *self, const char *text);
void gc_tell_extend(gc_tell *self, const gc_tell *list);

/* Of a map: the value of `key`, its text or its truth; NULL or false if there is none. */
const gc_tell *gc_tell_get(const gc_tell *self, const char *key);
const char *gc_tell_get_text(const gc_tell *self, const char *key);
bool gc_tell_get_bool(const gc_tell *self, const char *key);

/* Items of a list, values of a map. What is neither has none. */
size_t gc_tell_count(const gc_tell *self);
const gc_tell *gc_tell_at(const gc_tell *self, size_t index);

/* The key of value `index` of a map; "" in a list. */
const char *gc_tell_key(const gc_tell *self, size_t index);

/* NULL if it is no text. */
const char *gc_tell_text(const gc_tell *self);

/* Appends JSON without blanks, keys in the order in which they were set. */
void gc_tell_print(const gc_tell *self, gc_buf *out);

#endif
