/* Runs commands side by side, each in its own process group, with bounded output and time. */
#ifndef GC_COORDINATOR_POOL_H
#define GC_COORDINATOR_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

typedef struct gc_pool_job {
    char *const *argv; /* borrowed, NULL-terminated */
    gc_buf output;     /* stdout and stderr together; initialise before, release after */
    int status;        /* exit code; 128 + signal; -1 if it did not run at all */
    bool missing;      /* the program is not installed */
    bool timed_out;
    double seconds;
} gc_pool_job;

/* Runs all jobs in `dir`, at most `parallel` (> 0) at once; a job over `timeout_ms` is killed
 * with its children. Output past the buffer's limit is dropped. False: SIGINT, SIGTERM or
 * SIGHUP came; what ran was killed, what waited was not started (status -1). */
bool gc_pool_run(gc_pool_job *jobs, size_t count, const char *dir, size_t parallel,
                 int64_t timeout_ms);

#endif
