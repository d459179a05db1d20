#include "support/farm.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/strv.h"
#include "support/must.h"

#define WAIT_MS 60000 /* no test waits longer for anything */
#define BEAT "200ms"
#define READY_FD 3

/* ---- processes ---- */

/* Beside the tests in every build: <build>/tests/test_x and <build>/bin/<name>. */
static char *program(const char *name)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    for (int i = 0; i < 2; i++)
        *strrchr(self, '/') = '\0';
    return gc_xasprintf("%s/bin/%s", self, name);
}

static void add_all(gc_strv *list, const char *const *items)
{
    for (size_t i = 0; items && items[i]; i++)
        gc_strv_add(list, items[i]);
}

/* In the child. `ready` becomes READY_FD if it is not -1. */
static _Noreturn void become(gc_strv *arguments, const char *const *environment,
                             const char *dir, const char *log, int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || chdir(dir) != 0)
        _exit(99);
    if (ready >= 0 && ready != READY_FD)
        dup2(ready, READY_FD);
    unsetenv("ANTHROPIC_API_KEY");
    unsetenv("OPENAI_API_KEY");
    for (size_t i = 0; environment && environment[i]; i++)
        putenv(gc_xstrdup(environment[i]));
    gc_strv_push(arguments, NULL);
    execv(arguments->items[0], arguments->items);
    _exit(99);
}

static char *read_line(int fd)
{
    gc_buf line;
    gc_buf_init(&line, 4096);
    for (char c = 0; c != '\n';) {
        struct pollfd p = { fd, POLLIN, 0 };
        assert_true(poll(&p, 1, WAIT_MS) == 1);
        assert_true(read(fd, &c, 1) == 1); /* else it ended before it was ready */
        if (c != '\n')
            gc_buf_putc(&line, c);
    }
    return gc_buf_take(&line);
}

/* Starts <name> with arguments; if `ready_line`, waits for what it writes to --ready-fd. */
static pid_t spawn(farm *self, const char *name, gc_strv *arguments,
                   const char *const *environment, const char *log, char **ready_line)
{
    int fds[2] = { -1, -1 };
    gc_strv all = { 0 };
    char *path = program(name);
    gc_strv_push(&all, path);
    gc_strv_copy(&all, arguments);
    gc_strv_release(arguments);
    if (ready_line) {
        assert_int_equal(pipe(fds), 0);
        gc_strv_add(&all, "--ready-fd");
        gc_strv_add(&all, "3");
    }
    char *log_path = gc_xasprintf("%s/%s", self->dir, log);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        become(&all, environment, self->dir, log_path, fds[1]);
    free(log_path);
    gc_strv_release(&all);
    if (ready_line) {
        close(fds[1]);
        *ready_line = read_line(fds[0]);
        close(fds[0]);
    }
    return pid;
}

static int await_exit(pid_t pid)
{
    int status = 0;
    int64_t end = gc_clock_ms() + WAIT_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        assert_true(gc_clock_ms() < end);
        poll(NULL, 0, 5);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void stop(pid_t *pid, int signal)
{
    if (*pid <= 0)
        return;
    kill(*pid, signal);
    await_exit(*pid);
    *pid = 0;
}

/* ---- the client ---- */

static void say_hello(farm *self)
{
    gc_wire hello;
    gc_wire_init(&hello, GC_HELLO);
    hello.version = GC_WIRE_VERSION;
    hello.role = (char *)"client";
    hello.id = (char *)"farm-client";
    hello.host = (char *)"test";
    hello.pid = getpid();
    while (gc_wire_send(self->client, &hello, NULL, 0) == GC_EAGAIN)
        poll(NULL, 0, 5);
}

static void take_end(farm *self, gc_wire *message)
{
    if ((self->end_count & (self->end_count - 1)) == 0) /* full at powers of two */
        self->ends =
            gc_xrealloc(self->ends, (2 * self->end_count + 1) * sizeof *self->ends);
    farm_end *end = &self->ends[self->end_count++];
    *end = (farm_end){ .done = message->command == GC_DONE,
                       .task = gc_xstrdup(message->task),
                       .reason = gc_xstrdup(message->reason ? message->reason : ""),
                       .text = gc_xstrdup(message->text ? message->text : "") };
    if (message->payload_len > 0)
        must_ok(gc_result_decode(message->payload, message->payload_len, &end->result));
}

static void take_message(farm *self, gc_wire *message)
{
    gc_wire pong;
    switch (message->command) {
    case GC_PING:
        gc_wire_init(&pong, GC_PONG);
        must_ok(gc_wire_send(self->client, &pong, NULL, 0));
        break;
    case GC_DONE:
    case GC_FAIL: take_end(self, message); break;
    case GC_PROGRESS: self->progress_count++; break;
    case GC_REFUSED: say_hello(self); break;
    default: break;
    }
}

/* Handles what is there; waits at most `ms` for the first. */
static void turn(farm *self, int ms)
{
    zmq_pollitem_t item = { self->client, 0, ZMQ_POLLIN, 0 };
    if (zmq_poll(&item, 1, ms) <= 0)
        return;
    gc_wire message;
    gc_errinfo info;
    while (gc_wire_recv(self->client, &message, NULL, &info) == GC_OK) {
        take_message(self, &message);
        gc_wire_release(&message);
    }
}

void farm_idle(farm *self, int64_t ms)
{
    int64_t end = gc_clock_ms() + ms;
    for (int64_t left; (left = end - gc_clock_ms()) > 0;)
        turn(self, (int)left);
}

void farm_until(farm *self, bool (*holds)(farm *self, const void *arg), const void *arg)
{
    int64_t end = gc_clock_ms() + WAIT_MS;
    while (!holds(self, arg)) {
        if (gc_clock_ms() > end)
            fail_msg("waited in vain; see %s", self->dir);
        turn(self, 10);
    }
}

const farm_end *farm_find(farm *self, const char *task)
{
    for (size_t i = 0; i < self->end_count; i++)
        if (strcmp(self->ends[i].task, task) == 0)
            return &self->ends[i];
    return NULL;
}

static bool has_ended(farm *self, const void *task)
{
    return farm_find(self, task) != NULL;
}

const farm_end *farm_await(farm *self, const char *task)
{
    farm_until(self, has_ended, task);
    return farm_find(self, task);
}

void farm_submit(farm *self, const gc_task *task)
{
    gc_buf payload;
    gc_buf_init(&payload, (size_t)64 << 20);
    gc_task_encode(task, &payload);
    gc_wire_task one = { task->id, task->provider, 1, payload.ptr, payload.len };
    gc_wire submit;
    gc_wire_init(&submit, GC_SUBMIT);
    submit.job = task->job;
    submit.tasks = &one;
    submit.task_count = 1;
    gc_err err = gc_wire_send(self->client, &submit, NULL, 0);
    for (int64_t end = gc_clock_ms() + WAIT_MS;
         err == GC_EAGAIN && gc_clock_ms() < end;) {
        turn(self, 5); /* the connection is being made */
        err = gc_wire_send(self->client, &submit, NULL, 0);
    }
    must_ok(err);
    gc_buf_release(&payload);
}

static void send_cancel(farm *self, const char *job, bool unbegun)
{
    gc_wire cancel;
    gc_wire_init(&cancel, GC_CANCEL);
    cancel.job = (char *)job;
    cancel.task = (char *)"";
    cancel.unbegun = unbegun;
    must_ok(gc_wire_send(self->client, &cancel, NULL, 0));
}

void farm_cancel(farm *self, const char *job)
{
    send_cancel(self, job, false);
}

void farm_take_back(farm *self, const char *job)
{
    send_cancel(self, job, true);
}

/* ---- tasks ---- */

static char *sample_prompt(const char *stem, size_t count, gc_task_file *files)
{
    gc_buf text;
    gc_buf_init(&text, 1 << 20);
    gc_buf_printf(&text, "Write these files of %s.\n\n", stem);
    for (size_t i = 0; i < count; i++)
        gc_buf_printf(&text,
                      "<generate path=\"%s\" package=\"p\" kind=\"source\">\n%s\n"
                      "</generate>\n",
                      files[i].path, files[i].promise);
    return gc_buf_take(&text);
}

/* Long enough to be cached by every model. */
static char *sample_system(void)
{
    gc_buf text;
    gc_buf_init(&text, 1 << 20);
    gc_buf_puts(&text, "Module path: example.com/farm\n");
    for (int i = 0; i < 200; i++)
        gc_buf_printf(&text, "Rule %d: write plain Go that anybody can read.\n", i);
    return gc_buf_take(&text);
}

static void copy_model(farm *self, const char *id, gc_model *out)
{
    const gc_model *model = gc_models_find(self->models, id);
    assert_non_null(model);
    *out = *model;
    out->id = gc_xstrdup(model->id);
    out->provider = gc_xstrdup(model->provider);
}

gc_task *farm_task(farm *self, const char *id, const char *stem, size_t count)
{
    gc_task *task = gc_task_new();
    task->job = gc_xstrdup(FARM_JOB);
    task->id = gc_xstrdup(id);
    task->provider = gc_xstrdup("anthropic");
    copy_model(self, "claude-haiku-5-5", &task->model);
    task->effort = gc_xstrdup("low");
    task->max_tokens = 16000;
    task->cache_ttl = gc_xstrdup("5m");
    task->files = gc_xcalloc(count, sizeof *task->files);
    task->file_count = count;
    for (size_t i = 0; i < count; i++) {
        char *seed = gc_xasprintf("%s %zu", stem, i);
        gc_sha sha = gc_sha256(seed, strlen(seed));
        task->files[i] = (gc_task_file){
            .path = gc_xasprintf("%s/f%zu.go", stem, i),
            .fingerprint = gc_xstrdup(sha.hex),
            .package = gc_xstrdup("p"),
            .kind = gc_xstrdup("source"),
            .promise = gc_xasprintf("func Make%zu(name string) (int, error)", i),
        };
        free(seed);
    }
    task->system = gc_xcalloc(1, sizeof *task->system);
    task->system_count = 1;
    task->system[0] = (gc_block){ .text = sample_system(), .mark = true };
    task->user = gc_xcalloc(1, sizeof *task->user);
    task->user_count = 1;
    task->user[0].text = sample_prompt(stem, count, task->files);
    task->lease_ms = 5000;
    task->patience_ms = 20000;
    task->first_byte_ms = 20000;
    task->idle_ms = 20000;
    task->call_ms = 60000;
    task->reserve_usd = 0.01;
    task->reuse = true;
    task->prompt_bytes = 10000;
    return task;
}

/* ---- the simulator ---- */

static size_t collect(char *mem, size_t size, size_t count, void *arg)
{
    return gc_buf_append(arg, mem, size * count) ? 0 : size * count;
}

static json_t *sim_request(farm *self, const char *path, const char *body)
{
    gc_buf answer;
    CURL *easy = curl_easy_init();
    char *url = gc_xasprintf("%s%s", self->sim_url, path);
    gc_buf_init(&answer, (size_t)64 << 20);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &answer);
    if (body)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    assert_int_equal(curl_easy_perform(easy), CURLE_OK);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        fail_msg("%s: %ld %s", path, status, answer.ptr);
    json_t *json = json_loadb(answer.ptr, answer.len, 0, NULL);
    assert_non_null(json);
    curl_easy_cleanup(easy);
    gc_buf_release(&answer);
    free(url);
    return json;
}

void farm_faults(farm *self, const char *rules_json)
{
    char *body = gc_xasprintf("{\"replace\":true,\"rules\":%s}", rules_json);
    json_decref(sim_request(self, "/_sim/faults", body));
    free(body);
}

int64_t farm_stat(farm *self, const char *name)
{
    json_t *stats = sim_request(self, "/_sim/stats", NULL);
    const json_t *value = json_object_get(stats, name);
    assert_true(json_is_integer(value));
    int64_t number = json_integer_value(value);
    json_decref(stats);
    return number;
}

json_t *farm_journal(farm *self)
{
    return sim_request(self, "/_sim/journal", NULL);
}

bool farm_is_idle(farm *self, const void *unused)
{
    (void)unused;
    return farm_stat(self, "active") == 0;
}

typedef struct wish {
    const char *name;
    int64_t least;
} wish;

static bool stat_is(farm *self, const void *arg)
{
    const wish *w = arg;
    return farm_stat(self, w->name) >= w->least;
}

void farm_await_stat(farm *self, const char *name, int64_t least)
{
    wish w = { name, least };
    farm_until(self, stat_is, &w);
}

/* ---- start and end ---- */

void farm_start_broker(farm *self)
{
    static const char *const environment[] = { "GC_CLUSTER_HEARTBEAT=" BEAT, NULL };
    gc_strv arguments = { 0 };
    gc_strv_add(&arguments, "--bind");
    gc_strv_add(&arguments, self->endpoint);
    char *ready = NULL;
    self->broker =
        spawn(self, "gc-broker", &arguments, environment, "broker.log", &ready);
    free(ready);
    if (self->client)
        say_hello(self);
}

void farm_stop_broker(farm *self)
{
    stop(&self->broker, SIGKILL);
}

void farm_start_worker(farm *self, size_t index, int slots, const char *const *arguments,
                       const char *const *environment)
{
    gc_strv all = { 0 }, env = { 0 };
    char *log = gc_xasprintf("worker%zu.log", index);
    assert_true(index < FARM_WORKERS && self->workers[index] <= 0);
    gc_strv_add(&all, "--broker");
    gc_strv_add(&all, self->endpoint);
    gc_strv_add(&all, "--redis");
    gc_strv_add(&all, self->redis->url);
    gc_strv_add(&all, "--slots");
    gc_strv_push(&all, gc_xasprintf("%d", slots));
    gc_strv_add(&all, "--log-level");
    gc_strv_add(&all, "debug");
    gc_strv_add(&all, "--die-with-parent");
    add_all(&all, arguments);
    gc_strv_add(&env, "GC_CLUSTER_HEARTBEAT=" BEAT);
    gc_strv_add(&env, "ANTHROPIC_API_KEY=" FARM_KEY);
    gc_strv_push(&env, gc_xasprintf("ANTHROPIC_BASE_URL=%s/", self->sim_url));
    gc_strv_push(&env, gc_xasprintf("OPENAI_BASE_URL=%s/v1", self->sim_url));
    add_all(&env, environment);
    gc_strv_push(&env, NULL);
    self->workers[index] =
        spawn(self, "gc-worker", &all, (const char *const *)env.items, log, NULL);
    free(log);
    gc_strv_release(&env);
}

void farm_signal_worker(farm *self, size_t index, int signal)
{
    assert_int_equal(kill(self->workers[index], signal), 0);
}

int farm_await_worker(farm *self, size_t index)
{
    int status = 0;
    pid_t pid = self->workers[index];
    int64_t end = gc_clock_ms() + WAIT_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        assert_true(gc_clock_ms() < end);
        turn(self, 10);
    }
    self->workers[index] = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

farm *must_farm_start(const char *const *sim_arguments)
{
    gc_diags diags;
    gc_strv arguments = { 0 };
    farm *self = gc_xcalloc(1, sizeof *self);
    gc_diags_init(&diags, "models");
    must_ok(gc_models_load(NULL, &diags, &self->models));
    gc_diags_release(&diags);
    self->dir = must_temp_dir();
    self->endpoint = gc_xasprintf("ipc://%s/broker.sock", self->dir);
    self->redis = must_redis_start();
    add_all(&arguments, sim_arguments);
    self->sim = spawn(self, "gc-llm-sim", &arguments, NULL, "sim.log", &self->sim_url);
    farm_start_broker(self);
    self->context = zmq_ctx_new();
    self->client = zmq_socket(self->context, ZMQ_DEALER);
    gc_wire_tune(self->client, 1000, (int64_t)16 << 20);
    int linger = 0;
    zmq_setsockopt(self->client, ZMQ_LINGER, &linger, sizeof linger);
    assert_int_equal(zmq_connect(self->client, self->endpoint), 0);
    say_hello(self);
    return self;
}

/* A drained worker runs its leak check; one that cannot end soon is killed. */
static void end_worker(pid_t *pid)
{
    if (*pid <= 0)
        return;
    kill(*pid, SIGCONT);
    kill(*pid, SIGTERM);
    for (int64_t end = gc_clock_ms() + 2000; gc_clock_ms() < end;) {
        if (waitpid(*pid, NULL, WNOHANG) == *pid) {
            *pid = 0;
            return;
        }
        poll(NULL, 0, 5);
    }
    stop(pid, SIGKILL);
}

static void expect_no_findings(const farm *self)
{
    for (size_t i = 0; i < FARM_WORKERS; i++) {
        char *path = gc_xasprintf("%s/worker%zu.log", self->dir, i);
        if (access(path, R_OK) == 0) {
            char *log = must_read(path);
            if (strstr(log, "Sanitizer") || strstr(log, "runtime error"))
                fail_msg("%s", log);
            free(log);
        }
        free(path);
    }
}

void must_farm_destroy(farm **self_p)
{
    farm *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < FARM_WORKERS; i++)
        end_worker(&self->workers[i]);
    expect_no_findings(self);
    stop(&self->broker, SIGKILL);
    stop(&self->sim, SIGKILL);
    zmq_close(self->client);
    zmq_ctx_term(self->context);
    must_redis_destroy(&self->redis);
    for (size_t i = 0; i < self->end_count; i++) {
        free(self->ends[i].task);
        free(self->ends[i].reason);
        free(self->ends[i].text);
        gc_result_destroy(&self->ends[i].result);
    }
    free(self->ends);
    gc_models_destroy(&self->models);
    must_remove_tree(self->dir);
    free(self->dir);
    free(self->endpoint);
    free(self->sim_url);
    free(self);
    *self_p = NULL;
}
