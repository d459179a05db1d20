/* Findings about a file that a person wrote: collected in one pass, printed together as
 * `PATH:LINE:COLUMN: error|warning: text; fix` (an empty file is :1:1). */
#ifndef GC_COMMON_DIAG_H
#define GC_COMMON_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/err.h"

typedef enum gc_severity {
    GC_SEV_ERROR,
    GC_SEV_WARNING,
    GC_SEV_NOTE
} gc_severity;

typedef struct gc_diag {
    gc_severity severity;
    int line;   /* from 1 */
    int column; /* from 1, in code points */
    char *text; /* "what; fix" */
} gc_diag;

/* Bounded: past GC_DIAGS_MAX findings only the counts go on. */
#define GC_DIAGS_MAX 200
typedef struct gc_diags {
    char *path; /* as the user gave it */
    gc_diag *items;
    size_t count;
    size_t cap;
    size_t errors;
    size_t warnings;
} gc_diags;

/* `path` is copied. */
void gc_diags_init(gc_diags *self, const char *path);
void gc_diags_release(gc_diags *self);

/* Lines and columns below 1 are taken as 1. Control bytes in the text are escaped. */
void gc_diags_add(gc_diags *self, gc_severity severity, int line, int column,
                  const char *fmt, ...) GC_PRINTF(5, 6);

/* Sorted by line, then column, then as added. Notes print as "note". */
void gc_diags_print(gc_diags *self, FILE *out);

#endif
