#include "coordinator/group.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* Shape of a promise: how many declarations of each sort it has. */
typedef struct shape {
    double funcs, types, lines;
} shape;

static shape shape_of(const char *promise)
{
    shape s = { 0, 0, 0 };
    while (*promise) {
        const char *end = strchr(promise, '\n');
        s.lines++;
        s.funcs += strncmp(promise, "func ", 5) == 0;
        s.types += strncmp(promise, "type ", 5) == 0;
        promise = end ? end + 1 : promise + strlen(promise);
    }
    return s;
}

/* 1 for equal counts, falling towards 0 as they differ. */
static double ratio(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    return high > 0 ? low / high : 1;
}

static double structure(const gc_plan_file *a, const gc_plan_file *b)
{
    shape x = shape_of(a->promise), y = shape_of(b->promise);
    return 0.5 * ratio(x.funcs, y.funcs) + 0.3 * ratio(x.types, y.types) +
           0.2 * ratio(x.lines, y.lines);
}

/* Share of dependency kinds in common. */
static double dependencies(const gc_plan *plan, const gc_plan_file *a,
                           const gc_plan_file *b)
{
    size_t common = 0;
    if (!a->edge_count && !b->edge_count)
        return 1;
    for (size_t i = 0; i < a->edge_count; i++) {
        const char *kind = plan->files[a->edges[i].file].kind;
        bool hit = false;
        for (size_t j = 0; j < b->edge_count && !hit; j++)
            hit = strcmp(kind, plan->files[b->edges[j].file].kind) == 0;
        common += hit;
    }
    size_t all = a->edge_count > b->edge_count ? a->edge_count : b->edge_count;
    return (double)common / (double)all;
}

double gc_similarity(const gc_plan *plan, const gc_plan_file *a, const gc_plan_file *b)
{
    double score = 0;
    if (strcmp(a->kind, b->kind) == 0)
        score += 0.30;
    score += 0.35 * structure(a, b);
    if (strcmp(a->dir, b->dir) == 0)
        score += 0.20;
    score += 0.15 * dependencies(plan, a, b);
    return score;
}

typedef struct open_group {
    size_t first; /* file index of its first member */
    size_t members;
    size_t bytes;
} open_group;

/* Only the newest group of a kind stays open: linear work, and near paths stay together. */
typedef struct open_kind {
    const char *kind;
    size_t group;
} open_kind;

static bool fits(const gc_plan *plan, const open_group *g, const gc_plan_file *f,
                 const gc_group_options *o)
{
    return g->members < o->max_files &&
           g->bytes + f->expected_bytes <= o->max_expected_bytes &&
           gc_similarity(plan, &plan->files[g->first], f) >= o->min_similarity;
}

static open_kind *find_kind(open_kind *kinds, size_t count, const char *kind)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    return NULL;
}

size_t gc_group(const gc_plan *plan, const size_t *files, size_t count,
                const gc_group_options *options, size_t *group_of)
{
    open_group *groups = gc_xcalloc(count, sizeof *groups);
    open_kind *kinds = NULL;
    size_t group_count = 0, kind_count = 0, kind_cap = 0;
    for (size_t i = 0; i < count; i++) {
        const gc_plan_file *f = &plan->files[files[i]];
        open_kind *kind = find_kind(kinds, kind_count, f->kind);
        if (!kind || !fits(plan, &groups[kind->group], f, options)) {
            groups[group_count] = (open_group){ files[i], 0, 0 };
            if (!kind) {
                kinds = gc_grow(kinds, kind_count, &kind_cap, sizeof *kinds);
                kind = &kinds[kind_count++];
                kind->kind = f->kind;
            }
            kind->group = group_count++;
        }
        groups[kind->group].members++;
        groups[kind->group].bytes += f->expected_bytes;
        group_of[i] = kind->group;
    }
    free(groups);
    free(kinds);
    return group_count;
}
