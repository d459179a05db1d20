/* What a run leaves on its way for one that comes after it, and takes from one before: the
 * local checkpoint, which is the state as far as it has come, and the files of its job in
 * Redis. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "coordinator/run_private.h"

#define FILE_LIMIT ((size_t)64 << 20)
#define RENEW_EVERY_MS 3000

static char *checkpoint_path(const gc_run *run)
{
    return gc_xasprintf("%s/" GC_CHECKPOINT_NAME, run->config->resume_checkpoint_dir);
}

/* ---- from the run before ---- */

bool run_recover(gc_run *run)
{
    gc_errinfo info = { 0 };
    if (!run->config->resume_enabled)
        return false;
    char *path = checkpoint_path(run);
    gc_err err = gc_output_recover(run->output, path, &info);
    if (err && err != GC_ENOENT)
        gc_log_warn("checkpoint.damaged", "path=%s text=\"%s\"", path, info.text);
    free(path);
    return err != GC_ENOENT;
}

void run_adopt_files(gc_run *run, const char *job)
{
    gc_strv lines = { 0 };
    if (gc_store_files(run->store, job, &lines) == GC_OK) {
        for (size_t i = 0; i < lines.count; i++) {
            char *blank = strrchr(lines.items[i], ' ');
            if (!blank || !gc_sha_valid(blank + 1))
                continue;
            *blank = '\0';
            gc_map_set(run->ours, blank + 1, run);
            if (gc_plan_find(run->project.plan, lines.items[i]) < 0)
                gc_output_adopt(run->output, lines.items[i], blank + 1);
        }
    }
    gc_strv_release(&lines);
}

/* ---- the local checkpoint ---- */

static bool has_intent(const gc_run *run, size_t file)
{
    return run->project.plan->files[file].how == GC_BY_TEMPLATE &&
           run->files[file].step != RUN_DONE && *run->files[file].collect_sha;
}

/* What templates are about to write, as if they had: who finds the file knows whose it is.
 * What the LLM writes stands in Redis before it is on disk. */
static void add_intents(const gc_run *run, gc_state *state)
{
    for (size_t i = 0; i < run->project.plan->file_count; i++) {
        if (!has_intent(run, i))
            continue;
        const gc_plan_file *f = &run->project.plan->files[i];
        gc_state_file intent = { .how = (char *)"template", .sources = run_sources(f) };
        memcpy(intent.fingerprint, run_fingerprint(run, i)->hex,
               sizeof intent.fingerprint);
        memcpy(intent.sha256, run->files[i].collect_sha, sizeof intent.sha256);
        gc_state_copy_file(state, f->path, &intent);
        free(intent.sources);
    }
}

static void print_checkpoint(gc_run *run, gc_buf *out)
{
    const gc_state *state = gc_output_state(run->output);
    gc_state copy;
    size_t cursor = 0;
    const char *path;
    void *file;
    gc_state_init(&copy);
    memcpy(copy.fcs, state->fcs, sizeof copy.fcs);
    while (gc_map_next(state->files, &cursor, &path, &file))
        gc_state_copy_file(&copy, path, file);
    add_intents(run, &copy);
    gc_state_print(&copy, out);
    gc_state_release(&copy);
}

void run_checkpoint(gc_run *run, int64_t now_ms)
{
    const gc_config *c = run->config;
    gc_errinfo info = { 0 };
    if (!c->resume_enabled ||
        (run->checkpointed_at &&
         now_ms - run->checkpointed_at < c->resume_auto_checkpoint_interval_ms))
        return;
    run->checkpointed_at = now_ms;
    gc_buf text;
    gc_buf_init(&text, GC_STATE_MAX_BYTES);
    print_checkpoint(run, &text);
    char *path = checkpoint_path(run);
    if (gc_root_write(gc_output_root(run->output), path, text.ptr, text.len, &info))
        gc_log_warn("checkpoint.failed", "text=\"%s\"", info.text);
    free(path);
    gc_buf_release(&text);
}

void run_drop_checkpoint(gc_run *run)
{
    gc_errinfo info = { 0 };
    char *path = checkpoint_path(run);
    gc_err err = gc_root_remove(gc_output_root(run->output), path, &info);
    if (err && err != GC_ENOENT)
        gc_log_warn("checkpoint.stays", "text=\"%s\"", info.text);
    free(path);
}

/* ---- the job's files in Redis ---- */

#define CHECKPOINT_BATCH 128
#define CHECKPOINT_BYTES ((size_t)8 << 20)

/* Files whose text goes into the checkpoint. */
typedef struct texts {
    gc_store_file files[CHECKPOINT_BATCH];
    gc_buf bufs[CHECKPOINT_BATCH];
    size_t count, bytes;
} texts;

/* The claim on the job must not lapse while a large plan is stored. */
static void keep_claim(gc_run *run)
{
    int64_t now_ms = gc_clock_ms();
    if (now_ms - run->renewed_at < RENEW_EVERY_MS)
        return;
    run->renewed_at = now_ms;
    if (run_renew_claim(run))
        gc_log_warn("job.claim_unrenewed", "job=%s", run->job);
}

static void store_texts(gc_run *run, texts *self)
{
    keep_claim(run);
    if (gc_store_files_put(run->store, run->job, self->files, self->count))
        gc_log_warn("checkpoint.incomplete", "files=%zu first=%s", self->count,
                    self->files[0].path);
    for (size_t i = 0; i < self->count; i++)
        gc_buf_release(&self->bufs[i]);
    self->count = self->bytes = 0;
}

static void add_text(gc_run *run, texts *self, size_t file)
{
    const char *path = run->stats.files[file].path;
    gc_buf *text = &self->bufs[self->count];
    gc_buf_init(text, FILE_LIMIT);
    if (gc_root_read(gc_output_root(run->output), path, text, NULL)) {
        gc_log_warn("checkpoint.incomplete", "path=%s", path);
        gc_buf_release(text);
        return;
    }
    self->files[self->count++] = (gc_store_file){ path, text->ptr, text->len };
    self->bytes += text->len;
    if (self->count == CHECKPOINT_BATCH || self->bytes >= CHECKPOINT_BYTES)
        store_texts(run, self);
}

/* What is as an earlier job left it is in Redis already, as a rule: named, not sent again. */
static void checkpoint_kept(gc_run *run, texts *more, const size_t *files, size_t count)
{
    const char *paths[CHECKPOINT_BATCH], *shas[CHECKPOINT_BATCH];
    for (size_t i = 0; i < count; i++) {
        paths[i] = run->stats.files[files[i]].path;
        shas[i] = run->stats.files[files[i]].sha256;
    }
    keep_claim(run);
    if (gc_store_file_refs(run->store, run->job, paths, shas, count))
        for (size_t i = 0; i < count; i++)
            add_text(run, more, files[i]);
}

/* "path sha256" of what the job has in Redis; NULL: nobody knows. */
static gc_map *recorded_files(gc_run *run)
{
    gc_strv lines = { 0 };
    gc_map *known = NULL;
    if (gc_store_files(run->store, run->job, &lines) == GC_OK) {
        known = gc_map_new();
        for (size_t i = 0; i < lines.count; i++)
            gc_map_set(known, lines.items[i], run);
    }
    gc_strv_release(&lines);
    return known;
}

/* What came from Redis and is there no more: it was emptied, or was set back to an earlier
 * moment (a crash before its last writes were on disk, a replica that had missed them). */
static bool is_lost(const gc_run *run, const gc_map *recorded, size_t file)
{
    if (run->records_lost || !recorded)
        return run->records_lost;
    char *line =
        gc_xasprintf("%s %s", run->stats.files[file].path, run->files[file].collect_sha);
    bool lost = !gc_map_has(recorded, line);
    free(line);
    return lost;
}

static void tell_lost(const gc_run *run, size_t count)
{
    if (!count)
        return;
    gc_log_warn("redis.lost_writes", "job=%s files=%zu", run->job, count);
    fprintf(
        stderr,
        "warning: Redis has lost %zu stored files of this job; they are stored again\n",
        count);
}

void run_complete_checkpoint(gc_run *run)
{
    if (!run->store)
        return;
    size_t batch[CHECKPOINT_BATCH], count = 0, lost = 0;
    texts *more = gc_xcalloc(1, sizeof *more);
    gc_map *recorded = recorded_files(run);
    for (size_t i = 0; i < run->project.plan->file_count; i++) {
        const run_file *f = &run->files[i];
        bool collected = f->collect_how != NULL;
        if (f->step != RUN_DONE || (collected && !is_lost(run, recorded, i)))
            continue;
        lost += collected;
        if (run_decision(run, i).action == GC_KEEP &&
            gc_sha_valid(run->stats.files[i].sha256))
            batch[count++] = i;
        else
            add_text(run, more, i);
        if (count == CHECKPOINT_BATCH) {
            checkpoint_kept(run, more, batch, count);
            count = 0;
        }
    }
    if (count)
        checkpoint_kept(run, more, batch, count);
    if (more->count)
        store_texts(run, more);
    tell_lost(run, lost);
    gc_map_destroy(&recorded);
    free(more);
}
