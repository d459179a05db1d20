/* Faults of a host, put between a program and its C library by LD_PRELOAD. Steps are the calls
 * by which a program changes what others see: files and sockets.
 *
 *   HOSTFAULT_PROGRAM   only the program with this name is meant, not its children
 *   HOSTFAULT_STEPS     file that is told at the end how many steps there were
 *   HOSTFAULT_KILL_AT   the program is killed before its n-th step ...
 *   HOSTFAULT_ON        ... of those that open, name, write or send something with this text
 *   HOSTFAULT_EIO       while this file exists, fsync and fdatasync of files (not folders) ...
 *   HOSTFAULT_UNDER     ... below this folder end with EIO
 *   HOSTFAULT_CLOCK     file with an int64_t: seconds that the wall clock is off, at any moment
 */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static atomic_long steps;

static bool is_meant(void)
{
    const char *name = getenv("HOSTFAULT_PROGRAM");
    return name && strcmp(name, program_invocation_short_name) == 0;
}

/* `text`: what is written, or the name that is given or opened. */
static void step(const void *text, size_t len)
{
    const char *at = getenv("HOSTFAULT_KILL_AT"), *on = getenv("HOSTFAULT_ON");
    if (!is_meant() || (on && !memmem(text, len, on, strlen(on))))
        return;
    long number = atomic_fetch_add(&steps, 1) + 1;
    if (at && number == strtol(at, NULL, 10))
        kill(getpid(), SIGKILL);
}

__attribute__((destructor)) static void tell_steps(void)
{
    const char *path = getenv("HOSTFAULT_STEPS");
    FILE *out = path && is_meant() ? fopen(path, "w") : NULL;
    if (!out)
        return;
    fprintf(out, "%ld\n", atomic_load(&steps));
    fclose(out);
}

static bool is_broken(int fd)
{
    const char *flag = getenv("HOSTFAULT_EIO"), *under = getenv("HOSTFAULT_UNDER");
    char link[64], path[PATH_MAX];
    struct stat st;
    if (!flag || !under || !is_meant() || access(flag, F_OK) != 0)
        return false;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return strncmp(path, under, strlen(under)) == 0;
}

static int sync_or_fail(int fd, const char *name)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    step("", 0);
    if (!is_broken(fd))
        return real(fd);
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    return sync_or_fail(fd, "fsync");
}

int fdatasync(int fd)
{
    return sync_or_fail(fd, "fdatasync");
}

/* Calls the next function of this name after a step. */
#define PASS(type, name, params, args, text, len)           \
    type name params                                        \
    {                                                       \
        static type(*_Atomic real) params;                  \
        if (!real)                                          \
            real = (type(*) params)dlsym(RTLD_NEXT, #name); \
        step(text, len);                                    \
        return real args;                                   \
    }

#define PASS_PATH(type, name, params, args, path) \
    PASS(type, name, params, args, path, strlen(path))

PASS(ssize_t, write, (int fd, const void *mem, size_t len), (fd, mem, len), mem, len)
PASS(ssize_t, send, (int fd, const void *mem, size_t len, int flags),
     (fd, mem, len, flags), mem, len)
PASS_PATH(int, linkat, (int from, const char *old, int to, const char *new, int flags),
          (from, old, to, new, flags), new)
PASS_PATH(int, renameat, (int from, const char *old, int to, const char *new),
          (from, old, to, new), new)
PASS_PATH(int, rename, (const char *old, const char *new), (old, new), new)
PASS_PATH(int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags), path)
PASS_PATH(int, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), path)
PASS_PATH(int, mkdir, (const char *path, mode_t mode), (path, mode), path)

/* Callers may leave the mode out; nobody looks at it then. With <fcntl.h> these were variadic. */
int open64(const char *path, int flags, mode_t mode);
int openat64(int dir, const char *path, int flags, mode_t mode);

PASS_PATH(int, open64, (const char *path, int flags, mode_t mode), (path, flags, mode),
          path)
PASS_PATH(int, openat64, (int dir, const char *path, int flags, mode_t mode),
          (dir, path, flags, mode), path)

/* ---- the wall clock ---- */

static const volatile int64_t *clock_off_s;

__attribute__((constructor)) static void map_clock(void)
{
    const char *path = getenv("HOSTFAULT_CLOCK");
    FILE *file = path && is_meant() ? fopen(path, "r") : NULL;
    if (!file)
        return;
    void *map = mmap(NULL, sizeof *clock_off_s, PROT_READ, MAP_SHARED, fileno(file), 0);
    if (map != MAP_FAILED)
        clock_off_s = map;
    fclose(file);
}

/* By a system call: dlsym() may allocate, and allocators look at the clock. */
int clock_gettime(clockid_t id, struct timespec *out)
{
    int result = (int)syscall(SYS_clock_gettime, id, out);
    if (result == 0 && clock_off_s &&
        (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        out->tv_sec += *clock_off_s;
    return result;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    *out = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
    return result;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
