#include "worker/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/map.h"
#include "common/mem.h"

#define FRESH_MS 60000
#define FAILED_MS 1000
#define MAX_HOSTS 64
#define MAX_LINE 4096

typedef struct lookup {
    uv_getaddrinfo_t request;
    gc_resolver *owner; /* NULL: destroyed meanwhile */
    char *host;
    int port;
    char *line;  /* of the last success, or NULL */
    char *error; /* of the last failure, or NULL */
    int64_t until_ms;
    bool running;
} lookup;

struct gc_resolver {
    uv_loop_t *loop;
    gc_map *lookups;
    void (*on_done)(void *arg);
    void *arg;
};

static void lookup_free(lookup *self)
{
    free(self->host);
    free(self->line);
    free(self->error);
    free(self);
}

gc_resolver *gc_resolver_new(uv_loop_t *loop, void (*on_done)(void *arg), void *arg)
{
    gc_resolver *self = gc_xcalloc(1, sizeof *self);
    *self = (gc_resolver){ loop, gc_map_new(), on_done, arg };
    return self;
}

void gc_resolver_destroy(gc_resolver **self_p)
{
    gc_resolver *self = *self_p;
    if (!self)
        return;
    size_t cursor = 0;
    void *value;
    while (gc_map_next(self->lookups, &cursor, NULL, &value)) {
        lookup *one = value;
        one->owner = NULL;
        if (!one->running)
            lookup_free(one);
        else
            uv_cancel((uv_req_t *)&one->request);
    }
    gc_map_destroy(&self->lookups);
    free(self);
    *self_p = NULL;
}

bool gc_resolver_is_address(const char *host)
{
    struct in_addr address;
    return *host == '[' || inet_pton(AF_INET, host, &address) == 1;
}

static char *line_of(const lookup *self, const struct addrinfo *found)
{
    gc_buf line;
    size_t count = 0;
    gc_buf_init(&line, MAX_LINE);
    gc_buf_printf(&line, "%s:%d:", self->host, self->port);
    for (; found; found = found->ai_next) {
        char text[INET6_ADDRSTRLEN + 1];
        bool six = found->ai_family == AF_INET6;
        int rc =
            six ? uv_ip6_name((struct sockaddr_in6 *)found->ai_addr, text, sizeof text)
                : uv_ip4_name((struct sockaddr_in *)found->ai_addr, text, sizeof text);
        if (rc == 0)
            gc_buf_printf(&line, six ? "%s[%s]" : "%s%s", count++ ? "," : "", text);
    }
    if (count > 0 && !line.full)
        return gc_buf_take(&line);
    gc_buf_release(&line);
    return NULL;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    lookup *self = request->data;
    char *line = status == 0 && self->owner ? line_of(self, found) : NULL;
    uv_freeaddrinfo(found);
    self->running = false;
    if (!self->owner) {
        lookup_free(self);
        return;
    }
    free(self->error);
    self->error = NULL;
    if (line) {
        free(self->line);
        self->line = line;
    } else {
        self->error = gc_xasprintf("cannot resolve %s: %s", self->host,
                                   status ? uv_strerror(status) : "no address");
    }
    self->until_ms = gc_clock_ms() + (line ? FRESH_MS : FAILED_MS);
    self->owner->on_done(self->owner->arg);
}

static lookup *lookup_require(gc_resolver *self, const char *host, int port)
{
    char *name = gc_xasprintf("%s:%d", host, port);
    lookup *one = gc_map_get(self->lookups, name);
    if (!one && gc_map_count(self->lookups) < MAX_HOSTS) {
        one = gc_xcalloc(1, sizeof *one);
        one->owner = self;
        one->host = gc_xstrdup(host);
        one->port = port;
        one->request.data = one;
        gc_map_set(self->lookups, name, one);
    }
    free(name);
    return one;
}

static void lookup_start(gc_resolver *self, lookup *one)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    int rc =
        uv_getaddrinfo(self->loop, &one->request, on_resolved, one->host, NULL, &hints);
    one->running = rc == 0;
    if (rc != 0) {
        free(one->error);
        one->error = gc_xasprintf("cannot resolve %s: %s", one->host, uv_strerror(rc));
        one->until_ms = gc_clock_ms() + FAILED_MS;
    }
}

gc_err gc_resolver_find(gc_resolver *self, const char *host, int port, const char **out)
{
    lookup *one = lookup_require(self, host, port);
    if (!one) {
        *out = "too many different API hosts";
        return GC_EIO;
    }
    if (!one->running && gc_clock_ms() >= one->until_ms)
        lookup_start(self, one);
    if (one->line) { /* a known address serves while it is looked up again, or cannot be */
        *out = one->line;
        return GC_OK;
    }
    if (one->running)
        return GC_EAGAIN;
    *out = one->error;
    return GC_EIO;
}

/* ---- proxies ---- */

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

bool gc_proxy_may_serve(const char *url)
{
    if (is_set("all_proxy") || is_set("ALL_PROXY"))
        return true;
    if (strncasecmp(url, "https:", strlen("https:")) == 0)
        return is_set("https_proxy") || is_set("HTTPS_PROXY");
    return is_set("http_proxy"); /* libcurl does not read HTTP_PROXY: CGI sets it */
}

bool gc_proxy_has_exceptions(void)
{
    return is_set("no_proxy") || is_set("NO_PROXY");
}
