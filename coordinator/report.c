#include "coordinator/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define TOLD_CHANGES 10
#define METRICS_SCHEMA 1

double gc_percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

double gc_reduction(double before, double now)
{
    return before > 0 ? 100 * (before - now) / before : 0;
}

static double cache_savings(const gc_stats *s)
{
    if (!s->model || !s->model->priced)
        return 0;
    const gc_prices *p = &s->model->prices;
    double read = (double)s->usage.cache_read * (p->input - p->cache_read);
    double write = (double)s->usage.cache_write_5m * (p->cache_write_5m - p->input) +
                   (double)s->usage.cache_write_1h * (p->cache_write_1h - p->input);
    return (read - write) / 1e6;
}

gc_figures gc_report_figures(const gc_stats *s)
{
    gc_figures f = { 0 };
    int64_t end = s->ended_ms ? s->ended_ms : gc_clock_ms();
    f.cache_write = s->usage.cache_write_5m + s->usage.cache_write_1h;
    f.prompt = gc_usage_prompt(&s->usage);
    f.processed = s->usage.input + f.cache_write + s->usage.output;
    f.hit_rate = gc_percent((double)s->usage.cache_read, (double)f.prompt);
    f.savings = cache_savings(s);
    f.duration = (double)(end - s->started_ms) / 1000;
    f.makespan = s->work_ms ? (double)(end - s->work_ms) / 1000 : 0;
    f.bound_ratio = s->lower_bound_s > 0 ? f.makespan / s->lower_bound_s : 0;
    for (size_t i = 0; s->files && i < s->file_count; i++)
        f.batched += s->files[i].batched;
    f.estimated = s->optimization;
    f.baseline_processed = f.estimated ? s->baseline_processed : f.processed;
    f.baseline_calls = f.estimated ? s->baseline_calls : s->llm_calls;
    f.baseline_usd = f.estimated ? s->baseline_usd : s->cost_usd;
    f.baseline_s = f.estimated ? s->baseline_s : f.duration;
    return f;
}

/* ---- text ---- */

static void print_head(const gc_stats *s, FILE *out)
{
    fprintf(out,
            "\nPerformance Optimization Report\n================================\n\n");
    if (s->job)
        fprintf(out, "Job: %s\n", s->job);
    fprintf(out, "Model: %s%s\n", s->model ? s->model->id : "none",
            s->simulated ? " (simulated model: no real tokens, nothing was paid)" : "");
    fprintf(
        out,
        "Files: %zu planned, %zu done (%zu made, %zu reused, %zu unchanged), %zu failed, "
        "%zu removed\n",
        s->file_count, s->done, s->made, s->reused, s->kept, s->failed, s->removed);
    fprintf(out, "Cost: $%.4f%s", s->cost_usd, s->simulated ? " (simulated)" : "");
    if (s->unconfirmed_usd > 0)
        fprintf(out, ", and at most $%.4f for calls that broke off", s->unconfirmed_usd);
    if (s->wasted_usd > 0)
        fprintf(out, "; $%.4f of it bought nothing", s->wasted_usd);
    if (s->max_cost_usd > 0)
        fprintf(out, ", cap $%.2f", s->max_cost_usd);
    fputc('\n', out);
    if (s->missing_usd > 0)
        fprintf(out, "Missing files: about $%.4f more (estimated)\n", s->missing_usd);
    if (s->uncached_calls > 0)
        fprintf(out, "Warning: in %" PRId64 " calls the marked prefix was not cached\n",
                s->uncached_calls);
}

static void print_tokens(const gc_stats *s, const gc_figures *f, FILE *out)
{
    const char *named = f->estimated ? " (estimated)" : "";
    fprintf(out, "\nToken Efficiency:\n  Baseline: %" PRId64 " tokens%s\n",
            f->baseline_processed, named);
    fprintf(out, "  Optimized: %" PRId64 " tokens\n  Reduction: %.1f%%\n", f->processed,
            gc_reduction((double)f->baseline_processed, (double)f->processed));
    fprintf(out,
            "  Input %" PRId64 ", cache write %" PRId64 ", cache read %" PRId64
            ", output %" PRId64 "\n",
            s->usage.input, f->cache_write, s->usage.cache_read, s->usage.output);
    fprintf(out,
            "\nCaching:\n  Hit Rate: %.1f%%\n  Tokens Cached: %" PRId64
            "\n  Cost Savings: $%.4f\n",
            f->hit_rate, s->usage.cache_read, f->savings);
    fprintf(out,
            "\nBatching:\n  Total Files: %zu\n  Batched: %zu\n  LLM Calls: %" PRId64
            " (baseline %" PRId64 "%s)\n  API Call Reduction: %.1f%%\n",
            s->file_count, f->batched, s->llm_calls, f->baseline_calls, named,
            gc_reduction((double)f->baseline_calls, (double)s->llm_calls));
}

static void print_rest(const gc_stats *s, const gc_figures *f, FILE *out)
{
    const char *named = f->estimated ? " (estimated)" : "";
    fprintf(out,
            "\nTemplates:\n  Template-Generated: %zu\n  LLM-Generated: %zu\n"
            "  Template Usage: %.1f%%\n",
            s->template_files, s->llm_files,
            gc_percent((double)s->template_files, (double)s->file_count));
    fprintf(out,
            "\nPerformance:\n  Baseline Duration: %.1fs%s\n  Optimized Duration: %.1fs\n"
            "  Speed Improvement: %.1f%%\n",
            f->baseline_s, named, f->duration, gc_reduction(f->baseline_s, f->duration));
    fprintf(out, "  In calls: %.1fs, at most %zu at once\n", s->llm_busy_s,
            s->peak_in_flight);
    if (s->llm_calls > 0)
        fprintf(out, "  Lower bound: %.1fs, makespan %.1fs, ratio %.2f (%zu slots)\n",
                s->lower_bound_s, f->makespan, f->bound_ratio, s->slots);
    for (size_t i = 0; i < s->notes.count; i++)
        fprintf(out, "%sNote: %s\n", i ? "" : "\n", s->notes.items[i]);
}

static void print_changes(const gc_strv *changes, FILE *out)
{
    size_t told = changes->count < TOLD_CHANGES ? changes->count : TOLD_CHANGES;
    if (told)
        fprintf(out, "\nChanged since the last run:\n");
    for (size_t i = 0; i < told; i++)
        fprintf(out, "  %s\n", changes->items[i]);
    if (changes->count > told)
        fprintf(out, "  and %zu more\n", changes->count - told);
}

void gc_report_print(const gc_stats *stats, FILE *out)
{
    gc_figures f = gc_report_figures(stats);
    print_head(stats, out);
    print_tokens(stats, &f, out);
    print_rest(stats, &f, out);
    print_changes(&stats->changes, out);
}

/* ---- JSON ---- */

static json_t *list_json(const gc_strv *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

static json_t *file_json(const gc_file_stat *f)
{
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:s, s:s*}", "path", f->path,
        "how", *f->how ? f->how : "missing", "task", f->task ? f->task : "", "attempt",
        (json_int_t)f->attempts, "input", (json_int_t)f->usage.input, "cache_write",
        (json_int_t)f->usage.cache_write_5m + (json_int_t)f->usage.cache_write_1h,
        "cache_read", (json_int_t)f->usage.cache_read, "output",
        (json_int_t)f->usage.output, "cost_usd", f->cost_usd, "seconds", f->seconds,
        "sha256", f->sha256, "reason", f->reason);
}

static json_t *call_json(const gc_call_stat *c)
{
    return json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:I, s:f, s:b}", "task",
                     c->task, "worker", c->worker, "files", (json_int_t)c->files,
                     "start_s", c->start_s, "seconds", c->seconds, "wait_s", c->wait_s,
                     "expected_s", c->expected_s, "calls", (json_int_t)c->calls,
                     "cost_usd", c->cost_usd, "failed", (int)c->failed);
}

static json_t *tokens_json(const gc_stats *s, const gc_figures *f)
{
    const gc_usage *lost = &s->unconfirmed;
    json_t *unconfirmed = json_pack(
        "{s:I, s:I, s:I, s:I}", "input", (json_int_t)lost->input, "cache_write",
        (json_int_t)lost->cache_write_5m + (json_int_t)lost->cache_write_1h, "cache_read",
        (json_int_t)lost->cache_read, "output", (json_int_t)lost->output);
    return json_pack(
        "{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "unconfirmed", unconfirmed, "input",
        (json_int_t)s->usage.input, "cache_write", (json_int_t)f->cache_write,
        "cache_read", (json_int_t)s->usage.cache_read, "output",
        (json_int_t)s->usage.output, "processed", (json_int_t)f->processed,
        "baseline_processed", (json_int_t)f->baseline_processed, "reduction_pct",
        gc_reduction((double)f->baseline_processed, (double)f->processed));
}

static json_t *performance_json(const gc_stats *s, const gc_figures *f)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I}", "duration_s",
                     f->duration, "baseline_duration_s", f->baseline_s, "improvement_pct",
                     gc_reduction(f->baseline_s, f->duration), "llm_busy_s",
                     s->llm_busy_s, "critical_path_s", s->critical_path_s,
                     "lower_bound_s", s->lower_bound_s, "makespan_s", f->makespan,
                     "bound_ratio", f->bound_ratio, "slots", (json_int_t)s->slots,
                     "peak_in_flight", (json_int_t)s->peak_in_flight);
}

static void set(json_t *root, const char *key, json_t *value)
{
    json_object_set_new(root, key, value);
}

static json_t *metrics_json(const gc_stats *s)
{
    gc_figures f = gc_report_figures(s);
    json_t *root = json_object(), *files = json_array(), *calls = json_array();
    for (size_t i = 0; i < s->file_count; i++)
        json_array_append_new(files, file_json(&s->files[i]));
    for (size_t i = 0; i < s->call_count; i++)
        json_array_append_new(calls, call_json(&s->calls[i]));
    set(root, "schema", json_integer(METRICS_SCHEMA));
    set(root, "job", json_string(s->job ? s->job : ""));
    set(root, "spec", json_string(s->spec));
    set(root, "provider", json_string(s->provider));
    set(root, "model", json_string(s->model ? s->model->id : ""));
    set(root, "simulated", json_boolean(s->simulated));
    set(root, "optimization", json_boolean(s->optimization));
    set(root, "baseline_estimated", json_boolean(f.estimated));
    set(root, "tokens", tokens_json(s, &f));
    set(root, "caching",
        json_pack("{s:f, s:I, s:f, s:I}", "hit_rate_pct", f.hit_rate, "tokens_cached",
                  (json_int_t)s->usage.cache_read, "savings_usd", f.savings,
                  "uncached_calls", (json_int_t)s->uncached_calls));
    set(root, "cost",
        json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "usd", s->cost_usd,
                  "unconfirmed_usd", s->unconfirmed_usd, "wasted_usd", s->wasted_usd,
                  "baseline_usd", f.baseline_usd, "reduction_pct",
                  gc_reduction(f.baseline_usd, s->cost_usd), "estimated_usd",
                  s->expected_usd, "missing_usd", s->missing_usd));
    set(root, "batching",
        json_pack("{s:I, s:I, s:I, s:I, s:f}", "total_files", (json_int_t)s->file_count,
                  "batched_files", (json_int_t)f.batched, "llm_calls",
                  (json_int_t)s->llm_calls, "baseline_llm_calls",
                  (json_int_t)f.baseline_calls, "call_reduction_pct",
                  gc_reduction((double)f.baseline_calls, (double)s->llm_calls)));
    set(root, "templates",
        json_pack("{s:I, s:I, s:f}", "template_files", (json_int_t)s->template_files,
                  "llm_files", (json_int_t)s->llm_files, "ratio_pct",
                  gc_percent((double)s->template_files, (double)s->file_count)));
    set(root, "incremental",
        json_pack("{s:I, s:I, s:I, s:I, s:o}", "regenerated", (json_int_t)s->made,
                  "reused", (json_int_t)s->reused, "kept", (json_int_t)s->kept, "removed",
                  (json_int_t)s->removed, "changes", list_json(&s->changes)));
    set(root, "performance", performance_json(s, &f));
    set(root, "calls", calls);
    set(root, "files", files);
    return root;
}

void gc_metrics_json(const gc_stats *stats, gc_buf *out)
{
    json_t *root = metrics_json(stats);
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    gc_buf_puts(out, text);
    gc_buf_putc(out, '\n');
    free(text);
    json_decref(root);
}
