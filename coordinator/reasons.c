#include "coordinator/reasons.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "coordinator/contracts.h"

static bool has(const gc_reasons *self, const char *what, const char *name)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->items[i].what, what) == 0 &&
            strcmp(self->items[i].name, name) == 0)
            return true;
    return false;
}

static void add(gc_reasons *self, const char *what, const char *name, char *why)
{
    self->items = gc_grow(self->items, self->count, &self->cap, sizeof *self->items);
    self->items[self->count++] = (gc_reason){ what, name, why };
}

static char *why_entity(const gc_fcs *fcs, const gc_plan_file *file, const char *name)
{
    for (size_t i = 0; i < fcs->file_count; i++)
        if (strcmp(fcs->files[i].path, file->path) == 0)
            return gc_xstrdup(gc_strv_has(&fcs->files[i].entities, name)
                                  ? "its own: listed for the file"
                                  : "its own: path or purpose name it");
    return gc_xstrdup("its own");
}

/* By a field of an own entity, by a relation of one, or since the file joins all. */
static char *why_neighbour(const gc_fcs *fcs, const gc_plan_file *file, const char *name)
{
    for (size_t i = 0; i < file->entities.count; i++) {
        const gc_entity *e = gc_fcs_entity(fcs, file->entities.items[i]);
        for (size_t k = 0; e && k < e->field_count; k++)
            if (e->fields[k].ref && strcmp(e->fields[k].ref, name) == 0)
                return gc_xasprintf("field %s of %s refers to it", e->fields[k].go_name,
                                    e->go_name);
    }
    for (size_t i = 0; i < fcs->relation_count; i++) {
        const gc_relation *r = &fcs->relations[i];
        if (strcmp(r->to, name) == 0 && gc_strv_has(&file->entities, r->from))
            return gc_xasprintf("relation: %s %s %s", r->from, r->kind, r->to);
    }
    return gc_xstrdup("the file joins all entities");
}

static gc_contract_use use_of(const gc_fcs *fcs, const gc_plan_file *file)
{
    return gc_contract_use_of(file->kind, file->path, file->purpose,
                              strcmp(fcs->kind, "http") == 0);
}

static char *why_contract(const gc_fcs *fcs, const gc_plan_file *file, const char *id)
{
    for (size_t i = 0; i < fcs->contract_count; i++) {
        const gc_contract *c = &fcs->contracts[i];
        if (strcmp(c->id, id) != 0)
            continue;
        if (*c->entity && gc_strv_has(&file->entities, c->entity))
            return gc_xasprintf("is about %s%s", c->entity,
                                use_of(fcs, file) == GC_CONTRACTS_RULES
                                    ? " and says more than its methods do"
                                    : "");
        if (!*c->entity && strcmp(file->kind, "source") != 0)
            return gc_xstrdup("belongs to no entity: who joins all of them serves it");
        gc_contract_use use = gc_contract_use_without(file->path, file->purpose);
        if (!file->entities.count && use == GC_CONTRACTS_ALL)
            return gc_xstrdup("the file is about routes");
        if (!file->entities.count && use == GC_CONTRACTS_FREE && !*c->entity)
            return gc_xstrdup("belongs to no entity, and the file speaks HTTP");
    }
    return gc_xstrdup("its purpose names it");
}

/* Contracts of its entities that the file has no use for. */
static void count_left_out(gc_reasons *self, const gc_fcs *fcs, const gc_plan_file *file)
{
    for (size_t i = 0; i < fcs->contract_count; i++)
        self->contracts_left_out +=
            *fcs->contracts[i].entity &&
            gc_strv_has(&file->entities, fcs->contracts[i].entity) &&
            !gc_strv_has(&file->contracts, fcs->contracts[i].id);
    if (!self->contracts_left_out)
        return;
    if (strcmp(file->kind, "test") == 0)
        self->why_left_out = "what it tests has no use for them";
    else if (use_of(fcs, file) == GC_CONTRACTS_RULES)
        self->why_left_out = "they say no more than its methods do";
    else
        self->why_left_out = "such a file serves none";
}

static char *why_requirement(const gc_fcs *fcs, const gc_plan_file *file, const char *id)
{
    for (size_t i = 0; i < fcs->requirement_count; i++) {
        const gc_requirement *r = &fcs->requirements[i];
        if (strcmp(r->id, id) != 0)
            continue;
        if (!r->entities.count)
            return gc_xstrdup("names no entity: goes to all");
        for (size_t k = 0; k < r->entities.count; k++)
            if (gc_strv_has(&file->entities, r->entities.items[k]))
                return gc_xasprintf("names %s", r->entities.items[k]);
    }
    return gc_xstrdup("the file is about all of them, or its purpose names it");
}

gc_reasons gc_reasons_of(const gc_fcs *fcs, const gc_plan_file *file)
{
    gc_reasons self = { 0 };
    for (size_t i = 0; i < file->entities.count; i++) {
        const char *name = file->entities.items[i];
        if (!has(&self, "entity", name))
            add(&self, "entity", name, why_entity(fcs, file, name));
    }
    for (size_t i = 0; i < file->neighbours.count; i++) {
        const char *name = file->neighbours.items[i];
        if (!has(&self, "entity", name) && !has(&self, "neighbour", name))
            add(&self, "neighbour", name, why_neighbour(fcs, file, name));
    }
    for (size_t i = 0; i < file->contracts.count; i++) {
        const char *id = file->contracts.items[i];
        if (!has(&self, "contract", id))
            add(&self, "contract", id, why_contract(fcs, file, id));
    }
    for (size_t i = 0; i < file->requirements.count; i++) {
        const char *id = file->requirements.items[i];
        if (!has(&self, "requirement", id))
            add(&self, "requirement", id, why_requirement(fcs, file, id));
    }
    count_left_out(&self, fcs, file);
    return self;
}

void gc_reasons_release(gc_reasons *self)
{
    for (size_t i = 0; i < self->count; i++)
        free(self->items[i].why);
    free(self->items);
    *self = (gc_reasons){ 0 };
}
