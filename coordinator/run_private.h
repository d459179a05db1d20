/* The run's own parts share this. Data flows one way: decide -> ask -> collect -> finish,
 * and finishing a file lets those that wait for it be decided. */
#ifndef GC_COORDINATOR_RUN_PRIVATE_H
#define GC_COORDINATOR_RUN_PRIVATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/map.h"
#include "common/store.h"
#include "common/task.h"
#include "coordinator/ahead.h"
#include "coordinator/changes.h"
#include "coordinator/client.h"
#include "coordinator/compose.h"
#include "coordinator/decide.h"
#include "coordinator/estimate.h"
#include "coordinator/fingerprint.h"
#include "coordinator/group.h"
#include "coordinator/local.h"
#include "coordinator/null_run.h"
#include "coordinator/output.h"
#include "coordinator/pace.h"
#include "coordinator/prepare.h"
#include "coordinator/progress.h"
#include "coordinator/run.h"
#include "coordinator/schedule.h"
#include "coordinator/stats.h"

/* In resume.checkpoint_dir. */
#define GC_CHECKPOINT_NAME "unfinished.json"

#define RUN_OWNER_TTL_MS 12000 /* of a coordinator's claim on its job */

typedef enum run_step {
    RUN_BLOCKED, /* real dependencies are not done */
    RUN_READY,   /* must be made by the LLM, in no task */
    RUN_OUT,     /* in a task */
    RUN_COLLECT, /* stored in Redis, not yet on disk */
    RUN_DONE,
    RUN_FAILED,
    RUN_STEPS
} run_step;

typedef struct run_file {
    run_step step;
    int64_t repairs;
    char *complaint;                  /* of the last rejected answer, or NULL */
    bool alone;                       /* is asked for without company */
    int64_t retry_at;                 /* monotonic; 0 = at once */
    bool listed_ready, listed_stored; /* is in that list */
    char collect_sha[GC_SHA_HEX + 1]; /* what is stored, or what a template will write */
    const char *collect_how;
} run_file;

typedef struct run_reasons run_reasons;

typedef struct run_task {
    char id[GC_WIRE_MAX_ID];
    size_t *files;
    size_t file_count;
    gc_scheduled turn; /* in the schedule unless it was sent */
    char *payload;     /* from when it is composed until it is sent, else NULL */
    size_t payload_len;
    int64_t prompt_bytes;
    double budget_usd; /* 0: none; see gc_compose_files. Its file is asked for alone */
    bool lean;         /* with the shortest prompt */
    bool asked;        /* it was composed: its files count an attempt */
    bool sent;
    bool running;          /* a worker has begun it */
    int64_t news_at;       /* last sign of life */
    int64_t begun_at;      /* first sign of the call, 0: none */
    int64_t tokens;        /* of its answer so far */
    char *path;            /* the file that it is at, or NULL */
    size_t at;             /* its place in `files`: those before it are whole */
    int64_t tokens_before; /* of those, about */
} run_task;

/* A file that is made, on its way to disk. */
typedef struct run_write {
    size_t file;
    const char *how; /* template, llm, reused: static */
    gc_buf content;
    gc_buf base; /* for a merge; empty if there is none */
} run_write;

/* Files in one step; those that left it are dropped when somebody next looks. */
typedef struct run_list {
    size_t *files;
    size_t count, cap;
} run_list;

typedef struct run_files {
    const size_t *list; /* ascending */
    size_t count;
} run_files;

typedef struct gc_run {
    const gc_options *options;
    const gc_config *config;
    gc_null_keys null_keys; /* of this run if it finds nothing to do, or "" */
    gc_sha meaning;         /* of its specification, or "" */
    gc_project project;
    gc_slicer *slicer;
    gc_fp_context fp;
    gc_composer *composer;
    gc_composer *lean; /* of calls that must cost little; NULL until there is one */
    bool thrifty;      /* the spend cap binds (run_thrift.c) */
    int refusals;      /* by the cap of calls that were to fit, since the last that did */
    gc_ahead *ahead;   /* looks at the output until that is opened */
    gc_output *output;
    gc_local *local;
    gc_store *store;
    gc_client *client;
    bool keyless; /* our own workers can call nobody */
    gc_progress *progress;
    const char *phase; /* static, NULL before the first */
    int64_t phase_at;
    gc_pace pace;
    gc_strv news;    /* for those who watch in Redis, not yet sent */
    int64_t told_at; /* when those who watch in Redis were told; 0: never */
    gc_stats stats;
    gc_decider *decider; /* what happens to each file; from when the output is open */
    run_file *files;     /* parallel to the plan */
    bool collect_more;   /* stored files wait for the next turn of the loop */
    run_write *writes;   /* none outside of collecting and of writing templates */
    size_t write_count, write_cap, write_bytes;
    size_t step_count[RUN_STEPS];
    size_t *level_open;     /* files that are not done, by level */
    run_list ready, stored; /* files to be asked for, files to be collected */
    gc_map *tasks;          /* id -> run_task, owned */
    gc_schedule schedule;   /* tasks that are to be sent */
    size_t tasks_sent, files_running;
    double *behind_s; /* of each file: expected, of the longest chain that waits for it */
    int64_t slots;    /* calls at a time, as far as is known now */
    gc_map *ours;     /* sha256 of everything in the job's checkpoint */
    gc_map *template_shas; /* name -> gc_sha of its text, owned */
    run_reasons *reasons;  /* NULL until somebody asks */
    gc_strv besides;       /* paths whose new text went beside an edit */
    gc_strv edits;         /* paths whose edit was kept or that need the user's eye */
    gc_strv removed;
    char job[GC_JOB_ID_SIZE];
    char owner[128];
    char former_owner[128]; /* of a job that was taken over; "": none */
    char task_prefix[8];
    gc_sha fcs; /* "" until the job is opened */
    unsigned task_number;
    gc_rates rates;
    gc_rates told_rates; /* as they were when the estimate was told; wait_s 0: not yet */
    gc_measured lessons; /* of this run's calls, not yet in Redis */
    size_t lesson_count,
        learn_next;      /* calls that taught; the next look at what came of it */
    gc_measured partial; /* kinds of files that calls under way are at */
    int64_t planned_at;  /* when what was not sent was grouped anew */
    gc_map *scouted;     /* kinds that calls went out for; values mean nothing */
    bool repeated_known;
    double repeated_bytes; /* of prompts, if a group is asked for in two calls */
    int signal_fd;
    int signals;         /* how many stop signals came */
    int64_t drain_until; /* after a stop signal: give running calls until then */
    bool stopping;       /* no new calls */
    bool let_finish;     /* running calls are worth waiting for, however long */
    bool taken_back;     /* what was queued is ours again */
    size_t level;        /* lowest level with an open file, as told to Redis */
    gc_exit verdict;     /* why we stop, GC_EXIT_OK while all is well */
    char problem[600];   /* sentence for the verdict */
    int64_t renewed_at, reconciled_at, checkpointed_at, /* 0: never */ started_at,
        store_down_since;
    bool no_broker_warned;
    bool records_lost; /* Redis was emptied under us: the checkpoint lacks files */
} gc_run;

/* run_setup.c */
gc_exit run_open(gc_run *run, const gc_options *options);

/* The same in two steps: the specification is read, then everything is made of it. */
void run_begin(gc_run *run, const gc_options *options);
gc_exit run_prepare(gc_run *run);

/* The output for work or, `peek`, for looking; told on stderr if there is trouble. */
GC_MUST_CHECK gc_exit run_take_output(gc_run *run, bool peek);

/* The output folder, its state and what an unfinished run left, and the decider. `peek`:
 * nothing is made or locked. Trouble is told on stderr. */
GC_MUST_CHECK gc_exit run_open_output(gc_run *run, bool peek);

/* Calls may be answered by what somebody paid for before. */
bool run_reuses(const gc_run *run);

/* Redis, broker, workers, job record: only when there is something to make. */
gc_exit run_connect(gc_run *run);

/* A job named by --resume must be known, also where nothing is left to make. */
gc_exit run_require_job(gc_run *run);

/* Renews our claim on the job, as gc_store_job_renew(). A Redis that was set back to before we
 * took the job over (its last writes are lost) names the former owner: we take it again. */
GC_MUST_CHECK gc_err run_renew_claim(gc_run *run);

/* Stores the blocks that every prompt starts with, again after Redis lost them. */
GC_MUST_CHECK gc_err run_store_blocks(gc_run *run);
void run_close(gc_run *run);

/* What earlier looks at the tree found out counts. */
bool run_may_recall(const gc_run *run);

/* run.c: the progress that the options ask for. */
gc_progress *run_progress_new(const gc_options *options);

/* run.c: the open questions, as `--strict` asks for. */
size_t run_print_questions(const gc_run *run, FILE *out);

/* null_run.c: leaves what was seen, and that there was nothing to do, for the next run. */
void run_remember(gc_run *run, gc_exit code);

/* Between run_begin() and run_prepare(): true if the specification says what it said `before`
 * and all else is as it was; it is reported then, and *code set. */
bool run_means_the_same(gc_run *run, const gc_sha *before, gc_exit *code);

/* After Redis lost everything: the FCS, the shared prompt blocks and the job's record. */
GC_MUST_CHECK gc_err run_restore(gc_run *run);
void run_stop(gc_run *run, gc_exit verdict, const char *fmt, ...) GC_PRINTF(3, 4);

/* run_checkpoint.c */
/* Learns from the checkpoint of a run that never came to its end; true if there was one. */
bool run_recover(gc_run *run);

/* The files of a job in Redis are ours even if the state never saw them, and orphans if they
 * are no longer planned. */
void run_adopt_files(gc_run *run, const char *job);

/* Mirrors the state if it is time, so that a lost Redis costs no finished file. The mirror is
 * there as long as a run is under way, from before its first write: one that finds it knows
 * that the run before never came to its end. Only one coordinator works on an output, so one
 * name does. */
void run_checkpoint(gc_run *run, int64_t now_ms);
void run_drop_checkpoint(gc_run *run);

/* The job's files in Redis: those kept and those from templates too. */
void run_complete_checkpoint(gc_run *run);

/* run_steps.c */
void run_open_steps(gc_run *run);
void run_close_steps(gc_run *run);
void run_set_step(gc_run *run, size_t file, run_step step);

/* The lowest level with a file that is not done; the number of levels if there is none. */
size_t run_lowest_level(const gc_run *run);

/* Those to be asked for whose time has come, ascending; free() it. */
size_t *run_ready_files(gc_run *run, int64_t now_ms, size_t *count);

/* Drops from the list what has been collected. */
void run_forget_stored(gc_run *run);

/* run_decide.c */
/* Hands what can be decided now to the decider, and acts on it: kept files are finished at
 * once. Template files only if `look_only`: else run_write_templates does it. */
void run_decide(gc_run *run, bool look_only);

/* The same for template files, which are written. For a moment only: call it again while
 * gc_decider_more(). */
void run_write_templates(gc_run *run);

/* What is sure of files that are pending: for commands that only look. */
void run_foresee(gc_run *run);

/* Looks at the files that are no longer planned, and has them decided. Trouble stops the run. */
void run_decide_orphans(gc_run *run);
gc_decision run_decision(const gc_run *run, size_t file);

/* sha256 of the text of a template, read once. */
GC_MUST_CHECK gc_err run_template_sha(gc_run *run, const char *name, gc_sha *out,
                                      gc_errinfo *info);
const gc_sha *run_fingerprint(const gc_run *run, size_t file);

/* It stands on disk: the API of what is there goes to those that depend on it. */
void run_settle(gc_run *run, size_t file);
void run_finish(gc_run *run, size_t file, const char *how);
void run_fail(gc_run *run, size_t file, const char *fmt, ...) GC_PRINTF(3, 4);

/* A comma separated list of why the file exists; free() it. */
char *run_sources(const gc_plan_file *file);

/* run_collect.c: from Redis to disk. */
void run_lookup(gc_run *run);  /* generation cache for everything that is ready */
void run_collect(gc_run *run); /* write what is stored */
gc_exit run_remove_orphans(gc_run *run);

/* run_write.c: to disk, several files at a time. */
/* Takes `content`. The file is finished, or has failed, after run_write_now() at the latest. */
void run_write_later(gc_run *run, size_t file, gc_buf *content, const char *how);
void run_write_now(gc_run *run);

/* run_tasks.c */
void run_make_tasks(gc_run *run);
void run_send_tasks(gc_run *run, int64_t now_ms);
void run_drop_task(gc_run *run, run_task *task);

/* Two smaller tasks in place of one of several files. */
void run_halve_task(gc_run *run, run_task *task);

/* Takes back what no worker has sent to the provider: for a run that stops. What was taken
 * back at the broker or a worker ends with FAIL cancelled. False: nobody could be told. */
bool run_take_back(gc_run *run);

/* It is sent (again), not before that time; 0: at once. */
void run_unsend_task(gc_run *run, run_task *task, int64_t not_before);
void run_mark_running(gc_run *run, run_task *task);

/* Something that is done with each group of files. */
typedef void (*run_group_fn)(gc_run *run, const size_t *files, size_t count, void *arg);

/* A task for these files, without id. Errors of gc_compose. */
GC_MUST_CHECK gc_err run_compose(gc_run *run, const size_t *files, size_t count,
                                 gc_task **task, gc_errinfo *info);

/* The same under a budget; `lean`: by run->lean. */
GC_MUST_CHECK gc_err run_compose_cheap(gc_run *run, size_t file, bool lean,
                                       double budget_usd, gc_task **task,
                                       gc_errinfo *info);

/* A task that will be composed once it is its turn. */
run_task *run_add_task(gc_run *run, const size_t *files, size_t count);

/* Tasks that were not sent come apart: their files are to be asked for. */
void run_take_unsent(gc_run *run);

#define GC_CAP_ADVICE "raise --max-cost and run the same command with --resume"

/* run_thrift.c: more of a spend cap than calls of the usual size can use. */
/* A call for one file does not fit under the cap. */
void run_turn_thrifty(gc_run *run);

/* Tasks that fit under what is left of the cap, if there are none now; when nothing fits and
 * nothing runs the run stops. */
void run_make_thrifty_tasks(gc_run *run);

/* The cap refused a task that was to fit. */
void run_on_thrift_refused(gc_run *run);

/* True if `err` says that the task does not fit the model's window, and its halves were
 * used instead. */
bool run_in_halves(gc_run *run, gc_err err, const size_t *files, size_t count,
                   run_group_fn use, void *arg);

/* run_group.c */
/* Which of these files share a call, by the configuration and these figures (gc_group). */
size_t run_group(const gc_run *run, const gc_rates *rates, const size_t *files,
                 size_t count, size_t *group_of);

/* Calls `use` for each group of these files (ascending); the groups are smaller than they
 * may be where slots would be idle. */
void run_group_files(gc_run *run, const size_t *files, size_t count, run_group_fn use,
                     void *arg);

/* Expected seconds of a call for these files, and of what waits for it. */
gc_rank run_rank(const gc_run *run, const size_t *files, size_t count);

/* Works out what waits behind each file, from the figures known now. */
void run_look_ahead(gc_run *run);

/* run_count.c: has the provider count the prompts of what is ready now, if that is asked for
 * (llm.count_tokens), for the estimate. What does not work is told as a warning. */
void run_count_tokens(gc_run *run);

/* run_estimate.c */
/* Calls `use` for each call that is expected of what is ready now or waits for others. */
void run_each_call(gc_run *run, run_group_fn use, void *arg);

/* Expected calls and cost of that. */
gc_estimate run_estimate(gc_run *run);

/* What the job would cost with every optimisation off, and what this run could not beat. */
void run_fill_bounds(gc_run *run);

/* run_view.c */
/* Ends the phase before, with a line that stays, and begins the next; NULL: none follows. */
void run_phase(gc_run *run, const char *phase, int64_t now_ms);

/* News (JSON) for those who watch the job in Redis: with run_tell_now() or run_show(). */
void run_tell(gc_run *run, const char *json);
void run_tell_now(gc_run *run);

/* Shows how far it is, here and in Redis, if it is time; ms until it is time again. */
int64_t run_show(gc_run *run, int64_t now_ms);

/* run_layout.c */
/* A composer for all files that are not done, in the layout that is cheapest for them.
 * GC_EXIT_USAGE: a prompt does not render; told on stderr. */
GC_MUST_CHECK gc_exit run_open_composer(gc_run *run, bool reuse);

/* run->lean, if it is not there yet. False: it does not render. */
bool run_open_lean(gc_run *run);

/* run_learn.c */
void run_learn_figures(gc_run *run);  /* from Redis */
void run_recall_figures(gc_run *run); /* from the last run of local mode in this output */

/* Ends with what this run has measured, for its own comparison and for the next one. */
void run_learn_from_this(gc_run *run);
/* Adds to the rates, too. */
void run_take_lesson(gc_run *run, const run_task *task, const gc_result *result);

/* Looks at how far the calls under way are: `partial`. */
void run_look_at_calls(gc_run *run);

/* True when there are half as many lessons more than the last time: what was not sent yet may
 * be grouped and ranked better now. */
bool run_has_learnt(gc_run *run);
void run_pass_lessons_on(gc_run *run); /* to Redis; kept if it does not answer */

/* Looks how many calls at a time there can be: the job's limit, or what the workers there are
 * (their records in Redis) or will be (the configuration) can take. */
void run_watch_slots(gc_run *run);
void run_tell_estimate(gc_run *run, const gc_estimate *estimate);

/* The same of all that is missing, at the end of a run that did not come through. */
gc_estimate run_estimate_missing(gc_run *run);

/* inspect.c: all that can be decided without making anything. Trouble is told on stderr. */
GC_MUST_CHECK gc_exit run_look(gc_run *run, const gc_options *options);

/* What was decided for a file, and {path, action, reason} of each that is no longer planned. */
json_t *run_file_json(gc_run *run, size_t file);
void run_append_orphans(const gc_run *run, json_t *list);
const char *run_how_word(const gc_plan_file *file);

/* explain.c: what the prompt of a file holds and why, on stdout or into `object`. For a run
 * that only looks; opens its composer. */
GC_MUST_CHECK gc_exit run_explain_prompt(gc_run *run, size_t file);
GC_MUST_CHECK gc_exit run_explain_prompt_json(gc_run *run, size_t file, json_t *object);

/* run_events.c */
void run_on_message(gc_run *run, const gc_wire *message, int64_t now_ms);

/* Our own workers can make no call, and there is one to make. */
void run_stop_without_key(gc_run *run);
void run_reconcile(gc_run *run, int64_t now_ms);

/* ---- run_reasons.c ---- */

/* Why a file is decided as it is, with what has changed since the last run that ended well. */
void run_why(gc_run *run, size_t file, char out[GC_WHY_SIZE]);

/* All that has changed since then, in words. */
void run_list_changes(gc_run *run, gc_strv *out);

/* What the next run compares with. */
void run_record_facts(gc_run *run);
void run_close_reasons(gc_run *run);

#endif
