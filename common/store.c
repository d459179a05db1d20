/* The blocking connection: one command, one reply. Foreign errors (hiredis, Redis) become
 * gc_err here and nowhere else. Writes go through send(MSG_NOSIGNAL), not through hiredis,
 * so that a vanished server is an error and never a SIGPIPE. */
#include "common/store.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/mem.h"
#include "common/store_private.h"

static struct timeval timeval_of(int64_t ms)
{
    return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };
}

static void disconnect(gc_store *self)
{
    if (self->context)
        redisFree(self->context);
    self->context = NULL;
    self->used = false;
}

static gc_err GC_PRINTF(3, 4) store_fail(gc_store *self, gc_err err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(self->error, sizeof self->error, fmt, ap);
    va_end(ap);
    return err;
}

/* After an I/O error the stream may be anywhere: the connection is thrown away. */
static gc_err lost(gc_store *self, const char *what)
{
    redisContext *c = self->context;
    bool closed = c->err == REDIS_ERR_EOF || errno == EPIPE || errno == ECONNRESET;
    bool late = c->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK);
    const char *why = c->err && c->errstr[0] ? c->errstr : strerror(errno);
    if (late)
        why = "no answer in time";
    store_fail(self, GC_EIO, "Redis: %s failed: %s", what, why);
    disconnect(self);
    return closed ? GC_ECLOSED : GC_EIO;
}

static gc_err send_all(gc_store *self, const char *mem, size_t len)
{
    while (len) {
        ssize_t n = send(self->context->fd, mem, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            self->context->err = errno == EAGAIN ? REDIS_ERR_IO : 0;
            return lost(self, "sending");
        }
        mem += n;
        len -= (size_t)n;
    }
    return GC_OK;
}

static gc_err receive(gc_store *self, redisReply **out)
{
    redisContext *c = self->context;
    void *reply = NULL;
    for (;;) {
        errno = 0;
        if (redisGetReplyFromReader(c, &reply) != REDIS_OK)
            return lost(self, "reading");
        if (reply)
            break;
        if (redisBufferRead(c) != REDIS_OK)
            return lost(self, "reading");
        if (c->reader->len - c->reader->pos > GC_STORE_MAX_REPLY) {
            disconnect(self);
            return store_fail(self, GC_ETOOBIG, "Redis: a reply of more than %zu bytes",
                              GC_STORE_MAX_REPLY);
        }
    }
    self->used = true;
    *out = reply;
    return GC_OK;
}

static gc_err exchange(gc_store *self, const gc_buf *bytes, redisReply **out)
{
    gc_err err = send_all(self, bytes->ptr, bytes->len);
    return err ? err : receive(self, out);
}

/* Error replies as our codes; frees the reply unless it is good. */
static gc_err judge(gc_store *self, redisReply **reply)
{
    gc_err err = GC_OK;
    assert(*reply); /* receive() gave one */
    switch (gc_reply_kind_of(*reply)) {
    case GC_REPLY_GOOD: return GC_OK;
    case GC_REPLY_NOSCRIPT:
    case GC_REPLY_REFUSED: err = GC_EAGAIN; break;
    case GC_REPLY_DENIED: err = GC_EIO; break;
    case GC_REPLY_BROKEN: err = GC_EPROTO; break;
    }
    store_fail(self, err, "Redis answered: %s", (*reply)->str);
    freeReplyObject(*reply);
    *reply = NULL;
    return err;
}

static gc_err say_hello(gc_store *self)
{
    gc_buf hello;
    gc_buf_init(&hello, GC_STORE_MAX_COMMAND);
    size_t replies = gc_redis_hello(&self->url, &hello);
    gc_err err = send_all(self, hello.ptr, hello.len);
    for (size_t i = 0; i < replies && !err; i++) {
        redisReply *reply = NULL;
        err = receive(self, &reply);
        if (!err)
            err = judge(self, &reply);
        if (reply)
            freeReplyObject(reply);
    }
    gc_buf_release(&hello);
    self->used = false;
    if (err)
        disconnect(self);
    return err;
}

static gc_err connect_now(gc_store *self)
{
    struct timeval wait = timeval_of(GC_STORE_CONNECT_MS);
    redisContext *c = self->url.path
                          ? redisConnectUnixWithTimeout(self->url.path, wait)
                          : redisConnectWithTimeout(self->url.host, self->url.port, wait);
    if (!c || c->err) {
        store_fail(self, GC_EIO, "Redis: no connection: %s",
                   c ? c->errstr : "out of memory");
        if (c)
            redisFree(c);
        return GC_EIO;
    }
    redisSetTimeout(c, timeval_of(GC_STORE_REPLY_MS));
    if (!self->url.path)
        redisEnableKeepAlive(c);
    self->context = c;
    return say_hello(self);
}

/* One command over a living connection. A connection that was good before may have gone
 * stale while nobody looked (Redis restarted): that alone is tried once more. */
static gc_err converse(gc_store *self, const gc_buf *bytes, redisReply **out)
{
    bool stale = self->context && self->used;
    if (!self->context) {
        gc_err err = connect_now(self);
        if (err)
            return err;
    }
    gc_err err = exchange(self, bytes, out);
    if (err != GC_ECLOSED || !stale)
        return err;
    err = connect_now(self);
    return err ? err : exchange(self, bytes, out);
}

static gc_err load_script(gc_store *self, int script)
{
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "SCRIPT");
    gc_cmd_text(&cmd, "LOAD");
    gc_cmd_text(&cmd, self->scripts.items[script].text);
    gc_err err = gc_cmd_finish(&cmd);
    if (!err)
        err = converse(self, &cmd.buf, &reply);
    if (!err)
        err = judge(self, &reply);
    if (reply)
        freeReplyObject(reply);
    gc_cmd_release(&cmd);
    return err;
}

gc_err gc_store_call(gc_store *self, gc_cmd *cmd, redisReply **out)
{
    redisReply *reply = NULL;
    if (gc_cmd_finish(cmd))
        return store_fail(self, GC_ETOOBIG, "a Redis command of more than %zu bytes",
                          GC_STORE_MAX_COMMAND);
    gc_err err = converse(self, &cmd->buf, &reply);
    if (!err && cmd->script >= 0 && gc_reply_kind_of(reply) == GC_REPLY_NOSCRIPT) {
        freeReplyObject(reply);
        reply = NULL;
        err = load_script(self, cmd->script);
        if (!err)
            err = converse(self, &cmd->buf, &reply);
    }
    if (!err)
        err = judge(self, &reply);
    if (!err)
        *out = reply;
    return err;
}

gc_err gc_store_run(gc_store *self, gc_cmd *cmd)
{
    redisReply *reply = NULL;
    gc_err err = gc_store_call(self, cmd, &reply);
    gc_cmd_release(cmd);
    if (err)
        return err;
    err = gc_reply_status(reply);
    if (err)
        store_fail(self, err, "Redis answered: %s", gc_reply_text(reply));
    freeReplyObject(reply);
    return err;
}

static gc_err ping(gc_store *self)
{
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "PING");
    gc_err err = gc_store_call(self, &cmd, &reply);
    gc_cmd_release(&cmd);
    if (reply)
        freeReplyObject(reply);
    return err;
}

gc_err gc_store_open(const char *url, gc_store **out, gc_errinfo *info)
{
    gc_redis_url parsed;
    gc_err err = gc_redis_url_parse(url, &parsed, info);
    if (err)
        return err;
    gc_store *self = gc_xcalloc(1, sizeof *self);
    self->url = parsed;
    gc_scripts_init(&self->scripts);
    err = ping(self);
    if (err) {
        char *shown = gc_store_url_public(url);
        gc_fail(info, GC_EIO,
                "%s: %s; start redis-server there, or name another one with --redis or "
                "REDIS_URL",
                shown, self->error);
        free(shown);
        gc_store_close(&self);
        return GC_EIO;
    }
    *out = self;
    return GC_OK;
}

void gc_store_close(gc_store **self_p)
{
    gc_store *self = *self_p;
    if (!self)
        return;
    disconnect(self);
    gc_redis_url_release(&self->url);
    gc_scripts_release(&self->scripts);
    free(self);
    *self_p = NULL;
}

const char *gc_store_error(const gc_store *self)
{
    return self->error;
}
