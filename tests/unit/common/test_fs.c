#include "support/must.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fs.h"
#include "common/mem.h"
#include "common/text.h"

typedef struct fixture {
    char *dir; /* holds root/ and outside/ */
    gc_root *root;
    gc_errinfo info;
} fixture;

static char *below(const fixture *f, const char *name)
{
    return gc_xasprintf("%s/%s", f->dir, name);
}

static int setup(void **state)
{
    fixture *f = gc_xcalloc(1, sizeof *f);
    f->dir = must_temp_dir();
    char *root = below(f, "root"), *outside = below(f, "outside");
    must_ok(gc_root_open(root, true, &f->root, &f->info));
    assert_int_equal(mkdir(outside, 0755), 0);
    free(root);
    free(outside);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    gc_root_close(&f->root);
    must_remove_tree(f->dir);
    free(f->dir);
    free(f);
    return 0;
}

static gc_err put(fixture *f, const char *path, const char *text)
{
    return gc_root_write(f->root, path, text, strlen(text), &f->info);
}

static void expect_content(fixture *f, const char *path, const char *text)
{
    gc_buf buf;
    gc_buf_init(&buf, 1000);
    must_ok(gc_root_read(f->root, path, &buf, &f->info));
    assert_string_equal(buf.ptr, text);
    gc_buf_release(&buf);
}

/* Number of entries of a folder of the fixture, temporary names included. */
static int entries(const fixture *f, const char *name)
{
    char *path = below(f, name);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    int count = -2; /* . and .. */
    while (readdir(dir))
        count++;
    closedir(dir);
    free(path);
    return count;
}

static void make_link(const fixture *f, const char *target, const char *name)
{
    char *path = below(f, name);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static void test_fs_paths_that_are_safe(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a",         "a/b/c.go", ".gitignore",           "..a", "a..b/...", "x y",
        ".github/x", "ü/ß",      ".gocreator/state.json"
    };
    static const char *const bad[] = { "",         "/",           "/a",    "a/",
                                       "a//b",     ".",           "..",    "./a",
                                       "a/..",     "a/../b",      "a/./b", ".git",
                                       "a/.git/x", ".GIT/config", "a\nb",  "a\x7f",
                                       "\x01" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(gc_path_safe(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(gc_path_safe(bad[i]));
    char part[258];
    memset(part, 'a', 256);
    part[256] = '\0';
    assert_false(gc_path_safe(part));
    part[255] = '\0';
    assert_true(gc_path_safe(part));
}

static void test_fs_writes_reads_and_replaces(void **state)
{
    fixture *f = *state;
    must_ok(put(f, "internal/user/user.go", "package user\n"));
    expect_content(f, "internal/user/user.go", "package user\n");
    must_ok(put(f, "internal/user/user.go", ""));
    expect_content(f, "internal/user/user.go", "");
    assert_int_equal(entries(f, "root/internal/user"), 1);
}

static void test_fs_replacing_keeps_the_mode(void **state)
{
    fixture *f = *state;
    struct stat st;
    must_ok(put(f, "run.sh", "a"));
    char *path = below(f, "root/run.sh");
    assert_int_equal(chmod(path, 0755), 0);
    must_ok(put(f, "run.sh", "b"));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0755);
    free(path);
}

/* A reader that has the old file open keeps the whole old text: nothing is written in place. */
static void test_fs_replaces_by_a_new_file(void **state)
{
    fixture *f = *state;
    char old[8] = { 0 };
    must_ok(put(f, "a", "old"));
    char *path = below(f, "root/a");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    must_ok(put(f, "a", "new text"));
    assert_int_equal(read(fd, old, sizeof old), 3);
    assert_string_equal(old, "old");
    close(fd);
    free(path);
}

static void test_fs_refuses_unsafe_paths(void **state)
{
    fixture *f = *state;
    gc_sha sha;
    expect_err(GC_EINVAL, put(f, "../outside/x", "x"));
    expect_err(GC_EINVAL, put(f, "/tmp/x", "x"));
    expect_err(GC_EINVAL, put(f, ".git/config", "x"));
    expect_err(GC_EINVAL, gc_root_remove(f->root, "../outside", &f->info));
    expect_err(GC_EINVAL, gc_root_sha(f->root, "a/../b", &sha, &f->info));
    expect_err(GC_EINVAL, gc_root_lock(f->root, "..", &f->info));
    assert_non_null(strstr(f->info.text, "relative"));
}

static void expect_no_escape(fixture *f)
{
    gc_buf buf;
    gc_sha sha;
    gc_buf_init(&buf, 100);
    expect_err(GC_ESTATE, put(f, "folder/x", "x"));
    assert_non_null(strstr(f->info.text, "symbolic link"));
    expect_err(GC_ESTATE, put(f, "folder/deeper/x", "x"));
    expect_err(GC_ESTATE, put(f, "file", "x"));
    expect_err(GC_ESTATE, put(f, "dangling", "x"));
    expect_err(GC_ESTATE, gc_root_read(f->root, "file", &buf, &f->info));
    expect_err(GC_ESTATE, gc_root_read(f->root, "folder/secret", &buf, &f->info));
    expect_err(GC_ESTATE, gc_root_sha(f->root, "folder/secret", &sha, &f->info));
    expect_err(GC_ESTATE, gc_root_remove(f->root, "folder/secret", &f->info));
    expect_err(GC_ESTATE, gc_root_remove(f->root, "file", &f->info));
    expect_err(GC_ESTATE, gc_root_lock(f->root, "folder/lock", &f->info));
    expect_err(GC_ESTATE, gc_root_lock(f->root, "dangling", &f->info));
    gc_buf_release(&buf);
    assert_int_equal(entries(f, "outside"), 1);
}

static void plant_links(fixture *f)
{
    char *secret = below(f, "outside/secret");
    must_ok(gc_write_file(secret, "s", 1, &f->info));
    make_link(f, "../outside", "root/folder");
    make_link(f, secret, "root/file");
    make_link(f, "../outside/nothing", "root/dangling");
    free(secret);
}

static void test_fs_links_are_in_the_way(void **state)
{
    fixture *f = *state;
    plant_links(f);
    expect_no_escape(f);
}

/* A limit on the size of files stands in for the full disk: same reaction, no mount. */
static void expect_full_leaves_nothing(fixture *f)
{
    struct rlimit old, small;
    must_ok(put(f, "full/kept", "old"));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){ .rlim_cur = 4096, .rlim_max = old.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    char *text = gc_xcalloc(1, 10000);
    gc_err err = gc_root_write(f->root, "full/kept", text, 10000, &f->info);
    gc_err fresh = gc_root_write(f->root, "full/fresh", text, 10000, &f->info);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    free(text);
    expect_err(GC_EFULL, err);
    expect_err(GC_EFULL, fresh);
    expect_content(f, "full/kept", "old");
    assert_int_equal(entries(f, "root/full"), 1);
}

static void expect_many(fixture *f)
{
    must_ok(put(f, "many/old", "old"));
    gc_root_file files[] = { { "many/old", "new", 3, .was = NULL },
                             { "many/a/b/c", "c", 1, .was = NULL },
                             { "../outside/x", "x", 1, .was = NULL },
                             { "many/a", "x", 1, .was = NULL },
                             { "many/a/b/d", "", 0, .was = NULL } };
    expect_err(GC_EINVAL, gc_root_write_all(f->root, files, 5));
    assert_int_equal(files[0].err, GC_OK);
    assert_int_equal(files[1].err, GC_OK);
    assert_int_equal(files[2].err, GC_EINVAL);
    assert_int_equal(files[3].err, GC_ESTATE);
    assert_int_equal(files[4].err, GC_OK);
    expect_content(f, "many/old", "new");
    expect_content(f, "many/a/b/c", "c");
    expect_content(f, "many/a/b/d", "");
    assert_int_equal(entries(f, "root/many"), 2);
    assert_int_equal(entries(f, "root/many/a/b"), 2);
    assert_int_equal(entries(f, "outside"), 0);
}

/* From here on the kernel refuses openat2, as under an old container runtime, and linkat, as
 * where /proc is missing: so the other ways are taken. */
static bool forbid_new_ways(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_linkat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { .len = sizeof code / sizeof *code, .filter = code };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#define CHILD_SKIPPED 77

static int by_other_ways(fixture *f)
{
    gc_errinfo info;
    gc_root *root = NULL;
    if (!forbid_new_ways())
        return CHILD_SKIPPED;
    must_ok(gc_root_open(gc_root_path(f->root), false, &root, &info));
    fixture mine = { .dir = f->dir, .root = root };
    expect_no_escape(&mine);
    must_ok(put(&mine, "a/b/c", "text"));
    expect_content(&mine, "a/b/c", "text");
    expect_err(GC_ESTATE, put(&mine, "a/b/c/d", "x"));
    must_ok(put(&mine, "a/b/c", "more"));
    expect_content(&mine, "a/b/c", "more");
    expect_full_leaves_nothing(&mine);
    char *outside = below(f, "outside/secret");
    unlink(outside);
    free(outside);
    expect_many(&mine);
    must_ok(gc_root_lock(root, "a/lock", &info));
    must_ok(gc_root_remove(root, "a/b/c", &info));
    expect_err(GC_ENOENT, gc_root_remove(root, "a/b/c", &info));
    gc_root_close(&root);
    return 0;
}

static void test_fs_same_by_other_ways(void **state)
{
    fixture *f = *state;
    plant_links(f);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(by_other_ways(f));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_SKIPPED)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_fs_other_kinds_are_in_the_way(void **state)
{
    fixture *f = *state;
    gc_buf buf;
    gc_buf_init(&buf, 100);
    must_ok(put(f, "a/b", "x"));
    expect_err(GC_ESTATE, put(f, "a", "x"));
    expect_err(GC_ESTATE, put(f, "a/b/c", "x"));
    expect_err(GC_ESTATE, gc_root_remove(f->root, "a", &f->info));
    char *fifo = below(f, "root/fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    expect_err(GC_ESTATE, put(f, "fifo", "x"));
    expect_err(GC_ESTATE, gc_root_read(f->root, "fifo", &buf, &f->info));
    free(fifo);
    assert_int_equal(entries(f, "root"), 2);
}

static void test_fs_absent_files(void **state)
{
    fixture *f = *state;
    gc_buf buf;
    gc_sha sha;
    gc_buf_init(&buf, 100);
    must_ok(put(f, "file", "x"));
    expect_err(GC_ENOENT, gc_root_read(f->root, "no", &buf, &f->info));
    expect_err(GC_ENOENT, gc_root_read(f->root, "no/such/file", &buf, &f->info));
    expect_err(GC_ENOENT, gc_root_read(f->root, "file/below", &buf, &f->info));
    expect_err(GC_ENOENT, gc_root_sha(f->root, "no", &sha, &f->info));
    expect_err(GC_ENOENT, gc_root_remove(f->root, "no/no", &f->info));
}

static void test_fs_read_has_a_limit(void **state)
{
    fixture *f = *state;
    gc_buf buf;
    gc_buf_init(&buf, 4);
    must_ok(put(f, "a", "12345"));
    expect_err(GC_ETOOBIG, gc_root_read(f->root, "a", &buf, &f->info));
    assert_int_equal(buf.len, 0);
    must_ok(put(f, "a", "1234"));
    must_ok(gc_root_read(f->root, "a", &buf, &f->info));
    gc_buf_release(&buf);
}

static void test_fs_sha_is_that_of_the_content(void **state)
{
    fixture *f = *state;
    size_t len = 200000; /* several chunks */
    char *text = gc_xmalloc(len);
    memset(text, 'g', len);
    gc_sha want = gc_sha256(text, len), got;
    must_ok(gc_root_write(f->root, "big", text, len, &f->info));
    must_ok(gc_root_sha(f->root, "big", &got, &f->info));
    assert_string_equal(got.hex, want.hex);
    free(text);
}

static void test_fs_remove_takes_empty_folders_along(void **state)
{
    fixture *f = *state;
    must_ok(put(f, "a/b/c/x", "x"));
    must_ok(put(f, "a/y", "y"));
    must_ok(gc_root_remove(f->root, "a/b/c/x", &f->info));
    assert_int_equal(entries(f, "root/a"), 1);
    must_ok(gc_root_remove(f->root, "a/y", &f->info));
    assert_int_equal(entries(f, "root"), 0);
}

static void test_fs_lock_is_exclusive_until_close(void **state)
{
    fixture *f = *state;
    gc_root *other = NULL;
    must_ok(gc_root_open(gc_root_path(f->root), false, &other, &f->info));
    must_ok(gc_root_lock(f->root, ".gocreator/lock", &f->info));
    expect_err(GC_EEXIST, gc_root_lock(other, ".gocreator/lock", &f->info));
    gc_root_close(&f->root);
    must_ok(gc_root_lock(other, ".gocreator/lock", &f->info));
    gc_root_close(&other);
}

static void test_fs_open_without_create(void **state)
{
    fixture *f = *state;
    gc_root *other = NULL;
    char *missing = below(f, "missing"), *file = below(f, "root/file");
    expect_err(GC_ENOENT, gc_root_open(missing, false, &other, &f->info));
    must_ok(put(f, "file", "x"));
    expect_err(GC_EIO, gc_root_open(file, true, &other, &f->info));
    expect_err(GC_ENOENT, gc_root_open("", true, &other, &f->info));
    assert_null(other);
    free(missing);
    free(file);
}

static void test_fs_failed_write_leaves_nothing(void **state)
{
    expect_full_leaves_nothing(*state);
}

static void test_fs_full_disk(void **state)
{
    fixture *f = *state;
    if (mount("none", gc_root_path(f->root), "tmpfs", 0, "size=16k") != 0)
        skip(); /* needs the right to mount */
    gc_root *disk = NULL;
    char *text = gc_xcalloc(1, 100000);
    gc_err err = gc_root_open(gc_root_path(f->root), false, &disk, &f->info);
    if (!err)
        err = gc_root_write(disk, "x", text, 100000, &f->info);
    gc_root_close(&disk);
    int left = entries(f, "root");
    umount(gc_root_path(f->root));
    free(text);
    expect_err(GC_EFULL, err);
    assert_int_equal(left, 0);
}

static void test_fs_files_that_users_name(void **state)
{
    fixture *f = *state;
    gc_buf buf;
    gc_buf_init(&buf, 100);
    char *path = below(f, "metrics.json"), *missing = below(f, "no/metrics.json");
    must_ok(gc_write_file(path, "{}", 2, &f->info));
    must_ok(gc_write_file(path, "[1]", 3, &f->info));
    must_ok(gc_read_file(path, &buf, &f->info));
    assert_string_equal(buf.ptr, "[1]");
    expect_err(GC_ENOENT, gc_write_file(missing, "", 0, &f->info));
    must_ok(gc_can_write_file(path, &f->info));
    must_ok(gc_can_write_file("new.json", &f->info));
    must_ok(gc_can_write_file("/dev/null", &f->info));
    expect_err(GC_ENOENT, gc_can_write_file(missing, &f->info));
    expect_err(GC_ESTATE, gc_can_write_file(f->dir, &f->info));
    expect_err(GC_ESTATE, gc_write_file(f->dir, "", 0, &f->info));
    gc_buf_reset(&buf);
    expect_err(GC_ENOENT, gc_read_file(missing, &buf, &f->info));
    expect_err(GC_EIO, gc_read_file(f->dir, &buf, &f->info));
    buf.limit = 2;
    expect_err(GC_ETOOBIG, gc_read_file(path, &buf, &f->info));
    assert_int_equal(buf.len, 0);
    gc_buf_release(&buf);
    free(path);
    free(missing);
}

static void test_fs_user_links_and_devices_are_followed(void **state)
{
    fixture *f = *state;
    struct stat st;
    char *link = below(f, "link"), *target = below(f, "outside/target");
    must_ok(gc_write_file(target, "a", 1, &f->info));
    make_link(f, "outside/target", "link");
    must_ok(gc_write_file(link, "b", 1, &f->info));
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    char *text = must_read(target);
    assert_string_equal(text, "b");
    must_ok(gc_write_file("/dev/null", "b", 1, &f->info));
    free(text);
    free(link);
    free(target);
}

static void test_fs_stamps_tell_files_apart(void **state)
{
    fixture *f = *state;
    gc_stamp before, after, read;
    gc_stamper stamper;
    gc_sha sha;
    must_ok(put(f, "a/one", "1"));
    must_ok(put(f, "a/two", "2"));
    gc_stamper_init(&stamper, f->root);
    must_ok(gc_stamper_look(&stamper, "a/one", &before));
    must_ok(gc_root_sha_stamped(f->root, "a/one", &sha, &read, &f->info));
    assert_true(gc_stamp_equal(&before, &read));
    must_ok(gc_stamper_look(&stamper, "a/two", &after));
    assert_false(gc_stamp_equal(&before, &after));
    must_ok(put(f, "a/one", "3")); /* the same length, another file */
    must_ok(gc_stamper_look(&stamper, "a/one", &after));
    assert_false(gc_stamp_equal(&before, &after));
    expect_err(GC_ENOENT, gc_stamper_look(&stamper, "a/none", &after));
    expect_err(GC_ENOENT, gc_stamper_look(&stamper, "none/x", &after));
    expect_err(GC_ENOENT, gc_stamper_look(&stamper, "a/one/x", &after));
    expect_err(GC_ESTATE, gc_stamper_look(&stamper, "a", &after));
    expect_err(GC_EINVAL, gc_stamper_look(&stamper, "../outside", &after));
    gc_stamper_release(&stamper);
}

static void test_fs_stamps_follow_no_link(void **state)
{
    fixture *f = *state;
    gc_stamp stamp;
    gc_stamper stamper;
    char *link = below(f, "root/link"), *folder = below(f, "root/away");
    must_ok(put(f, "one", "1"));
    assert_int_equal(symlink("one", link), 0);
    assert_int_equal(symlink("../outside", folder), 0);
    gc_stamper_init(&stamper, f->root);
    expect_err(GC_ESTATE, gc_stamper_look(&stamper, "link", &stamp));
    assert_int_not_equal(GC_OK, gc_stamper_look(&stamper, "away/x", &stamp));
    gc_stamper_release(&stamper);
    free(link);
    free(folder);
}

static void test_fs_cache_files_are_whole(void **state)
{
    fixture *f = *state;
    gc_sha sha, raw_sha;
    unsigned char raw[GC_SHA_RAW];
    must_ok(gc_root_write_cache(f->root, "c/seen", "one", 3, &f->info));
    must_ok(gc_root_write_cache(f->root, "c/seen", "other", 5, &f->info));
    expect_content(f, "c/seen", "other");
    assert_int_equal(entries(f, "root/c"), 1);
    char *path = below(f, "root/c/seen");
    must_ok(gc_file_sha(path, 5, &sha));
    assert_string_equal(sha.hex, gc_sha256("other", 5).hex);
    expect_err(GC_ETOOBIG, gc_file_sha(path, 4, &sha));
    expect_err(GC_ESTATE, gc_file_sha(f->dir, 4, &sha));
    assert_true(gc_sha_raw(sha.hex, raw));
    raw_sha = gc_sha_of_raw(raw);
    assert_string_equal(raw_sha.hex, sha.hex);
    sha.hex[63] = 'G';
    assert_false(gc_sha_raw(sha.hex, raw));
    assert_false(gc_sha_raw("", raw));
    free(path);
}

static void test_fs_writes_many_at_once(void **state)
{
    expect_many(*state);
}

static void test_fs_writes_more_than_it_holds_open(void **state)
{
    fixture *f = *state;
    gc_root_file files[300];
    char *paths[300];
    for (size_t i = 0; i < 300; i++) {
        paths[i] = gc_xasprintf("p%zu/f%zu", i / 7, i);
        files[i] = (gc_root_file){ paths[i], paths[i], strlen(paths[i]), .err = GC_EIO };
    }
    must_ok(gc_root_write_all(f->root, files, 300));
    for (size_t i = 0; i < 300; i++) {
        must_ok(files[i].err);
        expect_content(f, paths[i], paths[i]);
        free(paths[i]);
    }
}

static void test_fs_many_leave_alone_what_changed(void **state)
{
    fixture *f = *state;
    gc_stamp seen = { 0 }, none = { 0 };
    gc_sha sha;
    must_ok(put(f, "same", "1"));
    must_ok(gc_root_sha_stamped(f->root, "same", &sha, &seen, &f->info));
    must_ok(put(f, "new", "by somebody else"));
    gc_root_file files[] = { { "same", "2", 1, .was = &seen },
                             { "new", "mine", 4, .was = &none },
                             { "absent", "mine", 4, .was = &none } };
    expect_err(GC_EAGAIN, gc_root_write_all(f->root, files, 3));
    assert_int_equal(files[1].err, GC_EAGAIN);
    expect_content(f, "same", "2");
    expect_content(f, "new", "by somebody else");
    expect_content(f, "absent", "mine");
    assert_int_equal(entries(f, "root"), 3);
    expect_err(GC_EAGAIN, gc_root_write_all(f->root, files, 1));
    expect_content(f, "same", "2");
}

static void test_fs_many_on_a_full_disk(void **state)
{
    fixture *f = *state;
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){ .rlim_cur = 4096, .rlim_max = old.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    char *text = gc_xcalloc(1, 10000);
    gc_root_file files[] = { { "fits", text, 10, .was = NULL },
                             { "large", text, 10000, .was = NULL } };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    gc_err err = gc_root_write_all(f->root, files, 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    free(text);
    expect_err(GC_EFULL, err);
    must_ok(files[0].err);
    assert_int_equal(entries(f, "root"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fs_paths_that_are_safe),
        TEST(test_fs_writes_reads_and_replaces),
        TEST(test_fs_replacing_keeps_the_mode),
        TEST(test_fs_replaces_by_a_new_file),
        TEST(test_fs_refuses_unsafe_paths),
        TEST(test_fs_links_are_in_the_way),
        TEST(test_fs_same_by_other_ways),
        TEST(test_fs_other_kinds_are_in_the_way),
        TEST(test_fs_absent_files),
        TEST(test_fs_read_has_a_limit),
        TEST(test_fs_sha_is_that_of_the_content),
        TEST(test_fs_stamps_tell_files_apart),
        TEST(test_fs_stamps_follow_no_link),
        TEST(test_fs_cache_files_are_whole),
        TEST(test_fs_remove_takes_empty_folders_along),
        TEST(test_fs_lock_is_exclusive_until_close),
        TEST(test_fs_open_without_create),
        TEST(test_fs_failed_write_leaves_nothing),
        TEST(test_fs_full_disk),
        TEST(test_fs_writes_many_at_once),
        TEST(test_fs_writes_more_than_it_holds_open),
        TEST(test_fs_many_leave_alone_what_changed),
        TEST(test_fs_many_on_a_full_disk),
        TEST(test_fs_files_that_users_name),
        TEST(test_fs_user_links_and_devices_are_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
