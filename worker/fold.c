#include "worker/fold.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/mem.h"

#define WORTH_BYTES 1024 /* less is left as it is */
#define LEVEL 1
#define WINDOW_BITS 15 /* 32 KB: the promises repeat what the prompt says */
#define MEMORY_LEVEL 6

struct gc_folder {
    z_stream deflate;
};

struct gc_fold {
    size_t raw_len;
    size_t len;
    char *raw; /* while open */
    unsigned char packed[];
};

gc_folder *gc_folder_new(void)
{
    gc_folder *self = gc_xcalloc(1, sizeof *self);
    if (deflateInit2(&self->deflate, LEVEL, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        abort(); /* out of memory is the only reason */
    return self;
}

void gc_folder_destroy(gc_folder **self_p)
{
    if (!*self_p)
        return;
    deflateEnd(&(*self_p)->deflate);
    free(*self_p);
    *self_p = NULL;
}

static size_t slot_count(const gc_task *task)
{
    return task->system_count + task->user_count + task->file_count;
}

/* Where the text `i` belongs; NULL if it is none of ours (a block that is named by hash). */
static char **slot_at(gc_task *task, size_t i)
{
    if (i >= task->system_count + task->user_count)
        return &task->files[i - task->system_count - task->user_count].promise;
    gc_block *block =
        i < task->system_count ? &task->system[i] : &task->user[i - task->system_count];
    return block->sha256 ? NULL : &block->text;
}

/* All texts, each with its NUL; NULL: only their length. */
static size_t join(gc_task *task, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < slot_count(task); i++) {
        char **slot = slot_at(task, i);
        if (!slot)
            continue;
        size_t size = strlen(*slot) + 1;
        if (out)
            memcpy(out + len, *slot, size);
        len += size;
    }
    return len;
}

gc_fold *gc_fold_new(gc_folder *folder, gc_task *task)
{
    size_t raw_len = join(task, NULL);
    if (raw_len < WORTH_BYTES)
        return NULL;
    z_stream *z = &folder->deflate;
    char *raw = gc_xmalloc(raw_len);
    size_t most = deflateBound(z, raw_len);
    gc_fold *self = gc_xmalloc(sizeof *self + most);
    join(task, raw);
    deflateReset(z);
    z->next_in = (unsigned char *)raw;
    z->avail_in = (uInt)raw_len;
    z->next_out = self->packed;
    z->avail_out = (uInt)most;
    int end = deflate(z, Z_FINISH);
    assert(end == Z_STREAM_END);
    (void)end;
    free(raw);
    *self = (gc_fold){ .raw_len = raw_len, .len = most - z->avail_out };
    if (self->len >= raw_len / 4 * 3) {
        free(self);
        return NULL;
    }
    for (size_t i = 0; i < slot_count(task); i++) {
        char **slot = slot_at(task, i);
        if (slot)
            gc_free_str(slot);
    }
    return gc_xrealloc(self, sizeof *self + self->len);
}

void gc_fold_open(gc_fold *self, gc_task *task)
{
    if (!self || self->raw)
        return;
    uLongf len = self->raw_len;
    self->raw = gc_xmalloc(self->raw_len);
    int err = uncompress((unsigned char *)self->raw, &len, self->packed, self->len);
    if (err != Z_OK || len != self->raw_len)
        abort(); /* our own bytes: memory is gone, or broken */
    char *at = self->raw;
    for (size_t i = 0; i < slot_count(task); i++) {
        char **slot = slot_at(task, i);
        if (!slot)
            continue;
        *slot = at;
        at += strlen(at) + 1;
    }
}

void gc_fold_shut(gc_fold *self, gc_task *task)
{
    if (!self || !self->raw)
        return;
    for (size_t i = 0; i < slot_count(task); i++) {
        char **slot = slot_at(task, i);
        if (slot)
            *slot = NULL;
    }
    gc_free_str(&self->raw);
}

void gc_fold_destroy(gc_fold **self_p)
{
    assert(!*self_p || !(*self_p)->raw);
    free(*self_p);
    *self_p = NULL;
}
