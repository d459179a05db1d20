#include <string.h>

#include "support/must.h"
#include "tests/llm-sim/cache.h"

#define MIN_TOKENS 512

/* Text of a block that is worth `tokens` tokens, block overhead included. */
static void add(gc_sim_prompt *prompt, char letter, int64_t tokens)
{
    static char text[1 << 16];
    size_t len = (size_t)(tokens - GC_SIM_BLOCK_TOKENS) * 36 / 10;
    memset(text, letter, len);
    gc_sim_prompt_add(prompt, "user", text, len, false);
}

/* system(1000, marked) + task: the shape of every call of a job */
static void job_prompt(gc_sim_prompt *prompt, char task, int64_t ttl_ms)
{
    add(prompt, 's', 1000);
    gc_sim_prompt_mark(prompt, ttl_ms);
    add(prompt, task, 100);
}

static gc_sim_cache_use look(gc_sim_cache *cache, const gc_sim_prompt *prompt,
                             int64_t now_ms)
{
    gc_sim_cache_use use;
    gc_sim_cache_lookup(cache, prompt, MIN_TOKENS, GC_SIM_LOOK_BACK, now_ms, &use);
    return use;
}

static gc_sim_cache_use ask(gc_sim_cache *cache, char task, int64_t ttl_ms,
                            int64_t now_ms)
{
    gc_sim_prompt prompt = { 0 };
    job_prompt(&prompt, task, ttl_ms);
    gc_sim_cache_use use = look(cache, &prompt, now_ms);
    gc_sim_cache_commit(cache, &use, now_ms);
    gc_sim_prompt_release(&prompt);
    return use;
}

static void test_cache_writes_then_reads_the_shared_prefix(void **state)
{
    gc_sim_cache *cache = *state;
    gc_sim_cache_use first = ask(cache, 'a', GC_SIM_TTL_5M_MS, 0);
    assert_int_equal(1000, first.write_5m);
    assert_int_equal(100, first.input);
    assert_int_equal(0, first.read);
    gc_sim_cache_use second = ask(cache, 'b', GC_SIM_TTL_5M_MS, 1000);
    assert_int_equal(1000, second.read);
    assert_int_equal(100, second.input);
    assert_int_equal(0, second.write_5m);
}

static void test_cache_entry_is_unreadable_until_the_response_begins(void **state)
{
    gc_sim_cache *cache = *state;
    gc_sim_prompt prompt = { 0 };
    job_prompt(&prompt, 'a', GC_SIM_TTL_5M_MS);
    gc_sim_cache_use first = look(cache, &prompt, 0);
    gc_sim_cache_use second = look(cache, &prompt, 0);
    assert_int_equal(1000, second.write_5m); /* cold and parallel: both pay */
    gc_sim_cache_commit(cache, &first, 0);
    assert_int_equal(1000, look(cache, &prompt, 1).read);
    gc_sim_prompt_release(&prompt);
}

static void test_cache_life_counts_from_the_start_and_reads_renew_it(void **state)
{
    gc_sim_cache *cache = *state;
    ask(cache, 'a', GC_SIM_TTL_5M_MS, 0);
    assert_int_equal(1000, ask(cache, 'b', GC_SIM_TTL_5M_MS, 299999).read);
    assert_int_equal(1000, ask(cache, 'c', GC_SIM_TTL_5M_MS, 599998).read);
    assert_int_equal(0, ask(cache, 'd', GC_SIM_TTL_5M_MS, 599998 + 300000).read);
}

static void test_cache_begun_late_lives_from_its_request(void **state)
{
    gc_sim_cache *cache = *state;
    gc_sim_prompt prompt = { 0 };
    job_prompt(&prompt, 'a', GC_SIM_TTL_5M_MS);
    gc_sim_cache_use use = look(cache, &prompt, 1000);
    gc_sim_cache_commit(cache, &use, 1000); /* whenever this happens, 1000 counts */
    assert_int_equal(0, look(cache, &prompt, 301000).read);
    gc_sim_prompt_release(&prompt);
}

static void test_cache_keeps_one_hour_apart(void **state)
{
    gc_sim_cache *cache = *state;
    gc_sim_cache_use first = ask(cache, 'a', GC_SIM_TTL_1H_MS, 0);
    assert_int_equal(1000, first.write_1h);
    assert_int_equal(0, first.write_5m);
    assert_int_equal(1000, ask(cache, 'b', GC_SIM_TTL_1H_MS, 3599999).read);
}

static void test_cache_ignores_what_is_below_the_minimum(void **state)
{
    gc_sim_cache *cache = *state;
    gc_sim_prompt prompt = { 0 };
    add(&prompt, 's', 511);
    gc_sim_prompt_mark(&prompt, GC_SIM_TTL_5M_MS);
    gc_sim_cache_use use = look(cache, &prompt, 0);
    assert_int_equal(0, use.write_5m);
    assert_int_equal(511, use.input);
    gc_sim_prompt_release(&prompt);
}

static void test_cache_splits_the_stretches_between_marks(void **state)
{
    gc_sim_cache *cache = *state;
    gc_sim_prompt prompt = { 0 };
    add(&prompt, 's', 1000);
    gc_sim_prompt_mark(&prompt, GC_SIM_TTL_1H_MS);
    add(&prompt, 'p', 600);
    gc_sim_prompt_mark(&prompt, GC_SIM_TTL_5M_MS);
    add(&prompt, 't', 50);
    gc_sim_cache_use use = look(cache, &prompt, 0);
    assert_int_equal(1000, use.write_1h);
    assert_int_equal(600, use.write_5m);
    assert_int_equal(50, use.input);
    gc_sim_prompt_release(&prompt);
}

/* `between` blocks lie between the block an earlier request marked and the new mark. */
static int64_t read_after(gc_sim_cache *cache, int between, bool tool_run)
{
    gc_sim_prompt prompt = { 0 };
    add(&prompt, 's', 1000);
    for (int i = 0; i < between; i++)
        gc_sim_prompt_add(&prompt, "user", &i, sizeof i, tool_run);
    add(&prompt, 'e', 10);
    gc_sim_prompt_mark(&prompt, GC_SIM_TTL_5M_MS);
    gc_sim_cache_use use = look(cache, &prompt, 1);
    gc_sim_prompt_release(&prompt);
    return use.read;
}

static void test_cache_looks_back_twenty_positions(void **state)
{
    gc_sim_cache *cache = *state;
    ask(cache, 'a', GC_SIM_TTL_5M_MS, 0);
    assert_int_equal(1000,
                     read_after(cache, 18, false)); /* the mark itself is one of 20 */
    assert_int_equal(0, read_after(cache, 19, false));
    assert_int_equal(1000,
                     read_after(cache, 100, true)); /* a run of tool blocks is one */
}

static void test_cache_finds_only_what_was_marked(void **state)
{
    gc_sim_cache *cache = *state;
    gc_sim_prompt prompt = { 0 };
    add(&prompt, 's', 1000);
    add(&prompt, 'a', 100);
    gc_sim_prompt_mark(&prompt, GC_SIM_TTL_5M_MS); /* on the varying tail: the trap */
    gc_sim_cache_use use = look(cache, &prompt, 0);
    gc_sim_cache_commit(cache, &use, 0);
    gc_sim_prompt_release(&prompt);
    gc_sim_cache_use next = ask(cache, 'b', GC_SIM_TTL_5M_MS, 1);
    assert_int_equal(0, next.read);
    assert_int_equal(1000, next.write_5m);
}

static void test_cache_mixes_in_what_is_no_block(void **state)
{
    (void)state;
    gc_sim_prompt one = { 0 };
    gc_sim_prompt two = { 0 };
    gc_sim_prompt_mix(&one, "model", "a");
    gc_sim_prompt_mix(&two, "model", "b");
    add(&one, 's', 10);
    add(&two, 's', 10);
    assert_string_not_equal(one.chain.hex, two.chain.hex);
    gc_sim_prompt_release(&one);
    gc_sim_prompt_release(&two);
}

static void test_cache_scales_lifetimes(void **state)
{
    (void)state;
    gc_sim_cache *cache = gc_sim_cache_new(0.001);
    ask(cache, 'a', GC_SIM_TTL_5M_MS, 0);
    assert_int_equal(1000, ask(cache, 'b', GC_SIM_TTL_5M_MS, 299).read);
    assert_int_equal(0, ask(cache, 'c', GC_SIM_TTL_5M_MS, 599).read);
    gc_sim_cache_destroy(&cache);
}

static void test_cache_sweeps_what_has_expired(void **state)
{
    gc_sim_cache *cache = *state;
    for (int i = 0; i < 5000; i++) {
        gc_sim_prompt prompt = { 0 };
        gc_sim_prompt_mix(&prompt, "i",
                          (char[]){ (char)('a' + i % 26), (char)(i / 26 + 1), 0 });
        job_prompt(&prompt, 'a', GC_SIM_TTL_5M_MS);
        gc_sim_cache_use use = look(cache, &prompt, i * 1000);
        gc_sim_cache_commit(cache, &use, i * 1000);
        gc_sim_prompt_release(&prompt);
    }
    assert_in_range(gc_sim_cache_count(cache), 1, 2000); /* 300 of them are alive */
}

static void test_cache_counts_tokens_up(void **state)
{
    (void)state;
    assert_int_equal(0, gc_sim_tokens(0));
    assert_int_equal(1, gc_sim_tokens(1));
    assert_int_equal(10, gc_sim_tokens(36));
    assert_int_equal(11, gc_sim_tokens(37));
}

static int setup(void **state)
{
    *state = gc_sim_cache_new(1);
    return 0;
}

static int teardown(void **state)
{
    gc_sim_cache *cache = *state;
    gc_sim_cache_destroy(&cache);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cache_writes_then_reads_the_shared_prefix,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_cache_entry_is_unreadable_until_the_response_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_cache_life_counts_from_the_start_and_reads_renew_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_begun_late_lives_from_its_request,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_keeps_one_hour_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_ignores_what_is_below_the_minimum,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_splits_the_stretches_between_marks,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_looks_back_twenty_positions, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_cache_finds_only_what_was_marked, setup,
                                        teardown),
        cmocka_unit_test(test_cache_mixes_in_what_is_no_block),
        cmocka_unit_test(test_cache_scales_lifetimes),
        cmocka_unit_test_setup_teardown(test_cache_sweeps_what_has_expired, setup,
                                        teardown),
        cmocka_unit_test(test_cache_counts_tokens_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
