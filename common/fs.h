/* Files: whole reads with a limit, and a confined root under which nothing escapes (openat2
 * with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS), written atomically: temporary file, fsync,
 * rename, fsync of the folder. */
#ifndef GC_COMMON_FS_H
#define GC_COMMON_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/hash.h"

/* Reads a whole regular file (or pipe) into `out`, at most its limit. GC_ENOENT, GC_ETOOBIG,
 * GC_EIO; `info` names path and reason. */
GC_MUST_CHECK gc_err gc_read_file(const char *path, gc_buf *out, gc_errinfo *info);

/* sha256 of a regular file of at most `limit` bytes, read in pieces. GC_ENOENT; GC_ESTATE:
 * something else, which is not opened for reading; GC_ETOOBIG; GC_EIO. */
GC_MUST_CHECK gc_err gc_file_sha(const char *path, size_t limit, gc_sha *out);

/* Replaces `path` atomically (in its own folder), mode 0644. For files the user named. */
GC_MUST_CHECK gc_err gc_write_file(const char *path, const void *mem, size_t len,
                                   gc_errinfo *info);

/* Whether gc_write_file() has a chance, without writing: its errors, before there is text. */
GC_MUST_CHECK gc_err gc_can_write_file(const char *path, gc_errinfo *info);

typedef struct gc_root gc_root;

/* Opens folder `path`, making it and its parents if `create`. GC_ENOENT, GC_EIO. */
GC_MUST_CHECK gc_err gc_root_open(const char *path, bool create, gc_root **out,
                                  gc_errinfo *info);
void gc_root_close(gc_root **self_p);

/* Absolute real path of the root. Borrowed. */
const char *gc_root_path(const gc_root *self);

/* True for a relative, normal path: no "..", no ".", no empty part, no leading '/', no
 * control bytes, no part ".git", parts <= 255 bytes. */
bool gc_path_safe(const char *path);

/* Writes atomically, making folders. GC_EINVAL: unsafe path; GC_ESTATE: a symlink or another
 * kind of file stands in the way; GC_EFULL: no space left; GC_EIO. */
GC_MUST_CHECK gc_err gc_root_write(gc_root *self, const char *path, const void *mem,
                                   size_t len, gc_errinfo *info);

/* GC_ENOENT if absent (also when a folder on the way is). */
GC_MUST_CHECK gc_err gc_root_read(gc_root *self, const char *path, gc_buf *out,
                                  gc_errinfo *info);

/* What the file system tells of a file without reading it: as long as all of it is the same,
 * so are the bytes, unless they changed within one tick of its clock. */
typedef struct gc_stamp {
    uint64_t size;
    uint64_t inode;
    int64_t mtime_ns; /* of the content */
    int64_t ctime_ns; /* of the inode: also moved by whoever sets mtime back */
} gc_stamp;

bool gc_stamp_equal(const gc_stamp *a, const gc_stamp *b);

/* One of several files that are written together. */
typedef struct gc_root_file {
    const char *path;
    const void *mem;
    size_t len;
    const gc_stamp
        *was;        /* as the caller saw it, all zeros: absent; NULL: whatever it is */
    gc_err err;      /* how it went: as gc_root_write; GC_EAGAIN: it is not as it `was` */
    gc_errinfo info; /* why not */
} gc_root_file;

/* As gc_root_write for each, with a few waits for the disk in all: no file is visible before
 * all of its bytes are on the disk, and all are when this returns. Returns the first error;
 * the other files are written all the same. */
GC_MUST_CHECK gc_err gc_root_write_all(gc_root *self, gc_root_file *files, size_t count);

/* Stamps of many files, quickest in the order of their paths: the folder of the last one
 * stays open meanwhile, so keep it for one pass only. */
typedef struct gc_stamper {
    gc_root *root;
    int dir;      /* -1: none */
    char *folder; /* whose descriptor that is */
} gc_stamper;

void gc_stamper_init(gc_stamper *self, gc_root *root);
void gc_stamper_release(gc_stamper *self);

/* GC_ENOENT if absent; GC_ESTATE: something else than a regular file, or a symbolic link in
 * the way; GC_EINVAL: unsafe path; GC_EIO. */
GC_MUST_CHECK gc_err gc_stamper_look(gc_stamper *self, const char *path, gc_stamp *out);

/* sha256 of the file too, and the stamp that it had before it was read. Errors as above. */
GC_MUST_CHECK gc_err gc_stamper_sha(gc_stamper *self, const char *path, gc_sha *out,
                                    gc_stamp *stamp);

/* Replaces a file whose loss costs time only: whole or not at all, but without fsync. */
GC_MUST_CHECK gc_err gc_root_write_cache(gc_root *self, const char *path, const void *mem,
                                         size_t len, gc_errinfo *info);

/* sha256 of the file, and the stamp that it had before it was read. */
GC_MUST_CHECK gc_err gc_root_sha_stamped(gc_root *self, const char *path, gc_sha *out,
                                         gc_stamp *stamp, gc_errinfo *info);

/* sha256 of the file; GC_ENOENT if absent. */
GC_MUST_CHECK gc_err gc_root_sha(gc_root *self, const char *path, gc_sha *out,
                                 gc_errinfo *info);

/* Removes a file and the folders that become empty; GC_ENOENT if absent. */
GC_MUST_CHECK gc_err gc_root_remove(gc_root *self, const char *path, gc_errinfo *info);

/* Takes an exclusive lock on `path` below the root, held until gc_root_close. GC_EEXIST:
 * somebody holds it. */
GC_MUST_CHECK gc_err gc_root_lock(gc_root *self, const char *path, gc_errinfo *info);

#endif
