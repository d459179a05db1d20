/* Progress on stderr: a live view on a terminal, plain lines, JSON events, or nothing. The run
 * calls it; it never calls back. Every mode says so when the model is simulated. */
#ifndef GC_COORDINATOR_PROGRESS_H
#define GC_COORDINATOR_PROGRESS_H

#include "coordinator/options.h"
#include "coordinator/stats.h"
#include "coordinator/view.h"

typedef struct gc_progress gc_progress;

/* `mode` AUTO is resolved here: the live view if stderr is a terminal (and not CI), else
 * plain. `interval_ms` between updates. */
gc_progress *gc_progress_new(gc_progress_mode mode, int64_t interval_ms);

/* Takes the live view away. NULL is fine, here and below. */
void gc_progress_destroy(gc_progress **self_p);

/* A phase begins: "plan", "generate", "validate". */
void gc_progress_phase(gc_progress *self, const char *phase);

/* A file reached its end: done, failed, reused, ... */
void gc_progress_file(gc_progress *self, const gc_file_stat *file, const gc_stats *stats);

/* A sentence for the user, kept above the live view. */
void gc_progress_note(gc_progress *self, const char *fmt, ...) GC_PRINTF(2, 3);

/* Milliseconds until it wants to draw, 0 for now, -1 for never. */
int64_t gc_progress_due(const gc_progress *self, int64_t now_ms);

/* Draws, or prints a line; plain lines only if a file has ended since the last one. */
void gc_progress_draw(gc_progress *self, const gc_view *view, int64_t now_ms);

/* The phase of `view` ends: a line that stays. */
void gc_progress_end_phase(gc_progress *self, const gc_view *view);

/* A progress event as --progress json prints it and as the job's event stream in Redis holds
 * it; free() it. */
char *gc_progress_event(const gc_view *view);

#endif
