/* The call, and each file as it arrives: split, gate, commit. What fails is asked again with
 * what remains. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/store.h"
#include "common/wire.h"
#include "worker/elements.h"
#include "worker/run_impl.h"

#define MINUTE_MS ((int64_t)60000)
#define PREFIX_MARGIN_MS 5000 /* a prefix about to lapse is not worth waiting for */

static int64_t tokens_of(const gc_task *task, uint64_t bytes)
{
    double per_token =
        task->model.bytes_per_token > 0 ? task->model.bytes_per_token : 3.0;
    return (int64_t)((double)bytes / per_token);
}

/* ---- files ---- */

static void on_commit(void *arg, gc_err err, const char *sha256)
{
    run_file *file = arg;
    gc_run *self = file->run;
    if (!run_answered(self, err))
        return;
    if (err == GC_EFULL) { /* Redis is away and the queue full: it is paid, so it stays */
        if (!file->kept)
            file->kept = gc_xmemdup(file->text, file->len);
        file->text = file->kept;
        file->retry = true;
        self->env->wake(self->env->arg, gc_clock_ms() + RUN_RETRY_STORE_MS);
        return;
    }
    if (!file->kept) /* then it is in the answer of this call */
        gc_answer_drop(self->answer, file->index);
    free(file->kept);
    file->text = file->kept = NULL;
    file->state = RUN_FILE_FINAL;
    snprintf(file->sha.hex, sizeof file->sha.hex, "%s", sha256);
    if (!err) {
        file->outcome = GC_FILE_MADE;
    } else if (err == GC_ESTATE) { /* somebody else owns it now; his file counts */
        self->env->tally->lost_leases++;
        file->outcome = *sha256 ? GC_FILE_REUSED : GC_FILE_WAITING;
        gc_log_warn("commit.refused", "task=%s/%s file=%zu reason=lease_lost",
                    self->task->job, self->task->id, file->index);
    } else {
        file->outcome = GC_FILE_WAITING;
        run_end(self, GC_FAIL_BAD_TASK, "Redis does not take this task's files");
    }
    run_go_on_ending(self);
}

/* The record in gc:gen gets an estimate: the call's own figures come with its end. */
static gc_usage estimate(const gc_run *self, size_t len)
{
    gc_usage usage = self->call_usage;
    int64_t share = self->call_files > 0 ? (int64_t)self->call_files : 1;
    usage.input /= share;
    usage.cache_write_5m /= share;
    usage.cache_write_1h /= share;
    usage.cache_read /= share;
    usage.output = tokens_of(self->task, len);
    return usage;
}

void run_commit(run_file *file)
{
    gc_run *self = file->run;
    gc_usage usage = estimate(self, file->len);
    double cost_usd = gc_model_cost(&self->task->model, &usage);
    /* On a lapsed lease Redis is asked first whether it is still ours; the commit comes
     * after it and is refused if not. */
    if (gc_clock_ms() >= self->lease_until_ms && !self->renewing &&
        self->phase == RUN_CALLING)
        run_renew(self);
    file->state = RUN_FILE_COMMITTING;
    self->pending++;
    gc_astore_commit(self->env->store, self->task, file->index,
                     self->claims[file->index].epoch, self->env->holder, file->text,
                     file->len, &usage, cost_usd, on_commit, file);
}

static void on_rejected_stored(void *arg, gc_err err)
{
    run_file *file = arg;
    if (err)
        file->sha.hex[0] = '\0'; /* nobody can look at it, but the complaint stands */
    if (run_answered(file->run, err))
        run_go_on_ending(file->run);
}

/* `text` is kept where the user can look at it, as it was paid for; NULL: there is none. */
static void reject(run_file *file, const char *complaint, const char *text, size_t len)
{
    gc_run *self = file->run;
    file->state = RUN_FILE_FINAL;
    file->outcome = GC_FILE_REJECTED;
    file->complaint = gc_xstrdup(complaint);
    if (!text)
        return;
    self->pending++;
    gc_astore_blob_put(self->env->store, text, len, &file->sha, on_rejected_stored, file);
}

static void take_files(gc_run *self)
{
    gc_answer_file got;
    while (gc_answer_next(self->answer, &got)) {
        run_file *file = &self->files[got.index];
        if (file->state != RUN_FILE_WANTED)
            continue; /* its lease was lost meanwhile */
        file->call = self->call_number;
        file->text = got.text;
        file->len = got.len;
        if (got.good)
            run_commit(file);
        else
            reject(file, got.complaint, got.text, got.len);
    }
}

/* How it ended decides about what has not shown its own end. What a refusal broke off is not
 * used (https://docs.anthropic.com/en/api/handling-stop-reasons); files that had ended before
 * it were stored as they streamed past, and stand. */
static void finish_answer(gc_run *self, bool cut, gc_stop stop)
{
    gc_answer_finish(self->answer, cut || stop == GC_STOP_CUT || stop == GC_STOP_REFUSED);
    if (stop != GC_STOP_REFUSED)
        take_files(self);
}

static void reject_missing(gc_run *self, const gc_call_end *end)
{
    gc_buf complaint;
    gc_buf_init(&complaint, GC_ANSWER_MAX_COMPLAINT);
    for (size_t i = 0; i < self->task->file_count; i++) {
        if (self->files[i].state != RUN_FILE_WANTED)
            continue;
        gc_buf_reset(&complaint);
        gc_answer_missing(self->answer, self->task->files[i].path, end->stop,
                          end->refusal, &complaint);
        size_t len = 0;
        const char *piece =
            end->stop == GC_STOP_REFUSED ? NULL : gc_answer_piece(self->answer, i, &len);
        self->files[i].partial = piece != NULL;
        reject(&self->files[i], complaint.ptr, piece, len);
    }
    gc_buf_release(&complaint);
}

/* ---- while it streams ---- */

static void tell_progress(gc_run *self, const char *phase)
{
    self->news_at_ms = 0;
    const char *path = "";
    for (size_t i = 0; i < self->task->file_count && !*path; i++)
        if (self->files[i].state == RUN_FILE_WANTED)
            path = self->task->files[i].path;
    self->env->progress(self->env->arg, self, (int64_t)self->call_bytes,
                        tokens_of(self->task, self->call_bytes), phase, path);
}

static void on_text(void *arg, const char *mem, size_t len)
{
    gc_run *self = arg;
    self->call_bytes += len;
    gc_answer_feed(self->answer, mem, len);
    take_files(self);
    int64_t now_ms = gc_clock_ms();
    if (self->news_at_ms || now_ms - self->progress_ms < GC_RUN_PROGRESS_MS)
        return;
    self->progress_ms = now_ms;
    tell_progress(self, "stream");
}

void run_tell_call(gc_run *self)
{
    self->progress_ms = gc_clock_ms();
    tell_progress(self, self->call_bytes ? "stream" : "call");
}

/* A prefix lives from the start of the request that wrote or read it. */
static int64_t prefix_life_ms(const gc_task *task)
{
    if (strcmp(task->provider, "openai") == 0)
        return 30 * MINUTE_MS;
    return strcmp(task->cache_ttl, "1h") == 0 ? 60 * MINUTE_MS : 5 * MINUTE_MS;
}

static void on_limits(void *arg, const gc_limits *told)
{
    gc_run *self = arg;
    gc_astore_limit_learn(self->env->store, self->task, self->key->id, GC_LIMIT_WINDOW_MS,
                          told);
}

static void on_started(void *arg, const gc_usage *usage)
{
    gc_run *self = arg;
    int64_t now_ms = gc_clock_ms();
    self->call_usage = *usage;
    if (!self->has_prefix || self->unmarked)
        return;
    int64_t until_ms =
        self->call_started_ms + prefix_life_ms(self->task) - PREFIX_MARGIN_MS;
    gc_astore_prefix_warm(self->env->store, self->task, self->prefix.hex,
                          usage->cache_read + usage->cache_write_5m +
                              usage->cache_write_1h,
                          until_ms - now_ms);
    gc_warm_set(self->env->warm, self->prefix.hex, until_ms);
    if (self->warming)
        self->env->wake(self->env->arg, now_ms); /* the others of this worker */
    self->warming = false;
}

/* ---- the end of a call ---- */

static void measure(gc_run *self, const gc_call_end *end)
{
    const gc_usage *u = &end->usage;
    gc_pulse_beat(self->env->pulse, self->task->model.id, gc_clock_ms());
    if (self->has_prefix && !self->unmarked && u->input > 0 &&
        u->cache_read + u->cache_write_5m + u->cache_write_1h == 0) {
        self->result->uncached++;
        self->env->tally->uncached++;
    }
    if (end->usage.output <= 0 || end->text_bytes == 0)
        return;
    double output = (double)end->usage.output;
    char name[GC_MEASURED_NAME];
    gc_measured_name(self->task->model.id, self->task->simulated, name);
    gc_astore_model_add(self->env->store, name, (double)end->text_bytes / output,
                        (double)end->duration_ms / 1000 / output);
}

/* -1: given up. */
static int64_t wait_before_retry(gc_run *self, const gc_call_end *end)
{
    if (end->fault == GC_FAULT_STRANGE && !gc_retry_strange(&self->patience))
        return -1;
    return gc_retry_wait(&self->patience, &end->hint, self->task->patience_ms,
                         gc_pulse_last(self->env->pulse, self->task->model.id),
                         gc_clock_ms(), gc_random_below(UINT32_MAX));
}

static void try_again(gc_run *self, const gc_call_end *end)
{
    if (end->fault == GC_FAULT_RATE && end->hint.after_ms > 0)
        gc_astore_limit_pause(self->env->store, self->task, self->key->id,
                              end->hint.after_ms);
    int64_t wait = wait_before_retry(self, end);
    if (wait < 0)
        run_end(self, GC_FAIL_PROVIDER, end->text);
    else
        run_wait(self, RUN_BACK_OFF, wait);
}

void run_stop_warming(gc_run *self)
{
    if (self->warming)
        gc_astore_prefix_abandon(self->env->store, self->task, self->prefix.hex,
                                 self->env->holder);
    self->warming = false;
}

/* What may have cost something is told each time. */
static void tell_failure(gc_run *self, const gc_call_end *end)
{
    bool unknown = end->charge == GC_CHARGE_UNKNOWN;
    int64_t more = 0;
    bool told = gc_noise_tell(self->env->noise, end->fault, gc_clock_ms(), &more);
    gc_log_write(told || unknown ? GC_LOG_WARN : GC_LOG_DEBUG, "call.failed",
                 "task=%s/%s fault=%s sent=%s ms=%" PRId64 " not_told=%" PRId64
                 " reason=\"%s\"",
                 self->task->job, self->task->id, gc_fault_str(end->fault),
                 !end->sent ? "no"
                 : unknown  ? "unknown_charge"
                            : "refused",
                 end->duration_ms, more, end->text);
}

/* Some files came whole before it broke. The others are given back: asked for anew they get a
 * prompt of their own, which is shorter than the one for all, and maybe company. */
static void give_back_rest(gc_run *self)
{
    for (size_t i = 0; i < self->task->file_count; i++) {
        if (self->files[i].state != RUN_FILE_WANTED)
            continue;
        self->files[i].state = RUN_FILE_FINAL;
        self->files[i].outcome = GC_FILE_WAITING;
    }
    run_end(self, "", "");
}

static void on_failed_call(gc_run *self, const gc_call_end *end)
{
    gc_tally *tally = self->env->tally;
    tally->not_sent += !end->sent;
    tally->sent_unknown += end->charge == GC_CHARGE_UNKNOWN;
    tally->rate_limited += end->fault == GC_FAULT_RATE;
    tell_failure(self, end);
    run_stop_warming(self);
    if (run_wanted(self) == 0) { /* it broke after the last file that we wanted */
        run_end(self, "", "");
        return;
    }
    if (end->fault == GC_FAULT_BUSY && run_wanted(self) < self->call_files) {
        give_back_rest(self);
        return;
    }
    switch (end->fault) {
    case GC_FAULT_BUSY:
    case GC_FAULT_STRANGE:
    case GC_FAULT_RATE: try_again(self, end); break;
    case GC_FAULT_SPEND: run_end(self, GC_FAIL_SPEND, end->text); break;
    case GC_FAULT_AUTH: run_end(self, GC_FAIL_AUTH, end->text); break;
    case GC_FAULT_REQUEST: run_end(self, GC_FAIL_REQUEST, end->text); break;
    case GC_FAULT_FINAL:
    case GC_FAULT_NONE: run_end(self, GC_FAIL_PROVIDER, end->text); break;
    }
}

static void on_call_end(void *arg, const gc_call_end *end)
{
    gc_run *self = arg;
    bool good = end->fault == GC_FAULT_NONE;
    self->call = NULL;
    self->env->tally->calls--;
    finish_answer(self, !good, end->stop);
    run_account(self, end);
    if (!good) {
        on_failed_call(self, end);
        return;
    }
    if (gc_noise_over(self->env->noise))
        gc_log_info("call.works_again", "provider=%s", self->task->provider);
    measure(self, end);
    reject_missing(self, end);
    run_end(self, "", "");
}

void run_abort_call(gc_run *self)
{
    gc_call_end end;
    if (!self->call)
        return;
    gc_call_abort(&self->call, &end);
    self->env->tally->calls--;
    self->env->tally->sent_unknown += end.charge == GC_CHARGE_UNKNOWN;
    finish_answer(self, true, end.stop);
    run_account(self, &end);
}

/* ---- the start of a call ---- */

static bool is_wanted(void *arg, const char *path)
{
    const gc_run *self = arg;
    for (size_t i = 0; i < self->task->file_count; i++)
        if (strcmp(self->task->files[i].path, path) == 0)
            return self->files[i].state == RUN_FILE_WANTED;
    return true; /* not about a file of ours: as the coordinator wrote it */
}

static void lend_blocks(const gc_run *self, gc_llm_block *out)
{
    for (size_t i = 0; i < self->block_count; i++) {
        const run_block *one = &self->blocks[i];
        const char *own = one->block->text;
        out[i] = (gc_llm_block){ own ? own : one->text->text,
                                 own ? strlen(own) : one->text->len,
                                 one->block->mark && !self->unmarked };
    }
}

/* The last user block asks for all files of the task; what is not ours to make goes. */
static void keep_wanted(gc_run *self, gc_llm_block *last, gc_buf *text)
{
    if (run_wanted(self) == self->task->file_count)
        return;
    gc_elements_keep(last->text, last->len, is_wanted, self, text);
    last->text = text->ptr;
    last->len = text->len;
}

static void make_cache_key(gc_run *self, char *out, size_t size)
{
    *out = '\0';
    if (self->has_prefix)
        snprintf(out, size, "gc-%.16s-%" PRIu32, self->prefix.hex,
                 gc_warm_shard(self->env->warm, self->prefix.hex, gc_clock_ms()));
}

static void new_answer(gc_run *self)
{
    bool wanted[GC_TASK_MAX_FILES] = { false };
    for (size_t i = 0; i < self->task->file_count; i++) {
        wanted[i] = self->files[i].state == RUN_FILE_WANTED;
        if (self->files[i].state == RUN_FILE_COMMITTING && !self->files[i].kept) {
            self->files[i].kept = gc_xmemdup(self->files[i].text, self->files[i].len);
            self->files[i].text = self->files[i].kept;
        }
    }
    gc_answer_destroy(&self->answer);
    self->answer = gc_answer_new(self->task, self->promises, wanted);
    self->call_files = run_wanted(self);
    self->call_usage = (gc_usage){ 0 };
    self->call_bytes = 0;
    self->call_number++;
    self->call_started_ms = gc_clock_ms();
}

static gc_err start_call(gc_run *self, gc_buf *last)
{
    char cache_key[64];
    gc_llm_block blocks[2 * GC_TASK_MAX_BLOCKS];
    size_t system_count = self->task->system_count;
    lend_blocks(self, blocks);
    keep_wanted(self, &blocks[self->block_count - 1], last);
    make_cache_key(self, cache_key, sizeof cache_key);
    gc_call_conf conf = {
        .http = self->env->http,
        .config = self->env->config,
        .key = self->key,
        .prompt = { .task = self->task,
                    .system = blocks,
                    .system_count = system_count,
                    .user = blocks + system_count,
                    .user_count = self->task->user_count,
                    .cache_key = cache_key },
        .on_limits = on_limits,
        .on_text = on_text,
        .on_started = on_started,
        .on_end = on_call_end,
        .arg = self,
    };
    return last->full ? GC_ETOOBIG : gc_call_start(&conf, &self->call);
}

void run_call(gc_run *self)
{
    gc_buf last;
    gc_buf_init(&last, GC_LLM_MAX_BODY);
    self->phase = RUN_CALLING;
    new_answer(self);
    gc_err err = start_call(self, &last);
    gc_buf_release(&last);
    for (size_t i = 0; i < self->block_count; i++)
        gc_text_drop(&self->blocks[i].text);
    self->env->tally->calls += !err;
    if (!err) { /* from now on it may be paid for: who stops the job lets it end */
        self->news_at_ms = gc_clock_ms() + RUN_NEWS_MS;
        self->env->wake(self->env->arg, self->news_at_ms);
        return;
    }
    run_end(self, err == GC_ETOOBIG ? GC_FAIL_REQUEST : GC_FAIL_BAD_TASK,
            err == GC_ETOOBIG  ? "the prompt is larger than providers take"
            : err == GC_ENOENT ? "this worker does not know the task's provider"
                               : "the prompt is no UTF-8");
}
