#include "broker/secure.h"

#include <czmq.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/mem.h"

#define DOMAIN "gocreator"
#define PROOF_MS 5000
/* The release library knows this option by number; Debian's header hides the name. */
#define ZAP_ENFORCE_DOMAIN 93
#define MONITOR "inproc://gc-broker-monitor"
#define PROOF_MONITOR "inproc://gc-broker-proof"

struct gc_secure {
    zactor_t *auth;
    zcert_t *certificate;
    void *router;
    void *monitor;
};

static gc_err apply_server(void *router, zcert_t *certificate, gc_errinfo *info)
{
    int yes = 1;
    zcert_apply(certificate, router);
    if (zmq_setsockopt(router, ZMQ_CURVE_SERVER, &yes, sizeof yes) ||
        zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, DOMAIN, strlen(DOMAIN)) ||
        zmq_setsockopt(router, ZAP_ENFORCE_DOMAIN, &yes, sizeof yes))
        return gc_fail(info, GC_ESTATE, "this libzmq cannot enforce CURVE: %s",
                       zmq_strerror(errno));
    return GC_OK;
}

/* A PAIR socket with the wanted events of `socket`; NULL on failure. */
static void *open_monitor(void *socket, const char *name, int events)
{
    int no_linger = 0;
    if (zmq_socket_monitor(socket, name, events) != 0)
        return NULL;
    void *monitor = zmq_socket(zsys_init(), ZMQ_PAIR);
    zmq_setsockopt(monitor, ZMQ_LINGER, &no_linger, sizeof no_linger);
    if (zmq_connect(monitor, name) != 0) {
        zmq_close(monitor);
        return NULL;
    }
    return monitor;
}

/* The next event, 0 if none. */
static int read_event(void *monitor)
{
    zmq_msg_t frame;
    uint16_t event = 0;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, monitor, ZMQ_DONTWAIT) >= (int)sizeof event)
        memcpy(&event, zmq_msg_data(&frame), sizeof event);
    bool more = zmq_msg_more(&frame);
    zmq_msg_close(&frame);
    while (more) { /* the address */
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, monitor, ZMQ_DONTWAIT) < 0)
            break;
        more = zmq_msg_more(&frame);
        zmq_msg_close(&frame);
    }
    return event;
}

static gc_err wait_for_refusal(void *monitor, gc_errinfo *info)
{
    int64_t until_ms = gc_clock_ms() + PROOF_MS;
    for (int64_t left; (left = until_ms - gc_clock_ms()) > 0;) {
        zmq_pollitem_t item = { .socket = monitor, .events = ZMQ_POLLIN };
        zmq_poll(&item, 1, (long)left);
        int event = read_event(monitor);
        if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
            return GC_OK;
        if (event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED)
            return gc_fail(info, GC_ESTATE,
                           "CURVE self-test: a random key was let in; not starting");
    }
    return gc_fail(info, GC_ESTATE, "CURVE self-test did not end; not starting");
}

/* A socket set up like the real one must refuse a key that nobody knows. */
static gc_err prove(zcert_t *certificate, gc_errinfo *info)
{
    gc_err err = GC_OK;
    char endpoint[256];
    size_t size = sizeof endpoint;
    int no_linger = 0;
    zcert_t *stranger = zcert_new();
    const char *key = zcert_public_txt(certificate);
    void *server = zmq_socket(zsys_init(), ZMQ_ROUTER);
    void *client = zmq_socket(zsys_init(), ZMQ_DEALER);
    void *monitor =
        open_monitor(client, PROOF_MONITOR,
                     ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    zmq_setsockopt(server, ZMQ_LINGER, &no_linger, sizeof no_linger);
    zmq_setsockopt(client, ZMQ_LINGER, &no_linger, sizeof no_linger);
    zcert_apply(stranger, client);
    err = apply_server(server, certificate, info);
    if (!err &&
        (!monitor || zmq_setsockopt(client, ZMQ_CURVE_SERVERKEY, key, strlen(key)) ||
         zmq_bind(server, "tcp://127.0.0.1:*") ||
         zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, endpoint, &size) ||
         zmq_connect(client, endpoint)))
        err = gc_fail(info, GC_ESTATE, "CURVE self-test: %s", zmq_strerror(errno));
    if (!err)
        err = wait_for_refusal(monitor, info);
    zmq_close(client);
    zmq_close(server);
    if (monitor)
        zmq_close(monitor);
    zcert_destroy(&stranger);
    return err;
}

static gc_err load(const char *certificate, const char *allow, zcert_t **out,
                   gc_errinfo *info)
{
    struct stat st;
    *out = zcert_load(certificate);
    if (!*out)
        return gc_fail(info, GC_EINVAL, "cannot read the certificate %s", certificate);
    const char *secret = zcert_secret_txt(*out);
    if (strspn(secret, "0") == strlen(secret))
        return gc_fail(info, GC_EINVAL, "%s holds no secret key", certificate);
    if (stat(allow, &st) != 0 || !S_ISDIR(st.st_mode))
        return gc_fail(info, GC_EINVAL, "no folder of allowed certificates at %s", allow);
    return GC_OK;
}

gc_err gc_secure_new(void *router, const char *certificate, const char *allow,
                     gc_secure **out, gc_errinfo *info)
{
    gc_secure *self = gc_xcalloc(1, sizeof *self);
    self->router = router;
    gc_err err = load(certificate, allow, &self->certificate, info);
    if (err)
        goto out;
    self->auth = zactor_new(zauth, NULL);
    zstr_sendx(self->auth, "CURVE", allow, NULL);
    zsock_wait(self->auth);
    err = prove(self->certificate, info);
    if (!err)
        err = apply_server(router, self->certificate, info);
    if (err)
        goto out;
    self->monitor = open_monitor(router, MONITOR, ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    if (!self->monitor) {
        err = gc_fail(info, GC_EIO, "cannot watch the socket: %s", zmq_strerror(errno));
        goto out;
    }
    *out = self;
    self = NULL;
out:
    gc_secure_destroy(&self);
    return err;
}

void gc_secure_destroy(gc_secure **self_p)
{
    gc_secure *self = *self_p;
    if (!self)
        return;
    if (self->monitor) {
        zmq_socket_monitor(self->router, NULL, 0);
        zmq_close(self->monitor);
    }
    zactor_destroy(&self->auth);
    zcert_destroy(&self->certificate);
    free(self);
    *self_p = NULL;
}

void *gc_secure_monitor(gc_secure *self)
{
    return self->monitor;
}

uint64_t gc_secure_refused(gc_secure *self)
{
    uint64_t count = 0;
    for (int event; (event = read_event(self->monitor));)
        count += event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    return count;
}
