#include "worker/sse.h"

#include <string.h>

void gc_sse_init(gc_sse *self, gc_sse_cb cb, void *arg)
{
    *self = (gc_sse){ .cb = cb, .arg = arg };
    gc_buf_init(&self->line, GC_SSE_MAX_EVENT);
    gc_buf_init(&self->data, GC_SSE_MAX_EVENT);
}

void gc_sse_release(gc_sse *self)
{
    gc_buf_release(&self->line);
    gc_buf_release(&self->data);
}

static void dispatch(gc_sse *self)
{
    if (self->has_data)
        self->cb(self->arg, *self->name ? self->name : "message", self->data.ptr,
                 self->data.len);
    gc_buf_release(&self->data); /* thousands of streams wait between events */
    self->has_data = false;
    self->name[0] = '\0';
}

static bool is_field(const char *line, size_t name_len, const char *field)
{
    return strlen(field) == name_len && memcmp(line, field, name_len) == 0;
}

static gc_err take_line(gc_sse *self, const char *line, size_t len)
{
    if (!self->past_start && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
        line += 3;
        len -= 3;
    }
    self->past_start = true;
    if (len == 0) {
        dispatch(self);
        return GC_OK;
    }
    const char *colon = memchr(line, ':', len);
    size_t name_len = colon ? (size_t)(colon - line) : len;
    const char *value = colon ? colon + 1 : line + len;
    size_t value_len = len - (size_t)(value - line);
    if (value_len > 0 && *value == ' ') {
        value++;
        value_len--;
    }
    if (is_field(line, name_len, "event")) {
        size_t kept = value_len < sizeof self->name ? value_len : sizeof self->name - 1;
        memcpy(self->name, value, kept);
        self->name[kept] = '\0';
    } else if (is_field(line, name_len, "data")) {
        if (self->has_data)
            gc_buf_putc(&self->data, '\n');
        self->has_data = true;
        gc_buf_append(&self->data, value, value_len);
    }
    return self->data.full ? GC_ETOOBIG : GC_OK;
}

/* Length of the line that starts at `mem`, or `len` if its end is not there yet. */
static size_t find_line_end(const char *mem, size_t len)
{
    size_t i = 0;
    while (i < len && mem[i] != '\n' && mem[i] != '\r')
        i++;
    return i;
}

gc_err gc_sse_feed(gc_sse *self, const char *mem, size_t len)
{
    while (len > 0) {
        if (self->skip_lf && *mem == '\n') {
            self->skip_lf = false;
            mem++;
            len--;
            continue;
        }
        self->skip_lf = false;
        size_t end = find_line_end(mem, len);
        bool whole = end < len;
        gc_err err = GC_OK;
        if (whole && self->line.len == 0) {
            err = take_line(self, mem, end);
        } else {
            gc_buf_append(&self->line, mem, end);
            if (self->line.full)
                return GC_ETOOBIG;
            if (whole) {
                err = take_line(self, self->line.ptr, self->line.len);
                gc_buf_release(&self->line);
            }
        }
        if (err)
            return err;
        if (!whole)
            break;
        self->skip_lf = mem[end] == '\r';
        mem += end + 1;
        len -= end + 1;
    }
    return GC_OK;
}
