#include "support/must.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/conf.h"

#define BROKER "--broker", "tcp://127.0.0.1:5555"
#define REDIS "--redis", "redis://127.0.0.1:6379"
#define MAX_ARGUMENTS 16

static gc_worker_conf conf;
static char *dir;

static int set_up(void **state)
{
    (void)state;
    dir = must_temp_dir();
    assert_int_equal(chdir(dir), 0); /* no settings file here */
    static const char *const names[] = { "ANTHROPIC_API_KEY", "OPENAI_API_KEY",
                                         "OPENAI_BASE_URL",   "REDIS_URL",
                                         "GC_CLUSTER_BROKER", "GC_CLUSTER_REDIS" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gc_worker_conf_release(&conf);
    assert_int_equal(chdir("/"), 0);
    must_remove_tree(dir);
    free(dir);
    return 0;
}

/* The last argument is NULL. What it prints goes to the test's own output. */
static int load(const char *const *words)
{
    char *argv[MAX_ARGUMENTS] = { (char *)"gc-worker" };
    int argc = 1;
    for (; *words; words++)
        argv[argc++] = (char *)*words;
    gc_worker_conf_release(&conf);
    return gc_worker_conf_load(&conf, argc, argv);
}

#define LOAD(...) load((const char *const[]){ __VA_ARGS__, NULL })

static void test_conf_refuses_bad_usage(void **state)
{
    (void)state;
    assert_int_equal(LOAD(REDIS), 8);
    assert_int_equal(LOAD(BROKER), 8);
    assert_int_equal(LOAD(BROKER, REDIS, "--slot", "3"), 8);
    assert_int_equal(LOAD(BROKER, REDIS, "--slots", "0"), 8);
    assert_int_equal(LOAD(BROKER, REDIS, "--slots"), 8);
    assert_int_equal(LOAD(BROKER, REDIS, "--insecure=yes"), 8);
    assert_int_equal(LOAD(BROKER, REDIS, "more"), 8);
    assert_int_equal(LOAD(BROKER, REDIS, "--id", "a b"), 8);
    assert_int_equal(LOAD(BROKER, REDIS, "--log-level", "loud"), 8);
    assert_int_equal(LOAD(BROKER, REDIS, "-c", "/nonexistent/file"), 8);
    assert_int_equal(LOAD(REDIS, "--broker", "tcp://192.0.2.1:5555"), 8);
    assert_int_equal(LOAD(REDIS, "--broker", "tcp://192.0.2.1:5555", "--insecure"), -1);
    assert_int_equal(LOAD(REDIS, "--broker", "tcp://192.0.2.1:5555",
                          "--curve-certificate", "own.key_secret", "--curve-server",
                          "broker.key"),
                     -1);
    assert_string_equal(conf.config.cluster_curve_server, "broker.key");
}

static void test_conf_takes_brokers_and_redis_from_anywhere(void **state)
{
    (void)state;
    setenv("REDIS_URL", "unix:///tmp/r", 1);
    setenv("GC_CLUSTER_BROKER", "ipc:///tmp/a,ipc:///tmp/b", 1);
    assert_int_equal(LOAD("--slots=7"), -1);
    assert_int_equal(conf.brokers.count, 2);
    assert_string_equal(conf.brokers.items[1], "ipc:///tmp/b");
    assert_string_equal(conf.config.cluster_redis, "unix:///tmp/r");
    assert_int_equal(conf.config.cluster_slots, 7);
    assert_int_equal(LOAD(BROKER), -1); /* a flag goes over the environment */
    assert_int_equal(conf.brokers.count, 1);
}

static void test_conf_serves_what_it_has_keys_for(void **state)
{
    (void)state;
    assert_int_equal(LOAD(BROKER, REDIS), -1);
    assert_int_equal(conf.providers.count, 0);
    setenv("ANTHROPIC_API_KEY", "k", 1);
    setenv("OPENAI_BASE_URL", "http://127.0.0.1:11434/v1", 1); /* wants no key */
    assert_int_equal(LOAD(BROKER, REDIS), -1);
    assert_true(gc_strv_has(&conf.providers, "anthropic"));
    assert_true(gc_strv_has(&conf.providers, "openai"));
}

static void test_conf_names_itself(void **state)
{
    (void)state;
    assert_int_equal(LOAD(BROKER, REDIS, "--id", "w-1.a_b"), -1);
    assert_string_equal(conf.id, "w-1.a_b");
    char *holder = strdup(conf.holder);
    assert_int_equal(LOAD(BROKER, REDIS, "--id", "w-1.a_b"), -1);
    assert_string_not_equal(conf.holder, holder); /* another start, another holder */
    free(holder);
    assert_int_equal(LOAD(BROKER, REDIS, "--die-with-parent"), -1);
    assert_true(conf.die_with_parent);
    assert_true(strlen(conf.id) <= 64);
}

static void test_conf_prints_help_and_version(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--help"), 0);
    assert_int_equal(LOAD("-v"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_conf_refuses_bad_usage),
        TEST(test_conf_takes_brokers_and_redis_from_anywhere),
        TEST(test_conf_serves_what_it_has_keys_for),
        TEST(test_conf_names_itself),
        TEST(test_conf_prints_help_and_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
