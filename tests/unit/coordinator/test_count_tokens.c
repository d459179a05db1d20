#include "coordinator/count_tokens.h"

#include <string.h>

#include "support/must.h"

static int64_t counted;
static gc_errinfo told;

static gc_err read_answer(long status, const char *text)
{
    counted = -1;
    told = (gc_errinfo){ 0 };
    return gc_count_read(status, text, strlen(text), &counted, &told);
}

static void test_count_tokens_reads_an_answer(void **state)
{
    (void)state;
    must_ok(read_answer(200, "{\"input_tokens\": 2095, \"later\": {}}"));
    assert_int_equal(counted, 2095);
}

static void test_count_tokens_refuses_what_is_no_number(void **state)
{
    (void)state;
    static const char *const answers[] = { "",
                                           "{}",
                                           "[1]",
                                           "{\"input_tokens\": \"12\"}",
                                           "{\"input_tokens\": -1}",
                                           "null",
                                           "{",
                                           "7",
                                           "{\"input_tokens\": 0}",
                                           "{\"input_tokens\": 1.5}",
                                           "{\"input_tokens\": 99999999999}" };
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        expect_err(GC_EPROTO, read_answer(200, answers[i]));
        assert_int_equal(counted, -1);
    }
}

static void test_count_tokens_tells_the_refusal(void **state)
{
    (void)state;
    expect_err(GC_EINVAL,
               read_answer(400,
                           "{\"type\":\"error\",\"error\":{\"type\":"
                           "\"invalid_request_error\",\"message\":\"no such model\"}}"));
    assert_string_equal(told.text, "status 400: no such model");
    expect_err(GC_EINVAL, read_answer(413, "<html>too large</html>"));
    assert_string_equal(told.text, "status 413");
    expect_err(GC_EINVAL, read_answer(404, "{\"error\":\"page not found\"}"));
    assert_string_equal(told.text, "status 404");
}

/* Nobody listens there: said at once, nothing counted. */
static void test_count_tokens_without_a_server(void **state)
{
    (void)state;
    static char secret[] = "sk-very-secret-key";
    gc_key key = { .secret = secret };
    gc_count_conf conf = { "http://127.0.0.1:1", &key, 1000, -1, "" };
    gc_count_item items[] = { { "{}", 2, 7 }, { "{}", 2, 7 } };
    expect_err(GC_ECLOSED, gc_count_tokens(&conf, items, 2, &told));
    assert_int_equal(items[0].tokens + items[1].tokens, 0);
    assert_non_null(strstr(told.text, "http://127.0.0.1:1: "));
    must_ok(gc_count_tokens(&conf, NULL, 0, &told));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_tokens_reads_an_answer),
        cmocka_unit_test(test_count_tokens_refuses_what_is_no_number),
        cmocka_unit_test(test_count_tokens_tells_the_refusal),
        cmocka_unit_test(test_count_tokens_without_a_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
