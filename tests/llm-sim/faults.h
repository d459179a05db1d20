/* Faults on demand: rules that say what goes wrong, how often, and for which prompts. The
 * first rule that fires decides a request. Whether a rule with a rate below 1 fires depends
 * on the seed, the prompt and how often that prompt was seen, never on the order in which
 * requests arrive. Pure. */
#ifndef GC_LLM_SIM_FAULTS_H
#define GC_LLM_SIM_FAULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define GC_SIM_RULES_MAX 256

/* name, what happens, where it strikes by default (per cent of the answer, -1 = nowhere) */
#define GC_SIM_FAULT_MAP(X)                                                             \
    X(GC_SIM_FAULT_429, "429", "status 429 with retry-after", -1)                       \
    X(GC_SIM_FAULT_529, "529", "status 529, overloaded", -1)                            \
    X(GC_SIM_FAULT_500, "500", "status 500, api_error", -1)                             \
    X(GC_SIM_FAULT_SPEND, "spend", "status 429 without retry-after: spend cap", -1)     \
    X(GC_SIM_FAULT_RESET, "reset", "TCP reset before a byte, or at=N%", 0)              \
    X(GC_SIM_FAULT_TRUNCATE, "truncate", "ends well-formed without terminal event", 50) \
    X(GC_SIM_FAULT_CUT, "cut", "closes in the middle of the HTTP body", 50)             \
    X(GC_SIM_FAULT_STALL, "stall", "silence, connection open", 50)                      \
    X(GC_SIM_FAULT_ERROR_EVENT, "error_event", "SSE error event after 200", 50)         \
    X(GC_SIM_FAULT_SLOW, "slow", "one byte every every_ms", 0)                          \
    X(GC_SIM_FAULT_MISSING_FILE, "missing_file", "answers all but one file", -1)        \
    X(GC_SIM_FAULT_BAD_SIGNATURE, "bad_signature", "renames a promised function", -1)   \
    X(GC_SIM_FAULT_FENCED, "fenced", "fence and prose around the answer", -1)           \
    X(GC_SIM_FAULT_JSON, "json", "JSON though tags were asked, or the reverse", -1)     \
    X(GC_SIM_FAULT_MAX_TOKENS, "max_tokens", "stops early at the output limit", 50)     \
    X(GC_SIM_FAULT_REFUSAL, "refusal", "stop_reason refusal", 0)                        \
    X(GC_SIM_FAULT_GARBAGE, "garbage", "no file, broken tags", -1)

typedef enum gc_sim_fault_kind {
    GC_SIM_FAULT_NONE,
#define X(name, word, help, at) name,
    GC_SIM_FAULT_MAP(X)
#undef X
    GC_SIM_FAULT_COUNT
} gc_sim_fault_kind;

typedef struct gc_sim_fault {
    gc_sim_fault_kind kind;
    double rate;      /* 0..1 */
    int64_t count;    /* at most so many times; -1 = always */
    int64_t skip;     /* lets so many matching requests pass first */
    int at;           /* per cent of the answer; -1 = does not apply */
    int64_t every_ms; /* slow */
    int64_t retry_ms; /* 429: retry-after */
    char path[256];   /* only prompts that want a path with this in it; "" = all */
    char model[64];   /* only this model; "" = all */
    int64_t seen;     /* matching requests so far */
    int64_t hits;     /* times it fired */
} gc_sim_fault;

const char *gc_sim_fault_name(gc_sim_fault_kind kind);
const char *gc_sim_fault_help(gc_sim_fault_kind kind);

typedef struct gc_sim_faults gc_sim_faults;

gc_sim_faults *gc_sim_faults_new(uint64_t seed);
void gc_sim_faults_destroy(gc_sim_faults **self_p);

/* Adds "KIND:RATE[:at=N][:count=N][:skip=N][:path=TEXT][:model=ID][:every_ms=N]
 * [:retry_ms=N]". GC_EINVAL: `info` says what is wrong; GC_EFULL: too many rules. */
GC_MUST_CHECK gc_err gc_sim_faults_add_text(gc_sim_faults *self, const char *text,
                                            gc_errinfo *info);

/* The same as an object: {"kind", "rate", "at", "count", "skip", "path", "model",
 * "every_ms", "retry_ms"}; all but "kind" optional, "rate" is 1 if absent. */
GC_MUST_CHECK gc_err gc_sim_faults_add_json(gc_sim_faults *self, const json_t *rule,
                                            gc_errinfo *info);
void gc_sim_faults_clear(gc_sim_faults *self);

/* Every rule with what it did, as an array; the caller owns it. */
json_t *gc_sim_faults_list(const gc_sim_faults *self);

typedef struct gc_sim_fault_query {
    const char *fingerprint; /* of the prompt */
    const char *model;
    const char *const *paths; /* wanted */
    size_t path_count;
} gc_sim_fault_query;

/* The rule that decides this request, counted as fired; NULL if none does. Borrowed: valid
 * until the rules change. */
const gc_sim_fault *gc_sim_faults_pick(gc_sim_faults *self,
                                       const gc_sim_fault_query *query);

#endif
