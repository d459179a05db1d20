/* For tests/bench/plan.
 * bench_plan make SPEC OUTPUT: makes what a null run looks at, the tree and the state that a
 * finished run of SPEC would have left, without any call and without a fsync per file.
 * bench_plan run COMMAND...: runs it; on stderr last: seconds, seconds of CPU, peak bytes.
 * The caller's own memory would count as the child's, so a small process has to ask. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "coordinator/run_private.h"

#define BODY_LIMIT ((size_t)1 << 20)

static void die(const char *what, const char *why)
{
    fprintf(stderr, "bench_plan: %s: %s\n", what, why);
    exit(1);
}

static void make_folders(const char *path)
{
    char *copy = gc_xstrdup(path);
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, 0755) && errno != EEXIST)
            die(copy, strerror(errno));
        *p = '/';
    }
    free(copy);
}

static void put_file(const char *root, const char *path, const gc_buf *text)
{
    char *full = gc_xasprintf("%s/%s", root, path);
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 && errno == ENOENT) {
        make_folders(full);
        fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    }
    if (fd < 0 || write(fd, text->ptr, text->len) != (ssize_t)text->len)
        die(full, strerror(errno));
    close(fd);
    free(full);
}

/* Some hundred bytes of Go with a surface of its own. */
static void write_go(const gc_plan_file *f, size_t number, gc_buf *out)
{
    gc_buf_printf(out, "package %s\n\n// %s\n", *f->package ? f->package : "x",
                  f->purpose);
    for (int i = 0; i < 8; i++)
        gc_buf_printf(out,
                      "\nfunc Made%zu_%d(a, b int) int {\n\tif a > b {\n\t\treturn a - "
                      "b\n\t}\n\treturn b*%d + a\n}\n",
                      number, i, i);
}

/* Records a file as the run itself would after writing it. */
static void make_file(gc_run *run, size_t file)
{
    const gc_plan_file *f = &run->project.plan->files[file];
    gc_output *output = run->output;
    gc_buf text;
    gc_buf_init(&text, BODY_LIMIT);
    write_go(f, file, &text);
    put_file(gc_root_path(gc_output_root(output)), f->path, &text);
    char *sources = run_sources(f);
    gc_put_file one = { .action = GC_MAKE };
    one.made = (gc_made){ .path = f->path,
                          .mem = text.ptr,
                          .len = text.len,
                          .fingerprint = *run_fingerprint(run, file),
                          .how = f->how == GC_BY_LLM ? "llm" : "template",
                          .sources = sources };
    /* The bytes stand there already: nothing is written, only recorded. */
    if (gc_output_put_all(output, &one, 1, GC_EDIT_KEEP))
        die(f->path, one.info.text);
    run_settle(run, file);
    run_finish(run, file, one.made.how);
    free(sources);
    gc_buf_release(&text);
}

/* Only looking: the run itself would write its template files, with a fsync each. Their text
 * here is another one than the template's, which is nothing that a null run could notice. */
static void make_all(gc_run *run)
{
    bool more = true;
    while (more) {
        run_decide(run, true);
        more = false;
        for (size_t i = 0; i < run->project.plan->file_count; i++) {
            if (run->files[i].step != RUN_READY)
                continue;
            make_file(run, i);
            more = true;
        }
    }
}

static int make(char *program, char *spec, char *dir)
{
    gc_options options;
    gc_run run;
    gc_errinfo info = { 0 };
    bool done = false;
    char *args[] = { program, (char *)"generate", spec, (char *)"-o", dir };
    if (gc_options_parse(5, args, &options, &done) || run_open(&run, &options) ||
        run_open_output(&run, false))
        return 1;
    make_all(&run);
    bool all = run.stats.done == run.project.plan->file_count;
    if (gc_output_save(run.output, &info))
        die(dir, info.text);
    run_close(&run);
    gc_options_release(&options);
    return all ? 0 : 1;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int run_timed(char **command)
{
    struct rusage usage;
    struct timespec from, to;
    int status = 0;
    clock_gettime(CLOCK_MONOTONIC, &from);
    pid_t child = fork();
    if (child == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        die(command[0], strerror(errno));
    clock_gettime(CLOCK_MONOTONIC, &to);
    double wall =
        (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    fprintf(stderr, "\n%.6f %.6f %ld\n", wall,
            seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime),
            usage.ru_maxrss * 1024);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        return make(argv[0], argv[2], argv[3]);
    if (argc > 2 && strcmp(argv[1], "run") == 0)
        return run_timed(argv + 2);
    fputs("usage: bench_plan make SPEC OUTPUT | run COMMAND...\n", stderr);
    return 8;
}
