#include "common/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/must.h"

/* Sizes around the borders between chunks, kinds of memory in turns. */
static void test_arena_keeps_everything(void **state)
{
    enum {
        COUNT = 3000
    };
    gc_arena *arena = gc_arena_new();
    char *texts[COUNT], want[9000];
    unsigned char *blocks[COUNT];
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = (i * 37) % (i % 100 ? 200 : 8000);
        memset(want, (int)('a' + i % 26), size);
        texts[i] = gc_arena_text(arena, want, size);
        blocks[i] = gc_arena_alloc(arena, size + 1);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k <= size; k++)
            assert_int_equal(blocks[i][k], 0);
        memset(blocks[i], (int)(i % 251), size + 1);
    }
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = (i * 37) % (i % 100 ? 200 : 8000);
        assert_int_equal(strlen(texts[i]), size);
        for (size_t k = 0; k < size; k++)
            assert_int_equal(texts[i][k], 'a' + (int)(i % 26));
        for (size_t k = 0; k <= size; k++)
            assert_int_equal(blocks[i][k], i % 251);
    }
    gc_arena_destroy(&arena);
    assert_null(arena);
    gc_arena_destroy(&arena);
}

static void test_arena_starts_anew(void **state)
{
    static char big[9000];
    gc_arena *arena = gc_arena_new();
    (void)state;
    gc_arena_reset(arena); /* nothing there yet */
    for (size_t round = 0; round < 100; round++) {
        for (size_t i = 0; i < round; i++) {
            unsigned char *block = gc_arena_alloc(arena, 700);
            for (size_t k = 0; k < 700; k++)
                assert_int_equal(block[k], 0);
            memset(block, 0xff, 700);
            memset(big, 'x', sizeof big);
            assert_int_equal(strlen(gc_arena_text(arena, big, sizeof big - i)),
                             sizeof big - i);
        }
        gc_arena_reset(arena);
    }
    gc_arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena_keeps_everything),
        cmocka_unit_test(test_arena_starts_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
