#include "common/pack.h"

#include <msgpack.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/strv.h"
#include "support/must.h"

typedef struct item {
    char *name;
    int64_t n;
} item;

typedef struct thing {
    char *id;
    char *note;
    char *maybe;
    int64_t n;
    double ratio;
    bool yes;
    int word;
    gc_strv list;
    void *bytes;
    size_t bytes_len;
    item one;
    item *items;
    size_t item_count;
} thing;

static const gc_pack_field item_rows[] = {
    { "name", GC_PACK_TEXT, .flags = GC_PACK_NEED, .offset = offsetof(item, name),
      .max = 8 },
    { "n", GC_PACK_INT, .flags = 0, .offset = offsetof(item, n), .min = -5, .max = 5 },
};
static const gc_pack_schema item_schema = { item_rows, 2, sizeof(item) };
static const char *const words[] = { "red", "green", NULL };

static const gc_pack_field thing_rows[] = {
    { "id", GC_PACK_TEXT, .flags = GC_PACK_NEED | GC_PACK_ID,
      .offset = offsetof(thing, id), .max = 8 },
    { "note", GC_PACK_TEXT, .flags = GC_PACK_CLIP, .offset = offsetof(thing, note),
      .max = 4 },
    { "maybe", GC_PACK_TEXT, .flags = GC_PACK_NULL, .offset = offsetof(thing, maybe),
      .max = 8 },
    { "n", GC_PACK_INT, .flags = 0, .offset = offsetof(thing, n), .max = 100 },
    { "ratio", GC_PACK_REAL, .flags = 0, .offset = offsetof(thing, ratio), .max = 10 },
    { "yes", GC_PACK_BOOL, .flags = 0, .offset = offsetof(thing, yes) },
    { "word", GC_PACK_ENUM, .flags = 0, .offset = offsetof(thing, word), .words = words },
    { "list", GC_PACK_LIST, .flags = 0, .offset = offsetof(thing, list), .max = 2,
      .item_max = 4 },
    { "bytes", GC_PACK_BYTES, .flags = 0, .offset = offsetof(thing, bytes),
      .count_offset = offsetof(thing, bytes_len), .max = 4 },
    { "one", GC_PACK_MAP, .flags = GC_PACK_NEED, .offset = offsetof(thing, one),
      .schema = &item_schema },
    { "items", GC_PACK_ARRAY, .flags = 0, .offset = offsetof(thing, items),
      .count_offset = offsetof(thing, item_count), .min = 1, .max = 3,
      .schema = &item_schema },
};
static const gc_pack_schema thing_schema = { thing_rows, 11, sizeof(thing) };

static gc_err decode(const char *mem, size_t len)
{
    thing out = { 0 };
    gc_err err = gc_pack_decode(&thing_schema, NULL, mem, len, &out, NULL);
    gc_pack_release(&thing_schema, &out);
    return err;
}

/* A literal of bytes, its NUL not counted. */
#define BYTES(text) (text), sizeof(text) - 1
#define ONE "\xa3one\x81\xa4name\xa1x"

static void test_pack_round_trip(void **state)
{
    (void)state;
    item items[] = { { (char *)"a", -5 }, { (char *)"b", 0 } };
    thing in = { .id = (char *)"x-1",
                 .note = (char *)"abcd",
                 .n = 7,
                 .ratio = 0.5,
                 .yes = true,
                 .word = 1 };
    in.one.name = (char *)"";
    in.bytes = (char *)"\0\1";
    in.bytes_len = 2;
    in.items = items;
    in.item_count = 2;
    gc_strv_add(&in.list, "l1");
    gc_buf buf;
    gc_buf_init(&buf, 1000);
    gc_pack_encode(&thing_schema, NULL, &in, &buf);
    thing out = { 0 };
    must_ok(gc_pack_decode(&thing_schema, NULL, buf.ptr, buf.len, &out, NULL));
    assert_string_equal(out.id, "x-1");
    assert_string_equal(out.note, "abcd");
    assert_null(out.maybe);
    assert_int_equal(out.n, 7);
    assert_true(out.ratio == 0.5 && out.yes && out.word == 1);
    assert_int_equal(out.list.count, 1);
    assert_memory_equal(out.bytes, "\0\1", 2);
    assert_string_equal(out.one.name, "");
    assert_int_equal(out.item_count, 2);
    assert_int_equal(out.items[0].n, -5);
    assert_string_equal(out.items[1].name, "b");
    gc_pack_release(&thing_schema, &out);
    assert_null(out.id);
    gc_strv_release(&in.list);
    gc_buf_release(&buf);
}

static void test_pack_clips_at_a_character(void **state)
{
    (void)state;
    thing in = { .id = (char *)"x",
                 .note = (char *)"abc\xc3\xa4z" }; /* the limit cuts the letter in two */
    gc_buf buf;
    gc_buf_init(&buf, 1000);
    gc_pack_encode(&thing_schema, NULL, &in, &buf);
    thing out = { 0 };
    must_ok(gc_pack_decode(&thing_schema, NULL, buf.ptr, buf.len, &out, NULL));
    assert_string_equal(out.note, "abc");
    gc_pack_release(&thing_schema, &out);
    gc_buf_release(&buf);
}

static void test_pack_ignores_unknown_keys(void **state)
{
    (void)state;
    must_ok(decode(BYTES("\x83\xa2id\xa1x" ONE "\xa3new\x92\x01\xc0")));
    must_ok(decode(BYTES("\x83\xa2id\xa1x" ONE "\x07\xc0"))); /* even odd ones */
}

static void test_pack_refuses_wrong_fields(void **state)
{
    (void)state;
    expect_err(GC_EPROTO, decode(BYTES("\x81\xa2id\xa1x")));       /* one missing */
    expect_err(GC_EPROTO, decode(BYTES("\x82\xa2id\x07" ONE)));    /* no string */
    expect_err(GC_EPROTO, decode(BYTES("\x82\xa2id\xa0" ONE)));    /* empty id */
    expect_err(GC_EPROTO, decode(BYTES("\x82\xa2id\xa1/" ONE)));   /* no id */
    expect_err(GC_EPROTO, decode(BYTES("\x82\xa2id\xa2x\0" ONE))); /* NUL */
    expect_err(GC_ETOOBIG, decode(BYTES("\x82\xa2id\xa9xxxxxxxxx" ONE)));   /* too long */
    expect_err(GC_EPROTO, decode(BYTES("\x83\xa2id\xa1x\xa2id\xa1x" ONE))); /* twice */
    expect_err(GC_EPROTO, decode(BYTES("\x83\xa2id\xa1x" ONE "\xa1n\x65")));
    expect_err(GC_EPROTO, decode(BYTES("\x83\xa2id\xa1x" ONE "\xa1n\xff")));
    expect_err(GC_EPROTO,
               decode(BYTES("\x83\xa2id\xa1x" ONE "\xa1n\xcf\xff\xff\xff\xff\xff\xff\xff"
                            "\xff")));
    expect_err(GC_EPROTO, decode(BYTES("\x83\xa2id\xa1x" ONE "\xa4word\xa3"
                                       "nay")));
    expect_err(GC_EPROTO, decode(BYTES("\x83\xa2id\xa1x" ONE "\xa3yes\x01")));
    expect_err(GC_ETOOBIG, decode(BYTES("\x83\xa2id\xa1x" ONE "\xa4list\x93\xa1"
                                        "a\xa1"
                                        "b\xa1"
                                        "c")));
    expect_err(GC_EPROTO, decode(BYTES("\x83\xa2id\xa1x" ONE "\xa5items\x90")));
    expect_err(GC_EPROTO, decode(BYTES("\x83\xa2id\xa1x" ONE "\xa5items\x91\x01")));
    expect_err(GC_EPROTO, decode(BYTES("\x83\xa2id\xa1x" ONE
                                       "\xa5ratio\xcb\x7f\xf8\0\0\0\0\0\0"))); /* NaN */
    expect_err(GC_EPROTO, decode(BYTES("\x90")));
    expect_err(GC_EPROTO, decode(BYTES("")));
}

static void test_pack_scan_refuses_claims(void **state)
{
    (void)state;
    /* array32 of 268 million: msgpack-c would reserve gigabytes */
    expect_err(GC_EPROTO, gc_pack_scan(BYTES("\xdd\x10\0\0\0\x01\x01\x01"), NULL));
    expect_err(GC_EPROTO, gc_pack_scan(BYTES("\xdf\xff\xff\xff\xff"), NULL));
    expect_err(GC_EPROTO, gc_pack_scan(BYTES("\xc6\xff\xff\xff\xff"), NULL));
    expect_err(GC_EPROTO, gc_pack_scan(BYTES("\xdb\x80\0\0\0x"), NULL));
    expect_err(GC_EPROTO, gc_pack_scan(BYTES("\xd9"), NULL));
    expect_err(GC_EPROTO, gc_pack_scan(BYTES("\xc1"), NULL));
    expect_err(GC_EPROTO, gc_pack_scan(BYTES("\x01\x01"), NULL));
    expect_err(GC_EPROTO, gc_pack_scan(BYTES("\x82\x01\x01\x01"), NULL));
    must_ok(gc_pack_scan(BYTES("\x92\xd8"
                               "t0123456789abcdef\xca"
                               "0123"),
                         NULL));
}

static void test_pack_scan_bounds_depth_and_values(void **state)
{
    (void)state;
    char deep[GC_PACK_MAX_DEPTH + 2];
    memset(deep, 0x91, sizeof deep);
    deep[sizeof deep - 1] = 1;
    must_ok(gc_pack_scan(deep + 1, sizeof deep - 1, NULL));
    expect_err(GC_ETOOBIG, gc_pack_scan(deep, sizeof deep, NULL));
    size_t size = 5 + GC_PACK_MAX_NODES;
    char *wide = calloc(1, size);
    assert_non_null(wide);
    wide[0] = (char)0xdd;
    wide[2] = 1; /* 65,536 zeros and the array itself */
    expect_err(GC_ETOOBIG, gc_pack_scan(wide, size, NULL));
    free(wide);
}

/* The scan and msgpack-c agree on what is well-formed. */
static void test_pack_scan_agrees_with_msgpack(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 200000; round++) {
        char mem[12];
        for (size_t i = 0; i < sizeof mem; i++) {
            seed = seed * 1103515245U + 12345U;
            mem[i] = (char)(seed >> 16);
        }
        mem[0] = (char)(0xc0 | (mem[0] & 0x1f));
        if (gc_pack_scan(mem, sizeof mem, NULL))
            continue;
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        size_t offset = 0;
        assert_int_equal(msgpack_unpack_next(&unpacked, mem, sizeof mem, &offset),
                         MSGPACK_UNPACK_SUCCESS);
        assert_int_equal(offset, sizeof mem);
        msgpack_unpacked_destroy(&unpacked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pack_round_trip),
        cmocka_unit_test(test_pack_clips_at_a_character),
        cmocka_unit_test(test_pack_ignores_unknown_keys),
        cmocka_unit_test(test_pack_refuses_wrong_fields),
        cmocka_unit_test(test_pack_scan_refuses_claims),
        cmocka_unit_test(test_pack_scan_bounds_depth_and_values),
        cmocka_unit_test(test_pack_scan_agrees_with_msgpack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
