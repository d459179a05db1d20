#include "coordinator/facts.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/prompt.h"
#include "common/spec_words.h"

#define SCHEMA 1
#define MAX_VALUE 160 /* bytes; of a longer text only its hash is kept */

/* ---- a fact ---- */

static gc_fact *add(gc_facts *self, char *name)
{
    if (gc_map_has(self->by_name, name)) { /* two spellings of one field */
        free(name);
        return NULL;
    }
    self->items = gc_grow(self->items, self->count, &self->cap, sizeof *self->items);
    gc_fact *fact = &self->items[self->count++];
    *fact = (gc_fact){ .name = name };
    gc_number_set(self->by_name, name, self->count);
    return fact;
}

static void say(gc_fact *fact, const char *label, const char *value)
{
    size_t len = value ? strlen(value) : 0;
    if (!fact || !len)
        return;
    gc_strv_add(&fact->parts, label);
    if (len <= MAX_VALUE)
        gc_strv_add(&fact->parts, value);
    else
        gc_strv_push(&fact->parts, gc_xasprintf("#%.16s", gc_sha256(value, len).hex));
}

static void say_list(gc_fact *fact, const char *label, const gc_strv *list)
{
    char *text = gc_strv_join(list, ", ");
    say(fact, label, text);
    free(text);
}

static void concern(gc_fact *fact, const char *whom, const char *name)
{
    if (fact)
        gc_strv_push(&fact->about, gc_xasprintf("%s%s", whom, name));
}

/* ---- the specification ---- */

static void add_setting(gc_facts *self, const char *name, const char *about,
                        const char *value)
{
    gc_fact *fact = add(self, gc_xstrdup(name));
    concern(fact, about, "");
    say(fact, "", value);
}

static void add_field(gc_facts *self, const gc_entity *e, const gc_field *f)
{
    gc_fact *fact = add(self, gc_xasprintf("%s.%s", e->go_name, f->name));
    concern(fact, "entity:", e->go_name);
    if (strcmp(f->json_name, "id") == 0)
        concern(fact, "key:", e->go_name);
    say(fact, "type", *f->spec_type ? f->spec_type : f->go_type);
    say(fact, "Go type", f->go_type);
    say(fact, "refers by id", f->ref && f->ref_by_id ? "yes" : "no");
    say(fact, "required", f->required ? "yes" : "no");
    say(fact, "unique", f->unique ? "yes" : "no");
    say(fact, "default", f->default_value);
    say_list(fact, "values", &f->enum_values);
    say_list(fact, "rules", &f->constraints);
    say(fact, "description", f->description);
}

static void add_entity(gc_facts *self, const gc_entity *e)
{
    gc_fact *fact = add(self, gc_xasprintf("entity %s", e->go_name));
    concern(fact, "entity:", e->go_name);
    concern(fact, "key:", e->go_name);
    concern(fact, "wiring", "");
    say(fact, "name", e->name);
    say(fact, "package", e->package);
    say(fact, "description", e->description);
    for (size_t i = 0; i < e->field_count; i++)
        add_field(self, e, &e->fields[i]);
}

static void add_relation(gc_facts *self, const gc_relation *r)
{
    gc_fact *fact = add(self, gc_xasprintf("relation %s %s %s%s%s", r->from, r->kind,
                                           r->to, *r->name ? " " : "", r->name));
    concern(fact, "entity:", r->from);
    say(fact, "by id", r->by_id ? "yes" : "no");
    say(fact, "description", r->description);
}

static void add_requirement(gc_facts *self, const gc_requirement *r)
{
    gc_fact *fact = add(self, gc_xasprintf("requirement %s", r->id));
    for (size_t i = 0; i < r->entities.count; i++)
        concern(fact, "entity:", r->entities.items[i]);
    if (!r->entities.count)
        concern(fact, "llm", "");
    say(fact, "text", r->text);
    say(fact, "kind", r->kind);
    say(fact, "priority", r->priority);
    say_list(fact, "entities", &r->entities);
}

static void add_contract(gc_facts *self, const gc_contract *c)
{
    gc_fact *fact = add(self, gc_xasprintf("contract %s", c->id));
    concern(fact, "contract:", c->entity);
    concern(fact, "wiring", "");
    say(fact, "name", c->name);
    say(fact, "request", c->request);
    say(fact, "response", c->response);
    say(fact, "entity", c->entity);
    say(fact, "description", c->description);
}

static void add_file(gc_facts *self, const gc_spec_file *f)
{
    gc_fact *fact = add(self, gc_xasprintf("file %s", f->path));
    concern(fact, "path:", f->path);
    say(fact, "purpose", f->purpose);
    say_list(fact, "entities", &f->entities);
    say_list(fact, "depends_on", &f->depends_on);
}

static void add_list(gc_facts *self, const char *what, const gc_strv *list)
{
    for (size_t i = 0; i < list->count; i++)
        concern(add(self, gc_xasprintf("%s \"%s\"", what, list->items[i])), "llm", "");
}

static void add_project(gc_facts *self, const gc_fcs *fcs)
{
    add_setting(self, "name", "llm", fcs->name);
    add_setting(self, "description", "llm", fcs->description);
    add_setting(self, "module path", "*", fcs->module_path);
    add_setting(self, "Go version", "*", fcs->go_version);
    add_setting(self, "kind", "*", fcs->kind);
    add_setting(self, "SQL", "*", fcs->sql ? "yes" : "no");
    add_list(self, "pattern", &fcs->patterns);
    add_list(self, "testing", &fcs->testing);
    for (size_t i = 0; i < fcs->module_count; i++) {
        gc_fact *fact = add(self, gc_xasprintf("module %s", fcs->modules[i].path));
        concern(fact, "*", "");
        say(fact, "version", fcs->modules[i].version);
    }
    for (size_t i = 0; i < fcs->package_count; i++) {
        gc_fact *fact = add(self, gc_xasprintf("package %s", fcs->packages[i].name));
        concern(fact, "*", "");
        say(fact, "path", fcs->packages[i].path);
        say(fact, "purpose", fcs->packages[i].purpose);
    }
    for (size_t i = 0; i < fcs->question_count; i++) {
        const gc_question *q = &fcs->questions[i];
        if (!q->answer)
            continue;
        gc_fact *fact = add(self, gc_xasprintf("answer to %s", q->id));
        concern(fact, "llm", "");
        say(fact, "", q->answer);
    }
}

/* ---- settings ---- */

static void add_kind(gc_facts *self, const gc_fp_context *ctx, const char *kind)
{
    gc_sha sha = gc_prompts_sha(ctx->prompts, kind, ctx->response_format);
    gc_fact *fact = add(self, gc_xasprintf("prompt of kind %s", kind));
    concern(fact, "kind:", kind);
    say(fact, "text", sha.hex);
}

static void add_settings(gc_facts *self, const gc_fp_context *ctx,
                         gc_err (*template_sha)(void *arg, const char *name, gc_sha *out),
                         void *arg)
{
    gc_sha sha;
    add_setting(self, "model", "llm", ctx->model);
    add_setting(self, "effort", "llm", ctx->effort);
    add_setting(self, "simulated model", "llm", ctx->simulated ? "yes" : "no");
    gc_map *seen = gc_map_new();
    for (size_t i = 0; i < ctx->plan->file_count; i++) {
        const gc_plan_file *f = &ctx->plan->files[i];
        const char *name = f->how == GC_BY_LLM ? f->kind : f->template_name;
        if (gc_map_has(seen, name))
            continue;
        gc_map_set(seen, name, self);
        if (f->how == GC_BY_LLM) {
            add_kind(self, ctx, f->kind);
        } else if (!template_sha(arg, name, &sha)) {
            gc_fact *fact = add(self, gc_xasprintf("template %s", name));
            concern(fact, "template:", name);
            say(fact, "text", sha.hex);
        }
    }
    gc_map_destroy(&seen);
}

gc_facts gc_facts_of(const gc_fp_context *ctx,
                     gc_err (*template_sha)(void *arg, const char *name, gc_sha *out),
                     void *arg)
{
    const gc_fcs *fcs = ctx->fcs;
    gc_facts self = { .by_name = gc_map_new() };
    add_project(&self, fcs);
    for (size_t i = 0; i < fcs->entity_count; i++)
        add_entity(&self, &fcs->entities[i]);
    for (size_t i = 0; i < fcs->relation_count; i++)
        add_relation(&self, &fcs->relations[i]);
    for (size_t i = 0; i < fcs->requirement_count; i++)
        add_requirement(&self, &fcs->requirements[i]);
    for (size_t i = 0; i < fcs->contract_count; i++)
        add_contract(&self, &fcs->contracts[i]);
    for (size_t i = 0; i < fcs->file_count; i++)
        add_file(&self, &fcs->files[i]);
    add_settings(&self, ctx, template_sha, arg);
    return self;
}

void gc_facts_release(gc_facts *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->items[i].name);
        gc_strv_release(&self->items[i].about);
        gc_strv_release(&self->items[i].parts);
    }
    free(self->items);
    gc_map_destroy(&self->by_name);
    *self = (gc_facts){ 0 };
}

const gc_fact *gc_facts_find(const gc_facts *self, const char *name)
{
    size_t number = gc_number_get(self->by_name, name);
    return number ? &self->items[number - 1] : NULL;
}

/* ---- the record ---- */

static json_t *list_json(const gc_strv *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

void gc_facts_print(const gc_facts *self, gc_buf *out)
{
    json_t *facts = json_object();
    for (size_t i = 0; i < self->count; i++)
        json_object_set_new(facts, self->items[i].name,
                            json_pack("{s:o, s:o}", "about",
                                      list_json(&self->items[i].about), "says",
                                      list_json(&self->items[i].parts)));
    json_t *root =
        json_pack("{s:i, s:s, s:o}", "schema", SCHEMA, "fcs", self->fcs, "facts", facts);
    char *text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    gc_buf_puts(out, text ? text : "");
    free(text);
    json_decref(root);
}

static bool read_list(const json_t *array, gc_strv *out)
{
    size_t i;
    const json_t *item;
    json_array_foreach(array, i, item)
    {
        if (!json_is_string(item))
            return false;
        gc_strv_add(out, json_string_value(item));
    }
    return json_is_array(array);
}

static bool read_fact(gc_facts *self, const char *name, const json_t *item)
{
    gc_fact *fact = add(self, gc_xstrdup(name));
    return fact && read_list(json_object_get(item, "about"), &fact->about) &&
           read_list(json_object_get(item, "says"), &fact->parts) &&
           fact->parts.count % 2 == 0;
}

gc_err gc_facts_parse(const char *mem, size_t len, gc_facts *out)
{
    gc_facts self = { .by_name = gc_map_new() };
    json_t *root = json_loadb(mem, len, JSON_REJECT_DUPLICATES, NULL), *item;
    json_t *facts = json_object_get(root, "facts");
    const char *fcs = json_string_value(json_object_get(root, "fcs"));
    const char *name;
    bool good = json_integer_value(json_object_get(root, "schema")) == SCHEMA &&
                json_is_object(facts) && json_object_size(facts) <= GC_FACTS_MAX;
    if (fcs && gc_sha_valid(fcs))
        memcpy(self.fcs, fcs, sizeof self.fcs);
    json_object_foreach(good ? facts : NULL, name, item)
    {
        good = good && read_fact(&self, name, item);
    }
    json_decref(root);
    if (!good) {
        gc_facts_release(&self);
        return GC_EPROTO;
    }
    *out = self;
    return GC_OK;
}
