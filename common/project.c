#include "common/project.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/assets.h"
#include "common/fs.h"
#include "common/mem.h"
#include "common/template.h"
#include "common/text.h"

#define ASSETS "templates/project/"
#define README "readme.tmpl"
#define TEXT_LIMIT ((size_t)16 << 20) /* of one escaped text */

static const struct {
    const char *name;
    const char *path;
} table[] = {
    { "dockerignore.tmpl", ".dockerignore" },
    { "ci.tmpl", ".github/workflows/ci.yml" },
    { "gitignore.tmpl", ".gitignore" },
    { "golangci.tmpl", ".golangci.yml" },
    { "dockerfile.tmpl", "Dockerfile" },
    { "makefile.tmpl", "Makefile" },
    { README, "README.md" },
    { "go.mod.tmpl", "go.mod" },
};
#define COUNT (sizeof table / sizeof *table)

const char *gc_project_template(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].path;
    return NULL;
}

const char *gc_project_template_at(size_t index)
{
    return index < COUNT ? table[index].name : NULL;
}

/* ---- names that go into files read line by line ---- */

/* Letters, digits and `more`, not beginning with '-' or '.': nothing that go.mod, make, sh,
 * YAML or a Dockerfile would take for more than a word. */
static bool is_word(const char *text, const char *more)
{
    if (!*text || *text == '-' || *text == '.')
        return false;
    for (; *text; text++) {
        bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                     (*text >= '0' && *text <= '9');
        if (!plain && !strchr(more, *text))
            return false;
    }
    return true;
}

static gc_err set_word(json_t *data, const char *key, const char *text, const char *more,
                       gc_errinfo *info)
{
    if (!is_word(text, more))
        return gc_fail(info, GC_EINVAL,
                       "%s \"%.200s\" does not fit into the project files; use letters, "
                       "digits and \"%s\"",
                       key, text, more);
    json_object_set_new(data, key, json_string(text));
    return GC_OK;
}

/* The folder of the main package: cmd/<app>, or that of the listed main.go that comes first
 * by path. NULL: nothing to run. */
static char *find_main(const gc_fcs *fcs)
{
    const char *best = NULL;
    if (!fcs->file_count && strcmp(fcs->kind, "library") != 0)
        return gc_xasprintf("./cmd/%s", fcs->app);
    for (size_t i = 0; i < fcs->file_count; i++) {
        const char *path = fcs->files[i].path;
        bool is_main = strcmp(path, "main.go") == 0 || gc_ends_with(path, "/main.go");
        if (is_main && is_word(path, "._-/") && (!best || strcmp(path, best) < 0))
            best = path;
    }
    if (!best)
        return NULL;
    const char *slash = strrchr(best, '/');
    return slash ? gc_xasprintf("./%.*s", (int)(slash - best), best) : gc_xstrdup(".");
}

static gc_err add_modules(json_t *data, const gc_fcs *fcs, gc_errinfo *info)
{
    json_t *versions = json_array(), *unversioned = json_array();
    json_object_set_new(data, "modules", versions);
    json_object_set_new(data, "unversioned", unversioned);
    for (size_t i = 0; i < fcs->module_count; i++) {
        const gc_module_dep *module = &fcs->modules[i];
        json_t *item = json_object();
        json_array_append_new(*module->version ? versions : unversioned, item);
        gc_err err = set_word(item, "path", module->path, "._~/-", info);
        if (!err && *module->version)
            err = set_word(item, "version", module->version, ".+-", info);
        if (err)
            return err;
    }
    size_t count = json_array_size(versions);
    json_object_set_new(data, "one_version", json_boolean(count == 1));
    json_object_set_new(data, "many_versions", json_boolean(count > 1));
    json_object_set_new(data, "has_unversioned",
                        json_boolean(json_array_size(unversioned)));
    json_object_set_new(data, "has_modules", json_boolean(fcs->module_count));
    return GC_OK;
}

static gc_err add_names(json_t *data, const gc_fcs *fcs, gc_errinfo *info)
{
    gc_err err = set_word(data, "app", fcs->app, "_-.", info);
    if (!err)
        err = set_word(data, "module_path", fcs->module_path, "._~/-", info);
    if (!err)
        err = set_word(data, "go_version", fcs->go_version, ".", info);
    if (err)
        return err;
    char *main_package = find_main(fcs);
    json_object_set_new(data, "program", json_boolean(main_package));
    json_object_set_new(data, "main", json_string(main_package ? main_package : ""));
    free(main_package);
    static const char *const kinds[] = { "http", "cli", "library" };
    for (size_t i = 0; i < 3; i++)
        json_object_set_new(data, kinds[i],
                            json_boolean(strcmp(fcs->kind, kinds[i]) == 0));
    return add_modules(data, fcs, info);
}

/* ---- free text, for the README ---- */

static bool is_space(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7f;
}

/* What stands for `c` in Markdown text, or NULL if it stays. Backslash escapes: CommonMark
 * 2.4. The pipe would end a table cell. */
static const char *markdown(char c)
{
    static const char special[] = "\\`*_[]|~#$";
    static const char *const escaped[] = { "\\\\", "\\`", "\\*", "\\_", "\\[",
                                           "\\]",  "\\|", "\\~", "\\#", "\\$" };
    const char *at = strchr(special, c);
    if (at)
        return escaped[at - special];
    return c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : NULL;
}

/* A line must not begin like a list, a rule or an underline. */
static void put_line_start(const char *text, size_t len, gc_buf *out, size_t *pos)
{
    size_t digits = strspn(text, "0123456789");
    if (len && strchr("-+=", text[0])) {
        gc_buf_putc(out, '\\');
    } else if (digits && digits < len && strchr(".)", text[digits])) {
        gc_buf_append(out, text, digits);
        gc_buf_putc(out, '\\');
        *pos = digits;
    }
}

/* `text` on one line, as plain words for Markdown; what passes TEXT_LIMIT is left out. */
static json_t *plain_text(const char *text)
{
    gc_buf out;
    gc_buf_init(&out, TEXT_LIMIT);
    while (*text && is_space(*text))
        text++;
    size_t len = strlen(text), pos = 0;
    while (len && is_space(text[len - 1]))
        len--;
    put_line_start(text, len, &out, &pos);
    for (; pos < len; pos++) {
        const char *other = markdown(text[pos]);
        if (is_space(text[pos]) && is_space(text[pos + 1]))
            continue;
        if (other)
            gc_buf_puts(&out, other);
        else
            gc_buf_putc(&out, is_space(text[pos]) ? ' ' : text[pos]);
    }
    json_t *value = json_stringn_nocheck(out.ptr, out.len);
    gc_buf_release(&out);
    return value;
}

/* `text` for a code span in a table cell: what could end the span or the cell becomes '?'. */
static json_t *code_text(const char *text)
{
    char *copy = gc_xstrdup(text);
    for (char *p = copy; *p; p++)
        if (is_space(*p))
            *p = ' ';
        else if (*p == '`' || *p == '|')
            *p = '?';
    json_t *value = json_stringn_nocheck(copy, strlen(copy));
    free(copy);
    return value;
}

static void set_list(json_t *data, const char *key, const char *has_key, json_t *list)
{
    json_object_set_new(data, has_key, json_boolean(json_array_size(list)));
    json_object_set_new(data, key, list);
}

static json_t *entity_json(const gc_entity *entity)
{
    json_t *item = json_object(), *fields = json_array();
    json_object_set_new(item, "name", plain_text(entity->go_name));
    json_object_set_new(item, "description", plain_text(entity->description));
    for (size_t i = 0; i < entity->field_count; i++) {
        const gc_field *field = &entity->fields[i];
        json_t *row = json_object();
        json_object_set_new(row, "name", code_text(field->json_name));
        json_object_set_new(row, "type", code_text(field->go_type));
        json_object_set_new(row, "required", json_boolean(field->required));
        json_object_set_new(row, "description", plain_text(field->description));
        json_array_append_new(fields, row);
    }
    set_list(item, "fields", "has_fields", fields);
    return item;
}

static void add_free_text(json_t *data, const gc_fcs *fcs)
{
    json_t *entities = json_array(), *contracts = json_array(), *packages = json_array();
    json_object_set_new(data, "title", plain_text(fcs->name));
    json_object_set_new(data, "description", plain_text(fcs->description));
    for (size_t i = 0; i < fcs->entity_count; i++)
        json_array_append_new(entities, entity_json(&fcs->entities[i]));
    for (size_t i = 0; i < fcs->contract_count; i++) {
        const gc_contract *contract = &fcs->contracts[i];
        json_t *item = json_object();
        char *route = gc_xasprintf("%s %s", contract->method, contract->path);
        const char *about =
            *contract->description ? contract->description : contract->name;
        json_object_set_new(item, "route", code_text(route));
        json_object_set_new(item, "description", plain_text(about));
        json_array_append_new(contracts, item);
        free(route);
    }
    for (size_t i = 0; i < fcs->package_count; i++) {
        if (!*fcs->packages[i].purpose)
            continue; /* nothing to tell, and there may be no file in it */
        json_t *item = json_object();
        json_object_set_new(item, "path", code_text(fcs->packages[i].path));
        json_object_set_new(item, "purpose", plain_text(fcs->packages[i].purpose));
        json_array_append_new(packages, item);
    }
    set_list(data, "entities", "has_entities", entities);
    set_list(data, "contracts", "has_contracts", contracts);
    set_list(data, "packages", "has_packages", packages);
}

/* ---- templates ---- */

/* The text of template `name`; `place` (free() it) is how errors call it. */
static gc_err load(const char *directory, const char *name, gc_buf *text, char **place,
                   gc_errinfo *info)
{
    gc_err err = GC_ENOENT;
    char *path = *directory ? gc_xasprintf("%s/%s", directory, name)
                            : gc_xasprintf(ASSETS "%s", name);
    if (*directory)
        err = gc_read_file(path, text, info);
    if (err == GC_ENOENT) {
        free(path);
        path = gc_xasprintf(ASSETS "%s", name);
        const gc_asset *asset = gc_asset_find(path);
        err = asset ? gc_buf_append(text, asset->text, asset->len)
                    : gc_fail(info, GC_ENOENT, "%s is not built in", path);
    } else if (!err && (memchr(text->ptr, '\0', text->len) ||
                        !gc_utf8_valid(text->ptr, text->len))) {
        err = gc_fail(info, GC_EINVAL, "%s: is no UTF-8 text", path);
    }
    if (err)
        free(path);
    else
        *place = path;
    return err;
}

gc_err gc_project_render_data(const char *directory, const char *name, const json_t *data,
                              gc_buf *out, gc_errinfo *info)
{
    gc_errinfo inner = { 0 };
    char *place = NULL;
    gc_buf text;
    gc_buf_init(&text, GC_TEMPLATE_MAX_BYTES);
    gc_err err = load(directory, name, &text, &place, info);
    if (!err) {
        err = gc_template_render(text.ptr, text.len, data, NULL, out, &inner);
        if (err)
            gc_fail(info, err, "%s: %s", place, inner.text);
    }
    gc_buf_release(&text);
    free(place);
    return err;
}

gc_err gc_project_render(const char *directory, const char *name, const gc_fcs *fcs,
                         gc_buf *out, gc_errinfo *info)
{
    if (!gc_project_template(name))
        return gc_fail(info, GC_ENOENT, "there is no project template \"%s\"", name);
    json_t *data = json_object();
    gc_err err = add_names(data, fcs, info);
    if (!err && strcmp(name, README) == 0)
        add_free_text(data, fcs);
    if (!err)
        err = gc_project_render_data(directory, name, data, out, info);
    json_decref(data);
    return err;
}

gc_err gc_project_template_sha(const char *directory, const char *name, gc_sha *out,
                               gc_errinfo *info)
{
    char *place = NULL;
    gc_buf text;
    gc_buf_init(&text, GC_TEMPLATE_MAX_BYTES);
    gc_err err = load(directory, name, &text, &place, info);
    if (!err)
        *out = gc_sha256(text.ptr, text.len);
    gc_buf_release(&text);
    free(place);
    return err;
}
