#include "tests/llm-sim/textfiles.h"

#include <string.h>

#include "common/text.h"

typedef struct facts {
    const char *path;
    const char *module;
    const char *go_version;
    const char *app; /* last element of the module path */
} facts;

static void go_mod(const facts *f, gc_buf *out)
{
    gc_buf_printf(out, "module %s\n\ngo %s\n", f->module, f->go_version);
}

static void gitignore(const facts *f, gc_buf *out)
{
    gc_buf_printf(out, "/bin/\n/%s\n*.test\n*.out\ncoverage.txt\n.env\n", f->app);
}

static void dockerignore(const facts *f, gc_buf *out)
{
    (void)f;
    gc_buf_puts(out, ".git\n.github\nbin\n*.md\n*.test\ncoverage.txt\n");
}

static void dockerfile(const facts *f, gc_buf *out)
{
    gc_buf_printf(out,
                  "FROM golang:%s AS build\n"
                  "WORKDIR /src\n"
                  "COPY . .\n"
                  "RUN CGO_ENABLED=0 go build -trimpath -o /out/ ./cmd/...\n"
                  "\n"
                  "FROM gcr.io/distroless/static:nonroot\n"
                  "COPY --from=build /out/ /\n"
                  "USER nonroot:nonroot\n"
                  "ENTRYPOINT [\"/%s\"]\n",
                  f->go_version, f->app);
}

static void makefile(const facts *f, gc_buf *out)
{
    (void)f;
    gc_buf_puts(out, ".PHONY: build test vet\n\n"
                     "build:\n\tgo build -o bin/ ./...\n\n"
                     "test:\n\tgo test ./...\n\n"
                     "vet:\n\tgo vet ./...\n");
}

static void golangci(const facts *f, gc_buf *out)
{
    (void)f;
    gc_buf_puts(out, "version: \"2\"\nlinters:\n  enable:\n    - govet\n    - errcheck\n"
                     "    - staticcheck\n");
}

static void workflow(const facts *f, gc_buf *out)
{
    gc_buf_printf(out,
                  "name: ci\non: [push, pull_request]\njobs:\n  test:\n"
                  "    runs-on: ubuntu-latest\n    steps:\n"
                  "      - uses: actions/checkout@v4\n"
                  "      - uses: actions/setup-go@v5\n"
                  "        with:\n          go-version: \"%s\"\n"
                  "      - run: go vet ./...\n      - run: go test ./...\n",
                  f->go_version);
}

static void markdown(const facts *f, gc_buf *out)
{
    gc_buf_printf(out,
                  "# %s\n\nModule `%s`, written by a simulated model.\n\n"
                  "## Build\n\n```sh\ngo build ./...\n```\n\n"
                  "## Test\n\n```sh\ngo test ./...\n```\n",
                  f->app, f->module);
}

static void json_file(const facts *f, gc_buf *out)
{
    gc_buf_printf(out, "{\n  \"name\": \"%s\"\n}\n", f->app);
}

static void sql_file(const facts *f, gc_buf *out)
{
    gc_buf_printf(out, "-- %s\nSELECT 1;\n", f->app);
}

static void shell_file(const facts *f, gc_buf *out)
{
    (void)f;
    gc_buf_puts(out, "#!/bin/sh\nset -eu\ngo build ./...\n");
}

static void other_file(const facts *f, gc_buf *out)
{
    gc_buf_printf(out, "# %s of %s\n", f->path, f->app);
}

static const struct {
    const char *suffix; /* of the path; the first that fits counts */
    void (*write)(const facts *f, gc_buf *out);
} writers[] = {
    { "go.mod", go_mod },
    { ".gitignore", gitignore },
    { ".dockerignore", dockerignore },
    { "Dockerfile", dockerfile },
    { "Makefile", makefile },
    { ".golangci.yml", golangci },
    { ".golangci.yaml", golangci },
    { ".yml", workflow },
    { ".yaml", workflow },
    { ".md", markdown },
    { ".json", json_file },
    { ".sql", sql_file },
    { ".sh", shell_file },
    { "", other_file },
};

void gc_sim_text_write(const char *path, const char *module, const char *go_version,
                       gc_buf *out)
{
    const char *slash = strrchr(module, '/');
    facts f = { .path = path,
                .module = module,
                .go_version = go_version,
                .app = slash ? slash + 1 : module };
    size_t i = 0;
    while (!gc_ends_with(path, writers[i].suffix))
        i++;
    writers[i].write(&f, out);
}
