#include "tests/llm-sim/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"

#define READ_SIZE ((size_t)64 << 10)
#define EARLY_MAX ((size_t)64 << 10)  /* pipelined bytes kept while an answer runs */
#define OUT_MAX ((size_t)256 << 20)   /* the largest body, see the engine */
#define OUT_FULL ((size_t)64 << 10)   /* renders no more before this is sent */
#define ROUND_MAX ((size_t)256 << 10) /* bytes per turn, so that all get theirs */
#define IDLE_US INT64_C(300000000)    /* between requests */
#define REQUEST_US INT64_C(60000000)  /* for a whole request */
#define CLOSING_US INT64_C(2000000)
#define STALLED_US INT64_C(3600000000)

gc_sim_conn *gc_sim_conn_new(int fd, gc_sim_engine *engine, gc_sim_heap *heap,
                             int64_t now_us)
{
    gc_sim_conn *self = gc_xcalloc(1, sizeof *self);
    self->fd = fd;
    self->engine = engine;
    self->heap = heap;
    self->timer.owner = self;
    gc_sim_http_init(&self->http);
    gc_buf_init(&self->early, EARLY_MAX);
    gc_buf_init(&self->out, OUT_MAX);
    gc_sim_heap_set(heap, &self->timer, now_us + IDLE_US);
    return self;
}

void gc_sim_conn_destroy(gc_sim_conn **self_p, int64_t now_us)
{
    gc_sim_conn *self = *self_p;
    if (!self)
        return;
    gc_sim_engine_end(self->engine, &self->exchange, false, now_us / 1000);
    gc_sim_heap_remove(self->heap, &self->timer);
    gc_sim_http_release(&self->http);
    gc_buf_release(&self->early);
    gc_buf_release(&self->out);
    close(self->fd);
    free(self);
    *self_p = NULL;
}

uint32_t gc_sim_conn_wants(const gc_sim_conn *self)
{
    switch (self->state) {
    case GC_SIM_CONN_READING: return EPOLLIN | (self->out.len ? EPOLLOUT : 0);
    case GC_SIM_CONN_CLOSING: return EPOLLIN;
    case GC_SIM_CONN_SENDING:
        /* a dripping answer waits for its timer, not for room */
        return EPOLLRDHUP | (self->out.len && !self->every_us ? EPOLLOUT : 0);
    default: return EPOLLRDHUP;
    }
}

static void set_state(gc_sim_conn *self, gc_sim_conn_state state, int64_t due_us)
{
    self->state = state;
    gc_sim_heap_set(self->heap, &self->timer, due_us);
}

static void die(gc_sim_conn *self)
{
    self->state = GC_SIM_CONN_DEAD;
    gc_sim_heap_remove(self->heap, &self->timer);
}

/* The next close sends RST instead of FIN. */
static void reset(gc_sim_conn *self)
{
    struct linger linger = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    die(self);
}

static void render_head(gc_sim_conn *self)
{
    gc_sim_exchange *ex = self->exchange;
    self->chunked = ex->stream && !self->http.http10;
    if (ex->stream && self->http.http10)
        self->close_after = true;
    gc_buf_printf(&self->out, "HTTP/1.1 %d %s\r\ncontent-type: %s\r\n", ex->status,
                  gc_sim_http_reason(ex->status), ex->content_type);
    gc_buf_append(&self->out, ex->headers.ptr, ex->headers.len);
    if (self->chunked)
        gc_buf_puts(&self->out, "transfer-encoding: chunked\r\n");
    else if (!ex->stream)
        gc_buf_printf(&self->out, "content-length: %zu\r\n", ex->body.len);
    gc_buf_printf(&self->out, "connection: %s\r\n\r\n",
                  self->close_after ? "close" : "keep-alive");
}

static void put_body(gc_sim_conn *self, const gc_buf *piece)
{
    if (piece->len == 0)
        return;
    if (self->chunked)
        gc_buf_printf(&self->out, "%zx\r\n", piece->len);
    gc_buf_append(&self->out, piece->ptr, piece->len);
    if (self->chunked)
        gc_buf_puts(&self->out, "\r\n");
}

static void end_body(gc_sim_conn *self)
{
    if (self->chunked)
        gc_buf_puts(&self->out, "0\r\n\r\n");
    self->ended = true;
}

/* A transport fault at this place of the answer. */
static void strike(gc_sim_conn *self)
{
    gc_buf event;
    self->broken = true;
    self->ended = true;
    self->close_after = true;
    switch (self->exchange->fault) {
    case GC_SIM_FAULT_RESET: self->reset_after = true; break;
    case GC_SIM_FAULT_STALL: self->stall_after = true; break;
    case GC_SIM_FAULT_TRUNCATE: end_body(self); break;
    case GC_SIM_FAULT_ERROR_EVENT:
        gc_buf_init(&event, 4096);
        gc_sim_exchange_error_event(self->exchange, &event);
        put_body(self, &event);
        end_body(self);
        gc_buf_release(&event);
        break;
    default: break; /* cut: the connection just ends */
    }
    self->last_len = self->out.len;
}

/* The part of a plain body that a fault lets through. */
static void render_plain(gc_sim_conn *self)
{
    gc_sim_exchange *ex = self->exchange;
    if (gc_sim_exchange_strikes(ex)) {
        size_t text = ex->reply.text_len ? ex->reply.text_len : 1;
        size_t part =
            (size_t)((double)ex->body.len * ((double)ex->strike_at / (double)text));
        gc_buf_append(&self->out, ex->body.ptr,
                      part < ex->body.len ? part : ex->body.len);
        strike(self);
        return;
    }
    gc_buf_append(&self->out, ex->body.ptr, ex->body.len);
    self->ended = true;
    self->last_len = 1;
}

/* Everything of a stream that is due, up to a full buffer. */
static void render_stream(gc_sim_conn *self, int64_t now_us)
{
    gc_sim_exchange *ex = self->exchange;
    bool all = self->every_us > 0; /* a dripping answer is rendered at once */
    size_t end_at = 0;             /* of the terminal events in this piece */
    gc_buf piece;
    gc_buf_init(&piece, OUT_MAX);
    while (!gc_sim_exchange_done(ex) && !gc_sim_exchange_strikes(ex) &&
           (all || (self->due_us <= now_us && piece.len < OUT_FULL))) {
        end_at = piece.len;
        self->due_us +=
            (int64_t)(gc_sim_engine_next(self->engine, ex, &piece, now_us / 1000) * 1000);
    }
    put_body(self, &piece);
    if (gc_sim_exchange_strikes(ex)) {
        strike(self);
    } else if (gc_sim_exchange_done(ex)) {
        size_t before = self->out.len;
        end_body(self);
        self->last_len = piece.len - end_at + (self->out.len - before);
    }
    gc_buf_release(&piece);
}

/* How much may go out now. Before the end of an answer does, the ledger gets its line, so
 * that whoever has seen the end finds the line. */
static size_t allowed(gc_sim_conn *self, int64_t now_us)
{
    size_t want = self->out.len;
    if (self->ended && self->exchange && !self->stall_after) {
        if (want > self->last_len) {
            want -= self->last_len;
        } else {
            self->exchange->bytes += (int64_t)want;
            gc_sim_engine_end(self->engine, &self->exchange, !self->broken,
                              now_us / 1000);
        }
    }
    return self->every_us ? 1 : want;
}

/* Sends what it can; false: the socket is full, or gone, or the drip is not due. */
static bool flush(gc_sim_conn *self, int64_t now_us)
{
    size_t round = 0;
    while (self->out.len && round < ROUND_MAX) {
        size_t want = allowed(self, now_us);
        ssize_t sent = send(self->fd, self->out.ptr, want, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return false;
        if (sent < 0) {
            die(self);
            return false;
        }
        gc_buf_drop(&self->out, (size_t)sent);
        round += (size_t)sent;
        if (self->exchange)
            self->exchange->bytes += sent;
        if (self->every_us) {
            gc_sim_heap_set(self->heap, &self->timer, now_us + self->every_us);
            return self->out.len == 0;
        }
    }
    return self->out.len == 0;
}

static void start_next_request(gc_sim_conn *self, int64_t now_us);

/* The response is over: sent in full, or as far as a fault lets it. */
static void finish(gc_sim_conn *self, int64_t now_us)
{
    if (self->stall_after) {
        set_state(self, GC_SIM_CONN_STALLED, now_us + STALLED_US);
        return;
    }
    gc_sim_engine_end(self->engine, &self->exchange, !self->broken, now_us / 1000);
    gc_buf_release(&self->out);
    if (self->reset_after) {
        reset(self);
    } else if (self->close_after) {
        shutdown(self->fd, SHUT_WR);
        set_state(self, GC_SIM_CONN_CLOSING, now_us + CLOSING_US);
    } else {
        start_next_request(self, now_us);
    }
}

static void send_response(gc_sim_conn *self, int64_t now_us)
{
    for (size_t turn = 0; self->state == GC_SIM_CONN_SENDING; turn++) {
        if (!flush(self, now_us))
            return;
        if (self->ended) {
            finish(self, now_us);
            return;
        }
        if (self->due_us > now_us || turn > 4) { /* not due, or others' turn */
            gc_sim_heap_set(self->heap, &self->timer,
                            self->due_us > now_us ? self->due_us : now_us + 1);
            return;
        }
        render_stream(self, now_us);
    }
}

/* The delay is over: headers, and the first event of a stream. */
static void start_response(gc_sim_conn *self, int64_t now_us)
{
    gc_sim_exchange *ex = self->exchange;
    if (ex->fault == GC_SIM_FAULT_RESET && ex->strike_at == 0) {
        gc_sim_engine_end(self->engine, &self->exchange, false, now_us / 1000);
        reset(self);
        return;
    }
    set_state(self, GC_SIM_CONN_SENDING, now_us + STALLED_US);
    render_head(self);
    gc_sim_engine_begun(self->engine, ex);
    self->due_us = now_us;
    if (ex->stream)
        render_stream(self, now_us);
    else
        render_plain(self);
    send_response(self, now_us);
}

static void take_exchange(gc_sim_conn *self, gc_sim_exchange *ex, int64_t now_us)
{
    self->exchange = ex;
    self->ended = self->broken = self->reset_after = self->stall_after = false;
    self->every_us = ex->every_ms * 1000;
    self->close_after = self->close_after || !self->http.keep_alive;
    if (ex->delay_ms > 0)
        set_state(self, GC_SIM_CONN_DELAYED, now_us + (int64_t)(ex->delay_ms * 1000));
    else
        start_response(self, now_us);
}

/* Feeds bytes to the parser; keeps what belongs to the next request. */
static void take_bytes(gc_sim_conn *self, const char *mem, size_t len, int64_t now_us)
{
    size_t used = 0;
    bool fresh = self->http.state == GC_SIM_HTTP_START;
    gc_err err = gc_sim_http_feed(&self->http, mem, len, &used);
    if (err) {
        bool body = self->http.method && self->http.state >= GC_SIM_HTTP_HEADERS &&
                    (self->http.state != GC_SIM_HTTP_HEADERS ||
                     gc_sim_http_header(&self->http, "content-length"));
        self->close_after = true;
        self->http.keep_alive = false;
        take_exchange(
            self, gc_sim_engine_bad(self->engine, err, body, now_us / 1000, gc_wall_ms()),
            now_us);
        return;
    }
    if (self->http.state == GC_SIM_HTTP_DONE) {
        /* more than fits here is no client of ours: it loses the rest */
        if (gc_buf_append(&self->early, mem + used, len - used))
            self->close_after = true;
        take_exchange(
            self,
            gc_sim_engine_begin(self->engine, &self->http, now_us / 1000, gc_wall_ms()),
            now_us);
        return;
    }
    if (fresh && self->http.state != GC_SIM_HTTP_START)
        gc_sim_heap_set(self->heap, &self->timer, now_us + REQUEST_US);
    if (self->http.expect_continue && self->http.state >= GC_SIM_HTTP_BODY) {
        self->http.expect_continue = false;
        gc_buf_puts(&self->out, "HTTP/1.1 100 Continue\r\n\r\n");
        flush(self, now_us);
    }
}

static void start_next_request(gc_sim_conn *self, int64_t now_us)
{
    gc_sim_http_reset(&self->http);
    set_state(self, GC_SIM_CONN_READING, now_us + IDLE_US);
    /* pipelined bytes are fed by the next turn of the loop, so that a long pipeline does
     * not recurse */
    if (self->early.len)
        gc_sim_heap_set(self->heap, &self->timer, now_us);
}

static void feed_early(gc_sim_conn *self, int64_t now_us)
{
    size_t len = self->early.len;
    char *bytes = gc_buf_take(&self->early);
    take_bytes(self, bytes, len, now_us);
    free(bytes);
}

void gc_sim_conn_readable(gc_sim_conn *self, int64_t now_us)
{
    static char bytes[READ_SIZE]; /* one thread; nothing stays in it */
    bool reading = self->state == GC_SIM_CONN_READING;
    if (!reading && self->state != GC_SIM_CONN_CLOSING) {
        die(self); /* the client went away in the middle of an answer */
        return;
    }
    ssize_t got = recv(self->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (got <= 0) {
        die(self);
        return;
    }
    if (!reading)
        return; /* closing: read and thrown away */
    if (self->early.len)
        feed_early(self, now_us);
    if (self->state == GC_SIM_CONN_READING)
        take_bytes(self, bytes, (size_t)got, now_us);
    else
        gc_buf_append(&self->early, bytes, (size_t)got);
}

void gc_sim_conn_progress(gc_sim_conn *self, int64_t now_us)
{
    bool due = self->timer.place && self->timer.due_us <= now_us;
    switch (self->state) {
    case GC_SIM_CONN_READING:
        if (self->early.len)
            feed_early(self, now_us);
        else if (due)
            die(self);
        else
            flush(self, now_us);
        break;
    case GC_SIM_CONN_DELAYED:
        if (due)
            start_response(self, now_us);
        break;
    case GC_SIM_CONN_SENDING: send_response(self, now_us); break;
    case GC_SIM_CONN_STALLED:
    case GC_SIM_CONN_CLOSING:
        if (due)
            die(self);
        break;
    case GC_SIM_CONN_DEAD: break;
    }
}
