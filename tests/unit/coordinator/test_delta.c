#include "coordinator/delta.h"

#include <string.h>

#include "support/must.h"

#define ROWS(array) (sizeof(array) / sizeof *(array))

static gc_sha sha_of(const char *text)
{
    return gc_sha256(text, strlen(text));
}

/* A state entry for inputs `inputs` whose generated text was `text`. */
static gc_state_file entry(const char *inputs, const char *text)
{
    gc_state_file f = { 0 };
    gc_sha fingerprint = sha_of(inputs), sha = sha_of(text);
    memcpy(f.fingerprint, fingerprint.hex, sizeof f.fingerprint);
    memcpy(f.sha256, sha.hex, sizeof f.sha256);
    return f;
}

/* NULL: nothing stands there. */
static gc_tree_file tree_with(const char *text, bool ours)
{
    gc_tree_file tree = { .exists = text != NULL, .ours = ours };
    if (text)
        tree.sha = sha_of(text);
    return tree;
}

typedef struct planned_row {
    const char *state_inputs; /* NULL: not in the state */
    const char *on_disk;      /* NULL: absent; the state's text is "made" */
    bool ours;
    gc_on_edit on_edit;
    bool force;
    gc_action want;
    const char *reason; /* its words */
} planned_row;

/* The inputs of the run are "now" throughout. */
static const planned_row planned[] = {
    /* never made before */
    { NULL, NULL, false, GC_EDIT_KEEP, false, GC_MAKE, "new file" },
    { NULL, NULL, false, GC_EDIT_KEEP, true, GC_MAKE, "asked for" },
    { NULL, "a stranger", false, GC_EDIT_KEEP, false, GC_MAKE_BESIDE,
      "a file that is not ours stands in its place" },
    { NULL, "a stranger", false, GC_EDIT_OVERWRITE, false, GC_MAKE_BESIDE,
      "a file that is not ours stands in its place" },
    { NULL, "made", true, GC_EDIT_KEEP, false, GC_MAKE, "inputs changed" },
    /* the same inputs */
    { "now", "made", false, GC_EDIT_KEEP, false, GC_KEEP, "unchanged" },
    { "now", "made", false, GC_EDIT_OVERWRITE, false, GC_KEEP, "unchanged" },
    { "now", "made", false, GC_EDIT_KEEP, true, GC_MAKE, "asked for" },
    { "now", NULL, false, GC_EDIT_KEEP, false, GC_RESTORE, "missing on disk" },
    { "now", NULL, false, GC_EDIT_KEEP, true, GC_MAKE, "asked for" },
    { "now", "an edit", false, GC_EDIT_KEEP, false, GC_KEEP_EDIT, "changed by hand" },
    { "now", "an edit", false, GC_EDIT_MERGE, false, GC_KEEP_EDIT, "changed by hand" },
    { "now", "an edit", false, GC_EDIT_OVERWRITE, false, GC_RESTORE,
      "changed by hand, --on-edit overwrite" },
    { "now", "another answer", true, GC_EDIT_KEEP, false, GC_RESTORE,
      "left by a run that never ended" },
    { "now", "another answer", true, GC_EDIT_OVERWRITE, false, GC_RESTORE,
      "left by a run that never ended" },
    { "now", "an edit", false, GC_EDIT_KEEP, true, GC_MAKE_BESIDE,
      "asked for, and changed by hand" },
    /* other inputs */
    { "before", "made", false, GC_EDIT_KEEP, false, GC_MAKE, "inputs changed" },
    { "before", NULL, false, GC_EDIT_KEEP, false, GC_MAKE, "inputs changed" },
    { "before", "an edit", false, GC_EDIT_KEEP, false, GC_MAKE_BESIDE,
      "inputs changed, and changed by hand" },
    { "before", "an edit", false, GC_EDIT_MERGE, false, GC_MAKE_BESIDE,
      "inputs changed, and changed by hand" },
    { "before", "newer than the state", true, GC_EDIT_KEEP, false, GC_MAKE,
      "inputs changed" },
};

static void test_delta_planned_files(void **state)
{
    (void)state;
    gc_sha now = sha_of("now");
    for (size_t i = 0; i < ROWS(planned); i++) {
        const planned_row *row = &planned[i];
        gc_state_file f = entry(row->state_inputs ? row->state_inputs : "", "made");
        gc_tree_file tree = tree_with(row->on_disk, row->ours);
        gc_decision d = gc_delta_planned(&now, row->state_inputs ? &f : NULL, &tree,
                                         row->on_edit, row->force);
        if (d.action != row->want || strcmp(gc_why_str(d.why), row->reason) != 0)
            fail_msg("row %zu: %s (%s)", i, gc_action_str(d.action), gc_why_str(d.why));
    }
}

static void test_delta_kept_edit_stays_kept(void **state)
{
    (void)state;
    gc_sha now = sha_of("now"), edit = sha_of("an edit");
    gc_state_file f = entry("now", "made");
    gc_tree_file tree = tree_with("an edit", false);
    f.kept = true;
    memcpy(f.kept_sha, edit.hex, sizeof f.kept_sha);
    assert_int_equal(gc_delta_planned(&now, &f, &tree, GC_EDIT_KEEP, false).action,
                     GC_KEEP_EDIT);
    assert_int_equal(gc_delta_planned(&now, &f, &tree, GC_EDIT_OVERWRITE, false).action,
                     GC_RESTORE);
    assert_int_equal(gc_delta_planned(&now, &f, &tree, GC_EDIT_MERGE, false).action,
                     GC_KEEP_EDIT);
    gc_sha base = sha_of("made before"); /* newer text stands beside the edit */
    memcpy(f.base, base.hex, sizeof f.base);
    assert_int_equal(gc_delta_planned(&now, &f, &tree, GC_EDIT_KEEP, false).action,
                     GC_KEEP_EDIT);
    assert_int_equal(gc_delta_planned(&now, &f, &tree, GC_EDIT_MERGE, false).action,
                     GC_MAKE_BESIDE);
    tree = tree_with("made", false); /* the user took the generated text after all */
    assert_int_equal(gc_delta_planned(&now, &f, &tree, GC_EDIT_KEEP, false).action,
                     GC_KEEP);
}

static void test_delta_conflict_waits_for_the_user(void **state)
{
    (void)state;
    gc_sha now = sha_of("now"), edit = sha_of("an edit"), base = sha_of("made before");
    gc_state_file f = entry("now", "made");
    gc_tree_file tree = tree_with("an edit", false);
    f.kept = f.conflict = true;
    memcpy(f.kept_sha, edit.hex, sizeof f.kept_sha);
    memcpy(f.base, base.hex, sizeof f.base);
    for (int policy = GC_EDIT_KEEP; policy <= GC_EDIT_MERGE; policy++) {
        gc_decision d = gc_delta_planned(&now, &f, &tree, (gc_on_edit)policy, false);
        bool over = policy == GC_EDIT_OVERWRITE;
        assert_int_equal(d.action, over ? GC_RESTORE : GC_KEEP_EDIT);
        assert_int_equal(d.why, over ? GC_WHY_OVERWRITE : GC_WHY_CONFLICT);
    }
    tree = tree_with("another edit", false); /* that one may fit */
    assert_int_equal(gc_delta_planned(&now, &f, &tree, GC_EDIT_MERGE, false).action,
                     GC_MAKE_BESIDE);
    gc_sha later = sha_of("later");
    tree = tree_with("an edit", false);
    assert_int_equal(gc_delta_planned(&later, &f, &tree, GC_EDIT_MERGE, false).action,
                     GC_MAKE_BESIDE);
}

static void test_delta_orphans(void **state)
{
    (void)state;
    gc_state_file f = entry("before", "made");
    gc_tree_file tree = tree_with("made", false);
    assert_int_equal(gc_delta_orphan(&f, &tree).action, GC_REMOVE);
    tree = tree_with("an edit", false);
    assert_int_equal(gc_delta_orphan(&f, &tree).action, GC_LEAVE);
    tree = tree_with(NULL, false);
    assert_int_equal(gc_delta_orphan(&f, &tree).action, GC_REMOVE);
    tree = tree_with("newer than the state", true);
    assert_int_equal(gc_delta_orphan(&f, &tree).action, GC_REMOVE);
}

static void test_delta_everything_has_words(void **state)
{
    (void)state;
    for (int a = GC_KEEP; a <= GC_LEAVE; a++)
        assert_true(strlen(gc_action_str((gc_action)a)) > 0);
    for (int r = GC_WHY_UNCHANGED; r <= GC_WHY_ORPHAN_EDITED; r++)
        assert_true(strlen(gc_why_str((gc_why)r)) > 0);
    assert_string_equal(gc_action_str(GC_KEEP), "keep");
    assert_string_equal(gc_action_str(GC_MAKE), "generate");
    assert_string_equal(gc_action_str(GC_LEAVE), "leave");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_planned_files),
        cmocka_unit_test(test_delta_kept_edit_stays_kept),
        cmocka_unit_test(test_delta_conflict_waits_for_the_user),
        cmocka_unit_test(test_delta_orphans),
        cmocka_unit_test(test_delta_everything_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
