#include "coordinator/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"

#define CANNOT_EXEC 127

/* How often ended commands are looked for: soon after the end of their output, else rarely,
 * since only one that leaves its output open to others needs it. */
#define ENDING_MS 2
#define RUNNING_MS 100

/* Reads after the end of a command: more than a pipe holds. */
#define LAST_READS 64

typedef struct slot {
    gc_pool_job *job; /* NULL: free */
    pid_t pid;
    int fd; /* its output; -1 once it was closed */
    int64_t started_ms;
} slot;

/* In the child. What goes wrong before the command runs is written to `report` as errno. */
static void become_command(const gc_pool_job *job, const char *dir, int out, int report,
                           pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(CANNOT_EXEC); /* the parent died in between */
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    int problem = EIO;
    if (chdir(dir) == 0) {
        execvp(job->argv[0], job->argv);
        problem = errno;
    }
    ssize_t told = write(report, &problem, sizeof problem);
    _exit(told == (ssize_t)sizeof problem ? CANNOT_EXEC : CANNOT_EXEC + 1);
}

/* 0 once the command runs, else why it does not. */
static int read_report(int fd)
{
    int problem = 0;
    ssize_t n;
    while ((n = read(fd, &problem, sizeof problem)) < 0 && errno == EINTR)
        ;
    return n == (ssize_t)sizeof problem ? problem : 0;
}

static void start(slot *s, gc_pool_job *job, const char *dir)
{
    int out[2], report[2];
    pid_t parent = getpid();
    if (pipe2(out, O_CLOEXEC))
        return;
    if (pipe2(report, O_CLOEXEC)) {
        close(out[0]);
        close(out[1]);
        return;
    }
    pid_t pid = fork();
    if (pid == 0)
        become_command(job, dir, out[1], report[1], parent);
    close(out[1]);
    close(report[1]);
    int problem = pid < 0 ? errno : read_report(report[0]);
    close(report[0]);
    if (problem) {
        job->missing = problem == ENOENT;
        close(out[0]);
        while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        return;
    }
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    *s = (slot){ job, pid, out[0], gc_clock_ms() };
}

/* Takes what is there; closes the pipe at its end. True if there may be more. */
static bool read_some(slot *s)
{
    char chunk[16384];
    ssize_t n = read(s->fd, chunk, sizeof chunk);
    if (n > 0) {
        gc_buf_append(&s->job->output, chunk, (size_t)n);
        return true;
    }
    if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
        close(s->fd);
        s->fd = -1;
    }
    return false;
}

/* Whatever the command left behind ends with it, and may not hold its output open. */
static void finish_if_ended(slot *s)
{
    int status = 0;
    if (waitpid(s->pid, &status, WNOHANG) != s->pid)
        return;
    kill(-s->pid, SIGKILL);
    for (int i = 0; i < LAST_READS && s->fd >= 0 && read_some(s); i++)
        ;
    if (s->fd >= 0)
        close(s->fd);
    s->job->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    s->job->seconds = (double)(gc_clock_ms() - s->started_ms) / 1000;
    *s = (slot){ .fd = -1 };
}

static void enforce_time(slot *s, int64_t timeout_ms)
{
    if (s->job->timed_out || gc_clock_ms() - s->started_ms < timeout_ms)
        return;
    s->job->timed_out = true;
    kill(-s->pid, SIGKILL);
    kill(s->pid, SIGKILL);
}

static void wait_some(slot *slots, struct pollfd *fds, size_t parallel,
                      int64_t timeout_ms)
{
    int wait_ms = timeout_ms < RUNNING_MS ? (int)timeout_ms : RUNNING_MS;
    for (size_t i = 0; i < parallel; i++) {
        fds[i] = (struct pollfd){ slots[i].job ? slots[i].fd : -1, POLLIN, 0 };
        if (slots[i].job && slots[i].fd < 0)
            wait_ms = ENDING_MS;
    }
    poll(fds, parallel, wait_ms);
    for (size_t i = 0; i < parallel; i++) {
        if (!slots[i].job)
            continue;
        if (fds[i].revents)
            read_some(&slots[i]);
        enforce_time(&slots[i], timeout_ms);
        finish_if_ended(&slots[i]);
    }
}

/* A stop signal is taken here, so that no command outlives us in its own process group. */
static bool stop_asked(const sigset_t *signals)
{
    const struct timespec now = { 0 };
    return sigtimedwait(signals, NULL, &now) > 0;
}

static void kill_all(slot *slots, size_t parallel)
{
    for (size_t i = 0; i < parallel; i++)
        if (slots[i].job)
            kill(-slots[i].pid, SIGKILL);
}

bool gc_pool_run(gc_pool_job *jobs, size_t count, const char *dir, size_t parallel,
                 int64_t timeout_ms)
{
    slot *slots = gc_xcalloc(parallel, sizeof *slots);
    struct pollfd *fds = gc_xcalloc(parallel, sizeof *fds);
    size_t next = 0;
    bool stopped = false;
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &before);
    for (size_t i = 0; i < count; i++)
        jobs[i].status = -1;
    for (;;) {
        bool busy = false;
        if (!stopped && stop_asked(&signals)) {
            stopped = true;
            next = count;
            kill_all(slots, parallel);
        }
        for (size_t i = 0; i < parallel; i++) {
            while (!slots[i].job && next < count)
                start(&slots[i], &jobs[next++], dir);
            busy |= slots[i].job != NULL;
        }
        if (!busy)
            break;
        wait_some(slots, fds, parallel, timeout_ms);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(slots);
    free(fds);
    return !stopped;
}
