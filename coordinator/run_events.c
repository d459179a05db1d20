#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "coordinator/run_private.h"

/* A file whose lease another task holds is looked for again after this time. */
#define WAIT_RETRY_MS 1000

/* Tasks without any sign of life are looked up in Redis and sent again. */
#define NEWS_TIMEOUT_MS 30000
#define RECONCILE_EVERY_MS 5000
#define REJECTED_LIMIT ((size_t)8 << 20)

/* ---- results ---- */

static long file_of(const gc_run *run, const run_task *task, const char *path)
{
    long index = gc_plan_find(run->project.plan, path);
    for (size_t i = 0; index >= 0 && i < task->file_count; i++)
        if (task->files[i] == (size_t)index)
            return index;
    return -1;
}

static void back_to_ready(gc_run *run, size_t file, int64_t delay_ms)
{
    run_set_step(run, file, RUN_READY);
    run->files[file].retry_at = delay_ms ? gc_clock_ms() + delay_ms : 0;
    run->stats.files[file].state = GC_FILE_STATE_QUEUED;
}

static void stored(gc_run *run, size_t file, const gc_file_result *r)
{
    run_file *f = &run->files[file];
    gc_file_stat *stat = &run->stats.files[file];
    if (!gc_sha_valid(r->sha256)) {
        back_to_ready(run, file, WAIT_RETRY_MS);
        return;
    }
    run_set_step(run, file, RUN_COLLECT);
    f->collect_how = r->outcome == GC_FILE_REUSED ? "reused" : "llm";
    memcpy(f->collect_sha, r->sha256, sizeof f->collect_sha);
    gc_usage_add(&stat->usage, &r->usage);
    stat->cost_usd += r->cost_usd;
}

/* The answer that did not pass is kept where the user can look at it. */
static void save_rejected(gc_run *run, size_t file, const char *sha256)
{
    const char *path = run->stats.files[file].path;
    gc_errinfo info = { 0 };
    gc_buf text;
    gc_buf_init(&text, REJECTED_LIMIT);
    char *name = gc_xasprintf(".gocreator/rejected/%s", path);
    gc_err err = gc_store_blob_get(run->store, sha256, &text);
    if (!err)
        err = gc_root_write(gc_output_root(run->output), name, text.ptr, text.len, &info);
    if (err)
        gc_log_warn("rejected.lost", "path=%s err=\"%s\"", path, gc_err_str(err));
    free(name);
    gc_buf_release(&text);
}

static void rejected(gc_run *run, size_t file, const gc_file_result *r)
{
    run_file *f = &run->files[file];
    gc_file_stat *stat = &run->stats.files[file];
    gc_usage_add(&stat->usage, &r->usage);
    stat->cost_usd += r->cost_usd;
    /* One that an answer for several left out, or had no room for, has not failed by itself. */
    bool kept = gc_sha_valid(r->sha256);
    bool own_fault = (kept && !r->partial) || f->alone;
    char why[300];
    gc_one_line(why, sizeof why, r->text);
    if (own_fault && f->repairs >= run->config->limits_max_repairs) {
        if (kept)
            save_rejected(run, file, r->sha256);
        run_fail(run, file, "the answer was refused %d times: %s%s%s",
                 (int)f->repairs + 1, why,
                 kept ? "; the last one is in .gocreator/rejected/" : "",
                 kept ? stat->path : "");
        return;
    }
    f->repairs += own_fault;
    f->alone = true;
    free(f->complaint);
    f->complaint = gc_xstrdup(r->text);
    back_to_ready(run, file, 0);
    gc_progress_note(run->progress, "%s: asked again (%.200s)", stat->path, why);
}

static bool made_something(const gc_result *result)
{
    for (size_t i = 0; i < result->file_count; i++)
        if (result->files[i].outcome == GC_FILE_MADE)
            return true;
    return false;
}

/* For the timeline; what was answered without a call is none of it. */
static void record_call(gc_stats *s, const run_task *task, const gc_result *result)
{
    if (!result->requests)
        return;
    double end = (double)(gc_clock_ms() - s->started_ms) / 1000;
    double seconds = result->seconds < end ? result->seconds : end;
    double start = end - seconds;
    s->calls = gc_grow(s->calls, s->call_count, &s->call_cap, sizeof *s->calls);
    s->calls[s->call_count++] =
        (gc_call_stat){ .task = gc_xstrdup(task->id),
                        .worker = gc_xstrdup(result->worker ? result->worker : ""),
                        .start_s = start > 0 ? start : 0,
                        .seconds = seconds,
                        .wait_s = result->first_byte_seconds,
                        .expected_s = task->turn.rank.call_s,
                        .files = task->file_count,
                        .usage = result->usage,
                        .cost_usd = result->cost_usd,
                        .unconfirmed_usd = result->unconfirmed_usd,
                        .calls = result->calls,
                        .failed = !made_something(result) };
}

/* What the provider was asked and paid for, whatever came of it. */
static void count_calls(gc_run *run, const gc_result *result)
{
    gc_stats *s = &run->stats;
    if (result->uncached > 0 && s->uncached_calls == 0)
        gc_progress_note(
            run->progress,
            "warning: the provider did not cache the marked start of a prompt "
            "(%lld bytes): it may be shorter than %s takes",
            (long long)gc_composer_marked_bytes(run->composer), run->project.model->id);
    s->uncached_calls += result->uncached;
    gc_usage_add(&s->unconfirmed, &result->unconfirmed);
    gc_usage_add(&s->usage, &result->usage);
    s->cost_usd += result->cost_usd;
    s->unconfirmed_usd += result->unconfirmed_usd;
    s->wasted_usd += result->wasted_usd;
    s->llm_calls += result->calls;
    s->requests += result->requests;
    s->llm_busy_s += result->seconds;
}

typedef struct charged {
    gc_usage usage;
    double cost_usd;
} charged;

static charged charged_to_files(const gc_run *run, const run_task *task)
{
    charged sum = { 0 };
    for (size_t i = 0; i < task->file_count; i++) {
        const gc_file_stat *stat = &run->stats.files[task->files[i]];
        gc_usage_add(&sum.usage, &stat->usage);
        sum.cost_usd += stat->cost_usd;
    }
    return sum;
}

/* Takes the n-th part of what is left, so that the parts add up to the whole. */
static int64_t take_part(int64_t *left, size_t n)
{
    int64_t part = *left / (int64_t)n;
    *left -= part;
    return part;
}

/* A worker charges a file with its share of the call that made it. What else the task cost
 * (calls before the last, calls of a task that failed) its files bear in equal parts: the
 * files of a run add up to its totals. */
static void charge_rest(gc_run *run, const run_task *task, const gc_result *result,
                        const charged *before)
{
    charged now = charged_to_files(run, task);
    gc_usage left = result->usage;
    double usd = result->cost_usd - (now.cost_usd - before->cost_usd);
    left.input -= now.usage.input - before->usage.input;
    left.cache_write_5m -= now.usage.cache_write_5m - before->usage.cache_write_5m;
    left.cache_write_1h -= now.usage.cache_write_1h - before->usage.cache_write_1h;
    left.cache_read -= now.usage.cache_read - before->usage.cache_read;
    left.output -= now.usage.output - before->usage.output;
    for (size_t n = task->file_count; n; n--) {
        gc_file_stat *stat = &run->stats.files[task->files[n - 1]];
        stat->usage.input += take_part(&left.input, n);
        stat->usage.cache_write_5m += take_part(&left.cache_write_5m, n);
        stat->usage.cache_write_1h += take_part(&left.cache_write_1h, n);
        stat->usage.cache_read += take_part(&left.cache_read, n);
        stat->usage.output += take_part(&left.output, n);
        stat->cost_usd += usd / (double)task->file_count;
    }
}

static void apply_result(gc_run *run, run_task *task, const gc_result *result)
{
    gc_stats *s = &run->stats;
    charged before = charged_to_files(run, task);
    if (result->calls)
        run->refusals = 0;
    run_take_lesson(run, task, result);
    for (size_t i = 0; i < result->file_count; i++) {
        const gc_file_result *r = &result->files[i];
        long file = file_of(run, task, r->path);
        if (file < 0 || run->files[file].step != RUN_OUT)
            continue;
        s->files[file].seconds += result->seconds;
        if (r->outcome == GC_FILE_MADE || r->outcome == GC_FILE_REUSED)
            stored(run, (size_t)file, r);
        else if (r->outcome == GC_FILE_REJECTED)
            rejected(run, (size_t)file, r);
        else
            back_to_ready(run, (size_t)file, WAIT_RETRY_MS);
    }
    for (size_t i = 0; i < task->file_count;
         i++) /* files that the result does not name */
        if (run->files[task->files[i]].step == RUN_OUT)
            back_to_ready(run, task->files[i], WAIT_RETRY_MS);
    charge_rest(run, task, result, &before);
    count_calls(run, result);
    record_call(s, task, result);
}

static void on_done(gc_run *run, run_task *task, const gc_wire *message)
{
    gc_result *result = NULL;
    if (gc_result_decode(message->payload, message->payload_len, &result)) {
        gc_log_warn("result.refused", "task=%s", task->id);
        task->news_at = 0; /* what it made is in Redis: reconcile finds it */
        return;
    }
    apply_result(run, task, result);
    gc_result_destroy(&result);
    run_drop_task(run, task);
}

/* ---- failures ---- */

static void requeue_task(gc_run *run, run_task *task, int64_t delay_ms)
{
    for (size_t i = 0; i < task->file_count; i++)
        if (run->files[task->files[i]].step == RUN_OUT)
            back_to_ready(run, task->files[i], delay_ms);
    run_drop_task(run, task);
}

typedef struct fail_rule {
    const char *reason;
    gc_exit verdict;  /* GC_EXIT_OK: the job goes on */
    int64_t retry_ms; /* >= 0: the files are asked for again; -1: they fail */
    const char *advice;
} fail_rule;

static const fail_rule fail_rules[] = {
    { GC_FAIL_HANDBACK, GC_EXIT_OK, 0, "" },
    { GC_FAIL_STALE, GC_EXIT_OK, WAIT_RETRY_MS, "" },
    { GC_FAIL_POISON, GC_EXIT_OK, -1, "set aside, since its worker died three times" },
    { GC_FAIL_PROVIDER, GC_EXIT_NETWORK, 0, "try again later with --resume" },
    { GC_FAIL_AUTH, GC_EXIT_NETWORK, 0,
      "check the API key of the workers, then use --resume" },
    { GC_FAIL_SPEND, GC_EXIT_NETWORK, 0,
      "raise the provider's spend limit, then run the same command with --resume" },
    { GC_FAIL_CAP, GC_EXIT_GENERATION, 0, GC_CAP_ADVICE },
    { GC_FAIL_REQUEST, GC_EXIT_NETWORK, -1, "the provider refuses the request" },
    { GC_FAIL_NO_WORKER, GC_EXIT_NETWORK, 0,
      "start a worker that has a key for this provider, then use --resume" },
    { GC_FAIL_CANCELLED, GC_EXIT_INTERRUPTED, 0, "go on with --resume" },
    { GC_FAIL_BAD_TASK, GC_EXIT_INTERNAL, -1,
      "coordinator and worker disagree; use the same version of both" },
};

static void fail_task(gc_run *run, run_task *task, const fail_rule *rule,
                      const char *text)
{
    const char *what = rule ? rule->advice : "the worker gave up";
    for (size_t i = 0; i < task->file_count; i++)
        if (run->files[task->files[i]].step == RUN_OUT)
            run_fail(run, task->files[i], "%s%s%s", what, *what && *text ? ": " : "",
                     text);
    run_drop_task(run, task);
}

/* A task that failed may have paid for calls all the same. */
static void count_failed_calls(gc_run *run, const run_task *task, const gc_wire *message)
{
    gc_result *result = NULL;
    charged before = charged_to_files(run, task);
    if (message->payload_len &&
        gc_result_decode(message->payload, message->payload_len, &result) == GC_OK) {
        charge_rest(run, task, result, &before);
        count_calls(run, result);
        record_call(&run->stats, task, result);
    }
    gc_result_destroy(&result);
}

/* No call of the job runs, and this one does not fit under the cap: its parts may, or one
 * file with little room for the answer. run_thrift.c stops the run when nothing does. */
static void on_cap(gc_run *run, run_task *task)
{
    if (task->file_count > 1 && !run->thrifty) {
        run_halve_task(run, task);
        return;
    }
    if (task->budget_usd > 0)
        run_on_thrift_refused(run);
    run_turn_thrifty(run);
    requeue_task(run, task, 0);
}

void run_stop_without_key(gc_run *run)
{
    const char *provider = run->project.model->provider;
    run_stop(run, GC_EXIT_NETWORK,
             "there is no API key for %s: set %s or llm.api_key_file, then run the same "
             "command with --resume (--provider sim needs no key)",
             provider,
             strcmp(provider, "openai") == 0 ? "OPENAI_API_KEY" : "ANTHROPIC_API_KEY");
}

static void on_fail(gc_run *run, run_task *task, const gc_wire *message)
{
    const char *text = message->text ? message->text : "";
    count_failed_calls(run, task, message);
    if (message->reason && strcmp(message->reason, GC_FAIL_STALE) == 0 &&
        run_store_blocks(run))
        gc_log_warn("prompt.unsaved", "task=%s", task->id); /* asked for again later */
    for (size_t i = 0; i < sizeof fail_rules / sizeof *fail_rules; i++) {
        const fail_rule *rule = &fail_rules[i];
        if (!message->reason || strcmp(message->reason, rule->reason) != 0)
            continue;
        gc_log_info("task.failed", "task=%s reason=%s text=\"%s\"", task->id,
                    rule->reason, text);
        if (strcmp(rule->reason, GC_FAIL_CAP) == 0 && !run->stopping) {
            on_cap(run, task);
            return;
        }
        if (strcmp(rule->reason, GC_FAIL_CAP) == 0 ||
            strcmp(rule->reason, GC_FAIL_SPEND) == 0)
            run->let_finish = true;
        if (rule->verdict != GC_EXIT_OK)
            run_stop(run, rule->verdict, "%s%s%s", text, *text ? "; " : "", rule->advice);
        if (rule->retry_ms >= 0)
            requeue_task(run, task, rule->retry_ms);
        else
            fail_task(run, task, rule, text);
        return;
    }
    fail_task(run, task, NULL, text);
}

static void on_busy(gc_run *run, const gc_wire *message, int64_t now_ms)
{
    int64_t retry_ms = message->retry_ms > 0 ? message->retry_ms : WAIT_RETRY_MS;
    for (size_t i = 0; i < message->task_ids.count; i++) {
        run_task *t = gc_map_get(run->tasks, message->task_ids.items[i]);
        if (!t)
            continue;
        run_unsend_task(run, t, now_ms + retry_ms);
    }
}

/* Answers bring their files in the order of the task. When the call is seen at the next one,
 * this one ended somewhere between the last news and these. */
static void note_place(const gc_run *run, run_task *task, const gc_news *news)
{
    for (size_t i = task->at + 1; i < task->file_count; i++) {
        const char *path = run->project.plan->files[task->files[i]].path;
        if (strcmp(path, news->path) != 0)
            continue;
        task->tokens_before = task->tokens + (news->tokens - task->tokens) / 2;
        task->at = i;
        return;
    }
}

/* Where the call is: for display and for what is expected of it, so news that cannot be read
 * are none. */
static void take_news(const gc_run *run, run_task *task, const gc_wire *message,
                      int64_t now_ms)
{
    gc_news news = { 0 };
    if (!task->begun_at)
        task->begun_at = now_ms;
    if (gc_news_decode(message->payload, message->payload_len, &news))
        return;
    if (news.tokens < task->tokens) { /* another call */
        task->tokens = task->tokens_before = 0;
        task->at = 0;
    }
    note_place(run, task, &news);
    task->tokens = news.tokens;
    free(task->path);
    task->path = *news.path ? gc_xstrdup(news.path) : NULL;
    gc_news_release(&news);
}

static void on_progress(gc_run *run, run_task *task, const gc_wire *message,
                        int64_t now_ms)
{
    task->news_at = now_ms;
    take_news(run, task, message, now_ms);
    run_mark_running(run, task);
}

void run_on_message(gc_run *run, const gc_wire *message, int64_t now_ms)
{
    if (message->command == GC_BUSY) {
        on_busy(run, message, now_ms);
        return;
    }
    if (message->command == GC_REFUSED) {
        gc_log_warn("broker.refused", "reason=%s text=\"%s\"",
                    message->reason ? message->reason : "",
                    message->text ? message->text : "");
        if (message->reason && strcmp(message->reason, "version") == 0)
            run_stop(run, GC_EXIT_NETWORK,
                     "the broker speaks another protocol version: %s",
                     message->text ? message->text : "");
        return;
    }
    run_task *task = message->task ? gc_map_get(run->tasks, message->task) : NULL;
    if (!task)
        return; /* news of a task that is settled already */
    if (message->command == GC_DONE)
        on_done(run, task, message);
    else if (message->command == GC_FAIL)
        on_fail(run, task, message);
    else if (message->command == GC_PROGRESS)
        on_progress(run, task, message, now_ms);
}

/* ---- lost news ---- */

/* Looks a silent task's files up in Redis; what is not there is sent again under the same id,
 * which the broker recognises if it still has it. */
static void look_after(gc_run *run, run_task *task)
{
    bool open = false;
    for (size_t i = 0; i < task->file_count; i++) {
        size_t file = task->files[i];
        const char *fingerprint = run_fingerprint(run, file)->hex;
        gc_gen gen = { 0 };
        if (run->files[file].step != RUN_OUT)
            continue;
        gc_err err = gc_store_gen_find(run->store, &fingerprint, 1, &gen);
        if (!err && gen.sha256 && gc_sha_valid(gen.sha256) && gen.created_at >= 0) {
            gc_file_result r = { .sha256 = gen.sha256,
                                 .outcome = GC_FILE_REUSED,
                                 .path = (char *)run->stats.files[file].path };
            stored(run, file, &r);
        } else {
            open = true;
        }
        gc_gen_release(&gen);
    }
    if (open) {
        run_unsend_task(run, task, 0);
    } else {
        run_drop_task(run, task);
    }
}

void run_reconcile(gc_run *run, int64_t now_ms)
{
    bool all = gc_client_broker_changed(run->client);
    if (!all && now_ms - run->reconciled_at < RECONCILE_EVERY_MS)
        return;
    run->reconciled_at = now_ms;
    size_t cursor = 0;
    void *value;
    while (gc_map_next(run->tasks, &cursor, NULL, &value)) {
        run_task *task = value;
        if (all)
            run_unsend_task(run, task, 0); /* a new broker knows nothing of it */
        else if (task->sent && now_ms - task->news_at > NEWS_TIMEOUT_MS)
            look_after(run, task);
    }
}
