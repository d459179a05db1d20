#include "tests/llm-sim/answer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "common/text.h"
#include "tests/llm-sim/gowriter.h"
#include "tests/llm-sim/jsontext.h"
#include "tests/llm-sim/promise.h"
#include "tests/llm-sim/textfiles.h"

static bool is_path_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("._~/-", c));
}

/* Past blanks, a colon and quote marks. */
static const char *skip_label(const char *text)
{
    return text + strspn(text, " \t:*`\"'");
}

/* What follows `label` where it begins a line (list and quote marks aside); NULL if it
 * does so nowhere. */
static const char *find_labelled(const char *text, const char *label)
{
    size_t len = strlen(label);
    for (const char *at = text; (at = strcasestr(at, label)); at += len) {
        const char *start = at;
        while (start > text && strchr(" \t-*`", start[-1]))
            start--;
        const char *value = skip_label(at + len);
        if ((start == text || start[-1] == '\n') && value > at + len)
            return value;
    }
    return NULL;
}

static char *read_module(const char *system)
{
    const char *value = find_labelled(system, "module path");
    if (!value)
        value = find_labelled(system, "module");
    size_t len = 0;
    while (value && is_path_char(value[len]))
        len++;
    while (len && strchr("./", value[len - 1]))
        len--;
    return len ? gc_xmemdup(value, len) : gc_xstrdup("example.com/app");
}

static char *read_go_version(const char *system)
{
    const char *value = find_labelled(system, "go version");
    if (!value)
        value = find_labelled(system, "go");
    size_t len = value ? strspn(value, "0123456789.") : 0;
    while (len && value[len - 1] == '.')
        len--;
    return len > 2 ? gc_xmemdup(value, len) : gc_xstrdup("1.22");
}

void gc_sim_project_read(const char *system, gc_sim_project *out)
{
    out->module = read_module(system);
    out->go_version = read_go_version(system);
}

void gc_sim_project_release(gc_sim_project *self)
{
    free(self->module);
    free(self->go_version);
    *self = (gc_sim_project){ 0 };
}

bool gc_sim_wants_json(const char *system)
{
    return strcasestr(system, "json array") && !strstr(system, "<file path=");
}

/* A promise whose first function (or type) goes by another name. */
static char *rename_first(const char *promise)
{
    gc_sim_promise parsed;
    gc_sim_promise_parse(promise, &parsed);
    const char *name = NULL;
    for (size_t i = 0; i < parsed.decl_count; i++)
        if (!name || parsed.decls[i].kind == GC_SIM_DECL_FUNC) {
            name = parsed.decls[i].name;
            if (parsed.decls[i].kind == GC_SIM_DECL_FUNC)
                break;
        }
    gc_buf out;
    gc_buf_init(&out, 2 * GC_SIM_PROMISE_MAX);
    size_t len = name ? strlen(name) : 0;
    for (const char *c = promise; *c;) {
        bool here = len && strncmp(c, name, len) == 0 &&
                    !gc_sim_go_is_ident(c + len, 1) &&
                    (c == promise || !gc_sim_go_is_ident(c - 1, 1));
        gc_buf_append(&out, c, here ? len : 1);
        if (here)
            gc_buf_puts(&out, "Renamed");
        c += here ? len : 1;
    }
    gc_sim_promise_release(&parsed);
    return gc_buf_take(&out);
}

/* The wanted file that a spoilt answer spoils: the one the rule names, else the last. */
static size_t victim(const gc_sim_wanted *wanted, const gc_sim_fault *spoil)
{
    size_t found = wanted->count - 1;
    for (size_t i = wanted->count; *spoil->path && i-- > 0;)
        if (strstr(wanted->files[i].path, spoil->path))
            found = i;
    return found;
}

static void write_content(const gc_sim_wanted_file *file, const gc_sim_project *project,
                          bool renamed, gc_buf *out)
{
    gc_sim_wanted_file other = *file;
    char *promise = renamed ? rename_first(file->promise) : NULL;
    if (promise)
        other.promise = promise;
    if (gc_ends_with(file->path, ".go"))
        gc_sim_go_write(&other, out);
    else
        gc_sim_text_write(file->path, project->module, project->go_version, out);
    free(promise);
}

static void put_attribute(gc_buf *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&': gc_buf_puts(out, "&amp;"); break;
        case '<': gc_buf_puts(out, "&lt;"); break;
        case '>': gc_buf_puts(out, "&gt;"); break;
        case '"': gc_buf_puts(out, "&quot;"); break;
        default: gc_buf_putc(out, *text);
        }
}

static void put_file(gc_buf *out, bool json, const char *path, const gc_buf *content)
{
    if (json) {
        gc_buf_puts(out, "{\"path\": ");
        gc_sim_json_string(out, path, strlen(path));
        gc_buf_puts(out, ", \"content\": ");
        gc_sim_json_string(out, content->ptr, content->len);
        gc_buf_puts(out, "}");
    } else {
        gc_buf_puts(out, "<file path=\"");
        put_attribute(out, path);
        gc_buf_puts(out, "\">\n");
        gc_buf_append(out, content->ptr, content->len);
        gc_buf_puts(out, "</file>\n");
    }
}

static void put_files(gc_sim_answer *self, gc_buf *out, const gc_sim_wanted *wanted,
                      const gc_sim_project *project, bool json, const gc_sim_fault *spoil)
{
    gc_sim_fault_kind kind = spoil ? spoil->kind : GC_SIM_FAULT_NONE;
    size_t spoilt = spoil ? victim(wanted, spoil) : 0;
    gc_buf content;
    gc_buf_init(&content, GC_SIM_ANSWER_MAX);
    self->files = gc_xcalloc(wanted->count, sizeof *self->files);
    if (json)
        gc_buf_puts(out, "[");
    for (size_t i = 0; i < wanted->count; i++) {
        const gc_sim_wanted_file *file = &wanted->files[i];
        if (kind == GC_SIM_FAULT_MISSING_FILE && i == spoilt)
            continue;
        gc_buf_reset(&content);
        write_content(file, project, kind == GC_SIM_FAULT_BAD_SIGNATURE && i == spoilt,
                      &content);
        if (json && self->file_count)
            gc_buf_puts(out, ",\n");
        put_file(out, json, file->path, &content);
        self->files[self->file_count++] =
            (gc_sim_answer_file){ .path = gc_xstrdup(file->path),
                                  .sha = gc_sha256(content.ptr, content.len),
                                  .end = out->len };
    }
    if (json)
        gc_buf_puts(out, "]\n");
    gc_buf_release(&content);
}

static void put_garbage(gc_buf *out, const gc_sim_wanted *wanted)
{
    gc_buf_puts(out, "Certainly! Below you will find <file path=\"");
    put_attribute(out, wanted->files[0].path);
    gc_buf_puts(out, "\"> and then some.\n\n{{{ func broken( \"unterminated\n<file>\n");
}

void gc_sim_answer_make(const gc_sim_wanted *wanted, const gc_sim_project *project,
                        bool json, const gc_sim_fault *spoil, gc_sim_answer *out)
{
    *out = (gc_sim_answer){ 0 };
    gc_buf text;
    gc_buf_init(&text, GC_SIM_ANSWER_MAX);
    gc_sim_fault_kind kind = spoil ? spoil->kind : GC_SIM_FAULT_NONE;
    if (wanted->count == 0) {
        gc_buf_puts(&text,
                    "The prompt asks for no file, so there is nothing to write.\n");
    } else if (kind == GC_SIM_FAULT_GARBAGE) {
        put_garbage(&text, wanted);
    } else {
        bool fenced = kind == GC_SIM_FAULT_FENCED;
        if (fenced)
            gc_buf_puts(&text, "Here are the files you asked for:\n\n```go\n");
        put_files(out, &text, wanted, project, json != (kind == GC_SIM_FAULT_JSON),
                  spoil);
        if (fenced)
            gc_buf_puts(&text, "```\n\nLet me know if you would like any changes!\n");
    }
    out->len = text.len;
    out->text = gc_buf_take(&text);
}

void gc_sim_answer_release(gc_sim_answer *self)
{
    for (size_t i = 0; i < self->file_count; i++)
        free(self->files[i].path);
    free(self->files);
    free(self->text);
    *self = (gc_sim_answer){ 0 };
}
