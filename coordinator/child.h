/* A program that the coordinator starts, watches and ends. It dies with us however we die, and
 * gets no signals of the terminal. */
#ifndef GC_COORDINATOR_CHILD_H
#define GC_COORDINATOR_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

#define GC_CHILD_MAX_ARGS 32

typedef struct gc_child {
    const char *name;              /* for messages; borrowed */
    char *args[GC_CHILD_MAX_ARGS]; /* the first is the program; owned */
    size_t arg_count;
    pid_t pid;    /* 0: not running */
    int ready_fd; /* -1: it has nothing to say */
    int restarts;
    int64_t restarts_since;
} gc_child;

/* The folder of the program that runs, where the others of the family are. free() it. */
char *gc_child_dir(void);

void gc_child_init(gc_child *c, const char *name);
void gc_child_release(gc_child *c); /* does not stop it */

/* Further arguments, less than GC_CHILD_MAX_ARGS in all: one, which is taken, or copies of a
 * list that ends with NULL. */
void gc_child_add(gc_child *c, char *text);
void gc_child_add_all(gc_child *c, const char *const *texts);

/* Its standard output is our standard error. With `ready_pipe` it finds a pipe at descriptor
 * 3. GC_EIO: no process can be made; that there is no such program shows in its end, with
 * status 127. */
GC_MUST_CHECK gc_err gc_child_start(gc_child *c, bool ready_pipe, gc_errinfo *info);

/* The first line that it writes to the pipe, without the newline; free() it. GC_ETIMEOUT;
 * GC_EIO: it ended. */
GC_MUST_CHECK gc_err gc_child_wait_ready(gc_child *c, int64_t timeout_ms, char **line,
                                         gc_errinfo *info);

/* Sends `sig` and waits for its end, after 5 s by force. Nothing if it does not run. */
void gc_child_stop(gc_child *c, int sig);

/* Starts it again if it has died, unless it may not be, dies all the time (five times in a
 * minute), is not installed, or refused its settings, which say the same at the next start
 * (GC_EINVAL in `info`). True if it cannot be mended; `info` says why. */
bool gc_child_mend(gc_child *c, bool may_restart, gc_errinfo *info);

#endif
