#include "coordinator/view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

#define LINE_LIMIT 4096
#define BAR_CELLS 24
#define MIN_CELLS 5
#define MAX_COUNT 1000000000 /* of anything that a foreign event claims */

void gc_view_release(gc_view *self)
{
    for (size_t i = 0; i < self->call_count; i++)
        free(self->calls[i].path);
    self->call_count = 0;
}

/* ---- JSON ---- */

static json_t *call_json(const gc_view_call *c)
{
    return json_pack("{s:s, s:I, s:b, s:I, s:f}", "path", c->path, "files",
                     (json_int_t)c->files, "streaming", c->streaming, "tokens",
                     (json_int_t)c->tokens, "elapsed_s", (double)c->elapsed_ms / 1000);
}

json_t *gc_view_json(const gc_view *v)
{
    json_t *running = json_array();
    for (size_t i = 0; i < v->call_count; i++)
        json_array_append_new(running, call_json(&v->calls[i]));
    return json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:o, s:o}", "event",
        "progress", "phase", v->phase, "simulated", v->simulated, "files",
        (json_int_t)v->files, "done", (json_int_t)v->done, "failed",
        (json_int_t)v->failed, "in_flight", (json_int_t)v->in_flight, "calls",
        (json_int_t)v->calls_running, "output_tokens", (json_int_t)v->output_tokens,
        "cost_usd", v->cost_usd, "expected_usd", v->expected_usd, "elapsed_s",
        (double)v->elapsed_ms / 1000, "left_s",
        v->left_s < 0 ? json_null() : json_real(v->left_s), "running", running);
}

static int64_t count_of(const json_t *object, const char *key)
{
    json_int_t n = json_integer_value(json_object_get(object, key));
    return n < 0 ? 0 : n > MAX_COUNT ? MAX_COUNT : n;
}

static double number_of(const json_t *object, const char *key)
{
    double n = json_number_value(json_object_get(object, key));
    return isfinite(n) && n > 0 && n < MAX_COUNT ? n : 0;
}

/* Foreign text must not steer the terminal. */
static char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    char *clean = gc_utf8_clean(text ? text : "", text ? strlen(text) : 0);
    for (char *c = clean; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = ' ';
    return clean;
}

static void parse_calls(const json_t *running, gc_view *out)
{
    size_t i;
    const json_t *item;
    json_array_foreach(running, i, item)
    {
        if (out->call_count == GC_VIEW_MAX_CALLS)
            return;
        out->calls[out->call_count++] = (gc_view_call){
            .path = text_of(item, "path"),
            .files = (size_t)count_of(item, "files"),
            .streaming = json_is_true(json_object_get(item, "streaming")),
            .tokens = count_of(item, "tokens"),
            .elapsed_ms = (int64_t)(number_of(item, "elapsed_s") * 1000),
        };
    }
}

gc_err gc_view_parse(const char *json, size_t len, gc_view *out)
{
    json_t *event = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
    const char *name = json_string_value(json_object_get(event, "event"));
    if (!name || strcmp(name, "progress") != 0 ||
        json_integer_value(json_object_get(event, "v")) != GC_VIEW_VERSION) {
        json_decref(event);
        return GC_EPROTO;
    }
    const json_t *left = json_object_get(event, "left_s");
    char *phase = text_of(event, "phase");
    *out = (gc_view){
        .simulated = json_is_true(json_object_get(event, "simulated")),
        .files = (size_t)count_of(event, "files"),
        .done = (size_t)count_of(event, "done"),
        .failed = (size_t)count_of(event, "failed"),
        .in_flight = (size_t)count_of(event, "in_flight"),
        .calls_running = (size_t)count_of(event, "calls"),
        .output_tokens = count_of(event, "output_tokens"),
        .cost_usd = number_of(event, "cost_usd"),
        .expected_usd = number_of(event, "expected_usd"),
        .elapsed_ms = (int64_t)(number_of(event, "elapsed_s") * 1000),
        .left_s = json_is_number(left) ? number_of(event, "left_s") : -1,
    };
    snprintf(out->phase, sizeof out->phase, "%s", phase);
    free(phase);
    parse_calls(json_object_get(event, "running"), out);
    json_decref(event);
    return GC_OK;
}

/* ---- text ---- */

static void put_seconds(gc_buf *out, double seconds)
{
    int64_t s = (int64_t)(seconds + 0.5);
    if (s >= 3600)
        gc_buf_printf(out, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
    else if (s >= 60)
        gc_buf_printf(out, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else
        gc_buf_printf(out, "%" PRId64 "s", s);
}

static void put_counts(const gc_view *v, bool brief, gc_buf *out)
{
    int cents = brief ? 2 : 4;
    gc_buf_printf(out, "%zu/%zu files, ", v->done, v->files);
    if (v->calls_running)
        gc_buf_printf(out, "%zu calls, ", v->calls_running);
    gc_buf_printf(out, "%" PRId64 " tokens, $%.*f", v->output_tokens, cents, v->cost_usd);
    if (v->expected_usd > 0)
        gc_buf_printf(out, brief ? "/$%.*f" : " of about $%.*f", cents, v->expected_usd);
    if (v->failed)
        gc_buf_printf(out, ", %zu failed", v->failed);
    if (v->left_s >= 0) {
        gc_buf_puts(out, ", ");
        put_seconds(out, v->left_s);
        gc_buf_puts(out, " left");
    }
}

void gc_view_counts(const gc_view *v, gc_buf *out)
{
    put_counts(v, false, out);
}

static void put_bar(gc_buf *out, const gc_view *v, size_t cells)
{
    size_t done = v->done < v->files ? v->done : v->files;
    size_t filled = v->files ? done * cells / v->files : 0;
    gc_buf_putc(out, '[');
    for (size_t i = 0; i < cells; i++)
        gc_buf_putc(out, i < filled ? '=' : i == filled ? '>' : ' ');
    gc_buf_puts(out, "] ");
}

static void put_cut(gc_buf *out, const gc_buf *line, size_t width)
{
    gc_buf_append(out, line->ptr, gc_text_within(line->ptr, line->len, width));
}

static char spinner(unsigned frame)
{
    return "|/-\\"[frame % 4];
}

static void draw_phase(const gc_view *v, size_t width, unsigned frame, gc_buf *out)
{
    gc_buf line, counts;
    gc_buf_init(&line, LINE_LIMIT);
    gc_buf_init(&counts, LINE_LIMIT);
    gc_buf_printf(&line, "%s%s ", v->phase, v->simulated ? " (simulated model)" : "");
    put_counts(v, false, &counts);
    if (line.len + counts.len + strlen("[] ") + MIN_CELLS > width) {
        gc_buf_reset(&counts);
        put_counts(v, true, &counts);
    }
    size_t used = line.len + counts.len + strlen("[] ");
    size_t cells = used < width ? width - used : 0;
    if (!v->done && !v->calls_running)
        gc_buf_printf(&line, "%c ", spinner(frame));
    else if (cells >= MIN_CELLS)
        put_bar(&line, v, cells < BAR_CELLS ? cells : BAR_CELLS);
    gc_buf_append(&line, counts.ptr, counts.len);
    put_cut(out, &line, width);
    gc_buf_release(&counts);
    gc_buf_release(&line);
}

/* The figures stand to the right of the path, which gives way: its end says most. */
static void draw_call(const gc_view_call *c, size_t width, unsigned frame, gc_buf *out)
{
    gc_buf line, figures;
    gc_buf_init(&line, LINE_LIMIT);
    gc_buf_init(&figures, LINE_LIMIT);
    if (c->files > 1)
        gc_buf_printf(&figures, " (+%zu)", c->files - 1);
    gc_buf_puts(&figures, "  ");
    put_seconds(&figures, (double)c->elapsed_ms / 1000);
    if (c->streaming && c->elapsed_ms > 0)
        gc_buf_printf(&figures, ", %" PRId64 " tokens, %.0f/s", c->tokens,
                      (double)c->tokens * 1000 / (double)c->elapsed_ms);
    else
        gc_buf_puts(&figures, ", waiting for the first word");
    size_t room = width > figures.len + 4 ? width - figures.len - 4 : 0;
    size_t len = strlen(c->path), from = 0;
    while (gc_text_columns(c->path + from, len - from) > room)
        gc_utf8_next(c->path, len, &from);
    gc_buf_printf(&line, "  %c %s", spinner(frame), c->path + from);
    gc_buf_append(&line, figures.ptr, figures.len);
    put_cut(out, &line, width);
    gc_buf_release(&figures);
    gc_buf_release(&line);
}

void gc_view_draw(const gc_view *v, size_t width, size_t height, unsigned frame,
                  gc_buf *out)
{
    size_t rows = height > 1 ? height - 1 : 0, shown = v->call_count;
    draw_phase(v, width, frame, out);
    bool all = v->calls_running <= rows && v->calls_running <= shown;
    if (!all && shown + 1 > rows)
        shown = rows ? rows - 1 : 0;
    for (size_t i = 0; i < shown; i++) {
        gc_buf_putc(out, '\n');
        draw_call(&v->calls[i], width, frame + (unsigned)i, out);
    }
    if (all || !rows || v->calls_running <= shown)
        return;
    gc_buf line;
    gc_buf_init(&line, LINE_LIMIT);
    gc_buf_printf(&line, "    and %zu more calls", v->calls_running - shown);
    gc_buf_putc(out, '\n');
    put_cut(out, &line, width);
    gc_buf_release(&line);
}
