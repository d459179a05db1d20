#include "common/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fs_internal.h"
#include "common/mem.h"

/* Design notes: a new content first gets no name at all (O_TMPFILE), so that a kill leaves
 * nothing behind; it is linked into place when it is complete and on the disk. Only to
 * replace a file does it need a second name for an instant, because link() cannot replace.
 * File systems without O_TMPFILE get a named temporary file instead. */

#define PATH_LIMIT 4096
#define PART_LIMIT 255
#define READ_CHUNK 16384 /* on the stack */
#define TMP_PREFIX ".gc-tmp-"
#define TMP_RANDOM 12
_Static_assert(sizeof TMP_PREFIX + TMP_RANDOM <= GC_FS_TMP_SIZE, "a name fits");

gc_err gc_fs_code(int error)
{
    switch (error) {
    case ENOENT: return GC_ENOENT;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return GC_EFULL;
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case EXDEV:
    case ENXIO: return GC_ESTATE;
    case ENAMETOOLONG: return GC_EINVAL;
    default: return GC_EIO;
    }
}

static bool part_safe(const char *part, size_t len)
{
    if (!len || len > PART_LIMIT || (part[0] == '.' && len == 1))
        return false;
    if (len == 2 && part[0] == '.' && part[1] == '.')
        return false;
    /* Any case: on some file systems .GIT is the same folder. */
    return !(len == 4 && strncasecmp(part, ".git", 4) == 0);
}

bool gc_path_safe(const char *path)
{
    if (strlen(path) >= PATH_LIMIT)
        return false;
    for (const char *p = path; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    for (const char *part = path;;) {
        size_t len = strcspn(part, "/");
        if (!part_safe(part, len))
            return false;
        if (!part[len])
            return true;
        part += len + 1;
    }
}

gc_err gc_fs_read_all(int fd, gc_fs_take *take, void *arg)
{
    char chunk[READ_CHUNK];
    gc_err err = GC_OK;
    while (!err) {
        ssize_t n = read(fd, chunk, READ_CHUNK);
        if (n == 0)
            break;
        if (n > 0)
            err = take(arg, chunk, (size_t)n);
        else if (errno != EINTR)
            err = GC_EIO;
    }
    return err;
}

static gc_err append_chunk(void *arg, const void *mem, size_t len)
{
    return gc_buf_append(arg, mem, len) ? GC_ETOOBIG : GC_OK;
}

static gc_err read_fd(int fd, const char *path, gc_buf *out, gc_errinfo *info)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return gc_fail(info, GC_EIO, "cannot read %.300s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return gc_fail(info, GC_EIO, "cannot read %.300s: it is a folder", path);
    gc_err err = GC_ETOOBIG; /* a regular file that is too long is not read at all */
    if (S_ISREG(st.st_mode) && st.st_size <= (off_t)(out->limit - out->len) &&
        gc_buf_reserve(out, (size_t)st.st_size))
        return gc_fail(info, err, "%.300s does not fit", path);
    if (!S_ISREG(st.st_mode) || st.st_size <= (off_t)(out->limit - out->len))
        err = gc_fs_read_all(fd, append_chunk, out);
    if (err == GC_ETOOBIG)
        return gc_fail(info, err, "%.300s is longer than the limit of %zu bytes", path,
                       out->limit);
    if (err)
        return gc_fail(info, err, "cannot read %.300s: %s", path, strerror(errno));
    return GC_OK;
}

gc_err gc_read_file(const char *path, gc_buf *out, gc_errinfo *info)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        gc_err code = errno == ENOENT || errno == ENOTDIR ? GC_ENOENT : GC_EIO;
        return gc_fail(info, code, "cannot read %.300s: %s", path, strerror(errno));
    }
    size_t before = out->len;
    gc_err err = read_fd(fd, path, out, info);
    close(fd);
    if (err && out->cap) {
        out->len = before;
        out->ptr[before] = '\0';
        out->full = false;
    }
    return err;
}

static gc_err hash_chunk(void *arg, const void *mem, size_t len)
{
    gc_hasher_stream(arg, mem, len);
    return GC_OK;
}

gc_err gc_file_sha(const char *path, size_t limit, gc_sha *out)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR ? GC_ENOENT : GC_EIO;
    if (!S_ISREG(st.st_mode))
        return GC_ESTATE;
    if (st.st_size > (off_t)limit)
        return GC_ETOOBIG;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return GC_EIO;
    gc_hasher *hasher = gc_hasher_new();
    gc_err err = gc_fs_read_all(fd, hash_chunk, hasher);
    gc_sha sha = gc_hasher_finish(&hasher);
    close(fd);
    if (!err)
        *out = sha;
    return err;
}

static int write_all(int fd, const char *mem, size_t len)
{
    while (len) {
        ssize_t n = write(fd, mem, len);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            mem += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

int gc_fs_sync_folder(int dir)
{
    if (fsync(dir) == 0 || errno == EINVAL || errno == ENOTSUP || errno == EROFS)
        return 0;
    return -1;
}

static int fill(int fd, const gc_fs_content *content)
{
    if (content->keep_mode && fchmod(fd, content->mode) != 0)
        return -1;
    return write_all(fd, content->mem, content->len);
}

static void make_tmp_name(char name[GC_FS_TMP_SIZE])
{
    memcpy(name, TMP_PREFIX, sizeof TMP_PREFIX - 1);
    gc_random_id(name + sizeof TMP_PREFIX - 1, TMP_RANDOM);
}

static int rename_or_unlink(int dir, const char *tmp, const char *base)
{
    if (renameat(dir, tmp, dir, base) == 0)
        return 0;
    int error = errno;
    unlinkat(dir, tmp, 0);
    errno = error;
    return -1;
}

void gc_fs_draft_drop(gc_fs_draft *self, int dir)
{
    int error = errno;
    if (self->fd >= 0)
        close(self->fd);
    if (*self->tmp)
        unlinkat(dir, self->tmp, 0);
    *self = (gc_fs_draft){ .fd = -1 };
    errno = error;
}

/* Failures that another way of naming the file would meet again. */
static bool is_final(int error)
{
    return gc_fs_code(error) == GC_EFULL || error == EIO || error == EROFS;
}

/* Takes the content in; drops the draft if it cannot. */
static int fill_draft(gc_fs_draft draft, int dir, const gc_fs_content *content,
                      gc_fs_draft *out)
{
    if (draft.fd < 0)
        return -1;
    if (fill(draft.fd, content) != 0) {
        gc_fs_draft_drop(&draft, dir);
        return -1;
    }
    *out = draft;
    return 0;
}

static int make_named(int dir, const gc_fs_content *content, gc_fs_draft *out)
{
    gc_fs_draft draft;
    make_tmp_name(draft.tmp);
    draft.fd =
        openat(dir, draft.tmp, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC,
               content->mode);
    return fill_draft(draft, dir, content, out);
}

static int make_unnamed(int dir, const gc_fs_content *content, gc_fs_draft *out)
{
    gc_fs_draft draft = { .fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC,
                                       content->mode) };
    return fill_draft(draft, dir, content, out);
}

int gc_fs_draft_make(int dir, const gc_fs_content *content, gc_fs_draft *out)
{
    int result = make_unnamed(dir, content, out);
    if (result != 0 && !is_final(errno))
        result = make_named(dir, content, out);
    if (result == 0 && !content->unsynced) /* a hint: the sync tells what went wrong */
        sync_file_range(out->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    return result;
}

int gc_fs_draft_sync(const gc_fs_draft *self, const gc_fs_content *content)
{
    return content->unsynced ? 0 : fsync(self->fd);
}

/* Gives the unnamed draft its name; over a former file by way of a temporary one. */
static int link_unnamed(const gc_fs_draft *self, int dir, const char *base)
{
    char source[64], tmp[GC_FS_TMP_SIZE];
    snprintf(source, sizeof source, "/proc/self/fd/%d", self->fd);
    int result = linkat(AT_FDCWD, source, dir, base, AT_SYMLINK_FOLLOW);
    if (result == 0 || errno != EEXIST)
        return result;
    make_tmp_name(tmp);
    result = linkat(AT_FDCWD, source, dir, tmp, AT_SYMLINK_FOLLOW);
    return result == 0 ? rename_or_unlink(dir, tmp, base) : result;
}

/* close() may report a delayed write error (NFS), so its result counts. */
static int close_draft(gc_fs_draft *self)
{
    int fd = self->fd;
    self->fd = -1;
    return close(fd);
}

static int publish_named(gc_fs_draft *self, int dir, const char *base)
{
    if (close_draft(self) != 0) {
        gc_fs_draft_drop(self, dir);
        return -1;
    }
    int result = rename_or_unlink(dir, self->tmp, base);
    *self->tmp = '\0';
    return result;
}

int gc_fs_draft_publish(gc_fs_draft *self, int dir, const char *base,
                        const gc_fs_content *content)
{
    if (*self->tmp)
        return publish_named(self, dir, base);
    int result = link_unnamed(self, dir, base);
    if (result == 0)
        return close_draft(self);
    gc_fs_draft_drop(self, dir);
    if (is_final(errno))
        return -1;
    result = make_named(dir, content, self); /* no /proc, or links are not allowed */
    if (result == 0 && gc_fs_draft_sync(self, content) != 0) {
        gc_fs_draft_drop(self, dir);
        result = -1;
    }
    return result == 0 ? publish_named(self, dir, base) : result;
}

int gc_fs_replace(int dir, const char *base, const gc_fs_content *content)
{
    gc_fs_draft draft;
    int result = gc_fs_draft_make(dir, content, &draft);
    if (result == 0 && gc_fs_draft_sync(&draft, content) != 0) {
        gc_fs_draft_drop(&draft, dir);
        result = -1;
    }
    if (result == 0)
        result = gc_fs_draft_publish(&draft, dir, base, content);
    if (result == 0 && !content->unsynced)
        result = gc_fs_sync_folder(dir);
    return result;
}

/* Splits at the last slash; `folder` is malloc'ed, `base` points into `path`. */
static char *folder_of(const char *path, const char **base)
{
    const char *slash = strrchr(path, '/');
    *base = slash ? slash + 1 : path;
    if (!slash)
        return gc_xstrdup(".");
    return slash == path ? gc_xstrdup("/") : gc_xmemdup(path, (size_t)(slash - path));
}

static int replace_path(const char *path, const gc_fs_content *content)
{
    const char *base;
    char *folder = folder_of(path, &base);
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int result = dir < 0 ? -1 : gc_fs_replace(dir, base, content);
    int error = errno;
    if (dir >= 0)
        close(dir);
    free(folder);
    errno = error;
    return result;
}

/* Devices, pipes and sockets (/dev/stdout) take the bytes as they are. */
static int write_special(const char *path, const void *mem, size_t len)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -1;
    int result = write_all(fd, mem, len), error = errno;
    if (close(fd) != 0 && result == 0) /* it may report a delayed write error */
        return -1;
    errno = error;
    return result;
}

static gc_err write_failed(const char *path, int error, gc_errinfo *info)
{
    return gc_fail(info, gc_fs_code(error), "cannot write %.300s: %s", path,
                   strerror(error));
}

gc_err gc_write_file(const char *path, const void *mem, size_t len, gc_errinfo *info)
{
    struct stat st;
    gc_fs_content content = { .mem = mem, .len = len, .mode = 0644 };
    bool exists = stat(path, &st) == 0;
    /* A link that the user put there is followed: its target is what gets replaced. */
    char *real = exists && S_ISREG(st.st_mode) ? realpath(path, NULL) : NULL;
    int result;
    if (exists && !S_ISREG(st.st_mode))
        result = write_special(path, mem, len);
    else
        result = replace_path(real ? real : path, &content);
    int error = errno;
    free(real);
    if (result == 0)
        return GC_OK;
    return write_failed(path, error, info);
}

gc_err gc_can_write_file(const char *path, gc_errinfo *info)
{
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode))
        return write_failed(path, EISDIR, info);
    char *real = exists ? realpath(path, NULL) : NULL;
    char *folder = gc_xstrdup(real ? real : path);
    char *slash = strrchr(folder, '/');
    const char *place = !slash ? "." : slash == folder ? "/" : folder;
    if (slash)
        *slash = '\0';
    bool special = exists && !S_ISREG(st.st_mode); /* written in place, not replaced */
    int error = access(special ? path : place, special ? W_OK : W_OK | X_OK) ? errno : 0;
    if (!error && stat(place, &st) == 0 && !S_ISDIR(st.st_mode))
        error = ENOTDIR;
    free(folder);
    free(real);
    return error ? write_failed(path, error, info) : GC_OK;
}
