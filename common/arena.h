/* Memory for many small things that live and die together: one pointer moves, nothing is
 * freed before the whole. Not for what grows without a limit of its own. */
#ifndef GC_COMMON_ARENA_H
#define GC_COMMON_ARENA_H

#include <stddef.h>

typedef struct gc_arena gc_arena;

gc_arena *gc_arena_new(void);
void gc_arena_destroy(gc_arena **self_p);

/* Ends all that it holds, and keeps some of the memory for what comes next. */
void gc_arena_reset(gc_arena *self);

/* Zeroed, aligned for anything. Never NULL. */
void *gc_arena_alloc(gc_arena *self, size_t size);

/* A copy of `len` bytes with a NUL behind them; not aligned. */
char *gc_arena_text(gc_arena *self, const void *mem, size_t len);

#endif
