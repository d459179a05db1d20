#include "coordinator/graph.h"

#include <stdbool.h>

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* Rows turned round: who needs node i. */
typedef struct reverse {
    size_t *first;
    size_t *to;
} reverse;

static reverse turn_round(const gc_graph *g)
{
    reverse r = { gc_xcalloc(g->count + 1, sizeof *r.first),
                  gc_xcalloc(g->first[g->count], sizeof *r.to) };
    for (size_t k = 0; k < g->first[g->count]; k++)
        r.first[g->to[k] + 1]++;
    for (size_t i = 0; i < g->count; i++)
        r.first[i + 1] += r.first[i];
    size_t *fill = gc_xcalloc(g->count, sizeof *fill);
    for (size_t i = 0; i < g->count; i++)
        for (size_t k = g->first[i]; k < g->first[i + 1]; k++) {
            size_t need = g->to[k];
            r.to[r.first[need] + fill[need]++] = i;
        }
    free(fill);
    return r;
}

/* Kahn's algorithm: order[] gets the nodes, needs first; the count that could be ordered. */
static size_t kahn(const gc_graph *g, const reverse *r, size_t *order)
{
    size_t *waiting = gc_xcalloc(g->count, sizeof *waiting);
    size_t done = 0, ready = 0;
    for (size_t i = 0; i < g->count; i++) {
        waiting[i] = g->first[i + 1] - g->first[i];
        if (!waiting[i])
            order[ready++] = i;
    }
    for (; done < ready; done++) {
        size_t node = order[done];
        for (size_t k = r->first[node]; k < r->first[node + 1]; k++)
            if (--waiting[r->to[k]] == 0)
                order[ready++] = r->to[k];
    }
    free(waiting);
    return ready;
}

/* What Kahn left over all has an unordered need: following needs must come round. */
static void find_cycle(const gc_graph *g, const size_t *order, size_t ordered,
                       size_t *cycle, size_t *cycle_len)
{
    bool *done = gc_xcalloc(g->count, sizeof *done);
    size_t *seen_at = gc_xcalloc(g->count, sizeof *seen_at);
    for (size_t i = 0; i < ordered; i++)
        done[order[i]] = true;
    size_t node = 0, steps = 0;
    while (done[node])
        node++;
    size_t *walk = gc_xcalloc(g->count + 1, sizeof *walk);
    while (!seen_at[node]) {
        seen_at[node] = ++steps;
        walk[steps - 1] = node;
        size_t k = g->first[node];
        while (done[g->to[k]])
            k++;
        node = g->to[k];
    }
    size_t start = seen_at[node] - 1;
    *cycle_len = steps - start;
    memcpy(cycle, walk + start, *cycle_len * sizeof *cycle);
    free(walk);
    free(seen_at);
    free(done);
}

gc_err gc_graph_levels(const gc_graph *g, size_t *level, size_t *cycle, size_t *cycle_len)
{
    reverse r = turn_round(g);
    size_t *order = gc_xcalloc(g->count, sizeof *order);
    size_t ordered = kahn(g, &r, order);
    gc_err err = ordered == g->count ? GC_OK : GC_EINVAL;
    if (err)
        find_cycle(g, order, ordered, cycle, cycle_len);
    for (size_t i = 0; !err && i < ordered; i++) {
        size_t node = order[i];
        level[node] = 0;
        for (size_t k = g->first[node]; k < g->first[node + 1]; k++)
            if (level[g->to[k]] + 1 > level[node])
                level[node] = level[g->to[k]] + 1;
    }
    free(order);
    free(r.first);
    free(r.to);
    return err;
}

double gc_graph_critical(const gc_graph *g, const double *weight, double *remaining)
{
    reverse r = turn_round(g);
    size_t *order = gc_xcalloc(g->count, sizeof *order);
    size_t ordered = kahn(g, &r, order);
    double critical = 0;
    while (ordered--) {
        size_t node = order[ordered];
        double longest = 0;
        for (size_t k = r.first[node]; k < r.first[node + 1]; k++)
            if (remaining[r.to[k]] > longest)
                longest = remaining[r.to[k]];
        remaining[node] = longest + weight[node];
        if (remaining[node] > critical)
            critical = remaining[node];
    }
    free(order);
    free(r.first);
    free(r.to);
    return critical;
}
