/* One answer on its way: the text, where it ends and why, and its rendering piece by piece
 * as server-sent events or as one JSON body, for either API. Pure. */
#ifndef GC_LLM_SIM_REPLY_H
#define GC_LLM_SIM_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "tests/llm-sim/answer.h"
#include "tests/llm-sim/cache.h"
#include "tests/llm-sim/call.h"

#define GC_SIM_ID_SIZE 32

typedef enum gc_sim_phase {
    GC_SIM_PHASE_START,
    GC_SIM_PHASE_THINKING,
    GC_SIM_PHASE_TEXT_START,
    GC_SIM_PHASE_TEXT,
    GC_SIM_PHASE_END,
    GC_SIM_PHASE_DONE
} gc_sim_phase;

typedef struct gc_sim_reply {
    const gc_sim_call *call; /* borrowed */
    char id[GC_SIM_ID_SIZE]; /* "msg_…" or "chatcmpl-…" */
    gc_sim_answer answer;
    size_t text_len;           /* of the answer's text, what will be sent */
    size_t sent;               /* bytes of it rendered so far */
    const char *stop_reason;   /* in Anthropic's words */
    const char *stop_sequence; /* borrowed from the call, or NULL */
    gc_sim_cache_use use;
    int64_t thinking_tokens; /* of this answer */
    gc_sim_phase phase;
    int64_t created_s; /* openai: wall clock */
} gc_sim_reply;

/* `spoil` may be NULL. `self->call`, `use`, `id` and `created_s` are set by the caller. */
void gc_sim_reply_make(gc_sim_reply *self, const gc_sim_fault *spoil);
void gc_sim_reply_release(gc_sim_reply *self);

/* Output tokens of what was rendered so far, thinking included. */
int64_t gc_sim_reply_output(const gc_sim_reply *self);

/* Output tokens of the whole answer. */
int64_t gc_sim_reply_total(const gc_sim_reply *self);

/* Appends the next event or events to `out`: at most `tokens` tokens of text, and never
 * past text offset `stop_at`. Returns the output tokens they stand for. At the end the
 * phase is GC_SIM_PHASE_DONE. At `stop_at` it stays GC_SIM_PHASE_TEXT and adds nothing. */
int64_t gc_sim_reply_next(gc_sim_reply *self, int64_t tokens, size_t stop_at,
                          gc_buf *out);

/* Appends the whole answer as one JSON body. */
void gc_sim_reply_whole(gc_sim_reply *self, gc_buf *out);

#endif
