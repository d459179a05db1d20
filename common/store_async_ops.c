/* Blobs, warm prefixes, shared limits, presence, measured models. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/store_async_private.h"

/* ---- blobs ---- */

static void answer_blob(gc_request *self, gc_err err, const redisReply *reply)
{
    if (!err && reply->type == REDIS_REPLY_NIL)
        err = GC_ENOENT;
    else if (!err && reply->type != REDIS_REPLY_STRING)
        err = GC_EPROTO;
    if (err) {
        self->cb.blob(self->arg, err, NULL, 0);
        return;
    }
    gc_sha real = gc_sha256(reply->str, reply->len);
    if (strcmp(real.hex, self->sha256) == 0) {
        self->cb.blob(self->arg, GC_OK, reply->str, reply->len);
        return;
    }
    gc_cmd cmd;
    gc_cmd_blob_drop(&cmd, &self->store->scripts, self->sha256, reply);
    gc_request_submit_done(self->store, &cmd, NULL, NULL);
    self->cb.blob(self->arg, GC_EPROTO, NULL, 0);
}

void gc_astore_blob_get(gc_astore *self, const char *sha256, gc_blob_cb cb, void *arg)
{
    gc_request *request = gc_request_new(self, answer_blob, arg);
    request->cb.blob = cb;
    if (!sha256 || !gc_sha_valid(sha256)) {
        gc_request_fail(request, GC_EINVAL);
        return;
    }
    memcpy(request->sha256, sha256, sizeof request->sha256);
    gc_cmd cmd;
    gc_cmd_init(&cmd, "GET");
    gc_cmd_textf(&cmd, "gc:blob:%s", sha256);
    gc_request_submit(request, &cmd);
}

void gc_astore_blob_put(gc_astore *self, const void *mem, size_t len, gc_sha *sha,
                        gc_done_cb cb, void *arg)
{
    gc_request *request = gc_request_new(self, gc_request_answer_done, arg);
    request->cb.done = cb;
    if (len > GC_STORE_MAX_BLOB) {
        gc_request_fail(request, GC_ETOOBIG);
        return;
    }
    *sha = gc_sha256(mem, len);
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_BLOB_PUT);
    gc_cmd_text(&cmd, sha->hex);
    gc_cmd_mem(&cmd, mem, len);
    gc_request_submit(request, &cmd);
}

/* ---- warm prefix ---- */

static bool model_fits(const gc_task *task)
{
    return gc_store_id(task->provider) && gc_store_word(task->model.id);
}

static void begin_prefix(gc_cmd *cmd, gc_astore *self, gc_script_id script,
                         const gc_task *task, const char *sha256)
{
    gc_cmd_script(cmd, &self->scripts, script);
    gc_cmd_textf(cmd, "gc:prefix:%s:%s:%s", task->provider, task->model.id, sha256);
}

/* One worker runs many calls: the one that warms is named by its task too. */
static void put_holder(gc_cmd *cmd, const gc_task *task, const char *worker)
{
    gc_cmd_textf(cmd, "%s %s/%s", worker, task->job, task->id);
}

static void answer_prefix(gc_request *self, gc_err err, const redisReply *reply)
{
    static const struct {
        const char *text;
        gc_prefix_state state;
    } table[] = { { "WARM", GC_PREFIX_WARM },
                  { "MINE", GC_PREFIX_MINE },
                  { "WAIT", GC_PREFIX_WAIT } };
    gc_prefix_state state = GC_PREFIX_WAIT;
    const char *told = gc_reply_text(gc_reply_at(reply, 0));
    bool known = false;
    for (size_t i = 0; i < sizeof table / sizeof *table && !err; i++) {
        if (strcmp(told, table[i].text) == 0) {
            state = table[i].state;
            known = true;
        }
    }
    if (!err && !known)
        err = GC_EPROTO;
    self->cb.prefix(self->arg, err, state, gc_reply_int(gc_reply_at(reply, 1)));
}

/* NOLINTNEXTLINE(readability-function-size): parameters as the header has them */
void gc_astore_prefix_claim(gc_astore *self, const gc_task *task, const char *sha256,
                            const char *worker, int64_t claim_ms, gc_prefix_cb cb,
                            void *arg)
{
    gc_request *request = gc_request_new(self, answer_prefix, arg);
    request->cb.prefix = cb;
    if (!model_fits(task) || !gc_sha_valid(sha256) || !gc_store_word(worker) ||
        claim_ms <= 0) {
        gc_request_fail(request, GC_EINVAL);
        return;
    }
    gc_cmd cmd;
    begin_prefix(&cmd, self, GC_SCRIPT_PREFIX_CLAIM, task, sha256);
    put_holder(&cmd, task, worker);
    gc_cmd_int(&cmd, claim_ms);
    gc_request_submit(request, &cmd);
}

void gc_astore_prefix_warm(gc_astore *self, const gc_task *task, const char *sha256,
                           int64_t tokens, int64_t ttl_ms)
{
    if (!model_fits(task) || !gc_sha_valid(sha256) || ttl_ms <= 0)
        return; /* nothing to tell: it has lapsed already */
    gc_cmd cmd;
    begin_prefix(&cmd, self, GC_SCRIPT_PREFIX_WARM, task, sha256);
    gc_cmd_int(&cmd, tokens);
    gc_cmd_int(&cmd, ttl_ms);
    gc_request_submit_done(self, &cmd, NULL, NULL);
}

void gc_astore_prefix_abandon(gc_astore *self, const gc_task *task, const char *sha256,
                              const char *worker)
{
    if (!model_fits(task) || !gc_sha_valid(sha256))
        return;
    gc_cmd cmd;
    begin_prefix(&cmd, self, GC_SCRIPT_PREFIX_ABANDON, task, sha256);
    put_holder(&cmd, task, worker);
    gc_request_submit_done(self, &cmd, NULL, NULL);
}

/* ---- shared limits ---- */

static void answer_turn(gc_request *self, gc_err err, const redisReply *reply)
{
    gc_turn turn = { 0 };
    if (!err)
        err = gc_reply_status(reply);
    if (!err && reply->elements != 5)
        err = GC_EPROTO;
    if (!err)
        turn = (gc_turn){ .paused_ms = gc_reply_int(gc_reply_at(reply, 1)),
                          .wait_ms = gc_reply_int(gc_reply_at(reply, 2)),
                          .slot = gc_reply_int(gc_reply_at(reply, 3)),
                          .ticket = gc_reply_int(gc_reply_at(reply, 4)) };
    self->cb.turn(self->arg, err, err ? NULL : &turn);
}

static bool limit_fits(const gc_task *task, const char *key_id, int64_t window_ms)
{
    return model_fits(task) && gc_store_id(key_id) && window_ms > 0;
}

static char *limit_key(const gc_task *task, const char *key_id)
{
    return gc_xasprintf("gc:limit:%s:%s:%s", task->provider, task->model.id, key_id);
}

/* What was gathered goes first: the script shall see it. */
static void begin_limit(gc_cmd *cmd, gc_astore *self, gc_script_id script,
                        const gc_task *task, const char *key_id)
{
    gc_sums_submit(self);
    gc_cmd_script(cmd, &self->scripts, script);
    char *key = limit_key(task, key_id);
    gc_cmd_text(cmd, key);
    free(key);
}

void gc_cmd_booking(gc_cmd *self, int64_t window_ms, const gc_booking *booking)
{
    gc_cmd_int(self, window_ms);
    gc_cmd_int(self, booking->slot);
    gc_cmd_int(self, booking->ticket);
    gc_cmd_int(self, booking->requests);
    gc_cmd_int(self, booking->input);
    gc_cmd_int(self, booking->output);
}

/* NOLINTNEXTLINE(readability-function-size): parameters as the header has them */
void gc_astore_limit_take(gc_astore *self, const gc_task *task, const char *key_id,
                          int64_t window_ms, const gc_booking *want, gc_turn_cb cb,
                          void *arg)
{
    gc_request *request = gc_request_new(self, answer_turn, arg);
    request->cb.turn = cb;
    if (!limit_fits(task, key_id, window_ms)) {
        gc_request_fail(request, GC_EINVAL);
        return;
    }
    gc_cmd cmd;
    begin_limit(&cmd, self, GC_SCRIPT_LIMIT_TAKE, task, key_id);
    gc_cmd_booking(&cmd, window_ms, want);
    gc_request_submit(request, &cmd);
}

void gc_astore_limit_leave(gc_astore *self, const gc_task *task, const char *key_id,
                           int64_t window_ms, int64_t ticket)
{
    if (!limit_fits(task, key_id, window_ms))
        return;
    gc_cmd cmd;
    begin_limit(&cmd, self, GC_SCRIPT_LIMIT_LEAVE, task, key_id);
    gc_cmd_int(&cmd, window_ms);
    gc_cmd_int(&cmd, ticket);
    gc_request_submit_done(self, &cmd, NULL, NULL);
}

void gc_astore_limit_settle(gc_astore *self, const gc_task *task, const char *key_id,
                            int64_t window_ms, const gc_booking *error)
{
    if (limit_fits(task, key_id, window_ms))
        gc_sums_add_limit(self, limit_key(task, key_id), window_ms, error);
}

void gc_astore_limit_learn(gc_astore *self, const gc_task *task, const char *key_id,
                           int64_t window_ms, const gc_limits *told)
{
    if (!limit_fits(task, key_id, window_ms))
        return;
    gc_cmd cmd;
    begin_limit(&cmd, self, GC_SCRIPT_LIMIT_LEARN, task, key_id);
    gc_cmd_int(&cmd, window_ms);
    gc_cmd_int(&cmd, told->requests);
    gc_cmd_int(&cmd, told->requests_left);
    gc_cmd_int(&cmd, told->input);
    gc_cmd_int(&cmd, told->input_left);
    gc_cmd_int(&cmd, told->output);
    gc_cmd_int(&cmd, told->output_left);
    gc_request_submit_done(self, &cmd, NULL, NULL);
}

void gc_astore_limit_pause(gc_astore *self, const gc_task *task, const char *key_id,
                           int64_t wait_ms)
{
    if (!model_fits(task) || !gc_store_id(key_id) || wait_ms <= 0)
        return;
    gc_cmd cmd;
    begin_limit(&cmd, self, GC_SCRIPT_LIMIT_PAUSE, task, key_id);
    gc_cmd_int(&cmd, wait_ms);
    gc_request_submit_done(self, &cmd, NULL, NULL);
}

/* ---- presence and figures ---- */

/* NOLINTNEXTLINE(readability-function-size): parameters as the header has them */
void gc_astore_worker_seen(gc_astore *self, const char *id, const char *host, int64_t pid,
                           int64_t slots, int64_t busy, const char *providers,
                           int64_t ttl_ms)
{
    if (!self->up || !gc_store_word(id) || ttl_ms <= 0)
        return; /* the next one tells it fresh */
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_WORKER_SEEN);
    gc_cmd_text(&cmd, id);
    gc_cmd_int(&cmd, ttl_ms);
    gc_cmd_text(&cmd, "host");
    gc_cmd_text(&cmd, host);
    gc_cmd_text(&cmd, "pid");
    gc_cmd_int(&cmd, pid);
    gc_cmd_text(&cmd, "version");
    gc_cmd_text(&cmd, GC_VERSION);
    gc_cmd_text(&cmd, "slots");
    gc_cmd_int(&cmd, slots);
    gc_cmd_text(&cmd, "busy");
    gc_cmd_int(&cmd, busy);
    gc_cmd_text(&cmd, "providers");
    gc_cmd_text(&cmd, providers);
    gc_request_submit_done(self, &cmd, NULL, NULL);
}

void gc_astore_worker_gone(gc_astore *self, const char *id)
{
    if (!self->up || !gc_store_word(id))
        return; /* the key lapses by itself */
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_WORKER_GONE);
    gc_cmd_text(&cmd, id);
    gc_request_submit_done(self, &cmd, NULL, NULL);
}

void gc_astore_model_add(gc_astore *self, const char *model, double bytes_per_token,
                         double seconds_per_output_token)
{
    if (gc_store_word(model))
        gc_sums_add_figures(self, model, bytes_per_token, seconds_per_output_token);
}
