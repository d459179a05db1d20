/* Which package a qualifier means. Go binds it to the package clause of the imported package,
 * which is not at hand: an alias decides, else the custom that the last path element (without
 * a major version) is the name; https://go.dev/ref/mod#major-version-suffixes. */
#include <stdlib.h>
#include <string.h>

#include "common/gosrc_ast.h"
#include "common/mem.h"
#include "common/text.h"

static bool is_identifier(const char *text)
{
    if (!*text || (*text >= '0' && *text <= '9'))
        return false;
    for (; *text; text++) {
        char l = (char)(*text | 32);
        bool letter = (l >= 'a' && l <= 'z') || *text == '_';
        if (!letter && !(*text >= '0' && *text <= '9') && (unsigned char)*text < 0x80)
            return false;
    }
    return true;
}

/* "v2", "v10"; not "v1" or "v0", which no module path has. */
static bool is_major_version(const char *text, size_t len)
{
    if (len < 2 || text[0] != 'v' || text[1] < '1' || text[1] > '9')
        return false;
    for (size_t i = 2; i < len; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    return len > 2 || text[1] > '1';
}

/* The element of `path` that names the package, versions left out. */
static void last_element(const char *path, const char **start, size_t *len)
{
    const char *end = path + strlen(path);
    for (int round = 0; round < 2; round++) {
        const char *slash = end;
        while (slash > path && slash[-1] != '/')
            slash--;
        *start = slash;
        *len = (size_t)(end - slash);
        if (slash == path || !is_major_version(slash, *len))
            break;
        end = slash - 1;
    }
    const char *point = memrchr(*start, '.', *len);
    if (point && gc_starts_with(path, "gopkg.in/") && point[1] == 'v')
        *len = (size_t)(point - *start);
}

void gc_go_package_name(const char *path, char out[GC_GO_MAX_NAME + 1])
{
    const char *start;
    size_t len;
    last_element(path, &start, &len);
    if (len > GC_GO_MAX_NAME)
        len = 0;
    memcpy(out, start, len);
    out[len] = '\0';
    if (!is_identifier(out))
        out[0] = '\0';
}

/* A path without a point in its first element is of the standard library or of a local
 * module; one with "internal" in it is of the module at hand: https://go.dev/s/go14internal */
static bool follows_custom(const char *path)
{
    size_t first = strcspn(path, "/");
    bool host = memchr(path, '.', first) != NULL;
    return !host || strstr(path, "/internal/") || gc_ends_with(path, "/internal");
}

static void guess(gc_go_file *self, const char *name, gc_go_import *import)
{
    if (is_identifier(name) && !gc_map_has(self->guesses, name))
        gc_map_set(self->guesses, name, import);
}

/* Names that packages with a dash or a point in their path have: go-redis is redis. */
static void add_guesses(gc_go_file *self, gc_go_import *import)
{
    char name[GC_GO_MAX_NAME + 1];
    const char *start;
    size_t len;
    last_element(import->path, &start, &len);
    if (len > GC_GO_MAX_NAME)
        return;
    memcpy(name, start, len);
    name[len] = '\0';
    if (gc_ends_with(name, "-go") || gc_ends_with(name, ".go"))
        name[len - 3] = '\0';
    const char *stem = gc_starts_with(name, "go-") ? name + 3 : name;
    guess(self, stem, import);
    const char *dash = strrchr(stem, '-');
    if (dash)
        guess(self, dash + 1, import);
    char joined[GC_GO_MAX_NAME + 1];
    size_t n = 0;
    for (const char *c = stem; *c; c++)
        if (*c != '-')
            joined[n++] = *c;
    joined[n] = '\0';
    guess(self, joined, import);
    const char *slash = strrchr(import->path, '/');
    guess(self, slash ? slash + 1 : import->path, import);
}

static const gc_go_import *find_path(const gc_go_file *file, const char *path)
{
    for (size_t i = 0; file && i < file->import_count; i++)
        if (strcmp(file->imports[i]->path, path) == 0)
            return file->imports[i];
    return NULL;
}

static void bind(gc_go_file *self, const char *name, gc_go_import *import)
{
    if (name && *name && !gc_map_has(self->exact, name))
        gc_map_set(self->exact, name, import);
}

/* Without an alias the name comes from the path. The hints may have an alias for it: the
 * package's name, where that is not the last element, or merely an alias. */
static void name_by_path(gc_go_file *self, gc_go_import *import, const gc_go_file *hints)
{
    char name[GC_GO_MAX_NAME + 1];
    const gc_go_import *hint = find_path(hints, import->path);
    gc_go_package_name(import->path, name);
    bool named = hint && is_identifier(hint->name) && strcmp(hint->name, "_") != 0;
    if (named && strcmp(hint->name, name) != 0)
        import->other = gc_go_keep(self, hint->name, strlen(hint->name));
    import->name = gc_go_keep(self, name, strlen(name));
    if (!import->name)
        import->name = "";
    import->certain = named || (*name && follows_custom(import->path));
}

void gc_go_add_import(gc_go_file *self, const char *path, const char *alias, int line,
                      const gc_go_file *hints)
{
    gc_go_import *import = gc_xcalloc(1, sizeof *import);
    *import = (gc_go_import){
        .alias = alias, .path = path, .line = line, .name = alias, .certain = alias
    };
    self->imports = gc_grow(self->imports, self->import_count, &self->import_cap,
                            sizeof(gc_go_import *));
    self->imports[self->import_count++] = import;
    if (!alias)
        name_by_path(self, import, hints);
    bind(self, import->name, import);
    bind(self, import->other, import);
    if (!alias)
        add_guesses(self, import);
}

gc_go_import *gc_go_resolve(const gc_go_file *self, const char *qualifier)
{
    gc_go_import *import = gc_map_get(self->exact, qualifier);
    return import ? import : gc_map_get(self->guesses, qualifier);
}
