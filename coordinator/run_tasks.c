#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fs.h"
#include "common/gosrc.h"
#include "common/log.h"
#include "common/mem.h"
#include "coordinator/run_private.h"

/* Tasks handed to the broker at once; the rest waits here, not in its queue. */
#define MAX_OUTSTANDING 512
#define SUBMIT_BATCH 32
#define PAYLOAD_LIMIT ((size_t)64 << 20)
#define API_LIMIT ((size_t)16 << 20)

/* Share of a model's output limit that a group may be expected to fill. */
#define OUTPUT_SHARE 0.5

void run_drop_task(gc_run *run, run_task *task)
{
    gc_map_remove(run->tasks, task->id);
    free(task->files);
    free(task->payload);
    free(task->path);
    free(task);
}

size_t run_tasks_in_flight(const gc_run *run)
{
    size_t cursor = 0, count = 0;
    void *value;
    while (gc_map_next(run->tasks, &cursor, NULL, &value))
        count += ((run_task *)value)->sent;
    return count;
}

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

bool run_take_back(gc_run *run)
{
    size_t cursor = 0;
    void *value;
    while (gc_map_next(run->tasks, &cursor, NULL, &value)) {
        run_task *task = value;
        if (task->sent)
            continue;
        for (size_t i = 0; i < task->file_count; i++)
            if (run->files[task->files[i]].step == RUN_OUT)
                run->files[task->files[i]].step = RUN_READY;
        run_drop_task(run, task);
    }
    return !run_tasks_in_flight(run) || take_back_sent(run) == GC_OK;
}

/* Something that is done with each group of files. */
typedef void (*group_fn)(gc_run *run, const size_t *files, size_t count, void *arg);

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

static gc_err compose(gc_run *run, const size_t *files, size_t count, gc_task **task,
                      gc_errinfo *info)
{
    gc_buf apis;
    gc_buf_init(&apis, API_LIMIT);
    put_apis(run, files, count, &apis);
    const char **fingerprints = gc_xcalloc(count, sizeof *fingerprints);
    for (size_t i = 0; i < count; i++)
        fingerprints[i] = run->files[files[i]].fingerprint.hex;
    const char *complaint = run->files[files[0]].complaint;
    gc_compose_files wanted = { files, fingerprints, count, apis.ptr,
                                complaint ? complaint : "" };
    gc_err err = gc_compose(run->composer, &wanted, task, info);
    free(fingerprints);
    gc_buf_release(&apis);
    return err;
}

/* A task that does not fit the model's window is asked for in halves, down to one file. */
static bool in_halves(gc_run *run, gc_err err, const size_t *files, size_t count,
                      group_fn use, void *arg)
{
    if (err != GC_ETOOBIG || count < 2)
        return false;
    use(run, files, count / 2, arg);
    use(run, files + count / 2, count - count / 2, arg);
    return true;
}

static void add_task(gc_run *run, const size_t *files, size_t count, void *arg)
{
    gc_errinfo info = { 0 };
    gc_task *task = NULL;
    gc_err err = compose(run, files, count, &task, &info);
    if (in_halves(run, err, files, count, add_task, arg))
        return;
    if (err) {
        for (size_t i = 0; i < count; i++)
            run_fail(run, files[i], "%s", info.text);
        if (err != GC_ETOOBIG) /* no other prompt will render either */
            run_stop(run, GC_EXIT_USAGE, "%s", info.text);
        return;
    }
    run_task *t = gc_xcalloc(1, sizeof *t);
    snprintf(t->id, sizeof t->id, "%s-%u", run->task_prefix, ++run->task_number);
    task->job = gc_xstrdup(run->job);
    task->id = gc_xstrdup(t->id);
    gc_buf payload;
    gc_buf_init(&payload, PAYLOAD_LIMIT);
    gc_task_encode(task, &payload);
    t->prompt_bytes = task->prompt_bytes;
    t->payload_len = payload.len;
    t->payload = gc_buf_take(&payload);
    t->files = gc_xcalloc(count, sizeof *t->files);
    memcpy(t->files, files, count * sizeof *files);
    t->file_count = count;
    gc_map_set(run->tasks, t->id, t);
    for (size_t i = 0; i < count; i++) {
        gc_file_stat *stat = &run->stats.files[files[i]];
        run->files[files[i]].step = RUN_OUT;
        stat->attempts++;
        stat->batched = count > 1;
        free(stat->task);
        stat->task = gc_xstrdup(t->id);
    }
    gc_task_destroy(&task);
}

/* ---- grouping ---- */

size_t run_group(const gc_run *run, const gc_rates *rates, const size_t *files,
                 size_t count, size_t *group_of)
{
    const gc_config *c = run->config;
    const gc_plan *plan = run->project.plan;
    double limit = (double)run->project.model->max_output_tokens * OUTPUT_SHARE;
    gc_group_options options = {
        .max_files = c->batching_enabled ? (size_t)c->batching_max_batch_size : 1,
        .min_similarity = c->batching_min_similarity,
        .max_tokens = limit - rates->thinking_tokens,
    };
    double *tokens = gc_xcalloc(count, sizeof *tokens);
    for (size_t i = 0; i < count; i++)
        tokens[i] = gc_rates_output(rates, &plan->files[files[i]]);
    size_t groups = gc_group(plan, files, tokens, count, &options, group_of);
    free(tokens);
    return groups;
}

/* Calls `use` for each group of these files. */
static void group_files(gc_run *run, const size_t *files, size_t count, group_fn use,
                        void *arg)
{
    size_t *group_of = gc_xcalloc(count, sizeof *group_of);
    size_t groups = run_group(run, &run->rates, files, count, group_of);
    size_t *members = gc_xcalloc(count, sizeof *members);
    size_t *first = gc_xcalloc(groups + 2, sizeof *first);
    for (size_t i = 0; i < count; i++)
        first[group_of[i] + 2]++;
    for (size_t g = 2; g < groups + 2; g++)
        first[g] += first[g - 1];
    for (size_t i = 0; i < count; i++)
        members[first[group_of[i] + 1]++] = files[i];
    for (size_t g = 0; g < groups; g++)
        use(run, members + first[g], first[g + 1] - first[g], arg);
    free(members);
    free(first);
    free(group_of);
}

/* The same for the ready files, those that must be alone included. */
static void for_each_group(gc_run *run, group_fn use, void *arg)
{
    size_t n = run->project.plan->file_count, ready = 0;
    size_t *files = gc_xcalloc(n, sizeof *files);
    int64_t now_ms = gc_clock_ms();
    for (size_t i = 0; i < n; i++) {
        if (run->files[i].step != RUN_READY || run->files[i].retry_at > now_ms)
            continue;
        if (run->files[i].alone)
            use(run, &i, 1, arg);
        else
            files[ready++] = i;
    }
    group_files(run, files, ready, use, arg);
    free(files);
}

void run_make_tasks(gc_run *run)
{
    if (!run->stopping)
        for_each_group(run, add_task, NULL);
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

/* ---- estimates ---- */

typedef struct estimation {
    gc_estimate sum;
    double *seconds; /* of each file's call, by file */
} estimation;

/* The first call that is looked at tells whether the provider has the prefix already; the
 * simulated one of a run begins with nothing. */
static void look_for_prefix(gc_run *run, const gc_task *task, gc_estimate *sum)
{
    if (run->store && !run->stats.simulated &&
        gc_store_prefix_is_warm(run->store, task, &sum->warm))
        gc_log_info("prefix.unknown", "model=%s", task->model.id);
}

static void estimate_group(gc_run *run, const size_t *files, size_t count, void *arg)
{
    estimation *e = arg;
    gc_errinfo info = { 0 };
    gc_task *task = NULL;
    gc_err err = compose(run, files, count, &task, &info);
    double output = 0;
    if (in_halves(run, err, files, count, estimate_group, arg) || err)
        return; /* a file that does not fit costs nothing: it fails */
    for (size_t i = 0; i < count; i++)
        output += gc_rates_output(&run->rates, &run->project.plan->files[files[i]]);
    if (!e->sum.calls)
        look_for_prefix(run, task, &e->sum);
    double seconds = gc_estimate_add(
        &e->sum, task, output, gc_composer_marked_bytes(run->composer), &run->rates);
    for (size_t i = 0; i < count; i++)
        e->seconds[files[i]] = seconds;
    gc_task_destroy(&task);
}

/* Level by level, as they will be asked for. */
gc_estimate run_estimate(gc_run *run)
{
    const gc_plan *plan = run->project.plan;
    estimation e = { .seconds = gc_xcalloc(plan->file_count, sizeof *e.seconds) };
    size_t *order = gc_plan_order(plan),
           *files = gc_xcalloc(plan->file_count, sizeof *files);
    for (size_t at = 0; at < plan->file_count;) {
        size_t level = plan->files[order[at]].level, ready = 0;
        for (; at < plan->file_count && plan->files[order[at]].level == level; at++)
            if (run->files[order[at]].step == RUN_READY)
                files[ready++] = order[at];
        group_files(run, files, ready, estimate_group, &e);
    }
    e.sum.chain_seconds = gc_plan_critical(plan, e.seconds);
    free(files);
    free(order);
    free(e.seconds);
    return e.sum;
}

gc_estimate run_estimate_missing(gc_run *run)
{
    for (size_t i = 0; i < run->project.plan->file_count; i++) {
        if (run->project.plan->files[i].how != GC_BY_LLM ||
            run->files[i].step == RUN_DONE)
            continue;
        run->files[i].step = RUN_READY;
        run->files[i].retry_at = 0;
    }
    return run_estimate(run);
}

/* ---- sending ---- */

static void add_to_submit(gc_wire *submit, const run_task *t, const char *provider)
{
    gc_wire_task *w = &submit->tasks[submit->task_count++];
    *w = (gc_wire_task){ .id = gc_xstrdup(t->id),
                         .provider = gc_xstrdup(provider),
                         .attempt = 1,
                         .payload = gc_xmemdup(t->payload, t->payload_len),
                         .payload_len = t->payload_len };
}

static int64_t job_slots(const gc_config *c)
{
    return c->parallelization_enabled ? c->parallelization_max_workers : 1;
}

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
    gc_wire_release(&submit);
    if (err && err != GC_EAGAIN)
        run_stop(run, GC_EXIT_INTERNAL, "cannot submit tasks: %s", gc_err_str(err));
    for (size_t i = 0; !err && i < count; i++) {
        batch[i]->sent = true;
        batch[i]->news_at = now_ms;
        for (size_t f = 0; f < batch[i]->file_count; f++)
            run->stats.files[batch[i]->files[f]].state = GC_FILE_STATE_QUEUED;
    }
    return !err;
}

void run_send_tasks(gc_run *run, int64_t now_ms)
{
    if (run->stopping || !gc_client_up(run->client))
        return;
    size_t cursor = 0, room = MAX_OUTSTANDING, count = 0;
    size_t in_flight = run_tasks_in_flight(run);
    run_task *batch[SUBMIT_BATCH];
    void *value;
    room = in_flight < room ? room - in_flight : 0;
    while (room && gc_map_next(run->tasks, &cursor, NULL, &value)) {
        run_task *t = value;
        if (t->sent || t->not_before > now_ms)
            continue;
        if (gc_client_max_bytes(run->client) &&
            (int64_t)t->payload_len > gc_client_max_bytes(run->client)) {
            run_stop(run, GC_EXIT_USAGE,
                     "a task of %zu bytes is larger than the broker takes; "
                     "raise cluster.max_message_bytes",
                     t->payload_len);
            return;
        }
        batch[count++] = t;
        room--;
        if (count == SUBMIT_BATCH) {
            if (!send_batch(run, batch, count, now_ms))
                return;
            count = 0;
        }
    }
    if (count)
        send_batch(run, batch, count, now_ms);
}
