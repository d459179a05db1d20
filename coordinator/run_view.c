#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/run_private.h"

#define MOST_NEWS 256
#define SOME_TOKENS 50 /* of an answer: fewer say nothing about its pace */

/* ---- what is still to come ---- */

static double expected_tokens(const gc_run *run, size_t file)
{
    return gc_rates_output(&run->rates, &run->project.plan->files[file]);
}

/* Of all files that are not there yet. */
static double open_tokens(const gc_run *run)
{
    double tokens = 0;
    for (size_t i = 0; i < run->stats.file_count; i++)
        if (run->files[i].step == RUN_READY || run->files[i].step == RUN_OUT ||
            (run->files[i].step == RUN_BLOCKED &&
             run->project.plan->files[i].how == GC_BY_LLM))
            tokens += expected_tokens(run, i);
    return tokens;
}

static double call_tokens(const gc_run *run, const run_task *t)
{
    double tokens = 0;
    for (size_t i = 0; i < t->file_count; i++)
        tokens += expected_tokens(run, t->files[i]);
    return tokens;
}

/* If more has come than was expected of the files up to the one that the answer is at, the
 * rest will be longer, too. */
static double call_tokens_seen(const gc_run *run, const run_task *t, double expected)
{
    double here = 0;
    for (size_t i = 0; i < t->file_count && t->path; i++) {
        here += expected_tokens(run, t->files[i]);
        if (strcmp(run->stats.files[t->files[i]].path, t->path) == 0)
            break;
    }
    return here > 0 && (double)t->tokens > here ? expected * (double)t->tokens / here
                                                : expected;
}

/* ---- the calls ---- */

static int by_age(const void *a, const void *b)
{
    const run_task *x = *(run_task *const *)a, *y = *(run_task *const *)b;
    if (x->begun_at != y->begun_at)
        return x->begun_at < y->begun_at ? -1 : 1;
    return strcmp(x->id, y->id);
}

static run_task **running_tasks(const gc_run *run, size_t *count)
{
    size_t cursor = 0, cap = 0;
    run_task **list = NULL;
    void *value;
    *count = 0;
    while (gc_map_next(run->tasks, &cursor, NULL, &value)) {
        run_task *t = value;
        if (!t->sent || !t->begun_at)
            continue;
        list = gc_grow(list, *count, &cap, sizeof *list);
        list[(*count)++] = t;
    }
    if (*count)
        qsort(list, *count, sizeof *list, by_age);
    return list;
}

static gc_view_call show_call(const gc_run *run, const run_task *t, int64_t now_ms)
{
    const char *path = t->path ? t->path : run->stats.files[t->files[0]].path;
    return (gc_view_call){ .path = gc_xstrdup(path),
                           .files = t->file_count,
                           .streaming = t->tokens > 0,
                           .tokens = t->tokens,
                           .elapsed_ms = now_ms - t->begun_at };
}

/* As the call goes, once it has gone on for long enough to say. */
static double seconds_per_token(const gc_run *run, const run_task *t, int64_t now_ms)
{
    double seconds = (double)(now_ms - t->begun_at) / 1000 - run->rates.wait_s;
    return t->tokens >= SOME_TOKENS && seconds > 0 ? seconds / (double)t->tokens
                                                   : run->rates.seconds_per_token;
}

/* The end is as far as the work that is left takes at the pace of the whole, and no nearer
 * than the end of the call that needs longest. */
static double seconds_left(gc_run *run, run_task *const *running, size_t count,
                           int64_t now_ms)
{
    double open = open_tokens(run), longest = 0;
    int64_t streamed = 0;
    for (size_t i = 0; i < count; i++) {
        const run_task *t = running[i];
        double expected = call_tokens(run, t);
        double left = gc_pace_rest(call_tokens_seen(run, t, expected), (double)t->tokens);
        double seconds = left * seconds_per_token(run, t, now_ms);
        streamed += t->tokens;
        open += left - expected;
        if (t->tokens > 0 && seconds > longest)
            longest = seconds;
    }
    gc_pace_note(&run->pace, run->stats.usage.output + streamed, now_ms);
    double all = gc_pace_left(&run->pace, open);
    return all < 0 || all > longest ? all : longest;
}

/* ---- the view ---- */

static void make_view(gc_run *run, int64_t now_ms, gc_view *out)
{
    const gc_stats *s = &run->stats;
    size_t count;
    run_task **running = running_tasks(run, &count);
    *out = (gc_view){
        .simulated = s->simulated,
        .files = s->file_count,
        .done = s->done,
        .failed = s->failed,
        .in_flight = s->in_flight,
        .calls_running = count,
        .output_tokens = s->usage.output,
        .cost_usd = s->cost_usd,
        .expected_usd = s->expected_usd,
        .elapsed_ms = now_ms - run->phase_at,
        .left_s = seconds_left(run, running, count, now_ms),
    };
    snprintf(out->phase, sizeof out->phase, "%s", run->phase);
    for (size_t i = 0; i < count && i < GC_VIEW_MAX_CALLS; i++)
        out->calls[out->call_count++] = show_call(run, running[i], now_ms);
    free(running);
}

/* ---- those who watch the job in Redis ---- */

void run_tell(gc_run *run, const char *json)
{
    if (!run->store || !*run->job)
        return;
    gc_strv_add(&run->news, json);
    if (run->news.count >= MOST_NEWS)
        run_tell_now(run);
}

/* Losing some harms nobody. */
void run_tell_now(gc_run *run)
{
    if (!run->news.count)
        return;
    if (gc_store_events_add(run->store, run->job, (const char *const *)run->news.items,
                            run->news.count))
        gc_log_debug("events.unsent", "job=%s count=%zu", run->job, run->news.count);
    gc_strv_release(&run->news);
}

/* So that `status --watch` shows the same on any host. */
static void tell_watchers(gc_run *run, const gc_view *view)
{
    char *text = gc_progress_event(view);
    run_tell(run, text);
    free(text);
}

int64_t run_show(gc_run *run, int64_t now_ms)
{
    int64_t interval_ms = run->config->progress_update_interval_ms;
    bool draw = gc_progress_due(run->progress, now_ms) == 0;
    bool tell = !run->told_at || now_ms - run->told_at >= interval_ms;
    if (draw || tell) {
        gc_view view;
        make_view(run, now_ms, &view);
        if (draw)
            gc_progress_draw(run->progress, &view, now_ms);
        if (tell) {
            tell_watchers(run, &view);
            run->told_at = now_ms;
        }
        gc_view_release(&view);
    }
    run_tell_now(run);
    int64_t due = gc_progress_due(run->progress, now_ms);
    int64_t told = run->told_at + interval_ms - now_ms;
    return due >= 0 && due < told ? due : told;
}

void run_phase(gc_run *run, const char *phase, int64_t now_ms)
{
    gc_view view;
    if (run->phase) {
        make_view(run, now_ms, &view);
        gc_progress_end_phase(run->progress, &view);
        gc_view_release(&view);
    }
    run->phase = phase;
    run->phase_at = now_ms;
    if (phase)
        gc_progress_phase(run->progress, phase);
}
