/* The run that finds nothing to do, without making the plan again. A whole run that changed
 * nothing leaves its key (everything that led to it: spec, answers, settings, templates,
 * prompts, prices, this very program), what it said, and a stamp per file. As long as the
 * key, the state file and the tree are the same, so is the outcome. Anything else, and any
 * doubt, is a miss, and the whole way is gone. docs/architecture.md, "Null runs". */
#ifndef GC_COORDINATOR_NULL_RUN_H
#define GC_COORDINATOR_NULL_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/hash.h"
#include "coordinator/exit.h"
#include "coordinator/options.h"

/* The key of a run with these options. False: such a run is always made in full (--force,
 * --strict, --no-optimization, a spec that is no regular file, folders over the bounds). */
bool gc_null_key(const gc_options *options, gc_sha *out);

/* `generate`: true if there is nothing to do; it is reported then and *code set. */
bool gc_null_generate(const gc_options *options, const gc_sha *key, gc_exit *code);

/* `check`: the same without a lock and without writing; `*files` is how many agree. */
bool gc_null_check(const gc_options *options, const gc_sha *key, size_t *files);

#endif
