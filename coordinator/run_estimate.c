/* What the calls that are still to be made will take. */
#include <stdlib.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/run_private.h"

typedef struct estimation {
    gc_estimate sum;
    double *seconds; /* of each file's call, by file */
} estimation;

/* The first call that is looked at tells whether the provider has the prefix already; the
 * simulated one of a run begins with nothing. */
static void look_for_prefix(gc_run *run, const gc_task *task, gc_estimate *sum)
{
    if (run->store && !run->stats.simulated &&
        gc_store_prefix_is_warm(run->store, task, &sum->warm))
        gc_log_info("prefix.unknown", "model=%s", task->model.id);
}

static void estimate_group(gc_run *run, const size_t *files, size_t count, void *arg)
{
    estimation *e = arg;
    gc_errinfo info = { 0 };
    gc_task *task = NULL;
    gc_err err = run_compose(run, files, count, &task, &info);
    double output = 0;
    if (run_in_halves(run, err, files, count, estimate_group, arg) || err)
        return; /* a file that does not fit costs nothing: it fails */
    for (size_t i = 0; i < count; i++)
        output += gc_rates_output(&run->rates, &run->project.plan->files[files[i]]);
    if (!e->sum.calls)
        look_for_prefix(run, task, &e->sum);
    double seconds = gc_estimate_add(
        &e->sum, task, output, gc_composer_marked_bytes(run->composer), &run->rates);
    for (size_t i = 0; i < count; i++)
        e->seconds[files[i]] = seconds;
    gc_task_destroy(&task);
}

/* Level by level, as they will be asked for. */
gc_estimate run_estimate(gc_run *run)
{
    const gc_plan *plan = run->project.plan;
    estimation e = { .seconds = gc_xcalloc(plan->file_count, sizeof *e.seconds) };
    size_t *order = gc_plan_order(plan),
           *files = gc_xcalloc(plan->file_count, sizeof *files);
    for (size_t at = 0; at < plan->file_count;) {
        size_t level = plan->files[order[at]].level, ready = 0;
        for (; at < plan->file_count && plan->files[order[at]].level == level; at++)
            if (run->files[order[at]].step == RUN_READY)
                files[ready++] = order[at];
        run_group_files(run, files, ready, estimate_group, &e);
    }
    e.sum.chain_seconds = gc_plan_critical(plan, e.seconds);
    free(files);
    free(order);
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
