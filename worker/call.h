/* One request to a provider and its answer. Knows nothing of Redis, leases or files. */
#ifndef GC_WORKER_CALL_H
#define GC_WORKER_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/config.h"
#include "common/err.h"
#include "common/keys.h"
#include "worker/http.h"
#include "worker/provider.h"
#include "worker/retry.h"

typedef struct gc_call gc_call;

/* How sure we are that it costs something. */
typedef enum gc_charge {
    GC_CHARGE_NONE,     /* nothing was sent, or the provider refused */
    GC_CHARGE_UNKNOWN,  /* sent, and died: usage is what was seen or can be guessed */
    GC_CHARGE_CONFIRMED /* a whole message with its figures */
} gc_charge;

typedef struct gc_call_end {
    gc_fault fault;
    gc_retry_hint hint;
    gc_charge charge;
    bool sent;
    bool started; /* the model's first event was seen */
    gc_usage usage;
    gc_stop stop;
    const char *stop_reason; /* these three are borrowed for the call back */
    const char *refusal;
    const char *text; /* what went wrong, for a person; no key in it */
    uint64_t text_bytes;
    int64_t duration_ms;
    int64_t first_byte_ms; /* -1: none */
} gc_call_end;

typedef struct gc_call_conf {
    gc_http *http;
    const gc_config *config; /* base URLs, connect time-out */
    const gc_key *key;
    gc_llm_prompt prompt; /* borrowed during the start; its task for longer */
    /* The first three run inside libcurl: no call may be started or ended there. */
    void (*on_limits)(void *arg,
                      const gc_limits *told); /* by the headers of the answer */
    void (*on_text)(void *arg, const char *mem, size_t len);
    void (*on_started)(void *arg, const gc_usage *usage);
    void (*on_end)(void *arg, const gc_call_end *end); /* the call is gone after it */
    void *arg;
} gc_call_conf;

/* GC_EPROTO: a text is no UTF-8; GC_ETOOBIG: larger than any provider takes; GC_ENOENT:
 * unknown provider. */
GC_MUST_CHECK gc_err gc_call_start(const gc_call_conf *conf, gc_call **out);

/* Cuts the connection and tells what was seen so far in *out (its texts are static); no
 * callback follows. */
void gc_call_abort(gc_call **self_p, gc_call_end *out);

#endif
