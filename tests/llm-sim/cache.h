/* Prompt caching by the documented rules. A prompt is a row of blocks in the order tools,
 * system, messages; a breakpoint on a block writes one entry for everything up to it, and
 * reads look back at most 20 positions from each breakpoint for an entry that an earlier
 * request wrote. An entry is readable only once the response of its writer has begun, and
 * lives from the START of the request that wrote or last read it. Pure: now_ms in.
 *
 * Rules: platform.claude.com/docs, build-with-claude/prompt-caching. */
#ifndef GC_LLM_SIM_CACHE_H
#define GC_LLM_SIM_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hash.h"

#define GC_SIM_TTL_5M_MS INT64_C(300000)
#define GC_SIM_TTL_30M_MS INT64_C(1800000)
#define GC_SIM_TTL_1H_MS INT64_C(3600000)
#define GC_SIM_MARKS_MAX 4
#define GC_SIM_LOOK_BACK 20

typedef struct gc_sim_block {
    gc_sha prefix;   /* hash of everything up to and including this block */
    int64_t tokens;  /* of all blocks up to and including this one */
    int64_t ttl_ms;  /* of its breakpoint; 0 = no breakpoint */
    size_t position; /* look-back position: a run of tool blocks shares one */
} gc_sim_block;

/* A prompt under construction. Zero-initialised memory is a valid empty one. */
typedef struct gc_sim_prompt {
    gc_sim_block *blocks;
    size_t count;
    size_t cap;
    gc_sha chain; /* running hash */
    int64_t tokens;
    size_t marks; /* breakpoints so far */
    bool in_tool_run;
} gc_sim_prompt;

void gc_sim_prompt_release(gc_sim_prompt *self);

/* Mixes something into all following prefixes that is no block: the workspace, the model,
 * the thinking configuration. */
void gc_sim_prompt_mix(gc_sim_prompt *self, const char *name, const char *value);

/* Appends a block; `where` is its section and role, `mem` the bytes that must match.
 * `tool_run`: a tool_use or tool_result block, of which a run counts as one position. */
void gc_sim_prompt_add(gc_sim_prompt *self, const char *where, const void *mem,
                       size_t len, bool tool_run);

/* Sets a breakpoint on the last block. */
void gc_sim_prompt_mark(gc_sim_prompt *self, int64_t ttl_ms);

/* Tokens of `len` bytes of text: ceil(len / 3.6). The simulator's one measure. */
int64_t gc_sim_tokens(size_t len);

/* Tokens that each block costs beside its text. */
#define GC_SIM_BLOCK_TOKENS 4

typedef struct gc_sim_cache_write {
    gc_sha prefix;
    int64_t ttl_ms;
} gc_sim_cache_write;

/* What one request reads and writes. */
typedef struct gc_sim_cache_use {
    int64_t input; /* tokens at full price */
    int64_t read;
    int64_t write_5m; /* every lifetime below one hour */
    int64_t write_1h;
    gc_sim_cache_write writes[GC_SIM_MARKS_MAX];
    size_t write_count;
    gc_sim_cache_write hits[GC_SIM_MARKS_MAX]; /* entries found, to be refreshed */
    size_t hit_count;
} gc_sim_cache_use;

typedef struct gc_sim_cache gc_sim_cache;

/* `ttl_scale` shortens or stretches all lifetimes (1 = as documented). */
gc_sim_cache *gc_sim_cache_new(double ttl_scale);
void gc_sim_cache_destroy(gc_sim_cache **self_p);

/* Which part of the prompt is read, which will be written. Changes nothing: writes and
 * refreshes wait in `out` for gc_sim_cache_commit. `min_tokens`: shorter prefixes are
 * silently not cached. `look_back`: positions, the breakpoint's own included. */
void gc_sim_cache_lookup(const gc_sim_cache *self, const gc_sim_prompt *prompt,
                         int64_t min_tokens, size_t look_back, int64_t now_ms,
                         gc_sim_cache_use *out);

/* The response to that request has begun: what it writes is readable from now on, and that
 * as well as what it read lives from `started_ms`, when the request came in. */
void gc_sim_cache_commit(gc_sim_cache *self, const gc_sim_cache_use *use,
                         int64_t started_ms);

/* Entries held, expired ones included until they are swept. */
size_t gc_sim_cache_count(const gc_sim_cache *self);

#endif
