/* A gc-worker whose provider answers at once and without HTTP: the real program, but for two
 * functions of call.h that the linker replaces (--wrap; uv_loop_init only tells the loop). What is measured with it is what the
 * system itself costs per task. */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/mem.h"
#include "worker/call.h"

struct gc_call {
    gc_call_conf conf;
    struct gc_call *next;
};

/* One loop in this program. The idle handle runs while calls wait for their answer. */
static uv_idle_t idle;
static struct gc_call *first, **last = &first;

int __real_uv_loop_init(uv_loop_t *loop);
int __wrap_uv_loop_init(uv_loop_t *loop);
gc_err __wrap_gc_call_start(const gc_call_conf *conf, gc_call **out);
void __wrap_gc_call_abort(gc_call **self_p, gc_call_end *out);

static void answer(struct gc_call *self)
{
    const gc_task *task = self->conf.prompt.task;
    gc_usage usage = { .input = 1000, .output = 20 };
    uint64_t bytes = 0;
    self->conf.on_started(self->conf.arg, &usage);
    for (size_t i = 0; i < task->file_count; i++) {
        char *text = gc_xasprintf("<file path=\"%s\">\npackage p\n\nvar Name = \"%s\"\n"
                                  "</file>\n",
                                  task->files[i].path, task->files[i].path);
        self->conf.on_text(self->conf.arg, text, strlen(text));
        bytes += strlen(text);
        free(text);
    }
    gc_call_end end = { .charge = GC_CHARGE_CONFIRMED,
                        .sent = true,
                        .started = true,
                        .usage = usage,
                        .stop_reason = "end_turn",
                        .refusal = "",
                        .text = "",
                        .text_bytes = bytes,
                        .duration_ms = 1 };
    self->conf.on_end(self->conf.arg, &end);
    free(self);
}

static void on_idle(uv_idle_t *handle)
{
    struct gc_call *one = first;
    uv_idle_stop(handle);
    first = NULL;
    last = &first;
    while (one) {
        struct gc_call *next = one->next;
        answer(one);
        one = next;
    }
}

int __wrap_uv_loop_init(uv_loop_t *loop)
{
    int status = __real_uv_loop_init(loop);
    uv_idle_init(loop, &idle);
    uv_unref((uv_handle_t *)&idle);
    return status;
}

gc_err __wrap_gc_call_start(const gc_call_conf *conf, gc_call **out)
{
    struct gc_call *self = gc_xcalloc(1, sizeof *self);
    self->conf = *conf;
    *last = self;
    last = &self->next;
    uv_idle_start(&idle, on_idle);
    *out = self;
    return GC_OK;
}

/* Only at the end of the program: whoever is asked answers within the same turn of the loop. */
void __wrap_gc_call_abort(gc_call **self_p, gc_call_end *out)
{
    *self_p = NULL;
    *out = (gc_call_end){ .stop_reason = "", .refusal = "", .text = "" };
}
