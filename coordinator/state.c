#include "coordinator/state.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fs.h"
#include "common/mem.h"

void gc_state_init(gc_state *self)
{
    *self = (gc_state){ .files = gc_map_new() };
}

static void destroy_file(gc_state_file *f)
{
    if (!f)
        return;
    free(f->how);
    free(f->sources);
    free(f);
}

void gc_state_release(gc_state *self)
{
    size_t cursor = 0;
    void *value;
    while (self->files && gc_map_next(self->files, &cursor, NULL, &value))
        destroy_file(value);
    gc_map_destroy(&self->files);
}

gc_state_file *gc_state_find(const gc_state *self, const char *path)
{
    return gc_map_get(self->files, path);
}

gc_state_file *gc_state_require(gc_state *self, const char *path)
{
    gc_state_file *f = gc_state_find(self, path);
    if (!f) {
        f = gc_xcalloc(1, sizeof *f);
        f->how = gc_xstrdup("");
        f->sources = gc_xstrdup("");
        gc_map_set(self->files, path, f);
    }
    return f;
}

void gc_state_copy_file(gc_state *self, const char *path, const gc_state_file *from)
{
    gc_state_file *f = gc_state_require(self, path);
    free(f->how);
    free(f->sources);
    *f = *from;
    f->how = gc_xstrdup(from->how);
    f->sources = gc_xstrdup(from->sources);
}

void gc_state_remove(gc_state *self, const char *path)
{
    destroy_file(gc_map_remove(self->files, path));
}

/* ---- reading ---- */

/* A hash member: absent, null and "" are all "". */
static gc_err read_sha(const json_t *object, const char *key, char out[GC_SHA_HEX + 1])
{
    const char *text = json_string_value(json_object_get(object, key));
    out[0] = '\0';
    if (!text || !*text)
        return GC_OK;
    if (!gc_sha_valid(text))
        return GC_EPROTO;
    memcpy(out, text, GC_SHA_HEX + 1);
    return GC_OK;
}

static void replace_text(char **to, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    free(*to);
    *to = gc_xstrdup(text ? text : "");
}

static gc_err read_file(gc_state *state, const char *path, const json_t *value,
                        gc_errinfo *info)
{
    if (!gc_path_safe(path) || !json_is_object(value))
        return gc_fail(info, GC_EPROTO, "entry \"%.80s\" is no file of the project",
                       path);
    gc_state_file *f = gc_state_require(state, path);
    if (read_sha(value, "fingerprint", f->fingerprint) ||
        read_sha(value, "sha256", f->sha256) || read_sha(value, "api", f->api) ||
        read_sha(value, "kept_sha256", f->kept_sha))
        return gc_fail(info, GC_EPROTO, "entry \"%.80s\" holds a malformed hash", path);
    replace_text(&f->how, value, "how");
    replace_text(&f->sources, value, "sources");
    f->kept = json_is_true(json_object_get(value, "kept"));
    return GC_OK;
}

static gc_err read_root(const json_t *root, gc_state *state, gc_errinfo *info)
{
    json_int_t schema = json_integer_value(json_object_get(root, "schema"));
    const json_t *files = json_object_get(root, "files");
    if (schema > GC_STATE_SCHEMA)
        return gc_fail(info, GC_ESTATE,
                       "written by a newer version (schema %lld, this one knows %d)",
                       (long long)schema, GC_STATE_SCHEMA);
    if (schema != GC_STATE_SCHEMA || !json_is_object(files) ||
        read_sha(root, "fcs", state->fcs))
        return gc_fail(info, GC_EPROTO, "no state file of this program");
    const char *path;
    json_t *value;
    json_object_foreach((json_t *)files, path, value)
    {
        gc_err err = read_file(state, path, value, info);
        if (err)
            return err;
    }
    return GC_OK;
}

gc_err gc_state_parse(const char *mem, size_t len, gc_state *out, gc_errinfo *info)
{
    json_error_t error;
    json_t *root = json_loadb(mem, len, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return gc_fail(info, GC_EPROTO, "line %d: %s", error.line, error.text);
    gc_state state;
    gc_state_init(&state);
    gc_err err = read_root(root, &state, info);
    json_decref(root);
    if (err)
        gc_state_release(&state);
    else
        *out = state;
    return err;
}

/* ---- writing ---- */

static json_t *file_json(const gc_state_file *f)
{
    json_t *o = json_object();
    json_object_set_new(o, "fingerprint", json_string(f->fingerprint));
    json_object_set_new(o, "sha256", json_string(f->sha256));
    json_object_set_new(o, "how", json_string(f->how));
    if (*f->api)
        json_object_set_new(o, "api", json_string(f->api));
    if (*f->sources)
        json_object_set_new(o, "sources", json_string(f->sources));
    if (f->kept) {
        json_object_set_new(o, "kept", json_true());
        json_object_set_new(o, "kept_sha256", json_string(f->kept_sha));
    }
    return o;
}

void gc_state_print(const gc_state *self, gc_buf *out)
{
    json_t *root = json_object(), *files = json_object();
    size_t cursor = 0;
    const char *path;
    void *value;
    while (gc_map_next(self->files, &cursor, &path, &value))
        json_object_set_new(files, path, file_json(value));
    json_object_set_new(root, "schema", json_integer(GC_STATE_SCHEMA));
    json_object_set_new(root, "fcs", json_string(self->fcs));
    json_object_set_new(root, "files", files);
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS);
    gc_buf_puts(out, text);
    gc_buf_putc(out, '\n');
    free(text);
    json_decref(root);
}
