/* Packages that the specification describes and nothing else fills: one file with its test
 * each, written by the model. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"
#include "coordinator/plan_private.h"

enum {
    PACKAGE_BYTES = 3000,
    PACKAGE_TEST_BYTES = 2200
};

static const char kind[] = "source"; /* as a listed file: its surface is the model's */

/* ---- one package ---- */

/* Those that name it, and those that are for all. */
static void collect_requirements(plan_ctx *ctx, size_t file, const gc_package *p)
{
    gc_plan_file *f = &ctx->plan->files[file];
    for (size_t i = 0; i < ctx->fcs->requirement_count; i++) {
        const gc_requirement *r = &ctx->fcs->requirements[i];
        if (plan_words_names(r->text, p->name) || plan_words_names(p->purpose, r->id))
            gc_strv_add_unique(&f->requirements, r->id);
    }
    for (size_t i = 0; i < ctx->general_reqs.count; i++)
        gc_strv_add_unique(&f->requirements, ctx->general_reqs.items[i]);
    gc_strv_sort(&f->requirements);
}

/* The files of an entity that its purpose names: it may use all that they promise. */
static void link_entity(plan_ctx *ctx, size_t file, const char *name)
{
    for (size_t i = 0; i < ctx->plan->file_count; i++) {
        const gc_plan_file *other = &ctx->plan->files[i];
        bool usable = strcmp(other->kind, "model") == 0 ||
                      strcmp(other->kind, "store") == 0 ||
                      strcmp(other->kind, "service") == 0;
        if (usable && gc_strv_has(&other->entities, name))
            plan_add_edge(ctx, file, i, GC_EDGE_CONTRACT);
    }
}

static void link_errors(plan_ctx *ctx, size_t file)
{
    for (size_t i = 0; i < ctx->plan->file_count; i++)
        if (strcmp(ctx->plan->files[i].kind, "errors") == 0)
            plan_add_edge(ctx, file, i, GC_EDGE_CONTRACT);
}

static void add_package(plan_ctx *ctx, const gc_package *p)
{
    plan_pkg *pkg = plan_require_pkg(ctx, p->path, p->name, p->purpose);
    char *path = gc_xasprintf("%s/%s.go", p->path, p->name);
    gc_spec_file described = { .path = path, .purpose = p->purpose };
    gc_strv about = { 0 };
    plan_words_entities(ctx, &described, &about);
    size_t file = plan_add_file(ctx, path, pkg, kind);
    if (*p->purpose)
        plan_purpose(ctx, file, "%s", p->purpose);
    else
        plan_purpose(ctx, file, "What the requirements say of %s.", p->name);
    for (size_t i = 0; i < about.count; i++) {
        plan_about_entity(ctx, file, gc_map_get(ctx->entity_by_name, about.items[i]));
        link_entity(ctx, file, about.items[i]);
    }
    link_errors(ctx, file);
    collect_requirements(ctx, file, p);
    ctx->plan->files[file].expected_bytes = PACKAGE_BYTES;
    char *exported = gc_go_exported(p->name);
    char *function = gc_xasprintf("Test%s", exported);
    size_t test = plan_add_test(ctx, file, function, PACKAGE_TEST_BYTES);
    plan_add_edge(ctx, test, file, GC_EDGE_REAL); /* nothing is promised */
    free(function);
    free(exported);
    free(path);
    gc_strv_release(&about);
}

/* ---- all of them ---- */

static bool is_needed(const plan_ctx *ctx, const gc_package *p)
{
    for (size_t i = 0; i < ctx->fcs->requirement_count; i++)
        if (plan_words_names(ctx->fcs->requirements[i].text, p->name))
            return true;
    return *p->purpose != '\0';
}

static void note_unused(plan_ctx *ctx, const gc_package *p, const char *why)
{
    gc_strv_push(&ctx->plan->notes, gc_xasprintf("the package %s (%s) stays empty: %s",
                                                 p->name, p->path, why));
}

void plan_package_files(plan_ctx *ctx)
{
    const gc_fcs *fcs = ctx->fcs;
    if (fcs->package_count)
        plan_words_open(ctx);
    for (size_t i = 0; i < fcs->package_count; i++) {
        const gc_package *p = &fcs->packages[i];
        if (gc_map_has(ctx->pkg_by_dir, p->path))
            continue;
        if (gc_starts_with(p->path, "cmd/"))
            note_unused(ctx, p, "the program is the only one that is planned");
        else if (plan_is_layer(p->name))
            note_unused(ctx, p,
                        "each entity has a package of its own; declare one for models, "
                        "too, to have a package for each layer");
        else if (is_needed(ctx, p))
            add_package(ctx, p);
        else
            note_unused(ctx, p, "say what it is for, or name it in a requirement");
    }
}

void plan_link_packages(plan_ctx *ctx)
{
    gc_plan *plan = ctx->plan;
    for (size_t i = 0; i < plan->file_count; i++) {
        const gc_plan_file *f = &plan->files[i];
        bool wires = strcmp(f->kind, "cli") == 0 || gc_ends_with(f->path, "/router.go");
        for (size_t k = 0; wires && f->how == GC_BY_LLM && k < plan->file_count; k++)
            if (strcmp(plan->files[k].kind, kind) == 0)
                plan_add_edge(ctx, i, k, GC_EDGE_REAL);
    }
}
