#include "support/must.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fs.h"
#include "common/program.h"
#include "common/text.h"

#define GO_ON (-1)
#define MAX_ARGUMENTS 16

static void print_version(void)
{
    puts("gc-thing 1");
}

static const gc_option options[] = {
    { "broker", "ENDPOINT", "cluster.broker", "whom to ask" },
    { "insecure", NULL, "cluster.insecure", "no encryption" },
    { "bind", "ENDPOINT", NULL, "where to listen" },
    { "quick", NULL, NULL, "make haste" },
};

static const gc_program program = {
    .name = "gc-thing",
    .role = "thing",
    .usage = "Usage: gc-thing\n",
    .ending = "That is all.\n",
    .print_version = print_version,
    .options = options,
    .option_count = sizeof options / sizeof *options,
};

typedef struct fixture {
    char *dir;
    gc_args args;
    gc_config config;
    char said[2][4096]; /* standard output, standard error */
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->dir = must_temp_dir();
    assert_int_equal(chdir(f->dir), 0); /* no settings file here */
    unsetenv("GC_CLUSTER_BROKER");
    gc_config_init(&f->config);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    gc_args_release(&f->args);
    gc_config_release(&f->config);
    assert_int_equal(chdir("/"), 0);
    must_remove_tree(f->dir);
    free(f->dir);
    free(f);
    return 0;
}

/* What the standard stream `fd` says from now on goes to a file; returns the old one. */
static int divert(int fd, const char *name)
{
    int old = dup(fd);
    int new = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(old >= 0 && new >= 0 && dup2(new, fd) == fd);
    close(new);
    return old;
}

static void restore(int fd, int old, const char *name, char said[4096])
{
    assert_int_equal(dup2(old, fd), fd);
    close(old);
    char *text = must_read(name);
    snprintf(said, 4096, "%s", text);
    free(text);
}

/* The last word is NULL. */
static int take(fixture *f, const char *const *words)
{
    char *argv[MAX_ARGUMENTS] = { (char *)"gc-thing" };
    int argc = 1;
    for (; *words; words++)
        argv[argc++] = (char *)*words;
    gc_args_release(&f->args);
    fflush(stdout);
    int out = divert(STDOUT_FILENO, "out"), err = divert(STDERR_FILENO, "err");
    int status = gc_args_take(&program, argc, argv, &f->args);
    restore(STDOUT_FILENO, out, "out", f->said[0]);
    restore(STDERR_FILENO, err, "err", f->said[1]);
    return status;
}

#define TAKE(...) take(f, (const char *const[]){ __VA_ARGS__, NULL })

static void test_program_takes_options(void **state)
{
    fixture *f = *state;
    assert_int_equal(TAKE("--bind=a", "--broker", "b", "--bind", "c", "--insecure"),
                     GO_ON);
    assert_string_equal(gc_args_last(&f->args, "bind"), "c");
    assert_int_equal(f->args.others.count, 4);
    assert_null(gc_args_last(&f->args, "quick"));
    assert_int_equal(TAKE("--quick"), GO_ON);
    assert_non_null(gc_args_last(&f->args, "quick"));
}

static void test_program_answers_help_and_version(void **state)
{
    fixture *f = *state;
    assert_int_equal(TAKE("-h"), 0);
    assert_true(gc_starts_with(f->said[0], "Usage: gc-thing\n\nOptions:\n"));
    assert_non_null(strstr(f->said[0], "      --broker ENDPOINT\n        whom to ask\n"));
    assert_non_null(strstr(f->said[0], "  -c, --config FILE\n"));
    assert_non_null(strstr(f->said[0], "\nThat is all.\n"));
    assert_int_equal(TAKE("--version"), 0);
    assert_string_equal(f->said[0], "gc-thing 1\n");
    assert_string_equal(f->said[1], "");
}

static void test_program_names_mistakes(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *word, *complaint;
    } cases[] = {
        { "--brokr", "unknown option --brokr, did you mean --broker?" },
        { "--loglevel", "did you mean --log-level?" },
        { "-x", "unknown option -x" },
        { "more", "unexpected argument \"more\"" },
        { "--broker", "--broker needs ENDPOINT" },
        { "--quick=1", "--quick takes no value" },
        { "--", "unknown option --" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(TAKE(cases[i].word), GC_PROGRAM_EXIT_USAGE);
        if (!strstr(f->said[1], cases[i].complaint))
            fail_msg("%s: %s", cases[i].word, f->said[1]);
        assert_non_null(strstr(f->said[1], "; see gc-thing --help\n"));
    }
}

static void test_program_settles_file_environment_and_options(void **state)
{
    fixture *f = *state;
    gc_errinfo info = { 0 };
    static const char file[] =
        "cluster: {broker: ipc:///file, redis: unix:///file, curve_server: from-file}\n";
    must_ok(gc_write_file(".gocreator.yaml", file, strlen(file), &info));
    setenv("GC_CLUSTER_BROKER", "ipc:///environment", 1);
    setenv("GC_CLUSTER_REDIS", "unix:///environment", 1);
    assert_int_equal(TAKE("--broker", "ipc:///option"), GO_ON);
    assert_int_equal(gc_args_configure(&f->args, &f->config, &info), GC_OK);
    assert_string_equal(f->config.cluster_broker, "ipc:///option");
    assert_string_equal(f->config.cluster_redis, "unix:///environment");
    assert_string_equal(f->config.cluster_curve_server, "from-file");
    unsetenv("GC_CLUSTER_BROKER");
    unsetenv("GC_CLUSTER_REDIS");
}

static void test_program_needs_the_file_that_was_named(void **state)
{
    fixture *f = *state;
    gc_errinfo info = { 0 };
    assert_int_equal(TAKE("-c", "absent.yaml"), GO_ON);
    assert_int_equal(gc_args_configure(&f->args, &f->config, &info), GC_ENOENT);
    assert_non_null(strstr(info.text, "absent.yaml: not found"));
    assert_int_equal(TAKE("--log-level", "loud"), GO_ON);
    assert_int_equal(gc_args_configure(&f->args, &f->config, &info), GC_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_program_takes_options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_program_answers_help_and_version, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_program_names_mistakes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_program_settles_file_environment_and_options,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_program_needs_the_file_that_was_named,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
