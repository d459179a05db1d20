#include "common/prompt.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/assets.h"
#include "common/fs.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/strv.h"
#include "common/template.h"
#include "common/text.h"

#define ASSETS "templates/prompts/"
#define MAX_TEXT ((size_t)64 << 20) /* of one value: callers bound their texts below it */

/* Every prompt file. Partials are called by these names without ".md". */
static const char *const names[] = {
    "system.md",       "format_tags.md",  "format_json.md",   "example_tags.md",
    "example_json.md", "project.md",      "shared.md",        "task.md",
    "kinds/model.md",  "kinds/store.md",  "kinds/service.md", "kinds/handler.md",
    "kinds/errors.md", "kinds/config.md", "kinds/server.md",  "kinds/main.md",
    "kinds/cli.md",    "kinds/test.md",   "kinds/source.md",  "kinds/project.md"
};
#define NAME_COUNT (sizeof names / sizeof *names)

struct gc_prompts {
    char *texts[NAME_COUNT];
    gc_map *digests; /* "kind format" -> gc_sha, owned: asked for once per file */
};

/* The text of file `name`, or NULL. */
static const char *find_text(const gc_prompts *self, const char *name)
{
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return self->texts[i];
    return NULL;
}

static const char *find_partial(void *arg, const char *name)
{
    char *file = gc_xasprintf("%s.md", name);
    const char *text = find_text(arg, file);
    free(file);
    return text;
}

/* Renders file `name`; an error names it. */
static gc_err render(const gc_prompts *self, const char *name, const json_t *data,
                     gc_buf *out, gc_errinfo *info)
{
    const char *text = find_text(self, name);
    gc_render_options options = { .partial = find_partial, .partial_arg = (void *)self };
    gc_errinfo inner = { 0 };
    gc_err err = gc_template_render(text, strlen(text), data, &options, out, &inner);
    return err ? gc_fail(info, err, "prompt %s: %s", name, inner.text) : GC_OK;
}

/* ---- loading ---- */

/* Replaces text `index` by the file of that name in `directory`, if there is one. */
static gc_err load_override(gc_prompts *self, const char *directory, size_t index,
                            gc_errinfo *info)
{
    char *path = gc_xasprintf("%s/%s", directory, names[index]);
    gc_errinfo inner = { 0 };
    gc_buf text;
    gc_buf_init(&text, GC_TEMPLATE_MAX_BYTES);
    gc_err err = gc_read_file(path, &text, &inner);
    if (err == GC_ENOENT) {
        err = GC_OK;
    } else if (err) {
        gc_fail(info, err, "%s", inner.text);
    } else if (memchr(text.ptr, '\0', text.len) || !gc_utf8_valid(text.ptr, text.len)) {
        err = gc_fail(info, GC_EINVAL, "%s: is no UTF-8 text", path);
    } else {
        free(self->texts[index]);
        self->texts[index] = gc_buf_take(&text);
    }
    gc_buf_release(&text);
    free(path);
    return err;
}

/* Refuses a *.md file below `directory` that is no prompt: it would have no effect. */
static gc_err check_folder(const char *directory, const char *folder, gc_errinfo *info)
{
    char *path = gc_xasprintf("%s/%s", directory, folder);
    DIR *dir = opendir(path);
    gc_err err = GC_OK;
    if (!dir && (errno != ENOENT || !*folder))
        err = gc_fail(info, GC_EIO, "prompts directory %s: %s", path, strerror(errno));
    for (struct dirent *entry; !err && dir && (entry = readdir(dir));) {
        char *name = gc_xasprintf("%s%s", folder, entry->d_name);
        bool known = strcmp(name, "README.md") == 0 || !gc_ends_with(name, ".md");
        for (size_t i = 0; !known && i < NAME_COUNT; i++)
            known = strcmp(names[i], name) == 0;
        if (!known) {
            const char *nearest = gc_nearest(name, names, NAME_COUNT);
            err = gc_fail(info, GC_EINVAL, "%s/%s: there is no prompt of that name%s%s",
                          directory, name, nearest ? "; did you mean " : "",
                          nearest ? nearest : "");
        }
        free(name);
    }
    if (dir)
        closedir(dir);
    free(path);
    return err;
}

static gc_err check_text(gc_prompts *self, const char *directory, size_t index,
                         gc_errinfo *info)
{
    const char *text = self->texts[index];
    gc_render_options options = { .partial = find_partial, .partial_arg = self };
    gc_errinfo inner = { 0 };
    gc_err err = gc_template_check(text, strlen(text), &options, &inner);
    return err ? gc_fail(info, err, "%s%s%s: %s", directory, *directory ? "/" : "",
                         names[index], inner.text)
               : GC_OK;
}

/* Partials that call each other show only when rendered. */
static gc_err check_system(const gc_prompts *self, gc_errinfo *info)
{
    gc_buf out;
    gc_buf_init(&out, MAX_TEXT);
    gc_err err = gc_prompt_system(self, "tags", &out, info);
    if (!err)
        err = gc_prompt_system(self, "json", &out, info);
    gc_buf_release(&out);
    return err;
}

gc_err gc_prompts_load(const char *directory, gc_prompts **out, gc_errinfo *info)
{
    gc_prompts *self = gc_xcalloc(1, sizeof *self);
    self->digests = gc_map_new();
    gc_err err = GC_OK;
    for (size_t i = 0; !err && i < NAME_COUNT; i++) {
        char *asset_name = gc_xasprintf(ASSETS "%s", names[i]);
        const gc_asset *asset = gc_asset_find(asset_name);
        self->texts[i] = asset ? gc_xstrdup(asset->text) : NULL;
        if (!asset)
            err = gc_fail(info, GC_ENOENT, "%s is not built in", asset_name);
        free(asset_name);
    }
    if (!err && *directory)
        err = check_folder(directory, "", info);
    if (!err && *directory)
        err = check_folder(directory, "kinds/", info);
    for (size_t i = 0; !err && *directory && i < NAME_COUNT; i++)
        err = load_override(self, directory, i, info);
    for (size_t i = 0; !err && i < NAME_COUNT; i++)
        err = check_text(self, directory, i, info);
    if (!err)
        err = check_system(self, info);
    if (err)
        gc_prompts_destroy(&self);
    else
        *out = self;
    return err;
}

void gc_prompts_destroy(gc_prompts **self_p)
{
    if (!*self_p)
        return;
    size_t cursor = 0;
    void *digest;
    while (gc_map_next((*self_p)->digests, &cursor, NULL, &digest))
        free(digest);
    gc_map_destroy(&(*self_p)->digests);
    for (size_t i = 0; i < NAME_COUNT; i++)
        free((*self_p)->texts[i]);
    free(*self_p);
    *self_p = NULL;
}

static gc_sha digest_of(const gc_prompts *self, const char *kind,
                        const char *response_format)
{
    bool json = strcmp(response_format, "json") == 0;
    char *kind_name = gc_xasprintf("kinds/%s.md", kind);
    const char *kind_text = find_text(self, kind_name);
    gc_hasher *hasher = gc_hasher_new();
    gc_hasher_text(hasher, find_text(self, "system.md"));
    gc_hasher_text(hasher, find_text(self, json ? "format_json.md" : "format_tags.md"));
    gc_hasher_text(hasher, find_text(self, json ? "example_json.md" : "example_tags.md"));
    gc_hasher_text(hasher, kind_text ? kind_text : "");
    gc_hasher_text(hasher, find_text(self, "task.md"));
    free(kind_name);
    return gc_hasher_finish(&hasher);
}

gc_sha gc_prompts_sha(const gc_prompts *self, const char *kind,
                      const char *response_format)
{
    char *key = gc_xasprintf("%s %s", kind, response_format);
    gc_sha *known = gc_map_get(self->digests, key);
    if (!known) {
        known = gc_xmalloc(sizeof *known);
        *known = digest_of(self, kind, response_format);
        gc_map_set(self->digests, key, known);
    }
    free(key);
    return *known;
}

/* ---- untrusted text ---- */

typedef enum escape_mode {
    ESCAPE_ALL,      /* every `<` */
    ESCAPE_ELEMENTS, /* only a `<` that could open an element: Go keeps its `<-` */
    ESCAPE_NAME,     /* every `<`, and control characters become blanks */
    ESCAPE_ATTRIBUTE /* XML, and control characters become blanks */
} escape_mode;

static bool opens_element(char next)
{
    return (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '/' ||
           next == '!' || next == '?';
}

/* What replaces the ASCII character at `text`, or NULL if it stays. */
static const char *replacement(const char *text, escape_mode mode)
{
    bool xml = mode == ESCAPE_ATTRIBUTE;
    bool name = xml || mode == ESCAPE_NAME;
    unsigned char c = (unsigned char)*text;
    if (c == '<')
        return mode != ESCAPE_ELEMENTS || opens_element(text[1]) ? "&lt;" : NULL;
    if (name && (c < ' ' || c == 0x7f))
        return " ";
    if (!xml)
        return NULL;
    return c == '&' ? "&amp;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : NULL;
}

static void escape(const char *text, escape_mode mode, gc_buf *out)
{
    size_t len = strlen(text), pos = 0;
    while (pos < len) {
        size_t start = pos;
        uint32_t code = gc_utf8_next(text, len, &pos);
        const char *other = code == 0xfffd ? "\xef\xbf\xbd"
                            : code < 0x80  ? replacement(text + start, mode)
                                           : NULL;
        if (other)
            gc_buf_puts(out, other);
        else
            gc_buf_append(out, text + start, pos - start);
    }
}

void gc_prompt_escape(const char *text, gc_buf *out)
{
    escape(text, ESCAPE_ALL, out);
}

/* Sets `key` to `text` (NULL counts as empty), escaped and without line ends behind it.
 * GC_ETOOBIG: over MAX_TEXT. */
static gc_err set_text(json_t *data, const char *key, const char *text, escape_mode mode,
                       gc_errinfo *info)
{
    gc_buf buf;
    gc_buf_init(&buf, MAX_TEXT);
    escape(text ? text : "", mode, &buf);
    while (buf.len && buf.ptr[buf.len - 1] == '\n')
        buf.ptr[--buf.len] = '\0';
    gc_err err = GC_OK;
    if (buf.full)
        err = gc_fail(info, GC_ETOOBIG, "prompt: %s is longer than %zu bytes", key,
                      MAX_TEXT);
    else
        json_object_set_new(data, key, json_stringn_nocheck(buf.ptr, buf.len));
    gc_buf_release(&buf);
    return err;
}

/* ---- the blocks ---- */

gc_err gc_prompt_system(const gc_prompts *self, const char *response_format, gc_buf *out,
                        gc_errinfo *info)
{
    json_t *data = json_pack("{s:b}", "json", strcmp(response_format, "json") == 0);
    gc_err err = render(self, "system.md", data, out, info);
    json_decref(data);
    return err;
}

/* [{name, import}] of the packages: what a reader needs to import them. */
static gc_err add_packages(json_t *data, const gc_prompt_project *project,
                           gc_errinfo *info)
{
    json_t *list = json_array(), *package;
    size_t index;
    gc_err err = GC_OK;
    json_object_set_new(data, "packages", list);
    json_array_foreach(project->packages, index, package)
    {
        const char *name = json_string_value(json_object_get(package, "name"));
        const char *path = json_string_value(json_object_get(package, "path"));
        json_t *item = json_object();
        bool root = !path || !*path || strcmp(path, ".") == 0;
        char *import = gc_xasprintf("%s%s%s", project->module_path, root ? "" : "/",
                                    root ? "" : path);
        json_array_append_new(list, item);
        err = set_text(item, "name", name, ESCAPE_NAME, info);
        if (!err)
            err = set_text(item, "import", import, ESCAPE_NAME, info);
        free(import);
        if (err)
            break;
    }
    return err;
}

static gc_err add_modules(json_t *data, const gc_prompt_project *project,
                          gc_errinfo *info)
{
    json_t *list = json_array(), *module;
    size_t index;
    gc_err err = GC_OK;
    json_object_set_new(data, "modules", list);
    json_array_foreach(project->modules, index, module)
    {
        json_t *item = json_object();
        json_array_append_new(list, item);
        err = set_text(item, "module", json_string_value(module), ESCAPE_NAME, info);
        if (err)
            break;
    }
    return err;
}

gc_err gc_prompt_project_text(const gc_prompts *self, const gc_prompt_project *project,
                              gc_buf *out, gc_errinfo *info)
{
    const char *kind = project->kind;
    json_t *data =
        json_pack("{s:b, s:b, s:b}", "http", strcmp(kind, "http") == 0, "cli",
                  strcmp(kind, "cli") == 0, "library", strcmp(kind, "library") == 0);
    gc_err err = set_text(data, "module_path", project->module_path, ESCAPE_NAME, info);
    if (!err)
        err = set_text(data, "app", project->app, ESCAPE_NAME, info);
    if (!err)
        err = set_text(data, "go_version", project->go_version, ESCAPE_NAME, info);
    json_object_set_new(data, "whole_table", json_boolean(project->symbols != NULL));
    if (!err && project->symbols)
        err = set_text(data, "symbols", project->symbols, ESCAPE_ELEMENTS, info);
    if (!err && project->symbols)
        err = add_packages(data, project, info);
    if (!err)
        err = add_modules(data, project, info);
    if (!err)
        err = render(self, "project.md", data, out, info);
    json_decref(data);
    return err;
}

gc_err gc_prompt_shared(const gc_prompts *self, const char *spec_text, gc_buf *out,
                        gc_errinfo *info)
{
    if (!*spec_text)
        return GC_OK;
    json_t *data = json_object();
    gc_err err = set_text(data, "text", spec_text, ESCAPE_ALL, info);
    if (!err)
        err = render(self, "shared.md", data, out, info);
    json_decref(data);
    return err;
}

static gc_err add_purposes(json_t *data, const gc_prompt_task *task, gc_errinfo *info)
{
    json_t *list = json_array();
    json_object_set_new(data, "purposes", list);
    for (size_t i = 0; i < task->file_count; i++) {
        const gc_prompt_file *file = &task->files[i];
        if (!file->purpose || !*file->purpose)
            continue;
        json_t *item = json_object();
        json_array_append_new(list, item);
        gc_err err = set_text(item, "path", file->path, ESCAPE_NAME, info);
        if (!err)
            err = set_text(item, "purpose", file->purpose, ESCAPE_NAME, info);
        if (err)
            return err;
    }
    json_object_set_new(data, "has_purposes", json_boolean(json_array_size(list) > 0));
    return GC_OK;
}

/* The element is a contract with the reader of the prompt, not words: no template. */
static gc_err put_element(const gc_prompt_file *file, gc_buf *out, gc_errinfo *info)
{
    const char *promise = file->promise ? file->promise : "";
    size_t len = strlen(promise);
    if (strstr(promise, "<generate") || strstr(promise, "</generate"))
        return gc_fail(info, GC_EINVAL,
                       "what %s promises holds the text of a generate element; use "
                       "another value in the specification",
                       file->path);
    gc_buf_puts(out, "\n<generate path=\"");
    escape(file->path, ESCAPE_ATTRIBUTE, out);
    gc_buf_puts(out, "\" package=\"");
    escape(file->package ? file->package : "", ESCAPE_ATTRIBUTE, out);
    gc_buf_puts(out, "\" kind=\"");
    escape(file->kind ? file->kind : "", ESCAPE_ATTRIBUTE, out);
    gc_buf_puts(out, "\">\n");
    gc_buf_puts(out, promise);
    gc_buf_puts(out, len && promise[len - 1] != '\n' ? "\n</generate>" : "</generate>");
    return out->full ? gc_fail(info, GC_EFULL, "the prompt is longer than %zu bytes",
                               out->limit)
                     : GC_OK;
}

gc_err gc_prompt_task_text(const gc_prompts *self, const gc_prompt_task *task,
                           gc_buf *out, gc_errinfo *info)
{
    bool json = strcmp(task->response_format, "json") == 0;
    json_t *data = json_pack("{s:b}", "json", json);
    gc_err err = set_text(data, "context", task->context, ESCAPE_ALL, info);
    if (!err)
        err = set_text(data, "symbols", task->symbols, ESCAPE_ELEMENTS, info);
    if (!err)
        err = set_text(data, "apis", task->apis, ESCAPE_ELEMENTS, info);
    if (!err)
        err = set_text(data, "complaint", task->complaint, ESCAPE_ALL, info);
    if (!err)
        err = add_purposes(data, task, info);
    if (!err)
        err = render(self, "task.md", data, out, info);
    /* the words end without a line end: each element brings the one before it */
    while (!err && out->len && out->ptr[out->len - 1] == '\n')
        out->ptr[--out->len] = '\0';
    for (size_t i = 0; !err && i < task->file_count; i++)
        err = put_element(&task->files[i], out, info);
    json_decref(data);
    return err;
}
