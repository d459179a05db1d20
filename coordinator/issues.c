#include "coordinator/issues.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

/* Of an output that names no place, so much is shown. */
#define SHOWN_BYTES 600

void gc_issues_release(gc_issues *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->items[i].file);
        free(self->items[i].text);
    }
    free(self->items);
    *self = (gc_issues){ 0 };
}

static char *clean_text(const char *text)
{
    char *clean = gc_utf8_clean(text, strlen(text));
    for (char *c = clean; *c; c++)
        if (((unsigned char)*c < 0x20 && *c != '\n') || *c == 0x7f)
            *c = ' ';
    return clean;
}

static bool known(const gc_issues *self, const gc_issue *issue)
{
    for (size_t i = 0; i < self->count; i++) {
        const gc_issue *other = &self->items[i];
        if (other->line == issue->line && other->column == issue->column &&
            strcmp(other->file, issue->file) == 0 &&
            strcmp(other->text, issue->text) == 0)
            return true;
    }
    return false;
}

void gc_issues_add(gc_issues *self, const gc_issue *issue)
{
    gc_issue own = *issue;
    own.file = clean_text(issue->file);
    own.text = clean_text(issue->text);
    bool again = known(self, &own);
    if (again || self->count >= GC_ISSUES_MAX) {
        self->dropped += !again;
        free(own.file);
        free(own.text);
        return;
    }
    self->items = gc_grow(self->items, self->count, &self->cap, sizeof *self->items);
    self->items[self->count++] = own;
}

/* ---- one line ---- */

typedef struct place {
    const char *file;
    size_t file_len;
    int line, column;
    const char *text;
    size_t text_len;
} place;

/* Reads ":12" at *p; 0 if there is none. */
static int read_number(const char **p, const char *end)
{
    const char *digits = *p + 1;
    int value = 0;
    if (*p >= end || **p != ':')
        return 0;
    while (digits < end && *digits >= '0' && *digits <= '9' && value < 100000000)
        value = value * 10 + (*digits++ - '0');
    if (value)
        *p = digits;
    return value;
}

/* "path/file.go:12:3: text", the column optional, also indented and after "vet: ". */
static bool parse_place(const char *line, size_t len, place *out)
{
    const char *end = line + len;
    while (line < end && (*line == ' ' || *line == '\t'))
        line++;
    if (end - line > 5 && memcmp(line, "vet: ", 5) == 0)
        line += 5;
    const char *p = memchr(line, ':', (size_t)(end - line));
    if (!p || p - line < 4 || memcmp(p - 3, ".go", 3) != 0)
        return false;
    *out = (place){ .file = line, .file_len = (size_t)(p - line) };
    out->line = read_number(&p, end);
    out->column = read_number(&p, end);
    while (p < end && (*p == ':' || *p == ' '))
        p++;
    out->text = p;
    out->text_len = (size_t)(end - p);
    return out->line > 0;
}

/* The file as a path in the project (free() it), or NULL if it lies elsewhere. */
static char *relative(const gc_issue_source *source, const place *at)
{
    const char *file = at->file;
    size_t len = at->file_len, root = strlen(source->root);
    if (*file == '/') {
        if (len <= root + 1 || memcmp(file, source->root, root) != 0 || file[root] != '/')
            return NULL; /* the standard library, a module */
        return gc_xmemdup(file + root + 1, len - root - 1);
    }
    while (len > 2 && memcmp(file, "./", 2) == 0) {
        file += 2;
        len -= 2;
    }
    bool bare = file == at->file && !memchr(file, '/', len) && *source->dir;
    return gc_xasprintf("%s%s%.*s", bare ? source->dir : "", bare ? "/" : "", (int)len,
                        file);
}

/* ---- one output ---- */

/* A module that is not there has the same remedy whatever the tool's own words are; its own
 * remedy, which goes on in the next line, is cut off `len`. */
static const char *advice_for(const place *at, size_t *len)
{
    static const char *const words[] = { "no required module provides package",
                                         "missing go.sum entry", "updates to go.mod" };
    char *text = gc_xmemdup(at->text, at->text_len);
    const char *advice = "";
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(text, words[i]))
            advice = "; run `go mod tidy` in the project";
    const char *theirs = strstr(text, "; to add it:");
    *len = theirs ? (size_t)(theirs - text) : at->text_len;
    free(text);
    return advice;
}

typedef struct trace {
    const char *panic; /* "panic: ..." that the places after it belong to, or NULL */
    size_t len;
} trace;

/* A stack names many places; the first one in the project is to blame. True if the line has
 * its issue. */
static bool add_place(gc_issues *self, const gc_issue_source *source, const place *at,
                      trace *t)
{
    bool in_stack = *at->file == '/'; /* elsewhere the tools write relative paths */
    char *file = relative(source, at), *text = NULL;
    size_t len;
    if (file && !in_stack) {
        const char *advice = advice_for(at, &len);
        text = gc_xasprintf("%.*s%s", (int)len, at->text, advice);
    }
    if (file && in_stack && t->panic)
        text = gc_xmemdup(t->panic, t->len);
    if (text) {
        const char *shown = *text ? text : source->command;
        gc_issues_add(self, &(gc_issue){ source->check, file, at->line, at->column,
                                         (char *)shown });
    }
    if (in_stack && text)
        t->panic = NULL;
    bool added = text != NULL;
    free(text);
    free(file);
    return added;
}

void gc_issues_collect(gc_issues *self, const gc_issue_source *source, const char *output)
{
    bool any = false;
    trace t = { 0 };
    for (const char *line = output; *line;) {
        size_t len = strcspn(line, "\n");
        place at;
        if (gc_starts_with(line, "panic: "))
            t = (trace){ line, len };
        else if (parse_place(line, len, &at))
            any |= add_place(self, source, &at, &t);
        line += len + (line[len] == '\n');
    }
    if (any)
        return;
    size_t shown = strlen(output) < SHOWN_BYTES ? strlen(output) : SHOWN_BYTES;
    char *text = gc_xasprintf("%s: %.*s", source->command, shown ? (int)shown : 6,
                              shown ? output : "failed");
    gc_issues_add(self, &(gc_issue){ source->check, (char *)"", 0, 0, text });
    free(text);
}
