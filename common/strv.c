#include "common/strv.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"

void gc_strv_release(gc_strv *self)
{
    for (size_t i = 0; i < self->count; i++)
        free(self->items[i]);
    free(self->items);
    *self = (gc_strv){ 0 };
}

void gc_strv_push(gc_strv *self, char *text)
{
    self->items = gc_grow(self->items, self->count, &self->cap, sizeof *self->items);
    self->items[self->count++] = text;
}

void gc_strv_add(gc_strv *self, const char *text)
{
    gc_strv_push(self, gc_xstrdup(text));
}

bool gc_strv_has(const gc_strv *self, const char *text)
{
    for (size_t i = 0; i < self->count; i++)
        if (strcmp(self->items[i], text) == 0)
            return true;
    return false;
}

bool gc_strv_add_unique(gc_strv *self, const char *text)
{
    if (gc_strv_has(self, text))
        return false;
    gc_strv_add(self, text);
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void gc_strv_sort(gc_strv *self)
{
    if (self->count > 1)
        qsort(self->items, self->count, sizeof *self->items, by_bytes);
}

void gc_strv_copy(gc_strv *self, const gc_strv *from)
{
    for (size_t i = 0; i < from->count; i++)
        gc_strv_add(self, from->items[i]);
}

char *gc_strv_join(const gc_strv *self, const char *separator)
{
    gc_buf buf;
    gc_buf_init(&buf, (size_t)1 << 30);
    for (size_t i = 0; i < self->count; i++) {
        if (i)
            gc_buf_puts(&buf, separator);
        gc_buf_puts(&buf, self->items[i]);
    }
    return gc_buf_take(&buf);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void gc_strv_split(gc_strv *self, const char *text, char separator)
{
    while (*text) {
        const char *end = strchr(text, separator);
        const char *next = end ? end + 1 : text + strlen(text);
        if (!end)
            end = next;
        while (text < end && is_blank(*text))
            text++;
        while (end > text && is_blank(end[-1]))
            end--;
        if (end > text)
            gc_strv_push(self, gc_xmemdup(text, (size_t)(end - text)));
        text = next;
    }
}

#define NEAREST_MAX_LEN 64

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein distance by rows; words longer than NEAREST_MAX_LEN are never near. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b);
    size_t row[NEAREST_MAX_LEN + 1];
    if (la > NEAREST_MAX_LEN || lb > NEAREST_MAX_LEN)
        return NEAREST_MAX_LEN;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[lb];
}

const char *gc_nearest(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = strlen(word) / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, names[i]);
        if (d < best_distance) {
            best_distance = d;
            best = names[i];
        }
    }
    return best;
}
