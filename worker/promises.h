/* What the files of a task promise, for the gate. Each promise stands in the prompt as well, as
 * the body of the file's <generate> element: with thousands of calls at once one copy is enough,
 * and it is the one in the prompt. Pure. */
#ifndef GC_WORKER_PROMISES_H
#define GC_WORKER_PROMISES_H

#include <stddef.h>

#include "common/task.h"

typedef struct gc_promises gc_promises;

/* The texts that the prompt has are taken out of the task (their promise is NULL then), which is
 * borrowed with its blocks. */
gc_promises *gc_promises_new(gc_task *task);
void gc_promises_destroy(gc_promises **self_p);

/* As it was in the task; free() it. */
char *gc_promises_text(const gc_promises *self, size_t file);

#endif
