/* Test files: small tests that run and pass on their own. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "tests/llm-sim/gowrite.h"

/* How many words gc_sim_words() gives. */
static int count_words(const char *words)
{
    int count = 0;
    for (const char *c = words; *c; c++)
        if (*c != ' ' && (c == words || c[-1] == ' '))
            count++;
    return count;
}

void gc_sim_table_test(gc_sim_writer *self, const char *name, const char *testing,
                       const char *param)
{
    char *words = gc_sim_words(gc_starts_with(name, "Test") && name[4] ? name + 4 : name);
    const char *strings = gc_sim_use(self, "strings");
    gc_sim_comment(self, "%s checks %s.", name, words);
    gc_sim_line(self, 0, "func %s(%s *%s.T) {", name, param, testing);
    gc_sim_line(self, 1, "cases := []struct {");
    gc_sim_line(self, 2, "name string");
    gc_sim_line(self, 2, "in   string");
    gc_sim_line(self, 2, "want int");
    gc_sim_line(self, 1, "}{");
    gc_sim_line(self, 2, "{name: \"empty\", in: \"\", want: 0},");
    gc_sim_line(self, 2, "{name: \"blanks\", in: \"  \\t\", want: 0},");
    gc_sim_line(self, 2, "{name: \"usual\", in: \"%s\", want: %d},", words,
                count_words(words));
    gc_sim_line(self, 1, "}");
    gc_sim_line(self, 1, "for _, tc := range cases {");
    gc_sim_line(self, 2, "%s.Run(tc.name, func(%s *%s.T) {", param, param, testing);
    gc_sim_line(self, 3, "if got := len(%s.Fields(tc.in)); got != tc.want {", strings);
    gc_sim_line(self, 4,
                "%s.Errorf(\"%%q has %%d words, want %%d\", tc.in, got, tc.want)", param);
    gc_sim_line(self, 3, "}");
    gc_sim_line(self, 2, "})");
    gc_sim_line(self, 1, "}");
    gc_sim_line(self, 0, "}");
    free(words);
}

static void write_main(gc_sim_writer *self, const char *testing, const char *param)
{
    const char *os = gc_sim_use(self, "os");
    gc_sim_comment(self, "TestMain runs the tests of the package.");
    gc_sim_line(self, 0, "func TestMain(%s *%s.M) {", param, testing);
    gc_sim_line(self, 1, "%s.Exit(%s.Run())", os, param);
    gc_sim_line(self, 0, "}");
}

static void write_benchmark(gc_sim_writer *self, const char *name, const char *testing,
                            const char *param)
{
    const char *strings = gc_sim_use(self, "strings");
    gc_sim_comment(self, "%s measures one round.", name);
    gc_sim_line(self, 0, "func %s(%s *%s.B) {", name, param, testing);
    gc_sim_line(self, 1, "for i := 0; i < %s.N; i++ {", param);
    gc_sim_line(self, 2, "_ = %s.Repeat(\"x\", i%%64)", strings);
    gc_sim_line(self, 1, "}");
    gc_sim_line(self, 0, "}");
}

static void write_fuzz(gc_sim_writer *self, const char *name, const char *testing,
                       const char *param)
{
    const char *strings = gc_sim_use(self, "strings");
    gc_sim_comment(self, "%s checks that joining undoes splitting.", name);
    gc_sim_line(self, 0, "func %s(%s *%s.F) {", name, param, testing);
    gc_sim_line(self, 1, "%s.Add(\"a,b\")", param);
    gc_sim_line(self, 1, "%s.Fuzz(func(t *%s.T, in string) {", param, testing);
    gc_sim_line(self, 2, "if got := %s.Join(%s.Split(in, \",\"), \",\"); got != in {",
                strings, strings);
    gc_sim_line(self, 3, "t.Errorf(\"got %%q, want %%q\", got, in)");
    gc_sim_line(self, 2, "}");
    gc_sim_line(self, 1, "})");
    gc_sim_line(self, 0, "}");
}

static bool is_test_name(const char *name, const char *prefix)
{
    return gc_starts_with(name, prefix) && !islower((unsigned char)name[strlen(prefix)]);
}

bool gc_sim_test_func(gc_sim_writer *self, const gc_sim_decl *decl)
{
    if (!gc_ends_with(self->file->path, "_test.go") || decl->method ||
        decl->params.count != 1 || decl->results.count || *decl->type_params)
        return false;
    const gc_sim_param *param = &decl->params.items[0];
    size_t len = strlen(param->type);
    if (len < 4 || *param->type != '*' || param->type[len - 2] != '.')
        return false;
    char *testing = gc_xmemdup(param->type + 1, len - 3);
    const char *name = *param->name && strcmp(param->name, "_") != 0 ? param->name : "t";
    char what = param->type[len - 1];
    bool known = true;
    if (what == 'T' && is_test_name(decl->name, "Test"))
        gc_sim_table_test(self, decl->name, testing, name);
    else if (what == 'M' && strcmp(decl->name, "TestMain") == 0)
        write_main(self, testing, name);
    else if (what == 'B' && is_test_name(decl->name, "Benchmark"))
        write_benchmark(self, decl->name, testing, name);
    else if (what == 'F' && is_test_name(decl->name, "Fuzz"))
        write_fuzz(self, decl->name, testing, name);
    else
        known = false;
    free(testing);
    return known;
}
