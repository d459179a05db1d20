#include "coordinator/compose.h"

#include <stdlib.h>
#include <string.h>

#include "support/must_fcs.h"

#define BYTES_PER_TOKEN 4.0

typedef struct fixture {
    gc_fcs *fcs;
    gc_plan *plan;
    gc_slicer *slicer;
    gc_prompts *prompts;
    gc_config config;
    gc_model model;
    gc_compose_input input;
    size_t indices[64];
    gc_compose_call calls[64]; /* one for each file */
    size_t call_count;
    gc_composer *composer;
    gc_task *task;
    gc_diags diags;
} fixture;

static fixture f;

static const char shop[] =
    "name: shop\n"
    "entities:\n"
    "- {name: Author, attributes: {id: uuid, name: string}}\n"
    "- {name: Book, attributes: {id: uuid, title: string, author: Author}}\n"
    "requirements: [Books have <b>titles</b>, Everything is logged]\n"
    "endpoints: [GET /books]\n";

static void open_plan(const char *yaml)
{
    static const gc_plan_options options = { .templates = true, .max_files = 1000 };
    f.fcs = must_build(yaml);
    gc_diags_init(&f.diags, "spec");
    must_ok(gc_plan_make(f.fcs, &options, &f.diags, &f.plan));
    f.slicer = gc_slicer_new(f.fcs);
}

static void close_plan(void)
{
    gc_slicer_destroy(&f.slicer);
    gc_plan_destroy(&f.plan);
    gc_fcs_destroy(&f.fcs);
    gc_diags_release(&f.diags);
}

static int set_up(void **state)
{
    (void)state;
    f = (fixture){ 0 };
    open_plan(shop);
    for (size_t i = 0; i < f.plan->file_count && i < 64; i++) {
        f.indices[i] = i;
        f.calls[f.call_count++] = (gc_compose_call){ &f.indices[i], 1 };
    }
    must_ok(gc_prompts_load("", &f.prompts, NULL));
    gc_config_init(&f.config);
    f.model = (gc_model){ .id = (char *)"model-x",
                          .provider = (char *)"anthropic",
                          .priced = true,
                          .prices = { 3.0, 3.75, 6.0, 0.3, 15.0 },
                          .context_tokens = 200000,
                          .max_output_tokens = 20000,
                          .cache_min_tokens = 100,
                          .effort = true,
                          .thinking_tokens = 50,
                          .bytes_per_token = BYTES_PER_TOKEN };
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gc_task_destroy(&f.task);
    gc_composer_destroy(&f.composer);
    gc_prompts_destroy(&f.prompts);
    gc_config_release(&f.config);
    close_plan();
    return 0;
}

static void open_composer_as(bool lean)
{
    f.input = (gc_compose_input){ .config = &f.config,
                                  .fcs = f.fcs,
                                  .plan = f.plan,
                                  .slicer = f.slicer,
                                  .prompts = f.prompts,
                                  .model = &f.model,
                                  .bytes_per_token = BYTES_PER_TOKEN,
                                  .calls = f.calls,
                                  .call_count = f.call_count,
                                  .reuse = true,
                                  .lean = lean };
    gc_composer_destroy(&f.composer);
    must_ok(gc_composer_new(&f.input, &f.composer, NULL));
}

static void open_composer(void)
{
    open_composer_as(false);
}

static size_t index_of(const char *path)
{
    long index = gc_plan_find(f.plan, path);
    assert_true(index >= 0);
    return (size_t)index;
}

static void compose_with(const char *const *paths, size_t count, const char *apis,
                         const char *complaint)
{
    size_t files[8];
    const char *fingerprints[8];
    for (size_t i = 0; i < count; i++) {
        files[i] = index_of(paths[i]);
        fingerprints[i] = "ff";
    }
    gc_compose_files wanted = { .files = files,
                                .fingerprints = fingerprints,
                                .count = count,
                                .apis = apis,
                                .complaint = complaint };
    gc_task_destroy(&f.task);
    must_ok(gc_compose(f.composer, &wanted, &f.task, NULL));
}

static void compose(const char *path)
{
    compose_with(&path, 1, "", "");
}

static const char *tail(void)
{
    const gc_block *last = &f.task->user[f.task->user_count - 1];
    assert_non_null(last->text);
    return last->text;
}

static bool ends_with(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

/* ---- blocks and the mark ---- */

static void test_compose_names_shared_blocks_by_hash(void **state)
{
    (void)state;
    open_composer();
    compose("internal/book/book.go");
    assert_int_equal(f.task->system_count, 2);
    assert_int_equal(f.task->user_count, 2);
    const gc_block *blocks[] = { &f.task->system[0], &f.task->system[1],
                                 &f.task->user[0] };
    int64_t bytes = (int64_t)strlen(tail());
    for (size_t i = 0; i < 3; i++) {
        size_t len = 0;
        const char *text = gc_composer_shared(f.composer, i, &len);
        assert_int_equal(len, strlen(text));
        assert_null(blocks[i]->text);
        assert_string_equal(blocks[i]->sha256, gc_sha256(text, len).hex);
        bytes += (int64_t)len;
    }
    assert_int_equal(f.task->prompt_bytes, bytes);
    size_t len;
    assert_null(gc_composer_shared(f.composer, 3, &len));
}

static void test_compose_shared_blocks_are_the_same_for_all(void **state)
{
    (void)state;
    open_composer();
    compose("internal/book/book.go");
    char *first = strdup(f.task->user[0].sha256),
         *second = strdup(f.task->system[1].sha256);
    compose("internal/server/router.go");
    assert_string_equal(f.task->user[0].sha256, first);
    assert_string_equal(f.task->system[1].sha256, second);
    free(first);
    free(second);
}

static void test_compose_marks_the_end_of_the_shared_part(void **state)
{
    (void)state;
    open_composer();
    compose("internal/book/book.go");
    assert_false(f.task->system[0].mark || f.task->system[1].mark);
    assert_true(f.task->user[0].mark);
    assert_false(f.task->user[1].mark);
    size_t len, bytes = 0;
    for (size_t i = 0; gc_composer_shared(f.composer, i, &len); i++)
        bytes += len;
    assert_int_equal(gc_composer_marked_bytes(f.composer), bytes);
}

static void expect_no_mark(void)
{
    open_composer();
    compose("internal/book/book.go");
    for (size_t i = 0; i < f.task->system_count; i++)
        assert_false(f.task->system[i].mark);
    for (size_t i = 0; i < f.task->user_count; i++)
        assert_false(f.task->user[i].mark);
    assert_int_equal(gc_composer_marked_bytes(f.composer), 0);
}

static void test_compose_marks_only_what_is_worth_it(void **state)
{
    (void)state;
    f.config.prompt_caching_enabled = false;
    expect_no_mark();
    f.config.prompt_caching_enabled = true;
    f.config.prompt_caching_anthropic = false;
    expect_no_mark();
    f.config.prompt_caching_anthropic = true;
    f.model.cache_min_tokens = 0; /* takes no marks */
    expect_no_mark();
    f.model.cache_min_tokens = 1000000; /* the prefix is too short */
    expect_no_mark();
    f.model.cache_min_tokens = 100;
    f.model.provider = (char *)"openai";
    f.config.prompt_caching_openai = false;
    expect_no_mark();
}

/* Servers that know no marks need not know their options either. */
static void test_compose_sends_openai_marks_to_models_that_take_them(void **state)
{
    (void)state;
    f.model.provider = (char *)"openai";
    f.model.cache_min_tokens = 100;
    open_composer();
    compose("internal/book/book.go");
    assert_true(f.task->openai_cache);
    f.model.cache_min_tokens = 0;
    open_composer();
    compose("internal/book/book.go");
    assert_false(f.task->openai_cache);
}

static void test_compose_does_not_mark_a_single_call(void **state)
{
    (void)state;
    f.call_count = 1;
    open_composer();
    assert_int_equal(gc_composer_marked_bytes(f.composer), 0);
}

/* ---- what the tail holds ---- */

static void test_compose_ends_with_the_wanted_files(void **state)
{
    (void)state;
    static const char *const paths[] = { "internal/author/author.go",
                                         "internal/book/book.go" };
    open_composer();
    compose_with(paths, 2, "", "");
    assert_int_equal(f.task->file_count, 2);
    assert_string_equal(f.task->files[1].path, "internal/book/book.go");
    assert_string_equal(f.task->files[1].package, "book");
    assert_string_equal(f.task->files[1].kind, "model");
    assert_string_equal(f.task->files[1].fingerprint, "ff");
    assert_string_equal(f.task->files[1].promise,
                        f.plan->files[index_of("internal/book/book.go")].promise);
    assert_non_null(strstr(tail(), "<generate path=\"internal/author/author.go\" "
                                   "package=\"author\" kind=\"model\">\n"));
    assert_true(ends_with(tail(), "</generate>"));
}

static void test_compose_escapes_what_the_user_wrote(void **state)
{
    (void)state;
    f.config.prompt_caching_enabled = false; /* then each task brings its slice */
    open_composer();
    compose("internal/book/book.go");
    assert_non_null(strstr(tail(), "Books have &lt;b>titles&lt;/b>"));
    assert_null(strstr(tail(), "<b>"));
}

static void test_compose_brings_promises_of_dependencies(void **state)
{
    (void)state;
    static const char *const both[] = { "internal/book/book.go",
                                        "internal/book/book_store.go" };
    open_composer();
    compose("internal/book/book_store.go");
    assert_non_null(strstr(tail(), "// internal/book/book.go: package book, import "
                                   "\"example.com/shop/internal/book\"\n"));
    compose_with(both, 2, "", "");
    assert_null(strstr(tail(), "// internal/book/book.go: package")); /* wanted itself */
}

static void test_compose_brings_wiring_only_what_it_calls(void **state)
{
    (void)state;
    static const char *const both[] = { "internal/server/router.go",
                                        "internal/book/book_service.go" };
    open_composer();
    compose("internal/server/router.go");
    assert_non_null(strstr(tail(), "func NewService("));
    assert_null(strstr(tail(), "func (s *Service) Create("));
    assert_non_null(strstr(tail(), "func NewHandler("));
    compose_with(both, 2, "", "");
    assert_non_null(strstr(tail(), "type Store interface")); /* the service calls it */
}

static void test_compose_brings_surfaces_and_complaints(void **state)
{
    (void)state;
    const char *path = "internal/book/book.go";
    open_composer();
    compose_with(&path, 1, "type Real struct\n", "line 3: <missing> Validate");
    assert_non_null(strstr(tail(), "type Real struct\n"));
    assert_non_null(strstr(tail(), "line 3: &lt;missing> Validate"));
}

static void test_compose_filters_context_or_sends_everything(void **state)
{
    (void)state;
    size_t len;
    f.config.prompt_caching_enabled = false; /* then each task brings its slice */
    open_composer();
    compose("internal/author/author.go");
    assert_non_null(strstr(tail(), "Entity Author"));
    assert_null(strstr(gc_composer_shared(f.composer, 2, &len), "Entity Author"));
    f.config.context_filtering_enabled = false;
    open_composer();
    compose("internal/author/author.go");
    assert_null(strstr(tail(), "Entity Author"));
    const char *shared = gc_composer_shared(f.composer, 2, &len);
    assert_non_null(strstr(shared, "Entity Author"));
    assert_non_null(strstr(shared, "Entity Book"));
}

static void test_compose_limits_neighbours(void **state)
{
    (void)state;
    f.config.context_filtering_max_entities_per_call = 1;
    f.config.prompt_caching_enabled = false; /* then each task brings its slice */
    open_composer();
    compose("internal/server/router.go");
    assert_non_null(strstr(tail(), "Related entity Author: key"));
    assert_non_null(strstr(tail(), "since the context is limited: Book\n"));
}

static void test_compose_symbols_are_sanitised_names_only(void **state)
{
    (void)state;
    size_t len;
    open_composer();
    const char *project = gc_composer_shared(f.composer, 1, &len);
    assert_non_null(strstr(project, "example.com/shop"));
    assert_non_null(strstr(project, "type Book struct"));
    assert_null(strstr(project, "titles"));
}

static void test_compose_sends_the_symbols_once(void **state)
{
    (void)state;
    size_t len, chosen;
    f.config.prompt_caching_enabled = false;
    open_composer();
    const gc_layout_option *options = gc_composer_layouts(f.composer, &chosen);
    assert_false(options[chosen].layout.whole_symbols);
    assert_null(strstr(gc_composer_shared(f.composer, 1, &len), "type Book struct"));
    compose("internal/book/book_store.go");
    assert_non_null(strstr(tail(), "<symbol_table>\n// package book"));
    assert_null(strstr(tail(), "package author"));
}

static void test_compose_refuses_what_fills_the_window(void **state)
{
    (void)state;
    gc_errinfo info = { 0 };
    open_composer();
    f.model.context_tokens = 5200; /* 4,096 of answer leave 64 for the prompt */
    size_t file = index_of("internal/book/book.go");
    gc_compose_files wanted = { .files = &file, .count = 1, .apis = "", .complaint = "" };
    gc_err err = gc_compose(f.composer, &wanted, &f.task, &info);
    assert_int_equal(err, GC_ETOOBIG);
    assert_null(f.task);
    assert_non_null(strstr(info.text, " and 4096 of answer are more than 4160"));
    assert_non_null(strstr(info.text, "larger window"));
}

/* ---- limits of the call ---- */

static void test_compose_max_tokens(void **state)
{
    (void)state;
    gc_plan_file *file = &f.plan->files[index_of("internal/book/book.go")];
    open_composer();
    file->expected_bytes = 4000; /* 3 * (1000 + 50) is less than the least */
    compose("internal/book/book.go");
    assert_int_equal(f.task->max_tokens, 4096);
    file->expected_bytes = 8000; /* 3 * (2000 + 50) */
    compose("internal/book/book.go");
    assert_int_equal(f.task->max_tokens, 6150);
    file->expected_bytes = 80000; /* more than the model gives */
    compose("internal/book/book.go");
    assert_int_equal(f.task->max_tokens, 20000);
    f.model.max_output_tokens = 1000; /* less than the least */
    compose("internal/book/book.go");
    assert_int_equal(f.task->max_tokens, 1000);
}

/* Tokens of a prompt at the very most, of `bytes` that are not marked. */
static double most_tokens(size_t bytes)
{
    return (double)bytes / 2 + 200;
}

static void expect_reserve(double written, double plain)
{
    double worst =
        (written * 3.75 + plain * 3.0 + (double)f.task->max_tokens * 15.0) / 1e6;
    assert_true(f.task->reserve_usd > worst - 1e-5 && f.task->reserve_usd < worst + 1e-5);
}

static void test_compose_reserves_the_worst_case(void **state)
{
    (void)state;
    f.config.limits_max_cost_usd = 7;
    open_composer();
    compose("internal/book/book.go");
    size_t marked = gc_composer_marked_bytes(f.composer);
    size_t rest = (size_t)f.task->prompt_bytes - marked;
    assert_true(marked > 0 && rest > 0);
    expect_reserve((double)marked / 2, most_tokens(rest));
    assert_true(f.task->max_cost_usd == 7);
    f.config.prompt_caching_enabled = false;
    open_composer();
    compose("internal/book/book.go"); /* nothing is written to the cache */
    expect_reserve(0, most_tokens((size_t)f.task->prompt_bytes));
}

static void test_compose_counts_a_known_prefix_as_it_is(void **state)
{
    (void)state;
    open_composer();
    compose("internal/book/book.go");
    size_t marked = gc_composer_marked_bytes(f.composer);
    size_t rest = (size_t)f.task->prompt_bytes - marked;
    gc_composer_learn_marked(f.composer, (int64_t)marked + 1); /* no such tokens */
    compose("internal/book/book.go");
    expect_reserve((double)marked / 2, most_tokens(rest));
    gc_composer_learn_marked(f.composer, 1234);
    gc_composer_learn_marked(f.composer, 0); /* a call whose prefix was not cached */
    compose("internal/book/book.go");
    expect_reserve(1234, most_tokens(rest));
}

static void test_compose_keeps_within_a_budget(void **state)
{
    (void)state;
    open_composer();
    size_t file = index_of("internal/book/book.go");
    gc_compose_files wanted = {
        .files = &file, .count = 1, .apis = "", .complaint = "", .budget_usd = 1
    };
    must_ok(gc_compose(f.composer, &wanted, &f.task, NULL));
    assert_true(f.task->max_tokens >= 4096); /* never less for the budget's sake */
    assert_true(f.task->reserve_usd < 1);
    gc_task_destroy(&f.task);
    wanted.budget_usd = 0.001;
    expect_err(GC_EFULL, gc_compose(f.composer, &wanted, &f.task, NULL));
    assert_null(f.task);
}

static void test_compose_lean_is_short_and_unmarked(void **state)
{
    (void)state;
    open_composer();
    compose("internal/book/book.go");
    int64_t usual = f.task->prompt_bytes;
    open_composer_as(true);
    compose("internal/book/book.go");
    assert_true(f.task->prompt_bytes <= usual);
    assert_int_equal(gc_composer_marked_bytes(f.composer), 0);
}

static void test_compose_takes_the_settings_along(void **state)
{
    (void)state;
    f.config.cluster_lease_ms = 1001;
    f.config.limits_provider_patience_ms = 1002;
    f.config.llm_first_byte_timeout_ms = 1003;
    f.config.llm_idle_timeout_ms = 1004;
    f.config.llm_call_timeout_ms = 1005;
    open_composer();
    compose("internal/book/book.go");
    assert_int_equal(f.task->lease_ms, 1001);
    assert_int_equal(f.task->patience_ms, 1002);
    assert_int_equal(f.task->first_byte_ms, 1003);
    assert_int_equal(f.task->idle_ms, 1004);
    assert_int_equal(f.task->call_ms, 1005);
    assert_string_equal(f.task->effort, "low");
    assert_true(f.task->reuse);
    assert_string_equal(f.task->model.id, "model-x");
    f.model.effort = false;
    compose("internal/book/book.go");
    assert_string_equal(f.task->effort, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_compose_names_shared_blocks_by_hash),
        TEST(test_compose_shared_blocks_are_the_same_for_all),
        TEST(test_compose_marks_the_end_of_the_shared_part),
        TEST(test_compose_marks_only_what_is_worth_it),
        TEST(test_compose_sends_openai_marks_to_models_that_take_them),
        TEST(test_compose_does_not_mark_a_single_call),
        TEST(test_compose_ends_with_the_wanted_files),
        TEST(test_compose_escapes_what_the_user_wrote),
        TEST(test_compose_brings_promises_of_dependencies),
        TEST(test_compose_brings_wiring_only_what_it_calls),
        TEST(test_compose_brings_surfaces_and_complaints),
        TEST(test_compose_filters_context_or_sends_everything),
        TEST(test_compose_limits_neighbours),
        TEST(test_compose_symbols_are_sanitised_names_only),
        TEST(test_compose_sends_the_symbols_once),
        TEST(test_compose_refuses_what_fills_the_window),
        TEST(test_compose_max_tokens),
        TEST(test_compose_reserves_the_worst_case),
        TEST(test_compose_counts_a_known_prefix_as_it_is),
        TEST(test_compose_keeps_within_a_budget),
        TEST(test_compose_lean_is_short_and_unmarked),
        TEST(test_compose_takes_the_settings_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
