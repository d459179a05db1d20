/* Before a call: whose files are these, what do the shared blocks say, does the provider want
 * us to wait, is the prompt's prefix being cached by somebody right now. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/wire.h"
#include "worker/run_impl.h"

#define NO_ROOM_MIN_MS 100
#define NO_ROOM_MAX_MS 2000
#define UPLOAD_TURN_MS 10
#define SLOT_TURN_MS 50
#define KNOWN_WARM_MS 10000 /* another says it is warm: believed for so long */
#define LIMIT_FRESH_MS 50   /* "go" is believed for so long */

/* ---- claim ---- */

static void set_final(run_file *file, gc_outcome outcome, const char *sha256)
{
    file->state = RUN_FILE_FINAL;
    file->outcome = outcome;
    snprintf(file->sha.hex, sizeof file->sha.hex, "%s", sha256);
}

/* Only files that are still wanted change: a repeated claim reports our own earlier commits
 * as reused. But it may come with a new epoch, which then counts for all that it took. */
static void adopt(gc_run *self, const gc_claim_file *files)
{
    int64_t now_ms = gc_clock_ms();
    self->must_reclaim = false;
    self->no_room_since_ms = 0;
    self->lease_until_ms = self->claim_ms + self->task->lease_ms;
    self->renew_at_ms = now_ms + self->task->lease_ms / 3;
    self->env->wake(self->env->arg, self->renew_at_ms);
    for (size_t i = 0; i < self->task->file_count; i++) {
        if (files[i].outcome == GC_FILE_MADE) {
            self->claims[i] = files[i];
            self->claimed = true;
        } else if (self->files[i].state == RUN_FILE_WANTED) {
            self->claims[i] = files[i];
            set_final(&self->files[i], files[i].outcome, files[i].sha256);
        }
    }
}

/* Others hold the money: when they settle there may be room. */
static void wait_for_room(gc_run *self, int64_t running)
{
    int64_t now_ms = gc_clock_ms();
    if (running == 0) {
        run_end(self, GC_FAIL_CAP, "the next call does not fit under the spend cap");
        return;
    }
    if (!self->no_room_since_ms)
        self->no_room_since_ms = now_ms;
    int64_t waited = now_ms - self->no_room_since_ms;
    bool paid =
        self->result->unconfirmed_usd > 0; /* handing back would lose the figures */
    if (paid && waited > self->task->patience_ms) {
        run_end(self, GC_FAIL_CAP, "no room under the spend cap");
    } else if (!paid && waited > GC_RUN_CAP_WAIT_MS) {
        run_end(self, GC_FAIL_HANDBACK, "no room under the spend cap yet");
    } else {
        int64_t wait = NO_ROOM_MIN_MS + waited / 4;
        run_wait(self, RUN_NO_ROOM, wait < NO_ROOM_MAX_MS ? wait : NO_ROOM_MAX_MS);
    }
}

static void on_claim(void *arg, gc_err err, const gc_claim_file *files, int64_t running)
{
    gc_run *self = arg;
    if (!run_answered(self, err))
        return;
    if (!err)
        adopt(self, files);
    if (self->phase != RUN_CLAIMING) { /* ended meanwhile: what was taken goes back */
        run_go_on_ending(self);
        return;
    }
    switch (err) {
    case GC_OK:
        if (run_wanted(self) > 0)
            run_get_blocks(self);
        else
            run_end(self, "", "");
        break;
    case GC_ESTATE: run_end(self, GC_FAIL_CANCELLED, "the job is cancelled"); break;
    case GC_EFULL: wait_for_room(self, running); break;
    case GC_EAGAIN: run_wait(self, RUN_NO_ROOM, RUN_RETRY_STORE_MS); break;
    default:
        run_end(self, GC_FAIL_BAD_TASK, "Redis does not take this task's claim");
        break;
    }
}

void run_claim(gc_run *self)
{
    self->phase = RUN_CLAIMING;
    self->claim_ms = gc_clock_ms();
    self->pending++;
    gc_astore_claim(self->env->store, self->task, self->env->holder, self->attempt,
                    on_claim, self);
}

/* ---- the lease's own clock ---- */

static void lose_files(gc_run *self, const bool *ok)
{
    size_t lost = 0;
    for (size_t i = 0; i < self->task->file_count; i++) {
        if (ok[i] || self->files[i].state != RUN_FILE_WANTED)
            continue;
        set_final(&self->files[i], GC_FILE_WAITING, "");
        self->claims[i].outcome = GC_FILE_WAITING;
        lost++;
    }
    if (lost == 0)
        return;
    self->env->tally->lost_leases += (int64_t)lost;
    gc_log_warn("lease.lost", "task=%s/%s files=%zu", self->task->job, self->task->id,
                lost);
    if (run_wanted(self) == 0) /* nothing to wait for: the new owner pays for his own */
        run_end(self, "", "");
}

static void on_renew(void *arg, gc_err err, const bool *ok, size_t count)
{
    gc_run *self = arg;
    (void)count;
    self->renewing = false;
    if (!run_answered(self, err))
        return;
    if (self->phase >= RUN_ENDING) {
        run_go_on_ending(self);
        return;
    }
    if (err) {
        gc_log_warn("lease.not_renewed", "task=%s/%s error=\"%s\"", self->task->job,
                    self->task->id, gc_err_str(err));
        if (self->phase == RUN_LEASE)
            run_wait(self, RUN_LEASE, RUN_RETRY_STORE_MS);
        return;
    }
    self->lease_until_ms = self->renew_ms + self->task->lease_ms;
    lose_files(self, ok);
    if (self->phase == RUN_LEASE)
        run_check_lease(self);
}

void run_renew(gc_run *self)
{
    self->renewing = true;
    self->renew_ms = gc_clock_ms();
    self->renew_at_ms = self->renew_ms + self->task->lease_ms / 3;
    self->env->wake(self->env->arg, self->renew_at_ms);
    self->pending++;
    gc_astore_renew(self->env->store, self->task, self->claims, self->env->holder,
                    on_renew, self);
}

/* More woke up than there are slots. Other workers may have some. */
static void wait_for_slot(gc_run *self)
{
    int64_t now_ms = gc_clock_ms();
    if (!self->slot_since_ms)
        self->slot_since_ms = now_ms;
    if (now_ms - self->slot_since_ms > GC_RUN_SLOT_WAIT_MS && run_costs_nothing(self))
        run_end(self, GC_FAIL_HANDBACK, "no slot is free");
    else
        run_wait(self, RUN_LEASE, SLOT_TURN_MS);
}

/* The last step before sending. A thousand calls that may go at once (their prefix is warm
 * now, say) go in turns: each holds its whole prompt until it is sent. */
void run_check_lease(gc_run *self)
{
    bool ours = gc_clock_ms() < self->lease_until_ms;
    if (ours && gc_http_uploading(self->env->http) >= GC_RUN_MAX_UPLOADS) {
        run_wait(self, RUN_LEASE, UPLOAD_TURN_MS);
        return;
    }
    if (ours && self->env->tally->calls >= self->env->calls_most) {
        wait_for_slot(self);
        return;
    }
    if (ours) {
        self->slot_since_ms = 0;
        run_call(self);
        return;
    }
    self->phase = RUN_LEASE;
    if (!self->renewing)
        run_renew(self);
}

/* ---- the shared blocks of the prompt ---- */

static void drop_blocks(gc_run *self)
{
    for (size_t i = 0; i < self->block_count; i++)
        gc_text_drop(&self->blocks[i].text);
}

static void have_blocks(gc_run *self)
{
    if (self->block_err == GC_EFULL) {
        drop_blocks(self);
        run_wait(self, RUN_NO_ROOM, RUN_RETRY_STORE_MS);
    } else if (self->block_err) {
        run_end(self, GC_FAIL_STALE,
                "a shared block of the prompt is not in Redis any more; store it again");
    } else {
        run_ask_limit(self);
    }
}

static void on_block(void *arg, gc_err err, gc_text *text)
{
    run_block *block = arg;
    gc_run *self = block->run;
    bool open = run_answered(self, err);
    self->blocks_missing--;
    if (!open)
        return;
    if (err)
        self->block_err = err;
    else if (self->phase == RUN_BLOBS)
        block->text = gc_text_hold(text);
    if (self->phase == RUN_BLOBS && self->blocks_missing == 0)
        have_blocks(self);
    else
        run_go_on_ending(self);
}

void run_get_blocks(gc_run *self)
{
    drop_blocks(self);
    self->phase = RUN_BLOBS;
    self->block_err = GC_OK;
    self->blocks_missing = 1; /* ourselves, until all are asked for */
    for (size_t i = 0; i < self->block_count; i++) {
        if (!self->blocks[i].block->sha256)
            continue;
        self->blocks_missing++;
        self->pending++;
        gc_blobs_get(self->env->blobs, self->blocks[i].block->sha256, on_block,
                     &self->blocks[i]);
    }
    if (--self->blocks_missing == 0)
        have_blocks(self);
}

/* ---- the provider's limits ---- */

static void have_turn(gc_run *self)
{
    self->limit_ms = gc_clock_ms();
    if (self->warming)
        run_check_lease(self);
    else
        run_ask_prefix(self);
}

/* A pause tries the provider's patience; waiting for room under its limits does not. */
static void wait_for_turn(gc_run *self, const gc_turn *turn)
{
    gc_retry_hint told = { turn->paused_ms, -1 };
    int64_t wait = turn->wait_ms;
    run_stop_warming(self);
    self->warm_since_ms = 0; /* whoever waits with us waits for the provider */
    if (turn->paused_ms > 0)
        wait = gc_retry_wait(&self->patience, &told, self->task->patience_ms,
                             gc_pulse_last(self->env->pulse, self->task->model.id),
                             gc_clock_ms(), gc_random_below(UINT32_MAX));
    if (wait < 0) {
        char text[128];
        snprintf(text, sizeof text,
                 "the provider's limit lets nobody call for another %" PRId64 " s",
                 turn->paused_ms / 1000);
        run_end(self, GC_FAIL_PROVIDER, text);
        return;
    }
    run_wait(self, RUN_PAUSED, wait > turn->wait_ms ? wait : turn->wait_ms);
}

static void on_turn(void *arg, gc_err err, const gc_turn *turn)
{
    gc_run *self = arg;
    self->asking_limit = false;
    if (!run_answered(self, err))
        return;
    if (turn) {
        self->booked.slot = turn->slot;
        self->booked.ticket = turn->ticket;
    }
    if (self->phase != RUN_LIMIT) {
        run_settle_limit(self, NULL);
        run_go_on_ending(self);
        return;
    }
    if (err) {
        gc_log_warn("limit.unknown", "task=%s/%s error=\"%s\"", self->task->job,
                    self->task->id, gc_err_str(err));
        have_turn(self);
    } else if (turn->wait_ms > 0) {
        wait_for_turn(self, turn);
    } else {
        have_turn(self);
    }
}

static int64_t tokens_of_bytes(const gc_task *task, int64_t bytes)
{
    double per_token =
        task->model.bytes_per_token > 0 ? task->model.bytes_per_token : 3.0;
    return bytes > 0 ? (int64_t)((double)bytes / per_token) : 0;
}

/* Bytes of the blocks up to the last mark. */
static int64_t marked_bytes(const gc_run *self)
{
    int64_t bytes = 0, marked = 0;
    for (size_t i = 0; i < self->block_count; i++) {
        const run_block *one = &self->blocks[i];
        if (one->text)
            bytes += (int64_t)one->text->len;
        else if (one->block->text)
            bytes += (int64_t)strlen(one->block->text);
        if (one->block->mark)
            marked = bytes;
    }
    return marked;
}

/* What the call will count for: Anthropic leaves out what is read from its cache, and has a
 * limit of its own for output; others count all tokens alike. */
static void expect_use(gc_run *self)
{
    const gc_task *task = self->task;
    int64_t output =
        task->expected_output > 0 ? task->expected_output : task->max_tokens / 3;
    bool openai = strcmp(task->provider, "openai") == 0;
    int64_t cached = self->has_prefix && !openai ? marked_bytes(self) : 0;
    self->booked.requests = 1;
    self->booked.input =
        tokens_of_bytes(task, task->prompt_bytes - cached) + (openai ? output : 0);
    self->booked.output = openai ? 0 : output;
}

void run_ask_limit(gc_run *self)
{
    self->phase = RUN_LIMIT;
    self->asking_limit = true;
    self->pending++;
    if (self->booked.slot == 0 && self->booked.ticket == 0)
        expect_use(self);
    gc_astore_limit_take(self->env->store, self->task, self->key->id, GC_LIMIT_WINDOW_MS,
                         &self->booked, on_turn, self);
}

void run_settle_limit(gc_run *self, const gc_usage *usage)
{
    gc_booking error = self->booked;
    bool openai = strcmp(self->task->provider, "openai") == 0;
    if (self->asking_limit) /* what is booked will be known, and given back, with the answer */
        return;
    self->booked = (gc_booking){ 0 };
    if (error.ticket)
        gc_astore_limit_leave(self->env->store, self->task, self->key->id,
                              GC_LIMIT_WINDOW_MS, error.ticket);
    if (error.slot == 0)
        return;
    error.requests = usage ? 0 : -error.requests;
    error.input = -error.input;
    error.output = -error.output;
    if (usage && openai)
        error.input += gc_usage_prompt(usage) + usage->output;
    if (usage && !openai) {
        error.input += usage->input + usage->cache_write_5m + usage->cache_write_1h;
        error.output += usage->output;
        error.streamed = usage->output;
    }
    gc_astore_limit_settle(self->env->store, self->task, self->key->id,
                           GC_LIMIT_WINDOW_MS, &error);
}

/* ---- the cached prefix ---- */

/* Who waited for another to warm the prefix asks for its turn again: there may have been a
 * pause since. */
static void go_ahead(gc_run *self)
{
    if (gc_clock_ms() - self->limit_ms < LIMIT_FRESH_MS)
        run_check_lease(self);
    else
        run_ask_limit(self);
}

static void on_prefix(void *arg, gc_err err, gc_prefix_state state, int64_t left_ms)
{
    gc_run *self = arg;
    int64_t now_ms = gc_clock_ms();
    if (!run_answered(self, err))
        return;
    if (self->phase != RUN_PREFIX) {
        if (!err && state == GC_PREFIX_MINE)
            gc_astore_prefix_abandon(self->env->store, self->task, self->prefix.hex,
                                     self->env->holder);
        run_go_on_ending(self);
        return;
    }
    if (!err && state == GC_PREFIX_WAIT) {
        run_wait(self, RUN_WARMING, GC_WARM_ASK_MS);
        return;
    }
    if (!err && state == GC_PREFIX_MINE) {
        self->warming = true;
        self->keep_at_ms = now_ms + GC_PREFIX_RENEW_MS;
        self->env->wake(self->env->arg, self->keep_at_ms);
    } else if (!err) {
        left_ms = left_ms < KNOWN_WARM_MS ? left_ms : KNOWN_WARM_MS;
        gc_warm_set(self->env->warm, self->prefix.hex, now_ms + left_ms);
        self->env->wake(self->env->arg, now_ms);
    }
    go_ahead(self);
}

static void ask_prefix(gc_run *self, gc_prefix_cb cb)
{
    self->pending++;
    gc_astore_prefix_claim(self->env->store, self->task, self->prefix.hex,
                           self->env->holder, GC_PREFIX_CLAIM_MS, cb, self);
}

void run_ask_prefix(gc_run *self)
{
    int64_t now_ms = gc_clock_ms();
    if (!self->warm_since_ms)
        self->warm_since_ms = now_ms;
    if (!self->has_prefix || gc_warm_is(self->env->warm, self->prefix.hex, now_ms)) {
        go_ahead(self);
        return;
    }
    if (now_ms - self->warm_since_ms >= GC_RUN_WARM_WAIT_MS) {
        self->unmarked = true; /* all who waited would write it now, and nobody read it */
        go_ahead(self);
        return;
    }
    if (!gc_warm_may_ask(self->env->warm, self->prefix.hex, now_ms)) {
        run_wait(self, RUN_WARMING, GC_WARM_ASK_MS);
        return;
    }
    self->phase = RUN_PREFIX;
    ask_prefix(self, on_prefix);
}

static void on_kept(void *arg, gc_err err, gc_prefix_state state, int64_t left_ms)
{
    gc_run *self = arg;
    (void)left_ms;
    self->keeping = false;
    if (!run_answered(self, err))
        return;
    if (!err && state == GC_PREFIX_MINE && !self->warming) /* given up meanwhile */
        gc_astore_prefix_abandon(self->env->store, self->task, self->prefix.hex,
                                 self->env->holder);
    else if (!err && state != GC_PREFIX_MINE)
        self->warming = false;
    run_go_on_ending(self);
}

/* A claim lasts only a little longer than its claimer. */
void run_keep_warming(gc_run *self)
{
    self->keep_at_ms = gc_clock_ms() + GC_PREFIX_RENEW_MS;
    self->env->wake(self->env->arg, self->keep_at_ms);
    if (self->keeping)
        return;
    self->keeping = true;
    ask_prefix(self, on_kept);
}
