#include "common/fcs.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/spec.h"
#include "common/text.h"

#define NEAREST_BUDGET 200
#define DEFAULT_GO "1.22"

/* ---- release ---- */

static void field_release(gc_field *f)
{
    free(f->name);
    free(f->go_name);
    free(f->json_name);
    free(f->spec_type);
    free(f->go_type);
    free(f->ref);
    free(f->default_value);
    free(f->description);
    gc_strv_release(&f->enum_values);
    gc_strv_release(&f->constraints);
}

static void entity_release(gc_entity *e)
{
    for (size_t i = 0; i < e->field_count; i++)
        field_release(&e->fields[i]);
    free(e->fields);
    free(e->name);
    free(e->go_name);
    free(e->snake);
    free(e->description);
    free(e->package);
}

static void relation_release(gc_relation *r)
{
    free(r->from);
    free(r->to);
    free(r->kind);
    free(r->name);
    free(r->description);
}

static void requirement_release(gc_requirement *r)
{
    free(r->id);
    free(r->kind);
    free(r->text);
    free(r->priority);
    gc_strv_release(&r->entities);
}

static void contract_release(gc_contract *c)
{
    free(c->id);
    free(c->method);
    free(c->path);
    free(c->name);
    free(c->description);
    free(c->request);
    free(c->response);
    free(c->entity);
}

static void package_release(gc_package *p)
{
    free(p->name);
    free(p->path);
    free(p->purpose);
}

static void file_release(gc_spec_file *f)
{
    free(f->path);
    free(f->purpose);
    gc_strv_release(&f->entities);
    gc_strv_release(&f->depends_on);
}

static void module_release(gc_module_dep *m)
{
    free(m->path);
    free(m->version);
}

static void question_release(gc_question *q)
{
    free(q->id);
    free(q->text);
    free(q->subject);
    free(q->default_answer);
    free(q->answer);
}

#define RELEASE_ALL(release, items, count)   \
    do {                                     \
        for (size_t i = 0; i < (count); i++) \
            release(&(items)[i]);            \
        free(items);                         \
    } while (0)

void gc_fcs_destroy(gc_fcs **self_p)
{
    gc_fcs *self = *self_p;
    if (!self)
        return;
    RELEASE_ALL(entity_release, self->entities, self->entity_count);
    RELEASE_ALL(relation_release, self->relations, self->relation_count);
    RELEASE_ALL(requirement_release, self->requirements, self->requirement_count);
    RELEASE_ALL(contract_release, self->contracts, self->contract_count);
    RELEASE_ALL(package_release, self->packages, self->package_count);
    RELEASE_ALL(module_release, self->modules, self->module_count);
    RELEASE_ALL(file_release, self->files, self->file_count);
    RELEASE_ALL(question_release, self->questions, self->question_count);
    gc_strv_release(&self->patterns);
    gc_strv_release(&self->testing);
    gc_strv_release(&self->renames);
    gc_strv_release(&self->broken_cycles);
    free(self->name);
    free(self->app);
    free(self->module_path);
    free(self->go_version);
    free(self->description);
    free(self->kind);
    free(self);
    *self_p = NULL;
}

void gc_spec_field_release(gc_spec_field *field)
{
    field_release(&field->field);
}

void gc_spec_entity_release(gc_spec_entity *entity)
{
    for (size_t i = 0; i < entity->field_count; i++)
        field_release(&entity->fields[i].field);
    free(entity->fields);
    entity_release(&entity->entity);
}

void gc_spec_package_release(gc_spec_package *package)
{
    package_release(&package->package);
}

/* ---- from what was read to the FCS: the items move ---- */

static void finish_entities(gc_spec *self)
{
    gc_fcs *fcs = self->fcs;
    fcs->entities = gc_xcalloc(self->entity_count + 1, sizeof *fcs->entities);
    fcs->entity_count = self->entity_count;
    for (size_t i = 0; i < self->entity_count; i++) {
        gc_spec_entity *from = &self->entities[i];
        gc_entity *to = &fcs->entities[i];
        *to = from->entity;
        to->fields = gc_xcalloc(from->field_count + 1, sizeof *to->fields);
        to->field_count = from->field_count;
        for (size_t k = 0; k < from->field_count; k++)
            to->fields[k] = from->fields[k].field;
        free(from->fields);
    }
    free(self->entities);
}

#define MOVE_ALL(list, count, member)                               \
    do {                                                            \
        fcs->list = gc_xcalloc(self->count + 1, sizeof *fcs->list); \
        fcs->count = self->count;                                   \
        for (size_t i = 0; i < self->count; i++)                    \
            fcs->list[i] = self->list[i].member;                    \
        free(self->list);                                           \
    } while (0)

static void finish(gc_spec *self)
{
    gc_fcs *fcs = self->fcs;
    finish_entities(self);
    for (size_t i = 0; i < self->requirement_count; i++)
        free(self->requirements[i].owner);
    MOVE_ALL(relations, relation_count, relation);
    MOVE_ALL(requirements, requirement_count, requirement);
    MOVE_ALL(contracts, contract_count, contract);
    MOVE_ALL(packages, package_count, package);
    MOVE_ALL(modules, module_count, module);
    MOVE_ALL(files, file_count, file);
    gc_word_index_destroy(&self->names);
    gc_map_destroy(&self->answers);
    gc_map_destroy(&self->asked);
    gc_map_destroy(&self->enums);
    gc_spec_release_made(self);
    free(self->kind);
}

static int by_module(const void *a, const void *b)
{
    const gc_module_dep *x = &((const gc_spec_module *)a)->module;
    const gc_module_dep *y = &((const gc_spec_module *)b)->module;
    int order = strcmp(x->path, y->path);
    return order ? order : strcmp(x->version, y->version);
}

/* One version per module: none gives way to one, two are an error. */
static void settle_modules(gc_spec *self)
{
    gc_spec_sort(self->modules, self->module_count, sizeof *self->modules, by_module);
    size_t kept = 0;
    for (size_t i = 0; i < self->module_count; i++) {
        gc_spec_module item = self->modules[i];
        gc_spec_module *before = kept ? &self->modules[kept - 1] : NULL;
        if (!before || strcmp(before->module.path, item.module.path) != 0) {
            self->modules[kept++] = item;
            continue;
        }
        bool clash = *before->module.version &&
                     strcmp(before->module.version, item.module.version) != 0;
        if (clash)
            gc_spec_error(self, item.at,
                          "the module %s is asked for in %s and %s; choose one",
                          item.module.path, before->module.version, item.module.version);
        gc_spec_set(&before->module.version, item.module.version);
        free(item.module.path);
    }
    self->module_count = kept;
}

static void settle_project(gc_spec *self)
{
    gc_fcs *fcs = self->fcs;
    if (!*fcs->module_path)
        gc_spec_set(&fcs->module_path,
                    gc_xasprintf("example.com/%s", *fcs->app ? fcs->app : "app"));
    if (!*fcs->go_version)
        gc_spec_set(&fcs->go_version, gc_xstrdup(DEFAULT_GO));
    gc_spec_sort_unique(&fcs->patterns);
    gc_spec_sort_unique(&fcs->testing);
    settle_modules(self);
}

static void resolve_field(gc_spec *self, gc_spec_entity *entity, gc_spec_field *field)
{
    gc_spec_resolve_type(self, entity, field);
    gc_spec_check_bounds(self, field);
}

static void resolve(gc_spec *self)
{
    settle_project(self);
    gc_clarify_entities(self);
    gc_spec_name_entities(self);
    for (size_t i = 0; i < self->entity_count; i++)
        gc_spec_name_fields(self, &self->entities[i]);
    for (size_t i = 0; i < self->entity_count; i++)
        for (size_t k = 0; k < self->entities[i].field_count; k++)
            resolve_field(self, &self->entities[i], &self->entities[i].fields[k]);
    gc_spec_find_kind(self);
    gc_spec_resolve_links(self);
    gc_spec_hold_relations(self);
    gc_spec_break_cycles(self);
    gc_clarify_rest(self);
    gc_spec_name_enums(self);
}

static gc_fcs *fcs_new(void)
{
    gc_fcs *fcs = gc_xcalloc(1, sizeof *fcs);
    fcs->name = gc_xstrdup("");
    fcs->app = gc_xstrdup("");
    fcs->module_path = gc_xstrdup("");
    fcs->go_version = gc_xstrdup("");
    fcs->description = gc_xstrdup("");
    fcs->kind = gc_xstrdup("");
    return fcs;
}

gc_err gc_fcs_build(const gc_node *spec, const gc_node *answers, size_t max_entities,
                    gc_diags *diags, gc_diags *answer_diags, gc_fcs **out)
{
    gc_spec self = { .fcs = fcs_new(),
                     .diags = diags,
                     .answer_diags = answer_diags,
                     .max_entities = max_entities,
                     .nearest_left = NEAREST_BUDGET,
                     .names = gc_word_index_new() };
    size_t errors = diags->errors + (answer_diags ? answer_diags->errors : 0);
    gc_clarify_load(&self, answers);
    gc_spec_read_root(&self, spec);
    resolve(&self);
    finish(&self);
    gc_fcs *fcs = self.fcs;
    if (diags->errors + (answer_diags ? answer_diags->errors : 0) > errors) {
        gc_fcs_destroy(&fcs);
        return GC_EINVAL;
    }
    *out = fcs;
    return GC_OK;
}

static bool is_primary(const gc_field *f)
{
    return gc_strv_has(&f->constraints, "primary_key");
}

static const gc_field *field_called_id(const gc_entity *e)
{
    for (size_t i = 0; i < e->field_count; i++)
        if (strcmp(e->fields[i].json_name, "id") == 0 && !e->fields[i].ref)
            return &e->fields[i];
    return NULL;
}

const gc_field *gc_entity_key(const gc_entity *self)
{
    const gc_field *primary = NULL;
    for (size_t i = 0; i < self->field_count; i++) {
        if (!is_primary(&self->fields[i]))
            continue;
        if (primary || self->fields[i].ref)
            return field_called_id(self);
        primary = &self->fields[i];
    }
    return primary ? primary : field_called_id(self);
}

bool gc_fcs_go_has(const gc_fcs *self, int minor)
{
    int64_t has = 0;
    const char *dot = strchr(self->go_version, '.');
    char *text = gc_xstrdup(dot ? dot + 1 : "");
    text[strcspn(text, ".")] = '\0';
    bool known = !gc_parse_i64(text, 0, 9999, &has);
    free(text);
    return known && (has >= minor || !gc_starts_with(self->go_version, "1."));
}

const gc_entity *gc_fcs_entity(const gc_fcs *self, const char *go_name)
{
    size_t low = 0, high = self->entity_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(self->entities[mid].go_name, go_name);
        if (order == 0)
            return &self->entities[mid];
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}
