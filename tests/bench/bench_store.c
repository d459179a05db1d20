/* How many claims and commits per second one worker loop gets through a private Redis with
 * fsync always, in rounds of `tasks in flight`. Usage: bench_store [in flight] [rounds] */
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/store_async.h"
#include "common/text.h"

#define BENCH_BLOB 4096

typedef struct bench {
    uv_loop_t loop;
    gc_astore *store;
    gc_task *tasks;
    gc_claim_file *claims;
    char *blob;
    int64_t in_flight;
    int64_t left;
    int64_t failed;
} bench;

typedef struct slot {
    bench *bench;
    int64_t index;
} slot;

static void on_commit(void *arg, gc_err err, const char *sha256)
{
    slot *self = arg;
    (void)sha256;
    self->bench->left--;
    self->bench->failed += err != GC_OK;
}

static void on_claim(void *arg, gc_err err, const gc_claim_file *files, int64_t running)
{
    slot *self = arg;
    bench *b = self->bench;
    gc_usage usage = { .input = 1000, .output = 1000 };
    (void)running;
    if (err || files[0].outcome != GC_FILE_MADE) {
        b->left--;
        b->failed++;
        return;
    }
    memcpy(b->blob, b->tasks[self->index].files[0].fingerprint, GC_SHA_HEX);
    gc_astore_commit(b->store, &b->tasks[self->index], 0, files[0].epoch, "bench",
                     b->blob, BENCH_BLOB, &usage, 0.01, on_commit, self);
}

static void name_task(gc_task *task, int64_t number)
{
    gc_task_file *file = task->files;
    free(task->id);
    free(file->path);
    free(file->fingerprint);
    task->id = gc_xasprintf("t%lld", (long long)number);
    file->path = gc_xasprintf("f%lld.go", (long long)number);
    file->fingerprint = gc_xstrdup(gc_sha256(file->path, strlen(file->path)).hex);
}

static void run(bench *b, int64_t rounds)
{
    slot *slots = gc_xcalloc((size_t)b->in_flight, sizeof *slots);
    int64_t start = gc_clock_us();
    for (int64_t round = 0; round < rounds; round++) {
        b->left = b->in_flight;
        for (int64_t i = 0; i < b->in_flight; i++) {
            slots[i] = (slot){ .bench = b, .index = i };
            name_task(&b->tasks[i], round * b->in_flight + i);
            gc_astore_claim(b->store, &b->tasks[i], "bench", 1, on_claim, &slots[i]);
        }
        while (b->left > 0)
            uv_run(&b->loop, UV_RUN_ONCE);
    }
    double seconds = (double)(gc_clock_us() - start) / 1e6;
    double count = (double)(rounds * b->in_flight);
    printf("in flight %lld: %.0f tasks (claim + commit of %d bytes) in %.2f s: %.0f/s, "
           "failed %lld\n",
           (long long)b->in_flight, count, BENCH_BLOB, seconds, count / seconds,
           (long long)b->failed);
    free(slots);
}

static void bench_init(bench *b, const char *url)
{
    gc_errinfo info;
    uv_loop_init(&b->loop);
    if (gc_astore_open(&b->loop, url, NULL, NULL, &b->store, &info)) {
        fprintf(stderr, "%s\n", info.text);
        exit(EXIT_FAILURE);
    }
    b->blob = gc_xcalloc(1, BENCH_BLOB);
    b->tasks = gc_xcalloc((size_t)b->in_flight, sizeof *b->tasks);
    for (int64_t i = 0; i < b->in_flight; i++) {
        gc_task *task = &b->tasks[i];
        task->job = gc_xstrdup("j-000000000001");
        task->provider = gc_xstrdup("anthropic");
        task->model.id = gc_xstrdup("bench");
        task->files = gc_xcalloc(1, sizeof *task->files);
        task->file_count = 1;
        task->lease_ms = 60000;
        task->reuse = true;
    }
}

static void bench_release(bench *b)
{
    gc_astore_close(&b->store);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    uv_loop_close(&b->loop);
    for (int64_t i = 0; i < b->in_flight; i++) {
        gc_task *task = &b->tasks[i];
        free(task->job);
        free(task->id);
        free(task->provider);
        free(task->model.id);
        free(task->files[0].path);
        free(task->files[0].fingerprint);
        free(task->files);
    }
    free(b->tasks);
    free(b->blob);
}

static int remove_entry(const char *path, const struct stat *st, int kind,
                        struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static pid_t start_redis(const char *dir, const char *socket)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket, "--dir",
           dir, "--appendonly", "yes", "--appendfsync", "always", "--save", "",
           "--logfile", "redis.log", (char *)NULL);
    _exit(127);
}

int main(int argc, char **argv)
{
    bench b = { .in_flight = 100 };
    int64_t rounds = 100;
    if ((argc > 1 && gc_parse_i64(argv[1], 1, 100000, &b.in_flight)) ||
        (argc > 2 && gc_parse_i64(argv[2], 1, 1000000, &rounds))) {
        fprintf(stderr, "usage: bench_store [in flight] [rounds]\n");
        return 2;
    }
    char dir[] = "/tmp/gc-bench-XXXXXX";
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    char *socket = gc_xasprintf("%s/r.sock", dir);
    char *url = gc_xasprintf("unix://%s", socket);
    pid_t redis = start_redis(dir, socket);
    bench_init(&b, url);
    run(&b, rounds);
    bench_release(&b);
    kill(redis, SIGKILL);
    waitpid(redis, NULL, 0);
    nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(socket);
    free(url);
    return 0;
}
