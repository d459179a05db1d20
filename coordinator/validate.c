#include "coordinator/validate.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/mem.h"
#include "common/strv.h"
#include "common/text.h"
#include "coordinator/issues.h"
#include "coordinator/pool.h"

#define OUTPUT_LIMIT ((size_t)4 << 20)

/* Of one package's vet or test: many may be held at once. */
#define PACKAGE_OUTPUT_LIMIT ((size_t)128 << 10)
#define REPORT_SCHEMA 1

typedef struct step {
    const char *name;
    bool run;
    bool passed;
    double seconds;
    size_t commands;
} step;

typedef enum step_id {
    STEP_GOFMT,
    STEP_BUILD,
    STEP_VET,
    STEP_TEST,
    STEP_COUNT
} step_id;

typedef struct validation {
    const char *given; /* the folder as the user wrote it */
    char *dir;         /* its real path */
    const gc_config *config;
    size_t parallel;
    char *go;     /* version of the toolchain */
    char *module; /* from go.mod */
    gc_strv packages;
    step steps[STEP_COUNT];
    gc_issues issues;
    char *trouble;    /* why nothing could be checked, or NULL */
    bool interrupted; /* by a stop signal */
} validation;

/* ---- running ---- */

/* Runs the jobs unless a stop signal has come; gives their time on the clock. */
static double run_jobs(validation *v, gc_pool_job *jobs, size_t count)
{
    int64_t start = gc_clock_ms();
    for (size_t i = 0; v->interrupted && i < count; i++)
        jobs[i].status = -1;
    if (!v->interrupted)
        v->interrupted = !gc_pool_run(jobs, count, v->dir, v->parallel,
                                      v->config->validation_timeout_ms);
    return (double)(gc_clock_ms() - start) / 1000;
}

/* What the user reads about a command that did not pass. */
static void blame(validation *v, const char *check, const char *command,
                  const gc_pool_job *job, const char *dir)
{
    if (v->interrupted)
        return;
    char *named = gc_xasprintf(
        "%s%s", command,
        job->missing     ? " is not installed; put Go's bin folder on PATH"
        : job->timed_out ? " took longer than validation.timeout and was killed"
                         : "");
    gc_issue_source source = { check, named, v->dir, dir };
    gc_issues_collect(&v->issues, &source, job->output.ptr);
    free(named);
}

char *gc_go_version(void)
{
    char *argv[] = { (char *)"go", (char *)"env", (char *)"GOVERSION", NULL };
    gc_pool_job job = { .argv = argv };
    gc_buf_init(&job.output, 4096);
    gc_pool_run(&job, 1, "/", 1, 20000);
    char *version = NULL;
    size_t len = strcspn(job.output.ptr, "\r\n");
    if (job.status == 0 && gc_starts_with(job.output.ptr, "go") && len > 2)
        version = gc_xmemdup(job.output.ptr + 2, len - 2);
    gc_buf_release(&job.output);
    return version;
}

/* ---- what is there ---- */

/* The number at *text ("22rc1" is 22), past the dot that follows it. */
static int64_t version_part(const char **text)
{
    char number[16];
    int64_t value = 0;
    size_t digits = strspn(*text, "0123456789"), len = strcspn(*text, ".");
    snprintf(number, sizeof number, "%.*s", (int)digits, *text);
    if (gc_parse_i64(number, 0, INT64_MAX, &value))
        value = 0; /* no number, or one beyond all versions */
    *text += len + ((*text)[len] == '.');
    return value;
}

static int compare_versions(const char *a, const char *b)
{
    for (int i = 0; i < 3; i++) {
        int64_t x = version_part(&a), y = version_part(&b);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return 0;
}

/* The word after `directive` in go.mod, or NULL; free() it. */
static char *mod_line(const char *text, const char *directive)
{
    size_t len = strlen(directive);
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        if (n > len && strncmp(line, directive, len) == 0 &&
            (line[len] == ' ' || line[len] == '\t')) {
            const char *value = line + len + strspn(line + len, " \t");
            return gc_utf8_clean(value, strcspn(value, " \t\r\n"));
        }
        line += n + (line[n] == '\n');
    }
    return NULL;
}

/* Why the toolchain cannot check a project whose go.mod says `go wanted`, or NULL. */
static char *toolchain_trouble(const validation *v, const char *wanted)
{
    if (!v->go)
        return gc_xstrdup("there is no Go toolchain on PATH; install Go from "
                          "https://go.dev/dl and run it again");
    if (wanted && compare_versions(v->go, wanted) < 0)
        return gc_xasprintf("the Go toolchain is %s, but the project's go.mod asks for "
                            "%s; install a newer one from https://go.dev/dl",
                            v->go, wanted);
    return NULL;
}

static gc_exit read_module(validation *v)
{
    gc_errinfo info = { 0 };
    gc_buf text;
    gc_buf_init(&text, (size_t)1 << 20);
    char *path = gc_xasprintf("%s/go.mod", v->given);
    gc_err err = gc_read_file(path, &text, &info);
    if (err) {
        fprintf(stderr, "error: %s; name the folder of a Go project\n", info.text);
    } else {
        char *wanted = mod_line(text.ptr, "go");
        v->module = mod_line(text.ptr, "module");
        v->trouble = toolchain_trouble(v, wanted);
        free(wanted);
    }
    free(path);
    gc_buf_release(&text);
    return err ? GC_EXIT_FILES : GC_EXIT_OK;
}

/* Import paths hold no blanks; what the go command remarks beside them does. */
static bool list_packages(validation *v)
{
    char *argv[] = { (char *)"go", (char *)"list", (char *)"./...", NULL };
    gc_pool_job job = { .argv = argv };
    gc_strv lines = { 0 };
    gc_buf_init(&job.output, OUTPUT_LIMIT);
    run_jobs(v, &job, 1);
    bool listed = job.status == 0;
    if (listed)
        gc_strv_split(&lines, job.output.ptr, '\n');
    else
        blame(v, "go list", "go list ./...", &job, "");
    for (size_t i = 0; i < lines.count; i++)
        if (!strpbrk(lines.items[i], " \t"))
            gc_strv_add(&v->packages, lines.items[i]);
    gc_strv_release(&lines);
    gc_buf_release(&job.output);
    return listed;
}

/* ---- steps ---- */

/* What gofmt is to look at: all but hidden entries, which the go command does not see either
 * (rejected answers lie in one). */
static gc_strv visible_entries(const char *dir)
{
    gc_strv names = { 0 };
    DIR *d = opendir(dir);
    const struct dirent *entry;
    while (d && (entry = readdir(d))) {
        struct stat st;
        bool hidden = entry->d_name[0] == '.' || entry->d_name[0] == '_';
        if (!hidden &&
            (gc_ends_with(entry->d_name, ".go") ||
             (fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
              S_ISDIR(st.st_mode))))
            gc_strv_push(&names, gc_xasprintf("./%s", entry->d_name));
    }
    if (d)
        closedir(d);
    gc_strv_sort(&names);
    return names;
}

static void step_gofmt(validation *v, step *s)
{
    gc_strv names = visible_entries(v->dir), files = { 0 };
    char **argv = gc_xcalloc(names.count + 3, sizeof *argv);
    gc_pool_job job = { .argv = argv };
    argv[0] = (char *)"gofmt";
    argv[1] = (char *)"-l";
    for (size_t i = 0; i < names.count; i++)
        argv[i + 2] = names.items[i];
    gc_buf_init(&job.output, OUTPUT_LIMIT);
    s->passed = true;
    if (names.count) { /* without names gofmt would read its input */
        s->commands = 1;
        s->seconds = run_jobs(v, &job, 1);
        s->passed = job.status == 0 && job.output.len == 0;
    }
    if (!s->passed && job.status != 0)
        blame(v, s->name, "gofmt", &job, "");
    else
        gc_strv_split(&files, job.output.ptr, '\n');
    for (size_t i = 0; i < files.count; i++) {
        static const char text[] = "not formatted; run gofmt -w on it";
        bool dotted =
            strncmp(files.items[i], "./", 2) == 0; /* as it was named to gofmt */
        char *file = files.items[i] + (dotted ? 2 : 0);
        gc_issues_add(&v->issues, &(gc_issue){ s->name, file, 1, 1, (char *)text });
    }
    gc_buf_release(&job.output);
    gc_strv_release(&files);
    gc_strv_release(&names);
    free(argv);
}

static void step_build(validation *v, step *s)
{
    char *argv[] = { (char *)"go",        (char *)"build", (char *)"-o",
                     (char *)"/dev/null", (char *)"./...", NULL };
    gc_pool_job job = { .argv = argv };
    gc_buf_init(&job.output, OUTPUT_LIMIT);
    s->commands = 1;
    s->seconds = run_jobs(v, &job, 1);
    s->passed = job.status == 0;
    if (!s->passed)
        blame(v, s->name, "go build", &job, "");
    gc_buf_release(&job.output);
}

/* Folder of a package of the project, from its import path. */
static const char *package_dir(const validation *v, const char *package)
{
    size_t len = v->module ? strlen(v->module) : 0;
    return len && strncmp(package, v->module, len) == 0 && package[len] == '/'
               ? package + len + 1
               : "";
}

/* `go VERB PACKAGE` for every package, side by side. */
static void step_packages(validation *v, step *s, const char *verb)
{
    size_t count = v->packages.count;
    gc_pool_job *jobs = gc_xcalloc(count, sizeof *jobs);
    char *(*argvs)[4] = gc_xcalloc(count, sizeof *argvs);
    for (size_t i = 0; i < count; i++) {
        argvs[i][0] = (char *)"go";
        argvs[i][1] = (char *)verb;
        argvs[i][2] = v->packages.items[i];
        jobs[i].argv = argvs[i];
        gc_buf_init(&jobs[i].output, PACKAGE_OUTPUT_LIMIT);
    }
    s->seconds = run_jobs(v, jobs, count);
    s->commands = count;
    s->passed = !v->interrupted;
    for (size_t i = 0; i < count; i++) {
        if (jobs[i].status != 0) {
            s->passed = false;
            char *command = gc_xasprintf("go %s %s", verb, v->packages.items[i]);
            blame(v, s->name, command, &jobs[i], package_dir(v, v->packages.items[i]));
            free(command);
        }
        gc_buf_release(&jobs[i].output);
    }
    free(argvs);
    free(jobs);
}

static void run_steps(validation *v)
{
    const gc_config *c = v->config;
    setenv("GOTOOLCHAIN", "local", 0); /* never fetches another toolchain by itself */
    v->steps[STEP_GOFMT] = (step){ .name = "gofmt", .run = c->validation_gofmt };
    v->steps[STEP_BUILD] = (step){ .name = "go build", .run = c->validation_build };
    v->steps[STEP_VET] = (step){ .name = "go vet", .run = c->validation_vet };
    v->steps[STEP_TEST] = (step){ .name = "go test", .run = c->validation_test };
    if (v->steps[STEP_GOFMT].run)
        step_gofmt(v, &v->steps[STEP_GOFMT]);
    if (v->steps[STEP_BUILD].run)
        step_build(v, &v->steps[STEP_BUILD]);
    step *vet = &v->steps[STEP_VET], *test = &v->steps[STEP_TEST];
    if ((vet->run || test->run) && !list_packages(v))
        return; /* both stay failed */
    if (vet->run)
        step_packages(v, vet, "vet");
    if (test->run)
        step_packages(v, test, "test");
}

/* ---- results ---- */

static bool all_passed(const validation *v)
{
    if (v->trouble || v->interrupted || v->issues.count)
        return false;
    for (size_t i = 0; i < STEP_COUNT; i++)
        if (v->steps[i].run && !v->steps[i].passed)
            return false;
    return true;
}

static json_t *report_json(const validation *v)
{
    json_t *steps = json_array(), *issues = json_array();
    for (size_t i = 0; i < STEP_COUNT && !v->trouble; i++) {
        const step *s = &v->steps[i];
        json_array_append_new(
            steps, json_pack("{s:s, s:s, s:f, s:I}", "name", s->name, "result",
                             !s->run     ? "off"
                             : s->passed ? "passed"
                                         : "failed",
                             "seconds", s->seconds, "commands", (json_int_t)s->commands));
    }
    for (size_t i = 0; i < v->issues.count; i++) {
        const gc_issue *e = &v->issues.items[i];
        json_array_append_new(issues,
                              json_pack("{s:s, s:s, s:i, s:i, s:s}", "check", e->check,
                                        "file", e->file, "line", e->line, "column",
                                        e->column, "text", e->text));
    }
    return json_pack("{s:i, s:b, s:s, s:s, s:s, s:I, s:o, s:o, s:I}", "schema",
                     REPORT_SCHEMA, "passed", all_passed(v), "go", v->go ? v->go : "",
                     "module", v->module ? v->module : "", "trouble",
                     v->trouble ? v->trouble : "", "packages",
                     (json_int_t)v->packages.count, "steps", steps, "issues", issues,
                     "issues_dropped", (json_int_t)v->issues.dropped);
}

static void print_steps(const validation *v, FILE *out)
{
    for (size_t i = 0; i < STEP_COUNT; i++) {
        const step *s = &v->steps[i];
        fprintf(out, "%-9s %s", s->name,
                !s->run     ? "off"
                : s->passed ? "passed"
                            : "FAILED");
        if (s->run)
            fprintf(out, " (%.1fs%s)", s->seconds,
                    s->commands > 1 ? ", packages side by side" : "");
        fputc('\n', out);
    }
    fprintf(out, "Validation %s: %zu packages, go %s\n",
            all_passed(v) ? "passed" : "failed", v->packages.count, v->go);
}

static void print_problems(const validation *v)
{
    for (size_t i = 0; i < v->issues.count; i++) {
        const gc_issue *e = &v->issues.items[i];
        if (*e->file)
            fprintf(stderr, "%s/%s:%d:%d: error: %s\n", v->given, e->file, e->line,
                    e->column ? e->column : 1, e->text);
        else
            fprintf(stderr, "error: %s\n", e->text);
    }
    if (v->issues.dropped)
        fprintf(stderr, "error: %zu more problems are not shown\n", v->issues.dropped);
    if (v->trouble)
        fprintf(stderr, "error: not validated: %s\n", v->trouble);
    if (v->interrupted)
        fputs("error: interrupted; the project is not validated\n", stderr);
}

static gc_exit write_report(const validation *v, const char *path, bool json, FILE *out)
{
    gc_errinfo info = { 0 };
    json_t *root = report_json(v);
    gc_exit code = GC_EXIT_OK;
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    if (json)
        fprintf(out, "%s\n", text);
    if (path && gc_write_file(path, text, strlen(text), &info)) {
        fprintf(stderr, "error: %s\n", info.text);
        code = GC_EXIT_FILES;
    }
    free(text);
    json_decref(root);
    return code;
}

static void release(validation *v)
{
    gc_issues_release(&v->issues);
    free(v->dir);
    free(v->go);
    free(v->module);
    free(v->trouble);
    gc_strv_release(&v->packages);
}

gc_exit gc_validate(const char *dir, const gc_config *config, const char *report,
                    bool json, FILE *out)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    validation v = { .given = dir, .dir = realpath(dir, NULL), .config = config };
    v.parallel = config->validation_parallel ? (size_t)config->validation_parallel
                                             : (size_t)(processors > 0 ? processors : 1);
    v.go = gc_go_version();
    gc_exit code = read_module(&v);
    if (code == GC_EXIT_OK && v.dir) {
        if (!v.trouble)
            run_steps(&v);
        print_problems(&v);
        if (!json && !v.trouble)
            print_steps(&v, out);
        code = write_report(&v, report, json, out);
        if (v.interrupted)
            code = GC_EXIT_INTERRUPTED;
        else if (code == GC_EXIT_OK && !all_passed(&v))
            code = GC_EXIT_VALIDATION;
    }
    release(&v);
    return code;
}
