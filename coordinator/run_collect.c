#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "coordinator/run_private.h"

#define FILE_LIMIT ((size_t)64 << 20)

/* Redis may be away for so long before the run gives up (private Redis is restarted). */
#define STORE_PATIENCE_MS 60000

static bool store_trouble(gc_run *run, gc_err err)
{
    int64_t now_ms = gc_clock_ms();
    if (!err) {
        run->store_down_since = 0;
        return false;
    }
    if (!run->store_down_since) {
        run->store_down_since = now_ms;
        gc_log_warn("store.away", "err=\"%s\"", gc_err_str(err));
    }
    if (now_ms - run->store_down_since > STORE_PATIENCE_MS)
        run_stop(run, GC_EXIT_NETWORK,
                 "Redis has not answered for %d seconds; nothing is lost: "
                 "start it and run the same command with --resume",
                 STORE_PATIENCE_MS / 1000);
    return true;
}

/* ---- the shared generation cache ---- */

static void take_hit(gc_run *run, size_t file, const gc_gen *gen)
{
    run_file *f = &run->files[file];
    if (gc_store_file_ref(run->store, run->job, run->stats.files[file].path, gen->sha256))
        return; /* stays ready; asked for again later */
    run_set_step(run, file, RUN_COLLECT);
    f->collect_how = "reused";
    memcpy(f->collect_sha, gen->sha256, sizeof f->collect_sha);
}

#define LOOKUP_BATCH 256

static void lookup_batch(gc_run *run, const size_t *files, size_t count)
{
    const char *fingerprints[LOOKUP_BATCH];
    gc_gen found[LOOKUP_BATCH];
    memset(found, 0, sizeof found);
    for (size_t i = 0; i < count; i++)
        fingerprints[i] = run_fingerprint(run, files[i])->hex;
    if (store_trouble(run, gc_store_gen_find(run->store, fingerprints, count, found)))
        return;
    for (size_t i = 0; i < count; i++) {
        if (found[i].sha256 && gc_sha_valid(found[i].sha256))
            take_hit(run, files[i], &found[i]);
        gc_gen_release(&found[i]);
    }
}

void run_lookup(gc_run *run)
{
    if (!run->config->incremental_enabled || run->options->force)
        return;
    size_t batch[LOOKUP_BATCH], count = 0, due;
    size_t *files = run_ready_files(run, gc_clock_ms(), &due);
    for (size_t i = 0; i < due; i++) {
        if (run->files[files[i]].complaint)
            continue;
        batch[count++] = files[i];
        if (count == LOOKUP_BATCH) {
            lookup_batch(run, batch, count);
            count = 0;
        }
    }
    if (count)
        lookup_batch(run, batch, count);
    free(files);
}

/* ---- from Redis to disk ---- */

/* The text that a hand edit started from, for a merge. */
static void load_base(gc_run *run, const char *path, gc_buf *base)
{
    const gc_state_file *state = gc_state_find(gc_output_state(run->output), path);
    if (state && *state->sha256 && gc_store_blob_get(run->store, state->sha256, base))
        gc_buf_reset(base);
}

static void report_put(gc_run *run, const char *path, gc_put put)
{
    if (put == GC_PUT_BESIDE || put == GC_PUT_CONFLICT) {
        gc_strv_add(&run->edits, path);
        gc_progress_note(run->progress,
                         "%s was changed by hand%s: it stays, the new text is in "
                         "%s.gc-new",
                         path, put == GC_PUT_CONFLICT ? " and cannot be merged" : "",
                         path);
    } else if (put == GC_PUT_MERGED) {
        gc_progress_note(run->progress, "%s was changed by hand: merged", path);
    }
}

static gc_err put_file(gc_run *run, size_t file, const gc_buf *content)
{
    run_file *f = &run->files[file];
    const gc_plan_file *plan = &run->project.plan->files[file];
    gc_action action = run_decision(run, file).action;
    gc_errinfo info = { 0 };
    gc_buf base;
    gc_put put = GC_PUT_WRITTEN;
    gc_buf_init(&base, FILE_LIMIT);
    bool merge = action == GC_MAKE_BESIDE && run->options->on_edit == GC_EDIT_MERGE;
    if (merge)
        load_base(run, plan->path, &base);
    char *sources = run_sources(plan);
    gc_made made = { plan->path,
                     content->ptr,
                     content->len,
                     *run_fingerprint(run, file),
                     f->collect_how,
                     sources,
                     base.len ? base.ptr : NULL,
                     base.len };
    gc_err err =
        gc_output_put(run->output, &made, action, run->options->on_edit, &put, &info);
    if (err) {
        run_fail(run, file, "%s", info.text);
        run_stop(run, GC_EXIT_FILES,
                 "%s; the answer is kept in Redis: mend this and run the same "
                 "command with --resume",
                 info.text);
    } else {
        report_put(run, plan->path, put);
    }
    free(sources);
    gc_buf_release(&base);
    return err;
}

static void collect(gc_run *run, size_t file)
{
    run_file *f = &run->files[file];
    gc_buf content;
    gc_buf_init(&content, FILE_LIMIT);
    gc_err err = gc_store_blob_get(run->store, f->collect_sha, &content);
    if (err == GC_ENOENT || err == GC_EPROTO) {
        gc_log_warn("cache.damaged", "path=%s sha256=%s err=\"%s\"",
                    run->stats.files[file].path, f->collect_sha, gc_err_str(err));
        run_set_step(run, file, RUN_READY); /* made again; a cache never fails a job */
    } else if (!store_trouble(run, err) && put_file(run, file, &content) == GC_OK) {
        run_settle(run, file);
        run_finish(run, file, f->collect_how);
    }
    gc_buf_release(&content);
}

/* Writing many files takes longer than a claim on the job lasts: heartbeats, signals and
 * messages get their turn in between. */
#define COLLECT_BUDGET_MS 500

void run_collect(gc_run *run)
{
    int64_t until = gc_clock_ms() + COLLECT_BUDGET_MS;
    run->collect_more = false;
    for (size_t i = 0; i < run->stored.count && !run->collect_more; i++) {
        if (run->verdict == GC_EXIT_FILES)
            break;
        collect(run, run->stored.files[i]);
        run->collect_more = gc_clock_ms() >= until;
    }
    run_forget_stored(run);
}

/* ---- orphans ---- */

static gc_exit remove_orphan(gc_run *run, const gc_orphan *orphan)
{
    gc_errinfo info = { 0 };
    if (orphan->decision.action == GC_LEAVE) {
        gc_strv_add(&run->edits, orphan->path);
        gc_progress_note(run->progress,
                         "%s is no longer planned, but was changed by hand: it "
                         "stays",
                         orphan->path);
        return GC_EXIT_OK;
    }
    gc_strv_add(&run->removed, orphan->path);
    if (gc_output_remove(run->output, orphan->path, &info) == GC_OK) {
        run->stats.removed++;
        return GC_EXIT_OK;
    }
    run_stop(run, GC_EXIT_FILES, "%s", info.text);
    return GC_EXIT_FILES;
}

gc_exit run_remove_orphans(gc_run *run)
{
    run_decide_orphans(run); /* only now: they may have been edited meanwhile */
    gc_exit code = run->verdict;
    for (size_t i = 0; i < gc_decider_orphans(run->decider) && code == GC_EXIT_OK; i++)
        code = remove_orphan(run, gc_decider_orphan(run->decider, i));
    return code;
}
