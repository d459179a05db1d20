/* Needs the Go toolchain; without one every test is skipped. */
#include "coordinator/validate.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fs.h"
#include "common/mem.h"
#include "support/capture.h"
#include "support/must.h"

typedef struct fixture {
    char *dir;
    char *report_path;
    gc_config config;
    char *out;
    char *err;
    json_t *report; /* as written; NULL if none was */
} fixture;

static fixture f;
static bool have_go;

static void put(const char *path, const char *text)
{
    gc_root *root = NULL;
    must_ok(gc_root_open(f.dir, true, &root, NULL));
    must_ok(gc_root_write(root, path, text, strlen(text), NULL));
    gc_root_close(&root);
}

static int set_up(void **state)
{
    (void)state;
    f = (fixture){ .dir = must_temp_dir() };
    f.report_path = gc_xasprintf("%s/report.json", f.dir);
    gc_config_init(&f.config);
    put("go.mod", "module example.com/tiny\n\ngo 1.21\n");
    put("add/add.go", "package add\n\n// Sum adds.\nfunc Sum(a, b int) int {\n"
                      "\treturn a + b\n}\n");
    put("add/add_test.go",
        "package add\n\nimport \"testing\"\n\nfunc TestSum(t *testing.T) {\n"
        "\tif got := Sum(1, 2); got != 3 {\n\t\tt.Errorf(\"got %d\", got)\n\t}\n}\n");
    put("cmd/tiny/main.go", "package main\n\nimport \"example.com/tiny/add\"\n\n"
                            "func main() {\n\tprintln(add.Sum(1, 2))\n}\n");
    return 0;
}

static void forget(void)
{
    gc_free_str(&f.out);
    gc_free_str(&f.err);
    json_decref(f.report);
    f.report = NULL;
}

static int tear_down(void **state)
{
    (void)state;
    forget();
    gc_config_release(&f.config);
    must_remove_tree(f.dir);
    free(f.report_path);
    free(f.dir);
    return 0;
}

static gc_exit validate(bool json)
{
    capture out, err;
    forget();
    capture_begin(&out, stdout);
    capture_begin(&err, stderr);
    gc_exit code = gc_validate(f.dir, &f.config, f.report_path, json, stdout);
    f.err = capture_end(&err);
    f.out = capture_end(&out);
    f.report = json_load_file(f.report_path, 0, NULL);
    return code;
}

static void need_go(void)
{
    if (!have_go)
        skip();
}

static const char *step_result(const char *name)
{
    size_t i;
    const json_t *step;
    json_array_foreach(json_object_get(f.report, "steps"), i, step)
    {
        if (strcmp(json_string_value(json_object_get(step, "name")), name) == 0)
            return json_string_value(json_object_get(step, "result"));
    }
    fail_msg("no step %s", name);
    return "";
}

/* The issue about `file`, or NULL. */
static const json_t *issue_of(const char *file)
{
    size_t i;
    const json_t *issue;
    json_array_foreach(json_object_get(f.report, "issues"), i, issue)
    {
        if (strcmp(json_string_value(json_object_get(issue, "file")), file) == 0)
            return issue;
    }
    return NULL;
}

static int line_of(const json_t *issue)
{
    return (int)json_integer_value(json_object_get(issue, "line"));
}

static void test_validate_passes(void **state)
{
    (void)state;
    need_go();
    assert_int_equal(validate(false), GC_EXIT_OK);
    assert_string_equal(f.err, "");
    assert_non_null(strstr(f.out, "Validation passed: 2 packages, go 1."));
    assert_true(json_is_true(json_object_get(f.report, "passed")));
    assert_string_equal(json_string_value(json_object_get(f.report, "module")),
                        "example.com/tiny");
    assert_string_equal(step_result("gofmt"), "passed");
    assert_string_equal(step_result("go build"), "passed");
    assert_string_equal(step_result("go vet"), "passed");
    assert_string_equal(step_result("go test"), "passed");
    assert_int_equal(json_array_size(json_object_get(f.report, "issues")), 0);
}

static void test_validate_prints_json(void **state)
{
    (void)state;
    need_go();
    assert_int_equal(validate(true), GC_EXIT_OK);
    json_t *printed = json_loads(f.out, 0, NULL);
    assert_true(json_equal(printed, f.report));
    json_decref(printed);
}

static void test_validate_finds_bad_format(void **state)
{
    (void)state;
    need_go();
    put("add/ugly.go", "package add\nfunc  Ugly( ) { }\n");
    assert_int_equal(validate(false), GC_EXIT_VALIDATION);
    assert_string_equal(step_result("gofmt"), "failed");
    assert_string_equal(step_result("go build"), "passed");
    assert_non_null(issue_of("add/ugly.go"));
    assert_non_null(strstr(f.err, "add/ugly.go:1:1: error: not formatted"));
    put("ugly.go", "package shop\nfunc  Ugly( ) { }\n"); /* beside go.mod */
    assert_int_equal(validate(false), GC_EXIT_VALIDATION);
    assert_non_null(issue_of("ugly.go"));
}

/* What the go command does not look at is not looked at by gofmt either. */
static void test_validate_leaves_hidden_folders_alone(void **state)
{
    (void)state;
    need_go();
    put(".gocreator/rejected/add/add.go", "no Go at all");
    assert_int_equal(validate(false), GC_EXIT_OK);
}

static void test_validate_maps_build_errors(void **state)
{
    (void)state;
    need_go();
    put("add/broken.go", "package add\n\nfunc Broken() int {\n\treturn missing\n}\n");
    assert_int_equal(validate(false), GC_EXIT_VALIDATION);
    assert_string_equal(step_result("go build"), "failed");
    const json_t *issue = issue_of("add/broken.go");
    assert_non_null(issue);
    assert_int_equal(line_of(issue), 4);
    assert_int_equal(json_integer_value(json_object_get(issue, "column")), 9);
    assert_string_equal(json_string_value(json_object_get(issue, "check")), "go build");
    char *want = gc_xasprintf("%s/add/broken.go:4:9: error: undefined: missing", f.dir);
    assert_non_null(strstr(f.err, want));
    assert_null(strstr(strstr(f.err, want) + 1, want)); /* vet and test say it again */
    free(want);
}

static void test_validate_maps_test_failures(void **state)
{
    (void)state;
    need_go();
    put("add/bad_test.go", "package add\n\nimport \"testing\"\n\n"
                           "func TestBad(t *testing.T) {\n\tt.Fatal(\"no \\xff\")\n}\n");
    assert_int_equal(validate(false), GC_EXIT_VALIDATION);
    assert_string_equal(step_result("go vet"), "passed");
    assert_string_equal(step_result("go test"), "failed");
    const json_t *issue = issue_of("add/bad_test.go");
    assert_non_null(issue);
    assert_int_equal(line_of(issue), 6);
    assert_string_equal(json_string_value(json_object_get(issue, "text")),
                        "no \xef\xbf\xbd");
}

static void test_validate_maps_panics(void **state)
{
    (void)state;
    need_go();
    put("add/panic_test.go",
        "package add\n\nimport \"testing\"\n\nfunc TestPanic(t *testing.T) {\n"
        "\tvar m map[string]int\n\tm[\"x\"] = 1\n}\n");
    assert_int_equal(validate(false), GC_EXIT_VALIDATION);
    const json_t *issue = issue_of("add/panic_test.go");
    assert_non_null(issue);
    assert_int_equal(line_of(issue), 7);
}

static void test_validate_steps_can_be_off(void **state)
{
    (void)state;
    need_go();
    put("add/ugly.go", "package add\nfunc  Ugly( ) { }\n");
    put("add/bad_test.go", "package add\n\nimport \"testing\"\n\n"
                           "func TestBad(t *testing.T) {\n\tt.Fatal(\"no\")\n}\n");
    f.config.validation_gofmt = false;
    f.config.validation_test = false;
    assert_int_equal(validate(false), GC_EXIT_OK);
    assert_string_equal(step_result("gofmt"), "off");
    assert_string_equal(step_result("go test"), "off");
    assert_string_equal(step_result("go vet"), "passed");
}

static void test_validate_kills_what_takes_too_long(void **state)
{
    (void)state;
    need_go();
    put("add/slow_test.go",
        "package add\n\nimport (\n\t\"testing\"\n\t\"time\"\n)\n\n"
        "func TestSlow(t *testing.T) {\n\ttime.Sleep(time.Hour)\n}\n");
    f.config.validation_gofmt = f.config.validation_build = f.config.validation_vet =
        false;
    f.config.validation_timeout_ms = 5000;
    assert_int_equal(validate(false), GC_EXIT_VALIDATION);
    assert_non_null(strstr(f.err, "took longer than validation.timeout"));
}

static void test_validate_without_a_module(void **state)
{
    (void)state;
    char *path = gc_xasprintf("%s/go.mod", f.dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(validate(false), GC_EXIT_FILES);
    assert_non_null(strstr(f.err, path));
    assert_non_null(strstr(f.err, "name the folder of a Go project"));
    assert_null(f.report);
    free(path);
}

static void test_validate_names_an_old_toolchain(void **state)
{
    (void)state;
    need_go();
    put("go.mod", "module example.com/tiny\n\ngo 1.999\n");
    assert_int_equal(validate(false), GC_EXIT_VALIDATION);
    assert_non_null(strstr(f.err, "asks for 1.999"));
    assert_non_null(
        strstr(json_string_value(json_object_get(f.report, "trouble")), "1.999"));
    assert_false(json_is_true(json_object_get(f.report, "passed")));
}

static void test_validate_without_a_toolchain(void **state)
{
    (void)state;
    char *path = gc_xstrdup(getenv("PATH") ? getenv("PATH") : "");
    setenv("PATH", f.dir, 1);
    gc_exit code = validate(false);
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(code, GC_EXIT_VALIDATION);
    assert_non_null(strstr(f.err, "there is no Go toolchain on PATH"));
    assert_non_null(strstr(f.err, "go.dev/dl"));
}

static void test_validate_stops_at_a_signal(void **state)
{
    (void)state;
    need_go();
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    char *path = gc_xstrdup(getenv("PATH"));
    char *wrapped = gc_xasprintf("%s/bin:%s", f.dir, path);
    char *script = gc_xasprintf("%s/bin/gofmt", f.dir), text[64];
    snprintf(text, sizeof text, "#!/bin/sh\nkill -TERM %d\nsleep 1000\n", (int)getpid());
    put("bin/gofmt", text); /* the first command of all */
    assert_int_equal(chmod(script, 0755), 0);
    setenv("PATH", wrapped, 1);
    gc_exit code = validate(false);
    setenv("PATH", path, 1);
    sigprocmask(SIG_UNBLOCK, &term, NULL);
    assert_int_equal(code, GC_EXIT_INTERRUPTED);
    assert_non_null(strstr(f.err, "interrupted"));
    free(script);
    free(wrapped);
    free(path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_validate_passes),
        TEST(test_validate_prints_json),
        TEST(test_validate_finds_bad_format),
        TEST(test_validate_leaves_hidden_folders_alone),
        TEST(test_validate_maps_build_errors),
        TEST(test_validate_maps_test_failures),
        TEST(test_validate_maps_panics),
        TEST(test_validate_steps_can_be_off),
        TEST(test_validate_kills_what_takes_too_long),
        TEST(test_validate_without_a_module),
        TEST(test_validate_names_an_old_toolchain),
        TEST(test_validate_without_a_toolchain),
        TEST(test_validate_stops_at_a_signal),
    };
    char *version = gc_go_version();
    have_go = version != NULL;
    free(version);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
