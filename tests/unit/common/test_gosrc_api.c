#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "support/must.h"

static void expect_api(const char *src, const char *want)
{
    gc_buf out;
    gc_errinfo info = { 0 };
    gc_buf_init(&out, 1 << 20);
    if (gc_go_api(src, strlen(src), &out, &info))
        print_error("%s\n", info.text);
    assert_string_equal(out.ptr, want);
    gc_buf_release(&out);
}

static void expect_bad(const char *src, const char *words)
{
    gc_buf out;
    gc_errinfo info = { 0 };
    gc_buf_init(&out, 1 << 20);
    expect_err(GC_EPROTO, gc_go_api(src, strlen(src), &out, &info));
    if (!strstr(info.text, words))
        print_error("%s gave: %s\n", src, info.text);
    assert_non_null(strstr(info.text, words));
    gc_buf_release(&out);
}

static gc_sha digest(const char *src)
{
    gc_sha sha;
    must_ok(gc_go_api_digest(src, strlen(src), &sha, NULL));
    return sha;
}

static void expect_same(const char *a, const char *b)
{
    assert_string_equal(digest(a).hex, digest(b).hex);
}

static void expect_other(const char *a, const char *b)
{
    assert_string_not_equal(digest(a).hex, digest(b).hex);
}

static void test_a_whole_file(void **state)
{
    (void)state;
    expect_api(
        "// Package user.\npackage user\n\nimport (\n\t\"context\"\n\t\"fmt\"\n"
        "\tcust \"example.com/shop/internal/customer\"\n)\n\n"
        "func NewService(repo Repository, opts ...Option) *Service {\n"
        "\tfmt.Println(`}`)\n\treturn nil\n}\n\n"
        "func (s *Service) Create(ctx context.Context, c cust.Customer) (u *User, err "
        "error) { return }\n"
        "func (s *Service) helper() {}\nfunc (o option) Apply() {}\n"
        "type Service struct { repo Repository; Name, Nick string `json:\"n\"`; *cust.Base }\n"
        "type option struct{}\ntype Status string\ntype Any = interface{}\n"
        "type Repository interface {\n\tPut(User) error\n\tGet(id string) (User, error)\n"
        "\tprivate()\n}\n"
        "const (\n\tActive Status = \"active\"\n\thidden = 1\n)\n"
        "const (\n\tA = iota\n\tB\n\t_\n\tC\n)\nvar ErrNotFound = f()\n"
        "var X, y map[string][]rune\n",
        "package user\nimport \"context\"\nimport \"example.com/shop/internal/customer\"\n"
        "const A = 0\nconst Active Status = \"active\"\nconst B = 1\nconst C = 3\n"
        "var ErrNotFound\nvar X map[string][]int32\n"
        "type Any = any\n"
        "type Repository interface {\n\tGet(string) (User, error)\n\tPut(User) error\n}\n"
        "type Service struct {\n\tName string `json:\"n\"`\n\tNick string `json:\"n\"`\n"
        "\t*customer.Base\n}\n"
        "type Status string\n"
        "func NewService(Repository, ...Option) *Service\n"
        "func (*Service) Create(context.Context, customer.Customer) (*User, error)\n");
}

static void test_generics(void **state)
{
    (void)state;
    expect_api(
        "package g\ntype Number interface{ ~int | ~float64 }\n"
        "type Set[K comparable, V any] struct { Items map[K]V; Set2[K] }\n"
        "type Array [N * 2]int\ntype Ptr[T *U,] struct{}\ntype Lim [max(1, 2)]byte\n"
        "func (s *Set[A, B]) Put(k A, v B) {}\n"
        "func Map[T, U any](in []T, f func(T) U) []U { return nil }\n"
        "func Keys[S ~[]E, E any](s S) (r []E) { return }\n",
        "package g\ntype Array [N*2]int\ntype Lim [max(1,2)]byte\n"
        "type Number interface {\n\t~int|~float64\n}\ntype Ptr[T *U] struct {}\n"
        "type Set[K comparable, V any] struct {\n\tItems map[K]V\n\tSet2[K]\n}\n"
        "func Keys[S ~[]E, E any](S) []E\n"
        "func Map[T any, U any]([]T, func(T) U) []U\n"
        "func (*Set[A, B]) Put(A, B)\n");
}

static void test_types(void **state)
{
    (void)state;
    expect_api(
        "package t\nimport \"unsafe\"\n"
        "func A(a, b int, c [4]int, d [n]T, e Set[int], f ...string)\n"
        "func B(int, ...unsafe.Pointer)\n"
        "func C(chan<- int, <-chan (chan int), chan (<-chan int), chan<- chan int)\n"
        "func D() (func() (int, error), struct{ a, b int \"t\" }, interface{ M(); N() })\n"
        "func E(f func(x, y uint8) (z bool)) (int)\n"
        "func F(m map[[2]string]*(T), g func())\n",
        "package t\nimport \"unsafe\"\n"
        "func A(int, int, [4]int, [n]T, Set[int], ...string)\n"
        "func B(int, ...unsafe.Pointer)\n"
        "func C(chan<- int, <-chan chan int, chan (<-chan int), chan<- chan int)\n"
        "func D() (func() (int, error), struct{a int \"t\"; b int \"t\"}, interface{M(); N()})\n"
        "func E(func(byte, byte) bool) int\n"
        "func F(map[[2]string]*T, func())\n");
}

static void test_constants(void **state)
{
    (void)state;
    expect_api("package c\nconst (\n\tKB = 1 << (10 * (iota + 1))\n\tMB\n)\n"
               "const Name = `a\"b` + \"\\x41\"\nconst Neg = -1_000\nconst R = 'x'\n"
               "const T = Status(\"s\")\nconst L = len(\"abc\")\nconst D = 5 * Second\n"
               "const A, B uint8 = iota, 0x1F\n",
               "package c\nconst A byte = 0\nconst B byte = 0x1F\nconst D\n"
               "const KB = 1 << (10 * (0 + 1))\nconst L\nconst MB = 1 << (10 * (1 + 1))\n"
               "const Name = \"a\\\"b\" + \"A\"\nconst Neg = -1000\nconst R = 'x'\n"
               "const T Status = \"s\"\n");
}

static void test_import_names(void **state)
{
    (void)state;
    expect_api(
        "package i\nimport (\n\t\"math/rand/v2\"\n\tcrand \"crypto/rand\"\n"
        "\t\"gopkg.in/yaml.v3\"\n\t\"github.com/x/go-redis/v9\"\n\t\"fmt\"\n)\n"
        "func A(rand.Rand, crand.R, yaml.Node, redis.Client, other.T)\n",
        "package i\nimport crand \"crypto/rand\"\nimport redis \"github.com/x/go-redis/v9\"\n"
        "import \"gopkg.in/yaml.v3\"\nimport \"math/rand/v2\"\n"
        "func A(rand.Rand, crand.R, yaml.Node, redis.Client, other.T)\n");
}

static const char base[] = "package a\nimport \"io\"\ntype T struct { A int; b string }\n"
                           "func F(r io.Reader, n int) error { return nil }\n";

static void test_digest_ignores_what_others_do_not_see(void **state)
{
    (void)state;
    expect_same(
        base, "// c\npackage a\n\nimport x \"io\"\nimport \"os\"\n"
              "func F( reader x.Reader , _ int) ( err error ) {\n os.Exit(1)\n return }\n"
              "type (\n\tT struct {\n\t\tA int // c\n\t\tc, d float64\n\t}\n)\n"
              "func g() {}\n");
}

static void test_digest_sees_the_surface(void **state)
{
    (void)state;
    expect_other(base, "package a\nimport \"io\"\ntype T struct { A int; B string }\n"
                       "func F(r io.Reader, n int) error { return nil }\n");
    expect_other(base, "package a\nimport \"io\"\ntype T struct { A int64; b string }\n"
                       "func F(r io.Reader, n int) error { return nil }\n");
    expect_other(base, "package a\nimport \"io\"\ntype T struct { A int; b string }\n"
                       "func F(r io.Reader, n ...int) error { return nil }\n");
    expect_other("package a\nconst (\n\tA = iota\n\tB\n)\n",
                 "package a\nconst (\n\t_ = iota\n\tA\n\tB\n)\n");
}

static void test_what_does_not_parse(void **state)
{
    (void)state;
    expect_bad("", "line 1: expected the package clause, found the end of the file");
    expect_bad("package", "expected a name");
    expect_bad("package a\nfunc F() {\n", "'{' of line 2 is not closed");
    expect_bad("package a\nfunc F() {\n\tif x {\n}\n\nfunc G() {\n}\n",
               "'{' of line 2 is not closed (it should be before line 6");
    expect_bad("package a\nfunc F() {\n\tf(]\n}\n",
               "line 3: unbalanced ']': ')' is needed");
    expect_bad("package a\nfunc F() {\n}}\n", "line 3: ");
    expect_bad("package a\nx := 1\n", "line 2: expected a declaration");
    expect_bad("package a\nvar x = 1\nimport \"fmt\"\n",
               "line 3: imports must come before");
    expect_bad("package a\nimport \"a b\"\n", "import path is not valid");
    expect_bad("package a\ntype T struct\n", "expected '{'");
    expect_bad("package a\nfunc F(a int, string) {}\n", "mixed");
    expect_bad("package a\nfunc (a.T) F() {}\n", "receiver");
    expect_bad("package a\nvar x\n", "expected a type or '='");
    expect_bad("package a\nconst x int\n", "expected '='");
    expect_bad("package a\nvar x = \n", "expected an expression");
    expect_bad("Here is the file:\n\npackage a\n", "found 'Here'");
}

static void test_depth_is_limited(void **state)
{
    gc_buf src, out;
    (void)state;
    gc_buf_init(&src, 1 << 20);
    gc_buf_init(&out, 1 << 20);
    for (int kind = 0; kind < 3; kind++) {
        static const char *const pieces[] = { "*", "func(a ", "struct{a " };
        gc_buf_reset(&src);
        gc_buf_puts(&src, "package a\nvar X ");
        for (int i = 0; i < 50000; i++)
            gc_buf_puts(&src, pieces[kind]);
        expect_err(GC_EPROTO, gc_go_api(src.ptr, src.len, &out, NULL));
    }
    gc_buf_release(&src);
    gc_buf_release(&out);
}

/* Each array length that fails was read again as a type, twice for each map. */
static void test_an_error_ends_the_reading(void **state)
{
    (void)state;
    expect_bad("package a\ntype T [map[a;\n]int\n", "line 4: expected ']'");
    expect_bad("package a\ntype T [map[a[map[b[map[c;\nfunc F(\n", "not closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_file),
        cmocka_unit_test(test_generics),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_import_names),
        cmocka_unit_test(test_digest_ignores_what_others_do_not_see),
        cmocka_unit_test(test_digest_sees_the_surface),
        cmocka_unit_test(test_what_does_not_parse),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_an_error_ends_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
