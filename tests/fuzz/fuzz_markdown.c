/* Any bytes as a document in Markdown. */
#include "fuzz/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_document(GC_DOC_MARKDOWN, data, size);
    return 0;
}
