/* What comes out of an answer that a test feeds to a provider. */
#ifndef GC_TESTS_UNIT_WORKER_HEARD_H
#define GC_TESTS_UNIT_WORKER_HEARD_H

#include "support/must.h"

#include "worker/provider.h"

typedef struct heard {
    gc_llm llm;
    gc_buf text;
} heard;

static inline void heard_on_text(void *arg, const char *mem, size_t len)
{
    must_ok(gc_buf_append(&((heard *)arg)->text, mem, len));
}

static inline void listen(heard *self, const gc_provider *provider, int status,
                          const char *type)
{
    gc_buf_init(&self->text, 1 << 20);
    gc_llm_init(&self->llm, provider, heard_on_text, self);
    gc_llm_head(&self->llm, status, type);
}

static inline void forget(heard *self)
{
    gc_llm_release(&self->llm);
    gc_buf_release(&self->text);
}

#endif
