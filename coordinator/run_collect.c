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

static void take_hit(gc_run *run, size_t file, const char *sha256)
{
    run_file *f = &run->files[file];
    run_set_step(run, file, RUN_COLLECT);
    f->collect_how = "reused";
    memcpy(f->collect_sha, sha256, sizeof f->collect_sha);
}

#define LOOKUP_BATCH 256

/* The job's checkpoint names what was found; files that it does not get stay ready, and are
 * asked for again later. */
static void take_hits(gc_run *run, const size_t *files, const char *const *shas,
                      size_t count)
{
    const char *paths[LOOKUP_BATCH];
    for (size_t i = 0; i < count; i++)
        paths[i] = run->stats.files[files[i]].path;
    bool all = gc_store_file_refs(run->store, run->job, paths, shas, count) == GC_OK;
    for (size_t i = 0; i < count; i++)
        if (all || gc_store_file_ref(run->store, run->job, paths[i], shas[i]) == GC_OK)
            take_hit(run, files[i], shas[i]);
}

static void lookup_batch(gc_run *run, const size_t *files, size_t count)
{
    const char *fingerprints[LOOKUP_BATCH], *shas[LOOKUP_BATCH];
    size_t hits[LOOKUP_BATCH], hit_count = 0;
    gc_gen found[LOOKUP_BATCH];
    memset(found, 0, sizeof found);
    for (size_t i = 0; i < count; i++)
        fingerprints[i] = run_fingerprint(run, files[i])->hex;
    if (store_trouble(run, gc_store_gen_find(run->store, fingerprints, count, found)))
        return;
    for (size_t i = 0; i < count; i++) {
        if (!found[i].sha256 || !gc_sha_valid(found[i].sha256))
            continue;
        shas[hit_count] = found[i].sha256;
        hits[hit_count++] = files[i];
    }
    if (hit_count)
        take_hits(run, hits, shas, hit_count);
    for (size_t i = 0; i < count; i++)
        gc_gen_release(&found[i]);
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

static void take_content(gc_run *run, size_t file, gc_err err, gc_buf *content)
{
    run_file *f = &run->files[file];
    if (err == GC_ENOENT || err == GC_EPROTO) {
        gc_log_warn("cache.damaged", "path=%s sha256=%s err=\"%s\"",
                    run->stats.files[file].path, f->collect_sha, gc_err_str(err));
        run_set_step(run, file, RUN_READY); /* made again; a cache never fails a job */
    } else if (!store_trouble(run, err)) {
        run_write_later(run, file, content, f->collect_how);
    }
}

static void collect(gc_run *run, const size_t *files, size_t count)
{
    const char *shas[GC_STORE_BLOBS];
    gc_buf contents[GC_STORE_BLOBS];
    gc_err errs[GC_STORE_BLOBS];
    for (size_t i = 0; i < count; i++) {
        shas[i] = run->files[files[i]].collect_sha;
        gc_buf_init(&contents[i], FILE_LIMIT);
    }
    gc_store_blobs_get(run->store, shas, count, contents, errs);
    for (size_t i = 0; i < count; i++) {
        if (run->verdict != GC_EXIT_FILES)
            take_content(run, files[i], errs[i], &contents[i]);
        gc_buf_release(&contents[i]);
    }
}

/* Writing many files takes longer than a claim on the job lasts: heartbeats, signals and
 * messages get their turn in between. */
#define COLLECT_BUDGET_MS 500

void run_collect(gc_run *run)
{
    int64_t until = gc_clock_ms() + COLLECT_BUDGET_MS;
    run->collect_more = false;
    for (size_t i = 0; i < run->stored.count && !run->collect_more;) {
        size_t files[GC_STORE_BLOBS], count = 0; /* the list may grow meanwhile */
        if (run->verdict == GC_EXIT_FILES)
            break;
        while (count < GC_STORE_BLOBS && i < run->stored.count)
            files[count++] = run->stored.files[i++];
        collect(run, files, count);
        run->collect_more = gc_clock_ms() >= until;
    }
    run_write_now(run);
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
