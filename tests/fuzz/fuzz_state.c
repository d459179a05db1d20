/* Any bytes as a state file: refused with a sentence, or read; what was read prints to a text
 * that reads back to the same text. */
#include "fuzz/body.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/state.h"

#define TEXT_LIMIT ((size_t)64 << 20)

static void print(const gc_state *state, gc_buf *out)
{
    gc_buf_init(out, TEXT_LIMIT);
    gc_state_print(state, out);
    if (out->full)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gc_state state, again;
    gc_errinfo info = { 0 };
    if (gc_state_parse_sides((const char *)data, size, &state, &again) == GC_OK) {
        gc_state_release(&state);
        gc_state_release(&again);
    }
    gc_err err = gc_state_parse((const char *)data, size, &state, &info);
    if (err) {
        if ((err != GC_EPROTO && err != GC_ESTATE) || !*info.text)
            abort();
        return 0;
    }
    gc_buf first, second;
    print(&state, &first);
    if (gc_state_parse(first.ptr, first.len, &again, &info))
        abort();
    print(&again, &second);
    if (strcmp(first.ptr, second.ptr) != 0)
        abort();
    gc_buf_release(&first);
    gc_buf_release(&second);
    gc_state_release(&state);
    gc_state_release(&again);
    return 0;
}
