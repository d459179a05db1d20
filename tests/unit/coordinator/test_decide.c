#include "coordinator/decide.h"

#include <stdlib.h>
#include <string.h>

#include "support/must_fcs.h"

/* A plan, a state and a decider over them. Files are named by their path, their inputs and
 * texts by a word. */
static struct {
    gc_fcs *fcs;
    gc_plan *plan;
    gc_state state;
    gc_decider *decider;
} f;

static gc_sha sha_of(const char *text)
{
    return gc_sha256(text, strlen(text));
}

static void plan(const char *yaml)
{
    static const gc_plan_options options = { .max_files = 100000 };
    gc_diags diags;
    f.fcs = must_build(yaml);
    gc_diags_init(&diags, "spec");
    must_ok(gc_plan_make(f.fcs, &options, &diags, &f.plan));
    gc_diags_release(&diags);
    gc_state_init(&f.state);
}

static void open_with(gc_decide_options options)
{
    f.decider = gc_decider_new(f.plan, &f.state, options);
}

static int close_all(void **state)
{
    (void)state;
    gc_decider_destroy(&f.decider);
    gc_state_release(&f.state);
    gc_plan_destroy(&f.plan);
    gc_fcs_destroy(&f.fcs);
    return 0;
}

static gc_state_file *made(const char *path, const char *inputs, const char *text,
                           const char *api)
{
    gc_state_file *file = gc_state_require(&f.state, path);
    memcpy(file->fingerprint, sha_of(inputs).hex, sizeof file->fingerprint);
    memcpy(file->sha256, sha_of(text).hex, sizeof file->sha256);
    memcpy(file->api, sha_of(api).hex, sizeof file->api);
    return file;
}

static size_t index_of(const char *path)
{
    long file = gc_plan_find(f.plan, path);
    if (file < 0)
        fail_msg("%s is not in the plan", path);
    return (size_t)file;
}

/* NULL: nothing stands there. */
static gc_tree_file tree_with(const char *text, bool ours)
{
    gc_tree_file tree = { .exists = text != NULL, .ours = ours };
    if (text)
        tree.sha = sha_of(text);
    return tree;
}

static gc_decision decide_ours(const char *path, const char *inputs, const char *text,
                               bool ours)
{
    gc_sha fingerprint = sha_of(inputs);
    gc_tree_file tree = tree_with(text, ours);
    return gc_decider_decide(f.decider, index_of(path), &fingerprint, &tree);
}

static gc_action decide(const char *path, const char *inputs, const char *text)
{
    return decide_ours(path, inputs, text, false).action;
}

static void settle(const char *path, const char *api)
{
    gc_sha sha = sha_of(api);
    gc_decider_settle(f.decider, index_of(path), &sha);
}

/* All that can be decided now, in that order. */
static void expect_next(const char *paths)
{
    gc_buf got;
    size_t file;
    gc_buf_init(&got, 10000);
    while (gc_decider_next(f.decider, GC_BY_LLM, &file) ||
           gc_decider_next(f.decider, GC_BY_TEMPLATE, &file))
        gc_buf_printf(&got, "%s ", f.plan->files[file].path);
    assert_string_equal(got.ptr, paths);
    assert_false(gc_decider_more(f.decider));
    gc_buf_release(&got);
}

static void expect_why(const char *path, const char *want)
{
    char words[GC_WHY_SIZE];
    gc_decider_why(f.decider, index_of(path), words);
    assert_string_equal(words, want);
}

#define A "- {path: a.go, purpose: x}\n"
#define B "- {path: b.go, purpose: x, depends_on: [a.go]}\n"
#define C "- {path: c.go, purpose: x, depends_on: [b.go, a.go]}\n"

static void open_chain(gc_decide_options options)
{
    plan("name: t\nfiles:\n" A B C);
    made("a.go", "a", "text a", "api a");
    made("b.go", "b", "text b", "api b");
    made("c.go", "c", "text c", "api c");
    open_with(options);
}

/* Takes the files that depend on nothing; a.go is one of them. */
static void take_first(void)
{
    size_t file;
    bool found = false;
    while (gc_decider_next(f.decider, GC_BY_LLM, &file))
        found |= file == index_of("a.go");
    assert_true(found);
    assert_false(gc_decider_next(f.decider, GC_BY_TEMPLATE, &file));
}

static void test_decide_waits_for_real_dependencies(void **state)
{
    (void)state;
    open_chain((gc_decide_options){ .on_edit = GC_EDIT_KEEP });
    take_first();
    assert_int_equal(decide("a.go", "a2", "text a"), GC_MAKE);
    expect_why("a.go", "inputs changed");
    expect_why("b.go", "may change if the API of a.go changes");
    expect_why("c.go", "may change if the API of a.go changes");
    expect_next("");
    settle("a.go", "another api");
    assert_true(gc_decider_file(f.decider, index_of("a.go"))->api_changed);
    expect_next("b.go ");
    assert_string_equal(gc_decider_apis(f.decider, index_of("b.go"))[0].hex,
                        sha_of("another api").hex);
    assert_int_equal(decide("b.go", "b2", "text b"), GC_MAKE);
    expect_why("c.go", "may change if the API of b.go changes");
    settle("b.go", "api b");
    expect_next("c.go ");
    expect_why("b.go", "inputs changed");
}

static void test_decide_stops_where_an_api_stays(void **state)
{
    (void)state;
    open_chain((gc_decide_options){ .on_edit = GC_EDIT_KEEP });
    take_first();
    assert_int_equal(decide("a.go", "a2", "text a"), GC_MAKE);
    assert_false(gc_decider_stands(f.decider, index_of("a.go")));
    settle("a.go", "api a");
    assert_false(gc_decider_file(f.decider, index_of("a.go"))->api_changed);
    expect_next("b.go ");
    assert_int_equal(decide("b.go", "b", "text b"), GC_KEEP);
    assert_true(gc_decider_stands(f.decider, index_of("b.go")));
    settle("b.go", "api b");
    settle("b.go", "api b"); /* a second time does nothing */
    expect_next("c.go ");
    assert_int_equal(decide("c.go", "c", NULL), GC_RESTORE);
}

static void test_decide_knows_dependents(void **state)
{
    (void)state;
    open_chain((gc_decide_options){ .on_edit = GC_EDIT_KEEP });
    const size_t *list;
    assert_int_equal(gc_decider_dependents(f.decider, index_of("a.go"), &list), 2);
    assert_int_equal(list[0], index_of("b.go"));
    assert_int_equal(list[1], index_of("c.go"));
    assert_int_equal(gc_decider_dependents(f.decider, index_of("c.go"), &list), 0);
    assert_int_equal(gc_decider_waits_for(f.decider, index_of("a.go")), -1);
    assert_int_equal(gc_decider_waits_for(f.decider, index_of("b.go")), index_of("a.go"));
}

static void foresee(const char *path, const char *inputs)
{
    gc_sha fingerprint = sha_of(inputs);
    gc_decider_foresee(f.decider, index_of(path), &fingerprint);
}

static void test_decide_foresees(void **state)
{
    (void)state;
    open_chain((gc_decide_options){ .on_edit = GC_EDIT_KEEP });
    gc_state_remove(&f.state, "c.go");
    take_first();
    foresee("b.go", "b"); /* also before anything is decided */
    expect_why("b.go", "may change if the API of a.go changes");
    assert_string_equal(gc_decider_last_apis(f.decider, index_of("b.go"))[0].hex,
                        sha_of("api a").hex);
    assert_int_equal(decide("a.go", "a2", "text a"), GC_MAKE);
    foresee("a.go", "a3"); /* is decided */
    expect_why("a.go", "inputs changed");
    foresee("b.go", "b2");
    expect_why("b.go", "inputs changed, waits for a.go");
    foresee("c.go", "c");
    expect_why("c.go", "new file, waits for a.go");
    settle("a.go", "another api");
    assert_string_equal(gc_decider_last_apis(f.decider, index_of("b.go"))[0].hex,
                        sha_of("another api").hex);
    assert_int_equal(decide("b.go", "b2", "text b"), GC_MAKE);
    expect_why("b.go", "inputs changed");
}

static void test_decide_force_and_baseline(void **state)
{
    (void)state;
    open_chain((gc_decide_options){ .force = true });
    assert_int_equal(decide("a.go", "a", "text a"), GC_MAKE);
    expect_why("a.go", "asked for");
    assert_int_equal(decide("b.go", "b", "an edit"), GC_MAKE_BESIDE);
    expect_why("b.go", "asked for, and changed by hand");
    gc_decider_destroy(&f.decider);
    open_with((gc_decide_options){ .baseline = true });
    assert_int_equal(decide("a.go", "a", "text a"), GC_MAKE);
    assert_int_equal(decide_ours("b.go", "b", "text b", true).action, GC_KEEP);
}

static void test_decide_again_knowing_more(void **state)
{
    (void)state;
    open_chain((gc_decide_options){ .on_edit = GC_EDIT_KEEP, .unfinished = true });
    take_first();
    assert_true(gc_decider_doubts(f.decider));
    assert_int_equal(decide("a.go", "a", "unknown"), GC_KEEP_EDIT);
    assert_false(gc_decider_stands(f.decider, index_of("a.go")));
    expect_why("a.go", "changed by hand, or by a run that never ended");
    gc_decider_reopen(f.decider);
    assert_false(gc_decider_doubts(f.decider));
    assert_int_equal(gc_decider_file(f.decider, index_of("a.go"))->decision.action,
                     GC_PENDING);
    take_first();
    assert_int_equal(decide_ours("a.go", "a", "unknown", true).action, GC_RESTORE);
    expect_why("a.go", "left by a run that never ended");
    gc_decider_reopen(f.decider);
    take_first();
    assert_int_equal(decide("a.go", "a", "unknown"), GC_KEEP_EDIT);
    assert_true(gc_decider_stands(f.decider, index_of("a.go")));
    settle("a.go", "api a");
    gc_decider_reopen(f.decider); /* what is settled stays decided */
    assert_int_equal(gc_decider_file(f.decider, index_of("a.go"))->decision.action,
                     GC_KEEP_EDIT);
}

static void test_decide_accepted_edits_are_beyond_doubt(void **state)
{
    (void)state;
    plan("name: t\nfiles:\n" A);
    gc_state_file *file = made("a.go", "a", "text a", "api a");
    file->kept = true;
    memcpy(file->kept_sha, sha_of("an edit").hex, sizeof file->kept_sha);
    open_with((gc_decide_options){ .unfinished = true });
    assert_int_equal(decide("a.go", "a", "an edit"), GC_KEEP_EDIT);
    assert_true(gc_decider_stands(f.decider, index_of("a.go")));
}

/* A text without Go surface is its own API. */
static void test_decide_api_of_what_is_no_go(void **state)
{
    (void)state;
    plan("name: t\nfiles:\n- {path: n.md, purpose: x}\n");
    made("n.md", "n", "text", "")->api[0] = '\0';
    open_with((gc_decide_options){ .on_edit = GC_EDIT_KEEP });
    decide("n.md", "n2", "text");
    settle("n.md", "text");
    assert_false(gc_decider_file(f.decider, index_of("n.md"))->api_changed);
}

static gc_decision orphan(size_t number, const char *path, const char *text)
{
    gc_tree_file tree = tree_with(text, false);
    assert_string_equal(gc_decider_orphan(f.decider, number)->path, path);
    return gc_decider_decide_orphan(f.decider, number, &tree);
}

static void test_decide_orphans(void **state)
{
    (void)state;
    plan("name: t\nfiles:\n" A);
    made("z.go", "z", "text z", "");
    made("a.go", "a", "text a", "");
    made("m.go", "m", "text m", "");
    made("b.go", "b", "text b", "");
    open_with((gc_decide_options){ .on_edit = GC_EDIT_KEEP });
    assert_int_equal(gc_decider_orphans(f.decider), 3);
    assert_int_equal(gc_decider_orphan(f.decider, 0)->decision.action, GC_PENDING);
    assert_int_equal(orphan(0, "b.go", "text b").action, GC_REMOVE);
    assert_int_equal(orphan(1, "m.go", "an edit").action, GC_LEAVE);
    assert_int_equal(orphan(2, "z.go", NULL).why, GC_WHY_ORPHAN_GONE);
    assert_int_equal(gc_decider_orphan(f.decider, 1)->decision.action, GC_LEAVE);
    made("c.go", "c", "text c", ""); /* found in a checkpoint */
    gc_decider_reopen(f.decider);
    assert_int_equal(gc_decider_orphans(f.decider), 4);
    assert_int_equal(orphan(1, "c.go", "text c").action, GC_REMOVE);
}

/* Each file is given once, and nothing is quadratic. */
static void test_decide_a_long_chain(void **state)
{
    (void)state;
    enum {
        FILES = 5000
    };
    gc_buf yaml;
    gc_sha any = sha_of("x");
    gc_tree_file nothing = { 0 };
    size_t file, count = 0;
    gc_buf_init(&yaml, (size_t)1 << 22);
    gc_buf_puts(&yaml, "name: t\nfiles:\n- {path: p0/f.go, purpose: x}\n");
    for (int i = 1; i < FILES; i++)
        gc_buf_printf(&yaml, "- {path: p%d/f.go, purpose: x, depends_on: [p%d/f.go]}\n",
                      i, i - 1);
    plan(yaml.ptr);
    gc_buf_release(&yaml);
    open_with((gc_decide_options){ .on_edit = GC_EDIT_KEEP });
    while (gc_decider_next(f.decider, GC_BY_LLM, &file)) {
        count++;
        gc_decider_decide(f.decider, file, &any, &nothing);
        gc_decider_settle(f.decider, file, &any);
    }
    assert_int_equal(count, f.plan->file_count);
    assert_false(gc_decider_more(f.decider) &&
                 gc_decider_next(f.decider, GC_BY_TEMPLATE, &file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_decide_waits_for_real_dependencies, close_all),
        cmocka_unit_test_teardown(test_decide_stops_where_an_api_stays, close_all),
        cmocka_unit_test_teardown(test_decide_knows_dependents, close_all),
        cmocka_unit_test_teardown(test_decide_foresees, close_all),
        cmocka_unit_test_teardown(test_decide_force_and_baseline, close_all),
        cmocka_unit_test_teardown(test_decide_again_knowing_more, close_all),
        cmocka_unit_test_teardown(test_decide_accepted_edits_are_beyond_doubt, close_all),
        cmocka_unit_test_teardown(test_decide_api_of_what_is_no_go, close_all),
        cmocka_unit_test_teardown(test_decide_orphans, close_all),
        cmocka_unit_test_teardown(test_decide_a_long_chain, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
