#include "coordinator/output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/gosrc.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "coordinator/output_private.h"

#define IGNORE_FILE ".gocreator/.gitignore"
#define IGNORE_TEXT "*\n!state.json\n"

static gc_output *new_output(const char *state_file, bool use_state)
{
    gc_output *self = gc_xcalloc(1, sizeof *self);
    self->state_file = gc_xstrdup(state_file);
    self->use_state = use_state;
    self->looks = gc_map_new();
    self->begun_ns = gc_wall_ms() * 1000000;
    self->state_changed = true;
    gc_seen_init(&self->recalled);
    gc_stamper_init(&self->stamper, NULL);
    gc_state_init(&self->state);
    return self;
}

static gc_err open_root(gc_output *self, const char *dir, bool create, gc_errinfo *info)
{
    gc_err err = gc_root_open(dir, create, &self->root, info);
    if (!err)
        gc_stamper_init(&self->stamper, self->root);
    return err;
}

gc_err gc_output_peek(const char *dir, const char *state_file, bool use_state,
                      gc_output **out, gc_errinfo *info)
{
    gc_output *self = new_output(state_file, use_state);
    gc_err err = open_root(self, dir, false, info);
    if (err == GC_ENOENT)
        err = GC_OK;
    else if (!err && use_state)
        err = gc_output_load_state(self, info);
    if (err)
        gc_output_close(&self);
    else
        *out = self;
    return err;
}

static gc_err write_ignore(gc_output *self, gc_errinfo *info)
{
    gc_buf text;
    gc_buf_init(&text, sizeof IGNORE_TEXT);
    bool same = gc_root_read(self->root, IGNORE_FILE, &text, NULL) == GC_OK &&
                strcmp(text.ptr, IGNORE_TEXT) == 0;
    gc_buf_release(&text);
    return same ? GC_OK
                : gc_root_write(self->root, IGNORE_FILE, IGNORE_TEXT, strlen(IGNORE_TEXT),
                                info);
}

/* Nobody has written the state since it was read, as far as its stamp can tell. */
static bool state_stands(gc_output *self)
{
    gc_stamp now = { 0 };
    gc_err err = gc_stamper_look(&self->stamper, self->state_file, &now);
    return (!err || err == GC_ENOENT) && gc_stamp_equal(&now, &self->state_stamp) &&
           now.mtime_ns < self->begun_ns && now.ctime_ns < self->begun_ns;
}

static gc_err reload_state(gc_output *self, gc_errinfo *info)
{
    size_t cursor = 0;
    void *value;
    while (gc_map_next(self->looks, &cursor, NULL, &value))
        ((look *)value)->ahead = false;
    gc_state_release(&self->state);
    gc_state_init(&self->state);
    self->state_changed = true;
    self->state_stamp = (gc_stamp){ 0 };
    return gc_output_load_state(self, info);
}

gc_err gc_output_begin(gc_output *self, const char *dir, gc_errinfo *info)
{
    gc_err err = self->root ? GC_OK : open_root(self, dir, true, info);
    if (!err)
        err = write_ignore(self, info);
    if (!err)
        err = gc_root_lock(self->root, GC_OUTPUT_LOCK, info);
    if (err == GC_EEXIST)
        gc_fail(info, err,
                "another coordinator works on %s; wait for it or give -o another folder",
                dir);
    if (!err && self->use_state && !state_stands(self))
        err = reload_state(self, info);
    return err;
}

gc_err gc_output_open(const char *dir, const char *state_file, bool use_state,
                      gc_output **out, gc_errinfo *info)
{
    gc_output *self = new_output(state_file, use_state);
    gc_err err = gc_output_begin(self, dir, info);
    if (err)
        gc_output_close(&self);
    else
        *out = self;
    return err;
}

void gc_output_close(gc_output **self_p)
{
    gc_output *self = *self_p;
    if (!self)
        return;
    gc_stamper_release(&self->stamper);
    if (self->root)
        gc_root_close(&self->root);
    gc_state_release(&self->state);
    gc_seen_release(&self->recalled);
    size_t cursor = 0;
    void *value;
    while (gc_map_next(self->looks, &cursor, NULL, &value))
        free(value);
    gc_map_destroy(&self->looks);
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

bool gc_output_state_merged(const gc_output *self)
{
    return self->state_merged;
}

/* ---- looking ---- */

void gc_output_recall(gc_output *self)
{
    gc_buf text;
    gc_stamp written;
    if (!self->root || gc_stamper_look(&self->stamper, GC_SEEN_FILE, &written))
        return;
    gc_buf_init(&text, GC_SEEN_MAX_BYTES);
    gc_seen found;
    gc_err err = gc_root_read(self->root, GC_SEEN_FILE, &text, NULL);
    if (!err)
        err = gc_seen_parse(&text, &found);
    if (err) {
        gc_log_debug("seen.refused", "err=%s", gc_err_str(err));
    } else {
        gc_seen_release(&self->recalled);
        self->recalled = found;
        self->recalled_written_ns = written.mtime_ns;
    }
    gc_buf_release(&text);
}

/* The digest of the file at `path`: from memory if its stamp says so, else from its bytes. */
static gc_err digest_now(gc_output *self, const char *path, look *out, gc_errinfo *info)
{
    const gc_seen_file *f = gc_seen_find(&self->recalled, path, &self->hint);
    if (f && gc_stamper_look(&self->stamper, path, &out->stamp) == GC_OK &&
        gc_stamp_equal(&out->stamp, &f->stamp) &&
        !gc_seen_racy(&self->recalled, &f->stamp, self->recalled_written_ns)) {
        out->sha = gc_sha_of_raw(f->sha);
        gc_output_see_through_crlf(self, path, &out->sha);
        return GC_OK;
    }
    self->hashed++;
    gc_err err = gc_stamper_sha(&self->stamper, path, &out->sha, &out->stamp);
    if (err && err != GC_ENOENT) /* again, for the sentence */
        err = gc_root_sha_stamped(self->root, path, &out->sha, &out->stamp, info);
    if (!err)
        gc_output_see_through_crlf(self, path, &out->sha);
    return err;
}

static void note_look(gc_output *self, const char *path, const look *seen)
{
    look *l = gc_map_get(self->looks, path);
    if (!l) {
        l = gc_xcalloc(1, sizeof *l);
        gc_map_set(self->looks, path, l);
    }
    *l = *seen;
}

void gc_output_touched(gc_output *self, const char *path)
{
    look *l = gc_map_get(self->looks, path);
    if (l)
        l->touched = true;
    gc_stamper_release(&self->stamper); /* its folder may go */
    gc_stamper_init(&self->stamper, self->root);
    self->state_changed = true;
}

bool gc_output_remember(const gc_output *self, const char *path, gc_seen *seen)
{
    const look *l = gc_map_get(self->looks, path);
    unsigned char raw[GC_SHA_RAW];
    if (!l || l->touched || !*l->sha.hex || !gc_sha_raw(l->sha.hex, raw))
        return false;
    seen->begun_ns = self->begun_ns;
    gc_seen_add(seen, path, &l->stamp, raw);
    return true;
}

bool gc_output_state_stamp(const gc_output *self, gc_stamp *stamp,
                           unsigned char sha[GC_SHA_RAW])
{
    *stamp = self->state_stamp;
    memcpy(sha, self->state_sha, GC_SHA_RAW);
    return !self->state_changed;
}

const gc_seen *gc_output_as_recalled(const gc_output *self)
{
    const gc_seen *seen = &self->recalled;
    unsigned char raw[GC_SHA_RAW];
    if (self->state_changed || memcmp(self->state_sha, seen->state_sha, GC_SHA_RAW) != 0)
        return NULL;
    for (size_t i = 0; i < seen->count; i++) {
        const look *l = gc_map_get(self->looks, seen->files[i].path);
        if (!l || !gc_sha_raw(l->sha.hex, raw) ||
            memcmp(raw, seen->files[i].sha, GC_SHA_RAW) != 0)
            return NULL;
    }
    return seen;
}

void gc_output_save_seen(gc_output *self, const gc_seen *seen)
{
    gc_buf text;
    gc_errinfo info = { 0 };
    if (!self->root || (!self->hashed && seen->count == self->recalled.count &&
                        strcmp(seen->key.hex, self->recalled.key.hex) == 0))
        return;
    gc_buf_init(&text, GC_SEEN_MAX_BYTES);
    gc_seen_print(seen, &text);
    if (!text.full &&
        gc_root_write_cache(self->root, GC_SEEN_FILE, text.ptr, text.len, &info))
        gc_log_debug("seen.unsaved", "text=\"%s\"", info.text);
    gc_buf_release(&text);
}

/* What was seen ahead counts once: who asks again wants to know of changes. */
static gc_err look_at(gc_output *self, const char *path, look *out, gc_errinfo *info)
{
    look *ahead = gc_map_get(self->looks, path);
    if (ahead && ahead->ahead) {
        ahead->ahead = false;
        *out = *ahead;
        return *out->sha.hex ? GC_OK : GC_ENOENT;
    }
    gc_err err = self->root ? digest_now(self, path, out, info) : GC_ENOENT;
    if (err && err != GC_ENOENT)
        return err;
    if (err)
        *out = (look){ 0 };
    note_look(self, path, out);
    return err;
}

gc_err gc_output_look(gc_output *self, const char *path, const gc_map *ours,
                      gc_tree_file *out, gc_errinfo *info)
{
    look now = { 0 };
    gc_err err = look_at(self, path, &now, info);
    if (err && err != GC_ENOENT)
        return err;
    *out = (gc_tree_file){ .exists = !err,
                           .sha = now.sha,
                           .ours = !err && ours && gc_map_has(ours, now.sha.hex) };
    return GC_OK;
}

/* What cannot be looked at is left to who asks for it, and hears why. */
void gc_output_look_ahead(gc_output *self, const atomic_bool *stop)
{
    size_t cursor = 0;
    const char *path;
    while (self->root && !atomic_load(stop) &&
           gc_map_next(self->state.files, &cursor, &path, NULL)) {
        look now = { 0 };
        gc_err err = digest_now(self, path, &now, NULL);
        if (err && err != GC_ENOENT)
            continue;
        if (err)
            now = (look){ 0 };
        now.ahead = true;
        note_look(self, path, &now);
    }
    gc_stamper_release(&self->stamper); /* its folder may be gone when work begins */
    gc_stamper_init(&self->stamper, self->root);
}

/* ---- what stands there ---- */

static gc_err digest_of(gc_output *self, const char *path, gc_sha *sha, gc_sha *api,
                        gc_errinfo *info)
{
    gc_buf text;
    gc_buf_init(&text, GC_OUTPUT_FILE_LIMIT);
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
    self->state_changed |= !f->kept || strcmp(f->kept_sha, sha.hex) != 0 ||
                           strcmp(f->api, api.hex) != 0 ||
                           strcmp(f->fingerprint, fingerprint->hex) != 0;
    memcpy(f->fingerprint, fingerprint->hex, sizeof f->fingerprint);
    memcpy(f->api, api.hex, sizeof f->api);
    gc_output_mark_kept(self, path, &sha);
    return GC_OK;
}

gc_err gc_output_remove(gc_output *self, const char *path, gc_errinfo *info)
{
    gc_err err = gc_root_remove(self->root, path, info);
    if (err && err != GC_ENOENT)
        return err;
    gc_output_touched(self, path);
    gc_state_remove(&self->state, path);
    return GC_OK;
}

/* The state has it, if it speaks of the text that stands there. */
static bool known_api(const gc_output *self, const char *path, gc_sha *out)
{
    const gc_state_file *f = gc_state_find(&self->state, path);
    const look *l = gc_map_get(self->looks, path);
    if (!f || !l || l->touched || !*f->api || !*l->sha.hex ||
        strcmp(f->kept ? f->kept_sha : f->sha256, l->sha.hex) != 0)
        return false;
    memcpy(out->hex, f->api, sizeof out->hex);
    return true;
}

gc_err gc_output_api(gc_output *self, const char *path, gc_sha *out, gc_errinfo *info)
{
    gc_sha sha, api;
    if (known_api(self, path, out))
        return GC_OK;
    gc_err err = self->root ? digest_of(self, path, &sha, &api, info) : GC_ENOENT;
    if (!err)
        *out = api;
    return err;
}
