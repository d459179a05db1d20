#include "support/redis.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "support/must.h"

static int free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

static void run_server(const test_redis *self, pid_t parent)
{
    char port[16];
    char log[512];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    snprintf(port, sizeof port, "%d", self->port);
    snprintf(log, sizeof log, "%s/redis.log", self->dir);
    execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1",
           "--unixsocket", self->socket, "--dir", self->dir, "--appendonly", "yes",
           "--appendfsync", "always", "--save", "", "--logfile", log, "--daemonize", "no",
           (char *)NULL);
    _exit(127);
}

static bool answers_pong(const test_redis *self)
{
    struct timeval wait = { .tv_sec = 2 };
    redisContext *c = redisConnectUnixWithTimeout(self->socket, wait);
    bool good = false;
    if (c && !c->err) {
        redisSetTimeout(c, wait);
        redisReply *reply = redisCommand(c, "PING");
        good = reply && reply->type == REDIS_REPLY_STATUS;
        freeReplyObject(reply);
    }
    if (c)
        redisFree(c);
    return good;
}

static void wait_for_pong(test_redis *self)
{
    int64_t end = gc_clock_ms() + TEST_WAIT_MS;
    while (!answers_pong(self)) {
        if (gc_clock_ms() > end || waitpid(self->pid, NULL, WNOHANG) != 0)
            fail_msg("redis-server in %s does not answer", self->dir);
        poll(NULL, 0, 5);
    }
}

void must_redis_again(test_redis *self)
{
    assert_int_equal(self->pid, 0);
    pid_t parent = getpid();
    self->pid = fork();
    assert_true(self->pid >= 0);
    if (self->pid == 0)
        run_server(self, parent);
    wait_for_pong(self);
}

static test_redis *start(int port)
{
    signal(SIGPIPE, SIG_IGN); /* the control connection below writes through hiredis */
    test_redis *self = gc_xcalloc(1, sizeof *self);
    self->dir = must_temp_dir();
    self->socket = gc_xasprintf("%s/r.sock", self->dir);
    self->url = gc_xasprintf("unix://%s", self->socket);
    self->port = port;
    must_redis_again(self);
    return self;
}

test_redis *must_redis_start(void)
{
    return start(0);
}

test_redis *must_redis_start_tcp(void)
{
    return start(free_port());
}

static void drop_control(test_redis *self)
{
    if (self->control)
        redisFree(self->control);
    self->control = NULL;
}

void must_redis_kill(test_redis *self)
{
    drop_control(self);
    if (!self->pid)
        return;
    kill(self->pid, SIGKILL);
    assert_int_equal(waitpid(self->pid, NULL, 0), self->pid);
    self->pid = 0;
}

void must_redis_destroy(test_redis **self_p)
{
    test_redis *self = *self_p;
    if (!self)
        return;
    must_redis_kill(self);
    must_remove_tree(self->dir);
    free(self->dir);
    free(self->socket);
    free(self->url);
    free(self);
    *self_p = NULL;
}

void must_redis_freeze(test_redis *self)
{
    int status = 0;
    assert_int_equal(kill(self->pid, SIGSTOP), 0);
    assert_int_equal(waitpid(self->pid, &status, WUNTRACED), self->pid);
    assert_true(WIFSTOPPED(status));
}

void must_redis_thaw(test_redis *self)
{
    assert_int_equal(kill(self->pid, SIGCONT), 0);
}

static redisReply *command(test_redis *self, const char *fmt, va_list ap)
{
    if (!self->control) {
        self->control =
            redisConnectUnixWithTimeout(self->socket, (struct timeval){ .tv_sec = 5 });
        assert_non_null(self->control);
        assert_int_equal(self->control->err, 0);
        redisSetTimeout(self->control, (struct timeval){ .tv_sec = 20 });
    }
    redisReply *reply = redisvCommand(self->control, fmt, ap);
    if (!reply) {
        fail_msg("redis: %s: %s", fmt, self->control->errstr);
        abort(); /* not reached */
    }
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("redis: %s: %s", fmt, reply->str);
    return reply;
}

redisReply *must_redis(test_redis *self, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    redisReply *reply = command(self, fmt, ap);
    va_end(ap);
    return reply;
}

char *must_redis_text(test_redis *self, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    redisReply *reply = command(self, fmt, ap);
    va_end(ap);
    char *text = gc_xmemdup(reply->str ? reply->str : "", reply->str ? reply->len : 0);
    freeReplyObject(reply);
    return text;
}

int64_t must_redis_int(test_redis *self, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    redisReply *reply = command(self, fmt, ap);
    va_end(ap);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    int64_t value = reply->integer;
    freeReplyObject(reply);
    return value;
}
