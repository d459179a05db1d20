/* The store of the lease model: what Redis holds, as a text that two worlds can compare.
 *
 * Design notes. A picture is all keys of the database, one line for each value:
 * "s<TAB>key<TAB>value", "h<TAB>key<TAB>field<TAB>value", "m<TAB>key<TAB>member", sorted.
 * Times of day become 0, but for created_at of gc:gen, which is written as an epoch is (the
 * last microsecond of it). Epochs become MODEL_EPOCH plus their rank (in milliseconds) among
 * all that the world knows, so that worlds that differ in nothing else are one. Nothing here knows
 * the arguments of a script: the real client asks the real scripts in a real Redis. */
#ifndef GC_TESTS_LEASE_MODEL_H
#define GC_TESTS_LEASE_MODEL_H

#include "support/astore.h"

#define MODEL_EPOCH \
    INT64_C(1000000000000000) /* as long as the store's own, and earlier */
#define MODEL_FILES 2
#define ACTORS 3

/* One way to break the scripts; `needle` is in the text of the store's Lua. */
typedef struct model_flaw {
    const char *name;
    const char *needle;
    const char *instead;
} model_flaw;

typedef enum model_op {
    OP_CLAIM,
    OP_RENEW,
    OP_RELEASE,
    OP_COMMIT
} model_op;

/* What one worker asks for. */
typedef struct model_request {
    model_op op;
    int task; /* index of the task */
    const char *holder;
    int64_t attempt;
    size_t file; /* OP_COMMIT */
    int64_t epoch
        [MODEL_FILES]; /* OP_RENEW, OP_RELEASE: 0: not claimed; OP_COMMIT: of `file` */
} model_request;

typedef struct model_reply {
    gc_err err;
    claim_answer claim;
    bool kept[MODEL_FILES]; /* OP_RENEW */
    char sha256[GC_SHA_HEX + 1];
    char *after;          /* picture; epochs that came new are larger than all others */
    int64_t after_number; /* for the caller: -1 at first */
} model_reply;

typedef struct model_store model_store;

static inline int64_t model_epoch(size_t rank)
{
    return MODEL_EPOCH + (int64_t)rank * 1000;
}

/* `tasks` are borrowed. NULL `flaw`: the scripts as they are. */
model_store *model_store_new(const model_flaw *flaw, gc_task *tasks);
void model_store_destroy(model_store **self_p);

/* What the scripts answer in the world of `picture`, which is always the same for `number`.
 * Borrowed: remembered for the next time. */
model_reply *model_ask(model_store *self, const char *picture, int64_t number,
                       const model_request *request);

/* How often Redis was asked. */
size_t model_store_asked(const model_store *self);

/* What a worker makes of a file; free() it. */
char *model_answer(const char *holder, size_t file);

/* ---- the walk ---- */

typedef struct scene {
    size_t actors;
    size_t files[ACTORS]; /* how many each asks for, from the first on */
    int64_t faults;
    bool failover;
    bool shared_task; /* attempts of one task; else tasks of their own */
    bool reuse;
    bool keeps_replies; /* none is lost */
    const model_flaw *flaw;
    bool tells_early;  /* flaw: it tells the answer before it is stored */
    bool trusts_lease; /* flaw: it sends without a look at its own clock */
} scene;

/* Walks through all that can happen. The number of worlds, and what does not hold (free() it)
 * or NULL. */
size_t walk_all(const scene *s, char **broken);

/* ---- pictures ---- */

/* The value of the line that starts with `start`, or NULL if there is none; free() it. */
char *picture_find(const char *picture, const char *start);

/* Without the lines that start with `start`. */
char *picture_without(const char *picture, const char *start);

/* All epochs in it, added to `out` (which has room for `most`); their number. */
size_t picture_epochs(const char *picture, int64_t *out, size_t count, size_t most);

/* epochs[i], ascending, becomes model_epoch(i). */
char *picture_renumber(const char *picture, const int64_t *epochs, size_t count);

#endif
