/* How much memory and CPU does one gc-worker need to hold N streaming calls at once?
 *
 *   bench_streams [--alone] [N [EVENTS_PER_SECOND [FIRST_EVENT_MS]]]    (10000, 5 and 1000)
 *
 * A private Redis, a broker, the simulator and one worker with N slots get N tasks; while all
 * of them stream, resident memory and CPU time are read from /proc, and the events that went
 * out from the simulator. Beside it, in the same run and against the same simulator: a plain
 * program on curl_multi_poll that holds N calls and throws the bytes away, and one in Python
 * and one in Node (where they are installed) that parse each event; none of them with --alone.
 * Exits 1 if the worker was over GOAL_KB per stream. */
#include <curl/curl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/must.h"

#include "common/clock.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/text.h"
#include "support/farm.h"
#include "support/process.h"
#include "worker/provider.h"

#define EVENT_TOKENS 8
#define FILES 3         /* per call */
#define FUNCTIONS 28    /* per file, so that an answer lasts longer than the window */
#define SETTLE_MS 2000  /* after the last call was sent */
#define WINDOW_MS 10000 /* CPU is measured over so long */
#define END_MS 180000   /* for the rest of the answers */
#define GOAL_KB 24.0    /* per stream, all of the process counted */
#define MOST_STREAMS 10000

typedef struct reading {
    double rss_mb;
    double peak_mb;
    double cpu_s;
    double sim_cpu_s;
    int64_t events;
    int64_t at_ms;
} reading;

/* ---- /proc ---- */

static double status_mb(pid_t pid, const char *field)
{
    char line[256];
    double mb = 0;
    char *path = gc_xasprintf("/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    free(path);
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0)
            mb = strtod(line + strlen(field), NULL) / 1024;
    if (file)
        fclose(file);
    return mb;
}

static reading read_process(farm *f, pid_t pid)
{
    return (reading){ status_mb(pid, "VmRSS:"), status_mb(pid, "VmHWM:"),
                      process_cpu_s(pid),       process_cpu_s(f->sim),
                      farm_stat(f, "events"),   gc_clock_ms() };
}

static void report(const char *name, int streams, const reading *from, const reading *to)
{
    double events = (double)(to->events - from->events);
    double seconds = (double)(to->at_ms - from->at_ms) / 1000;
    printf("%-22s %5d streams  %7.1f MB resident (peak %.1f)  %6.1f KB/stream  "
           "%6.0f events/s  %5.1f us CPU/event  %5.1f %% of a core (simulator %.1f %%)\n",
           name, streams, to->rss_mb, to->peak_mb, to->rss_mb * 1024 / streams,
           events / seconds, (to->cpu_s - from->cpu_s) / events * 1e6,
           (to->cpu_s - from->cpu_s) / seconds * 100,
           (to->sim_cpu_s - from->sim_cpu_s) / seconds * 100);
    fflush(stdout);
}

/* All of them must stream through the whole window. */
static void warn_if_ended(farm *f, int streams)
{
    int64_t active = farm_stat(f, "active");
    if (active < streams)
        printf("%" PRId64 " of %d calls ended before the measurement did\n",
               streams - active, streams);
}

/* While they all stream; KB per stream. */
static double measure(farm *f, const char *name, pid_t pid, int streams)
{
    farm_await_stat(f, "active", streams);
    farm_idle(f, SETTLE_MS);
    reading from = read_process(f, pid);
    farm_idle(f, WINDOW_MS);
    reading to = read_process(f, pid);
    warn_if_ended(f, streams);
    report(name, streams, &from, &to);
    return to.rss_mb * 1024 / streams;
}

/* ---- a call ---- */

static gc_task *long_task(farm *f, const char *id)
{
    gc_task *task = farm_task(f, id, id, FILES);
    gc_buf prompt, promise;
    gc_buf_init(&prompt, 1 << 20);
    gc_buf_puts(&prompt, "Write these files.\n\n");
    for (size_t i = 0; i < FILES; i++) {
        gc_task_file *file = &task->files[i];
        gc_buf_init(&promise, 1 << 16);
        for (int j = 0; j < FUNCTIONS; j++)
            gc_buf_printf(&promise, "func Make%zu_%d(name string) (int, error)\n", i, j);
        free(file->promise);
        file->promise = gc_buf_take(&promise);
        gc_buf_printf(&prompt,
                      "<generate path=\"%s\" package=\"p\" kind=\"source\">\n%s"
                      "</generate>\n",
                      file->path, file->promise);
    }
    free(task->user[0].text);
    task->user[0].text = gc_buf_take(&prompt);
    return task;
}

static char *plain_body(farm *f)
{
    gc_task *task = long_task(f, "plain");
    gc_llm_block system = { task->system[0].text, strlen(task->system[0].text), true };
    gc_llm_block user = { task->user[0].text, strlen(task->user[0].text), false };
    gc_llm_prompt prompt = { task, &system, 1, &user, 1, "" };
    gc_buf body;
    gc_buf_init(&body, GC_LLM_MAX_BODY);
    must_ok(gc_provider_anthropic.body(&prompt, &body));
    gc_task_destroy(&task);
    return gc_buf_take(&body);
}

/* ---- the others ---- */

static size_t drop_bytes(char *mem, size_t size, size_t count, void *arg)
{
    (void)mem;
    (void)arg;
    return size * count;
}

static _Noreturn void run_plain(const char *url, const char *body, int streams)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    CURLM *multi = curl_multi_init();
    struct curl_slist *headers = curl_slist_append(NULL, "x-api-key: " FARM_KEY);
    headers = curl_slist_append(headers, "anthropic-version: 2023-06-01");
    headers = curl_slist_append(headers, "content-type: application/json");
    for (int i = 0; i < streams; i++) {
        CURL *easy = curl_easy_init();
        curl_easy_setopt(easy, CURLOPT_URL, url);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_bytes);
        curl_multi_add_handle(multi, easy);
    }
    for (int running = 1; running;) {
        curl_multi_perform(multi, &running);
        curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    _exit(0);
}

static void finish(farm *f, pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    farm_until(f, farm_is_idle, NULL);
}

static void bench_plain(farm *f, const char *url, const char *body, int streams)
{
    pid_t pid = fork();
    if (pid == 0)
        run_plain(url, body, streams);
    measure(f, "plain curl_multi_poll", pid, streams);
    finish(f, pid);
}

static bool is_installed(const char *program)
{
    char *command = gc_xasprintf("command -v %s >/dev/null", program);
    int status = system(command);
    free(command);
    return status == 0;
}

/* A script of this folder with the same calls. */
static void bench_script(farm *f, const char *program, const char *script,
                         const char *url, const char *body_file, int streams)
{
    if (!is_installed(program)) {
        printf("%-22s skipped: not installed\n", program);
        return;
    }
    char *path = gc_xasprintf("%s/tests/bench/%s", GC_SOURCE_DIR, script);
    char *count = gc_xasprintf("%d", streams);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp(program, program, path, url, body_file, FARM_KEY, count, NULL);
        _exit(99);
    }
    measure(f, program, pid, streams);
    finish(f, pid);
    free(path);
    free(count);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void bench_others(farm *f, int streams)
{
    char *url = gc_llm_url(f->sim_url, gc_provider_anthropic.path);
    char *body = plain_body(f);
    char *body_file = gc_xasprintf("%s/body.json", f->dir);
    write_file(body_file, body);
    bench_plain(f, url, body, streams);
    bench_script(f, "python3", "streams_client.py", url, body_file, streams);
    bench_script(f, "node", "streams_client.js", url, body_file, streams);
    free(url);
    free(body);
    free(body_file);
}

/* ---- the worker ---- */

/* As coordinators send them: what many calls share is named by its hash. */
static void submit_all(farm *f, int streams)
{
    for (int i = 0; i < streams; i++) {
        char *id = gc_xasprintf("t%d", i);
        gc_task *task = long_task(f, id);
        gc_block *block = &task->system[0];
        gc_sha sha = gc_sha256(block->text, strlen(block->text));
        if (i == 0)
            freeReplyObject(
                must_redis(f->redis, "SET gc:blob:%s %s", sha.hex, block->text));
        free(block->text);
        block->text = NULL;
        block->sha256 = gc_xstrdup(sha.hex);
        task->call_ms = 600000;
        task->lease_ms = 30000;
        farm_submit(f, task);
        gc_task_destroy(&task);
        free(id);
    }
}

static double bench_worker(farm *f, int streams)
{
    static const char *const quiet[] = { "--log-level", "warn", NULL };
    int64_t began_ms = gc_clock_ms();
    farm_start_worker(f, 0, streams, quiet, NULL);
    farm_idle(f, 500);
    double idle_mb = status_mb(f->workers[0], "VmRSS:");
    submit_all(f, streams);
    farm_await_stat(f, "active", streams);
    int64_t full_ms = gc_clock_ms();
    double held_kb = measure(f, "gc-worker", f->workers[0], streams);
    printf("%-22s idle %.1f MB; all calls sent %" PRId64
           " ms after its start; %zu progress messages\n",
           "", idle_mb, full_ms - began_ms, f->progress_count);
    return held_kb;
}

/* At the speed of the simulator, which is not the farm's to wait for. */
static void await_all(farm *f, size_t count)
{
    int64_t until_ms = gc_clock_ms() + END_MS;
    while (f->end_count < count && gc_clock_ms() < until_ms)
        farm_idle(f, 100);
}

static void raise_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    int64_t streams = MOST_STREAMS;
    int64_t first_ms = 1000;
    double per_second = 5;
    bool alone = argc > 1 && strcmp(argv[1], "--alone") == 0;
    argc -= alone;
    argv += alone;
    if ((argc > 1 && gc_parse_i64(argv[1], 1, MOST_STREAMS, &streams)) ||
        (argc > 2 && gc_parse_double(argv[2], 0.1, 1000, &per_second)) ||
        (argc > 3 && gc_parse_i64(argv[3], 0, 60000, &first_ms))) {
        fprintf(stderr, "usage: bench_streams [--alone] [STREAMS [EVENTS_PER_SECOND "
                        "[FIRST_EVENT_MS]]]\n");
        return 8;
    }
    raise_files();
    char *speed = gc_xasprintf("%.3f", per_second * EVENT_TOKENS);
    char *first = gc_xasprintf("%" PRId64, first_ms);
    const char *const sim[] = { "--tokens-per-second", speed, "--ttft", first, NULL };
    farm *f = must_farm_start(sim);
    if (!alone)
        bench_others(f, (int)streams);
    double held_kb = bench_worker(f, (int)streams);
    size_t all = (size_t)streams, good = 0;
    await_all(f, all);
    double peak_mb = status_mb(f->workers[0], "VmHWM:");
    for (size_t i = 0; i < f->end_count; i++)
        good += f->ends[i].done;
    printf("%-22s %zu of %zu tasks done; peak %.1f MB of the whole run, goal %.0f KB per "
           "stream: %s\n",
           "", good, all, peak_mb, GOAL_KB, held_kb < GOAL_KB ? "met" : "MISSED");
    must_farm_destroy(&f);
    free(speed);
    free(first);
    return held_kb < GOAL_KB && good == all ? 0 : 1;
}
