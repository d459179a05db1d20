/* What somebody who watches a job sees: counts, money, time left, the running calls. Made by
 * the run, drawn here or, by way of its JSON in Redis, on any other host. Pure. */
#ifndef GC_COORDINATOR_VIEW_H
#define GC_COORDINATOR_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"

/* Version of the JSON form; new members do not change it. */
#define GC_VIEW_VERSION 1

/* Calls that are listed one by one, the longest running first; the rest is counted. */
#define GC_VIEW_MAX_CALLS 32

typedef struct gc_view_call {
    char *path;     /* the file that is being written, or waited for */
    size_t files;   /* that the call was asked for */
    bool streaming; /* false: nothing of the answer has come yet */
    int64_t tokens; /* of the answer so far, counted by its bytes */
    int64_t elapsed_ms;
} gc_view_call;

typedef struct gc_view {
    char phase[32];
    bool simulated;
    size_t files, done, failed;
    size_t in_flight;      /* files asked for */
    size_t calls_running;  /* calls that a worker has begun */
    int64_t output_tokens; /* paid so far */
    double cost_usd, expected_usd;
    int64_t elapsed_ms;
    double left_s;                         /* negative: not known yet */
    gc_view_call calls[GC_VIEW_MAX_CALLS]; /* the paths are owned */
    size_t call_count;
} gc_view;

void gc_view_release(gc_view *self);

/* The members of a progress event, for the caller to complete with its version and time. */
json_t *gc_view_json(const gc_view *self);

/* GC_EPROTO: no progress event of this version. What text it holds is made valid UTF-8
 * without control characters. */
GC_MUST_CHECK gc_err gc_view_parse(const char *json, size_t len, gc_view *out);

/* "12/57 files, 3 calls, 1234 tokens, $0.0123 of about $0.0456, 12s left" */
void gc_view_counts(const gc_view *self, gc_buf *out);

/* Lines for a terminal of `width` columns, none longer, '\n' between them: the bar of the
 * phase, then the running calls, at most `height` lines in all (at least 1). `frame` turns
 * the spinners. In a narrow terminal dollars are rounded to cents first, then the bar gives way,
 * then the end of the line; that the model is simulated comes before all that. */
void gc_view_draw(const gc_view *self, size_t width, size_t height, unsigned frame,
                  gc_buf *out);

#endif
