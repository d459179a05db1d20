#include "tests/llm-sim/http.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/text.h"

void gc_sim_http_init(gc_sim_http *self)
{
    *self = (gc_sim_http){ .state = GC_SIM_HTTP_START };
    gc_buf_init(&self->body, GC_SIM_HTTP_BODY_MAX);
    gc_buf_init(&self->line, GC_SIM_HTTP_LINE_MAX);
}

void gc_sim_http_release(gc_sim_http *self)
{
    free(self->method);
    free(self->target);
    for (size_t i = 0; i < self->header_count; i++) {
        free(self->headers[i].name);
        free(self->headers[i].value);
    }
    gc_buf_release(&self->body);
    gc_buf_release(&self->line);
    gc_sim_http_init(self);
}

void gc_sim_http_reset(gc_sim_http *self)
{
    gc_sim_http_release(self);
}

const char *gc_sim_http_header(const gc_sim_http *self, const char *name)
{
    for (size_t i = 0; i < self->header_count; i++)
        if (strcmp(self->headers[i].name, name) == 0)
            return self->headers[i].value;
    return NULL;
}

static bool is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!isalnum(c) && !strchr("!#$%&'*+-.^_`|~", c))
            return false;
    }
    return len > 0 && !memchr(text, '\0', len);
}

static bool is_visible(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || (unsigned char)text[i] == 0x7f)
            return false;
    return len > 0;
}

static gc_err request_line(gc_sim_http *self)
{
    const char *line = self->line.ptr;
    const char *space = strchr(line, ' ');
    const char *last = strrchr(line, ' ');
    if (!space || last == space)
        return GC_EPROTO;
    size_t method_len = (size_t)(space - line);
    size_t target_len = (size_t)(last - space - 1);
    bool http11 = strcmp(last + 1, "HTTP/1.1") == 0;
    if (!http11 && strcmp(last + 1, "HTTP/1.0") != 0)
        return GC_EPROTO;
    if (!is_token(line, method_len) || space[1] != '/' ||
        !is_visible(space + 1, target_len))
        return GC_EPROTO;
    self->method = gc_xmemdup(line, method_len);
    self->target = gc_xmemdup(space + 1, target_len);
    self->http10 = !http11;
    self->keep_alive = http11;
    self->state = GC_SIM_HTTP_HEADERS;
    return GC_OK;
}

/* The framing that headers ask for. Both framings at once, or one twice, is the classic
 * way to smuggle a request past a proxy: refused. */
static gc_err note_header(gc_sim_http *self, const gc_sim_header *header)
{
    if (strcmp(header->name, "content-length") == 0) {
        int64_t length;
        if (self->has_length || self->chunked ||
            !isdigit((unsigned char)*header->value) ||
            gc_parse_i64(header->value, 0, INT64_MAX, &length))
            return GC_EPROTO;
        if ((uint64_t)length > GC_SIM_HTTP_BODY_MAX)
            return GC_ETOOBIG;
        self->has_length = true;
        self->left = (size_t)length;
    } else if (strcmp(header->name, "transfer-encoding") == 0) {
        if (self->has_length || self->chunked ||
            strcasecmp(header->value, "chunked") != 0)
            return GC_EPROTO;
        self->chunked = true;
    } else if (strcmp(header->name, "connection") == 0) {
        if (strcasecmp(header->value, "close") == 0)
            self->keep_alive = false;
        else if (strcasecmp(header->value, "keep-alive") == 0)
            self->keep_alive = true;
    } else if (strcmp(header->name, "expect") == 0) {
        self->expect_continue = strcasecmp(header->value, "100-continue") == 0;
    }
    return GC_OK;
}

static gc_err header_line(gc_sim_http *self)
{
    const char *line = self->line.ptr;
    const char *colon = strchr(line, ':');
    if (!colon || !is_token(line, (size_t)(colon - line)))
        return GC_EPROTO;
    if (self->header_count == GC_SIM_HTTP_HEADERS_MAX)
        return GC_ETOOBIG;
    const char *value = colon + 1;
    const char *end = line + self->line.len;
    while (*value == ' ' || *value == '\t')
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    gc_sim_header *header = &self->headers[self->header_count++];
    header->name = gc_xmemdup(line, (size_t)(colon - line));
    header->value = gc_xmemdup(value, (size_t)(end - value));
    for (char *c = header->name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return note_header(self, header);
}

static gc_err end_of_headers(gc_sim_http *self)
{
    if (self->chunked)
        self->state = GC_SIM_HTTP_CHUNK_SIZE;
    else if (self->left)
        self->state = GC_SIM_HTTP_BODY;
    else
        self->state = GC_SIM_HTTP_DONE;
    if (self->state == GC_SIM_HTTP_DONE || self->http10)
        self->expect_continue = false;
    return GC_OK;
}

static gc_err chunk_size_line(gc_sim_http *self)
{
    const char *c = self->line.ptr;
    size_t size = 0;
    if (!isxdigit((unsigned char)*c))
        return GC_EPROTO;
    for (; isxdigit((unsigned char)*c); c++) {
        int digit = isdigit((unsigned char)*c) ? *c - '0' : (*c | 0x20) - 'a' + 10;
        size = size * 16 + (size_t)digit;
        if (size > GC_SIM_HTTP_BODY_MAX - self->body.len)
            return GC_ETOOBIG;
    }
    if (*c && *c != ';' && *c != ' ' && *c != '\t')
        return GC_EPROTO;
    self->left = size;
    self->state = size ? GC_SIM_HTTP_CHUNK_DATA : GC_SIM_HTTP_TRAILER;
    return GC_OK;
}

/* One whole line, without its line end, is in self->line. */
static gc_err take_line(gc_sim_http *self)
{
    if (memchr(self->line.ptr, '\0', self->line.len))
        return GC_EPROTO;
    bool empty = self->line.len == 0;
    switch (self->state) {
    case GC_SIM_HTTP_START: return empty ? GC_OK : request_line(self);
    case GC_SIM_HTTP_HEADERS: return empty ? end_of_headers(self) : header_line(self);
    case GC_SIM_HTTP_CHUNK_SIZE: return chunk_size_line(self);
    case GC_SIM_HTTP_CHUNK_END:
        self->state = GC_SIM_HTTP_CHUNK_SIZE;
        return empty ? GC_OK : GC_EPROTO;
    default: /* trailers are read over */
        if (empty)
            self->state = GC_SIM_HTTP_DONE;
        return GC_OK;
    }
}

static gc_err feed_line(gc_sim_http *self, const char *mem, size_t len, size_t *used)
{
    const char *newline = memchr(mem, '\n', len);
    size_t part = newline ? (size_t)(newline - mem) : len;
    *used = newline ? part + 1 : part;
    if (gc_buf_append(&self->line, mem, part))
        return GC_ETOOBIG;
    if (!newline)
        return GC_OK;
    if (self->line.len && self->line.ptr[self->line.len - 1] == '\r')
        self->line.ptr[--self->line.len] = '\0';
    gc_err err = take_line(self);
    gc_buf_reset(&self->line);
    return err;
}

static void feed_body(gc_sim_http *self, const char *mem, size_t len, size_t *used)
{
    size_t part = len < self->left ? len : self->left;
    gc_buf_append(&self->body, mem,
                  part); /* fits: the size was checked against the limit */
    self->left -= part;
    *used = part;
    if (self->left == 0)
        self->state = self->chunked ? GC_SIM_HTTP_CHUNK_END : GC_SIM_HTTP_DONE;
}

gc_err gc_sim_http_feed(gc_sim_http *self, const char *mem, size_t len, size_t *used)
{
    gc_err err = GC_OK;
    size_t pos = 0;
    while (!err && pos < len && self->state != GC_SIM_HTTP_DONE) {
        size_t part = 0;
        if (self->state == GC_SIM_HTTP_BODY || self->state == GC_SIM_HTTP_CHUNK_DATA)
            feed_body(self, mem + pos, len - pos, &part);
        else
            err = feed_line(self, mem + pos, len - pos, &part);
        pos += part;
    }
    *used = pos;
    return err;
}

const char *gc_sim_http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = { { 200, "OK" },
                    { 400, "Bad Request" },
                    { 401, "Unauthorized" },
                    { 403, "Forbidden" },
                    { 404, "Not Found" },
                    { 405, "Method Not Allowed" },
                    { 413, "Payload Too Large" },
                    { 429, "Too Many Requests" },
                    { 431, "Request Header Fields Too Large" },
                    { 500, "Internal Server Error" },
                    { 503, "Service Unavailable" },
                    { 529, "Overloaded" } };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}
