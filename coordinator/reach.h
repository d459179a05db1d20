/* Does the LLM API answer, and does it know the key? One GET of its list of models, which is
 * free of charge (https://docs.anthropic.com/en/api/models-list; OpenAI-compatible servers
 * have the same path). A thin shell over libcurl that blocks its caller for a bounded time. */
#ifndef GC_COORDINATOR_REACH_H
#define GC_COORDINATOR_REACH_H

#include <stddef.h>

#include "common/config.h"
#include "common/keys.h"

/* How long all of it may take, names and handshakes included. */
#define GC_REACH_TOTAL_MS 5000

typedef enum gc_reach {
    GC_REACH_FINE,
    GC_REACH_DOUBT, /* nobody was reached, or who was has no time: it may work later */
    GC_REACH_WRONG  /* calls would fail, too */
} gc_reach;

#define GC_REACH_TEXT 400

/* `text` says what was found, with the fix; never the key. `key` may be without a secret. */
gc_reach gc_reach_api(const gc_config *config, const char *provider, const gc_key *key,
                      char text[GC_REACH_TEXT]);

/* What one answer means; pure. `asked_with_key`: a refusal speaks of that key. */
gc_reach gc_reach_read(long status, const char *mem, size_t len, bool asked_with_key,
                       char text[GC_REACH_TEXT]);

#endif
