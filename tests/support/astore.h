/* The asynchronous store in a test: a loop, a private Redis, and calls that wait for their
 * answer (with a deadline). */
#ifndef GC_TESTS_SUPPORT_ASTORE_H
#define GC_TESTS_SUPPORT_ASTORE_H

#include "common/store_async.h"
#include "support/redis.h"

typedef struct astore_fixture {
    uv_loop_t loop;
    gc_astore *store;
    test_redis *redis;
    bool up;
    int ups;
    int downs;
} astore_fixture;

astore_fixture *must_astore_new(void);
void must_astore_destroy(astore_fixture **self_p);

/* The same for cmocka, and an empty server before a test. */
int astore_setup(void **state);
int astore_teardown(void **state);
int astore_flush(void **state);

/* A second store on the same loop and server, without state callback. */
gc_astore *must_astore_open(astore_fixture *self, const char *url);

/* Runs the loop until `flag` is `want`. */
void must_become(astore_fixture *self, const bool *flag, bool want);

/* Runs the loop until nothing is pending. */
void must_settle_down(astore_fixture *self);

/* A task of `count` files "<stem><i>.go" whose fingerprints come from stem and i. */
gc_task sample_task(const char *id, const char *stem, size_t count);
void sample_task_release(gc_task *task);

typedef struct claim_answer {
    bool done;
    gc_err err;
    gc_claim_file files[64];
    int64_t running;
    size_t count; /* set by whoever asks */
} claim_answer;
void on_claim(void *arg, gc_err err, const gc_claim_file *files, int64_t running);
claim_answer do_claim(astore_fixture *self, const gc_task *task, const char *worker,
                      int64_t attempt);

typedef struct done_answer {
    bool done;
    gc_err err;
} done_answer;
void on_done(void *arg, gc_err err);
gc_err do_release(astore_fixture *self, const gc_task *task, const claim_answer *claim,
                  const char *worker, const char *state);
gc_err do_settle(astore_fixture *self, const gc_task *task, const char *worker,
                 int64_t call, double cost_usd, double unconfirmed_usd);

typedef struct commit_answer {
    bool done;
    gc_err err;
    char sha256[GC_SHA_HEX + 1];
} commit_answer;
void on_commit(void *arg, gc_err err, const char *sha256);
commit_answer do_commit(astore_fixture *self, const gc_task *task, size_t file,
                        int64_t epoch, const char *worker, const char *text);

typedef struct renew_answer {
    bool done;
    gc_err err;
    bool ok[64];
} renew_answer;
renew_answer do_renew(astore_fixture *self, const gc_task *task,
                      const claim_answer *claim, const char *worker);

/* Fields of gc:job:<job>. */
int64_t job_int(astore_fixture *self, const char *job, const char *field);
void expect_job_field(astore_fixture *self, const char *job, const char *field,
                      const char *want);

#endif
