/* Which calls a run will probably make, for the layout of its prompts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/run_private.h"

/* The calls that a run is expected to make, one level after the other. */
typedef struct expected_calls {
    size_t *files; /* members, call after call */
    size_t file_count;
    gc_compose_call *calls;
    size_t count;
} expected_calls;

static bool is_open(const gc_run *run, size_t file, size_t level)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    return f->how == GC_BY_LLM && f->level == level && run->files[file].step != RUN_DONE;
}

/* Adds the groups of the `count` files that stand behind those added so far. */
static void add_groups(const gc_run *run, expected_calls *self, size_t count)
{
    gc_rates table; /* measured figures must not change what a prompt looks like */
    gc_rates_init(&table, run->project.model);
    size_t *files = gc_xcalloc(count, sizeof *files);
    size_t *group_of = gc_xcalloc(count + 1, sizeof *group_of);
    memcpy(files, self->files + self->file_count, count * sizeof *files);
    size_t groups = run_group(run, &table, files, count, group_of);
    size_t *next = gc_xcalloc(groups + 1, sizeof *next);
    for (size_t i = 0; i < count; i++)
        next[group_of[i] + 1]++;
    for (size_t g = 0; g < groups; g++) {
        self->calls[self->count++] =
            (gc_compose_call){ self->files + self->file_count + next[g], next[g + 1] };
        next[g + 1] += next[g];
    }
    for (size_t i = 0; i < count; i++)
        self->files[self->file_count + next[group_of[i]]++] = files[i];
    self->file_count += count;
    free(files);
    free(group_of);
    free(next);
}

static void expect_calls(const gc_run *run, expected_calls *self)
{
    const gc_plan *plan = run->project.plan;
    self->files = gc_xcalloc(plan->file_count + 1, sizeof *self->files);
    self->calls = gc_xcalloc(plan->file_count + 1, sizeof *self->calls);
    for (size_t level = 0; level < plan->level_count; level++) {
        size_t count = 0;
        for (size_t i = 0; i < plan->file_count; i++)
            if (is_open(run, i, level))
                self->files[self->file_count + count++] = i;
        if (count)
            add_groups(run, self, count);
    }
}

/* How long the longest call and the job will take, for the lifetime of the cached prefix. */
static void expect_times(const gc_run *run, gc_compose_input *input)
{
    const gc_config *c = run->config;
    double tokens = 0, most = 0, files = 1;
    for (size_t i = 0; i < run->project.plan->file_count; i++) {
        const gc_plan_file *f = &run->project.plan->files[i];
        if (f->how != GC_BY_LLM || run->files[i].step == RUN_DONE)
            continue;
        double expected = (double)f->expected_bytes / run->rates.bytes_per_token;
        tokens += expected;
        most = expected > most ? expected : most;
    }
    if (c->batching_enabled)
        files = (double)c->batching_max_batch_size;
    most = most * files < tokens ? most * files : tokens;
    double lanes = !c->parallelization_enabled ? 1
                   : c->parallelization_max_workers > 0
                       ? (double)c->parallelization_max_workers
                       : (double)c->cluster_slots;
    double levels = (double)run->project.plan->level_count;
    double waves = tokens / (most > 0 ? most : 1) / lanes;
    input->longest_call_s = most * run->rates.seconds_per_token;
    input->job_s = input->longest_call_s * (waves > levels ? waves : levels);
}

static gc_compose_input input_of(const gc_run *run, bool reuse)
{
    return (gc_compose_input){ .config = run->config,
                               .fcs = run->project.fcs,
                               .plan = run->project.plan,
                               .slicer = run->slicer,
                               .prompts = run->project.prompts,
                               .model = run->project.model,
                               .bytes_per_token = run->rates.bytes_per_token,
                               .reuse = reuse,
                               .simulated = run->stats.simulated };
}

gc_exit run_open_composer(gc_run *run, bool reuse)
{
    gc_errinfo info = { 0 };
    expected_calls expected = { 0 };
    expect_calls(run, &expected);
    gc_compose_input input = input_of(run, reuse);
    input.calls = expected.calls;
    input.call_count = expected.count;
    expect_times(run, &input);
    gc_err err = gc_composer_new(&input, &run->composer, &info);
    free(expected.files);
    free(expected.calls);
    if (!err)
        return GC_EXIT_OK;
    fprintf(stderr, "error: %s\n", info.text);
    return GC_EXIT_USAGE;
}

bool run_open_lean(gc_run *run)
{
    gc_errinfo info = { 0 };
    if (run->lean)
        return true;
    gc_compose_input input = input_of(run, run_reuses(run));
    input.lean = true;
    if (gc_composer_new(&input, &run->lean, &info) == GC_OK &&
        run_store_blocks(run) == GC_OK)
        return true;
    gc_log_warn("prompt.unsaved", "text=\"%s\"", info.text);
    gc_composer_destroy(&run->lean);
    return false;
}
