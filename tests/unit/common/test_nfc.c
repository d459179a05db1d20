#include "support/must.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/naming.h"
#include "common/nfc.h"

#include "nfc_samples.h"

static void expect_text(const char *want, char *got)
{
    assert_string_equal(want, got);
    free(got);
}

static void test_nfc_agrees_with_unicode_data(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nfc_samples / sizeof *nfc_samples; i++) {
        expect_text(nfc_samples[i][1], gc_nfc(nfc_samples[i][0]));
        expect_text(nfc_samples[i][2], gc_nfd(nfc_samples[i][0]));
        expect_text(nfc_samples[i][1], gc_nfc(nfc_samples[i][1])); /* idempotent */
    }
}

static void test_nfc_keeps_ascii_and_mends_bad_bytes(void **state)
{
    (void)state;
    expect_text("Order Item", gc_nfc("Order Item"));
    expect_text("", gc_nfc(""));
    expect_text("a\xef\xbf\xbd", gc_nfc("a\xff"));
}

static void test_nfc_long_runs_of_marks_are_fast(void **state)
{
    (void)state;
    size_t count = 200000;
    char *text = gc_xmalloc(count * 2 + 1);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * 2, i % 2 ? "\xcc\x81" : "\xcc\xa3", 2);
    text[count * 2] = '\0';
    char *got = gc_nfc(text);
    assert_int_equal(count * 2, strlen(got));
    assert_memory_equal("\xcc\xa3\xcc\xa3", got, 4);
    free(got);
    free(text);
}

static void test_rune_case_and_class(void **state)
{
    (void)state;
    assert_int_equal(0xc9, gc_rune_upper(0xe9));
    assert_int_equal(0xe9, gc_rune_lower(0xc9));
    assert_int_equal(0x101, gc_rune_lower(0x100)); /* alternating range */
    assert_int_equal(0x101, gc_rune_lower(0x101));
    assert_int_equal(0xdf, gc_rune_upper(0xdf)); /* sharp s has no simple upper case */
    assert_true(gc_rune_is_upper(0x410));
    assert_false(gc_rune_is_upper(0x430));
    assert_true(gc_rune_is_letter(0x5ba2));
    assert_false(gc_rune_is_letter(0x301));
    assert_true(gc_rune_is_digit(0x661));
    assert_true(gc_rune_is_control(0x202e));
    assert_false(gc_rune_is_control(' '));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nfc_agrees_with_unicode_data),
        cmocka_unit_test(test_nfc_keeps_ascii_and_mends_bad_bytes),
        cmocka_unit_test(test_nfc_long_runs_of_marks_are_fast),
        cmocka_unit_test(test_rune_case_and_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
