#include "coordinator/symbols.h"

#include <string.h>

#include "support/must_fcs.h"

#define LIMIT ((size_t)1 << 20)

static const char shop[] = "name: shop\n"
                           "entities:\n"
                           "- {name: Author, attributes: {id: uuid, name: string}}\n"
                           "- {name: Book, attributes: {id: uuid, title: string}}\n"
                           "endpoints: [GET /books]\n";

/* One package for all. */
static const char flat[] =
    "name: shop\n"
    "entities:\n"
    "- {name: Author, package: store, attributes: {id: uuid, name: string}}\n"
    "- {name: Book, package: store, attributes: {id: uuid, author: Author}}\n"
    "- {name: Shelf, package: store, attributes: {id: uuid}}\n"
    "architecture: {packages: [{name: store, path: internal/store}]}\n";

typedef struct fixture {
    gc_fcs *fcs;
    gc_plan *plan;
    gc_symbols *symbols;
    gc_diags diags;
    gc_buf out;
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    f = (fixture){ 0 };
    gc_buf_init(&f.out, LIMIT);
    gc_diags_init(&f.diags, "spec");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gc_symbols_destroy(&f.symbols);
    gc_plan_destroy(&f.plan);
    gc_fcs_destroy(&f.fcs);
    gc_diags_release(&f.diags);
    gc_buf_release(&f.out);
    return 0;
}

static void plan(const char *yaml)
{
    static const gc_plan_options options = { .templates = true, .max_files = 1000 };
    f.fcs = must_build(yaml);
    must_ok(gc_plan_make(f.fcs, &options, &f.diags, &f.plan));
    f.symbols = gc_symbols_new(f.plan);
}

static size_t index_of(const char *path)
{
    long index = gc_plan_find(f.plan, path);
    assert_true(index >= 0);
    return (size_t)index;
}

static bool has(const char *words)
{
    return strstr(f.out.ptr, words) != NULL;
}

static void test_symbols_leave_struct_bodies_out(void **state)
{
    (void)state;
    plan(shop);
    gc_symbols_all(f.symbols, &f.out);
    assert_true(has("// package book, import \"example.com/shop/internal/book\""));
    assert_true(has("type Book struct\nfunc (m *Book) Validate() error\n"));
    assert_true(has("\tGet(ctx context.Context, id string) (*Book, error)\n"));
    assert_false(has("Title"));
    assert_false(has("testing.T"));
    assert_false(has("func main"));
}

static void test_symbols_of_a_task_are_those_it_can_use(void **state)
{
    (void)state;
    plan(shop);
    size_t store = index_of("internal/book/book_store.go");
    gc_symbols_for(f.symbols, &store, 1, &f.out);
    assert_true(has("// package book, import \"example.com/shop/internal/book\"\n"));
    assert_true(has("func NewService("));         /* of its own package */
    assert_false(has("type MemoryStore"));        /* promised by the file itself */
    assert_false(has("func (m *Book) Validate")); /* a dependency: shown as such */
    assert_false(has("author"));
    assert_false(has("NewRouter"));
    assert_true(has("func Load(")); /* the settings are for all */
}

static void test_symbols_of_other_entities_are_names(void **state)
{
    (void)state;
    plan(flat);
    size_t book = index_of("internal/store/book.go");
    gc_symbols_for(f.symbols, &book, 1, &f.out);
    assert_true(has("// also declared here: Shelf, "));
    assert_false(has("type Shelf"));
    assert_true(has("func NewAuthorMemoryStore") || has("func NewMemoryStore") ||
                has("type AuthorStore")); /* a neighbour: in full */
}

static void test_symbols_do_not_depend_on_the_order(void **state)
{
    (void)state;
    plan(shop);
    size_t one[] = { index_of("internal/book/book_store.go"),
                     index_of("internal/author/author.go") };
    size_t two[] = { one[1], one[0] };
    gc_buf other;
    gc_buf_init(&other, LIMIT);
    gc_symbols_for(f.symbols, one, 2, &f.out);
    gc_symbols_for(f.symbols, two, 2, &other);
    assert_string_equal(f.out.ptr, other.ptr);
    assert_true(f.out.len > 0);
    gc_buf_release(&other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_symbols_leave_struct_bodies_out),
        TEST(test_symbols_of_a_task_are_those_it_can_use),
        TEST(test_symbols_of_other_entities_are_names),
        TEST(test_symbols_do_not_depend_on_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
