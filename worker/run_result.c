/* What calls cost, and what is told of a task at its end. */
#include <stdlib.h>

#include "common/log.h"
#include "common/mem.h"
#include "worker/run_impl.h"

static void on_settled(void *arg, gc_err err)
{
    gc_run *self = arg;
    if (err && err != GC_ECLOSED)
        gc_log_error("task.settle_failed", "task=%s/%s error=\"%s\"", self->task->job,
                     self->task->id, gc_err_str(err));
    if (!run_answered(self, err))
        return;
    run_tell_settled(self);
    run_go_on_ending(self);
}

static int64_t part(int64_t whole, double share)
{
    return (int64_t)((double)whole * share);
}

static void subtract(gc_usage *self, const gc_usage *less)
{
    self->input -= less->input;
    self->cache_write_5m -= less->cache_write_5m;
    self->cache_write_1h -= less->cache_write_1h;
    self->cache_read -= less->cache_read;
    self->output -= less->output;
}

/* By bytes of answer; the last file takes what rounding leaves, so that they add up. A file
 * that is in several calls bears a part of each. */
static void share_out(gc_run *self, const gc_usage *usage, double cost_usd)
{
    gc_usage left = *usage;
    double cost_left = cost_usd;
    size_t bytes = 0;
    run_file *last = NULL;
    for (size_t i = 0; i < self->task->file_count; i++) {
        if (self->files[i].call != self->call_number)
            continue;
        bytes += self->files[i].len;
        last = &self->files[i];
    }
    for (run_file *file = self->files; last && file <= last; file++) {
        if (file->call != self->call_number)
            continue;
        double share = bytes ? (double)file->len / (double)bytes : 0;
        gc_usage own = left;
        double own_usd = cost_left;
        if (file != last) {
            own =
                (gc_usage){ part(usage->input, share), part(usage->cache_write_5m, share),
                            part(usage->cache_write_1h, share),
                            part(usage->cache_read, share), part(usage->output, share) };
            own_usd = cost_usd * share;
        }
        gc_usage_add(&file->usage, &own);
        file->cost_usd += own_usd;
        subtract(&left, &own);
        cost_left -= own_usd;
    }
}

/* What of the call's money surely bought nothing: that of files which were not kept, whole or
 * cut off. What went into the cache serves others. A call that broke off before the model
 * began proves nothing. */
static double wasted(const gc_run *self, const gc_call_end *end)
{
    gc_usage own = end->usage;
    own.cache_write_5m = own.cache_write_1h = 0;
    double usd = gc_model_cost(&self->task->model, &own);
    bool ended = end->charge == GC_CHARGE_CONFIRMED;
    uint64_t all = ended && end->stop != GC_STOP_CUT ? 0 : end->text_bytes, came = 0,
             kept = 0;
    if (!ended && !end->started)
        return 0;
    for (size_t i = 0; i < self->task->file_count; i++) {
        const run_file *file = &self->files[i];
        if (file->call != self->call_number)
            continue;
        came += file->len;
        if (file->state == RUN_FILE_COMMITTING ||
            (file->state == RUN_FILE_FINAL && file->outcome == GC_FILE_MADE))
            kept += file->len;
    }
    all = came > all ? came : all;
    return all ? usd * (1 - (double)kept / (double)all) : usd;
}

void run_account(gc_run *self, const gc_call_end *end)
{
    gc_result *result = self->result;
    bool confirmed = end->charge == GC_CHARGE_CONFIRMED;
    double usd = gc_model_cost(&self->task->model, &end->usage);
    result->requests += end->sent;
    result->calls += confirmed;
    result->seconds += (double)end->duration_ms / 1000;
    if (end->first_byte_ms >= 0)
        result->first_byte_seconds = (double)end->first_byte_ms / 1000;
    free(result->stop_reason);
    result->stop_reason = gc_xstrdup(end->stop_reason);
    run_settle_limit(self, end->charge == GC_CHARGE_NONE ? NULL : &end->usage);
    self->env->tally->requests += end->sent;
    self->env->tally->answers += confirmed;
    if (end->charge == GC_CHARGE_NONE)
        return;
    gc_usage_add(confirmed ? &result->usage : &result->unconfirmed, &end->usage);
    *(confirmed ? &result->cost_usd : &result->unconfirmed_usd) += usd;
    result->wasted_usd += wasted(self, end);
    if (confirmed)
        share_out(self, &end->usage, usd);
    self->must_reclaim = true;
    self->recorded_done = confirmed;
    self->pending++;
    gc_usage figures = confirmed ? end->usage : (gc_usage){ 0 };
    gc_astore_settle(self->env->store, self->task, self->env->holder, self->attempt,
                     self->call_number, &figures, confirmed ? usd : 0,
                     confirmed ? 0 : usd, confirmed ? "done" : "running", on_settled,
                     self);
}

static void count(gc_tally *tally, gc_outcome outcome)
{
    switch (outcome) {
    case GC_FILE_MADE: tally->files_made++; break;
    case GC_FILE_REUSED: tally->files_reused++; break;
    case GC_FILE_REJECTED: tally->files_rejected++; break;
    case GC_FILE_WAITING: tally->files_waiting++; break;
    }
}

/* Files that nothing is known of (the task failed before) are left out. */
void run_fill_result(gc_run *self)
{
    gc_result *result = self->result;
    result->worker = gc_xstrdup(self->env->worker);
    if (!result->stop_reason)
        result->stop_reason = gc_xstrdup("");
    result->files = gc_xcalloc(self->task->file_count, sizeof *result->files);
    for (size_t i = 0; i < self->task->file_count; i++) {
        const run_file *file = &self->files[i];
        if (file->state != RUN_FILE_FINAL)
            continue;
        result->files[result->file_count++] = (gc_file_result){
            .path = gc_xstrdup(self->task->files[i].path),
            .outcome = file->outcome,
            .sha256 = gc_xstrdup(file->sha.hex),
            .partial = file->partial,
            .text = gc_xstrdup(file->complaint ? file->complaint : ""),
            .usage = file->usage,
            .cost_usd = file->cost_usd,
        };
        count(self->env->tally, file->outcome);
    }
    if (*self->reason)
        self->env->tally->failed++;
    else
        self->env->tally->done++;
}
