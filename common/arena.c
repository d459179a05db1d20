#include "common/arena.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define FIRST_CHUNK ((size_t)4096)
#define LAST_CHUNK ((size_t)1 << 20)
#define ALIGN _Alignof(max_align_t)

typedef struct chunk {
    struct chunk *next;
    _Alignas(max_align_t) char bytes[];
} chunk;

/* Texts are cut from the end of the free space, so that they leave no gaps for alignment. */
struct gc_arena {
    chunk *chunks; /* the newest first */
    chunk *open;   /* the one that `low` and `high` point into, or NULL */
    size_t open_size;
    char *low, *high;
    size_t next_size;
};

gc_arena *gc_arena_new(void)
{
    gc_arena *self = gc_xcalloc(1, sizeof *self);
    self->next_size = FIRST_CHUNK;
    return self;
}

static void free_chunks(gc_arena *self, chunk *but)
{
    while (self->chunks) {
        chunk *next = self->chunks->next;
        if (self->chunks != but)
            free(self->chunks);
        self->chunks = next;
    }
    self->chunks = but;
    if (but)
        but->next = NULL;
}

void gc_arena_destroy(gc_arena **self_p)
{
    gc_arena *self = *self_p;
    if (!self)
        return;
    free_chunks(self, NULL);
    free(self);
    *self_p = NULL;
}

void gc_arena_reset(gc_arena *self)
{
#ifdef __SANITIZE_ADDRESS__
    self->open = NULL; /* so that whoever still looks there is found */
#endif
    free_chunks(self, self->open);
    self->low = self->open ? self->open->bytes : NULL;
    self->high = self->open ? self->open->bytes + self->open_size : NULL;
}

static chunk *add_chunk(gc_arena *self, size_t size)
{
    chunk *c = gc_xmalloc(sizeof *c + size);
    c->next = self->chunks;
    self->chunks = c;
    return c;
}

/* What is left of the chunk before is given up: less than half of the smallest one. */
static void make_room(gc_arena *self)
{
    size_t size = self->next_size;
    if (self->next_size < LAST_CHUNK)
        self->next_size *= 2;
    self->open = add_chunk(self, size);
    self->open_size = size;
    self->low = self->open->bytes;
    self->high = self->low + size;
}

void *gc_arena_alloc(gc_arena *self, size_t size)
{
    size = (size + ALIGN - 1) & ~(ALIGN - 1);
    if (size > FIRST_CHUNK / 2)
        return memset(add_chunk(self, size)->bytes, 0, size);
    if (size > (size_t)(self->high - self->low))
        make_room(self);
    void *mem = self->low;
    self->low += size;
    return memset(mem, 0, size);
}

char *gc_arena_text(gc_arena *self, const void *mem, size_t len)
{
    char *text;
    if (len >= FIRST_CHUNK / 2) {
        text = add_chunk(self, len + 1)->bytes;
    } else {
        if (len + 1 > (size_t)(self->high - self->low))
            make_room(self);
        text = self->high -= len + 1;
    }
    if (len)
        memcpy(text, mem, len);
    text[len] = '\0';
    return text;
}
