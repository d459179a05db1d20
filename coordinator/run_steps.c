/* Where each file stands, and the lists that spare the loop a look at all of them. */
#include <stdlib.h>

#include "common/mem.h"
#include "coordinator/run_private.h"

static void list_add(run_list *self, size_t file)
{
    self->files = gc_grow(self->files, self->count, &self->cap, sizeof *self->files);
    self->files[self->count++] = file;
}

void run_open_steps(gc_run *run)
{
    const gc_plan *plan = run->project.plan;
    run->files = gc_xcalloc(plan->file_count, sizeof *run->files);
    run->level_open = gc_xcalloc(plan->level_count + 1, sizeof *run->level_open);
    run->step_count[RUN_BLOCKED] = plan->file_count;
    for (size_t i = 0; i < plan->file_count; i++)
        run->level_open[plan->files[i].level]++;
}

void run_close_steps(gc_run *run)
{
    for (size_t i = 0; run->files && i < run->stats.file_count; i++)
        free(run->files[i].complaint);
    free(run->files);
    free(run->level_open);
    free(run->ready.files);
    free(run->stored.files);
}

void run_set_step(gc_run *run, size_t file, run_step step)
{
    run_file *f = &run->files[file];
    size_t level = run->project.plan->files[file].level;
    if (f->step == RUN_DONE)
        run->level_open[level]++;
    if (step == RUN_DONE)
        run->level_open[level]--;
    run->step_count[f->step]--;
    run->step_count[step]++;
    f->step = step;
    if (step == RUN_READY && !f->listed_ready) {
        f->listed_ready = true;
        list_add(&run->ready, file);
    } else if (step == RUN_COLLECT && !f->listed_stored) {
        f->listed_stored = true;
        list_add(&run->stored, file);
    }
}

size_t run_lowest_level(const gc_run *run)
{
    size_t level = 0;
    while (level < run->project.plan->level_count && !run->level_open[level])
        level++;
    return level;
}

static int ascending(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

size_t *run_ready_files(gc_run *run, int64_t now_ms, size_t *count)
{
    run_list *list = &run->ready;
    size_t *due = gc_xcalloc(list->count + 1, sizeof *due), kept = 0;
    *count = 0;
    for (size_t i = 0; i < list->count; i++) {
        size_t file = list->files[i];
        run_file *f = &run->files[file];
        f->listed_ready = f->step == RUN_READY;
        if (!f->listed_ready)
            continue;
        list->files[kept++] = file;
        if (f->retry_at <= now_ms)
            due[(*count)++] = file;
    }
    list->count = kept;
    if (*count)
        qsort(due, *count, sizeof *due, ascending);
    return due;
}

void run_forget_stored(gc_run *run)
{
    run_list *list = &run->stored;
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        run_file *f = &run->files[list->files[i]];
        f->listed_stored = f->step == RUN_COLLECT;
        if (f->listed_stored)
            list->files[kept++] = list->files[i];
    }
    list->count = kept;
}
