/* Up to the first zero byte: a wanted path; after it the prompt. With all wanted nothing
 * may change, with one the rest may only shrink. */
#include "fuzz/body.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "worker/elements.h"

static bool all(void *arg, const char *path)
{
    (void)arg;
    (void)path;
    return true;
}

static bool one(void *arg, const char *path)
{
    return strcmp(arg, path) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *zero = memchr(data, 0, size);
    if (!zero)
        return 0;
    char *path = gc_xmemdup(data, (size_t)(zero - data));
    const char *text = (const char *)zero + 1;
    size_t len = size - (size_t)(zero - data) - 1;
    gc_buf whole, some;
    gc_buf_init(&whole, (size_t)1 << 24);
    gc_buf_init(&some, (size_t)1 << 24);
    must(gc_elements_keep(text, len, all, NULL, &whole) == 0);
    must(whole.len == len && memcmp(whole.ptr, text, len) == 0);
    size_t dropped = gc_elements_keep(text, len, one, path, &some);
    must(dropped > 0 ? some.len < len : some.len == len);
    gc_buf_release(&whole);
    gc_buf_release(&some);
    free(path);
    return 0;
}
