#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/project.h"
#include "coordinator/run_private.h"

#define WRITE_SLICE_MS 100

char *run_sources(const gc_plan_file *file)
{
    return gc_strv_join(&file->entities, ",");
}

/* ---- ends of a file ---- */

/* News for those who watch the job in Redis; losing one harms nobody. */
static void tell_event(gc_run *run, const gc_file_stat *stat, const char *state)
{
    if (!run->store || !*run->job)
        return;
    json_t *event = json_pack("{s:s, s:s, s:s, s:f}", "event", "file", "path", stat->path,
                              "state", state, "cost_usd", stat->cost_usd);
    char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(12));
    if (gc_store_event(run->store, run->job, text))
        gc_log_debug("event.unsent", "path=%s", stat->path);
    free(text);
    json_decref(event);
}

static void release_dependents(gc_run *run, size_t file)
{
    for (size_t k = run->dependents_first[file]; k < run->dependents_first[file + 1];
         k++) {
        size_t dependent = run->dependents[k];
        if (--run->files[dependent].blockers)
            continue;
        run->unblocked = gc_grow(run->unblocked, run->unblocked_count,
                                 &run->unblocked_cap, sizeof *run->unblocked);
        run->unblocked[run->unblocked_count++] = dependent;
    }
}

void run_finish(gc_run *run, size_t file, const char *how)
{
    gc_file_stat *stat = &run->stats.files[file];
    run_set_step(run, file, RUN_DONE);
    stat->state = GC_FILE_STATE_DONE;
    stat->how = how;
    const gc_state_file *f = gc_state_find(gc_output_state(run->output), stat->path);
    if (f)
        memcpy(stat->sha256, f->sha256, sizeof stat->sha256);
    run->stats.done++;
    run->stats.made += strcmp(how, "llm") == 0;
    run->stats.reused += strcmp(how, "reused") == 0;
    run->stats.kept += strcmp(how, "kept") == 0;
    release_dependents(run, file);
    if (strcmp(how, "kept") != 0)
        tell_event(run, stat, how);
    gc_progress_file(run->progress, stat, &run->stats);
}

static void mark_failed(gc_run *run, size_t file, const char *text)
{
    gc_file_stat *stat = &run->stats.files[file];
    run_set_step(run, file, RUN_FAILED);
    stat->state = GC_FILE_STATE_FAILED;
    stat->how = "failed";
    free(stat->problem);
    stat->problem = gc_xstrdup(text);
    run->stats.failed++;
    tell_event(run, stat, "failed");
    gc_progress_file(run->progress, stat, &run->stats);
}

/* Everything that waits for a failed file fails with it. */
void run_fail(gc_run *run, size_t file, const char *fmt, ...)
{
    char text[600];
    size_t *failed = gc_xcalloc(1, sizeof *failed), count = 1, cap = 1;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mark_failed(run, file, text);
    failed[0] = file;
    while (count) { /* no recursion: a chain may be as long as the plan */
        file = failed[--count];
        snprintf(text, sizeof text, "it depends on %.500s, which failed",
                 run->stats.files[file].path);
        for (size_t k = run->dependents_first[file]; k < run->dependents_first[file + 1];
             k++) {
            if (run->files[run->dependents[k]].step != RUN_BLOCKED)
                continue;
            mark_failed(run, run->dependents[k], text);
            failed = gc_grow(failed, count, &cap, sizeof *failed);
            failed[count++] = run->dependents[k];
        }
    }
    free(failed);
}

/* ---- templates ---- */

static void write_template(gc_run *run, size_t file, const gc_buf *content)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    gc_errinfo info = { 0 };
    gc_put put;
    char *sources = run_sources(f);
    gc_made made = { .path = f->path,
                     .mem = content->ptr,
                     .len = content->len,
                     .fingerprint = run->files[file].fingerprint,
                     .how = "template",
                     .sources = sources };
    if (gc_output_put(run->output, &made, run->files[file].decision.action,
                      run->options->on_edit, &put, &info)) {
        run_fail(run, file, "%s", info.text);
        run_stop(run, GC_EXIT_FILES, "%s", info.text);
    } else {
        if (put == GC_PUT_BESIDE || put == GC_PUT_CONFLICT)
            gc_strv_add(&run->edits, f->path);
        run_finish(run, file, "template");
    }
    free(sources);
}

/* ---- decisions ---- */

static gc_err render(gc_run *run, size_t file, gc_buf *out)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    gc_errinfo info = { 0 };
    const char *directory = run->config->templates_directory;
    json_t *data = f->template_data ? json_loads(f->template_data, 0, NULL) : NULL;
    gc_err err = f->template_data ? gc_project_render_data(directory, f->template_name,
                                                           data, out, &info)
                                  : gc_project_render(directory, f->template_name,
                                                      run->project.fcs, out, &info);
    json_decref(data);
    if (err) {
        run_fail(run, file, "%s", info.text);
        run_stop(run, GC_EXIT_USAGE, "%s", info.text);
    }
    return err;
}

static void fingerprint_llm(gc_run *run, size_t file)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    gc_sha *apis = gc_xcalloc(f->edge_count, sizeof *apis);
    for (size_t e = 0; e < f->edge_count; e++)
        apis[e] = run->files[f->edges[e].file].api;
    run->files[file].fingerprint = gc_fingerprint_llm(&run->fp, f, apis);
    free(apis);
}

static void decide(gc_run *run, size_t file)
{
    const char *path = run->project.plan->files[file].path;
    gc_errinfo info = { 0 };
    gc_tree_file tree;
    if (gc_output_look(run->output, path, run->ours, &tree, &info)) {
        run_fail(run, file, "%s", info.text);
        run_stop(run, GC_EXIT_FILES, "%s", info.text);
        return;
    }
    /* A baseline reads the state for the sake of hand edits only, and keeps nothing but what
     * the job that it resumes has paid for. */
    bool resumed = tree.exists && tree.ours;
    bool again = run->options->force || (run->options->no_optimization && !resumed);
    run->files[file].decision = gc_delta_planned(
        &run->files[file].fingerprint, gc_state_find(gc_output_state(run->output), path),
        &tree, run->options->on_edit, again);
}

static bool has_dependents(const gc_run *run, size_t file)
{
    return run->dependents_first[file] != run->dependents_first[file + 1];
}

static void learn_api(gc_run *run, size_t file)
{
    gc_errinfo info = { 0 };
    if (has_dependents(run, file) &&
        gc_output_api(run->output, run->stats.files[file].path, &run->files[file].api,
                      &info))
        run_stop(run, GC_EXIT_FILES, "%s", info.text);
}

/* Nothing to make: the file on disk stands. */
static void keep(gc_run *run, size_t file)
{
    const char *path = run->stats.files[file].path;
    gc_errinfo info = { 0 };
    if (run->files[file].decision.action == GC_KEEP_EDIT) {
        gc_strv_add(&run->edits, path);
        if (gc_output_keep(run->output, path, &run->files[file].fingerprint, &info))
            run_stop(run, GC_EXIT_FILES, "%s", info.text);
    }
    learn_api(run, file);
    run_finish(run, file, "kept");
}

static void decide_template(gc_run *run, size_t file, bool look_only)
{
    gc_buf content;
    gc_buf_init(&content, (size_t)16 << 20);
    if (render(run, file, &content) == GC_OK) {
        run->files[file].fingerprint = gc_fingerprint_template(
            &run->project.plan->files[file], content.ptr, content.len);
        decide(run, file);
        gc_action action = run->files[file].decision.action;
        if (run->files[file].step == RUN_FAILED)
            ;
        else if (action == GC_KEEP || action == GC_KEEP_EDIT)
            keep(run, file);
        else if (look_only)
            run_set_step(run, file, RUN_READY);
        else
            write_template(run, file, &content);
    }
    gc_buf_release(&content);
}

static void decide_llm(gc_run *run, size_t file)
{
    fingerprint_llm(run, file);
    decide(run, file);
    if (run->files[file].step == RUN_FAILED)
        return;
    gc_action action = run->files[file].decision.action;
    if (action == GC_KEEP || action == GC_KEEP_EDIT) {
        keep(run, file);
        return;
    }
    run_set_step(run, file, RUN_READY);
    run->stats.files[file].state = GC_FILE_STATE_QUEUED;
}

static void decide_file(gc_run *run, size_t file, bool look_only)
{
    if (run->files[file].step != RUN_BLOCKED || run->files[file].blockers)
        return;
    if (run->project.plan->files[file].how == GC_BY_TEMPLATE)
        decide_template(run, file, look_only);
    else
        decide_llm(run, file);
}

/* Writing takes its time (an fsync each): between turns the rest of the run goes on. */
static void decide_templates(gc_run *run, bool look_only)
{
    int64_t until = gc_clock_ms() + WRITE_SLICE_MS;
    for (; run->next_template < run->project.plan->file_count; run->next_template++) {
        size_t file = run->next_template;
        if (run->project.plan->files[file].how != GC_BY_TEMPLATE)
            continue;
        if (!look_only && gc_clock_ms() >= until)
            return;
        decide_file(run, file, look_only);
    }
}

bool run_decide(gc_run *run, bool look_only)
{
    size_t before = run->stats.done;
    for (size_t i = 0; !run->decided_once && i < run->project.plan->file_count; i++)
        if (run->project.plan->files[i].how == GC_BY_LLM)
            decide_file(run, i, look_only);
    run->decided_once = true;
    decide_templates(run, look_only);
    while (run->unblocked_count) /* finishing one may let others be decided */
        decide_file(run, run->unblocked[--run->unblocked_count], look_only);
    return run->stats.done > before;
}

bool run_more_to_decide(const gc_run *run)
{
    return run->next_template < run->project.plan->file_count;
}
