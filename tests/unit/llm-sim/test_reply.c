#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "support/must.h"
#include "tests/llm-sim/reply.h"

#define TASK                                                    \
    "<generate path=\"a/b.go\" package=\"a\" kind=\"model\">\n" \
    "type Déjà struct {\n\tVu string `json:\"vu\"`\n}\n</generate>"

typedef struct fixture {
    gc_sim_call call;
    gc_sim_reply reply;
} fixture;

static void make(fixture *f, bool openai, int64_t thinking, int64_t max_tokens,
                 const gc_sim_fault *spoil)
{
    *f = (fixture){ 0 };
    f->call.model_id = gc_xstrdup("m");
    f->call.openai = openai;
    f->call.include_usage = true;
    f->call.thinking_tokens = thinking;
    f->call.max_tokens = max_tokens;
    gc_sim_wanted_parse(TASK, strlen(TASK), &f->call.wanted);
    gc_sim_project_read("", &f->call.project);
    f->reply.call = &f->call;
    f->reply.use =
        (gc_sim_cache_use){ .input = 5, .read = 7, .write_5m = 11, .write_1h = 13 };
    snprintf(f->reply.id, sizeof f->reply.id, "msg_1");
    gc_sim_reply_make(&f->reply, spoil);
}

static void release(fixture *f)
{
    gc_sim_reply_release(&f->reply);
    gc_sim_call_release(&f->call);
}

/* Renders everything; the events' names, and the text put together again. */
static void render(fixture *f, gc_buf *names, gc_buf *text)
{
    gc_buf out;
    gc_buf_init(&out, 1 << 20);
    gc_buf_init(names, 1 << 20);
    gc_buf_init(text, 1 << 20);
    while (f->reply.phase != GC_SIM_PHASE_DONE)
        gc_sim_reply_next(&f->reply, 3, SIZE_MAX, &out);
    for (char *at = out.ptr; (at = strstr(at, "data: ")); at++) {
        json_t *data = json_loadb(at + 6, strcspn(at + 6, "\n"), 0, NULL);
        const char *type = json_string_value(json_object_get(data, "type"));
        if (type && !strstr(names->ptr, type))
            gc_buf_printf(names, "%s ", type);
        const char *part =
            json_string_value(json_object_get(json_object_get(data, "delta"), "text"));
        json_t *choice = json_array_get(json_object_get(data, "choices"), 0);
        if (!part)
            part = json_string_value(
                json_object_get(json_object_get(choice, "delta"), "content"));
        gc_buf_puts(text, part ? part : "");
        json_decref(data);
    }
    if (strstr(out.ptr, "data: [DONE]\n\n"))
        gc_buf_puts(names, "[DONE]");
    gc_buf_release(&out);
}

static void test_reply_streams_in_the_documented_order(void **state)
{
    (void)state;
    fixture f;
    gc_buf names, text;
    make(&f, false, 40, 10000, NULL);
    render(&f, &names, &text);
    assert_string_equal("message_start ping content_block_start content_block_delta "
                        "content_block_stop message_delta message_stop ",
                        names.ptr);
    assert_string_equal(f.reply.answer.text, text.ptr);
    assert_string_equal("end_turn", f.reply.stop_reason);
    assert_int_equal(40 + gc_sim_tokens(f.reply.text_len), gc_sim_reply_total(&f.reply));
    assert_int_equal(gc_sim_reply_total(&f.reply), gc_sim_reply_output(&f.reply));
    gc_buf_release(&names);
    gc_buf_release(&text);
    release(&f);
}

static void test_reply_streams_chunks(void **state)
{
    (void)state;
    fixture f;
    gc_buf names, text;
    make(&f, true, 0, 10000, NULL);
    render(&f, &names, &text);
    assert_string_equal("[DONE]", names.ptr);
    assert_string_equal(f.reply.answer.text, text.ptr);
    gc_buf_release(&names);
    gc_buf_release(&text);
    release(&f);
}

static void test_reply_whole_is_json(void **state)
{
    (void)state;
    for (int openai = 0; openai < 2; openai++) {
        fixture f;
        gc_buf out;
        make(&f, openai, 12, 10000, NULL);
        gc_buf_init(&out, 1 << 20);
        gc_sim_reply_whole(&f.reply, &out);
        json_t *body = json_loads(out.ptr, 0, NULL);
        json_t *usage = json_object_get(body, "usage");
        assert_int_equal(openai ? 36 : 5,
                         json_integer_value(json_object_get(
                             usage, openai ? "prompt_tokens" : "input_tokens")));
        json_decref(body);
        gc_buf_release(&out);
        release(&f);
    }
}

static void test_reply_stops_at_the_output_limit(void **state)
{
    (void)state;
    fixture f;
    make(&f, false, 10, 20, NULL);
    assert_string_equal("max_tokens", f.reply.stop_reason);
    assert_int_equal(36, f.reply.text_len); /* ten tokens of text */
    assert_int_equal(20, gc_sim_reply_total(&f.reply));
    release(&f);
    make(&f, false, 100, 20, NULL); /* thinking eats it all */
    assert_int_equal(0, f.reply.text_len);
    assert_int_equal(20, gc_sim_reply_total(&f.reply));
    release(&f);
}

static void test_reply_spoils_on_demand(void **state)
{
    (void)state;
    static const struct {
        gc_sim_fault_kind kind;
        const char *has;
        const char *lacks;
        const char *reason;
    } cases[] = {
        { GC_SIM_FAULT_MISSING_FILE, "", "<file", "end_turn" },
        { GC_SIM_FAULT_BAD_SIGNATURE, "type DéjàRenamed struct", "type Déjà struct",
          "end_turn" },
        { GC_SIM_FAULT_FENCED, "```go\n<file path=", "\x01", "end_turn" },
        { GC_SIM_FAULT_JSON, "[{\"path\": \"a/b.go\"", "<file", "end_turn" },
        { GC_SIM_FAULT_GARBAGE, "Certainly!", "</file>", "end_turn" },
        { GC_SIM_FAULT_MAX_TOKENS, "<file", "\x01", "max_tokens" },
        { GC_SIM_FAULT_REFUSAL, "", "\x01", "refusal" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;
        gc_sim_fault fault = { .kind = cases[i].kind, .at = 0 };
        make(&f, false, 0, 10000, &fault);
        assert_non_null(strstr(f.reply.answer.text, cases[i].has));
        assert_null(strstr(f.reply.answer.text, cases[i].lacks));
        assert_string_equal(cases[i].reason, f.reply.stop_reason);
        release(&f);
    }
}

static void test_reply_stops_where_a_fault_strikes(void **state)
{
    (void)state;
    fixture f;
    gc_buf out;
    make(&f, false, 0, 10000, NULL);
    gc_buf_init(&out, 1 << 20);
    for (int i = 0; i < 1000; i++)
        gc_sim_reply_next(&f.reply, 4, 50, &out);
    assert_int_equal(GC_SIM_PHASE_TEXT, f.reply.phase);
    assert_in_range(f.reply.sent, 48, 50); /* never in the middle of a character */
    gc_buf_release(&out);
    release(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply_streams_in_the_documented_order),
        cmocka_unit_test(test_reply_streams_chunks),
        cmocka_unit_test(test_reply_whole_is_json),
        cmocka_unit_test(test_reply_stops_at_the_output_limit),
        cmocka_unit_test(test_reply_spoils_on_demand),
        cmocka_unit_test(test_reply_stops_where_a_fault_strikes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
