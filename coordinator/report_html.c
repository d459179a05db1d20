#include "coordinator/report_html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "coordinator/report.h"

/* What is drawn one by one; the rest is summed up. */
#define MAX_BARS 2000
#define MAX_LANES 96
#define MAX_FILES 300
#define MAX_NOTES 100
#define MAX_NAME 200 /* bytes of a text from outside */
#define POINTS 120   /* of a curve */

/* Sizes of the drawings, in units of their view box. */
#define WIDTH 1000
#define LANE 14
#define CURVE 160

static const char style[] =
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}"
    "table{border-collapse:collapse}td,th{padding:.15rem .8rem;text-align:right;"
    "border-bottom:1px solid #8884}td:first-child,th:first-child{text-align:left;"
    "overflow-wrap:anywhere}"
    ".cards{display:flex;flex-wrap:wrap;gap:1rem 2.5rem}.cards h2{margin-top:.5rem}"
    ".stamp{display:inline-block;border:2px solid #c60;color:#c60;padding:.1rem .6rem;"
    "font-weight:bold}svg{width:100%;height:auto;background:#8881}"
    ".ok{fill:#2a7de1}.bad{fill:#d33}.input{fill:#e07b00}.write{fill:#b04fc4}"
    ".read{fill:#2e9e5b}.output{fill:#2a7de1}.line{fill:none;stroke:#2e9e5b;stroke-width:2}"
    "text{font-size:11px;fill:currentColor}";

/* Appends `text` as text of a page, cut at MAX_NAME bytes. Markup, and control characters
 * that have no place in a page, cannot come through. */
static void put_text(gc_buf *out, const char *text)
{
    size_t i = 0;
    for (; text[i] && i < MAX_NAME; i++) {
        switch (text[i]) {
        case '&': gc_buf_puts(out, "&amp;"); break;
        case '<': gc_buf_puts(out, "&lt;"); break;
        case '>': gc_buf_puts(out, "&gt;"); break;
        case '"': gc_buf_puts(out, "&quot;"); break;
        case '\'': gc_buf_puts(out, "&#39;"); break;
        default: gc_buf_putc(out, (unsigned char)text[i] < ' ' ? ' ' : text[i]);
        }
    }
    while (((unsigned char)text[i] & 0xC0) == 0x80) /* a character is not cut in two */
        gc_buf_putc(out, text[i++]);
    if (text[i])
        gc_buf_puts(out, "…");
}

/* ---- summary ---- */

static void put_head(const gc_stats *s, gc_buf *out)
{
    gc_buf_puts(out,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                "'none'; style-src 'unsafe-inline'\">\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    put_text(out, s->spec ? s->spec : "");
    gc_buf_printf(out, "</title>\n<style>%s</style></head>\n<body>\n<h1>", style);
    gc_buf_puts(out, "Performance Optimization Report: ");
    put_text(out, s->spec ? s->spec : "");
    gc_buf_puts(out, "</h1>\n");
    if (s->simulated)
        gc_buf_puts(out,
                    "<p class=\"stamp\">simulated model: no real tokens, nothing was "
                    "paid</p>\n");
    gc_buf_puts(out, "<p>Job ");
    put_text(out, s->job && *s->job ? s->job : "none");
    gc_buf_puts(out, ", model ");
    put_text(out, s->model ? s->model->id : "none");
    gc_buf_printf(
        out,
        ", optimization %s. Files: %zu planned, %zu done (%zu made, %zu reused, "
        "%zu unchanged), %zu failed, %zu removed. Cost: $%.6f",
        s->optimization ? "on" : "off", s->file_count, s->done, s->made, s->reused,
        s->kept, s->failed, s->removed, s->cost_usd);
    if (s->unconfirmed_usd > 0)
        gc_buf_printf(out, ", and at most $%.6f for calls that broke off",
                      s->unconfirmed_usd);
    if (s->wasted_usd > 0)
        gc_buf_printf(out, "; $%.6f of it bought nothing", s->wasted_usd);
    gc_buf_puts(out, ".</p>\n");
}

static void open_card(gc_buf *out, const char *heading)
{
    gc_buf_printf(out, "<div><h2>%s</h2><table>\n", heading);
}

static void close_card(gc_buf *out)
{
    gc_buf_puts(out, "</table></div>\n");
}

static void row_count(gc_buf *out, const char *name, int64_t value)
{
    gc_buf_printf(out, "<tr><td>%s</td><td>%" PRId64 "</td></tr>\n", name, value);
}

static void row_real(gc_buf *out, const char *name, const char *before, double value,
                     const char *after)
{
    gc_buf_printf(out, "<tr><td>%s</td><td>%s%.*f%s</td></tr>\n", name, before,
                  *before == '$' ? 4 : 1, value, after);
}

static void put_savings(const gc_stats *s, const gc_figures *f, gc_buf *out)
{
    open_card(out, "Token Efficiency");
    row_count(out, f->estimated ? "Baseline (estimated)" : "Baseline",
              f->baseline_processed);
    row_count(out, "Optimized", f->processed);
    row_real(out, "Reduction", "",
             gc_reduction((double)f->baseline_processed, (double)f->processed), "%");
    close_card(out);
    open_card(out, "Caching");
    row_real(out, "Hit Rate", "", f->hit_rate, "%");
    row_count(out, "Tokens Cached", s->usage.cache_read);
    row_real(out, "Cost Savings", "$", f->savings, "");
    close_card(out);
    open_card(out, "Batching");
    row_count(out, "Total Files", (int64_t)s->file_count);
    row_count(out, "Batched", (int64_t)f->batched);
    row_count(out, "LLM Calls", s->llm_calls);
    row_count(out, f->estimated ? "Baseline Calls (estimated)" : "Baseline Calls",
              f->baseline_calls);
    row_real(out, "API Call Reduction", "",
             gc_reduction((double)f->baseline_calls, (double)s->llm_calls), "%");
    close_card(out);
}

static void put_summary(const gc_stats *s, const gc_figures *f, gc_buf *out)
{
    gc_buf_puts(out, "<div class=\"cards\">\n");
    put_savings(s, f, out);
    open_card(out, "Templates");
    row_count(out, "Template-Generated", (int64_t)s->template_files);
    row_count(out, "LLM-Generated", (int64_t)s->llm_files);
    row_real(out, "Template Usage", "",
             gc_percent((double)s->template_files, (double)s->file_count), "%");
    close_card(out);
    open_card(out, "Performance");
    row_real(out, f->estimated ? "Baseline Duration (estimated)" : "Baseline Duration",
             "", f->baseline_s, " s");
    row_real(out, "Optimized Duration", "", f->duration, " s");
    row_real(out, "Speed Improvement", "", gc_reduction(f->baseline_s, f->duration), "%");
    row_real(out, "In Calls", "", s->llm_busy_s, " s");
    row_real(out, "Critical Path", "", s->critical_path_s, " s");
    row_real(out, "Lower Bound", "", s->lower_bound_s, " s");
    row_real(out, "From First to Last Call", "", f->makespan, " s");
    row_count(out, "Slots", (int64_t)s->slots);
    row_count(out, "Most Calls at Once", (int64_t)s->peak_in_flight);
    close_card(out);
    gc_buf_puts(out, "</div>\n");
}

/* ---- tokens by kind ---- */

typedef struct kind {
    const char *name, *class;
    int64_t tokens;
} kind;

static void put_tokens(const gc_stats *s, const gc_figures *f, gc_buf *out)
{
    const kind kinds[] = { { "Input at full price", "input", s->usage.input },
                           { "Cache write", "write", f->cache_write },
                           { "Cache read", "read", s->usage.cache_read },
                           { "Output", "output", s->usage.output } };
    double total = (double)(f->prompt + s->usage.output), x = 0;
    gc_buf_printf(
        out, "<h2>Tokens by Kind</h2>\n<svg viewBox=\"0 0 %d 24\" role=\"img\">", WIDTH);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        double width = total > 0 ? (double)kinds[i].tokens / total * WIDTH : 0;
        gc_buf_printf(
            out,
            "<rect class=\"%s\" x=\"%.2f\" y=\"0\" width=\"%.2f\" height=\"24\">"
            "<title>%s: %" PRId64 "</title></rect>",
            kinds[i].class, x, width, kinds[i].name, kinds[i].tokens);
        x += width;
    }
    gc_buf_puts(out, "</svg>\n<table>\n");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        gc_buf_printf(out,
                      "<tr><td><svg viewBox=\"0 0 9 9\" style=\"width:.7em\"><rect "
                      "class=\"%s\" width=\"9\" height=\"9\"/></svg> %s</td><td>%" PRId64
                      "</td><td>%.1f%%</td></tr>\n",
                      kinds[i].class, kinds[i].name, kinds[i].tokens,
                      gc_percent((double)kinds[i].tokens, total));
    gc_buf_puts(out, "</table>\n");
}

/* ---- timeline ---- */

static int by_worker_and_start(const void *a, const void *b)
{
    const gc_call_stat *x = *(const gc_call_stat *const *)a;
    const gc_call_stat *y = *(const gc_call_stat *const *)b;
    int order = strcmp(x->worker, y->worker);
    if (order)
        return order;
    if (x->start_s != y->start_s)
        return x->start_s < y->start_s ? -1 : 1;
    return strcmp(x->task, y->task);
}

typedef struct lane {
    const char *worker;
    double busy_until;
} lane;

/* The first lane of the call's worker that is free; MAX_LANES if there is no room. */
static size_t choose_lane(lane *lanes, size_t *count, const gc_call_stat *call)
{
    size_t i = 0;
    while (i < *count && (strcmp(lanes[i].worker, call->worker) != 0 ||
                          lanes[i].busy_until > call->start_s))
        i++;
    if (i == *count && *count < MAX_LANES)
        lanes[(*count)++].worker = call->worker;
    if (i < *count)
        lanes[i].busy_until = call->start_s + call->seconds;
    return i;
}

static void put_bar(const gc_call_stat *c, size_t row, double scale, gc_buf *out)
{
    double width = c->seconds * scale;
    gc_buf_printf(out,
                  "<rect class=\"%s\" x=\"%.2f\" y=\"%zu\" width=\"%.2f\" height=\"%d\">"
                  "<title>",
                  c->failed ? "bad" : "ok", c->start_s * scale, row * LANE + 2,
                  width < 1 ? 1 : width, LANE - 4);
    put_text(out, c->task);
    gc_buf_puts(out, " on ");
    put_text(out, c->worker);
    gc_buf_printf(out,
                  ": %zu files, %.2f s, %" PRId64 " input, %" PRId64 " written, %" PRId64
                  " read, %" PRId64 " output, $%.6f</title></rect>\n",
                  c->files, c->seconds, c->usage.input,
                  c->usage.cache_write_5m + c->usage.cache_write_1h, c->usage.cache_read,
                  c->usage.output, c->cost_usd);
}

static void put_lanes(const gc_stats *s, double scale, gc_buf *out)
{
    const gc_call_stat **calls = gc_xcalloc(s->call_count, sizeof *calls);
    size_t *rows = gc_xcalloc(s->call_count, sizeof *rows), count = 0, hidden = 0;
    lane lanes[MAX_LANES] = { { 0 } };
    for (size_t i = 0; i < s->call_count; i++)
        calls[i] = &s->calls[i];
    qsort(calls, s->call_count, sizeof *calls, by_worker_and_start);
    for (size_t i = 0; i < s->call_count; i++)
        rows[i] = choose_lane(lanes, &count, calls[i]);
    gc_buf_printf(out, "<svg viewBox=\"0 0 %d %zu\" role=\"img\">\n", WIDTH,
                  count * LANE);
    for (size_t i = 0; i < s->call_count; i++) {
        if (rows[i] < count)
            put_bar(calls[i], rows[i], scale, out);
        else
            hidden++;
    }
    gc_buf_puts(out, "</svg>\n<p>");
    for (size_t i = 0; i < count; i++) {
        if (i && strcmp(lanes[i].worker, lanes[i - 1].worker) == 0)
            continue;
        gc_buf_printf(out, "%srow %zu on: ", i ? "; " : "", i + 1);
        put_text(out, lanes[i].worker);
    }
    if (hidden)
        gc_buf_printf(out, ". %zu calls of further rows are not drawn", hidden);
    gc_buf_puts(out, "</p>\n");
    free(rows);
    free(calls);
}

/* How many calls ran in each part of the time. */
static void put_density(const gc_stats *s, double scale, gc_buf *out)
{
    size_t running[POINTS] = { 0 }, most = 1;
    double step = (double)WIDTH / POINTS;
    for (size_t i = 0; i < s->call_count; i++) {
        const gc_call_stat *c = &s->calls[i];
        size_t from = (size_t)(c->start_s * scale / step);
        size_t to = (size_t)((c->start_s + c->seconds) * scale / step);
        for (size_t k = from; k <= to && k < POINTS; k++)
            running[k]++;
    }
    for (size_t k = 0; k < POINTS; k++)
        most = running[k] > most ? running[k] : most;
    gc_buf_printf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\">\n", WIDTH, CURVE);
    for (size_t k = 0; k < POINTS; k++) {
        double height = (double)running[k] / (double)most * CURVE;
        gc_buf_printf(out,
                      "<rect class=\"ok\" x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
                      "height=\"%.2f\"><title>%zu calls</title></rect>\n",
                      (double)k * step, CURVE - height, step, height, running[k]);
    }
    gc_buf_printf(out,
                  "</svg>\n<p>%zu calls, more than are drawn one by one: how many ran in "
                  "each part of the time.</p>\n",
                  s->call_count);
}

static void put_timeline(const gc_stats *s, const gc_figures *f, gc_buf *out)
{
    double end = f->duration;
    for (size_t i = 0; i < s->call_count; i++)
        if (s->calls[i].start_s + s->calls[i].seconds > end)
            end = s->calls[i].start_s + s->calls[i].seconds;
    double scale = end > 0 ? WIDTH / end : 0;
    gc_buf_printf(out,
                  "<h2>Timeline of Calls</h2>\n<p>0 to %.1f s; a bar is the work for "
                  "one task, red if it stored nothing.</p>\n",
                  end);
    if (!s->call_count)
        gc_buf_puts(out, "<p>No call was made.</p>\n");
    else if (s->call_count > MAX_BARS)
        put_density(s, scale, out);
    else
        put_lanes(s, scale, out);
}

/* ---- hit rate over time ---- */

static void put_hit_rate(const gc_stats *s, gc_buf *out)
{
    gc_usage sum = { 0 };
    size_t every = s->call_count / POINTS + 1;
    bool begun = false;
    gc_buf_puts(out, "<h2>Cache Hit Rate over Time</h2>\n<p>Of all prompt tokens so far, "
                     "by calls in the order in which they ended; 0 to 100%.</p>\n");
    gc_buf_printf(out,
                  "<svg viewBox=\"0 0 %d %d\" role=\"img\"><polyline class=\"line\" "
                  "points=\"",
                  WIDTH, CURVE);
    for (size_t i = 0; i < s->call_count; i++) {
        gc_usage_add(&sum, &s->calls[i].usage);
        if ((i + 1) % every && i + 1 != s->call_count)
            continue;
        double rate = gc_percent((double)sum.cache_read, (double)gc_usage_prompt(&sum));
        double y = CURVE - rate / 100 * CURVE;
        if (!begun) /* one point alone draws nothing */
            gc_buf_printf(out, "0.00,%.2f ", y);
        begun = true;
        gc_buf_printf(out, "%.2f,%.2f ", (double)(i + 1) / (double)s->call_count * WIDTH,
                      y);
    }
    gc_buf_puts(out, "\"/></svg>\n");
}

/* ---- cost by file ---- */

static int by_cost_and_path(const void *a, const void *b)
{
    const gc_file_stat *x = *(const gc_file_stat *const *)a;
    const gc_file_stat *y = *(const gc_file_stat *const *)b;
    if (x->cost_usd != y->cost_usd)
        return x->cost_usd > y->cost_usd ? -1 : 1;
    return strcmp(x->path, y->path);
}

static void put_file(const gc_file_stat *f, gc_buf *out)
{
    gc_buf_puts(out, "<tr><td>");
    put_text(out, f->path);
    gc_buf_printf(out,
                  "</td><td>%s</td><td>%" PRId64 "</td><td>%" PRId64 "</td><td>%" PRId64
                  "</td><td>%" PRId64 "</td><td>%" PRId64
                  "</td><td>%.2f</td><td>$%.6f</td></tr>\n",
                  *f->how ? f->how : "missing", f->attempts, f->usage.input,
                  f->usage.cache_write_5m + f->usage.cache_write_1h, f->usage.cache_read,
                  f->usage.output, f->seconds, f->cost_usd);
}

static void put_files(const gc_stats *s, gc_buf *out)
{
    size_t count = s->files ? s->file_count : 0; /* a null run does not list them */
    const gc_file_stat **files = gc_xcalloc(count, sizeof *files);
    for (size_t i = 0; i < count; i++)
        files[i] = &s->files[i];
    qsort(files, count, sizeof *files, by_cost_and_path);
    gc_buf_puts(out,
                "<h2>Cost by File</h2>\n<table>\n<tr><th>File</th><th>How</th>"
                "<th>Attempts</th><th>Input</th><th>Cache write</th><th>Cache read</th>"
                "<th>Output</th><th>Seconds</th><th>Cost</th></tr>\n");
    gc_file_stat rest = { .path = "all further files", .how = "various" };
    for (size_t i = 0; i < count; i++) {
        if (i < MAX_FILES) {
            put_file(files[i], out);
            continue;
        }
        gc_usage_add(&rest.usage, &files[i]->usage);
        rest.attempts += files[i]->attempts;
        rest.seconds += files[i]->seconds;
        rest.cost_usd += files[i]->cost_usd;
    }
    if (count > MAX_FILES)
        put_file(&rest, out);
    gc_buf_puts(out, "</table>\n");
    if (count > MAX_FILES)
        gc_buf_printf(out,
                      "<p>The %d dearest of %zu files are listed; --metrics has all "
                      "of them.</p>\n",
                      MAX_FILES, count);
    free(files);
}

static void put_notes(const gc_stats *s, gc_buf *out)
{
    if (!s->notes.count)
        return;
    gc_buf_puts(out, "<h2>Notes</h2>\n<ul>\n");
    for (size_t i = 0; i < s->notes.count && i < MAX_NOTES; i++) {
        gc_buf_puts(out, "<li>");
        put_text(out, s->notes.items[i]);
        gc_buf_puts(out, "</li>\n");
    }
    if (s->notes.count > MAX_NOTES)
        gc_buf_printf(out, "<li>and %zu more</li>\n", s->notes.count - MAX_NOTES);
    gc_buf_puts(out, "</ul>\n");
}

void gc_report_html(const gc_stats *stats, gc_buf *out)
{
    gc_figures f = gc_report_figures(stats);
    put_head(stats, out);
    put_summary(stats, &f, out);
    put_tokens(stats, &f, out);
    put_timeline(stats, &f, out);
    put_hit_rate(stats, out);
    put_files(stats, out);
    put_notes(stats, out);
    gc_buf_puts(out, "</body>\n</html>\n");
}
