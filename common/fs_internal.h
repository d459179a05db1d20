/* Shared by fs.c and fs_root.c only: errno to gc_err, and the atomic write of one name in an
 * open folder. */
#ifndef GC_COMMON_FS_INTERNAL_H
#define GC_COMMON_FS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"

/* The reaction that an errno asks for. */
gc_err gc_fs_code(int error);

/* fsync of a folder; file systems that cannot do it count as done. 0 or -1 with errno. */
int gc_fs_sync_folder(int dir);

/* What is written, and with which permissions (umask applied by the caller's choice). */
typedef struct gc_fs_content {
    const void *mem;
    size_t len;
    mode_t mode;
    bool keep_mode; /* set `mode` exactly, whatever the umask */
    bool unsynced;  /* whole or not at all, but a crash of the machine may lose it */
} gc_fs_content;

/* Makes `base` in the open folder `dir` hold `content`, whole or not at all; a former file
 * is replaced, never written into. 0 or -1 with errno; then nothing is left behind. */
int gc_fs_replace(int dir, const char *base, const gc_fs_content *content);

/* Calls `take` for every piece until the end of `fd`; stops early when it returns an error.
 * GC_EIO with errno set when reading fails. */
typedef gc_err gc_fs_take(void *arg, const void *mem, size_t len);
GC_MUST_CHECK gc_err gc_fs_read_all(int fd, gc_fs_take *take, void *arg);

#endif
