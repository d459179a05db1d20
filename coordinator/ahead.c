#include "coordinator/ahead.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/mem.h"

struct gc_ahead {
    const char *dir;
    const char *state_file;
    bool use_state, recall;
    atomic_bool stop;
    bool threaded;
    pthread_t thread;
    /* Of the thread until it has ended. */
    gc_output *output;
    gc_err err;
    gc_errinfo info;
};

static void look(gc_ahead *self)
{
    self->err = gc_output_peek(self->dir, self->state_file, self->use_state,
                               &self->output, &self->info);
    if (self->err)
        return;
    if (self->recall)
        gc_output_recall(self->output);
    gc_output_look_ahead(self->output, &self->stop);
}

static void *run(void *arg)
{
    look(arg);
    return NULL;
}

gc_ahead *gc_ahead_start(const char *dir, const char *state_file, bool use_state,
                         bool recall)
{
    gc_ahead *self = gc_xcalloc(1, sizeof *self);
    *self = (gc_ahead){
        .dir = dir, .state_file = state_file, .use_state = use_state, .recall = recall
    };
    self->threaded = pthread_create(&self->thread, NULL, run, self) == 0;
    return self;
}

static void end(gc_ahead *self)
{
    if (self->threaded)
        pthread_join(self->thread, NULL);
    else
        look(self); /* no thread is to be had: now, then */
}

gc_err gc_ahead_take(gc_ahead **self_p, gc_output **out, gc_errinfo *info)
{
    gc_ahead *self = *self_p;
    end(self);
    gc_err err = self->err;
    if (err && info)
        *info = self->info;
    if (!err)
        *out = self->output;
    free(self);
    *self_p = NULL;
    return err;
}

void gc_ahead_destroy(gc_ahead **self_p)
{
    gc_ahead *self = *self_p;
    if (!self)
        return;
    atomic_store(&self->stop, true);
    if (self->threaded)
        pthread_join(self->thread, NULL);
    gc_output_close(&self->output);
    free(self);
    *self_p = NULL;
}
