/* Similar files share a call. Weights of the guide: file type 30, structure 35, package 20,
 * dependencies 15, as parts of 1. Pure and deterministic: the answer depends on the files
 * and the options alone, never on who is free to work. */
#ifndef GC_COORDINATOR_GROUP_H
#define GC_COORDINATOR_GROUP_H

#include <stddef.h>

#include "coordinator/plan.h"

typedef struct gc_group_options {
    size_t max_files;      /* 1: no grouping */
    double min_similarity; /* 0..1 */
    double max_tokens;     /* expected in the answer, thinking included */
    size_t max_entities;   /* that all of them are about; 0: no limit */
} gc_group_options;

double gc_similarity(const gc_plan *plan, const gc_plan_file *a, const gc_plan_file *b);

/* Partitions `files` (indices into the plan, ascending), `tokens` of answer expected of each:
 * group_of[i] gets the group's number, counted from 0 in the order of their first members.
 * Every member is similar enough to the first one. A file that is too large for any group,
 * or about too many entities, is alone. Returns the number of groups. Linear but for the few groups that are open at a
 * time. */
size_t gc_group(const gc_plan *plan, const size_t *files, const double *tokens,
                size_t count, const gc_group_options *options, size_t *group_of);

#endif
