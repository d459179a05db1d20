#include "coordinator/null_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "coordinator/output.h"
#include "coordinator/prepare.h"
#include "coordinator/progress.h"
#include "coordinator/report.h"
#include "coordinator/run_private.h"
#include "coordinator/seen.h"

/* ---- is all as it was? ---- */

typedef struct null_look {
    gc_root *root;
    gc_stamper stamper;
    gc_seen seen;
    int64_t written_ns; /* when `seen` was, by the file system's clock */
    int64_t begun_ns;
    size_t hashed; /* files whose stamp had changed, but not their text */
} null_look;

static void close_look(null_look *self)
{
    gc_stamper_release(&self->stamper);
    gc_seen_release(&self->seen);
    if (self->root)
        gc_root_close(&self->root);
}

/* True if there is a record, whole, of this very key. */
static bool open_look(null_look *self, const gc_options *options, const gc_sha *key,
                      gc_sha *meaning)
{
    gc_buf text;
    gc_stamp written;
    gc_seen found;
    *self = (null_look){ .begun_ns = gc_wall_ms() * 1000000 };
    gc_seen_init(&self->seen);
    gc_stamper_init(&self->stamper, NULL);
    if (gc_root_open(options->output, false, &self->root, NULL))
        return false;
    gc_stamper_init(&self->stamper, self->root);
    if (gc_stamper_look(&self->stamper, GC_SEEN_FILE, &written))
        return false;
    gc_buf_init(&text, GC_SEEN_MAX_BYTES);
    bool same = gc_root_read(self->root, GC_SEEN_FILE, &text, NULL) == GC_OK &&
                gc_seen_parse(&text, &found) == GC_OK;
    if (same) {
        gc_seen_release(&self->seen);
        self->seen = found;
        self->written_ns = written.mtime_ns;
        same = strcmp(self->seen.key.hex, key->hex) == 0;
        *meaning = self->seen.meaning;
    }
    gc_buf_release(&text);
    return same;
}

/* The stamp tells that nothing was done to the file, or else its bytes do. */
static bool file_same(null_look *self, const char *path, gc_stamp *stamp,
                      const unsigned char raw[GC_SHA_RAW])
{
    gc_stamp now;
    gc_sha sha;
    gc_err err = gc_stamper_look(&self->stamper, path, &now);
    if (!err && gc_stamp_equal(&now, stamp) &&
        !gc_seen_racy(&self->seen, stamp, self->written_ns))
        return true;
    if (err || gc_root_sha_stamped(self->root, path, &sha, stamp, NULL))
        return false;
    self->hashed++;
    return strcmp(sha.hex, gc_sha_of_raw(raw).hex) == 0;
}

/* A run that never came to its end has left news about files. */
static bool checkpoint_waits(gc_stamper *stamper, const gc_config *c)
{
    gc_stamp stamp;
    if (!c->resume_enabled)
        return false;
    char *path = gc_xasprintf("%s/" GC_CHECKPOINT_NAME, c->resume_checkpoint_dir);
    gc_err err = gc_stamper_look(stamper, path, &stamp);
    free(path);
    return err != GC_ENOENT;
}

static bool tree_same(null_look *self, const gc_config *c)
{
    gc_seen *seen = &self->seen;
    if (checkpoint_waits(&self->stamper, c) ||
        !file_same(self, c->incremental_state_file, &seen->state, seen->state_sha))
        return false;
    for (size_t i = 0; i < seen->count; i++)
        if (!file_same(self, seen->files[i].path, &seen->files[i].stamp,
                       seen->files[i].sha))
            return false;
    return true;
}

/* New stamps, so that the next look need not read those files again. */
static void renew(null_look *self)
{
    gc_buf text;
    gc_errinfo info = { 0 };
    if (!self->hashed)
        return;
    self->seen.begun_ns = self->begun_ns;
    gc_buf_init(&text, GC_SEEN_MAX_BYTES);
    gc_seen_print(&self->seen, &text);
    if (gc_root_write_cache(self->root, GC_SEEN_FILE, text.ptr, text.len, &info))
        gc_log_debug("seen.unsaved", "text=\"%s\"", info.text);
    gc_buf_release(&text);
}

/* ---- what the run would say ---- */

static void fill_stats(const gc_seen *seen, const gc_options *options,
                       const gc_project *project, gc_stats *s)
{
    const gc_config *c = &options->config;
    const gc_seen_figures *f = &seen->figures;
    *s = (gc_stats){ .spec = project->spec_name,
                     .provider = c->llm_provider,
                     .simulated = strcmp(c->llm_provider, "sim") == 0,
                     .model = project->model,
                     .optimization = true,
                     .file_count = seen->count,
                     .template_files = (size_t)f->template_files,
                     .llm_files = (size_t)f->llm_files,
                     .done = seen->count,
                     .kept = seen->count,
                     .max_cost_usd = c->limits_max_cost_usd,
                     .baseline_usd = f->baseline_usd,
                     .baseline_s = f->baseline_s,
                     .baseline_calls = (int64_t)f->baseline_calls,
                     .baseline_processed = (int64_t)f->baseline_processed,
                     .notes = seen->notes };
}

static void show_phase(const gc_options *options, const gc_stats *s)
{
    gc_view view = { .phase = "plan",
                     .simulated = s->simulated,
                     .files = s->file_count,
                     .done = s->done,
                     .elapsed_ms = s->ended_ms - s->started_ms,
                     .left_s = -1 };
    gc_progress *progress = run_progress_new(options);
    gc_progress_phase(progress, view.phase);
    gc_progress_end_phase(progress, &view);
    gc_progress_destroy(&progress);
    gc_view_release(&view);
}

static gc_exit say_nothing_to_do(const gc_seen *seen, const gc_options *options,
                                 int64_t started_ms)
{
    gc_project project = { 0 };
    gc_stats stats;
    fputs(seen->findings, stderr);
    gc_exit code = gc_project_load_model(options, &project);
    if (code == GC_EXIT_OK) {
        fputs(seen->questions, stderr);
        fill_stats(seen, options, &project, &stats);
        stats.started_ms = started_ms;
        stats.ended_ms = gc_clock_ms();
        show_phase(options, &stats);
        gc_report_print(&stats, options->results);
    }
    gc_project_release(&project);
    return code;
}

/* Results that name each file are made by the whole way. */
static bool names_files(const gc_options *options)
{
    return options->metrics || options->json || options->progress == GC_PROGRESS_JSON ||
           options->html;
}

bool gc_null_generate(const gc_options *options, const gc_null_keys *keys, gc_exit *code,
                      gc_sha *meaning)
{
    null_look look;
    int64_t started_ms = gc_clock_ms();
    *meaning = (gc_sha){ "" };
    if (names_files(options))
        return false;
    bool same = open_look(&look, options, &keys->all, meaning) &&
                gc_root_lock(look.root, GC_OUTPUT_LOCK, NULL) == GC_OK &&
                tree_same(&look, &options->config);
    if (same) {
        *code = say_nothing_to_do(&look.seen, options, started_ms);
        renew(&look);
    }
    close_look(&look);
    return same;
}

bool gc_null_check(const gc_options *options, const gc_null_keys *keys, size_t *files)
{
    null_look look;
    gc_sha meaning;
    bool same = open_look(&look, options, &keys->all, &meaning) &&
                tree_same(&look, &options->config);
    if (same) {
        gc_project project = { 0 };
        fputs(look.seen.findings, stderr);
        same = gc_project_load_model(options, &project) == GC_EXIT_OK;
        gc_project_release(&project);
        *files = look.seen.count;
    }
    close_look(&look);
    return same;
}

/* ---- leaving a record ---- */

/* Nothing was made, changed, removed or left to the user's eye. */
static bool nothing_done(const gc_run *run)
{
    size_t count = run->project.plan->file_count;
    if (run->edits.count || run->removed.count || run->stats.kept != count ||
        gc_map_count(gc_output_state(run->output)->files) != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (run_decision(run, i).action != GC_KEEP)
            return false;
    return true;
}

static void set_text(char **to, char *text)
{
    free(*to);
    *to = text;
}

static char *questions_text(const gc_run *run)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    run_print_questions(run, out);
    fclose(out);
    return text;
}

/* The key is taken again: a spec that was saved meanwhile is another one. */
static bool set_keys(const gc_run *run, gc_seen *seen)
{
    gc_null_keys keys;
    if (!gc_output_state_stamp(run->output, &seen->state, seen->state_sha) ||
        !gc_null_key(run->options, &keys) ||
        strcmp(keys.all.hex, run->null_keys.all.hex) != 0)
        return false;
    seen->key = keys.all;
    return true;
}

static void add_result(const gc_run *run, gc_seen *seen)
{
    const gc_stats *s = &run->stats;
    char *questions = NULL;
    if (!*run->null_keys.all.hex || !nothing_done(run) ||
        seen->count != run->project.plan->file_count ||
        !(questions = questions_text(run)))
        return;
    set_text(&seen->questions, questions);
    if (!set_keys(run, seen))
        return;
    if (!*run->project.findings && !*questions) /* those name lines */
        seen->meaning = run->meaning;
    seen->figures =
        (gc_seen_figures){ .template_files = s->template_files,
                           .llm_files = s->llm_files,
                           .baseline_calls = (uint64_t)s->baseline_calls,
                           .baseline_processed = (uint64_t)s->baseline_processed,
                           .baseline_usd = s->baseline_usd,
                           .baseline_s = s->baseline_s };
    set_text(&seen->findings, gc_xstrdup(run->project.findings));
    gc_strv_copy(&seen->notes, &s->notes);
}

void run_remember(gc_run *run, gc_exit code)
{
    gc_seen seen;
    if (!run_may_recall(run))
        return;
    gc_seen_init(&seen);
    for (size_t i = 0; i < run->project.plan->file_count; i++)
        gc_output_remember(run->output, run->project.plan->files[i].path, &seen);
    if (code == GC_EXIT_OK)
        add_result(run, &seen);
    gc_output_save_seen(run->output, &seen);
    gc_seen_release(&seen);
}

/* ---- other bytes, the same meaning ---- */

static bool nothing_to_wait_for(gc_run *run)
{
    gc_stamper stamper;
    gc_stamper_init(&stamper, gc_output_root(run->output));
    bool waits = checkpoint_waits(&stamper, run->config);
    gc_stamper_release(&stamper);
    return !waits;
}

/* The record of before, with the stamps of now and the key of the new bytes. */
static void remember_again(gc_run *run, const gc_seen *before)
{
    gc_seen seen;
    gc_seen_init(&seen);
    for (size_t i = 0; i < before->count; i++)
        gc_output_remember(run->output, before->files[i].path, &seen);
    if (seen.count == before->count && set_keys(run, &seen)) {
        seen.meaning = before->meaning;
        seen.figures = before->figures;
        gc_strv_copy(&seen.notes, &before->notes);
        gc_output_save_seen(run->output, &seen);
    }
    gc_seen_release(&seen);
}

bool run_means_the_same(gc_run *run, const gc_sha *before, gc_exit *code)
{
    const gc_project *p = &run->project;
    if (p->spec_tree && !p->diags.count && !p->answer_diags.count)
        run->meaning =
            gc_null_meaning(&run->null_keys.rest, p->spec_tree, p->answers_tree);
    if (!*before->hex || strcmp(before->hex, run->meaning.hex) != 0)
        return false;
    *code = run_take_output(run, false);
    if (*code != GC_EXIT_OK)
        return true; /* nothing is wrong with the spec: this is what there is to say */
    const gc_seen *seen = gc_output_as_recalled(run->output);
    if (!seen || strcmp(seen->meaning.hex, before->hex) != 0 || !nothing_to_wait_for(run))
        return false;
    gc_log_debug("spec.same", "files=%zu", seen->count);
    *code = say_nothing_to_do(seen, run->options, run->started_at);
    remember_again(run, seen);
    return true;
}
