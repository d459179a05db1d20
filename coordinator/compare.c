/* compare-metrics: two metrics files side by side. */
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/fs.h"
#include "coordinator/report.h"

#define METRICS_LIMIT ((size_t)512 << 20)

typedef struct compared {
    double tokens, cost, seconds, hit_rate, calls, files, output;
} compared;

static double number(const json_t *root, const char *group, const char *key)
{
    return json_number_value(json_object_get(json_object_get(root, group), key));
}

static gc_exit load(const char *path, json_t **out)
{
    json_error_t error;
    gc_errinfo info = { 0 };
    gc_buf text;
    gc_buf_init(&text, METRICS_LIMIT);
    if (gc_read_file(path, &text, &info)) {
        fprintf(stderr, "error: %s; name a file that --metrics wrote\n", info.text);
        gc_buf_release(&text);
        return GC_EXIT_GENERAL;
    }
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);
    gc_buf_release(&text);
    if (!root) {
        fprintf(stderr, "error: %s:%d:%d: %s; name a file that --metrics wrote\n", path,
                error.line < 1 ? 1 : error.line, error.column < 1 ? 1 : error.column,
                error.text);
        return GC_EXIT_GENERAL;
    }
    if (!json_is_object(json_object_get(root, "tokens")) ||
        !json_is_object(json_object_get(root, "cost"))) {
        fprintf(stderr, "error: %s:1:1: no metrics file; name one that --metrics wrote\n",
                path);
        json_decref(root);
        return GC_EXIT_GENERAL;
    }
    *out = root;
    return GC_EXIT_OK;
}

static compared read_figures(const json_t *root)
{
    return (compared){ .tokens = number(root, "tokens", "processed"),
                       .cost = number(root, "cost", "usd"),
                       .seconds = number(root, "performance", "duration_s"),
                       .hit_rate = number(root, "caching", "hit_rate_pct"),
                       .calls = number(root, "batching", "llm_calls"),
                       .files = number(root, "batching", "total_files"),
                       .output = number(root, "tokens", "output") };
}

/* How much less B is than A, in percent. */
static double less(double a, double b)
{
    return a > 0 ? 100 * (a - b) / a : 0;
}

static void print_row(FILE *out, const char *name, double a, double b, int digits)
{
    fprintf(out, "%-22s %16.*f %16.*f ", name, digits, a, digits, b);
    if (a > 0)
        fprintf(out, "%+9.1f%%\n", 0.0 - less(a, b));
    else
        fprintf(out, "%10s\n", b > 0 ? "new" : "+0.0%"); /* no percentage of nothing */
}

/* The four lines of the guide. docs/metrics.md says what their marks mean. */
#define LINES 4
typedef struct verdict {
    const char *name, *key;
    double percent; /* whole, as it is shown and judged */
    bool better;
} verdict;

static verdict gain(const char *name, const char *key, double percent)
{
    double shown = round(percent) + 0.0; /* no -0 */
    return (verdict){ name, key, shown, shown > 0 };
}

/* The rate is a level, no difference: it must be there and not have fallen. */
static verdict hits(const compared *a, const compared *b)
{
    verdict v = gain("Cache hit rate", "cache_hit_rate", b->hit_rate);
    v.better = v.better && v.percent >= round(a->hit_rate);
    return v;
}

static void judge(const compared *a, const compared *b, verdict out[LINES])
{
    out[0] = gain("Token reduction", "token_reduction", less(a->tokens, b->tokens));
    out[1] = gain("Cost reduction", "cost_reduction", less(a->cost, b->cost));
    out[2] = gain("Speed improvement", "speed_improvement", less(a->seconds, b->seconds));
    out[3] = hits(a, b);
}

static void print_text(const compared *a, const compared *b, FILE *out)
{
    fprintf(out, "%-22s %16s %16s %10s\n", "", "A", "B", "change");
    print_row(out, "processed tokens", a->tokens, b->tokens, 0);
    print_row(out, "output tokens", a->output, b->output, 0);
    print_row(out, "LLM calls", a->calls, b->calls, 0);
    print_row(out, "cost (USD)", a->cost, b->cost, 4);
    print_row(out, "duration (s)", a->seconds, b->seconds, 1);
    print_row(out, "cache hit rate (%)", a->hit_rate, b->hit_rate, 1);
    fputc('\n', out);
    verdict lines[LINES];
    judge(a, b, lines);
    for (size_t i = 0; i < LINES; i++)
        fprintf(out, "%s %s: %.0f%%\n", lines[i].better ? "\u2713" : "\u2717",
                lines[i].name, lines[i].percent);
}

static void print_json(const compared *a, const compared *b, FILE *out)
{
    json_t *root = json_pack(
        "{s:i, s:f, s:f, s:f, s:f, s:f}", "schema", 1, "token_reduction_pct",
        less(a->tokens, b->tokens), "cost_reduction_pct", less(a->cost, b->cost),
        "speed_improvement_pct", less(a->seconds, b->seconds), "cache_hit_rate_pct",
        b->hit_rate, "call_reduction_pct", less(a->calls, b->calls));
    verdict lines[LINES];
    json_t *better = json_object();
    judge(a, b, lines);
    for (size_t i = 0; i < LINES; i++)
        json_object_set_new(better, lines[i].key, json_boolean(lines[i].better));
    json_object_set_new(root, "better", better);
    json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    fputc('\n', out);
    json_decref(root);
}

gc_exit gc_compare_metrics(const char *path_a, const char *path_b, bool json, FILE *out)
{
    json_t *a = NULL, *b = NULL;
    gc_exit code = load(path_a, &a);
    if (code == GC_EXIT_OK)
        code = load(path_b, &b);
    if (code == GC_EXIT_OK) {
        compared x = read_figures(a), y = read_figures(b);
        if (json)
            print_json(&x, &y, out);
        else
            print_text(&x, &y, out);
    }
    json_decref(a);
    json_decref(b);
    return code;
}
