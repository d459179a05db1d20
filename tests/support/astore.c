#include "support/astore.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "support/must.h"

static void on_state(void *arg, bool up)
{
    astore_fixture *self = arg;
    self->up = up;
    if (up)
        self->ups++;
    else
        self->downs++;
}

astore_fixture *must_astore_new(void)
{
    astore_fixture *self = gc_xcalloc(1, sizeof *self);
    self->redis = must_redis_start();
    assert_int_equal(uv_loop_init(&self->loop), 0);
    must_ok(gc_astore_open(&self->loop, self->redis->url, on_state, self, &self->store,
                           NULL));
    must_become(self, &self->up, true);
    return self;
}

gc_astore *must_astore_open(astore_fixture *self, const char *url)
{
    gc_astore *store = NULL;
    must_ok(gc_astore_open(&self->loop, url, NULL, NULL, &store, NULL));
    return store;
}

void must_astore_destroy(astore_fixture **self_p)
{
    astore_fixture *self = *self_p;
    if (!self)
        return;
    gc_astore_close(&self->store);
    uv_run(&self->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&self->loop), 0);
    must_redis_destroy(&self->redis);
    free(self);
    *self_p = NULL;
}

int astore_setup(void **state)
{
    *state = must_astore_new();
    return 0;
}

int astore_teardown(void **state)
{
    astore_fixture *self = *state;
    must_astore_destroy(&self);
    return 0;
}

int astore_flush(void **state)
{
    astore_fixture *self = *state;
    freeReplyObject(must_redis(self->redis, "FLUSHDB"));
    return 0;
}

/* Only wakes the loop: some answers come right before it sleeps. */
static void on_look(uv_timer_t *timer)
{
    (void)timer;
}

/* Runs the loop until `holds(arg)`. */
static void run_until(astore_fixture *self, bool (*holds)(const void *), const void *arg)
{
    int64_t end = gc_clock_ms() + TEST_WAIT_MS;
    uv_timer_t look;
    uv_timer_init(&self->loop, &look);
    uv_timer_start(&look, on_look, 10, 10);
    while (!holds(arg) && gc_clock_ms() < end)
        uv_run(&self->loop, UV_RUN_ONCE);
    bool good = holds(arg);
    uv_close((uv_handle_t *)&look, NULL);
    uv_run(&self->loop, UV_RUN_NOWAIT);
    assert_true(good);
}

static bool is_true(const void *flag)
{
    return *(const bool *)flag;
}

static bool is_false(const void *flag)
{
    return !*(const bool *)flag;
}

void must_become(astore_fixture *self, const bool *flag, bool want)
{
    run_until(self, want ? is_true : is_false, flag);
}

static bool is_idle(const void *store)
{
    return gc_astore_pending(store) == 0;
}

void must_settle_down(astore_fixture *self)
{
    run_until(self, is_idle, self->store);
}

gc_task sample_task(const char *id, const char *stem, size_t count)
{
    gc_task task = { .job = gc_xstrdup("j-000000000001"),
                     .id = gc_xstrdup(id),
                     .provider = gc_xstrdup("anthropic"),
                     .file_count = count,
                     .lease_ms = 60000,
                     .reuse = true };
    task.model.id = gc_xstrdup("claude-sonnet-5-5");
    task.files = gc_xcalloc(count, sizeof *task.files);
    for (size_t i = 0; i < count; i++) {
        gc_task_file *file = &task.files[i];
        file->path = gc_xasprintf("%s%zu.go", stem, i);
        file->fingerprint = gc_xstrdup(gc_sha256(file->path, strlen(file->path)).hex);
    }
    return task;
}

void sample_task_release(gc_task *task)
{
    for (size_t i = 0; i < task->file_count; i++) {
        free(task->files[i].path);
        free(task->files[i].fingerprint);
    }
    free(task->files);
    free(task->job);
    free(task->id);
    free(task->provider);
    free(task->model.id);
    *task = (gc_task){ 0 };
}

void on_claim(void *arg, gc_err err, const gc_claim_file *files, int64_t running)
{
    claim_answer *answer = arg;
    assert_false(answer->done);
    answer->done = true;
    answer->err = err;
    answer->running = running;
    for (size_t i = 0; files && i < answer->count; i++)
        answer->files[i] = files[i];
}

claim_answer do_claim(astore_fixture *self, const gc_task *task, const char *worker,
                      int64_t attempt)
{
    claim_answer answer = { .count = task->file_count };
    gc_astore_claim(self->store, task, worker, attempt, on_claim, &answer);
    must_become(self, &answer.done, true);
    return answer;
}

void on_done(void *arg, gc_err err)
{
    done_answer *answer = arg;
    assert_false(answer->done);
    *answer = (done_answer){ .done = true, .err = err };
}

gc_err do_release(astore_fixture *self, const gc_task *task, const claim_answer *claim,
                  const char *worker, const char *state)
{
    done_answer answer = { 0 };
    gc_astore_release(self->store, task, claim->files, worker, state, on_done, &answer);
    must_become(self, &answer.done, true);
    return answer.err;
}

gc_err do_settle(astore_fixture *self, const gc_task *task, const char *worker,
                 int64_t call, double cost_usd, double unconfirmed_usd)
{
    done_answer answer = { 0 };
    gc_usage usage = {
        .input = 100, .cache_write_5m = 20, .cache_read = 3, .output = 50
    };
    gc_astore_settle(self->store, task, worker, 1, call, &usage, cost_usd,
                     unconfirmed_usd, "done", on_done, &answer);
    must_become(self, &answer.done, true);
    return answer.err;
}

void on_commit(void *arg, gc_err err, const char *sha256)
{
    commit_answer *answer = arg;
    assert_false(answer->done);
    answer->done = true;
    answer->err = err;
    answer->sha256[0] = '\0';
    strncat(answer->sha256, sha256, GC_SHA_HEX);
}

commit_answer do_commit(astore_fixture *self, const gc_task *task, size_t file,
                        int64_t epoch, const char *worker, const char *text)
{
    commit_answer answer = { 0 };
    gc_usage usage = { .input = 10, .output = 5 };
    gc_astore_commit(self->store, task, file, epoch, worker, text, strlen(text), &usage,
                     0.25, on_commit, &answer);
    must_become(self, &answer.done, true);
    return answer;
}

static void on_renew(void *arg, gc_err err, const bool *ok, size_t count)
{
    renew_answer *answer = arg;
    answer->done = true;
    answer->err = err;
    for (size_t i = 0; i < count; i++)
        answer->ok[i] = ok[i];
}

renew_answer do_renew(astore_fixture *self, const gc_task *task,
                      const claim_answer *claim, const char *worker)
{
    renew_answer answer = { 0 };
    gc_astore_renew(self->store, task, claim->files, worker, on_renew, &answer);
    must_become(self, &answer.done, true);
    return answer;
}

int64_t job_int(astore_fixture *self, const char *job, const char *field)
{
    int64_t value = 0;
    char *text = must_redis_text(self->redis, "HGET gc:job:%s %s", job, field);
    if (*text)
        must_ok(gc_parse_i64(text, INT64_MIN, INT64_MAX, &value));
    free(text);
    return value;
}

void expect_job_field(astore_fixture *self, const char *job, const char *field,
                      const char *want)
{
    char *text = must_redis_text(self->redis, "HGET gc:job:%s %s", job, field);
    assert_string_equal(text, want);
    free(text);
}
