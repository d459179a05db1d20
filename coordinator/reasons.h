/* Why something of the specification is in the prompt of a file. The counterpart of slice.h
 * for people. Pure. */
#ifndef GC_COORDINATOR_REASONS_H
#define GC_COORDINATOR_REASONS_H

#include <stddef.h>

#include "common/fcs.h"
#include "coordinator/plan.h"

typedef struct gc_reason {
    const char *what; /* "entity", "neighbour", "contract" or "requirement" */
    const char *name; /* go_name or id; borrowed */
    char *why;        /* "field Customer of Order refers to it" */
} gc_reason;

typedef struct gc_reasons {
    gc_reason *items;
    size_t count, cap;
    size_t contracts_left_out; /* of its entities */
    const char *why_left_out;  /* "the file serves none"; borrowed */
} gc_reasons;

/* Each entity, neighbour, contract and requirement of the file, once. Release it. */
gc_reasons gc_reasons_of(const gc_fcs *fcs, const gc_plan_file *file);
void gc_reasons_release(gc_reasons *self);

#endif
