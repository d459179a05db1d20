#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/project.h"
#include "common/text.h"
#include "coordinator/run_private.h"

/* The rest of the run gets its turn in between. */
#define WRITE_SLICE_MS 100

char *run_sources(const gc_plan_file *file)
{
    return gc_strv_join(&file->entities, ",");
}

/* ---- ends of a file ---- */

static void tell_event(gc_run *run, const gc_file_stat *stat, const char *state)
{
    json_t *event =
        json_pack("{s:s, s:s, s:s, s:f, s:s*}", "event", "file", "path", stat->path,
                  "state", state, "cost_usd", stat->cost_usd, "reason", stat->reason);
    char *text = json_dumps(event, JSON_COMPACT | JSON_REAL_PRECISION(12));
    run_tell(run, text);
    free(text);
    json_decref(event);
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
    char line[700];
    gc_one_line(line, sizeof line, text); /* workers, providers and models speak in it */
    free(stat->problem);
    stat->problem = gc_xstrdup(line);
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
        const size_t *list;
        size_t dependents = gc_decider_dependents(run->decider, file, &list);
        for (size_t k = 0; k < dependents; k++) {
            if (run->files[list[k]].step != RUN_BLOCKED)
                continue;
            mark_failed(run, list[k], text);
            failed = gc_grow(failed, count, &cap, sizeof *failed);
            failed[count++] = list[k];
        }
    }
    free(failed);
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

gc_decision run_decision(const gc_run *run, size_t file)
{
    return gc_decider_file(run->decider, file)->decision;
}

const gc_sha *run_fingerprint(const gc_run *run, size_t file)
{
    return &gc_decider_file(run->decider, file)->fingerprint;
}

static void keep_reason(gc_run *run, size_t file)
{
    char why[GC_WHY_SIZE];
    run_why(run, file, why);
    free(run->stats.files[file].reason);
    run->stats.files[file].reason = gc_xstrdup(why);
}

/* False: nobody can look there, and the file has failed. */
static bool decide(gc_run *run, size_t file, const gc_sha *fingerprint)
{
    gc_errinfo info = { 0 };
    gc_tree_file tree;
    if (gc_output_look(run->output, run->stats.files[file].path, run->ours, &tree,
                       &info)) {
        run_fail(run, file, "%s", info.text);
        run_stop(run, GC_EXIT_FILES, "%s", info.text);
        return false;
    }
    gc_decider_decide(run->decider, file, fingerprint, &tree);
    if (!gc_decider_stands(run->decider, file))
        keep_reason(run, file);
    return true;
}

void run_settle(gc_run *run, size_t file)
{
    gc_errinfo info = { 0 };
    gc_sha api = { "" };
    const size_t *list;
    if (gc_decider_dependents(run->decider, file, &list) &&
        gc_output_api(run->output, run->stats.files[file].path, &api, &info))
        run_stop(run, GC_EXIT_FILES, "%s", info.text);
    gc_decider_settle(run->decider, file, &api);
}

/* Nothing to make: the file on disk stands. */
static void keep(gc_run *run, size_t file)
{
    const char *path = run->stats.files[file].path;
    gc_errinfo info = { 0 };
    if (run_decision(run, file).action == GC_KEEP_EDIT) {
        gc_strv_add(&run->edits, path);
        if (gc_output_keep(run->output, path, run_fingerprint(run, file), &info))
            run_stop(run, GC_EXIT_FILES, "%s", info.text);
    }
    run_settle(run, file);
    run_finish(run, file, "kept");
}

static void wait_to_be_made(gc_run *run, size_t file)
{
    run_set_step(run, file, RUN_READY);
    run->stats.files[file].state = GC_FILE_STATE_QUEUED;
}

/* Known before it is done: a run that ends in between leaves a file that is ours. */
static void intend(gc_run *run, size_t file, const gc_buf *content)
{
    gc_sha sha = gc_sha256(content->ptr, content->len);
    memcpy(run->files[file].collect_sha, sha.hex, sizeof sha.hex);
    wait_to_be_made(run, file);
}

gc_err run_template_sha(gc_run *run, const char *name, gc_sha *out, gc_errinfo *info)
{
    const gc_sha *known = gc_map_get(run->template_shas, name);
    gc_err err = GC_OK;
    if (known)
        *out = *known;
    else
        err = gc_project_template_sha(run->config->templates_directory, name, out, info);
    if (!known && !err)
        gc_map_set(run->template_shas, name, gc_xmemdup(out, sizeof *out));
    return err;
}

/* False: the file has failed. What is told to a template stands for what it makes of it;
 * where that is the whole FCS, it is rendered into `content`. */
static bool fingerprint_template(gc_run *run, size_t file, gc_buf *content, gc_sha *out)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    gc_errinfo info = { 0 };
    gc_sha text;
    if (!f->template_data) {
        if (render(run, file, content))
            return false;
        *out = gc_fingerprint_template(f, content->ptr, content->len);
        return true;
    }
    if (run_template_sha(run, f->template_name, &text, &info)) {
        run_fail(run, file, "%s", info.text);
        run_stop(run, GC_EXIT_USAGE, "%s", info.text);
        return false;
    }
    *out = gc_fingerprint_data(f, &text);
    return true;
}

static void decide_template(gc_run *run, size_t file, bool look_only)
{
    gc_buf content;
    gc_sha fingerprint;
    gc_buf_init(&content, (size_t)16 << 20);
    if (fingerprint_template(run, file, &content, &fingerprint)) {
        if (!decide(run, file, &fingerprint))
            ;
        else if (gc_decider_stands(run->decider, file))
            keep(run, file);
        else if (!content.len && render(run, file, &content))
            ; /* who looks learns of a broken template, too */
        else if (look_only)
            intend(run, file, &content);
        else
            run_write_later(run, file, &content, "template");
    }
    gc_buf_release(&content);
}

static void decide_llm(gc_run *run, size_t file)
{
    gc_sha fingerprint = gc_fingerprint_llm(&run->fp, &run->project.plan->files[file],
                                            gc_decider_apis(run->decider, file));
    if (!decide(run, file, &fingerprint))
        return;
    if (gc_decider_stands(run->decider, file))
        keep(run, file);
    else
        wait_to_be_made(run, file);
}

void run_decide(gc_run *run, bool look_only)
{
    size_t file;
    for (;;) {
        if (gc_decider_next(run->decider, GC_BY_LLM, &file))
            decide_llm(run, file);
        else if (look_only && gc_decider_next(run->decider, GC_BY_TEMPLATE, &file))
            decide_template(run, file, true);
        else
            return;
    }
}

void run_write_templates(gc_run *run)
{
    int64_t until = gc_clock_ms() + WRITE_SLICE_MS;
    size_t file;
    while (!run->stopping && gc_clock_ms() < until &&
           gc_decider_next(run->decider, GC_BY_TEMPLATE, &file))
        decide_template(run, file, false);
    run_write_now(run);
}

void run_foresee(gc_run *run)
{
    for (size_t i = 0; i < run->project.plan->file_count; i++) {
        const gc_plan_file *f = &run->project.plan->files[i];
        if (f->how != GC_BY_LLM || run_decision(run, i).action != GC_PENDING)
            continue;
        gc_sha fingerprint =
            gc_fingerprint_llm(&run->fp, f, gc_decider_last_apis(run->decider, i));
        gc_decider_foresee(run->decider, i, &fingerprint);
    }
}

void run_decide_orphans(gc_run *run)
{
    gc_errinfo info = { 0 };
    gc_tree_file tree;
    for (size_t i = 0; i < gc_decider_orphans(run->decider); i++) {
        const char *path = gc_decider_orphan(run->decider, i)->path;
        if (gc_output_look(run->output, path, run->ours, &tree, &info))
            run_stop(run, GC_EXIT_FILES, "%s", info.text);
        else
            gc_decider_decide_orphan(run->decider, i, &tree);
    }
}
