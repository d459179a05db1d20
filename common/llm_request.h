/* The request that an LLM provider gets: its blocks, its address, and the body and headers of
 * the Anthropic Messages API, which are the same for a call and for the counting of its
 * tokens (https://docs.anthropic.com/en/api/messages, .../messages-count-tokens). Pure. */
#ifndef GC_COMMON_LLM_REQUEST_H
#define GC_COMMON_LLM_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/config.h"
#include "common/err.h"
#include "common/strv.h"
#include "common/task.h"

#define GC_LLM_MAX_BODY ((size_t)32 << 20) /* of a request; Anthropic's own limit */

/* A block of the prompt with its text at hand (borrowed). */
typedef struct gc_llm_block {
    const char *text;
    size_t len;
    bool mark;
} gc_llm_block;

typedef struct gc_llm_prompt {
    const gc_task *task;
    const gc_llm_block *system;
    size_t system_count;
    const gc_llm_block *user;
    size_t user_count;
    const char *cache_key; /* openai: routes calls with one prefix together; "" = none */
} gc_llm_prompt;

/* Where a provider is by this configuration; borrowed. */
const char *gc_llm_base_url(const gc_config *config, const char *provider);

/* Base URL and path in one; a base with a trailing slash or that already ends in /v1 is as
 * good as one without. malloc'ed. */
char *gc_llm_url(const char *base, const char *path);

/* Serialises and frees `body`; GC_EPROTO if it is NULL, GC_ETOOBIG. */
GC_MUST_CHECK gc_err gc_llm_dump(json_t *body, gc_buf *out);

/* The blocks as [{type: text, text}]; those with a mark carry `mark_key`: `mark` (borrowed;
 * NULL: no marks). Empty ones are left out: providers refuse them. NULL: no UTF-8. */
json_t *gc_llm_text_blocks(const gc_llm_block *blocks, size_t count, const char *mark_key,
                           json_t *mark);

#define GC_ANTHROPIC_MESSAGES "/v1/messages"
#define GC_ANTHROPIC_COUNT "/v1/messages/count_tokens"

/* "Name: value" lines; `key` may be "" where the server wants none. */
void gc_anthropic_headers(const char *key, gc_strv *out);

/* The JSON body of a call that streams, the same bytes for the same input; `count`: of the
 * request that only counts its tokens. GC_EPROTO: text that is no UTF-8; GC_ETOOBIG. */
GC_MUST_CHECK gc_err gc_anthropic_body(const gc_llm_prompt *prompt, bool count,
                                       gc_buf *out);

#endif
