/* One log line per event on stderr: a stable event id, then logfmt pairs; or one JSON
 * object per line. Ids and sizes, never payloads or secrets. Cores do not log.
 *   gc_log_warn("lease.expired", "task=%s idle_ms=%d", task, idle_ms); */
#ifndef GC_COMMON_LOG_H
#define GC_COMMON_LOG_H

#include <stdbool.h>

#include "common/err.h"

typedef enum gc_log_level {
    GC_LOG_ERROR,
    GC_LOG_WARN,
    GC_LOG_INFO,
    GC_LOG_DEBUG
} gc_log_level;

/* `component` (borrowed for ever) names the program, e.g. "worker". */
void gc_log_setup(const char *component, gc_log_level level, bool json);

/* "error", "warn", "info" or "debug"; "auto" leaves *out at the program's own choice;
 * GC_EINVAL for other words. */
GC_MUST_CHECK gc_err gc_log_level_parse(const char *text, gc_log_level *out);
bool gc_log_on(gc_log_level level);

/* Every log line is passed through this before it is written, if set: the one place where
 * a progress bar clears its line. NULL to unset. */
void gc_log_set_before_write(void (*before)(void *), void *arg);

void gc_log_write(gc_log_level level, const char *event, const char *fmt, ...)
    GC_PRINTF(3, 4);

#define gc_log_error(...) gc_log_write(GC_LOG_ERROR, __VA_ARGS__)
#define gc_log_warn(...) gc_log_write(GC_LOG_WARN, __VA_ARGS__)
#define gc_log_info(...) gc_log_write(GC_LOG_INFO, __VA_ARGS__)
#define gc_log_debug(...) gc_log_write(GC_LOG_DEBUG, __VA_ARGS__)

#endif
