/* The split on any bytes: however they are cut, the files and notes are the same, and what
 * is complete before the end stays as it is. The first two bytes choose cut and stop. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/split.h"

static const char *const paths[] = { "a.go", "b.md" };

static void must(int condition)
{
    if (!condition)
        abort();
}

static gc_split *split_in_pieces(const char *text, size_t len, size_t piece, size_t count,
                                 bool stopped_short)
{
    gc_split *split = gc_split_new(paths, count);
    const char *early[2] = { NULL, NULL };
    for (size_t i = 0; i < len; i += piece) {
        must(!gc_split_feed(split, text + i, len - i < piece ? len - i : piece));
        for (size_t k = 0; k < count; k++) {
            const char *content = gc_split_file(split, k, NULL);
            must(!early[k] || early[k] == content);
            early[k] = content;
        }
    }
    gc_split_finish(split, stopped_short);
    for (size_t k = 0; k < count; k++)
        must(!early[k] || early[k] == gc_split_file(split, k, NULL));
    return split;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *text = (const char *)data + 2;
    size_t len = size - 2, count = 1 + (data[1] & 1);
    bool stopped_short = data[1] & 2;
    gc_split *whole = split_in_pieces(text, len, len + 1, count, stopped_short);
    gc_split *cut = split_in_pieces(text, len, 1 + data[0] % 16, count, stopped_short);
    must(strcmp(gc_split_notes(whole), gc_split_notes(cut)) == 0);
    for (size_t k = 0; k < count; k++) {
        size_t a_len = 0, b_len = 0;
        const char *a = gc_split_file(whole, k, &a_len);
        const char *b = gc_split_file(cut, k, &b_len);
        must(!a == !b && a_len == b_len && (!a || memcmp(a, b, a_len) == 0));
    }
    gc_split_destroy(&whole);
    gc_split_destroy(&cut);
    return 0;
}
