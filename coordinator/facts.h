/* What shapes a project, as named facts: each field, relation, requirement and contract, the
 * model and its prompts. A run that ends well leaves them beside its tree, so that the next
 * one can say what has changed (changes.h). They are words for people: what is made is decided
 * by fingerprints alone. Pure. */
#ifndef GC_COORDINATOR_FACTS_H
#define GC_COORDINATOR_FACTS_H

#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/map.h"
#include "coordinator/fingerprint.h"

#define GC_BASIS_FILE ".gocreator/cache/basis.json"
#define GC_BASIS_MAX_BYTES ((size_t)64 << 20)

/* More are not recorded: then nobody reads them one by one either. */
#define GC_FACTS_MAX 50000

typedef struct gc_fact {
    char *name;    /* "Country.calling_code", "requirement FR-003", "model" */
    gc_strv about; /* whom it concerns: "*" all files, "llm" those that the model writes,
                     "wiring", "entity:E", "key:E", "contract:E", "kind:K", "template:T",
                     "path:P" */
    gc_strv parts; /* what it says: label, value, label, value */
} gc_fact;

typedef struct gc_facts {
    char fcs[GC_SHA_HEX + 1]; /* of the state that was saved with them, or "" */
    gc_fact *items;           /* in no order that means anything */
    size_t count, cap;
    gc_map *by_name; /* name -> its number + 1 */
} gc_facts;

/* Of a specification, its plan and the settings that enter fingerprints. `template_sha` may
 * be asked for each template of the plan; GC_OK or it is left out. */
gc_facts gc_facts_of(const gc_fp_context *ctx,
                     gc_err (*template_sha)(void *arg, const char *name, gc_sha *out),
                     void *arg);
void gc_facts_release(gc_facts *self);

/* The fact of that name, or NULL. */
const gc_fact *gc_facts_find(const gc_facts *self, const char *name);

/* JSON, and back. GC_EPROTO: no such record. */
void gc_facts_print(const gc_facts *self, gc_buf *out);
GC_MUST_CHECK gc_err gc_facts_parse(const char *mem, size_t len, gc_facts *out);

#endif
