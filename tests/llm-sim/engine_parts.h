/* The inside of the engine, for the files that share it: engine.c (calls), engine_info.c
 * (models, control) and engine_ledger.c (what is written down). */
#ifndef GC_LLM_SIM_ENGINE_PARTS_H
#define GC_LLM_SIM_ENGINE_PARTS_H

#include "tests/llm-sim/engine.h"
#include "tests/llm-sim/journal.h"
#include "tests/llm-sim/limits.h"

typedef struct gc_sim_totals {
    int64_t requests;
    int64_t active;
    int64_t peak_active;
    int64_t completed;
    int64_t events;  /* of streams */
    int64_t refused; /* status 4xx and 5xx */
    int64_t faults;
    int64_t input;
    int64_t cache_read;
    int64_t cache_write_5m;
    int64_t cache_write_1h;
    int64_t output;
    int64_t bytes;
} gc_sim_totals;

struct gc_sim_engine {
    const gc_sim_settings *settings;
    gc_sim_cache *cache;
    gc_sim_limits *limits;
    gc_sim_faults *faults;
    gc_sim_journal *journal;
    gc_sim_totals totals;
    uint64_t random; /* state of the latency generator */
};

/* Answers with an error of the API's own form. */
void gc_sim_exchange_refuse(gc_sim_exchange *exchange, bool openai, int status,
                            const char *type, const char *message);

/* The id of the request's key into `call`; false: refused, there is none. */
bool gc_sim_exchange_read_key(gc_sim_exchange *exchange, const gc_sim_http *request,
                              bool openai);

/* Answers GET /v1/models and /_sim/...; false: that is none of these. */
bool gc_sim_engine_info(gc_sim_engine *self, const gc_sim_http *request,
                        gc_sim_exchange *exchange);

/* The target without its query is `path`. */
bool gc_sim_is_path(const char *target, const char *path);

/* Adds the line of a finished exchange to the journal and its tokens to the totals. */
void gc_sim_engine_record(gc_sim_engine *self, const gc_sim_exchange *exchange,
                          bool completed, int64_t now_ms);

#endif
