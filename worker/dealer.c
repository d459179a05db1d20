#include "worker/dealer.h"

#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

#include "common/log.h"
#include "common/mem.h"

struct gc_dealer {
    gc_dealer_conf conf;
    void *socket; /* NULL: could not be made, tried again by reopen */
    uv_poll_t *poll;
    bool reopened; /* while its messages were handed over */
};

/* The loop looks at the descriptor only to wake up. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)poll;
    (void)status;
    (void)events;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static gc_err watch(gc_dealer *self)
{
    int fd = -1;
    size_t size = sizeof fd;
    if (zmq_getsockopt(self->socket, ZMQ_FD, &fd, &size) != 0)
        return GC_EIO;
    uv_poll_t *poll = gc_xcalloc(1, sizeof *poll);
    if (uv_poll_init(self->conf.loop, poll, fd) != 0) {
        free(poll);
        return GC_EIO;
    }
    uv_poll_start(poll, UV_READABLE, on_readable);
    self->poll = poll;
    return GC_OK;
}

static void drop(gc_dealer *self)
{
    if (self->poll) {
        uv_poll_stop(self->poll); /* before the descriptor goes */
        uv_close((uv_handle_t *)self->poll, free_handle);
        self->poll = NULL;
    }
    if (self->socket)
        zmq_close(self->socket);
    self->socket = NULL;
}

static gc_err make(gc_dealer *self, gc_errinfo *info)
{
    const gc_config *config = self->conf.config;
    const char *endpoint = self->conf.endpoint;
    self->socket = zmq_socket(self->conf.context, ZMQ_DEALER);
    if (!self->socket)
        return gc_fail(info, GC_EIO, "ZeroMQ: %s", zmq_strerror(errno));
    gc_wire_tune(self->socket, config->cluster_heartbeat_ms,
                 config->cluster_max_message_bytes);
    gc_err err = gc_wire_secure_client(
        self->socket, endpoint, config->cluster_curve_certificate,
        config->cluster_curve_server, config->cluster_insecure, info);
    if (!err && zmq_connect(self->socket, endpoint) != 0)
        err = gc_fail(info, GC_EINVAL, "--broker %s: %s", endpoint, zmq_strerror(errno));
    if (!err && watch(self))
        err = gc_fail(info, GC_EIO, "cannot watch the connection to %s", endpoint);
    if (err)
        drop(self);
    return err;
}

gc_err gc_dealer_open(const gc_dealer_conf *conf, gc_dealer **out, gc_errinfo *info)
{
    gc_dealer *self = gc_xcalloc(1, sizeof *self);
    self->conf = *conf;
    gc_err err = make(self, info);
    if (err)
        free(self);
    else
        *out = self;
    return err;
}

void gc_dealer_close(gc_dealer **self_p)
{
    gc_dealer *self = *self_p;
    if (!self)
        return;
    drop(self);
    free(self);
    *self_p = NULL;
}

void gc_dealer_reopen(gc_dealer *self)
{
    gc_errinfo info;
    drop(self);
    self->reopened = true;
    if (make(self, &info))
        gc_log_error("broker.unreachable", "endpoint=%s reason=\"%s\"",
                     self->conf.endpoint, info.text);
}

gc_err gc_dealer_send(gc_dealer *self, const gc_wire *message)
{
    if (!self->socket)
        return GC_EAGAIN;
    gc_err err = gc_wire_send(self->socket, message, NULL, 0);
    if (err && err != GC_EAGAIN)
        gc_log_warn("broker.send_failed", "endpoint=%s command=%s error=\"%s\"",
                    self->conf.endpoint, gc_command_str(message->command),
                    gc_err_str(err));
    return err;
}

bool gc_dealer_ready(gc_dealer *self)
{
    int events = 0;
    size_t size = sizeof events;
    return self->socket &&
           zmq_getsockopt(self->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLIN);
}

void gc_dealer_pump(gc_dealer *self)
{
    self->reopened = false;
    for (int i = 0; i < GC_DEALER_PER_PUMP && self->socket && !self->reopened; i++) {
        gc_wire message;
        gc_errinfo info = { 0 };
        gc_err err = gc_wire_recv(self->socket, &message, NULL, &info);
        if (err == GC_EAGAIN || err == GC_EIO)
            return;
        if (err) {
            gc_log_warn("broker.malformed", "endpoint=%s reason=\"%s\"",
                        self->conf.endpoint, info.text);
            continue;
        }
        self->conf.on_message(self->conf.arg, &message);
        gc_wire_release(&message);
    }
}
