/* How much memory and CPU does one gc-worker need to hold N streaming calls at once?
 *
 *   bench_streams [N [EVENTS_PER_SECOND [FIRST_EVENT_MS]]]      (2000, 5 and 1000)
 *
 * A private Redis, a broker, the simulator and one worker with N slots get N tasks; while all
 * of them stream, resident memory and CPU time are read from /proc. Beside it, in the same
 * run and against the same simulator: a plain program on curl_multi_poll that holds N calls
 * and throws the bytes away. Exits 1 if the worker was over GOAL_MB. */
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
#include "worker/provider.h"

#define EVENT_TOKENS 8
#define FILES 24       /* per call, so that an answer lasts longer than the window */
#define WINDOW_MS 8000 /* CPU is measured over so long */
#define GOAL_MB 150.0
#define MOST_STREAMS 4000

typedef struct reading {
    double rss_mb;
    double peak_mb;
    double cpu_s;
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

/* Fields 14 and 15 of /proc/<pid>/stat, behind the name in brackets. */
static double cpu_seconds(pid_t pid)
{
    char line[1024] = "";
    char *path = gc_xasprintf("/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    free(path);
    if (file && !fgets(line, sizeof line, file))
        line[0] = '\0';
    if (file)
        fclose(file);
    char *at = strrchr(line, ')');
    for (int i = 0; at && i < 12; i++)
        at = strchr(at + 1, ' ');
    if (!at)
        return 0;
    double user = strtod(at, &at);
    return (user + strtod(at, NULL)) / (double)sysconf(_SC_CLK_TCK);
}

static reading read_process(pid_t pid)
{
    return (reading){ status_mb(pid, "VmRSS:"), status_mb(pid, "VmHWM:"),
                      cpu_seconds(pid) };
}

static void report(const char *name, int streams, double per_second, const reading *from,
                   const reading *to)
{
    double events = streams * per_second * WINDOW_MS / 1000;
    printf("%-22s %5d streams  %7.1f MB resident (peak %.1f)  %6.1f KB/stream  "
           "%5.1f us CPU/event  %5.1f %% of a core\n",
           name, streams, to->rss_mb, to->peak_mb, to->rss_mb * 1024 / streams,
           (to->cpu_s - from->cpu_s) / events * 1e6,
           (to->cpu_s - from->cpu_s) / WINDOW_MS * 1e5);
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

/* ---- the baseline ---- */

static size_t drop_bytes(char *mem, size_t size, size_t count, void *arg)
{
    (void)mem;
    (void)arg;
    return size * count;
}

static char *plain_body(farm *f)
{
    gc_task *task = farm_task(f, "plain", "plain", FILES);
    gc_llm_block system = { task->system[0].text, strlen(task->system[0].text), true };
    gc_llm_block user = { task->user[0].text, strlen(task->user[0].text), false };
    gc_llm_prompt prompt = { task, &system, 1, &user, 1, "" };
    gc_buf body;
    gc_buf_init(&body, GC_LLM_MAX_BODY);
    must_ok(gc_provider_anthropic.body(&prompt, &body));
    gc_task_destroy(&task);
    return gc_buf_take(&body);
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

static void bench_plain(farm *f, int streams, double per_second)
{
    char *url = gc_provider_url(f->sim_url, gc_provider_anthropic.path);
    char *body = plain_body(f);
    pid_t pid = fork();
    if (pid == 0)
        run_plain(url, body, streams);
    farm_await_stat(f, "active", streams);
    reading from = read_process(pid);
    farm_idle(f, WINDOW_MS);
    reading to = read_process(pid);
    warn_if_ended(f, streams);
    report("plain curl_multi_poll", streams, per_second, &from, &to);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    free(url);
    free(body);
}

/* ---- the worker ---- */

/* As coordinators send them: what many calls share is named by its hash. */
static void submit_all(farm *f, int streams)
{
    for (int i = 0; i < streams; i++) {
        char *id = gc_xasprintf("t%d", i);
        gc_task *task = farm_task(f, id, id, FILES);
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

static void bench_worker(farm *f, int streams, double per_second)
{
    static const char *const quiet[] = { "--log-level", "warn", NULL };
    int64_t began_ms = gc_clock_ms();
    farm_start_worker(f, 0, streams, quiet, NULL);
    farm_idle(f, 500);
    reading idle = read_process(f->workers[0]);
    submit_all(f, streams);
    farm_await_stat(f, "active", streams);
    int64_t full_ms = gc_clock_ms();
    reading from = read_process(f->workers[0]);
    farm_idle(f, WINDOW_MS);
    reading to = read_process(f->workers[0]);
    warn_if_ended(f, streams);
    report("gc-worker", streams, per_second, &from, &to);
    printf("%-22s idle %.1f MB; all calls streaming %" PRId64
           " ms after its start; %zu progress messages\n",
           "", idle.rss_mb, full_ms - began_ms, f->progress_count);
}

static bool has_all(farm *f, const void *arg)
{
    return f->end_count >= *(const size_t *)arg;
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
    int64_t streams = 2000;
    int64_t first_ms = 1000;
    double per_second = 5;
    if ((argc > 1 && gc_parse_i64(argv[1], 1, MOST_STREAMS, &streams)) ||
        (argc > 2 && gc_parse_double(argv[2], 0.1, 1000, &per_second)) ||
        (argc > 3 && gc_parse_i64(argv[3], 0, 60000, &first_ms))) {
        fprintf(stderr,
                "usage: bench_streams [STREAMS [EVENTS_PER_SECOND [FIRST_EVENT_MS]]]\n");
        return 8;
    }
    raise_files();
    char *speed = gc_xasprintf("%.3f", per_second * EVENT_TOKENS);
    char *first = gc_xasprintf("%" PRId64, first_ms);
    const char *const sim[] = { "--tokens-per-second", speed, "--ttft", first, NULL };
    farm *f = must_farm_start(sim);
    bench_plain(f, (int)streams, per_second);
    farm_until(f, farm_is_idle, NULL);
    bench_worker(f, (int)streams, per_second);
    size_t all = (size_t)streams, good = 0;
    farm_until(f, has_all, &all);
    double peak_mb = status_mb(f->workers[0], "VmHWM:");
    for (size_t i = 0; i < f->end_count; i++)
        good += f->ends[i].done;
    printf("%-22s %zu of %zu tasks done; peak %.1f MB of the whole run, goal %.0f: %s\n",
           "", good, all, peak_mb, GOAL_MB, peak_mb < GOAL_MB ? "met" : "MISSED");
    must_farm_destroy(&f);
    free(speed);
    free(first);
    return peak_mb < GOAL_MB && good == all ? 0 : 1;
}
