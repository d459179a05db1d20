#include "coordinator/progress.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "coordinator/screen.h"

#define TEXT_LIMIT ((size_t)1 << 20)
#define LIVE_LINES 12 /* the bar and at most so many calls below it */

/* A spinner that stands still says nothing: a single long call is drawn more often. */
#define SPIN_MS 250

struct gc_progress {
    gc_progress_mode mode;
    int64_t interval_ms;
    int64_t due_at; /* 0: at once */
    gc_screen screen;
    unsigned frame;
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

static void clear(void *arg)
{
    gc_progress *self = arg;
    if (!self->screen.lines)
        return;
    gc_screen_clear(&self->screen);
    self->due_at = 0;
}

gc_progress *gc_progress_new(gc_progress_mode mode, int64_t interval_ms)
{
    gc_progress *self = gc_xcalloc(1, sizeof *self);
    self->mode = resolve(mode);
    self->interval_ms = interval_ms;
    self->last_done = SIZE_MAX;
    gc_screen_init(&self->screen, stderr);
    if (self->mode == GC_PROGRESS_BAR)
        gc_log_set_before_write(clear, self);
    return self;
}

void gc_progress_destroy(gc_progress **self_p)
{
    gc_progress *self = *self_p;
    if (!self)
        return;
    clear(self);
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

/* With version and time, as one line; free() it. */
static char *event_line(json_t *event)
{
    char when[GC_RFC3339_SIZE];
    gc_rfc3339(gc_wall_ms(), when);
    json_object_set_new(event, "v", json_integer(GC_VIEW_VERSION));
    json_object_set_new(event, "time", json_string(when));
    char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(event);
    return text;
}

static void emit(json_t *event)
{
    char *text = event_line(event);
    fprintf(stderr, "%s\n", text);
    free(text);
}

char *gc_progress_event(const gc_view *view)
{
    return event_line(gc_view_json(view));
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
    self->due_at = 0;
    self->last_done = SIZE_MAX;
    if (self->mode == GC_PROGRESS_JSON)
        emit(json_pack("{s:s, s:s}", "event", "phase", "phase", phase));
}

void gc_progress_file(gc_progress *self, const gc_file_stat *file, const gc_stats *stats)
{
    if (!self)
        return;
    if (self->mode == GC_PROGRESS_JSON)
        emit(json_pack("{s:s, s:s, s:s, s:f, s:s*, s:o, s:b}", "event", "file", "path",
                       file->path, "state", state_word(file), "cost_usd", file->cost_usd,
                       "reason", file->reason, "problem",
                       clean_string(file->problem ? file->problem : ""), "simulated",
                       stats->simulated));
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
    clear(self);
    fprintf(stderr, "%s\n", text);
}

/* ---- drawing ---- */

static void draw_live(gc_progress *self, const gc_view *view)
{
    size_t width, height;
    gc_buf text;
    gc_buf_init(&text, TEXT_LIMIT);
    gc_screen_size(&self->screen, &width, &height);
    gc_view_draw(view, width, height < LIVE_LINES ? height : LIVE_LINES, self->frame++,
                 &text);
    gc_screen_draw(&self->screen, text.ptr, text.len);
    gc_buf_release(&text);
}

static void print_line(const gc_view *view, const char *tail)
{
    gc_buf line;
    gc_buf_init(&line, TEXT_LIMIT);
    gc_view_counts(view, &line);
    fprintf(stderr, "%s: %s%s%s\n", view->phase, line.ptr, tail,
            view->simulated ? " (simulated model)" : "");
    gc_buf_release(&line);
}

static void draw_plain(gc_progress *self, const gc_view *view)
{
    size_t ended = view->done + view->failed;
    if (ended == self->last_done)
        return;
    self->last_done = ended;
    print_line(view, "");
}

int64_t gc_progress_due(const gc_progress *self, int64_t now_ms)
{
    if (!self || self->mode == GC_PROGRESS_NONE)
        return -1;
    return self->due_at > now_ms ? self->due_at - now_ms : 0;
}

void gc_progress_draw(gc_progress *self, const gc_view *view, int64_t now_ms)
{
    int64_t interval_ms = self ? self->interval_ms : 0;
    if (!self || self->mode == GC_PROGRESS_NONE)
        return;
    if (self->mode == GC_PROGRESS_BAR) {
        draw_live(self, view);
        if (view->calls_running <= 1 && interval_ms > SPIN_MS)
            interval_ms = SPIN_MS;
    } else if (self->mode == GC_PROGRESS_JSON) {
        emit(gc_view_json(view));
    } else {
        draw_plain(self, view);
    }
    self->due_at = now_ms + interval_ms;
}

void gc_progress_end_phase(gc_progress *self, const gc_view *view)
{
    char tail[64];
    if (!self || self->mode == GC_PROGRESS_NONE)
        return;
    clear(self);
    if (self->mode == GC_PROGRESS_JSON) {
        emit(gc_view_json(view));
        return;
    }
    gc_view past = *view; /* nothing is left to expect */
    past.left_s = -1;
    past.expected_usd = 0;
    snprintf(tail, sizeof tail, " in %.1f s", (double)view->elapsed_ms / 1000);
    print_line(&past, tail);
}
