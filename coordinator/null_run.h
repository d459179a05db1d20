/* The run that finds nothing to do, without making the plan again. A whole run that changed
 * nothing leaves its key (everything that led to it: spec, answers, settings, templates,
 * prompts, prices, this very program), what it said, and a stamp per file. As long as the
 * key, the state file and the tree are the same, so is the outcome. Anything else, and any
 * doubt, is a miss, and the whole way is gone, up to the specification's tree at least: if that
 * says the same as before, so is the outcome, too. docs/architecture.md, "Null runs". */
#ifndef GC_COORDINATOR_NULL_RUN_H
#define GC_COORDINATOR_NULL_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/doc.h"
#include "common/hash.h"
#include "coordinator/exit.h"
#include "coordinator/options.h"

typedef struct gc_null_keys {
    gc_sha all;  /* everything that led to the outcome, byte for byte */
    gc_sha rest; /* the same without the bytes of spec and answers */
} gc_null_keys;

/* The keys of a run with these options. False: such a run is always made in full (--force,
 * --strict, --no-optimization, a spec that is no regular file, folders over the bounds). */
bool gc_null_key(const gc_options *options, gc_null_keys *out);

/* What spec and answers (or NULL) say, whatever their bytes: comments, blanks and quotes that
 * mean nothing do not count, but order does. Only for trees without findings, whose places
 * would be told. */
gc_sha gc_null_meaning(const gc_sha *rest, const gc_node *spec, const gc_node *answers);

/* `generate`: true if there is nothing to do; it is reported then and *code set. If not,
 * *meaning is that of the record there is, or "". */
bool gc_null_generate(const gc_options *options, const gc_null_keys *keys, gc_exit *code,
                      gc_sha *meaning);

/* `check`: the same without a lock and without writing; `*files` is how many agree. */
bool gc_null_check(const gc_options *options, const gc_null_keys *keys, size_t *files);

#endif
