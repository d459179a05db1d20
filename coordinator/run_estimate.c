/* What the calls that are still to be made will take. */
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/run_private.h"

/* Files that cannot be asked for: those named one by one. */
#define MAX_UNFIT_NAMED 20

/* Of a Go file the part that others see, about: declarations without bodies. */
#define SURFACE_SHARE 0.15

typedef struct estimation {
    gc_estimate sum;
    double *seconds; /* of each file's call, by file */
    size_t unfit;    /* files that cannot be asked for */
} estimation;

/* The first call that is looked at tells whether the provider has the prefix already; the
 * simulated one of a run begins with nothing. */
static void look_for_prefix(gc_run *run, const gc_task *task, gc_estimate *sum)
{
    if (run->store && !run->stats.simulated &&
        gc_store_prefix_is_warm(run->store, task, &sum->warm))
        gc_log_info("prefix.unknown", "model=%s", task->model.id);
}

/* A run says it when it comes to the file, and goes on; who only asks is told at once. */
static void note_unfit(const gc_run *run, size_t file, const char *why, estimation *e)
{
    if (run->options->dry_run && e->unfit++ < MAX_UNFIT_NAMED)
        fprintf(stderr, "warning: %s cannot be asked for: %s\n",
                run->project.plan->files[file].path, why);
}

/* Bytes of the surfaces that will be in the prompt once the files are there that these wait
 * for: what is known of an unwritten file is how long it should be. */
static int64_t surface_to_come(const gc_run *run, const size_t *files, size_t count)
{
    const gc_plan *plan = run->project.plan;
    gc_map *seen = gc_map_new();
    double bytes = 0;
    for (size_t i = 0; i < count; i++) {
        const gc_plan_file *f = &plan->files[files[i]];
        for (size_t e = 0; e < f->edge_count; e++) {
            const gc_plan_file *dep = &plan->files[f->edges[e].file];
            if (f->edges[e].kind != GC_EDGE_REAL || gc_map_has(seen, dep->path) ||
                gc_state_find(gc_output_state(run->output), dep->path))
                continue;
            gc_map_set(seen, dep->path, seen);
            bytes += (double)dep->expected_bytes * SURFACE_SHARE;
        }
    }
    gc_map_destroy(&seen);
    return (int64_t)bytes;
}

static void estimate_group(gc_run *run, const size_t *files, size_t count, void *arg)
{
    estimation *e = arg;
    gc_errinfo info = { 0 };
    gc_task *task = NULL;
    gc_err err = run_compose(run, files, count, &task, &info);
    double output = 0;
    if (run_in_halves(run, err, files, count, estimate_group, arg))
        return;
    if (err) { /* it costs nothing: it fails */
        note_unfit(run, files[0], info.text, e);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const gc_plan_file *f = &run->project.plan->files[files[i]];
        output += gc_rates_output(&run->rates, f);
        e->sum.guessed_files += !gc_rates_know(&run->rates, f);
    }
    if (!e->sum.calls)
        look_for_prefix(run, task, &e->sum);
    task->prompt_bytes += surface_to_come(run, files, count);
    double seconds = gc_estimate_add(
        &e->sum, task, output, gc_composer_marked_bytes(run->composer), &run->rates);
    for (size_t i = 0; i < count; i++)
        e->seconds[files[i]] = seconds;
    gc_task_destroy(&task);
}

/* Files that wait are counted as made, a careful estimate: what they wait for may turn out to
 * leave them as they are. Templates cost nothing. */
static bool is_expected(const gc_run *run, size_t file)
{
    run_step step = run->files[file].step;
    return run->project.plan->files[file].how == GC_BY_LLM &&
           (step == RUN_READY || step == RUN_BLOCKED);
}

/* Level by level, as they will be asked for. */
void run_each_call(gc_run *run, run_group_fn use, void *arg)
{
    const gc_plan *plan = run->project.plan;
    size_t *order = gc_plan_order(plan),
           *files = gc_xcalloc(plan->file_count, sizeof *files);
    for (size_t at = 0; at < plan->file_count;) {
        size_t level = plan->files[order[at]].level, ready = 0;
        for (; at < plan->file_count && plan->files[order[at]].level == level; at++)
            if (is_expected(run, order[at]))
                files[ready++] = order[at];
        run_group_files(run, files, ready, use, arg);
    }
    free(files);
    free(order);
}

gc_estimate run_estimate(gc_run *run)
{
    const gc_plan *plan = run->project.plan;
    estimation e = { .seconds = gc_xcalloc(plan->file_count, sizeof *e.seconds) };
    run_each_call(run, estimate_group, &e);
    if (e.unfit > MAX_UNFIT_NAMED)
        fprintf(stderr, "warning: nor can %zu more files\n", e.unfit - MAX_UNFIT_NAMED);
    e.sum.chain_seconds = gc_plan_critical(plan, e.seconds);
    free(e.seconds);
    return e.sum;
}

gc_estimate run_estimate_missing(gc_run *run)
{
    for (size_t i = 0; i < run->project.plan->file_count; i++) {
        if (run->project.plan->files[i].how != GC_BY_LLM ||
            run->files[i].step == RUN_DONE)
            continue;
        run_set_step(run, i, RUN_READY);
        run->files[i].retry_at = 0;
    }
    return run_estimate(run);
}

/* ---- after the run ---- */

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Calls that ran at the same time, by their records. Ends are known a little late: there are
 * never more than slots. */
static size_t most_at_once(const gc_stats *s)
{
    size_t n = s->call_count, most = 0, ended = 0;
    double *starts = gc_xcalloc(n + 1, sizeof *starts);
    double *ends = gc_xcalloc(n + 1, sizeof *ends);
    for (size_t i = 0; i < n; i++) {
        starts[i] = s->calls[i].start_s;
        ends[i] = s->calls[i].start_s + s->calls[i].seconds;
    }
    qsort(starts, n, sizeof *starts, by_time);
    qsort(ends, n, sizeof *ends, by_time);
    for (size_t begun = 0; begun < n; begun++) {
        while (ends[ended] < starts[begun])
            ended++;
        most = begun + 1 - ended > most ? begun + 1 - ended : most;
    }
    free(starts);
    free(ends);
    return s->slots && most > s->slots ? s->slots : most;
}

/* What the plan would cost with every optimisation off, and what this run could not beat. */
void run_fill_bounds(gc_run *run)
{
    gc_stats *s = &run->stats;
    gc_buf all;
    gc_buf_init(&all, (size_t)256 << 20);
    gc_slice_everything(run->slicer, &all);
    size_t shared = run->composer ? gc_composer_whole_bytes(run->composer) : all.len;
    gc_estimate base =
        gc_estimate_baseline(run->project.plan, shared, run->project.model, &run->rates);
    s->baseline_usd = base.usd;
    s->baseline_s = gc_estimate_seconds(&base, 1);
    s->baseline_calls = base.calls;
    s->baseline_processed = gc_usage_prompt(&base.usage) + base.usage.output;
    double *seconds = gc_xcalloc(s->file_count, sizeof *seconds);
    for (size_t i = 0; i < s->file_count; i++)
        seconds[i] = s->files[i].seconds;
    s->critical_path_s = gc_plan_critical(run->project.plan, seconds);
    free(seconds);
    double share = s->llm_busy_s / (double)(s->slots ? s->slots : 1);
    s->lower_bound_s = share > s->critical_path_s ? share : s->critical_path_s;
    s->peak_in_flight = most_at_once(s);
    gc_buf_release(&all);
}
