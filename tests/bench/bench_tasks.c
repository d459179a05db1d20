/* What does a task cost that costs nothing? Tasks per second through broker and one worker,
 * each answer durable in Redis (append-only file, fsync always) before it is reported, with a
 * provider that answers at once; CPU per task of each process; and what a lone task waits.
 *
 *   bench_tasks [TASKS [IN_FLIGHT [SLOTS]]]      (20000, 2000 and 1000)
 *
 * Redis lies in $TMPDIR. The work per message is shown by submitting ten and a hundred times
 * as many tasks. */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "support/must.h"
#include "support/process.h"

#include "common/clock.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/task.h"
#include "common/text.h"
#include "common/wire.h"
#include "support/redis.h"

#define JOB "j-bench0000001"
#define PER_SUBMIT 256
#define LONELY 300 /* tasks one at a time */
#define SYNCED_BYTES 600
#define WAIT_MS 60000 /* without any message */

enum {
    BROKER,
    WORKER,
    REDIS,
    CLIENT,
    PROCESSES
};
static const char *const names[PROCESSES] = { "broker", "worker", "redis", "client" };

typedef struct bench {
    test_redis *redis;
    char *endpoint;
    char *bin; /* the build directory */
    pid_t pids[PROCESSES];
    void *context;
    void *client;
    gc_sha shared; /* a prompt block that all tasks name */
    int64_t next;  /* number of the next task */
    int64_t done;
} bench;

/* ---- processes ---- */

static char *build_dir(void)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    for (int i = 0; i < 2; i++)
        *strrchr(self, '/') = '\0';
    return gc_xstrdup(self);
}

static pid_t start(const char *log, const char *const *arguments)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0)
        _exit(99);
    setenv("ANTHROPIC_API_KEY", "none", 1);
    execv(arguments[0], (char *const *)arguments);
    _exit(99);
}

static void start_all(bench *b, int64_t slots)
{
    b->redis = must_redis_start();
    b->endpoint = gc_xasprintf("ipc://%s/b.sock", b->redis->dir);
    char *broker = gc_xasprintf("%s/bin/gc-broker", b->bin);
    char *worker = gc_xasprintf("%s/bench/gc-worker-noop", b->bin);
    char *log = gc_xasprintf("%s/programs.log", b->redis->dir);
    char *count = gc_xasprintf("%" PRId64, slots);
    const char *const broker_line[] = { broker,        "--bind", b->endpoint,
                                        "--log-level", "warn",   NULL };
    const char *const worker_line[] = { worker,    "--broker",    b->endpoint,
                                        "--redis", b->redis->url, "--slots",
                                        count,     "--log-level", "warn",
                                        NULL };
    b->pids[BROKER] = start(log, broker_line);
    b->pids[WORKER] = start(log, worker_line);
    b->pids[REDIS] = b->redis->pid;
    b->pids[CLIENT] = getpid();
    free(broker);
    free(worker);
    free(log);
    free(count);
}

static void stop_all(bench *b)
{
    int linger = 0;
    zmq_setsockopt(b->client, ZMQ_LINGER, &linger, sizeof linger);
    zmq_close(b->client);
    zmq_ctx_term(b->context);
    for (int i = BROKER; i <= WORKER; i++) {
        kill(b->pids[i], SIGKILL);
        waitpid(b->pids[i], NULL, 0);
    }
    must_redis_destroy(&b->redis);
    free(b->endpoint);
    free(b->bin);
}

static double resident_mb(pid_t pid)
{
    long pages[2] = { 0, 0 };
    char line[128] = "";
    char *path = gc_xasprintf("/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "r");
    free(path);
    if (file && fgets(line, sizeof line, file)) {
        char *at = line;
        pages[0] = strtol(at, &at, 10);
        pages[1] = strtol(at, &at, 10);
    }
    if (file)
        fclose(file);
    return (double)pages[1] * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

/* ---- the client ---- */

static void connect_client(bench *b)
{
    gc_wire hello;
    b->context = zmq_ctx_new();
    b->client = zmq_socket(b->context, ZMQ_DEALER);
    gc_wire_tune(b->client, 2000, 16 << 20);
    assert_int_equal(zmq_connect(b->client, b->endpoint), 0);
    gc_wire_init(&hello, GC_HELLO);
    hello.version = GC_WIRE_VERSION;
    hello.role = (char *)"client";
    hello.id = (char *)JOB;
    hello.host = (char *)"bench";
    hello.pid = getpid();
    while (gc_wire_send(b->client, &hello, NULL, 0) == GC_EAGAIN)
        usleep(1000);
}

/* Handles what is there; waits for the first. */
static void turn(bench *b)
{
    gc_wire message;
    zmq_pollitem_t item = { b->client, 0, ZMQ_POLLIN, 0 };
    if (zmq_poll(&item, 1, WAIT_MS) <= 0)
        fail_msg("nothing is heard; see %s", b->redis->dir);
    while (gc_wire_recv(b->client, &message, NULL, NULL) == GC_OK) {
        if (message.command == GC_PING) {
            gc_wire pong;
            gc_wire_init(&pong, GC_PONG);
            must_ok(gc_wire_send(b->client, &pong, NULL, 0));
        } else if (message.command == GC_DONE) {
            b->done++;
        } else if (message.command == GC_FAIL || message.command == GC_BUSY) {
            fail_msg("%s %s", gc_command_str(message.command), message.text);
        }
        gc_wire_release(&message);
    }
}

static gc_task *make_task(const bench *b, int64_t number)
{
    gc_task *task = gc_task_new();
    task->job = gc_xstrdup(JOB);
    task->id = gc_xasprintf("t%" PRId64, number);
    task->provider = gc_xstrdup("anthropic");
    task->model.id = gc_xstrdup("claude-haiku-5-5");
    task->model.provider = gc_xstrdup("anthropic");
    task->model.max_output_tokens = 64000;
    task->model.context_tokens = 200000;
    task->model.bytes_per_token = 3;
    task->effort = gc_xstrdup("");
    task->max_tokens = 4096;
    task->expected_output = 100;
    task->cache_ttl = gc_xstrdup("5m");
    task->files = gc_xcalloc(1, sizeof *task->files);
    task->file_count = 1;
    gc_sha sha = gc_sha256(task->id, strlen(task->id));
    task->files[0] =
        (gc_task_file){ .path = gc_xasprintf("internal/p%" PRId64 "/f.go", number),
                        .fingerprint = gc_xstrdup(sha.hex),
                        .package = gc_xstrdup("p"),
                        .kind = gc_xstrdup("source"),
                        .promise = gc_xstrdup("") };
    task->system = gc_xcalloc(1, sizeof *task->system);
    task->system_count = 1;
    task->system[0].sha256 = gc_xstrdup(b->shared.hex);
    task->user = gc_xcalloc(1, sizeof *task->user);
    task->user_count = 1;
    task->user[0].text = gc_xstrdup("Write the file.");
    task->lease_ms = 30000;
    task->patience_ms = 60000;
    task->first_byte_ms = task->idle_ms = 60000;
    task->call_ms = 600000;
    task->reuse = true;
    task->prompt_bytes = 10000;
    return task;
}

static void submit(bench *b, int64_t count)
{
    gc_wire_task tasks[PER_SUBMIT];
    gc_wire message;
    gc_wire_init(&message, GC_SUBMIT);
    message.job = (char *)JOB;
    message.tasks = tasks;
    message.task_count = (size_t)count;
    for (int64_t i = 0; i < count; i++) {
        gc_buf payload;
        gc_task *task = make_task(b, b->next++);
        gc_buf_init(&payload, 1 << 20);
        gc_task_encode(task, &payload);
        tasks[i] = (gc_wire_task){ .id = gc_xstrdup(task->id),
                                   .provider = (char *)"anthropic",
                                   .attempt = 1,
                                   .payload_len = payload.len };
        tasks[i].payload = gc_buf_take(&payload);
        gc_task_destroy(&task);
    }
    gc_err err;
    while ((err = gc_wire_send(b->client, &message, NULL, 0)) == GC_EAGAIN)
        turn(b);
    must_ok(err);
    for (int64_t i = 0; i < count; i++) {
        free(tasks[i].id);
        free(tasks[i].payload);
    }
}

/* ---- the measurements ---- */

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void measure_flood(bench *b, int64_t tasks, int64_t in_flight)
{
    double before[PROCESSES], total = 0;
    int64_t from = b->done, sent = 0;
    for (int i = 0; i < PROCESSES; i++)
        before[i] = process_cpu_s(b->pids[i]);
    int64_t began_us = now_us();
    while (b->done - from < tasks) {
        while (sent < tasks && sent - (b->done - from) + PER_SUBMIT <= in_flight) {
            int64_t more = tasks - sent < PER_SUBMIT ? tasks - sent : PER_SUBMIT;
            submit(b, more);
            sent += more;
        }
        turn(b);
    }
    double seconds = (double)(now_us() - began_us) / 1e6;
    printf("%8" PRId64 " tasks, %" PRId64 " in flight: %8.0f tasks/s; CPU us/task:",
           tasks, in_flight, (double)tasks / seconds);
    for (int i = 0; i < PROCESSES; i++) {
        double us = (process_cpu_s(b->pids[i]) - before[i]) / (double)tasks * 1e6;
        total += us;
        printf(" %s %.1f", names[i], us);
    }
    printf(", all %.1f; broker %.1f MB, worker %.1f MB\n", total,
           resident_mb(b->pids[BROKER]), resident_mb(b->pids[WORKER]));
    fflush(stdout);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void show_waits(const char *what, int64_t us[LONELY])
{
    qsort(us, LONELY, sizeof *us, by_size);
    printf("%s: p50 %.2f ms, p99 %.2f ms\n", what, (double)us[LONELY / 2] / 1e3,
           (double)us[LONELY * 99 / 100] / 1e3);
    fflush(stdout);
}

/* What the disk takes for a write that must last. A lone task waits for three of them in
 * turn: its claim, its booking, its answer. */
static void measure_disk(const bench *b)
{
    int64_t us[LONELY];
    char bytes[SYNCED_BYTES] = "";
    char *path = gc_xasprintf("%s/synced", b->redis->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    assert_true(fd >= 0);
    for (int i = 0; i < LONELY; i++) {
        int64_t began_us = now_us();
        assert_int_equal(write(fd, bytes, sizeof bytes), sizeof bytes);
        assert_int_equal(fdatasync(fd), 0);
        us[i] = now_us() - began_us;
    }
    close(fd);
    unlink(path);
    free(path);
    show_waits("a synced write there", us);
}

static void measure_lonely(bench *b)
{
    int64_t us[LONELY];
    for (int i = 0; i < LONELY; i++) {
        int64_t began_us = now_us(), from = b->done;
        submit(b, 1);
        while (b->done == from)
            turn(b);
        us[i] = now_us() - began_us;
    }
    show_waits("one at a time", us);
}

int main(int argc, char **argv)
{
    static const char shared[] = "Write plain Go that anybody can read.\n";
    bench b = { 0 };
    int64_t tasks = 20000, in_flight = 2000, slots = 1000;
    if ((argc > 1 && gc_parse_i64(argv[1], 1, 10000000, &tasks)) ||
        (argc > 2 && gc_parse_i64(argv[2], PER_SUBMIT, 100000, &in_flight)) ||
        (argc > 3 && gc_parse_i64(argv[3], 1, 10000, &slots))) {
        fprintf(stderr, "usage: bench_tasks [TASKS [IN_FLIGHT [SLOTS]]]\n");
        return 8;
    }
    b.bin = build_dir();
    start_all(&b, slots);
    connect_client(&b);
    b.shared = gc_sha256(shared, strlen(shared));
    freeReplyObject(must_redis(b.redis, "SET gc:blob:%s %s", b.shared.hex, shared));
    freeReplyObject(must_redis(b.redis, "HSET gc:job:" JOB " owner bench"));
    submit(&b, 1); /* everybody is connected once it is done */
    while (b.done < 1)
        turn(&b);
    measure_lonely(&b);
    measure_disk(&b);
    for (int64_t n = tasks / 100; n <= tasks; n *= 10)
        if (n > 0)
            measure_flood(&b, n, in_flight);
    stop_all(&b);
    return 0;
}
