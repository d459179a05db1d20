#include "support/must_fcs.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* What is wrong with a spec, where, and that all of it is told in one pass. */

static void test_names_that_are_refused(void **state)
{
    (void)state;
    expect_finding("entities: {A: {id: uuid}}\n", "1:1 error", "has no name; add name");
    expect_finding("name: ''\n", "1:1 error", "has no name");
    expect_finding("name: [a]\n", "1:7 error", "is a list; write one text");
    expect_finding("name: s\nentities:\n- name: ''\n", "3:3 error", "without a name");
    expect_finding("name: s\nentities:\n- name: \"a\\u202eb\"\n", "3:9 error",
                   "control or invisible");
    expect_finding("name: s\nentities:\n- name: /etc/passwd\n", "3:9 error",
                   "absolute path");
    expect_finding("name: s\nentities:\n- name: a..b\n", "3:9 error", "holds \"..\"");
    expect_finding("name: .git\n", "1:7 error", "holds \".git\"");
    expect_finding("name: s\nentities:\n- name: '!!'\n", "3:9 error",
                   "no letter and no digit");
    expect_finding("name: s\nentities: {A: {../x: int}}\n", "2:16 error", "field name");
}

static void test_values_where_words_belong(void **state)
{
    (void)state;
    expect_finding("name: s\narchitecture: 5\n", "2:15 error",
                   "architecture is 5; write");
    expect_finding("name: s\nrequirements: 1.5\n", "2:15 error", "is 1.5");
    expect_finding("name: s\ntesting: true\n", "2:10 error", "is true");
    expect_same("name: s\nrequirements: \"5\"\n", "name: s\nrequirements: ['5']\n");
}

static void test_duplicates(void **state)
{
    (void)state;
    expect_finding("name: s\nentities:\n- name: A\n- name: A\n", "4:9 error",
                   "first in line 3");
    expect_finding("name: s\nentities:\n- name: A\n  fields: [x int, x int]\n",
                   "4:19 error", "field \"x\" twice");
    expect_finding("name: s\nrequirements:\n- {id: R1, text: a}\n- {id: R1, text: b}\n",
                   "4:3 error", "used twice, first in line 3");
    expect_finding("name: s\nrequirements: [same, same]\n", "2:22 warning", "twice");
    expect_finding("name: s\nfiles: [a.go, ./A.go]\n", "2:15 error", "listed twice");
    expect_finding("name: s\nendpoints: [GET /a, get /a/]\n", "2:21 error", "GET /a");
    expect_finding("name: s\npackages: [user, internal/user]\n", "2:", "there twice");
    expect_finding("name: s\nentities: {A: {s: {enum: [a, a]}}}\n",
                   "2:", "value \"a\" twice");
}

static void test_case_clashes_are_renamed(void **state)
{
    (void)state;
    const char *yaml =
        "name: s\nentities: {order: {id: uuid}, Order: {id: uuid}, ORDER: {id: uuid}}\n";
    expect_finding(yaml, "2:12 warning", "is called Order3 in Go");
    expect_finding(yaml, "2:31 warning", "is called Order2 in Go");
    expect_same(
        yaml,
        "name: s\nentities: {ORDER: {id: uuid}, order: {id: uuid}, Order: {id: uuid}}\n");
    gc_fcs *fcs = must_build(yaml);
    assert_string_equal("ORDER", gc_fcs_entity(fcs, "Order")->name);
    assert_string_equal("order3", gc_fcs_entity(fcs, "Order3")->snake);
    assert_int_equal(2, fcs->renames.count);
    gc_fcs_destroy(&fcs);
}

static void test_reserved_names_are_renamed(void **state)
{
    (void)state;
    expect_finding("name: s\nentities: {func: {id: uuid}}\n", "2:12 warning",
                   "reserved word");
    expect_finding("name: s\nentities: {Smoke test: {id: uuid}}\n", "2:12 warning",
                   "smoke_test_x");
    expect_finding("name: s\nentities: {Kunde \xc3\xa4: {id: uuid}}\n", "2:12 warning",
                   "kunde_a");
    expect_finding("name: s\nentities: {Time: {id: uuid}}\n", "2:12 warning",
                   "package timepkg");
    expect_finding("name: s\nentities: {3D: {id: uuid}}\n", "2:12 warning",
                   "is called X3D");
    expect_finding("name: s\nentities: {Order: {id: uuid}, OrderStore: {id: uuid}}\n",
                   "2:31 warning", "OrderStoreEntity");
    expect_finding("name: s\nentities: {A: {a_b: int, aB: int}}\n",
                   "2:", "is called AB2 in Go");
    expect_finding("name: B\xc3\xbcro\n", "1:7 warning", "is called buro in file names");
    expect_finding("name: s\npackages: [func]\n", "2:12 warning", "is called funcpkg");
}

static void test_dangling_references(void **state)
{
    (void)state;
    const char *e = "name: s\nentities: {Order: {id: uuid}}\n";
    struct {
        const char *more, *place, *words;
    } cases[] = {
        { "relations: [Ordr has many Order]\n", "3:13 error", "did you mean \"Order\"" },
        { "relations: [{from: Order, to: Zebra}]\n", "3:13 error",
          "unknown entity \"Zebra\"" },
        { "endpoints: [{method: GET, path: /x, entity: Ordr}]\n", "3:13 error",
          "a contract" },
        { "files: [{path: a.go, entities: [Ordr]}]\n", "3:33 error", "a file" },
        { "files: [{path: a.go, depends_on: [b.go]}]\n", "3:35 error", "not listed" },
        { "files: [{path: a.go, depends_on: [a.go]}]\n", "3:35 error",
          "depends on itself" },
        { "requirements: [{text: x, entities: Ordr}]\n", "3:36 error", "a requirement" },
        { "packages: [{name: p, entities: [Ordr]}]\n", "3:33 error", "a package" },
        { "data_model: {entities: {B: {id: uuid, o: ref Ordr}}}\n", "3:39 error",
          "did you mean \"Order\"" },
        { "data_model: {entities: {B: {id: uuid, o: Ordr}}}\n", "3:39 warning",
          "did you mean \"Order\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char yaml[400];
        snprintf(yaml, sizeof yaml, "%s%s", e, cases[i].more);
        expect_finding(yaml, cases[i].place, cases[i].words);
    }
}

static void test_paths(void **state)
{
    (void)state;
    const char *bad[][2] = { { "/a.go", "absolute" },      { "C:/a.go", "absolute" },
                             { "a/../b.go", "\"..\"" },    { ".git/x", ".git" },
                             { "a/.GIT/x", ".git" },       { "a b.go", "import paths" },
                             { "'a\\b.go'", "backslash" }, { "\"a\\tb.go\"", "control" },
                             { ".gocreator/x", "state" },  { "./", "names no file" } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char yaml[200];
        snprintf(yaml, sizeof yaml, "name: s\nfiles:\n- path: %s\n", bad[i][0]);
        expect_finding(yaml, "3:9 error", bad[i][1]);
    }
    expect_finding("name: s\nfiles: [a, a/b.go]\n", "2:9 error",
                   "both a file and the folder");
    expect_finding("name: s\npackages: [{path: ../x}]\n", "2:12 error", "\"..\"");
}

static void test_wrong_types(void **state)
{
    (void)state;
    expect_finding("name: s\nentities: text\n", "2:11 error", "entities is text");
    expect_finding("name: s\nentities: [[a]]\n", "2:12 error", "an entity is a list");
    expect_finding("name: s\nfiles: text\n", "2:8 error", "files is text");
    expect_finding("name: s\nendpoints: [[a]]\n", "2:13 error", "a contract is a list");
    expect_finding("name: s\nrequirements: [[a]]\n", "2:16 error",
                   "a requirement is a list");
    expect_finding("name: s\nentities: {A: {x: {type: string, required: maybe}}}\n",
                   "2:44 error", "write true or false");
    expect_finding("[a]\n", "1:1 error", "the spec is a list");
    expect_finding("", "1:1 error", "the spec is empty");
    expect_finding("name: s\ndescription: [a]\n", "2:14 error", "description is a list");
    expect_finding("name: s\ndependencies: text\n", "2:15 error", "dependencies is text");
}

static void test_project_values(void **state)
{
    (void)state;
    expect_finding("name: s\ngo_version: two\n", "2:13 error", "no Go version");
    expect_finding("name: s\ngo_version: 2.0\n", "2:13 error", "no Go version");
    expect_finding("name: s\ngo: 1.21\nbuild: {go_version: 1.22}\n", "3:21 error",
                   "given twice");
    expect_finding("name: s\nmodule: 'a b'\n", "2:9 error", "only hold letters");
    expect_finding("name: s\nmodule: /a\n", "2:9 error", "empty part");
    expect_finding("name: s\nmodule: a/../b\n", "2:9 error", "a dot");
    expect_finding("name: s\nmodule: net/http\n", "2:9 error", "standard library");
    expect_finding("name: s\nkind: game\n", "2:7 error", "write http, cli or library");
    expect_finding("name: s\nendpoints: [FETCH /a]\n", "2:13 error", "unknown method");
    expect_finding("name: s\nendpoints: [{method: FETCH, path: /a}]\n", "2:13 error",
                   "unknown method");
    expect_finding("name: s\nendpoints: [{path: /a}]\n", "2:13 error", "has no method");
    expect_finding("name: s\nendpoints: [{method: GET}]\n", "2:13 error", "has no path");
    expect_finding("name: s\nendpoints: ['GET /a/{b...}']\n", "2:13 error",
                   "for several parts");
    expect_finding("name: s\nendpoints: ['GET /a/{b']\n", "2:13 error", "without its }");
    expect_finding("name: s\nendpoints: ['GET /a/{my id}']\n", "2:13 error",
                   "without blanks");
    expect_finding("name: s\nendpoints: ['GET /a/b}']\n", "2:13 error", "without its }");
    expect_finding("name: s\nendpoints: ['GET /a/:id/b/{id}']\n", "2:13 error",
                   "parameter twice");
    expect_finding(
        "name: s\ndependencies: [github.com/a/b@v1.0.0, github.com/a/b@v2.0.0]\n",
        "2:39 error", "choose one");
}

#define FIELD(more) "name: s\nentities: [{name: A, fields: [{name: a, " more "}]}]\n"

static char *pattern_findings(const char *pattern)
{
    char *spec = gc_xasprintf(FIELD("type: string, pattern: '%s'"), pattern);
    char *found = findings_of(spec, GC_DOC_YAML, 10);
    free(spec);
    return found;
}

static void test_patterns_that_go_does_not_take(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        { "([A-Z]", "has a ( without its )" },
        { "a)", "has a ) without its (" },
        { "[A-Z", "has a [ without its ]" },
        { "(?=a)b", "looks ahead or behind" },
        { "(?<!a)b", "looks ahead or behind" },
        { "(a)\\1", "refers back to a group" },
        { "*a", "repeats nothing" },
        { "a|+b", "repeats nothing" },
        { "a\\", "ends in a backslash" },
        { "a**", "repeats a repeat" },
        { "a++", "repeats a repeat" },
        { "(?i)*", "repeats nothing" },
        { "(?:*a)", "repeats nothing" },
        { "a{5,2}", "more often than at most" },
        { "a{1001}", "more than 1000 times" },
        { "[z-a]", "ends before it starts" },
        { "[[:foo:]]", "means nothing" },
        { "a\\Z", "means nothing" },
        { "\\x{110000}", "without its digits" },
        { "\\p{Greek", "without its class" },
        { "(?P<n>a)(?P<n>b)", "one name" },
        { "(?#a)", "means nothing" },
        { "(?-)", "means nothing" },
    };
    static const char *const good[] = {
        "^[A-Z]{2}[0-9]+$",
        "(?i)a|b",
        "(?P<year>\\d{4})-(?:x|y)?",
        "[]a]+[^])]",
        "[[:alpha:]\\]]*\\)",
        "a*?b+?c??",
        "(\\Q(*\\E)?",
        "^*|$",
        "\\p{Greek}\\x{10FFFF}",
        "",
        "(a(b)*)+",
        "{,5}a{01}x{2,}?",
        "\\12\\0[\\d-][a\\-z]",
        "(?i-s:a)(?)(?<n>b)",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *found = pattern_findings(bad[i][0]);
        if (strncmp(found, "2:38 warning", 12) != 0 || !strstr(found, bad[i][1]))
            fail_msg("%s: %s", bad[i][0], found);
        free(found);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *found = pattern_findings(good[i]);
        if (strstr(found, "pattern"))
            fail_msg("%s: %s", good[i], found);
        free(found);
    }
}

static void test_bounds_that_cannot_be_meant(void **state)
{
    (void)state;
    expect_finding(FIELD("type: int, min: 3, max: 2"), "2:38 warning", "no value fits");
    expect_finding(FIELD("type: int, min: a"), "2:38 warning",
                   "min \"a\", which is no number");
    expect_finding(FIELD("type: string, min_length: -1"), "2:38 warning",
                   "min_length \"-1\", which is no length");
    expect_finding(FIELD("type: string, max_length: 1.5"), "2:38 warning",
                   "is no length");
    expect_finding(FIELD("type: int, min: 3, default: 2"), "2:38 warning",
                   "default 2 below min 3");
    expect_finding(FIELD("type: float, max: 3, default: 3.5"), "2:38 warning",
                   "default 3.5 above max 3");
    expect_finding(FIELD("type: string, max_length: 2, default: abc"), "2:38 warning",
                   "default \"abc\" longer than max_length 2");
    expect_finding(FIELD("type: string, min_length: 4, default: abc"), "2:38 warning",
                   "default \"abc\" shorter than min_length 4");
    expect_finding(FIELD("type: int, default: abc"), "2:38 warning", "no whole number");
    expect_finding(FIELD("type: bool, default: maybe"), "2:38 warning", "no bool");
    expect_finding(FIELD("type: float, default: a"), "2:38 warning", "no number");
    expect_finding(FIELD("type: enum, values: [x, y], default: z"), "2:38 warning",
                   "none of its values");
    static const char *const fine[] = {
        FIELD("type: int, default: -3"),
        FIELD("type: int, min: -3, max: 4, default: 4"),
        FIELD("type: string, min_length: 2, max_length: 2, default: \xc3\xa4\xc3\xb6"),
        FIELD("type: date, min: today, default: now"),
        FIELD("type: int, default: nextval(s)"),
        FIELD("type: bool, default: yes"),
        FIELD("type: float, default: 0.10"),
        FIELD("type: enum, values: [x, y], default: y"),
        FIELD("type: datetime, default: now"),
        FIELD("type: string, default: abc"),
    };
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        char *found = findings_of(fine[i], GC_DOC_YAML, 10);
        if (strstr(found, "default"))
            fail_msg("%s: %s", fine[i], found);
        free(found);
    }
}

static void test_unknown_keys_are_warnings(void **state)
{
    (void)state;
    expect_finding("name: s\nentites: []\n", "2:1 warning", "did you mean \"entities\"");
    expect_finding("name: s\nentities:\n- name: A\n  atributes: {}\n", "4:3 warning",
                   "attributes");
    expect_finding("name: s\nfiles: [{path: a.go, pupose: x}]\n", "2:22 warning",
                   "purpose");
}

static void test_all_findings_in_one_pass(void **state)
{
    (void)state;
    char *all =
        findings_of("nmae: s\nentities: [[x], {name: A}, {name: A}]\nmodule: /\n"
                    "files: [/a, b/../c]\ngo_version: x\nrelations: [X has many Y]\n",
                    GC_DOC_YAML, 0);
    gc_strv lines = { 0 };
    gc_strv_split(&lines, all, '\n');
    assert_int_equal(10, lines.count);
    gc_strv_release(&lines);
    free(all);
}

static void test_the_limit_of_fields_is_named(void **state)
{
    (void)state;
    gc_buf yaml;
    gc_buf_init(&yaml, 1 << 20);
    gc_buf_puts(&yaml, "name: s\nentities:\n- name: A\n  fields:\n");
    for (int i = 0; i < 1002; i++)
        gc_buf_printf(&yaml, "  - f%d: int\n", i);
    char *all = findings_of(yaml.ptr, GC_DOC_YAML, 0);
    assert_string_equal("1005:5 error entity \"A\" has more than 1000 fields; split it\n",
                        all);
    free(all);
    gc_buf_release(&yaml);
}

static void test_the_limit_of_entities_is_named(void **state)
{
    (void)state;
    char *all = findings_of("name: s\nentities: [A, B, C, D]\n", GC_DOC_YAML, 2);
    assert_string_equal(
        "2:18 error more than 2 entities (limits.max_entities); split the spec or "
        "raise the limit\n",
        all);
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_that_are_refused),
        cmocka_unit_test(test_values_where_words_belong),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_case_clashes_are_renamed),
        cmocka_unit_test(test_reserved_names_are_renamed),
        cmocka_unit_test(test_dangling_references),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_project_values),
        cmocka_unit_test(test_patterns_that_go_does_not_take),
        cmocka_unit_test(test_bounds_that_cannot_be_meant),
        cmocka_unit_test(test_unknown_keys_are_warnings),
        cmocka_unit_test(test_all_findings_in_one_pass),
        cmocka_unit_test(test_the_limit_of_fields_is_named),
        cmocka_unit_test(test_the_limit_of_entities_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
