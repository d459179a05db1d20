#include "coordinator/state.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fs.h"
#include "common/mem.h"
#include "coordinator/state_private.h"

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

const char *gc_state_base(const gc_state_file *file)
{
    return *file->base ? file->base : file->sha256;
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
        read_sha(value, "kept_sha256", f->kept_sha) || read_sha(value, "base", f->base))
        return gc_fail(info, GC_EPROTO, "entry \"%.80s\" holds a malformed hash", path);
    replace_text(&f->how, value, "how");
    replace_text(&f->sources, value, "sources");
    f->kept = json_is_true(json_object_get(value, "kept"));
    f->conflict = json_is_true(json_object_get(value, "conflict"));
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
    if (gc_state_parse_plain(mem, len, out))
        return GC_OK;
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

/* As JSON; ASCII that needs no escape goes as it is. */
static void put_text(gc_buf *out, const char *text)
{
    const char *p = text;
    while (*p >= ' ' && *p < 0x7f && *p != '"' && *p != '\\')
        p++;
    if (!*p) {
        gc_buf_putc(out, '"');
        gc_buf_append(out, text, (size_t)(p - text));
        gc_buf_putc(out, '"');
        return;
    }
    json_t *value = json_string(text);
    char *escaped = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    gc_buf_puts(out, escaped ? escaped : "\"\""); /* no UTF-8: our own texts always are */
    free(escaped);
    json_decref(value);
}

static void put_member(gc_buf *out, const char *key, const char *value)
{
    gc_buf_puts(out, key);
    put_text(out, value);
}

/* Members in the order of their keys. */
static void put_file(gc_buf *out, const gc_state_file *f)
{
    if (*f->api) {
        put_member(out, "   \"api\": ", f->api);
        gc_buf_puts(out, ",\n");
    }
    if (*f->base) {
        put_member(out, "   \"base\": ", f->base);
        gc_buf_puts(out, ",\n");
    }
    if (f->conflict)
        gc_buf_puts(out, "   \"conflict\": true,\n");
    put_member(out, "   \"fingerprint\": ", f->fingerprint);
    put_member(out, ",\n   \"how\": ", f->how);
    if (f->kept)
        put_member(out, ",\n   \"kept\": true,\n   \"kept_sha256\": ", f->kept_sha);
    put_member(out, ",\n   \"sha256\": ", f->sha256);
    if (*f->sources)
        put_member(out, ",\n   \"sources\": ", f->sources);
}

typedef struct entry {
    const char *path;
    const gc_state_file *file;
} entry;

static int by_path(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->path, ((const entry *)b)->path);
}

/* Every entry, by path; free() it. */
static entry *sorted_entries(const gc_state *self, size_t *count)
{
    entry *entries = gc_xcalloc(gc_map_count(self->files), sizeof *entries);
    size_t cursor = 0, used = 0;
    const char *path;
    void *file;
    while (gc_map_next(self->files, &cursor, &path, &file))
        entries[used++] = (entry){ path, file };
    if (used)
        qsort(entries, used, sizeof *entries, by_path);
    *count = used;
    return entries;
}

void gc_state_print(const gc_state *self, gc_buf *out)
{
    size_t count;
    entry *entries = sorted_entries(self, &count);
    put_member(out, "{\n \"fcs\": ", self->fcs);
    gc_buf_puts(out, ",\n \"files\": {");
    for (size_t i = 0; i < count; i++) {
        gc_buf_puts(out, i ? ",\n  " : "\n  ");
        put_text(out, entries[i].path);
        gc_buf_puts(out, ": {\n");
        put_file(out, entries[i].file);
        gc_buf_puts(out, "\n  }");
    }
    gc_buf_printf(out, "%s},\n \"schema\": %d\n}\n", count ? "\n " : "", GC_STATE_SCHEMA);
    free(entries);
}
