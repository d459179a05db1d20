/* The worlds of the lease model: what one is, which were seen, what is remembered of them. */
#ifndef GC_TESTS_LEASE_MODEL_WORLD_H
#define GC_TESTS_LEASE_MODEL_WORLD_H

#include "common/map.h"
#include "common/strv.h"
#include "lease_model.h"

#define MOST_EPOCHS 24

enum {
    IDLE,
    CLAIMED,
    SENT,
    ANSWERED,
    TOLD
}; /* a worker with its task */
enum {
    UNKNOWN,
    OURS,
    WAITING,
    REUSED,
    MADE
}; /* one file of it */

typedef struct actor {
    int64_t phase;
    int64_t life;    /* deaths so far: a new process has a new name in its leases */
    int64_t lapsed;  /* its own clock says that the lease is over */
    int64_t suspect; /* Redis lost something since the last claim or renewal */
    int64_t shaken;  /* the same, since the last claim */
    int64_t files[MODEL_FILES];
    int64_t epochs[MODEL_FILES];
} actor;

/* Numbers of one size: compared and hashed as they lie in memory. */
typedef struct world {
    int64_t picture; /* index of the text */
    int64_t older;   /* what a replica still has; -1: it has everything */
    int64_t faults;
    int64_t sends[MODEL_FILES];
    actor actors[ACTORS];
} world;

typedef struct step {
    size_t from;
    char what[48];
    bool fault;
} step;

typedef struct edge {
    size_t from, to;
} edge;

typedef struct epochs {
    int64_t items[MOST_EPOCHS];
    size_t count;
} epochs;

typedef struct walk {
    const scene *scene;
    gc_task tasks[ACTORS];
    model_store *store;
    gc_map *numbers; /* picture -> index + 1 */
    gc_strv pictures;
    epochs *of_pictures; /* beside them */
    size_t of_cap;
    gc_map *seen;
    world *worlds;
    step *steps; /* how each world was first reached */
    size_t count, world_cap, step_cap;
    edge *edges; /* without faults */
    size_t edge_count, edge_cap;
    size_t at;    /* the world that is looked at */
    char *broken; /* what does not hold, and how it came to that */
} walk;

typedef struct record {
    char lease[32];
    char worker[16];
    int64_t epoch;   /* of gc:gen; 0: there is none */
    int64_t made_at; /* as an epoch */
    char sha[GC_SHA_HEX + 1];
    bool blob;
} record;

/* Pictures are told apart by number. */
int64_t number_of(walk *self, const char *picture);

const char *picture_of(const walk *self, int64_t number);

void name_holder(const world *w, size_t a, char out[16]);

/* Notes the first rule that does not hold, and the steps that led there. */
void insist(walk *self, bool holds, const char *what, const char *rule);

/* What a picture says of a file. */
record look(const walk *self, const char *picture, size_t file);

bool same_record(const record *a, const record *b);

/* One step from the world that is looked at; `w` is changed to the form that is compared. */
void arrive(walk *self, world *w, bool fault, const char *what);

#endif
