/* One call as both APIs understand it, after its body was checked: what the cache hashes,
 * what is wanted, how to answer. */
#ifndef GC_LLM_SIM_CALL_H
#define GC_LLM_SIM_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/strv.h"
#include "tests/llm-sim/answer.h"
#include "tests/llm-sim/cache.h"
#include "tests/llm-sim/catalog.h"
#include "tests/llm-sim/wanted.h"

#define GC_SIM_KEY_ID_LEN 16

typedef struct gc_sim_call {
    const gc_sim_model *model;          /* the catalogue's, or the row for extra models */
    char *model_id;                     /* as the client wrote it */
    char key_id[GC_SIM_KEY_ID_LEN + 1]; /* start of the key's sha256; never the key */
    bool openai;
    bool stream;
    bool include_usage; /* openai */
    bool count_only;    /* count_tokens */
    bool prewarm;       /* max_tokens: 0 */
    bool json;
    int64_t max_tokens;
    int64_t thinking_tokens; /* 0: no thinking block */
    size_t look_back;
    bool
        free_writes; /* openai before GPT-5.6: writes cost nothing, reads in steps of 128 */
    gc_strv stop_sequences;
    gc_sim_prompt prompt;
    gc_sim_wanted wanted;
    gc_sim_project project;
} gc_sim_call;

void gc_sim_call_release(gc_sim_call *self);

/* Why a request is refused, in the API's own terms. */
typedef struct gc_sim_reject {
    int status;
    const char *type; /* static: "invalid_request_error" */
    const char *code; /* static: openai's error.code, or NULL */
    char message[600];
} gc_sim_reject;

/* Fills `self` and returns false, so that a refusal is one line. */
bool gc_sim_refuse(gc_sim_reject *self, int status, const char *type, const char *fmt,
                   ...) GC_PRINTF(4, 5);

/* 400 invalid_request_error. */
#define gc_sim_invalid(reject, ...) \
    gc_sim_refuse((reject), 400, "invalid_request_error", __VA_ARGS__)

/* Looks up the model; `extra` names are accepted besides the catalogue. NULL: unknown. */
const gc_sim_model *gc_sim_call_model(const char *id, bool openai, const gc_strv *extra);

/* Tokens that a model thinks before it answers, by effort and number of wanted files. */
int64_t gc_sim_thinking_tokens(const char *effort, size_t files);

/* True for the content blocks of which a run counts as one look-back position. */
bool gc_sim_is_tool_block(const char *type);

/* Refuses members of `object` that are not in the NULL-terminated list `known`; `where` is
 * put before their names. */
bool gc_sim_known_members(const json_t *object, const char *where,
                          const char *const *known, gc_sim_reject *reject);

/* The parsers: an already decoded body into `out` (zeroed by the caller, released by the
 * caller in any case). False: `reject` says why. `key_id` is in `out` already. */
bool gc_sim_anthropic_parse(const json_t *body, const gc_strv *extra, gc_sim_call *out,
                            gc_sim_reject *reject);
bool gc_sim_openai_parse(const json_t *body, const gc_strv *extra, gc_sim_call *out,
                         gc_sim_reject *reject);

#endif
