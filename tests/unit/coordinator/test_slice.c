#include "coordinator/slice.h"

#include <stdlib.h>
#include <string.h>

#include "support/must_fcs.h"

#define LIMIT ((size_t)1 << 20)

static const char shop[] =
    "name: shop\n"
    "description: sells things\n"
    "entities:\n"
    "- name: Author\n"
    "  attributes: {id: int, name: string}\n"
    "- name: Book\n"
    "  description: something to read\n"
    "  attributes: {id: uuid, title: {type: string, required: true, unique: true},\n"
    "               author: Author, state: 'enum(draft, out)'}\n"
    "- name: Shelf\n"
    "  attributes: {id: uuid}\n"
    "relationships: [{from: Author, to: Shelf, type: has_many}]\n"
    "requirements: [Books have titles, Each shelf is full, Everything is logged]\n"
    "endpoints: [{method: GET, path: /books, description: all books}, GET /shelves]\n";

typedef struct fixture {
    gc_fcs *fcs;
    gc_plan *plan;
    gc_slicer *slicer;
    gc_diags diags;
    gc_buf out;
} fixture;

static fixture f;

static int set_up(void **state)
{
    (void)state;
    static const gc_plan_options options = { .templates = true, .max_files = 1000 };
    f = (fixture){ .fcs = must_build(shop) };
    gc_diags_init(&f.diags, "spec");
    must_ok(gc_plan_make(f.fcs, &options, &f.diags, &f.plan));
    f.slicer = gc_slicer_new(f.fcs);
    gc_buf_init(&f.out, LIMIT);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gc_buf_release(&f.out);
    gc_slicer_destroy(&f.slicer);
    gc_plan_destroy(&f.plan);
    gc_fcs_destroy(&f.fcs);
    gc_diags_release(&f.diags);
    return 0;
}

static const gc_plan_file *file(const char *path)
{
    long index = gc_plan_find(f.plan, path);
    assert_true(index >= 0);
    return &f.plan->files[index];
}

static bool has(const char *words)
{
    return strstr(f.out.ptr, words) != NULL;
}

static void test_slice_own_has_what_the_file_is_about(void **state)
{
    (void)state;
    gc_slice_own(f.slicer, file("internal/book/book_store.go"), &f.out);
    assert_true(has("Project shop: sells things\n"));
    assert_true(has("Entity Book: something to read\n"));
    assert_true(has("- Title string; required; unique\n"));
    assert_true(has("; one of: draft, out\n"));
    assert_true(has("refers to Author"));
    assert_true(has("Related entity Author: key ID "));
    assert_false(has("Contract "));
    assert_true(has("Books have titles\n"));
    assert_true(has("Everything is logged\n")); /* names nothing: for all */
    assert_false(has("Shelf"));
    assert_false(has("Each shelf"));
    assert_false(has("- Name")); /* a neighbour's field */
}

static void test_slice_of_who_serves_contracts_has_them(void **state)
{
    (void)state;
    gc_slice_own(f.slicer, file("internal/book/book_handler_test.go"), &f.out);
    assert_true(has("Contract GET /books: all books\n"));
    assert_false(has("/shelves"));
}

static void test_slice_of_relations_belongs_to_their_start(void **state)
{
    (void)state;
    gc_slice_own(f.slicer, file("internal/author/author.go"), &f.out);
    assert_true(has("- relation: Author has_many Shelf"));
    assert_true(has("Related entity Shelf"));
    assert_false(has("Book")); /* refers to Author, is none of its business */
    gc_buf_reset(&f.out);
    gc_slice_own(f.slicer, file("internal/shelf/shelf.go"), &f.out);
    assert_false(has("relation: ")); /* it refers to its author by a field */
    assert_true(has("refers to Author") && has("Related entity Author: key ID "));
    assert_false(has("- Name"));
}

/* Own is shared and context together: nothing in a prompt is outside of the fingerprint. */
static void test_slice_own_is_shared_and_context(void **state)
{
    (void)state;
    for (size_t i = 0; i < f.plan->file_count; i++) {
        const gc_plan_file *one = &f.plan->files[i];
        gc_buf own;
        gc_buf_init(&own, LIMIT);
        gc_buf_reset(&f.out);
        gc_slice_own(f.slicer, one, &own);
        gc_slice_shared(f.slicer, &f.out);
        gc_slice_context(f.slicer, &one, 1, 0, &f.out);
        assert_string_equal(own.ptr, f.out.ptr);
        gc_buf_release(&own);
    }
}

static void test_slice_context_is_a_union(void **state)
{
    (void)state;
    const gc_plan_file *files[] = { file("internal/shelf/shelf.go"),
                                    file("internal/book/book.go"),
                                    file("internal/book/book_store.go") };
    gc_slice_context(f.slicer, files, 3, 0, &f.out);
    const char *book = strstr(f.out.ptr, "Entity Book");
    assert_non_null(book);
    assert_null(strstr(book + 1, "Entity Book")); /* once */
    assert_true(has("Entity Shelf\n"));
    assert_false(has("Project shop"));
    assert_false(has("Everything is logged"));
    gc_buf other;
    gc_buf_init(&other, LIMIT);
    const gc_plan_file *turned[] = { files[2], files[0], files[1] };
    gc_slice_context(f.slicer, turned, 3, 0, &other);
    assert_string_equal(f.out.ptr, other.ptr);
    gc_buf_release(&other);
}

static void test_slice_context_does_not_repeat_a_full_entity(void **state)
{
    (void)state;
    const gc_plan_file *files[] = { file("internal/author/author.go"),
                                    file("internal/book/book.go") };
    gc_slice_context(f.slicer, files, 2, 0, &f.out);
    assert_true(has("Entity Author\n"));
    assert_false(has("Related entity Author"));
}

static void test_slice_context_names_neighbours_beyond_the_limit(void **state)
{
    (void)state;
    const gc_plan_file *router = file("internal/server/router.go");
    gc_slice_context(f.slicer, &router, 1, 1, &f.out);
    assert_true(has("Related entity Author: key ID "));
    assert_true(has("Related entities that are only named, since the context is limited: "
                    "Book, Shelf\n"));
    gc_buf_reset(&f.out);
    gc_slice_context(f.slicer, &router, 1, 3, &f.out);
    assert_true(has("Related entity Shelf: key ID "));
    assert_false(has("limited"));
}

/* Groups keep own entities few; what a file is about is never cut. */
static void test_slice_context_has_own_entities_in_full(void **state)
{
    (void)state;
    const gc_plan_file *files[] = { file("internal/author/author.go"),
                                    file("internal/book/book.go"),
                                    file("internal/shelf/shelf.go") };
    gc_slice_context(f.slicer, files, 3, 1, &f.out);
    assert_true(has("Entity Author\n") && has("- Title") && has("Entity Shelf\n"));
    assert_false(has("limited"));
}

static void test_slice_everything(void **state)
{
    (void)state;
    gc_slice_everything(f.slicer, &f.out);
    assert_true(has("Project shop: sells things\n"));
    assert_true(has("Entity Author\n") && has("Entity Book") && has("Entity Shelf\n"));
    assert_true(has("Contract GET /books") && has("Contract GET /shelves"));
    assert_true(has("Each shelf is full") && has("Everything is logged"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_slice_own_has_what_the_file_is_about),
        TEST(test_slice_of_who_serves_contracts_has_them),
        TEST(test_slice_of_relations_belongs_to_their_start),
        TEST(test_slice_own_is_shared_and_context),
        TEST(test_slice_context_is_a_union),
        TEST(test_slice_context_does_not_repeat_a_full_entity),
        TEST(test_slice_context_names_neighbours_beyond_the_limit),
        TEST(test_slice_context_has_own_entities_in_full),
        TEST(test_slice_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
