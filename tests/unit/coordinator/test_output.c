#include "coordinator/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "coordinator/ahead.h"
#include "support/must.h"

#define STATE ".gocreator/state.json"
#define PATH "internal/a/a.go"
#define GO_TEXT "package a\n\nfunc F() int {\n\treturn 1\n}\n"
#define GO_BODY_CHANGED "package a\n\nfunc F() int {\n\treturn 2\n}\n"
#define GO_API_CHANGED "package a\n\nfunc F() string {\n\treturn \"\"\n}\n"

#define BASE "package a\n\nconst A = 1\n\nconst B = 1\n\nconst C = 1\n"
#define MINE "package a\n\nconst A = 2\n\nconst B = 1\n\nconst C = 1\n"
#define NEWER "package a\n\nconst A = 1\n\nconst B = 1\n\nconst C = 3\n"
#define BOTH "package a\n\nconst A = 2\n\nconst B = 1\n\nconst C = 3\n"

typedef struct fixture {
    char *dir;
    gc_output *output;
} fixture;

static fixture f;

static void open_output(void)
{
    gc_output_close(&f.output);
    must_ok(gc_output_open(f.dir, STATE, true, &f.output, NULL));
}

static int set_up(void **state)
{
    (void)state;
    char *parent = must_temp_dir();
    f = (fixture){ .dir = gc_xasprintf("%s/out", parent) };
    free(parent);
    open_output();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gc_output_close(&f.output);
    *strrchr(f.dir, '/') = '\0';
    must_remove_tree(f.dir);
    free(f.dir);
    return 0;
}

static gc_sha sha_of(const char *text)
{
    return gc_sha256(text, strlen(text));
}

static char *text_at(const char *path)
{
    char *full = gc_xasprintf("%s/%s", f.dir, path), *text = must_read(full);
    free(full);
    return text;
}

static void expect_text(const char *path, const char *want)
{
    char *text = text_at(path);
    assert_string_equal(text, want);
    free(text);
}

static bool exists(const char *path)
{
    char *full = gc_xasprintf("%s/%s", f.dir, path);
    bool there = access(full, F_OK) == 0;
    free(full);
    return there;
}

static void edit(const char *path, const char *text)
{
    must_ok(gc_root_write(gc_output_root(f.output), path, text, strlen(text), NULL));
}

static gc_put put(const char *text, const char *base, gc_action action,
                  gc_on_edit on_edit)
{
    gc_put_file one = { .action = action };
    one.made = (gc_made){ .path = PATH,
                          .mem = text,
                          .len = strlen(text),
                          .fingerprint = sha_of("inputs"),
                          .how = "llm",
                          .sources = "A",
                          .base = base,
                          .base_len = base ? strlen(base) : 0 };
    must_ok(gc_output_put_all(f.output, &one, 1, on_edit));
    return one.put;
}

static gc_put make(const char *text)
{
    return put(text, NULL, GC_MAKE, GC_EDIT_KEEP);
}

static const gc_state_file *entry(void)
{
    const gc_state_file *e = gc_state_find(gc_output_state(f.output), PATH);
    assert_non_null(e);
    return e;
}

/* ---- opening ---- */

static void test_output_makes_its_folder(void **state)
{
    (void)state;
    char *ignore = text_at(".gocreator/.gitignore");
    assert_true(strncmp(ignore, "*\n", 2) == 0);
    assert_non_null(strstr(ignore, "\n!state.json\n"));
    free(ignore);
    assert_false(exists(STATE)); /* nothing made yet */
}

static void test_output_is_locked(void **state)
{
    (void)state;
    gc_output *second = NULL;
    gc_errinfo info = { 0 };
    expect_err(GC_EEXIST, gc_output_open(f.dir, STATE, true, &second, &info));
    assert_non_null(strstr(info.text, "another coordinator"));
    assert_non_null(strstr(info.text, f.dir));
    must_ok(gc_output_peek(f.dir, STATE, true, &second, NULL)); /* looking is allowed */
    gc_output_close(&second);
    gc_output_close(&f.output);
    open_output();
}

static void test_output_peek_touches_nothing(void **state)
{
    (void)state;
    gc_output *peek = NULL;
    gc_tree_file tree;
    gc_sha api;
    char *dir = gc_xasprintf("%s/missing", f.dir);
    must_ok(gc_output_peek(dir, STATE, true, &peek, NULL));
    assert_null(gc_output_root(peek));
    must_ok(gc_output_look(peek, PATH, NULL, &tree, NULL));
    assert_false(tree.exists);
    expect_err(GC_ENOENT, gc_output_api(peek, PATH, &api, NULL));
    gc_output_close(&peek);
    assert_int_not_equal(access(dir, F_OK), 0);
    free(dir);
}

static void expect_look(gc_output *output, const char *text)
{
    gc_tree_file tree;
    must_ok(gc_output_look(output, PATH, NULL, &tree, NULL));
    assert_string_equal(tree.sha.hex, sha_of(text).hex);
}

/* What a thread saw counts for the first who asks, as long as the state stands. */
static void test_output_looks_ahead(void **state)
{
    (void)state;
    gc_output *ahead = NULL;
    gc_ahead *thread = NULL;
    make(GO_TEXT);
    must_ok(gc_output_save(f.output, NULL));
    thread = gc_ahead_start(f.dir, STATE, true, true);
    must_ok(gc_ahead_take(&thread, &ahead, NULL));
    assert_null(thread);
    edit(PATH, GO_BODY_CHANGED);
    expect_look(ahead, GO_TEXT);
    expect_look(ahead, GO_BODY_CHANGED);
    gc_output_close(&ahead);

    thread = gc_ahead_start(f.dir, STATE, true, true);
    must_ok(gc_ahead_take(&thread, &ahead, NULL));
    put(GO_API_CHANGED, NULL, GC_MAKE, GC_EDIT_OVERWRITE);
    must_ok(gc_output_save(f.output, NULL));
    gc_output_close(&f.output); /* frees the lock */
    f.output = ahead;
    must_ok(gc_output_begin(f.output, f.dir, NULL));
    expect_look(f.output, GO_API_CHANGED);
    assert_string_equal(entry()->sha256, sha_of(GO_API_CHANGED).hex);

    thread = gc_ahead_start("/nonexistent/output", STATE, true, false);
    gc_ahead_destroy(&thread);
    gc_ahead_destroy(&thread);
}

static void test_output_keeps_its_state(void **state)
{
    (void)state;
    make(GO_TEXT);
    gc_sha api = sha_of(entry()->api);
    must_ok(gc_output_save(f.output, NULL));
    open_output();
    assert_string_equal(entry()->sha256, sha_of(GO_TEXT).hex);
    assert_string_equal(entry()->fingerprint, sha_of("inputs").hex);
    assert_string_equal(entry()->how, "llm");
    assert_string_equal(entry()->sources, "A");
    assert_string_equal(sha_of(entry()->api).hex, api.hex);
    gc_output_close(&f.output);
    must_ok(gc_output_open(f.dir, STATE, false, &f.output, NULL)); /* not asked for */
    assert_null(gc_state_find(gc_output_state(f.output), PATH));
}

static void test_output_names_a_damaged_state(void **state)
{
    (void)state;
    gc_errinfo info = { 0 };
    edit(STATE, "{ not json");
    gc_output_close(&f.output);
    expect_err(GC_EPROTO, gc_output_open(f.dir, STATE, true, &f.output, &info));
    assert_non_null(strstr(info.text, STATE));
    assert_non_null(strstr(info.text, "remove it to start afresh"));
    expect_err(GC_EPROTO, gc_output_peek(f.dir, STATE, true, &f.output, &info));
    must_ok(
        gc_output_open(f.dir, STATE, false, &f.output, NULL)); /* state is not asked */
}

static void test_output_of_a_newer_program(void **state)
{
    (void)state;
    gc_errinfo info = { 0 };
    edit(STATE, "{\"schema\":99,\"files\":{}}");
    gc_output_close(&f.output);
    expect_err(GC_ESTATE, gc_output_open(f.dir, STATE, true, &f.output, &info));
    assert_non_null(strstr(info.text, "newer version"));
    assert_null(strstr(info.text, "damaged"));
    must_ok(gc_output_open(f.dir, STATE, false, &f.output, NULL));
}

/* The state of a branch on which `path` has `text`, as git would set it into a conflict. */
static char *side(const char *path, const char *text)
{
    gc_state s;
    gc_buf out;
    gc_buf_init(&out, 1 << 20);
    gc_state_init(&s);
    gc_state_file *file = gc_state_require(&s, path);
    memcpy(file->sha256, sha_of(text).hex, sizeof file->sha256);
    gc_state_print(&s, &out);
    gc_state_release(&s);
    return gc_buf_take(&out);
}

/* Of the two the one counts whose text stands there; a file that one knows is known. */
static void test_output_takes_both_sides_of_a_merge(void **state)
{
    (void)state;
    const char *const order[][2] = { { GO_TEXT, GO_API_CHANGED },
                                     { GO_API_CHANGED, GO_TEXT } };
    for (size_t i = 0; i < 2; i++) {
        char *ours = side(PATH, order[i][0]), *theirs = side(PATH, order[i][1]);
        char *both =
            gc_xasprintf("<<<<<<< HEAD\n%s=======\n%s>>>>>>> branch\n", ours, theirs);
        edit(PATH, GO_API_CHANGED);
        edit(STATE, both);
        open_output();
        assert_true(gc_output_state_merged(f.output));
        assert_string_equal(entry()->sha256, sha_of(GO_API_CHANGED).hex);
        must_ok(gc_output_save(f.output, NULL));
        open_output();
        assert_false(gc_output_state_merged(f.output));
        assert_string_equal(entry()->sha256, sha_of(GO_API_CHANGED).hex);
        free(ours);
        free(theirs);
        free(both);
    }
}

#define CRLF_TEXT "package a\r\n\r\nfunc F() int {\r\n\treturn 1\r\n}\r\n"

/* A checkout with CR LF is no edit; lines that differ, or ends of some, are. */
static void test_output_sees_through_crlf(void **state)
{
    (void)state;
    make(GO_TEXT);
    edit(PATH, CRLF_TEXT);
    expect_look(f.output, GO_TEXT);
    assert_int_equal(make(GO_TEXT), GC_PUT_SAME);
    expect_text(PATH, CRLF_TEXT);
    expect_look(f.output, GO_TEXT);
    assert_int_equal(make(GO_BODY_CHANGED), GC_PUT_WRITTEN);
    expect_text(PATH, GO_BODY_CHANGED);
    edit(PATH, CRLF_TEXT);
    expect_look(f.output, CRLF_TEXT); /* of another text than the state has */
    make(GO_BODY_CHANGED);
    edit(PATH, "package a\r\n\nfunc F() int {\n\treturn 2\n}\n");
    expect_look(f.output, "package a\r\n\nfunc F() int {\n\treturn 2\n}\n");
}

/* ---- looking ---- */

static void test_output_looks_at_the_tree(void **state)
{
    (void)state;
    gc_tree_file tree;
    must_ok(gc_output_look(f.output, PATH, NULL, &tree, NULL));
    assert_false(tree.exists);
    edit(PATH, GO_TEXT);
    must_ok(gc_output_look(f.output, PATH, NULL, &tree, NULL));
    assert_true(tree.exists);
    assert_false(tree.ours);
    assert_string_equal(tree.sha.hex, sha_of(GO_TEXT).hex);
    gc_map *ours = gc_map_new();
    gc_map_set(ours, tree.sha.hex, ours);
    must_ok(gc_output_look(f.output, PATH, ours, &tree, NULL));
    assert_true(tree.ours);
    gc_map_destroy(&ours);
}

static void test_output_api_survives_a_changed_body(void **state)
{
    (void)state;
    gc_sha first, second, third, text;
    edit(PATH, GO_TEXT);
    must_ok(gc_output_api(f.output, PATH, &first, NULL));
    edit(PATH, GO_BODY_CHANGED);
    must_ok(gc_output_api(f.output, PATH, &second, NULL));
    edit(PATH, GO_API_CHANGED);
    must_ok(gc_output_api(f.output, PATH, &third, NULL));
    assert_string_equal(first.hex, second.hex);
    assert_string_not_equal(first.hex, third.hex);
    edit("notes.md", "text");
    must_ok(gc_output_api(f.output, "notes.md", &text, NULL));
    assert_string_equal(text.hex, sha_of("text").hex); /* no Go: every change counts */
}

/* ---- writing ---- */

static void test_output_writes_and_records(void **state)
{
    (void)state;
    assert_int_equal(make(GO_TEXT), GC_PUT_WRITTEN);
    expect_text(PATH, GO_TEXT);
    assert_false(entry()->kept);
    assert_int_equal(make(GO_BODY_CHANGED), GC_PUT_WRITTEN);
    expect_text(PATH, GO_BODY_CHANGED);
    assert_string_equal(entry()->sha256, sha_of(GO_BODY_CHANGED).hex);
}

static void test_output_does_not_rewrite_the_same(void **state)
{
    (void)state;
    struct stat before, after;
    char *full = gc_xasprintf("%s/%s", f.dir, PATH);
    make(GO_TEXT);
    assert_int_equal(stat(full, &before), 0);
    assert_int_equal(make(GO_TEXT), GC_PUT_SAME);
    assert_int_equal(stat(full, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); /* a write is a rename */
    free(full);
}

static void test_output_keeps_an_edit(void **state)
{
    (void)state;
    make(GO_TEXT);
    edit(PATH, GO_API_CHANGED);
    assert_int_equal(put(GO_BODY_CHANGED, NULL, GC_MAKE_BESIDE, GC_EDIT_KEEP),
                     GC_PUT_BESIDE);
    expect_text(PATH, GO_API_CHANGED);
    expect_text(PATH ".gc-new", GO_BODY_CHANGED);
    assert_true(entry()->kept);
    assert_string_equal(entry()->kept_sha, sha_of(GO_API_CHANGED).hex);
    assert_string_equal(entry()->sha256, sha_of(GO_BODY_CHANGED).hex);
    gc_sha api; /* dependents see the surface of the edit */
    must_ok(gc_output_api(f.output, PATH, &api, NULL));
    assert_string_equal(entry()->api, api.hex);
}

/* Generation takes its time; what the user saves in between is as good as any edit. */
static void test_output_keeps_an_edit_made_meanwhile(void **state)
{
    (void)state;
    gc_tree_file tree;
    make(GO_TEXT);
    must_ok(gc_output_look(f.output, PATH, NULL, &tree, NULL));
    edit(PATH, GO_API_CHANGED);
    assert_int_equal(make(GO_BODY_CHANGED), GC_PUT_BESIDE);
    expect_text(PATH, GO_API_CHANGED);
    expect_text(PATH ".gc-new", GO_BODY_CHANGED);
}

static void test_output_keeps_a_file_that_came_meanwhile(void **state)
{
    (void)state;
    gc_tree_file tree;
    must_ok(gc_output_look(f.output, PATH, NULL, &tree, NULL));
    edit(PATH, MINE);
    assert_int_equal(make(GO_TEXT), GC_PUT_BESIDE);
    expect_text(PATH, MINE);
    must_ok(gc_output_look(f.output, PATH, NULL, &tree, NULL)); /* looked at again */
    assert_int_equal(make(GO_TEXT), GC_PUT_WRITTEN);
}

static gc_put_file wanted(const char *path, const char *text)
{
    return (gc_put_file){ .made = { .path = path,
                                    .mem = text,
                                    .len = strlen(text),
                                    .fingerprint = sha_of("inputs"),
                                    .how = "llm",
                                    .sources = "A" },
                          .action = GC_MAKE };
}

static void test_output_puts_many_each_as_it_is_due(void **state)
{
    (void)state;
    gc_tree_file tree;
    make(GO_TEXT);
    must_ok(gc_output_look(f.output, "edited.go", NULL, &tree, NULL));
    edit("edited.go", MINE);
    gc_put_file files[] = { wanted("new/a.go", GO_TEXT), wanted(PATH, GO_TEXT),
                            wanted("edited.go", GO_TEXT), wanted("../out.go", GO_TEXT),
                            wanted("new/b.go", GO_TEXT) };
    expect_err(GC_EINVAL, gc_output_put_all(f.output, files, 5, GC_EDIT_KEEP));
    static const gc_put put_as[] = { GC_PUT_WRITTEN, GC_PUT_SAME, GC_PUT_BESIDE, 0,
                                     GC_PUT_WRITTEN };
    for (size_t i = 0; i < 5; i++) {
        if (i == 3)
            continue;
        must_ok(files[i].err);
        assert_int_equal(files[i].put, put_as[i]);
        assert_non_null(gc_state_find(gc_output_state(f.output), files[i].made.path));
    }
    expect_err(GC_EINVAL, files[3].err);
    assert_non_null(strstr(files[3].info.text, "../out.go"));
    assert_null(gc_state_find(gc_output_state(f.output), "../out.go"));
    expect_text("new/a.go", GO_TEXT);
    expect_text("new/b.go", GO_TEXT);
    expect_text("edited.go", MINE);
    expect_text("edited.go.gc-new", GO_TEXT);
}

static void test_output_overwrites_an_edit_if_told(void **state)
{
    (void)state;
    make(GO_TEXT);
    edit(PATH, GO_API_CHANGED);
    assert_int_equal(put(GO_BODY_CHANGED, NULL, GC_MAKE_BESIDE, GC_EDIT_OVERWRITE),
                     GC_PUT_WRITTEN);
    expect_text(PATH, GO_BODY_CHANGED);
    assert_false(exists(PATH ".gc-new"));
    assert_false(entry()->kept);
}

static void test_output_merges_an_edit(void **state)
{
    (void)state;
    make(BASE);
    edit(PATH, MINE);
    assert_int_equal(put(NEWER, BASE, GC_MAKE_BESIDE, GC_EDIT_MERGE), GC_PUT_MERGED);
    expect_text(PATH, BOTH);
    assert_false(exists(PATH ".gc-new"));
    assert_true(entry()->kept);
    assert_string_equal(entry()->kept_sha, sha_of(BOTH).hex);
}

/* Twice newer text went beside the edit: what it started from is still the first one. */
static void test_output_remembers_what_an_edit_started_from(void **state)
{
    (void)state;
    make(BASE);
    edit(PATH, MINE);
    put(GO_TEXT, NULL, GC_MAKE_BESIDE, GC_EDIT_KEEP);
    assert_string_equal(gc_state_base(entry()), sha_of(BASE).hex);
    put(NEWER, NULL, GC_MAKE_BESIDE, GC_EDIT_KEEP);
    assert_string_equal(gc_state_base(entry()), sha_of(BASE).hex);
    assert_int_equal(put(NEWER, BASE, GC_MAKE_BESIDE, GC_EDIT_MERGE), GC_PUT_MERGED);
    expect_text(PATH, BOTH);
    assert_string_equal(gc_state_base(entry()), sha_of(NEWER).hex);
    assert_false(exists(PATH ".gc-new")); /* it has its place now */
}

static void test_output_drops_no_text_that_the_user_changed(void **state)
{
    (void)state;
    make(BASE);
    edit(PATH, MINE);
    put(NEWER, NULL, GC_MAKE_BESIDE, GC_EDIT_KEEP);
    edit(PATH ".gc-new", BOTH);
    assert_int_equal(put(NEWER, NULL, GC_MAKE_BESIDE, GC_EDIT_OVERWRITE), GC_PUT_WRITTEN);
    expect_text(PATH ".gc-new", BOTH);
}

static void test_output_does_not_merge_what_conflicts(void **state)
{
    (void)state;
    make(BASE);
    edit(PATH, "package a\n\nconst A = 1\n\nconst B = 1\n\nconst C = 2\n");
    assert_int_equal(put(NEWER, BASE, GC_MAKE_BESIDE, GC_EDIT_MERGE), GC_PUT_CONFLICT);
    expect_text(PATH, "package a\n\nconst A = 1\n\nconst B = 1\n\nconst C = 2\n");
    expect_text(PATH ".gc-new", NEWER);
    assert_true(entry()->conflict);
}

static void test_output_forgets_a_conflict_that_is_over(void **state)
{
    (void)state;
    gc_sha fingerprint = sha_of("inputs");
    make(BASE);
    edit(PATH, "package a\n\nconst A = 1\n\nconst B = 1\n\nconst C = 2\n");
    put(NEWER, BASE, GC_MAKE_BESIDE, GC_EDIT_MERGE);
    must_ok(gc_output_keep(f.output, PATH, &fingerprint, NULL));
    assert_true(entry()->conflict);
    edit(PATH, MINE); /* another edit may fit */
    must_ok(gc_output_keep(f.output, PATH, &fingerprint, NULL));
    assert_false(entry()->conflict);
    edit(PATH, "package a\n\nconst A = 1\n\nconst B = 1\n\nconst C = 2\n");
    put(NEWER, BASE, GC_MAKE_BESIDE, GC_EDIT_MERGE);
    assert_true(entry()->conflict);
    put(BOTH, BASE, GC_MAKE_BESIDE, GC_EDIT_KEEP); /* nobody tried to merge this one */
    assert_false(entry()->conflict);
}

static void test_output_does_not_merge_without_a_base(void **state)
{
    (void)state;
    edit(PATH, MINE);
    assert_int_equal(put(NEWER, NULL, GC_MAKE_BESIDE, GC_EDIT_MERGE), GC_PUT_CONFLICT);
    expect_text(PATH, MINE);
    expect_text(PATH ".gc-new", NEWER);
}

static void test_output_accepts_an_edit(void **state)
{
    (void)state;
    make(GO_TEXT);
    edit(PATH, GO_API_CHANGED);
    gc_sha fingerprint = sha_of("inputs"), api;
    must_ok(gc_output_keep(f.output, PATH, &fingerprint, NULL));
    assert_true(entry()->kept);
    assert_string_equal(entry()->kept_sha, sha_of(GO_API_CHANGED).hex);
    assert_string_equal(entry()->sha256, sha_of(GO_TEXT).hex);
    must_ok(gc_output_api(f.output, PATH, &api, NULL));
    assert_string_equal(entry()->api, api.hex);
    expect_err(GC_ENOENT, gc_output_keep(f.output, "missing.go", &fingerprint, NULL));
}

static void test_output_removes(void **state)
{
    (void)state;
    make(GO_TEXT);
    must_ok(gc_output_remove(f.output, PATH, NULL));
    assert_false(exists("internal"));
    assert_null(gc_state_find(gc_output_state(f.output), PATH));
    must_ok(gc_output_remove(f.output, PATH, NULL)); /* gone already */
}

static void test_output_writes_nothing_outside(void **state)
{
    (void)state;
    static const char *const paths[] = { "../a.go", "/tmp/a.go", ".git/config",
                                         "a/../../b" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        gc_put_file one = { .action = GC_MAKE };
        one.made = (gc_made){
            .path = paths[i], .mem = "x", .len = 1, .how = "llm", .sources = ""
        };
        assert_true(gc_output_put_all(f.output, &one, 1, GC_EDIT_KEEP) != GC_OK);
        assert_null(gc_state_find(gc_output_state(f.output), paths[i]));
    }
}

/* ---- after a run that never ended ---- */

static bool is_known(void)
{
    return gc_state_find(gc_output_state(f.output), PATH) != NULL;
}

static void save_checkpoint(const char *path, const char *text)
{
    gc_state found;
    gc_buf out;
    gc_state_init(&found);
    gc_state_file *file = gc_state_require(&found, path);
    memcpy(file->sha256, sha_of(text).hex, sizeof file->sha256);
    memcpy(file->fingerprint, sha_of("inputs").hex, sizeof file->fingerprint);
    gc_buf_init(&out, 100000);
    gc_state_print(&found, &out);
    edit("checkpoint", out.ptr);
    gc_buf_release(&out);
    gc_state_release(&found);
}

static void test_output_recovers_what_stands_there(void **state)
{
    (void)state;
    expect_err(GC_ENOENT, gc_output_recover(f.output, "checkpoint", NULL));
    save_checkpoint(PATH, GO_TEXT);
    must_ok(gc_output_recover(f.output, "checkpoint", NULL));
    assert_false(is_known()); /* it was killed before it wrote the file */
    edit(PATH, "an edit");
    must_ok(gc_output_recover(f.output, "checkpoint", NULL));
    assert_false(is_known());
    edit(PATH, GO_TEXT);
    must_ok(gc_output_recover(f.output, "checkpoint", NULL));
    assert_string_equal(entry()->sha256, sha_of(GO_TEXT).hex);
    assert_string_equal(entry()->fingerprint, sha_of("inputs").hex);
    edit("checkpoint", "no state");
    expect_err(GC_EPROTO, gc_output_recover(f.output, "checkpoint", NULL));
}

static void test_output_adopts_what_stands_there(void **state)
{
    (void)state;
    gc_output_adopt(f.output, PATH, sha_of(GO_TEXT).hex);
    assert_false(is_known());
    edit(PATH, GO_TEXT);
    gc_output_adopt(f.output, PATH, sha_of("another").hex);
    assert_false(is_known());
    gc_output_adopt(f.output, PATH, sha_of(GO_TEXT).hex);
    assert_string_equal(entry()->sha256, sha_of(GO_TEXT).hex);
    make(GO_BODY_CHANGED);
    edit(PATH, GO_TEXT);
    gc_output_adopt(f.output, PATH, sha_of(GO_TEXT).hex); /* the state knows better */
    assert_string_equal(entry()->sha256, sha_of(GO_BODY_CHANGED).hex);
    gc_output_adopt(f.output, "../a.go", sha_of(GO_TEXT).hex);
    assert_null(gc_state_find(gc_output_state(f.output), "../a.go"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_output_makes_its_folder),
        TEST(test_output_is_locked),
        TEST(test_output_peek_touches_nothing),
        TEST(test_output_looks_ahead),
        TEST(test_output_keeps_its_state),
        TEST(test_output_names_a_damaged_state),
        TEST(test_output_takes_both_sides_of_a_merge),
        TEST(test_output_sees_through_crlf),
        TEST(test_output_of_a_newer_program),
        TEST(test_output_looks_at_the_tree),
        TEST(test_output_api_survives_a_changed_body),
        TEST(test_output_writes_and_records),
        TEST(test_output_does_not_rewrite_the_same),
        TEST(test_output_keeps_an_edit),
        TEST(test_output_keeps_an_edit_made_meanwhile),
        TEST(test_output_keeps_a_file_that_came_meanwhile),
        TEST(test_output_puts_many_each_as_it_is_due),
        TEST(test_output_overwrites_an_edit_if_told),
        TEST(test_output_merges_an_edit),
        TEST(test_output_remembers_what_an_edit_started_from),
        TEST(test_output_drops_no_text_that_the_user_changed),
        TEST(test_output_does_not_merge_what_conflicts),
        TEST(test_output_forgets_a_conflict_that_is_over),
        TEST(test_output_does_not_merge_without_a_base),
        TEST(test_output_accepts_an_edit),
        TEST(test_output_removes),
        TEST(test_output_writes_nothing_outside),
        TEST(test_output_recovers_what_stands_there),
        TEST(test_output_adopts_what_stands_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
