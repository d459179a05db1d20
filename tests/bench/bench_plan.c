/* Makes what a null run looks at: the tree and the state that a finished run of SPEC would
 * have left, without any call and without a fsync per file. For tests/bench/plan.
 * usage: bench_plan SPEC OUTPUT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/project.h"
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
    gc_errinfo info = { 0 };
    gc_buf text;
    gc_put put;
    gc_buf_init(&text, BODY_LIMIT);
    write_go(f, file, &text);
    put_file(gc_root_path(gc_output_root(output)), f->path, &text);
    char *sources = run_sources(f);
    gc_made made = { .path = f->path,
                     .mem = text.ptr,
                     .len = text.len,
                     .fingerprint = run->files[file].fingerprint,
                     .how = "llm",
                     .sources = sources };
    /* The bytes stand there already: nothing is written, only recorded. */
    if (gc_output_put(output, &made, GC_MAKE, GC_EDIT_KEEP, &put, &info))
        die(f->path, info.text);
    if (gc_output_api(output, f->path, &run->files[file].api, &info))
        die(f->path, info.text);
    run_finish(run, file, "llm");
    free(sources);
    gc_buf_release(&text);
}

static void make_all(gc_run *run)
{
    bool more = true;
    while (more) {
        run_decide(run, false);
        more = false;
        for (size_t i = 0; i < run->project.plan->file_count; i++) {
            if (run->files[i].step != RUN_READY)
                continue;
            make_file(run, i);
            more = true;
        }
    }
}

int main(int argc, char **argv)
{
    gc_options options;
    gc_run run;
    gc_errinfo info = { 0 };
    bool done = false;
    if (argc != 3) {
        fputs("usage: bench_plan SPEC OUTPUT\n", stderr);
        return 8;
    }
    char *args[] = { argv[0], (char *)"generate", argv[1], (char *)"-o", argv[2] };
    if (gc_options_parse(5, args, &options, &done) || run_open(&run, &options))
        return 1;
    if (gc_output_open(argv[2], options.config.incremental_state_file, true, &run.output,
                       &info))
        die(argv[2], info.text);
    make_all(&run);
    printf("%zu\n", run.stats.done);
    bool all = run.stats.done == run.project.plan->file_count;
    if (gc_output_save(run.output, &info))
        die(argv[2], info.text);
    run_close(&run);
    gc_options_release(&options);
    return all ? 0 : 1;
}
