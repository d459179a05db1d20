/* jobs, status, cancel, workers, fetch: read or act on Redis state. */
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fs.h"
#include "common/mem.h"
#include "common/store.h"
#include "coordinator/commands.h"
#include "coordinator/local.h"
#include "coordinator/output.h"
#include "coordinator/screen.h"
#include "coordinator/view.h"

#define MAX_JOBS 1000
#define WATCH_MS 1000
#define LOOK_BACK 200
#define VIEW_LIMIT ((size_t)1 << 20)
#define FILE_LIMIT ((size_t)64 << 20)

typedef struct session {
    gc_local *local;
    gc_store *store;
} session;

static gc_exit connect_store(const gc_options *options, session *out)
{
    gc_errinfo info = { 0 };
    *out = (session){ 0 };
    gc_err err = gc_local_attach(&options->config, options->output, &out->local, &info);
    if (!err)
        err = gc_store_open(gc_local_redis(out->local), &out->store, &info);
    if (!err)
        return GC_EXIT_OK;
    fprintf(stderr, "error: %s\n", info.text);
    return err == GC_EINVAL || err == GC_ENOENT ? GC_EXIT_USAGE : GC_EXIT_NETWORK;
}

static void disconnect(session *s)
{
    gc_store_close(&s->store);
    gc_local_stop(&s->local);
}

static gc_exit store_trouble(gc_err err, const char *job)
{
    if (err == GC_ENOENT) {
        fprintf(stderr,
                "error: there is no job %s in this Redis; see `gc-coordinator jobs`\n",
                job);
        return GC_EXIT_GENERAL;
    }
    if (err == GC_EINVAL) {
        fprintf(stderr, "error: \"%s\" is no job id (j- and 12 of 0-9a-z)\n", job);
        return GC_EXIT_USAGE;
    }
    fprintf(stderr, "error: Redis: %s\n", gc_err_str(err));
    return GC_EXIT_NETWORK;
}

/* ---- one job as text and JSON ---- */

static json_t *job_json(const gc_job *j)
{
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
        " s:I, s:I, s:I, s:f, s:f, s:f}",
        "job", j->id, "spec", j->spec, "project", j->project, "state", j->state, "fcs",
        j->fcs, "owner", j->owner, "model", j->model, "created_at",
        (json_int_t)j->created_at, "updated_at", (json_int_t)j->updated_at, "files_total",
        (json_int_t)j->files_total, "files_done", (json_int_t)j->files_done,
        "files_failed", (json_int_t)j->files_failed, "files_reused",
        (json_int_t)j->files_reused, "llm_calls", (json_int_t)j->llm_calls,
        "tokens_input", (json_int_t)j->tokens_input, "tokens_cache_write",
        (json_int_t)j->tokens_cache_write, "tokens_cache_read",
        (json_int_t)j->tokens_cache_read, "tokens_output", (json_int_t)j->tokens_output,
        "cost_usd", j->cost_usd, "reserved_usd", j->reserved_usd, "unconfirmed_usd",
        j->unconfirmed_usd);
}

static void print_job_row(const gc_job *j)
{
    char when[GC_RFC3339_SIZE];
    gc_rfc3339(j->created_at, when);
    printf("%s  %-11s  %s  %5" PRId64 "/%-5" PRId64 "  $%.4f  %s (%s)\n", j->id, j->state,
           when, j->files_done, j->files_total, j->cost_usd, j->project, j->spec);
}

static void print_job(const gc_job *j)
{
    char when[GC_RFC3339_SIZE];
    gc_rfc3339(j->created_at, when);
    printf("Job %s: %s\n  project %s, spec %s, model %s, owner %s\n  started %s\n", j->id,
           j->state, j->project, j->spec, j->model, j->owner, when);
    printf("  files: %" PRId64 " planned, %" PRId64 " done, %" PRId64
           " of them reused, %" PRId64 " failed\n",
           j->files_total, j->files_done, j->files_reused, j->files_failed);
    printf("  calls: %" PRId64 "; tokens: %" PRId64 " input, %" PRId64
           " cache write, %" PRId64 " cache read, %" PRId64 " output\n",
           j->llm_calls, j->tokens_input, j->tokens_cache_write, j->tokens_cache_read,
           j->tokens_output);
    printf("  cost: $%.4f, reserved $%.4f, unconfirmed $%.4f\n", j->cost_usd,
           j->reserved_usd, j->unconfirmed_usd);
}

/* What another program wrote to Redis need not be UTF-8; such a value is null here. */
static void print_json(json_t *value)
{
    if (!value)
        value = json_null();
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    putchar('\n');
    json_decref(value);
}

/* ---- jobs ---- */

gc_exit gc_command_jobs(const gc_options *options)
{
    session s;
    gc_strv ids = { 0 };
    gc_exit code = connect_store(options, &s);
    gc_err err = code == GC_EXIT_OK ? gc_store_jobs(s.store, MAX_JOBS, &ids) : GC_OK;
    json_t *list = json_array();
    for (size_t i = 0; !err && i < ids.count; i++) {
        gc_job job = { 0 };
        if (gc_store_job_get(s.store, ids.items[i], &job))
            continue; /* trimmed meanwhile */
        if (options->json)
            json_array_append_new(list, job_json(&job));
        else
            print_job_row(&job);
        gc_job_release(&job);
    }
    if (err)
        code = store_trouble(err, "");
    else if (code == GC_EXIT_OK && options->json)
        print_json(json_incref(list));
    json_decref(list);
    gc_strv_release(&ids);
    disconnect(&s);
    return code;
}

/* ---- status ---- */

static bool is_final(const char *state)
{
    return strcmp(state, "running") != 0;
}

static void show_job(const gc_options *options, const gc_job *job)
{
    if (options->json)
        print_json(job_json(job));
    else
        print_job(job);
    fflush(stdout);
}

/* Events of finished files may stand between now and the last progress event. */
static bool last_view(gc_store *store, const char *job, gc_view *out)
{
    gc_strv events = { 0 };
    bool found = false;
    if (gc_store_events(store, job, LOOK_BACK, &events) == GC_OK)
        for (size_t i = 0; i < events.count && !found; i++)
            found = gc_view_parse(events.items[i], strlen(events.items[i]), out) == GC_OK;
    gc_strv_release(&events);
    return found;
}

/* What the coordinator of the job shows on its own terminal. */
static void watch_job(gc_store *store, const char *job, gc_screen *screen, unsigned frame)
{
    gc_view view;
    size_t width, height;
    gc_buf text;
    if (!last_view(store, job, &view))
        return; /* it has not begun to tell */
    gc_buf_init(&text, VIEW_LIMIT);
    gc_screen_size(screen, &width, &height);
    gc_view_draw(&view, width, height, frame, &text);
    gc_screen_draw(screen, text.ptr, text.len);
    gc_buf_release(&text);
    gc_view_release(&view);
}

/* A private Redis ends with its coordinator: what it knew is read by one of our own. */
static bool connect_again(const gc_options *options, session *s, gc_err err)
{
    if (!options->watch || err == GC_ENOENT || err == GC_EINVAL)
        return false;
    disconnect(s);
    return connect_store(options, s) == GC_EXIT_OK;
}

gc_exit gc_command_status(const gc_options *options)
{
    session s;
    const char *id = options->args.items[0];
    gc_screen screen;
    gc_exit code = connect_store(options, &s);
    bool live = options->watch && !options->json && isatty(STDOUT_FILENO);
    gc_screen_init(&screen, stdout);
    for (unsigned frame = 0; code == GC_EXIT_OK; frame++) {
        gc_job job = { 0 };
        gc_err err = gc_store_job_get(s.store, id, &job);
        if (err && connect_again(options, &s, err))
            err = gc_store_job_get(s.store, id, &job);
        bool final = err || !options->watch || is_final(job.state);
        if (final)
            gc_screen_clear(&screen);
        if (err)
            code = store_trouble(err, id);
        else if (live && !final)
            watch_job(s.store, id, &screen, frame);
        else
            show_job(options, &job);
        gc_job_release(&job);
        if (final)
            break;
        poll(NULL, 0, WATCH_MS);
    }
    disconnect(&s);
    return code;
}

/* ---- cancel ---- */

gc_exit gc_command_cancel(const gc_options *options)
{
    session s;
    const char *job = options->args.items[0];
    gc_job found = { 0 };
    gc_exit code = connect_store(options, &s);
    if (code == GC_EXIT_OK) {
        gc_err err = gc_store_job_get(s.store, job, &found);
        bool over = !err && is_final(found.state);
        if (!err && !over)
            err = gc_store_job_cancel(s.store, job);
        if (err)
            code = store_trouble(err, job);
        else if (options->json)
            print_json(json_pack("{s:s, s:s, s:b}", "job", job, "state", found.state,
                                 "will_stop", !over));
        else if (over)
            printf("%s is %s already\n", job, found.state);
        else
            printf("%s will stop; what was paid is kept, --resume=%s goes on\n", job,
                   job);
        gc_job_release(&found);
    }
    disconnect(&s);
    return code;
}

/* ---- workers ---- */

gc_exit gc_command_workers(const gc_options *options)
{
    session s;
    gc_worker_info *workers = NULL;
    size_t count = 0;
    gc_exit code = connect_store(options, &s);
    gc_err err = code == GC_EXIT_OK ? gc_store_workers(s.store, &workers, &count) : GC_OK;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const gc_worker_info *w = &workers[i];
        if (options->json)
            json_array_append_new(
                list, json_pack("{s:s, s:s, s:I, s:s, s:s, s:I, s:I, s:I}", "id", w->id,
                                "host", w->host, "pid", (json_int_t)w->pid, "version",
                                w->version, "providers", w->providers, "slots",
                                (json_int_t)w->slots, "busy", (json_int_t)w->busy,
                                "seen_at", (json_int_t)w->seen_at));
        else
            printf("%s  %s/%" PRId64 "  version %s  %" PRId64 "/%" PRId64
                   " slots busy  keys: %s\n",
                   w->id, w->host, w->pid, w->version, w->busy, w->slots, w->providers);
        gc_worker_info_release(&workers[i]);
    }
    free(workers);
    if (err)
        code = store_trouble(err, "");
    else if (code == GC_EXIT_OK && options->json)
        print_json(json_incref(list));
    else if (code == GC_EXIT_OK && !count)
        printf("no worker is connected\n");
    json_decref(list);
    disconnect(&s);
    return code;
}

/* ---- fetch ---- */

typedef struct fetching {
    gc_store *store;
    gc_root *root;
    const gc_state *state; /* what the last run wrote here */
} fetching;

/* Whether a text that stands at `path` is the user's: neither the state nor Redis has it. */
static bool is_edit(const fetching *f, const char *path, const gc_sha *there)
{
    const gc_state_file *last = gc_state_find(f->state, path);
    gc_buf known;
    if (last && strcmp(last->sha256, there->hex) == 0)
        return false;
    if (last && strcmp(last->kept_sha, there->hex) == 0)
        return true;
    gc_buf_init(&known, FILE_LIMIT);
    gc_err err = gc_store_blob_get(f->store, there->hex, &known);
    gc_buf_release(&known);
    return err != GC_OK;
}

/* What stands there already stays; a hand edit stays, too, and the text goes beside it. */
static gc_err fetch_text(const fetching *f, const char *path, const char *sha,
                         const gc_buf *text, gc_errinfo *info)
{
    gc_sha there;
    gc_err err = gc_root_sha(f->root, path, &there, info);
    if (err && err != GC_ENOENT)
        return err;
    if (!err && strcmp(there.hex, sha) == 0)
        return GC_OK;
    if (err || !is_edit(f, path, &there))
        return gc_root_write(f->root, path, text->ptr, text->len, info);
    char *beside = gc_xasprintf("%s.gc-new", path);
    err = gc_root_write(f->root, beside, text->ptr, text->len, info);
    if (!err)
        fprintf(stderr,
                "warning: %s was changed by hand and is kept; the new text is in %s\n",
                path, beside);
    free(beside);
    return err;
}

static gc_exit fetch_file(const fetching *f, const char *line)
{
    gc_errinfo info = { 0 };
    gc_buf content;
    const char *blank = strrchr(line, ' ');
    char *path = gc_xmemdup(line, blank ? (size_t)(blank - line) : strlen(line));
    gc_exit code = GC_EXIT_OK;
    gc_buf_init(&content, FILE_LIMIT);
    gc_err err = blank ? gc_store_blob_get(f->store, blank + 1, &content) : GC_EPROTO;
    if (err) {
        fprintf(stderr, "error: %s: its content is %s in Redis\n", path,
                err == GC_ENOENT ? "missing" : "damaged");
        code = GC_EXIT_GENERATION;
    } else if (fetch_text(f, path, blank + 1, &content, &info)) {
        fprintf(stderr, "error: %s\n", info.text);
        code = GC_EXIT_FILES;
    }
    free(path);
    gc_buf_release(&content);
    return code;
}

static void print_fetched(const gc_options *options, const gc_job *job, size_t files)
{
    if (options->json)
        print_json(json_pack("{s:s, s:s, s:s, s:I, s:I}", "job", job->id, "state",
                             job->state, "output", options->output, "files",
                             (json_int_t)files, "files_total",
                             (json_int_t)job->files_total));
    else
        printf("%zu files of %s are in %s\n", files, job->id, options->output);
    if (strcmp(job->state, "done") != 0)
        fprintf(stderr, "warning: %s is %s: %zu of %" PRId64 " files exist so far\n",
                job->id, job->state, files, job->files_total);
}

static gc_exit fetch_all(gc_store *store, const gc_options *options, const gc_job *job)
{
    gc_errinfo info = { 0 };
    gc_strv lines = { 0 };
    gc_root *root = NULL;
    gc_output *there = NULL;
    gc_exit code = GC_EXIT_OK;
    gc_err err = gc_store_files(store, job->id, &lines);
    if (err)
        return store_trouble(err, job->id);
    if (gc_output_peek(options->output, options->config.incremental_state_file, true,
                       &there, &info) ||
        gc_root_open(options->output, true, &root, &info)) {
        fprintf(stderr, "error: %s\n", info.text);
        code = GC_EXIT_FILES;
    }
    for (size_t i = 0; root && i < lines.count; i++) {
        fetching f = { store, root, gc_output_state(there) };
        gc_exit one = fetch_file(&f, lines.items[i]);
        if (one != GC_EXIT_OK)
            code = one;
    }
    if (code == GC_EXIT_OK)
        print_fetched(options, job, lines.count);
    gc_root_close(&root);
    gc_output_close(&there);
    gc_strv_release(&lines);
    return code;
}

gc_exit gc_command_fetch(const gc_options *options)
{
    session s;
    gc_job job = { 0 };
    gc_exit code = connect_store(options, &s);
    if (code == GC_EXIT_OK) {
        gc_err err = gc_store_job_get(s.store, options->args.items[0], &job);
        code = err ? store_trouble(err, options->args.items[0])
                   : fetch_all(s.store, options, &job);
        gc_job_release(&job);
    }
    disconnect(&s);
    return code;
}
