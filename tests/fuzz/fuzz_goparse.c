/* API digest and gate on any bytes. Before the first \1 stands the promise, behind it the
 * file. What the digest takes, the gate parses; complaints are text, and there is one exactly
 * if the gate refuses. */
#include "fuzz/body.h"

#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "common/mem.h"
#include "common/text.h"

static void gate(const char *promise, const char *src, size_t len, bool parses)
{
    gc_buf complaint;
    gc_buf_init(&complaint, 8192);
    gc_err err = gc_go_gate("a/b.go", "b", promise, src, len, &complaint);
    must(!err == !complaint.len);
    must(err || parses);
    must(gc_utf8_valid(complaint.ptr, complaint.len));
    gc_buf_release(&complaint);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = size ? memchr(data, 1, size) : NULL;
    size_t promise_len = cut ? (size_t)(cut - data) : 0;
    const uint8_t *start = cut ? cut + 1 : data;
    size_t len = size - (size_t)(start - data);
    char *promise = gc_xmemdup(data, promise_len);
    char *src = gc_xmalloc(len ? len : 1); /* its own block: overruns are seen */
    gc_errinfo info = { 0 };
    gc_sha a, b;
    if (len)
        memcpy(src, start, len);
    bool parses = !gc_go_api_digest(src, len, &a, &info);
    must(parses || (info.text[0] && gc_utf8_valid(info.text, strlen(info.text))));
    if (parses) {
        must(!gc_go_api_digest(src, len, &b, NULL));
        must(strcmp(a.hex, b.hex) == 0);
    }
    gate(promise, src, len, parses);
    free(promise);
    free(src);
    return 0;
}
