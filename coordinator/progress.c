#include "coordinator/progress.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"

#define EVENT_VERSION 1
#define DEFAULT_WIDTH 80
#define LINE_LIMIT 4096
#define BAR_CELLS 24
#define MIN_CELLS 5

struct gc_progress {
    gc_progress_mode mode;
    int64_t interval_ms;
    int64_t drawn_at;
    char phase[32];
    bool simulated;
    bool line_open;   /* the bar stands on the current terminal line */
    size_t last_done; /* plain: say nothing if nothing happened */
};

static gc_progress_mode resolve(gc_progress_mode mode)
{
    if (mode != GC_PROGRESS_AUTO)
        return mode;
    const char *term = getenv("TERM"), *ci = getenv("CI");
    bool dumb = !term || strcmp(term, "dumb") == 0;
    return isatty(STDERR_FILENO) && !dumb && !(ci && *ci) ? GC_PROGRESS_BAR
                                                          : GC_PROGRESS_PLAIN;
}

static void clear_line(void *arg)
{
    gc_progress *self = arg;
    if (!self->line_open)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    self->line_open = false;
    self->drawn_at = 0;
}

gc_progress *gc_progress_new(gc_progress_mode mode, int64_t interval_ms)
{
    gc_progress *self = gc_xcalloc(1, sizeof *self);
    self->mode = resolve(mode);
    self->interval_ms = interval_ms;
    self->last_done = SIZE_MAX;
    if (self->mode == GC_PROGRESS_BAR)
        gc_log_set_before_write(clear_line, self);
    return self;
}

void gc_progress_destroy(gc_progress **self_p)
{
    gc_progress *self = *self_p;
    if (!self)
        return;
    clear_line(self);
    if (self->mode == GC_PROGRESS_BAR)
        gc_log_set_before_write(NULL, NULL);
    free(self);
    *self_p = NULL;
}

/* ---- JSON events ---- */

/* Text of other programs is no JSON before its malformed bytes are replaced. */
static json_t *clean_string(const char *text)
{
    char *clean = gc_utf8_clean(text, strlen(text));
    json_t *value = json_string(clean);
    free(clean);
    return value;
}

static void emit(json_t *event)
{
    char when[GC_RFC3339_SIZE];
    gc_rfc3339(gc_wall_ms(), when);
    json_object_set_new(event, "v", json_integer(EVENT_VERSION));
    json_object_set_new(event, "time", json_string(when));
    char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(12));
    fprintf(stderr, "%s\n", text);
    free(text);
    json_decref(event);
}

static json_t *counts_event(const gc_progress *self, const gc_stats *s)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:b}", "event", "progress",
                     "phase", self->phase, "files", (json_int_t)s->file_count, "done",
                     (json_int_t)s->done, "failed", (json_int_t)s->failed, "in_flight",
                     (json_int_t)s->in_flight, "output_tokens",
                     (json_int_t)s->usage.output, "cost_usd", s->cost_usd, "simulated",
                     s->simulated);
}

static const char *state_word(const gc_file_stat *file)
{
    return file->state == GC_FILE_STATE_FAILED ? "failed" : file->how;
}

/* ---- what the run tells ---- */

void gc_progress_phase(gc_progress *self, const char *phase)
{
    if (!self)
        return;
    snprintf(self->phase, sizeof self->phase, "%s", phase);
    self->drawn_at = 0;
    if (self->mode == GC_PROGRESS_JSON)
        emit(json_pack("{s:s, s:s}", "event", "phase", "phase", phase));
}

void gc_progress_file(gc_progress *self, const gc_file_stat *file, const gc_stats *stats)
{
    if (!self)
        return;
    self->simulated = stats->simulated;
    if (self->mode == GC_PROGRESS_JSON)
        emit(json_pack("{s:s, s:s, s:s, s:f, s:o, s:b}", "event", "file", "path",
                       file->path, "state", state_word(file), "cost_usd", file->cost_usd,
                       "problem", clean_string(file->problem ? file->problem : ""),
                       "simulated", stats->simulated));
    else if (file->state == GC_FILE_STATE_FAILED && self->mode != GC_PROGRESS_NONE)
        gc_progress_note(self, "%s failed: %s", file->path,
                         file->problem ? file->problem : "");
}

void gc_progress_note(gc_progress *self, const char *fmt, ...)
{
    char text[1024];
    if (!self || self->mode == GC_PROGRESS_NONE)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    if (self->mode == GC_PROGRESS_JSON) {
        emit(json_pack("{s:s, s:o}", "event", "note", "text", clean_string(text)));
        return;
    }
    clear_line(self);
    fprintf(stderr, "%s\n", text);
}

/* ---- drawing ---- */

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return DEFAULT_WIDTH;
}

/* Seconds until the end at the pace so far; negative if nothing can be said yet. */
static double remaining_s(const gc_stats *s, int64_t now_ms)
{
    size_t made = s->made + s->reused, open = s->file_count - s->done - s->failed;
    if (!made || !open)
        return open ? -1 : 0;
    return (double)(now_ms - s->started_ms) / 1000 / (double)made * (double)open;
}

static void put_counts(gc_buf *line, const gc_stats *s, int64_t now_ms)
{
    double left = remaining_s(s, now_ms);
    gc_buf_printf(line, "%zu/%zu files, %zu in flight, %" PRId64 " tokens, $%.4f",
                  s->done, s->file_count, s->in_flight, s->usage.output, s->cost_usd);
    if (s->failed)
        gc_buf_printf(line, ", %zu failed", s->failed);
    if (left >= 0)
        gc_buf_printf(line, ", %.0fs left", left);
}

static void put_bar(gc_buf *line, const gc_stats *s, size_t cells)
{
    size_t filled = s->file_count ? s->done * cells / s->file_count : 0;
    gc_buf_putc(line, '[');
    for (size_t i = 0; i < cells; i++)
        gc_buf_putc(line, i < filled ? '=' : i == filled ? '>' : ' ');
    gc_buf_puts(line, "] ");
}

/* In a narrow terminal the bar gives way first, then the end of the line; that the model is
 * simulated comes before both. */
static void draw_bar(gc_progress *self, const gc_stats *s, int64_t now_ms)
{
    gc_buf line, counts;
    gc_buf_init(&line, LINE_LIMIT);
    gc_buf_init(&counts, LINE_LIMIT);
    gc_buf_printf(&line, "%s%s ", self->phase,
                  self->simulated ? " (simulated model)" : "");
    put_counts(&counts, s, now_ms);
    size_t width = terminal_width() - 1, used = line.len + counts.len + strlen("[] ");
    size_t cells = used < width ? width - used : 0;
    if (cells >= MIN_CELLS)
        put_bar(&line, s, cells < BAR_CELLS ? cells : BAR_CELLS);
    gc_buf_append(&line, counts.ptr, counts.len);
    fprintf(stderr, "\r%.*s\033[K", (int)(line.len < width ? line.len : width), line.ptr);
    fflush(stderr);
    self->line_open = true;
    gc_buf_release(&counts);
    gc_buf_release(&line);
}

static void draw_plain(gc_progress *self, const gc_stats *s, int64_t now_ms)
{
    size_t ended = s->done + s->failed;
    if (ended == self->last_done)
        return;
    self->last_done = ended;
    gc_buf line;
    gc_buf_init(&line, LINE_LIMIT);
    gc_buf_printf(&line, "%s: ", self->phase);
    put_counts(&line, s, now_ms);
    fprintf(stderr, "%s%s\n", line.ptr, self->simulated ? " (simulated model)" : "");
    gc_buf_release(&line);
}

int64_t gc_progress_tick(gc_progress *self, const gc_stats *stats, int64_t now_ms)
{
    if (!self || self->mode == GC_PROGRESS_NONE)
        return -1;
    self->simulated = stats->simulated;
    int64_t due = self->drawn_at ? self->drawn_at + self->interval_ms - now_ms : 0;
    if (due > 0)
        return due;
    self->drawn_at = now_ms;
    if (self->mode == GC_PROGRESS_BAR)
        draw_bar(self, stats, now_ms);
    else if (self->mode == GC_PROGRESS_JSON)
        emit(counts_event(self, stats));
    else
        draw_plain(self, stats, now_ms);
    return self->interval_ms;
}
