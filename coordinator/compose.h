/* From files to a task: the blocks of the prompt, where the cache mark stands, and the
 * limits of the call. The only place that decides what is sent. Pure. */
#ifndef GC_COORDINATOR_COMPOSE_H
#define GC_COORDINATOR_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/config.h"
#include "common/models.h"
#include "common/prompt.h"
#include "common/task.h"
#include "coordinator/layout.h"
#include "coordinator/plan.h"
#include "coordinator/slice.h"

typedef struct gc_composer gc_composer;

/* Files that will probably share a call. */
typedef struct gc_compose_call {
    const size_t *files; /* indices into the plan */
    size_t count;
} gc_compose_call;

typedef struct gc_compose_input {
    const gc_config *config;
    const gc_fcs *fcs;
    const gc_plan *plan;
    const gc_slicer *slicer;
    const gc_prompts *prompts;
    const gc_model *model;
    double bytes_per_token;       /* measured, or the model's own figure */
    const gc_compose_call *calls; /* expected: they decide the layout; not kept */
    size_t call_count;
    bool reuse;            /* look into the generation cache before calling */
    double longest_call_s; /* expected; for the lifetime of the cached prefix */
    double job_s;          /* expected */
    bool simulated;
    bool
        lean; /* the shortest prompts, none of it marked: for a call that must cost little */
} gc_compose_input;

/* Chooses the layout and renders the blocks that all calls of the job share. What the input
 * points to is borrowed for ever, but `calls`.
 * GC_EINVAL: a prompt template does not render; `info` says which. */
GC_MUST_CHECK gc_err gc_composer_new(const gc_compose_input *input, gc_composer **out,
                                     gc_errinfo *info);
void gc_composer_destroy(gc_composer **self_p);

/* The shared blocks, to be stored before the first task: NULL past the end. */
const char *gc_composer_shared(const gc_composer *self, size_t index, size_t *len);

/* The text of a shared block by its hash, or NULL. Borrowed. */
const char *gc_composer_block(const gc_composer *self, const char *sha256);

/* Share of a model's window that prompt and answer may fill: figures before the call are
 * estimates. */
#define GC_WINDOW_PART 0.8

typedef struct gc_compose_files {
    const size_t *files;             /* indices into the plan */
    const char *const *fingerprints; /* parallel; NULL for an estimate */
    size_t count;
    const char *apis;      /* surface of real dependencies, "" if none */
    const char *complaint; /* "" or why the last answer was refused */
    double budget_usd;     /* the most that the worst case may cost; 0: no limit */
} gc_compose_files;

/* A task without job and id; the caller owns it. Shared blocks are named by hash.
 * GC_EFULL: it does not fit the budget.
 * GC_ETOOBIG: prompt and answer fill more of the model's window than GC_WINDOW_PART; ask for
 * fewer files; of one file `info` says what helps. */
GC_MUST_CHECK gc_err gc_compose(const gc_composer *self, const gc_compose_files *files,
                                gc_task **out, gc_errinfo *info);

/* All alternatives (GC_LAYOUT_OPTIONS) with their cost; `chosen` is the index of ours. */
const gc_layout_option *gc_composer_layouts(const gc_composer *self, size_t *chosen);

/* Bytes of a prompt's start without any filter: the whole specification, the whole table. */
size_t gc_composer_whole_bytes(const gc_composer *self);

/* Bytes of the part of each prompt that the cache mark covers; 0 if nothing is marked. */
size_t gc_composer_marked_bytes(const gc_composer *self);

/* As how many tokens the provider takes that part, at the most: from now on the worst case of
 * a call is counted with it. What cannot be (0, more than bytes) is passed over. */
void gc_composer_learn_marked(gc_composer *self, int64_t tokens);

/* Appends the surface of one dependency, fit for gc_compose_files.apis. */
void gc_compose_put_api(const gc_plan_file *file, const char *api, gc_buf *out);

#endif
