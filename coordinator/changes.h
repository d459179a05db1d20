/* What has changed between two sets of facts, in words, and which files it touches. Pure. */
#ifndef GC_COORDINATOR_CHANGES_H
#define GC_COORDINATOR_CHANGES_H

#include <stddef.h>

#include "common/strv.h"
#include "coordinator/facts.h"
#include "coordinator/plan.h"

typedef struct gc_change {
    char *text; /* "Country.calling_code added", "Order.total: type int -> decimal" */
    const gc_fact *before, *now; /* NULL: was not there, is not there any more */
} gc_change;

typedef struct gc_changes {
    gc_change *items; /* by name of the fact */
    size_t count, cap;
} gc_changes;

/* Borrows both. An entity that came or went stands for its fields. */
gc_changes gc_changes_between(const gc_facts *before, const gc_facts *now);
void gc_changes_release(gc_changes *self);

/* The next change from *cursor on that is an input of the file itself (of any, without a
 * file), or NULL; start with 0. */
const gc_change *gc_changes_next(const gc_changes *self, const gc_plan_file *file,
                                 size_t *cursor);

#endif
