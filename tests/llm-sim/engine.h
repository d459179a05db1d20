/* The simulated service without sockets: takes a whole HTTP request, decides status,
 * headers and body or stream, keeps cache, limits, faults and the ledger. The server only
 * moves bytes and keeps time. */
#ifndef GC_LLM_SIM_ENGINE_H
#define GC_LLM_SIM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/strv.h"
#include "tests/llm-sim/call.h"
#include "tests/llm-sim/faults.h"
#include "tests/llm-sim/http.h"
#include "tests/llm-sim/reply.h"

typedef struct gc_sim_settings {
    int64_t rpm; /* limits per minute, key and model */
    int64_t itpm;
    int64_t otpm;
    double ttft_ms;           /* time to the first event */
    double latency_sigma;     /* of its logarithm; 0 = constant */
    double tokens_per_second; /* 0 = as fast as possible */
    int64_t event_tokens;     /* tokens per delta */
    double cache_ttl_scale;
    uint64_t seed;
    const char *journal;  /* path, or NULL */
    gc_strv faults;       /* rules as text */
    gc_strv extra_models; /* ids accepted besides the catalogue */
} gc_sim_settings;

typedef struct gc_sim_engine gc_sim_engine;

/* `settings` are borrowed. GC_EINVAL (a fault rule), GC_EIO (the journal). */
GC_MUST_CHECK gc_err gc_sim_engine_new(const gc_sim_settings *settings,
                                       gc_sim_engine **out, gc_errinfo *info);
void gc_sim_engine_destroy(gc_sim_engine **self_p);

/* One request being answered. The server sends status, headers and body; if `stream`, the
 * body comes from gc_sim_exchange_next. */
typedef struct gc_sim_exchange {
    int status;
    const char *content_type;
    gc_buf headers; /* more header lines, each with CRLF */
    gc_buf body;
    bool stream;
    double delay_ms; /* before the first byte */
    gc_sim_fault_kind fault;
    int64_t every_ms; /* GC_SIM_FAULT_SLOW: per byte */
    size_t strike_at; /* text offset where a transport fault strikes; SIZE_MAX = never */
    const char *endpoint; /* "messages", "count_tokens", "chat" or NULL (not journaled) */
    bool has_call;
    gc_sim_call call;
    gc_sim_reply reply;
    char request_id[GC_SIM_ID_SIZE];
    char error_type[40];
    bool counted; /* in the totals */
    bool begun;   /* the response has begun: cache entries are readable */
    int64_t started_ms;
    int64_t started_wall_ms;
    int64_t bytes; /* sent, as the server counted them */
} gc_sim_exchange;

/* Answers `request`. Never NULL; give it back to gc_sim_engine_end. */
gc_sim_exchange *gc_sim_engine_begin(gc_sim_engine *self, const gc_sim_http *request,
                                     int64_t now_ms, int64_t wall_ms);

/* The answer to bytes that are no request (400, 413, 431); ends like the others. */
gc_sim_exchange *gc_sim_engine_bad(gc_sim_engine *self, gc_err why, bool body_too_big,
                                   int64_t now_ms, int64_t wall_ms);

/* The first byte of the response is on its way. */
void gc_sim_engine_begun(gc_sim_engine *self, gc_sim_exchange *exchange);

/* True if a transport fault strikes here and now. */
bool gc_sim_exchange_strikes(const gc_sim_exchange *exchange);

/* True when everything was rendered. */
bool gc_sim_exchange_done(const gc_sim_exchange *exchange);

/* Appends the next event(s) to `out`; returns the milliseconds that its tokens took. */
double gc_sim_engine_next(gc_sim_engine *self, gc_sim_exchange *exchange, gc_buf *out,
                          int64_t now_ms);

/* The event that ends a stream of `exchange` with an error. */
void gc_sim_exchange_error_event(const gc_sim_exchange *exchange, gc_buf *out);

/* Writes the journal, frees the exchange. `completed`: every byte was sent. */
void gc_sim_engine_end(gc_sim_engine *self, gc_sim_exchange **exchange_p, bool completed,
                       int64_t now_ms);

#endif
