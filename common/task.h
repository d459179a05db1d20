/* What travels inside TASK and DONE: one LLM call and its outcome. The broker does not look
 * inside. Encoded as msgpack maps with the field names below (docs/protocol.md). */
#ifndef GC_COMMON_TASK_H
#define GC_COMMON_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/hash.h"
#include "common/models.h"

#define GC_TASK_MAX_FILES 256
#define GC_TASK_MAX_BLOCKS 16

/* One text block of the prompt. Long shared blocks travel as the hash of a gc:blob. */
typedef struct gc_block {
    char *text;   /* or NULL */
    char *sha256; /* or NULL: exactly one of the two is set */
    bool mark;    /* a cache mark stands at the end of this block */
} gc_block;

typedef struct gc_task_file {
    char *path;
    char *fingerprint; /* 64 hex digits */
    char *package;     /* "" if no Go file */
    char *kind;
    char *promise; /* for the gate */
} gc_task_file;

typedef struct gc_task {
    char *job;
    char *id;          /* unique in the job, at most 64 bytes of [a-z0-9.-] */
    char *provider;    /* anthropic | openai */
    gc_model model;    /* id, prices, abilities: the coordinator decides */
    char *effort;      /* "" = do not send */
    bool openai_cache; /* send explicit cache marks to chat completions */
    int64_t max_tokens;
    int64_t expected_output; /* tokens, for limits; 0: not estimated */
    char *cache_ttl;         /* "5m" or "1h" */
    gc_block *system;
    size_t system_count;
    gc_block *user;
    size_t user_count;
    gc_task_file *files;
    size_t file_count;
    int64_t lease_ms;
    int64_t patience_ms;   /* limits.provider_patience */
    int64_t first_byte_ms; /* three clocks of a call */
    int64_t idle_ms;
    int64_t call_ms;
    double max_cost_usd;  /* cap of the whole job; 0 = none */
    double reserve_usd;   /* worst case of one call, reserved before each */
    bool reuse;           /* look into gc:gen before calling */
    bool simulated;       /* --provider sim */
    int64_t prompt_bytes; /* for limits and metrics */
} gc_task;

gc_task *gc_task_new(void);
void gc_task_destroy(gc_task **self_p);
void gc_task_encode(const gc_task *self, gc_buf *out);

/* Also a task that can be read but not meant is refused: other words than the known ones,
 * paths that leave the project, a file twice. GC_EPROTO, GC_ETOOBIG: *out is untouched, `info`
 * (may be NULL) says why. */
GC_MUST_CHECK gc_err gc_task_decode(const void *mem, size_t len, gc_task **out,
                                    gc_errinfo *info);

/* Hash of everything up to the last cache mark (the blocks by content, effort and format of
 * thinking too, since they belong to the provider's cache key); false if nothing is marked. */
bool gc_task_prefix(const gc_task *task, gc_sha *out);

typedef enum gc_outcome {
    GC_FILE_MADE,     /* stored; `sha256` is its blob */
    GC_FILE_REUSED,   /* gc:gen had it: nothing was paid */
    GC_FILE_REJECTED, /* did not pass the gate or was missing; `text` is the complaint */
    GC_FILE_WAITING /* another task holds its lease, or the call broke before it: ask again */
} gc_outcome;

typedef struct gc_file_result {
    char *path;
    gc_outcome outcome;
    char *sha256; /* made, reused: content; rejected: the rejected text if any; else "" */
    bool partial; /* rejected: `sha256` is of a piece, or of an answer without the file */
    char *text;   /* complaint, or "" */
    gc_usage usage; /* this file's share of the call, by bytes of answer */
    double cost_usd;
} gc_file_result;

typedef struct gc_result {
    gc_file_result *files;
    size_t file_count;
    gc_usage usage; /* of all calls that ended with the provider's own figures */
    double cost_usd;
    gc_usage unconfirmed; /* calls that died after sending: what was seen of them */
    double unconfirmed_usd;
    double wasted_usd; /* of both: what usage and bytes prove, and no file was kept for */
    int64_t uncached;  /* calls whose marked prefix was neither written nor read */
    int64_t calls;     /* LLM requests that were answered with a message */
    int64_t requests;  /* HTTP requests sent */
    double seconds;    /* of the calls */
    double first_byte_seconds;
    char *worker;
    char *stop_reason;
} gc_result;

gc_result *gc_result_new(void);
void gc_result_destroy(gc_result **self_p);
void gc_result_encode(const gc_result *self, gc_buf *out);
GC_MUST_CHECK gc_err gc_result_decode(const void *mem, size_t len, gc_result **out);

/* The payload of PROGRESS: how far a call is, for display. */
typedef struct gc_news {
    int64_t bytes;  /* of the answer so far */
    int64_t tokens; /* the same, counted by the bytes */
    char *phase;    /* "call": sent, "stream": the answer comes in */
    char *path;     /* the file that is written or waited for, "" if none */
} gc_news;

void gc_news_encode(const gc_news *self, gc_buf *out);

/* GC_EPROTO, GC_ETOOBIG: refused, *out is all zero. */
GC_MUST_CHECK gc_err gc_news_decode(const void *mem, size_t len, gc_news *out);
void gc_news_release(gc_news *self);

#endif
