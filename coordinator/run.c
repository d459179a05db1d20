#include "coordinator/run.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "coordinator/null_run.h"
#include "coordinator/report.h"
#include "coordinator/report_html.h"
#include "coordinator/run_private.h"

#define RENEW_EVERY_MS 3000
#define TICK_MS 200
#define LEAST_BLOCKS 16 /* of the file system: with less the disk is full */
#define METRICS_LIMIT ((size_t)512 << 20)

/* First stop signal: running calls may end and be stored; the next one ends at once. */
#define DRAIN_MS 10000

/* How long to wait for workers to let go of cancelled calls. */
#define CANCEL_MS 1500

/* No broker has answered at all for so long: nobody is there. */
#define BROKER_PATIENCE_MS 25000

/* ---- watching ---- */

static void read_signals(gc_run *run, int64_t now_ms)
{
    struct signalfd_siginfo si;
    while (read(run->signal_fd, &si, sizeof si) == (ssize_t)sizeof si) {
        run->signals++;
        run_stop(run, GC_EXIT_INTERRUPTED, "interrupted");
        if (run->signals == 1) {
            bool wait = run->local && run->tasks_sent;
            run->drain_until = wait ? now_ms + DRAIN_MS : now_ms;
            if (wait)
                gc_progress_note(run->progress,
                                 "stopping: running calls may finish (%d s); press "
                                 "Ctrl-C again to stop at once",
                                 DRAIN_MS / 1000);
        } else {
            run->drain_until = now_ms;
        }
    }
}

/* Readers of the job see how far it is in the graph. */
static void tell_level(gc_run *run)
{
    size_t level = run_lowest_level(run);
    char number[32];
    if (level == run->level)
        return;
    snprintf(number, sizeof number, "%zu", level);
    if (gc_store_job_set(run->store, run->job, "level", number) == GC_OK)
        run->level = level;
}

static void renew_owner(gc_run *run, int64_t now_ms)
{
    bool cancelled = false;
    if (now_ms - run->renewed_at < RENEW_EVERY_MS)
        return;
    run->renewed_at = now_ms;
    tell_level(run);
    run_watch_slots(run);
    run_pass_lessons_on(run);
    gc_err err = run_renew_claim(run);
    if (err == GC_ENOENT) {
        gc_log_warn("job.record_lost", "job=%s", run->job);
        err = run_restore(run); /* at trouble again with the next renewal */
    }
    if (err == GC_ESTATE)
        run_stop(run, GC_EXIT_GENERAL, "another coordinator has taken job %s over",
                 run->job);
    if (!err && gc_store_job_cancelled(run->store, run->job, &cancelled) == GC_OK &&
        cancelled)
        run_stop(run, GC_EXIT_INTERRUPTED, "the job was cancelled");
}

/* A private Redis cannot live without room, and dies of it before a file is written. */
static bool disk_is_full(const gc_run *run)
{
    struct statvfs disk;
    return statvfs(gc_root_path(gc_output_root(run->output)), &disk) == 0 &&
           disk.f_bavail < LEAST_BLOCKS;
}

static void watch_cluster(gc_run *run, int64_t now_ms)
{
    gc_errinfo info = { 0 };
    if (gc_local_failed(run->local, &info)) {
        if (disk_is_full(run))
            run_stop(run, GC_EXIT_FILES, "%s: no space left on device; %s",
                     gc_root_path(gc_output_root(run->output)), info.text);
        else
            run_stop(run, info.code == GC_EINVAL ? GC_EXIT_USAGE : GC_EXIT_GENERAL, "%s",
                     info.text);
    }
    if (gc_client_up(run->client))
        run->no_broker_warned = true;
    else if (!run->no_broker_warned && now_ms - run->started_at > BROKER_PATIENCE_MS)
        run_stop(run, GC_EXIT_NETWORK,
                 "no broker answers at %s; start one with `gc-broker --bind "
                 "ENDPOINT`, or leave --broker out for local mode",
                 gc_local_broker(run->local));
}

/* ---- the loop ---- */

static bool anything_open(const gc_run *run)
{
    size_t ended = run->step_count[RUN_DONE] + run->step_count[RUN_FAILED];
    return ended < run->project.plan->file_count;
}

/* When stopping: running calls may end while there is time, then what is stored is written. */
static bool may_leave(gc_run *run, int64_t now_ms)
{
    if (!run->stopping)
        return !anything_open(run);
    if (!run->drain_until)
        run->drain_until =
            now_ms + (run->let_finish ? run->config->llm_call_timeout_ms : DRAIN_MS);
    bool over = now_ms >= run->drain_until;
    bool writes = run->verdict != GC_EXIT_FILES &&
                  run->step_count[RUN_COLLECT]; /* else it cannot */
    return over || (!run->tasks_sent && !writes);
}

static void count_running(gc_run *run)
{
    gc_stats *s = &run->stats;
    s->in_flight = run->files_running;
    s->calls_in_flight = run->tasks_sent;
}

static void take_messages(gc_run *run, int64_t now_ms)
{
    gc_wire message;
    for (int budget = 256; budget > 0; budget--) {
        if (gc_client_next(run->client, now_ms, &message))
            return;
        run_on_message(run, &message, now_ms);
        gc_wire_release(&message);
    }
}

/* What needs no key comes first: templates, and what is in Redis. */
static void look_for_key(gc_run *run)
{
    if (run->keyless && !run->stopping && gc_schedule_count(&run->schedule) &&
        !gc_decider_more(run->decider))
        run_stop_without_key(run);
}

static void work(gc_run *run)
{
    for (;;) {
        int64_t now_ms = gc_clock_ms();
        read_signals(run, now_ms);
        renew_owner(run, now_ms);
        watch_cluster(run, now_ms);
        take_messages(run, now_ms);
        run_reconcile(run, now_ms);
        run_collect(run);
        if (!run->stopping) {
            run_decide(run, false);
            run_lookup(run);
            run_collect(run);
            run_make_tasks(run);
        }
        if (run->stopping && !run->taken_back)
            run->taken_back = run_take_back(run);
        if (!run->keyless)
            run_send_tasks(run, now_ms);
        run_write_templates(run); /* after the tasks: calls take longer */
        look_for_key(run);
        count_running(run);
        run_checkpoint(run, now_ms);
        if (may_leave(run, now_ms))
            return;
        int64_t wait = run_show(run, now_ms);
        int64_t session = gc_client_tick(run->client, now_ms);
        wait = session < wait ? session : wait;
        if (run->collect_more || (!run->stopping && gc_decider_more(run->decider)))
            wait = 0;
        gc_client_wait(run->client, run->signal_fd, wait < TICK_MS ? wait : TICK_MS);
    }
}

/* ---- the end ---- */

/* Stops running calls and waits a moment, so that their leases are free for the next run. */
static void cancel_calls(gc_run *run)
{
    gc_wire cancel;
    if (!run->client || !run->tasks_sent)
        return;
    gc_wire_init(&cancel, GC_CANCEL);
    cancel.job = gc_xstrdup(run->job);
    cancel.task = gc_xstrdup("");
    if (gc_client_send(run->client, &cancel))
        gc_log_info("job.cancel_unsent", "job=%s", run->job);
    gc_wire_release(&cancel);
    int64_t deadline = gc_clock_ms() + CANCEL_MS;
    while (run->tasks_sent && gc_clock_ms() < deadline) {
        gc_client_wait(run->client, -1, 50);
        take_messages(run, gc_clock_ms());
    }
    run_collect(run);
}

static const char *final_state(gc_run *run, gc_exit code)
{
    bool cancelled = false;
    switch (code) {
    case GC_EXIT_OK: return "done";
    case GC_EXIT_INTERRUPTED:
        if (gc_store_job_cancelled(run->store, run->job, &cancelled))
            gc_log_info("job.cancel_unknown", "job=%s", run->job);
        return cancelled ? "cancelled" : "interrupted";
    default: return "failed";
    }
}

static void record_job(gc_run *run, gc_exit code)
{
    if (!run->store)
        return;
    char number[32];
    snprintf(number, sizeof number, "%zu", run->stats.failed);
    if (gc_store_job_set(run->store, run->job, "files_failed", number) ||
        gc_store_job_state(run->store, run->job, run->owner, final_state(run, code),
                           true))
        gc_log_warn("job.state_unsaved", "job=%s", run->job);
}

static gc_exit save_output(gc_run *run, gc_exit code)
{
    gc_errinfo info = { 0 };
    if (code == GC_EXIT_OK) {
        code = run_remove_orphans(run);
        if (code != GC_EXIT_OK)
            fprintf(stderr, "error: %s\n", run->problem);
    }
    run_list_changes(run, &run->stats.changes); /* from the state that there was */
    if (code == GC_EXIT_OK && *run->fcs.hex)
        gc_output_set_fcs(run->output, run->fcs.hex);
    if (gc_output_save(run->output, &info)) {
        fprintf(stderr, "error: %s\n", info.text);
        return GC_EXIT_FILES;
    }
    run_drop_checkpoint(run); /* the state knows all of it now */
    if (code == GC_EXIT_OK)
        run_record_facts(run);
    return code;
}

/* Writes what `print` makes of the figures to `path` (NULL: not wanted). */
static gc_exit write_figures(gc_run *run, const char *path,
                             void (*print)(const gc_stats *stats, gc_buf *out),
                             gc_exit code)
{
    gc_errinfo info = { 0 };
    if (!path)
        return code;
    gc_buf text;
    gc_buf_init(&text, METRICS_LIMIT);
    print(&run->stats, &text);
    gc_err err = gc_write_file(path, text.ptr, text.len, &info);
    gc_buf_release(&text);
    if (!err)
        return code;
    fprintf(stderr, "error: %s\n", info.text);
    return code == GC_EXIT_OK ? GC_EXIT_FILES : code;
}

/* What ended the run is said at the end, with what to do. */
static void print_failures(const gc_run *run)
{
    for (size_t i = 0; i < run->stats.file_count; i++) {
        const gc_file_stat *f = &run->stats.files[i];
        if (f->state != GC_FILE_STATE_FAILED)
            continue;
        if (!strstr(f->problem, f->path))
            fprintf(stderr, "error: %s: %s\n", f->path, f->problem);
        else if (strncmp(run->problem, f->problem, strlen(f->problem)) != 0)
            fprintf(stderr, "error: %s\n", f->problem);
    }
}

static void print_how_to_go_on(gc_run *run, gc_exit code)
{
    size_t missing = run->stats.file_count - run->stats.done;
    if (run->problem[0])
        fprintf(stderr, "error: %s\n", run->problem);
    if (code == GC_EXIT_OK || !*run->job)
        return;
    fprintf(stderr,
            "%zu of %zu files are done, %zu are missing; nothing that was paid is lost.\n"
            "To go on: gc-coordinator %s -o %s --resume=%s (with the same options)\n",
            run->stats.done, run->stats.file_count, missing, run->options->spec,
            run->options->output, run->job);
    if (run->composer && missing)
        run->stats.missing_usd = run_estimate_missing(run).usd;
    if (run->stats.missing_usd > 0)
        fprintf(stderr, "What is missing would cost about $%.4f more.\n",
                run->stats.missing_usd);
}

static void warn_edit(const gc_run *run, const char *path, bool beside)
{
    const gc_state_file *f = gc_state_find(gc_output_state(run->output), path);
    if (f && f->conflict)
        fprintf(stderr,
                "warning: %s was changed by hand and is kept; it conflicts with the new "
                "text in %s.gc-new: merge them by hand, or take the new text with "
                "--on-edit overwrite\n",
                path, path);
    else if (beside)
        fprintf(stderr,
                "warning: %s was changed by hand and is kept; the new text is in "
                "%s.gc-new\n",
                path, path);
    else
        fprintf(stderr, "warning: %s was changed by hand and is kept\n", path);
}

static void warn_edits(const gc_run *run)
{
    for (size_t i = 0; i < run->edits.count; i++)
        warn_edit(run, run->edits.items[i], false);
    for (size_t i = 0; i < run->besides.count; i++)
        warn_edit(run, run->besides.items[i], true);
}

static void print_results(const gc_run *run)
{
    if (!run->options->json) {
        gc_report_print(&run->stats, run->options->results);
        return;
    }
    gc_buf text;
    gc_buf_init(&text, METRICS_LIMIT);
    gc_metrics_json(&run->stats, &text);
    fputs(text.ptr, run->options->results);
    gc_buf_release(&text);
}

static gc_exit finish(gc_run *run)
{
    gc_exit code = run->verdict;
    if (code == GC_EXIT_OK && run->stats.failed)
        code = GC_EXIT_GENERATION;
    run->stats.ended_ms = gc_clock_ms();
    if (run->stopping)
        cancel_calls(run);
    run_phase(run, NULL, run->stats.ended_ms);
    gc_progress_destroy(&run->progress);
    run_tell_now(run);
    run_complete_checkpoint(run);
    code = save_output(run, code);
    run_learn_from_this(run);
    run_fill_bounds(run);
    run_remember(run, code);
    record_job(run, code);
    warn_edits(run);
    print_failures(run);
    print_how_to_go_on(run, code);
    print_results(run);
    code = write_figures(run, run->options->metrics, gc_metrics_json, code);
    return write_figures(run, run->options->html, gc_report_html, code);
}

/* ---- generate ---- */

static bool nothing_to_do(const gc_run *run)
{
    return run->step_count[RUN_DONE] == run->project.plan->file_count &&
           !gc_decider_doubts(run->decider);
}

/* The first look was without Redis: what is not kept is decided again, knowing the job. */
static void decide_again(gc_run *run)
{
    for (size_t i = 0; i < run->project.plan->file_count; i++)
        if (run->files[i].step == RUN_READY)
            run_set_step(run, i, RUN_BLOCKED);
    gc_decider_reopen(run->decider);
    run_decide(run, false);
}

size_t run_print_questions(const gc_run *run, FILE *out)
{
    size_t open = 0;
    const gc_fcs *fcs = run->project.fcs;
    for (size_t i = 0; i < fcs->question_count; i++) {
        const gc_question *q = &fcs->questions[i];
        if (q->answer)
            continue;
        open++;
        fprintf(out, "%s:%d:%d: %s: question %s (%s): %s; default: %s\n",
                run->options->spec, q->line, q->column,
                run->options->strict ? "error" : "warning", q->id, q->subject, q->text,
                q->default_answer);
    }
    return open;
}

static gc_exit strict_questions(const gc_run *run)
{
    size_t open = run_print_questions(run, stderr);
    if (!open || !run->options->strict)
        return GC_EXIT_OK;
    fprintf(stderr, "error: %zu questions are open; answer them with --answers FILE\n",
            open);
    return GC_EXIT_CLARIFY;
}

/* One line of the terminal; the claim on the job is renewed meanwhile. False: a signal came
 * instead. */
static bool read_answer(gc_run *run, char *answer, size_t size)
{
    while (!run->stopping) {
        struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 },
                                { run->signal_fd, POLLIN, 0 } };
        poll(fds, 2, RENEW_EVERY_MS);
        renew_owner(run, gc_clock_ms());
        if (fds[1].revents)
            return false;
        if (fds[0].revents)
            return fgets(answer, (int)size, stdin) != NULL;
    }
    return false;
}

/* Asks before real money is spent, if there is somebody to ask. */
static bool confirmed(gc_run *run)
{
    double limit = run->config->limits_confirm_above_usd, usd = run->stats.expected_usd;
    if (run->options->yes || run->stats.simulated || limit <= 0 || usd <= limit ||
        !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return true;
    char answer[16] = "";
    fprintf(stderr, "This is expected to cost $%.2f. Go on? [y/N] ", usd);
    return read_answer(run, answer, sizeof answer) &&
           (answer[0] == 'y' || answer[0] == 'Y');
}

gc_progress *run_progress_new(const gc_options *options)
{
    const gc_config *c = &options->config;
    bool flag = options->progress != GC_PROGRESS_AUTO; /* stronger than the file */
    return gc_progress_new(c->progress_enabled || flag ? options->progress
                                                       : GC_PROGRESS_NONE,
                           c->progress_update_interval_ms);
}

/* Nobody pays for figures that have no place to go. */
static gc_exit check_places(const gc_options *o)
{
    const char *const places[] = { o->metrics, o->html };
    for (size_t i = 0; i < 2; i++) {
        gc_errinfo info = { 0 };
        if (!places[i] || gc_can_write_file(places[i], &info) == GC_OK)
            continue;
        fprintf(stderr, "error: %s\n", info.text);
        return GC_EXIT_FILES;
    }
    return GC_EXIT_OK;
}

static gc_exit generate(gc_run *run)
{
    gc_exit code = strict_questions(run);
    if (code == GC_EXIT_OK)
        code = run_open_output(run, false);
    if (code == GC_EXIT_OK)
        code = check_places(run->options); /* they may be in the output folder */
    if (code != GC_EXIT_OK)
        return code;
    run->progress = run_progress_new(run->options);
    run_phase(run, "plan", gc_clock_ms());
    run_decide(run, true);
    if (nothing_to_do(run) && run->options->resume_job) {
        code = run_require_job(run);
        if (code != GC_EXIT_OK)
            return code;
    }
    if (!nothing_to_do(run) && run->verdict == GC_EXIT_OK) {
        code = run_connect(run);
        if (code != GC_EXIT_OK)
            return code;
        run_checkpoint(run, gc_clock_ms()); /* before the first file is written */
        decide_again(run);
        run_count_tokens(run);
        run_look_ahead(run);
        gc_estimate expected = run_estimate(run);
        run->stats.expected_usd = expected.usd;
        run_tell_estimate(run, &expected);
        run_phase(run, "generate", gc_clock_ms());
        if (confirmed(run)) {
            run->stats.work_ms = gc_clock_ms();
            work(run);
        } else {
            run_stop(run, GC_EXIT_INTERRUPTED, "not confirmed; nothing was asked for");
        }
    }
    return finish(run);
}

gc_exit gc_run_generate(const gc_options *options)
{
    gc_run run;
    gc_exit code;
    gc_null_keys keys = { { "" }, { "" } };
    gc_sha before = { "" };
    bool cacheable = !options->resume_job && gc_null_key(options, &keys);
    if (cacheable && gc_null_generate(options, &keys, &code, &before))
        return code;
    run_begin(&run, options);
    if (cacheable)
        run.null_keys = keys;
    if (!cacheable || !run_means_the_same(&run, &before, &code)) {
        code = run_prepare(&run);
        if (code == GC_EXIT_OK)
            code = generate(&run);
    }
    run_close(&run);
    return code;
}
