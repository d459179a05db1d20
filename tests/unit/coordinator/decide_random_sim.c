#include "unit/coordinator/decide_random_sim.h"

#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "common/mem.h"
#include "common/project.h"
#include "common/text.h"
#include "support/must_fcs.h"

static gc_prompts *prompts;
static gc_map *apis; /* sha256 of a Go text -> its API digest, "" if it is none; owned */

void sim_set_up(void)
{
    apis = gc_map_new();
    must_ok(gc_prompts_load("", &prompts, NULL));
}

void sim_tear_down(void)
{
    size_t cursor = 0;
    void *api;
    while (gc_map_next(apis, &cursor, NULL, &api))
        free(api);
    gc_map_destroy(&apis);
    gc_prompts_destroy(&prompts);
}

/* ---- a specification, planned ---- */

static char *render(const gc_fcs *fcs, const gc_plan_file *f)
{
    gc_buf out;
    gc_buf_init(&out, (size_t)1 << 20);
    json_t *data = f->template_data ? json_loads(f->template_data, 0, NULL) : NULL;
    must_ok(data ? gc_project_render_data("", f->template_name, data, &out, NULL)
                 : gc_project_render("", f->template_name, fcs, &out, NULL));
    json_decref(data);
    return gc_buf_take(&out);
}

world world_open(random_spec *spec)
{
    static const gc_plan_options options = { .templates = true,
                                             .structural = true,
                                             .max_files = 1000 };
    world w = { 0 };
    gc_diags diags;
    char *yaml = random_spec_yaml(spec);
    w.fcs = must_build(yaml);
    free(yaml);
    gc_diags_init(&diags, "spec");
    must_ok(gc_plan_make(w.fcs, &options, &diags, &w.plan));
    gc_diags_release(&diags);
    w.slicer = gc_slicer_new(w.fcs);
    w.ctx = (gc_fp_context){ .fcs = w.fcs,
                             .plan = w.plan,
                             .slicer = w.slicer,
                             .prompts = prompts,
                             .response_format = "tags",
                             .model = "model-x",
                             .effort = "low" };
    w.rendered = gc_xcalloc(w.plan->file_count, sizeof *w.rendered);
    for (size_t i = 0; i < w.plan->file_count; i++)
        if (w.plan->files[i].how == GC_BY_TEMPLATE)
            w.rendered[i] = render(w.fcs, &w.plan->files[i]);
    return w;
}

void world_close(world *self)
{
    for (size_t i = 0; i < self->plan->file_count; i++)
        free(self->rendered[i]);
    free(self->rendered);
    gc_slicer_destroy(&self->slicer);
    gc_plan_destroy(&self->plan);
    gc_fcs_destroy(&self->fcs);
}

gc_sha world_template_fingerprint(const world *self, size_t file)
{
    const gc_plan_file *f = &self->plan->files[file];
    const char *text = self->rendered[file];
    gc_sha sha;
    if (!f->template_data)
        return gc_fingerprint_template(f, text, strlen(text));
    must_ok(gc_project_template_sha("", f->template_name, &sha, NULL));
    return gc_fingerprint_data(f, &sha);
}

/* ---- the tree and its state ---- */

void sim_init(sim *self)
{
    *self = (sim){ .files = gc_map_new(),
                   .ours = gc_map_new(),
                   .written = gc_map_new(),
                   .inputs = gc_map_new() };
    gc_state_init(&self->state);
}

static void release_map(gc_map **map)
{
    size_t cursor = 0;
    void *value;
    while (gc_map_next(*map, &cursor, NULL, &value))
        free(value);
    gc_map_destroy(map);
}

void sim_release(sim *self)
{
    release_map(&self->files);
    release_map(&self->written);
    release_map(&self->inputs);
    gc_map_destroy(&self->ours);
    gc_state_release(&self->state);
}

sim_file *sim_find(const sim *self, const char *path)
{
    return gc_map_get(self->files, path);
}

static const char *api_of(const gc_sha *sha, const char *text)
{
    gc_sha api = { "" };
    char *known = gc_map_get(apis, sha->hex);
    if (known)
        return known;
    if (gc_go_api_digest(text, strlen(text), &api, NULL))
        api.hex[0] = '\0';
    known = gc_xstrdup(api.hex);
    gc_map_set(apis, sha->hex, known);
    return known;
}

sim_file *sim_write(sim *self, const char *path, const char *text)
{
    sim_file *f = sim_find(self, path);
    if (!f) {
        f = gc_xcalloc(1, sizeof *f);
        gc_map_set(self->files, path, f);
    }
    f->sha = f->api = gc_sha256(text, strlen(text));
    f->by_hand = false;
    const char *api = gc_ends_with(path, ".go") ? api_of(&f->sha, text) : "";
    f->surface = *api;
    if (f->surface)
        memcpy(f->api.hex, api, sizeof f->api.hex);
    return f;
}

void sim_remove(sim *self, const char *path)
{
    free(gc_map_remove(self->files, path));
}

gc_tree_file sim_look(const sim *self, const char *path, bool knowing)
{
    const sim_file *f = sim_find(self, path);
    gc_tree_file tree = { 0 };
    if (f)
        tree =
            (gc_tree_file){ true, f->sha, knowing && gc_map_has(self->ours, f->sha.hex) };
    return tree;
}

/* ---- what a file depends on, by this test's own reckoning ---- */

static void hash_entity(gc_hasher *h, const gc_fcs *fcs, const char *name)
{
    const gc_entity *e = gc_fcs_entity(fcs, name);
    gc_hasher_text(h, name);
    gc_hasher_text(h, e->description);
    for (size_t i = 0; i < e->field_count; i++) {
        const gc_field *f = &e->fields[i];
        gc_hasher_text(h, f->go_name);
        gc_hasher_text(h, f->go_type);
        gc_hasher_text(h, f->spec_type);
        gc_hasher_text(h, f->required ? "required" : "");
        for (size_t k = 0; k < f->constraints.count; k++)
            gc_hasher_text(h, f->constraints.items[k]);
    }
    for (size_t i = 0; i < fcs->relation_count; i++)
        if (strcmp(fcs->relations[i].from, name) == 0)
            gc_hasher_text(h, fcs->relations[i].to);
}

static void hash_names(gc_hasher *h, const gc_strv *names)
{
    gc_strv sorted = { 0 };
    gc_strv_copy(&sorted, names);
    gc_strv_sort(&sorted);
    for (size_t i = 0; i < sorted.count; i++)
        gc_hasher_text(h, sorted.items[i]);
    gc_hasher_text(h, "");
    gc_strv_release(&sorted);
}

/* Its own, and those that are about nothing else. */
static void hash_requirements(gc_hasher *h, const gc_fcs *fcs, const gc_plan_file *f)
{
    for (size_t i = 0; i < fcs->requirement_count; i++) {
        const gc_requirement *r = &fcs->requirements[i];
        if (!r->entities.count || gc_strv_has(&f->requirements, r->id))
            gc_hasher_text(h, r->text);
    }
}

gc_sha sim_inputs(const world *w, const sim *s, size_t file)
{
    const gc_plan_file *f = &w->plan->files[file];
    gc_hasher *h = gc_hasher_new();
    gc_hasher_text(h, f->path);
    gc_hasher_text(h, f->purpose);
    gc_hasher_text(h, f->promise);
    gc_hasher_text(h, w->rendered[file] ? w->rendered[file] : "");
    if (!w->rendered[file])
        hash_requirements(h, w->fcs, f);
    for (size_t i = 0; !w->rendered[file] && i < f->entities.count; i++)
        hash_entity(h, w->fcs, f->entities.items[i]);
    hash_names(h, &f->neighbours);
    hash_names(h, &f->contracts);
    for (size_t e = 0; !w->rendered[file] && e < f->edge_count; e++) {
        const gc_plan_file *dep = &w->plan->files[f->edges[e].file];
        bool real = f->edges[e].kind == GC_EDGE_REAL;
        gc_hasher_text(h, dep->path);
        gc_hasher_text(h, real ? sim_find(s, dep->path)->api.hex : dep->promise);
    }
    return gc_hasher_finish(&h);
}

void sim_keep_inputs(sim *self, const world *w)
{
    for (size_t i = 0; i < w->plan->file_count; i++)
        free(gc_map_set(self->inputs, w->plan->files[i].path,
                        gc_xstrdup(sim_inputs(w, self, i).hex)));
}

bool sim_same_inputs(const sim *self, const world *w, size_t file)
{
    const char *kept = gc_map_get(self->inputs, w->plan->files[file].path);
    return kept && strcmp(kept, sim_inputs(w, self, file).hex) == 0;
}

char *sim_answer(const char *path, const gc_sha *inputs)
{
    if (!gc_ends_with(path, ".go"))
        return gc_xasprintf("from %s\n", inputs->hex);
    return gc_xasprintf("package p\n\n// From %s.\nfunc Surface%d() {}\n", inputs->hex,
                        inputs->hex[0] % 2);
}
