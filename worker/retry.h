/* When to ask a provider again, and when to give up. Pure: the clock and the dice come in.
 * Rules: the SDKs' own (408, 409, 429, 5xx and broken connections; retry-after and
 * x-should-retry decide if present; min(0.5 s * 2^n, 8 s) less up to a quarter), with the
 * provider's patience instead of a count, since overload must cost no attempt. */
#ifndef GC_WORKER_RETRY_H
#define GC_WORKER_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "worker/provider.h"

typedef enum gc_fault {
    GC_FAULT_NONE,
    GC_FAULT_BUSY,    /* overloaded, failed inside, broken or cut connection */
    GC_FAULT_RATE,    /* 429: everybody with this key and model must wait */
    GC_FAULT_SPEND,   /* a spend limit is reached: fails until somebody raises it */
    GC_FAULT_AUTH,    /* key missing or refused, bill unpaid */
    GC_FAULT_REQUEST, /* this request will never be accepted */
    GC_FAULT_STRANGE, /* status 2xx, and nothing that this API says */
    GC_FAULT_FINAL /* asking again is pointless, says the provider or what is in its place */
} gc_fault;
#define GC_FAULT_COUNT (GC_FAULT_FINAL + 1)

/* What the response headers say about asking again. */
typedef struct gc_retry_hint {
    int64_t after_ms; /* -1: nothing said */
    int should_retry; /* x-should-retry: 1, 0; -1: not there */
} gc_retry_hint;

/* `retry-after-ms` (milliseconds) or `retry-after` (seconds, or an HTTP date compared with
 * `wall_ms`). GC_EINVAL: neither. Results are 0 or more, at most a day. */
GC_MUST_CHECK gc_err gc_retry_after_ms(const char *value, int64_t *out);
GC_MUST_CHECK gc_err gc_retry_after(const char *value, int64_t wall_ms, int64_t *out);

/* What is wrong with an answer that has ended; `status` 0 or a cut stream is BUSY. */
gc_fault gc_fault_of(const gc_llm *answer, const gc_retry_hint *hint);
const char *gc_fault_str(gc_fault fault);

/* One task's patience. Zeroed memory is a fresh one. */
typedef struct gc_patience {
    int failures;     /* since the last success of this task */
    int64_t since_ms; /* first of them */
    int strange;      /* answers that were none */
} gc_patience;

/* An answer came that was none: may it be asked for again? At most GC_STRANGE_MOST times, as
 * each may have been paid for. */
#define GC_STRANGE_MOST 3
bool gc_retry_strange(gc_patience *self);

/* The wait in ms before the next try, from now; -1: give up. It gives up when nothing succeeded
 * for `patience_ms`: neither this task (since its first failure) nor, as `model_success_ms` says
 * (0: never), another call of the same model; and in any case after GC_PATIENCE_MOST times
 * that. `dice` is uniform in [0, 2^32). */
#define GC_PATIENCE_MOST 3
int64_t gc_retry_wait(gc_patience *self, const gc_retry_hint *hint, int64_t patience_ms,
                      int64_t model_success_ms, int64_t now_ms, uint32_t dice);

#endif
