/* From memory to disk: what is made goes to the output folder several files at a time, since
 * each wait for the disk takes as long for one file as for a hundred. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "coordinator/run_private.h"

#define FILE_LIMIT ((size_t)64 << 20)

/* As many wait in memory at most. */
#define MOST_FILES 128
#define MOST_BYTES ((size_t)8 << 20)

static bool is_template(const run_write *w)
{
    return strcmp(w->how, "template") == 0;
}

/* The text that a hand edit started from, for a merge. */
static void load_base(gc_run *run, run_write *w)
{
    const gc_state_file *state =
        gc_state_find(gc_output_state(run->output), run->stats.files[w->file].path);
    if (run->options->on_edit == GC_EDIT_MERGE && state && *gc_state_base(state) &&
        run_decision(run, w->file).action == GC_MAKE_BESIDE &&
        gc_store_blob_get(run->store, gc_state_base(state), &w->base))
        gc_buf_reset(&w->base);
}

void run_write_later(gc_run *run, size_t file, gc_buf *content, const char *how)
{
    run->writes =
        gc_grow(run->writes, run->write_count, &run->write_cap, sizeof *run->writes);
    run_write *w = &run->writes[run->write_count++];
    *w = (run_write){ .file = file, .how = how, .content = *content };
    gc_buf_init(content, 0);
    gc_buf_init(&w->base, FILE_LIMIT);
    load_base(run, w);
    run->write_bytes += w->content.len;
    if (run->write_count >= MOST_FILES || run->write_bytes >= MOST_BYTES)
        run_write_now(run);
}

static void report_put(gc_run *run, const char *path, gc_put put)
{
    if (put == GC_PUT_BESIDE || put == GC_PUT_CONFLICT) {
        gc_strv_add(&run->besides, path);
        gc_progress_note(run->progress,
                         "%s was changed by hand%s: it stays, the new text is in "
                         "%s.gc-new",
                         path, put == GC_PUT_CONFLICT ? " and cannot be merged" : "",
                         path);
    } else if (put == GC_PUT_MERGED) {
        gc_progress_note(run->progress, "%s was changed by hand: merged", path);
    }
}

/* One that cannot be written ends the run; the others that cannot are only missing. */
static void fail_write(gc_run *run, const run_write *w, const char *text)
{
    if (run->verdict == GC_EXIT_FILES)
        return;
    run_fail(run, w->file, "%s", text);
    run_stop(run, GC_EXIT_FILES, "%s%s", text,
             is_template(w) ? ""
                            : "; the answer is kept in Redis: mend this and run the "
                              "same command with --resume");
}

static void settle(gc_run *run, const run_write *w, const gc_put_file *put)
{
    if (put->err) {
        fail_write(run, w, put->info.text);
        return;
    }
    report_put(run, put->made.path, put->put);
    run_settle(run, w->file);
    run_finish(run, w->file, w->how);
}

static gc_put_file put_of(const gc_run *run, const run_write *w)
{
    const gc_plan_file *plan = &run->project.plan->files[w->file];
    return (gc_put_file){ .made = { .path = plan->path,
                                    .mem = w->content.ptr,
                                    .len = w->content.len,
                                    .fingerprint = *run_fingerprint(run, w->file),
                                    .how = w->how,
                                    .sources = run_sources(plan),
                                    .base = w->base.len ? w->base.ptr : NULL,
                                    .base_len = w->base.len },
                          .action = run_decision(run, w->file).action };
}

void run_write_now(gc_run *run)
{
    size_t count = run->write_count;
    if (!count)
        return;
    gc_put_file *files = gc_xcalloc(count, sizeof *files);
    for (size_t i = 0; i < count; i++)
        files[i] = put_of(run, &run->writes[i]);
    if (gc_output_put_all(run->output, files, count, run->options->on_edit))
        gc_log_debug("write.failed", "files=%zu", count); /* each tells for itself */
    for (size_t i = 0; i < count; i++) {
        settle(run, &run->writes[i], &files[i]);
        free((char *)files[i].made.sources);
        gc_buf_release(&run->writes[i].content);
        gc_buf_release(&run->writes[i].base);
    }
    free(files);
    run->write_count = 0;
    run->write_bytes = 0;
}
