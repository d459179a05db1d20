/* Any bytes as a document in YAML. */
#include "fuzz/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_document(GC_DOC_YAML, data, size);
    return 0;
}
