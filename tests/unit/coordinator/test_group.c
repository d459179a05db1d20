#include "coordinator/group.h"

#include <math.h>
#include <string.h>

#include "support/must.h"

#define MAX_FILES 16

/* A plan made by hand: enough of it for grouping. */
typedef struct fixture {
    gc_plan plan;
    gc_plan_file files[MAX_FILES];
    size_t group_of[MAX_FILES];
} fixture;

static fixture f;

static const gc_group_options wide = { 5, 0.7, 1000000, 0 };

static void add(const char *path, const char *dir, const char *kind, const char *promise)
{
    f.files[f.plan.file_count++] = (gc_plan_file){
        .path = (char *)path,
        .dir = (char *)dir,
        .kind = (char *)kind,
        .promise = (char *)promise,
        .expected_bytes = 1000,
    };
    f.plan.files = f.files;
}

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof f);
    return 0;
}

static size_t group(const gc_group_options *options)
{
    size_t files[MAX_FILES];
    double tokens[MAX_FILES];
    for (size_t i = 0; i < f.plan.file_count; i++) {
        files[i] = i;
        tokens[i] = (double)f.files[i].expected_bytes;
    }
    return gc_group(&f.plan, files, tokens, f.plan.file_count, options, f.group_of);
}

static void expect_groups(const char *want)
{
    for (size_t i = 0; i < f.plan.file_count; i++)
        if (f.group_of[i] != (size_t)(want[i] - 'a'))
            fail_msg("file %zu is in group %zu, not in %c", i, f.group_of[i], want[i]);
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

#define STRUCT "type X struct {\n}\n"
#define FUNC "func F()\n"

static void test_group_similarity_weights(void **state)
{
    (void)state;
    add("a/x.go", "a", "model", STRUCT FUNC);
    add("a/y.go", "a", "model", STRUCT FUNC); /* the same in everything */
    add("b/y.go", "b", "model", STRUCT FUNC); /* another package: 20 */
    add("a/z.go", "a", "store", STRUCT FUNC); /* another kind: 30 */
    assert_true(near(gc_similarity(&f.plan, &f.files[0], &f.files[1]), 1.0));
    assert_true(near(gc_similarity(&f.plan, &f.files[0], &f.files[2]), 0.8));
    assert_true(near(gc_similarity(&f.plan, &f.files[0], &f.files[3]), 0.7));
}

static void test_group_similarity_of_structure(void **state)
{
    (void)state;
    add("a/x.go", "a", "model", FUNC FUNC);
    add("a/y.go", "a", "model", FUNC);
    /* Functions 1 of 2, no types on both sides, lines 1 of 2. */
    double want = 0.30 + 0.35 * (0.5 * 0.5 + 0.3 + 0.2 * 0.5) + 0.20 + 0.15;
    assert_true(near(gc_similarity(&f.plan, &f.files[0], &f.files[1]), want));
}

static void test_group_similarity_of_dependencies(void **state)
{
    (void)state;
    add("a/model.go", "a", "model", "");
    add("a/x.go", "a", "store", "");
    add("a/y.go", "a", "store", "");
    add("a/errors.go", "a", "errors", "");
    gc_edge one[] = { { 0, GC_EDGE_CONTRACT } };
    gc_edge two[] = { { 0, GC_EDGE_CONTRACT }, { 3, GC_EDGE_CONTRACT } };
    f.files[1].edges = one;
    f.files[1].edge_count = 1;
    assert_true(near(gc_similarity(&f.plan, &f.files[1], &f.files[2]), 0.85));
    f.files[2].edges = two;
    f.files[2].edge_count = 2;
    assert_true(near(gc_similarity(&f.plan, &f.files[1], &f.files[2]), 0.925));
    assert_true(near(gc_similarity(&f.plan, &f.files[1], &f.files[2]),
                     gc_similarity(&f.plan, &f.files[2], &f.files[1])));
}

static void test_group_by_kind(void **state)
{
    (void)state;
    add("a/x.go", "a", "model", STRUCT);
    add("a/x_store.go", "a", "store", STRUCT FUNC FUNC);
    add("b/y.go", "b", "model", STRUCT);
    add("b/y_store.go", "b", "store", STRUCT FUNC FUNC);
    assert_int_equal(group(&wide), 2);
    expect_groups("abab");
}

static void test_group_holds_at_most_max_files(void **state)
{
    (void)state;
    for (int i = 0; i < 7; i++)
        add("a/x.go", "a", "model", STRUCT);
    assert_int_equal(group(&wide), 2);
    expect_groups("aaaaabb");
    gc_group_options single = wide;
    single.max_files = 1;
    assert_int_equal(group(&single), 7);
    expect_groups("abcdefg");
}

static void test_group_answer_fits(void **state)
{
    (void)state;
    gc_group_options narrow = wide;
    narrow.max_tokens = 2500;
    for (int i = 0; i < 5; i++)
        add("a/x.go", "a", "model", STRUCT);
    assert_int_equal(group(&narrow), 3);
    expect_groups("aabbc");
    f.files[2].expected_bytes = 9000; /* larger than any group: alone, never lost */
    assert_int_equal(group(&narrow), 3);
    expect_groups("aabcc");
}

static void about(size_t file, size_t count, char **names)
{
    f.files[file].entities = (gc_strv){ .items = names, .count = count };
}

static void test_group_is_about_few_entities(void **state)
{
    (void)state;
    static char a[] = "A", b[] = "B", c[] = "C", d[] = "D";
    char *one[] = { a }, *same[] = { a, b }, *other[] = { c }, *many[] = { a, b, c, d };
    gc_group_options two = wide;
    two.max_entities = 2;
    for (int i = 0; i < 6; i++)
        add("a/x.go", "a", "model", STRUCT);
    about(0, 1, one);
    about(1, 2, same); /* one of its two is there already */
    about(2, 1, other);
    about(3, 1, one);
    about(4, 4, many); /* more than any group holds: alone */
    about(5, 0, NULL); /* about none: anywhere but there */
    assert_int_equal(group(&two), 3);
    expect_groups("aabaca");
    assert_int_equal(group(&wide), 2); /* no limit */
    expect_groups("aaaaab");
}

static void test_group_min_similarity(void **state)
{
    (void)state;
    add("a/x.go", "a", "model", STRUCT FUNC);
    add("b/y.go", "b", "model", STRUCT FUNC);
    gc_group_options strict = wide;
    strict.min_similarity = 0.81;
    assert_int_equal(group(&strict), 2);
    strict.min_similarity = 0.80 - 1e-9;
    assert_int_equal(group(&strict), 1);
}

/* A file that fits nobody closes no group: the next one still finds it. */
static void test_group_stays_open_for_its_like(void **state)
{
    (void)state;
    add("a/x.go", "a", "service", FUNC FUNC FUNC);
    add("b/odd.go", "b", "service", STRUCT STRUCT STRUCT STRUCT);
    add("c/y.go", "c", "service", FUNC FUNC FUNC);
    add("d/odd.go", "d", "service", STRUCT STRUCT STRUCT STRUCT);
    assert_int_equal(group(&wide), 2);
    expect_groups("abab");
}

static void test_group_prefers_the_most_similar(void **state)
{
    (void)state;
    gc_group_options pairs = wide;
    pairs.max_tokens = 2500;
    add("a/big.go", "a", "service", FUNC);
    f.files[0].expected_bytes = 1500;
    add("b/x.go", "b", "service", FUNC);
    f.files[1].expected_bytes = 1500;
    add("b/y.go", "b", "service", FUNC); /* fits both; its package decides */
    add("a/y.go", "a", "service", FUNC);
    assert_int_equal(group(&pairs), 2);
    expect_groups("abba");
}

/* Files of two kinds may share a call where the user asks for little likeness. */
static void test_group_of_two_kinds(void **state)
{
    (void)state;
    gc_group_options loose = wide;
    loose.min_similarity = 0.6;
    add("a/x.go", "a", "service", FUNC);
    add("a/x_test.go", "a", "test", FUNC);
    assert_int_equal(group(&loose), 1);
    loose.min_similarity = 0.75;
    assert_int_equal(group(&loose), 2);
}

static void test_group_is_deterministic(void **state)
{
    (void)state;
    static const char *const kinds[] = { "model", "store", "test" };
    for (int i = 0; i < MAX_FILES; i++)
        add("a/x.go", i % 2 ? "a" : "b", kinds[i % 3], i % 5 ? STRUCT : FUNC FUNC);
    size_t first[MAX_FILES], count = group(&wide);
    memcpy(first, f.group_of, sizeof first);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(group(&wide), count);
        assert_memory_equal(first, f.group_of, sizeof first);
    }
    size_t next = 0; /* numbers count up in the order of the first members */
    for (size_t i = 0; i < MAX_FILES; i++) {
        assert_true(first[i] <= next);
        next += first[i] == next;
    }
    assert_int_equal(next, count);
}

static void test_group_of_nothing(void **state)
{
    (void)state;
    assert_int_equal(group(&wide), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_group_similarity_weights, set_up),
        cmocka_unit_test_setup(test_group_similarity_of_structure, set_up),
        cmocka_unit_test_setup(test_group_similarity_of_dependencies, set_up),
        cmocka_unit_test_setup(test_group_by_kind, set_up),
        cmocka_unit_test_setup(test_group_holds_at_most_max_files, set_up),
        cmocka_unit_test_setup(test_group_answer_fits, set_up),
        cmocka_unit_test_setup(test_group_is_about_few_entities, set_up),
        cmocka_unit_test_setup(test_group_min_similarity, set_up),
        cmocka_unit_test_setup(test_group_stays_open_for_its_like, set_up),
        cmocka_unit_test_setup(test_group_prefers_the_most_similar, set_up),
        cmocka_unit_test_setup(test_group_of_two_kinds, set_up),
        cmocka_unit_test_setup(test_group_is_deterministic, set_up),
        cmocka_unit_test_setup(test_group_of_nothing, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
