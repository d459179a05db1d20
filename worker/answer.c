#include "worker/answer.h"

#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "common/mem.h"
#include "common/split.h"

struct gc_answer {
    const gc_task *task;
    const gc_promises *promises;
    gc_split *split;
    size_t *index;     /* split file -> task file */
    char **complaints; /* of the latest one of a file; NULL: it is good, or none came */
    bool *taken;
    size_t count;
    size_t left; /* not taken yet */
    bool overflow;
};

static bool judge(void *arg, size_t index, const char *text, size_t len)
{
    gc_answer *self = arg;
    const gc_task_file *file = &self->task->files[self->index[index]];
    gc_buf complaint;
    gc_buf_init(&complaint, GC_ANSWER_MAX_COMPLAINT);
    char *promise = gc_promises_text(self->promises, self->index[index]);
    gc_err err = gc_go_gate(file->path, file->package, promise, text, len, &complaint);
    free(promise);
    free(self->complaints[index]);
    self->complaints[index] = err ? gc_buf_take(&complaint) : NULL;
    gc_buf_release(&complaint);
    return !err;
}

gc_answer *gc_answer_new(const gc_task *task, const gc_promises *promises,
                         const bool *wanted)
{
    gc_answer *self = gc_xcalloc(1, sizeof *self);
    const char **paths = gc_xcalloc(task->file_count + 1, sizeof *paths);
    self->task = task;
    self->promises = promises;
    self->index = gc_xcalloc(task->file_count + 1, sizeof *self->index);
    self->complaints = gc_xcalloc(task->file_count + 1, sizeof *self->complaints);
    self->taken = gc_xcalloc(task->file_count + 1, sizeof *self->taken);
    for (size_t i = 0; i < task->file_count; i++) {
        if (!wanted[i])
            continue;
        paths[self->count] = task->files[i].path;
        self->index[self->count++] = i;
    }
    self->left = self->count;
    self->split = gc_split_new(paths, self->count);
    gc_split_set_judge(self->split, judge, self);
    free(paths);
    return self;
}

void gc_answer_destroy(gc_answer **self_p)
{
    gc_answer *self = *self_p;
    if (!self)
        return;
    gc_split_destroy(&self->split);
    for (size_t i = 0; i < self->count; i++)
        free(self->complaints[i]);
    free(self->complaints);
    free(self->index);
    free(self->taken);
    free(self);
    *self_p = NULL;
}

void gc_answer_feed(gc_answer *self, const char *mem, size_t len)
{
    if (!self->overflow && gc_split_feed(self->split, mem, len))
        self->overflow = true;
}

void gc_answer_finish(gc_answer *self, bool cut)
{
    gc_split_finish(self->split, cut || self->overflow);
}

bool gc_answer_next(gc_answer *self, gc_answer_file *out)
{
    for (size_t i = 0; i < self->count && self->left > 0; i++) {
        size_t len;
        const char *text = self->taken[i] ? NULL : gc_split_file(self->split, i, &len);
        if (!text)
            continue;
        const char *complaint = self->complaints[i];
        *out = (gc_answer_file){ self->index[i], text, len, !complaint,
                                 complaint ? complaint : "" };
        self->taken[i] = true;
        self->left--;
        return true;
    }
    return false;
}

void gc_answer_drop(gc_answer *self, size_t index)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->index[i] == index)
            gc_split_drop(self->split, i);
}

const char *gc_answer_piece(const gc_answer *self, size_t index, size_t *len)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->index[i] == index)
            return gc_split_piece(self->split, i, len);
    return NULL;
}

void gc_answer_missing(const gc_answer *self, const char *path, gc_stop stop,
                       const char *refusal, gc_buf *out)
{
    if (stop == GC_STOP_REFUSED)
        gc_buf_printf(out, "the model refused to answer%s%s", *refusal ? ": " : "",
                      refusal);
    else if (stop == GC_STOP_CUT || self->overflow)
        gc_buf_printf(
            out, "the answer was cut off at its output limit before the end of %s", path);
    else
        gc_buf_printf(out, "%s is missing in the answer", path);
    const char *notes = gc_split_notes(self->split);
    if (*notes && stop != GC_STOP_REFUSED)
        gc_buf_printf(out, "\n%s", notes);
}
