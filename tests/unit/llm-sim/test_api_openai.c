#include <string.h>

#include "support/must.h"
#include "tests/llm-sim/call.h"

#define SOL "\"model\":\"gpt-6-sol\","
#define SYSTEM_TEXT "{\"role\":\"system\",\"content\":\"Module path: example.com/x\"}"
#define USER "\"messages\":[" SYSTEM_TEXT ",{\"role\":\"user\",\"content\":\"hi\"}]"

static const gc_strv no_extra;

static bool parse(const char *text, gc_sim_call *call, gc_sim_reject *reject)
{
    json_t *body = json_loads(text, 0, NULL);
    assert_non_null(body);
    *call = (gc_sim_call){ .key_id = "k" };
    *reject = (gc_sim_reject){ 0 };
    bool ok = gc_sim_openai_parse(body, &no_extra, call, reject);
    json_decref(body);
    return ok;
}

static void test_openai_refuses_what_the_api_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        int status;
        const char *says;
    } cases[] = {
        { "{" USER "}", 400, "model parameter" },
        { "{\"model\":\"claude-haiku-5-5\"," USER "}", 404, "does not exist" },
        { "{" SOL "\"zzz\":1," USER "}", 400, "zzz" },
        { "{" SOL "\"max_tokens\":10," USER "}", 400, "max_completion_tokens" },
        { "{" SOL "\"max_completion_tokens\":1000000," USER "}", 400, "too large" },
        { "{" SOL "\"temperature\":0.1," USER "}", 400, "temperature" },
        { "{" SOL "\"reasoning_effort\":\"huge\"," USER "}", 400, "reasoning_effort" },
        { "{" SOL "\"stream_options\":{\"include_usage\":true}," USER "}", 400,
          "stream_options" },
        { "{" SOL "\"messages\":[]}", 400, "messages" },
        { "{" SOL "\"messages\":[{\"role\":\"robot\",\"content\":\"x\"}]}", 400, "role" },
        { "{" SOL "\"messages\":[{\"role\":\"user\",\"content\":7}]}", 400, "content" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gc_sim_call call;
        gc_sim_reject reject;
        if (parse(cases[i].body, &call, &reject))
            fail_msg("accepted: %s", cases[i].body);
        if (reject.status != cases[i].status || !strstr(reject.message, cases[i].says))
            fail_msg("%s\nsays %d %s", cases[i].body, reject.status, reject.message);
        gc_sim_call_release(&call);
    }
}

static void test_openai_marks_the_latest_message_unless_told(void **state)
{
    (void)state;
    gc_sim_call call;
    gc_sim_reject reject;
    assert_true(parse("{" SOL USER "}", &call, &reject));
    assert_int_equal(0, call.prompt.blocks[0].ttl_ms);
    assert_int_equal(GC_SIM_TTL_30M_MS, call.prompt.blocks[1].ttl_ms);
    assert_string_equal("example.com/x", call.project.module);
    gc_sim_call_release(&call);
    assert_true(
        parse("{" SOL "\"prompt_cache_options\":{\"mode\":\"explicit\"},\"messages\":["
              "{\"role\":\"system\",\"content\":[{\"type\":\"text\",\"text\":\"s\","
              "\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}]},"
              "{\"role\":\"user\",\"content\":\"<generate path=\\\"a.go\\\"/>\"}]}",
              &call, &reject));
    assert_int_equal(GC_SIM_TTL_30M_MS, call.prompt.blocks[0].ttl_ms);
    assert_int_equal(0, call.prompt.blocks[1].ttl_ms);
    assert_int_equal(1, call.wanted.count);
    gc_sim_call_release(&call);
}

static void test_openai_older_models_pay_no_writes(void **state)
{
    (void)state;
    gc_sim_call call;
    gc_sim_reject reject;
    assert_true(parse("{\"model\":\"gpt-4o\",\"temperature\":0,\"max_tokens\":50," USER
                      "}",
                      &call, &reject));
    assert_true(call.free_writes);
    assert_int_equal(0, call.thinking_tokens);
    assert_int_equal(50, call.max_tokens);
    gc_sim_call_release(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openai_refuses_what_the_api_refuses),
        cmocka_unit_test(test_openai_marks_the_latest_message_unless_told),
        cmocka_unit_test(test_openai_older_models_pay_no_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
