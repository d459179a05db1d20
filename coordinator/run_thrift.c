/* How the last part of a spend cap is used. A call's worst case is several times what it
 * costs: when the usual one does not fit any more, files are asked for one by one, those with
 * the shortest answers first, and if that does not fit either with the shortest prompt, which
 * is not written to the cache. What is sent together fits together; the reserve in Redis stays
 * the judge. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "coordinator/run_private.h"

/* Files that are looked at before nothing fits: prompts differ, too. */
#define TRY_FILES 8

/* Refusals by the cap of what should have fit, one after the other. */
#define MOST_REFUSALS 10

/* Reserves are whole billionths of a dollar, rounded up. */
#define ROUNDING_USD 1e-8

void run_turn_thrifty(gc_run *run)
{
    if (run->thrifty)
        return;
    run->thrifty = true;
    gc_log_info("cap.thrifty", "job=%s", run->job);
    run_take_unsent(run);
}

void run_on_thrift_refused(gc_run *run)
{
    run->refusals++;
}

/* What no call has reserved or spent. */
static gc_err money_left(gc_run *run, double *out)
{
    gc_job job = { 0 };
    gc_err err = gc_store_job_get(run->store, run->job, &job);
    if (err)
        return err;
    *out = run->config->limits_max_cost_usd - job.cost_usd - job.unconfirmed_usd -
           job.reserved_usd - ROUNDING_USD;
    gc_job_release(&job);
    return GC_OK;
}

typedef struct candidate {
    size_t file;
    double output;
} candidate;

static int by_output(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->output != y->output)
        return x->output < y->output ? -1 : 1;
    return (x->file > y->file) - (x->file < y->file);
}

static candidate *cheapest_first(gc_run *run, const size_t *files, size_t count)
{
    candidate *list = gc_xcalloc(count + 1, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        const gc_plan_file *f = &run->project.plan->files[files[i]];
        list[i] = (candidate){ files[i], gc_rates_output(&run->rates, f) };
    }
    if (count)
        qsort(list, count, sizeof *list, by_output);
    return list;
}

/* Makes a task of the file if its worst case is at most *left, which it takes. */
static bool afford(gc_run *run, size_t file, bool lean, double *left, gc_errinfo *info)
{
    gc_task *task = NULL;
    if (*left <= 0 || (lean && !run_open_lean(run)))
        return false;
    if (run_compose_cheap(run, file, lean, *left, &task, info))
        return false;
    run_task *t = run_add_task(run, &file, 1);
    t->budget_usd = task->reserve_usd + ROUNDING_USD;
    t->lean = lean;
    *left -= t->budget_usd;
    gc_task_destroy(&task);
    return true;
}

static void stop(gc_run *run, const char *why)
{
    run->let_finish = true;
    run_stop(run, GC_EXIT_GENERATION,
             "the next call does not fit under the spend cap%s%s; " GC_CAP_ADVICE,
             *why ? ": " : "", why);
}

void run_make_thrifty_tasks(gc_run *run)
{
    gc_errinfo info = { 0 }, least = { 0 };
    double left;
    size_t count, made = 0;
    if (gc_map_count(run->tasks) > 0 || money_left(run, &left))
        return; /* what runs may leave something; Redis may come back */
    run_pass_lessons_on(run);
    run_learn_figures(run);
    size_t *files = run_ready_files(run, gc_clock_ms(), &count);
    candidate *list = cheapest_first(run, files, count);
    for (size_t i = 0, missed = 0; i < count && missed < TRY_FILES; i++) {
        size_t file = list[i].file;
        if (afford(run, file, false, &left, &info) ||
            (!made && afford(run, file, true, &left, &info))) {
            made++;
            continue;
        }
        if (!missed++)
            least = info;
    }
    free(list);
    free(files);
    if (count && (!made || run->refusals > MOST_REFUSALS))
        stop(run, least.text);
}
