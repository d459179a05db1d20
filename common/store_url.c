#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/store_private.h"
#include "common/text.h"

#define URL_HELP "write redis://[[user]:password@]host[:port][/db] or unix:///path[?db=N]"

/* Where the credentials end: the last '@', so that a password with an unescaped '/' or '@'
 * is never taken for a host and shown. */
static const char *after_credentials(const char *rest)
{
    const char *at = *rest == '/' ? NULL : strrchr(rest, '@');
    return at ? at + 1 : rest;
}

char *gc_store_url_public(const char *url)
{
    const char *colon = strstr(url, "://");
    if (!colon)
        return gc_xstrdup("(not a url)");
    const char *rest = after_credentials(colon + 3);
    const char *query = strchr(rest, '?');
    if (query && !gc_starts_with(query, "?db="))
        return gc_xasprintf("%.*s://%.*s", (int)(colon - url), url, (int)(query - rest),
                            rest);
    return gc_xasprintf("%.*s://%s", (int)(colon - url), url, rest);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Undoes %XX; NULL if malformed or if it hides a NUL. */
static char *percent_decode(const char *text, size_t len)
{
    char *out = gc_xmalloc(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '%') {
            int high = i + 2 < len ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < len ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0)) {
                free(out);
                return NULL;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return out;
}

static gc_err parse_credentials(const char *text, size_t len, gc_redis_url *out,
                                gc_errinfo *info)
{
    const char *colon = memchr(text, ':', len);
    if (!colon)
        return gc_fail(info, GC_EINVAL,
                       "redis url: what stands before '@' has no ':'; " URL_HELP);
    size_t user_len = (size_t)(colon - text);
    out->user = percent_decode(text, user_len);
    out->password = percent_decode(colon + 1, len - user_len - 1);
    if (!out->user || !out->password)
        return gc_fail(
            info, GC_EINVAL,
            "redis url: bad %%XX escape in user or password; write '%%' as %%25");
    if (*out->user && !*out->password)
        return gc_fail(info, GC_EINVAL,
                       "redis url: a user without a password; " URL_HELP);
    return GC_OK;
}

static gc_err parse_db(const char *text, gc_redis_url *out, gc_errinfo *info)
{
    int64_t db = 0;
    if (*text && gc_parse_i64(text, 0, 65535, &db))
        return gc_fail(info, GC_EINVAL,
                       "redis url: the database must be a number from 0");
    out->db = (int)db;
    return GC_OK;
}

static gc_err parse_unix(const char *rest, gc_redis_url *out, gc_errinfo *info)
{
    const char *query = strchr(rest, '?');
    size_t len = query ? (size_t)(query - rest) : strlen(rest);
    if (*rest != '/')
        return gc_fail(info, GC_EINVAL,
                       "redis url: a unix socket needs an absolute path, as in "
                       "unix:///run/redis.sock");
    if (len > 107)
        return gc_fail(info, GC_EINVAL,
                       "redis url: the socket path has %zu bytes; the system allows 107",
                       len);
    if (query && !gc_starts_with(query, "?db="))
        return gc_fail(info, GC_EINVAL, "redis url: only ?db=N may follow the path");
    out->path = gc_xmemdup(rest, len);
    return query ? parse_db(query + 4, out, info) : GC_OK;
}

static gc_err parse_port(const char *text, size_t len, gc_redis_url *out,
                         gc_errinfo *info)
{
    char *port = gc_xmemdup(text, len);
    int64_t value = 0;
    gc_err err = gc_parse_i64(port, 1, 65535, &value);
    free(port);
    if (err)
        return gc_fail(info, GC_EINVAL,
                       "redis url: the port must be a number in 1..65535");
    out->port = (int)value;
    return GC_OK;
}

/* host, host:port, [v6] or [v6]:port, then /db. */
static gc_err parse_tcp(const char *rest, gc_redis_url *out, gc_errinfo *info)
{
    size_t len = strcspn(rest, "/?");
    const char *tail = rest + len;
    const char *host = rest;
    const char *end = *rest == '[' ? memchr(rest, ']', len) : memchr(rest, ':', len);
    size_t host_len = end ? (size_t)(end - rest) : len;
    if (*rest == '[') {
        if (!end)
            return gc_fail(info, GC_EINVAL, "redis url: '[' without ']'");
        host++;
        host_len--;
        end = end + 1 < tail ? end + 1 : NULL;
        if (end && *end != ':')
            return gc_fail(info, GC_EINVAL, "redis url: only a port may follow ']'");
    }
    if (host_len == 0 || host_len > 255)
        return gc_fail(info, GC_EINVAL, "redis url: no host; " URL_HELP);
    if (*tail == '?' || strchr(tail, '?'))
        return gc_fail(info, GC_EINVAL, "redis url: '?' is not understood; " URL_HELP);
    out->host = gc_xmemdup(host, host_len);
    out->port = GC_STORE_PORT;
    if (end) {
        gc_err err = parse_port(end + 1, (size_t)(tail - end) - 1, out, info);
        if (err)
            return err;
    }
    return *tail ? parse_db(tail + 1, out, info) : GC_OK;
}

gc_err gc_redis_url_parse(const char *url, gc_redis_url *out, gc_errinfo *info)
{
    bool tcp = gc_starts_with(url, "redis://");
    if (gc_starts_with(url, "rediss://"))
        return gc_fail(
            info, GC_EINVAL,
            "redis url: rediss:// is not supported, this program speaks no TLS to "
            "Redis; run a TLS proxy (stunnel) beside it and use redis://127.0.0.1");
    if (!tcp && !gc_starts_with(url, "unix://"))
        return gc_fail(info, GC_EINVAL, "redis url: unknown form; " URL_HELP);
    const char *start = url + strlen(tcp ? "redis://" : "unix://");
    const char *rest = after_credentials(start);
    gc_redis_url parsed = { 0 };
    gc_err err = GC_OK;
    if (rest != start)
        err = parse_credentials(start, (size_t)(rest - start) - 1, &parsed, info);
    if (!err)
        err = tcp ? parse_tcp(rest, &parsed, info) : parse_unix(rest, &parsed, info);
    if (err) {
        gc_redis_url_release(&parsed);
        return err;
    }
    if (!parsed.user)
        parsed.user = gc_xstrdup("");
    if (!parsed.password)
        parsed.password = gc_xstrdup("");
    *out = parsed;
    return GC_OK;
}

void gc_redis_url_release(gc_redis_url *self)
{
    free(self->user);
    free(self->password);
    free(self->host);
    free(self->path);
    *self = (gc_redis_url){ 0 };
}
