/* Which files share a call: as few calls as possible, but none larger than needed while
 * slots would be idle. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "coordinator/run_private.h"
#include "coordinator/schedule.h"

/* Share of a model's output limit that a group may be expected to fill. */
#define OUTPUT_SHARE 0.5

/* With so many calls for each slot the last ones hardly matter. */
#define MANY_ROUNDS 8

/* Limits of groups that are looked at: each is tighter by an eighth. */
#define MAX_LIMITS 40
#define TIGHTER 0.875

/* Groups whose prompts are looked at for what a call more would repeat. */
#define SAMPLES 8

/* Part of its expected length that a file is taken to need still, however long it is. */
#define OVERRUN 0.1

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

/* What a group may have at most. */
typedef struct group_limit {
    size_t files;
    double tokens; /* expected of the answer */
} group_limit;

static group_limit most(const gc_run *run, const gc_rates *rates)
{
    double tokens = (double)run->project.model->max_output_tokens * OUTPUT_SHARE;
    return (group_limit){ most_files(run->config), tokens - rates->thinking_tokens };
}

/* `tokens` are expected of each of the files. */
static size_t group_by(const gc_run *run, const run_files *files, const double *tokens,
                       const group_limit *limit, size_t *group_of)
{
    gc_group_options options = {
        .max_files = limit->files,
        .min_similarity = run->config->batching_min_similarity,
        .max_tokens = limit->tokens,
        .max_entities = most_entities(run->config),
    };
    return gc_group(run->project.plan, files->list, tokens, files->count, &options,
                    group_of);
}

size_t run_group(const gc_run *run, const gc_rates *rates, const size_t *files,
                 size_t count, size_t *group_of)
{
    run_files all = { files, count };
    double *tokens = gc_xcalloc(count + 1, sizeof *tokens);
    for (size_t i = 0; i < count; i++)
        tokens[i] = gc_rates_output(rates, &run->project.plan->files[files[i]]);
    group_limit limit = most(run, rates);
    size_t groups = group_by(run, &all, tokens, &limit, group_of);
    free(tokens);
    return groups;
}

/* ---- the size of a group ---- */

/* What is seen of calls under way counts, too: the first that end are the shortest. */
static double output_of(const gc_run *run, size_t file)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    gc_ratio seen = gc_measured_output(&run->partial, f);
    gc_ratio known = gc_measured_output(&run->rates.measured, f);
    if (seen.per > 0)
        return (double)f->expected_bytes * (double)(seen.sum + known.sum) /
               (double)(seen.per + known.per);
    return gc_rates_output_most(&run->rates, f);
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

static grouping make_groups(const gc_run *run, const group_limit *limit,
                            const run_files *files)
{
    size_t *group_of = gc_xcalloc(files->count + 1, sizeof *group_of);
    double *tokens = gc_xcalloc(files->count + 1, sizeof *tokens);
    grouping g = { .members = gc_xcalloc(files->count + 1, sizeof *g.members) };
    for (size_t i = 0; i < files->count; i++)
        tokens[i] = output_of(run, files->list[i]);
    g.count = group_by(run, files, tokens, limit, group_of);
    free(tokens);
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

/* ---- when slots are free ---- */

/* Seconds that a call which was sent still takes. Of the file that it is at a part is taken
 * to be missing, however long it is. */
static double seconds_left(const gc_run *run, const run_task *t)
{
    double tokens = 0;
    if (t->tokens <= 0)
        return run_rank(run, t->files, t->file_count).call_s;
    for (size_t i = t->at; i < t->file_count; i++) {
        double whole = output_of(run, t->files[i]);
        double here = i == t->at ? (double)(t->tokens - t->tokens_before) : 0;
        tokens += fmax(whole - here, whole * OVERRUN);
    }
    return tokens * run->rates.seconds_per_token;
}

/* From now until each slot is free of what was sent; free() it. Calls that nobody has begun
 * take the slots that are free first. */
static double *free_slots(const gc_run *run)
{
    size_t slots = (size_t)run->slots, next = 0;
    double *free_s = gc_xcalloc(slots + 1, sizeof *free_s);
    for (int begun = 1; begun >= 0; begun--) {
        size_t cursor = 0;
        void *value;
        while (gc_map_next(run->tasks, &cursor, NULL, &value)) {
            const run_task *t = value;
            if (!t->sent || (t->begun_at != 0) != begun)
                continue;
            if (begun)
                free_s[next++ % slots] += seconds_left(run, t);
            else
                gc_schedule_append(free_s, slots, seconds_left(run, t));
        }
    }
    return free_s;
}

/* ---- what a grouping leads to ---- */

static gc_spread spread_of(const gc_run *run, const grouping *g, const double *free_s)
{
    gc_rank *calls = gc_xcalloc(g->count + 1, sizeof *calls);
    for (size_t k = 0; k < g->count; k++) {
        calls[k] = run_rank(run, g->members + g->first[k], g->first[k + 1] - g->first[k]);
        calls[k].number = k;
    }
    gc_spread spread = { g->count, gc_schedule_makespan(calls, g->count, free_s,
                                                        (size_t)run->slots) };
    free(calls);
    return spread;
}

/* ---- what a call more costs ---- */

static size_t shared_bytes(const gc_run *run)
{
    size_t len, bytes = 0;
    for (size_t i = 0; gc_composer_shared(run->composer, i, &len); i++)
        bytes += len;
    return bytes;
}

/* Bytes of the prompt that are this call's alone; 0 if it cannot be asked for so. */
static double own_bytes(gc_run *run, const size_t *files, size_t count)
{
    gc_task *task = NULL;
    if (run_compose(run, files, count, &task, NULL))
        return 0;
    double bytes = (double)task->prompt_bytes - (double)shared_bytes(run);
    gc_task_destroy(&task);
    return bytes;
}

/* What stands in the prompts of both halves of a group but once in that of the whole: the
 * mean of a few groups. It is about the same for all sizes, so it is measured once. */
static double repeated_bytes(gc_run *run, const grouping *g)
{
    double sum = 0;
    size_t seen = 0, stride = g->count / SAMPLES + 1;
    if (run->repeated_known)
        return run->repeated_bytes;
    for (size_t k = 0; k < g->count; k += stride) {
        const size_t *files = g->members + g->first[k];
        size_t count = g->first[k + 1] - g->first[k], half = count / 2;
        if (count < 2)
            continue;
        double more = own_bytes(run, files, half) +
                      own_bytes(run, files + half, count - half) -
                      own_bytes(run, files, count);
        sum += more > 0 ? more : 0;
        seen++;
    }
    run->repeated_known = seen > 0;
    run->repeated_bytes = seen ? sum / (double)seen : 0;
    return run->repeated_bytes;
}

/* What every call costs whatever it is asked for: the shared start, what the prompts of
 * several calls repeat, thinking. */
static double cost_per_call(const gc_run *run, double repeated)
{
    size_t shared = shared_bytes(run), marked = gc_composer_marked_bytes(run->composer);
    double plain = (shared > marked ? (double)(shared - marked) : 0) + repeated;
    gc_usage usage = {
        .input = (int64_t)(plain / run->rates.plain_bytes_per_token),
        .cache_read = (int64_t)((double)marked / run->rates.marked_bytes_per_token),
        .output = (int64_t)run->rates.thinking_tokens,
    };
    return gc_layout_weight(run->project.model, &usage);
}

/* As it was expected before the run: what may be added is a part of what the user was told. */
static double cost_of_files(const gc_run *run, const run_files *files)
{
    const gc_rates *rates = run->told_rates.wait_s > 0 ? &run->told_rates : &run->rates;
    double tokens = 0;
    for (size_t i = 0; i < files->count; i++)
        tokens += gc_rates_output(rates, &run->project.plan->files[files->list[i]]);
    gc_usage usage = { .output = (int64_t)tokens };
    return gc_layout_weight(run->project.model, &usage);
}

/* Tokens expected of the group that is expected to take longest. */
static double longest_group(const gc_run *run, const grouping *g)
{
    double longest = 0;
    for (size_t k = 0; k < g->count; k++) {
        double tokens = 0;
        for (size_t i = g->first[k]; i < g->first[k + 1]; i++)
            tokens += output_of(run, g->members[i]);
        longest = tokens > longest ? tokens : longest;
    }
    return longest;
}

/* Calls of the same length end together; but as long as nothing was measured nobody knows
 * their lengths, and an equal number of files is the better guess. */
static void tighten(const gc_run *run, group_limit *limit)
{
    if (run->rates.measured.kind_count || run->partial.kind_count)
        limit->tokens *= TIGHTER;
    else
        limit->files = limit->files > 8   ? (size_t)((double)limit->files * TIGHTER)
                       : limit->files > 1 ? limit->files - 1
                                          : 1;
}

/* What limits, each tighter than the one before, lead to. */
static size_t look_at_limits(const gc_run *run, const run_files *files,
                             const grouping *best, group_limit *limits,
                             gc_spread *options)
{
    double *free_s = free_slots(run);
    size_t count = 1;
    options[0] = spread_of(run, best, free_s);
    for (; count < MAX_LIMITS && options[count - 1].calls < files->count; count++) {
        limits[count] = limits[count - 1];
        tighten(run, &limits[count]);
        grouping g = make_groups(run, &limits[count], files);
        options[count] = spread_of(run, &g, free_s);
        grouping_release(&g);
    }
    free(free_s);
    return count;
}

/* The largest groups, or smaller ones if they end sooner and cost little more. */
static grouping choose_groups(gc_run *run, const run_files *files)
{
    group_limit limits[MAX_LIMITS] = { most(run, &run->rates) };
    gc_spread options[MAX_LIMITS];
    grouping best = make_groups(run, &limits[0], files);
    if (best.count == files->count || best.count >= (size_t)run->slots * MANY_ROUNDS)
        return best;
    limits[0].tokens = longest_group(run, &best);
    size_t count = look_at_limits(run, files, &best, limits, options);
    double per_call = cost_per_call(run, repeated_bytes(run, &best));
    double all = cost_of_files(run, files) + per_call * (double)best.count;
    size_t chosen = gc_schedule_spread(options, count, per_call,
                                       all * run->config->batching_spread_cost);
    if (chosen) {
        grouping_release(&best);
        best = make_groups(run, &limits[chosen], files);
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
