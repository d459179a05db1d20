/* Any bytes as the record of what was seen: refused, or read; what was read prints to bytes
 * that read back. The seal is put right first, so that the reader behind it is reached. */
#include "fuzz/body.h"

#include <stdlib.h>
#include <string.h>

#include "coordinator/seen.h"

#define MAGIC_SIZE 8
#define SEAL_SIZE (MAGIC_SIZE + GC_SHA_RAW)

static void check(gc_buf *text)
{
    gc_seen seen, again;
    gc_buf printed;
    gc_err err = gc_seen_parse(text, &seen);
    if (err) {
        if (err != GC_EPROTO)
            abort();
        return;
    }
    gc_buf_init(&printed, GC_SEEN_MAX_BYTES);
    gc_seen_print(&seen, &printed);
    if (printed.full || gc_seen_parse(&printed, &again) || again.count != seen.count)
        abort();
    size_t hint = 0;
    for (size_t i = 0; i < seen.count; i++)
        if (gc_seen_find(&again, seen.files[i].path, &hint) != &again.files[i])
            abort();
    gc_buf_release(&printed);
    gc_seen_release(&again);
    gc_seen_release(&seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gc_buf text;
    gc_buf_init(&text, GC_SEEN_MAX_BYTES);
    gc_buf_append(&text, data, size);
    check(&text);
    gc_buf_reset(&text);
    gc_buf_append(&text, data, size);
    if (size >= SEAL_SIZE) {
        gc_sha sha = gc_sha256(data + SEAL_SIZE, size - SEAL_SIZE);
        gc_sha_raw(sha.hex, (unsigned char *)text.ptr + MAGIC_SIZE);
        check(&text);
    }
    gc_buf_release(&text);
    return 0;
}
