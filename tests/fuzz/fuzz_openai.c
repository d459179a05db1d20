/* An answer of the openai provider: bit 0 of the first byte says JSON instead of a stream, bit 1
 * an error status, the rest the size of the pieces. */
#include <stdint.h>
#include <stdlib.h>

#include "common/buf.h"
#include "worker/retry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_text(void *arg, const char *mem, size_t len)
{
    (void)mem;
    *(uint64_t *)arg += len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gc_llm llm;
    uint64_t heard = 0;
    gc_retry_hint hint = { -1, -1 };
    if (size < 2)
        return 0;
    size_t step = (size_t)(data[0] >> 2) + 1;
    gc_llm_init(&llm, &gc_provider_openai, on_text, &heard);
    gc_llm_head(&llm, data[0] & 2 ? 529 : 200,
                data[0] & 1 ? "application/json" : "text/event-stream");
    for (size_t at = 1; at < size; at += step)
        gc_llm_feed(&llm, (const char *)data + at, size - at < step ? size - at : step);
    gc_llm_finish(&llm);
    if (heard != llm.text_bytes || llm.usage.input < 0 || llm.usage.cache_read < 0 ||
        (gc_llm_ok(&llm) != (gc_fault_of(&llm, &hint) == GC_FAULT_NONE)))
        abort();
    gc_llm_release(&llm);
    return 0;
}
