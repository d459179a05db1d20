#include "coordinator/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "common/fs.h"
#include "common/mem.h"
#include "support/must_fcs.h"

/* Everything that a fingerprint is made of, for one specification. */
typedef struct world {
    gc_fcs *fcs;
    gc_plan *plan;
    gc_slicer *slicer;
    gc_prompts *prompts;
    gc_diags diags;
    gc_fp_context ctx;
} world;

static world *open_world_with(const char *yaml, const char *prompts)
{
    static const gc_plan_options options = { .templates = true, .max_files = 1000 };
    world *w = gc_xcalloc(1, sizeof *w);
    w->fcs = must_build(yaml);
    gc_diags_init(&w->diags, "spec");
    must_ok(gc_plan_make(w->fcs, &options, &w->diags, &w->plan));
    must_ok(gc_prompts_load(prompts, &w->prompts, NULL));
    w->slicer = gc_slicer_new(w->fcs);
    w->ctx = (gc_fp_context){ .fcs = w->fcs,
                              .plan = w->plan,
                              .slicer = w->slicer,
                              .prompts = w->prompts,
                              .response_format = "tags",
                              .model = "model-x",
                              .effort = "low" };
    return w;
}

static world *open_world(const char *yaml)
{
    return open_world_with(yaml, "");
}

static void close_world(world *w)
{
    gc_slicer_destroy(&w->slicer);
    gc_prompts_destroy(&w->prompts);
    gc_plan_destroy(&w->plan);
    gc_fcs_destroy(&w->fcs);
    gc_diags_release(&w->diags);
    free(w);
}

/* With `api` as the surface of every real dependency. */
static gc_sha print_with(const world *w, const char *path, const char *api)
{
    long index = gc_plan_find(w->plan, path);
    if (index < 0)
        fail_msg("%s is not in the plan", path);
    const gc_plan_file *file = &w->plan->files[index];
    gc_sha *apis = gc_xcalloc(file->edge_count, sizeof *apis);
    for (size_t i = 0; i < file->edge_count; i++)
        apis[i] = gc_sha256(api, strlen(api));
    gc_sha sha = gc_fingerprint_llm(&w->ctx, file, apis);
    free(apis);
    return sha;
}

static gc_sha print_of(const world *w, const char *path)
{
    return print_with(w, path, "");
}

/* The paths whose fingerprints differ between two specifications, one per line; files that
 * only one of them has do not count. */
static char *changed(const char *before, const char *after)
{
    world *a = open_world(before), *b = open_world(after);
    gc_buf out;
    gc_buf_init(&out, 100000);
    for (size_t i = 0; i < a->plan->file_count; i++) {
        const char *path = a->plan->files[i].path;
        if (a->plan->files[i].how == GC_BY_TEMPLATE || gc_plan_find(b->plan, path) < 0)
            continue;
        gc_sha x = print_of(a, path), y = print_of(b, path);
        if (strcmp(x.hex, y.hex) != 0)
            gc_buf_printf(&out, "%s\n", path);
    }
    close_world(a);
    close_world(b);
    return gc_buf_take(&out);
}

static void expect_changed(const char *before, const char *after, const char *want)
{
    char *got = changed(before, after);
    assert_string_equal(got, want);
    free(got);
}

/* Insists that every changed path has `part` in it, and that there is one at least. */
static void expect_changed_only(const char *before, const char *after, const char *part,
                                const char *or_part)
{
    char *got = changed(before, after), *rest = got;
    assert_true(*got);
    while (*rest) {
        size_t len = strcspn(rest, "\n");
        char *line = gc_xmemdup(rest, len);
        if (!strstr(line, part) && !strstr(line, or_part))
            fail_msg("%s changed too", line);
        free(line);
        rest += len + (rest[len] == '\n');
    }
    free(got);
}

#define HEAD "name: shop\nrequirements: [Books have titles, Everything is logged]\n"
#define AUTHOR "- {name: Author, attributes: {id: uuid, name: string}}\n"
#define BOOK "- {name: Book, attributes: {id: uuid, title: string, author: Author}}\n"
#define SHOP HEAD "entities:\n" AUTHOR BOOK

static void test_fingerprint_ignores_order_and_comments(void **state)
{
    (void)state;
    expect_changed(
        SHOP,
        "# a comment\nentities:\n"
        "- {attributes: {author: Author, title: string, id: uuid}, name: "
        "Book}\n" AUTHOR
        "requirements: [Everything is logged, Books have titles]\nname: shop\n",
        "");
}

/* Only what knows every entity sees a new one, even if that one refers to others. */
static void test_fingerprint_of_others_survives_a_new_entity(void **state)
{
    (void)state;
    expect_changed(SHOP,
                   HEAD "entities:\n" AUTHOR BOOK
                        "- {name: Review, attributes: {id: uuid, book: Book}}\n",
                   "internal/server/router.go\ninternal/server/router_test.go\n");
}

static void test_fingerprint_sees_a_changed_entity_and_its_users(void **state)
{
    (void)state;
    static const char after[] = HEAD
        "entities:\n- {name: Author, attributes: {id: uuid, name: string, born: date}}\n" BOOK;
    expect_changed_only(SHOP, after, "internal/author/", "internal/book/book");
    char *got = changed(SHOP, after);
    assert_non_null(strstr(got, "internal/author/author.go\n"));
    assert_non_null(strstr(got, "internal/author/author_store_test.go\n"));
    free(got);
    expect_changed_only(SHOP,
                        HEAD "entities:\n" AUTHOR "- {name: Book, attributes: {id: uuid, "
                             "title: string, author: Author, pages: int}}\n",
                        "internal/book/", "internal/book/");
}

static void test_fingerprint_sees_a_requirement_where_it_belongs(void **state)
{
    (void)state;
    expect_changed_only(SHOP,
                        "name: shop\nrequirements: [Books have titles, Everything is "
                        "logged, Books have authors]\nentities:\n" AUTHOR BOOK,
                        "internal/book/", "internal/author/");
    char *got =
        changed(SHOP, "name: shop\nrequirements: [Books have titles, Everything is "
                      "logged, All is fast]\nentities:\n" AUTHOR BOOK);
    assert_non_null(strstr(got, "internal/apperrors/errors.go\n")); /* it is for all */
    assert_non_null(strstr(got, "cmd/shop/main.go\n"));
    free(got);
}

#define ENDPOINTS "endpoints: [GET /books"

/* A contract touches those who serve it, and neither models nor stores. */
static void test_fingerprint_sees_a_contract_where_it_is_served(void **state)
{
    (void)state;
    expect_changed(SHOP ENDPOINTS "]\n", SHOP ENDPOINTS ", 'GET /books/{id}']\n",
                   "internal/book/book_handler.go\n"
                   "internal/book/book_handler_test.go\n");
    expect_changed(SHOP ENDPOINTS "]\n",
                   SHOP ENDPOINTS ", {method: POST, path: /books, request: '{title}'}]\n",
                   "internal/book/book_handler.go\n"
                   "internal/book/book_handler_test.go\n"
                   "internal/book/book_service.go\n"
                   "internal/book/book_service_test.go\n");
    expect_changed(SHOP ENDPOINTS "]\n", SHOP ENDPOINTS ", GET /version]\n",
                   "internal/server/router.go\n"
                   "internal/server/router_test.go\n");
}

static void test_fingerprint_sees_what_shapes_the_answer(void **state)
{
    (void)state;
    static const char path[] = "internal/book/book.go";
    world *w = open_world(SHOP);
    gc_sha base = print_of(w, path), again = print_of(w, path);
    assert_string_equal(base.hex, again.hex);
    gc_fp_context usual = w->ctx;
    w->ctx.model = "model-y";
    assert_string_not_equal(print_of(w, path).hex, base.hex);
    w->ctx = usual;
    w->ctx.effort = "high";
    assert_string_not_equal(print_of(w, path).hex, base.hex);
    w->ctx = usual;
    w->ctx.response_format = "json";
    assert_string_not_equal(print_of(w, path).hex, base.hex);
    w->ctx = usual;
    w->ctx.simulated = true;
    assert_string_not_equal(print_of(w, path).hex, base.hex);
    close_world(w);
    expect_changed_only(SHOP, "go: '1.24'\n" SHOP, "", "");
}

static void test_fingerprint_sees_the_prompt_of_its_kind(void **state)
{
    (void)state;
    char *dir = must_temp_dir();
    gc_root *root = NULL;
    must_ok(gc_root_open(dir, false, &root, NULL));
    must_ok(gc_root_write(root, "kinds/store.md", "Write a fine store.\n", 20, NULL));
    gc_root_close(&root);
    world *a = open_world(SHOP), *b = open_world_with(SHOP, dir);
    assert_string_not_equal(print_of(a, "internal/book/book_store.go").hex,
                            print_of(b, "internal/book/book_store.go").hex);
    assert_string_equal(print_of(a, "internal/book/book.go").hex,
                        print_of(b, "internal/book/book.go").hex);
    close_world(a);
    close_world(b);
    must_remove_tree(dir);
    free(dir);
}

#define FILES "name: t\nfiles:\n- {path: a.go, purpose: x}\n"

static void test_fingerprint_sees_the_api_of_real_dependencies(void **state)
{
    (void)state;
    world *w = open_world(FILES "- {path: b.go, purpose: x, depends_on: [a.go]}\n");
    assert_string_equal(print_with(w, "b.go", "one").hex,
                        print_with(w, "b.go", "one").hex);
    assert_string_not_equal(print_with(w, "b.go", "one").hex,
                            print_with(w, "b.go", "two").hex);
    assert_string_equal(print_with(w, "a.go", "one").hex,
                        print_with(w, "a.go", "two").hex);
    close_world(w);
    expect_changed(FILES "- {path: b.go, purpose: x, depends_on: [a.go]}\n",
                   FILES "- {path: b.go, purpose: x}\n", "b.go\n");
    expect_changed(FILES, "name: t\nfiles:\n- {path: a.go, purpose: y}\n", "a.go\n");
}

static void test_fingerprint_of_a_template_is_its_content(void **state)
{
    (void)state;
    world *w = open_world(SHOP);
    const gc_plan_file *file = &w->plan->files[gc_plan_find(w->plan, "go.mod")];
    const gc_plan_file *other = &w->plan->files[gc_plan_find(w->plan, "Makefile")];
    gc_sha a = gc_fingerprint_template(file, "x", 1);
    assert_string_equal(a.hex, gc_fingerprint_template(file, "x", 1).hex);
    assert_string_not_equal(a.hex, gc_fingerprint_template(file, "y", 1).hex);
    assert_string_not_equal(a.hex, gc_fingerprint_template(other, "x", 1).hex);
    assert_true(gc_sha_valid(a.hex));
    close_world(w);
}

static void test_fingerprint_of_what_a_template_is_told(void **state)
{
    (void)state;
    gc_plan_file file = { .kind = (char *)"model", .path = (char *)"internal/a/a.go" };
    gc_sha text = gc_sha256("one", 3), changed = gc_sha256("two", 3);
    file.template_data = (char *)"{\"type\":\"A\"}";
    gc_sha a = gc_fingerprint_data(&file, &text);
    assert_string_equal(a.hex, gc_fingerprint_data(&file, &text).hex);
    assert_string_not_equal(a.hex, gc_fingerprint_data(&file, &changed).hex);
    file.template_data = (char *)"{\"type\":\"B\"}";
    assert_string_not_equal(a.hex, gc_fingerprint_data(&file, &text).hex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fingerprint_ignores_order_and_comments),
        cmocka_unit_test(test_fingerprint_of_others_survives_a_new_entity),
        cmocka_unit_test(test_fingerprint_sees_a_changed_entity_and_its_users),
        cmocka_unit_test(test_fingerprint_sees_a_requirement_where_it_belongs),
        cmocka_unit_test(test_fingerprint_sees_a_contract_where_it_is_served),
        cmocka_unit_test(test_fingerprint_sees_what_shapes_the_answer),
        cmocka_unit_test(test_fingerprint_sees_the_prompt_of_its_kind),
        cmocka_unit_test(test_fingerprint_sees_the_api_of_real_dependencies),
        cmocka_unit_test(test_fingerprint_of_a_template_is_its_content),
        cmocka_unit_test(test_fingerprint_of_what_a_template_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
