/* The split on any bytes: however they are cut, the files and notes are the same, and what
 * is complete before the end stays as it is. The first two bytes choose cut, stop and whether
 * a judge refuses files that hold a `?`. */
#include "fuzz/body.h"

#include <string.h>

#include "common/split.h"

static const char *const paths[] = { "a.go", "b.md" };

static bool judge(void *arg, size_t index, const char *content, size_t len)
{
    must(arg == paths && index < 2);
    return !memchr(content, '?', len);
}

static gc_split *split_in_pieces(const char *text, size_t len, size_t piece, uint8_t how)
{
    size_t count = 1 + (how & 1);
    gc_split *split = gc_split_new(paths, count);
    if (how & 4)
        gc_split_set_judge(split, judge, (void *)paths);
    const char *early[2] = { NULL, NULL };
    for (size_t i = 0; i < len; i += piece) {
        must(!gc_split_feed(split, text + i, len - i < piece ? len - i : piece));
        for (size_t k = 0; k < count; k++) {
            const char *content = gc_split_file(split, k, NULL);
            must(!early[k] || early[k] == content);
            early[k] = content;
        }
    }
    gc_split_finish(split, how & 2);
    for (size_t k = 0; k < count; k++)
        must(!early[k] || early[k] == gc_split_file(split, k, NULL));
    return split;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *text = (const char *)data + 2;
    size_t len = size - 2, count = 1 + (data[1] & 1);
    gc_split *whole = split_in_pieces(text, len, len + 1, data[1]);
    gc_split *cut = split_in_pieces(text, len, 1 + data[0] % 16, data[1]);
    must(strcmp(gc_split_notes(whole), gc_split_notes(cut)) == 0);
    for (size_t k = 0; k < count; k++) {
        size_t a_len = 0, b_len = 0;
        const char *a = gc_split_file(whole, k, &a_len);
        const char *b = gc_split_file(cut, k, &b_len);
        must(!a == !b && a_len == b_len && (!a || memcmp(a, b, a_len) == 0));
        a = gc_split_piece(whole, k, &a_len);
        b = gc_split_piece(cut, k, &b_len);
        must(!a == !b && (!a || (a_len == b_len && memcmp(a, b, a_len) == 0)));
    }
    gc_split_destroy(&whole);
    gc_split_destroy(&cut);
    return 0;
}
