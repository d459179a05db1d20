#include "common/spec.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/text.h"

#define DEFAULT_GO "1.22"
#define MODULE_MAX 200

/* Top-level packages of Go's standard library (1.26). */
bool gc_spec_is_std_root(const char *name)
{
    static const char roots[] =
        "archive bufio builtin bytes cmp compress container context crypto database debug "
        "embed encoding errors expvar flag fmt go hash html image index internal io iter log "
        "maps math mime net os path plugin reflect regexp runtime slices sort strconv strings "
        "structs sync syscall testing text time unicode unique unsafe vendor weak";
    return gc_spec_is_one_of(name, roots);
}

/* ---- name and description ---- */

/* Text of the first key of `list` that is there; NULL if none. */
static char *first_text(gc_spec *self, const gc_node *map, const char *list,
                        const char *what, const gc_node **at)
{
    const gc_node *node = gc_spec_pick(map, list);
    if (!node)
        return NULL;
    *at = node;
    return gc_spec_text(self, node, what);
}

/* First heading of the Markdown body at level 1. */
static const gc_node *body_title(const gc_node *root)
{
    const gc_node *body = gc_node_get(root, "body");
    if (!body || body->kind != GC_NODE_SEQ)
        return NULL;
    for (size_t i = 0; i < body->count; i++) {
        const char *kind = gc_node_text(body->items[i], "block");
        const char *level = gc_node_text(body->items[i], "level");
        if (kind && level && strcmp(kind, "heading") == 0 && strcmp(level, "1") == 0)
            return gc_node_get(body->items[i], "text");
    }
    return NULL;
}

static char *project_name(gc_spec *self, const gc_node *root, const gc_node **at)
{
    const gc_node *project = gc_node_get(root, "project");
    char *name = first_text(self, root, "name project_name", "the project name", at);
    if (!name && project && project->kind == GC_NODE_MAP)
        name =
            first_text(self, project, "name project_name title", "the project name", at);
    else if (!name && project)
        name = first_text(self, root, "project", "the project name", at);
    if (!name)
        name = first_text(self, root, "title", "the project title", at);
    const gc_node *title = name ? NULL : body_title(root);
    if (title) {
        *at = title;
        name = gc_spec_plain(title->text ? title->text : "");
    }
    return name;
}

/* The folder below cmd/ and the name of the program: my-shop. */
static void read_app(gc_spec *self, const gc_node *at, const char *name)
{
    char *app = gc_go_snake_plain(name);
    bool ascii = true;
    for (char *p = app; *p; p++)
        if (*p == '_')
            *p = '-';
    for (const char *p = name; *p; p++)
        ascii = ascii && (unsigned char)*p < 0x80;
    /* Folders that the go command treats in a way of its own. */
    bool reserved = gc_spec_is_one_of(app, "internal vendor testdata");
    if (reserved)
        gc_spec_set(&app, gc_xasprintf("%s-app", app));
    if (reserved || !ascii)
        gc_spec_rename(
            self, self->diags, at,
            "the project \"%s\" is called %s in file names; rename it to choose "
            "yourself",
            name, app);
    gc_spec_set(&self->fcs->app, app);
}

static void read_name(gc_spec *self, const gc_node *root)
{
    const gc_node *at = root;
    char *name = project_name(self, root, &at);
    if (!name) {
        gc_spec_error(self, root, "the project has no name; add name: my-project");
        return;
    }
    if (!gc_spec_name_ok(self, self->diags, at, "project name", name)) {
        free(name);
        return;
    }
    gc_spec_set(&self->fcs->name, name);
    read_app(self, at, name);
}

static void add_description(gc_spec *self, gc_buf *out, const gc_node *map,
                            const char *key)
{
    const gc_node *node = gc_node_get(map, key);
    if (gc_spec_is_null(node))
        return;
    char *text = gc_spec_text(self, node, key);
    if (*text)
        gc_buf_printf(out, "%s%s", out->len ? "\n\n" : "", text);
    free(text);
}

/* http, cli or library as others call them, or NULL. */
static const char *kind_named(const char *text)
{
    static const char *const words[][2] = {
        { "http",
          "http api http_api rest rest_api web web_api web_app web_service webapp server "
          "service microservice backend" },
        { "cli", "cli cli_tool cli_app tool command command_line command_line_tool" },
        { "library", "library lib package module sdk" },
    };
    char *word = gc_go_snake_plain(text);
    const char *kind = NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words && !kind; i++)
        if (gc_spec_is_one_of(word, words[i][1]))
            kind = words[i][0];
    free(word);
    return kind;
}

static void read_kind(gc_spec *self, const gc_node *root)
{
    const gc_node *node = gc_spec_pick(root, "kind project_type");
    if (!node)
        return;
    char *kind = gc_spec_text(self, node, "kind");
    const char *known = kind_named(kind);
    if (known)
        gc_spec_set(&self->kind, gc_xstrdup(known));
    else if (*kind)
        gc_spec_error(self, node, "unknown kind \"%.40s\"; write http, cli or library",
                      kind);
    free(kind);
}

void gc_spec_read_project(gc_spec *self, const gc_node *root)
{
    static const char *const keys[] = { "description", "overview", "summary" };
    const gc_node *project = gc_node_get(root, "project");
    read_name(self, root);
    read_kind(self, root);
    gc_buf out;
    gc_buf_init(&out, GC_SPEC_TEXT_LIMIT);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        add_description(self, &out, root, keys[i]);
    if (!project || project->kind != GC_NODE_MAP) {
        gc_spec_set(&self->fcs->description, gc_buf_take(&out));
        return;
    }
    add_description(self, &out, project, "description");
    gc_spec_set(&self->fcs->description, gc_buf_take(&out));
    static const char known[] = "name project_name title description module module_path "
                                "go_version version author authors license";
    for (size_t i = 0; i < project->count; i++) {
        char *key = gc_spec_key(project->keys[i]->text);
        if (!gc_spec_is_one_of(key, known))
            gc_spec_unknown_key(self, project->keys[i], "project", known);
        free(key);
    }
    const gc_node *module = gc_spec_pick(project, "module module_path");
    const gc_node *go = gc_spec_pick(project, "go_version");
    if (module)
        gc_spec_read_module(self, module);
    if (go)
        gc_spec_read_go_version(self, go);
}

/* ---- module path and Go version ---- */

/* golang.org/ref/mod, "Module paths": what is wrong with `path`, or NULL. */
static const char *module_problem(const char *path)
{
    size_t len = strlen(path);
    if (len > MODULE_MAX)
        return "is longer than 200 bytes; shorten it";
    if (path[0] == '/' || path[len - 1] == '/' || strstr(path, "//"))
        return "has an empty part; write it like example.com/team/shop";
    gc_strv parts = { 0 };
    gc_strv_split(&parts, path, '/');
    const char *problem = NULL;
    for (size_t i = 0; i < parts.count; i++) {
        const char *part = parts.items[i];
        size_t n = strlen(part);
        if (part[0] == '.' || part[n - 1] == '.' || strstr(part, ".."))
            problem = "has a part that starts or ends with a dot; write it like "
                      "example.com/team/shop";
    }
    if (path[0] == '-')
        problem = "starts with a dash; write it like example.com/team/shop";
    for (const char *p = path; *p && !problem; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
              (*p >= '0' && *p <= '9') || strchr("-._~/", *p)))
            problem = "may only hold letters, digits and -._~/; write it like "
                      "example.com/team/shop";
    if (!problem && gc_spec_is_std_root(parts.items[0]))
        problem = "starts like a package of Go's standard library; write it like "
                  "example.com/team/shop";
    gc_strv_release(&parts);
    return problem;
}

void gc_spec_read_module(gc_spec *self, const gc_node *node)
{
    char *path = gc_spec_text(self, node, "the module path");
    if (!*path) {
        free(path);
        return;
    }
    const char *problem = module_problem(path);
    if (problem)
        gc_spec_error(self, node, "the module path \"%.80s\" %s", path, problem);
    else if (*self->fcs->module_path && strcmp(self->fcs->module_path, path) != 0)
        gc_spec_error(self, node,
                      "the module path is given twice: \"%.80s\" and \"%.80s\"; "
                      "remove one",
                      self->fcs->module_path, path);
    else
        gc_spec_set(&self->fcs->module_path, gc_xstrdup(path));
    free(path);
}

/* "1.21+", ">= 1.22", "go1.23.1", "1.22.x" -> "1.21", "1.22", "1.23.1", "1.22". */
static char *clean_go_version(const char *text)
{
    static const char *const marks[] = { ">=", "^", "~", "=", "go", "Go", "v" };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (gc_starts_with(text, marks[i]))
            text += strlen(marks[i]);
        text += strspn(text, " ");
    }
    gc_strv parts = { 0 };
    char *copy = gc_xstrdup(text), *version = NULL;
    size_t len = strlen(copy);
    if (len && copy[len - 1] == '+')
        copy[len - 1] = '\0';
    gc_strv_split(&parts, copy, '.');
    int64_t minor = 0, patch = 0;
    bool ok = (parts.count == 2 || parts.count == 3) &&
              strcmp(parts.items[0], "1") == 0 &&
              gc_parse_i64(parts.items[1], 1, 999, &minor) == GC_OK;
    bool any = ok && parts.count == 3 && gc_spec_is_one_of(parts.items[2], "x X *");
    if (ok && parts.count == 3 && !any)
        ok = gc_parse_i64(parts.items[2], 0, 999, &patch) == GC_OK;
    if (ok && parts.count == 3 && !any && minor >= 21) /* older go commands refuse it */
        version = gc_xasprintf("1.%d.%d", (int)minor, (int)patch);
    else if (ok)
        version = gc_xasprintf("1.%d", (int)minor);
    gc_strv_release(&parts);
    free(copy);
    return version;
}

void gc_spec_read_go_version(gc_spec *self, const gc_node *node)
{
    char *text = gc_spec_text(self, node, "go_version");
    char *version = *text ? clean_go_version(text) : NULL;
    if (*text && !version)
        gc_spec_error(self, node, "\"%.40s\" is no Go version; write it like \"1.22\"",
                      text);
    else if (version && *self->fcs->go_version &&
             strcmp(self->fcs->go_version, version) != 0)
        gc_spec_error(self, node, "the Go version is given twice: %s and %s; remove one",
                      self->fcs->go_version, version);
    else if (version)
        gc_spec_set(&self->fcs->go_version, gc_xstrdup(version));
    free(version);
    free(text);
}

/* ---- testing and build settings as lines ---- */

/* "testing.coverage: 80" for every leaf. Lists of texts become one line. */
static void add_lines(gc_spec *self, const char *prefix, const gc_node *node)
{
    if (gc_spec_is_null(node))
        return;
    if (node->kind != GC_NODE_MAP) {
        char *text = gc_spec_flat(node);
        gc_strv_push(&self->fcs->testing, gc_xasprintf("%s: %s", prefix, text));
        free(text);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        char *key = gc_spec_key(node->keys[i]->text);
        char *path = gc_xasprintf("%s.%s", prefix, key);
        add_lines(self, path, node->items[i]);
        free(path);
        free(key);
    }
}

void gc_spec_read_testing(gc_spec *self, const gc_node *node)
{
    add_lines(self, "testing", node);
}

void gc_spec_read_build(gc_spec *self, const gc_node *node)
{
    if (node->kind != GC_NODE_MAP) {
        add_lines(self, "build", node);
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        char *key = gc_spec_key(node->keys[i]->text);
        char *path = gc_xasprintf("build.%s", key);
        if (gc_spec_is_null(node->items[i]))
            ; /* says nothing */
        else if (gc_spec_is_one_of(key, "go_version go"))
            gc_spec_read_go_version(self, node->items[i]);
        else if (gc_spec_is_one_of(key, "module module_path module_name"))
            gc_spec_read_module(self, node->items[i]);
        else
            add_lines(self, path, node->items[i]);
        free(path);
        free(key);
    }
}
