#include <string.h>

#include "common/prompt.h"
#include "common/split.h"
#include "support/must.h"
#include "tests/llm-sim/answer.h"

#define SERVICE                                                                 \
    "import \"context\"\n"                                                      \
    "import m \"example.com/app/internal/model\"\n"                             \
    "type Service struct\n"                                                     \
    "type Level int\n"                                                          \
    "const (\n\tLow Level = iota\n\tHigh\n)\n"                                  \
    "type Store interface {\n"                                                  \
    "\tGet(ctx context.Context, id string) (*m.Order, error)\n"                 \
    "}\n"                                                                       \
    "type In struct {\n\tName string `json:\"name\"`\n\tAge, Size int\n}\n"     \
    "var ErrGone error\n"                                                       \
    "func NewService(store Store, opts ...func(*In)) (*Service, error)\n"       \
    "func (s *Service) Get(ctx context.Context, id string) (*m.Order, error)\n" \
    "func Map[T, U any](in []T, f func(T) U) []U\n"

#define TASK                                                                    \
    "<generate path=\"a/service.go\" package=\"a\" kind=\"service\">\n" SERVICE \
    "</generate>\n"                                                             \
    "<generate path=\"a/service_test.go\" package=\"a_test\" kind=\"test\">\n"  \
    "import \"testing\"\nfunc TestServiceGet(t *testing.T)\n</generate>\n"      \
    "<generate path=\"a/extra.go\" package=\"a\" kind=\"source\"/>\n"           \
    "<generate path=\"go.mod\" kind=\"template\"/>\n"                           \
    "<generate path=\"README.md\" kind=\"template\"/>\n"

typedef struct fixture {
    gc_sim_wanted wanted;
    gc_sim_project project;
    gc_sim_answer answer;
} fixture;

static void make(fixture *f, bool json, const gc_sim_fault *spoil)
{
    gc_sim_wanted_parse(TASK, strlen(TASK), &f->wanted);
    assert_int_equal(5, f->wanted.count);
    gc_sim_project_read("# Rules\nUse modules well.\n\nModule path: example.com/app\n"
                        "Go version: 1.23\n",
                        &f->project);
    gc_sim_answer_make(&f->wanted, &f->project, json, spoil, &f->answer);
}

static void release(fixture *f)
{
    gc_sim_answer_release(&f->answer);
    gc_sim_project_release(&f->project);
    gc_sim_wanted_release(&f->wanted);
}

/* Every file comes out of the real splitter as the ledger names it. */
static void must_split(const fixture *f)
{
    const char *paths[5];
    for (size_t i = 0; i < 5; i++)
        paths[i] = f->wanted.files[i].path;
    gc_split *split = gc_split_new(paths, 5);
    must_ok(gc_split_feed(split, f->answer.text, f->answer.len));
    gc_split_finish(split, false);
    for (size_t i = 0; i < 5; i++) {
        size_t len;
        const char *content = gc_split_file(split, i, &len);
        assert_non_null(content);
        assert_string_equal(f->answer.files[i].sha.hex, gc_sha256(content, len).hex);
    }
    gc_split_destroy(&split);
}

static void test_answer_comes_apart_in_every_form(void **state)
{
    (void)state;
    gc_sim_fault fenced = { .kind = GC_SIM_FAULT_FENCED };
    const struct {
        bool json;
        const gc_sim_fault *spoil;
    } cases[] = { { false, NULL }, { true, NULL }, { false, &fenced } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;
        make(&f, cases[i].json, cases[i].spoil);
        must_split(&f);
        release(&f);
    }
}

static void test_answer_takes_the_module_from_the_prompt(void **state)
{
    (void)state;
    fixture f;
    make(&f, false, NULL);
    assert_non_null(strstr(f.answer.text,
                           "<file path=\"go.mod\">\nmodule example.com/app\n\n"
                           "go 1.23\n</file>\n"));
    release(&f);
}

static void test_answer_reads_what_the_prompt_says_of_the_project(void **state)
{
    (void)state;
    static const struct {
        const char *system;
        const char *module;
        const char *go_version;
    } cases[] = {
        { "", "example.com/app", "1.22" },
        { "module github.com/a/b\n\ngo 1.21.3\n", "github.com/a/b", "1.21.3" },
        { "- Module path: `corp.test/x-y/z`.\n- Go version: 1.24", "corp.test/x-y/z",
          "1.24" },
        { "Modules are fine. Go on.", "example.com/app", "1.22" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gc_sim_project project;
        gc_sim_project_read(cases[i].system, &project);
        assert_string_equal(cases[i].module, project.module);
        assert_string_equal(cases[i].go_version, project.go_version);
        gc_sim_project_release(&project);
    }
}

static void test_answer_knows_when_json_is_asked(void **state)
{
    (void)state;
    assert_true(gc_sim_wants_json("Answer with one JSON array of objects"));
    assert_false(gc_sim_wants_json("a line `<file path=\"...\">`, never a JSON array"));
    assert_false(gc_sim_wants_json("no format at all"));
}

static void test_answer_understands_the_prompts_of_this_project(void **state)
{
    (void)state;
    static const char *const formats[] = { "tags", "json" };
    for (int json = 0; json < 2; json++) {
        gc_prompts *prompts = NULL;
        gc_sim_project project;
        gc_buf system;
        gc_buf_init(&system, 1 << 20);
        must_ok(gc_prompts_load("", &prompts, NULL));
        must_ok(gc_prompt_system(prompts, formats[json], &system, NULL));
        gc_prompt_project facts = { .module_path = "corp.test/shop",
                                    .app = "shop",
                                    .go_version = "1.25",
                                    .kind = "http",
                                    .packages = json_array(),
                                    .modules = json_array(),
                                    .symbols = "" };
        must_ok(gc_prompt_project_text(prompts, &facts, &system, NULL));
        gc_sim_project_read(system.ptr, &project);
        assert_string_equal("corp.test/shop", project.module);
        assert_string_equal("1.25", project.go_version);
        assert_int_equal(json, gc_sim_wants_json(system.ptr));
        gc_sim_project_release(&project);
        json_decref(facts.packages);
        json_decref(facts.modules);
        gc_buf_release(&system);
        gc_prompts_destroy(&prompts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_comes_apart_in_every_form),
        cmocka_unit_test(test_answer_takes_the_module_from_the_prompt),
        cmocka_unit_test(test_answer_reads_what_the_prompt_says_of_the_project),
        cmocka_unit_test(test_answer_knows_when_json_is_asked),
        cmocka_unit_test(test_answer_understands_the_prompts_of_this_project),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
