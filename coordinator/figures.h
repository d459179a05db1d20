/* The measured figures of a model as JSON text: the private Redis of local mode does not
 * run during a dry run, so a copy stands beside its data. Pure. */
#ifndef GC_COORDINATOR_FIGURES_H
#define GC_COORDINATOR_FIGURES_H

#include "common/buf.h"
#include "common/err.h"
#include "common/store.h"

#define GC_FIGURES_PATH ".gocreator/figures.json"
#define GC_FIGURES_MAX_BYTES 65536

/* `model`: the name under which they are kept (gc_measured_name). */
void gc_figures_print(const char *model, const gc_measured *figures, gc_buf *out);

/* GC_EPROTO: no figures, or damaged; GC_ENOENT: those of another model. */
GC_MUST_CHECK gc_err gc_figures_read(const char *model, const char *text, size_t len,
                                     gc_measured *out);

#endif
