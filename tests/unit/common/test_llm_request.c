#include "common/llm_request.h"

#include <stdlib.h>
#include <string.h>

#include "support/must.h"

static void test_llm_request_joins_urls(void **state)
{
    (void)state;
    const char *rows[][2] = {
        { "https://api.anthropic.com", "https://api.anthropic.com/v1/messages" },
        { "https://api.anthropic.com/", "https://api.anthropic.com/v1/messages" },
        { "http://127.0.0.1:80/v1", "http://127.0.0.1:80/v1/messages" },
        { "http://127.0.0.1:80/v1//", "http://127.0.0.1:80/v1/messages" },
        { "http://h/proxy", "http://h/proxy/v1/messages" },
        { "http://h/apiv1", "http://h/apiv1/v1/messages" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *url = gc_llm_url(rows[i][0], GC_ANTHROPIC_MESSAGES);
        assert_string_equal(url, rows[i][1]);
        free(url);
    }
}

static void test_llm_request_knows_the_public_addresses(void **state)
{
    (void)state;
    static char mine[] = "http://mine";
    gc_config config = { .llm_openai_base_url = mine };
    assert_string_equal(gc_llm_base_url(&config, "anthropic"),
                        "https://api.anthropic.com");
    assert_string_equal(gc_llm_base_url(&config, "openai"), "http://mine");
    config = (gc_config){ .llm_anthropic_base_url = mine };
    assert_string_equal(gc_llm_base_url(&config, "anthropic"), "http://mine");
    assert_string_equal(gc_llm_base_url(&config, "openai"), "https://api.openai.com/v1");
}

/* What is counted is what is sent, but for the members that only a call has. */
static void test_llm_request_counts_what_a_call_sends(void **state)
{
    (void)state;
    gc_task task = {
        .model = { .id = (char *)"m-1",
                   .cache_min_tokens = 512,
                   .effort = true,
                   .thinking_off = GC_THINKING_BETWEEN_TOOLS },
        .effort = (char *)"low",
        .cache_ttl = (char *)"1h",
        .max_tokens = 4096,
    };
    const gc_llm_block system = { "rules", 5, true }, user = { "do", 2, false };
    const gc_llm_prompt prompt = { &task, &system, 1, &user, 1, "" };
    gc_buf out;
    gc_buf_init(&out, GC_LLM_MAX_BODY);
    static const char rest[] =
        "\"system\":[{\"type\":\"text\",\"text\":\"rules\",\"cache_control\":{\"type\":"
        "\"ephemeral\",\"ttl\":\"1h\"}}],\"thinking\":{\"type\":\"between_tools\"},"
        "\"output_config\":{\"effort\":\"low\"},\"messages\":[{\"role\":\"user\","
        "\"content\":[{\"type\":\"text\",\"text\":\"do\"}]}]}";
    must_ok(gc_anthropic_body(&prompt, false, &out));
    assert_string_equal(strstr(out.ptr, "\"system\""), rest);
    gc_buf_reset(&out);
    must_ok(gc_anthropic_body(&prompt, true, &out));
    assert_string_equal(strstr(out.ptr, "\"system\""), rest);
    assert_memory_equal(out.ptr, "{\"model\":\"m-1\",\"system\"", 23);
    gc_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_llm_request_joins_urls),
        cmocka_unit_test(test_llm_request_knows_the_public_addresses),
        cmocka_unit_test(test_llm_request_counts_what_a_call_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
