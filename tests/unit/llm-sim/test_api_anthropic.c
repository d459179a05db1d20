#include <string.h>

#include "support/must.h"
#include "tests/llm-sim/call.h"

#define USER "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define HAIKU "\"model\":\"claude-haiku-5-5\",\"max_tokens\":100,"
#define SONNET "\"model\":\"claude-sonnet-5-5\",\"max_tokens\":100,"
#define OPUS "\"model\":\"claude-opus-5-5\",\"max_tokens\":100,"
#define OLD "\"model\":\"claude-haiku-4-5-20251001\",\"max_tokens\":100,"
#define MARKED \
    "{\"type\":\"text\",\"text\":\"x\",\"cache_control\":{\"type\":\"ephemeral\"}}"

static const gc_strv no_extra;

static bool parse(const char *text, gc_sim_call *call, gc_sim_reject *reject)
{
    json_t *body = json_loads(text, 0, NULL);
    assert_non_null(body);
    *call = (gc_sim_call){ .key_id = "k" };
    *reject = (gc_sim_reject){ 0 };
    bool ok = gc_sim_anthropic_parse(body, &no_extra, call, reject);
    json_decref(body);
    return ok;
}

static const struct {
    const char *body;
    int status;
    const char *says;
} refused[] = {
    { "[]", 400, "JSON object" },
    { "{" USER "}", 400, "model: Field required" },
    { "{\"model\":\"gpt-6-sol\",\"max_tokens\":1," USER "}", 404, "model: gpt-6-sol" },
    { "{\"model\":\"claude-haiku-5-5\"," USER "}", 400, "max_tokens: Field required" },
    { "{" HAIKU "\"x\":1," USER "}", 400, "x: Extra inputs are not permitted" },
    { "{\"model\":\"claude-haiku-5-5\",\"max_tokens\":\"1\"," USER "}", 400,
      "valid integer" },
    { "{\"model\":\"claude-haiku-5-5\",\"stream\":true,\"max_tokens\":128001," USER "}",
      400, "maximum allowed number of output tokens" },
    { "{\"model\":\"claude-haiku-5-5\",\"max_tokens\":21334," USER "}", 400,
      "Streaming is required" },
    { "{\"model\":\"claude-haiku-5-5\",\"max_tokens\":-1," USER "}", 400, "greater" },
    { "{" HAIKU "\"messages\":[]}", 400, "at least one message" },
    { "{" HAIKU "\"messages\":\"hi\"}", 400, "valid list" },
    { "{" HAIKU "\"messages\":[{\"role\":\"system\",\"content\":\"x\"}]}", 400,
      "'user' or 'assistant'" },
    { "{" HAIKU "\"messages\":[{\"role\":\"user\"}]}", 400, "content: Field required" },
    { "{" HAIKU "\"messages\":[{\"role\":\"user\",\"content\":\"\"}]}", 400,
      "non-empty content" },
    { "{" HAIKU "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]}",
      400, "cannot be set for empty text blocks" },
    { "{" HAIKU "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\","
      "\"text\":\"\"}]}]}",
      400, "text content blocks must be non-empty" },
    { "{" HAIKU "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"zzz\"}]}]}",
      400, "expected tags" },
    { "{" HAIKU "\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
      "{\"role\":\"assistant\",\"content\":\"b\"}]}",
      400, "must end with a user message" },
    { "{" HAIKU "\"temperature\":0.5," USER "}", 400, "`temperature`" },
    { "{" HAIKU "\"temperature\":1,\"top_p\":0.99," USER "}", 400, "`top_p`" },
    { "{" HAIKU "\"top_k\":5," USER "}", 400, "`top_k`" },
    { "{" OPUS "\"temperature\":1," USER "}", 400, "`temperature`" },
    { "{" HAIKU "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":1024}," USER "}",
      400, "thinking.type.enabled" },
    { "{" HAIKU "\"thinking\":{\"type\":\"adaptive\",\"budget_tokens\":9}," USER "}", 400,
      "budget_tokens" },
    { "{" HAIKU "\"thinking\":{\"type\":\"disabled\"},\"output_config\":{\"effort\":"
      "\"max\"}," USER "}",
      400, "at this effort" },
    { "{" SONNET "\"thinking\":{\"type\":\"disabled\"}," USER "}", 400,
      "thinking.type.disabled" },
    { "{" OPUS "\"thinking\":{\"type\":\"disabled\"}," USER "}", 400, "disabled" },
    { "{" OPUS "\"thinking\":{\"type\":\"between_tools\"}," USER "}", 400,
      "between_tools" },
    { "{" OLD "\"output_config\":{\"effort\":\"low\"}," USER "}", 400,
      "effort parameter" },
    { "{" HAIKU "\"output_config\":{\"effort\":\"tiny\"}," USER "}", 400, "effort" },
    { "{" SONNET "\"tools\":[{\"name\":\"t\"}],\"tool_choice\":{\"type\":\"any\"}," USER
      "}",
      400, "tool_choice" },
    { "{" HAIKU "\"system\":[" MARKED "," MARKED "," MARKED "," MARKED "," MARKED
      "]," USER "}",
      400, "A maximum of 4 blocks" },
    { "{" HAIKU "\"cache_control\":{\"type\":\"ephemeral\"},\"system\":[" MARKED
      "," MARKED "," MARKED "," MARKED "]," USER "}",
      400, "Found 5" },
    { "{" HAIKU "\"system\":[" MARKED ",{\"type\":\"text\",\"text\":\"y\","
      "\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}]," USER "}",
      400, "must not come after" },
    { "{" HAIKU "\"system\":[{\"type\":\"text\",\"text\":\"y\",\"cache_control\":"
      "{\"type\":\"ephemeral\",\"ttl\":\"2h\"}}]," USER "}",
      400, "'5m' or '1h'" },
    { "{" HAIKU "\"system\":[{\"type\":\"image\"}]," USER "}", 400, "system.0.type" },
    { "{\"model\":\"claude-haiku-5-5\",\"max_tokens\":0,\"stream\":true," USER "}", 400,
      "max_tokens: 0" },
    { "{" HAIKU "\"stop_sequences\":[\" \"]," USER "}", 400, "stop_sequences" },
};

static void test_anthropic_refuses_what_the_api_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        gc_sim_call call;
        gc_sim_reject reject;
        if (parse(refused[i].body, &call, &reject))
            fail_msg("accepted: %s", refused[i].body);
        if (reject.status != refused[i].status ||
            !strstr(reject.message, refused[i].says))
            fail_msg("%s\nsays %d %s", refused[i].body, reject.status, reject.message);
        gc_sim_call_release(&call);
    }
}

static void test_anthropic_accepts_what_the_api_accepts(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "{" HAIKU USER "}",
        "{" HAIKU "\"temperature\":1," USER "}",
        "{" HAIKU "\"thinking\":{\"type\":\"disabled\"}," USER "}",
        "{" HAIKU "\"thinking\":{\"type\":\"adaptive\"},\"output_config\":{\"effort\":"
        "\"max\"}," USER "}",
        "{" HAIKU "\"tools\":[{\"name\":\"t\"}],\"tool_choice\":{\"type\":\"any\"}," USER
        "}",
        "{" SONNET "\"thinking\":{\"type\":\"between_tools\"}," USER "}",
        "{" OLD "\"temperature\":0.2," USER "}",
        "{" OLD
        "\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\","
        "\"content\":\"b\"}]}",
        "{" HAIKU "\"system\":[" MARKED "," MARKED "," MARKED "," MARKED "]," USER "}",
        "{\"model\":\"claude-haiku-5-5\",\"max_tokens\":128000,\"stream\":true," USER "}",
        "{\"model\":\"claude-haiku-5-5\",\"max_tokens\":0," USER "}",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gc_sim_call call;
        gc_sim_reject reject;
        if (!parse(cases[i], &call, &reject))
            fail_msg("%s\nsays %s", cases[i], reject.message);
        gc_sim_call_release(&call);
    }
}

/* The running hash of the blocks up to the end of the system prompt, and of everything. */
static void hashes(const char *body, gc_sha *system, gc_sha *all)
{
    gc_sim_call call;
    gc_sim_reject reject;
    assert_true(parse(body, &call, &reject));
    *system = call.prompt.blocks[0].prefix;
    *all = call.prompt.chain;
    gc_sim_call_release(&call);
}

#define SYSTEM "\"system\":\"s\","

static void test_anthropic_keys_each_level_by_what_invalidates_it(void **state)
{
    (void)state;
    gc_sha system, all, other_system, other_all;
    hashes("{" HAIKU SYSTEM USER "}", &system, &all);
    hashes("{" HAIKU SYSTEM "\"output_config\":{\"effort\":\"medium\"}," USER "}",
           &other_system, &other_all);
    assert_string_equal(all.hex, other_all.hex); /* the default, said aloud */
    hashes("{" HAIKU SYSTEM "\"output_config\":{\"effort\":\"low\"}," USER "}",
           &other_system, &other_all);
    assert_string_equal(system.hex, other_system.hex);
    assert_string_not_equal(all.hex, other_all.hex);
    hashes("{" HAIKU SYSTEM "\"thinking\":{\"type\":\"disabled\"}," USER "}",
           &other_system, &other_all);
    assert_string_equal(system.hex, other_system.hex);
    assert_string_not_equal(all.hex, other_all.hex);
    hashes("{" SONNET SYSTEM USER "}", &other_system, &other_all);
    assert_string_not_equal(system.hex, other_system.hex);
    hashes("{" HAIKU "\"system\":[{\"type\":\"text\",\"text\":\"s\",\"cache_control\":"
           "{\"type\":\"ephemeral\"}}]," USER "}",
           &other_system, &other_all);
    assert_string_equal(all.hex, other_all.hex); /* a mark is no content */
}

static void test_anthropic_marks_automatically(void **state)
{
    (void)state;
    gc_sim_call call;
    gc_sim_reject reject;
    assert_true(parse("{" HAIKU SYSTEM "\"cache_control\":{\"type\":\"ephemeral\"}," USER
                      "}",
                      &call, &reject));
    assert_int_equal(2, call.prompt.count);
    assert_int_equal(0, call.prompt.blocks[0].ttl_ms);
    assert_int_equal(GC_SIM_TTL_5M_MS, call.prompt.blocks[1].ttl_ms);
    gc_sim_call_release(&call);
}

static void test_anthropic_finds_the_task_in_the_last_user_text(void **state)
{
    (void)state;
    gc_sim_call call;
    gc_sim_reject reject;
    assert_true(
        parse("{" HAIKU "\"system\":\"Module path: example.com/shop\\nGo version: 1.23\","
              "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
              "\"<generate path=\\\"no.go\\\"/>\"},{\"type\":\"text\",\"text\":"
              "\"<generate path=\\\"a.go\\\"/>\\n<generate path=\\\"b.go\\\"/>\"}]}]}",
              &call, &reject));
    assert_int_equal(2, call.wanted.count);
    assert_string_equal("a.go", call.wanted.files[0].path);
    assert_string_equal("example.com/shop", call.project.module);
    assert_string_equal("1.23", call.project.go_version);
    assert_false(call.json);
    assert_true(call.thinking_tokens > 0);
    gc_sim_call_release(&call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anthropic_refuses_what_the_api_refuses),
        cmocka_unit_test(test_anthropic_accepts_what_the_api_accepts),
        cmocka_unit_test(test_anthropic_keys_each_level_by_what_invalidates_it),
        cmocka_unit_test(test_anthropic_marks_automatically),
        cmocka_unit_test(test_anthropic_finds_the_task_in_the_last_user_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
