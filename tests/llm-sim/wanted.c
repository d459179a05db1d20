#include "tests/llm-sim/wanted.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"

#define OPENING "<generate"
#define CLOSING "</generate>"

typedef struct reader {
    const char *text;
    size_t len;
    size_t pos;
    size_t closing; /* the next closing tag at or after `pos`, once looked for; else 0 */
} reader;

static bool looking_at(const reader *self, const char *word)
{
    size_t len = strlen(word);
    return self->len - self->pos >= len && memcmp(self->text + self->pos, word, len) == 0;
}

static char current(const reader *self)
{
    return self->pos < self->len ? self->text[self->pos] : '\0';
}

static void skip_blanks(reader *self)
{
    while (self->pos < self->len && isspace((unsigned char)self->text[self->pos]))
        self->pos++;
}

static bool all_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!isspace((unsigned char)text[i]))
            return false;
    return true;
}

/* The character that the entity at `text` (after '&') stands for; *used is its length with
 * the semicolon. 0: no entity that we know. */
static char entity(const char *text, size_t len, size_t *used)
{
    static const struct {
        const char *name;
        char c;
    } entities[] = { { "lt;", '<' },   { "gt;", '>' },    { "amp;", '&' },
                     { "quot;", '"' }, { "apos;", '\'' }, { "#34;", '"' },
                     { "#39;", '\'' }, { "#10;", '\n' },  { "#9;", '\t' },
                     { "#x22;", '"' }, { "#x27;", '\'' }, { "#xA;", '\n' } };
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        size_t n = strlen(entities[i].name);
        if (len >= n && memcmp(text, entities[i].name, n) == 0) {
            *used = n;
            return entities[i].c;
        }
    }
    return '\0';
}

static char *unescape(const char *text, size_t len)
{
    char *out = gc_xmalloc(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        size_t used = 0;
        char c = text[i] == '&' ? entity(text + i + 1, len - i - 1, &used) : '\0';
        out[n++] = c ? c : text[i];
        i += used;
    }
    out[n] = '\0';
    return out;
}

static bool set_attribute(gc_sim_wanted_file *file, const char *name, size_t name_len,
                          char *value)
{
    char **place = NULL;
    if (name_len == 4 && memcmp(name, "path", 4) == 0)
        place = &file->path;
    else if (name_len == 7 && memcmp(name, "package", 7) == 0)
        place = &file->package;
    else if (name_len == 4 && memcmp(name, "kind", 4) == 0)
        place = &file->kind;
    if (!place) { /* unknown attributes are read over */
        free(value);
        return true;
    }
    if (*place) {
        free(value);
        return false;
    }
    *place = value;
    return true;
}

static bool read_attribute(reader *self, gc_sim_wanted_file *file)
{
    size_t name = self->pos;
    while (isalnum((unsigned char)current(self)) || current(self) == '_')
        self->pos++;
    size_t name_len = self->pos - name;
    skip_blanks(self);
    if (name_len == 0 || current(self) != '=')
        return false;
    self->pos++;
    skip_blanks(self);
    char quote = current(self);
    if (quote != '"' && quote != '\'')
        return false;
    size_t value = ++self->pos;
    size_t most = self->len - value;
    if (most > GC_SIM_ATTRIBUTE_MAX)
        most = GC_SIM_ATTRIBUTE_MAX;
    const char *end = memchr(self->text + value, quote, most);
    size_t value_len = end ? (size_t)(end - self->text) - value : 0;
    if (!end || memchr(self->text + value, '\0', value_len))
        return false;
    self->pos = value + value_len + 1;
    return set_attribute(file, self->text + name, name_len,
                         unescape(self->text + value, value_len));
}

/* Where the next closing tag begins, or the end of the text. Remembered, so that many
 * openings before one far closing tag cost one search. */
static size_t find_closing(reader *self)
{
    if (self->closing < self->pos) {
        const char *end = memmem(self->text + self->pos, self->len - self->pos, CLOSING,
                                 strlen(CLOSING));
        self->closing = end ? (size_t)(end - self->text) : self->len;
    }
    return self->closing;
}

static bool read_body(reader *self, gc_sim_wanted_file *file)
{
    size_t start = self->pos;
    size_t end = find_closing(self);
    size_t len = end - start;
    if (end == self->len || len > GC_SIM_PROMISE_MAX ||
        memchr(self->text + start, '\0', len))
        return false;
    self->pos = start + len + strlen(CLOSING);
    if (all_blank(self->text + start, len))
        len = 0;
    file->promise = gc_xmemdup(self->text + start, len);
    return true;
}

static void release_file(gc_sim_wanted_file *file)
{
    free(file->path);
    free(file->package);
    free(file->kind);
    free(file->promise);
    *file = (gc_sim_wanted_file){ 0 };
}

/* Reads the element that begins at self->pos; false: there is none. */
static bool read_element(reader *self, gc_sim_wanted_file *out)
{
    gc_sim_wanted_file file = { 0 };
    bool ok = looking_at(self, OPENING);
    if (ok) {
        self->pos += strlen(OPENING);
        ok = isspace((unsigned char)current(self));
    }
    for (skip_blanks(self); ok && current(self) != '>' && current(self) != '/';
         skip_blanks(self))
        ok = read_attribute(self, &file);
    if (ok && looking_at(self, "/>")) {
        self->pos += 2;
        file.promise = gc_xstrdup("");
    } else if (ok && current(self) == '>') {
        self->pos++;
        ok = read_body(self, &file);
    } else {
        ok = false;
    }
    if (!ok || !file.path || !*file.path) {
        release_file(&file);
        return false;
    }
    if (!file.package)
        file.package = gc_xstrdup("");
    if (!file.kind)
        file.kind = gc_xstrdup("");
    *out = file;
    return true;
}

static void forget(gc_sim_wanted *self)
{
    for (size_t i = 0; i < self->count; i++)
        release_file(&self->files[i]);
    self->count = 0;
}

void gc_sim_wanted_release(gc_sim_wanted *self)
{
    forget(self);
    free(self->files);
    *self = (gc_sim_wanted){ 0 };
}

void gc_sim_wanted_parse(const char *text, size_t len, gc_sim_wanted *out)
{
    *out = (gc_sim_wanted){ 0 };
    size_t run_end = 0; /* where the run read so far ends */
    reader in = { .text = text, .len = len };
    for (;;) {
        const char *next = memmem(text + in.pos, len - in.pos, OPENING, strlen(OPENING));
        if (!next)
            break;
        size_t start = (size_t)(next - text);
        bool line_start =
            start == 0 || text[start - 1] == '\n' || (out->count && start == run_end);
        gc_sim_wanted_file file;
        in.pos = start;
        if (!line_start || !read_element(&in, &file)) {
            in.pos = start + strlen(OPENING);
            continue;
        }
        if (!all_blank(text + run_end, start - run_end))
            forget(out);
        if (out->count == GC_SIM_WANTED_MAX) {
            release_file(&file);
            break;
        }
        out->files = gc_grow(out->files, out->count, &out->cap, sizeof(*out->files));
        out->files[out->count++] = file;
        run_end = in.pos;
    }
    if (!all_blank(text + run_end, len - run_end))
        forget(out);
}
