#include "support/must.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/fs.h"
#include "common/hash.h"
#include "common/keys.h"
#include "common/mem.h"

static char *dir;
static char *path;

static int set_up(void **state)
{
    (void)state;
    unsetenv("ANTHROPIC_API_KEY");
    unsetenv("OPENAI_API_KEY");
    dir = must_temp_dir();
    path = gc_xasprintf("%s/key", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    must_remove_tree(dir);
    free(dir);
    free(path);
    return 0;
}

static gc_config config_of(const char *file, const char *provider)
{
    return (gc_config){ .llm_api_key_file = (char *)file,
                        .llm_provider = (char *)provider };
}

static void write_key_file(const char *text, mode_t mode)
{
    must_ok(gc_write_file(path, text, strlen(text), NULL));
    assert_int_equal(chmod(path, mode), 0);
}

static void test_keys_come_from_the_environment_first(void **state)
{
    (void)state;
    gc_keys keys;
    gc_config config = config_of(path, "openai");
    setenv("ANTHROPIC_API_KEY", "from-env", 1);
    write_key_file("# comment\nexport ANTHROPIC_API_KEY=\"from-file\"\nOTHER=1\n"
                   "OPENAI_API_KEY=o-key\n",
                   0600);
    must_ok(gc_keys_load(&keys, &config, NULL));
    assert_string_equal(gc_keys_find(&keys, "anthropic")->secret, "from-env");
    assert_string_equal(gc_keys_find(&keys, "openai")->secret, "o-key");
    assert_null(gc_keys_find(&keys, "other"));
    gc_sha sha = gc_sha256("from-env", 8);
    assert_memory_equal(keys.anthropic.id, sha.hex, GC_KEY_ID);
    assert_int_equal(strlen(keys.anthropic.id), GC_KEY_ID);
    gc_keys_release(&keys);
}

static void test_keys_bare_file_is_for_the_configured_provider(void **state)
{
    (void)state;
    gc_keys keys;
    write_key_file("  bare-key\n", 0640);
    gc_config config = config_of(path, "sim");
    must_ok(gc_keys_load(&keys, &config, NULL));
    assert_string_equal(keys.anthropic.secret, "bare-key");
    assert_string_equal(keys.openai.secret, "");
    assert_string_equal(keys.openai.id, "none");
    gc_keys_release(&keys);
}

/* A secret that was mounted from a file often brings the end of its line along. */
static void test_keys_of_the_environment_may_have_blanks_around(void **state)
{
    (void)state;
    gc_keys keys;
    gc_errinfo info;
    gc_config config = config_of("", "anthropic");
    setenv("ANTHROPIC_API_KEY", " a-key\r\n", 1);
    setenv("OPENAI_API_KEY", " \n", 1);
    must_ok(gc_keys_load(&keys, &config, &info));
    assert_string_equal(keys.anthropic.secret, "a-key");
    assert_string_equal(keys.openai.id, "none");
    gc_keys_release(&keys);
    setenv("ANTHROPIC_API_KEY", "a\nx-evil: 1", 1);
    expect_err(GC_EINVAL, gc_keys_load(&keys, &config, &info));
    assert_null(strstr(info.text, "evil"));
}

static void test_keys_refuses_bad_files(void **state)
{
    (void)state;
    gc_keys keys;
    gc_errinfo info;
    gc_config config = config_of(path, "anthropic");
    write_key_file("sk-secret", 0622);
    expect_err(GC_EINVAL, gc_keys_load(&keys, &config, &info));
    assert_null(strstr(info.text, "sk-secret"));
    write_key_file("sk-secret with blanks", 0600);
    expect_err(GC_EINVAL, gc_keys_load(&keys, &config, &info));
    assert_null(strstr(info.text, "secret"));
    config.llm_api_key_file = (char *)"/nonexistent/key";
    expect_err(GC_ENOENT, gc_keys_load(&keys, &config, &info));
}

static void test_keys_of_a_file_that_all_can_read(void **state)
{
    (void)state;
    gc_keys keys;
    gc_config config = config_of(path, "anthropic");
    write_key_file("sk-secret", 0640);
    assert_false(gc_keys_exposed(&config));
    write_key_file("sk-secret", 0644);
    must_ok(gc_keys_load(&keys, &config, NULL)); /* secrets that are mounted look so */
    gc_keys_release(&keys);
    assert_true(gc_keys_exposed(&config));
    config.llm_api_key_file = (char *)"";
    assert_false(gc_keys_exposed(&config));
}

static void test_keys_are_scrubbed_from_messages(void **state)
{
    (void)state;
    gc_key key = { .secret = (char *)"plain12345" };
    char text[] = "key plain12345 and sk-ant-a1_*b, task-9 (plain12345)";
    gc_key_scrub(&key, text);
    assert_string_equal(text, "key ********** and ************, task-9 (**********)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keys_come_from_the_environment_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_keys_bare_file_is_for_the_configured_provider, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_keys_of_the_environment_may_have_blanks_around, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys_refuses_bad_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys_of_a_file_that_all_can_read, set_up,
                                        tear_down),
        cmocka_unit_test(test_keys_are_scrubbed_from_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
