/* The command line of a daemon: one table of options, most of which set a configuration key.
 * Settings take effect in this order, later ones win: defaults, file, environment, options.
 * gc-coordinator has verbs and parses its own (coordinator/options.h). */
#ifndef GC_COMMON_PROGRAM_H
#define GC_COMMON_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/config.h"
#include "common/err.h"
#include "common/strv.h"

#define GC_PROGRAM_EXIT_OUTPUT 6
#define GC_PROGRAM_EXIT_USAGE 8

typedef struct gc_option {
    const char *name;     /* without hyphens */
    const char *argument; /* as help shows it; NULL: a flag, its value is "true" */
    const char *key; /* the configuration key it sets; NULL: the program asks for it */
    const char *help;
} gc_option;

/* A daemon as its help shows it. --config, --log-level, --log-format, --help and --version
 * are in every program and not in `options`. */
typedef struct gc_program {
    const char *name; /* "gc-broker" */
    const char *role; /* "broker", as log lines say */
    const char *usage;
    const char *ending; /* what help says after the options */
    void (*print_version)(void);
    const gc_option *options;
    size_t option_count;
} gc_program;

typedef struct gc_args {
    gc_strv keys;     /* configuration key, value, ... in order */
    gc_strv others;   /* name, value, ... of the options without a key */
    const char *file; /* --config; borrowed from argv; NULL: not given */
    bool help;
    bool version;
} gc_args;

/* Parses the command line and answers --help, --version and mistakes itself. -1: go on; else
 * the exit code. Release `out` in any case. */
GC_MUST_CHECK int gc_args_take(const gc_program *program, int argc, char **argv,
                               gc_args *out);
void gc_args_release(gc_args *self);

/* The last value given for an option without a key, or NULL. Borrowed. */
const char *gc_args_last(const gc_args *self, const char *name);

/* "gc-broker: error: TEXT; see gc-broker --help" on stderr, nothing if TEXT is empty (the
 * findings stand there already). Returns GC_PROGRAM_EXIT_USAGE. */
int gc_program_usage_error(const gc_program *program, const char *text);

/* File, environment and options into an initialised `config`. Findings in the file go to
 * stderr and leave `info` empty; every other error is in `info`. */
GC_MUST_CHECK gc_err gc_args_configure(const gc_args *self, gc_config *config,
                                       gc_errinfo *info);

/* Log lines as the configuration wants them. GC_EINVAL: no such level. */
GC_MUST_CHECK gc_err gc_program_start_log(const gc_program *program,
                                          const gc_config *config, gc_errinfo *info);

#endif
