/* Which edges of a graph must go so that no cycle is left. Pure. */
#ifndef GC_COMMON_FCS_CYCLES_H
#define GC_COMMON_FCS_CYCLES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct gc_cycle_edge {
    size_t from;
    size_t to;
} gc_cycle_edge;

/* Takes the edges in their order and sets broken[i] for each that would close a cycle with
 * those kept before it; an edge from a node to itself is broken. Nodes are below
 * `node_count`. */
void gc_cycles_break(size_t node_count, const gc_cycle_edge *edges, size_t edge_count,
                     bool *broken);

#endif
