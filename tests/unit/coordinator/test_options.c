#include "coordinator/options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fs.h"
#include "common/mem.h"
#include "support/capture.h"
#include "support/must.h"

#define MAX_ARGS 32

/* One command line and what came of it. */
typedef struct fixture {
    char *dir; /* the working folder: no .gocreator.yaml of anybody's is read */
    char *before;
    gc_options options;
    bool done;
    bool parsed;
    char *out;
    char *err;
} fixture;

static fixture f;

static void forget(void)
{
    if (f.parsed)
        gc_options_release(&f.options);
    f.parsed = false;
    gc_free_str(&f.out);
    gc_free_str(&f.err);
}

static int set_up(void **state)
{
    (void)state;
    f = (fixture){ .dir = must_temp_dir(), .before = getcwd(NULL, 0) };
    assert_int_equal(chdir(f.dir), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    forget();
    unsetenv("GC_LLM_MODEL");
    unsetenv("GC_CLUSTER_WORKERS");
    unsetenv("REDIS_URL");
    assert_int_equal(chdir(f.before), 0);
    must_remove_tree(f.dir);
    free(f.dir);
    free(f.before);
    return 0;
}

/* Parses `line`, split at blanks; "''" is an empty word. */
static gc_exit parse(const char *line)
{
    char *argv[MAX_ARGS] = { (char *)"gc-coordinator" };
    int argc = 1;
    gc_strv words = { 0 };
    gc_strv_split(&words, line, ' ');
    for (size_t i = 0; i < words.count && argc < MAX_ARGS; i++)
        argv[argc++] =
            strcmp(words.items[i], "''") == 0 ? words.items[i] + 2 : words.items[i];
    forget();
    capture out, err;
    capture_begin(&out, stdout);
    capture_begin(&err, stderr);
    gc_exit code = gc_options_parse(argc, argv, &f.options, &f.done);
    f.err = capture_end(&err);
    f.out = capture_end(&out);
    f.parsed = true;
    gc_strv_release(&words);
    return code;
}

static void must_parse(const char *line)
{
    gc_exit code = parse(line);
    if (code != GC_EXIT_OK || f.done || *f.err)
        fail_msg("%s: exit %d: %s", line, code, f.err);
}

static void must_refuse(const char *line, const char *words)
{
    gc_exit code = parse(line);
    if (code != GC_EXIT_USAGE || !f.done || *f.out || !strstr(f.err, words) ||
        strncmp(f.err, "error: ", 7) != 0)
        fail_msg("%s: exit %d: %s", line, code, f.err);
}

/* ---- verbs and arguments ---- */

static void test_options_spec_alone_is_generate(void **state)
{
    (void)state;
    must_parse("spec.yaml");
    assert_int_equal(f.options.verb, GC_VERB_GENERATE);
    assert_string_equal(f.options.spec, "spec.yaml");
    assert_string_equal(f.options.output, "./generated");
    assert_false(f.options.output_given);
    assert_int_equal(f.options.on_edit, GC_EDIT_KEEP);
    assert_int_equal(f.options.progress, GC_PROGRESS_AUTO);
}

static void test_options_every_verb(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        gc_verb verb;
        size_t args;
    } rows[] = {
        { "generate s.yaml", GC_VERB_GENERATE, 0 },
        { "generate --spec s.yaml", GC_VERB_GENERATE, 0 },
        { "full s.yaml", GC_VERB_FULL, 0 },
        { "validate dir", GC_VERB_VALIDATE, 1 },
        { "clarify s.yaml", GC_VERB_CLARIFY, 0 },
        { "dump-fcs s.yaml", GC_VERB_DUMP_FCS, 0 },
        { "explain s.yaml", GC_VERB_EXPLAIN, 0 },
        { "explain s.yaml go.mod", GC_VERB_EXPLAIN, 1 },
        { "explain --spec s.yaml go.mod", GC_VERB_EXPLAIN, 1 },
        { "check s.yaml", GC_VERB_CHECK, 0 },
        { "jobs", GC_VERB_JOBS, 0 },
        { "status j-0123456789ab", GC_VERB_STATUS, 1 },
        { "cancel j-0123456789ab", GC_VERB_CANCEL, 1 },
        { "workers", GC_VERB_WORKERS, 0 },
        { "fetch j-0123456789ab", GC_VERB_FETCH, 1 },
        { "compare-metrics a.json b.json", GC_VERB_COMPARE, 2 },
        { "doctor", GC_VERB_DOCTOR, 0 },
        { "version", GC_VERB_VERSION, 0 },
        { "--version", GC_VERB_VERSION, 0 },
        { "-v", GC_VERB_VERSION, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        must_parse(rows[i].line);
        assert_int_equal(f.options.verb, rows[i].verb);
        assert_int_equal(f.options.args.count, rows[i].args);
    }
}

static void test_options_wrong_arguments(void **state)
{
    (void)state;
    must_refuse("", "generate needs [--spec] SPEC");
    must_refuse("generate", "needs");
    must_refuse("generate a.yaml b.yaml", "does not expect \"b.yaml\"");
    must_refuse("generate --spec a.yaml b.yaml", "does not expect \"b.yaml\"");
    must_refuse("status", "status needs JOB");
    must_refuse("compare-metrics a.json", "compare-metrics needs A B");
    must_refuse("jobs now", "does not expect");
    must_refuse("version now", "does not expect");
    must_refuse("help jbos", "there is no command \"jbos\"");
}

static void test_options_near_misses_are_named(void **state)
{
    (void)state;
    must_refuse("generat", "did you mean generate?");
    must_refuse("statsu j-0123456789ab", "did you mean status?");
    must_refuse("s.yaml --ouput x", "did you mean --output?");
    must_refuse("s.yaml --dryrun", "did you mean --dry-run?");
    must_refuse("s.yaml --maxcost=3", "did you mean --max-cost?");
    must_refuse("s.yaml --frobnicate-everything", "unknown option --frobnicate");
    must_refuse("s.yaml -x", "unknown option -x");
    must_parse("generat.yaml"); /* names a file */
}

/* ---- options ---- */

static void test_options_mix_with_arguments(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "generate s.yaml -o out --model m1 --yes",
        "generate -o out s.yaml --yes --model=m1",
        "-o out generate --model m1 s.yaml --yes",
        "--output=out --yes --model=m1 s.yaml",
        "--yes -oout --model m1 generate --spec=s.yaml",
        "--yes -oout --model m1 -- s.yaml",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        must_parse(lines[i]);
        assert_int_equal(f.options.verb, GC_VERB_GENERATE);
        assert_string_equal(f.options.spec, "s.yaml");
        assert_string_equal(f.options.output, "out");
        assert_true(f.options.output_given);
        assert_true(f.options.yes);
        assert_string_equal(f.options.config.llm_model, "m1");
    }
    must_parse("-- -strange.yaml");
    assert_string_equal(f.options.spec, "-strange.yaml");
}

static void test_options_that_only_set_a_switch(void **state)
{
    (void)state;
    must_parse("s.yaml --dry-run --no-optimization --yes --force --strict --json");
    assert_true(f.options.dry_run && f.options.no_optimization && f.options.yes);
    assert_true(f.options.force && f.options.strict && f.options.json);
    must_parse("status j-0123456789ab --watch");
    assert_true(f.options.watch);
    must_refuse("s.yaml --yes=true", "--yes takes no value");
}

static void test_options_that_name_files(void **state)
{
    (void)state;
    must_parse("full s.yaml --answers a.json --metrics m.json --report r.json");
    assert_string_equal(f.options.answers, "a.json");
    assert_string_equal(f.options.metrics, "m.json");
    assert_string_equal(f.options.report, "r.json");
    assert_null(f.options.html);
    must_parse("full s.yaml --report r.html");
    assert_string_equal(f.options.html, "r.html");
    assert_null(f.options.report);
    must_parse("generate s.yaml --report=dir/r.html");
    assert_string_equal(f.options.html, "dir/r.html");
    must_parse("validate d --report r.json");
    assert_string_equal(f.options.report, "r.json");
    must_parse("clarify s.yaml --batch b.json");
    assert_string_equal(f.options.answers, "b.json");
    must_refuse("s.yaml -o", "--output needs a value: DIR");
    must_refuse("s.yaml -o ''", "--output needs a value: DIR");
    must_refuse("s.yaml --metrics=", "--metrics needs a value: FILE");
}

static void test_options_that_set_the_configuration(void **state)
{
    (void)state;
    must_parse("s.yaml --broker tcp://127.0.0.1:5555 --redis redis://127.0.0.1:6379 "
               "--provider openai --model gpt-x --max-cost 1.5 --insecure "
               "--log-level debug --log-format json");
    const gc_config *c = &f.options.config;
    assert_string_equal(c->cluster_broker, "tcp://127.0.0.1:5555");
    assert_string_equal(c->cluster_redis, "redis://127.0.0.1:6379");
    assert_string_equal(c->llm_provider, "openai");
    assert_string_equal(c->llm_model, "gpt-x");
    assert_true(c->limits_max_cost_usd == 1.5);
    assert_true(c->cluster_insecure);
    assert_string_equal(c->logging_level, "debug");
    assert_string_equal(c->logging_format, "json");
    must_parse("s.yaml --workers 3");
    assert_int_equal(f.options.config.cluster_workers, 3);
}

static void test_options_bad_values_name_the_option(void **state)
{
    (void)state;
    must_refuse("s.yaml --workers many", "--workers");
    must_refuse("s.yaml --workers 0", "1 to 1000");
    must_refuse("s.yaml --max-cost -1", "--max-cost");
    must_refuse("s.yaml --max-cost nan", "--max-cost");
    must_refuse("s.yaml --provider nobody", "anthropic | openai | sim");
    must_refuse("s.yaml --redis http://x", "--redis");
    must_refuse("s.yaml --on-edit ask", "choose keep, merge, overwrite");
    must_refuse("s.yaml --progress loud", "choose auto, bar, plain, json, none");
    must_refuse("s.yaml --log-level loud", "--log-level");
    must_refuse("s.yaml --provider sim --broker tcp://127.0.0.1:1", "leave --broker out");
}

static void test_options_choices(void **state)
{
    (void)state;
    static const char *const policies[] = { "keep", "overwrite", "merge" };
    static const char *const modes[] = { "auto", "bar", "plain", "json", "none" };
    char line[64];
    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof line, "s.yaml --on-edit %s", policies[i]);
        must_parse(line);
        assert_int_equal(f.options.on_edit, i);
    }
    for (int i = 0; i < 5; i++) {
        snprintf(line, sizeof line, "s.yaml --progress=%s", modes[i]);
        must_parse(line);
        assert_int_equal(f.options.progress, i);
    }
}

static void test_options_resume(void **state)
{
    (void)state;
    must_parse("s.yaml --resume");
    assert_true(f.options.resume);
    assert_null(f.options.resume_job);
    must_parse("--resume s.yaml"); /* the next word is no job id */
    assert_null(f.options.resume_job);
    assert_string_equal(f.options.spec, "s.yaml");
    must_parse("--resume j-0123456789ab s.yaml");
    assert_string_equal(f.options.resume_job, "j-0123456789ab");
    must_parse("s.yaml --resume=j-zzzzzzzzzzzz");
    assert_string_equal(f.options.resume_job, "j-zzzzzzzzzzzz");
    must_parse("--resume j-0123456789abc"); /* one too long: a file of that name */
    assert_string_equal(f.options.spec, "j-0123456789abc");
    must_refuse("s.yaml --resume=j-SHOUTINGJOB1", "is no job id");
    must_refuse("s.yaml --resume=", "--resume");
    setenv("GC_RESUME_ENABLED", "false", 1);
    must_refuse("s.yaml --resume", "resume.enabled");
    unsetenv("GC_RESUME_ENABLED");
}

static void test_options_not_valid_for_a_verb(void **state)
{
    (void)state;
    must_refuse("version --json", "--json means nothing to version");
    must_refuse("jobs --dry-run", "--dry-run means nothing to jobs");
    must_refuse("validate d --model x", "--model means nothing to validate");
    must_refuse("compare-metrics a b -o d", "--output means nothing to compare-metrics");
    must_refuse("generate s.yaml --report r", "generate reports as a page");
    must_refuse("validate d --report r.html", "validate reports as JSON");
    must_refuse("explain s.yaml --report r.html", "--report means nothing to explain");
    must_refuse("generate s.yaml --watch", "--watch means nothing to generate");
    must_refuse("doctor --on-edit keep", "--on-edit means nothing to doctor");
    must_refuse("check s.yaml --max-cost 3", "--max-cost means nothing to check");
}

/* ---- precedence ---- */

static void write_config(const char *path, const char *text)
{
    must_ok(gc_write_file(path, text, strlen(text), NULL));
}

static void test_options_precedence(void **state)
{
    (void)state;
    must_parse("s.yaml");
    assert_string_equal(f.options.config.llm_model, "claude-sonnet-5-5");
    write_config(".gocreator.yaml", "llm:\n  model: from-the-folder\n");
    must_parse("s.yaml");
    assert_string_equal(f.options.config.llm_model, "from-the-folder");
    write_config("other.yaml", "llm:\n  model: from-the-file\ncluster:\n  workers: 2\n");
    must_parse("s.yaml -c other.yaml");
    assert_string_equal(f.options.config.llm_model, "from-the-file");
    assert_int_equal(f.options.config.cluster_workers, 2);
    setenv("GC_LLM_MODEL", "from-the-environment", 1);
    must_parse("s.yaml -c other.yaml");
    assert_string_equal(f.options.config.llm_model, "from-the-environment");
    assert_int_equal(f.options.config.cluster_workers, 2);
    must_parse("s.yaml -c other.yaml --model from-the-flag");
    assert_string_equal(f.options.config.llm_model, "from-the-flag");
}

static void test_options_redis_url_of_the_environment(void **state)
{
    (void)state;
    setenv("REDIS_URL", "redis://elsewhere:1", 1);
    must_parse("jobs");
    assert_string_equal(f.options.config.cluster_redis, "redis://elsewhere:1");
    must_parse("jobs --redis redis://here:2");
    assert_string_equal(f.options.config.cluster_redis, "redis://here:2");
}

static void test_options_bad_configuration(void **state)
{
    (void)state;
    gc_exit code = parse("s.yaml -c missing.yaml");
    assert_int_equal(code, GC_EXIT_USAGE);
    assert_non_null(strstr(f.err, "missing.yaml"));
    write_config("bad.yaml", "llm:\n  modle: x\n");
    assert_int_equal(parse("s.yaml -c bad.yaml"), GC_EXIT_USAGE);
    assert_non_null(strstr(f.err, "bad.yaml:2:3: error: "));
    assert_non_null(strstr(f.err, "model"));
    setenv("GC_CLUSTER_WORKERS", "none", 1);
    assert_int_equal(parse("s.yaml"), GC_EXIT_USAGE);
    assert_non_null(strstr(f.err, "GC_CLUSTER_WORKERS"));
}

static void test_options_without_optimization(void **state)
{
    (void)state;
    must_parse("s.yaml --no-optimization");
    const gc_config *c = &f.options.config;
    assert_false(c->prompt_caching_enabled || c->batching_enabled ||
                 c->templates_enabled || c->context_filtering_enabled ||
                 c->parallelization_enabled || c->incremental_enabled);
}

/* ---- help ---- */

static const char *const all_verbs[] = {
    "generate",        "full",   "validate", "clarify", "dump-fcs", "explain",
    "check",           "jobs",   "status",   "cancel",  "workers",  "fetch",
    "compare-metrics", "doctor", "version",
};
#define VERBS (sizeof all_verbs / sizeof *all_verbs)

static const char *const all_options[] = {
    "output",    "config",     "spec",  "answers",  "batch",   "broker",
    "redis",     "workers",    "model", "provider", "dry-run", "no-optimization",
    "metrics",   "resume",     "yes",   "max-cost", "force",   "strict",
    "on-edit",   "progress",   "json",  "report",   "watch",   "insecure",
    "log-level", "log-format", "help",  "version",
};
#define OPTIONS (sizeof all_options / sizeof *all_options)

static void test_options_help_lists_every_verb(void **state)
{
    (void)state;
    static const char *const lines[] = { "--help",        "-h",
                                         "--help s.yaml", "--help no-such-thing",
                                         "help",          "help s.yaml" };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(parse(lines[i]), GC_EXIT_OK);
        assert_true(f.done);
        assert_string_equal(f.err, "");
        for (size_t v = 0; v < VERBS; v++)
            assert_non_null(strstr(f.out, all_verbs[v]));
    }
    assert_non_null(strstr(f.out, "130 interrupted"));
}

static bool lists(const char *help, const char *option)
{
    char word[64];
    snprintf(word, sizeof word, "--%s", option);
    size_t len = strlen(word);
    for (const char *at = strstr(help, word); at; at = strstr(at + 1, word))
        if (at[len] == ' ' || at[len] == '\n')
            return true;
    return false;
}

static void test_options_help_of_a_verb(void **state)
{
    (void)state;
    bool listed[OPTIONS] = { false };
    for (size_t v = 0; v < VERBS; v++) {
        char line[64], usage[64];
        snprintf(line, sizeof line, "%s --help", all_verbs[v]);
        snprintf(usage, sizeof usage, "Usage: gc-coordinator %s ", all_verbs[v]);
        assert_int_equal(parse(line), GC_EXIT_OK);
        assert_true(strncmp(f.out, usage, strlen(usage)) == 0);
        for (size_t i = 0; i < OPTIONS; i++)
            listed[i] |= lists(f.out, all_options[i]);
    }
    for (size_t i = 0; i < OPTIONS; i++)
        if (!listed[i])
            fail_msg("no verb lists --%s", all_options[i]);
    assert_int_equal(parse("-h jobs"), GC_EXIT_OK);
    assert_non_null(strstr(f.out, "gc-coordinator jobs"));
    assert_int_equal(parse("help jobs"), GC_EXIT_OK);
    assert_non_null(strstr(f.out, "gc-coordinator jobs"));
}

/* What help lists is accepted, what it does not list is refused. */
static void test_options_help_tells_the_truth(void **state)
{
    (void)state;
    static const char *const args[VERBS] = { "s", "s", "d", "s", "s",   "s", "s", "",
                                             "j", "j", "",  "j", "a b", "",  "" };
    static const char *const values[][2] = {
        { "output", "o" },        { "spec", "x" },           { "answers", "a" },
        { "batch", "a" },         { "broker", "tcp://a:1" }, { "redis", "redis://a:1" },
        { "workers", "2" },       { "model", "m" },          { "provider", "anthropic" },
        { "metrics", "m" },       { "max-cost", "1" },       { "on-edit", "keep" },
        { "progress", "none" },   { "report", "r.html" },    { "log-level", "warn" },
        { "log-format", "json" },
    };
    for (size_t v = 0; v < VERBS; v++) {
        char line[160];
        snprintf(line, sizeof line, "%s --help", all_verbs[v]);
        assert_int_equal(parse(line), GC_EXIT_OK);
        char *help = gc_xstrdup(f.out);
        for (size_t i = 0; i < OPTIONS; i++) {
            const char *value = "";
            for (size_t k = 0; k < sizeof values / sizeof *values; k++)
                if (strcmp(values[k][0], all_options[i]) == 0)
                    value = values[k][1];
            if (strcmp(all_options[i], "config") == 0)
                continue; /* needs a file */
            if (strcmp(value, "r.html") == 0 && strcmp(all_verbs[v], "validate") == 0)
                value = "r.json"; /* a page tells of a run */
            bool spec = strcmp(all_options[i], "spec") == 0;
            snprintf(line, sizeof line, "%s %s --%s %s", all_verbs[v],
                     spec ? "" : args[v], all_options[i], value);
            bool accepted = parse(line) == GC_EXIT_OK;
            if (accepted != lists(help, all_options[i]))
                fail_msg("%s: %s", line, accepted ? "accepted, not listed" : f.err);
        }
        free(help);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_options_spec_alone_is_generate),
        TEST(test_options_every_verb),
        TEST(test_options_wrong_arguments),
        TEST(test_options_near_misses_are_named),
        TEST(test_options_mix_with_arguments),
        TEST(test_options_that_only_set_a_switch),
        TEST(test_options_that_name_files),
        TEST(test_options_that_set_the_configuration),
        TEST(test_options_bad_values_name_the_option),
        TEST(test_options_choices),
        TEST(test_options_resume),
        TEST(test_options_not_valid_for_a_verb),
        TEST(test_options_precedence),
        TEST(test_options_redis_url_of_the_environment),
        TEST(test_options_bad_configuration),
        TEST(test_options_without_optimization),
        TEST(test_options_help_lists_every_verb),
        TEST(test_options_help_of_a_verb),
        TEST(test_options_help_tells_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
