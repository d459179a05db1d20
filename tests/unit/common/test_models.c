#include "support/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fs.h"
#include "common/mem.h"
#include "common/models.h"
#include "support/doc_text.h"

/* The built-in table with `text` over it; findings go to *findings (free() it). */
static gc_err load(const char *text, gc_models **out, char **findings)
{
    gc_diags diags;
    gc_errinfo info;
    char *dir = must_temp_dir(), *path = gc_xasprintf("%s/m.yaml", dir);
    must_ok(gc_write_file(path, text, strlen(text), &info));
    gc_diags_init(&diags, "m.yaml");
    gc_err err = gc_models_load(path, &diags, out);
    *findings = diags_text(&diags);
    gc_diags_release(&diags);
    must_remove_tree(dir);
    free(path);
    free(dir);
    return err;
}

static gc_models *builtin(void)
{
    gc_models *models = NULL;
    gc_diags diags;
    gc_diags_init(&diags, "none");
    must_ok(gc_models_load(NULL, &diags, &models));
    gc_diags_release(&diags);
    return models;
}

static gc_models *with(const char *text)
{
    gc_models *models = NULL;
    char *findings;
    gc_err err = load(text, &models, &findings);
    assert_string_equal(findings, "");
    must_ok(err);
    free(findings);
    return models;
}

static void refuse(const char *text, const char *want)
{
    gc_models *models = NULL;
    char *findings;
    expect_err(GC_EINVAL, load(text, &models, &findings));
    assert_null(models);
    if (!strstr(findings, want))
        fail_msg("wanted \"%s\" in:\n%s", want, findings);
    free(findings);
}

static void test_models_known_ones(void **state)
{
    (void)state;
    gc_models *models = builtin();
    const gc_model *m = gc_models_find(models, "claude-sonnet-5-5");
    assert_non_null(m);
    assert_string_equal(m->id, "claude-sonnet-5-5");
    assert_string_equal(m->provider, "anthropic");
    assert_true(m->priced && m->effort);
    assert_float_equal(m->prices.input, 2, 1e-9);
    assert_float_equal(m->prices.cache_read, 0.1, 1e-9);
    assert_int_equal(m->cache_min_tokens, 512);
    assert_int_equal(m->thinking_off, GC_THINKING_BETWEEN_TOOLS);
    assert_int_equal(m->long_prompt_tokens, 0);
    m = gc_models_find(models, "claude-haiku-4-5");
    assert_false(m->effort);
    assert_int_equal(m->context_tokens, 200000);
    assert_int_equal(m->max_output_tokens, 64000);
    assert_int_equal(m->cache_min_tokens, 4096);
    m = gc_models_find(models, "gpt-6.1-sol");
    assert_string_equal(m->provider, "openai");
    assert_int_equal(m->long_prompt_tokens, 272000);
    assert_null(gc_models_find(models, "no-such-model"));
    gc_models_destroy(&models);
    gc_models_destroy(&models);
}

/* Cache multipliers of the providers' price pages hold for every line of the table. */
static void test_models_prices_are_consistent(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "claude-haiku-5-5",  "claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-1",
        "claude-sonnet-5",   "claude-opus-5",     "claude-fable-5",  "claude-opus-4-8",
        "claude-opus-4-7",   "claude-opus-4-6",   "claude-opus-4-5", "claude-sonnet-4-6",
        "claude-sonnet-4-5", "claude-haiku-4-5",  "gpt-6-luna",      "gpt-6.1-sol",
        "gpt-6-sol",         "gpt-6-astra",       "gpt-5.6-luna",    "gpt-5.6-terra",
        "gpt-5.6-sol"
    };
    gc_models *models = builtin();
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        const gc_model *m = gc_models_find(models, ids[i]);
        assert_non_null(m);
        bool claude = strcmp(m->provider, "anthropic") == 0;
        const gc_prices *lists[] = { &m->prices, m->long_prompt_tokens ? &m->long_prices
                                                                       : &m->prices };
        for (size_t j = 0; j < 2; j++) {
            const gc_prices *p = lists[j];
            assert_float_equal(p->cache_write_5m, 1.25 * p->input, 1e-9);
            assert_float_equal(p->cache_write_1h, (claude ? 2 : 1.25) * p->input, 1e-9);
            assert_true(p->cache_read <= 0.1 * p->input + 1e-9 && p->cache_read > 0);
        }
        assert_true(m->bytes_per_token > 2 && m->seconds_per_1k_output > 1);
        assert_true(m->max_output_tokens <= m->context_tokens);
    }
    gc_models_destroy(&models);
}

static void test_models_cost_of_a_call(void **state)
{
    (void)state;
    gc_models *models = builtin();
    const gc_model *m = gc_models_find(models, "claude-sonnet-5-5");
    gc_usage usage = { .input = 1000,
                       .cache_write_5m = 2000,
                       .cache_write_1h = 3000,
                       .cache_read = 40000,
                       .output = 500 };
    assert_int_equal(gc_usage_prompt(&usage), 46000);
    assert_float_equal(gc_model_cost(m, &usage),
                       (1000 * 2 + 2000 * 2.5 + 3000 * 4 + 40000 * 0.1 + 500 * 10) / 1e6,
                       1e-12);
    gc_usage_add(&usage, &usage);
    assert_int_equal(usage.output, 1000);
    assert_int_equal(usage.cache_write_1h, 6000);
    gc_models_destroy(&models);
}

static void test_models_long_prompts_cost_more(void **state)
{
    (void)state;
    gc_models *models = builtin();
    const gc_model *m = gc_models_find(models, "claude-haiku-5-5");
    gc_usage at = { .input = 50000, .cache_read = 50000, .output = 1000 };
    gc_usage over = { .input = 50000, .cache_read = 50001, .output = 1000 };
    assert_float_equal(gc_model_cost(m, &at), (50000 * 0.1 + 50000 * 0.01 + 500) / 1e6,
                       1e-12);
    assert_float_equal(gc_model_cost(m, &over), (50000 * 0.5 + 50001 * 0.05 + 2500) / 1e6,
                       1e-12);
    gc_models_destroy(&models);
}

static void test_models_unknown_ones_are_unpriced(void **state)
{
    (void)state;
    gc_models *models = builtin();
    gc_usage usage = { .input = 1000000, .output = 1000 };
    const gc_model *m = gc_models_require(models, "qwen2.5-coder:7b", "openai");
    assert_false(m->priced || m->effort);
    assert_string_equal(m->id, "qwen2.5-coder:7b");
    assert_string_equal(m->provider, "openai");
    assert_int_equal(m->cache_min_tokens, 0);
    assert_true(m->context_tokens > 0 && m->max_output_tokens > 0);
    assert_float_equal(gc_model_cost(m, &usage), 0, 0);
    assert_ptr_equal(gc_models_require(models, "qwen2.5-coder:7b", "openai"), m);
    assert_false(gc_models_require(models, "made-up", "sim")->priced);
    gc_models_destroy(&models);
}

static void test_models_dated_ids_are_the_same_model(void **state)
{
    (void)state;
    gc_models *models = builtin();
    const gc_model *base = gc_models_find(models, "claude-haiku-4-5");
    assert_ptr_equal(gc_models_find(models, "claude-haiku-4-5-20251001"), base);
    const gc_model *m = gc_models_require(models, "gpt-6-sol-2026-09-01", "openai");
    assert_true(m->priced);
    assert_string_equal(m->id, "gpt-6-sol-2026-09-01");
    assert_null(gc_models_find(models, "gpt-6-sol-2026-9-1"));
    assert_null(gc_models_find(models, "-20251001"));
    gc_models_destroy(&models);
}

static void test_models_override_changes_what_it_names(void **state)
{
    (void)state;
    gc_models *models =
        with("models:\n"
             "  claude-sonnet-5-5: {prices: {output: 12}, thinking_off: disabled}\n"
             "  local:\n    provider: openai\n    prices: {input: 1, output: 2}\n"
             "    context_tokens: 8192\n    max_output_tokens: 4096\n"
             "  free: {provider: openai}\n"
             "unknown: {openai: {max_output_tokens: 777}}\n");
    const gc_model *m = gc_models_find(models, "claude-sonnet-5-5");
    assert_float_equal(m->prices.output, 12, 1e-9);
    assert_float_equal(m->prices.input, 2, 1e-9);
    assert_int_equal(m->thinking_off, GC_THINKING_DISABLED);
    assert_int_equal(m->cache_min_tokens, 512);
    m = gc_models_find(models, "local");
    assert_true(m->priced);
    assert_float_equal(m->prices.cache_read, 1, 1e-9);
    assert_int_equal(m->context_tokens, 8192);
    m = gc_models_find(models, "free");
    assert_false(m->priced);
    assert_int_equal(m->max_output_tokens, 777);
    assert_int_equal(gc_models_require(models, "other", "openai")->max_output_tokens,
                     777);
    gc_models_destroy(&models);
    models = with("");
    gc_models_destroy(&models);
}

static void test_models_override_errors_have_their_place(void **state)
{
    (void)state;
    refuse("models:\n  claude-opus-5: {prise: 1}\n",
           "m.yaml:2:19: error: unknown key \"prise\"; did you mean \"prices\"?");
    refuse("gpt-7: {}\n",
           "m.yaml:1:1: error: unknown key \"gpt-7\"; the keys are models,");
    refuse("models: {x: {prices: {input: 1, output: 2}}}", "needs its provider");
    refuse("models: {x: {provider: google}}", "provider: must be anthropic or openai");
    refuse("models: {x: {provider: openai, prices: {input: 1}}}",
           "at least input and output");
    refuse("models: {x: {provider: openai, prices: {in: 1}}}", "unknown key \"in\"");
    refuse("models: {gpt-6-sol: {prices: {input: -1}}}", "input: must be a price from 0");
    refuse("models: {gpt-6-sol: {prices: 3}}", "prices: must be a map");
    refuse("models: {gpt-6-sol: {effort: 1}}", "effort: must be true or false");
    refuse("models: {gpt-6-sol: {context_tokens: 0}}", "must be over 0");
    refuse("models: {gpt-6-sol: {context_tokens: many}}", "a number of tokens");
    refuse("models: {gpt-6-sol: {thinking_off: maybe}}",
           "none, disabled or between_tools");
    refuse("models: {gpt-6-sol: {bytes_per_token: 0}}", "a number from 0.001 to 1000");
    refuse("models: {claude-opus-5: {long_prompt_tokens: 1}}", "needs long_prices");
    refuse("models: {gpt-6-sol: 1, gpt-6-luna: {x: 1}}",
           "gpt-6-sol: must be a map of keys");
    refuse("models: {\"\": {}}", "a model id: must be");
    refuse("models: 1", "models: must be a map");
    refuse("unknown: {openai: {prices: {}}}", "an unknown model has no price");
    refuse("unknown: {x: {}}", "x: must be anthropic or openai");
    refuse("[]", "the file: must be a map");
    refuse("models: [", "YAML syntax");
}

static void test_models_unreadable_override(void **state)
{
    (void)state;
    gc_models *models = NULL;
    gc_diags diags;
    gc_diags_init(&diags, "x");
    expect_err(GC_EIO, gc_models_load("/nonexistent/models.yaml", &diags, &models));
    assert_null(models);
    gc_diags_release(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_models_known_ones),
        cmocka_unit_test(test_models_prices_are_consistent),
        cmocka_unit_test(test_models_cost_of_a_call),
        cmocka_unit_test(test_models_long_prompts_cost_more),
        cmocka_unit_test(test_models_unknown_ones_are_unpriced),
        cmocka_unit_test(test_models_dated_ids_are_the_same_model),
        cmocka_unit_test(test_models_override_changes_what_it_names),
        cmocka_unit_test(test_models_override_errors_have_their_place),
        cmocka_unit_test(test_models_unreadable_override),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
