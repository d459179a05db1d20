#include "coordinator/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A file in memory that holds `text`; the child reads it as /dev/fd/N. */
static int text_fd(gc_text text)
{
    int fd = memfd_create("gc-merge", 0);
    if (fd < 0)
        return -1;
    size_t done = 0;
    while (done < text.len) {
        ssize_t n = write(fd, text.mem + done, text.len - done);
        if (n < 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return fd;
}

static gc_err read_all(int fd, gc_buf *out)
{
    char chunk[16384];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n == 0)
            return GC_OK;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return GC_EIO;
        gc_err err = gc_buf_append(out, chunk, (size_t)n);
        if (err)
            return err;
    }
}

static gc_err spawn_diff3(const int fds[3], int out_fd, pid_t *pid)
{
    char names[3][32];
    for (int i = 0; i < 3; i++)
        snprintf(names[i], sizeof names[i], "/dev/fd/%d", fds[i]);
    /* -E: the same change on both sides is no conflict */
    char *argv[] = { (char *)"diff3", (char *)"-mE", (char *)"--", names[0],
                     names[1],        names[2],      NULL };
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    int status = posix_spawnp(pid, "diff3", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return status == ENOENT ? GC_ENOENT : status ? GC_EIO : GC_OK;
}

static gc_err run_diff3(const int fds[3], gc_buf *out)
{
    int pipe_fds[2];
    pid_t pid;
    if (pipe2(pipe_fds, O_CLOEXEC))
        return GC_EIO;
    gc_err err = spawn_diff3(fds, pipe_fds[1], &pid);
    close(pipe_fds[1]);
    if (err) {
        close(pipe_fds[0]);
        return err;
    }
    err = read_all(pipe_fds[0], out);
    close(pipe_fds[0]); /* before waiting: a diff3 that still writes ends now */
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    /* diff3 exits 1 on conflicts, 2 on trouble */
    if (!err && (!WIFEXITED(status) || WEXITSTATUS(status) > 1))
        err = GC_EIO;
    else if (!err && WEXITSTATUS(status) == 1)
        err = GC_EEXIST;
    return err;
}

gc_err gc_merge(gc_text mine, gc_text base, gc_text theirs, gc_buf *out, gc_errinfo *info)
{
    int fds[3] = { text_fd(mine), text_fd(base), text_fd(theirs) };
    gc_err err = GC_EIO;
    if (fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0)
        err = run_diff3(fds, out);
    for (int i = 0; i < 3; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (err == GC_ENOENT)
        return gc_fail(info, err, "diff3 is not installed; apt-get install diffutils");
    if (err == GC_EEXIST)
        gc_buf_reset(out);
    return err ? gc_fail(info, err, "diff3: %s", gc_err_str(err)) : GC_OK;
}
