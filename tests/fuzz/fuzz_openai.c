/* An answer of the openai provider, whole and in pieces. */
#include "fuzz/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_answer(&gc_provider_openai, data, size);
    return 0;
}
