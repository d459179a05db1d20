/* The connection of the asynchronous store: resolve, connect, say hello, carry bytes, and
 * begin again. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/store_async_private.h"

#define READ_CHUNK 65536
#define READS_PER_EVENT 16 /* then the other descriptors of the loop get their turn */

static void on_timer(uv_timer_t *timer);
static void on_ready(uv_poll_t *poll, int status, int events);
static void connect_next(gc_astore *self);

static void arm(gc_astore *self, int64_t ms)
{
    uv_timer_start(&self->timer, on_timer, (uint64_t)ms, 0);
}

/* ---- ends ---- */

static void free_poll(uv_handle_t *handle)
{
    free(handle);
}

static void forget_socket(gc_astore *self)
{
    if (self->poll) {
        uv_poll_stop(self->poll);
        uv_close((uv_handle_t *)self->poll, free_poll);
        self->poll = NULL;
    }
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
    self->want_write = false;
    self->watched = 0;
    if (self->reader)
        redisReaderFree(self->reader);
    self->reader = NULL;
    gc_buf_reset(&self->out);
}

static void forget_addresses(gc_astore *self)
{
    if (self->addresses)
        uv_freeaddrinfo(self->addresses);
    self->addresses = NULL;
    self->next_address = NULL;
}

/* What was sent but not answered goes first again, in its order. */
static void requeue(gc_astore *self)
{
    if (!self->sent.head)
        return;
    self->sent.tail->next = self->waiting.head;
    if (self->waiting.tail)
        self->sent.tail = self->waiting.tail;
    self->sent.count += self->waiting.count;
    self->waiting = self->sent;
    self->sent = (gc_request_queue){ 0 };
}

/* Equal jitter: half of the back-off is fixed, half is luck. */
static int64_t next_wait(gc_astore *self)
{
    int64_t wait = self->backoff_ms;
    self->backoff_ms *= 2;
    if (self->backoff_ms > GC_ASTORE_BACKOFF_MAX_MS)
        self->backoff_ms = GC_ASTORE_BACKOFF_MAX_MS;
    return wait / 2 + gc_random_below((uint32_t)(wait / 2) + 1);
}

void gc_link_drop(gc_astore *self, const char *why)
{
    forget_socket(self);
    forget_addresses(self);
    requeue(self);
    self->phase = GC_LINK_DOWN;
    if (!why && !self->reloading) {
        self->reloading = true; /* again without success meanwhile: with back-off */
        gc_link_open(self);
        return;
    }
    if (!why)
        why = "scripts do not stay loaded";
    arm(self, next_wait(self));
    gc_astore_set_up(self, false, why);
}

static void unreference(gc_astore *self)
{
    if (--self->references > 0)
        return;
    gc_redis_url_release(&self->url);
    gc_scripts_release(&self->scripts);
    gc_sums_drop(self);
    gc_buf_release(&self->out);
    gc_buf_release(&self->packed);
    free(self->shown);
    free(self);
}

static void on_closed(uv_handle_t *handle)
{
    unreference(handle->data);
}

void gc_link_close(gc_astore *self)
{
    if (self->phase == GC_LINK_RESOLVING)
        uv_cancel((uv_req_t *)&self->resolver); /* on_resolved comes in any case */
    forget_socket(self);
    forget_addresses(self);
    self->phase = GC_LINK_DOWN;
    uv_close((uv_handle_t *)&self->prepare, on_closed);
    uv_close((uv_handle_t *)&self->timer, on_closed);
}

/* ---- connecting ---- */

static void watch(gc_astore *self)
{
    int events = UV_READABLE | (self->want_write ? UV_WRITABLE : 0);
    if (self->phase == GC_LINK_CONNECTING)
        events = UV_WRITABLE;
    if (events != self->watched)
        uv_poll_start(self->poll, events, on_ready); /* costs system calls each time */
    self->watched = events;
}

static void tune(int fd)
{
    int on = 1;
    int idle_s = 15;
    unsigned unacked_ms = GC_STORE_REPLY_MS;
    /* Best effort: none of them changes what is right, only how soon a loss is seen. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof unacked_ms);
}

/* 0, or the errno of what failed; the socket stays behind in self->fd. */
static int connect_to(gc_astore *self, const struct sockaddr *at, socklen_t len)
{
    self->fd = socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self->fd < 0)
        return errno;
    if (at->sa_family != AF_UNIX)
        tune(self->fd);
    if (connect(self->fd, at, len) != 0 && errno != EINPROGRESS)
        return errno;
    uv_poll_t *poll = gc_xmalloc(sizeof *poll);
    int status = uv_poll_init(self->loop, poll, self->fd);
    if (status != 0) {
        free(poll);
        return -status;
    }
    poll->data = self;
    self->poll = poll;
    self->phase = GC_LINK_CONNECTING;
    watch(self);
    return 0;
}

static void say_hello(gc_astore *self)
{
    self->phase = GC_LINK_HELLO;
    self->reader = redisReaderCreate();
    self->hello_left = gc_redis_hello(&self->url, &self->out);
    for (int i = 0; i < GC_SCRIPT_COUNT; i++) {
        gc_cmd cmd;
        gc_cmd_init(&cmd, "SCRIPT");
        gc_cmd_text(&cmd, "LOAD");
        gc_cmd_text(&cmd, self->scripts.items[i].text);
        self->hello_left += gc_cmd_join(&cmd, &self->out);
    }
    gc_link_flush(self);
}

static void on_connected(gc_astore *self)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (error == 0) {
        say_hello(self);
    } else if (self->next_address) {
        forget_socket(self);
        connect_next(self);
    } else {
        gc_link_drop(self, strerror(error));
    }
}

static void connect_next(gc_astore *self)
{
    int error = EHOSTUNREACH;
    while (self->next_address) {
        const struct addrinfo *at = self->next_address;
        self->next_address = at->ai_next;
        error = connect_to(self, at->ai_addr, at->ai_addrlen);
        if (error == 0)
            return;
        forget_socket(self);
    }
    gc_link_drop(self, strerror(error));
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    gc_astore *self = request->data;
    bool wanted = !self->closing && self->phase == GC_LINK_RESOLVING;
    if (!wanted || status != 0) {
        uv_freeaddrinfo(list);
        if (wanted)
            gc_link_drop(self, uv_strerror(status));
        unreference(self);
        return;
    }
    self->addresses = list;
    self->next_address = list;
    arm(self, GC_STORE_CONNECT_MS);
    connect_next(self);
    unreference(self);
}

static void resolve(gc_astore *self)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    char port[16];
    snprintf(port, sizeof port, "%d", self->url.port);
    self->phase = GC_LINK_RESOLVING;
    self->resolver.data = self;
    int status = uv_getaddrinfo(self->loop, &self->resolver, on_resolved, self->url.host,
                                port, &hints);
    if (status == 0)
        self->references++;
    else
        gc_link_drop(self, uv_strerror(status));
}

static void connect_unix(gc_astore *self)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    memcpy(at.sun_path, self->url.path,
           strlen(self->url.path)); /* length checked in url */
    int error = connect_to(self, (const struct sockaddr *)&at, sizeof at);
    if (error)
        gc_link_drop(self, strerror(error));
}

void gc_link_open(gc_astore *self)
{
    arm(self, GC_STORE_CONNECT_MS);
    if (self->url.path)
        connect_unix(self);
    else
        resolve(self);
}

/* ---- bytes ---- */

static void note_sending(gc_astore *self)
{
    if (self->sent.head)
        return;
    self->progress_ms = (int64_t)uv_now(self->loop);
    arm(self, GC_STORE_REPLY_MS);
}

/* Gathers waiting requests until a chunk is full. After a refusal only the refused one
 * goes, to see whether it passes by now. */
static void gather(gc_astore *self)
{
    if (self->refused_by && self->sent.head)
        return;
    while (self->waiting.head && self->out.len < GC_ASTORE_SEND_CHUNK) {
        size_t count = self->refused_by ? 1 : gc_link_joinable(self);
        note_sending(self);
        if (count > 1) {
            gc_cmd cmd;
            gc_link_join(self, count, &cmd);
            gc_cmd_join(&cmd, &self->out);
            continue;
        }
        gc_request *request = gc_request_pop(&self->waiting);
        request->many = 1;
        gc_buf_append(&self->out, request->bytes, request->len);
        gc_request_push(&self->sent, request);
        if (self->refused_by)
            return;
    }
}

void gc_link_flush(gc_astore *self)
{
    if (self->want_write)
        return; /* the socket is full: it says when it is not */
    for (;;) {
        if (self->out.len == 0 && self->phase == GC_LINK_READY)
            gather(self);
        if (self->out.len == 0)
            break;
        ssize_t n = send(self->fd, self->out.ptr, self->out.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            gc_link_drop(self, strerror(errno));
            return;
        }
        if (n < 0) {
            self->want_write = true;
            break;
        }
        gc_buf_drop(&self->out, (size_t)n);
    }
    watch(self);
}

static void on_hello_reply(gc_astore *self, const redisReply *reply)
{
    gc_reply_kind kind = gc_reply_kind_of(reply);
    if (kind != GC_REPLY_GOOD) {
        if (kind != GC_REPLY_REFUSED && !self->denial_logged) {
            gc_log_error("redis.denied",
                         "url=%s error=\"%s\" hint=\"check user, password and ACL\"",
                         self->shown, reply->str);
            self->denial_logged = true;
        }
        gc_link_drop(self, reply->str);
        return;
    }
    if (--self->hello_left > 0)
        return;
    self->phase = GC_LINK_READY;
    forget_addresses(self);
    uv_timer_stop(&self->timer);
    if (!self->refused_by) {
        self->backoff_ms = GC_ASTORE_BACKOFF_MIN_MS;
        self->denial_logged = false;
        gc_astore_set_up(self, true, NULL);
    }
}

/* Takes every whole reply out of the reader. False if the connection is no more. */
static bool take_replies(gc_astore *self)
{
    const redisReader *reader = self->reader;
    for (;;) {
        void *reply = NULL;
        if (redisReaderGetReply(self->reader, &reply) != REDIS_OK) {
            char why[sizeof self->reader->errstr];
            snprintf(why, sizeof why, "%s", self->reader->errstr); /* dies with it */
            gc_link_drop(self, why);
            return false;
        }
        if (!reply)
            break;
        self->progress_ms = (int64_t)uv_now(self->loop);
        if (self->phase == GC_LINK_HELLO)
            on_hello_reply(self, reply);
        else
            gc_astore_on_reply(self, reply);
        freeReplyObject(reply);
        if (self->reader != reader)
            return false; /* dropped or closed by what the reply led to */
    }
    if (reader->len - reader->pos > GC_STORE_MAX_REPLY) {
        gc_link_drop(self, "a reply over the limit");
        return false;
    }
    return true;
}

static void on_readable(gc_astore *self)
{
    char chunk[READ_CHUNK];
    for (int i = 0; i < READS_PER_EVENT; i++) {
        ssize_t n = recv(self->fd, chunk, sizeof chunk, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) {
            gc_link_drop(self, n == 0 ? "closed by the server" : strerror(errno));
            return;
        }
        redisReaderFeed(self->reader, chunk, (size_t)n);
        if (!take_replies(self))
            return;
        if ((size_t)n < sizeof chunk)
            return;
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    gc_astore *self = poll->data;
    if (status != 0) {
        gc_link_drop(self, uv_strerror(status));
        return;
    }
    if (self->phase == GC_LINK_CONNECTING) {
        on_connected(self);
        return;
    }
    if (events & UV_READABLE)
        on_readable(self);
    if (self->poll == poll && events & UV_WRITABLE) {
        self->want_write = false;
        gc_link_flush(self);
    }
}

static void on_timer(uv_timer_t *timer)
{
    gc_astore *self = timer->data;
    switch (self->phase) {
    case GC_LINK_DOWN: gc_link_open(self); return;
    case GC_LINK_RESOLVING:
        return; /* on_resolved ends it; the system has its own limit */
    case GC_LINK_CONNECTING:
    case GC_LINK_HELLO: gc_link_drop(self, "no answer in time"); return;
    case GC_LINK_READY: break;
    }
    if (!self->sent.head)
        return;
    int64_t silent = (int64_t)uv_now(self->loop) - self->progress_ms;
    if (silent >= GC_STORE_REPLY_MS)
        gc_link_drop(self, "no answer in time");
    else
        arm(self, GC_STORE_REPLY_MS - silent);
}
