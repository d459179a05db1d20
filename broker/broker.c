#include "broker/broker.h"

#include <czmq.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <zmq.h>

#include "broker/http.h"
#include "broker/process.h"
#include "broker/route.h"
#include "broker/secure.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

#define ID_LETTERS 12
#define LAG_WINDOW_MS 10000
#define EXIT_INTERRUPTED 130
#define MAX_WAIT_MS 1000
#define DRAIN_CHECK_MS 20

struct gc_broker {
    const gc_broker_conf *conf;
    char id[ID_LETTERS + 3];
    char host[GC_WIRE_MAX_HOST];
    void *router;
    gc_route *route;
    gc_http *http;
    gc_secure *secure;
    int signal_fd;
    gc_buf from; /* identity of the last message */
    int64_t started_wall_ms;
    int64_t drain_until_ms; /* 0: not draining */
    bool abort;             /* a second signal came */
    int64_t lag_ms;         /* longest turn of this window and of the last one */
    int64_t last_lag_ms;
    int64_t window_ms;
};

/* ---- seams of the route ---- */

static gc_err send_to(void *arg, const void *route, size_t len, const gc_wire *message)
{
    gc_broker *self = arg;
    return gc_wire_send(self->router, message, route, len);
}

static void log_note(void *arg, gc_log_level level, const char *event, const char *text)
{
    (void)arg;
    gc_log_write(level, event, "%s", text);
}

/* ---- HTTP ---- */

static unsigned serve_metrics(gc_broker *self, gc_buf *body, const char **type)
{
    gc_gauges gauges;
    gc_route_gauges(self->route, gc_clock_ms(), &gauges);
    gc_process_gauges(&gauges);
    int64_t lag_ms = self->lag_ms > self->last_lag_ms ? self->lag_ms : self->last_lag_ms;
    gauges.lag_seconds = (double)lag_ms / 1000;
    gauges.start_seconds = (double)self->started_wall_ms / 1000;
    gc_stats_print(gc_route_stats(self->route), &gauges, body);
    gc_gauges_release(&gauges);
    *type = "text/plain; version=0.0.4; charset=utf-8";
    return 200;
}

static unsigned serve_health(const gc_broker *self, bool ready, bool verbose,
                             gc_buf *body)
{
    bool ok = !ready || !self->drain_until_ms;
    if (verbose)
        gc_buf_printf(body, "[+] loop turns\n[%c] takes tasks\n",
                      self->drain_until_ms ? '-' : '+');
    gc_buf_puts(body, ok ? "ok\n" : "draining\n");
    return ok ? 200 : 503;
}

static unsigned on_http(void *arg, const char *path, bool verbose, gc_buf *body,
                        const char **type)
{
    gc_broker *self = arg;
    if (strcmp(path, "/metrics") == 0)
        return serve_metrics(self, body, type);
    if (strcmp(path, "/livez") == 0 || strcmp(path, "/healthz") == 0)
        return serve_health(self, false, verbose, body);
    if (strcmp(path, "/readyz") == 0)
        return serve_health(self, true, verbose, body);
    gc_buf_puts(body, "/metrics /livez /readyz /healthz\n");
    return 404;
}

/* ---- opening ---- */

static gc_err open_signals(gc_broker *self, gc_errinfo *info)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread starts */
    self->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (self->signal_fd < 0)
        return gc_fail(info, GC_EIO, "signalfd: %s", strerror(errno));
    return GC_OK;
}

static gc_err open_router(gc_broker *self, gc_errinfo *info)
{
    const gc_config *c = &self->conf->config;
    int yes = 1;
    zsys_handler_set(NULL); /* signals are ours */
    self->router = zmq_socket(zsys_init(), ZMQ_ROUTER);
    if (!self->router)
        return gc_fail(info, GC_EIO, "ZeroMQ: %s", zmq_strerror(errno));
    gc_wire_tune(self->router, c->cluster_heartbeat_ms, c->cluster_max_message_bytes);
    zmq_setsockopt(self->router, ZMQ_ROUTER_MANDATORY, &yes, sizeof yes);
    zmq_setsockopt(self->router, ZMQ_ROUTER_HANDOVER, &yes, sizeof yes);
    if (!*c->cluster_curve_certificate)
        return GC_OK;
    return gc_secure_new(self->router, c->cluster_curve_certificate,
                         c->cluster_curve_allow, &self->secure, info);
}

static gc_err bind_all(gc_broker *self, gc_buf *real, gc_errinfo *info)
{
    for (size_t i = 0; i < self->conf->binds.count; i++) {
        const char *endpoint = self->conf->binds.items[i];
        char bound[512];
        size_t size = sizeof bound;
        if (zmq_bind(self->router, endpoint) ||
            zmq_getsockopt(self->router, ZMQ_LAST_ENDPOINT, bound, &size))
            return gc_fail(info, GC_EIO, "cannot listen on %s: %s", endpoint,
                           zmq_strerror(errno));
        gc_log_info("broker.listening", "endpoint=%s curve=%s", bound,
                    self->secure ? "yes" : "no");
        gc_buf_printf(real, "%s\n", bound);
    }
    return GC_OK;
}

/* The parent waits for these lines. */
static void tell_ready(int fd, const gc_buf *lines)
{
    size_t done = 0;
    if (fd < 0)
        return;
    while (done < lines->len) {
        ssize_t n = write(fd, lines->ptr + done, lines->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            gc_log_warn("broker.ready_fd", "fd=%d error=\"%s\"", fd, strerror(errno));
            break;
        }
        done += (size_t)n;
    }
    close(fd);
}

static void open_route(gc_broker *self)
{
    const gc_config *c = &self->conf->config;
    gc_route_conf conf = {
        .id = self->id,
        .host = self->host,
        .pid = getpid(),
        .heartbeat_ms = c->cluster_heartbeat_ms,
        .max_message_bytes = c->cluster_max_message_bytes,
        .max_queued = (size_t)c->cluster_max_queue,
        .max_bytes = GC_BROKER_MAX_BYTES,
        .send = send_to,
        .note = log_note,
        .arg = self,
    };
    self->route = gc_route_new(&conf, gc_clock_ms());
}

static gc_err open_http(gc_broker *self, gc_errinfo *info)
{
    const char *address = self->conf->config.cluster_http;
    if (!*address)
        return GC_OK;
    gc_err err = gc_http_new(address, on_http, self, &self->http, info);
    if (!err)
        gc_log_info("broker.http", "url=%s", gc_http_url(self->http));
    return err;
}

gc_err gc_broker_new(const gc_broker_conf *conf, gc_broker **out, gc_errinfo *info)
{
    gc_buf real;
    gc_broker *self = gc_xcalloc(1, sizeof *self);
    gc_buf_init(&real, 65536);
    gc_buf_init(&self->from, GC_WIRE_MAX_ROUTE);
    self->conf = conf;
    self->signal_fd = -1;
    self->started_wall_ms = gc_wall_ms();
    self->id[0] = 'b';
    self->id[1] = '-';
    gc_random_id(self->id + 2, ID_LETTERS);
    gethostname(self->host, sizeof self->host - 1);
    gc_process_raise_files();
    gc_err err = open_signals(self, info);
    if (!err)
        err = open_router(self, info);
    if (!err) {
        open_route(self);
        err = open_http(self, info);
    }
    if (!err)
        err = bind_all(self, &real, info);
    if (!err) {
        if (self->http)
            gc_buf_printf(&real, "%s\n", gc_http_url(self->http));
        tell_ready(conf->ready_fd, &real);
        *out = self;
        self = NULL;
    }
    gc_buf_release(&real);
    gc_broker_destroy(&self);
    return err;
}

void gc_broker_destroy(gc_broker **self_p)
{
    gc_broker *self = *self_p;
    int no_linger = 0;
    if (!self)
        return;
    gc_http_destroy(&self->http);
    gc_route_destroy(&self->route);
    gc_secure_destroy(&self->secure);
    if (self->router) {
        if (self->abort)
            zmq_setsockopt(self->router, ZMQ_LINGER, &no_linger, sizeof no_linger);
        zmq_close(self->router);
    }
    zsys_shutdown(); /* waits for what lingers */
    if (self->signal_fd >= 0)
        close(self->signal_fd);
    gc_buf_release(&self->from);
    free(self);
    *self_p = NULL;
}

/* ---- the loop ---- */

static void pump(gc_broker *self)
{
    for (int i = 0; i < GC_BROKER_BATCH; i++) {
        gc_wire message;
        gc_errinfo info = { 0 };
        gc_err err = gc_wire_recv(self->router, &message, &self->from, &info);
        if (err == GC_EAGAIN)
            return;
        int64_t now_ms = gc_clock_ms();
        if (err == GC_EIO) {
            gc_log_error("broker.socket", "error=\"%s\"", zmq_strerror(errno));
            return;
        }
        if (err) {
            gc_route_refuse(self->route, self->from.ptr, self->from.len, err, info.text,
                            now_ms);
            continue;
        }
        gc_route_receive(self->route, self->from.ptr, self->from.len, &message, now_ms);
        gc_wire_release(&message);
    }
}

static void on_signal(gc_broker *self)
{
    struct signalfd_siginfo signal_info;
    while (read(self->signal_fd, &signal_info, sizeof signal_info) ==
           (ssize_t)sizeof signal_info) {
        if (self->drain_until_ms) {
            self->abort = true;
            continue;
        }
        gc_log_info("broker.drain", "signal=%u for_ms=%d", signal_info.ssi_signo,
                    GC_BROKER_DRAIN_MS);
        self->drain_until_ms = gc_clock_ms() + GC_BROKER_DRAIN_MS;
        gc_route_drain(self->route);
    }
}

static int64_t wait_ms(const gc_broker *self)
{
    int64_t ms = gc_route_tick(self->route, gc_clock_ms());
    int64_t http_ms = self->http ? gc_http_timeout_ms(self->http) : -1;
    if (http_ms >= 0 && http_ms < ms)
        ms = http_ms;
    if (self->drain_until_ms && ms > DRAIN_CHECK_MS)
        ms = DRAIN_CHECK_MS;
    return ms > MAX_WAIT_MS ? MAX_WAIT_MS : ms;
}

static void note_lag(gc_broker *self, int64_t began_ms)
{
    int64_t now_ms = gc_clock_ms();
    if (now_ms - self->window_ms >= LAG_WINDOW_MS) {
        self->last_lag_ms = self->lag_ms;
        self->lag_ms = 0;
        self->window_ms = now_ms;
    }
    if (now_ms - began_ms > self->lag_ms)
        self->lag_ms = now_ms - began_ms;
}

/* One turn: wait, then everything that is there. */
static void turn(gc_broker *self)
{
    zmq_pollitem_t items[4] = { { .socket = self->router, .events = ZMQ_POLLIN },
                                { .fd = self->signal_fd, .events = ZMQ_POLLIN } };
    int count = 2;
    if (self->http)
        items[count++] =
            (zmq_pollitem_t){ .fd = gc_http_fd(self->http), .events = ZMQ_POLLIN };
    if (self->secure)
        items[count++] = (zmq_pollitem_t){ .socket = gc_secure_monitor(self->secure),
                                           .events = ZMQ_POLLIN };
    zmq_poll(items, count, (long)wait_ms(self));
    int64_t began_ms = gc_clock_ms();
    if (items[1].revents)
        on_signal(self);
    pump(self);
    if (self->http)
        gc_http_run(self->http);
    if (self->secure)
        gc_route_stats(self->route)->counters[GC_STAT_AUTH] +=
            gc_secure_refused(self->secure);
    note_lag(self, began_ms);
}

static bool is_drained(const gc_broker *self)
{
    if (!self->drain_until_ms)
        return false;
    return gc_route_idle(self->route) || gc_clock_ms() >= self->drain_until_ms;
}

int gc_broker_run(gc_broker *self)
{
    while (!self->abort && !is_drained(self))
        turn(self);
    if (self->abort) {
        gc_log_warn("broker.abort", "second signal: tasks in flight are left to their "
                                    "workers");
        return EXIT_INTERRUPTED;
    }
    gc_log_info("broker.end", "drained=%s", gc_route_idle(self->route) ? "yes" : "no");
    gc_route_bye(self->route);
    int64_t until_ms = gc_clock_ms() + GC_BROKER_PART_MS;
    while (!self->abort && !gc_route_parted(self->route) && gc_clock_ms() < until_ms)
        turn(self);
    return 0;
}
