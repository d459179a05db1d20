/* The thin shell around the codec: frames in and out of a libzmq socket. */
#include <arpa/inet.h>
#include <czmq.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "common/text.h"
#include "common/wire.h"

#define BODY_FRAMES 3
#define USUAL_BYTES 500 /* most messages fit: they do not grow step by step */
#define MIN_SILENCE_MS 5000
#define MAP_BYTES (1 << 20) /* room for the map around the payloads */

static void free_body(void *data, void *hint)
{
    (void)hint;
    free(data);
}

static gc_err errno_err(void)
{
    switch (errno) {
    case EAGAIN:
    case EINTR: return GC_EAGAIN;
    case EHOSTUNREACH: return GC_ECLOSED;
    default: return GC_EIO;
    }
}

/* The rest of a message is always sent too: libzmq drops it by itself when the peer went
 * away half-way, and would else take the next message for the rest of this one. */
static gc_err send_body(void *zmq_socket, const char *command, gc_buf *body)
{
    gc_err err = GC_OK;
    const char *texts[] = { GC_WIRE_MAGIC, command };
    for (size_t i = 0; i < 2; i++) {
        bool first = i == 0;
        int sent =
            zmq_send(zmq_socket, texts[i], strlen(texts[i]), ZMQ_SNDMORE | ZMQ_DONTWAIT);
        if (sent < 0 && !err)
            err = errno_err();
        if (sent < 0 && first)
            return err; /* nothing was begun */
    }
    zmq_msg_t frame;
    size_t len = body->len;
    char *bytes = gc_buf_take(body);
    if (zmq_msg_init_data(&frame, bytes, len, free_body, NULL) != 0) {
        free(bytes);
        zmq_msg_init(&frame);
        err = GC_EIO;
    }
    if (zmq_msg_send(&frame, zmq_socket, ZMQ_DONTWAIT) < 0) {
        err = err ? err : errno_err();
        zmq_msg_close(&frame);
    }
    return err;
}

gc_err gc_wire_send(void *zmq_socket, const gc_wire *message, const void *route,
                    size_t route_len)
{
    gc_err err = GC_OK;
    gc_buf body;
    gc_buf_init(&body, GC_WIRE_MAX_BODY);
    (void)gc_buf_reserve(&body, USUAL_BYTES); /* far below the limit */
    gc_wire_encode(message, &body);
    if (body.full)
        err = GC_ETOOBIG;
    else if (route &&
             zmq_send(zmq_socket, route, route_len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        err = errno_err();
    else
        err = send_body(zmq_socket, gc_command_str(message->command), &body);
    gc_buf_release(&body);
    return err;
}

/* Reads one message whole and keeps its first frames: *count counts them all. */
static gc_err read_frames(void *zmq_socket, zmq_msg_t *frames, size_t keep, size_t *count)
{
    *count = 0;
    for (bool more = true; more;) {
        zmq_msg_t spare;
        zmq_msg_t *frame = *count < keep ? &frames[*count] : &spare;
        zmq_msg_init(frame);
        if (zmq_msg_recv(frame, zmq_socket, ZMQ_DONTWAIT) < 0) {
            gc_err err = errno_err();
            zmq_msg_close(frame);
            /* libzmq delivers messages whole, so this is only ever the first frame */
            return *count ? GC_EIO : err;
        }
        more = zmq_msg_more(frame);
        if (frame == &spare)
            zmq_msg_close(frame);
        ++*count;
    }
    return GC_OK;
}

gc_err gc_wire_recv(void *zmq_socket, gc_wire *out, gc_buf *route, gc_errinfo *info)
{
    zmq_msg_t frames[BODY_FRAMES + 1];
    size_t want = route ? BODY_FRAMES + 1 : BODY_FRAMES;
    size_t count;
    gc_err err = read_frames(zmq_socket, frames, want, &count);
    size_t kept = count < want ? count : want;
    zmq_msg_t *first = route ? frames + 1 : frames;
    if (!err && route) {
        gc_buf_reset(route);
        err = gc_buf_append(route, zmq_msg_data(&frames[0]), zmq_msg_size(&frames[0]));
    }
    if (!err && count != want)
        err = gc_fail(info, GC_EPROTO, "%zu frames instead of %d",
                      route ? count - 1 : count, BODY_FRAMES);
    if (!err)
        err = gc_wire_decode(zmq_msg_data(&first[0]), zmq_msg_size(&first[0]),
                             zmq_msg_data(&first[1]), zmq_msg_size(&first[1]),
                             zmq_msg_data(&first[2]), zmq_msg_size(&first[2]), out, info);
    for (size_t i = 0; i < kept; i++)
        zmq_msg_close(&frames[i]);
    return err;
}

/* ---- options ---- */

static void set_int(void *zmq_socket, int option, int64_t value)
{
    int number = value > INT32_MAX ? INT32_MAX : (int)value;
    zmq_setsockopt(zmq_socket, option, &number, sizeof number);
}

void gc_wire_tune(void *zmq_socket, int64_t heartbeat_ms, int64_t max_bytes)
{
    int64_t body = max_bytes + MAP_BYTES;
    int64_t silence_ms = 3 * heartbeat_ms;
    int type = 0;
    size_t size = sizeof type;
    if (silence_ms < MIN_SILENCE_MS)
        silence_ms = MIN_SILENCE_MS; /* a busy machine must not cut connections */
    zmq_getsockopt(zmq_socket, ZMQ_TYPE, &type, &size);
    set_int(zmq_socket, ZMQ_HEARTBEAT_IVL, heartbeat_ms);
    set_int(zmq_socket, ZMQ_HEARTBEAT_TIMEOUT, silence_ms);
    set_int(zmq_socket, ZMQ_HEARTBEAT_TTL, silence_ms);
    set_int(zmq_socket, ZMQ_TCP_KEEPALIVE, 1);
    set_int(zmq_socket, ZMQ_TCP_KEEPALIVE_IDLE, 60);
    set_int(zmq_socket, ZMQ_TCP_KEEPALIVE_INTVL, 10);
    set_int(zmq_socket, ZMQ_TCP_KEEPALIVE_CNT, 5);
    set_int(zmq_socket, ZMQ_TCP_MAXRT, 30000);
    set_int(zmq_socket, ZMQ_SNDHWM,
            1000); /* credits, not this, bound what is under way */
    set_int(zmq_socket, ZMQ_RCVHWM, 1000);
    set_int(zmq_socket, ZMQ_LINGER, 1000);
    set_int(zmq_socket, ZMQ_CONNECT_TIMEOUT, 5000);
    set_int(zmq_socket, ZMQ_HANDSHAKE_IVL, 10000);
    set_int(zmq_socket, ZMQ_RECONNECT_IVL, 100);
    set_int(zmq_socket, ZMQ_RECONNECT_IVL_MAX, 5000);
    set_int(zmq_socket, ZMQ_BACKLOG, 1024);
    zmq_setsockopt(zmq_socket, ZMQ_MAXMSGSIZE, &body, sizeof body);
    if (type == ZMQ_DEALER)
        set_int(zmq_socket, ZMQ_IMMEDIATE, 1);
}

/* ---- CURVE ---- */

bool gc_wire_is_local(const char *endpoint)
{
    static const char *const local[] = { "localhost", "[::1]" };
    if (gc_starts_with(endpoint, "ipc://") || gc_starts_with(endpoint, "inproc://"))
        return true;
    if (!gc_starts_with(endpoint, "tcp://"))
        return false;
    const char *host = endpoint + strlen("tcp://");
    const char *colon = strrchr(host, ':');
    size_t len = colon ? (size_t)(colon - host) : strlen(host);
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (strlen(local[i]) == len && memcmp(host, local[i], len) == 0)
            return true;
    char text[INET_ADDRSTRLEN] = { 0 };
    struct in_addr address;
    if (len >= sizeof text)
        return false;
    snprintf(text, sizeof text, "%.*s", (int)len, host);
    return inet_pton(AF_INET, text, &address) == 1 &&
           (ntohl(address.s_addr) >> 24) == 127;
}

static gc_err load_certificate(const char *path, const char *what, zcert_t **out,
                               gc_errinfo *info)
{
    *out = zcert_load(path);
    if (!*out)
        return gc_fail(info, GC_EINVAL, "cannot read the %s certificate %s", what, path);
    return GC_OK;
}

gc_err gc_wire_secure_client(void *zmq_socket, const char *endpoint,
                             const char *certificate, const char *server, bool insecure,
                             gc_errinfo *info)
{
    zcert_t *own = NULL, *peer = NULL;
    gc_err err = GC_OK;
    if (!*certificate && !*server) {
        if (insecure || gc_wire_is_local(endpoint))
            return GC_OK;
        return gc_fail(
            info, GC_EINVAL,
            "%s leaves this machine without encryption; set "
            "cluster.curve_certificate and cluster.curve_server, or --insecure",
            endpoint);
    }
    if (!*certificate || !*server)
        return gc_fail(info, GC_EINVAL,
                       "CURVE needs both cluster.curve_certificate (own) and "
                       "cluster.curve_server (public one of the broker)");
    err = load_certificate(certificate, "own", &own, info);
    if (!err)
        err = load_certificate(server, "broker's", &peer, info);
    if (err)
        goto out;
    const char *key = zcert_public_txt(peer);
    if (strspn(zcert_secret_txt(own), "0") == strlen(zcert_secret_txt(own))) {
        err = gc_fail(info, GC_EINVAL, "%s holds no secret key", certificate);
        goto out;
    }
    zcert_apply(own, zmq_socket);
    if (zmq_setsockopt(zmq_socket, ZMQ_CURVE_SERVERKEY, key, strlen(key)) != 0)
        err = gc_fail(info, GC_EINVAL, "%s holds no usable key", server);
out:
    zcert_destroy(&own);
    zcert_destroy(&peer);
    return err;
}
