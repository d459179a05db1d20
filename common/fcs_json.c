#include "common/fcs.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* The canonical form. Keys are written in byte order by hand: there is one writer, and this
 * is the list of what has meaning. Places in the file, renamings and open questions are left
 * out. */

#define CANONICAL_LIMIT ((size_t)1 << 30)

static void put_string(gc_buf *out, const char *text)
{
    gc_buf_putc(out, '"');
    const char *p = text ? text : "";
    while (*p) {
        size_t plain = 0;
        while ((unsigned char)p[plain] >= 0x20 && p[plain] != '"' && p[plain] != '\\')
            plain++;
        gc_buf_append(out, p, plain);
        p += plain;
        if (!*p)
            break;
        if (*p == '"' || *p == '\\')
            gc_buf_printf(out, "\\%c", *p);
        else if (*p == '\n')
            gc_buf_puts(out, "\\n");
        else if (*p == '\t')
            gc_buf_puts(out, "\\t");
        else
            gc_buf_printf(out, "\\u%04x", (unsigned char)*p);
        p++;
    }
    gc_buf_putc(out, '"');
}

/* ,"key": with the comma only behind another value. */
static void put_key(gc_buf *out, const char *key)
{
    if (out->len && out->ptr[out->len - 1] != '{')
        gc_buf_putc(out, ',');
    gc_buf_printf(out, "\"%s\":", key);
}

static void put_text(gc_buf *out, const char *key, const char *text)
{
    put_key(out, key);
    put_string(out, text);
}

static void put_bool(gc_buf *out, const char *key, bool value)
{
    put_key(out, key);
    gc_buf_puts(out, value ? "true" : "false");
}

static void put_list(gc_buf *out, const char *key, const gc_strv *list)
{
    put_key(out, key);
    gc_buf_putc(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i)
            gc_buf_putc(out, ',');
        put_string(out, list->items[i]);
    }
    gc_buf_putc(out, ']');
}

static void begin_item(gc_buf *out, size_t index)
{
    gc_buf_puts(out, index ? ",{" : "{");
}

static void put_field(gc_buf *out, const gc_field *f)
{
    put_list(out, "constraints", &f->constraints);
    if (f->default_value)
        put_text(out, "default", f->default_value);
    put_text(out, "description", f->description);
    put_text(out, "go_name", f->go_name);
    put_text(out, "go_type", f->go_type);
    put_text(out, "json", f->json_name);
    put_text(out, "name", f->name);
    if (f->ref) {
        put_text(out, "ref", f->ref);
        put_bool(out, "ref_by_id", f->ref_by_id);
    }
    put_bool(out, "required", f->required);
    put_text(out, "type", f->spec_type);
    put_bool(out, "unique", f->unique);
    if (f->enum_values.count)
        put_list(out, "values", &f->enum_values);
}

static void put_entities(gc_buf *out, const gc_fcs *fcs)
{
    put_key(out, "entities");
    gc_buf_putc(out, '[');
    for (size_t i = 0; i < fcs->entity_count; i++) {
        const gc_entity *e = &fcs->entities[i];
        begin_item(out, i);
        put_text(out, "description", e->description);
        put_key(out, "fields");
        gc_buf_putc(out, '[');
        for (size_t k = 0; k < e->field_count; k++) {
            begin_item(out, k);
            put_field(out, &e->fields[k]);
            gc_buf_putc(out, '}');
        }
        gc_buf_putc(out, ']');
        put_text(out, "go_name", e->go_name);
        put_text(out, "name", e->name);
        put_text(out, "package", e->package);
        put_text(out, "snake", e->snake);
        gc_buf_putc(out, '}');
    }
    gc_buf_putc(out, ']');
}

static void put_contracts(gc_buf *out, const gc_fcs *fcs)
{
    put_key(out, "contracts");
    gc_buf_putc(out, '[');
    for (size_t i = 0; i < fcs->contract_count; i++) {
        const gc_contract *c = &fcs->contracts[i];
        begin_item(out, i);
        put_text(out, "description", c->description);
        put_text(out, "entity", c->entity);
        put_text(out, "method", c->method);
        put_text(out, "name", c->name);
        put_text(out, "path", c->path);
        put_text(out, "request", c->request);
        put_text(out, "response", c->response);
        gc_buf_putc(out, '}');
    }
    gc_buf_putc(out, ']');
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const gc_spec_file *)a)->path, ((const gc_spec_file *)b)->path);
}

static void put_files(gc_buf *out, const gc_fcs *fcs)
{
    gc_spec_file *files = gc_xcalloc(fcs->file_count + 1, sizeof *files);
    for (size_t i = 0; i < fcs->file_count; i++)
        files[i] = fcs->files[i]; /* borrowed, to sort */
    qsort(files, fcs->file_count, sizeof *files, by_path);
    put_key(out, "files");
    gc_buf_putc(out, '[');
    for (size_t i = 0; i < fcs->file_count; i++) {
        begin_item(out, i);
        put_list(out, "depends_on", &files[i].depends_on);
        put_list(out, "entities", &files[i].entities);
        put_text(out, "path", files[i].path);
        put_text(out, "purpose", files[i].purpose);
        gc_buf_putc(out, '}');
    }
    gc_buf_putc(out, ']');
    free(files);
}

static void put_modules(gc_buf *out, const gc_fcs *fcs)
{
    put_key(out, "modules");
    gc_buf_putc(out, '[');
    for (size_t i = 0; i < fcs->module_count; i++) {
        begin_item(out, i);
        put_text(out, "path", fcs->modules[i].path);
        put_text(out, "version", fcs->modules[i].version);
        gc_buf_putc(out, '}');
    }
    gc_buf_putc(out, ']');
}

static void put_packages(gc_buf *out, const gc_fcs *fcs)
{
    put_key(out, "packages");
    gc_buf_putc(out, '[');
    for (size_t i = 0; i < fcs->package_count; i++) {
        begin_item(out, i);
        put_text(out, "name", fcs->packages[i].name);
        put_text(out, "path", fcs->packages[i].path);
        put_text(out, "purpose", fcs->packages[i].purpose);
        gc_buf_putc(out, '}');
    }
    gc_buf_putc(out, ']');
}

static void put_relations(gc_buf *out, const gc_fcs *fcs)
{
    put_key(out, "relations");
    gc_buf_putc(out, '[');
    for (size_t i = 0; i < fcs->relation_count; i++) {
        const gc_relation *r = &fcs->relations[i];
        begin_item(out, i);
        put_bool(out, "by_id", r->by_id);
        put_text(out, "description", r->description);
        put_text(out, "from", r->from);
        put_text(out, "kind", r->kind);
        put_text(out, "name", r->name);
        put_text(out, "to", r->to);
        gc_buf_putc(out, '}');
    }
    gc_buf_putc(out, ']');
}

static void put_requirements(gc_buf *out, const gc_fcs *fcs)
{
    put_key(out, "requirements");
    gc_buf_putc(out, '[');
    for (size_t i = 0; i < fcs->requirement_count; i++) {
        const gc_requirement *r = &fcs->requirements[i];
        begin_item(out, i);
        put_list(out, "entities", &r->entities);
        put_text(out, "id", r->id);
        put_text(out, "kind", r->kind);
        put_text(out, "priority", r->priority);
        put_text(out, "text", r->text);
        gc_buf_putc(out, '}');
    }
    gc_buf_putc(out, ']');
}

void gc_fcs_canonical(const gc_fcs *self, gc_buf *out)
{
    gc_buf_putc(out, '{');
    put_text(out, "app", self->app);
    put_list(out, "broken_cycles", &self->broken_cycles);
    put_contracts(out, self);
    put_text(out, "description", self->description);
    put_entities(out, self);
    put_files(out, self);
    put_text(out, "go_version", self->go_version);
    put_text(out, "kind", self->kind);
    put_text(out, "module_path", self->module_path);
    put_modules(out, self);
    put_text(out, "name", self->name);
    put_packages(out, self);
    put_list(out, "patterns", &self->patterns);
    put_relations(out, self);
    put_requirements(out, self);
    put_bool(out, "sql", self->sql);
    put_list(out, "testing", &self->testing);
    gc_buf_putc(out, '}');
}

gc_sha gc_fcs_sha(const gc_fcs *self)
{
    gc_buf out;
    gc_buf_init(&out, CANONICAL_LIMIT);
    gc_fcs_canonical(self, &out);
    gc_sha sha = gc_sha256(out.ptr, out.len);
    gc_buf_release(&out);
    return sha;
}
