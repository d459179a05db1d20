/* Which files share a call: as few calls as possible, but none larger than needed while
 * slots would be idle. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "coordinator/run_private.h"
#include "coordinator/schedule.h"

/* Share of a model's output limit that a group may be expected to fill. */
#define OUTPUT_SHARE 0.5

/* With so many calls for each slot the last ones hardly matter. */
#define MANY_ROUNDS 8

/* Sizes of groups that are looked at: each is smaller by an eighth, at least by one. */
#define MAX_SIZES 40

static size_t most_files(const gc_config *c)
{
    return c->batching_enabled ? (size_t)c->batching_max_batch_size : 1;
}

static size_t most_entities(const gc_config *c)
{
    return c->context_filtering_enabled
               ? (size_t)c->context_filtering_max_entities_per_call
               : 0;
}

static size_t group_by(const gc_run *run, const gc_rates *rates, size_t max_files,
                       const run_files *files, size_t *group_of)
{
    const gc_plan *plan = run->project.plan;
    double limit = (double)run->project.model->max_output_tokens * OUTPUT_SHARE;
    gc_group_options options = {
        .max_files = max_files,
        .min_similarity = run->config->batching_min_similarity,
        .max_tokens = limit - rates->thinking_tokens,
        .max_entities = most_entities(run->config),
    };
    double *tokens = gc_xcalloc(files->count + 1, sizeof *tokens);
    for (size_t i = 0; i < files->count; i++)
        tokens[i] = gc_rates_output(rates, &plan->files[files->list[i]]);
    size_t groups = gc_group(plan, files->list, tokens, files->count, &options, group_of);
    free(tokens);
    return groups;
}

size_t run_group(const gc_run *run, const gc_rates *rates, const size_t *files,
                 size_t count, size_t *group_of)
{
    run_files all = { files, count };
    return group_by(run, rates, most_files(run->config), &all, group_of);
}

/* ---- the size of a group ---- */

static double output_of(const gc_run *run, size_t file)
{
    return gc_rates_output(&run->rates, &run->project.plan->files[file]);
}

gc_rank run_rank(const gc_run *run, const size_t *files, size_t count)
{
    double tokens = run->rates.thinking_tokens, behind = 0;
    for (size_t i = 0; i < count; i++) {
        double after = run->behind_s ? run->behind_s[files[i]] : 0;
        tokens += output_of(run, files[i]);
        behind = after > behind ? after : behind;
    }
    double seconds = gc_rates_seconds(&run->rates, tokens);
    return (gc_rank){ .path_s = seconds + behind, .call_s = seconds };
}

/* Members of the groups one after the other; first[g] is where group g begins. */
typedef struct grouping {
    size_t *members, *first;
    size_t count;
} grouping;

static void grouping_release(grouping *self)
{
    free(self->members);
    free(self->first);
}

static grouping make_groups(const gc_run *run, size_t max_files, const run_files *files)
{
    size_t *group_of = gc_xcalloc(files->count + 1, sizeof *group_of);
    grouping g = { .members = gc_xcalloc(files->count + 1, sizeof *g.members) };
    g.count = group_by(run, &run->rates, max_files, files, group_of);
    g.first = gc_xcalloc(g.count + 2, sizeof *g.first);
    for (size_t i = 0; i < files->count; i++)
        g.first[group_of[i] + 2]++;
    for (size_t k = 2; k < g.count + 2; k++)
        g.first[k] += g.first[k - 1];
    for (size_t i = 0; i < files->count; i++)
        g.members[g.first[group_of[i] + 1]++] = files->list[i];
    free(group_of);
    return g;
}

static gc_spread spread_of(const gc_run *run, const grouping *g, size_t slots)
{
    gc_rank *calls = gc_xcalloc(g->count + 1, sizeof *calls);
    for (size_t k = 0; k < g->count; k++) {
        calls[k] = run_rank(run, g->members + g->first[k], g->first[k + 1] - g->first[k]);
        calls[k].number = k;
    }
    gc_spread spread = { g->count, gc_schedule_makespan(calls, g->count, slots) };
    free(calls);
    return spread;
}

/* What every call costs whatever it is asked for: the shared start, thinking. */
static double cost_per_call(const gc_run *run)
{
    size_t len, shared = 0, marked = gc_composer_marked_bytes(run->composer);
    for (size_t i = 0; gc_composer_shared(run->composer, i, &len); i++)
        shared += len;
    double plain = shared > marked ? (double)(shared - marked) : 0;
    gc_usage usage = {
        .input = (int64_t)(plain / run->rates.plain_bytes_per_token),
        .cache_read = (int64_t)((double)marked / run->rates.marked_bytes_per_token),
        .output = (int64_t)run->rates.thinking_tokens,
    };
    return gc_layout_weight(run->project.model, &usage);
}

static double cost_of_files(const gc_run *run, const run_files *files)
{
    double tokens = 0;
    for (size_t i = 0; i < files->count; i++)
        tokens += output_of(run, files->list[i]);
    gc_usage usage = { .output = (int64_t)tokens };
    return gc_layout_weight(run->project.model, &usage);
}

static size_t idle_slots(const gc_run *run)
{
    size_t slots = (size_t)run->slots;
    return run->tasks_sent < slots ? slots - run->tasks_sent : 0;
}

/* The largest groups, or smaller ones if they end sooner and cost little more. */
static grouping choose_groups(const gc_run *run, const run_files *files)
{
    size_t size = most_files(run->config), slots = idle_slots(run), count = 0;
    grouping best = make_groups(run, size, files);
    if (size < 2 || !slots || best.count >= slots * MANY_ROUNDS)
        return best;
    size_t sizes[MAX_SIZES] = { size };
    gc_spread options[MAX_SIZES] = { spread_of(run, &best, slots) };
    for (count = 1; size > 1 && count < MAX_SIZES; count++) {
        size -= size >= 16 ? size / 8 : 1;
        grouping g = make_groups(run, size, files);
        sizes[count] = size;
        options[count] = spread_of(run, &g, slots);
        grouping_release(&g);
    }
    double per_call = cost_per_call(run);
    double all = cost_of_files(run, files) + per_call * (double)best.count;
    size_t chosen = gc_schedule_spread(options, count, per_call,
                                       all * run->config->batching_spread_cost);
    if (chosen) {
        grouping_release(&best);
        best = make_groups(run, sizes[chosen], files);
    }
    return best;
}

void run_group_files(gc_run *run, const size_t *files, size_t count, run_group_fn use,
                     void *arg)
{
    run_files all = { files, count };
    if (!count)
        return;
    grouping g = choose_groups(run, &all);
    for (size_t k = 0; k < g.count; k++)
        use(run, g.members + g.first[k], g.first[k + 1] - g.first[k], arg);
    grouping_release(&g);
}

/* ---- what waits behind a file ---- */

void run_look_ahead(gc_run *run)
{
    const gc_plan *plan = run->project.plan;
    double *seconds = gc_xcalloc(plan->file_count, sizeof *seconds);
    double *behind = gc_xcalloc(plan->file_count, sizeof *behind);
    for (size_t i = 0; i < plan->file_count; i++)
        if (plan->files[i].how == GC_BY_LLM && run->files[i].step != RUN_DONE)
            seconds[i] = run_rank(run, &i, 1).call_s;
    gc_plan_remaining(plan, seconds, behind);
    for (size_t i = 0; i < plan->file_count; i++)
        behind[i] -= seconds[i];
    free(seconds);
    free(run->behind_s);
    run->behind_s = behind;
}
