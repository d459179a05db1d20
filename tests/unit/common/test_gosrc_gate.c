#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "support/must.h"

static const char promise[] =
    "import \"context\"\nimport \"m/internal/user\"\n"
    "type Status string\nconst Open Status = \"open\"\n"
    "var ErrGone error\n"
    "type Service struct\n"
    "type Item struct {\n\tID   string `json:\"id\"`\n\tData any\n}\n"
    "type Store interface {\n"
    "\tGet(ctx context.Context, id string) (*user.User, error)\n}\n"
    "func NewService(store Store) *Service\n"
    "func (s *Service) List(ctx context.Context, limit, offset int) "
    "([]*user.User, error)\n";

static const char good[] =
    "// Package p is p.\npackage p\n\nimport (\n\t\"context\"\n\t\"errors\"\n\n"
    "\tu \"m/internal/user\"\n)\n\ntype Status string\n\nconst (\n\tOpen Status = `open`\n"
    "\tShut Status = \"shut\"\n)\n\nvar ErrGone = errors.New(\"gone\")\n\n"
    "type Item struct {\n\tID, Name string\n\tData interface{}\n}\n\n"
    "type Service struct{ store Store }\n\ntype Store interface {\n"
    "\tGet(c context.Context, key string) (*u.User, error)\n}\n\n"
    "func NewService(s Store) *Service { return &Service{s} }\n\n"
    "func (s *Service) List(ctx context.Context, a int, b int) (out []*u.User, err error) {\n"
    "\treturn nil, nil\n}\n";

static char *gate(const char *path, const char *src)
{
    gc_buf complaint;
    gc_buf_init(&complaint, 65536);
    gc_err err = gc_go_gate(path, "p", promise, src, strlen(src), &complaint);
    assert_true((err == GC_OK) == (complaint.len == 0));
    return gc_buf_take(&complaint);
}

/* The good answer with one piece replaced. */
static char *changed(const char *from, const char *to)
{
    const char *at = strstr(good, from);
    assert_non_null(at);
    gc_buf out;
    gc_buf_init(&out, 65536);
    gc_buf_append(&out, good, (size_t)(at - good));
    gc_buf_puts(&out, to);
    gc_buf_puts(&out, at + strlen(from));
    return gc_buf_take(&out);
}

static void must_pass(const char *src)
{
    char *complaint = gate("a/b.go", src);
    assert_string_equal(complaint, "");
    free(complaint);
}

static void must_complain(const char *from, const char *to, const char *word)
{
    char *src = changed(from, to), *complaint = gate("a/b.go", src);
    if (!strstr(complaint, word))
        fail_msg("wanted \"%s\" in \"%s\"", word, complaint);
    free(complaint);
    free(src);
}

static void test_gate_accepts_other_spellings(void **state)
{
    (void)state;
    must_pass(good);
    char *src = changed("// Package p is p.", "//go:build linux\n\n/* } */");
    must_pass(src);
    free(src);
}

static void test_gate_names_what_is_wrong(void **state)
{
    (void)state;
    must_complain("func NewService(s Store) *Service { return &Service{s} }\n", "",
                  "missing: func NewService");
    must_complain("a int, b int", "a int, b int64", "List");
    must_complain("(s *Service) List", "(s Service) List", "List");
    must_complain("ID, Name string", "Name string", "ID");
    must_complain("Data interface{}", "Data string", "Data");
    must_complain("key string) (*u.User, error)", "key string) (u.User, error)", "Get");
    must_complain("`open`", "`closed`", "Open");
    must_complain("package p\n", "package q\n", "package p");
    must_complain("var ErrGone = errors.New(\"gone\")", "var ErrGone = u.X", "errors");
    must_complain("return nil, nil\n}", "return nil, nil\n", "not closed");
    must_complain("return nil, nil\n}", "return nil, nil)\n}", "unbalanced");
    must_complain("type Status string", "type Status string\ntype Status int", "already");
    must_complain("\t\"errors\"\n", "\t\"errors\"\n\t\"errors\"\n", "twice");
    must_complain("string\n\tData", "string\n\tmore, 7 int\n\tData", "line");
}

static void test_gate_other_files(void **state)
{
    gc_buf c;
    (void)state;
    gc_buf_init(&c, 1000);
    must_ok(gc_go_gate("README.md", "", "", "x", 1, &c));
    expect_err(GC_EPROTO, gc_go_gate("README.md", "", "", " \n", 2, &c));
    gc_buf_reset(&c);
    const char *test =
        "package p_test\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) {}\n";
    must_ok(gc_go_gate("a/b_test.go", "p",
                       "import \"testing\"\nfunc TestA(t *testing.T)\n", test,
                       strlen(test), &c));
    gc_buf_release(&c);
}

static void same_api(const char *a, const char *b, bool equal)
{
    gc_sha x, y;
    must_ok(gc_go_api_digest(a, strlen(a), &x, NULL));
    must_ok(gc_go_api_digest(b, strlen(b), &y, NULL));
    assert_true((strcmp(x.hex, y.hex) == 0) == equal);
}

static void test_api_follows_the_surface_alone(void **state)
{
    (void)state;
    const char *base =
        "package p\nfunc B(a int, b string) error { return nil }\ntype A struct{ X int; y int }\n";
    same_api(
        base,
        "package p\n// c\ntype A struct {\n\tX int\n\tz string\n}\nfunc B(c int, d string) error { panic(1) }\n",
        true);
    same_api(
        base,
        "package p\nfunc B(a int, b string) error { return nil }\ntype A struct{ X int; Y int }\n",
        false);
    same_api(
        base,
        "package p\nfunc B(a int, b ...string) error { return nil }\ntype A struct{ X int }\n",
        false);
    same_api("package p\nfunc F[K comparable, V any](m map[K]V) {}\n",
             "package p\nfunc F[K comparable, V any](x map[K]V) { _ = 1 }\nfunc g() {}\n",
             true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gate_accepts_other_spellings),
        cmocka_unit_test(test_gate_names_what_is_wrong),
        cmocka_unit_test(test_gate_other_files),
        cmocka_unit_test(test_api_follows_the_surface_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
