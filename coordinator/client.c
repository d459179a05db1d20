#include "coordinator/client.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"

/* A broker that is silent for so many heartbeats is taken for gone. */
#define SILENT_HEARTBEATS 3
#define MIN_SILENCE_MS 3000

struct gc_client {
    const gc_config *config;
    void *context;
    void *socket;
    gc_strv endpoints;
    size_t endpoint; /* index of the one in use */
    char *job;
    char *broker_id; /* NULL until one has answered */
    bool changed;
    bool up;
    int64_t max_bytes;
    int64_t heard_at;
    int64_t sent_at;
};

static gc_err send_hello(gc_client *self)
{
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    gc_wire hello;
    gc_wire_init(&hello, GC_HELLO);
    hello.version = GC_WIRE_VERSION;
    hello.role = gc_xstrdup("client");
    hello.id = gc_xstrdup(self->job);
    hello.job = gc_xstrdup(self->job);
    hello.host = gc_xstrdup(host);
    hello.pid = getpid();
    gc_err err = gc_wire_send(self->socket, &hello, NULL, 0);
    gc_wire_release(&hello);
    return err;
}

static gc_err open_socket(gc_client *self, gc_errinfo *info)
{
    const char *endpoint = self->endpoints.items[self->endpoint];
    const gc_config *c = self->config;
    self->socket = zmq_socket(self->context, ZMQ_DEALER);
    if (!self->socket)
        return gc_fail(info, GC_EIO, "cannot make a socket: %s",
                       zmq_strerror(zmq_errno()));
    gc_wire_tune(self->socket, c->cluster_heartbeat_ms, c->cluster_max_message_bytes);
    gc_err err =
        gc_wire_secure_client(self->socket, endpoint, c->cluster_curve_certificate,
                              c->cluster_curve_server, c->cluster_insecure, info);
    if (!err && zmq_connect(self->socket, endpoint))
        err = gc_fail(info, GC_EINVAL,
                      "cannot connect to \"%s\": %s; write tcp://host:port or "
                      "ipc:///path",
                      endpoint, zmq_strerror(zmq_errno()));
    return err;
}

static void close_socket(gc_client *self)
{
    if (!self->socket)
        return;
    int linger =
        200; /* ms: a last CANCEL or BYE gets out, a dead broker holds nobody up */
    zmq_setsockopt(self->socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_close(self->socket);
    self->socket = NULL;
}

gc_err gc_client_new(const gc_config *config, const char *endpoints, const char *job,
                     gc_client **out, gc_errinfo *info)
{
    gc_client *self = gc_xcalloc(1, sizeof *self);
    self->config = config;
    self->job = gc_xstrdup(job);
    self->context = zmq_ctx_new();
    gc_strv_split(&self->endpoints, endpoints ? endpoints : config->cluster_broker, ',');
    gc_err err =
        self->endpoints.count
            ? open_socket(self, info)
            : gc_fail(info, GC_EINVAL, "no broker is named; give --broker ENDPOINT");
    if (err) {
        gc_client_destroy(&self);
        return err;
    }
    self->heard_at = gc_clock_ms();
    *out = self;
    return GC_OK;
}

void gc_client_destroy(gc_client **self_p)
{
    gc_client *self = *self_p;
    if (!self)
        return;
    close_socket(self);
    zmq_ctx_term(self->context);
    gc_strv_release(&self->endpoints);
    free(self->job);
    free(self->broker_id);
    free(self);
    *self_p = NULL;
}

gc_err gc_client_send(gc_client *self, const gc_wire *message)
{
    if (!self->up)
        return GC_EAGAIN;
    gc_err err = gc_wire_send(self->socket, message, NULL, 0);
    return err == GC_ECLOSED ? GC_EAGAIN : err;
}

void gc_client_wait(gc_client *self, int wake_fd, int64_t timeout_ms)
{
    zmq_pollitem_t items[] = { { self->socket, 0, ZMQ_POLLIN, 0 },
                               { NULL, wake_fd, ZMQ_POLLIN, 0 } };
    zmq_poll(items, wake_fd >= 0 ? 2 : 1, (long)timeout_ms);
}

static void on_hello(gc_client *self, const gc_wire *message)
{
    if (message->max_bytes > 0)
        self->max_bytes = message->max_bytes;
    if (!message->id || !*message->id)
        return;
    if (!self->broker_id || strcmp(self->broker_id, message->id) != 0) {
        gc_log_info("client.broker", "id=%s endpoint=%s", message->id,
                    self->endpoints.items[self->endpoint]);
        free(self->broker_id);
        self->broker_id = gc_xstrdup(message->id);
        self->changed = true;
    }
    if (!message->known)
        self->changed = true; /* it has forgotten us: what it held of ours is gone */
    self->up = true;
}

/* True if the message is about the session itself. */
static bool handle_session(gc_client *self, const gc_wire *message, int64_t now_ms)
{
    switch (message->command) {
    case GC_HELLO: on_hello(self, message); return true;
    case GC_PONG:
        if (message->id && self->broker_id && strcmp(message->id, self->broker_id) != 0)
            self->sent_at = 0; /* another broker at the same place: say HELLO at once */
        return true;
    case GC_PING: {
        gc_wire pong;
        gc_wire_init(&pong, GC_PONG);
        if (gc_wire_send(self->socket, &pong, NULL, 0) == GC_OK)
            self->sent_at = now_ms;
        gc_wire_release(&pong);
        return true;
    }
    case GC_BYE:
        self->up = false; /* it drains: the next HELLO finds its successor */
        return true;
    default: return false;
    }
}

gc_err gc_client_next(gc_client *self, int64_t now_ms, gc_wire *out)
{
    for (;;) {
        gc_errinfo info = { 0 };
        gc_err err = gc_wire_recv(self->socket, out, NULL, &info);
        if (err == GC_EAGAIN)
            return err;
        self->heard_at = now_ms;
        if (err) {
            gc_log_warn("client.refused_frame", "err=%s text=\"%s\"", gc_err_str(err),
                        info.text);
            continue;
        }
        if (!handle_session(self, out, now_ms))
            return GC_OK;
        gc_wire_release(out);
    }
}

static void reconnect(gc_client *self, int64_t now_ms)
{
    gc_errinfo info = { 0 };
    close_socket(self);
    self->up = false;
    self->endpoint = (self->endpoint + 1) % self->endpoints.count;
    self->heard_at = now_ms;
    self->sent_at = 0;
    if (open_socket(self, &info))
        gc_log_warn("client.reconnect", "endpoint=%s text=\"%s\"",
                    self->endpoints.items[self->endpoint], info.text);
    else
        gc_log_info("client.reconnect", "endpoint=%s",
                    self->endpoints.items[self->endpoint]);
}

int64_t gc_client_tick(gc_client *self, int64_t now_ms)
{
    int64_t heartbeat = self->config->cluster_heartbeat_ms;
    int64_t silence = heartbeat * SILENT_HEARTBEATS;
    if (silence < MIN_SILENCE_MS)
        silence = MIN_SILENCE_MS;
    if (now_ms - self->heard_at > silence || !self->socket)
        reconnect(self, now_ms);
    /* HELLO is the heartbeat: it costs the same and a new broker learns who we are. */
    if (self->socket && (!self->sent_at || now_ms - self->sent_at >= heartbeat))
        if (send_hello(self) == GC_OK || !self->sent_at)
            self->sent_at = now_ms;
    int64_t due = self->sent_at + heartbeat - now_ms;
    return due < 1 ? 1 : due;
}

bool gc_client_broker_changed(gc_client *self)
{
    bool changed = self->changed;
    self->changed = false;
    return changed;
}

bool gc_client_up(const gc_client *self)
{
    return self->up;
}

int64_t gc_client_max_bytes(const gc_client *self)
{
    return self->max_bytes;
}
