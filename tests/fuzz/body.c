#include "fuzz/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "worker/retry.h"

void must(bool condition)
{
    if (!condition)
        abort();
}

void must_open_file(fuzz_file *self, const uint8_t *data, size_t size)
{
    self->fd = memfd_create("input", MFD_CLOEXEC);
    must(self->fd >= 0 && write(self->fd, data, size) == (ssize_t)size);
    snprintf(self->path, sizeof self->path, "/proc/self/fd/%d", self->fd);
}

/* ---- documents ---- */

/* Touches every node, so that the sanitizers see what a reader of the tree would. */
static size_t visit(const gc_node *node)
{
    size_t sum = node->text ? node->len : 0;
    must(node->line >= 1 && node->column >= 1);
    must(!node->text || node->text[node->len] == '\0');
    for (size_t i = 0; i < node->count; i++)
        sum += visit(node->items[i]) + (node->keys ? node->keys[i]->len : 0);
    return sum;
}

void fuzz_document(gc_doc_format format, const uint8_t *data, size_t size)
{
    gc_diags diags;
    gc_node *root = NULL;
    gc_diags_init(&diags, "input");
    gc_err err = gc_doc_parse((const char *)data, size, format, &diags, &root);
    must((err == GC_OK) == (diags.errors == 0) && (err != GC_OK || root));
    if (root)
        visit(root);
    gc_node_destroy(&root);
    gc_diags_release(&diags);
}

/* ---- answers ---- */

static const char *const types[] = { "text/event-stream", "application/json", "text/html",
                                     "" };
static const int statuses[] = { 200, 529, 404, 429 };

static void on_text(void *arg, const char *mem, size_t len)
{
    (void)mem;
    *(uint64_t *)arg += len;
}

/* The answer as `how` says, in pieces of `step` bytes. */
static gc_fault hear(gc_llm *llm, const gc_provider *provider, uint8_t how,
                     const char *text, size_t len, size_t step)
{
    uint64_t heard = 0;
    gc_retry_hint hint = { -1, -1 };
    gc_llm_init(llm, provider, on_text, &heard);
    gc_llm_head(llm, statuses[how >> 2 & 3], types[how & 3]);
    for (size_t at = 0; at < len; at += step)
        gc_llm_feed(llm, text + at, len - at < step ? len - at : step);
    llm->is_broken = how & 16;
    gc_llm_finish(llm);
    gc_fault fault = gc_fault_of(llm, &hint);
    must(heard == llm->text_bytes && llm->usage.input >= 0 && llm->usage.cache_read >= 0);
    must(gc_llm_ok(llm) == (fault == GC_FAULT_NONE));
    llm->arg = NULL; /* it ends with this call */
    return fault;
}

void fuzz_answer(const gc_provider *provider, const uint8_t *data, size_t size)
{
    gc_llm whole, cut;
    if (size < 2)
        return;
    uint8_t how = data[0];
    const char *text = (const char *)data + 1;
    gc_fault fault = hear(&whole, provider, how, text, size - 1, size);
    must(fault == hear(&cut, provider, how, text, size - 1, (how >> 5) * 7 + 1));
    must(whole.text_bytes == cut.text_bytes && whole.stop == cut.stop &&
         whole.usage.output == cut.usage.output);
    must(strcmp(gc_llm_said(&whole)->message, gc_llm_said(&cut)->message) == 0);
    gc_llm_release(&whole);
    gc_llm_release(&cut);
}
