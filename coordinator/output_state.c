/* The state of the output folder: read (also what a merge of git left of it, and what a run
 * that never ended has), written. */
#include <string.h>

#include "coordinator/output_private.h"

/* The digest of the text as it was before a checkout ended its lines with CR LF. False: not
 * every line ends so. */
static bool sha_without_cr(const gc_buf *text, gc_sha *out)
{
    gc_buf plain;
    gc_buf_init(&plain, GC_OUTPUT_FILE_LIMIT);
    const char *at = text->ptr, *end = text->ptr + text->len, *newline;
    bool all = text->len > 0;
    while (all && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        all = newline > at && newline[-1] == '\r';
        if (all)
            gc_buf_append(&plain, at, (size_t)(newline - at) - 1);
        gc_buf_putc(&plain, '\n');
        at = newline + 1;
    }
    gc_buf_append(&plain, at, (size_t)(end - at));
    all = all && !plain.full;
    if (all)
        *out = gc_sha256(plain.ptr, plain.len);
    gc_buf_release(&plain);
    return all;
}

/* The text at `path` is `want` but for the ends of its lines. */
static bool is_but_for_crlf(const gc_output *self, const char *path, const char *want)
{
    gc_buf text;
    gc_sha plain;
    gc_buf_init(&text, GC_OUTPUT_FILE_LIMIT);
    bool is = gc_root_read(self->root, path, &text, NULL) == GC_OK &&
              sha_without_cr(&text, &plain) && strcmp(plain.hex, want) == 0;
    gc_buf_release(&text);
    return is;
}

void gc_output_see_through_crlf(const gc_output *self, const char *path, gc_sha *sha)
{
    const gc_state_file *f = gc_state_find(&self->state, path);
    if (f && *f->sha256 && strcmp(f->sha256, sha->hex) != 0 &&
        strcmp(f->kept_sha, sha->hex) != 0 && is_but_for_crlf(self, path, f->sha256))
        memcpy(sha->hex, f->sha256, sizeof sha->hex);
}

/* What the entry says stands on disk. */
static bool stands(const gc_output *self, const char *path, const gc_state_file *f)
{
    gc_sha there;
    const char *want = f->kept ? f->kept_sha : f->sha256;
    return gc_root_sha(self->root, path, &there, NULL) == GC_OK &&
           (strcmp(there.hex, want) == 0 || is_but_for_crlf(self, path, want));
}

static bool same_text(const gc_state_file *a, const gc_state_file *b)
{
    return strcmp(a->sha256, b->sha256) == 0 && strcmp(a->kept_sha, b->kept_sha) == 0;
}

/* Of two that know a path the one counts whose text stands there. */
static void add_side(const gc_output *self, gc_state *state, const gc_state *side)
{
    size_t cursor = 0;
    const char *path;
    void *value;
    while (gc_map_next(side->files, &cursor, &path, &value)) {
        const gc_state_file *have = gc_state_find(state, path);
        if (!have || (!same_text(have, value) && !stands(self, path, have) &&
                      stands(self, path, value)))
            gc_state_copy_file(state, path, value);
    }
}

/* GC_EPROTO: not that either. */
static gc_err parse_merged(const gc_output *self, const gc_buf *text, gc_state *out)
{
    gc_state theirs;
    if (gc_state_parse_sides(text->ptr, text->len, out, &theirs))
        return GC_EPROTO;
    add_side(self, out, &theirs);
    if (strcmp(out->fcs, theirs.fcs) != 0)
        out->fcs[0] = '\0'; /* some files are of the one, some of the other */
    gc_state_release(&theirs);
    return GC_OK;
}

static gc_err parse(gc_output *self, const gc_buf *text, gc_errinfo *info)
{
    gc_state parsed;
    gc_errinfo why = { 0 };
    gc_err err = gc_state_parse(text->ptr, text->len, &parsed, &why);
    bool merged = err == GC_EPROTO && parse_merged(self, text, &parsed) == GC_OK;
    if (!err || merged) {
        gc_state_release(&self->state);
        self->state = parsed;
        self->state_merged = self->state_changed = merged;
        return GC_OK;
    }
    if (err == GC_ESTATE)
        return gc_fail(info, err, "%s is %s; use the newer program", self->state_file,
                       why.text);
    return gc_fail(
        info, err,
        "%s is damaged: %s; restore it, or remove it to start afresh (files on "
        "disk then count as yours and are kept)",
        self->state_file, why.text);
}

gc_err gc_output_load_state(gc_output *self, gc_errinfo *info)
{
    gc_buf text;
    gc_buf_init(&text, GC_STATE_MAX_BYTES);
    self->state_merged = false;
    gc_err err = gc_stamper_look(&self->stamper, self->state_file, &self->state_stamp);
    if (err != GC_ENOENT) /* reading says why */
        err = gc_root_read(self->root, self->state_file, &text, info);
    if (err == GC_ENOENT) {
        err = GC_OK;
        self->state_changed = true;
    } else if (!err) {
        gc_sha_raw(gc_sha256(text.ptr, text.len).hex, self->state_sha);
        err = parse(self, &text, info);
    }
    gc_buf_release(&text);
    return err;
}

gc_err gc_output_recover(gc_output *self, const char *path, gc_errinfo *info)
{
    gc_buf text;
    gc_state found;
    if (!self->root)
        return GC_ENOENT;
    gc_buf_init(&text, GC_STATE_MAX_BYTES);
    gc_err err = gc_root_read(self->root, path, &text, info);
    if (!err)
        err = gc_state_parse(text.ptr, text.len, &found, info);
    gc_buf_release(&text);
    if (err)
        return err;
    size_t cursor = 0;
    const char *name;
    void *value;
    while (gc_map_next(found.files, &cursor, &name, &value))
        if (stands(self, name, value)) {
            gc_state_copy_file(&self->state, name, value);
            self->state_changed = true;
        }
    gc_state_release(&found);
    return GC_OK;
}

void gc_output_adopt(gc_output *self, const char *path, const char *sha256)
{
    gc_sha there;
    if (!self->root || gc_state_find(&self->state, path) ||
        gc_root_sha(self->root, path, &there, NULL) || strcmp(there.hex, sha256) != 0)
        return;
    memcpy(gc_state_require(&self->state, path)->sha256, there.hex, sizeof there.hex);
    self->state_changed = true;
}

void gc_output_set_fcs(gc_output *self, const char *sha256)
{
    if (strcmp(self->state.fcs, sha256) == 0)
        return;
    memcpy(self->state.fcs, sha256, sizeof self->state.fcs);
    self->state_changed = true;
}

gc_err gc_output_save(gc_output *self, gc_errinfo *info)
{
    if (!self->state_changed)
        return GC_OK;
    gc_buf text;
    gc_buf_init(&text, GC_STATE_MAX_BYTES);
    gc_state_print(&self->state, &text);
    gc_err err =
        text.full ? gc_fail(info, GC_ETOOBIG, "the state is over its limit")
                  : gc_root_write(self->root, self->state_file, text.ptr, text.len, info);
    gc_buf_release(&text);
    return err;
}
