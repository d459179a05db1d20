#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"
#include "coordinator/contracts.h"
#include "coordinator/plan_private.h"

static bool is_test(const char *path)
{
    return gc_ends_with(path, "_test.go");
}

static char *dir_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? gc_xmemdup(path, (size_t)(slash - path)) : gc_xstrdup("");
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void find_programs(plan_ctx *ctx)
{
    for (size_t i = 0; i < ctx->fcs->file_count; i++) {
        if (strcmp(base_of(ctx->fcs->files[i].path), "main.go") != 0)
            continue;
        char *dir = dir_of(ctx->fcs->files[i].path);
        gc_map_set(ctx->program_dirs, dir, ctx);
        free(dir);
    }
}

/* A folder is a program if a main.go is listed in it or it lies directly in cmd/. */
static bool is_program(const plan_ctx *ctx, const char *dir)
{
    return (gc_starts_with(dir, "cmd/") && !strchr(dir + 4, '/')) ||
           gc_map_has(ctx->program_dirs, dir);
}

static plan_pkg *package_of(plan_ctx *ctx, const char *dir)
{
    plan_pkg *pkg = gc_map_get(ctx->pkg_by_dir, dir);
    const gc_package *p = gc_map_get(ctx->package_by_path, dir);
    if (pkg)
        return pkg;
    if (p)
        return plan_require_pkg(ctx, dir, p->name, p->purpose);
    char *name = is_program(ctx, dir)
                     ? gc_xstrdup("main")
                     : gc_go_package(*dir ? base_of(dir) : ctx->fcs->app);
    pkg = plan_require_pkg(ctx, dir, name, "");
    free(name);
    return pkg;
}

static const char *kind_of(const char *path)
{
    if (is_test(path))
        return "test";
    return strcmp(base_of(path), "main.go") == 0 ? "main" : "source";
}

/* How well `path` fits as the home of entity `e`: its own name, then a word for models. */
static int fitness(const char *path, const gc_entity *e)
{
    static const char *const words[] = { "model.go",  "models.go",   "types.go",
                                         "entity.go", "entities.go", "domain.go" };
    const char *base = base_of(path);
    size_t len = strlen(e->snake);
    if (strncmp(base, e->snake, len) == 0 && strcmp(base + len, ".go") == 0)
        return 2;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(base, words[i]) == 0)
            return 1;
    return 0;
}

typedef struct entity_home {
    const gc_spec_file *file; /* NULL: none yet */
    int fit;
} entity_home;

static void consider(entity_home *h, const gc_spec_file *file, const gc_entity *e)
{
    int fit = fitness(file->path, e);
    bool smaller = h->file && strcmp(file->path, h->file->path) < 0;
    if (fit > h->fit || (fit && fit == h->fit && smaller))
        *h = (entity_home){ file, fit };
}

static void move_in(plan_ctx *ctx, plan_entity *pe, const gc_spec_file *file)
{
    char *dir = dir_of(file->path);
    pe->model = package_of(ctx, dir);
    pe->stem = gc_xstrdup(file->path);
    pe->type = plan_unique_symbol(pe->model, pe->e->go_name);
    pe->validate = plan_free_member(pe->e, "Validate");
    free(dir);
}

/* The file that declares the entity's struct: the best fit among those that list it. */
static void find_homes(plan_ctx *ctx)
{
    const gc_fcs *fcs = ctx->fcs;
    entity_home *homes = gc_xcalloc(fcs->entity_count, sizeof *homes);
    for (size_t i = 0; i < fcs->file_count; i++) {
        const gc_spec_file *file = &fcs->files[i];
        if (is_test(file->path) || !gc_ends_with(file->path, ".go"))
            continue;
        for (size_t j = 0; j < file->entities.count; j++) {
            const plan_entity *pe =
                gc_map_get(ctx->entity_by_name, file->entities.items[j]);
            if (pe)
                consider(&homes[pe - ctx->entities], file, pe->e);
        }
    }
    for (size_t i = 0; i < fcs->entity_count; i++)
        if (homes[i].file)
            move_in(ctx, &ctx->entities[i], homes[i].file);
    free(homes);
}

/* Only types of the same package are promised by name; others are referred to by id. */
static void prepare_entities(plan_ctx *ctx)
{
    const gc_fcs *fcs = ctx->fcs;
    ctx->entities = gc_xcalloc(fcs->entity_count, sizeof *ctx->entities);
    for (size_t i = 0; i < fcs->entity_count; i++) {
        ctx->entities[i].e = &fcs->entities[i];
        gc_map_set(ctx->entity_by_name, fcs->entities[i].go_name, &ctx->entities[i]);
    }
    find_homes(ctx);
    for (size_t i = 0; i < fcs->entity_count; i++) {
        plan_entity *pe = &ctx->entities[i];
        pe->by_id = gc_xcalloc(pe->e->field_count, sizeof *pe->by_id);
        for (size_t j = 0; j < pe->e->field_count; j++) {
            const gc_field *f = &pe->e->fields[j];
            const plan_entity *target =
                f->ref && !f->ref_by_id ? gc_map_get(ctx->entity_by_name, f->ref) : NULL;
            pe->by_id[j] =
                f->ref && !f->ref_by_id && (!target || target->model != pe->model);
        }
    }
}

static void promise_structs(plan_ctx *ctx, size_t file, const gc_spec_file *spec,
                            plan_pkg *pkg)
{
    plan_promise promise;
    plan_promise_init(&promise, ctx, pkg);
    for (size_t i = 0; i < spec->entities.count; i++) {
        plan_entity *pe = gc_map_get(ctx->entity_by_name, spec->entities.items[i]);
        if (!pe || !pe->stem || strcmp(pe->stem, spec->path) != 0)
            continue;
        plan_promise_model(&promise, pe);
    }
    gc_plan_file *f = &ctx->plan->files[file];
    free(f->promise);
    f->promise = plan_promise_take(&promise);
    f->expected_bytes = strlen(f->promise) + 3000;
    plan_promise_release(&promise);
}

/* "POST /orders" names no "POST /orders/{id}". */
static bool names_contract(const char *purpose, const char *id)
{
    size_t len = strlen(id);
    for (const char *p = purpose; (p = strstr(p, id)); p++)
        if (!isalnum((unsigned char)p[len]) && (!p[len] || !strchr("/-_{", p[len])))
            return true;
    return false;
}

static void tell_contracts(plan_ctx *ctx, gc_plan_file *f, const char *purpose)
{
    gc_contract_use use = GC_CONTRACTS_NONE;
    if (ctx->fcs->contract_count && !f->entities.count)
        use = gc_contract_use_without(f->path, purpose);
    for (size_t i = 0; i < ctx->fcs->contract_count; i++) {
        const gc_contract *c = &ctx->fcs->contracts[i];
        if (use == GC_CONTRACTS_ALL || (use == GC_CONTRACTS_FREE && !*c->entity) ||
            names_contract(purpose, c->id))
            gc_strv_add_unique(&f->contracts, c->id);
    }
}

/* The entities that the list gives, or those that path and purpose name; requirements and
 * contracts whose ids the purpose names. */
static void tell_what_it_is_about(plan_ctx *ctx, size_t file, const gc_spec_file *spec,
                                  bool go)
{
    gc_strv named = { 0 };
    if (go && !spec->entities.count)
        plan_words_entities(ctx, spec, &named);
    const gc_strv *about = spec->entities.count ? &spec->entities : &named;
    for (size_t i = 0; i < about->count; i++) {
        const plan_entity *pe = gc_map_get(ctx->entity_by_name, about->items[i]);
        if (pe)
            plan_about_entity(ctx, file, pe);
    }
    gc_plan_file *f = &ctx->plan->files[file];
    if (!f->entities.count)
        gc_strv_copy(&f->requirements, &ctx->general_reqs);
    for (size_t i = 0; i < ctx->fcs->requirement_count; i++)
        if (plan_words_names(spec->purpose, ctx->fcs->requirements[i].id))
            gc_strv_add_unique(&f->requirements, ctx->fcs->requirements[i].id);
    gc_strv_sort(&f->requirements);
    if (go)
        tell_contracts(ctx, f, spec->purpose);
    gc_strv_release(&named);
}

static void add_file(plan_ctx *ctx, const gc_spec_file *spec)
{
    bool go = gc_ends_with(spec->path, ".go");
    char *dir = dir_of(spec->path);
    plan_pkg *pkg = go ? package_of(ctx, dir) : NULL;
    size_t file =
        plan_add_file(ctx, spec->path, pkg, go ? kind_of(spec->path) : "project");
    plan_purpose(ctx, file, "%s", spec->purpose);
    tell_what_it_is_about(ctx, file, spec, go);
    gc_plan_file *f = &ctx->plan->files[file];
    f->expected_bytes = 3000;
    if (go && strcmp(f->kind, "main") == 0) {
        free(f->promise);
        f->promise = gc_xstrdup("func main()\n");
    } else if (go) {
        promise_structs(ctx, file, spec, pkg);
    }
    free(dir);
}

static gc_err link_files(plan_ctx *ctx, gc_diags *diags)
{
    const gc_fcs *fcs = ctx->fcs;
    for (size_t i = 0; i < fcs->file_count; i++) {
        const gc_spec_file *spec = &fcs->files[i];
        size_t from = (size_t)gc_map_get(ctx->file_by_path, spec->path) - 1;
        for (size_t j = 0; j < spec->depends_on.count; j++) {
            size_t to = (size_t)gc_map_get(ctx->file_by_path, spec->depends_on.items[j]);
            if (!to || to - 1 == from)
                gc_diags_add(
                    diags, GC_SEV_ERROR, spec->line, spec->column,
                    "%s depends on %s, which is %s; name another file of the list",
                    spec->path, spec->depends_on.items[j],
                    to ? "the file itself" : "not listed");
            else
                plan_add_edge(ctx, from, to - 1, GC_EDGE_REAL);
        }
    }
    return diags->errors ? GC_EINVAL : GC_OK;
}

/* Promised structs of the same package need no waiting: a contract edge. */
static void link_promises(plan_ctx *ctx)
{
    for (size_t i = 0; i < ctx->plan->file_count; i++) {
        for (size_t e = 0; e < ctx->plan->files[i].entities.count; e++) {
            const char *name = ctx->plan->files[i].entities.items[e];
            const plan_entity *pe = gc_map_get(ctx->entity_by_name, name);
            size_t home =
                pe && pe->stem ? (size_t)gc_map_get(ctx->file_by_path, pe->stem) : 0;
            if (home && home - 1 != i)
                plan_add_edge(ctx, i, home - 1, GC_EDGE_CONTRACT);
        }
    }
}

gc_err plan_explicit_files(plan_ctx *ctx, gc_diags *diags)
{
    find_programs(ctx);
    plan_words_open(ctx);
    prepare_entities(ctx);
    for (size_t i = 0; i < ctx->fcs->file_count; i++) {
        const gc_spec_file *spec = &ctx->fcs->files[i];
        if (gc_map_has(ctx->file_by_path, spec->path)) {
            gc_diags_add(diags, GC_SEV_ERROR, spec->line, spec->column,
                         "%s is listed twice; remove one of the two", spec->path);
            continue;
        }
        add_file(ctx, spec);
    }
    gc_err err = link_files(ctx, diags);
    if (!err)
        link_promises(ctx);
    return err;
}
