#include "support/must.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/assets.h"
#include "common/doc.h"
#include "common/mem.h"
#include "common/project.h"
#include "common/text.h"

#define LIMIT ((size_t)1 << 20)
#define ATTACK                                                                    \
    "evil\n\trm -rf /\n\nRUN evil\n# Head <script>evil()</script> [x](evil) `y` " \
    "| {{app}} $(shell evil) *b*\n---"

/* The FCS owns its texts; these tests lend it constants and never destroy it. */
#define LEND(text) ((char *)(text))

typedef struct fixture {
    char *folder;
    gc_buf out;
    gc_fcs fcs;
    gc_field field;
    gc_entity entity;
    gc_contract contract;
    gc_package package;
    gc_module_dep modules[3];
    gc_spec_file files[3];
} fixture;

/* An HTTP project whose free texts are all hostile. */
static int set_up(void **state)
{
    fixture *self = gc_xcalloc(1, sizeof *self);
    self->folder = must_temp_dir();
    gc_buf_init(&self->out, LIMIT);
    self->field = (gc_field){ .name = LEND("id"),
                              .go_name = LEND("ID"),
                              .json_name = LEND("id"),
                              .go_type = LEND("map[string]int"),
                              .required = true,
                              .description = LEND(ATTACK) };
    self->entity = (gc_entity){ .name = LEND(ATTACK),
                                .go_name = LEND("Order"),
                                .snake = LEND("order"),
                                .description = LEND(ATTACK),
                                .package = LEND(""),
                                .fields = &self->field,
                                .field_count = 1 };
    self->contract = (gc_contract){ .id = LEND(""),
                                    .method = LEND("GET"),
                                    .name = LEND(""),
                                    .path = LEND("/orders/{id}`|\n|<b>"),
                                    .description = LEND(ATTACK) };
    self->package = (gc_package){ LEND("order"), LEND("internal/order"), LEND(ATTACK) };
    self->modules[0] = (gc_module_dep){ LEND("github.com/google/uuid"), LEND("v1.6.0") };
    self->modules[1] = (gc_module_dep){ LEND("github.com/lib/pq"), LEND("") };
    self->modules[2] = (gc_module_dep){ LEND("golang.org/x/text"), LEND("v0.14.0") };
    self->fcs = (gc_fcs){ .name = LEND(ATTACK),
                          .app = LEND("shop"),
                          .kind = LEND("http"),
                          .module_path = LEND("example.com/shop"),
                          .go_version = LEND("1.22"),
                          .description = LEND(ATTACK),
                          .entities = &self->entity,
                          .entity_count = 1,
                          .contracts = &self->contract,
                          .contract_count = 1,
                          .packages = &self->package,
                          .package_count = 1 };
    *state = self;
    return 0;
}

static int tear_down(void **state)
{
    fixture *self = *state;
    must_remove_tree(self->folder);
    free(self->folder);
    gc_buf_release(&self->out);
    free(self);
    return 0;
}

/* The file that the built-in template makes; borrowed until the next call. */
static const char *made(fixture *self, const char *name)
{
    gc_buf_reset(&self->out);
    must_ok(gc_project_render("", name, &self->fcs, &self->out, NULL));
    return self->out.ptr;
}

static void assert_holds(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("wanted \"%s\" in:\n%s", words, text);
}

static void put_file(fixture *self, const char *name, const void *mem, size_t len)
{
    char *path = gc_xasprintf("%s/%s", self->folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(len, fwrite(mem, 1, len, file));
    fclose(file);
    free(path);
}

static bool runs(fixture *self, const char *command)
{
    char *line = gc_xasprintf("cd '%s' && %s", self->folder, command);
    int status = system(line); /* NOLINT(cert-env33-c): fixed words and our own folder */
    free(line);
    return status == 0;
}

static void test_project_knows_its_templates(void **state)
{
    size_t known = 0, carried = 0;
    (void)state;
    for (const char *name; (name = gc_project_template_at(known)); known++)
        assert_non_null(gc_project_template(name));
    for (size_t i = 0; i < gc_asset_count; i++) {
        const char *prefix = "templates/project/";
        if (!gc_starts_with(gc_assets[i].name, prefix) ||
            gc_ends_with(gc_assets[i].name, ".go.tmpl") ||
            gc_ends_with(gc_assets[i].name, ".sql.tmpl")) /* those, the plan knows */
            continue;
        carried++;
        assert_non_null(gc_project_template(gc_assets[i].name + strlen(prefix)));
    }
    assert_int_equal(8, known);
    assert_int_equal(known, carried);
    assert_string_equal(".github/workflows/ci.yml", gc_project_template("ci.tmpl"));
    assert_null(gc_project_template("ci.yml"));
}

static void test_project_go_mod_requires_what_has_a_version(void **state)
{
    fixture *self = *state;
    assert_string_equal("module example.com/shop\n\ngo 1.22\n",
                        made(self, "go.mod.tmpl"));
    self->fcs.modules = self->modules;
    self->fcs.module_count = 2;
    assert_string_equal("module example.com/shop\n"
                        "\n"
                        "go 1.22\n"
                        "\n"
                        "require github.com/google/uuid v1.6.0\n"
                        "\n"
                        "// The specification names these without a version: \"go mod "
                        "tidy\" adds what is used.\n"
                        "//\tgithub.com/lib/pq\n",
                        made(self, "go.mod.tmpl"));
    self->fcs.module_count = 3;
    assert_holds(made(self, "go.mod.tmpl"), "\n\nrequire (\n"
                                            "\tgithub.com/google/uuid v1.6.0\n"
                                            "\tgolang.org/x/text v0.14.0\n"
                                            ")\n\n//");
}

static void test_project_files_are_valid(void **state)
{
    static const char *const yaml[] = { "golangci.tmpl", "ci.tmpl" };
    fixture *self = *state;
    for (size_t i = 0; i < 2; i++) {
        gc_diags diags;
        gc_node *root = NULL;
        made(self, yaml[i]);
        gc_diags_init(&diags, yaml[i]);
        must_ok(gc_doc_parse(self->out.ptr, self->out.len, GC_DOC_YAML, &diags, &root));
        assert_int_equal(GC_NODE_MAP, root->kind);
        gc_node_destroy(&root);
        gc_diags_release(&diags);
    }
    made(self, "makefile.tmpl");
    put_file(self, "Makefile", self->out.ptr, self->out.len);
    if (runs(self, "command -v make >/dev/null"))
        assert_true(runs(self, "make help | grep -q 'build *Build bin/shop' && "
                               "make -n all run lint image clean >/dev/null"));
    self->fcs.modules = self->modules;
    for (size_t count = 0; count <= 3; count++) {
        self->fcs.module_count = count;
        made(self, "go.mod.tmpl");
        put_file(self, "go.mod", self->out.ptr, self->out.len);
        if (runs(self, "command -v go >/dev/null"))
            assert_true(runs(self, "cp go.mod go.mod.old && go mod edit -fmt && "
                                   "cmp go.mod go.mod.old"));
    }
}

static void test_project_image_is_staged_and_not_root(void **state)
{
    static const char *const kinds[] = { "http", "cli", "library" };
    fixture *self = *state;
    for (size_t i = 0; i < 3; i++) {
        self->fcs.kind = LEND(kinds[i]);
        const char *text = made(self, "dockerfile.tmpl");
        assert_holds(text, "FROM golang:1.22 AS build\n");
        assert_holds(text, "CGO_ENABLED=0");
        const char *user = strstr(text, "\nUSER 10001:10001\n");
        assert_non_null(user);
        assert_null(strstr(user + 1, "\nFROM "));
        assert_int_equal(i == 0, strstr(text, "\nEXPOSE 8080\n") != NULL);
        assert_int_equal(i < 2, strstr(text, " ./cmd/shop\n") != NULL);
    }
}

static void test_project_finds_a_listed_main(void **state)
{
    fixture *self = *state;
    self->files[0].path = LEND("z/main.go");
    self->files[1].path = LEND("cmd/api/main.go");
    self->files[2].path = LEND("a b/main.go");
    self->fcs.files = self->files;
    self->fcs.file_count = 3;
    assert_holds(made(self, "makefile.tmpl"), "-o bin/shop ./cmd/api\n");
    self->files[1].path = LEND("main.go");
    self->fcs.file_count = 2;
    assert_holds(made(self, "makefile.tmpl"), "-o bin/shop .\n");
    self->files[0].path = LEND("shop.go");
    self->fcs.file_count = 1;
    assert_holds(made(self, "makefile.tmpl"), "\t$(GO) build ./...\n");
}

static void test_project_free_text_stays_in_the_readme(void **state)
{
    fixture *self = *state;
    for (size_t i = 0; gc_project_template_at(i); i++) {
        const char *name = gc_project_template_at(i);
        if (strcmp(name, "readme.tmpl") != 0)
            assert_null(strstr(made(self, name), "evil"));
    }
}

static void test_project_readme_neutralises_text(void **state)
{
    fixture *self = *state;
    const char *text = made(self, "readme.tmpl");
    const char *plain = "evil rm -rf / RUN evil \\# Head &lt;script&gt;evil()&lt;/script"
                        "&gt; \\[x\\](evil) \\`y\\` \\| {{app}} \\$(shell evil) \\*b\\* "
                        "---";
    char *want = gc_xasprintf("# %s\n\n%s\n\n## Start\n", plain, plain);
    assert_holds(text, want);
    free(want);
    want = gc_xasprintf("| `id` | `map[string]int` | yes | %s |\n", plain);
    assert_holds(text, want);
    free(want);
    assert_holds(text, "| `GET /orders/{id}?? ?<b>` | evil ");
    assert_holds(text, "| `internal/order` | evil ");
    assert_null(strstr(text, "<script"));
    assert_null(strstr(text, "\n---"));
}

static void test_project_readme_lines_start_no_block(void **state)
{
    static const char *const starts[][2] = {
        { " - a", "\n\\- a\n" },    { "+ a", "\n\\+ a\n" },   { "===", "\n\\===\n" },
        { "12. a", "\n12\\. a\n" }, { "1) a", "\n1\\) a\n" }, { "12 a", "\n12 a\n" },
        { "> a", "\n&gt; a\n" },    { "# a", "\n\\# a\n" }
    };
    fixture *self = *state;
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        self->fcs.description = LEND(starts[i][0]);
        assert_holds(made(self, "readme.tmpl"), starts[i][1]);
    }
}

static void test_project_readme_leaves_out_what_is_empty(void **state)
{
    fixture *self = *state;
    self->fcs = (gc_fcs){ .name = LEND("Shop"),
                          .app = LEND("shop"),
                          .kind = LEND("library"),
                          .module_path = LEND("example.com/shop"),
                          .go_version = LEND("1.22"),
                          .description = LEND("") };
    const char *text = made(self, "readme.tmpl");
    assert_true(gc_starts_with(text, "# Shop\n\n## Start\n\nNeeds Go 1.22 or newer.\n\n"
                                     "```sh\nmake test\nmake build\n```\n"));
    assert_null(strstr(text, "## API"));
    assert_null(strstr(text, "## Data"));
    assert_null(strstr(text, "## Packages"));
    assert_null(strstr(text, "\n\n\n"));
}

static void test_project_refuses_names_that_break_out(void **state)
{
    static const char *const bad[] = { "",   "a b",  "a\nb", "$(x)",
                                       "-a", "a\"b", "a#b",  ".." };
    fixture *self = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        gc_errinfo info = { 0 };
        gc_fcs fcs = self->fcs;
        fcs.app = LEND(bad[i]);
        expect_err(GC_EINVAL,
                   gc_project_render("", "makefile.tmpl", &fcs, &self->out, &info));
        assert_non_null(strstr(info.text, "app \""));
        fcs = self->fcs;
        fcs.module_path = LEND(bad[i]);
        expect_err(GC_EINVAL,
                   gc_project_render("", "go.mod.tmpl", &fcs, &self->out, NULL));
        fcs = self->fcs;
        fcs.go_version = LEND(bad[i]);
        expect_err(GC_EINVAL, gc_project_render("", "ci.tmpl", &fcs, &self->out, NULL));
        gc_module_dep module = { LEND("example.com/x"), LEND(i ? bad[i] : "a b") };
        fcs = self->fcs;
        fcs.modules = &module;
        fcs.module_count = 1;
        expect_err(GC_EINVAL,
                   gc_project_render("", "go.mod.tmpl", &fcs, &self->out, NULL));
    }
    assert_int_equal(0, self->out.len);
}

static void test_project_overrides_by_file_name(void **state)
{
    fixture *self = *state;
    gc_sha inside, changed, other;
    must_ok(gc_project_template_sha("", "makefile.tmpl", &inside, NULL));
    const char *text = "all:\n\t{{app}}{{description}}\n";
    put_file(self, "makefile.tmpl", text, strlen(text));
    must_ok(
        gc_project_render(self->folder, "makefile.tmpl", &self->fcs, &self->out, NULL));
    assert_string_equal("all:\n\tshop\n", self->out.ptr);
    must_ok(gc_project_template_sha(self->folder, "makefile.tmpl", &changed, NULL));
    assert_string_not_equal(inside.hex, changed.hex);

    must_ok(gc_project_template_sha("", "ci.tmpl", &inside, NULL));
    must_ok(gc_project_template_sha(self->folder, "ci.tmpl", &other, NULL));
    assert_string_equal(inside.hex, other.hex);
    must_ok(gc_project_template_sha("/nonexistent/templates", "ci.tmpl", &other, NULL));
    assert_string_equal(inside.hex, other.hex);
}

static void expect_refused(fixture *self, gc_err want, const char *words)
{
    gc_errinfo info = { 0 };
    expect_err(want,
               gc_project_render(self->folder, "ci.tmpl", &self->fcs, &self->out, &info));
    if (!strstr(info.text, words))
        fail_msg("wanted \"%s\" in \"%s\"", words, info.text);
}

static void test_project_errors_name_the_override(void **state)
{
    fixture *self = *state;
    put_file(self, "ci.tmpl", "a\n{{#x}}", 8);
    expect_refused(self, GC_EINVAL, "/ci.tmpl: line 2, column 1: the section");
    put_file(self, "ci.tmpl", "a\0b", 3);
    expect_refused(self, GC_EINVAL, "/ci.tmpl: is no UTF-8 text");
    char *path = gc_xasprintf("%s/ci.tmpl", self->folder);
    remove(path);
    mkdir(path, 0755);
    free(path);
    expect_refused(self, GC_EIO, "/ci.tmpl");
    expect_err(GC_ENOENT, gc_project_render("", "no.tmpl", &self->fcs, &self->out, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_project_knows_its_templates),
        TEST(test_project_go_mod_requires_what_has_a_version),
        TEST(test_project_files_are_valid),
        TEST(test_project_image_is_staged_and_not_root),
        TEST(test_project_finds_a_listed_main),
        TEST(test_project_free_text_stays_in_the_readme),
        TEST(test_project_readme_neutralises_text),
        TEST(test_project_readme_lines_start_no_block),
        TEST(test_project_readme_leaves_out_what_is_empty),
        TEST(test_project_refuses_names_that_break_out),
        TEST(test_project_overrides_by_file_name),
        TEST(test_project_errors_name_the_override),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
