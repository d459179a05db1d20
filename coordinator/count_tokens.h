/* Asks Anthropic how many tokens prompts have: POST /v1/messages/count_tokens, free of charge,
 * with limits of its own (https://docs.anthropic.com/en/api/messages-count-tokens). A thin
 * shell over libcurl that blocks its caller for a bounded time. */
#ifndef GC_COORDINATOR_COUNT_TOKENS_H
#define GC_COORDINATOR_COUNT_TOKENS_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/keys.h"

/* Requests at the same time, and how long all of them may take. */
#define GC_COUNT_PARALLEL 8
#define GC_COUNT_TOTAL_MS 30000

typedef struct gc_count_conf {
    const char *base_url;
    const gc_key *key;
    int64_t connect_ms;
    int stop_fd;         /* readable: give up; -1: none */
    const char *ca_file; /* PEM; "": the system's */
} gc_count_conf;

typedef struct gc_count_item {
    const char *body; /* gc_anthropic_body, to be counted; borrowed */
    size_t len;
    int64_t tokens; /* out; 0: not counted */
} gc_count_item;

/* The first that fails ends it: what was counted before stays. GC_ECLOSED, GC_ETIMEOUT,
 * GC_EINVAL (refused), GC_EPROTO (an answer that is none), GC_ESTATE (told to stop); `info`
 * says it without the key. */
GC_MUST_CHECK gc_err gc_count_tokens(const gc_count_conf *conf, gc_count_item *items,
                                     size_t count, gc_errinfo *info);

/* What one answer says; pure. GC_EINVAL: any other status than 200, `info` has the
 * provider's words. */
GC_MUST_CHECK gc_err gc_count_read(long status, const char *mem, size_t len,
                                   int64_t *tokens, gc_errinfo *info);

#endif
