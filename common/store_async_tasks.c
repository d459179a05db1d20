/* What a worker does with a task: claim, renew, release, commit, settle. The decisions are
 * in the scripts; here arguments are checked and replies are decoded. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/store_async_private.h"

#define MARK_LETTERS 12
#define LEASE_MAX_MS ((int64_t)24 * 3600 * 1000)

/* The parts of a task that become keys and records. */
static bool task_fits(const gc_task *task, const char *worker)
{
    if (!gc_store_id(task->job) || !gc_store_word(task->id) || !gc_store_word(worker))
        return false;
    if (task->lease_ms <= 0 || task->lease_ms > LEASE_MAX_MS)
        return false;
    if (task->file_count == 0 || task->file_count > GC_TASK_MAX_FILES)
        return false;
    for (size_t i = 0; i < task->file_count; i++)
        if (!task->files[i].path || !*task->files[i].path ||
            !task->files[i].fingerprint || !gc_sha_valid(task->files[i].fingerprint))
            return false;
    return true;
}

static void begin(gc_cmd *cmd, gc_astore *self, gc_script_id script, const gc_task *task,
                  const char *worker)
{
    gc_cmd_script(cmd, &self->scripts, script);
    gc_cmd_text(cmd, task->job);
    gc_cmd_text(cmd, task->id);
    gc_cmd_text(cmd, worker);
}

/* ---- claim ---- */

/* "R<sha256>", "W" or "M". */
static bool decode_claim_file(const char *text, int64_t epoch, gc_claim_file *out)
{
    switch (*text) {
    case 'R':
        if (!gc_sha_valid(text + 1))
            return false;
        out->outcome = GC_FILE_REUSED;
        memcpy(out->sha256, text + 1, GC_SHA_HEX + 1);
        return true;
    case 'W': out->outcome = GC_FILE_WAITING; return true;
    case 'M':
        out->outcome = GC_FILE_MADE;
        out->epoch = epoch;
        return epoch > 0;
    default: return false;
    }
}

static void answer_claim(gc_request *self, gc_err err, const redisReply *reply)
{
    gc_claim_file *files = NULL;
    int64_t running = 0;
    if (err == GC_EFULL)
        err = GC_EAGAIN; /* our queue, not the cap */
    else if (!err)
        err = gc_reply_status(reply);
    if (!err && reply->elements != self->count + 2)
        err = GC_EPROTO;
    if (!err) {
        int64_t epoch = gc_reply_int(gc_reply_at(reply, 1));
        files = gc_xcalloc(self->count, sizeof *files);
        for (size_t i = 0; i < self->count && !err; i++)
            if (!decode_claim_file(gc_reply_text(gc_reply_at(reply, i + 2)), epoch,
                                   &files[i]))
                err = GC_EPROTO;
    } else if (reply) {
        running = gc_reply_int(gc_reply_at(reply, 1));
    }
    self->cb.claim(self->arg, err, err ? NULL : files, running);
    free(files);
}

void gc_astore_claim(gc_astore *self, const gc_task *task, const char *worker,
                     int64_t attempt, gc_claim_cb cb, void *arg)
{
    int64_t cap = 0;
    int64_t reserve = 0;
    gc_request *request = gc_request_new(self, answer_claim, arg);
    request->cb.claim = cb;
    request->count = task->file_count;
    if (!task_fits(task, worker) || !gc_nano_usd(task->max_cost_usd, &cap) ||
        !gc_nano_usd(task->reserve_usd, &reserve)) {
        gc_request_fail(request, GC_EINVAL);
        return;
    }
    gc_cmd cmd;
    begin(&cmd, self, GC_SCRIPT_CLAIM, task, worker);
    gc_cmd_int(&cmd, attempt);
    gc_cmd_int(&cmd, task->lease_ms);
    gc_cmd_text(&cmd, task->reuse ? "1" : "0");
    gc_cmd_int(&cmd, cap);
    gc_cmd_int(&cmd, reserve);
    for (size_t i = 0; i < task->file_count; i++) {
        gc_cmd_text(&cmd, task->files[i].fingerprint);
        gc_cmd_text(&cmd, task->files[i].path);
    }
    gc_request_submit(request, &cmd);
}

/* ---- renew and release ---- */

/* Appends fingerprint and epoch of the files that were ours to make. */
static void put_claims(gc_cmd *cmd, const gc_task *task, const gc_claim_file *claims)
{
    for (size_t i = 0; i < task->file_count; i++) {
        if (claims[i].outcome != GC_FILE_MADE)
            continue;
        gc_cmd_text(cmd, task->files[i].fingerprint);
        gc_cmd_int(cmd, claims[i].epoch);
    }
}

static void answer_renew(gc_request *self, gc_err err, const redisReply *reply)
{
    bool *ok = gc_xcalloc(self->count, sizeof *ok);
    size_t next = 1;
    if (!err)
        err = gc_reply_status(reply);
    for (size_t i = 0; i < self->count && !err; i++) {
        const redisReply *item = self->ours[i] ? gc_reply_at(reply, next++) : NULL;
        if (self->ours[i] && !item)
            err = GC_EPROTO;
        ok[i] = !self->ours[i] || gc_reply_int(item) == 1;
    }
    self->cb.renew(self->arg, err, err ? NULL : ok, err ? 0 : self->count);
    free(ok);
}

void gc_astore_renew(gc_astore *self, const gc_task *task, const gc_claim_file *claims,
                     const char *worker, gc_renew_cb cb, void *arg)
{
    gc_request *request = gc_request_new(self, answer_renew, arg);
    request->cb.renew = cb;
    if (!task_fits(task, worker)) {
        gc_request_fail(request, GC_EINVAL);
        return;
    }
    request->count = task->file_count;
    request->ours = gc_xcalloc(task->file_count, sizeof *request->ours);
    for (size_t i = 0; i < task->file_count; i++)
        request->ours[i] = claims[i].outcome == GC_FILE_MADE;
    gc_cmd cmd;
    begin(&cmd, self, GC_SCRIPT_RENEW, task, worker);
    gc_cmd_int(&cmd, task->lease_ms);
    put_claims(&cmd, task, claims);
    gc_request_submit(request, &cmd);
}

static void fail_done(gc_astore *self, gc_err err, gc_done_cb cb, void *arg)
{
    gc_request *request = gc_request_new(self, gc_request_answer_done, arg);
    request->cb.done = cb;
    gc_request_fail(request, err);
}

/* NOLINTNEXTLINE(readability-function-size): parameters as the header has them */
void gc_astore_release(gc_astore *self, const gc_task *task, const gc_claim_file *claims,
                       const char *worker, const char *state, gc_done_cb cb, void *arg)
{
    if (!task_fits(task, worker) || (*state && !gc_store_word(state))) {
        fail_done(self, GC_EINVAL, cb, arg);
        return;
    }
    gc_cmd cmd;
    begin(&cmd, self, GC_SCRIPT_RELEASE, task, worker);
    gc_cmd_text(&cmd, state);
    put_claims(&cmd, task, claims);
    gc_request_submit_done(self, &cmd, cb, arg);
}

/* ---- commit ---- */

static void answer_commit(gc_request *self, gc_err err, const redisReply *reply)
{
    const char *sha256 = "";
    if (!err)
        err = gc_reply_status(reply);
    if (reply && gc_sha_valid(gc_reply_text(gc_reply_at(reply, 1))))
        sha256 = gc_reply_text(gc_reply_at(reply, 1));
    self->cb.commit(self->arg, err, sha256);
}

static void put_usage(gc_cmd *cmd, const gc_usage *usage)
{
    gc_cmd_int(cmd, usage->input);
    gc_cmd_int(cmd, usage->cache_write_5m);
    gc_cmd_int(cmd, usage->cache_write_1h);
    gc_cmd_int(cmd, usage->cache_read);
    gc_cmd_int(cmd, usage->output);
}

static bool usage_fits(const gc_usage *usage)
{
    return usage->input >= 0 && usage->cache_write_5m >= 0 &&
           usage->cache_write_1h >= 0 && usage->cache_read >= 0 && usage->output >= 0;
}

/* NOLINTNEXTLINE(readability-function-size): parameters as the header has them */
void gc_astore_commit(gc_astore *self, const gc_task *task, size_t file, int64_t epoch,
                      const char *worker, const void *mem, size_t len,
                      const gc_usage *usage, double cost_usd, gc_commit_cb cb, void *arg)
{
    int64_t cost = 0;
    gc_request *request = gc_request_new(self, answer_commit, arg);
    request->cb.commit = cb;
    if (!task_fits(task, worker) || file >= task->file_count || epoch <= 0 ||
        !task->model.id || !usage_fits(usage) || !gc_nano_usd(cost_usd, &cost)) {
        gc_request_fail(request, GC_EINVAL);
        return;
    }
    if (len > GC_STORE_MAX_BLOB) {
        gc_request_fail(request, GC_ETOOBIG);
        return;
    }
    gc_sha sha = gc_sha256(mem, len);
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_COMMIT);
    gc_cmd_text(&cmd, task->job);
    gc_cmd_text(&cmd, task->id);
    gc_cmd_text(&cmd, task->files[file].path);
    gc_cmd_text(&cmd, task->files[file].fingerprint);
    gc_cmd_text(&cmd, worker);
    gc_cmd_int(&cmd, epoch);
    gc_cmd_text(&cmd, sha.hex);
    gc_cmd_text(&cmd, task->model.id);
    put_usage(&cmd, usage);
    gc_cmd_int(&cmd, cost);
    gc_cmd_mem(&cmd, mem, len);
    gc_request_submit(request, &cmd);
}

/* ---- settle ---- */

/* NOLINTNEXTLINE(readability-function-size): parameters as the header has them */
void gc_astore_settle(gc_astore *self, const gc_task *task, const char *worker,
                      int64_t attempt, int64_t call, const gc_usage *usage,
                      double cost_usd, double unconfirmed_usd, const char *state,
                      gc_done_cb cb, void *arg)
{
    int64_t cost = 0;
    int64_t unconfirmed = 0;
    if (!task_fits(task, worker) || !usage_fits(usage) || !gc_nano_usd(cost_usd, &cost) ||
        !gc_nano_usd(unconfirmed_usd, &unconfirmed) ||
        (*state && !gc_store_word(state))) {
        fail_done(self, GC_EINVAL, cb, arg);
        return;
    }
    /* Random, so that a task that comes to the same worker twice is not taken for a repeat:
     * its calls are counted from 1 again. */
    char nonce[MARK_LETTERS + 1];
    gc_random_id(nonce, MARK_LETTERS);
    gc_cmd cmd;
    begin(&cmd, self, GC_SCRIPT_SETTLE, task, worker);
    gc_cmd_int(&cmd, attempt);
    gc_cmd_textf(&cmd, "%lld.%s", (long long)call, nonce);
    gc_cmd_text(&cmd, state);
    gc_cmd_int(&cmd, usage->input);
    gc_cmd_int(&cmd, usage->cache_write_5m + usage->cache_write_1h);
    gc_cmd_int(&cmd, usage->cache_read);
    gc_cmd_int(&cmd, usage->output);
    gc_cmd_int(&cmd, cost);
    gc_cmd_int(&cmd, unconfirmed);
    gc_request_submit_done(self, &cmd, cb, arg);
}
