#include "coordinator/symbols.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"
#include "common/text.h"

/* Names of one package that are listed for a task; more are counted. */
#define MAX_NAMES 400

/* The declaring files of one folder. */
typedef struct folder {
    size_t *files;
    size_t count, cap;
} folder;

struct gc_symbols {
    const gc_plan *plan;
    gc_map *folders; /* import path -> folder */
    gc_strv order;   /* import paths, by the path of their first file */
    folder common;   /* what any file may use: error values, settings */
};

static bool declares(const gc_plan_file *f)
{
    return *f->promise && strcmp(f->kind, "test") != 0 && strcmp(f->kind, "main") != 0;
}

static bool is_common(const gc_plan_file *f)
{
    return strcmp(f->kind, "errors") == 0 || strcmp(f->kind, "config") == 0;
}

static void add_to(folder *self, size_t file)
{
    self->files = gc_grow(self->files, self->count, &self->cap, sizeof *self->files);
    self->files[self->count++] = file;
}

gc_symbols *gc_symbols_new(const gc_plan *plan)
{
    gc_symbols *self = gc_xcalloc(1, sizeof *self);
    self->plan = plan;
    self->folders = gc_map_new();
    for (size_t i = 0; i < plan->file_count; i++) {
        const gc_plan_file *f = &plan->files[i];
        if (!declares(f))
            continue;
        folder *in = gc_map_get(self->folders, f->import_path);
        if (!in) {
            in = gc_xcalloc(1, sizeof *in);
            gc_map_set(self->folders, f->import_path, in);
            gc_strv_add(&self->order, f->import_path);
        }
        add_to(in, i);
        if (is_common(f))
            add_to(&self->common, i);
    }
    return self;
}

void gc_symbols_destroy(gc_symbols **self_p)
{
    gc_symbols *self = *self_p;
    if (!self)
        return;
    size_t cursor = 0;
    void *value;
    while (gc_map_next(self->folders, &cursor, NULL, &value)) {
        free(((folder *)value)->files);
        free(value);
    }
    gc_map_destroy(&self->folders);
    gc_strv_release(&self->order);
    free(self->common.files);
    free(self);
    *self_p = NULL;
}

/* ---- one file ---- */

/* A struct's fields are in the context of those who need them; here its name is enough. */
static void put_declarations(const char *promise, gc_buf *out)
{
    bool skipping = false;
    while (*promise) {
        const char *end = strchr(promise, '\n');
        size_t len = end ? (size_t)(end - promise) : strlen(promise);
        bool body = len > 8 && memcmp(promise + len - 8, "struct {", 8) == 0;
        if (skipping)
            skipping = !(len == 1 && *promise == '}');
        else if (body) {
            gc_buf_append(out, promise, len - 2);
            gc_buf_putc(out, '\n');
            skipping = true;
        } else if (!(len > 7 && memcmp(promise, "import ", 7) == 0)) {
            gc_buf_append(out, promise, len);
            gc_buf_putc(out, '\n');
        }
        promise += end ? len + 1 : len;
    }
}

/* The name that a line of a promise declares at package level; its length, 0 if none. */
static size_t declared_name(const char *line, const char **name)
{
    static const char *const words[] = { "type ", "func ", "var ", "const " };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (!gc_starts_with(line, words[i]))
            continue;
        *name = line + strlen(words[i]);
        return strcspn(*name, " ([=\n");
    }
    return 0;
}

static void add_names(const char *promise, gc_strv *names)
{
    while (*promise) {
        const char *name = "";
        size_t len = declared_name(promise, &name);
        if (len)
            gc_strv_push(names, gc_xasprintf("%.*s", (int)len, name));
        promise += strcspn(promise, "\n");
        promise += *promise == '\n';
    }
}

/* ---- tables ---- */

static void put_head(const gc_plan_file *f, gc_buf *out)
{
    gc_buf_printf(out, "%s// package %s, import \"%s\"\n", out->len ? "\n" : "",
                  f->package, f->import_path);
}

void gc_symbols_all(const gc_symbols *self, gc_buf *out)
{
    for (size_t i = 0; i < self->order.count; i++) {
        const folder *in = gc_map_get(self->folders, self->order.items[i]);
        put_head(&self->plan->files[in->files[0]], out);
        for (size_t j = 0; j < in->count; j++)
            put_declarations(self->plan->files[in->files[j]].promise, out);
    }
}

/* What a task's files are about, and what its prompt shows already. */
typedef struct task_view {
    const gc_symbols *symbols;
    gc_map *shown; /* path */
    gc_map *about; /* go_name of its entities and their neighbours */
    gc_map *done;  /* import path of packages in the table */
} task_view;

static void note_all(gc_map *map, const gc_strv *names)
{
    for (size_t i = 0; i < names->count; i++)
        gc_map_set(map, names->items[i], map);
}

static void view_files(task_view *self, const size_t *files, size_t count)
{
    const gc_plan *plan = self->symbols->plan;
    for (size_t i = 0; i < count; i++) {
        const gc_plan_file *f = &plan->files[files[i]];
        gc_map_set(self->shown, f->path, self);
        note_all(self->about, &f->entities);
        note_all(self->about, &f->neighbours);
        for (size_t e = 0; e < f->edge_count; e++)
            gc_map_set(self->shown, plan->files[f->edges[e].file].path, self);
    }
}

static bool concerns(const task_view *self, const gc_plan_file *f)
{
    for (size_t i = 0; i < f->entities.count; i++)
        if (gc_map_has(self->about, f->entities.items[i]))
            return true;
    return !f->entities.count;
}

static void put_names(const gc_strv *names, gc_buf *out)
{
    size_t shown = names->count < MAX_NAMES ? names->count : MAX_NAMES;
    if (!names->count)
        return;
    gc_buf_puts(out, "// also declared here: ");
    for (size_t i = 0; i < shown; i++)
        gc_buf_printf(out, "%s%s", i ? ", " : "", names->items[i]);
    if (shown < names->count)
        gc_buf_printf(out, " and %zu more, each with the name of its entity",
                      names->count - shown);
    gc_buf_putc(out, '\n');
}

static void put_folder(task_view *self, const folder *in, gc_buf *out)
{
    const gc_plan *plan = self->symbols->plan;
    const gc_plan_file *first = &plan->files[in->files[0]];
    gc_strv names = { 0 };
    bool headed = false;
    if (gc_map_set(self->done, first->import_path, self))
        return;
    for (size_t i = 0; i < in->count; i++) {
        const gc_plan_file *f = &plan->files[in->files[i]];
        if (gc_map_has(self->shown, f->path))
            continue;
        if (!headed)
            put_head(f, out);
        headed = true;
        if (concerns(self, f))
            put_declarations(f->promise, out);
        else
            add_names(f->promise, &names);
    }
    put_names(&names, out);
    gc_strv_release(&names);
}

static int by_index(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

void gc_symbols_for(const gc_symbols *self, const size_t *files, size_t count,
                    gc_buf *out)
{
    task_view view = { self, gc_map_new(), gc_map_new(), gc_map_new() };
    size_t *sorted = gc_xcalloc(count + 1, sizeof *sorted);
    memcpy(sorted, files, count * sizeof *files);
    qsort(sorted, count, sizeof *sorted, by_index);
    view_files(&view, sorted, count);
    for (size_t i = 0; i < count; i++) {
        const folder *own =
            gc_map_get(self->folders, self->plan->files[sorted[i]].import_path);
        if (own)
            put_folder(&view, own, out);
    }
    for (size_t i = 0; i < self->common.count; i++)
        put_folder(&view,
                   gc_map_get(self->folders,
                              self->plan->files[self->common.files[i]].import_path),
                   out);
    gc_map_destroy(&view.shown);
    gc_map_destroy(&view.about);
    gc_map_destroy(&view.done);
    free(sorted);
}
