/* The output is looked at (state, record of the last look, files) in a thread of its own,
 * while the specification is read and planned: neither needs the other. The thread owns the
 * gc_output until it is taken; nothing is shared meanwhile. */
#ifndef GC_COORDINATOR_AHEAD_H
#define GC_COORDINATOR_AHEAD_H

#include <stdbool.h>

#include "common/err.h"
#include "coordinator/output.h"

typedef struct gc_ahead gc_ahead;

/* Begins. `recall`: what earlier looks found out counts. The strings outlive it. */
gc_ahead *gc_ahead_start(const char *dir, const char *state_file, bool use_state,
                         bool recall);

/* Waits for the end and frees it: *out as gc_output_peek() gives it, with its errors. */
GC_MUST_CHECK gc_err gc_ahead_take(gc_ahead **self_p, gc_output **out, gc_errinfo *info);

/* Ends the look where it is. NULL is fine. */
void gc_ahead_destroy(gc_ahead **self_p);

#endif
