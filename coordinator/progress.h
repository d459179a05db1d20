/* Progress on stderr: a bar on a terminal, plain lines, JSON events, or nothing. The run
 * calls it; it never calls back. Every mode says so when the model is simulated. */
#ifndef GC_COORDINATOR_PROGRESS_H
#define GC_COORDINATOR_PROGRESS_H

#include "coordinator/options.h"
#include "coordinator/stats.h"

typedef struct gc_progress gc_progress;

/* `mode` AUTO is resolved here: bar if stderr is a terminal (and not CI), else plain.
 * `interval_ms` between updates of the bar or the plain counter line. */
gc_progress *gc_progress_new(gc_progress_mode mode, int64_t interval_ms);

/* Ends the bar's line. NULL is fine. */
void gc_progress_destroy(gc_progress **self_p);

/* A phase begins: "plan", "generate", "write", "validate". */
void gc_progress_phase(gc_progress *self, const char *phase);

/* A file reached its end: done, failed, reused, ... */
void gc_progress_file(gc_progress *self, const gc_file_stat *file, const gc_stats *stats);

/* A sentence for the user, kept above the bar. */
void gc_progress_note(gc_progress *self, const char *fmt, ...) GC_PRINTF(2, 3);

/* Called often; draws when the interval has passed. Returns ms until it wants to draw. */
int64_t gc_progress_tick(gc_progress *self, const gc_stats *stats, int64_t now_ms);

#endif
