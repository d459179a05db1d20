/* Any bytes, in one piece and byte by byte: the HTTP parser must agree with itself. */
#include "fuzz/body.h"

#include <assert.h>
#include <string.h>

#include "tests/llm-sim/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gc_sim_http whole;
    gc_sim_http pieces;
    size_t used = 0;
    size_t total = 0;
    gc_err piece_err = GC_OK;
    gc_sim_http_init(&whole);
    gc_sim_http_init(&pieces);
    gc_err err = gc_sim_http_feed(&whole, (const char *)data, size, &used);
    while (!piece_err && total < size && pieces.state != GC_SIM_HTTP_DONE) {
        size_t one = 0;
        piece_err = gc_sim_http_feed(&pieces, (const char *)data + total, 1, &one);
        total += one;
    }
    assert(err == piece_err);
    assert(whole.state == pieces.state);
    if (!err) {
        assert(used == total);
        assert(whole.header_count == pieces.header_count);
        assert(whole.body.len == pieces.body.len);
        assert(memcmp(whole.body.ptr, pieces.body.ptr, whole.body.len) == 0);
    }
    gc_sim_http_release(&whole);
    gc_sim_http_release(&pieces);
    return 0;
}
