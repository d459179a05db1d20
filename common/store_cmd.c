#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/store_private.h"
#include "common/text.h"

#define USUAL_BYTES 500 /* most commands fit: they do not grow step by step */
#define NUMBER_SIZE 24  /* a sign, 20 digits, a line end */
#define HEAD_ROOM 20    /* for "*count" and its line end, known only at last */

void gc_cmd_init(gc_cmd *self, const char *name)
{
    *self = (gc_cmd){ .script = -1 };
    gc_buf_init(&self->buf, GC_STORE_MAX_COMMAND);
    (void)gc_buf_reserve(&self->buf, USUAL_BYTES); /* far below the limit */
    gc_buf_append(&self->buf, "                    ", HEAD_ROOM);
    gc_cmd_text(self, name);
}

void gc_cmd_script(gc_cmd *self, const gc_scripts *scripts, gc_script_id id)
{
    gc_cmd_init(self, "EVALSHA");
    self->script = (int)id;
    gc_cmd_text(self, scripts->items[id].sha1);
    gc_cmd_text(self, "0");
}

void gc_cmd_release(gc_cmd *self)
{
    gc_buf_release(&self->buf);
    self->count = 0;
}

/* "<sign><number>\r\n" at the end of `out`; printf would take longer than all the rest. */
static char *number_line(char out[NUMBER_SIZE], const char *sign, uint64_t number)
{
    char *at = out + NUMBER_SIZE;
    *--at = '\n';
    *--at = '\r';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    if (*sign)
        *--at = *sign;
    return at;
}

void gc_cmd_mem(gc_cmd *self, const void *mem, size_t len)
{
    char line[NUMBER_SIZE];
    const char *from = number_line(line, "$", len);
    size_t head = (size_t)(line + NUMBER_SIZE - from);
    if (gc_buf_reserve(&self->buf, head + len + 2))
        return; /* the buffer is full, which gc_cmd_finish tells */
    char *to = self->buf.ptr + self->buf.len;
    memcpy(to, from, head);
    if (len)
        memcpy(to + head, mem, len);
    memcpy(to + head + len, "\r\n", 3); /* with its NUL */
    self->buf.len += head + len + 2;
    self->count++;
}

void gc_cmd_text(gc_cmd *self, const char *text)
{
    gc_cmd_mem(self, text, strlen(text));
}

void gc_cmd_textf(gc_cmd *self, const char *fmt, ...)
{
    char few[256]; /* most keys need no memory of their own */
    char *text = few;
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(few, sizeof few, fmt, ap);
    va_end(ap);
    if (len >= (int)sizeof few) {
        va_start(ap, fmt);
        len = vasprintf(&text, fmt, ap);
        va_end(ap);
    }
    if (len < 0)
        abort(); /* out of memory, as everywhere */
    gc_cmd_mem(self, text, (size_t)len);
    if (text != few)
        free(text);
}

void gc_cmd_int(gc_cmd *self, int64_t value)
{
    char line[NUMBER_SIZE];
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    const char *at = number_line(line, value < 0 ? "-" : "", size);
    gc_cmd_mem(self, at, (size_t)(line + NUMBER_SIZE - at) - 2);
}

gc_err gc_cmd_finish(gc_cmd *self)
{
    char line[NUMBER_SIZE];
    const char *head = number_line(line, "*", self->count);
    size_t len = (size_t)(line + NUMBER_SIZE - head);
    if (self->buf.full)
        return GC_ETOOBIG; /* the buffer's overflow is sticky: some argument was too long */
    gc_buf_drop(&self->buf, HEAD_ROOM - len);
    memcpy(self->buf.ptr, head, len);
    return GC_OK;
}

void gc_cmd_blob_drop(gc_cmd *self, const gc_scripts *scripts, const char *sha256,
                      const redisReply *damaged)
{
    char sha1[GC_SCRIPT_SHA + 1];
    gc_sha1_hex(damaged->str, damaged->len, sha1);
    gc_cmd_script(self, scripts, GC_SCRIPT_BLOB_DROP);
    gc_cmd_text(self, sha256);
    gc_cmd_text(self, sha1);
}

void gc_cmd_model_add(gc_cmd *self, const gc_scripts *scripts, const char *model)
{
    gc_cmd_script(self, scripts, GC_SCRIPT_MODEL_ADD);
    gc_cmd_text(self, model);
}

void gc_cmd_figures(gc_cmd *self, double bytes_per_token, double seconds_per_output_token)
{
    gc_cmd_int(self, gc_micro(bytes_per_token));
    gc_cmd_int(self, gc_micro(seconds_per_output_token));
}

size_t gc_cmd_join(gc_cmd *self, gc_buf *out)
{
    gc_err err = gc_cmd_finish(self);
    if (!err)
        err = gc_buf_append(out, self->buf.ptr, self->buf.len);
    gc_cmd_release(self);
    return err ? 0 : 1;
}

size_t gc_redis_hello(const gc_redis_url *url, gc_buf *out)
{
    size_t replies = 0;
    gc_cmd cmd;
    if (*url->password) {
        gc_cmd_init(&cmd, "AUTH");
        if (*url->user)
            gc_cmd_text(&cmd, url->user);
        gc_cmd_text(&cmd, url->password);
        replies += gc_cmd_join(&cmd, out);
    }
    if (url->db) {
        gc_cmd_init(&cmd, "SELECT");
        gc_cmd_int(&cmd, url->db);
        replies += gc_cmd_join(&cmd, out);
    }
    return replies;
}

gc_reply_kind gc_reply_kind_of(const redisReply *reply)
{
    static const struct {
        const char *prefix;
        gc_reply_kind kind;
    } table[] = {
        { "NOSCRIPT", GC_REPLY_NOSCRIPT },
        { "OOM ", GC_REPLY_REFUSED },
        { "READONLY", GC_REPLY_REFUSED },
        { "LOADING", GC_REPLY_REFUSED },
        { "MASTERDOWN", GC_REPLY_REFUSED },
        { "MISCONF", GC_REPLY_REFUSED },
        { "NOREPLICAS", GC_REPLY_REFUSED },
        { "BUSY ", GC_REPLY_REFUSED },
        { "TRYAGAIN", GC_REPLY_REFUSED },
        { "CLUSTERDOWN", GC_REPLY_REFUSED },
        { "ERR max number of clients", GC_REPLY_REFUSED },
        { "NOAUTH", GC_REPLY_DENIED },
        { "WRONGPASS", GC_REPLY_DENIED },
        { "NOPERM", GC_REPLY_DENIED },
        { "DENIED", GC_REPLY_DENIED },
        { "ERR AUTH", GC_REPLY_DENIED },
        { "ERR invalid password", GC_REPLY_DENIED },
        { "ERR Client sent AUTH", GC_REPLY_DENIED },
        { "ERR DB index", GC_REPLY_DENIED },
        { "ERR invalid DB", GC_REPLY_DENIED },
    };
    if (reply->type != REDIS_REPLY_ERROR)
        return GC_REPLY_GOOD;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (gc_starts_with(reply->str, table[i].prefix))
            return table[i].kind;
    return GC_REPLY_BROKEN;
}

const char *gc_reply_text(const redisReply *reply)
{
    if (!reply ||
        (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS))
        return "";
    return reply->str;
}

const redisReply *gc_reply_at(const redisReply *reply, size_t i)
{
    if (!reply || reply->type != REDIS_REPLY_ARRAY || i >= reply->elements)
        return NULL;
    return reply->element[i];
}

int64_t gc_reply_int(const redisReply *reply)
{
    int64_t value = 0;
    if (!reply)
        return 0;
    if (reply->type == REDIS_REPLY_INTEGER)
        return reply->integer;
    if (gc_parse_i64(gc_reply_text(reply), INT64_MIN, INT64_MAX, &value))
        return 0;
    return value;
}

double gc_reply_double(const redisReply *reply)
{
    double value = 0;
    if (gc_parse_double(gc_reply_text(reply), -1e18, 1e18, &value))
        return 0;
    return value;
}

const redisReply *gc_reply_field(const redisReply *reply, const char *name)
{
    for (size_t i = 0;
         reply && reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2)
        if (strcmp(gc_reply_text(reply->element[i]), name) == 0)
            return reply->element[i + 1];
    return NULL;
}

gc_err gc_reply_status(const redisReply *reply)
{
    static const struct {
        const char *name;
        gc_err err;
    } table[] = {
        { "OK", GC_OK },         { "ENOENT", GC_ENOENT }, { "EEXIST", GC_EEXIST },
        { "ESTATE", GC_ESTATE }, { "EFULL", GC_EFULL },   { "EPROTO", GC_EPROTO },
    };
    if (reply && reply->type == REDIS_REPLY_ARRAY)
        reply = gc_reply_at(reply, 0);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(gc_reply_text(reply), table[i].name) == 0)
            return table[i].err;
    return GC_EPROTO;
}

bool gc_store_word(const char *text)
{
    size_t len = text ? strlen(text) : 0;
    if (len == 0 || len > GC_STORE_MAX_WORD)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7f)
            return false;
    return true;
}

bool gc_store_id(const char *text)
{
    size_t len = text ? strlen(text) : 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '.' && c != '_' && c != '-')
            return false;
    }
    return len > 0 && len <= GC_STORE_MAX_WORD;
}

bool gc_nano_usd(double usd, int64_t *out)
{
    if (!isfinite(usd) || usd < 0 || usd > GC_STORE_MAX_USD)
        return false;
    /* A hair is taken off before rounding up: 0.1 must not become 100000001. */
    *out = (int64_t)ceil(usd * 1e9 - 1e-3);
    return true;
}

int64_t gc_micro(double value)
{
    if (!isfinite(value) || value <= 0 || value > 1e9)
        return 0;
    return llround(value * 1e6);
}
