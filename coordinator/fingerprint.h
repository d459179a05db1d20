/* Fingerprint of a file: sha256 over everything that shapes its content and nothing else.
 * It is the key of the delta and of the shared generation cache. Pure. */
#ifndef GC_COORDINATOR_FINGERPRINT_H
#define GC_COORDINATOR_FINGERPRINT_H

#include <stdbool.h>

#include "common/fcs.h"
#include "common/hash.h"
#include "common/prompt.h"
#include "coordinator/plan.h"
#include "coordinator/slice.h"

typedef struct gc_fp_context {
    const gc_fcs *fcs;
    const gc_plan *plan;
    const gc_slicer *slicer;
    const gc_prompts *prompts;
    const char *response_format;
    const char *model;
    const char *effort;
    bool simulated; /* answers of the simulated model are never taken for real ones */
} gc_fp_context;

/* For a file that the LLM writes. `apis[i]` is the API digest of the file behind edge i if
 * that edge is real, else ignored. */
gc_sha gc_fingerprint_llm(const gc_fp_context *ctx, const gc_plan_file *file,
                          const gc_sha *apis);

/* For a file whose template is told all it needs: `text` is the template's hash. Rendering is
 * a function of both, so that a file that stays need not be rendered to know it. */
gc_sha gc_fingerprint_data(const gc_plan_file *file, const gc_sha *text);

/* For a file from a template and the FCS: its rendering is its own input. */
gc_sha gc_fingerprint_template(const gc_plan_file *file, const char *content, size_t len);

#endif
