#include "coordinator/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "common/mem.h"
#include "common/text.h"
#include "coordinator/merge.h"

#define FILE_LIMIT ((size_t)64 << 20)
#define LOCK_FILE ".gocreator/lock"
#define IGNORE_FILE ".gocreator/.gitignore"
#define IGNORE_TEXT "*\n!state.json\n"

struct gc_output {
    gc_root *root;
    char *state_file;
    gc_state state;
    gc_map *seen; /* path -> sha256 when it was looked at, "" if absent; owned texts */
};

static gc_err load_state(gc_output *self, gc_errinfo *info)
{
    gc_buf text;
    gc_buf_init(&text, GC_STATE_MAX_BYTES);
    gc_err err = gc_root_read(self->root, self->state_file, &text, info);
    gc_errinfo why = { 0 };
    if (err == GC_ENOENT) {
        err = GC_OK;
    } else if (!err) {
        gc_state parsed;
        err = gc_state_parse(text.ptr, text.len, &parsed, &why);
        if (!err) {
            gc_state_release(&self->state);
            self->state = parsed;
        } else if (err == GC_ESTATE) {
            err = gc_fail(info, err, "%s is %s; use the newer program", self->state_file,
                          why.text);
        } else {
            err = gc_fail(
                info, err,
                "%s is damaged: %s; restore it, or remove it to start afresh (files on "
                "disk then count as yours and are kept)",
                self->state_file, why.text);
        }
    }
    gc_buf_release(&text);
    return err;
}

static gc_output *new_output(const char *state_file)
{
    gc_output *self = gc_xcalloc(1, sizeof *self);
    self->state_file = gc_xstrdup(state_file);
    self->seen = gc_map_new();
    gc_state_init(&self->state);
    return self;
}

gc_err gc_output_peek(const char *dir, const char *state_file, bool use_state,
                      gc_output **out, gc_errinfo *info)
{
    gc_output *self = new_output(state_file);
    gc_err err = gc_root_open(dir, false, &self->root, info);
    if (err == GC_ENOENT)
        err = GC_OK;
    else if (!err && use_state)
        err = load_state(self, info);
    if (err)
        gc_output_close(&self);
    else
        *out = self;
    return err;
}

gc_err gc_output_open(const char *dir, const char *state_file, bool use_state,
                      gc_output **out, gc_errinfo *info)
{
    gc_output *self = new_output(state_file);
    gc_err err = gc_root_open(dir, true, &self->root, info);
    if (!err) {
        err = gc_root_write(self->root, IGNORE_FILE, IGNORE_TEXT, strlen(IGNORE_TEXT),
                            info);
        if (!err)
            err = gc_root_lock(self->root, LOCK_FILE, info);
        if (err == GC_EEXIST)
            gc_fail(info, err,
                    "another coordinator works on %s; wait for it or give -o another "
                    "folder",
                    dir);
    }
    if (!err && use_state)
        err = load_state(self, info);
    if (err)
        gc_output_close(&self);
    else
        *out = self;
    return err;
}

/* An entry of the checkpoint counts if the state has none, or if it is the one that says
 * what stands on disk. */
static bool is_news(const gc_output *self, const char *path, const gc_state_file *f)
{
    gc_sha there;
    if (!gc_state_find(&self->state, path))
        return true;
    return gc_root_sha(self->root, path, &there, NULL) == GC_OK &&
           strcmp(there.hex, f->kept ? f->kept_sha : f->sha256) == 0;
}

gc_err gc_output_recover(gc_output *self, const char *path, gc_errinfo *info)
{
    gc_buf text;
    gc_state found;
    if (!self->root)
        return GC_OK;
    gc_buf_init(&text, GC_STATE_MAX_BYTES);
    gc_err err = gc_root_read(self->root, path, &text, info);
    if (!err)
        err = gc_state_parse(text.ptr, text.len, &found, info);
    gc_buf_release(&text);
    if (err)
        return err == GC_ENOENT ? GC_OK : err;
    size_t cursor = 0;
    const char *name;
    void *value;
    while (gc_map_next(found.files, &cursor, &name, &value))
        if (is_news(self, name, value))
            gc_state_copy_file(&self->state, name, value);
    gc_state_release(&found);
    return GC_OK;
}

void gc_output_close(gc_output **self_p)
{
    gc_output *self = *self_p;
    if (!self)
        return;
    gc_root_close(&self->root);
    gc_state_release(&self->state);
    size_t cursor = 0;
    void *sha;
    while (gc_map_next(self->seen, &cursor, NULL, &sha))
        free(sha);
    gc_map_destroy(&self->seen);
    free(self->state_file);
    free(self);
    *self_p = NULL;
}

gc_root *gc_output_root(gc_output *self)
{
    return self->root;
}

gc_state *gc_output_state(gc_output *self)
{
    return &self->state;
}

gc_err gc_output_look(gc_output *self, const char *path, const gc_map *ours,
                      gc_tree_file *out, gc_errinfo *info)
{
    gc_tree_file tree = { 0 };
    gc_err err = self->root ? gc_root_sha(self->root, path, &tree.sha, info) : GC_ENOENT;
    if (err && err != GC_ENOENT)
        return err;
    free(gc_map_set(self->seen, path, gc_xstrdup(err ? "" : tree.sha.hex)));
    tree.exists = !err;
    tree.ours = tree.exists && ours && gc_map_has(ours, tree.sha.hex);
    *out = tree;
    return GC_OK;
}

/* ---- writing ---- */

static void record(gc_output *self, const gc_made *made, const gc_sha *sha,
                   const char *text, size_t len)
{
    gc_state_file *f = gc_state_require(&self->state, made->path);
    gc_sha api = { "" };
    memcpy(f->fingerprint, made->fingerprint.hex, sizeof f->fingerprint);
    memcpy(f->sha256, sha->hex, sizeof f->sha256);
    if (gc_ends_with(made->path, ".go") && gc_go_api_digest(text, len, &api, NULL))
        api.hex[0] = '\0'; /* an edit that does not parse has no surface */
    memcpy(f->api, api.hex, sizeof f->api);
    free(f->how);
    f->how = gc_xstrdup(made->how);
    free(f->sources);
    f->sources = gc_xstrdup(made->sources);
    f->kept = false;
    f->kept_sha[0] = '\0';
}

static void mark_kept(gc_output *self, const char *path, const gc_sha *edit)
{
    gc_state_file *f = gc_state_require(&self->state, path);
    f->kept = true;
    memcpy(f->kept_sha, edit->hex, sizeof f->kept_sha);
}

static gc_err put_beside(gc_output *self, const gc_made *made, const gc_sha *sha,
                         const gc_buf *edit, gc_errinfo *info)
{
    char *beside = gc_xasprintf("%s.gc-new", made->path);
    gc_err err = gc_root_write(self->root, beside, made->mem, made->len, info);
    free(beside);
    if (err)
        return err;
    gc_sha edit_sha = gc_sha256(edit->ptr, edit->len);
    record(self, made, sha, edit->ptr, edit->len);
    mark_kept(self, made->path, &edit_sha);
    return GC_OK;
}

static gc_err put_merged(gc_output *self, const gc_made *made, const gc_sha *sha,
                         const gc_buf *edit, gc_put *out, gc_errinfo *info)
{
    gc_buf merged;
    gc_buf_init(&merged, FILE_LIMIT);
    gc_err err = GC_EEXIST; /* without a base there is nothing to merge with */
    if (made->base)
        err = gc_merge((gc_text){ edit->ptr, edit->len },
                       (gc_text){ made->base, made->base_len },
                       (gc_text){ made->mem, made->len }, &merged, info);
    if (err == GC_EEXIST) {
        *out = GC_PUT_CONFLICT;
        err = put_beside(self, made, sha, edit, info);
    } else if (!err) {
        *out = GC_PUT_MERGED;
        err = gc_root_write(self->root, made->path, merged.ptr, merged.len, info);
        gc_sha merged_sha = gc_sha256(merged.ptr, merged.len);
        record(self, made, sha, merged.ptr, merged.len);
        mark_kept(self, made->path, &merged_sha);
    }
    gc_buf_release(&merged);
    return err;
}

static gc_err put_over_edit(gc_output *self, const gc_made *made, const gc_sha *sha,
                            gc_on_edit on_edit, gc_put *out, gc_errinfo *info)
{
    gc_buf edit;
    gc_buf_init(&edit, FILE_LIMIT);
    gc_err err = gc_root_read(self->root, made->path, &edit, info);
    if (!err && on_edit == GC_EDIT_MERGE) {
        err = put_merged(self, made, sha, &edit, out, info);
    } else if (!err) {
        *out = GC_PUT_BESIDE;
        err = put_beside(self, made, sha, &edit, info);
    }
    gc_buf_release(&edit);
    return err;
}

gc_err gc_output_put(gc_output *self, const gc_made *made, gc_action action,
                     gc_on_edit on_edit, gc_put *out, gc_errinfo *info)
{
    gc_sha sha = gc_sha256(made->mem, made->len), there = { "" };
    gc_err err = gc_root_sha(self->root, made->path, &there, info);
    if (err && err != GC_ENOENT)
        return err;
    bool exists = !err;
    const char *seen = gc_map_get(self->seen, made->path);
    bool edited = action == GC_MAKE_BESIDE || (seen && strcmp(seen, there.hex) != 0);
    if (exists && strcmp(there.hex, sha.hex) == 0) {
        *out = GC_PUT_SAME;
        record(self, made, &sha, made->mem, made->len);
        return GC_OK;
    }
    if (exists && edited && on_edit != GC_EDIT_OVERWRITE)
        return put_over_edit(self, made, &sha, on_edit, out, info);
    err = gc_root_write(self->root, made->path, made->mem, made->len, info);
    if (err)
        return err;
    *out = GC_PUT_WRITTEN;
    record(self, made, &sha, made->mem, made->len);
    return GC_OK;
}

/* ---- what stands there ---- */

static gc_err digest_of(gc_output *self, const char *path, gc_sha *sha, gc_sha *api,
                        gc_errinfo *info)
{
    gc_buf text;
    gc_buf_init(&text, FILE_LIMIT);
    gc_err err = gc_root_read(self->root, path, &text, info);
    if (!err) {
        *sha = gc_sha256(text.ptr, text.len);
        if (!gc_ends_with(path, ".go") || gc_go_api_digest(text.ptr, text.len, api, NULL))
            *api = *sha; /* no Go surface: every change counts */
    }
    gc_buf_release(&text);
    return err;
}

gc_err gc_output_keep(gc_output *self, const char *path, const gc_sha *fingerprint,
                      gc_errinfo *info)
{
    gc_sha sha, api;
    gc_err err = digest_of(self, path, &sha, &api, info);
    if (err)
        return err;
    gc_state_file *f = gc_state_require(&self->state, path);
    memcpy(f->fingerprint, fingerprint->hex, sizeof f->fingerprint);
    memcpy(f->api, api.hex, sizeof f->api);
    mark_kept(self, path, &sha);
    return GC_OK;
}

gc_err gc_output_remove(gc_output *self, const char *path, gc_errinfo *info)
{
    gc_err err = gc_root_remove(self->root, path, info);
    if (err && err != GC_ENOENT)
        return err;
    gc_state_remove(&self->state, path);
    return GC_OK;
}

gc_err gc_output_api(gc_output *self, const char *path, gc_sha *out, gc_errinfo *info)
{
    gc_sha sha, api;
    gc_err err = self->root ? digest_of(self, path, &sha, &api, info) : GC_ENOENT;
    if (!err)
        *out = api;
    return err;
}

gc_err gc_output_save(gc_output *self, gc_errinfo *info)
{
    gc_buf text;
    gc_buf_init(&text, GC_STATE_MAX_BYTES);
    gc_state_print(&self->state, &text);
    gc_err err =
        text.full ? gc_fail(info, GC_ETOOBIG, "the state is over its limit")
                  : gc_root_write(self->root, self->state_file, text.ptr, text.len, info);
    gc_buf_release(&text);
    return err;
}
