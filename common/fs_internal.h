/* Shared by fs.c, fs_root.c and fs_root_write.c only: errno to gc_err, the atomic write of one
 * name in an open folder, paths below a root. */
#ifndef GC_COMMON_FS_INTERNAL_H
#define GC_COMMON_FS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/fs.h"

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

#define GC_FS_TMP_SIZE 24

/* A file that is written but that nobody sees yet. */
typedef struct gc_fs_draft {
    int fd;
    char tmp[GC_FS_TMP_SIZE]; /* its name in the folder; "": it has none */
} gc_fs_draft;

/* Writes `content` into a draft in the open folder `dir`, and tells the disk to begin. 0 or
 * -1 with errno; then nothing is left behind. */
int gc_fs_draft_make(int dir, const gc_fs_content *content, gc_fs_draft *out);

/* Waits until the draft would survive a crash of the machine; nothing for an unsynced one. */
int gc_fs_draft_sync(const gc_fs_draft *self, const gc_fs_content *content);

/* Makes it appear as `base`, replacing a former file; the folder is not synced. The draft is
 * gone in any case. 0 or -1 with errno. */
int gc_fs_draft_publish(gc_fs_draft *self, int dir, const char *base,
                        const gc_fs_content *content);
void gc_fs_draft_drop(gc_fs_draft *self, int dir);

/* All of that, and the sync of the folder: makes `base` in the open folder `dir` hold
 * `content`, whole or not at all. 0 or -1 with errno; then nothing is left behind. */
int gc_fs_replace(int dir, const char *base, const gc_fs_content *content);

/* Calls `take` for every piece until the end of `fd`; stops early when it returns an error.
 * GC_EIO with errno set when reading fails. */
typedef gc_err gc_fs_take(void *arg, const void *mem, size_t len);
GC_MUST_CHECK gc_err gc_fs_read_all(int fd, gc_fs_take *take, void *arg);

/* ---- below a root ---- */

typedef enum gc_fs_folders {
    GC_FS_FIND,
    GC_FS_MAKE,         /* what is missing, each synced into the folder above */
    GC_FS_MAKE_UNSYNCED /* the caller syncs them */
} gc_fs_folders;

/* The folder that holds `path`, opened; *base points at the last part. -1 with errno. */
int gc_fs_open_parent(const gc_root *self, const char *path, gc_fs_folders folders,
                      const char **base);

GC_MUST_CHECK gc_err gc_fs_check_path(const char *path, gc_errinfo *info);

/* One sentence for every failed step below the root; `error` is its errno. */
gc_err gc_fs_fail_below(gc_errinfo *info, gc_err code, const char *verb, const char *path,
                        int error);

gc_stamp gc_fs_stamp(const struct stat *st);

#endif
