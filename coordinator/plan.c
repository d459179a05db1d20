#include "coordinator/plan.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "coordinator/contracts.h"
#include "coordinator/graph.h"
#include "coordinator/plan_private.h"

/* ---- indexes over the FCS, so that no step looks at everything for every file ---- */

static gc_strv *require_list(gc_map *map, const char *key)
{
    gc_strv *list = gc_map_get(map, key);
    if (!list) {
        list = gc_xcalloc(1, sizeof *list);
        gc_map_set(map, key, list);
    }
    return list;
}

static void release_lists(gc_map **map)
{
    size_t cursor = 0;
    void *value;
    while (gc_map_next(*map, &cursor, NULL, &value)) {
        gc_strv_release(value);
        free(value);
    }
    gc_map_destroy(map);
}

static void index_requirements(plan_ctx *ctx)
{
    for (size_t i = 0; i < ctx->fcs->requirement_count; i++) {
        const gc_requirement *r = &ctx->fcs->requirements[i];
        if (!r->entities.count)
            gc_strv_add(&ctx->general_reqs, r->id);
        for (size_t j = 0; j < r->entities.count; j++)
            gc_strv_add(require_list(ctx->req_by_entity, r->entities.items[j]), r->id);
    }
}

/* Only what an entity refers to is its neighbour: who refers to it is none of its business,
 * so a new entity leaves the files of those it uses alone. */
static void add_neighbour(plan_ctx *ctx, const char *from, const char *to)
{
    if (strcmp(from, to) != 0)
        gc_strv_add_unique(require_list(ctx->neighbours_of, from), to);
}

static void index_neighbours(plan_ctx *ctx)
{
    const gc_fcs *fcs = ctx->fcs;
    for (size_t i = 0; i < fcs->relation_count; i++)
        add_neighbour(ctx, fcs->relations[i].from, fcs->relations[i].to);
    for (size_t i = 0; i < fcs->entity_count; i++)
        for (size_t j = 0; j < fcs->entities[i].field_count; j++)
            if (fcs->entities[i].fields[j].ref)
                add_neighbour(ctx, fcs->entities[i].go_name,
                              fcs->entities[i].fields[j].ref);
    size_t cursor = 0;
    void *value;
    while (gc_map_next(ctx->neighbours_of, &cursor, NULL, &value))
        gc_strv_sort(value);
}

static void index_contracts(plan_ctx *ctx)
{
    for (size_t i = 0; i < ctx->fcs->contract_count; i++) {
        const gc_contract *c = &ctx->fcs->contracts[i];
        if (!*c->entity) {
            gc_strv_add(&ctx->free_contracts, c->id);
            continue;
        }
        gc_strv_add(require_list(ctx->contract_by_entity, c->entity), c->id);
        if (gc_contract_is_rule(c))
            gc_strv_add(require_list(ctx->rule_by_entity, c->entity), c->id);
    }
}

static void open_ctx(plan_ctx *ctx, const gc_fcs *fcs, gc_plan *plan)
{
    *ctx = (plan_ctx){
        .fcs = fcs,
        .plan = plan,
        .http = strcmp(fcs->kind, "http") == 0,
        .cli = strcmp(fcs->kind, "cli") == 0,
        .pkg_by_dir = gc_map_new_borrowing(),
        .entity_by_name = gc_map_new_borrowing(),
        .file_by_path = gc_map_new_borrowing(),
        .req_by_entity = gc_map_new(),
        .contract_by_entity = gc_map_new(),
        .rule_by_entity = gc_map_new(),
        .package_by_name = gc_map_new_borrowing(),
        .package_by_path = gc_map_new_borrowing(),
        .program_dirs = gc_map_new(),
        .neighbours_of = gc_map_new(),
        .arena = gc_arena_new(),
    };
    index_requirements(ctx);
    index_neighbours(ctx);
    index_contracts(ctx);
    for (size_t i = 0; i < fcs->package_count; i++) {
        gc_map_set(ctx->package_by_name, fcs->packages[i].name, &fcs->packages[i]);
        gc_map_set(ctx->package_by_path, fcs->packages[i].path, &fcs->packages[i]);
    }
}

static void close_ctx(plan_ctx *ctx)
{
    plan_release_entities(ctx);
    gc_map_destroy(&ctx->pkg_by_dir);
    gc_map_destroy(&ctx->entity_by_name);
    gc_map_destroy(&ctx->file_by_path);
    gc_map_destroy(&ctx->package_by_name);
    gc_map_destroy(&ctx->package_by_path);
    gc_map_destroy(&ctx->program_dirs);
    gc_word_index_destroy(&ctx->entity_words);
    release_lists(&ctx->req_by_entity);
    release_lists(&ctx->contract_by_entity);
    release_lists(&ctx->rule_by_entity);
    release_lists(&ctx->neighbours_of);
    gc_strv_release(&ctx->general_reqs);
    gc_strv_release(&ctx->free_contracts);
    gc_arena_destroy(&ctx->arena);
    free(ctx->asks_for_more);
    free(ctx->web_rules);
}

/* ---- order, levels ---- */

typedef struct order_item {
    const char *path;
    size_t old;
} order_item;

static int by_path(const void *a, const void *b)
{
    return strcmp(((const order_item *)a)->path, ((const order_item *)b)->path);
}

static int by_file(const void *a, const void *b)
{
    size_t x = ((const gc_edge *)a)->file, y = ((const gc_edge *)b)->file;
    return x < y ? -1 : x > y;
}

/* One edge per file, the real one if there are both. */
static void merge_edges(gc_plan_file *f)
{
    size_t kept = 0;
    if (f->edge_count)
        qsort(f->edges, f->edge_count, sizeof *f->edges, by_file);
    for (size_t i = 0; i < f->edge_count; i++) {
        if (!kept || f->edges[kept - 1].file != f->edges[i].file)
            f->edges[kept++] = f->edges[i];
        else if (f->edges[i].kind == GC_EDGE_REAL)
            f->edges[kept - 1].kind = GC_EDGE_REAL;
    }
    f->edge_count = kept;
}

static void sort_files(gc_plan *plan)
{
    size_t n = plan->file_count;
    order_item *order = gc_xcalloc(n, sizeof *order);
    size_t *now_at = gc_xcalloc(n, sizeof *now_at);
    gc_plan_file *sorted = gc_xcalloc(n, sizeof *sorted);
    for (size_t i = 0; i < n; i++)
        order[i] = (order_item){ plan->files[i].path, i };
    qsort(order, n, sizeof *order, by_path);
    for (size_t i = 0; i < n; i++) {
        sorted[i] = plan->files[order[i].old];
        now_at[order[i].old] = i;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t e = 0; e < sorted[i].edge_count; e++)
            sorted[i].edges[e].file = now_at[sorted[i].edges[e].file];
        merge_edges(&sorted[i]);
    }
    free(plan->files);
    plan->files = sorted;
    free(order);
    free(now_at);
}

static void report_cycle(const gc_plan *plan, const gc_fcs *fcs, const size_t *cycle,
                         size_t len, gc_diags *diags)
{
    gc_strv names = { 0 };
    for (size_t i = 0; i < len; i++)
        gc_strv_add(&names, plan->files[cycle[i]].path);
    gc_strv_add(&names, plan->files[cycle[0]].path);
    char *chain = gc_strv_join(&names, " -> ");
    int line = 1, column = 1;
    for (size_t i = 0; i < fcs->file_count; i++) {
        if (strcmp(fcs->files[i].path, names.items[0]) == 0) {
            line = fcs->files[i].line;
            column = fcs->files[i].column;
        }
    }
    gc_diags_add(
        diags, GC_SEV_ERROR, line, column,
        "files depend on each other in a circle: %s; remove one depends_on of it", chain);
    free(chain);
    gc_strv_release(&names);
}

/* The real edges as rows; free() both of its arrays. */
typedef struct real_rows {
    size_t *first, *to;
} real_rows;

static real_rows real_edges(const gc_plan *plan)
{
    size_t n = plan->file_count, edges = 0, used = 0;
    for (size_t i = 0; i < n; i++)
        edges += plan->files[i].edge_count;
    real_rows rows = { gc_xcalloc(n + 1, sizeof *rows.first),
                       gc_xcalloc(edges, sizeof *rows.to) };
    for (size_t i = 0; i < n; i++) {
        rows.first[i] = used;
        for (size_t e = 0; e < plan->files[i].edge_count; e++)
            if (plan->files[i].edges[e].kind == GC_EDGE_REAL)
                rows.to[used++] = plan->files[i].edges[e].file;
    }
    rows.first[n] = used;
    return rows;
}

static gc_err set_levels(gc_plan *plan, const gc_fcs *fcs, gc_diags *diags)
{
    size_t n = plan->file_count, cycle_len = 0;
    real_rows rows = real_edges(plan);
    size_t *level = gc_xcalloc(n, sizeof *level);
    size_t *cycle = gc_xcalloc(n, sizeof *cycle);
    gc_graph graph = { n, rows.first, rows.to };
    gc_err err = gc_graph_levels(&graph, level, cycle, &cycle_len);
    if (err)
        report_cycle(plan, fcs, cycle, cycle_len, diags);
    for (size_t i = 0; !err && i < n; i++) {
        plan->files[i].level = level[i];
        if (level[i] + 1 > plan->level_count)
            plan->level_count = level[i] + 1;
    }
    free(rows.first);
    free(rows.to);
    free(level);
    free(cycle);
    return err;
}

double gc_plan_remaining(const gc_plan *self, const double *weight, double *remaining)
{
    real_rows rows = real_edges(self);
    gc_graph graph = { self->file_count, rows.first, rows.to };
    double critical = gc_graph_critical(&graph, weight, remaining);
    free(rows.first);
    free(rows.to);
    return critical;
}

double gc_plan_critical(const gc_plan *self, const double *weight)
{
    double *remaining = gc_xcalloc(self->file_count, sizeof *remaining);
    double critical = gc_plan_remaining(self, weight, remaining);
    free(remaining);
    return critical;
}

size_t gc_plan_waves(const gc_plan *self)
{
    double *calls = gc_xcalloc(self->file_count, sizeof *calls);
    for (size_t i = 0; i < self->file_count; i++)
        calls[i] = self->files[i].how == GC_BY_LLM;
    size_t waves = (size_t)gc_plan_critical(self, calls);
    free(calls);
    return waves;
}

static int by_dir(const void *a, const void *b)
{
    return strcmp(((const gc_plan_package *)a)->dir, ((const gc_plan_package *)b)->dir);
}

static void list_packages(plan_ctx *ctx)
{
    gc_plan *plan = ctx->plan;
    plan->packages = gc_xcalloc(ctx->pkg_count, sizeof *plan->packages);
    plan->package_count = ctx->pkg_count;
    for (size_t i = 0; i < ctx->pkg_count; i++) {
        const plan_pkg *pkg = ctx->pkgs[i];
        plan->packages[i] =
            (gc_plan_package){ gc_xstrdup(pkg->name), gc_xstrdup(pkg->dir),
                               gc_xstrdup(pkg->import_path), gc_xstrdup(pkg->purpose) };
    }
    if (plan->package_count)
        qsort(plan->packages, plan->package_count, sizeof *plan->packages, by_dir);
}

/* Nothing here fetches modules: the user is told what a build will ask for. */
static void note_downloads(const gc_fcs *fcs, gc_plan *plan)
{
    gc_strv names = { 0 };
    for (size_t i = 0; i < fcs->module_count; i++)
        gc_strv_add(&names, fcs->modules[i].path);
    if (names.count) {
        char *list = gc_strv_join(&names, ", ");
        gc_strv_push(&plan->notes, gc_xasprintf("%s must be downloaded before the first "
                                                "build: run `go mod tidy` in the project",
                                                list));
        free(list);
    }
    gc_strv_release(&names);
}

/* ---- public ---- */

static gc_err over_limit(gc_diags *diags, size_t files, const char *at_least, size_t max)
{
    gc_diags_add(diags, GC_SEV_ERROR, 1, 1,
                 "the plan has %s%zu files, more than limits.max_files (%zu); raise the "
                 "limit or split the spec",
                 at_least, files, max);
    return GC_ETOOBIG;
}

static gc_err lay_out(plan_ctx *ctx, const gc_plan_options *options, gc_diags *diags)
{
    /* Before anything is made of them: every entity has a file of its own. */
    size_t least = ctx->fcs->file_count ? ctx->fcs->file_count : ctx->fcs->entity_count;
    if (least > options->max_files)
        return over_limit(diags, least, "at least ", options->max_files);
    if (ctx->fcs->file_count) {
        gc_err err = plan_explicit_files(ctx, diags);
        if (err)
            return err;
        plan_project_files(ctx, options->templates);
    } else {
        plan_assign_entities(ctx);
        plan_entity_files(ctx);
        plan_shared_files(ctx);
        plan_package_files(ctx);
        if (options->templates && options->structural)
            plan_structural_files(ctx);
        plan_link_packages(ctx);
        plan_project_files(ctx, options->templates);
    }
    if (ctx->plan->file_count > options->max_files)
        return over_limit(diags, ctx->plan->file_count, "", options->max_files);
    return GC_OK;
}

gc_err gc_plan_make(const gc_fcs *fcs, const gc_plan_options *options, gc_diags *diags,
                    gc_plan **out)
{
    gc_plan *plan = gc_xcalloc(1, sizeof *plan);
    plan_ctx ctx;
    open_ctx(&ctx, fcs, plan);
    gc_err err = lay_out(&ctx, options, diags);
    if (!err) {
        sort_files(plan);
        list_packages(&ctx);
        err = set_levels(plan, fcs, diags);
    }
    if (!err && fcs->file_count)
        plan_check_imports(plan, fcs, diags);
    if (!err)
        note_downloads(fcs, plan);
    close_ctx(&ctx);
    if (err)
        gc_plan_destroy(&plan);
    else
        *out = plan;
    return err;
}

static void release_file(gc_plan_file *f)
{
    free(f->path);
    free(f->dir);
    free(f->package);
    free(f->import_path);
    free(f->purpose);
    free(f->template_data);
    gc_strv_release(&f->entities);
    gc_strv_release(&f->neighbours);
    gc_strv_release(&f->contracts);
    gc_strv_release(&f->requirements);
    free(f->promise);
    free(f->edges);
}

void gc_plan_destroy(gc_plan **self_p)
{
    gc_plan *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->file_count; i++)
        release_file(&self->files[i]);
    for (size_t i = 0; i < self->package_count; i++) {
        free(self->packages[i].name);
        free(self->packages[i].dir);
        free(self->packages[i].import_path);
        free(self->packages[i].purpose);
    }
    free(self->files);
    free(self->packages);
    gc_strv_release(&self->notes);
    free(self);
    *self_p = NULL;
}

long gc_plan_find(const gc_plan *self, const char *path)
{
    size_t low = 0, high = self->file_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(self->files[mid].path, path);
        if (order == 0)
            return (long)mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return -1;
}

size_t *gc_plan_order(const gc_plan *plan)
{
    size_t *first = gc_xcalloc(plan->level_count + 1, sizeof *first);
    size_t *order = gc_xcalloc(plan->file_count, sizeof *order);
    for (size_t i = 0; i < plan->file_count; i++)
        first[plan->files[i].level + 1]++;
    for (size_t level = 0; level < plan->level_count; level++)
        first[level + 1] += first[level];
    for (size_t i = 0; i < plan->file_count; i++)
        order[first[plan->files[i].level]++] = i;
    free(first);
    return order;
}
