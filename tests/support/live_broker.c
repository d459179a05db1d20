#include "support/live_broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "support/must.h"

#define BEAT_MS 1000
#define READY_FD 3

/* Beside the tests in every build: <build>/tests/test_x and <build>/bin/gc-broker. */
static char *program(void)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = '\0';
    for (int i = 0; i < 2; i++)
        *strrchr(self, '/') = '\0';
    return gc_xasprintf("%s/bin/gc-broker", self);
}

/* ---- processes ---- */

static _Noreturn void become_broker(const gc_strv *arguments, const char *dir)
{
    gc_strv all = { 0 };
    char *path = program();
    gc_strv_add(&all, path);
    gc_strv_copy(&all, arguments);
    gc_strv_push(&all, NULL);
    if (dir && chdir(dir) != 0)
        _exit(99);
    execv(path, all.items);
    _exit(99);
}

static void read_endpoints(live_broker *self, int fd)
{
    gc_buf text;
    gc_strv lines = { 0 };
    char chunk[1024];
    gc_buf_init(&text, 65536);
    for (;;) {
        struct pollfd p = { fd, POLLIN, 0 };
        assert_true(poll(&p, 1, LIVE_WAIT_MS) == 1);
        ssize_t n = read(fd, chunk, sizeof chunk);
        assert_true(n >= 0);
        if (n == 0)
            break;
        must_ok(gc_buf_append(&text, chunk, (size_t)n));
    }
    close(fd);
    gc_strv_split(&lines, text.ptr, '\n');
    assert_true(lines.count >= 2); /* else it ended before it was ready */
    self->tcp = gc_xstrdup(lines.items[0]);
    self->ipc = gc_xstrdup(lines.items[1]);
    self->http = gc_xstrdup(lines.count > 2 ? lines.items[2] : "");
    gc_strv_release(&lines);
    gc_buf_release(&text);
}

static void add_all(gc_strv *list, const char *const *items)
{
    for (size_t i = 0; items && items[i]; i++)
        gc_strv_add(list, items[i]);
}

void live_start(live_broker *self, const char *const *environment,
                const char *const *arguments)
{
    int fds[2];
    gc_strv all = { 0 };
    if (!self->dir) {
        self->dir = must_temp_dir();
        self->context = zmq_ctx_new();
    }
    gc_strv_add(&all, "--bind");
    gc_strv_add(&all, "tcp://127.0.0.1:*");
    gc_strv_add(&all, "--bind");
    gc_strv_push(&all, gc_xasprintf("ipc://%s/broker.sock", self->dir));
    gc_strv_add(&all, "--ready-fd");
    gc_strv_push(&all, gc_xasprintf("%d", READY_FD));
    add_all(&all, arguments);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    self->pid = fork();
    assert_true(self->pid >= 0);
    if (self->pid == 0) {
        for (size_t i = 0; environment && environment[i]; i++)
            putenv((char *)environment[i]);
        if (fds[1] == READY_FD)
            fcntl(READY_FD, F_SETFD, 0);
        else if (dup2(fds[1], READY_FD) < 0)
            _exit(98);
        become_broker(&all, self->dir);
    }
    close(fds[1]);
    gc_strv_release(&all);
    free(self->tcp);
    free(self->ipc);
    free(self->http);
    read_endpoints(self, fds[0]);
}

static int exit_code(pid_t pid)
{
    int status = 0;
    int64_t until_ms = gc_clock_ms() + LIVE_WAIT_MS;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        assert_true(gc_clock_ms() < until_ms);
        poll(NULL, 0, 5);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Until libzmq has seen the end of the connection: what is sent later waits for the next. */
static void await_disconnect(live_peer *peer)
{
    int64_t until_ms = gc_clock_ms() + LIVE_WAIT_MS;
    for (;;) {
        int events = 0;
        size_t size = sizeof events;
        if (!peer->socket ||
            zmq_getsockopt(peer->socket, ZMQ_EVENTS, &events, &size) != 0 ||
            !(events & ZMQ_POLLOUT))
            return;
        assert_true(gc_clock_ms() < until_ms);
        poll(NULL, 0, 5);
    }
}

int live_stop(live_broker *self, int signal_number)
{
    kill(self->pid, signal_number);
    int code = exit_code(self->pid);
    self->pid = 0;
    for (size_t i = 0; i < LIVE_PEERS; i++)
        await_disconnect(&self->peers[i]);
    return code;
}

void live_end(live_broker *self)
{
    for (size_t i = 0; i < LIVE_PEERS; i++)
        live_kill(&self->peers[i]);
    if (self->pid)
        live_stop(self, SIGKILL);
    if (self->context)
        zmq_ctx_term(self->context);
    if (self->dir)
        must_remove_tree(self->dir);
    free(self->dir);
    free(self->tcp);
    free(self->ipc);
    free(self->http);
    *self = (live_broker){ 0 };
}

int live_run(const char *const *arguments, char **text)
{
    int fds[2];
    char chunk[1024];
    gc_strv all = { 0 };
    gc_buf out;
    gc_buf_init(&out, 1 << 20);
    add_all(&all, arguments);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(fds[1], STDERR_FILENO);
        become_broker(&all, "/");
    }
    close(fds[1]);
    for (ssize_t n; (n = read(fds[0], chunk, sizeof chunk)) > 0;)
        must_ok(gc_buf_append(&out, chunk, (size_t)n));
    close(fds[0]);
    gc_strv_release(&all);
    *text = gc_buf_take(&out);
    return exit_code(pid);
}

/* ---- peers ---- */

static void send_message(live_peer *peer, const gc_wire *message)
{
    int64_t until_ms = gc_clock_ms() + LIVE_WAIT_MS;
    gc_err err;
    while ((err = gc_wire_send(peer->socket, message, NULL, 0)) == GC_EAGAIN) {
        zmq_pollitem_t item = { .socket = peer->socket, .events = ZMQ_POLLOUT };
        assert_true(gc_clock_ms() < until_ms); /* never connected */
        zmq_poll(&item, 1, 100);
    }
    must_ok(err);
}

live_peer *live_raw(live_broker *self, const char *endpoint, const char *own,
                    const char *server)
{
    int no_linger = 0;
    live_peer *peer = self->peers;
    while (peer->socket)
        assert_true(++peer < self->peers + LIVE_PEERS);
    peer->socket = zmq_socket(self->context, ZMQ_DEALER);
    gc_wire_tune(peer->socket, BEAT_MS, 1 << 20);
    zmq_setsockopt(peer->socket, ZMQ_LINGER, &no_linger, sizeof no_linger);
    must_ok(gc_wire_secure_client(peer->socket, endpoint, own ? own : "",
                                  server ? server : "", false, NULL));
    assert_int_equal(zmq_connect(peer->socket, endpoint), 0);
    return peer;
}

void live_hello(live_peer *peer)
{
    gc_wire hello;
    gc_wire_init(&hello, GC_HELLO);
    hello.version = GC_WIRE_VERSION;
    hello.role = (char *)(peer->worker ? "worker" : "client");
    hello.id = peer->id;
    hello.credit = peer->credit;
    hello.running = peer->held;
    if (peer->worker)
        gc_strv_add(&hello.providers, "sim");
    send_message(peer, &hello);
    gc_strv_release(&hello.providers);
}

static live_peer *join(live_broker *self, const char *endpoint, const char *id,
                       bool worker, int64_t credit)
{
    live_peer *peer = live_raw(self, endpoint, NULL, NULL);
    peer->id = gc_xstrdup(id);
    peer->worker = worker;
    peer->credit = credit;
    live_hello(peer);
    live_expect(self, peer, "HELLO new");
    return peer;
}

live_peer *live_client(live_broker *self, const char *endpoint, const char *id)
{
    return join(self, endpoint, id, false, 0);
}

live_peer *live_worker(live_broker *self, const char *endpoint, const char *id,
                       int64_t credit)
{
    return join(self, endpoint, id, true, credit);
}

void live_kill(live_peer *peer)
{
    if (peer->socket)
        zmq_close(peer->socket);
    gc_strv_release(&peer->held);
    gc_strv_release(&peer->inbox);
    free(peer->id);
    *peer = (live_peer){ 0 };
}

void live_submit(live_peer *peer, const char *job, const char *ids)
{
    gc_wire submit;
    gc_strv list = { 0 };
    gc_strv_split(&list, ids, ',');
    gc_wire_init(&submit, GC_SUBMIT);
    submit.job = (char *)job;
    submit.tasks = gc_xcalloc(list.count, sizeof *submit.tasks);
    submit.task_count = list.count;
    for (size_t i = 0; i < list.count; i++)
        submit.tasks[i] =
            (gc_wire_task){ list.items[i], (char *)"sim", 1, (char *)"payload", 7 };
    send_message(peer, &submit);
    free(submit.tasks);
    gc_strv_release(&list);
}

void live_send(live_peer *peer, gc_command command, const char *job, const char *task)
{
    gc_wire message;
    gc_wire_init(&message, command);
    message.job = (char *)job;
    message.task = (char *)task;
    message.attempt = 1;
    message.reason = (char *)GC_FAIL_CANCELLED;
    send_message(peer, &message);
}

static void forget(live_peer *peer, const char *job, const char *task)
{
    char *name = gc_xasprintf("%s/%s", job, task);
    for (size_t i = 0; i < peer->held.count; i++) {
        if (strcmp(peer->held.items[i], name) != 0)
            continue;
        free(peer->held.items[i]);
        peer->held.items[i] = peer->held.items[--peer->held.count];
        break;
    }
    free(name);
}

void live_done(live_peer *peer, const char *job, const char *task)
{
    forget(peer, job, task);
    live_send(peer, GC_DONE, job, task);
}

void live_ready(live_peer *peer, int64_t credit)
{
    gc_wire ready;
    gc_wire_init(&ready, GC_READY);
    peer->credit = ready.credit = credit;
    send_message(peer, &ready);
}

/* ---- waiting ---- */

static char *describe(const gc_wire *m)
{
    switch (m->command) {
    case GC_TASK:
        return gc_xasprintf(" %s/%s#%d", m->job, m->tasks[0].id,
                            (int)m->tasks[0].attempt);
    case GC_DONE: return gc_xasprintf(" %s/%s", m->job, m->task);
    case GC_FAIL:
        return gc_xasprintf(" %s/%s %s %s", m->job, m->task, m->reason, m->text);
    case GC_CANCEL: return gc_xasprintf(" %s/%s", m->job, m->task);
    case GC_REFUSED: return gc_xasprintf(" %s", m->reason);
    case GC_HELLO: return gc_xstrdup(m->known ? " known" : " new");
    default: return gc_xstrdup("");
    }
}

static void take_message(live_peer *peer, const gc_wire *message)
{
    if (message->command == GC_PING) {
        gc_wire pong;
        if (!peer->id)
            return;
        gc_wire_init(&pong, GC_PONG);
        pong.credit = peer->credit;
        pong.running = peer->held;
        send_message(peer, &pong);
        return;
    }
    if (message->command == GC_TASK)
        gc_strv_push(&peer->held,
                     gc_xasprintf("%s/%s", message->job, message->tasks[0].id));
    char *text = describe(message);
    char *line = message->command == GC_BUSY
                     ? gc_strv_join(&message->task_ids, ",")
                     : gc_xasprintf("%s%s", gc_command_str(message->command), text);
    gc_strv_push(&peer->inbox, line);
    free(text);
}

/* One look at all sockets. */
static void pump(live_broker *self, int64_t wait_ms)
{
    zmq_pollitem_t items[LIVE_PEERS];
    int count = 0;
    for (size_t i = 0; i < LIVE_PEERS; i++)
        if (self->peers[i].socket)
            items[count++] =
                (zmq_pollitem_t){ .socket = self->peers[i].socket, .events = ZMQ_POLLIN };
    zmq_poll(items, count, (long)wait_ms);
    for (size_t i = 0; i < LIVE_PEERS; i++) {
        gc_wire message;
        live_peer *peer = &self->peers[i];
        while (peer->socket &&
               gc_wire_recv(peer->socket, &message, NULL, NULL) == GC_OK) {
            take_message(peer, &message);
            gc_wire_release(&message);
        }
    }
}

static char *next_line(live_broker *self, live_peer *peer, const char *want)
{
    int64_t until_ms = gc_clock_ms() + LIVE_WAIT_MS;
    while (!peer->inbox.count && gc_clock_ms() < until_ms)
        pump(self, 100);
    if (!peer->inbox.count)
        fail_msg("%s waited in vain for \"%s\"", peer->id ? peer->id : "raw", want);
    char *line = peer->inbox.items[0];
    peer->inbox.count--;
    memmove(peer->inbox.items, peer->inbox.items + 1,
            peer->inbox.count * sizeof *peer->inbox.items);
    return line;
}

void live_expect(live_broker *self, live_peer *peer, const char *want)
{
    char *line = next_line(self, peer, want);
    assert_string_equal(line, want);
    free(line);
}

void live_expect_prefix(live_broker *self, live_peer *peer, const char *want)
{
    char *line = next_line(self, peer, want);
    if (!gc_starts_with(line, want))
        assert_string_equal(line, want);
    free(line);
}

void live_expect_nothing(live_broker *self, live_peer *peer)
{
    gc_wire ping;
    gc_wire_init(&ping, GC_PING);
    send_message(peer, &ping);
    live_expect(self, peer, "PONG"); /* whatever was before it would come first */
    assert_int_equal(peer->inbox.count, 0);
}

void live_idle(live_broker *self, int64_t ms)
{
    for (int64_t until_ms = gc_clock_ms() + ms; gc_clock_ms() < until_ms;)
        pump(self, 50);
}

/* ---- HTTP ---- */

char *live_get(const live_broker *self, const char *path)
{
    gc_buf answer;
    char chunk[4096];
    int64_t port;
    struct sockaddr_in address = { .sin_family = AF_INET };
    must_ok(gc_parse_i64(strrchr(self->http, ':') + 1, 1, 65535, &port));
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    char *request = gc_xasprintf("GET %s HTTP/1.0\r\nHost: x\r\n\r\n", path);
    assert_int_equal(write(fd, request, strlen(request)), strlen(request));
    free(request);
    gc_buf_init(&answer, 4 << 20);
    for (ssize_t n; (n = read(fd, chunk, sizeof chunk)) > 0;)
        must_ok(gc_buf_append(&answer, chunk, (size_t)n));
    close(fd);
    return gc_buf_take(&answer);
}

double live_metric(const live_broker *self, const char *name)
{
    double value = -1;
    char *text = live_get(self, "/metrics");
    char *start = gc_xasprintf("\n%s ", name);
    const char *line = strstr(text, start);
    if (line) {
        char number[64];
        line += strlen(start);
        snprintf(number, sizeof number, "%.*s", (int)strcspn(line, "\n"), line);
        must_ok(gc_parse_double(number, 0, 1e18, &value));
    }
    free(start);
    free(text);
    return value;
}

void live_await_metric(live_broker *self, const char *name, double least)
{
    int64_t until_ms = gc_clock_ms() + LIVE_WAIT_MS;
    while (live_metric(self, name) < least) {
        assert_true(gc_clock_ms() < until_ms);
        live_idle(self, 20);
    }
}
