#include <stdlib.h>
#include <string.h>

#include "common/gosrc.h"
#include "support/must.h"

static char *gate(const char *path, const char *promise, const char *src)
{
    gc_buf complaint;
    gc_buf_init(&complaint, 1 << 16);
    gc_err err = gc_go_gate(path, "user", promise, src, strlen(src), &complaint);
    assert_int_equal(err, complaint.len ? GC_EPROTO : GC_OK);
    return gc_buf_take(&complaint);
}

static void expect_gate_at(const char *path, const char *promise, const char *src,
                           const char *want)
{
    char *got = gate(path, promise, src);
    assert_string_equal(got, want);
    free(got);
}

static void expect_gate(const char *promise, const char *src, const char *want)
{
    expect_gate_at("internal/user/service.go", promise, src, want);
}

static const char promise[] =
    "import \"context\"\nimport cust \"example.com/shop/internal/customer\"\n"
    "type Service struct\n"
    "type User struct {\n\tID string\n\tTags, Roles []string\n\t*Base\n}\n"
    "type Store interface {\n\tGet(ctx context.Context, id string) (*User, error)\n"
    "\tPut(ctx context.Context, u *User) error\n}\n"
    "type Status string\nconst StatusActive Status = \"active\"\nvar ErrNotFound error\n"
    "func NewService(repo Store, c *cust.Customer) *Service\n"
    "func (s *Service) Create(ctx context.Context, in any) (*User, error)\n"
    "func Map[T, U any](in []T, f func(T) U) []U\n";

static void test_a_good_answer(void **state)
{
    (void)state;
    expect_gate(
        promise,
        "// Package user.\npackage user\n\nimport (\n\t\"errors\"\n\tctx \"context\"\n\n"
        "\t\"example.com/shop/internal/customer\"\n)\n\n"
        "const (\n\tStatusActive Status = `active`\n\tStatusOther Status = \"x\"\n)\n"
        "var ErrNotFound = errors.New(\"not found\")\n"
        "type Status string\n"
        "type User struct {\n\tID string `json:\"id\"`\n\tRoles, Tags []string\n"
        "\tAge int\n\t*Base\n}\n"
        "type Store interface {\n\tPut(ctx.Context, *User) error\n"
        "\tGet(_ ctx.Context, key string) (u *User, err error)\n}\n"
        "type Service struct {\n\trepo Store\n}\n"
        "func NewService(r Store, cc *customer.Customer) *Service { return nil }\n"
        "func (svc *Service) Create(c ctx.Context, in interface{}) (*User, error) {\n"
        "\treturn nil, nil\n}\n"
        "func Map[A any, B any](in []A, f func(A) B) []B { return nil }\n"
        "func extra() {}\nfunc init() {}\nfunc init() {}\nvar _ Store = nil\nvar _ = 1\n",
        "");
}

static void test_nothing_there(void **state)
{
    (void)state;
    expect_gate(
        "import \"context\"\ntype Service struct\nconst A = 1\nvar B int\n"
        "type U struct {\n\tA int\n}\nfunc NewService(repo Repository) *Service\n"
        "func (s *Service) Get(ctx context.Context) error\n",
        "package user\n",
        "missing: type Service struct\nmissing: const A = 1\nmissing: var B int\n"
        "missing: type U struct\nmissing: func NewService(repo Repository) *Service\n"
        "missing: func (s *Service) Get(ctx context.Context) error\n");
    expect_gate("", "package user\n", "");
    expect_gate("", " \n", "the file is empty\n");
}

static void test_functions_without_a_body(void **state)
{
    (void)state;
    expect_gate("func F()\n", "package user\nfunc F()\n",
                "line 2: F in internal/user/service.go has no body\n");
    expect_gate("",
                "package user\n\ntype T struct{}\n\nfunc (t *T) Do() error\n"
                "func ok() {\n}\n",
                "line 5: T.Do in internal/user/service.go has no body\n");
    expect_gate("",
                "package user\n\nimport _ \"unsafe\"\n\n//go:linkname nanotime "
                "runtime.nanotime\nfunc nanotime() int64\n",
                "");
    expect_gate("",
                "package user\n\n//go:linkname nanotimes runtime.nanotime\nfunc "
                "nanotime() int64\n",
                "line 4: nanotime in internal/user/service.go has no body\n");
}

static void test_other_paths(void **state)
{
    (void)state;
    expect_gate_at("README.md", "func F()", "# {", "");
    expect_gate_at("README.md", "", "\n\t\n", "the file is empty\n");
}

static void test_package_clause(void **state)
{
    (void)state;
    expect_gate("", "// x\npackage main\n",
                "line 2: the package is main, it must be user\n");
    expect_gate("", "package user_test\n",
                "line 1: the package is user_test, it must be user\n");
    expect_gate_at("a_test.go", "", "package user_test\n", "");
    expect_gate_at("a_test.go", "", "package user\n", "");
    expect_gate_at("a_test.go", "", "package users_test\n",
                   "line 1: the package is users_test, it must be user\n");
}

static void test_signatures(void **state)
{
    (void)state;
    expect_gate("func F(a, b int, c ...string) error\n",
                "package user\nfunc F(a int, b int, c []string) error { return nil }\n",
                "line 2: found: func F(a int, b int, c []string) error; "
                "promised: func F(a, b int, c ...string) error\n");
    expect_gate("func (s *T) F()\n", "package user\ntype T int\nfunc (s T) F() {}\n",
                "line 3: found: func (s T) F(); promised: func (s *T) F()\n");
    expect_gate("func F(b byte, r rune)\n", "package user\nfunc F(uint8, int32) {}\n",
                "");
    expect_gate("type F struct\n", "package user\nfunc F() {}\n",
                "line 2: found: func F(); promised: type F struct\n");
    expect_gate(
        "func (s *Set[K]) Has(k K) bool\nfunc F[K comparable](k K)\n",
        "package user\nfunc (s *Set[T]) Has(k T) bool { return true }\n"
        "func F[T any](k T) {}\n",
        "line 3: found: func F[T any](k T); promised: func F[K comparable](k K)\n");
    expect_gate("func F[K, V any](m map[K]V)\n",
                "package user\nfunc F[V, K any](m map[K]V) {}\n",
                "line 2: found: func F[V, K any](m map[K]V); "
                "promised: func F[K, V any](m map[K]V)\n");
}

static void test_qualifiers_go_by_path(void **state)
{
    (void)state;
    expect_gate("import \"a/customer\"\nfunc F(c customer.C)\n",
                "package user\nimport \"b/customer\"\nfunc F(c customer.C) {}\n",
                "line 3: found: func F(c customer.C); promised: func F(c customer.C)\n");
    expect_gate(
        "import \"gopkg.in/yaml.v3\"\nimport \"github.com/x/kit/v2\"\n"
        "func F(n yaml.Node, k kit.K)\n",
        "package user\nimport y \"gopkg.in/yaml.v3\"\nimport \"github.com/x/kit/v2\"\n"
        "func F(n y.Node, k kit.K) {}\n",
        "");
    expect_gate("import db \"github.com/x/go-database\"\nfunc F(c db.C)\n",
                "package user\nimport \"github.com/x/go-database\"\nfunc F(c db.C) {}\n",
                "");
    expect_gate("func F(c context.Context)\n",
                "package user\nimport \"context\"\nfunc F(c context.Context) {}\n", "");
}

static void test_structs(void **state)
{
    (void)state;
    expect_gate("type U struct {\n\tA int\n\tB *T\n\tE\n}\n",
                "package user\ntype U struct {\n\tB T\n\tE E\n}\n",
                "line 2: struct U lacks: A int\n"
                "line 3: in struct U, found: B T; promised: B *T\n"
                "line 4: in struct U, found: E E; promised: E\n");
    expect_gate("type U struct\n", "package user\ntype U = other\n",
                "line 2: found: type U = other; promised: type U struct\n");
    expect_gate("type S[T any] struct {\n\tA []T\n}\n",
                "package user\ntype S[E any] struct {\n\tA []E\n\tb E\n}\n", "");
}

static void test_interfaces(void **state)
{
    (void)state;
    expect_gate(
        "type S interface {\n\tGet(id string) error\n\tPut()\n}\n",
        "package user\ntype S interface {\n\tGet(id int) error\n\tDel()\n}\n",
        "line 3: in interface S, found: Get(id int) error; promised: Get(id string) "
        "error\nline 2: interface S lacks: Put()\n"
        "line 4: interface S may not have more than was promised: take out Del()\n");
    expect_gate("type S any\n", "package user\ntype S interface{}\n", "");
}

static void test_named_types_and_values(void **state)
{
    (void)state;
    expect_gate("type Status string\n", "package user\ntype Status = string\n",
                "line 2: found: type Status = string; promised: type Status string\n");
    expect_gate(
        "const A Status = \"a\"\nconst B = 10\nconst C Kind = 1\nconst D S = \"d\"\n",
        "package user\nconst A Status = \"b\"\nconst B = 0xA\n"
        "const (\n\tX Kind = iota\n\tC\n)\nconst D = S(\"d\")\n",
        "line 2: found: const A Status = \"b\"; promised: const A Status = \"a\"\n");
    expect_gate("const A Status = \"a\"\nconst B = 1\n",
                "package user\nconst A = \"a\"\nconst B = 2\n",
                "line 2: found: const A = \"a\"; promised: const A Status = \"a\"\n"
                "line 3: found: const B = 2; promised: const B = 1\n");
    expect_gate("var E error\nvar M map[string]int\n",
                "package user\nvar E *MyErr\nvar M = map[string]int{}\n",
                "line 2: found: var E *MyErr; promised: var E error\n");
}

static void test_go_refuses_these(void **state)
{
    (void)state;
    expect_gate(
        "",
        "package user\nimport \"fmt\"\nimport \"os\"\nimport \"fmt\"\n"
        "import _ \"embed\"\nimport . \"math\"\nimport e \"errors\"\n"
        "import \"github.com/x/unclear\"\nvar x = fmt.Sprint()\n",
        "line 3: \"os\" is imported as os and not used; take the import out\n"
        "line 4: \"fmt\" is imported twice, first in line 2\n"
        "line 7: \"errors\" is imported as e and not used; take the import out\n");
    expect_gate(
        "",
        "package user\nimport \"crypto/rand\"\nimport \"math/rand/v2\"\n"
        "var x = rand.Int()\nfunc rand() {}\n",
        "line 5: rand is already the name of the import \"crypto/rand\"\n"
        "line 3: \"crypto/rand\" and \"math/rand/v2\" are both imported as rand; give one an alias\n");
    expect_gate("",
                "package user\nfunc F() {}\ntype T int\nvar F = 1\nfunc (T) M() {}\n"
                "func (*T) M() {}\n",
                "line 4: F is declared twice, first in line 2\n"
                "line 6: T.M is declared twice, first in line 5\n");
    expect_gate("import \"time\"\n", "package user\nfunc F(t time.Time, x log.L) {}\n",
                "line 2: time is not imported: import \"time\"\n"
                "line 2: log is not imported\n");
}

static void test_syntax_errors_are_named(void **state)
{
    (void)state;
    expect_gate(promise, "package user\nfunc F() {\n\treturn\n}\n}\n",
                "line 5: unbalanced '}': it closes nothing\n");
    expect_gate(promise, "package user\nvar s = \"x\n",
                "line 2: a string that never ends: '\"' is missing\n");
    expect_gate(
        "func (", "package user\n",
        "the promised declarations cannot be read: line 1: expected a type, found the "
        "end of the file\n");
}

/* ---- one change to a good answer ---- */

static const char promised[] =
    "import \"context\"\nimport \"m/internal/owner\"\n"
    "type Status string\nconst Open Status = \"open\"\nvar ErrGone error\n"
    "type Service struct\ntype Item struct {\n\tID   string `json:\"id\"`\n\tData any\n}\n"
    "type Store interface {\n\tGet(ctx context.Context, id string) (*owner.O, error)\n}\n"
    "func NewService(store Store) *Service\n"
    "func (s *Service) List(ctx context.Context, limit, offset int) ([]*owner.O, error)\n";

static const char good[] =
    "// Package user is a package.\npackage user\n\nimport (\n\t\"context\"\n\t\"errors\"\n\n"
    "\to \"m/internal/owner\"\n)\n\ntype Status string\n\nconst (\n\tOpen Status = `open`\n"
    "\tShut Status = \"shut\"\n)\n\nvar ErrGone = errors.New(\"gone\")\n\n"
    "type Item struct {\n\tID, Name string\n\tData interface{}\n}\n\n"
    "type Service struct{ store Store }\n\ntype Store interface {\n"
    "\tGet(c context.Context, key string) (*o.O, error)\n}\n\n"
    "func NewService(s Store) *Service { return &Service{s} }\n\n"
    "func (s *Service) List(ctx context.Context, a int, b int) (out []*o.O, err error) {\n"
    "\treturn nil, nil\n}\n";

/* `good` with `to` in place of `from`; its complaint has `word` in it, "" for none. */
static void expect_changed(const char *from, const char *to, const char *word)
{
    gc_buf src;
    const char *at = strstr(good, from);
    assert_non_null(at);
    gc_buf_init(&src, 65536);
    must_ok(gc_buf_append(&src, good, (size_t)(at - good)));
    must_ok(gc_buf_puts(&src, to));
    must_ok(gc_buf_puts(&src, at + strlen(from)));
    char *complaint = gate("a/b.go", promised, src.ptr);
    if (*word ? !strstr(complaint, word) : *complaint != '\0')
        fail_msg("wanted \"%s\" in \"%s\"", word, complaint);
    free(complaint);
    gc_buf_release(&src);
}

static void test_one_change(void **state)
{
    (void)state;
    expect_changed("// Package user is a package.", "//go:build linux\n\n/* } */", "");
    expect_changed("func NewService(s Store) *Service { return &Service{s} }\n", "",
                   "missing: func NewService");
    expect_changed("a int, b int", "a int, b int64", "List");
    expect_changed("(s *Service) List", "(s Service) List", "List");
    expect_changed("ID, Name string", "Name string", "lacks: ID string");
    expect_changed("Data interface{}", "Data string", "Data any");
    expect_changed("key string) (*o.O, error)", "key string) (o.O, error)", "Get");
    expect_changed("`open`", "`closed`", "Open");
    expect_changed("var ErrGone = errors.New(\"gone\")", "var ErrGone = o.X", "errors");
    expect_changed("return nil, nil\n}", "return nil, nil\n", "not closed");
    expect_changed("return nil, nil\n}", "return nil, nil)\n}", "unbalanced");
    expect_changed("type Status string", "type Status string\ntype Status int", "twice");
    expect_changed("\t\"errors\"\n", "\t\"errors\"\n\t\"errors\"\n", "twice");
    expect_changed("string\n\tData", "string\n\tmore, 7 int\n\tData", "line 22:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_answer),
        cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_functions_without_a_body),
        cmocka_unit_test(test_other_paths),
        cmocka_unit_test(test_package_clause),
        cmocka_unit_test(test_signatures),
        cmocka_unit_test(test_qualifiers_go_by_path),
        cmocka_unit_test(test_structs),
        cmocka_unit_test(test_interfaces),
        cmocka_unit_test(test_named_types_and_values),
        cmocka_unit_test(test_go_refuses_these),
        cmocka_unit_test(test_syntax_errors_are_named),
        cmocka_unit_test(test_one_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
