#include "support/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config.h"
#include "common/fs.h"
#include "common/mem.h"
#include "common/text.h"
#include "support/doc_text.h"

typedef struct fixture {
    gc_config config;
    char *dir;
    char *path; /* of a configuration file in dir */
    char *findings;
    gc_errinfo info;
} fixture;

static int setup(void **state)
{
    fixture *f = gc_xcalloc(1, sizeof *f);
    gc_config_init(&f->config);
    f->dir = must_temp_dir();
    f->path = gc_xasprintf("%s/c.yaml", f->dir);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    gc_config_release(&f->config);
    must_remove_tree(f->dir);
    free(f->findings);
    free(f->path);
    free(f->dir);
    free(f);
    return 0;
}

static gc_err load(fixture *f, const char *text)
{
    gc_diags diags;
    gc_errinfo info;
    must_ok(gc_write_file(f->path, text, strlen(text), &info));
    gc_diags_init(&diags, "c.yaml");
    gc_err err = gc_config_load_file(&f->config, f->path, &diags);
    free(f->findings);
    f->findings = diags_text(&diags);
    gc_diags_release(&diags);
    return err;
}

static void must_load(fixture *f, const char *text)
{
    gc_err err = load(f, text);
    assert_string_equal(f->findings, "");
    must_ok(err);
}

static void refuse(fixture *f, const char *text, const char *want)
{
    expect_err(GC_EINVAL, load(f, text));
    if (!strstr(f->findings, want))
        fail_msg("wanted \"%s\" in:\n%s", want, f->findings);
}

static void expect_same(const gc_config *a, const gc_config *b)
{
    gc_config left = *a, right = *b;
    left.file = right.file = NULL; /* where they come from is no setting */
    for (size_t i = 0; i < sizeof(gc_config) / sizeof(char *); i++) {
        char *x, *y;
        memcpy(&x, (char *)&left + i * sizeof x, sizeof x);
        memcpy(&y, (char *)&right + i * sizeof y, sizeof y);
        if (memcmp(&x, &y, sizeof x) != 0)
            assert_string_equal(x, y); /* only texts may differ as pointers */
    }
}

static void test_config_defaults(void **state)
{
    fixture *f = *state;
    const gc_config *c = &f->config;
    assert_true(c->prompt_caching_enabled && c->batching_enabled && c->templates_enabled);
    assert_int_equal(c->batching_max_batch_size, 5);
    assert_float_equal(c->batching_min_similarity, 0.7, 1e-9);
    assert_string_equal(c->batching_response_format, "tags");
    assert_int_equal(c->context_filtering_max_entities_per_call, 10);
    assert_int_equal(c->parallelization_max_workers, 0);
    assert_string_equal(c->incremental_state_file, ".gocreator/state.json");
    assert_int_equal(c->progress_update_interval_ms, 2000);
    assert_int_equal(c->resume_auto_checkpoint_interval_ms, 30000);
    assert_string_equal(c->llm_provider, "anthropic");
    assert_string_equal(c->llm_model, "claude-sonnet-5-5");
    assert_string_equal(c->llm_effort, "low");
    assert_int_equal(c->llm_first_byte_timeout_ms, 600000);
    assert_int_equal(c->cluster_slots, 32);
    assert_int_equal(c->limits_provider_patience_ms, 600000);
    assert_int_equal(c->limits_max_repairs, 2);
    assert_float_equal(c->limits_max_cost_usd, 0, 0);
    assert_string_equal(c->cluster_broker, "");
}

static void test_config_every_key_is_described(void **state)
{
    (void)state;
    size_t count = 0;
    for (const gc_config_key *key; (key = gc_config_key_at(count)); count++) {
        assert_true(*key->key && *key->type && *key->help);
        assert_true(gc_ends_with(key->help, "."));
    }
    assert_true(count > 50);
}

static void test_config_sample_is_the_committed_file(void **state)
{
    (void)state;
    gc_buf sample;
    gc_buf_init(&sample, 1 << 20);
    gc_config_sample(&sample);
    char *committed = must_read(GC_SOURCE_DIR "/config/gocreator.yaml");
    assert_string_equal(sample.ptr, committed);
    free(committed);
    gc_buf_release(&sample);
}

static void test_config_sample_gives_the_defaults(void **state)
{
    fixture *f = *state;
    gc_config defaults;
    gc_config_init(&defaults);
    char *text = must_read(GC_SOURCE_DIR "/config/gocreator.yaml");
    must_load(f, text);
    expect_same(&f->config, &defaults);
    free(text);
    gc_config_release(&defaults);
}

static void test_config_is_documented(void **state)
{
    (void)state;
    char *text = must_read(GC_SOURCE_DIR "/docs/configuration.md");
    const gc_config_key *key;
    for (size_t i = 0; (key = gc_config_key_at(i)); i++) {
        char *row = gc_xasprintf("| `%s` | %s | `%s` |", key->key, key->type,
                                 *key->value ? key->value : "\"\"");
        if (!strstr(text, row))
            fail_msg("docs/configuration.md lacks: %s", row);
        free(row);
    }
    free(text);
}

/* The block of the performance guide, as it stands there. */
static const char guide[] = "# config/gocreator.yaml\n"
                            "optimization:\n"
                            "  # Token efficiency\n"
                            "  prompt_caching:\n"
                            "    enabled: true\n"
                            "    providers:\n"
                            "      anthropic: true\n"
                            "      openai: false  # Not yet available\n"
                            "\n"
                            "  batching:\n"
                            "    enabled: true\n"
                            "    max_batch_size: 5\n"
                            "    min_similarity: 0.7\n"
                            "\n"
                            "  templates:\n"
                            "    enabled: true\n"
                            "    directory: \"./templates\"\n"
                            "\n"
                            "  context_filtering:\n"
                            "    enabled: true\n"
                            "    max_entities_per_call: 10\n"
                            "\n"
                            "  # Performance\n"
                            "  parallelization:\n"
                            "    enabled: true\n"
                            "    max_workers: 4\n"
                            "\n"
                            "  incremental:\n"
                            "    enabled: true\n"
                            "    state_file: \".gocreator/state.json\"\n"
                            "\n"
                            "  # UX\n"
                            "  progress:\n"
                            "    enabled: true\n"
                            "    update_interval: 2s\n"
                            "\n"
                            "  dry_run:\n"
                            "    show_token_estimates: true\n"
                            "    show_cost_estimates: true\n"
                            "\n"
                            "  resume:\n"
                            "    enabled: true\n"
                            "    checkpoint_dir: \".gocreator/checkpoints\"\n"
                            "    auto_checkpoint_interval: 30s\n";

static void test_config_guide_loads_unchanged(void **state)
{
    fixture *f = *state;
    must_load(f, guide);
    assert_false(f->config.prompt_caching_openai);
    assert_int_equal(f->config.parallelization_max_workers, 4);
    assert_string_equal(f->config.templates_directory, "./templates");
}

static void test_config_every_key_of_the_guide_takes_effect(void **state)
{
    fixture *f = *state;
    const gc_config *c = &f->config;
    must_load(f,
              "optimization:\n"
              "  prompt_caching: {enabled: no, providers: {anthropic: off, openai: no}}\n"
              "  batching: {enabled: false, max_batch_size: 7, min_similarity: 0.25}\n"
              "  templates: {enabled: false, directory: t}\n"
              "  context_filtering: {enabled: false, max_entities_per_call: 3}\n"
              "  parallelization: {enabled: false, max_workers: 9}\n"
              "  incremental: {enabled: false, state_file: ./x/s.json}\n"
              "  progress: {enabled: false, update_interval: 500ms}\n"
              "  dry_run: {show_token_estimates: false, show_cost_estimates: false}\n"
              "  resume: {enabled: false, checkpoint_dir: cp, "
              "auto_checkpoint_interval: 1m}\n");
    assert_false(c->prompt_caching_enabled || c->prompt_caching_anthropic ||
                 c->prompt_caching_openai || c->batching_enabled ||
                 c->templates_enabled || c->context_filtering_enabled ||
                 c->parallelization_enabled || c->incremental_enabled ||
                 c->progress_enabled || c->resume_enabled ||
                 c->dry_run_show_token_estimates || c->dry_run_show_cost_estimates);
    assert_int_equal(c->batching_max_batch_size, 7);
    assert_float_equal(c->batching_min_similarity, 0.25, 1e-9);
    assert_string_equal(c->templates_directory, "t");
    assert_int_equal(c->context_filtering_max_entities_per_call, 3);
    assert_int_equal(c->parallelization_max_workers, 9);
    assert_string_equal(c->incremental_state_file, "x/s.json");
    assert_int_equal(c->progress_update_interval_ms, 500);
    assert_string_equal(c->resume_checkpoint_dir, "cp");
    assert_int_equal(c->resume_auto_checkpoint_interval_ms, 60000);
}

static void test_config_bad_values_name_place_and_range(void **state)
{
    fixture *f = *state;
    refuse(
        f, "optimization:\n  batching:\n    max_batch_size: 0\n",
        "c.yaml:3:21: error: optimization.batching.max_batch_size: \"0\" must be 1 to 100");
    refuse(f, "optimization: {batching: {enabled: maybe}}", "must be true or false");
    refuse(f, "optimization: {batching: {min_similarity: 1.5}}", "must be 0 to 1");
    refuse(f, "optimization: {batching: {response_format: xml}}", "must be tags | json");
    refuse(f, "optimization: {progress: {update_interval: 1ms}}",
           "must be 100ms to 1h (a");
    refuse(f, "optimization: {incremental: {state_file: /etc/x}}",
           "inside of the output");
    refuse(f, "optimization: {incremental: {state_file: ../x}}", "inside of the output");
    refuse(f, "llm: {effort: none}", "must be low | medium | high | xhigh | max | \"\"");
    refuse(f, "llm: {model: \"a b\"}", "1 to 128 letters");
    refuse(f, "llm: {model: }", "1 to 128 letters");
    refuse(f, "llm: {anthropic_base_url: localhost}", "must be http://");
    refuse(f, "cluster: {broker: localhost:1}", "must be tcp://host:port");
    refuse(f, "cluster: {http: localhost}", "must be host:port");
    refuse(f, "cluster: {slots: }", "cluster.slots: has no value");
    refuse(f, "cluster: {slots: [1]}", "must be one value, not a list or map");
    refuse(f, "cluster: 3", "c.yaml:1:10: error: cluster: must be a map of keys");
    refuse(f, "- a", "must be a map of sections");
    refuse(f, "cluster: {redis: \"http://user:hunter2@x\"}",
           "the value must be redis://");
    assert_null(strstr(f->findings, "hunter2"));
}

static void test_config_all_findings_in_one_pass(void **state)
{
    fixture *f = *state;
    refuse(f, "llm: {effort: x}\ncluster:\n  slots: 0\nlimitz: 1\nllm: {}\n",
           ":1:15: error");
    assert_non_null(strstr(f->findings, ":3:10: error"));
    assert_non_null(strstr(f->findings, ":4:1: error"));
    assert_non_null(strstr(f->findings, ":5:1: error: duplicate key \"llm\""));
}

static void test_config_unknown_keys_name_the_nearest(void **state)
{
    fixture *f = *state;
    refuse(f, "optimization: {batching: {max_batchsize: 1}}",
           "c.yaml:1:27: error: unknown key \"optimization.batching.max_batchsize\"; did "
           "you mean \"optimization.batching.max_batch_size\"?");
    refuse(f, "optimisation: {batching: {}}", "did you mean \"optimization\"?");
    refuse(f, "batching: {enabled: true}", "did you mean \"optimization.batching\"?");
    refuse(f, "max_cost_usd: 1", "did you mean \"limits.max_cost_usd\"?");
    refuse(f, "zzz: 1", "unknown key \"zzz\"; see docs/configuration.md");
}

static void test_config_keys_of_the_provider_are_refused_unseen(void **state)
{
    fixture *f = *state;
    static const char *const texts[] = {
        "llm: {api_key: sk-ant-0123456789abcdef}",
        "llm:\n  anthropic_key: 0123456789abcdef0123\n",
        "token: 0123456789abcdef0123",
        "llm: {secrets: {x_token: sk-0123456789abcdef}}",
        "llm: {api_key_file: sk-ant-0123456789abcdef}",
        "llm: {something: sk-ant-0123456789abcdef}",
        "llm: {sk-ant-0123456789abcdef: }",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (i == 3)
            continue; /* an unknown section is refused as a whole, unread */
        refuse(f, texts[i], "set ANTHROPIC_API_KEY or OPENAI_API_KEY in the environment");
        assert_null(strstr(f->findings, "0123456789"));
    }
    refuse(f, texts[3], "unknown key \"llm.secrets\"");
    refuse(f, "llm: {model: \"sk-ant 0123456789\"}", "llm.model");
    assert_null(strstr(f->findings, "0123456789"));
}

static void test_config_missing_and_unreadable_files(void **state)
{
    fixture *f = *state;
    gc_diags diags;
    gc_diags_init(&diags, "c.yaml");
    expect_err(GC_ENOENT, gc_config_load_file(&f->config, f->path, &diags));
    assert_int_equal(diags.errors, 0);
    expect_err(GC_EIO, gc_config_load_file(&f->config, f->dir, &diags));
    assert_int_equal(diags.errors, 1);
    gc_diags_release(&diags);
    must_load(f, "");
    must_load(f, "llm:\ncluster: ~\n");
}

static void test_config_set_one_key(void **state)
{
    fixture *f = *state;
    must_ok(gc_config_set(&f->config, "limits.max_cost_usd", "2.50", &f->info));
    assert_float_equal(f->config.limits_max_cost_usd, 2.5, 1e-9);
    must_ok(gc_config_set(&f->config, "llm.effort", "", &f->info));
    assert_string_equal(f->config.llm_effort, "");
    must_ok(gc_config_set(&f->config, "limits.provider_patience_s", "2m", &f->info));
    assert_int_equal(f->config.limits_provider_patience_ms, 120000);
    expect_err(GC_EINVAL, gc_config_set(&f->config, "llm.modle", "x", &f->info));
    assert_non_null(strstr(f->info.text, "did you mean \"llm.model\"?"));
    expect_err(GC_EINVAL, gc_config_set(&f->config, "cluster.slots", "many", &f->info));
    assert_string_equal(f->info.text, "cluster.slots: \"many\" must be 1 to 10000");
    assert_int_equal(f->config.cluster_slots, 32);
}

static void test_config_environment(void **state)
{
    fixture *f = *state;
    setenv("GC_BATCHING_MAX_BATCH_SIZE", "8", 1);
    setenv("GC_PROMPT_CACHING_PROVIDERS_OPENAI", "no", 1);
    setenv("GC_LLM_MODEL", "", 1); /* as not set */
    setenv("REDIS_URL", "redis://shared:6379", 1);
    setenv("OPENAI_BASE_URL", "http://localhost:11434", 1);
    setenv("GC_LLM_OPENAI_BASE_URL", "http://own:1", 1);
    must_ok(gc_config_load_env(&f->config, &f->info));
    assert_int_equal(f->config.batching_max_batch_size, 8);
    assert_false(f->config.prompt_caching_openai);
    assert_string_equal(f->config.llm_model, "claude-sonnet-5-5");
    assert_string_equal(f->config.cluster_redis, "redis://shared:6379");
    assert_string_equal(f->config.llm_openai_base_url, "http://own:1");
    setenv("GC_BATCHING_MAX_BATCH_SIZE", "800", 1);
    expect_err(GC_EINVAL, gc_config_load_env(&f->config, &f->info));
    assert_non_null(strstr(f->info.text, "variable GC_BATCHING_MAX_BATCH_SIZE: "));
    assert_non_null(strstr(f->info.text, "must be 1 to 100"));
    unsetenv("GC_BATCHING_MAX_BATCH_SIZE");
    unsetenv("GC_PROMPT_CACHING_PROVIDERS_OPENAI");
    unsetenv("GC_LLM_MODEL");
    unsetenv("REDIS_URL");
    unsetenv("OPENAI_BASE_URL");
    unsetenv("GC_LLM_OPENAI_BASE_URL");
}

static void test_config_lease_outlives_heartbeats(void **state)
{
    fixture *f = *state;
    must_load(f, "cluster: {lease: 3s, heartbeat: 2s}");
    expect_err(GC_EINVAL, gc_config_load_env(&f->config, &f->info));
    must_load(f, "cluster: {heartbeat: 1s}");
    must_ok(gc_config_load_env(&f->config, &f->info));
}

static void test_config_no_optimization(void **state)
{
    fixture *f = *state;
    const gc_config *c = &f->config;
    gc_config_no_optimization(&f->config);
    assert_false(c->prompt_caching_enabled || c->batching_enabled ||
                 c->templates_enabled || c->context_filtering_enabled ||
                 c->parallelization_enabled || c->incremental_enabled);
    assert_int_equal(c->batching_max_batch_size, 1);
    assert_int_equal(c->parallelization_max_workers, 1);
    assert_true(c->resume_enabled && c->progress_enabled);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_config_defaults),
        cmocka_unit_test(test_config_every_key_is_described),
        cmocka_unit_test(test_config_sample_is_the_committed_file),
        TEST(test_config_sample_gives_the_defaults),
        cmocka_unit_test(test_config_is_documented),
        TEST(test_config_guide_loads_unchanged),
        TEST(test_config_every_key_of_the_guide_takes_effect),
        TEST(test_config_bad_values_name_place_and_range),
        TEST(test_config_all_findings_in_one_pass),
        TEST(test_config_unknown_keys_name_the_nearest),
        TEST(test_config_keys_of_the_provider_are_refused_unseen),
        TEST(test_config_missing_and_unreadable_files),
        TEST(test_config_set_one_key),
        TEST(test_config_environment),
        TEST(test_config_lease_outlives_heartbeats),
        TEST(test_config_no_optimization),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
