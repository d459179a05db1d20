#include "coordinator/plan.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "support/must_fcs.h"

typedef struct fixture {
    gc_fcs *fcs;
    gc_plan *plan;
    gc_diags diags;
} fixture;

static fixture f;

static const gc_plan_options usual = { .templates = true, .max_files = 100000 };

static void forget(void)
{
    gc_plan_destroy(&f.plan);
    gc_fcs_destroy(&f.fcs);
    gc_diags_release(&f.diags);
}

static int tear_down(void **state)
{
    (void)state;
    forget();
    return 0;
}

static gc_err try_plan(const char *yaml, const gc_plan_options *options)
{
    forget();
    f.fcs = must_build(yaml);
    gc_diags_init(&f.diags, "spec.yaml");
    return gc_plan_make(f.fcs, options, &f.diags, &f.plan);
}

static void plan(const char *yaml)
{
    must_ok(try_plan(yaml, &usual));
}

static const gc_plan_file *file(const char *path)
{
    long index = gc_plan_find(f.plan, path);
    if (index < 0)
        fail_msg("%s is not in the plan", path);
    return &f.plan->files[index];
}

/* The kind of the edge from one file to another, -1 without one. */
static int edge(const char *from, const char *to)
{
    const gc_plan_file *a = file(from);
    long b = gc_plan_find(f.plan, to);
    int kind = -1;
    for (size_t i = 0; i < a->edge_count; i++)
        if ((long)a->edges[i].file == b) {
            assert_int_equal(kind, -1); /* one edge per file */
            kind = a->edges[i].kind;
        }
    return kind;
}

static void expect_promise(const char *path, const char *want)
{
    const gc_plan_file *p = file(path);
    if (!strstr(p->promise, want))
        fail_msg("%s does not promise \"%s\" but:\n%s", path, want, p->promise);
}

static void refuse_promise(const char *path, const char *words)
{
    if (strstr(file(path)->promise, words))
        fail_msg("%s promises \"%s\"", path, words);
}

/* All of the plan that may not depend on the order of the specification. */
static char *dump(void)
{
    gc_buf out;
    gc_buf_init(&out, (size_t)8 << 20);
    for (size_t i = 0; i < f.plan->file_count; i++) {
        const gc_plan_file *p = &f.plan->files[i];
        char *entities = gc_strv_join(&p->entities, ","),
             *others = gc_strv_join(&p->neighbours, ","),
             *contracts = gc_strv_join(&p->contracts, ","),
             *requirements = gc_strv_join(&p->requirements, ",");
        gc_buf_printf(&out, "%s|%s|%s|%s|%zu|%s|%s|%s|%s|%s\n", p->path, p->package,
                      p->kind, p->purpose, p->level, entities, others, contracts,
                      requirements, p->promise);
        for (size_t e = 0; e < p->edge_count; e++)
            gc_buf_printf(&out, "%zu:%d ", p->edges[e].file, (int)p->edges[e].kind);
        free(entities);
        free(others);
        free(contracts);
        free(requirements);
    }
    return gc_buf_take(&out);
}

static const char shop[] =
    "name: shop\n"
    "entities:\n"
    "- name: Author\n"
    "  attributes: {id: uuid, name: string}\n"
    "- name: Book\n"
    "  attributes: {id: uuid, title: {type: string, required: true}, author: Author,\n"
    "               state: 'enum(draft, out)', printed_at: timestamp}\n"
    "requirements: [Books have titles, Everything is logged]\n"
    "endpoints: [GET /books, 'POST /books/{id}/publish']\n";

/* ---- layout ---- */

static void test_plan_layout_of_a_service(void **state)
{
    (void)state;
    static const char *const paths[] = {
        ".dockerignore",
        ".github/workflows/ci.yml",
        ".gitignore",
        ".golangci.yml",
        "Dockerfile",
        "Makefile",
        "README.md",
        "cmd/shop/main.go",
        "go.mod",
        "internal/apperrors/errors.go",
        "internal/apperrors/errors_test.go",
        "internal/author/author.go",
        "internal/author/author_handler.go",
        "internal/author/author_handler_test.go",
        "internal/author/author_service.go",
        "internal/author/author_service_test.go",
        "internal/author/author_store.go",
        "internal/author/author_store_test.go",
        "internal/author/author_test.go",
        "internal/book/book.go",
        "internal/book/book_handler.go",
        "internal/book/book_handler_test.go",
        "internal/book/book_service.go",
        "internal/book/book_service_test.go",
        "internal/book/book_store.go",
        "internal/book/book_store_test.go",
        "internal/book/book_test.go",
        "internal/config/config.go",
        "internal/config/config_test.go",
        "internal/server/router.go",
        "internal/server/router_test.go",
        "internal/server/server.go",
        "internal/server/server_test.go",
    };
    plan(shop);
    assert_int_equal(f.plan->file_count, sizeof paths / sizeof *paths);
    for (size_t i = 0; i < f.plan->file_count; i++)
        assert_string_equal(f.plan->files[i].path, paths[i]); /* by path */
    assert_int_equal(gc_plan_find(f.plan, "internal/book"), -1);
    assert_int_equal(gc_plan_find(f.plan, ""), -1);
}

static void test_plan_of_a_command_line_program(void **state)
{
    (void)state;
    plan(
        "name: notes\ndescription: a command line tool\nentities: {Note: {id: uuid, text: string}}\n");
    assert_string_equal(f.fcs->kind, "cli");
    expect_promise("internal/cli/cli.go",
                   "func Run(ctx context.Context, cfg config.Config, args []string, "
                   "stdout, stderr io.Writer) int\n");
    expect_promise("internal/note/note_store.go",
                   "func NewFileStore(path string) (*FileStore, error)\n");
    assert_int_equal(gc_plan_find(f.plan, "internal/note/note_handler.go"), -1);
    assert_int_equal(edge("cmd/notes/main.go", "internal/cli/cli.go"), GC_EDGE_CONTRACT);
    assert_int_equal(edge("internal/cli/cli.go", "internal/note/note_service.go"),
                     GC_EDGE_CONTRACT);
}

static void test_plan_of_a_library(void **state)
{
    (void)state;
    plan(
        "name: calc\ndescription: a Go library\nentities: {Sum: {id: uuid, value: int}}\n"
        "architecture: {packages: [{name: round, purpose: Rounds}, "
        "{path: internal/bits, purpose: Counts}]}\n");
    assert_string_equal(f.fcs->kind, "library");
    assert_string_equal(file("sum/sum.go")->import_path, "example.com/calc/sum");
    assert_string_equal(file("round/round.go")->package, "round");
    file("apperrors/errors.go");
    file("internal/bits/bits.go");
    for (size_t i = 0; i < f.plan->file_count; i++)
        assert_string_not_equal(f.plan->files[i].kind, "main");
}

static const char packed[] =
    "name: s\nkind: %s\nentities:\n- {name: Order, attributes: {id: uuid}}\n"
    "- {name: Item, attributes: {id: uuid}}\n"
    "requirements:\n- {id: FR-1, description: The mailer package retries}\n"
    "- {id: FR-2, description: Orders are kept}\n- {id: FR-3, description: Log all}\n"
    "architecture:\n  packages:\n  - {name: pricing, purpose: What an Order costs}\n"
    "  - {name: mailer}\n  - {name: spare}\n  - {name: services, purpose: Rules}\n"
    "  - {path: cmd/admin, purpose: A tool}\n  - {name: order, purpose: Orders}\n";

static void plan_packed(const char *kind)
{
    char *yaml = gc_xasprintf(packed, kind);
    plan(yaml);
    free(yaml);
}

static void test_plan_fills_packages_of_the_specification(void **state)
{
    (void)state;
    plan_packed("http");
    const gc_plan_file *pricing = file("internal/pricing/pricing.go");
    assert_string_equal(pricing->kind, "source");
    assert_string_equal(pricing->purpose, "What an Order costs");
    assert_int_equal(pricing->entities.count, 1);
    assert_string_equal(pricing->entities.items[0], "Order");
    assert_int_equal(
        edge("internal/pricing/pricing.go", "internal/order/order_service.go"),
        GC_EDGE_CONTRACT);
    assert_int_equal(edge("internal/pricing/pricing.go", "internal/item/item.go"), -1);
    assert_int_equal(
        edge("internal/pricing/pricing_test.go", "internal/pricing/pricing.go"),
        GC_EDGE_REAL);
    const gc_plan_file *mailer = file("internal/mailer/mailer.go");
    assert_true(gc_strv_has(&mailer->requirements, "FR-1"));
    assert_true(gc_strv_has(&mailer->requirements, "FR-3"));
    assert_false(gc_strv_has(&mailer->requirements, "FR-2"));
    assert_int_equal(gc_plan_find(f.plan, "internal/order/order_test.go") < 0, 0);
}

static void test_plan_says_which_packages_stay_empty(void **state)
{
    (void)state;
    plan_packed("http");
    char *notes = gc_strv_join(&f.plan->notes, "\n");
    static const char *const empty[] = { "spare (internal/spare)",
                                         "services (internal/services)", "(cmd/admin)" };
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        if (!strstr(notes, empty[i]))
            fail_msg("nothing about %s in:\n%s", empty[i], notes);
    assert_int_equal(f.plan->notes.count, 3);
    free(notes);
}

static void test_plan_wiring_of_the_model_waits_for_packages(void **state)
{
    (void)state;
    plan_packed("cli");
    assert_int_equal(edge("internal/cli/cli.go", "internal/pricing/pricing.go"),
                     GC_EDGE_REAL);
    assert_int_equal(edge("cmd/s/main.go", "internal/pricing/pricing.go"), -1);
}

static void test_plan_with_and_without_templates(void **state)
{
    (void)state;
    plan(shop);
    assert_int_equal(file("go.mod")->how, GC_BY_TEMPLATE);
    assert_string_equal(file("go.mod")->template_name, "go.mod.tmpl");
    gc_plan_options options = usual;
    options.templates = false;
    must_ok(try_plan(shop, &options));
    assert_int_equal(file("go.mod")->how, GC_BY_LLM);
    assert_null(file("go.mod")->template_name);
}

static void test_plan_has_a_limit(void **state)
{
    (void)state;
    gc_plan_options options = usual;
    options.max_files = 32;
    expect_err(GC_ETOOBIG, try_plan(shop, &options));
    assert_int_equal(f.diags.errors, 1);
    assert_non_null(strstr(f.diags.items[0].text, "limits.max_files"));
    options.max_files = 33;
    must_ok(try_plan(shop, &options));
    options.max_files = 1; /* fewer than entities: not even begun */
    expect_err(GC_ETOOBIG, try_plan(shop, &options));
    assert_non_null(strstr(f.diags.items[f.diags.count - 1].text, "at least"));
}

/* ---- promises ---- */

static void test_plan_promises_a_model(void **state)
{
    (void)state;
    plan(shop);
    assert_string_equal(file("internal/author/author.go")->promise,
                        "type Author struct {\n"
                        "\tID   string `json:\"id,omitempty\"`\n"
                        "\tName string `json:\"name,omitempty\"`\n"
                        "}\n"
                        "func (m *Author) Validate() error\n");
    expect_promise("internal/book/book.go",
                   "import \"example.com/shop/internal/author\"\n"
                   "import \"time\"\n");
    expect_promise("internal/book/book.go", "type BookState string\n"
                                            "const BookStateDraft BookState = \"draft\"\n"
                                            "const BookStateOut BookState = \"out\"\n");
    expect_promise("internal/book/book.go", "author.Author ");
    expect_promise("internal/book/book.go", "`json:\"title\"`\n"); /* required */
}

/* omitempty does nothing for a struct. */
static void test_plan_promises_tags_that_work(void **state)
{
    (void)state;
    static const char events[] =
        "name: s\ngo: \"%s\"\nentities:\n- name: Event\n  attributes: {id: uuid, "
        "at: timestamp, ended: 'timestamp?', note: string}\n";
    static const struct {
        const char *go, *at;
    } cases[] = { { "1.22", "`json:\"at\"`\n" }, { "1.24", "`json:\"at,omitzero\"`\n" } };
    for (size_t i = 0; i < 2; i++) {
        char *yaml = gc_xasprintf(events, cases[i].go);
        plan(yaml);
        expect_promise("internal/event/event.go", cases[i].at);
        expect_promise("internal/event/event.go", "`json:\"ended,omitempty\"`\n");
        expect_promise("internal/event/event.go", "`json:\"note,omitempty\"`\n");
        free(yaml);
    }
}

static void test_plan_promises_roles(void **state)
{
    (void)state;
    plan(shop);
    expect_promise("internal/book/book_store.go",
                   "type Store interface {\n"
                   "\tCreate(ctx context.Context, item *Book) error\n"
                   "\tGet(ctx context.Context, id string) (*Book, error)\n"
                   "\tList(ctx context.Context, limit, offset int) ([]*Book, error)\n"
                   "\tUpdate(ctx context.Context, item *Book) error\n"
                   "\tDelete(ctx context.Context, id string) error\n}\n");
    expect_promise("internal/book/book_store.go", "func NewMemoryStore() *MemoryStore\n");
    expect_promise("internal/book/book_service.go",
                   "func NewService(store Store) *Service\n");
    expect_promise("internal/book/book_service.go", /* from the contract */
                   "func (s *Service) Publish(ctx context.Context, id string) (*Book, "
                   "error)\n");
    refuse_promise("internal/author/author_service.go", "Publish");
    expect_promise("internal/book/book_handler.go",
                   "func (h *Handler) Register(mux *http.ServeMux)\n");
    expect_promise("internal/book/book_test.go",
                   "import \"testing\"\nfunc TestBook(t *testing.T)\n");
}

static void test_plan_in_layers_of_the_specification(void **state)
{
    (void)state;
    plan("name: shop\nentities: {Order: {id: uuid}, User: {id: uuid}}\n"
         "architecture:\n  packages:\n  - {name: models, path: internal/models}\n"
         "  - {name: repository, path: internal/repository}\n"
         "  - {name: handlers, path: internal/handlers}\n");
    expect_promise("internal/repository/order_store.go", "type OrderStore interface {\n");
    expect_promise("internal/repository/order_store.go", "item *models.Order) error");
    expect_promise("internal/repository/order_service.go", /* no layer of its own */
                   "func NewOrderService(store OrderStore) *OrderService\n");
    expect_promise("internal/handlers/order_handler.go",
                   "func NewOrderHandler(service *repository.OrderService) "
                   "*OrderHandler\n");
    expect_promise("internal/models/user.go", "type User struct {\n");
}

/* ---- edges and levels ---- */

static void test_plan_waits_for_nothing_that_is_promised(void **state)
{
    (void)state;
    plan(shop);
    assert_int_equal(f.plan->level_count, 1);
    for (size_t i = 0; i < f.plan->file_count; i++)
        for (size_t e = 0; e < f.plan->files[i].edge_count; e++)
            assert_int_equal(f.plan->files[i].edges[e].kind, GC_EDGE_CONTRACT);
    assert_int_equal(edge("internal/book/book.go", "internal/author/author.go"),
                     GC_EDGE_CONTRACT);
    assert_int_equal(edge("internal/author/author.go", "internal/book/book.go"), -1);
    assert_int_equal(edge("internal/server/router.go", "internal/book/book_store.go"),
                     GC_EDGE_CONTRACT);
    assert_int_equal(
        edge("internal/book/book_service_test.go", "internal/book/book_service.go"),
        GC_EDGE_CONTRACT);
}

static void test_plan_tells_each_file_what_it_needs(void **state)
{
    (void)state;
    plan(shop);
    const gc_plan_file *p = file("internal/book/book_store.go");
    assert_int_equal(p->entities.count, 1);
    assert_string_equal(p->entities.items[0], "Book");
    assert_int_equal(p->neighbours.count, 1);
    assert_string_equal(p->neighbours.items[0], "Author");
    assert_int_equal(p->requirements.count, 2);
    p = file("internal/author/author_store.go");
    assert_int_equal(p->neighbours.count, 0); /* it does not use Book */
    assert_int_equal(p->requirements.count, 1);
}

static void expect_contracts(const char *path, const char *want)
{
    char *got = gc_strv_join(&file(path)->contracts, ", ");
    if (strcmp(got, want) != 0)
        fail_msg("%s has contracts \"%s\", not \"%s\"", path, got, want);
    free(got);
}

/* Data knows no HTTP, a service keeps the rules, a handler serves them all; tests need what
 * they test. */
static void test_plan_gives_contracts_to_those_who_serve_them(void **state)
{
    (void)state;
    plan("name: shop\nentities: [{name: Book, attributes: {id: uuid, title: string}}]\n"
         "endpoints: [GET /books, {method: GET, path: '/books/{id}', response: Book},\n"
         "            'POST /books/{id}/publish', GET /version]\n");
    expect_contracts("internal/book/book.go", "");
    expect_contracts("internal/book/book_test.go", "");
    expect_contracts("internal/book/book_store.go", "");
    expect_contracts("internal/book/book_store_test.go", "");
    expect_contracts("internal/book/book_service.go", "POST /books/{id}/publish");
    expect_contracts("internal/book/book_service_test.go", "POST /books/{id}/publish");
    static const char all[] = "GET /books, GET /books/{id}, POST /books/{id}/publish";
    expect_contracts("internal/book/book_handler.go", all);
    expect_contracts("internal/book/book_handler_test.go", all);
    expect_contracts("internal/server/router.go", "GET /version");
    expect_contracts("internal/server/router_test.go", "GET /version");
    expect_contracts("internal/server/server.go", "");
    expect_contracts("cmd/shop/main.go", "");
}

static void test_plan_gives_contracts_to_listed_files(void **state)
{
    (void)state;
    plan("name: shop\nentities: [{name: Book, attributes: {id: uuid, title: string}}]\n"
         "endpoints: [GET /books, 'POST /books/{id}/publish', GET /version]\n"
         "files:\n"
         "- {path: book/book.go, purpose: One book}\n"
         "- {path: book/store.go, purpose: Keeps every book}\n"
         "- {path: book/api.go, purpose: Serves every book}\n"
         "- {path: book/book_service.go, purpose: Its rules}\n"
         "- {path: book/types.go, purpose: Types of every book handler}\n"
         "- {path: web/routes.go, purpose: All of them}\n"
         "- {path: web/server.go, purpose: Starts and stops}\n"
         "- {path: web/one.go, purpose: 'Says its number: GET /version'}\n"
         "- {path: web/two.go, purpose: 'GET /version/{id} and GET /versions'}\n"
         "- {path: web/none.go, purpose: Small helpers}\n");
    expect_contracts("book/store.go", "");
    expect_contracts("book/book.go", "GET /books, POST /books/{id}/publish");
    expect_contracts("book/api.go", "GET /books, POST /books/{id}/publish");
    expect_contracts("book/book_service.go", "POST /books/{id}/publish");
    expect_contracts("book/types.go", "GET /books, POST /books/{id}/publish");
    expect_contracts("web/routes.go",
                     "GET /books, POST /books/{id}/publish, GET /version");
    expect_contracts("web/server.go", "GET /version");
    expect_contracts("web/one.go", "GET /version");
    expect_contracts("web/two.go", "");
    expect_contracts("web/none.go", "");
}

static void test_plan_breaks_cycles_between_packages(void **state)
{
    (void)state;
    plan("name: s\nentities:\n"
         "- {name: A, package: one, attributes: {id: uuid, b: B}}\n"
         "- {name: B, package: two, attributes: {id: uuid}}\n"
         "- {name: C, package: two, attributes: {id: uuid, d: D}}\n"
         "- {name: D, package: one, attributes: {id: uuid}}\n"
         "architecture: {packages: [{name: one, path: pkg/one}, {name: two, path: "
         "pkg/two}]}\n");
    expect_promise("pkg/one/a.go", "two.B");
    expect_promise("pkg/two/c.go", "\tDID string ");
    refuse_promise("pkg/two/c.go", "import");
}

static void test_plan_keeps_an_id_that_is_there(void **state)
{
    (void)state;
    plan("name: s\nentities:\n"
         "- {name: A, package: one, attributes: {id: uuid, b: B}}\n"
         "- {name: B, package: two, attributes: {id: uuid}}\n"
         "- {name: C, package: two, attributes: {id: uuid, d: D, d_id: int}}\n"
         "- {name: D, package: one, attributes: {id: uuid}}\n"
         "architecture: {packages: [{name: one, path: pkg/one}, {name: two, path: "
         "pkg/two}]}\n");
    const char *promise = file("pkg/two/c.go")->promise;
    const char *first = strstr(promise, "\tDID ");
    assert_non_null(first);
    assert_null(strstr(first + 1, "\tDID "));
}

/* ---- names that clash ---- */

/* ID2 would be id2 in JSON, as Id2 is. */
static void test_plan_adds_a_key_that_json_tells_apart(void **state)
{
    (void)state;
    plan("name: s\nentities:\n- {name: A, attributes: {Id: B, id2: object}}\n"
         "- {name: B, attributes: {id: uuid}}\n");
    expect_promise("internal/a/a.go", "`json:\"id3\"`");
}

static void test_plan_no_field_and_method_of_one_name(void **state)
{
    (void)state;
    plan("name: s\nentities: {Form: {id: uuid, validate: bool}}\n");
    expect_promise("internal/form/form.go", "\tValidate bool ");
    expect_promise("internal/form/form.go", "func (m *Form) Validate2() error\n");
}

static void test_plan_entities_named_as_roles(void **state)
{
    (void)state;
    plan("name: s\narchitecture: {packages: [{name: models, path: m}]}\n"
         "entities: {Order: {id: uuid}, NewOrderService: {id: uuid}, User: {id: uuid, "
         "handler: 'enum(a, b)'}}\n");
    expect_promise("m/new_order_service.go", "type NewOrderService struct {\n");
    expect_promise("m/order_service.go", "type OrderService2 struct\n"
                                         "func NewOrderService2(store OrderStore)");
    expect_promise("m/user.go", "type UserHandler string\n");
    expect_promise("m/user_handler.go", "type UserHandler2 struct\n");
}

static void test_plan_beside_packages_named_as_its_own(void **state)
{
    (void)state;
    plan(
        "name: s\narchitecture: {packages: [{name: a, path: internal/config}, {name: b, "
        "path: internal/appconfig}]}\n"
        "entities: [{name: X, package: a, attributes: {id: uuid}}, {name: Y, package: b, "
        "attributes: {id: uuid}}]\n");
    expect_promise("internal/config/x.go", "type X struct {\n");
    expect_promise("internal/appconfig2/config.go", "func Load(");
    for (size_t i = 1; i < f.plan->file_count; i++)
        assert_string_not_equal(f.plan->files[i - 1].path, f.plan->files[i].path);
}

static void test_plan_key_of_another_kind(void **state)
{
    (void)state;
    plan("name: s\narchitecture: {packages: [{name: models, path: m}, {name: store, "
         "path: st}]}\nentities: {Size: {id: 'enum(s, l)'}, Item: {name: string}, "
         "Part: {id: int}}\n");
    expect_promise("st/size_store.go", "id models.SizeID)");
    expect_promise("st/part_store.go", "id int)");
    expect_promise("m/item.go", "\tID   string `json:\"id\"`\n"); /* added */
}

static void test_plan_imports_modules_of_the_specification(void **state)
{
    (void)state;
    plan("name: s\narchitecture: {dependencies: ['github.com/gofrs/uuid/v5 v5.0.0', "
         "'github.com/shopspring/decimal v1.3.1']}\n"
         "entities: {Bill: {id: uuid.UUID, total: decimal.Decimal}}\n");
    expect_promise("internal/bill/bill.go", "import \"github.com/shopspring/decimal\"\n"
                                            "import uuid \"github.com/gofrs/uuid/v5\"\n");
    expect_promise("internal/bill/bill_store.go",
                   "import uuid \"github.com/gofrs/uuid/v5\"\n");
    refuse_promise("internal/bill/bill_store.go", "decimal");
}

/* ---- determinism ---- */

static void test_plan_does_not_depend_on_the_order(void **state)
{
    (void)state;
    plan(shop);
    char *first = dump();
    plan(
        "endpoints: ['POST /books/{id}/publish', GET /books]\n"
        "requirements: [Everything is logged, Books have titles]\n"
        "entities:\n"
        "- name: Book\n"
        "  attributes: {printed_at: timestamp, state: 'enum(draft, out)',\n"
        "               author: Author, title: {required: true, type: string}, id: uuid}\n"
        "- attributes: {name: string, id: uuid}\n"
        "  name: Author\n"
        "name: shop\n");
    char *second = dump();
    assert_string_equal(first, second);
    free(first);
    free(second);
}

/* ---- explicit files ---- */

static void test_plan_of_explicit_files(void **state)
{
    (void)state;
    plan("name: tool\nentities: {Item: {id: uuid, name: string}}\nfiles:\n"
         "- {path: main.go, purpose: start, depends_on: [pkg/run/run.go]}\n"
         "- {path: pkg/run/run.go, purpose: run, entities: [Item], depends_on: "
         "[pkg/item/types.go]}\n"
         "- {path: pkg/item/types.go, purpose: types, entities: [Item]}\n"
         "- {path: pkg/item/types_test.go, purpose: tests, entities: [Item]}\n"
         "- {path: docs/guide.md, purpose: guide}\n");
    assert_int_equal(f.plan->file_count, 5 + 8); /* and the project files */
    assert_int_equal(f.plan->level_count, 3);
    assert_int_equal(file("pkg/item/types.go")->level, 0);
    assert_int_equal(file("pkg/run/run.go")->level, 1);
    assert_int_equal(file("main.go")->level, 2);
    assert_int_equal(edge("main.go", "pkg/run/run.go"), GC_EDGE_REAL);
    assert_int_equal(edge("pkg/run/run.go", "pkg/item/types.go"), GC_EDGE_REAL);
    assert_int_equal(edge("pkg/item/types_test.go", "pkg/item/types.go"),
                     GC_EDGE_CONTRACT);
    expect_promise("main.go", "func main()\n");
    assert_string_equal(file("main.go")->package, "main");
    double weight[5 + 8] = { 0 };
    weight[gc_plan_find(f.plan, "main.go")] = 1;
    weight[gc_plan_find(f.plan, "pkg/run/run.go")] = 2;
    weight[gc_plan_find(f.plan, "pkg/item/types.go")] = 4;
    weight[gc_plan_find(f.plan, "docs/guide.md")] = 6;
    assert_true(gc_plan_critical(f.plan, weight) == 7);
    expect_promise("pkg/item/types.go", "type Item struct {\n");
    assert_string_equal(file("pkg/run/run.go")->promise, "");
    assert_string_equal(file("pkg/item/types_test.go")->kind, "test");
    assert_string_equal(file("docs/guide.md")->kind, "project");
    assert_string_equal(file("docs/guide.md")->package, "");
}

static void test_plan_names_a_circle_of_files(void **state)
{
    (void)state;
    expect_err(GC_EINVAL, try_plan("name: t\nfiles:\n"
                                   "- {path: a.go, purpose: x, depends_on: [b.go]}\n"
                                   "- {path: b.go, purpose: x, depends_on: [c.go]}\n"
                                   "- {path: c.go, purpose: x, depends_on: [a.go]}\n"
                                   "- {path: d.go, purpose: x, depends_on: [a.go]}\n",
                                   &usual));
    assert_int_equal(f.diags.errors, 1);
    assert_int_equal(f.diags.items[0].line, 3);
    assert_non_null(strstr(f.diags.items[0].text, "a.go -> b.go -> c.go -> a.go"));
    assert_null(f.plan);
}

/* No circle of files, yet one of the packages that they form. */
static void test_plan_warns_of_imports_that_go_refuses(void **state)
{
    (void)state;
    plan("name: t\nfiles:\n"
         "- {path: a/one.go, purpose: x, depends_on: [b/one.go]}\n"
         "- {path: a/two.go, purpose: x}\n"
         "- {path: b/one.go, purpose: x}\n"
         "- {path: b/two.go, purpose: x, depends_on: [a/two.go]}\n"
         "- {path: lib/lib.go, purpose: x, depends_on: [cmd/t/main.go]}\n"
         "- {path: cmd/t/main.go, purpose: x}\n");
    assert_int_equal(f.diags.errors, 0);
    assert_int_equal(f.diags.count, 2);
    assert_non_null(strstr(f.diags.items[0].text, "circle"));
    assert_non_null(strstr(f.diags.items[0].text, "a -> b -> a"));
    assert_int_equal(f.diags.items[1].line, 7);
    assert_non_null(strstr(f.diags.items[1].text, "of a program"));
    plan("name: t\nfiles:\n"
         "- {path: a/a.go, purpose: x}\n"
         "- {path: a/a_test.go, purpose: x, depends_on: [b/b.go]}\n"
         "- {path: b/b.go, purpose: x, depends_on: [a/a.go]}\n"
         "- {path: main.go, purpose: x, depends_on: [b/b.go]}\n");
    assert_int_equal(f.diags.count, 0);
}

static void test_plan_main_of_a_folder(void **state)
{
    (void)state;
    plan("name: t\nfiles:\n- {path: tools/gen/main.go, purpose: x}\n"
         "- {path: tools/gen/more.go, purpose: x}\n- {path: cmd/t/flags.go, purpose: x}\n"
         "- {path: lib/lib.go, purpose: x}\n");
    assert_string_equal(file("tools/gen/more.go")->package, "main");
    assert_string_equal(file("cmd/t/flags.go")->package, "main");
    assert_string_equal(file("lib/lib.go")->package, "lib");
}

/* ---- size: nothing may be quadratic ---- */

static void test_plan_of_a_large_specification(void **state)
{
    (void)state;
    enum {
        ENTITIES = 1000
    };
    gc_buf yaml;
    gc_buf_init(&yaml, (size_t)4 << 20);
    gc_buf_puts(&yaml, "name: big\nentities:\n");
    for (int i = 0; i < ENTITIES; i++) { /* a chain, so that imports are deep */
        gc_buf_printf(&yaml, "- {name: E%05d, attributes: {id: uuid", i);
        if (i)
            gc_buf_printf(&yaml, ", before: E%05d", i - 1);
        gc_buf_puts(&yaml, "}}\n");
    }
    plan(yaml.ptr);
    gc_buf_release(&yaml);
    assert_true(f.plan->file_count >= ENTITIES * 8);
    assert_int_equal(file("internal/server/router.go")->edge_count, ENTITIES * 3);
}

static void test_plan_of_many_explicit_files(void **state)
{
    (void)state;
    enum {
        FILES = 5000
    };
    gc_buf yaml;
    gc_buf_init(&yaml, (size_t)4 << 20);
    gc_buf_puts(&yaml, "name: big\nfiles:\n");
    for (int i = 0; i < FILES; i++) {
        gc_buf_printf(&yaml, "- {path: p%d/f.go, purpose: x", i);
        if (i)
            gc_buf_printf(&yaml, ", depends_on: [p%d/f.go]", i - 1);
        gc_buf_puts(&yaml, "}\n");
    }
    plan(yaml.ptr);
    gc_buf_release(&yaml);
    assert_int_equal(f.plan->level_count, FILES);
}

/* However long it is: an answer is asked for by it. */
static void test_plan_keeps_a_purpose_whole(void **state)
{
    (void)state;
    enum {
        WORDS = 1000
    };
    gc_buf purpose, yaml;
    gc_buf_init(&purpose, 1 << 20);
    gc_buf_init(&yaml, 1 << 20);
    for (int i = 0; i < WORDS; i++)
        gc_buf_puts(&purpose, "größer ");
    gc_buf_puts(&purpose, "als alle");
    gc_buf_printf(&yaml, "name: s\nfiles:\n- {path: a.go, purpose: %s}\n", purpose.ptr);
    plan(yaml.ptr);
    assert_string_equal(file("a.go")->purpose, purpose.ptr);
    gc_buf_release(&yaml);
    gc_buf_release(&purpose);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_plan_layout_of_a_service),
        TEST(test_plan_of_a_command_line_program),
        TEST(test_plan_of_a_library),
        TEST(test_plan_fills_packages_of_the_specification),
        TEST(test_plan_says_which_packages_stay_empty),
        TEST(test_plan_wiring_of_the_model_waits_for_packages),
        TEST(test_plan_with_and_without_templates),
        TEST(test_plan_has_a_limit),
        TEST(test_plan_promises_a_model),
        TEST(test_plan_promises_tags_that_work),
        TEST(test_plan_promises_roles),
        TEST(test_plan_in_layers_of_the_specification),
        TEST(test_plan_waits_for_nothing_that_is_promised),
        TEST(test_plan_tells_each_file_what_it_needs),
        TEST(test_plan_gives_contracts_to_those_who_serve_them),
        TEST(test_plan_gives_contracts_to_listed_files),
        TEST(test_plan_breaks_cycles_between_packages),
        TEST(test_plan_keeps_an_id_that_is_there),
        TEST(test_plan_adds_a_key_that_json_tells_apart),
        TEST(test_plan_no_field_and_method_of_one_name),
        TEST(test_plan_entities_named_as_roles),
        TEST(test_plan_beside_packages_named_as_its_own),
        TEST(test_plan_key_of_another_kind),
        TEST(test_plan_imports_modules_of_the_specification),
        TEST(test_plan_does_not_depend_on_the_order),
        TEST(test_plan_of_explicit_files),
        TEST(test_plan_names_a_circle_of_files),
        TEST(test_plan_warns_of_imports_that_go_refuses),
        TEST(test_plan_main_of_a_folder),
        TEST(test_plan_of_a_large_specification),
        TEST(test_plan_of_many_explicit_files),
        TEST(test_plan_keeps_a_purpose_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
