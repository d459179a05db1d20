/* Any bytes as the record of the last run's facts: refused, or read; what was read prints to a
 * text that reads back to the same text. */
#include "fuzz/body.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/facts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gc_facts facts, again;
    gc_buf first, second;
    if (gc_facts_parse((const char *)data, size, &facts))
        return 0;
    gc_buf_init(&first, GC_BASIS_MAX_BYTES);
    gc_buf_init(&second, GC_BASIS_MAX_BYTES);
    gc_facts_print(&facts, &first);
    if (first.full || gc_facts_parse(first.ptr, first.len, &again))
        abort();
    gc_facts_print(&again, &second);
    if (strcmp(first.ptr, second.ptr) != 0)
        abort();
    gc_buf_release(&first);
    gc_buf_release(&second);
    gc_facts_release(&facts);
    gc_facts_release(&again);
    return 0;
}
