#include "coordinator/screen.h"

#include <string.h>
#include <sys/ioctl.h>

#include "common/buf.h"
#include "common/text.h"

#define DEFAULT_WIDTH 80
#define DEFAULT_HEIGHT 24
#define MIN_WIDTH 20
#define FRAME_LIMIT ((size_t)1 << 20)

void gc_screen_init(gc_screen *self, FILE *stream)
{
    *self = (gc_screen){ .stream = stream };
}

void gc_screen_size(const gc_screen *self, size_t *width, size_t *height)
{
    struct winsize size;
    *width = DEFAULT_WIDTH - 1;
    *height = DEFAULT_HEIGHT;
    if (ioctl(fileno(self->stream), TIOCGWINSZ, &size) != 0)
        return;
    if (size.ws_col >= MIN_WIDTH)
        *width = size.ws_col - 1U;
    if (size.ws_row > 0)
        *height = size.ws_row;
}

/* Rows that our lines take now: a terminal that became narrower has wrapped them. */
static size_t rows(const gc_screen *self)
{
    size_t width, height, sum = 0;
    gc_screen_size(self, &width, &height);
    for (size_t i = 0; i < self->lines; i++)
        sum += 1 + (self->lengths[i] ? (self->lengths[i] - 1) / (width + 1) : 0);
    return sum;
}

/* The cursor to the first column of our first row. */
static void put_home(const gc_screen *self, gc_buf *out)
{
    size_t up = self->lines ? rows(self) - 1 : 0;
    gc_buf_putc(out, '\r');
    if (up)
        gc_buf_printf(out, "\033[%zuA", up);
}

static void show(gc_screen *self, const gc_buf *frame)
{
    fwrite(frame->ptr, 1, frame->len, self->stream);
    fflush(self->stream);
}

void gc_screen_draw(gc_screen *self, const char *text, size_t len)
{
    gc_buf frame;
    gc_buf_init(&frame, FRAME_LIMIT);
    put_home(self, &frame);
    self->lines = 0;
    for (size_t from = 0; from <= len && self->lines < GC_SCREEN_MAX_LINES;) {
        const char *end = memchr(text + from, '\n', len - from);
        size_t n = end ? (size_t)(end - text) - from : len - from;
        if (self->lines)
            gc_buf_puts(&frame, "\r\n");
        gc_buf_append(&frame, text + from, n);
        gc_buf_puts(&frame, "\033[K");
        self->lengths[self->lines++] = gc_text_columns(text + from, n);
        from += n + 1;
    }
    gc_buf_puts(&frame, "\033[J"); /* what was below: fewer lines than before */
    show(self, &frame);
    gc_buf_release(&frame);
}

void gc_screen_clear(gc_screen *self)
{
    if (!self->lines)
        return;
    gc_buf frame;
    gc_buf_init(&frame, FRAME_LIMIT);
    put_home(self, &frame);
    gc_buf_puts(&frame, "\033[J");
    show(self, &frame);
    self->lines = 0;
    gc_buf_release(&frame);
}
