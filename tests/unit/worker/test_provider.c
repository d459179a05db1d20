#include "unit/worker/heard.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "worker/retry.h"

/* ---- requests ---- */

static gc_task sample_task(void)
{
    return (gc_task){
        .model = { .id = (char *)"m-1",
                   .effort = true,
                   .cache_min_tokens = 512,
                   .thinking_off = GC_THINKING_BETWEEN_TOOLS },
        .effort = (char *)"low",
        .cache_ttl = (char *)"5m",
        .max_tokens = 4096,
    };
}

static void expect_body(const gc_provider *provider, const gc_task *task,
                        const char *want)
{
    const gc_llm_block system[] = { { "rules", 5, false },
                                    { "", 0, false },
                                    { "project \"p\"", 11, true } };
    const gc_llm_block user[] = { { "do\n<it>", 7, false } };
    const gc_llm_prompt prompt = { .task = task,
                                   .system = system,
                                   .system_count = 3,
                                   .user = user,
                                   .user_count = 1,
                                   .cache_key = "k1" };
    gc_buf out;
    gc_buf_init(&out, GC_LLM_MAX_BODY);
    must_ok(provider->body(&prompt, &out));
    assert_string_equal(out.ptr, want);
    gc_buf_release(&out);
}

static void test_provider_anthropic_body_is_byte_stable(void **state)
{
    (void)state;
    gc_task task = sample_task();
    expect_body(
        &gc_provider_anthropic, &task,
        "{\"model\":\"m-1\",\"max_tokens\":4096,\"stream\":true,"
        "\"system\":[{\"type\":\"text\",\"text\":\"rules\"},{\"type\":\"text\",\"text\":"
        "\"project \\\"p\\\"\",\"cache_control\":{\"type\":\"ephemeral\"}}],"
        "\"thinking\":{\"type\":\"between_tools\"},\"output_config\":{\"effort\":\"low\"},"
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"do\\n<it>\"}]}]}");
}

static void test_provider_anthropic_sends_what_the_model_takes(void **state)
{
    (void)state;
    gc_task task = sample_task();
    task.model.thinking_off = GC_THINKING_DISABLED;
    task.effort = (char *)"xhigh"; /* thinking cannot be turned off up here */
    task.cache_ttl = (char *)"1h";
    expect_body(
        &gc_provider_anthropic, &task,
        "{\"model\":\"m-1\",\"max_tokens\":4096,\"stream\":true,"
        "\"system\":[{\"type\":\"text\",\"text\":\"rules\"},{\"type\":\"text\",\"text\":"
        "\"project \\\"p\\\"\",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"1h\"}}],"
        "\"output_config\":{\"effort\":\"xhigh\"},"
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"do\\n<it>\"}]}]}");
    task.model.effort = false;
    task.model.cache_min_tokens = 0;
    task.effort = (char *)"low";
    expect_body(
        &gc_provider_anthropic, &task,
        "{\"model\":\"m-1\",\"max_tokens\":4096,\"stream\":true,"
        "\"system\":[{\"type\":\"text\",\"text\":\"rules\"},{\"type\":\"text\",\"text\":"
        "\"project \\\"p\\\"\"}],\"thinking\":{\"type\":\"disabled\"},"
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
        "\"do\\n<it>\"}]}]}");
}

static void test_provider_openai_body_is_byte_stable(void **state)
{
    (void)state;
    gc_task task = sample_task();
    expect_body(
        &gc_provider_openai, &task,
        "{\"model\":\"m-1\",\"messages\":[{\"role\":\"system\",\"content\":"
        "\"rules\\n\\nproject \\\"p\\\"\"},{\"role\":\"user\",\"content\":"
        "\"do\\n<it>\"}],\"max_completion_tokens\":4096,\"stream\":true,"
        "\"stream_options\":{\"include_usage\":true},\"reasoning_effort\":\"low\","
        "\"prompt_cache_key\":\"k1\"}");
    task.openai_cache = true;
    task.effort = (char *)"";
    expect_body(
        &gc_provider_openai, &task,
        "{\"model\":\"m-1\",\"messages\":[{\"role\":\"system\",\"content\":["
        "{\"type\":\"text\",\"text\":\"rules\"},{\"type\":\"text\",\"text\":"
        "\"project \\\"p\\\"\",\"prompt_cache_breakpoint\":{\"mode\":\"explicit\"}}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"do\\n<it>\"}]}],"
        "\"max_completion_tokens\":4096,\"stream\":true,"
        "\"stream_options\":{\"include_usage\":true},\"prompt_cache_key\":\"k1\","
        "\"prompt_cache_options\":{\"mode\":\"explicit\",\"ttl\":\"30m\"}}");
}

static void test_provider_refuses_text_that_is_no_utf8(void **state)
{
    (void)state;
    const gc_provider *both[] = { &gc_provider_anthropic, &gc_provider_openai };
    gc_task task = sample_task();
    const gc_llm_block bad = { "a\xff", 2, true };
    const gc_llm_prompt prompt = {
        .task = &task, .user = &bad, .user_count = 1, .cache_key = ""
    };
    gc_buf out;
    gc_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < 2; i++)
        for (int marks = 0; marks < 2; marks++) {
            task.openai_cache = marks;
            expect_err(GC_EPROTO, both[i]->body(&prompt, &out));
        }
    gc_buf_release(&out);
}

static void test_provider_headers_carry_the_key(void **state)
{
    (void)state;
    gc_strv lines = { 0 };
    gc_provider_anthropic.headers("k", &lines);
    gc_provider_openai.headers("k", &lines);
    gc_provider_openai.headers("", &lines);
    assert_int_equal(lines.count, 3);
    assert_string_equal(lines.items[0], "x-api-key: k");
    assert_string_equal(lines.items[1], "anthropic-version: 2023-06-01");
    assert_string_equal(lines.items[2], "Authorization: Bearer k");
    gc_strv_release(&lines);
}

static void test_provider_is_found_by_name(void **state)
{
    (void)state;
    assert_ptr_equal(gc_provider_find("openai"), &gc_provider_openai);
    assert_null(gc_provider_find("sim"));
}

/* ---- answers ---- */

static void hear(heard *self, const char *bytes)
{
    gc_llm_feed(&self->llm, bytes, strlen(bytes));
}

#define START                                                                          \
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{" \
    "\"input_tokens\":10,\"cache_creation_input_tokens\":70,"                          \
    "\"cache_read_input_tokens\":5,\"output_tokens\":1,\"cache_creation\":{"           \
    "\"ephemeral_5m_input_tokens\":30,\"ephemeral_1h_input_tokens\":40}}}}\n\n"
#define THINK                                                                          \
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0," \
    "\"content_block\":{\"type\":\"thinking\",\"thinking\":\"hm\"}}\n\n"               \
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{"                  \
    "\"type\":\"thinking_delta\",\"thinking\":\"no text\"}}\n\n"
#define TEXT                                                                   \
    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{"          \
    "\"type\":\"text_delta\",\"text\":\"hel\"}}\n\n"                           \
    "data: {\"type\":\"ping\"}\n\ndata: {\"type\":\"new_event\",\"x\":[]}\n\n" \
    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{"          \
    "\"type\":\"text_delta\",\"text\":\"lo\"}}\n\n"
#define STOP(reason, usage)                                                              \
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"" reason "\"}" usage \
    "}\n\ndata: {\"type\":\"message_stop\"}\n\n"

static void test_provider_anthropic_stream_is_read(void **state)
{
    (void)state;
    heard h;
    listen(&h, &gc_provider_anthropic, 200, "text/event-stream; charset=utf-8");
    hear(&h, START THINK TEXT);
    assert_true(h.llm.started);
    assert_false(gc_llm_ok(&h.llm));
    hear(&h, STOP("end_turn", ",\"usage\":{\"output_tokens\":50}"));
    gc_llm_finish(&h.llm);
    assert_true(gc_llm_ok(&h.llm));
    assert_string_equal(h.text.ptr, "hello");
    assert_int_equal(h.llm.text_bytes, 5);
    assert_int_equal(h.llm.stop, GC_STOP_END);
    assert_int_equal(h.llm.usage.input, 10);
    assert_int_equal(h.llm.usage.cache_write_5m, 30);
    assert_int_equal(h.llm.usage.cache_write_1h, 40);
    assert_int_equal(h.llm.usage.cache_read, 5);
    assert_int_equal(h.llm.usage.output, 50);
    forget(&h);
}

static void test_provider_anthropic_usage_may_be_absent_or_unsplit(void **state)
{
    (void)state;
    heard h;
    listen(&h, &gc_provider_anthropic, 200, "text/event-stream");
    h.llm.long_cache = true;
    hear(&h,
         "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,"
         "\"cache_creation_input_tokens\":9,\"output_tokens\":-4}}}\n\n");
    hear(&h, STOP("max_tokens", ""));
    assert_true(gc_llm_ok(&h.llm));
    assert_int_equal(h.llm.stop, GC_STOP_CUT);
    assert_int_equal(h.llm.usage.cache_write_1h, 9);
    assert_int_equal(h.llm.usage.cache_write_5m, 0);
    assert_int_equal(h.llm.usage.output, 0); /* a negative count is no count */
    forget(&h);
}

static void test_provider_anthropic_error_event_after_200(void **state)
{
    (void)state;
    heard h;
    listen(&h, &gc_provider_anthropic, 200, "text/event-stream");
    hear(&h, START TEXT);
    hear(&h, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
             "\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n");
    gc_llm_finish(&h.llm);
    assert_false(gc_llm_ok(&h.llm));
    assert_true(h.llm.has_error);
    assert_string_equal(gc_llm_said(&h.llm)->error_type, "overloaded_error");
    assert_string_equal(gc_llm_said(&h.llm)->message, "Overloaded");
    forget(&h);
}

static void test_provider_anthropic_refusal_names_its_category(void **state)
{
    (void)state;
    heard h;
    listen(&h, &gc_provider_anthropic, 200, "text/event-stream");
    hear(&h, "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\","
             "\"stop_details\":{\"type\":\"refusal\",\"category\":\"cyber\","
             "\"explanation\":\"no\"}}}\n\ndata: {\"type\":\"message_stop\"}\n\n");
    assert_int_equal(h.llm.stop, GC_STOP_REFUSED);
    assert_string_equal(gc_llm_said(&h.llm)->refusal, "cyber: no");
    forget(&h);
}

static void test_provider_error_bodies_of_any_shape(void **state)
{
    (void)state;
    const struct {
        const char *body, *type, *code, *message;
    } rows[] = {
        { "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"m\","
          "\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}",
          "rate_limit_error", "enforced_spend_limit_reached", "m" },
        { "{\"error\":{\"message\":\"m\",\"type\":\"t\",\"code\":\"c\"}}", "t", "c",
          "m" },
        { "{\"error\":\"model not found\"}", "", "", "model not found" },
        { "<html>413</html>", "", "", "HTTP status 429, \"<html>413</html>\"" },
        { "", "", "", "HTTP status 429" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        heard h;
        listen(&h, &gc_provider_openai, 429, "application/json");
        hear(&h, rows[i].body);
        gc_llm_finish(&h.llm);
        assert_false(gc_llm_ok(&h.llm));
        assert_string_equal(gc_llm_said(&h.llm)->error_type, rows[i].type);
        assert_string_equal(gc_llm_said(&h.llm)->error_code, rows[i].code);
        assert_string_equal(gc_llm_said(&h.llm)->message, rows[i].message);
        forget(&h);
    }
}

static void test_provider_web_page_is_no_answer(void **state)
{
    (void)state;
    heard h;
    listen(&h, &gc_provider_anthropic, 200, "text/html; charset=utf-8");
    hear(&h, "<html>\n<title>Log in</title>");
    gc_llm_finish(&h.llm);
    assert_false(gc_llm_ok(&h.llm));
    assert_non_null(
        strstr(gc_llm_said(&h.llm)->message, "<html>; <title>Log in</title>"));
    gc_retry_hint hint = { -1, -1 };
    assert_int_equal(gc_fault_of(&h.llm, &hint), GC_FAULT_FINAL);
    forget(&h);
}

static void test_provider_openai_stream_is_read(void **state)
{
    (void)state;
    heard h;
    listen(&h, &gc_provider_openai, 200, "text/event-stream");
    hear(&h,
         "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
         "data: {\"choices\":[{\"delta\":{\"content\":\"hel\"}}]}\n\n"
         "data: {\"choices\":[{\"delta\":{\"content\":\"lo\"}}]}\n\n");
    assert_false(gc_llm_ok(&h.llm));
    hear(&h, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
             "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,"
             "\"completion_tokens\":20,\"prompt_tokens_details\":{\"cached_tokens\":60,"
             "\"cache_write_tokens\":30}}}\n\ndata: [DONE]\n\n");
    assert_true(gc_llm_ok(&h.llm));
    assert_string_equal(h.text.ptr, "hello");
    assert_string_equal(h.llm.stop_reason, "end_turn");
    assert_int_equal(h.llm.usage.input, 10); /* their count includes what was cached */
    assert_int_equal(h.llm.usage.cache_read, 60);
    assert_int_equal(h.llm.usage.cache_write_5m, 30);
    assert_int_equal(h.llm.usage.output, 20);
    forget(&h);
}

static void test_provider_reads_answers_that_are_not_streamed(void **state)
{
    (void)state;
    heard h;
    listen(&h, &gc_provider_openai, 200, "application/json");
    hear(&h, "{\"choices\":[{\"message\":{\"content\":\"hi\"},");
    hear(&h, "\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":7}}");
    gc_llm_finish(&h.llm);
    assert_true(gc_llm_ok(&h.llm));
    assert_string_equal(h.text.ptr, "hi");
    assert_string_equal(h.llm.stop_reason, "max_tokens");
    forget(&h);
    listen(&h, &gc_provider_anthropic, 200, "application/json");
    hear(&h,
         "{\"type\":\"message\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"x\"},"
         "{\"type\":\"text\",\"text\":\"hi\"}],\"stop_reason\":\"end_turn\","
         "\"usage\":{\"input_tokens\":7,\"output_tokens\":2}}");
    gc_llm_finish(&h.llm);
    assert_true(gc_llm_ok(&h.llm));
    assert_string_equal(h.text.ptr, "hi");
    forget(&h);
}

static void test_provider_garbled_answers_are_not_ok(void **state)
{
    (void)state;
    heard h;
    listen(&h, &gc_provider_anthropic, 200, "text/event-stream");
    hear(&h, START TEXT "data: {oops\n\n" STOP("end_turn", ""));
    gc_llm_finish(&h.llm);
    assert_true(h.llm.garbled);
    assert_false(gc_llm_ok(&h.llm));
    forget(&h);
    listen(&h, &gc_provider_anthropic, 200, "application/json");
    hear(&h, "{\"content\":[");
    gc_llm_finish(&h.llm);
    assert_false(gc_llm_ok(&h.llm));
    forget(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_provider_anthropic_body_is_byte_stable),
        cmocka_unit_test(test_provider_anthropic_sends_what_the_model_takes),
        cmocka_unit_test(test_provider_openai_body_is_byte_stable),
        cmocka_unit_test(test_provider_refuses_text_that_is_no_utf8),
        cmocka_unit_test(test_provider_headers_carry_the_key),
        cmocka_unit_test(test_provider_is_found_by_name),
        cmocka_unit_test(test_provider_anthropic_stream_is_read),
        cmocka_unit_test(test_provider_anthropic_usage_may_be_absent_or_unsplit),
        cmocka_unit_test(test_provider_anthropic_error_event_after_200),
        cmocka_unit_test(test_provider_anthropic_refusal_names_its_category),
        cmocka_unit_test(test_provider_error_bodies_of_any_shape),
        cmocka_unit_test(test_provider_web_page_is_no_answer),
        cmocka_unit_test(test_provider_openai_stream_is_read),
        cmocka_unit_test(test_provider_reads_answers_that_are_not_streamed),
        cmocka_unit_test(test_provider_garbled_answers_are_not_ok),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
