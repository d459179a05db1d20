#include "tests/llm-sim/gowriter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "tests/llm-sim/goscan.h"
#include "tests/llm-sim/gowrite.h"

#define SOURCE_MAX ((size_t)4 << 20)

static const gc_sim_import *import_by_path(const gc_sim_writer *self, const char *path)
{
    for (size_t i = 0; i < self->promise.import_count; i++)
        if (strcmp(self->promise.imports[i].path, path) == 0)
            return &self->promise.imports[i];
    return NULL;
}

static bool name_taken(const gc_sim_writer *self, const char *name)
{
    for (size_t i = 0; i < self->promise.import_count; i++)
        if (strcmp(self->promise.imports[i].name, name) == 0)
            return true;
    return gc_sim_promise_declares(&self->promise, name);
}

/* The name that an import of our own gets: "errors", or "stderrors" if that is taken. */
static const char *last_element(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const char *own_name(const gc_sim_writer *self, const char *path)
{
    static const struct {
        const char *path;
        const char *other;
    } others[] = { { "errors", "stderrors" },
                   { "fmt", "stdfmt" },
                   { "os", "stdos" },
                   { "strings", "stdstrings" },
                   { "testing", "stdtesting" } };
    const char *name = last_element(path);
    if (!name_taken(self, name))
        return name;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(path, others[i].path) == 0)
            return others[i].other;
    return name;
}

/* The promise's own import of `path` if it has a name, else NULL. */
static const char *promised_name(const gc_sim_writer *self, const char *path)
{
    const gc_sim_import *import = import_by_path(self, path);
    bool named =
        import && strcmp(import->name, "_") != 0 && strcmp(import->name, ".") != 0;
    return named ? import->name : NULL;
}

const char *gc_sim_name_of(const gc_sim_writer *self, const char *path)
{
    const char *promised = promised_name(self, path);
    return promised ? promised : own_name(self, path);
}

const char *gc_sim_use(gc_sim_writer *self, const char *path)
{
    if (!promised_name(self, path))
        gc_strv_add_unique(&self->uses, path);
    return gc_sim_name_of(self, path);
}

bool gc_sim_sees_package(const gc_sim_decl *decl, const char *word)
{
    for (size_t i = 0; i < decl->params.count; i++)
        if (strcmp(decl->params.items[i].name, word) == 0)
            return false;
    for (size_t i = 0; i < decl->results.count; i++)
        if (strcmp(decl->results.items[i].name, word) == 0)
            return false;
    return strcmp(decl->receiver_name, word) != 0;
}

/* True if the code says `name.` outside strings and comments. */
static bool mentions(const char *code, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    for (size_t pos = 0; pos < len;) {
        size_t past = gc_sim_go_skip_string(code, len, pos);
        if (past == pos)
            past = gc_sim_go_skip_comment(code, len, pos);
        if (past > pos) {
            pos = past;
            continue;
        }
        past = gc_sim_go_skip_ident(code, len, pos);
        if (past == pos) {
            pos++;
            continue;
        }
        bool field =
            pos > 0 && code[pos - 1] == '.' && !(pos > 1 && code[pos - 2] == '.');
        if (!field && past - pos == name_len && memcmp(code + pos, name, name_len) == 0 &&
            past < len && code[past] == '.')
            return true;
        pos = past;
    }
    return false;
}

/* Emits the import block: promised imports that the body uses, and our own. gofmt wants
 * each block sorted by path; the standard library comes first, as goimports has it. */
static void add_spec(gc_strv *standard, gc_strv *others, const char *alias,
                     const char *path)
{
    /* the path leads, so that sorting the strings sorts by path */
    const char *slash = strchr(path, '/');
    const char *dot = strchr(path, '.');
    bool foreign = dot && (!slash || dot < slash);
    char *spec = gc_xasprintf("%s\"\n%s%s\"%s\"", path, alias, *alias ? " " : "", path);
    gc_strv_push(foreign ? others : standard, spec);
}

/* A promise may leave out what every Go file knows. */
static void add_usual(gc_sim_writer *self)
{
    static const struct {
        const char *name;
        const char *path;
    } usual[] = { { "context", "context" },
                  { "http", "net/http" },
                  { "testing", "testing" },
                  { "time", "time" } };
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (!name_taken(self, usual[i].name) &&
            mentions(self->body.ptr, self->body.len, usual[i].name))
            gc_strv_add_unique(&self->uses, usual[i].path);
}

static void write_imports(const gc_sim_writer *self, gc_buf *out)
{
    gc_strv blocks[2] = { { 0 }, { 0 } };
    for (size_t i = 0; i < self->promise.import_count; i++) {
        const gc_sim_import *import = &self->promise.imports[i];
        bool always = strcmp(import->name, "_") == 0;
        if (always || mentions(self->body.ptr, self->body.len, import->name))
            add_spec(&blocks[0], &blocks[1], import->alias, import->path);
    }
    for (size_t i = 0; i < self->uses.count; i++) {
        const char *path = self->uses.items[i];
        const char *name = own_name(self, path);
        bool plain = strcmp(name, last_element(path)) == 0;
        add_spec(&blocks[0], &blocks[1], plain ? "" : name, path);
    }
    bool both = blocks[0].count && blocks[1].count;
    size_t count = blocks[0].count + blocks[1].count;
    if (count)
        gc_buf_puts(out, count == 1 ? "import " : "import (\n");
    for (size_t b = 0; b < 2; b++) {
        gc_strv_sort(&blocks[b]);
        if (b == 1 && both)
            gc_buf_putc(out, '\n');
        for (size_t i = 0; i < blocks[b].count; i++)
            gc_buf_printf(out, "%s%s\n", count == 1 ? "" : "\t",
                          strchr(blocks[b].items[i], '\n') + 1);
        gc_strv_release(&blocks[b]);
    }
    if (count)
        gc_buf_puts(out, count == 1 ? "\n" : ")\n\n");
}

/* What a constant without a value gets, by its type. */
static const char *constant_value(const char *type)
{
    if (strcmp(type, "string") == 0)
        return "\"\"";
    if (strcmp(type, "bool") == 0)
        return "true";
    return "1";
}

static void write_const(gc_sim_writer *self, const gc_sim_decl *decl)
{
    gc_sim_doc(self, decl);
    gc_sim_line(self, 0, "const %s%s%s = %s", decl->name, *decl->type ? " " : "",
                decl->type, decl->value ? decl->value : constant_value(decl->type));
}

static void write_var(gc_sim_writer *self, const gc_sim_decl *decl)
{
    if (strcmp(decl->name, "_") != 0)
        gc_sim_doc(self, decl);
    bool error = strcmp(decl->type, "error") == 0 && !decl->value;
    if (error && gc_sim_go_is_ident(decl->name, strlen(decl->name))) {
        const char *name = decl->name;
        char *words =
            gc_sim_words(gc_starts_with(name, "Err") && name[3] ? name + 3 : name);
        const char *errors = gc_sim_use(self, "errors");
        gc_sim_line(self, 0, "var %s = %s.New(\"%s: %s\")", name, errors, self->pkg,
                    words);
        free(words);
        return;
    }
    gc_sim_line(self, 0, "var %s%s%s%s%s", decl->name, *decl->type ? " " : "", decl->type,
                decl->value ? " = " : "", decl->value ? decl->value : "");
}

static void write_group(gc_sim_writer *self, const gc_sim_decl *decl)
{
    gc_sim_doc(self, decl);
    gc_sim_line(self, 0, "const (");
    for (size_t i = 0; i < decl->lines.count; i++)
        gc_sim_line(self, 1, "%s", decl->lines.items[i]);
    gc_sim_line(self, 0, ")");
}

static void write_decl(gc_sim_writer *self, const gc_sim_decl *decl)
{
    switch (decl->kind) {
    case GC_SIM_DECL_TYPE: gc_sim_type(self, decl); break;
    case GC_SIM_DECL_CONST: write_const(self, decl); break;
    case GC_SIM_DECL_VAR: write_var(self, decl); break;
    case GC_SIM_DECL_GROUP: write_group(self, decl); break;
    case GC_SIM_DECL_FUNC:
        if (!gc_sim_test_func(self, decl))
            gc_sim_func(self, decl);
        break;
    }
    gc_buf_putc(&self->body, '\n');
}

/* Nothing is promised: something small that no other file of the package declares. */
static void write_unpromised(gc_sim_writer *self)
{
    const char *path = self->file->path;
    const char *kind = self->file->kind;
    bool main_file = strcmp(last_element(path), "main.go") == 0 ||
                     strcmp(kind, "main") == 0 || strcmp(kind, "cli") == 0;
    if (gc_ends_with(path, "_test.go")) {
        char *name = gc_xasprintf("Test%sFile", self->stem);
        gc_sim_table_test(self, name, gc_sim_use(self, "testing"), "t");
        free(name);
    } else if (strcmp(self->pkg, "main") == 0 && main_file) {
        gc_sim_main(self);
    } else {
        char *words = gc_sim_words(self->stem);
        gc_sim_comment(self, "%sUnit names the part of package %s that deals with %s.",
                       self->stem, self->pkg, words);
        gc_sim_line(self, 0, "type %sUnit struct {", self->stem);
        gc_sim_line(self, 1, "Name string");
        gc_sim_line(self, 0, "}\n");
        gc_sim_comment(self, "New%sUnit returns the unit under its usual name.",
                       self->stem);
        gc_sim_line(self, 0, "func New%sUnit() *%sUnit {", self->stem, self->stem);
        gc_sim_line(self, 1, "return &%sUnit{Name: \"%s\"}", self->stem, words);
        gc_sim_line(self, 0, "}");
        free(words);
    }
}

/* The package clause: as asked for, else from the folder. */
static char *package_name(const gc_sim_wanted_file *file)
{
    if (gc_sim_go_is_ident(file->package, strlen(file->package)))
        return gc_xstrdup(file->package);
    const char *end = strrchr(file->path, '/');
    const char *start = end;
    while (start && start > file->path && start[-1] != '/')
        start--;
    gc_buf out;
    gc_buf_init(&out, 256);
    for (; start && start < end && out.len < 64; start++)
        if (isalnum((unsigned char)*start))
            gc_buf_putc(&out, (char)tolower((unsigned char)*start));
    if (!out.len || isdigit((unsigned char)*out.ptr)) {
        gc_buf_reset(&out);
        gc_buf_puts(&out, "main");
    }
    return gc_buf_take(&out);
}

void gc_sim_go_write(const gc_sim_wanted_file *file, gc_buf *out)
{
    gc_sim_writer self = { .file = file };
    gc_buf_init(&self.body, SOURCE_MAX);
    gc_sim_promise_parse(file->promise, &self.promise);
    self.stem = gc_sim_stem(file->path);
    self.pkg = package_name(file);
    for (size_t i = 0; i < self.promise.decl_count; i++)
        write_decl(&self, &self.promise.decls[i]);
    if (self.promise.decl_count == 0)
        write_unpromised(&self);
    while (self.body.len && self.body.ptr[self.body.len - 1] == '\n')
        self.body.ptr[--self.body.len] = '\0';
    gc_buf_printf(out, "package %s\n\n", self.pkg);
    add_usual(&self);
    write_imports(&self, out);
    gc_buf_append(out, self.body.ptr, self.body.len);
    gc_buf_putc(out, '\n');
    free(self.stem);
    free(self.pkg);
    gc_buf_release(&self.body);
    gc_strv_release(&self.uses);
    gc_sim_promise_release(&self.promise);
}
