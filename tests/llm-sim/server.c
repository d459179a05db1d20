#include "tests/llm-sim/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "tests/llm-sim/conn.h"

#define BACKLOG 4096
#define BATCH 512
#define ACCEPTS_PER_TURN 256

struct gc_sim_server {
    gc_sim_engine *engine;
    int listener;
    int epoll;
    int signals;
    bool paused; /* out of descriptors: accepts again when a connection has gone */
    gc_sim_heap heap;
    gc_sim_conn *conns;
    char url[80];
};

typedef union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} address;

/* Fills `out` and returns its size; 0: no loopback address. */
static socklen_t parse_loopback(const char *text, int port, address *out)
{
    memset(out, 0, sizeof *out);
    if (strcmp(text, "localhost") == 0)
        text = "127.0.0.1";
    if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons((uint16_t)port);
        return ntohl(out->v4.sin_addr.s_addr) >> 24 == 127 ? sizeof out->v4 : 0;
    }
    if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons((uint16_t)port);
        return IN6_IS_ADDR_LOOPBACK(&out->v6.sin6_addr) ? sizeof out->v6 : 0;
    }
    return 0;
}

static gc_err watch(gc_sim_server *self, int fd, uint32_t events, void *tag)
{
    struct epoll_event event = { .events = events, .data.ptr = tag };
    return epoll_ctl(self->epoll, EPOLL_CTL_ADD, fd, &event) ? GC_EIO : GC_OK;
}

static gc_err listen_on(gc_sim_server *self, const char *text, int port, gc_errinfo *info)
{
    address addr;
    socklen_t len = parse_loopback(text, port, &addr);
    if (len == 0)
        return gc_fail(
            info, GC_EINVAL,
            "%s is no loopback address; the simulator serves this machine only", text);
    self->listener =
        socket(addr.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    if (self->listener < 0 ||
        setsockopt(self->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
        bind(self->listener, &addr.any, len) || listen(self->listener, BACKLOG) ||
        getsockname(self->listener, &addr.any, &len))
        return gc_fail(info, GC_EIO, "cannot listen on %s port %d: %s", text, port,
                       strerror(errno));
    bool v6 = addr.any.sa_family == AF_INET6;
    char host[INET6_ADDRSTRLEN] = "";
    inet_ntop(addr.any.sa_family,
              v6 ? (const void *)&addr.v6.sin6_addr : (const void *)&addr.v4.sin_addr,
              host, sizeof host);
    snprintf(self->url, sizeof self->url, "http://%s%s%s:%d", v6 ? "[" : "", host,
             v6 ? "]" : "", ntohs(v6 ? addr.v6.sin6_port : addr.v4.sin_port));
    return GC_OK;
}

static gc_err take_signals(gc_sim_server *self)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return GC_EIO;
    self->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return self->signals < 0 ? GC_EIO : GC_OK;
}

gc_err gc_sim_server_new(const char *text, int port, gc_sim_engine *engine,
                         gc_sim_server **out, gc_errinfo *info)
{
    gc_sim_server *self = gc_xcalloc(1, sizeof *self);
    self->engine = engine;
    self->listener = self->signals = -1;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    gc_err err = listen_on(self, text, port, info);
    if (!err && (self->epoll < 0 || take_signals(self) ||
                 watch(self, self->listener, EPOLLIN, &self->listener) ||
                 watch(self, self->signals, EPOLLIN, &self->signals)))
        err = gc_fail(info, GC_EIO, "cannot set up the event loop: %s", strerror(errno));
    if (err)
        gc_sim_server_destroy(&self);
    else
        *out = self;
    return err;
}

static void drop_conn(gc_sim_server *self, gc_sim_conn *conn, int64_t now_us)
{
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        self->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    gc_sim_conn_destroy(&conn, now_us);
    if (self->paused && !watch(self, self->listener, EPOLLIN, &self->listener))
        self->paused = false;
}

void gc_sim_server_destroy(gc_sim_server **self_p)
{
    gc_sim_server *self = *self_p;
    if (!self)
        return;
    int fds[] = { self->listener, self->signals, self->epoll };
    self->paused = false;
    while (self->conns)
        drop_conn(self, self->conns, gc_clock_us());
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    gc_sim_heap_release(&self->heap);
    free(self);
    *self_p = NULL;
}

const char *gc_sim_server_url(const gc_sim_server *self)
{
    return self->url;
}

/* After something happened on `conn`: away with it, or watch what it wants now. */
static void settle(gc_sim_server *self, gc_sim_conn *conn, int64_t now_us)
{
    if (conn->state == GC_SIM_CONN_DEAD) {
        drop_conn(self, conn, now_us);
        return;
    }
    uint32_t wants = gc_sim_conn_wants(conn);
    if (wants == conn->events)
        return;
    struct epoll_event event = { .events = wants, .data.ptr = conn };
    conn->events = wants;
    if (epoll_ctl(self->epoll, EPOLL_CTL_MOD, conn->fd, &event))
        drop_conn(self, conn, now_us);
}

static void add_conn(gc_sim_server *self, int fd, int64_t now_us)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    gc_sim_conn *conn = gc_sim_conn_new(fd, self->engine, &self->heap, now_us);
    conn->events = EPOLLIN;
    conn->next = self->conns;
    if (self->conns)
        self->conns->prev = conn;
    self->conns = conn;
    if (watch(self, fd, EPOLLIN, conn))
        drop_conn(self, conn, now_us);
}

static void accept_all(gc_sim_server *self, int64_t now_us)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            add_conn(self, fd, now_us);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        bool out_of_fds = errno == EMFILE || errno == ENFILE;
        if (out_of_fds && self->conns &&
            !epoll_ctl(self->epoll, EPOLL_CTL_DEL, self->listener, NULL)) {
            self->paused = true;
            gc_log_warn("accept.paused", "reason=\"%s\"", strerror(errno));
        }
        return;
    }
}

static void run_timers(gc_sim_server *self)
{
    int64_t now_us = gc_clock_us();
    gc_sim_timer *timer;
    while ((timer = gc_sim_heap_first(&self->heap)) && timer->due_us <= now_us) {
        gc_sim_conn *conn = timer->owner;
        int64_t due_us = timer->due_us;
        gc_sim_conn_progress(conn, now_us);
        bool same = conn->state != GC_SIM_CONN_DEAD && conn->timer.place &&
                    conn->timer.due_us == due_us;
        if (same) /* waits for room in its socket: the timer has done its part */
            gc_sim_heap_set(&self->heap, &conn->timer, now_us + 1000000);
        settle(self, conn, now_us);
    }
}

static int timeout_ms(const gc_sim_server *self)
{
    const gc_sim_timer *timer = gc_sim_heap_first(&self->heap);
    if (!timer)
        return -1;
    int64_t left_us = timer->due_us - gc_clock_us();
    return left_us <= 0 ? 0 : left_us > 60000000 ? 60000 : (int)((left_us + 999) / 1000);
}

static void dispatch(gc_sim_server *self, const struct epoll_event *event, int64_t now_us)
{
    gc_sim_conn *conn = event->data.ptr;
    if (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        gc_sim_conn_readable(conn, now_us);
    if (conn->state != GC_SIM_CONN_DEAD && (event->events & EPOLLOUT))
        gc_sim_conn_progress(conn, now_us);
    settle(self, conn, now_us);
}

gc_err gc_sim_server_run(gc_sim_server *self, gc_errinfo *info)
{
    struct epoll_event events[BATCH];
    for (;;) {
        int count = epoll_wait(self->epoll, events, BATCH, timeout_ms(self));
        if (count < 0 && errno != EINTR)
            return gc_fail(info, GC_EIO, "epoll_wait: %s", strerror(errno));
        int64_t now_us = gc_clock_us();
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == &self->signals)
                return GC_OK;
            if (events[i].data.ptr == &self->listener)
                accept_all(self, now_us);
            else
                dispatch(self, &events[i], now_us);
        }
        run_timers(self);
    }
}
