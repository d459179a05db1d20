/* The command line of gc-coordinator (and gocreator): one table of commands, one of options.
 * Options and arguments mix in any order; flags override environment, file and defaults. */
#ifndef GC_COORDINATOR_OPTIONS_H
#define GC_COORDINATOR_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "common/config.h"
#include "common/strv.h"
#include "coordinator/delta.h"
#include "coordinator/exit.h"

typedef enum gc_verb {
    GC_VERB_GENERATE,
    GC_VERB_FULL,
    GC_VERB_VALIDATE,
    GC_VERB_CLARIFY,
    GC_VERB_DUMP_FCS,
    GC_VERB_EXPLAIN,
    GC_VERB_CHECK,
    GC_VERB_JOBS,
    GC_VERB_STATUS,
    GC_VERB_CANCEL,
    GC_VERB_WORKERS,
    GC_VERB_FETCH,
    GC_VERB_COMPARE,
    GC_VERB_DOCTOR,
    GC_VERB_VERSION
} gc_verb;

typedef enum gc_progress_mode {
    GC_PROGRESS_AUTO, /* bar on a terminal, plain otherwise */
    GC_PROGRESS_BAR,
    GC_PROGRESS_PLAIN,
    GC_PROGRESS_JSON,
    GC_PROGRESS_NONE
} gc_progress_mode;

typedef struct gc_options {
    gc_verb verb;
    gc_config config; /* complete: defaults, file, environment, flags */
    char *spec;       /* path or NULL */
    gc_strv args;     /* what else the verb takes: DIR, JOB, PATH, A B */
    char *output;     /* default ./generated */
    bool output_given;
    char *answers; /* file or NULL */
    char *metrics; /* file or NULL */
    char *report;  /* --report FILE of a validation: JSON; or NULL */
    char *html;    /* --report FILE.html of a run, or NULL */
    bool dry_run;
    bool no_optimization;
    bool resume;
    char *resume_job; /* NULL: the newest unfinished one */
    bool yes;
    bool force;
    bool strict;
    bool json;
    bool watch;
    FILE *results; /* stdout, or where a caller wants them */
    gc_on_edit on_edit;
    gc_progress_mode progress;
} gc_options;

/* Parses everything and loads the configuration. *done is true if the program is finished
 * already (--help, --version) with the returned code. On a usage or configuration error the
 * message is on stderr and GC_EXIT_USAGE is returned. Always release. */
gc_exit gc_options_parse(int argc, char **argv, gc_options *out, bool *done);
void gc_options_release(gc_options *self);

#endif
