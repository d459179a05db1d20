#include "coordinator/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "coordinator/exit.h"

#define STOP_TIMEOUT_MS 5000
#define RESTARTS_PER_MINUTE 5

char *gc_child_dir(void)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    if (len <= 0)
        return gc_xstrdup(".");
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    *slash = '\0';
    return gc_xstrdup(path);
}

void gc_child_init(gc_child *c, const char *name)
{
    *c = (gc_child){ .name = name, .ready_fd = -1 };
}

void gc_child_add(gc_child *c, char *text)
{
    assert(c->arg_count < GC_CHILD_MAX_ARGS - 1); /* the list ends with NULL */
    c->args[c->arg_count++] = text;
}

void gc_child_add_all(gc_child *c, const char *const *texts)
{
    for (; *texts; texts++)
        gc_child_add(c, gc_xstrdup(*texts));
}

void gc_child_release(gc_child *c)
{
    for (size_t i = 0; i < c->arg_count; i++)
        free(c->args[i]);
    if (c->ready_fd > 0)
        close(c->ready_fd);
    gc_child_init(c, NULL);
}

/* In the child: dies with its parent, gets no terminal signals, and inherits nothing but the
 * standard descriptors and `ready`. */
static void become_child(const gc_child *c, pid_t parent, int ready)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127); /* the parent died in between */
    setpgid(0, 0);  /* Ctrl-C is the parent's to handle */
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (ready < 0)
        ready = null; /* nobody listens, but 3 must be no descriptor of the child's own */
    if (ready != 3)
        dup2(ready, 3);
    else
        fcntl(3, F_SETFD, 0);
    execvp(c->args[0], c->args);
    _exit(127);
}

gc_err gc_child_start(gc_child *c, bool ready_pipe, gc_errinfo *info)
{
    int fds[2] = { -1, -1 };
    pid_t parent = getpid();
    if (ready_pipe && pipe2(fds, O_CLOEXEC))
        return gc_fail(info, GC_EIO, "cannot make a pipe: %s", strerror(errno));
    c->pid = fork();
    if (c->pid == 0)
        become_child(c, parent, fds[1]);
    if (fds[1] >= 0)
        close(fds[1]);
    if (c->pid < 0) {
        c->pid = 0;
        if (fds[0] >= 0)
            close(fds[0]);
        return gc_fail(info, GC_EIO, "cannot start %s: %s", c->name, strerror(errno));
    }
    if (c->ready_fd >= 0)
        close(c->ready_fd);
    c->ready_fd = fds[0];
    gc_log_debug("local.started", "program=%s pid=%d", c->name, (int)c->pid);
    return GC_OK;
}

gc_err gc_child_wait_ready(gc_child *c, int64_t timeout_ms, char **line, gc_errinfo *info)
{
    char text[512];
    size_t used = 0;
    int64_t deadline = gc_clock_ms() + timeout_ms;
    while (!memchr(text, '\n', used)) {
        struct pollfd p = { c->ready_fd, POLLIN, 0 };
        int64_t left = deadline - gc_clock_ms();
        if (left <= 0 || poll(&p, 1, (int)left) == 0)
            return gc_fail(info, GC_ETIMEOUT, "%s was not ready within %d seconds",
                           c->name, (int)(timeout_ms / 1000));
        ssize_t n = read(c->ready_fd, text + used, sizeof text - 1 - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return gc_fail(info, GC_EIO,
                           "%s did not start; is it installed beside this program? "
                           "Its own message is above",
                           c->name);
        used += (size_t)n;
    }
    *(char *)memchr(text, '\n', used) = '\0';
    close(c->ready_fd);
    c->ready_fd = -1;
    *line = gc_xstrdup(text);
    return GC_OK;
}

void gc_child_stop(gc_child *c, int sig)
{
    if (!c->pid)
        return;
    kill(c->pid, sig);
    int64_t deadline = gc_clock_ms() + STOP_TIMEOUT_MS;
    while (waitpid(c->pid, NULL, WNOHANG) == 0) {
        if (gc_clock_ms() > deadline) {
            kill(c->pid, SIGKILL);
            waitpid(c->pid, NULL, 0);
            break;
        }
        poll(NULL, 0, 5);
    }
    c->pid = 0;
}

bool gc_child_mend(gc_child *c, bool may_restart, gc_errinfo *info)
{
    int status = 0;
    if (!c->pid || waitpid(c->pid, &status, WNOHANG) != c->pid)
        return false;
    c->pid = 0;
    int64_t now_ms = gc_clock_ms();
    if (now_ms - c->restarts_since > 60000) {
        c->restarts_since = now_ms;
        c->restarts = 0;
    }
    bool missing = WIFEXITED(status) && WEXITSTATUS(status) == 127;
    if (WIFEXITED(status) && WEXITSTATUS(status) == GC_EXIT_USAGE) {
        gc_fail(info, GC_EINVAL, "%s refuses its settings; it says why above", c->name);
        return true;
    }
    if (missing || !may_restart || ++c->restarts > RESTARTS_PER_MINUTE) {
        gc_fail(info, GC_EIO, "%s %s", c->name,
                missing ? "is not installed beside this program"
                        : "keeps dying; its log is above");
        return true;
    }
    gc_log_warn("local.restart", "program=%s status=%d", c->name, status);
    return gc_child_start(c, false, info) != GC_OK;
}
