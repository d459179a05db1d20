#include "coordinator/seen.h"

#include <stdlib.h>
#include <string.h>

#include "support/must.h"

static const gc_stamp stamp = { 7, 11, 1000, 2000 };

static void add(gc_seen *s, const char *path)
{
    unsigned char raw[GC_SHA_RAW];
    assert_true(gc_sha_raw(gc_sha256(path, strlen(path)).hex, raw));
    gc_seen_add(s, path, &stamp, raw);
}

static void fill(gc_seen *s)
{
    gc_seen_init(s);
    s->begun_ns = 5000;
    s->key = gc_sha256("key", 3);
    s->meaning = gc_sha256("meaning", 7);
    s->state = (gc_stamp){ 1, 2, -3, 4 };
    s->figures = (gc_seen_figures){ 1, 2, 3, 4, 5.25, 6.5 };
    free(s->findings);
    s->findings = strdup("spec.yaml:1:1: warning: odd\n");
    gc_strv_add(&s->notes, "first");
    gc_strv_add(&s->notes, "");
    add(s, "a.go");
    add(s, "a/b.go");
    add(s, "z.go");
}

static gc_buf print(const gc_seen *s)
{
    gc_buf out;
    gc_buf_init(&out, GC_SEEN_MAX_BYTES);
    gc_seen_print(s, &out);
    assert_false(out.full);
    return out;
}

static void test_seen_comes_back_as_it_was(void **state)
{
    gc_seen s, back;
    (void)state;
    fill(&s);
    gc_buf text = print(&s), copy = print(&s);
    must_ok(gc_seen_parse(&text, &back));
    assert_int_equal(text.len, 0);
    assert_string_equal(back.key.hex, s.key.hex);
    assert_string_equal(back.meaning.hex, s.meaning.hex);
    assert_true(gc_stamp_equal(&back.state, &s.state));
    assert_memory_equal(&back.figures, &s.figures, sizeof s.figures);
    assert_string_equal(back.findings, s.findings);
    assert_int_equal(back.notes.count, 2);
    assert_int_equal(back.count, 3);
    gc_buf again = print(&back);
    assert_int_equal(again.len, copy.len);
    assert_memory_equal(again.ptr, copy.ptr, copy.len);
    gc_buf_release(&again);
    gc_buf_release(&copy);
    gc_seen_release(&back);
    gc_seen_release(&s);
}

static void test_seen_without_a_result_has_no_key(void **state)
{
    gc_seen s, back;
    (void)state;
    gc_seen_init(&s);
    gc_buf text = print(&s);
    must_ok(gc_seen_parse(&text, &back));
    assert_string_equal(back.key.hex, "");
    assert_int_equal(back.count, 0);
    gc_seen_release(&back);
    gc_seen_release(&s);
}

static void test_seen_finds_in_any_order(void **state)
{
    gc_seen s;
    size_t hint = 0;
    (void)state;
    fill(&s);
    assert_ptr_equal(gc_seen_find(&s, "a.go", &hint), &s.files[0]);
    assert_ptr_equal(gc_seen_find(&s, "a/b.go", &hint), &s.files[1]);
    assert_ptr_equal(gc_seen_find(&s, "z.go", &hint), &s.files[2]);
    assert_null(gc_seen_find(&s, "zz.go", &hint));
    assert_null(gc_seen_find(&s, "", &hint));
    assert_ptr_equal(gc_seen_find(&s, "a.go", &hint), &s.files[0]);
    gc_seen_release(&s);
}

static void test_seen_distrusts_what_is_as_young_as_the_look(void **state)
{
    gc_seen s;
    gc_stamp at = { 1, 1, 4999, 4999 };
    (void)state;
    fill(&s);
    assert_false(gc_seen_racy(&s, &at, 9000));
    assert_true(gc_seen_racy(&s, &at, 4999)); /* a file system whose clock is behind */
    at.ctime_ns = 5000;
    assert_true(gc_seen_racy(&s, &at, 9000));
    at = (gc_stamp){ 1, 1, 5000, 4999 };
    assert_true(gc_seen_racy(&s, &at, 9000));
    gc_seen_release(&s);
}

static void refuse(const char *bytes, size_t len)
{
    gc_buf text;
    gc_seen back;
    gc_buf_init(&text, GC_SEEN_MAX_BYTES);
    gc_buf_append(&text, bytes, len);
    expect_err(GC_EPROTO, gc_seen_parse(&text, &back));
    gc_buf_release(&text);
}

static void test_seen_refuses_every_damaged_byte(void **state)
{
    gc_seen s;
    (void)state;
    fill(&s);
    gc_buf text = print(&s);
    for (size_t i = 0; i < text.len; i++) {
        text.ptr[i] ^= 0x20;
        refuse(text.ptr, text.len);
        text.ptr[i] ^= 0x20;
        refuse(text.ptr, i);
    }
    gc_buf_append(&text, "x", 1);
    refuse(text.ptr, text.len);
    gc_buf_release(&text);
    gc_seen_release(&s);
}

/* Whoever can make the seal can write anything: what is below it is checked too. */
static void test_seen_refuses_what_is_sealed_but_wrong(void **state)
{
    static const char *const wrong[][2] = {
        { "b.go", "a.go" }, { "a.go", "a.go" }, { "../a.go", "b.go" }, { "/a", "b" }
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        gc_seen s, back;
        gc_seen_init(&s);
        add(&s, wrong[i][0]);
        add(&s, wrong[i][1]);
        gc_buf text = print(&s);
        expect_err(GC_EPROTO, gc_seen_parse(&text, &back));
        gc_buf_release(&text);
        gc_seen_release(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seen_comes_back_as_it_was),
        cmocka_unit_test(test_seen_without_a_result_has_no_key),
        cmocka_unit_test(test_seen_finds_in_any_order),
        cmocka_unit_test(test_seen_distrusts_what_is_as_young_as_the_look),
        cmocka_unit_test(test_seen_refuses_every_damaged_byte),
        cmocka_unit_test(test_seen_refuses_what_is_sealed_but_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
