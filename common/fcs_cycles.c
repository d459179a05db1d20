#include "common/fcs_cycles.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* Design notes. The kept edges form an acyclic graph in a topological order, in which
 * `rank[from] < rank[to]` for each of them (invariant 1). An edge that agrees with the order
 * costs nothing; one that does not is checked by a search among the ranks between its ends,
 * and if it may stay, these nodes are ranked anew (D. J. Pearce, P. H. J. Kelly, "A Dynamic
 * Topological Sort Algorithm for Directed Acyclic Graphs", 2006). The first order comes from
 * a depth-first walk over all edges, so that few disagree. What is kept depends on the order
 * of the edges alone, never on the ranks. */

#define NONE SIZE_MAX

typedef struct list { /* edges by node, as a chain of edge numbers */
    size_t *head;
    size_t *next;
    size_t *degree;
} list;

typedef struct sorter {
    const gc_cycle_edge *edges;
    size_t nodes;
    list out; /* kept edges only */
    list in;
    size_t *rank;
    size_t *mark; /* number of the search that saw the node last */
    size_t search;
    size_t *stack;
    size_t *found; /* nodes behind `to`, then nodes before `from` */
    size_t *ranks;
} sorter;

static list list_new(size_t nodes, size_t edges)
{
    list l = { gc_xcalloc(nodes + 1, sizeof(size_t)),
               gc_xcalloc(edges + 1, sizeof(size_t)),
               gc_xcalloc(nodes + 1, sizeof(size_t)) };
    for (size_t i = 0; i < nodes; i++)
        l.head[i] = NONE;
    return l;
}

static void list_release(list *l)
{
    free(l->head);
    free(l->next);
    free(l->degree);
}

static void list_add(list *l, size_t node, size_t edge)
{
    l->next[edge] = l->head[node];
    l->head[node] = edge;
    l->degree[node]++;
}

/* Ranks by a depth-first walk over all edges: nodes are ranked from the last when the walk
 * leaves them, so that most edges lead to higher ranks. */
static void rank_first(sorter *self, size_t edge_count)
{
    list all = list_new(self->nodes, edge_count);
    for (size_t i = edge_count; i-- > 0;)
        list_add(&all, self->edges[i].from, i);
    size_t rank = self->nodes;
    for (size_t root = 0; root < self->nodes; root++) {
        size_t depth = 0;
        if (self->mark[root])
            continue;
        self->mark[root] = 1;
        self->stack[depth++] = root;
        while (depth) {
            size_t node = self->stack[depth - 1];
            size_t edge = all.head[node];
            if (edge == NONE) {
                self->rank[node] = --rank;
                depth--;
                continue;
            }
            all.head[node] = all.next[edge];
            size_t to = self->edges[edge].to;
            if (!self->mark[to]) {
                self->mark[to] = 1;
                self->stack[depth++] = to;
            }
        }
    }
    list_release(&all);
    self->search = 1;
}

/* The commonest cycle is a pair: looks for an edge back among the shorter list. */
static bool has_edge(const sorter *self, size_t from, size_t to)
{
    bool forward = self->out.degree[from] <= self->in.degree[to];
    const list *l = forward ? &self->out : &self->in;
    for (size_t e = l->head[forward ? from : to]; e != NONE; e = l->next[e])
        if ((forward ? self->edges[e].to : self->edges[e].from) == (forward ? to : from))
            return true;
    return false;
}

/* What a search may see: ranks in [low, high], up to `goal`. */
typedef struct span {
    size_t low;
    size_t high;
    size_t goal;
    bool met;
} span;

/* Collects the nodes that `start` reaches within the span; their number. */
static size_t reach(sorter *self, size_t start, bool forward, span *in, size_t *found)
{
    const list *l = forward ? &self->out : &self->in;
    size_t depth = 0, count = 0;
    self->search++;
    self->mark[start] = self->search;
    self->stack[depth++] = start;
    while (depth) {
        size_t node = self->stack[--depth];
        found[count++] = node;
        if (node == in->goal) {
            in->met = true;
            return count;
        }
        for (size_t e = l->head[node]; e != NONE; e = l->next[e]) {
            size_t to = forward ? self->edges[e].to : self->edges[e].from;
            if (self->mark[to] == self->search || self->rank[to] < in->low ||
                self->rank[to] > in->high)
                continue;
            self->mark[to] = self->search;
            self->stack[depth++] = to;
        }
    }
    return count;
}

static int by_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* Replaces nodes by ranks, sorts, and back: `found` then goes by rank. */
static void sort_by_rank(const sorter *self, const size_t *node_of, size_t *found,
                         size_t count)
{
    for (size_t i = 0; i < count; i++)
        found[i] = self->rank[found[i]];
    qsort(found, count, sizeof *found, by_size);
    for (size_t i = 0; i < count; i++)
        found[i] = node_of[found[i]];
}

/* Keeps from -> to if it closes no cycle, and ranks anew what lies between. */
static bool keep_edge(sorter *self, size_t *node_of, size_t from, size_t to)
{
    span in = { self->rank[to], self->rank[from], from, false };
    if (from == to || has_edge(self, to, from))
        return false;
    if (in.high < in.low)
        return true;
    size_t behind = reach(self, to, true, &in, self->found);
    if (in.met)
        return false;
    size_t *before_list = self->found + behind;
    in.goal = NONE;
    size_t before = reach(self, from, false, &in, before_list);
    sort_by_rank(self, node_of, self->found, behind);
    sort_by_rank(self, node_of, before_list, before);
    for (size_t i = 0; i < behind + before; i++)
        self->ranks[i] = self->rank[self->found[i]];
    qsort(self->ranks, behind + before, sizeof *self->ranks, by_size);
    for (size_t i = 0; i < before; i++)
        self->rank[before_list[i]] = self->ranks[i];
    for (size_t i = 0; i < behind; i++)
        self->rank[self->found[i]] = self->ranks[before + i];
    for (size_t i = 0; i < behind + before; i++)
        node_of[self->rank[self->found[i]]] = self->found[i];
    return true;
}

void gc_cycles_break(size_t node_count, const gc_cycle_edge *edges, size_t edge_count,
                     bool *broken)
{
    sorter self = { .edges = edges, .nodes = node_count };
    self.out = list_new(node_count, edge_count);
    self.in = list_new(node_count, edge_count);
    self.rank = gc_xcalloc(node_count + 1, sizeof *self.rank);
    self.mark = gc_xcalloc(node_count + 1, sizeof *self.mark);
    self.stack = gc_xcalloc(node_count + 1, sizeof *self.stack);
    self.found = gc_xcalloc(2 * node_count + 1, sizeof *self.found);
    self.ranks = gc_xcalloc(2 * node_count + 1, sizeof *self.ranks);
    size_t *node_of = gc_xcalloc(node_count + 1, sizeof *node_of);
    rank_first(&self, edge_count);
    for (size_t i = 0; i < node_count; i++)
        node_of[self.rank[i]] = i;
    for (size_t i = 0; i < edge_count; i++) {
        broken[i] = !keep_edge(&self, node_of, edges[i].from, edges[i].to);
        if (!broken[i]) {
            list_add(&self.out, edges[i].from, i);
            list_add(&self.in, edges[i].to, i);
        }
    }
    list_release(&self.out);
    list_release(&self.in);
    free(self.rank);
    free(self.mark);
    free(self.stack);
    free(self.found);
    free(self.ranks);
    free(node_of);
}
