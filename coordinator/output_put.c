/* Writing into the output folder: hand edits are respected, the state records what was made. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "coordinator/merge.h"
#include "coordinator/output_private.h"

/* A file that changes each time we are about to write it is given up after so many tries. */
#define MOST_TRIES 5

static void record(gc_output *self, const gc_made *made, const gc_sha *sha,
                   const char *text, size_t len)
{
    gc_output_touched(self, made->path);
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
    f->base[0] = '\0';
    f->conflict = false;
}

void gc_output_mark_kept(gc_output *self, const char *path, const gc_sha *edit)
{
    gc_state_file *f = gc_state_require(&self->state, path);
    f->kept = true;
    f->conflict &= strcmp(f->kept_sha, edit->hex) == 0; /* another edit may merge */
    memcpy(f->kept_sha, edit->hex, sizeof f->kept_sha);
}

/* The text that went beside an edit has its place now. One that the user changed stays. */
static void drop_beside(gc_output *self, const char *path)
{
    const gc_state_file *last = gc_state_find(&self->state, path);
    gc_sha there;
    if (!last || !last->kept)
        return;
    char *beside = gc_xasprintf("%s.gc-new", path);
    if (gc_root_sha(self->root, beside, &there, NULL) == GC_OK &&
        strcmp(there.hex, last->sha256) == 0 && gc_root_remove(self->root, beside, NULL))
        gc_log_debug("output.beside_stays", "path=%s", beside);
    free(beside);
}

static gc_err put_beside(gc_output *self, const gc_made *made, const gc_sha *sha,
                         const gc_buf *edit, gc_errinfo *info)
{
    char *beside = gc_xasprintf("%s.gc-new", made->path);
    const gc_state_file *last = gc_state_find(&self->state, made->path);
    gc_sha base = { "" };
    if (last)
        memcpy(base.hex, gc_state_base(last), sizeof base.hex);
    gc_err err = gc_root_write(self->root, beside, made->mem, made->len, info);
    free(beside);
    if (err)
        return err;
    gc_sha edit_sha = gc_sha256(edit->ptr, edit->len);
    record(self, made, sha, edit->ptr, edit->len);
    gc_output_mark_kept(self, made->path, &edit_sha);
    if (strcmp(base.hex, sha->hex) != 0)
        memcpy(gc_state_find(&self->state, made->path)->base, base.hex, sizeof base.hex);
    return GC_OK;
}

/* What the edit started from. The store may have lost it, yet often it is made again. */
static gc_text merge_base(const gc_output *self, const gc_made *made, const gc_sha *sha)
{
    const gc_state_file *last = gc_state_find(&self->state, made->path);
    if (!made->base && last && strcmp(gc_state_base(last), sha->hex) == 0)
        return (gc_text){ made->mem, made->len };
    return (gc_text){ made->base, made->base_len };
}

static gc_err put_merged(gc_output *self, const gc_made *made, const gc_sha *sha,
                         const gc_buf *edit, gc_put *out, gc_errinfo *info)
{
    gc_buf merged;
    gc_buf_init(&merged, GC_OUTPUT_FILE_LIMIT);
    gc_err err = GC_EEXIST; /* without a base there is nothing to merge with */
    gc_text base = merge_base(self, made, sha);
    if (base.mem)
        err = gc_merge((gc_text){ edit->ptr, edit->len }, base,
                       (gc_text){ made->mem, made->len }, &merged, info);
    if (err == GC_EEXIST) {
        *out = GC_PUT_CONFLICT;
        err = put_beside(self, made, sha, edit, info);
        if (!err)
            gc_state_require(&self->state, made->path)->conflict = true;
    } else if (!err) {
        *out = GC_PUT_MERGED;
        err = gc_root_write(self->root, made->path, merged.ptr, merged.len, info);
        gc_sha merged_sha = gc_sha256(merged.ptr, merged.len);
        drop_beside(self, made->path);
        record(self, made, sha, merged.ptr, merged.len);
        gc_output_mark_kept(self, made->path, &merged_sha);
    }
    gc_buf_release(&merged);
    return err;
}

static gc_err put_over_edit(gc_output *self, const gc_made *made, const gc_sha *sha,
                            gc_on_edit on_edit, gc_put *out, gc_errinfo *info)
{
    gc_buf edit;
    gc_buf_init(&edit, GC_OUTPUT_FILE_LIMIT);
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

/* Settles what needs no write, or goes beside an edit. True: it is to be written over what
 * `stamp` says. */
static bool prepare(gc_output *self, gc_put_file *file, gc_on_edit on_edit,
                    gc_stamp *stamp)
{
    const gc_made *made = &file->made;
    gc_sha sha = gc_sha256(made->mem, made->len), there = { "" };
    *stamp = (gc_stamp){ 0 };
    gc_err err = gc_root_sha_stamped(self->root, made->path, &there, stamp, &file->info);
    file->err = err == GC_ENOENT ? GC_OK : err;
    if (file->err)
        return false;
    bool exists = !err;
    if (exists)
        gc_output_see_through_crlf(self, made->path, &there);
    const look *seen = gc_map_get(self->looks, made->path);
    bool edited =
        file->action == GC_MAKE_BESIDE || (seen && strcmp(seen->sha.hex, there.hex) != 0);
    if (exists && strcmp(there.hex, sha.hex) == 0) {
        file->put = GC_PUT_SAME;
        record(self, made, &sha, made->mem, made->len);
        return false;
    }
    if (exists && edited && on_edit != GC_EDIT_OVERWRITE) {
        file->err = put_over_edit(self, made, &sha, on_edit, &file->put, &file->info);
        return false;
    }
    return true;
}

static void settle(gc_output *self, gc_put_file *file, const gc_root_file *written)
{
    const gc_made *made = &file->made;
    file->err = written->err;
    file->info = written->info;
    file->put = GC_PUT_WRITTEN;
    if (file->err)
        return;
    gc_sha sha = gc_sha256(made->mem, made->len);
    drop_beside(self, made->path);
    record(self, made, &sha, made->mem, made->len);
}

/* Puts the `count` files of `left`. Returns how many changed meanwhile: the first of `left`. */
static size_t put_once(gc_output *self, gc_put_file **left, size_t count,
                       gc_on_edit on_edit)
{
    gc_root_file *writes = gc_xcalloc(count, sizeof *writes);
    gc_stamp *stamps = gc_xcalloc(count, sizeof *stamps);
    size_t n = 0, changed = 0;
    for (size_t i = 0; i < count; i++) {
        const gc_made *made = &left[i]->made;
        if (!prepare(self, left[i], on_edit, &stamps[n]))
            continue;
        writes[n] = (gc_root_file){ made->path, made->mem, made->len, .was = &stamps[n] };
        left[n++] = left[i];
    }
    if (gc_root_write_all(self->root, writes, n)) /* each file tells for itself */
        gc_log_debug("output.unwritten", "files=%zu", n);
    for (size_t i = 0; i < n; i++) {
        settle(self, left[i], &writes[i]);
        if (left[i]->err == GC_EAGAIN)
            left[changed++] = left[i];
    }
    free(writes);
    free(stamps);
    return changed;
}

gc_err gc_output_put_all(gc_output *self, gc_put_file *files, size_t count,
                         gc_on_edit on_edit)
{
    gc_put_file **left = gc_xcalloc(count + 1, sizeof *left);
    size_t changing = count;
    for (size_t i = 0; i < count; i++)
        left[i] = &files[i];
    for (int tries = 0; changing && tries < MOST_TRIES; tries++)
        changing = put_once(self, left, changing, on_edit);
    free(left);
    for (size_t i = 0; i < count; i++)
        if (files[i].err)
            return files[i].err;
    return GC_OK;
}
