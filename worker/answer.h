/* The files of one answer: split while it streams in, each through the gate as soon as its
 * end is seen. A model that sees its mistake may give a file again: the first good one counts.
 * Pure. */
#ifndef GC_WORKER_ANSWER_H
#define GC_WORKER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/task.h"
#include "worker/promises.h"
#include "worker/provider.h"

#define GC_ANSWER_MAX_COMPLAINT 8192

typedef struct gc_answer gc_answer;

typedef struct gc_answer_file {
    size_t index;     /* in task->files */
    const char *text; /* borrowed until gc_answer_drop or the answer is destroyed */
    size_t len;
    bool good;
    const char *complaint; /* of a file that is not good; borrowed like the text */
} gc_answer_file;

/* `wanted` says for each file of the task whether this call asks for it. Task and promises must
 * outlive the answer. */
gc_answer *gc_answer_new(const gc_task *task, const gc_promises *promises,
                         const bool *wanted);
void gc_answer_destroy(gc_answer **self_p);

/* Past the splitter's limit further bytes are dropped: the files in them are missing. */
void gc_answer_feed(gc_answer *self, const char *mem, size_t len);

/* `cut`: the end is not the model's own. */
void gc_answer_finish(gc_answer *self, bool cut);

/* The next file that became complete and good, or, after the end, complete at all; false if
 * there is none (yet). */
bool gc_answer_next(gc_answer *self, gc_answer_file *out);

/* After the end, what came in its place, for a person to look at; NULL: nothing. Borrowed
 * until the answer is destroyed. */
const char *gc_answer_piece(const gc_answer *self, size_t index, size_t *len);

/* Frees the text of this file of the task: it is stored. */
void gc_answer_drop(gc_answer *self, size_t index);

/* Why a wanted file is not there, for the model to act on. */
void gc_answer_missing(const gc_answer *self, const char *path, gc_stop stop,
                       const char *refusal, gc_buf *out);

#endif
