/* Go's own source tree, where a toolchain is at hand: every file is accepted, and on a
 * sample the tokens and declarations are those of Go's own scanner and parser. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "common/gosrc_ast.h"
#include "common/mem.h"
#include "common/strv.h"
#include "common/text.h"
#include "support/must.h"

#define SAMPLE 300
#define SAMPLE_BYTES 200000

/* Sanitizers make reading several times slower: there a sample does. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STRIDE 16
#else
#define STRIDE 1
#endif

static gc_strv files; /* nftw() hands no context to its visitor */

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    if (kind == FTW_D && strcmp(path + ftw->base, "testdata") == 0)
        return FTW_SKIP_SUBTREE;
    if (kind == FTW_F && gc_ends_with(path, ".go"))
        gc_strv_add(&files, path);
    return FTW_CONTINUE;
}

static int find_tree(void **state)
{
    char root[4096] = "";
    (void)state;
    FILE *pipe = popen("go env GOROOT 2>/dev/null", "r");
    if (!pipe)
        return 0;
    if (fgets(root, sizeof root - 8, pipe) && root[0] == '/') {
        memcpy(root + strcspn(root, "\n"), "/src", 5);
        nftw(root, visit, 32, FTW_PHYS | FTW_ACTIONRETVAL);
    }
    pclose(pipe);
    gc_strv_sort(&files);
    return 0;
}

static int forget_tree(void **state)
{
    (void)state;
    gc_strv_release(&files);
    return 0;
}

static void need_tree(void)
{
    if (files.count)
        return;
    print_message("no Go toolchain with its source here: skipped\n");
    skip();
}

static void test_every_file_is_accepted(void **state)
{
    size_t bad = 0;
    (void)state;
    need_tree();
    for (size_t i = 0; i < files.count; i += STRIDE) {
        gc_errinfo info;
        gc_sha sha;
        char *text = must_read(files.items[i]);
        if (gc_go_api_digest(text, strlen(text), &sha, &info)) {
            print_error("%s: %s\n", files.items[i], info.text);
            bad++;
        }
        free(text);
    }
    print_message("%zu files read\n", files.count / STRIDE);
    assert_int_equal(bad, 0);
}

/* ---- the same print as tests/support/gotree.go ---- */

static void put_tokens(const char *src, gc_buf *out)
{
    static const char *const kinds[] = { "eof",  "name", "key", "int",  "float", "imag",
                                         "rune", "str",  "op",  "semi", "note" };
    gc_go_lexer lexer;
    gc_go_token token;
    gc_go_lexer_init(&lexer, src, strlen(src), false);
    for (;;) {
        must_ok(gc_go_lexer_next(&lexer, &token, NULL));
        if (token.kind == GC_GO_EOF)
            return;
        gc_buf_puts(out, kinds[token.kind]);
        if (token.kind != GC_GO_SEMICOLON || token.len)
            gc_buf_printf(out, " %d:%d", token.line, token.column);
        if (token.len && (token.kind == GC_GO_OPERATOR || token.kind == GC_GO_SEMICOLON))
            gc_buf_printf(out, " %.*s", (int)token.len, token.text);
        gc_buf_putc(out, '\n');
    }
}

static void put_decl(const gc_go_decl *decl, gc_buf *out)
{
    static const char *const words[] = { "const", "var", "type", "func" };
    gc_buf_printf(out, "%s %d ", decl->alias ? "alias" : words[decl->kind], decl->line);
    if (decl->receiver) {
        gc_buf_printf(out, "(%s%s", decl->pointer ? "*" : "", decl->receiver);
        for (size_t i = 0; i < decl->param_names.count; i++)
            gc_buf_printf(out, "%s%s", i ? ", " : "[", decl->param_names.items[i]);
        gc_buf_puts(out, decl->param_names.count ? "])." : ").");
    }
    /* The type that a conversion gives a constant is no part of its declaration. */
    bool stated = *decl->type || decl->kind != GC_GO_CONST;
    gc_buf_printf(out, "%s%s ", decl->name, decl->params);
    for (const char *c = stated ? decl->type : "-"; *c; c++)
        gc_buf_putc(out, *c == '\n' ? ' ' : *c);
    gc_buf_putc(out, '\n');
}

static void put_decls(const char *src, gc_buf *out)
{
    static const gc_go_parse_options plain;
    gc_go_file *file = NULL;
    must_ok(gc_go_parse(src, strlen(src), &plain, &file, NULL));
    gc_buf_printf(out, "package %s\n", file->package);
    for (size_t i = 0; i < file->decl_count; i++)
        put_decl(&file->decls[i], out);
    gc_go_file_destroy(&file);
}

/* The next line of *rest without its newline, as text of its own (free() it). */
static char *take_line(const char **rest)
{
    const char *start = *rest, *end = start;
    while (*end && *end != '\n')
        end++;
    *rest = *end ? end + 1 : end;
    return gc_xmemdup(start, (size_t)(end - start));
}

/* The types of constants need not be the same: ours may come from a conversion. */
static bool same_line(const char *ours, const char *theirs)
{
    size_t len = strlen(theirs);
    if (strcmp(ours, theirs) == 0)
        return true;
    return gc_starts_with(ours, "const ") && gc_ends_with(theirs, " -") &&
           strncmp(ours, theirs, len - 1) == 0;
}

static void expect_same_lines(const char *ours, const char *theirs)
{
    char *file = gc_xstrdup("");
    while (*ours && *theirs) {
        char *a = take_line(&ours), *b = take_line(&theirs);
        if (!same_line(a, b))
            fail_msg("in %s\nours:   %s\ntheirs: %s", file, a, b);
        if (gc_starts_with(a, "file ")) {
            free(file);
            file = gc_xstrdup(a);
        }
        free(a);
        free(b);
    }
    free(file);
    assert_true(!*ours && !*theirs);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void test_a_sample_is_as_go_sees_it(void **state)
{
    gc_buf ours, list;
    (void)state;
    need_tree();
    gc_buf_init(&ours, (size_t)64 << 20);
    gc_buf_init(&list, 1 << 20);
    size_t step = files.count / SAMPLE + 1;
    for (size_t i = 0; i < files.count; i += step) {
        char *text = must_read(files.items[i]);
        if (strlen(text) <= SAMPLE_BYTES) {
            gc_buf_printf(&list, "%s\n", files.items[i]);
            gc_buf_printf(&ours, "file %s\n", files.items[i]);
            put_tokens(text, &ours);
            put_decls(text, &ours);
        }
        free(text);
    }
    char *dir = must_temp_dir();
    char *names = gc_xasprintf("%s/list", dir);
    char *result = gc_xasprintf("%s/result", dir);
    char *command =
        gc_xasprintf("cd '%s' && go run '%s/tests/support/gotree.go' '%s' > '%s'", dir,
                     GC_SOURCE_DIR, names, result);
    write_text(names, list.ptr);
    assert_int_equal(system(command), 0);
    char *theirs = must_read(result);
    expect_same_lines(ours.ptr, theirs);
    must_remove_tree(dir);
    free(theirs);
    free(command);
    free(result);
    free(names);
    free(dir);
    gc_buf_release(&ours);
    gc_buf_release(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_file_is_accepted),
        cmocka_unit_test(test_a_sample_is_as_go_sees_it),
    };
    return cmocka_run_group_tests(tests, find_tree, forget_tree);
}
