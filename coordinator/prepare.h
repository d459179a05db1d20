/* From a spec file to everything that is known before any work: tree, FCS, plan. */
#ifndef GC_COORDINATOR_PREPARE_H
#define GC_COORDINATOR_PREPARE_H

#include "common/fcs.h"
#include "common/models.h"
#include "common/prompt.h"
#include "coordinator/exit.h"
#include "coordinator/options.h"
#include "coordinator/plan.h"

typedef struct gc_project {
    char *spec_name;                   /* base name of the spec file */
    char *findings;                    /* about spec and answers, as printed */
    gc_node *spec_tree, *answers_tree; /* between reading and making; may be NULL */
    gc_diags diags, answer_diags;      /* the same */
    gc_exit read_code;
    gc_fcs *fcs;
    gc_plan *plan;
    gc_models *models; /* for a run, with the two that follow */
    const gc_model *model;
    gc_prompts *prompts;
} gc_project;

/* Reads, checks and plans, so that every command finds the same; with `run` models and prompts
 * are loaded, too. All findings go to stderr; the exit code says what kind of trouble there
 * was (2, 6, 8). Always release. */
gc_exit gc_project_load(const gc_options *options, bool run, gc_project *out);

/* The same in two steps: the trees, then what is made of them. The code of the first counts
 * only as that of the second, which all findings wait for. */
void gc_project_read(const gc_options *options, gc_project *out);
gc_exit gc_project_make(const gc_options *options, bool run, gc_project *self);

/* Only `models` and `model`, with the same findings. */
gc_exit gc_project_load_model(const gc_options *options, gc_project *out);
void gc_project_release(gc_project *self);

#endif
