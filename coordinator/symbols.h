/* The symbol table: what the files of the project declare, from their promises. It guides the
 * model and is no input of a fingerprint. Sanitised names only. Pure and deterministic. */
#ifndef GC_COORDINATOR_SYMBOLS_H
#define GC_COORDINATOR_SYMBOLS_H

#include <stddef.h>

#include "common/buf.h"
#include "coordinator/plan.h"

typedef struct gc_symbols gc_symbols;

/* Indexes the plan; borrows it. */
gc_symbols *gc_symbols_new(const gc_plan *plan);
void gc_symbols_destroy(gc_symbols **self_p);

/* The whole table, by package. */
void gc_symbols_all(const gc_symbols *self, gc_buf *out);

/* What the `files` (indices into the plan) can use beside the surfaces of their dependencies,
 * which a prompt shows anyway: the rest of their own packages and the packages that all
 * share. Of other entities in an own package only the names, which must not be taken. */
void gc_symbols_for(const gc_symbols *self, const size_t *files, size_t count,
                    gc_buf *out);

#endif
