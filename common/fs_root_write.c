/* Writing below a root: one file, or many with a few waits for the disk in all. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fs.h"
#include "common/fs_internal.h"
#include "common/map.h"
#include "common/mem.h"

/* Files whose drafts are open at a time, with their folders. */
#define AT_A_TIME 128

/* What stands at `base`, which must be a regular file or nothing: then `stamp` is all zeros.
 * 0 or -1 with errno. */
static int look_regular(int dir, const char *base, gc_fs_content *content,
                        gc_stamp *stamp)
{
    struct stat st;
    *stamp = (gc_stamp){ 0 };
    if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -1;
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISLNK(st.st_mode) ? ELOOP : S_ISDIR(st.st_mode) ? EISDIR : ENXIO;
        return -1;
    }
    *stamp = gc_fs_stamp(&st);
    content->mode = st.st_mode & 0777; /* the user's chmod +x stays */
    content->keep_mode = true;
    return 0;
}

static gc_err fail_write(gc_errinfo *info, const char *path, int error)
{
    gc_err err = gc_fs_code(error);
    return gc_fs_fail_below(info, err == GC_ENOENT ? GC_EIO : err, "write", path, error);
}

static gc_err write_content(const gc_root *self, const char *path, gc_fs_content *content,
                            gc_errinfo *info)
{
    gc_err err = gc_fs_check_path(path, info);
    if (err)
        return err;
    const char *base;
    gc_stamp stamp;
    int dir = gc_fs_open_parent(self, path, GC_FS_MAKE, &base);
    int result = dir < 0 ? -1 : look_regular(dir, base, content, &stamp);
    if (result == 0)
        result = gc_fs_replace(dir, base, content);
    int error = errno;
    if (dir >= 0)
        close(dir);
    return result == 0 ? GC_OK : fail_write(info, path, error);
}

gc_err gc_root_write(gc_root *self, const char *path, const void *mem, size_t len,
                     gc_errinfo *info)
{
    gc_fs_content content = { .mem = mem, .len = len, .mode = 0644 };
    return write_content(self, path, &content, info);
}

gc_err gc_root_write_cache(gc_root *self, const char *path, const void *mem, size_t len,
                           gc_errinfo *info)
{
    gc_fs_content content = { .mem = mem, .len = len, .mode = 0644, .unsynced = true };
    return write_content(self, path, &content, info);
}

/* ---- many files ----
 * Each step is done for all files before the next one: so the disk has them all at once, and
 * the journal of the file system is written a few times, not twice for each file. */

typedef struct draft {
    gc_root_file *file;
    int dir; /* -1: it has failed, or is done */
    const char *base;
    gc_fs_content content;
    gc_fs_draft draft;
} draft;

static void leave(draft *d)
{
    close(d->dir);
    d->dir = -1;
}

/* `error` is an errno. */
static void fail_draft(draft *d, int error)
{
    d->file->err = fail_write(&d->file->info, d->file->path, error);
    leave(d);
}

static void make_draft(gc_root *self, draft *d)
{
    gc_root_file *file = d->file;
    gc_stamp stamp;
    d->content = (gc_fs_content){ .mem = file->mem, .len = file->len, .mode = 0644 };
    d->dir = -1;
    file->err = gc_fs_check_path(file->path, &file->info);
    if (file->err)
        return;
    d->dir = gc_fs_open_parent(self, file->path, GC_FS_MAKE_UNSYNCED, &d->base);
    if (d->dir < 0)
        file->err = fail_write(&file->info, file->path, errno);
    else if (look_regular(d->dir, d->base, &d->content, &stamp) != 0 ||
             gc_fs_draft_make(d->dir, &d->content, &d->draft) != 0)
        fail_draft(d, errno);
}

static void sync_draft(draft *d)
{
    if (d->dir < 0 || gc_fs_draft_sync(&d->draft, &d->content) == 0)
        return;
    gc_fs_draft_drop(&d->draft, d->dir);
    fail_draft(d, errno);
}

static void publish(draft *d)
{
    gc_stamp now;
    if (d->dir < 0)
        return;
    int result = look_regular(d->dir, d->base, &d->content, &now);
    if (result != 0 || (d->file->was && !gc_stamp_equal(d->file->was, &now))) {
        int error = errno;
        gc_fs_draft_drop(&d->draft, d->dir);
        if (result != 0)
            fail_draft(d, error);
        else
            d->file->err = gc_fail(&d->file->info, GC_EAGAIN,
                                   "%.300s changed while it was written", d->file->path);
    } else if (gc_fs_draft_publish(&d->draft, d->dir, d->base, &d->content) != 0) {
        fail_draft(d, errno);
    }
    if (d->dir >= 0)
        leave(d);
}

/* The folder `path` ("": the root), which may be one that was just made. */
static gc_err sync_folder(gc_root *self, const char *path, gc_errinfo *info)
{
    const char *base;
    char *inside = *path ? gc_xasprintf("%s/.", path) : gc_xstrdup(".");
    int dir = gc_fs_open_parent(self, inside, GC_FS_FIND, &base);
    int result = dir < 0 ? -1 : gc_fs_sync_folder(dir), error = errno;
    if (dir >= 0)
        close(dir);
    free(inside);
    return result == 0 ? GC_OK : fail_write(info, *path ? path : ".", error);
}

/* Every folder on the way to a file that was written, once. */
static gc_err sync_folders(gc_root *self, const gc_root_file *files, size_t count,
                           gc_errinfo *info)
{
    gc_map *synced = gc_map_new();
    gc_err err = GC_OK;
    for (size_t i = 0; i < count; i++) {
        char *folder = gc_xstrdup(files[i].path);
        for (bool more = !files[i].err; more && !err;) {
            char *slash = strrchr(folder, '/');
            *(slash ? slash : folder) = '\0';
            more = slash && !gc_map_has(synced, folder);
            if (!gc_map_has(synced, folder))
                err = sync_folder(self, folder, info);
            gc_map_set(synced, folder, synced);
        }
        free(folder);
    }
    gc_map_destroy(&synced);
    return err;
}

static void write_some(gc_root *self, gc_root_file *files, size_t count)
{
    draft *drafts = gc_xcalloc(count, sizeof *drafts);
    for (size_t i = 0; i < count; i++) {
        drafts[i].file = &files[i];
        make_draft(self, &drafts[i]);
    }
    for (size_t i = 0; i < count; i++)
        sync_draft(&drafts[i]);
    for (size_t i = 0; i < count; i++)
        publish(&drafts[i]);
    gc_errinfo info = { 0 };
    gc_err err = sync_folders(self, files, count, &info);
    for (size_t i = 0; i < count; i++) {
        if (!err || files[i].err)
            continue;
        files[i].err = err;
        files[i].info = info;
    }
    free(drafts);
}

gc_err gc_root_write_all(gc_root *self, gc_root_file *files, size_t count)
{
    for (size_t i = 0; i < count; i += AT_A_TIME)
        write_some(self, files + i, count - i < AT_A_TIME ? count - i : AT_A_TIME);
    for (size_t i = 0; i < count; i++)
        if (files[i].err)
            return files[i].err;
    return GC_OK;
}
