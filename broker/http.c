#include "broker/http.h"

#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/mem.h"
#include "common/text.h"

struct gc_http {
    struct MHD_Daemon *daemon;
    gc_http_handler handler;
    void *arg;
    int fd;
    char *url;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
                              const char *type, gc_buf *body)
{
    size_t len = body->len;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len, gc_buf_take(body), MHD_RESPMEM_MUST_FREE);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* The shape is libmicrohttpd's. NOLINTNEXTLINE(readability-function-size) */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
                                  const char *path, const char *method,
                                  const char *version, const char *upload,
                                  size_t *upload_len, void **state)
{
    (void)version;
    (void)upload;
    gc_http *self = arg;
    static int seen;
    if (!*state) { /* headers only: the answer is due at the next call */
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_len) { /* nobody wants a body */
        *upload_len = 0;
        return MHD_YES;
    }
    gc_buf body;
    gc_buf_init(&body, GC_HTTP_MAX_BODY);
    const char *type = "text/plain; charset=utf-8";
    unsigned status = MHD_HTTP_METHOD_NOT_ALLOWED;
    bool verbose = MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND,
                                                 "verbose", 7, NULL, NULL) == MHD_YES;
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 ||
        strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
        status = self->handler(self->arg, path, verbose, &body, &type);
    enum MHD_Result result = answer(connection, status, type, &body);
    gc_buf_release(&body);
    return result;
}

/* "HOST:PORT" or "[V6]:PORT", resolved. */
static gc_err resolve(const char *address, char **host, struct addrinfo **out,
                      gc_errinfo *info)
{
    int64_t port;
    const char *colon = strrchr(address, ':');
    if (!colon || colon == address || gc_parse_i64(colon + 1, 0, 65535, &port))
        return gc_fail(info, GC_EINVAL, "cluster.http: \"%s\" is not HOST:PORT", address);
    size_t len = (size_t)(colon - address);
    *host = gc_xmemdup(address, len);
    bool bracketed = len > 2 && address[0] == '[' && address[len - 1] == ']';
    char *node = bracketed ? gc_xmemdup(address + 1, len - 2) : gc_xmemdup(address, len);
    struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                              .ai_socktype = SOCK_STREAM };
    bool any = strcmp(node, "*") == 0;
    int failed = getaddrinfo(any ? NULL : node, colon + 1, &hints, out);
    free(node);
    if (failed || !*out)
        return gc_fail(info, GC_EINVAL, "cluster.http: %s: %s", address,
                       gai_strerror(failed));
    return GC_OK;
}

static gc_err start(gc_http *self, const struct addrinfo *where)
{
    unsigned flags = MHD_USE_EPOLL | (where->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    self->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, self, MHD_OPTION_SOCK_ADDR, where->ai_addr,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)GC_HTTP_MAX_CONNECTIONS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)GC_HTTP_TIMEOUT_S,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1U, MHD_OPTION_END);
    return self->daemon ? GC_OK : GC_EIO;
}

gc_err gc_http_new(const char *address, gc_http_handler handler, void *arg, gc_http **out,
                   gc_errinfo *info)
{
    char *host = NULL;
    struct addrinfo *found = NULL;
    const union MHD_DaemonInfo *epoll = NULL, *port = NULL;
    gc_http *self = gc_xcalloc(1, sizeof *self);
    self->handler = handler;
    self->arg = arg;
    gc_err err = resolve(address, &host, &found, info);
    if (err)
        goto out;
    if (found && start(self, found) == GC_OK) {
        epoll = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        port = MHD_get_daemon_info(self->daemon, MHD_DAEMON_INFO_BIND_PORT);
    }
    if (!epoll || !port) {
        err = gc_fail(info, GC_EIO, "cannot listen for HTTP on %s", address);
        goto out;
    }
    self->fd = epoll->epoll_fd;
    self->url = gc_xasprintf("http://%s:%u", host, (unsigned)port->port);
    *out = self;
    self = NULL;
out:
    if (found)
        freeaddrinfo(found);
    free(host);
    gc_http_destroy(&self);
    return err;
}

void gc_http_destroy(gc_http **self_p)
{
    gc_http *self = *self_p;
    if (!self)
        return;
    if (self->daemon)
        MHD_stop_daemon(self->daemon);
    free(self->url);
    free(self);
    *self_p = NULL;
}

int gc_http_fd(const gc_http *self)
{
    return self->fd;
}

void gc_http_run(gc_http *self)
{
    MHD_run(self->daemon);
}

int64_t gc_http_timeout_ms(const gc_http *self)
{
    MHD_UNSIGNED_LONG_LONG ms;
    return MHD_get_timeout(self->daemon, &ms) == MHD_YES ? (int64_t)ms : -1;
}

const char *gc_http_url(const gc_http *self)
{
    return self->url;
}
