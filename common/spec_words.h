/* Finds names in text and by loose spelling: whole words, singular or plural, whatever the
 * case and the joints ("order item", "OrderItems", "order_item"). Pure. */
#ifndef GC_COMMON_SPEC_WORDS_H
#define GC_COMMON_SPEC_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/map.h"

/* Counts and indexes as values of a map; an absent key counts 0. */
void gc_number_set(gc_map *map, const char *key, size_t number);
size_t gc_number_get(const gc_map *map, const char *key);

#define GC_WORDS_NONE ((size_t)-1)

typedef struct gc_word_index gc_word_index;

gc_word_index *gc_word_index_new(void);
void gc_word_index_destroy(gc_word_index **self_p);

/* Adds all names at once, so that a name as written always wins over a plural of another;
 * names[i] is found as i. Called once. */
void gc_word_index_fill(gc_word_index *self, const char *const *names, size_t count);

/* The name as written, else by its words, else by its letters; GC_WORDS_NONE if unknown. */
size_t gc_word_index_find(const gc_word_index *self, const char *name);

/* Calls `found` for each name in `text`, the longest first at each place. */
void gc_word_index_scan(const gc_word_index *self, const char *text,
                        void (*found)(void *arg, size_t name), void *arg);

/* "items" -> "item", as far as its spelling tells; free() it. `word` is in small letters. */
char *gc_word_singular(const char *word);

#endif
