/* The parser reads all of Go's own source, where a toolchain is present. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "common/mem.h"
#include "common/text.h"
#include "support/must.h"

static size_t files, failures;

static int read_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    gc_errinfo info = { 0 };
    gc_buf api;
    (void)ftw;
    (void)st;
    if (kind != FTW_F || !gc_ends_with(path, ".go") || strstr(path, "/testdata/"))
        return 0;
    char *text = must_read(path);
    gc_buf_init(&api, (size_t)64 << 20);
    files++;
    if (gc_go_api(text, strlen(text), &api, &info)) {
        failures++;
        if (failures < 20)
            print_error("%s: %s\n", path, info.text);
    }
    gc_buf_release(&api);
    free(text);
    return 0;
}

static void test_gosrc_reads_the_standard_library(void **state)
{
    char root[4096] = "";
    FILE *pipe = popen("go env GOROOT 2>/dev/null", "r");
    (void)state;
    if (pipe) {
        if (fgets(root, sizeof root - 8, pipe))
            root[strcspn(root, "\n")] = '\0';
        pclose(pipe);
    }
    if (!*root)
        skip();
    char *src = gc_xasprintf("%s/src", root);
    nftw(src, read_one, 32, FTW_PHYS);
    free(src);
    print_message("%zu files of Go's own source\n", files);
    assert_true(files > 1000);
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gosrc_reads_the_standard_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
