/* Hash map from string to pointer. Keys are copied, values are borrowed. Iteration goes
 * in insertion order, so that everything built on it is deterministic. */
#ifndef GC_COMMON_MAP_H
#define GC_COMMON_MAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gc_map gc_map;

gc_map *gc_map_new(void);

/* Keys are borrowed, too: they must outlive the map. */
gc_map *gc_map_new_borrowing(void);
void gc_map_destroy(gc_map **self_p);

/* Sets `key` to `value`; the former value or NULL. */
void *gc_map_set(gc_map *self, const char *key, void *value);

/* The value, or NULL if the key is absent. */
void *gc_map_get(const gc_map *self, const char *key);
bool gc_map_has(const gc_map *self, const char *key);

/* Removes `key`; its value or NULL. Keeps the order of the others. */
void *gc_map_remove(gc_map *self, const char *key);
size_t gc_map_count(const gc_map *self);

/* Steps through the map: start with *cursor = 0; false at the end. `key` is borrowed.
 * The map must not change meanwhile, except that the current key may be removed. */
bool gc_map_next(const gc_map *self, size_t *cursor, const char **key, void **value);

#endif
