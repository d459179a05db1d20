#include "coordinator/seen.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define MAGIC "GCSEEN2\n"
#define MAGIC_SIZE 8
#define STAMP_SIZE 32
#define SEAL_SIZE (MAGIC_SIZE + GC_SHA_RAW)
#define RECORD_SIZE (STAMP_SIZE + GC_SHA_RAW + 8)
#define MAX_TEXT ((size_t)16 << 20)
#define MAX_NOTES 1000000
#define NO_KEY "0000000000000000000000000000000000000000000000000000000000000000"

void gc_seen_init(gc_seen *self)
{
    *self = (gc_seen){ .findings = gc_xstrdup(""), .questions = gc_xstrdup("") };
    gc_buf_init(&self->text, GC_SEEN_MAX_BYTES);
}

void gc_seen_release(gc_seen *self)
{
    free(self->findings);
    free(self->questions);
    gc_strv_release(&self->notes);
    free(self->files);
    if (self->text.ptr)
        gc_buf_release(&self->text);
    *self = (gc_seen){ 0 };
}

void gc_seen_add(gc_seen *self, const char *path, const gc_stamp *stamp,
                 const unsigned char sha[GC_SHA_RAW])
{
    self->files = gc_grow(self->files, self->count, &self->cap, sizeof *self->files);
    gc_seen_file *f = &self->files[self->count++];
    *f = (gc_seen_file){ .path = path, .stamp = *stamp };
    memcpy(f->sha, sha, GC_SHA_RAW);
}

const gc_seen_file *gc_seen_find(const gc_seen *self, const char *path, size_t *hint)
{
    size_t low = 0, high = self->count;
    if (*hint < high && strcmp(self->files[*hint].path, path) == 0)
        return &self->files[(*hint)++];
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(self->files[mid].path, path);
        if (order == 0) {
            *hint = mid + 1;
            return &self->files[mid];
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

bool gc_seen_racy(const gc_seen *self, const gc_stamp *stamp, int64_t written_ns)
{
    int64_t limit = self->begun_ns < written_ns ? self->begun_ns : written_ns;
    return stamp->mtime_ns >= limit || stamp->ctime_ns >= limit;
}

/* ---- writing ---- */

static void put_u64(gc_buf *out, uint64_t value)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    gc_buf_append(out, bytes, sizeof bytes);
}

static void put_double(gc_buf *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_u64(out, bits);
}

static void put_stamp(gc_buf *out, const gc_stamp *stamp)
{
    put_u64(out, stamp->size);
    put_u64(out, stamp->inode);
    put_u64(out, (uint64_t)stamp->mtime_ns);
    put_u64(out, (uint64_t)stamp->ctime_ns);
}

static void put_text(gc_buf *out, const char *text)
{
    size_t len = strlen(text);
    put_u64(out, len);
    gc_buf_append(out, text, len);
}

/* "" as zeros. */
static void put_key(gc_buf *out, const gc_sha *key)
{
    unsigned char raw[GC_SHA_RAW] = { 0 };
    if (*key->hex && !gc_sha_raw(key->hex, raw))
        memset(raw, 0, sizeof raw);
    gc_buf_append(out, raw, sizeof raw);
}

static void put_head(const gc_seen *self, gc_buf *out)
{
    put_u64(out, (uint64_t)self->begun_ns);
    put_key(out, &self->key);
    put_key(out, &self->meaning);
    put_stamp(out, &self->state);
    gc_buf_append(out, self->state_sha, sizeof self->state_sha);
    put_u64(out, self->figures.template_files);
    put_u64(out, self->figures.llm_files);
    put_u64(out, self->figures.baseline_calls);
    put_u64(out, self->figures.baseline_processed);
    put_double(out, self->figures.baseline_usd);
    put_double(out, self->figures.baseline_s);
    put_text(out, self->findings);
    put_text(out, self->questions);
    put_u64(out, self->notes.count);
    for (size_t i = 0; i < self->notes.count; i++)
        put_text(out, self->notes.items[i]);
}

void gc_seen_print(const gc_seen *self, gc_buf *out)
{
    unsigned char seal[SEAL_SIZE] = MAGIC;
    uint64_t offset = 0;
    gc_buf_reserve(out, SEAL_SIZE + self->count * (RECORD_SIZE + 48));
    gc_buf_append(out, seal, sizeof seal);
    put_head(self, out);
    put_u64(out, self->count);
    for (size_t i = 0; i < self->count; i++) {
        put_stamp(out, &self->files[i].stamp);
        gc_buf_append(out, self->files[i].sha, GC_SHA_RAW);
        put_u64(out, offset);
        offset += strlen(self->files[i].path) + 1;
    }
    put_u64(out, offset);
    for (size_t i = 0; i < self->count; i++)
        gc_buf_append(out, self->files[i].path, strlen(self->files[i].path) + 1);
    if (out->full)
        return;
    gc_sha sha = gc_sha256(out->ptr + SEAL_SIZE, out->len - SEAL_SIZE);
    gc_sha_raw(sha.hex, (unsigned char *)out->ptr + MAGIC_SIZE);
}

/* ---- reading: every step checks what is left, so that nothing needs to be trusted ---- */

typedef struct reader {
    const unsigned char *at;
    size_t left;
    bool bad;
} reader;

static const unsigned char *take(reader *r, size_t len)
{
    static const unsigned char nothing[STAMP_SIZE + GC_SHA_RAW];
    if (r->bad || len > r->left) {
        r->bad = true;
        return nothing;
    }
    const unsigned char *at = r->at;
    r->at += len;
    r->left -= len;
    return at;
}

static uint64_t u64_at(const unsigned char *bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static uint64_t take_u64(reader *r)
{
    return u64_at(take(r, 8));
}

static double take_double(reader *r)
{
    uint64_t bits = take_u64(r);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static gc_stamp stamp_at(const unsigned char *bytes)
{
    return (gc_stamp){ u64_at(bytes), u64_at(bytes + 8), (int64_t)u64_at(bytes + 16),
                       (int64_t)u64_at(bytes + 24) };
}

static char *take_text(reader *r)
{
    uint64_t len = take_u64(r);
    if (len > MAX_TEXT || len > r->left || memchr(r->at, '\0', len))
        r->bad = true;
    return r->bad ? gc_xstrdup("") : gc_xmemdup(take(r, len), len);
}

static gc_sha take_key(reader *r)
{
    gc_sha key = gc_sha_of_raw(take(r, GC_SHA_RAW));
    if (strcmp(key.hex, NO_KEY) == 0)
        *key.hex = '\0';
    return key;
}

static void read_head(reader *r, gc_seen *out)
{
    out->begun_ns = (int64_t)take_u64(r);
    out->key = take_key(r);
    out->meaning = take_key(r);
    out->state = stamp_at(take(r, STAMP_SIZE));
    memcpy(out->state_sha, take(r, GC_SHA_RAW), GC_SHA_RAW);
    out->figures.template_files = take_u64(r);
    out->figures.llm_files = take_u64(r);
    out->figures.baseline_calls = take_u64(r);
    out->figures.baseline_processed = take_u64(r);
    out->figures.baseline_usd = take_double(r);
    out->figures.baseline_s = take_double(r);
    free(out->findings);
    out->findings = take_text(r);
    free(out->questions);
    out->questions = take_text(r);
    uint64_t notes = take_u64(r);
    r->bad |= notes > MAX_NOTES;
    for (uint64_t i = 0; !r->bad && i < notes; i++)
        gc_strv_push(&out->notes, take_text(r));
}

/* The texts lie one after the other, each with its NUL, and rise. */
static bool read_paths(gc_seen *self, const unsigned char *records, const char *paths,
                       size_t len)
{
    size_t at = 0;
    for (size_t i = 0; i < self->count; i++) {
        const char *path = paths + at;
        const char *end = at < len ? memchr(path, '\0', len - at) : NULL;
        const unsigned char *record = records + i * RECORD_SIZE;
        if (!end || u64_at(record + STAMP_SIZE + GC_SHA_RAW) != at ||
            !gc_path_safe(path) || (i && strcmp(self->files[i - 1].path, path) >= 0))
            return false;
        self->files[i].path = path;
        self->files[i].stamp = stamp_at(record);
        memcpy(self->files[i].sha, record + STAMP_SIZE, GC_SHA_RAW);
        at = (size_t)(end - paths) + 1;
    }
    return at == len;
}

static bool read_all(reader *r, gc_seen *out)
{
    read_head(r, out);
    uint64_t count = take_u64(r);
    if (r->bad || count > r->left / RECORD_SIZE)
        return false;
    const unsigned char *records = take(r, (size_t)count * RECORD_SIZE);
    uint64_t len = take_u64(r);
    if (r->bad || len != r->left)
        return false;
    out->count = out->cap = (size_t)count;
    out->files = gc_xcalloc(out->count, sizeof *out->files);
    return read_paths(out, records, (const char *)r->at, (size_t)len);
}

static bool sealed(const gc_buf *text)
{
    if (text->len < SEAL_SIZE || memcmp(text->ptr, MAGIC, MAGIC_SIZE) != 0)
        return false;
    gc_sha sha = gc_sha256(text->ptr + SEAL_SIZE, text->len - SEAL_SIZE);
    unsigned char raw[GC_SHA_RAW];
    return gc_sha_raw(sha.hex, raw) &&
           memcmp(raw, text->ptr + MAGIC_SIZE, sizeof raw) == 0;
}

gc_err gc_seen_parse(gc_buf *text, gc_seen *out)
{
    gc_seen seen;
    if (!sealed(text))
        return GC_EPROTO;
    gc_seen_init(&seen);
    reader r = { (const unsigned char *)text->ptr + SEAL_SIZE, text->len - SEAL_SIZE,
                 false };
    if (!read_all(&r, &seen)) {
        gc_seen_release(&seen);
        return GC_EPROTO;
    }
    size_t limit = text->limit;
    seen.text = *text;
    gc_buf_init(text, limit);
    *out = seen;
    return GC_OK;
}
