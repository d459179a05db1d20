/* The first byte picks the size of the pieces; the events must not depend on it. */
#include "fuzz/body.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "worker/sse.h"

static void note(void *arg, const char *name, const char *text, size_t len)
{
    gc_buf *seen = arg;
    gc_buf_puts(seen, name);
    gc_buf_putc(seen, '|');
    gc_buf_append(seen, text, len);
    gc_buf_putc(seen, '\n');
}

static void parse(const char *text, size_t len, size_t step, gc_buf *seen)
{
    gc_sse sse;
    gc_err err = GC_OK;
    gc_buf_init(seen, (size_t)16 << 20);
    gc_sse_init(&sse, note, seen);
    for (size_t at = 0; at < len && !err; at += step)
        err = gc_sse_feed(&sse, text + at, len - at < step ? len - at : step);
    gc_sse_release(&sse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gc_buf whole, cut;
    if (size < 2)
        return 0;
    const char *text = (const char *)data + 1;
    parse(text, size - 1, size, &whole);
    parse(text, size - 1, (size_t)data[0] % 17 + 1, &cut);
    if (whole.len != cut.len || memcmp(whole.ptr, cut.ptr, whole.len) != 0)
        abort();
    gc_buf_release(&whole);
    gc_buf_release(&cut);
    return 0;
}
