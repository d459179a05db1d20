/* What this process knows of cached prompt prefixes, so that a thousand calls with one prefix
 * ask Redis once: which are warm, when somebody may ask again, and how many calls a minute
 * each gets. Knowledge only; the truth is gc:prefix in Redis. Pure. */
#ifndef GC_WORKER_WARM_H
#define GC_WORKER_WARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hash.h"
#include "common/task.h"

#define GC_WARM_MAX_KEYS 1024    /* then the eldest is forgotten */
#define GC_WARM_ASK_MS 100       /* between two questions about one prefix */
#define GC_WARM_CALLS_PER_KEY 15 /* a minute: what OpenAI routes to one machine */

typedef struct gc_warm gc_warm;

gc_warm *gc_warm_new(void);
void gc_warm_destroy(gc_warm **self_p);

bool gc_warm_is(const gc_warm *self, const char *key, int64_t now_ms);
void gc_warm_set(gc_warm *self, const char *key, int64_t until_ms);

/* True for the first caller in GC_WARM_ASK_MS: that one asks Redis for all. */
bool gc_warm_may_ask(gc_warm *self, const char *key, int64_t now_ms);

/* Counts a call; which of its prompt_cache_keys it should use: 0, 1, ... */
uint32_t gc_warm_shard(gc_warm *self, const char *key, int64_t now_ms);

#endif
