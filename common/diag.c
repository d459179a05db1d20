#include "common/diag.h"

#include <stdarg.h>
#include <stdlib.h>

#include "common/buf.h"
#include "common/mem.h"

#define TEXT_LIMIT 2000

void gc_diags_init(gc_diags *self, const char *path)
{
    *self = (gc_diags){ .path = gc_xstrdup(path) };
}

void gc_diags_release(gc_diags *self)
{
    for (size_t i = 0; i < self->count; i++)
        free(self->items[i].text);
    free(self->items);
    free(self->path);
    *self = (gc_diags){ 0 };
}

static char *printable(const char *text)
{
    gc_buf buf;
    gc_buf_init(&buf, TEXT_LIMIT * 4);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            gc_buf_printf(&buf, "\\x%02x", c);
        else
            gc_buf_putc(&buf, (char)c);
    }
    return gc_buf_take(&buf);
}

void gc_diags_add(gc_diags *self, gc_severity severity, int line, int column,
                  const char *fmt, ...)
{
    self->errors += severity == GC_SEV_ERROR;
    self->warnings += severity == GC_SEV_WARNING;
    if (self->count >= GC_DIAGS_MAX)
        return;
    char text[TEXT_LIMIT];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    self->items = gc_grow(self->items, self->count, &self->cap, sizeof *self->items);
    self->items[self->count++] = (gc_diag){ severity, line < 1 ? 1 : line,
                                            column < 1 ? 1 : column, printable(text) };
}

/* Insertion sort: stable, and the list is short. */
static void sort_by_place(gc_diags *self)
{
    for (size_t i = 1; i < self->count; i++) {
        gc_diag item = self->items[i];
        size_t j = i;
        for (; j > 0; j--) {
            const gc_diag *before = &self->items[j - 1];
            if (before->line < item.line ||
                (before->line == item.line && before->column <= item.column))
                break;
            self->items[j] = *before;
        }
        self->items[j] = item;
    }
}

void gc_diags_print(gc_diags *self, FILE *out)
{
    static const char *const names[] = { "error", "warning", "note" };
    sort_by_place(self);
    for (size_t i = 0; i < self->count; i++) {
        const gc_diag *d = &self->items[i];
        fprintf(out, "%s:%d:%d: %s: %s\n", self->path, d->line, d->column,
                names[d->severity], d->text);
    }
    size_t shown = self->count, all = self->errors + self->warnings;
    if (shown == GC_DIAGS_MAX && all > shown)
        fprintf(out, "%s: %zu more findings not shown\n", self->path, all - shown);
}
