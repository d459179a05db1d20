#include "coordinator/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"

#define CANNOT_EXEC 127

typedef struct slot {
    gc_pool_job *job; /* NULL: free */
    pid_t pid;
    int fd;
    int64_t started_ms;
} slot;

static void become_command(const gc_pool_job *job, const char *dir, int out, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(CANNOT_EXEC);
    int null = open("/dev/null", O_RDONLY);
    dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    if (chdir(dir))
        _exit(CANNOT_EXEC);
    execvp(job->argv[0], job->argv);
    _exit(CANNOT_EXEC);
}

static void start(slot *s, gc_pool_job *job, const char *dir)
{
    int fds[2];
    pid_t parent = getpid();
    job->status = -1;
    if (pipe2(fds, O_CLOEXEC))
        return;
    pid_t pid = fork();
    if (pid == 0)
        become_command(job, dir, fds[1], parent);
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return;
    }
    *s = (slot){ job, pid, fds[0], gc_clock_ms() };
}

/* The pipe is closed: the command has ended, or closed its output and will. */
static void finish(slot *s)
{
    int status = 0;
    while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
        ;
    kill(-s->pid, SIGKILL); /* whatever it left behind */
    close(s->fd);
    s->job->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    s->job->missing = s->job->status == CANNOT_EXEC && !s->job->output.len;
    s->job->seconds = (double)(gc_clock_ms() - s->started_ms) / 1000;
    *s = (slot){ .fd = -1 };
}

static void read_some(slot *s)
{
    char chunk[16384];
    ssize_t n = read(s->fd, chunk, sizeof chunk);
    if (n > 0)
        gc_buf_append(&s->job->output, chunk, (size_t)n);
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        finish(s);
}

static void enforce_time(slot *s, int64_t timeout_ms)
{
    if (!s->job || s->job->timed_out || gc_clock_ms() - s->started_ms < timeout_ms)
        return;
    s->job->timed_out = true;
    kill(-s->pid, SIGKILL);
    kill(s->pid, SIGKILL);
}

static void wait_some(slot *slots, struct pollfd *fds, size_t parallel,
                      int64_t timeout_ms)
{
    for (size_t i = 0; i < parallel; i++)
        fds[i] = (struct pollfd){ slots[i].job ? slots[i].fd : -1, POLLIN, 0 };
    poll(fds, parallel, 200);
    for (size_t i = 0; i < parallel; i++) {
        if (slots[i].job && fds[i].revents)
            read_some(&slots[i]);
        enforce_time(&slots[i], timeout_ms);
    }
}

void gc_pool_run(gc_pool_job *jobs, size_t count, const char *dir, size_t parallel,
                 int64_t timeout_ms)
{
    slot *slots = gc_xcalloc(parallel, sizeof *slots);
    struct pollfd *fds = gc_xcalloc(parallel, sizeof *fds);
    size_t next = 0;
    for (;;) {
        bool busy = false;
        for (size_t i = 0; i < parallel; i++) {
            while (!slots[i].job && next < count)
                start(&slots[i], &jobs[next++], dir);
            busy |= slots[i].job != NULL;
        }
        if (!busy)
            break;
        wait_some(slots, fds, parallel, timeout_ms);
    }
    free(slots);
    free(fds);
}
