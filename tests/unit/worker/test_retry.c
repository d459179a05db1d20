#include "support/must.h"

#include <stdio.h>
#include <string.h>

#include "worker/retry.h"

static gc_llm answer(int status, const char *type, const char *code, const char *message)
{
    static gc_llm_words words; /* of the latest answer */
    gc_llm llm = { .status = status,
                   .has_error = status != 200 || *type || *code,
                   .words = &words };
    snprintf(words.error_type, sizeof words.error_type, "%s", type);
    snprintf(words.error_code, sizeof words.error_code, "%s", code);
    snprintf(words.message, sizeof words.message, "%s", message);
    return llm;
}

static void test_retry_table(void **state)
{
    (void)state;
    const struct {
        int status;
        const char *type, *code, *message;
        int should_retry;
        gc_fault want;
    } rows[] = {
        { 400, "invalid_request_error", "", "bad", -1, GC_FAULT_REQUEST },
        { 400, "invalid_request_error", "",
          "You have reached your specified API usage limits", -1, GC_FAULT_SPEND },
        { 401, "authentication_error", "", "", -1, GC_FAULT_AUTH },
        { 402, "billing_error", "", "", -1, GC_FAULT_AUTH },
        { 403, "permission_error", "", "", -1, GC_FAULT_AUTH },
        { 404, "not_found_error", "", "", -1, GC_FAULT_REQUEST },
        { 408, "", "", "", -1, GC_FAULT_BUSY },
        { 409, "conflict_error", "", "", -1, GC_FAULT_BUSY },
        { 413, "request_too_large", "", "", -1, GC_FAULT_REQUEST },
        { 429, "rate_limit_error", "", "", -1, GC_FAULT_RATE },
        { 429, "rate_limit_error", "enforced_spend_limit_reached", "", -1,
          GC_FAULT_SPEND },
        { 429, "insufficient_quota", "insufficient_quota", "", -1, GC_FAULT_SPEND },
        { 500, "api_error", "", "", -1, GC_FAULT_BUSY },
        { 502, "", "", "", -1, GC_FAULT_BUSY },
        { 503, "", "", "", -1, GC_FAULT_BUSY },
        { 504, "timeout_error", "", "", -1, GC_FAULT_BUSY },
        { 529, "overloaded_error", "", "", -1, GC_FAULT_BUSY },
        { 529, "overloaded_error", "", "", 0, GC_FAULT_FINAL },
        { 429, "rate_limit_error", "", "", 0, GC_FAULT_FINAL },
        { 400, "invalid_request_error", "", "", 1, GC_FAULT_BUSY },
        { 302, "", "", "", -1, GC_FAULT_FINAL },
        { 407, "", "", "", -1, GC_FAULT_FINAL },
        { 0, "", "", "", -1, GC_FAULT_BUSY },
        { 200, "overloaded_error", "", "", -1, GC_FAULT_BUSY },
        { 200, "api_error", "", "", -1, GC_FAULT_BUSY },
        { 200, "rate_limit_error", "", "", -1, GC_FAULT_RATE },
        { 200, "invalid_request_error", "", "", -1, GC_FAULT_REQUEST },
        { 200, "BadRequestError", "400", "", -1, GC_FAULT_REQUEST },
        { 200, "", "429", "", -1, GC_FAULT_RATE },
        { 200, "", "502", "", -1, GC_FAULT_BUSY },
        { 200, "server_error", "401", "", -1, GC_FAULT_AUTH },
        { 200, "invalid_request_error", "context_length_exceeded", "", -1,
          GC_FAULT_REQUEST },
        { 200, "requests", "rate_limit_exceeded", "", -1, GC_FAULT_RATE },
        { 200, "", "", "", -1, GC_FAULT_STRANGE }, /* nothing in it was ours */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gc_llm llm = answer(rows[i].status, rows[i].type, rows[i].code, rows[i].message);
        gc_retry_hint hint = { -1, rows[i].should_retry };
        if (gc_fault_of(&llm, &hint) != rows[i].want)
            fail_msg("row %zu: got %s", i, gc_fault_str(gc_fault_of(&llm, &hint)));
    }
    gc_llm good = { .status = 200, .started = true, .ended = true };
    assert_int_equal(gc_fault_of(&good, &(gc_retry_hint){ -1, -1 }), GC_FAULT_NONE);
    good.ended = false; /* cut */
    assert_int_equal(gc_fault_of(&good, &(gc_retry_hint){ -1, -1 }), GC_FAULT_BUSY);
    good.garbled = true;
    assert_int_equal(gc_fault_of(&good, &(gc_retry_hint){ -1, -1 }), GC_FAULT_STRANGE);
    gc_llm broken = { .status = 200, .is_broken = true };
    assert_int_equal(gc_fault_of(&broken, &(gc_retry_hint){ -1, -1 }), GC_FAULT_BUSY);
}

static void test_retry_asks_strangers_a_few_times(void **state)
{
    (void)state;
    gc_patience self = { 0 };
    for (int i = 0; i < GC_STRANGE_MOST; i++)
        assert_true(gc_retry_strange(&self));
    assert_false(gc_retry_strange(&self));
}

static void test_retry_never_without_an_end(void **state)
{
    (void)state;
    gc_llm llm = answer(429, "rate_limit_error", "", "monthly limit");
    llm.provider = &gc_provider_anthropic;
    assert_int_equal(gc_fault_of(&llm, &(gc_retry_hint){ -1, -1 }), GC_FAULT_SPEND);
    assert_int_equal(gc_fault_of(&llm, &(gc_retry_hint){ 0, -1 }), GC_FAULT_RATE);
    assert_int_equal(gc_fault_of(&llm, &(gc_retry_hint){ -1, 1 }), GC_FAULT_RATE);
    llm.status = 200; /* an event in the stream has no headers */
    assert_int_equal(gc_fault_of(&llm, &(gc_retry_hint){ -1, -1 }), GC_FAULT_RATE);
    llm.status = 429;
    llm.provider = &gc_provider_openai; /* and those who speak like it: no such rule */
    assert_int_equal(gc_fault_of(&llm, &(gc_retry_hint){ -1, -1 }), GC_FAULT_RATE);
    llm = answer(429, "", "", "HTTP status 429"); /* a proxy's own */
    llm.provider = &gc_provider_anthropic;
    assert_int_equal(gc_fault_of(&llm, &(gc_retry_hint){ -1, -1 }), GC_FAULT_RATE);
}

static void test_retry_after_in_all_spellings(void **state)
{
    (void)state;
    int64_t ms = -1;
    must_ok(gc_retry_after("2", 0, &ms));
    assert_int_equal(ms, 2000);
    must_ok(gc_retry_after("0.25", 0, &ms));
    assert_int_equal(ms, 250);
    must_ok(gc_retry_after("99999999", 0, &ms));
    assert_int_equal(ms, 24 * 3600 * 1000);
    must_ok(gc_retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 20000, &ms));
    assert_int_equal(ms, 40000);
    must_ok(gc_retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 90000, &ms));
    assert_int_equal(ms, 0);
    must_ok(gc_retry_after_ms("150", &ms));
    assert_int_equal(ms, 150);
    expect_err(GC_EINVAL, gc_retry_after("soon", 0, &ms));
    expect_err(GC_EINVAL, gc_retry_after("-1", 0, &ms));
    expect_err(GC_EINVAL, gc_retry_after_ms("soon", &ms));
}

static void test_retry_backs_off_with_jitter(void **state)
{
    (void)state;
    const int64_t want[] = { 500, 1000, 2000, 4000, 8000, 8000, 8000 };
    gc_retry_hint none = { -1, -1 };
    gc_patience calm = { 0 }, eager = { 0 };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        assert_int_equal(gc_retry_wait(&calm, &none, 600000, 0, 1000, 0), want[i]);
        int64_t least = gc_retry_wait(&eager, &none, 600000, 0, 1000, UINT32_MAX);
        assert_in_range(least, want[i] * 3 / 4, want[i] * 3 / 4 + 1);
    }
}

static void test_retry_waits_as_told(void **state)
{
    (void)state;
    gc_retry_hint told = { 20000, -1 };
    gc_patience self = { 0 };
    assert_int_equal(gc_retry_wait(&self, &told, 600000, 0, 0, 0), 20000);
    assert_in_range(gc_retry_wait(&self, &told, 600000, 0, 0, UINT32_MAX), 21999, 22000);
    /* longer than the patience: no use to wait at all */
    gc_patience fresh = { 0 };
    assert_int_equal(gc_retry_wait(&fresh, &told, 10000, 0, 0, 0), -1);
}

static void test_retry_resumes_close_to_what_was_told(void **state)
{
    (void)state;
    static const struct {
        int64_t after, latest;
    } rows[] = { { 100, 110 }, { 5000, 5500 }, { 20000, 22000 }, { 300000, 302000 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gc_retry_hint told = { rows[i].after, -1 };
        gc_patience first = { 0 }, last = { 0 };
        assert_int_equal(gc_retry_wait(&first, &told, 600000, 0, 0, 0), rows[i].after);
        int64_t wait = gc_retry_wait(&last, &told, 600000, 0, 0, UINT32_MAX);
        assert_true(wait > rows[i].after && wait <= rows[i].latest);
    }
}

static void test_retry_patience_ends(void **state)
{
    (void)state;
    gc_retry_hint none = { -1, -1 };
    gc_patience self = { 0 };
    assert_true(gc_retry_wait(&self, &none, 10000, 0, 1000, 0) > 0);
    assert_true(gc_retry_wait(&self, &none, 10000, 0, 9000, 0) > 0);
    assert_int_equal(gc_retry_wait(&self, &none, 10000, 0, 10500, 0), -1);
}

static void test_retry_patience_is_renewed_by_others_but_not_for_ever(void **state)
{
    (void)state;
    gc_retry_hint none = { -1, -1 };
    gc_patience self = { 0 };
    assert_true(gc_retry_wait(&self, &none, 10000, 0, 1000, 0) > 0);
    assert_true(gc_retry_wait(&self, &none, 10000, 12000, 14000, 0) > 0);
    assert_true(gc_retry_wait(&self, &none, 10000, 27000, 28000, 0) > 0);
    assert_int_equal(gc_retry_wait(&self, &none, 10000, 31000, 31500, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_resumes_close_to_what_was_told),
        cmocka_unit_test(test_retry_table),
        cmocka_unit_test(test_retry_asks_strangers_a_few_times),
        cmocka_unit_test(test_retry_never_without_an_end),
        cmocka_unit_test(test_retry_after_in_all_spellings),
        cmocka_unit_test(test_retry_backs_off_with_jitter),
        cmocka_unit_test(test_retry_waits_as_told),
        cmocka_unit_test(test_retry_patience_ends),
        cmocka_unit_test(test_retry_patience_is_renewed_by_others_but_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
