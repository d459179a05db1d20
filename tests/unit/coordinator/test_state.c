#include "coordinator/state.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "support/must.h"

#define PRINT_LIMIT ((size_t)1 << 20)

static void set_sha(char *to, const char *text)
{
    gc_sha sha = gc_sha256(text, strlen(text));
    memcpy(to, sha.hex, sizeof sha.hex);
}

static void set_text(char **to, const char *text)
{
    free(*to);
    *to = strdup(text);
}

static gc_state_file *add(gc_state *s, const char *path)
{
    gc_state_file *f = gc_state_require(s, path);
    set_sha(f->fingerprint, path);
    set_sha(f->sha256, "content");
    set_text(&f->how, "llm");
    set_text(&f->sources, "Order,User");
    return f;
}

static char *print(const gc_state *s)
{
    gc_buf out;
    gc_buf_init(&out, PRINT_LIMIT);
    gc_state_print(s, &out);
    assert_false(out.full);
    return gc_buf_take(&out);
}

static gc_err parse(const char *text, gc_state *out, gc_errinfo *info)
{
    return gc_state_parse(text, strlen(text), out, info);
}

static void test_state_round_trip(void **state)
{
    (void)state;
    gc_state s, back;
    gc_state_init(&s);
    set_sha(s.fcs, "fcs");
    set_sha(add(&s, "internal/order/order.go")->api, "api");
    gc_state_file *kept = add(&s, "cmd/shop/main.go");
    kept->kept = true;
    set_sha(kept->kept_sha, "edit");
    set_sha(kept->base, "base");
    kept->conflict = true;
    add(&s, "docs/\xc3\xbc.md");

    char *text = print(&s);
    must_ok(parse(text, &back, NULL));
    assert_string_equal(back.fcs, s.fcs);
    assert_int_equal(gc_map_count(back.files), 3);
    const gc_state_file *f = gc_state_find(&back, "cmd/shop/main.go");
    assert_non_null(f);
    assert_true(f->kept);
    assert_string_equal(f->kept_sha, kept->kept_sha);
    assert_string_equal(f->base, kept->base);
    assert_true(f->conflict);
    f = gc_state_find(&back, "internal/order/order.go");
    assert_non_null(f);
    assert_false(f->kept);
    assert_false(f->conflict);
    assert_string_equal(f->how, "llm");
    assert_string_equal(f->sources, "Order,User");
    assert_int_equal(strlen(f->api), GC_SHA_HEX);

    char *again = print(&back);
    assert_string_equal(text, again);
    free(again);
    free(text);
    gc_state_release(&back);
    gc_state_release(&s);
}

static void test_state_text_does_not_depend_on_the_order(void **state)
{
    (void)state;
    gc_state a, b;
    gc_state_init(&a);
    gc_state_init(&b);
    add(&a, "a.go");
    add(&a, "b.go");
    add(&b, "b.go");
    add(&b, "a.go");
    char *x = print(&a), *y = print(&b);
    assert_string_equal(x, y);
    assert_true(x[strlen(x) - 1] == '\n' && x[strlen(x) - 2] != '\n');
    free(x);
    free(y);
    gc_state_release(&a);
    gc_state_release(&b);
}

static void test_state_entries_come_and_go(void **state)
{
    (void)state;
    gc_state s;
    gc_state_init(&s);
    assert_null(gc_state_find(&s, "a.go"));
    gc_state_file *f = gc_state_require(&s, "a.go");
    assert_ptr_equal(gc_state_require(&s, "a.go"), f);
    assert_string_equal(f->how, "");
    gc_state_remove(&s, "a.go");
    gc_state_remove(&s, "never there");
    assert_null(gc_state_find(&s, "a.go"));
    gc_state_release(&s);
}

#define EMPTY "{\"schema\":1,\"files\":{}}"
#define WITH(files) "{\"schema\":1,\"files\":" files "}"

static void test_state_refuses_damage_as_a_whole(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "",
        "{",
        "null",
        "[]",
        "{}",
        "{\"schema\":1}",
        "{\"schema\":0,\"files\":{}}",
        "{\"schema\":\"1\",\"files\":{}}",
        "{\"schema\":1,\"files\":[]}",
        "{\"schema\":1,\"fcs\":\"abc\",\"files\":{}}",
        EMPTY EMPTY,
        WITH("{\"a.go\":1}"),
        WITH("{\"a.go\":{\"sha256\":\"XYZ\"}}"),
        WITH("{\"a.go\":{\"fingerprint\":\"12\"}}"),
        WITH("{\"../a.go\":{}}"),
        WITH("{\"/etc/passwd\":{}}"),
        WITH("{\".git/config\":{}}"),
        WITH("{\"\":{}}"),
        WITH("{\"a.go\":{},\"a.go\":{}}"),
        WITH("{\"a\\u0000b\":{}}"),
        WITH("{\"\xff.go\":{}}"),
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        gc_state out = { .fcs = "untouched" };
        gc_errinfo info = { 0 };
        gc_err err = parse(damaged[i], &out, &info);
        if (err != GC_EPROTO || !*info.text || strcmp(out.fcs, "untouched") != 0)
            fail_msg("%s: %s (%s)", damaged[i], gc_err_str(err), info.text);
    }
}

static void test_state_names_the_line_of_the_damage(void **state)
{
    (void)state;
    gc_state out;
    gc_errinfo info = { 0 };
    expect_err(GC_EPROTO, parse("{\n \"schema\": 1,\n oops\n}", &out, &info));
    assert_non_null(strstr(info.text, "line 3"));
}

static void test_state_of_a_newer_program(void **state)
{
    (void)state;
    gc_state out;
    gc_errinfo info = { 0 };
    expect_err(GC_ESTATE, parse("{\"schema\":2,\"files\":{}}", &out, &info));
    assert_non_null(strstr(info.text, "newer"));
}

static void test_state_ignores_what_it_does_not_know(void **state)
{
    (void)state;
    gc_state out;
    must_ok(parse("{\"schema\":1,\"later\":[1],\"fcs\":null,"
                  "\"files\":{\"a.go\":{\"how\":\"llm\",\"later\":{}}}}",
                  &out, NULL));
    assert_string_equal(gc_state_find(&out, "a.go")->how, "llm");
    assert_string_equal(gc_state_find(&out, "a.go")->sha256, "");
    gc_state_release(&out);
}

/* The quick writer and reader agree with the general ones, byte for byte. */
static void test_state_is_ordinary_json(void **state)
{
    gc_state s, back;
    gc_errinfo info = { 0 };
    (void)state;
    gc_state_init(&s);
    char *empty = print(&s);
    gc_state_file *f = add(&s, "b/kept.go");
    f->kept = true;
    set_sha(f->kept_sha, "edit");
    set_sha(f->base, "base");
    set_sha(f->api, "surface");
    add(&s, "a.go")->sources[0] = '\0';
    for (int odd = 0; odd < 2; odd++) {
        char *text = print(&s);
        json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        char *dumped = json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS);
        assert_int_equal(strlen(dumped) + 1, strlen(text));
        assert_memory_equal(dumped, text, strlen(dumped));
        must_ok(gc_state_parse(dumped, strlen(dumped), &back, &info)); /* no newline */
        char *again = print(&back);
        assert_string_equal(again, text);
        free(again);
        gc_state_release(&back);
        must_ok(gc_state_parse(text, strlen(text), &back, &info));
        again = print(&back);
        assert_string_equal(again, text);
        free(again);
        gc_state_release(&back);
        free(dumped);
        free(text);
        json_decref(root);
        add(&s, "\"quoted\" \xc3\xa4.go");
    }
    must_ok(gc_state_parse(empty, strlen(empty), &back, &info));
    gc_state_release(&back);
    free(empty);
    gc_state_release(&s);
}

/* ---- both sides of a merge ---- */

#define SIDES(base)                                                                     \
    "{\n<<<<<<< HEAD\n \"fcs\": \"" OURS_FCS "\",\n" base                               \
    "=======\r\n \"fcs\": \"" THEIR_FCS                                                 \
    "\",\n>>>>>>> a branch\n \"files\": {\"a.go\": {\n<<<<<<< HEAD\n\"how\": \"llm\"\n" \
    "=======\n\"how\": \"reused\"}, \"b.go\": {\n>>>>>>> a branch\n}},\n \"schema\": 1\n}\n"
#define OURS_FCS "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define THEIR_FCS "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void expect_sides(const char *text)
{
    gc_state ours, theirs;
    must_ok(gc_state_parse_sides(text, strlen(text), &ours, &theirs));
    assert_string_equal(ours.fcs, OURS_FCS);
    assert_string_equal(theirs.fcs, THEIR_FCS);
    assert_string_equal(gc_state_find(&ours, "a.go")->how, "llm");
    assert_null(gc_state_find(&ours, "b.go"));
    assert_string_equal(gc_state_find(&theirs, "a.go")->how, "reused");
    assert_non_null(gc_state_find(&theirs, "b.go"));
    gc_state_release(&ours);
    gc_state_release(&theirs);
}

static void test_state_of_both_sides_of_a_merge(void **state)
{
    (void)state;
    expect_sides(SIDES(""));
    expect_sides(SIDES("||||||| 1f2e3d4\n \"fcs\": \"of before\",\n"));
}

static void test_state_refuses_sides_that_are_none(void **state)
{
    static const char *const damaged[] = {
        "",
        "{ not json",
        "{\"schema\":1,\"files\":{}}",
        "<<<<<<< HEAD\n{\"schema\":1,\"files\":{}}\n",
        "<<<<<<< HEAD\n{\"schema\":1,\"files\":{}}\n=======\n>>>>>>> b\n",
        "<<<<<<< HEAD\n=======\n{\"schema\":1,\"files\":{}}\n>>>>>>> b\n",
        ">>>>>>> b\n{\"schema\":1,\"files\":{}}\n<<<<<<< a\n=======\n>>>>>>> b\n",
        "<<<<<<<< HEAD\n{\"schema\":1,\"files\":{}}\n========\n>>>>>>>> b\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        gc_state ours, theirs;
        if (!gc_state_parse_sides(damaged[i], strlen(damaged[i]), &ours, &theirs))
            fail_msg("taken: %s", damaged[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_is_ordinary_json),
        cmocka_unit_test(test_state_round_trip),
        cmocka_unit_test(test_state_text_does_not_depend_on_the_order),
        cmocka_unit_test(test_state_entries_come_and_go),
        cmocka_unit_test(test_state_refuses_damage_as_a_whole),
        cmocka_unit_test(test_state_names_the_line_of_the_damage),
        cmocka_unit_test(test_state_of_a_newer_program),
        cmocka_unit_test(test_state_ignores_what_it_does_not_know),
        cmocka_unit_test(test_state_of_both_sides_of_a_merge),
        cmocka_unit_test(test_state_refuses_sides_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
