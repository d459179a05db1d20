#include "coordinator/validate.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/fs.h"
#include "common/mem.h"
#include "common/strv.h"
#include "common/text.h"
#include "coordinator/pool.h"

#define OUTPUT_LIMIT ((size_t)4 << 20)
#define REPORT_SCHEMA 1

typedef struct issue {
    char *file; /* relative to the project, "" if none is to blame */
    int line, column;
    char *text;
} issue;

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
    const char *dir;
    const gc_config *config;
    size_t parallel;
    char *go;     /* version of the toolchain */
    char *module; /* from go.mod */
    gc_strv packages;
    step steps[STEP_COUNT];
    issue *issues;
    size_t issue_count, issue_cap;
    char *trouble; /* why nothing could be checked, or NULL */
} validation;

/* ---- running ---- */

/* One command; its output in `out`. Returns its status, -1 if it is not installed. */
static int run_one(validation *v, char *const *argv, gc_buf *out, double *seconds)
{
    gc_pool_job job = { .argv = argv };
    gc_buf_init(&job.output, OUTPUT_LIMIT);
    gc_pool_run(&job, 1, v->dir, 1, v->config->validation_timeout_ms);
    gc_buf_append(out, job.output.ptr, job.output.len);
    gc_buf_release(&job.output);
    if (seconds)
        *seconds = job.seconds;
    return job.missing ? -1 : job.status;
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

/* ---- issues ---- */

static void add_issue(validation *v, const char *file, int line, int column,
                      const char *text, size_t len)
{
    v->issues = gc_grow(v->issues, v->issue_count, &v->issue_cap, sizeof *v->issues);
    while (gc_starts_with(file, "./"))
        file += 2;
    v->issues[v->issue_count++] =
        (issue){ gc_xstrdup(file), line, column, gc_xmemdup(text, len) };
}

/* "path/file.go:12:3: text", with or without a column, also indented and after "vet: ". */
static bool parse_place(validation *v, const char *line, size_t len)
{
    const char *start = line, *end = line + len;
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    if (gc_starts_with(start, "vet: "))
        start += 5;
    const char *colon = memchr(start, ':', (size_t)(end - start));
    if (!colon || colon - start < 4 || strncmp(colon - 3, ".go", 3) != 0)
        return false;
    int numbers[2] = { 0, 0 };
    const char *p = colon;
    for (int i = 0; i < 2 && p < end && *p == ':'; i++) {
        const char *digits = p + 1;
        int value = 0;
        while (digits < end && *digits >= '0' && *digits <= '9' && value < 100000000)
            value = value * 10 + (*digits++ - '0');
        if (digits == p + 1)
            break;
        numbers[i] = value;
        p = digits;
    }
    if (!numbers[0])
        return false;
    while (p < end && (*p == ':' || *p == ' '))
        p++;
    char *file = gc_xmemdup(start, (size_t)(colon - start));
    add_issue(v, file, numbers[0], numbers[1], p, (size_t)(end - p));
    free(file);
    return true;
}

/* Every line that names a place; if none does, the whole output is one issue. */
static void collect_issues(validation *v, const char *what, const gc_buf *output)
{
    bool any = false;
    for (const char *line = output->ptr; *line;) {
        size_t len = strcspn(line, "\n");
        any |= parse_place(v, line, len);
        line += len + (line[len] == '\n');
    }
    if (any)
        return;
    size_t shown = output->len < 600 ? output->len : 600;
    char *text =
        gc_xasprintf("%s: %.*s", what, (int)shown, output->len ? output->ptr : "failed");
    add_issue(v, "", 0, 0, text, strlen(text));
    free(text);
}

/* ---- what is there ---- */

static int compare_versions(const char *a, const char *b)
{
    gc_strv x = { 0 }, y = { 0 };
    int order = 0;
    gc_strv_split(&x, a, '.');
    gc_strv_split(&y, b, '.');
    for (size_t i = 0; i < 3 && !order; i++) {
        int64_t m = 0, n = 0;
        char number[16];
        if (i < x.count) {
            snprintf(number, sizeof number, "%.*s", (int)strspn(x.items[i], "0123456789"),
                     x.items[i]);
            if (gc_parse_i64(number, 0, 1000000, &m))
                m = 0;
        }
        if (i < y.count) {
            snprintf(number, sizeof number, "%.*s", (int)strspn(y.items[i], "0123456789"),
                     y.items[i]);
            if (gc_parse_i64(number, 0, 1000000, &n))
                n = 0;
        }
        order = m < n ? -1 : m > n;
    }
    gc_strv_release(&x);
    gc_strv_release(&y);
    return order;
}

/* The words after `directive` in go.mod, or NULL; free() it. */
static char *mod_line(const char *text, const char *directive)
{
    size_t len = strlen(directive);
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        if (n > len && strncmp(line, directive, len) == 0 && line[len] == ' ') {
            const char *value = line + len + 1;
            return gc_xmemdup(value, strcspn(value, " \t\r\n"));
        }
        line += n + (line[n] == '\n');
    }
    return NULL;
}

static gc_exit read_module(validation *v)
{
    gc_errinfo info = { 0 };
    gc_buf text;
    gc_buf_init(&text, (size_t)1 << 20);
    char *path = gc_xasprintf("%s/go.mod", v->dir);
    gc_err err = gc_read_file(path, &text, &info);
    gc_exit code = GC_EXIT_OK;
    if (err) {
        fprintf(stderr, "error: %s; name the folder of a Go project\n", info.text);
        code = GC_EXIT_FILES;
    } else {
        char *wanted = mod_line(text.ptr, "go");
        v->module = mod_line(text.ptr, "module");
        if (!v->go)
            v->trouble = gc_xstrdup("there is no Go toolchain on PATH; install Go from "
                                    "https://go.dev/dl and run it again");
        else if (wanted && compare_versions(v->go, wanted) < 0)
            v->trouble =
                gc_xasprintf("the Go toolchain is %s, but the project's go.mod asks for "
                             "%s; install a newer one",
                             v->go, wanted);
        free(wanted);
    }
    free(path);
    gc_buf_release(&text);
    return code;
}

static void list_packages(validation *v)
{
    char *argv[] = { (char *)"go", (char *)"list", (char *)"./...", NULL };
    gc_buf out;
    gc_buf_init(&out, OUTPUT_LIMIT);
    int status = run_one(v, argv, &out, NULL);
    if (status == 0)
        gc_strv_split(&v->packages, out.ptr, '\n');
    else
        collect_issues(v, "go list (a module may be missing: try `go mod tidy`)", &out);
    gc_buf_release(&out);
}

/* ---- steps ---- */

static void step_gofmt(validation *v, step *s)
{
    char *argv[] = { (char *)"gofmt", (char *)"-l", (char *)".", NULL };
    gc_buf out;
    gc_buf_init(&out, OUTPUT_LIMIT);
    s->commands = 1;
    int status = run_one(v, argv, &out, &s->seconds);
    s->passed = status == 0 && out.len == 0;
    gc_strv files = { 0 };
    if (status == 0)
        gc_strv_split(&files, out.ptr, '\n');
    else
        collect_issues(v, status < 0 ? "gofmt is not installed beside go" : "gofmt",
                       &out);
    for (size_t i = 0; i < files.count; i++)
        add_issue(v, files.items[i], 1, 1, "not formatted: run gofmt -w", 27);
    gc_strv_release(&files);
    gc_buf_release(&out);
}

static void step_build(validation *v, step *s)
{
    char *argv[] = { (char *)"go",        (char *)"build", (char *)"-o",
                     (char *)"/dev/null", (char *)"./...", NULL };
    gc_buf out;
    gc_buf_init(&out, OUTPUT_LIMIT);
    s->commands = 1;
    s->passed = run_one(v, argv, &out, &s->seconds) == 0;
    if (!s->passed)
        collect_issues(v, "go build", &out);
    gc_buf_release(&out);
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
        gc_buf_init(&jobs[i].output, OUTPUT_LIMIT);
    }
    gc_pool_run(jobs, count, v->dir, v->parallel, v->config->validation_timeout_ms);
    s->commands = count;
    s->passed = true;
    for (size_t i = 0; i < count; i++) {
        s->seconds += jobs[i].seconds;
        if (jobs[i].status != 0) {
            s->passed = false;
            char *what = gc_xasprintf("go %s %s%s", verb, v->packages.items[i],
                                      jobs[i].timed_out ? " took too long" : "");
            collect_issues(v, what, &jobs[i].output);
            free(what);
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
    if (v->steps[STEP_VET].run || v->steps[STEP_TEST].run)
        list_packages(v);
    if (v->steps[STEP_VET].run)
        step_packages(v, &v->steps[STEP_VET], "vet");
    if (v->steps[STEP_TEST].run)
        step_packages(v, &v->steps[STEP_TEST], "test");
}

/* ---- results ---- */

static bool all_passed(const validation *v)
{
    if (v->trouble || v->issue_count)
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
    for (size_t i = 0; i < v->issue_count; i++) {
        const issue *e = &v->issues[i];
        json_array_append_new(issues, json_pack("{s:s, s:i, s:i, s:s%}", "file", e->file,
                                                "line", e->line, "column", e->column,
                                                "text", e->text, strlen(e->text)));
    }
    return json_pack("{s:i, s:b, s:s, s:s, s:s, s:I, s:o, s:o}", "schema", REPORT_SCHEMA,
                     "passed", all_passed(v), "go", v->go ? v->go : "", "module",
                     v->module ? v->module : "", "trouble", v->trouble ? v->trouble : "",
                     "packages", (json_int_t)v->packages.count, "steps", steps, "issues",
                     issues);
}

static void print_text(const validation *v, FILE *out)
{
    for (size_t i = 0; i < STEP_COUNT && !v->trouble; i++) {
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
    for (size_t i = 0; i < v->issue_count; i++) {
        const issue *e = &v->issues[i];
        if (*e->file)
            fprintf(stderr, "%s:%d:%d: error: %s\n", e->file, e->line,
                    e->column ? e->column : 1, e->text);
        else
            fprintf(stderr, "error: %s\n", e->text);
    }
    if (v->trouble)
        fprintf(stderr, "error: not validated: %s\n", v->trouble);
    else
        fprintf(out, "Validation %s: %zu packages, go %s\n",
                all_passed(v) ? "passed" : "failed", v->packages.count, v->go);
}

static gc_exit write_report(const validation *v, const char *path, bool json, FILE *out)
{
    gc_errinfo info = { 0 };
    json_t *root = report_json(v);
    gc_exit code = GC_EXIT_OK;
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    if (!text) { /* tool output that is no UTF-8 */
        fputs("error: the report holds text that is no UTF-8\n", stderr);
        json_decref(root);
        return GC_EXIT_INTERNAL;
    }
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
    for (size_t i = 0; i < v->issue_count; i++) {
        free(v->issues[i].file);
        free(v->issues[i].text);
    }
    free(v->issues);
    free(v->go);
    free(v->module);
    free(v->trouble);
    gc_strv_release(&v->packages);
}

gc_exit gc_validate(const char *dir, const gc_config *config, const char *report,
                    bool json, FILE *out)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    validation v = { .dir = dir, .config = config, .go = gc_go_version() };
    v.parallel = config->validation_parallel ? (size_t)config->validation_parallel
                                             : (size_t)(processors > 0 ? processors : 1);
    gc_exit code = read_module(&v);
    if (code == GC_EXIT_OK) {
        if (!v.trouble)
            run_steps(&v);
        if (!json)
            print_text(&v, out);
        code = write_report(&v, report, json, out);
        if (code == GC_EXIT_OK && !all_passed(&v))
            code = GC_EXIT_VALIDATION;
    }
    release(&v);
    return code;
}
