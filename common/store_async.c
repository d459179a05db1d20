#include "common/store_async.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/store_async_private.h"

/* ---- queues ---- */

void gc_request_push(gc_request_queue *queue, gc_request *request)
{
    request->next = NULL;
    if (queue->tail)
        queue->tail->next = request;
    else
        queue->head = request;
    queue->tail = request;
    queue->count++;
}

void gc_request_push_front(gc_request_queue *queue, gc_request *request)
{
    request->next = queue->head;
    queue->head = request;
    if (!queue->tail)
        queue->tail = request;
    queue->count++;
}

gc_request *gc_request_pop(gc_request_queue *queue)
{
    gc_request *request = queue->head;
    if (!request)
        return NULL;
    queue->head = request->next;
    if (!queue->head)
        queue->tail = NULL;
    queue->count--;
    request->next = NULL;
    return request;
}

/* ---- requests ---- */

gc_request *gc_request_new(gc_astore *self, gc_answer_fn answer, void *arg)
{
    gc_request *request = gc_xcalloc(1, sizeof *request);
    request->store = self;
    request->answer = answer;
    request->arg = arg;
    return request;
}

void gc_request_answer(gc_request *request, gc_err err, const redisReply *reply)
{
    request->answer(request, err, reply);
    free(request->bytes);
    free(request->ours);
    free(request);
}

void gc_request_fail(gc_request *request, gc_err err)
{
    request->early = err;
    gc_request_push(&request->store->early, request);
}

void gc_request_submit(gc_request *request, gc_cmd *cmd)
{
    gc_astore *self = request->store;
    gc_err err = gc_cmd_finish(cmd);
    if (self->closing)
        err = GC_ECLOSED;
    else if (!err && (gc_astore_pending(self) >= GC_ASTORE_MAX_REQUESTS ||
                      cmd->buf.len > GC_ASTORE_MAX_BYTES - self->bytes))
        err = GC_EFULL;
    if (err) {
        gc_cmd_release(cmd);
        gc_request_fail(request, err);
        return;
    }
    request->len = cmd->buf.len;
    request->script = cmd->script;
    /* A copy: shrinking each buffer would leave its rest as a splinter in the heap. */
    request->bytes = gc_xmemdup(cmd->buf.ptr, cmd->buf.len);
    gc_cmd_release(cmd);
    self->bytes += request->len;
    gc_request_push(&self->waiting, request);
}

void gc_request_answer_done(gc_request *self, gc_err err, const redisReply *reply)
{
    if (!err)
        err = gc_reply_status(reply);
    if (self->cb.done)
        self->cb.done(self->arg, err);
}

void gc_request_submit_done(gc_astore *self, gc_cmd *cmd, gc_done_cb cb, void *arg)
{
    gc_request *request = gc_request_new(self, gc_request_answer_done, arg);
    request->cb.done = cb;
    gc_request_submit(request, cmd);
}

/* ---- replies ---- */

void gc_astore_set_up(gc_astore *self, bool up, const char *why)
{
    if (!up && !self->down_logged)
        gc_log_warn("redis.down", "url=%s pending=%zu reason=\"%s\"", self->shown,
                    gc_astore_pending(self), why);
    self->down_logged = !up;
    if (self->up == up || self->closing)
        return;
    self->up = up;
    if (up)
        gc_log_info("redis.up", "url=%s pending=%zu", self->shown,
                    gc_astore_pending(self));
    if (self->on_state)
        self->on_state(self->arg, up);
}

/* Redis is there but does not take the request: as good as away. */
static void on_refusal(gc_astore *self, gc_request *request, const redisReply *reply)
{
    if (gc_reply_kind_of(reply) == GC_REPLY_DENIED && !self->denial_logged) {
        gc_log_error("redis.denied", "url=%s error=\"%s\"", self->shown, reply->str);
        self->denial_logged = true;
    }
    self->refused_by = request;
    gc_request_push_front(&self->sent, request);
    gc_link_drop(self, reply->str);
}

static void on_reply(gc_astore *self, const redisReply *reply)
{
    gc_request *request = gc_request_pop(&self->sent);
    switch (gc_reply_kind_of(reply)) {
    case GC_REPLY_NOSCRIPT:
        gc_request_push_front(&self->sent, request);
        gc_link_drop(self, NULL);
        return;
    case GC_REPLY_REFUSED:
    case GC_REPLY_DENIED: on_refusal(self, request, reply); return;
    case GC_REPLY_BROKEN:
        gc_log_error("redis.error", "url=%s error=\"%s\"", self->shown, reply->str);
        break;
    case GC_REPLY_GOOD: break;
    }
    if (request == self->refused_by)
        self->refused_by = NULL;
    self->backoff_ms = GC_ASTORE_BACKOFF_MIN_MS;
    self->denial_logged = false;
    self->reloading = false;
    self->bytes -= request->len;
    bool good = reply->type != REDIS_REPLY_ERROR;
    gc_request_answer(request, good ? GC_OK : GC_EPROTO, good ? reply : NULL);
    if (!self->closing && !self->refused_by)
        gc_astore_set_up(self, true, NULL);
}

/* A refusal of the whole call is one of each. Whatever drops the connection on the way puts
 * those that are left in front of the queue again. */
static void on_replies(gc_astore *self, size_t many, const redisReply *reply)
{
    const redisReader *reader = self->reader;
    bool one_by_one = reply->type == REDIS_REPLY_ARRAY;
    if (one_by_one ? reply->elements != many : reply->type != REDIS_REPLY_ERROR) {
        gc_link_drop(self, "a reply to another number of requests");
        return;
    }
    if (!one_by_one && gc_reply_kind_of(reply) == GC_REPLY_BROKEN) {
        gc_request *request = self->sent.head;
        for (size_t i = 0; i < many; i++, request = request->next)
            request->alone = true; /* one of them broke it: the others shall not suffer */
        gc_link_drop(self, NULL);
        return;
    }
    for (size_t i = 0; i < many && self->reader == reader; i++)
        on_reply(self, one_by_one ? reply->element[i] : reply);
}

void gc_astore_on_reply(gc_astore *self, const redisReply *reply)
{
    if (!self->sent.head)
        gc_link_drop(self, "a reply that nobody asked for");
    else if (self->sent.head->many > 1)
        on_replies(self, self->sent.head->many, reply);
    else
        on_reply(self, reply);
}

/* ---- the loop ---- */

/* Runs before the loop sleeps: what one tick asked for leaves in one piece. */
static void on_prepare(uv_prepare_t *handle)
{
    gc_astore *self = handle->data;
    gc_sums_submit(self);
    for (size_t n = self->early.count; n && !self->closing; n--) {
        gc_request *request = gc_request_pop(&self->early);
        gc_request_answer(request, request->early, NULL);
    }
    if (!self->closing && self->phase == GC_LINK_READY)
        gc_link_flush(self);
}

gc_err gc_astore_open(uv_loop_t *loop, const char *url,
                      void (*on_state)(void *arg, bool up), void *arg, gc_astore **out,
                      gc_errinfo *info)
{
    gc_redis_url parsed;
    gc_err err = gc_redis_url_parse(url, &parsed, info);
    if (err)
        return err;
    gc_astore *self = gc_xcalloc(1, sizeof *self);
    self->loop = loop;
    self->url = parsed;
    self->shown = gc_store_url_public(url);
    self->on_state = on_state;
    self->arg = arg;
    self->fd = -1;
    self->backoff_ms = GC_ASTORE_BACKOFF_MIN_MS;
    gc_scripts_init(&self->scripts);
    gc_buf_init(&self->out, GC_ASTORE_SEND_CHUNK + GC_STORE_MAX_COMMAND + 64);
    gc_buf_init(&self->packed, 2 * GC_ASTORE_MANY_BYTES);
    uv_prepare_init(loop, &self->prepare);
    uv_timer_init(loop, &self->timer);
    self->references = 2;
    self->prepare.data = self;
    self->timer.data = self;
    uv_prepare_start(&self->prepare, on_prepare);
    uv_unref((uv_handle_t *)&self->prepare);
    gc_link_open(self);
    *out = self;
    return GC_OK;
}

static void answer_all(gc_request_queue *queue, gc_err err)
{
    gc_request *request;
    while ((request = gc_request_pop(queue)))
        gc_request_answer(request, err, NULL);
}

void gc_astore_close(gc_astore **self_p)
{
    gc_astore *self = *self_p;
    *self_p = NULL;
    if (!self || self->closing)
        return;
    self->closing = true;
    self->up = false;
    answer_all(&self->sent, GC_ECLOSED);
    answer_all(&self->waiting, GC_ECLOSED);
    answer_all(&self->early, GC_ECLOSED);
    self->bytes = 0;
    gc_link_close(self);
}

bool gc_astore_up(const gc_astore *self)
{
    return self->up;
}

size_t gc_astore_pending(const gc_astore *self)
{
    return self->sent.count + self->waiting.count + self->early.count +
           gc_sums_pending(self);
}
