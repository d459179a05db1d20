/* Topological levels over real edges. Pure. */
#ifndef GC_COORDINATOR_GRAPH_H
#define GC_COORDINATOR_GRAPH_H

#include <stddef.h>

#include "common/err.h"

/* Edges in compressed rows: node i needs nodes to[first[i]] .. to[first[i + 1] - 1]. */
typedef struct gc_graph {
    size_t count;
    const size_t *first; /* count + 1 entries */
    const size_t *to;
} gc_graph;

/* level[i] = 0 without needs, else 1 + the highest level it needs. GC_EINVAL: a cycle;
 * then cycle[0..*cycle_len-1] (room for count) names its nodes in order. */
GC_MUST_CHECK gc_err gc_graph_levels(const gc_graph *graph, size_t *level, size_t *cycle,
                                     size_t *cycle_len);

/* Longest path from each node towards those who need it, its own weight included. The
 * graph must be free of cycles. Returns the critical path of the whole graph. */
double gc_graph_critical(const gc_graph *graph, const double *weight, double *remaining);

#endif
