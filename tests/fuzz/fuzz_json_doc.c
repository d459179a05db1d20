/* Any bytes as a document in JSON. */
#include "fuzz/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_document(GC_DOC_JSON, data, size);
    return 0;
}
