/* An answer of the anthropic provider, whole and in pieces. */
#include "fuzz/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_answer(&gc_provider_anthropic, data, size);
    return 0;
}
