/* For test_decide_random.c: a planned specification, a tree with its state, and what a model
 * answers, all in memory. */
#ifndef GC_TESTS_UNIT_DECIDE_RANDOM_SIM_H
#define GC_TESTS_UNIT_DECIDE_RANDOM_SIM_H

#include <stdbool.h>
#include <stddef.h>

#include "coordinator/delta.h"
#include "coordinator/fingerprint.h"
#include "support/random_spec.h"

/* Prompts and what was found out about texts, once for all. */
void sim_set_up(void);
void sim_tear_down(void);

typedef struct world {
    gc_fcs *fcs;
    gc_plan *plan;
    gc_slicer *slicer;
    gc_fp_context ctx;
    char **rendered; /* by file, NULL for those that the LLM writes */
} world;

world world_open(random_spec *spec);
void world_close(world *self);

/* As a run makes it: of what is told to the template where that is not the whole FCS. */
gc_sha world_template_fingerprint(const world *self, size_t file);

typedef struct sim_file {
    gc_sha sha, api;
    bool surface; /* it has an API: else `api` is that of the whole text */
    bool by_hand; /* the user wrote what stands there */
} sim_file;

typedef struct sim {
    gc_map *files;   /* path -> sim_file, owned */
    gc_map *ours;    /* sha256 of all that was ever written, and */
    gc_map *written; /* path -> its last sha256, owned: the checkpoint in Redis */
    gc_map *inputs;  /* path -> sim_inputs() of the last whole run, owned */
    gc_state state;
    bool unfinished; /* the last run did not come to its end */
} sim;

void sim_init(sim *self);
void sim_release(sim *self);

/* NULL: nothing stands there. */
sim_file *sim_find(const sim *self, const char *path);
sim_file *sim_write(sim *self, const char *path, const char *text);
void sim_remove(sim *self, const char *path);

/* `knowing`: what is ours is known from the checkpoint. */
gc_tree_file sim_look(const sim *self, const char *path, bool knowing);

/* Hash of what a file depends on by this test's own reckoning, not by fingerprints: what the
 * specification says about it, what it and others promise, and the surface that stands in the
 * tree where it really depends on one. */
gc_sha sim_inputs(const world *w, const sim *s, size_t file);

/* Keeps them for all files of the plan; sim_same_inputs() compares with what was kept. */
void sim_keep_inputs(sim *self, const world *w);
bool sim_same_inputs(const sim *self, const world *w, size_t file);

/* What the model answers: the same inputs give the same text. Few surfaces, so that a file
 * that is made anew often shows the same one as before. free() it. */
char *sim_answer(const char *path, const gc_sha *inputs);

#endif
