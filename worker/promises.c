#include "worker/promises.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

typedef struct place {
    const char *at; /* in a block of the prompt; NULL: the task has the text itself */
    size_t len;
} place;

struct gc_promises {
    const gc_task *task;
    place places[]; /* of each file */
};

static const char *find(const gc_task *task, const char *promise)
{
    const char *at = NULL;
    for (size_t i = task->user_count; i-- > 0 && !at;)
        if (task->user[i].text)
            at = strstr(task->user[i].text, promise);
    return at;
}

gc_promises *gc_promises_new(gc_task *task)
{
    gc_promises *self =
        gc_xcalloc(1, sizeof *self + task->file_count * sizeof *self->places);
    self->task = task;
    for (size_t i = 0; i < task->file_count; i++) {
        char **promise = &task->files[i].promise;
        self->places[i] = (place){ find(task, *promise), strlen(*promise) };
        if (self->places[i].at)
            gc_free_str(promise);
    }
    return self;
}

void gc_promises_destroy(gc_promises **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

char *gc_promises_text(const gc_promises *self, size_t file)
{
    const place *p = &self->places[file];
    return p->at ? gc_xmemdup(p->at, p->len)
                 : gc_xstrdup(self->task->files[file].promise);
}
