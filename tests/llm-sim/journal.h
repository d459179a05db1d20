/* The journal: one JSON line per finished request, appended to a file and flushed at once,
 * the newest also kept in memory. It is the ground truth of what was asked and billed. */
#ifndef GC_LLM_SIM_JOURNAL_H
#define GC_LLM_SIM_JOURNAL_H

#include <jansson.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

/* Lines kept in memory. */
#define GC_SIM_JOURNAL_TAIL 10000

typedef struct gc_sim_journal gc_sim_journal;

/* `path` NULL: memory only. GC_EIO: `info` names the file. */
GC_MUST_CHECK gc_err gc_sim_journal_open(const char *path, gc_sim_journal **out,
                                         gc_errinfo *info);
void gc_sim_journal_close(gc_sim_journal **self_p);

/* Takes ownership of `record`. */
void gc_sim_journal_add(gc_sim_journal *self, json_t *record);

/* Appends the newest `limit` lines as a JSON array, oldest first. */
void gc_sim_journal_tail(const gc_sim_journal *self, size_t limit, gc_buf *out);

#endif
