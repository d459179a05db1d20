#include "common/spec.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"

/* ---- packages ---- */

static const char package_keys[] =
    "name package path dir purpose description responsibility entities dependencies imports";

/* The last part of a path. */
static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* `name` or `path` may be "" but not both. */
static void set_package(gc_spec *self, gc_spec_package *package, const char *name,
                        const char *path)
{
    if (!*path && strchr(name, '/')) {
        path = name;
        name = base_of(name);
    }
    if (*name && !gc_spec_name_ok(self, self->diags, package->at, "package name", name))
        return;
    char *folder = NULL;
    if (*path)
        folder = gc_spec_path_clean(self, package->at, "package path", path);
    else
        folder = gc_go_package(name);
    if (!folder)
        return;
    gc_spec_set(&package->package.name, gc_xstrdup(*name ? name : base_of(folder)));
    gc_spec_set(&package->package.path,
                *path ? gc_xstrdup(folder) : gc_xasprintf("internal/%s", folder));
    package->implied = !*path;
    free(folder);
}

/* The names that a package depends on, as a sentence: the plan has its own edges. */
static char *purpose_of(gc_spec *self, const gc_node *node)
{
    char *purpose = gc_spec_text(
        self, gc_spec_pick(node, "purpose description responsibility"), "the purpose");
    const gc_node *needs = gc_spec_pick(node, "dependencies imports");
    if (!needs)
        return purpose;
    gc_strv names = { 0 };
    for (size_t i = 0; needs->kind == GC_NODE_SEQ && i < needs->count; i++)
        gc_strv_push(&names, gc_spec_flat(needs->items[i]));
    if (needs->kind != GC_NODE_SEQ)
        gc_strv_push(&names, gc_spec_flat(needs));
    gc_strv_sort(&names);
    char *list = gc_strv_join(&names, ", ");
    char *text = gc_xasprintf("%s%sUses: %s", purpose, *purpose ? "\n" : "", list);
    free(list);
    gc_strv_release(&names);
    free(purpose);
    return text;
}

static void read_package_map(gc_spec *self, const gc_node *node, const char *name)
{
    gc_spec_package *package = gc_spec_add_package(self, node);
    for (size_t i = 0; i < node->count; i++) {
        char *key = gc_spec_key(node->keys[i]->text);
        if (!gc_spec_is_one_of(key, package_keys))
            gc_spec_unknown_key(self, node->keys[i], "a package", package_keys);
        free(key);
    }
    char *given =
        gc_spec_text(self, gc_spec_pick(node, "name package"), "the package name");
    char *path = gc_spec_text(self, gc_spec_pick(node, "path dir"), "the package path");
    if (!*given && name)
        gc_spec_set(&given, gc_spec_trim(name));
    if (!*given && !*path)
        gc_spec_error(self, node, "a package has no name; add name: or path:");
    else
        set_package(self, package, given, path);
    package->entities = gc_spec_pick(node, "entities");
    gc_spec_set(&package->package.purpose, purpose_of(self, node));
    free(given);
    free(path);
}

static void read_package(gc_spec *self, const gc_node *node, const char *name)
{
    if (node->kind == GC_NODE_MAP) {
        read_package_map(self, node, name);
        return;
    }
    if (node->kind == GC_NODE_SEQ) {
        gc_spec_error(self, node,
                      "a package is a list; write a name or {name, path, purpose}");
        return;
    }
    gc_spec_package *package = gc_spec_add_package(self, node);
    char *text = gc_spec_text(self, node, "a package");
    set_package(self, package, name ? name : text, "");
    if (name) /* "user: what it does" */
        gc_spec_set(&package->package.purpose, gc_xstrdup(text));
    free(text);
}

void gc_spec_read_packages(gc_spec *self, const gc_node *node)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind == GC_NODE_SCALAR)
        gc_spec_error(self, node, "packages is text; write a list of packages");
    for (size_t i = 0; node->kind != GC_NODE_SCALAR && i < node->count; i++)
        read_package(self, node->items[i],
                     node->kind == GC_NODE_MAP ? node->keys[i]->text : NULL);
}

/* ---- modules ---- */

static bool is_version(const char *text)
{
    return text[0] == 'v' && text[1] >= '0' && text[1] <= '9' &&
           strspn(text + 1,
                  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                  ".-+") == strlen(text + 1) &&
           strchr(text, '.') != NULL;
}

static void add_module(gc_spec *self, const gc_node *at, const char *path,
                       const char *version)
{
    char *number =
        gc_xasprintf("%s%s", *version >= '0' && *version <= '9' ? "v" : "", version);
    if (*number && !is_version(number)) {
        if (strcmp(number, "latest") != 0)
            gc_spec_warn(self, at,
                         "\"%.40s\" is no version of module %s; write it like v1.2.3",
                         version, path);
        number[0] = '\0';
    }
    self->modules = gc_grow(self->modules, self->module_count, &self->module_cap,
                            sizeof *self->modules);
    gc_spec_module *m = &self->modules[self->module_count++];
    *m = (gc_spec_module){ { gc_xstrdup(path), number }, at };
}

/* Third-party paths have a dot in their first part; the rest is Go's library or prose. */
static void take_module(gc_spec *self, const gc_node *at, const char *path,
                        const char *version)
{
    size_t first = strcspn(path, "/");
    bool remote = memchr(path, '.', first) != NULL && path[first] == '/' &&
                  strcspn(path, " \t\"'`") == strlen(path);
    if (remote) {
        char *clean = gc_spec_path_clean(self, at, "module", path);
        if (clean)
            add_module(self, at, clean, version);
        free(clean);
        return;
    }
    char *root = gc_xasprintf("%.*s", (int)first, path);
    bool standard = gc_spec_is_std_root(root) || strcasecmp(root, "none") == 0;
    if (!standard)
        gc_spec_warn(self, at,
                     "the dependency \"%.60s\" is no Go module path and is ignored; "
                     "write it like github.com/owner/name@v1.2.3",
                     path);
    free(root);
}

/* "path@version" or "path version". */
static void read_module_text(gc_spec *self, const gc_node *at, const char *text)
{
    char *copy = gc_spec_plain(text);
    size_t end = strcspn(copy, "@ ");
    char *version = gc_spec_trim(copy[end] ? copy + end + 1 : "");
    bool prose = strchr(version, ' ') != NULL;
    if (copy[end] && !prose)
        copy[end] = '\0';
    take_module(self, at, copy, prose ? "" : version);
    free(version);
    free(copy);
}

static void read_dependency(gc_spec *self, const gc_node *node)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind == GC_NODE_SCALAR) {
        read_module_text(self, node, node->text);
        return;
    }
    const gc_node *path = gc_spec_pick(node, "module path import package name");
    if (node->kind == GC_NODE_SEQ || !path) {
        gc_spec_error(
            self, node,
            "a dependency is %s; write github.com/owner/name@v1.2.3 or {module, "
            "version}",
            node->kind == GC_NODE_SEQ ? "a list" : "a map without module");
        return;
    }
    char *text = gc_spec_text(self, path, "the module");
    char *version = gc_spec_text(self, gc_node_get(node, "version"), "the version");
    if (*version)
        take_module(self, path, text, version);
    else
        read_module_text(self, path, text);
    free(version);
    free(text);
}

void gc_spec_read_dependencies(gc_spec *self, const gc_node *node)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind == GC_NODE_SCALAR) {
        gc_spec_error(self, node, "dependencies is text; write a list of modules");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == GC_NODE_SEQ) {
            read_dependency(self, node->items[i]);
            continue;
        }
        char *version = gc_spec_text(self, node->items[i], "the version");
        take_module(self, node->keys[i], node->keys[i]->text, version);
        free(version);
    }
}

/* ---- patterns, the rest of the architecture ---- */

static void add_pattern(gc_spec *self, const char *name, const gc_node *node)
{
    char *text = NULL;
    const gc_node *title = gc_spec_pick(node, "name pattern title");
    if (title) {
        char *head = gc_spec_flat(title);
        char *rest =
            gc_spec_flat(gc_spec_pick(node, "description purpose usage details"));
        text = gc_xasprintf("%s%s%s", head, *rest ? ": " : "", rest);
        free(head);
        free(rest);
    } else {
        text = gc_spec_flat(node);
    }
    if (name && *text)
        gc_spec_set(&text, gc_xasprintf("%s: %s", name, text));
    if (*text)
        gc_strv_add(&self->fcs->patterns, text);
    free(text);
}

void gc_spec_read_patterns(gc_spec *self, const gc_node *node)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind == GC_NODE_SCALAR) {
        add_pattern(self, NULL, node);
        return;
    }
    for (size_t i = 0; i < node->count; i++)
        add_pattern(self, node->kind == GC_NODE_MAP ? node->keys[i]->text : NULL,
                    node->items[i]);
}

void gc_spec_read_architecture(gc_spec *self, const gc_node *node)
{
    if (node->kind != GC_NODE_MAP) {
        gc_spec_read_patterns(self, node);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        const gc_node *value = node->items[i];
        char *key = gc_spec_key(node->keys[i]->text);
        if (gc_spec_is_null(value))
            ; /* says nothing */
        else if (strcmp(key, "packages") == 0)
            gc_spec_read_packages(self, value);
        else if (strcmp(key, "dependencies") == 0)
            gc_spec_read_dependencies(self, value);
        else if (strcmp(key, "patterns") == 0)
            gc_spec_read_patterns(self, value);
        else
            add_pattern(self, key, value); /* style: layered; storage: ... */
        free(key);
    }
}

/* ---- explicit files ---- */

static const char file_keys[] =
    "path file name purpose description entities entity depends_on dependencies imports";

static void add_file(gc_spec *self, const gc_node *at, const char *path,
                     const gc_node *details)
{
    char *clean = gc_spec_path_clean(self, at, "file path", path);
    if (!clean)
        return;
    self->files =
        gc_grow(self->files, self->file_count, &self->file_cap, sizeof *self->files);
    gc_spec_path *f = &self->files[self->file_count++];
    *f = (gc_spec_path){ .at = at };
    f->file.path = clean;
    f->file.line = at->line;
    f->file.column = at->column;
    if (!details || gc_spec_is_text(details)) {
        f->file.purpose = gc_spec_text(self, details, "the purpose");
        return;
    }
    f->file.purpose =
        gc_spec_text(self, gc_spec_pick(details, "purpose description"), "the purpose");
    f->entities = gc_spec_pick(details, "entities entity");
    f->depends_on = gc_spec_pick(details, "depends_on dependencies imports");
    for (size_t i = 0; details->kind == GC_NODE_MAP && i < details->count; i++) {
        char *key = gc_spec_key(details->keys[i]->text);
        if (!gc_spec_is_one_of(key, file_keys))
            gc_spec_unknown_key(self, details->keys[i], "a file", file_keys);
        free(key);
    }
}

static void read_file(gc_spec *self, const gc_node *node)
{
    if (node->kind == GC_NODE_SCALAR) {
        char *path = gc_spec_trim(node->text);
        add_file(self, node, path, NULL);
        free(path);
        return;
    }
    const gc_node *path = gc_spec_pick(node, "path file name");
    if (!path) {
        gc_spec_error(self, node,
                      "a file has no path; write {path: internal/x/y.go, purpose: ...}");
        return;
    }
    char *text = gc_spec_text(self, path, "the file path");
    add_file(self, path, text, node);
    free(text);
}

void gc_spec_read_files(gc_spec *self, const gc_node *node)
{
    if (node->kind == GC_NODE_SCALAR) {
        gc_spec_error(self, node, "files is text; write a list of {path, purpose}");
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        if (node->kind == GC_NODE_MAP && node->items[i]->kind == GC_NODE_SEQ)
            gc_spec_error(self, node->items[i],
                          "the file \"%.80s\" is a list; write {purpose, "
                          "entities, depends_on}",
                          node->keys[i]->text);
        else if (node->kind == GC_NODE_MAP)
            add_file(self, node->keys[i], node->keys[i]->text, node->items[i]);
        else
            read_file(self, node->items[i]);
    }
}
