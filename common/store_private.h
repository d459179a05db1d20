/* What the blocking and the asynchronous store share: the url, commands as RESP bytes,
 * reply checks, scripts; and the inside of gc_store for the files that make it up.
 * RESP2 as in https://redis.io/docs/reference/protocol-spec. */
#ifndef GC_COMMON_STORE_PRIVATE_H
#define GC_COMMON_STORE_PRIVATE_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/store.h"
#include "common/store_scripts.h"

#define GC_STORE_CONNECT_MS 5000
#define GC_STORE_REPLY_MS 10000
#define GC_STORE_MAX_BLOB ((size_t)64 << 20)
#define GC_STORE_MAX_COMMAND ((size_t)80 << 20)
#define GC_STORE_MAX_REPLY ((size_t)256 << 20) /* bytes of one reply, whole pipeline */
#define GC_STORE_MAX_WORD 256 /* ids, names and states in keys, records */
#define GC_STORE_MAX_USD 1e6  /* one amount; above it is a mistake */
#define GC_STORE_PORT 6379

/* ---- url ---- */
typedef struct gc_redis_url {
    char *user;     /* "" = the default user */
    char *password; /* "" = no AUTH */
    char *host;     /* or NULL */
    char *path;     /* unix socket, or NULL: exactly one of the two is set */
    int port;
    int db;
} gc_redis_url;

/* GC_EINVAL with a sentence that shows no password. */
GC_MUST_CHECK gc_err gc_redis_url_parse(const char *url, gc_redis_url *out,
                                        gc_errinfo *info);
void gc_redis_url_release(gc_redis_url *self);

/* ---- commands: length-prefixed arguments, so no text can become syntax ---- */
typedef struct gc_cmd {
    gc_buf buf; /* begins with room for the count, see gc_cmd_finish() */
    size_t count;
    int script; /* gc_script_id, or -1 for a plain command */
} gc_cmd;

/* `name` is the first argument. */
void gc_cmd_init(gc_cmd *self, const char *name);
/* EVALSHA of a script; what follows becomes ARGV. */
void gc_cmd_script(gc_cmd *self, const gc_scripts *scripts, gc_script_id id);
void gc_cmd_release(gc_cmd *self);
void gc_cmd_mem(gc_cmd *self, const void *mem, size_t len);
void gc_cmd_text(gc_cmd *self, const char *text);
void gc_cmd_textf(gc_cmd *self, const char *fmt, ...) GC_PRINTF(2, 3);
void gc_cmd_int(gc_cmd *self, int64_t value);
/* Makes `buf` the whole command, once, after the last argument. GC_ETOOBIG: it outgrew
 * GC_STORE_MAX_COMMAND. */
GC_MUST_CHECK gc_err gc_cmd_finish(gc_cmd *self);
/* Appends the whole command to `out`, releases `self`; the number of replies to expect. */
size_t gc_cmd_join(gc_cmd *self, gc_buf *out);

/* Commands that both stores send. */
void gc_cmd_blob_drop(gc_cmd *self, const gc_scripts *scripts, const char *sha256,
                      const redisReply *damaged);
void gc_cmd_model_add(gc_cmd *self, const gc_scripts *scripts, const char *model);
void gc_cmd_figures(gc_cmd *self, double bytes_per_token,
                    double seconds_per_output_token);

/* AUTH and SELECT as the url asks, as RESP bytes. Returns how many replies they give. */
size_t gc_redis_hello(const gc_redis_url *url, gc_buf *out);

/* ---- replies ---- */
typedef enum gc_reply_kind {
    GC_REPLY_GOOD,
    GC_REPLY_NOSCRIPT,
    GC_REPLY_REFUSED, /* not now: OOM, READONLY, LOADING, MASTERDOWN, MISCONF, BUSY … */
    GC_REPLY_DENIED,  /* a person must act: NOAUTH, WRONGPASS, NOPERM */
    GC_REPLY_BROKEN   /* any other error */
} gc_reply_kind;
gc_reply_kind gc_reply_kind_of(const redisReply *reply);

/* The text of a string or status reply, else "". Borrowed. */
const char *gc_reply_text(const redisReply *reply);
/* Element `i` of an array, or NULL. Borrowed. */
const redisReply *gc_reply_at(const redisReply *reply, size_t i);
/* An integer reply or a decimal string; 0 for anything else. */
int64_t gc_reply_int(const redisReply *reply);
/* A decimal string; 0 for anything else. */
double gc_reply_double(const redisReply *reply);
/* Value of `name` in the flat field/value list of HGETALL; NULL if absent. Borrowed. */
const redisReply *gc_reply_field(const redisReply *reply, const char *name);
/* Scripts answer with "OK" or the name of an error, alone or as first element. */
gc_err gc_reply_status(const redisReply *reply);

/* ---- values ---- */
/* 1..GC_STORE_MAX_WORD bytes without blanks and control bytes. */
bool gc_store_word(const char *text);
/* A word that may stand between the colons of a key: letters, digits, '.', '_', '-'. */
bool gc_store_id(const char *text);
/* Billionths of a dollar, rounded up; false if negative, not finite or above
 * GC_STORE_MAX_USD. */
bool gc_nano_usd(double usd, int64_t *out);
/* Millionths; 0 if not finite or not positive. */
int64_t gc_micro(double value);

/* ---- the blocking store ---- */
struct gc_store {
    gc_redis_url url;
    gc_scripts scripts;
    redisContext *context; /* NULL: connect on the next call */
    bool used; /* the connection has answered before: it may have gone stale */
    char error[512];
};

/* Sends one command and waits for its reply (caller frees it with freeReplyObject). An
 * error reply is translated, never handed out. */
GC_MUST_CHECK gc_err gc_store_call(gc_store *self, gc_cmd *cmd, redisReply **out);

/* The same, where only the status counts; releases `cmd`. */
GC_MUST_CHECK gc_err gc_store_run(gc_store *self, gc_cmd *cmd);

#endif
