#include "worker/texts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/mem.h"

#define LEAST_BYTES 1024 /* less is not worth a look */
#define WORTH 4          /* at least this part of them must be saved */
#define MIN_WINDOW 9     /* bits: 512 bytes, zlib's least */
#define LOOK_AHEAD 262   /* of a window; see MIN_LOOKAHEAD in zlib's deflate.h */
#define MOST_TEXTS (2 * GC_TASK_MAX_BLOCKS + GC_TASK_MAX_FILES)

typedef struct text_list {
    char **items[MOST_TEXTS]; /* fields of the task */
    size_t count;
} text_list;

static void add_blocks(text_list *list, gc_block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!blocks[i].sha256) /* the others' texts are shared anyway */
            list->items[list->count++] = &blocks[i].text;
}

/* The same ones in the same order, whether they are there or not. */
static void list_texts(gc_task *task, text_list *list)
{
    list->count = 0;
    add_blocks(list, task->system, task->system_count);
    add_blocks(list, task->user, task->user_count);
    for (size_t i = 0; i < task->file_count; i++)
        list->items[list->count++] = &task->files[i].promise;
}

/* All of them, each with its NUL. */
static char *join(const text_list *list, size_t *len)
{
    size_t end = 0;
    for (size_t i = 0; i < list->count; i++)
        end += strlen(*list->items[i]) + 1;
    char *all = gc_xmalloc(end);
    *len = 0;
    for (size_t i = 0; i < list->count; i++) {
        size_t size = strlen(*list->items[i]) + 1;
        memcpy(all + *len, *list->items[i], size);
        *len += size;
    }
    return all;
}

/* All of it can be referred to: promises stand in the prompt as well. A larger one costs
 * zlib more time to clear than texts of this size take to pack. */
static int window_bits(size_t len)
{
    int bits = MIN_WINDOW;
    while (bits < MAX_WBITS && ((size_t)1 << bits) < len + LOOK_AHEAD)
        bits++;
    return bits;
}

static void deflate_all(gc_texts *self, char *raw)
{
    z_stream stream = { 0 };
    int bits = window_bits(self->raw_len);
    int memory = bits - 7; /* as the default: 8 for a window of 15 bits */
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -bits, memory,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        abort(); /* out of memory is the only reason */
    size_t most = deflateBound(&stream, self->raw_len);
    self->packed = gc_xmalloc(most);
    stream.next_in = (unsigned char *)raw;
    stream.avail_in = (uInt)self->raw_len;
    stream.next_out = self->packed;
    stream.avail_out = (uInt)most;
    int status = deflate(&stream, Z_FINISH);
    assert(status == Z_STREAM_END); /* it fits into the bound */
    (void)status;
    self->packed_len = stream.total_out;
    deflateEnd(&stream);
    self->packed = gc_xrealloc(self->packed, self->packed_len);
}

static char *inflate_all(const gc_texts *self)
{
    z_stream stream = { 0 };
    char *raw = gc_xmalloc(self->raw_len);
    stream.next_in = self->packed;
    stream.avail_in = (uInt)self->packed_len;
    stream.next_out = (unsigned char *)raw;
    stream.avail_out = (uInt)self->raw_len;
    if (inflateInit2(&stream, -window_bits(self->raw_len)) != Z_OK ||
        inflate(&stream, Z_FINISH) != Z_STREAM_END)
        abort(); /* out of memory: the bytes are our own */
    inflateEnd(&stream);
    return raw;
}

/* True if they are packed now. */
static bool pack_first(gc_texts *self, const text_list *list)
{
    char *raw = join(list, &self->raw_len);
    self->hopeless = self->raw_len < LEAST_BYTES;
    if (!self->hopeless) {
        deflate_all(self, raw);
        self->hopeless = self->packed_len > self->raw_len - self->raw_len / WORTH;
    }
    free(raw);
    if (!self->hopeless)
        return true;
    free(self->packed);
    self->packed = NULL;
    return false;
}

void gc_texts_init(gc_texts *self, gc_task *task)
{
    *self = (gc_texts){ .task = task };
}

void gc_texts_release(gc_texts *self)
{
    free(self->packed);
    *self = (gc_texts){ 0 };
}

void gc_texts_pack(gc_texts *self)
{
    text_list list;
    if (self->away || self->hopeless)
        return;
    list_texts(self->task, &list);
    if (!self->packed && !pack_first(self, &list))
        return;
    for (size_t i = 0; i < list.count; i++)
        gc_free_str(list.items[i]);
    self->away = true;
}

void gc_texts_unpack(gc_texts *self)
{
    text_list list;
    if (!self->away)
        return;
    list_texts(self->task, &list);
    char *raw = inflate_all(self);
    const char *at = raw;
    for (size_t i = 0; i < list.count; i++) {
        *list.items[i] = gc_xstrdup(at);
        at += strlen(at) + 1;
    }
    free(raw);
    self->away = false;
}
