#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"
#include "coordinator/plan_private.h"

void plan_promise_init(plan_promise *self, const plan_ctx *ctx, const plan_pkg *home)
{
    *self = (plan_promise){
        .ctx = ctx,
        .home = home,
        .alias_of = gc_map_new_borrowing(),
        .taken = gc_map_new_borrowing(),
    };
    gc_buf_init(&self->body, PLAN_TEXT_LIMIT);
}

void plan_promise_release(plan_promise *self)
{
    gc_map_destroy(&self->alias_of);
    gc_map_destroy(&self->taken);
    gc_strv_release(&self->aliases);
    gc_strv_release(&self->imports);
    gc_buf_release(&self->body);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The name is written out where it is not the last part of the path. */
const char *plan_promise_import(plan_promise *self, const char *path, const char *name)
{
    const char *known = gc_map_get(self->alias_of, path);
    if (known)
        return known;
    gc_strv_add(&self->aliases, name);
    const char *alias = self->aliases.items[self->aliases.count - 1];
    gc_map_set(self->alias_of, path, (void *)alias);
    gc_map_set(self->taken, alias, self);
    gc_strv_push(&self->imports, strcmp(last_part(path), alias) == 0
                                     ? gc_xasprintf("import \"%s\"", path)
                                     : gc_xasprintf("import %s \"%s\"", alias, path));
    return alias;
}

void plan_promise_std(plan_promise *self, const char *import_path)
{
    plan_promise_import(self, import_path, last_part(import_path));
}

static const char *import_package(plan_promise *self, const plan_pkg *pkg)
{
    const char *known = gc_map_get(self->alias_of, pkg->import_path);
    if (known)
        return known;
    char *alias = gc_xstrdup(pkg->name);
    while (gc_map_has(self->taken, alias)) {
        char *longer = gc_xasprintf("%spkg", alias);
        free(alias);
        alias = longer;
    }
    const char *used = plan_promise_import(self, pkg->import_path, alias);
    free(alias);
    return used;
}

char *plan_promise_ref(plan_promise *self, const plan_pkg *pkg, const char *name)
{
    if (pkg == self->home)
        return gc_xstrdup(name);
    return gc_xasprintf("%s.%s", import_package(self, pkg), name);
}

char *plan_promise_take(plan_promise *self)
{
    gc_strv_sort(&self->imports);
    gc_buf out;
    gc_buf_init(&out, PLAN_TEXT_LIMIT);
    for (size_t i = 0; i < self->imports.count; i++)
        gc_buf_printf(&out, "%s\n", self->imports.items[i]);
    gc_buf_append(&out, self->body.ptr, self->body.len);
    return gc_buf_take(&out);
}

/* ---- types of fields ---- */

static bool is_word(char c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* Copies `type` with every whole word `word` replaced. */
static char *replace_word(const char *type, const char *word, const char *with)
{
    gc_buf out;
    gc_buf_init(&out, 4096);
    while (*type) {
        size_t n = 0;
        while (is_word(type[n]))
            n++;
        if (n && n == strlen(word) && memcmp(type, word, n) == 0)
            gc_buf_puts(&out, with);
        else
            gc_buf_append(&out, type, n ? n : 1);
        type += n ? n : 1;
    }
    return gc_buf_take(&out);
}

/* The type uses something of package `name`: "*time.Time" of time, "datetime.X" not. */
static bool mentions(const char *type, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = type; len && (at = strstr(at, name)); at += len)
        if (at[len] == '.' && (at == type || !is_word(at[-1])))
            return true;
    return false;
}

static void import_std_of(plan_promise *self, const char *type)
{
    if (mentions(type, "time"))
        plan_promise_std(self, "time");
    if (mentions(type, "json"))
        plan_promise_std(self, "encoding/json");
    if (mentions(type, "big"))
        plan_promise_std(self, "math/big");
}

/* A spec's own module in a type ("decimal.Decimal") is imported by the module's path. */
static void import_modules_of(plan_promise *self, const char *type)
{
    const gc_fcs *fcs = self->ctx->fcs;
    for (size_t i = 0; i < fcs->module_count; i++) {
        char *name = gc_go_module_name(fcs->modules[i].path);
        if (mentions(type, name))
            plan_promise_import(self, fcs->modules[i].path, name);
        free(name);
    }
}

static char *name_by_id(const gc_field *f)
{
    return gc_xasprintf("%s%s", f->go_name,
                        gc_starts_with(f->go_type, "[]") ? "IDs" : "ID");
}

/* The spec gives author and author_id: the id is there already. */
static bool has_field_by_id(const gc_entity *e, size_t index)
{
    char *name = name_by_id(&e->fields[index]);
    bool found = false;
    for (size_t i = 0; i < e->field_count && !found; i++)
        found = strcmp(e->fields[i].go_name, name) == 0;
    free(name);
    return found;
}

static plan_field by_id_field(const gc_field *f)
{
    bool many = gc_starts_with(f->go_type, "[]");
    return (plan_field){
        .name = name_by_id(f),
        .type = gc_xstrdup(many ? "[]string" : "string"),
        .json = gc_xasprintf("%s%s", f->json_name, many ? "_ids" : "_id"),
        .omit = "",
        .spec = f,
    };
}

/* Where zero is a value like others ("count": 0), leaving it out would hide it. */
static bool zero_counts(const char *type)
{
    static const char *const plain[] = { "bool",    "int",          "int32",  "int64",
                                         "uint",    "uint32",       "uint64", "float32",
                                         "float64", "time.Duration" };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(type, plain[i]) == 0)
            return true;
    return false;
}

/* encoding/json finds no struct empty; omitzero came with Go 1.24. */
static const char *omit_option(const gc_fcs *fcs, const char *type)
{
    if (zero_counts(type))
        return "";
    if (strcmp(type, "time.Time") != 0)
        return ",omitempty";
    return gc_fcs_go_has(fcs, 24) ? ",omitzero" : "";
}

static plan_field make_field(plan_promise *self, const plan_entity *pe, size_t index)
{
    const gc_field *f = &pe->e->fields[index];
    if (pe->by_id[index])
        return by_id_field(f);
    char *type = gc_xstrdup(f->go_type);
    const plan_entity *target =
        f->ref && !f->ref_by_id ? gc_map_get(self->ctx->entity_by_name, f->ref) : NULL;
    char *target_type = NULL;
    if (target) {
        target_type = plan_promise_ref(self, target->model, target->type);
        free(type);
        type = replace_word(f->go_type, f->ref, target_type);
    } else if (f->enum_values.count) {
        char *name = plan_promise_ref(self, pe->model, plan_enum_type(f));
        free(type);
        type = replace_word(f->go_type, plan_enum_type(f), name);
        free(name);
    } else {
        import_std_of(self, type);
        import_modules_of(self, type);
    }
    return (plan_field){
        .name = gc_xstrdup(f->go_name),
        .type = type,
        .json = gc_xstrdup(f->json_name),
        .omit = f->required ? "" : omit_option(self->ctx->fcs, type),
        .target = target,
        .target_type = target_type,
        .spec = f,
    };
}

static size_t columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void pad(gc_buf *out, const char *text, size_t width)
{
    gc_buf_puts(out, text);
    for (size_t n = columns(text); n < width; n++)
        gc_buf_putc(out, ' ');
}

/* The promise can be copied as it is. */
void plan_put_struct(gc_buf *out, const char *name, const plan_field *fields,
                     size_t count)
{
    size_t names = 0, types = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = columns(fields[i].name), t = columns(fields[i].type);
        names = n > names ? n : names;
        types = t > types ? t : types;
    }
    gc_buf_printf(out, "type %s struct {\n", name);
    for (size_t i = 0; i < count; i++) {
        gc_buf_putc(out, '\t');
        pad(out, fields[i].name, names + 1);
        pad(out, fields[i].type, types + 1);
        gc_buf_printf(out, "`json:\"%s%s\"`\n", fields[i].json, fields[i].omit);
    }
    gc_buf_puts(out, "}\n");
}

void plan_put_quoted(gc_buf *out, const char *text)
{
    gc_buf_putc(out, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            gc_buf_putc(out, '\\');
        gc_buf_putc(out, *text);
    }
    gc_buf_putc(out, '"');
}

static void put_enum(plan_promise *self, plan_pkg *pkg, const gc_field *f)
{
    const char *type = plan_enum_type(f);
    gc_buf_printf(&self->body, "type %s string\n", type);
    for (size_t i = 0; i < f->enum_values.count; i++) {
        char *suffix = gc_go_exported(f->enum_values.items[i]);
        char *want = gc_xasprintf("%s%s", type, suffix);
        char *name = plan_unique_symbol(pkg, want); /* a type may be called so */
        gc_buf_printf(&self->body, "const %s %s = ", name, type);
        plan_put_quoted(&self->body, f->enum_values.items[i]);
        gc_buf_putc(&self->body, '\n');
        free(name);
        free(want);
        free(suffix);
    }
}

plan_field *plan_promise_fields(plan_promise *self, const plan_entity *pe, size_t *count)
{
    const gc_entity *e = pe->e;
    plan_field *fields = gc_xcalloc(e->field_count + 1, sizeof *fields);
    *count = 0;
    if (pe->id_added)
        fields[(*count)++] = (plan_field){ .name = gc_xstrdup(pe->id_field),
                                           .type = gc_xstrdup(pe->id_type),
                                           .json = gc_go_snake_plain(pe->id_field),
                                           .omit = "" };
    for (size_t i = 0; i < e->field_count; i++)
        if (!pe->by_id[i] || !has_field_by_id(e, i))
            fields[(*count)++] = make_field(self, pe, i);
    return fields;
}

void plan_fields_destroy(plan_field **fields_p, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free((*fields_p)[i].name);
        free((*fields_p)[i].type);
        free((*fields_p)[i].json);
        free((*fields_p)[i].target_type);
    }
    free(*fields_p);
    *fields_p = NULL;
}

void plan_promise_model(plan_promise *self, const plan_entity *pe)
{
    const gc_entity *e = pe->e;
    for (size_t i = 0; i < e->field_count; i++)
        if (e->fields[i].enum_values.count)
            put_enum(self, pe->model, &e->fields[i]);
    size_t count;
    plan_field *fields = plan_promise_fields(self, pe, &count);
    plan_put_struct(&self->body, pe->type, fields, count);
    plan_fields_destroy(&fields, count);
    gc_buf_printf(&self->body, "func (m *%s) %s() error\n", pe->type, pe->validate);
}

/* ---- roles ---- */

typedef struct method {
    const char *name;
    const char *params; /* after ctx; %I the key's type, %T the pointer type */
    const char *results;
} method;

static void put_expanded(gc_buf *out, const char *shape, const char *type, const char *id)
{
    for (; *shape; shape++) {
        if (shape[0] == '%' && shape[1] == 'T')
            gc_buf_puts(out, type);
        else if (shape[0] == '%' && shape[1] == 'I')
            gc_buf_puts(out, id);
        else {
            gc_buf_putc(out, *shape);
            continue;
        }
        shape++;
    }
}

static void put_method(gc_buf *out, const char *head, const method *m, const char *type,
                       const char *id)
{
    gc_buf_printf(out, "%s%s(ctx context.Context", head, m->name);
    put_expanded(out, m->params, type, id);
    gc_buf_puts(out, ") ");
    put_expanded(out, m->results, type, id);
    gc_buf_putc(out, '\n');
}

static const method store_methods[] = {
    { "Create", ", item *%T", "error" },
    { "Get", ", id %I", "(*%T, error)" },
    { "List", ", limit, offset int", "([]*%T, error)" },
    { "Update", ", item *%T", "error" },
    { "Delete", ", id %I", "error" },
};

static const method service_methods[] = {
    { "Create", ", in *%T", "(*%T, error)" },
    { "Get", ", id %I", "(*%T, error)" },
    { "List", ", limit, offset int", "([]*%T, error)" },
    { "Update", ", in *%T", "(*%T, error)" },
    { "Delete", ", id %I", "error" },
};

#define METHODS 5

static char *key_type(plan_promise *self, const plan_entity *pe)
{
    if (pe->id_declared)
        return plan_promise_ref(self, pe->model, pe->id_type);
    import_std_of(self, pe->id_type);
    import_modules_of(self, pe->id_type);
    return gc_xstrdup(pe->id_type);
}

void plan_promise_store(plan_promise *self, const plan_entity *pe)
{
    plan_promise_std(self, "context");
    char *type = plan_promise_ref(self, pe->model, pe->type);
    char *id = key_type(self, pe);
    gc_buf *out = &self->body;
    gc_buf_printf(out, "type %s interface {\n", pe->store_type);
    for (size_t i = 0; i < METHODS; i++)
        put_method(out, "\t", &store_methods[i], type, id);
    gc_buf_printf(out, "}\ntype %s struct\n", pe->memory_type);
    if (self->ctx->cli)
        gc_buf_printf(out, "func New%s(path string) (*%s, error)\n", pe->memory_type,
                      pe->memory_type);
    else
        gc_buf_printf(out, "func New%s() *%s\n", pe->memory_type, pe->memory_type);
    char *head = gc_xasprintf("func (s *%s) ", pe->memory_type);
    for (size_t i = 0; i < METHODS; i++)
        put_method(out, head, &store_methods[i], type, id);
    free(head);
    free(id);
    free(type);
}

void plan_promise_service(plan_promise *self, const plan_entity *pe)
{
    plan_promise_std(self, "context");
    char *type = plan_promise_ref(self, pe->model, pe->type);
    char *store = plan_promise_ref(self, pe->store, pe->store_type);
    char *id = key_type(self, pe);
    gc_buf *out = &self->body;
    gc_buf_printf(out, "type %s struct\nfunc New%s(store %s) *%s\n", pe->service_type,
                  pe->service_type, store, pe->service_type);
    char *head = gc_xasprintf("func (s *%s) ", pe->service_type);
    for (size_t i = 0; i < METHODS; i++)
        put_method(out, head, &service_methods[i], type, id);
    for (size_t i = 0; i < pe->actions.count; i++) {
        method action = { pe->actions.items[i], ", id %I", "(*%T, error)" };
        put_method(out, head, &action, type, id);
    }
    free(head);
    free(id);
    free(store);
    free(type);
}

void plan_promise_handler(plan_promise *self, const plan_entity *pe)
{
    plan_promise_std(self, "net/http");
    char *service = plan_promise_ref(self, pe->service, pe->service_type);
    gc_buf_printf(&self->body,
                  "type %s struct\nfunc New%s(service *%s) *%s\n"
                  "func (h *%s) Register(mux *http.ServeMux)\n",
                  pe->handler_type, pe->handler_type, service, pe->handler_type,
                  pe->handler_type);
    free(service);
}

void plan_promise_test(plan_promise *self, const char *function)
{
    plan_promise_std(self, "testing");
    gc_buf_printf(&self->body, "func %s(t *testing.T)\n", function);
}
