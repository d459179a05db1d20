/* What the command line knows: one table of commands, one of options; parsing, --help and the
 * names of what was mistyped all read these. For options.c only. */
#ifndef GC_COORDINATOR_OPTIONS_TABLE_H
#define GC_COORDINATOR_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "coordinator/options.h"

typedef struct gc_verb_row {
    const char *name;
    gc_verb verb;
    const char *args; /* as help shows them */
    size_t min_args, max_args;
    const char *options; /* letters of groups, see gc_option_row */
    const char *help;
} gc_verb_row;

typedef enum gc_option_id {
    GC_OPT_OUTPUT,
    GC_OPT_CONFIG,
    GC_OPT_SPEC,
    GC_OPT_ANSWERS,
    GC_OPT_BROKER,
    GC_OPT_REDIS,
    GC_OPT_WORKERS,
    GC_OPT_PROVIDER,
    GC_OPT_MODEL,
    GC_OPT_DRY_RUN,
    GC_OPT_NO_OPTIMIZATION,
    GC_OPT_METRICS,
    GC_OPT_RESUME,
    GC_OPT_MAX_COST,
    GC_OPT_YES,
    GC_OPT_FORCE,
    GC_OPT_STRICT,
    GC_OPT_ON_EDIT,
    GC_OPT_PROGRESS,
    GC_OPT_REPORT,
    GC_OPT_JSON,
    GC_OPT_WATCH,
    GC_OPT_LOG_LEVEL,
    GC_OPT_LOG_FORMAT,
    GC_OPT_INSECURE,
    GC_OPT_HELP,
    GC_OPT_VERSION
} gc_option_id;

/* Groups of options: c configuration and log, s spec, o output, m model, e edits and
 * optimisation, r run (m and e with it), k cluster, p report, v validation, j json, w watch,
 * * all. */
typedef struct gc_option_row {
    const char *name;
    char letter; /* 0: none */
    gc_option_id id;
    char group;      /* which verbs take it */
    const char *arg; /* NULL: none; "[JOB]": optional */
    const char *key; /* the configuration key that it sets, or NULL */
    const char *help;
} gc_option_row;

#define GC_VERB_ROWS 15 /* generate, the default, is the first */
#define GC_OPTION_ROWS 28
extern const gc_verb_row gc_verb_rows[GC_VERB_ROWS];
extern const gc_option_row gc_option_rows[GC_OPTION_ROWS];

/* By name (an option's without dashes, `len` bytes) or letter; NULL: there is none. */
const gc_verb_row *gc_verb_find(const char *name);
const gc_option_row *gc_option_find(const char *name, size_t len);
const gc_option_row *gc_option_find_letter(char letter);

bool gc_verb_takes(const gc_verb_row *verb, const gc_option_row *option);

/* --help of one command, and of the program. */
void gc_verb_print_help(const gc_verb_row *verb, FILE *out);
void gc_options_print_help(FILE *out);

#endif
