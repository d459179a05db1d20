#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/keys.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "coordinator/run_private.h"

/* An owner elsewhere may be dead: its claim is watched for so long. */
#define TAKE_PATIENCE_MS (RUN_OWNER_TTL_MS + 3000)
#define TAKE_POLL_MS 200

void run_stop(gc_run *run, gc_exit verdict, const char *fmt, ...)
{
    run->stopping = true;
    if (run->verdict != GC_EXIT_OK)
        return; /* the first reason counts */
    run->verdict = verdict;
    char text[sizeof run->problem];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    gc_one_line(run->problem, sizeof run->problem,
                text); /* workers and providers speak */
}

/* ---- opening ---- */

static void open_stats(gc_run *run)
{
    const gc_plan *plan = run->project.plan;
    gc_stats *s = &run->stats;
    s->spec = gc_xstrdup(run->project.spec_name);
    s->provider = gc_xstrdup(run->config->llm_provider);
    s->simulated = strcmp(run->config->llm_provider, "sim") == 0;
    s->model = run->project.model;
    s->optimization = !run->options->no_optimization;
    s->files = gc_xcalloc(plan->file_count, sizeof *s->files);
    s->file_count = plan->file_count;
    s->max_cost_usd = run->config->limits_max_cost_usd;
    s->started_ms = gc_clock_ms();
    for (size_t i = 0; i < plan->file_count; i++) {
        s->files[i].path = plan->files[i].path;
        s->files[i].how = "";
        s->template_files += plan->files[i].how == GC_BY_TEMPLATE;
        s->llm_files += plan->files[i].how == GC_BY_LLM;
    }
    gc_strv_copy(&s->notes, &run->project.fcs->renames);
    gc_strv_copy(&s->notes, &run->project.fcs->broken_cycles);
    gc_strv_copy(&s->notes, &plan->notes);
}

bool run_may_recall(const gc_run *run)
{
    return run->config->incremental_enabled && !run->options->force &&
           !run->options->no_optimization;
}

static bool uses_state(const gc_run *run)
{
    return run->config->incremental_enabled || run->options->no_optimization;
}

void run_begin(gc_run *run, const gc_options *options)
{
    const gc_config *c = &options->config;
    *run = (gc_run){ .options = options, .config = c, .signal_fd = -1 };
    run->started_at = gc_clock_ms();
    run->ahead = gc_ahead_start(options->output, c->incremental_state_file,
                                uses_state(run), run_may_recall(run));
    gc_project_read(options, &run->project);
}

gc_exit run_open(gc_run *run, const gc_options *options)
{
    run_begin(run, options);
    return run_prepare(run);
}

gc_exit run_prepare(gc_run *run)
{
    const gc_config *c = run->config;
    gc_exit code = gc_project_make(run->options, true, &run->project);
    if (code != GC_EXIT_OK)
        return code;
    run_open_steps(run);
    run->tasks = gc_map_new();
    run->scouted = gc_map_new();
    run->ours = gc_map_new();
    run->template_shas = gc_map_new();
    run->slicer = gc_slicer_new(run->project.fcs);
    gc_rates_init(&run->rates, run->project.model);
    open_stats(run);
    run->fp = (gc_fp_context){ .fcs = run->project.fcs,
                               .plan = run->project.plan,
                               .slicer = run->slicer,
                               .prompts = run->project.prompts,
                               .response_format = c->batching_response_format,
                               .model = c->llm_model,
                               .effort = run->project.model->effort ? c->llm_effort : "",
                               .simulated = run->stats.simulated };
    gc_random_id(run->task_prefix, 4);
    run_watch_slots(run);
    return GC_EXIT_OK;
}

gc_exit run_take_output(gc_run *run, bool peek)
{
    gc_errinfo info = { 0 };
    if (run->output)
        return GC_EXIT_OK;
    gc_err err = gc_ahead_take(&run->ahead, &run->output, &info);
    if (!err && !peek)
        err = gc_output_begin(run->output, run->options->output, &info);
    if (!err)
        return GC_EXIT_OK;
    fprintf(stderr, "error: %s\n", info.text);
    return err == GC_EEXIST ? GC_EXIT_GENERAL : GC_EXIT_FILES;
}

gc_exit run_open_output(gc_run *run, bool peek)
{
    const gc_options *o = run->options;
    gc_exit code = run_take_output(run, peek);
    if (code != GC_EXIT_OK)
        return code;
    if (gc_output_state_merged(run->output))
        fprintf(stderr, "warning: %s holds both sides of a git merge; both are read%s\n",
                run->config->incremental_state_file,
                peek ? "" : ", and it is written anew");
    bool unfinished = uses_state(run) && run_recover(run);
    run->decider = gc_decider_new(run->project.plan, gc_output_state(run->output),
                                  (gc_decide_options){ .on_edit = o->on_edit,
                                                       .force = o->force,
                                                       .unfinished = unfinished,
                                                       .baseline = o->no_optimization });
    return GC_EXIT_OK;
}

/* ---- connecting ---- */

static void block_signals(gc_run *run)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    run->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void name_owner(gc_run *run)
{
    char host[64] = "localhost", random[7];
    gethostname(host, sizeof host - 1);
    gc_random_id(random, 6);
    snprintf(run->owner, sizeof run->owner, "%s/%d/%s", host, (int)getpid(), random);
}

/* True if the owner "host/pid/random" was a process of this host that is gone. */
static bool owner_is_dead(const char *holder)
{
    char host[64] = "";
    gethostname(host, sizeof host - 1);
    const char *slash = strchr(holder, '/');
    int64_t pid;
    if (!slash || (size_t)(slash - holder) != strlen(host) ||
        strncmp(holder, host, strlen(host)) != 0)
        return false;
    char number[24] = "";
    size_t digits = strspn(slash + 1, "0123456789");
    if (!digits || digits >= sizeof number)
        return false;
    memcpy(number, slash + 1, digits);
    return gc_parse_i64(number, 1, INT32_MAX, &pid) == GC_OK && kill((pid_t)pid, 0) &&
           errno == ESRCH;
}

static gc_sha output_sha(gc_run *run)
{
    const char *path = gc_root_path(gc_output_root(run->output));
    return gc_sha256(path, strlen(path));
}

/* Takes the job when its owner is dead here, or lets its claim lapse. GC_EEXIST: `holder`
 * renews it; GC_ETIMEOUT: a stop signal came first. */
static gc_err take_claim(gc_run *run, const char *job, char **holder)
{
    int64_t deadline = gc_clock_ms() + TAKE_PATIENCE_MS, least = INT64_MAX, left = 0;
    bool dead = false;
    for (;;) {
        free(*holder);
        *holder = NULL;
        gc_err err = gc_store_job_take(run->store, job, run->owner, RUN_OWNER_TTL_MS,
                                       dead, holder);
        if (err != GC_EEXIST)
            return err;
        dead = *holder && owner_is_dead(*holder);
        if (dead)
            continue;
        if (gc_store_job_claim_ms(run->store, job, &left) || left > least ||
            gc_clock_ms() > deadline)
            return GC_EEXIST;
        least = left;
        struct pollfd p = { run->signal_fd, POLLIN, 0 };
        if (poll(&p, 1, TAKE_POLL_MS) > 0)
            return GC_ETIMEOUT;
    }
}

/* Whom we follow, if we can take the job. */
static void note_former_owner(gc_run *run, const char *id)
{
    gc_job job = { 0 };
    if (gc_store_job_get(run->store, id, &job) == GC_OK)
        snprintf(run->former_owner, sizeof run->former_owner, "%s", job.owner);
    gc_job_release(&job);
}

static bool is_set_back(gc_run *run)
{
    gc_job job = { 0 };
    bool is = *run->former_owner &&
              gc_store_job_get(run->store, run->job, &job) == GC_OK &&
              strcmp(job.owner, run->former_owner) == 0;
    gc_job_release(&job);
    return is;
}

gc_err run_renew_claim(gc_run *run)
{
    gc_err err = gc_store_job_renew(run->store, run->job, run->owner, RUN_OWNER_TTL_MS);
    if (err != GC_ESTATE || !is_set_back(run))
        return err;
    gc_log_warn("job.takeover_lost", "job=%s former=%s", run->job, run->former_owner);
    return gc_store_job_take(run->store, run->job, run->owner, RUN_OWNER_TTL_MS, true,
                             NULL);
}

static gc_exit tell_untaken(gc_err err, const char *job)
{
    if (err == GC_ENOENT) {
        fprintf(stderr,
                "error: there is no job %s in this Redis; see `gc-coordinator jobs`\n",
                job);
        return GC_EXIT_GENERAL;
    }
    fprintf(stderr, "error: cannot take job %s over: %s\n", job, gc_err_str(err));
    return GC_EXIT_NETWORK;
}

static gc_exit take_over(gc_run *run, const char *job)
{
    char *holder = NULL;
    note_former_owner(run, job);
    gc_err err = take_claim(run, job, &holder);
    gc_exit code = GC_EXIT_OK;
    if (err == GC_ETIMEOUT) {
        fprintf(stderr, "error: interrupted while job %s had another owner\n", job);
        code = GC_EXIT_INTERRUPTED;
    } else if (err == GC_EEXIST) {
        fprintf(stderr,
                "error: job %s is being worked on by %s; wait for it, or stop it with "
                "`gc-coordinator cancel %s`\n",
                job, holder ? holder : "somebody else", job);
        code = GC_EXIT_GENERAL;
    } else if (err) {
        code = tell_untaken(err, job);
    } else {
        snprintf(run->job, sizeof run->job, "%s", job);
    }
    free(holder);
    return code;
}

/* Creates the record of `run->job`, or creates it again with the figures known so far. */
static gc_err record_job(gc_run *run, const char *fcs)
{
    gc_sha output = output_sha(run);
    gc_job job = { .spec = run->project.spec_name,
                   .project = run->project.fcs->name,
                   .state = (char *)"running",
                   .fcs = (char *)fcs,
                   .owner = run->owner,
                   .output = output.hex,
                   .model = run->config->llm_model,
                   .created_at = gc_wall_ms() - (gc_clock_ms() - run->started_at),
                   .llm_calls = (int64_t)run->stats.llm_calls,
                   .cost_usd = run->stats.cost_usd,
                   .files_total = (int64_t)run->project.plan->file_count };
    memcpy(job.id, run->job, sizeof job.id);
    job.updated_at = job.created_at;
    return gc_store_job_create(run->store, &job, RUN_OWNER_TTL_MS);
}

static gc_exit create_job(gc_run *run, const gc_sha *fcs)
{
    snprintf(run->job, sizeof run->job, "j-");
    gc_random_id(run->job + 2, 12);
    gc_err err = record_job(run, fcs->hex);
    if (!err)
        return GC_EXIT_OK;
    *run->job = '\0';
    fprintf(stderr, "error: cannot record the job in Redis: %s\n", gc_err_str(err));
    return GC_EXIT_NETWORK;
}

static gc_err store_fcs(gc_run *run, gc_sha *sha)
{
    gc_buf canonical;
    gc_buf_init(&canonical, (size_t)256 << 20);
    gc_fcs_canonical(run->project.fcs, &canonical);
    *sha = gc_sha256(canonical.ptr, canonical.len);
    gc_err err = gc_store_fcs_put(run->store, sha->hex, canonical.ptr, canonical.len);
    gc_buf_release(&canonical);
    return err;
}

/* The former job was killed with its owner and is not resumed: nobody else would ever say that
 * it no longer runs. A living owner, or one of another host, is left alone. */
static void close_former(gc_run *run, const char *former)
{
    gc_job job = { 0 };
    gc_err err = gc_store_job_get(run->store, former, &job);
    if (!err && strcmp(job.state, "running") == 0 && owner_is_dead(job.owner)) {
        err = gc_store_job_take(run->store, former, run->owner, RUN_OWNER_TTL_MS, true,
                                NULL);
        if (!err)
            err = gc_store_job_state(run->store, former, run->owner, "interrupted", true);
    }
    if (err)
        gc_log_info("job.former_unclosed", "job=%s error=%s", former, gc_err_str(err));
    gc_job_release(&job);
}

/* Resumes, or makes a new job; either way the last checkpoint of this output is ours. */
static gc_exit open_job(gc_run *run)
{
    gc_sha fcs, output = output_sha(run);
    gc_err err = store_fcs(run, &fcs);
    char before[GC_JOB_ID_SIZE] = "";
    if (!err)
        err = gc_store_job_unfinished(run->store, output.hex, fcs.hex, before);
    if (err && err != GC_ENOENT) {
        fprintf(stderr, "error: Redis does not answer: %s\n", gc_err_str(err));
        return GC_EXIT_NETWORK;
    }
    bool resume = run->options->resume && run->config->resume_enabled;
    const char *wanted = run->options->resume_job ? run->options->resume_job : before;
    gc_exit code = GC_EXIT_OK;
    if (resume && *wanted)
        code = take_over(run, wanted);
    else
        code = create_job(run, &fcs);
    if (code == GC_EXIT_OK && *before && strcmp(before, run->job) != 0)
        close_former(run, before);
    if (code == GC_EXIT_OK && *before && run->config->incremental_enabled)
        run_adopt_files(run, before);
    if (code == GC_EXIT_OK && resume && *wanted)
        run_adopt_files(run, run->job);
    run->fcs = fcs;
    run->stats.job = gc_xstrdup(run->job);
    run->renewed_at = gc_clock_ms();
    return code;
}

/* The blocks that every prompt starts with, before the first task names them. */
static gc_err store_blocks(gc_run *run, const gc_composer *composer)
{
    size_t len;
    const char *text;
    gc_sha sha;
    gc_err err = GC_OK;
    for (size_t i = 0; !err && (text = gc_composer_shared(composer, i, &len)); i++)
        if (len)
            err = gc_store_blob_put(run->store, text, len, &sha);
    return err;
}

gc_err run_store_blocks(gc_run *run)
{
    gc_err err = store_blocks(run, run->composer);
    return !err && run->lean ? store_blocks(run, run->lean) : err;
}

bool run_reuses(const gc_run *run)
{
    return run->config->incremental_enabled && !run->options->force;
}

gc_err run_restore(gc_run *run)
{
    gc_sha fcs;
    gc_err err = store_fcs(run, &fcs);
    if (!err)
        err = run_store_blocks(run);
    if (!err)
        err = record_job(run, fcs.hex);
    if (!err)
        run->records_lost = true;
    return err;
}

static gc_exit start_cluster(gc_run *run)
{
    gc_errinfo info = { 0 };
    const char *dir = gc_root_path(gc_output_root(run->output));
    gc_err err = gc_local_start(run->config, dir, &run->local, &info);
    if (!err)
        err = gc_store_open(gc_local_redis(run->local), &run->store, &info);
    if (!err)
        return GC_EXIT_OK;
    fprintf(stderr, "error: %s\n", info.text);
    return err == GC_EINVAL ? GC_EXIT_USAGE : GC_EXIT_NETWORK;
}

gc_exit run_require_job(gc_run *run)
{
    gc_job job = { 0 };
    gc_exit code = start_cluster(run);
    gc_err err = code == GC_EXIT_OK
                     ? gc_store_job_get(run->store, run->options->resume_job, &job)
                     : GC_OK;
    gc_job_release(&job);
    gc_store_close(&run->store);
    gc_local_stop(&run->local);
    return err ? tell_untaken(err, run->options->resume_job) : code;
}

/* Workers of a cluster have keys of their own. */
static bool is_keyless(const gc_run *run)
{
    gc_keys keys = { 0 };
    gc_errinfo info;
    if (*run->config->cluster_broker || run->stats.simulated ||
        gc_keys_load(&keys, run->config, &info)) /* our workers name what is wrong */
        return false;
    if (gc_keys_exposed(run->config))
        fprintf(stderr, "warning: " GC_KEYS_EXPOSED "\n", run->config->llm_api_key_file);
    bool serves = gc_keys_serve(&keys, run->config, run->project.model->provider);
    gc_keys_release(&keys);
    return !serves;
}

gc_exit run_connect(gc_run *run)
{
    gc_errinfo info = { 0 };
    name_owner(run);
    block_signals(run);
    gc_exit code = start_cluster(run);
    if (code == GC_EXIT_OK)
        code = open_job(run);
    if (code != GC_EXIT_OK)
        return code;
    run->keyless = is_keyless(run);
    run_learn_figures(run);
    run_watch_slots(run);
    code = run_open_composer(run, run_reuses(run));
    if (code == GC_EXIT_OK && run_store_blocks(run)) {
        fputs("error: cannot store the prompt in Redis\n", stderr);
        code = GC_EXIT_NETWORK;
    }
    if (code == GC_EXIT_OK && gc_client_new(run->config, gc_local_broker(run->local),
                                            run->job, &run->client, &info)) {
        fprintf(stderr, "error: %s\n", info.text);
        code = GC_EXIT_USAGE;
    }
    return code;
}

/* ---- closing ---- */

static void release_stats(gc_stats *s)
{
    for (size_t i = 0; i < s->file_count; i++) {
        free(s->files[i].task);
        free(s->files[i].problem);
        free(s->files[i].reason);
    }
    free(s->files);
    for (size_t i = 0; i < s->call_count; i++) {
        free(s->calls[i].task);
        free(s->calls[i].worker);
    }
    free(s->calls);
    free(s->job);
    free(s->spec);
    free(s->provider);
    gc_strv_release(&s->notes);
    gc_strv_release(&s->changes);
}

void run_close(gc_run *run)
{
    size_t cursor = 0;
    void *value;
    gc_client_destroy(&run->client);
    gc_store_close(&run->store);
    gc_local_stop(&run->local);
    while (run->tasks && gc_map_next(run->tasks, &cursor, NULL, &value))
        run_drop_task(run, value);
    gc_map_destroy(&run->tasks);
    gc_map_destroy(&run->scouted);
    gc_map_destroy(&run->ours);
    cursor = 0;
    while (run->template_shas && gc_map_next(run->template_shas, &cursor, NULL, &value))
        free(value);
    gc_map_destroy(&run->template_shas);
    gc_schedule_release(&run->schedule);
    run_close_steps(run);
    run_close_reasons(run);
    gc_decider_destroy(&run->decider);
    free(run->behind_s);
    free(run->writes);
    gc_composer_destroy(&run->composer);
    gc_composer_destroy(&run->lean);
    gc_ahead_destroy(&run->ahead);
    gc_output_close(&run->output);
    gc_progress_destroy(&run->progress);
    gc_slicer_destroy(&run->slicer);
    release_stats(&run->stats);
    gc_strv_release(&run->news);
    gc_strv_release(&run->besides);
    gc_strv_release(&run->edits);
    gc_strv_release(&run->removed);
    if (run->signal_fd >= 0)
        close(run->signal_fd);
    gc_project_release(&run->project);
}
