#include "support/must.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"

void must_equal_err(gc_err want, gc_err got, const char *call, const char *file, int line)
{
    if (want == got)
        return;
    print_error("%s:%d: %s: wanted \"%s\", got \"%s\"\n", file, line, call,
                gc_err_str(want), gc_err_str(got));
    _fail(file, line);
}

char *must_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    gc_buf buf;
    gc_buf_init(&buf, (size_t)64 << 20);
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
        must_ok(gc_buf_append(&buf, chunk, n));
    fclose(file);
    return gc_buf_take(&buf);
}

char *must_temp_dir(void)
{
    const char *base = getenv("TMPDIR");
    char *name = gc_xasprintf("%s/gc-test-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(name));
    return name;
}

static int remove_entry(const char *path, const struct stat *st, int kind,
                        struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void must_remove_tree(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
