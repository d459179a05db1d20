#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"
#include "coordinator/structural_entity.h"

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

structural_class structural_class_of(const char *type, const plan_field *field)
{
    static const char *const integers[] = { "int",    "int8",   "int16",         "int32",
                                            "int64",  "uint",   "uint8",         "uint16",
                                            "uint32", "uint64", "time.Duration", "rune",
                                            "byte",   NULL };
    static const char *const floats[] = { "float32", "float64", NULL };
    static const char *const bytes[] = { "[]byte", "json.RawMessage", NULL };
    static const char *const any[] = { "any", "interface{}", NULL };
    bool is_enum = field && field->spec && field->spec->enum_values.count;
    if (field && field->target_type && strcmp(type, field->target_type) == 0)
        return STRUCTURAL_ENTITY;
    if (strcmp(type, "string") == 0 || (is_enum && !strpbrk(type, "[*")))
        return STRUCTURAL_STRING;
    if (is_one_of(type, integers))
        return STRUCTURAL_INTEGER;
    if (is_one_of(type, floats))
        return STRUCTURAL_FLOAT;
    if (is_one_of(type, bytes))
        return STRUCTURAL_BYTES;
    if (is_one_of(type, any))
        return STRUCTURAL_ANY;
    if (strcmp(type, "time.Time") == 0)
        return STRUCTURAL_TIME;
    return strcmp(type, "bool") == 0 ? STRUCTURAL_BOOL : STRUCTURAL_OTHER;
}

char *structural_noun(const plan_entity *pe)
{
    gc_strv words = { 0 };
    gc_go_words(pe->e->go_name, &words);
    char *noun = words.count ? gc_strv_join(&words, " ") : gc_xstrdup(pe->type);
    gc_strv_release(&words);
    return noun;
}

char *structural_helper(const plan_entity *pe, const char *tail)
{
    char *name = gc_xasprintf("%s%s", pe->stem, tail);
    char *helper = gc_go_unexported(name);
    free(name);
    return helper;
}

/* ---- data ---- */

void structural_take(gc_tell *data, const char *key, char *text)
{
    gc_tell_set_text(data, key, text);
    free(text);
}

void structural_add(gc_tell *list, char *text)
{
    gc_tell_add_text(list, text);
    free(text);
}

void structural_set_list(gc_tell *data, const char *key, const char *has_key,
                         gc_tell *list)
{
    gc_tell_set_bool(data, has_key, gc_tell_count(list));
    gc_tell_set(data, key, list);
}

/* ---- imports ---- */

static bool is_name_byte(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
}

static bool mentions(const char *type, const char *package)
{
    size_t len = strlen(package);
    for (const char *at = type; (at = strstr(at, package)); at += len)
        if (at[len] == '.' && (at == type || !is_name_byte(at[-1])))
            return true;
    return false;
}

void structural_import(plan_promise *to, const plan_promise *from, const char *type)
{
    size_t cursor = 0;
    const char *path;
    void *alias;
    while (gc_map_next(from->alias_of, &cursor, &path, &alias))
        if (mentions(type, alias))
            plan_promise_import(to, path, alias);
}

void structural_import_package(gc_tell *data, const char *key, plan_promise *p,
                               const plan_pkg *pkg)
{
    char *name = plan_promise_ref(p, pkg, "");
    name[strlen(name) - 1] = '\0'; /* the point */
    structural_take(data, key, name);
}

structural_fields structural_open_fields(const plan_promise *p, const plan_entity *pe)
{
    structural_fields fields;
    size_t cursor = 0;
    const char *path;
    void *alias;
    plan_promise_init(&fields.all, p->ctx, p->home);
    while (gc_map_next(p->alias_of, &cursor, &path, &alias))
        plan_promise_import(&fields.all, path, alias);
    fields.items = plan_promise_fields(&fields.all, pe, &fields.count);
    return fields;
}

void structural_close_fields(structural_fields *fields)
{
    plan_fields_destroy(&fields->items, fields->count);
    plan_promise_release(&fields->all);
}

/* `"path"` or `alias "path"`: gofmt sorts by path. */
static int by_path(const void *a, const void *b)
{
    const char *x = strchr(*(char *const *)a, '"'), *y = strchr(*(char *const *)b, '"');
    return strcmp(x, y);
}

static bool is_below(const char *quoted, const char *root)
{
    size_t len = strlen(root);
    return strncmp(quoted + 1, root, len) == 0 && strchr("/\"", quoted[1 + len]);
}

static bool is_standard(const gc_fcs *fcs, const char *quoted)
{
    bool other = is_below(quoted, fcs->module_path);
    for (size_t i = 0; i < fcs->module_count && !other; i++)
        other = is_below(quoted, fcs->modules[i].path);
    return !other;
}

void structural_set_imports(gc_tell *data, const plan_promise *promise)
{
    static const char word[] = "import ";
    gc_arena *arena = gc_tell_arena(data);
    gc_tell *std = gc_tell_list(arena), *own = gc_tell_list(arena);
    gc_strv lines = { 0 };
    for (size_t i = 0; i < promise->imports.count; i++)
        gc_strv_add(&lines, promise->imports.items[i] + sizeof word - 1);
    if (lines.count)
        qsort(lines.items, lines.count, sizeof *lines.items, by_path);
    for (size_t i = 0; i < lines.count; i++) {
        bool first = is_standard(promise->ctx->fcs, strchr(lines.items[i], '"'));
        gc_tell_add_text(first ? std : own, lines.items[i]);
    }
    gc_tell_set(data, "std", std);
    gc_tell_set(data, "own", own);
    gc_tell_set_bool(data, "has_own", gc_tell_count(own));
    gc_strv_release(&lines);
}

/* ---- values ---- */

char *structural_sample(const char *type, structural_class class, const char *label)
{
    switch (class) {
    case STRUCTURAL_STRING:
        return strcmp(type, "string") == 0
                   ? gc_xasprintf("fmt.Sprintf(\"%s-%%02d\", n)", label)
                   : gc_xasprintf("%s(fmt.Sprintf(\"%s-%%02d\", n))", type, label);
    case STRUCTURAL_INTEGER:
        return strcmp(type, "int") == 0 ? gc_xstrdup("n") : gc_xasprintf("%s(n)", type);
    case STRUCTURAL_FLOAT: return gc_xasprintf("%s(n)", type);
    case STRUCTURAL_BYTES:
        return gc_xasprintf("%s(fmt.Sprintf(\"%s-%%02d\", n))", type, label);
    case STRUCTURAL_TIME:
        return gc_xstrdup("time.Date(2024, time.January, n, 12, 0, 0, 0, time.UTC)");
    default: return NULL;
    }
}

/* ---- copies ---- */

typedef struct copier {
    gc_buf out;
    const plan_field *field;
    const char *helper;
    bool needs_any;
} copier;

/* Length of "map[K]" at the start of a map type. */
static size_t map_head(const char *type)
{
    return strcspn(type, "]") + 1;
}

static bool is_map(const char *type)
{
    return gc_starts_with(type, "map[");
}

static bool is_slice(const char *type)
{
    return gc_starts_with(type, "[]");
}

/* An assignment copies all of it. */
static bool is_flat(const copier *self, const char *type)
{
    if (is_map(type) || is_slice(type) || type[0] == '*')
        return false;
    structural_class class = structural_class_of(type, self->field);
    return class != STRUCTURAL_ENTITY && class != STRUCTURAL_ANY &&
           class != STRUCTURAL_BYTES;
}

static void put_line(copier *self, int depth, char *line)
{
    for (int i = 0; i <= depth; i++)
        gc_buf_putc(&self->out, '\t');
    gc_buf_puts(&self->out, line);
    gc_buf_putc(&self->out, '\n');
    free(line);
}

static void put_copy(copier *self, int depth, const char *type, const char *from,
                     const char *to);

static void put_elements(copier *self, int depth, const char *type, const char *from,
                         const char *to)
{
    char *element = gc_xasprintf("%s[at%d]", from, depth);
    char *target = gc_xasprintf("%s[at%d]", to, depth);
    put_line(self, depth, gc_xasprintf("for at%d := range %s {", depth, from));
    if (is_flat(self, type))
        put_line(self, depth + 1, gc_xasprintf("%s = %s", target, element));
    else
        put_copy(self, depth + 1, type, element, target);
    put_line(self, depth, gc_xstrdup("}"));
    free(element);
    free(target);
}

static void put_slice(copier *self, int depth, const char *type, const char *from,
                      const char *to)
{
    const char *element = is_slice(type) ? type + 2 : "byte";
    put_line(self, depth, gc_xasprintf("if %s != nil {", from));
    put_line(self, depth + 1, gc_xasprintf("%s = make(%s, len(%s))", to, type, from));
    if (is_flat(self, element))
        put_line(self, depth + 1, gc_xasprintf("copy(%s, %s)", to, from));
    else
        put_elements(self, depth + 1, element, from, to);
    put_line(self, depth, gc_xstrdup("}"));
}

/* An element of a map cannot be changed in place: its copy is made beside it. */
static void put_map(copier *self, int depth, const char *type, const char *from,
                    const char *to)
{
    const char *value = type + map_head(type);
    char *element = gc_xasprintf("value%d", depth);
    char *target = gc_xasprintf("copied%d", depth);
    put_line(self, depth, gc_xasprintf("if %s != nil {", from));
    put_line(self, depth + 1, gc_xasprintf("%s = make(%s, len(%s))", to, type, from));
    put_line(self, depth + 1,
             gc_xasprintf("for key%d, %s := range %s {", depth, element, from));
    if (is_flat(self, value)) {
        put_line(self, depth + 2, gc_xasprintf("%s[key%d] = %s", to, depth, element));
    } else {
        put_line(self, depth + 2, gc_xasprintf("%s := %s", target, element));
        put_copy(self, depth + 2, value, element, target);
        put_line(self, depth + 2, gc_xasprintf("%s[key%d] = %s", to, depth, target));
    }
    put_line(self, depth + 1, gc_xstrdup("}"));
    put_line(self, depth, gc_xstrdup("}"));
    free(element);
    free(target);
}

static void put_pointer(copier *self, int depth, const char *type, const char *from,
                        const char *to)
{
    const char *value = type + 1;
    if (structural_class_of(value, self->field) == STRUCTURAL_ENTITY) {
        put_line(self, depth,
                 gc_xasprintf("%s = %s.%s()", to, from, self->field->target->clone));
        return;
    }
    char *target = gc_xasprintf("value%d", depth);
    put_line(self, depth, gc_xasprintf("if %s != nil {", from));
    put_line(self, depth + 1, gc_xasprintf("%s := *%s", target, from));
    if (!is_flat(self, value)) {
        char *inner = gc_xasprintf("(*%s)", from);
        put_copy(self, depth + 1, value, inner, target);
        free(inner);
    }
    put_line(self, depth + 1, gc_xasprintf("%s = &%s", to, target));
    put_line(self, depth, gc_xstrdup("}"));
    free(target);
}

/* Depth is bounded by the brackets of a type, whose length the FCS limits. */
static void put_copy(copier *self, int depth, const char *type, const char *from,
                     const char *to)
{
    structural_class class = structural_class_of(type, self->field);
    if (class == STRUCTURAL_ENTITY) {
        put_line(self, depth,
                 gc_xasprintf("%s = *%s.%s()", to, from, self->field->target->clone));
    } else if (class == STRUCTURAL_ANY) {
        put_line(self, depth, gc_xasprintf("%s = %sValue(%s)", to, self->helper, from));
        self->needs_any = true;
    } else if (is_map(type)) {
        put_map(self, depth, type, from, to);
    } else if (is_slice(type) || class == STRUCTURAL_BYTES) {
        put_slice(self, depth, type, from, to);
    } else {
        put_pointer(self, depth, type, from, to);
    }
}

char *structural_clone(plan_promise *promise, const plan_entity *pe, const char *helper,
                       bool *needs_any)
{
    size_t count;
    plan_field *fields = plan_promise_fields(promise, pe, &count);
    copier self = { .helper = helper };
    gc_buf_init(&self.out, PLAN_TEXT_LIMIT);
    for (size_t i = 0; i < count; i++) {
        self.field = &fields[i];
        if (is_flat(&self, fields[i].type))
            continue;
        char *from = gc_xasprintf("m.%s", fields[i].name);
        char *to = gc_xasprintf("deepCopy.%s", fields[i].name);
        put_copy(&self, 0, fields[i].type, from, to);
        free(from);
        free(to);
    }
    plan_fields_destroy(&fields, count);
    *needs_any = self.needs_any;
    return gc_buf_take(&self.out);
}

gc_tell *structural_clone_file(const plan_ctx *ctx, const plan_entity *pe)
{
    plan_promise p, used;
    gc_tell *data = gc_tell_map(ctx->arena);
    bool needs_any = false;
    plan_promise_init(&p, ctx, pe->model);
    plan_promise_init(&used, ctx, pe->model);
    char *helper = structural_helper(pe, "_clone");
    char *statements = structural_clone(&p, pe, helper, &needs_any);
    structural_import(&used, &p, statements);
    structural_set_imports(data, &used);
    bool std = gc_tell_count(gc_tell_get(data, "std")) > 0;
    bool own = gc_tell_count(gc_tell_get(data, "own")) > 0;
    gc_tell_set_bool(data, "has_imports", std || own);
    gc_tell_set_bool(data, "both", std && own);
    gc_tell_set_bool(data, "needs_any", needs_any);
    gc_tell_set_text(data, "package", pe->model->name);
    gc_tell_set_text(data, "type", pe->type);
    gc_tell_set_text(data, "clone", pe->clone);
    gc_tell_set_text(data, "any", gc_fcs_go_has(ctx->fcs, 18) ? "any" : "interface{}");
    structural_take(data, "helper", helper);
    structural_take(data, "statements", statements);
    plan_promise_release(&p);
    plan_promise_release(&used);
    return data;
}
