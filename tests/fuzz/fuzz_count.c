/* Any bytes as the answer of the provider's token counter, which is refused or a sane number, or
 * as its list of models, of which there is always something to say. */
#include "fuzz/body.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/count_tokens.h"
#include "coordinator/reach.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (long status = 200; status <= 400; status += 200) {
        int64_t tokens = 0;
        gc_errinfo info = { 0 };
        gc_err err = gc_count_read(status, (const char *)data, size, &tokens, &info);
        if (err ? tokens || !*info.text : status != 200 || tokens < 1)
            abort();
        char text[GC_REACH_TEXT] = "";
        gc_reach_read(status, (const char *)data, size, true, text);
        if (!*text || strlen(text) >= sizeof text)
            abort();
    }
    return 0;
}
