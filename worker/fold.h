/* A task's long texts (the prompt's own blocks, the promises), packed while nobody reads them:
 * of thousands of calls each keeps its prompt in case it must be sent again, and its promises
 * until the gate, and both say much the same. Pure; zlib inside. One thread. */
#ifndef GC_WORKER_FOLD_H
#define GC_WORKER_FOLD_H

#include "common/task.h"

/* What packing needs, some 200 KB; one is enough for all tasks. */
typedef struct gc_folder gc_folder;

gc_folder *gc_folder_new(void);
void gc_folder_destroy(gc_folder **self_p);

typedef struct gc_fold gc_fold;

/* Packs and frees the texts: they are NULL until gc_fold_open. Returns NULL and leaves the
 * task as it is if that is not worth it. */
gc_fold *gc_fold_new(gc_folder *folder, gc_task *task);

/* Lends the texts to the task until gc_fold_shut, which must come before the task is
 * destroyed. Both do nothing if `self` is NULL or there is nothing to do. */
void gc_fold_open(gc_fold *self, gc_task *task);
void gc_fold_shut(gc_fold *self, gc_task *task);

/* Must be shut. */
void gc_fold_destroy(gc_fold **self_p);

#endif
