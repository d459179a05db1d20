/* The long texts of a task: the prompt's own blocks and what its files promise. They make the
 * request, and again if it must be repeated; each promise is read when its file ends. In
 * between, while the answer streams, nobody looks at them: thousands of calls keep them packed
 * (RFC 1951) in a tenth to a third of the memory. One thread. */
#ifndef GC_WORKER_TEXTS_H
#define GC_WORKER_TEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/task.h"

typedef struct gc_texts {
    gc_task *task;
    unsigned char *packed; /* NULL: not packed so far; kept once it is */
    size_t packed_len;
    size_t raw_len;
    bool away;     /* packed, and NULL in the task */
    bool hopeless; /* they do not get smaller */
} gc_texts;

/* The task is borrowed until the release, after which its texts may be gone. */
void gc_texts_init(gc_texts *self, gc_task *task);
void gc_texts_release(gc_texts *self);

/* From now on the texts are NULL in the task, if that saves anything. The second time costs
 * next to nothing. */
void gc_texts_pack(gc_texts *self);

/* They are in the task, as they were. */
void gc_texts_unpack(gc_texts *self);

#endif
