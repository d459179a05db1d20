/* Any bytes as the answer of the provider's token counter: refused, or a sane number. */
#include "fuzz/body.h"

#include <stdlib.h>

#include "coordinator/count_tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (long status = 200; status <= 400; status += 200) {
        int64_t tokens = 0;
        gc_errinfo info = { 0 };
        gc_err err = gc_count_read(status, (const char *)data, size, &tokens, &info);
        if (err ? tokens || !*info.text : status != 200 || tokens < 1)
            abort();
    }
    return 0;
}
