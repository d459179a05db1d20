#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/fs.h"
#include "common/fs_internal.h"
#include "common/mem.h"

/* Design notes. Every path is opened relative to the root's descriptor, never by its full
 * name, so that renaming a folder above or swapping one below for a symbolic link cannot
 * lead outside. Two ways, same result: openat2() lets the kernel refuse links and "..";
 * where it is missing (old kernels, seccomp of old container runtimes) each part is opened
 * on its own with O_NOFOLLOW. Paths were checked by gc_path_safe(), so no part is "..". */

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define OPENAT2_TRIES 16 /* EAGAIN: a rename elsewhere raced with the lookup */

struct gc_root {
    int fd;
    char *path;
    bool has_openat2;
    int *locks;
    size_t lock_count;
    size_t lock_cap;
};

static int openat2_below(int root, const char *path, int flags, mode_t mode)
{
    struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC),
                            .mode = flags & O_CREAT ? mode : 0,
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
    long fd = -1;
    for (int i = 0; i < OPENAT2_TRIES; i++) {
        fd = syscall(SYS_openat2, root, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return (int)fd;
}

/* O_DIRECTORY | O_NOFOLLOW says ENOTDIR for a link; callers must tell a link (refused) from
 * a file (the path below it does not exist). */
static int open_part(int dir, const char *part, int flags, mode_t mode)
{
    int fd = openat(dir, part, flags | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0 && errno == ENOTDIR) {
        struct stat st;
        bool link =
            fstatat(dir, part, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
        errno = link ? ELOOP : ENOTDIR;
    }
    return fd;
}

static int make_part(int dir, const char *part, gc_fs_folders folders)
{
    if (mkdirat(dir, part, 0755) != 0)
        return errno == EEXIST ? 0 : -1;
    return folders == GC_FS_MAKE ? gc_fs_sync_folder(dir) : 0;
}

static void close_keeping_errno(int fd)
{
    int error = errno;
    close(fd);
    errno = error;
}

/* Opens the folder `path` part by part ("" is the root), making what is missing. */
static int walk(const gc_root *self, const char *path, gc_fs_folders folders)
{
    char part[NAME_MAX + 1];
    int dir = openat(self->fd, ".", FOLDER_FLAGS);
    while (dir >= 0 && *path) {
        size_t len = strcspn(path, "/");
        memcpy(part, path, len); /* gc_path_safe: at most NAME_MAX */
        part[len] = '\0';
        int next = open_part(dir, part, FOLDER_FLAGS, 0);
        if (next < 0 && errno == ENOENT && folders != GC_FS_FIND &&
            make_part(dir, part, folders) == 0)
            next = open_part(dir, part, FOLDER_FLAGS, 0);
        close_keeping_errno(dir);
        dir = next;
        path += len + (path[len] == '/');
    }
    return dir;
}

int gc_fs_open_parent(const gc_root *self, const char *path, gc_fs_folders folders,
                      const char **base)
{
    const char *slash = strrchr(path, '/');
    *base = slash ? slash + 1 : path;
    if (!slash)
        return openat(self->fd, ".", FOLDER_FLAGS);
    char *folder = gc_xmemdup(path, (size_t)(slash - path));
    int fd = -1;
    if (self->has_openat2)
        fd = openat2_below(self->fd, folder, O_RDONLY | O_DIRECTORY, 0);
    if (!self->has_openat2 || (fd < 0 && errno == ENOENT && folders != GC_FS_FIND))
        fd = walk(self, folder, folders);
    int error = errno;
    free(folder);
    errno = error;
    return fd;
}

/* Opens the file `path` itself. */
static int open_below(const gc_root *self, const char *path, int flags, mode_t mode)
{
    const char *base;
    if (self->has_openat2)
        return openat2_below(self->fd, path, flags, mode);
    int dir = gc_fs_open_parent(self, path, GC_FS_FIND, &base);
    if (dir < 0)
        return -1;
    int fd = open_part(dir, base, flags, mode);
    close_keeping_errno(dir);
    return fd;
}

static gc_err make_folders(const char *path)
{
    char *copy = gc_xstrdup(path);
    int error = 0;
    for (char *p = copy + (*copy == '/'); !error; p++) {
        if (*p && *p != '/')
            continue;
        char kept = *p;
        *p = '\0';
        if (mkdir(copy, 0755) != 0 && errno != EEXIST && errno != EISDIR)
            error = errno;
        *p = kept;
        if (!kept)
            break;
    }
    free(copy);
    errno = error;
    return error ? gc_fs_code(error) : GC_OK;
}

gc_err gc_root_open(const char *path, bool create, gc_root **out, gc_errinfo *info)
{
    if (!*path)
        return gc_fail(info, GC_ENOENT, "the folder's name is empty");
    gc_err err = create ? make_folders(path) : GC_OK;
    int fd = err ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    char *real = fd < 0 ? NULL : realpath(path, NULL);
    if (!real) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        err = error == ENOENT || error == ENOSPC ? gc_fs_code(error) : GC_EIO;
        return gc_fail(info, err, "cannot open folder %.300s: %s", path, strerror(error));
    }
    gc_root *self = gc_xcalloc(1, sizeof *self);
    self->fd = fd;
    self->path = real;
    int probe = openat2_below(fd, ".", O_RDONLY | O_DIRECTORY, 0);
    self->has_openat2 = probe >= 0;
    if (probe >= 0)
        close(probe);
    *out = self;
    return GC_OK;
}

void gc_root_close(gc_root **self_p)
{
    gc_root *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->lock_count; i++)
        close(self->locks[i]);
    free(self->locks);
    close(self->fd);
    free(self->path);
    free(self);
    *self_p = NULL;
}

const char *gc_root_path(const gc_root *self)
{
    return self->path;
}

static const char *reason(int error)
{
    return error == ELOOP ? "a symbolic link is in the way; remove it" : strerror(error);
}

gc_err gc_fs_fail_below(gc_errinfo *info, gc_err code, const char *verb, const char *path,
                        int error)
{
    return gc_fail(info, code, "cannot %s %.300s: %s", verb, path, reason(error));
}

gc_err gc_fs_check_path(const char *path, gc_errinfo *info)
{
    if (gc_path_safe(path))
        return GC_OK;
    return gc_fail(info, GC_EINVAL,
                   "path \"%.300s\" is not allowed: it must be relative, without \"..\", "
                   "empty parts, control characters or .git",
                   path);
}

/* For reading and removing, a file where a folder should be means: absent. */
static gc_err absent_code(int error)
{
    return error == ENOTDIR ? GC_ENOENT : gc_fs_code(error);
}

/* A regular file for reading; O_NONBLOCK, because a pipe in its place must not block. */
static gc_err open_regular(const gc_root *self, const char *path, int *out,
                           struct stat *st, gc_errinfo *info)
{
    gc_err err = gc_fs_check_path(path, info);
    if (err)
        return err;
    int fd = open_below(self, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0 || fstat(fd, st) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return gc_fs_fail_below(info, absent_code(error), "read", path, error);
    }
    if (!S_ISREG(st->st_mode)) {
        close(fd);
        return gc_fail(info, GC_ESTATE,
                       "cannot read %.300s: %s is in the way; move it away", path,
                       S_ISDIR(st->st_mode) ? "a folder" : "a device or a pipe");
    }
    *out = fd;
    return GC_OK;
}

static gc_err append_chunk(void *arg, const void *mem, size_t len)
{
    return gc_buf_append(arg, mem, len) ? GC_ETOOBIG : GC_OK;
}

gc_err gc_root_read(gc_root *self, const char *path, gc_buf *out, gc_errinfo *info)
{
    int fd = -1;
    struct stat st;
    gc_err err = open_regular(self, path, &fd, &st, info);
    if (err)
        return err;
    gc_buf text;
    gc_buf_init(&text, out->limit - out->len);
    if ((size_t)st.st_size > text.limit || gc_buf_reserve(&text, (size_t)st.st_size))
        err = GC_ETOOBIG; /* not read at all */
    else
        err = gc_fs_read_all(fd, append_chunk, &text);
    if (err == GC_ETOOBIG)
        gc_fail(info, err, "%.300s is longer than the limit of %zu bytes", path,
                out->limit);
    else if (err)
        gc_fs_fail_below(info, err, "read", path, errno);
    else if (!out->cap) { /* nothing in it: the text itself moves */
        text.limit = out->limit;
        *out = text;
        gc_buf_init(&text, 0);
    } else {
        gc_buf_append(out, text.ptr, text.len);
    }
    gc_buf_release(&text);
    close(fd);
    return err;
}

static gc_err hash_chunk(void *arg, const void *mem, size_t len)
{
    gc_hasher_stream(arg, mem, len);
    return GC_OK;
}

gc_stamp gc_fs_stamp(const struct stat *st)
{
    return (gc_stamp){ (uint64_t)st->st_size, (uint64_t)st->st_ino,
                       (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
                       (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec };
}

/* Closes `fd`; *out is set on success only. */
static gc_err hash_open_file(int fd, gc_sha *out)
{
    gc_hasher *hasher = gc_hasher_new();
    gc_err err = gc_fs_read_all(fd, hash_chunk, hasher);
    int error = errno;
    gc_sha sha = gc_hasher_finish(&hasher);
    close(fd);
    errno = error;
    if (!err)
        *out = sha;
    return err;
}

gc_err gc_root_sha_stamped(gc_root *self, const char *path, gc_sha *out, gc_stamp *stamp,
                           gc_errinfo *info)
{
    int fd = -1;
    struct stat st;
    gc_err err = open_regular(self, path, &fd, &st, info);
    if (err)
        return err;
    err = hash_open_file(fd, out);
    if (err)
        return gc_fs_fail_below(info, err, "read", path, errno);
    *stamp = gc_fs_stamp(&st);
    return GC_OK;
}

gc_err gc_root_sha(gc_root *self, const char *path, gc_sha *out, gc_errinfo *info)
{
    gc_stamp stamp;
    return gc_root_sha_stamped(self, path, out, &stamp, info);
}

/* ---- stamps ---- */

bool gc_stamp_equal(const gc_stamp *a, const gc_stamp *b)
{
    return a->size == b->size && a->inode == b->inode && a->mtime_ns == b->mtime_ns &&
           a->ctime_ns == b->ctime_ns;
}

void gc_stamper_init(gc_stamper *self, gc_root *root)
{
    *self = (gc_stamper){ root, -1, NULL };
}

static void leave_folder(gc_stamper *self)
{
    if (self->dir >= 0)
        close(self->dir);
    free(self->folder);
    gc_stamper_init(self, self->root);
}

void gc_stamper_release(gc_stamper *self)
{
    leave_folder(self);
    self->root = NULL;
}

/* Opens the folder of `path`, unless it is open already. 0 or -1 with errno. */
static int enter_folder(gc_stamper *self, const char *path, const char **base)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) : 0;
    *base = slash ? slash + 1 : path;
    if (self->dir >= 0 && strncmp(self->folder, path, len) == 0 && !self->folder[len])
        return 0;
    leave_folder(self);
    self->dir = gc_fs_open_parent(self->root, path, GC_FS_FIND, base);
    if (self->dir < 0)
        return -1;
    self->folder = gc_xmemdup(path, len);
    return 0;
}

gc_err gc_stamper_look(gc_stamper *self, const char *path, gc_stamp *out)
{
    const char *base;
    struct stat st;
    if (!gc_path_safe(path))
        return GC_EINVAL;
    if (enter_folder(self, path, &base) ||
        fstatat(self->dir, base, &st, AT_SYMLINK_NOFOLLOW))
        return absent_code(errno);
    if (!S_ISREG(st.st_mode))
        return GC_ESTATE;
    *out = gc_fs_stamp(&st);
    return GC_OK;
}

gc_err gc_stamper_sha(gc_stamper *self, const char *path, gc_sha *out, gc_stamp *stamp)
{
    const char *base;
    struct stat st;
    if (!gc_path_safe(path))
        return GC_EINVAL;
    if (enter_folder(self, path, &base))
        return absent_code(errno);
    int fd = open_part(self->dir, base, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return absent_code(errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return GC_ESTATE;
    }
    gc_err err = hash_open_file(fd, out);
    if (!err)
        *stamp = gc_fs_stamp(&st);
    return err;
}

/* Removes the folders on the way to `path` that are empty now, the deepest first. One that
 * is not empty, or cannot be removed, ends it: the file itself is gone, which was asked. */
static void remove_empty_folders(const gc_root *self, const char *path)
{
    char *folder = gc_xstrdup(path);
    char *slash;
    while ((slash = strrchr(folder, '/')) != NULL) {
        const char *base;
        *slash = '\0';
        int dir = gc_fs_open_parent(self, folder, GC_FS_FIND, &base);
        if (dir < 0)
            break;
        int result = unlinkat(dir, base, AT_REMOVEDIR);
        close(dir);
        if (result != 0)
            break;
    }
    free(folder);
}

gc_err gc_root_remove(gc_root *self, const char *path, gc_errinfo *info)
{
    gc_err err = gc_fs_check_path(path, info);
    if (err)
        return err;
    const char *base;
    struct stat st;
    int dir = gc_fs_open_parent(self, path, GC_FS_FIND, &base);
    int result = dir < 0 ? -1 : fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW);
    if (result == 0 && !S_ISREG(st.st_mode)) {
        errno = S_ISLNK(st.st_mode) ? ELOOP : EISDIR;
        result = -1;
    }
    if (result == 0)
        result = unlinkat(dir, base, 0);
    if (result == 0)
        result = gc_fs_sync_folder(dir);
    int error = errno;
    if (dir >= 0)
        close(dir);
    if (result != 0)
        return gc_fs_fail_below(info, absent_code(error), "remove", path, error);
    remove_empty_folders(self, path);
    return GC_OK;
}

gc_err gc_root_lock(gc_root *self, const char *path, gc_errinfo *info)
{
    gc_err err = gc_fs_check_path(path, info);
    if (err)
        return err;
    const char *base;
    int dir = gc_fs_open_parent(self, path, GC_FS_MAKE, &base);
    int fd = dir < 0 ? -1 : open_part(dir, base, O_RDWR | O_CREAT | O_NONBLOCK, 0644);
    int error = errno;
    if (dir >= 0)
        close(dir);
    if (fd < 0)
        return gc_fs_fail_below(info, gc_fs_code(error), "lock", path, error);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        error = errno;
        close(fd);
        if (error == EWOULDBLOCK)
            return gc_fail(info, GC_EEXIST, "%.300s is locked by another process", path);
        return gc_fs_fail_below(info, GC_EIO, "lock", path, error);
    }
    self->locks =
        gc_grow(self->locks, self->lock_count, &self->lock_cap, sizeof *self->locks);
    self->locks[self->lock_count++] = fd;
    return GC_OK;
}
