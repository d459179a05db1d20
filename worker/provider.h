/* What differs between LLM providers: request body, headers, and the reading of an answer.
 * Pure: bytes in, text deltas and figures out. Two of them:
 *   anthropic  Messages API, https://docs.anthropic.com/en/api/messages (and -streaming)
 *   openai     chat completions, as OpenAI, Ollama, vLLM and llama.cpp speak it
 * Unknown fields, events and enum values are ignored, as both APIs promise to add some. */
#ifndef GC_WORKER_PROVIDER_H
#define GC_WORKER_PROVIDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/llm_request.h"
#include "common/models.h"
#include "common/strv.h"
#include "common/task.h"
#include "worker/sse.h"

#define GC_LLM_MAX_JSON ((size_t)16 << 20) /* an answer that is not streamed */

/* Why the message ended. */
typedef enum gc_stop {
    GC_STOP_NONE, /* it did not say */
    GC_STOP_END,
    GC_STOP_CUT, /* output limit or context window: the last file is not whole */
    GC_STOP_REFUSED
} gc_stop;

typedef struct gc_llm gc_llm;

typedef struct gc_provider {
    const char *name; /* as in gc_task.provider */
    const char *path; /* below the base URL */
    /* "Name: value" lines; `key` may be "" where the server wants none. */
    void (*headers)(const char *key, gc_strv *out);
    /* The JSON body, the same bytes for the same input. GC_EPROTO: text that is no UTF-8;
     * GC_ETOOBIG. */
    gc_err (*body)(const gc_llm_prompt *prompt, gc_buf *out);
    void (*event)(gc_llm *self, const json_t *data);   /* one event of the stream */
    void (*message)(gc_llm *self, const json_t *data); /* a whole answer, not streamed */
} gc_provider;

extern const gc_provider gc_provider_anthropic;
extern const gc_provider gc_provider_openai;

/* By name, or NULL. */
const gc_provider *gc_provider_find(const char *name);

/* What went wrong in an answer. Most have none of it, and thousands are held at once. */
typedef struct gc_llm_words {
    char refusal[512];     /* category and explanation, "" if none */
    char content_type[64]; /* "" if it is one that answers have */
    char error_type[64];
    char error_code[64];
    char message[512]; /* of the error, for a person */
} gc_llm_words;

/* ---- one answer, from the status line to the last byte ---- */
struct gc_llm {
    const gc_provider *provider;
    int status;
    bool is_stream;
    bool long_cache; /* unsplit cache writes are meant for an hour */
    bool started;    /* the model's first event was seen */
    bool ended;      /* the message is complete */
    bool has_error;  /* error event, or a status that is none of 2xx */
    bool garbled;    /* something in the answer was no JSON, or too large */
    bool is_alien; /* it says plainly that no such API is there: a web page, a redirect */
    bool is_broken;  /* set by the caller: the connection ended before the answer did */
    bool is_counted; /* `usage.output` is of the whole answer, not of its start */
    gc_usage usage;  /* latest figures; cumulative, so they replace each other */
    gc_stop stop;
    char stop_reason[64];
    gc_llm_words *words; /* NULL: nothing went wrong */
    uint64_t text_bytes;
    gc_sse sse;
    gc_buf body; /* not streamed: collected until the end; else what came before the first
                    event */
    void (*on_text)(void *arg, const char *mem, size_t len);
    void *arg;
};

void gc_llm_init(gc_llm *self, const gc_provider *provider,
                 void (*on_text)(void *arg, const char *mem, size_t len), void *arg);
void gc_llm_release(gc_llm *self);

/* The status line and headers are in; `content_type` may be "". */
void gc_llm_head(gc_llm *self, int status, const char *content_type);

/* Bytes of the body. What cannot be read sets `garbled`; it never fails. */
void gc_llm_feed(gc_llm *self, const char *mem, size_t len);

/* The connection ended, in whatever way. */
void gc_llm_finish(gc_llm *self);

/* True if the answer was a whole message without an error. */
bool gc_llm_ok(const gc_llm *self);

/* All "" if nothing went wrong. Borrowed until the release. */
const gc_llm_words *gc_llm_said(const gc_llm *self);

/* ---- for the providers ---- */
/* Makes them at the first use. */
gc_llm_words *gc_llm_words_of(gc_llm *self);

void gc_llm_text(gc_llm *self, const char *mem, size_t len);
/* Parses what a server calls JSON: malformed UTF-8 and halves of surrogate pairs, which
 * servers send where they cut a character in two, become U+FFFD. NULL if it is none. */
json_t *gc_llm_json(const char *mem, size_t len);
/* Error object of either provider, or a bare string. */
void gc_llm_error(gc_llm *self, const json_t *error);
void gc_llm_stop(gc_llm *self, gc_stop stop, const char *reason);
/* A count of the usage object into *out; absent or malformed leaves it. */
void gc_llm_count(const json_t *object, const char *key, int64_t *out);
/* Copies at most size - 1 bytes of a JSON string, cut at a character; else "". */
void gc_llm_copy(char *out, size_t size, const json_t *string);

#endif
