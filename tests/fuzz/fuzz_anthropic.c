/* An answer of the anthropic provider: however its bytes are cut, it is the same. The first byte
 * chooses content type, status, whether the connection broke, and the size of the pieces. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "worker/retry.h"

static const char *const types[] = { "text/event-stream", "application/json", "text/html",
                                     "" };
static const int statuses[] = { 200, 529, 404, 429 };

static void must(int condition)
{
    if (!condition)
        abort();
}

static void on_text(void *arg, const char *mem, size_t len)
{
    (void)mem;
    *(uint64_t *)arg += len;
}

static gc_fault hear(gc_llm *llm, uint8_t how, const char *text, size_t len, size_t step)
{
    uint64_t heard = 0;
    gc_retry_hint hint = { -1, -1 };
    gc_llm_init(llm, &gc_provider_anthropic, on_text, &heard);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gc_llm whole, cut;
    if (size < 2)
        return 0;
    const char *text = (const char *)data + 1;
    gc_fault fault = hear(&whole, data[0], text, size - 1, size);
    must(fault == hear(&cut, data[0], text, size - 1, (data[0] >> 5) * 7 + 1));
    must(whole.text_bytes == cut.text_bytes && whole.stop == cut.stop &&
         whole.usage.output == cut.usage.output);
    must(strcmp(gc_llm_said(&whole)->message, gc_llm_said(&cut)->message) == 0);
    gc_llm_release(&whole);
    gc_llm_release(&cut);
    return 0;
}
