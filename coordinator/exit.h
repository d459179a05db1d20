/* Exit codes of gc-coordinator: part of its contract with scripts. */
#ifndef GC_COORDINATOR_EXIT_H
#define GC_COORDINATOR_EXIT_H

typedef enum gc_exit {
    GC_EXIT_OK = 0,
    GC_EXIT_GENERAL = 1,
    GC_EXIT_SPEC = 2,
    GC_EXIT_CLARIFY = 3,    /* open questions: clarify, generate --strict */
    GC_EXIT_GENERATION = 4, /* resumable; the message says how */
    GC_EXIT_VALIDATION = 5, /* failed, or asked for without a Go toolchain */
    GC_EXIT_FILES = 6,
    GC_EXIT_NETWORK = 7, /* network or provider */
    GC_EXIT_USAGE = 8,   /* configuration or usage */
    GC_EXIT_INTERNAL = 9,
    GC_EXIT_INTERRUPTED = 130
} gc_exit;

#endif
