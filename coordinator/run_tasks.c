#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fs.h"
#include "common/gosrc.h"
#include "common/log.h"
#include "common/mem.h"
#include "coordinator/run_private.h"

/* Tasks beyond the slots that stand at the broker, so that a freed slot waits for nobody: a
 * sixteenth and a few. The others wait here, where one that becomes ready later can still go
 * before them. */
#define AHEAD_PART 16
#define AHEAD_MIN 4
#define SUBMIT_BATCH 32

/* How long a plan of at most so many tasks lasts, if a slot is free. */
#define PLAN_LASTS_MS 1000
#define AGAIN_TASKS 128

/* Before everything else: no path is that long. At most one slot in four is for scouts. */
#define SCOUT_S 1e6
#define SCOUT_PART 4
#define PAYLOAD_LIMIT ((size_t)64 << 20)
#define API_LIMIT ((size_t)16 << 20)

/* ---- where a task is ---- */

static void set_running(gc_run *run, run_task *task, bool running)
{
    if (task->running == running)
        return;
    task->running = running;
    run->files_running += running ? task->file_count : (size_t)0 - task->file_count;
}

static void set_sent(gc_run *run, run_task *task, bool sent)
{
    if (task->sent != sent)
        run->tasks_sent += sent ? 1 : (size_t)-1;
    task->sent = sent;
    set_running(run, task, false);
}

static void set_files(gc_run *run, const run_task *task, gc_file_state state)
{
    for (size_t i = 0; i < task->file_count; i++)
        if (run->files[task->files[i]].step == RUN_OUT)
            run->stats.files[task->files[i]].state = state;
}

void run_mark_running(gc_run *run, run_task *task)
{
    set_running(run, task, task->sent);
    set_files(run, task, GC_FILE_STATE_RUNNING);
}

void run_unsend_task(gc_run *run, run_task *task, int64_t not_before)
{
    set_sent(run, task, false);
    gc_schedule_put(&run->schedule, &task->turn, not_before);
}

void run_drop_task(gc_run *run, run_task *task)
{
    set_sent(run, task, false);
    gc_schedule_remove(&run->schedule, &task->turn);
    gc_map_remove(run->tasks, task->id);
    free(task->files);
    free(task->payload);
    free(task->path);
    free(task);
}

/* ---- taking back ---- */

/* Who holds a task knows whether its call was sent; news of that may be on their way to us. */
static gc_err take_back_sent(gc_run *run)
{
    gc_wire cancel;
    gc_wire_init(&cancel, GC_CANCEL);
    cancel.job = run->job;
    cancel.task = (char *)"";
    cancel.unbegun = true;
    return gc_client_send(run->client, &cancel);
}

static void take_unsent(gc_run *run, bool fresh_only)
{
    size_t cursor = 0;
    void *value;
    while (gc_map_next(run->tasks, &cursor, NULL, &value)) {
        run_task *task = value;
        if (task->sent || (fresh_only && task->asked))
            continue;
        for (size_t i = 0; i < task->file_count; i++)
            if (run->files[task->files[i]].step == RUN_OUT)
                run_set_step(run, task->files[i], RUN_READY);
        run_drop_task(run, task);
    }
}

void run_take_unsent(gc_run *run)
{
    take_unsent(run, false);
}

bool run_take_back(gc_run *run)
{
    run_take_unsent(run);
    return !run->tasks_sent || take_back_sent(run) == GC_OK;
}

/* ---- composing ---- */

/* The real surface of what the file's real dependencies turned out to be. */
static void put_apis(gc_run *run, const size_t *files, size_t count, gc_buf *out)
{
    const gc_plan *plan = run->project.plan;
    gc_map *seen = gc_map_new();
    for (size_t i = 0; i < count; i++) {
        const gc_plan_file *f = &plan->files[files[i]];
        for (size_t e = 0; e < f->edge_count; e++) {
            const gc_plan_file *dep = &plan->files[f->edges[e].file];
            if (f->edges[e].kind != GC_EDGE_REAL || gc_map_has(seen, dep->path) ||
                !gc_output_root(run->output))
                continue;
            gc_map_set(seen, dep->path, seen);
            gc_buf text, api;
            gc_buf_init(&text, API_LIMIT);
            gc_buf_init(&api, API_LIMIT);
            if (gc_root_read(gc_output_root(run->output), dep->path, &text, NULL) ==
                    GC_OK &&
                gc_go_api(text.ptr, text.len, &api, NULL) == GC_OK)
                gc_compose_put_api(dep, api.ptr, out);
            gc_buf_release(&text);
            gc_buf_release(&api);
        }
    }
    gc_map_destroy(&seen);
}

static gc_err compose(gc_run *run, const gc_composer *composer, gc_compose_files *wanted,
                      gc_task **task, gc_errinfo *info)
{
    gc_buf apis;
    gc_buf_init(&apis, API_LIMIT);
    put_apis(run, wanted->files, wanted->count, &apis);
    const char **fingerprints = gc_xcalloc(wanted->count, sizeof *fingerprints);
    for (size_t i = 0; i < wanted->count; i++)
        fingerprints[i] = run_fingerprint(run, wanted->files[i])->hex;
    const char *complaint = run->files[wanted->files[0]].complaint;
    wanted->fingerprints = fingerprints;
    wanted->apis = apis.ptr;
    wanted->complaint = complaint ? complaint : "";
    gc_err err = gc_compose(composer, wanted, task, info);
    free(fingerprints);
    gc_buf_release(&apis);
    return err;
}

gc_err run_compose(gc_run *run, const size_t *files, size_t count, gc_task **task,
                   gc_errinfo *info)
{
    gc_compose_files wanted = { .files = files, .count = count };
    return compose(run, run->composer, &wanted, task, info);
}

gc_err run_compose_cheap(gc_run *run, size_t file, bool lean, double budget_usd,
                         gc_task **task, gc_errinfo *info)
{
    gc_compose_files wanted = { .files = &file, .count = 1, .budget_usd = budget_usd };
    return compose(run, lean ? run->lean : run->composer, &wanted, task, info);
}

/* A task that does not fit the model's window is asked for in halves, down to one file. */
bool run_in_halves(gc_run *run, gc_err err, const size_t *files, size_t count,
                   run_group_fn use, void *arg)
{
    if (err != GC_ETOOBIG || count < 2)
        return false;
    use(run, files, count / 2, arg);
    use(run, files + count / 2, count - count / 2, arg);
    return true;
}

/* ---- tasks ---- */

run_task *run_add_task(gc_run *run, const size_t *files, size_t count)
{
    run_task *t = gc_xcalloc(1, sizeof *t);
    snprintf(t->id, sizeof t->id, "%s-%u", run->task_prefix, ++run->task_number);
    t->files = gc_xcalloc(count, sizeof *t->files);
    memcpy(t->files, files, count * sizeof *files);
    t->file_count = count;
    t->turn.owner = t;
    t->turn.rank = run_rank(run, files, count);
    t->turn.rank.number = run->task_number;
    gc_map_set(run->tasks, t->id, t);
    gc_schedule_put(&run->schedule, &t->turn, 0);
    for (size_t i = 0; i < count; i++)
        run_set_step(run, files[i], RUN_OUT);
    return t;
}

static void add_task(gc_run *run, const size_t *files, size_t count, void *arg)
{
    (void)arg;
    run_add_task(run, files, count);
}

/* The first calls for kinds of files of which nothing is known: what they take tells how the
 * others are best shared out. */
typedef struct scouts {
    gc_map *kinds; /* that one was chosen for */
    size_t left;
} scouts;

static bool is_scout(const gc_run *run, const scouts *self, const gc_plan_file *file)
{
    const char *kind = gc_rates_kind(file);
    return self->left && !gc_map_has(self->kinds, kind) &&
           !gc_map_has(run->scouted, kind) &&
           gc_measured_output(&run->rates.measured, file).per <= 0;
}

static void add_group(gc_run *run, const size_t *files, size_t count, void *arg)
{
    scouts *self = arg;
    run_task *t = run_add_task(run, files, count);
    const gc_plan_file *first = &run->project.plan->files[files[0]];
    if (!is_scout(run, self, first))
        return;
    gc_map_set(self->kinds, gc_rates_kind(first), self);
    self->left--;
    gc_schedule_remove(&run->schedule, &t->turn);
    t->turn.rank.path_s += SCOUT_S;
    gc_schedule_put(&run->schedule, &t->turn, 0);
}

/* Tasks that may be at the broker and at workers. */
static size_t most_sent(const gc_run *run)
{
    size_t slots = (size_t)run->slots;
    return slots + slots / AHEAD_PART + AHEAD_MIN;
}

/* There is room for a call, the plan is old, and making another one is quick. */
static bool plan_is_old(const gc_run *run, int64_t now_ms)
{
    return run->lesson_count && run->tasks_sent < most_sent(run) &&
           now_ms - run->planned_at >= PLAN_LASTS_MS &&
           gc_schedule_count(&run->schedule) <= AGAIN_TASKS;
}

/* A task that was not composed is only a plan: made anew with the figures known now. */
static void plan_again(gc_run *run, int64_t now_ms)
{
    if (!gc_schedule_count(&run->schedule) ||
        (!run_has_learnt(run) && !plan_is_old(run, now_ms)))
        return;
    run->planned_at = now_ms;
    run_look_at_calls(run);
    run_look_ahead(run);
    take_unsent(run, true);
}

void run_make_tasks(gc_run *run)
{
    if (run->stopping)
        return;
    if (!run->thrifty)
        plan_again(run, gc_clock_ms());
    if (!run->ready.count)
        return;
    if (run->thrifty) {
        run_make_thrifty_tasks(run);
        return;
    }
    size_t count, together = 0;
    size_t *files = run_ready_files(run, gc_clock_ms(), &count);
    for (size_t i = 0; i < count; i++) {
        if (run->files[files[i]].alone)
            add_task(run, &files[i], 1, NULL);
        else
            files[together++] = files[i];
    }
    scouts first_calls = { gc_map_new(), (size_t)run->slots / SCOUT_PART };
    run_group_files(run, files, together, add_group, &first_calls);
    gc_map_destroy(&first_calls.kinds);
    free(files);
}

void run_halve_task(gc_run *run, run_task *task)
{
    size_t *files = gc_xcalloc(task->file_count, sizeof *files), count = 0;
    for (size_t i = 0; i < task->file_count; i++)
        if (run->files[task->files[i]].step == RUN_OUT)
            files[count++] = task->files[i];
    run_drop_task(run, task);
    size_t half = (count + 1) / 2;
    if (half)
        add_task(run, files, half, NULL);
    if (count > half)
        add_task(run, files + half, count - half, NULL);
    free(files);
}

/* ---- sending ---- */

static void note_attempt(gc_run *run, run_task *t)
{
    for (size_t i = 0; !t->asked && i < t->file_count; i++) {
        gc_file_stat *stat = &run->stats.files[t->files[i]];
        stat->attempts++;
        stat->batched = t->file_count > 1;
        free(stat->task);
        stat->task = gc_xstrdup(t->id);
        gc_map_set(run->scouted, gc_rates_kind(&run->project.plan->files[t->files[i]]),
                   run);
    }
    t->asked = true;
}

/* False: the task is gone; its files failed or are in smaller ones. */
static bool compose_task(gc_run *run, run_task *t)
{
    gc_errinfo info = { 0 };
    gc_task *task = NULL;
    if (t->payload)
        return true;
    gc_err err =
        t->budget_usd > 0
            ? run_compose_cheap(run, t->files[0], t->lean, t->budget_usd, &task, &info)
            : run_compose(run, t->files, t->file_count, &task, &info);
    if (err == GC_EFULL) { /* its budget is too small by now: it is thought over again */
        run_on_thrift_refused(run);
        run_set_step(run, t->files[0], RUN_READY);
        run_drop_task(run, t);
        return false;
    }
    if (err) {
        bool halved = run_in_halves(run, err, t->files, t->file_count, add_task, NULL);
        for (size_t i = 0; !halved && i < t->file_count; i++)
            run_fail(run, t->files[i], "%s", info.text);
        if (err != GC_ETOOBIG) /* no other prompt will render either */
            run_stop(run, GC_EXIT_USAGE, "%s", info.text);
        run_drop_task(run, t);
        return false;
    }
    task->job = gc_xstrdup(run->job);
    task->id = gc_xstrdup(t->id);
    gc_buf payload;
    gc_buf_init(&payload, PAYLOAD_LIMIT);
    gc_task_encode(task, &payload);
    t->prompt_bytes = task->prompt_bytes;
    t->payload_len = payload.len;
    t->payload = gc_buf_take(&payload);
    note_attempt(run, t);
    gc_task_destroy(&task);
    return true;
}

/* Lends the payload; it goes with the message. */
static void add_to_submit(gc_wire *submit, run_task *t, const char *provider)
{
    gc_wire_task *w = &submit->tasks[submit->task_count++];
    *w = (gc_wire_task){ .id = gc_xstrdup(t->id),
                         .provider = gc_xstrdup(provider),
                         .attempt = 1,
                         .payload = t->payload,
                         .payload_len = t->payload_len };
}

static int64_t job_slots(const gc_config *c)
{
    return c->parallelization_enabled ? c->parallelization_max_workers : 1;
}

/* Whatever comes of it, each task is in the schedule or sent afterwards. */
static bool send_batch(gc_run *run, run_task **batch, size_t count, int64_t now_ms)
{
    gc_wire submit;
    gc_wire_init(&submit, GC_SUBMIT);
    submit.job = gc_xstrdup(run->job);
    submit.max_in_flight = job_slots(run->config);
    submit.tasks = gc_xcalloc(count, sizeof *submit.tasks);
    for (size_t i = 0; i < count; i++)
        add_to_submit(&submit, batch[i], run->project.model->provider);
    gc_err err = gc_client_send(run->client, &submit);
    if (err && err != GC_EAGAIN)
        run_stop(run, GC_EXIT_INTERNAL, "cannot submit tasks: %s", gc_err_str(err));
    for (size_t i = 0; i < count; i++) {
        if (err) { /* keeps its payload for the next turn of the loop */
            submit.tasks[i].payload = NULL;
            run_unsend_task(run, batch[i], 0);
            continue;
        }
        batch[i]->payload = NULL;
        batch[i]->news_at = now_ms;
        set_sent(run, batch[i], true);
        set_files(run, batch[i], GC_FILE_STATE_QUEUED);
    }
    gc_wire_release(&submit);
    return !err;
}

static bool fits_broker(gc_run *run, const run_task *t)
{
    int64_t most = gc_client_max_bytes(run->client);
    if (!most || (int64_t)t->payload_len <= most)
        return true;
    run_stop(run, GC_EXIT_USAGE,
             "a task of %zu bytes is larger than the broker takes; "
             "raise cluster.max_message_bytes",
             t->payload_len);
    return false;
}

/* As many as there is room for, composed; the first ones of the schedule. */
static size_t take_batch(gc_run *run, size_t room, run_task **batch, int64_t now_ms)
{
    size_t count = 0;
    room = room < SUBMIT_BATCH ? room : SUBMIT_BATCH;
    while (count < room && !run->stopping) {
        gc_scheduled *turn = gc_schedule_take(&run->schedule, now_ms);
        if (!turn)
            break;
        run_task *t = turn->owner;
        if (!compose_task(run, t))
            continue;
        if (fits_broker(run, t))
            batch[count++] = t;
        else
            run_unsend_task(run, t, 0);
    }
    return count;
}

void run_send_tasks(gc_run *run, int64_t now_ms)
{
    size_t most = most_sent(run);
    run_task *batch[SUBMIT_BATCH];
    while (!run->stopping && gc_client_up(run->client) && run->tasks_sent < most) {
        size_t count = take_batch(run, most - run->tasks_sent, batch, now_ms);
        if (!count || !send_batch(run, batch, count, now_ms))
            return;
    }
}
