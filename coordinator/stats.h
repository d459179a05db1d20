/* What a run did, in figures: filled by the run, read by progress, report and metrics.
 * Tokens and dollars come from the provider's usage fields, seconds from the clock. */
#ifndef GC_COORDINATOR_STATS_H
#define GC_COORDINATOR_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/models.h"
#include "common/strv.h"

typedef enum gc_file_state {
    GC_FILE_STATE_WAITING, /* for a real dependency */
    GC_FILE_STATE_QUEUED,
    GC_FILE_STATE_RUNNING,
    GC_FILE_STATE_DONE,
    GC_FILE_STATE_FAILED
} gc_file_state;

typedef struct gc_file_stat {
    const char *path; /* borrowed from the plan */
    gc_file_state state;
    const char *how; /* llm, template, reused, kept, restored: static */
    char *task;      /* the task that made it, or NULL */
    int64_t attempts;
    gc_usage usage;
    double cost_usd;
    double seconds;
    char sha256[65]; /* "" if none */
    bool batched;    /* made by a call for several files */
    char *problem;   /* why it failed, or NULL */
    char *reason;    /* why it is made, or NULL */
} gc_file_stat;

/* What one task did at the provider: a call, or the few that an answer took. */
typedef struct gc_call_stat {
    char *task;
    char *worker;
    double start_s, seconds; /* since the run started */
    double wait_s;           /* to the first event of its answer */
    double expected_s;       /* as planned before it was sent */
    size_t files;
    gc_usage usage;
    double cost_usd, unconfirmed_usd;
    int64_t calls;
    bool failed; /* no file of it was stored */
} gc_call_stat;

typedef struct gc_stats {
    char *job;      /* id */
    char *spec;     /* base name */
    char *provider; /* as the user sees it: sim, anthropic, openai */
    const gc_model *model;
    bool simulated;
    bool optimization;
    gc_file_stat *files; /* every planned file, by path; NULL if only counted */
    size_t file_count;
    size_t template_files, llm_files; /* by plan */
    size_t done, failed, made, reused, kept, removed;
    size_t in_flight;      /* files asked for */
    size_t peak_in_flight; /* calls at once */
    size_t slots; /* most calls at once that were possible at any time of the run */
    size_t calls_in_flight;
    size_t workers;
    gc_usage usage;
    gc_usage unconfirmed;   /* of calls that broke off: what was seen */
    int64_t uncached_calls; /* whose marked prefix the provider did not cache */
    double cost_usd, unconfirmed_usd, expected_usd, max_cost_usd;
    double wasted_usd; /* of the first two: what surely bought no file that was kept */
    double
        missing_usd; /* what the files that are missing at the end would cost: estimated */
    int64_t llm_calls, requests;
    gc_call_stat *calls; /* in the order in which they ended */
    size_t call_count, call_cap;
    int64_t started_ms, ended_ms; /* monotonic; ended 0 while running */
    int64_t work_ms; /* when the first task could go out; 0: there was nothing to make */
    double llm_busy_s, critical_path_s, lower_bound_s;
    /* The same job with every optimisation off: estimated. */
    double baseline_usd, baseline_s;
    int64_t baseline_calls, baseline_processed;
    gc_strv notes;   /* renamings, broken cycles, kept edits: for the report */
    gc_strv changes; /* since the last run that ended well, in words */
} gc_stats;

#endif
