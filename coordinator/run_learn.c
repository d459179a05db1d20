/* What earlier calls took, and what this run's calls teach the next one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/figures.h"
#include "coordinator/run_private.h"

/* Of an answer: fewer say nothing about how long it will be. */
#define SOME_TOKENS 50

/* Of one file: a worker that tells of more is not believed. */
#define MOST_TOKENS 1e9

void run_learn_figures(gc_run *run)
{
    gc_measured measured;
    char name[GC_MEASURED_NAME];
    gc_measured_name(run->config->llm_model, run->stats.simulated, name);
    gc_err err = gc_store_model_get(run->store, name, &measured);
    if (err)
        gc_log_info("figures.unknown", "model=%s err=\"%s\"", name, gc_err_str(err));
    else if (measured.calls)
        gc_rates_learn(&run->rates, &measured);
}

/* Local mode: the copy that the last run left beside the data of its Redis. */
void run_recall_figures(gc_run *run)
{
    gc_measured measured;
    char name[GC_MEASURED_NAME];
    gc_root *root = gc_output_root(run->output);
    gc_measured_name(run->config->llm_model, run->stats.simulated, name);
    gc_buf text;
    gc_buf_init(&text, GC_FIGURES_MAX_BYTES);
    if (root && gc_root_read(root, GC_FIGURES_PATH, &text, NULL) == GC_OK &&
        gc_figures_read(name, text.ptr, text.len, &measured) == GC_OK)
        gc_rates_learn(&run->rates, &measured);
    gc_buf_release(&text);
}

static void leave_figures(gc_run *run, const char *name)
{
    gc_errinfo info = { 0 };
    gc_buf text;
    gc_buf_init(&text, GC_FIGURES_MAX_BYTES);
    gc_figures_print(name, &run->rates.measured, &text);
    if (gc_root_write_cache(gc_output_root(run->output), GC_FIGURES_PATH, text.ptr,
                            text.len, &info))
        gc_log_info("figures.unsaved", "text=\"%s\"", info.text);
    gc_buf_release(&text);
}

void run_learn_from_this(gc_run *run)
{
    char name[GC_MEASURED_NAME];
    if (!run->store)
        return;
    run_pass_lessons_on(run);
    run_learn_figures(run);
    gc_measured_name(run->config->llm_model, run->stats.simulated, name);
    if (!*run->config->cluster_redis && run->rates.measured.calls)
        leave_figures(run, name);
}

/* Only a task with one answered call says what its prompt and its files took. */
void run_take_lesson(gc_run *run, const run_task *task, const gc_result *result)
{
    if (result->calls != 1 || result->unconfirmed_usd > 0)
        return;
    const gc_usage *u = &result->usage;
    if (!task->lean)
        gc_composer_learn_marked(run->composer,
                                 u->cache_write_5m + u->cache_write_1h + u->cache_read);
    gc_lesson_file *files = gc_xcalloc(result->file_count, sizeof *files);
    gc_lesson lesson = { .prompt_bytes = task->prompt_bytes,
                         .marked_bytes = (int64_t)gc_composer_marked_bytes(run->composer),
                         .usage = result->usage,
                         .wait_s = result->first_byte_seconds,
                         .seconds = result->requests == 1 ? result->seconds : -1,
                         .files = files };
    for (size_t i = 0; i < result->file_count; i++) {
        const gc_file_result *r = &result->files[i];
        long file = gc_plan_find(run->project.plan, r->path);
        if (file < 0 || r->outcome != GC_FILE_MADE)
            continue;
        const gc_plan_file *f = &run->project.plan->files[file];
        files[lesson.file_count++] =
            (gc_lesson_file){ .kind = gc_rates_kind(f),
                              .expected_bytes = f->expected_bytes,
                              .promised_bytes = strlen(f->promise),
                              .output_tokens = r->usage.output };
    }
    gc_measured_add(&run->lessons, &lesson);
    gc_measured known = run->rates.measured;
    gc_measured_add(&known, &lesson);
    gc_rates_learn(&run->rates, &known);
    run->lesson_count++;
    free(files);
}

/* What is whole says how long its kind is. As long as nothing is, the call is taken to be in
 * the middle of its first file. */
static void look_at_call(gc_run *run, const run_task *t)
{
    gc_lesson_file *files = gc_xcalloc(t->file_count, sizeof *files);
    gc_lesson lesson = {
        .wait_s = -1, .seconds = -1, .usage = { .output = t->tokens }, .files = files
    };
    size_t count = t->at ? t->at : 1;
    double tokens = t->at ? (double)t->tokens_before : 2 * (double)t->tokens, bytes = 0;
    const gc_plan_file *all = run->project.plan->files;
    for (size_t i = 0; i < count; i++)
        bytes += (double)all[t->files[i]].expected_bytes;
    for (size_t i = 0; i < count && bytes > 0; i++) {
        const gc_plan_file *f = &all[t->files[i]];
        double share = (double)f->expected_bytes / bytes;
        files[lesson.file_count++] =
            (gc_lesson_file){ .kind = gc_rates_kind(f),
                              .expected_bytes = f->expected_bytes,
                              .output_tokens =
                                  (int64_t)fmin(tokens * share, MOST_TOKENS) };
    }
    gc_measured_add(&run->partial, &lesson);
    free(files);
}

void run_look_at_calls(gc_run *run)
{
    size_t cursor = 0;
    void *value;
    run->partial = (gc_measured){ 0 };
    while (gc_map_next(run->tasks, &cursor, NULL, &value)) {
        const run_task *t = value;
        if (t->sent && t->path && t->tokens >= SOME_TOKENS)
            look_at_call(run, t);
    }
}

bool run_has_learnt(gc_run *run)
{
    if (run->lesson_count < run->learn_next)
        return false;
    run->learn_next = run->lesson_count + run->lesson_count / 2 + 1;
    return run->lesson_count > 0;
}

void run_pass_lessons_on(gc_run *run)
{
    char name[GC_MEASURED_NAME];
    gc_measured_name(run->config->llm_model, run->stats.simulated, name);
    if (!run->store)
        return;
    gc_err err = gc_store_model_learn(run->store, name, &run->lessons);
    if (err)
        gc_log_info("figures.unsaved", "model=%s err=\"%s\"", name, gc_err_str(err));
    else
        run->lessons = (gc_measured){ 0 };
}

static int64_t slots_now(const gc_run *run)
{
    const gc_config *c = run->config;
    int64_t slots = c->cluster_slots * (*c->cluster_broker ? 1 : c->cluster_workers);
    gc_worker_info *workers = NULL;
    size_t count = 0;
    if (!c->parallelization_enabled)
        return 1;
    if (run->store && *c->cluster_broker &&
        gc_store_workers(run->store, &workers, &count) == GC_OK) {
        int64_t there = 0;
        for (size_t i = 0; i < count; i++) {
            there += workers[i].slots;
            gc_worker_info_release(&workers[i]);
        }
        free(workers);
        slots = there > 0 ? there : slots;
    }
    int64_t most = c->parallelization_max_workers;
    return most > 0 && most < slots ? most : slots;
}

void run_watch_slots(gc_run *run)
{
    run->slots = slots_now(run);
    if ((size_t)run->slots > run->stats.slots)
        run->stats.slots = (size_t)run->slots;
}

void run_tell_estimate(gc_run *run, const gc_estimate *e)
{
    run->told_rates = run->rates;
    char source[GC_RATES_SOURCE], cost[48] = "an unknown price";
    gc_rates_source(&run->rates, e->guessed_files, source, sizeof source);
    if (run->project.model->priced)
        snprintf(cost, sizeof cost, "$%.4f", e->usd);
    gc_progress_note(run->progress,
                     "Estimated: %lld calls, %lld tokens in (%lld of them cached), "
                     "%lld out, %s, %.0fs; figures %s",
                     (long long)e->calls, (long long)gc_usage_prompt(&e->usage),
                     (long long)e->usage.cache_read, (long long)e->usage.output, cost,
                     gc_estimate_seconds(e, run->slots), source);
}
