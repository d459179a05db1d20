/* Files that a specification lists form packages, and Go refuses packages that import each
 * other in a circle, however well their files are ordered. It is the user who knows whether
 * depends_on means an import: said before anything is spent, but no error. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/strv.h"
#include "common/text.h"
#include "coordinator/graph.h"
#include "coordinator/plan_private.h"

/* Imports between packages, as rows for gc_graph. */
typedef struct imports {
    const gc_plan *plan;
    size_t *package; /* of each file; package_count: none */
    size_t *first, *fill, *to;
    const gc_plan_file *user, *program; /* the first that needs a file of package main */
} imports;

static void find_packages(imports *self)
{
    const gc_plan *plan = self->plan;
    gc_map *known = gc_map_new();
    for (size_t i = 0; i < plan->package_count; i++)
        gc_map_set(known, plan->packages[i].dir, &plan->packages[i]);
    for (size_t f = 0; f < plan->file_count; f++) {
        const gc_plan_package *p = gc_map_get(known, plan->files[f].dir);
        self->package[f] = p ? (size_t)(p - plan->packages) : plan->package_count;
    }
    gc_map_destroy(&known);
}

/* Whether file `f` imports what edge `e` leads to. A test may be a package of its own. */
static bool is_import(const imports *self, size_t f, const gc_edge *e)
{
    size_t none = self->plan->package_count;
    size_t from = self->package[f], to = self->package[e->file];
    return e->kind == GC_EDGE_REAL && from != to && from < none && to < none &&
           !gc_ends_with(self->plan->files[f].path, "_test.go");
}

static void count_imports(imports *self)
{
    const gc_plan *plan = self->plan;
    for (size_t f = 0; f < plan->file_count; f++)
        for (size_t e = 0; e < plan->files[f].edge_count; e++)
            self->first[self->package[f] + 1] +=
                is_import(self, f, &plan->files[f].edges[e]);
    for (size_t i = 0; i < plan->package_count; i++)
        self->first[i + 1] += self->first[i];
}

static void list_imports(imports *self)
{
    const gc_plan *plan = self->plan;
    for (size_t f = 0; f < plan->file_count; f++) {
        for (size_t e = 0; e < plan->files[f].edge_count; e++) {
            const gc_edge *edge = &plan->files[f].edges[e];
            size_t from = self->package[f], to = self->package[edge->file];
            if (!is_import(self, f, edge))
                continue;
            self->to[self->first[from] + self->fill[from]++] = to;
            if (!self->user && strcmp(plan->packages[to].name, "main") == 0) {
                self->user = &plan->files[f];
                self->program = &plan->files[edge->file];
            }
        }
    }
}

static const gc_spec_file *listed(const gc_fcs *fcs, const char *path)
{
    const gc_spec_file *found = &fcs->files[0];
    for (size_t i = 0; i < fcs->file_count; i++)
        if (strcmp(fcs->files[i].path, path) == 0)
            found = &fcs->files[i];
    return found;
}

static void warn_program(const imports *self, const gc_fcs *fcs, gc_diags *diags)
{
    const gc_spec_file *at = listed(fcs, self->user->path);
    gc_diags_add(diags, GC_SEV_WARNING, at->line, at->column,
                 "\"%s\" depends on \"%s\" of a program, which Go does not let other "
                 "packages import; move what both need to a package of its own",
                 self->user->path, self->program->path);
}

static void warn_circle(const imports *self, const size_t *cycle, size_t len,
                        const gc_fcs *fcs, gc_diags *diags)
{
    gc_strv names = { 0 };
    for (size_t i = 0; i <= len; i++) {
        const char *dir = self->plan->packages[cycle[i % len]].dir;
        gc_strv_add(&names, *dir ? dir : ".");
    }
    char *chain = gc_strv_join(&names, " -> ");
    gc_diags_add(diags, GC_SEV_WARNING, fcs->files[0].line, fcs->files[0].column,
                 "the packages of these files need each other in a circle, which Go "
                 "refuses: %s; move what both need to a package of its own",
                 chain);
    free(chain);
    gc_strv_release(&names);
}

void plan_check_imports(const gc_plan *plan, const gc_fcs *fcs, gc_diags *diags)
{
    size_t n = plan->package_count, len = 0;
    imports all = { .plan = plan,
                    .package = gc_xcalloc(plan->file_count + 1, sizeof *all.package),
                    .first = gc_xcalloc(n + 2, sizeof *all.first),
                    .fill = gc_xcalloc(n + 1, sizeof *all.fill) };
    find_packages(&all);
    count_imports(&all);
    all.to = gc_xcalloc(all.first[n] + 1, sizeof *all.to);
    list_imports(&all);
    size_t *level = gc_xcalloc(n + 1, sizeof *level);
    size_t *cycle = gc_xcalloc(n + 1, sizeof *cycle);
    gc_graph graph = { n, all.first, all.to };
    if (gc_graph_levels(&graph, level, cycle, &len))
        warn_circle(&all, cycle, len, fcs, diags);
    if (all.user)
        warn_program(&all, fcs, diags);
    free(level);
    free(cycle);
    free(all.to);
    free(all.fill);
    free(all.first);
    free(all.package);
}
