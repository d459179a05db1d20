#include "coordinator/group.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* Groups that may still take a file. The eldest is closed for a new one over this, which
 * keeps the work linear. */
#define MAX_OPEN 48

/* Kinds of dependencies that are told apart; a plan knows about a dozen kinds of files. */
#define MAX_KINDS 16

typedef struct kinds {
    const char *names[MAX_KINDS];
    size_t count;
} kinds;

/* What similarity looks at, worked out once for each file. */
typedef struct profile {
    const gc_plan_file *file;
    double funcs, types, lines;  /* of its promise */
    uint32_t depends[MAX_KINDS]; /* how many files of each kind it depends on */
    size_t edges;
} profile;

static size_t kind_number(kinds *self, const char *name)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->names[i], name) == 0)
            return i;
    if (self->count == MAX_KINDS)
        return MAX_KINDS - 1; /* all that is rare counts as one */
    self->names[self->count] = name;
    return self->count++;
}

static profile profile_of(const gc_plan *plan, const gc_plan_file *file, kinds *known)
{
    profile p = { .file = file, .edges = file->edge_count };
    for (const char *line = file->promise; *line;) {
        const char *end = strchr(line, '\n');
        p.lines++;
        p.funcs += strncmp(line, "func ", 5) == 0;
        p.types += strncmp(line, "type ", 5) == 0;
        line = end ? end + 1 : line + strlen(line);
    }
    for (size_t i = 0; i < file->edge_count; i++)
        p.depends[kind_number(known, plan->files[file->edges[i].file].kind)]++;
    return p;
}

/* 1 for equal counts, falling towards 0 as they differ. */
static double ratio(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    return high > 0 ? low / high : 1;
}

static double structure(const profile *a, const profile *b)
{
    return 0.5 * ratio(a->funcs, b->funcs) + 0.3 * ratio(a->types, b->types) +
           0.2 * ratio(a->lines, b->lines);
}

/* Share of dependencies of the same kinds. */
static double dependencies(const profile *a, const profile *b)
{
    size_t common = 0, all = a->edges > b->edges ? a->edges : b->edges;
    for (size_t i = 0; i < MAX_KINDS; i++)
        common += a->depends[i] < b->depends[i] ? a->depends[i] : b->depends[i];
    return all ? (double)common / (double)all : 1;
}

static double similarity(const profile *a, const profile *b)
{
    double score = 0.35 * structure(a, b) + 0.15 * dependencies(a, b);
    if (strcmp(a->file->kind, b->file->kind) == 0)
        score += 0.30;
    if (strcmp(a->file->dir, b->file->dir) == 0)
        score += 0.20;
    return score;
}

double gc_similarity(const gc_plan *plan, const gc_plan_file *a, const gc_plan_file *b)
{
    kinds known = { .count = 0 };
    profile x = profile_of(plan, a, &known), y = profile_of(plan, b, &known);
    return similarity(&x, &y);
}

typedef struct open_group {
    size_t number;
    size_t members;
    double tokens;
    profile first;
    const char **entities; /* that its members are about, each once; borrowed names */
    size_t entity_count, entity_cap;
} open_group;

typedef struct open_groups {
    open_group list[MAX_OPEN]; /* by age */
    size_t count;
} open_groups;

/* ---- what a group is about ---- */

static bool is_about(const open_group *g, const char *entity)
{
    for (size_t i = 0; i < g->entity_count; i++)
        if (strcmp(g->entities[i], entity) == 0)
            return true;
    return false;
}

/* Would the group still be about few enough entities with this file? */
static bool has_room_for(const open_group *g, const gc_plan_file *file, size_t max)
{
    size_t count = g->entity_count;
    if (!max || count + file->entities.count <= max)
        return true;
    for (size_t i = 0; i < file->entities.count && count <= max; i++)
        count += !is_about(g, file->entities.items[i]);
    return count <= max;
}

static void add_entities(open_group *g, const gc_plan_file *file)
{
    for (size_t i = 0; i < file->entities.count; i++) {
        if (is_about(g, file->entities.items[i]))
            continue;
        g->entities =
            gc_grow(g->entities, g->entity_count, &g->entity_cap, sizeof *g->entities);
        g->entities[g->entity_count++] = file->entities.items[i];
    }
}

/* ---- open groups ---- */

/* The most similar of the open groups that have room, the eldest of equals; NULL if none. */
static open_group *best_fit(open_groups *open, const profile *p, double tokens,
                            const gc_group_options *o)
{
    open_group *best = NULL;
    double most = 0;
    for (size_t i = 0; i < open->count; i++) {
        open_group *g = &open->list[i];
        if (g->tokens + tokens > o->max_tokens)
            continue;
        double score = similarity(&g->first, p);
        if (score >= o->min_similarity && (!best || score > most) &&
            has_room_for(g, p->file, o->max_entities)) {
            best = g;
            most = score;
        }
    }
    return best;
}

static void close_group(open_groups *open, open_group *g)
{
    size_t after = open->count - (size_t)(g - open->list) - 1;
    free(g->entities);
    memmove(g, g + 1, after * sizeof *g);
    open->count--;
}

static open_group *begin_group(open_groups *open, size_t number, const profile *first)
{
    if (open->count == MAX_OPEN)
        close_group(open, &open->list[0]);
    open_group *g = &open->list[open->count++];
    *g = (open_group){ .number = number, .first = *first };
    return g;
}

size_t gc_group(const gc_plan *plan, const size_t *files, const double *tokens,
                size_t count, const gc_group_options *options, size_t *group_of)
{
    open_groups *open = gc_xcalloc(1, sizeof *open);
    kinds known = { .count = 0 };
    size_t groups = 0;
    for (size_t i = 0; i < count; i++) {
        profile p = profile_of(plan, &plan->files[files[i]], &known);
        open_group *g = best_fit(open, &p, tokens[i], options);
        if (!g)
            g = begin_group(open, groups++, &p);
        group_of[i] = g->number;
        g->tokens += tokens[i];
        if (options->max_entities)
            add_entities(g, p.file);
        if (++g->members >= options->max_files)
            close_group(open, g);
    }
    while (open->count)
        close_group(open, &open->list[open->count - 1]);
    free(open);
    return groups;
}
