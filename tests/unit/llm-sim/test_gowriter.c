#include <stdlib.h>
#include <string.h>

#include "support/must.h"
#include "tests/llm-sim/gowriter.h"

/* The file written for that promise; free() it. */
static char *write_file(const char *path, const char *package, const char *kind,
                        const char *promise)
{
    gc_sim_wanted_file file = { .path = (char *)path,
                                .package = (char *)package,
                                .kind = (char *)kind,
                                .promise = (char *)promise };
    gc_buf out;
    gc_buf_init(&out, 1 << 20);
    gc_sim_go_write(&file, &out);
    return gc_buf_take(&out);
}

static void must_contain(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void must_lack(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" is in:\n%s", part, text);
}

static void test_gowriter_writes_a_service(void **state)
{
    (void)state;
    char *text =
        write_file("internal/order/order_service.go", "order", "service",
                   "import \"context\"\n"
                   "import \"net/http\"\n"
                   "type Service struct\n"
                   "func NewService(repo Repository) *Service\n"
                   "func (s *Service) Get(ctx context.Context, id string) (*Order, "
                   "error)\n");
    assert_string_equal(
        "package order\n"
        "\n"
        "import (\n"
        "\t\"context\"\n"
        "\t\"errors\"\n"
        ")\n"
        "\n"
        "// Service describes service as package order sees it.\n"
        "type Service struct {\n"
        "\trepo Repository\n"
        "}\n"
        "\n"
        "// NewService returns a ready-to-use service.\n"
        "func NewService(repo Repository) *Service {\n"
        "\treturn &Service{repo: repo}\n"
        "}\n"
        "\n"
        "// Get returns one service.\n"
        "func (s *Service) Get(ctx context.Context, id string) (*Order, error) {\n"
        "\tif err := ctx.Err(); err != nil {\n"
        "\t\treturn nil, err\n"
        "\t}\n"
        "\tif id == \"\" {\n"
        "\t\treturn nil, errors.New(\"order: id is required\")\n"
        "\t}\n"
        "\treturn new(Order), nil\n"
        "}\n",
        text);
    free(text);
}

static void test_gowriter_aligns_fields_as_gofmt_does(void **state)
{
    (void)state;
    char *text = write_file("a.go", "a", "model",
                            "type T struct {\n"
                            "ID string `json:\"id\"`\n"
                            "LongerName map[string]int `json:\"n\"`\n"
                            "Plain bool\n"
                            "Base\n"
                            "X int `x:\"y\"` // comments go\n"
                            "}\n");
    must_contain(text, "\tID         string         `json:\"id\"`\n"
                       "\tLongerName map[string]int `json:\"n\"`\n"
                       "\tPlain      bool\n"
                       "\tBase\n"
                       "\tX int `x:\"y\"`\n");
    free(text);
}

static void test_gowriter_returns_a_value_of_every_type(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *value;
    } cases[] = { { "string", "\"\"" },
                  { "bool", "false" },
                  { "int64", "0" },
                  { "error", "nil" },
                  { "any", "nil" },
                  { "[]string", "[]string{}" },
                  { "map[string][]int", "map[string][]int{}" },
                  { "[4]byte", "[4]byte{}" },
                  { "*Order", "new(Order)" },
                  { "Order", "*new(Order)" },
                  { "time.Time", "*new(time.Time)" },
                  { "func(int) error", "nil" },
                  { "chan int", "nil" },
                  { "<-chan struct{}", "nil" },
                  { "interface{ M() }", "nil" },
                  { "Own", "Own{}" },
                  { "*Own", "&Own{}" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gc_buf promise;
        gc_buf_init(&promise, 1000);
        gc_buf_printf(&promise, "type Own struct{ A int }\nfunc F() %s\n", cases[i].type);
        char *text = write_file("a.go", "a", "source", promise.ptr);
        gc_buf want;
        gc_buf_init(&want, 1000);
        gc_buf_printf(&want, "\treturn %s\n}\n", cases[i].value);
        must_contain(text, want.ptr);
        gc_buf_release(&want);
        gc_buf_release(&promise);
        free(text);
    }
}

static void test_gowriter_gives_values_to_what_has_none(void **state)
{
    (void)state;
    char *text =
        write_file("user/errors.go", "user", "errors",
                   "var ErrNotFound error\nvar ErrOther = ErrNotFound\n"
                   "const Max int\nconst Name = \"x\"\nvar Table map[string]int\n");
    must_contain(text, "import \"errors\"\n");
    must_contain(text, "var ErrNotFound = errors.New(\"user: not found\")\n");
    must_contain(text, "var ErrOther = ErrNotFound\n");
    must_contain(text, "const Max int = 1\n");
    must_contain(text, "const Name = \"x\"\n");
    must_contain(text, "var Table map[string]int\n");
    free(text);
}

static void test_gowriter_keeps_iota_groups_together(void **state)
{
    (void)state;
    char *text = write_file("a.go", "a", "model",
                            "type L int\nconst (\n\tLow L = iota\n\tHigh\n)\n"
                            "const (\n\tA L = 1\n\tB L = 2\n)\n");
    must_contain(text, "const (\n\tLow L = iota\n\tHigh\n)\n");
    must_contain(text, "const A L = 1\n");
    must_contain(text, "const B L = 2\n");
    free(text);
}

static void test_gowriter_imports_under_another_name_if_taken(void **state)
{
    (void)state;
    char *text = write_file("a.go", "a", "service",
                            "import \"example.com/x/internal/errors\"\n"
                            "var E = errors.ErrNotFound\n"
                            "func Get(id string) error\n");
    must_contain(text, "\tstderrors \"errors\"\n\n\t\"example.com/x/internal/errors\"\n");
    must_contain(text, "return stderrors.New(\"a: id is required\")");
    free(text);
}

static void test_gowriter_registers_handlers(void **state)
{
    (void)state;
    char *text = write_file(
        "order/order_handler.go", "order", "handler",
        "import \"net/http\"\n"
        "type OrderHandler struct\n"
        "func (h *OrderHandler) Register(mux *http.ServeMux)\n"
        "func (h *OrderHandler) Create(w http.ResponseWriter, r *http.Request)\n"
        "func (h *OrderHandler) Get(w http.ResponseWriter, r *http.Request)\n");
    must_contain(text, "\tmux.HandleFunc(\"POST /orders\", h.Create)\n"
                       "\tmux.HandleFunc(\"GET /orders/{id}\", h.Get)\n");
    free(text);
}

static void test_gowriter_writes_tests(void **state)
{
    (void)state;
    char *text = write_file("order/order_test.go", "order", "test",
                            "import \"testing\"\nfunc TestOrderTotal(t *testing.T)\n");
    must_contain(text, "func TestOrderTotal(t *testing.T) {\n");
    must_contain(text, "{name: \"usual\", in: \"order total\", want: 2},\n");
    must_contain(text, "import (\n\t\"strings\"\n\t\"testing\"\n)\n");
    free(text);
    text = write_file("order/order_more_test.go", "order", "test", "");
    must_contain(text, "func TestOrderMoreTestFile(t *testing.T) {\n");
    free(text);
}

static void test_gowriter_makes_unique_names_where_nothing_is_promised(void **state)
{
    (void)state;
    static const char *const paths[] = { "p/a_b.go", "p/a-b.go", "p/ab.go", "p/aB.go",
                                         "p/a.b.go", "p/1.go",   "p/é.go" };
    char *texts[7];
    for (size_t i = 0; i < 7; i++) {
        texts[i] = write_file(paths[i], "p", "source", "");
        char *type = strstr(texts[i], "type ");
        assert_non_null(type);
        for (size_t k = 0; k < i; k++) {
            char *other = strstr(texts[k], "type ");
            assert_true(strncmp(type, other, strcspn(type, "{")) != 0);
        }
    }
    for (size_t i = 0; i < 7; i++)
        free(texts[i]);
}

static void test_gowriter_writes_programs(void **state)
{
    (void)state;
    char *text = write_file("cmd/app/main.go", "main", "main", "");
    must_contain(text, "func main() {\n");
    free(text);
    text = write_file("cmd/app/main.go", "main", "main",
                      "import \"example.com/a/internal/server\"\nfunc main()\n");
    must_contain(text, "func main() {\n");
    must_lack(text, "internal/server");
    free(text);
    text = write_file("cmd/app/flags.go", "main", "source", "");
    must_lack(text, "func main()");
    free(text);
}

static void test_gowriter_depends_on_its_element_alone(void **state)
{
    (void)state;
    char *one =
        write_file("a/b.go", "a", "source", "func F(x int) (y string, err error)\n");
    char *two =
        write_file("a/b.go", "a", "source", "func F(x int) (y string, err error)\n");
    assert_string_equal(one, two);
    must_contain(one, "func F(x int) (y string, err error) {\n\treturn \"\", nil\n}\n");
    free(one);
    free(two);
}

static void test_gowriter_survives_nonsense(void **state)
{
    (void)state;
    static const char *const promises[] = { "func (",     "type X struct {",
                                            "const (",    "import",
                                            "type",       "func F(",
                                            "))))",       "func (s *S",
                                            "var",        "type X[",
                                            "func F() (", "\"",
                                            "`",          "/*",
                                            "type (" };
    for (size_t i = 0; i < sizeof promises / sizeof *promises; i++) {
        char *text = write_file("a.go", "", "", promises[i]);
        must_contain(text, "package main\n");
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gowriter_writes_a_service),
        cmocka_unit_test(test_gowriter_aligns_fields_as_gofmt_does),
        cmocka_unit_test(test_gowriter_returns_a_value_of_every_type),
        cmocka_unit_test(test_gowriter_gives_values_to_what_has_none),
        cmocka_unit_test(test_gowriter_keeps_iota_groups_together),
        cmocka_unit_test(test_gowriter_imports_under_another_name_if_taken),
        cmocka_unit_test(test_gowriter_registers_handlers),
        cmocka_unit_test(test_gowriter_writes_tests),
        cmocka_unit_test(test_gowriter_makes_unique_names_where_nothing_is_promised),
        cmocka_unit_test(test_gowriter_writes_programs),
        cmocka_unit_test(test_gowriter_depends_on_its_element_alone),
        cmocka_unit_test(test_gowriter_survives_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
