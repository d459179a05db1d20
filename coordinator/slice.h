/* What a file needs of the spec. The same text serves the fingerprint (own slice) and the
 * prompt (context), so nothing can shape an answer without being in its fingerprint. The
 * text is untrusted: the prompt escapes and fences it. Pure. */
#ifndef GC_COORDINATOR_SLICE_H
#define GC_COORDINATOR_SLICE_H

#include <stddef.h>

#include "common/buf.h"
#include "common/fcs.h"
#include "coordinator/plan.h"

typedef struct gc_slicer gc_slicer;

/* Indexes the FCS; borrows it. */
gc_slicer *gc_slicer_new(const gc_fcs *fcs);
void gc_slicer_destroy(gc_slicer **self_p);

/* Own slice of one file: what all files share, and its own: its entities in full, those they
 * refer to by name and key, its contracts and requirements. */
void gc_slice_own(const gc_slicer *self, const gc_plan_file *file, gc_buf *out);

/* Shared by every call of the job: description, patterns, testing, requirements that name
 * no entity. May stay empty. */
void gc_slice_shared(const gc_slicer *self, gc_buf *out);

/* Its sha256, made once: every fingerprint asks for it. */
gc_sha gc_slice_shared_sha(const gc_slicer *self);

/* The context of a call for `files`: the union of their slices without the shared part.
 * Their own entities in full, which groups keep few (gc_group); at most `max_neighbours`
 * with their keys (0: no limit): the rest is named, and said to be no more than that. */
void gc_slice_context(const gc_slicer *self, const gc_plan_file *const *files,
                      size_t count, size_t max_neighbours, gc_buf *out);

/* The whole FCS as text: the shared block of a run without context filtering. */
void gc_slice_everything(const gc_slicer *self, gc_buf *out);

#endif
