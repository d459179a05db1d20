#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/mem.h"
#include "common/text.h"
#include "tests/llm-sim/gowrite.h"

#define COMMENT_WIDTH 80

void gc_sim_line(gc_sim_writer *self, int depth, const char *fmt, ...)
{
    for (int i = 0; i < depth; i++)
        gc_buf_putc(&self->body, '\t');
    va_list ap;
    va_start(ap, fmt);
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) >= 0)
        gc_buf_puts(&self->body, text);
    va_end(ap);
    free(text);
    gc_buf_putc(&self->body, '\n');
}

void gc_sim_comment(gc_sim_writer *self, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    gc_strv words = { 0 };
    gc_strv_split(&words, text ? text : "", ' ');
    size_t column = 0;
    for (size_t i = 0; i < words.count; i++) {
        size_t len = strlen(words.items[i]);
        if (column && column + 1 + len > COMMENT_WIDTH) {
            gc_buf_putc(&self->body, '\n');
            column = 0;
        }
        gc_buf_printf(&self->body, "%s %s", column ? "" : "//", words.items[i]);
        column += len + (column ? 1 : 3);
    }
    gc_buf_putc(&self->body, '\n');
    gc_strv_release(&words);
    free(text);
}

char *gc_sim_words(const char *name)
{
    gc_buf out;
    gc_buf_init(&out, 4096);
    for (const char *c = name; *c && out.len < 256; c++) {
        bool upper = isupper((unsigned char)*c);
        bool after_lower = c > name && (islower((unsigned char)c[-1]) || c[-1] == '_');
        bool before_lower = c[1] && islower((unsigned char)c[1]);
        bool starts = c > name && upper && (after_lower || before_lower);
        if (*c == '_') {
            gc_buf_putc(&out, ' ');
            continue;
        }
        if (starts && out.len && out.ptr[out.len - 1] != ' ')
            gc_buf_putc(&out, ' ');
        gc_buf_putc(&out, (char)(before_lower || after_lower || !upper
                                     ? tolower((unsigned char)*c)
                                     : *c));
    }
    return gc_buf_take(&out);
}

char *gc_sim_stem(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    size_t len = strlen(name);
    if (gc_ends_with(name, ".go"))
        len -= 3;
    if (len > 64)
        len = 64;
    gc_buf out;
    gc_buf_init(&out, 256);
    bool start = true;
    bool odd = false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        if (!isalnum(c)) {
            odd = odd || c != '_' || start;
            start = true;
            continue;
        }
        odd = odd || isupper(c);
        if (out.len == 0 && isdigit(c))
            gc_buf_putc(&out, 'X');
        gc_buf_putc(&out, (char)(start ? toupper(c) : c));
        start = false;
    }
    /* a-b.go and a_b.go read alike: what is out of the ordinary gets its hash */
    if (odd || out.len == 0 || len == 64)
        gc_buf_printf(&out, "X%.6s", gc_sha256(path, strlen(path)).hex);
    return gc_buf_take(&out);
}

/* How a doc comment goes on after the name, by the verb that the name begins with. */
static const struct {
    const char *verb;
    const char *says;
} verbs[] = {
    { "New", "returns a ready-to-use" },
    { "Create", "stores a new" },
    { "Get", "returns one" },
    { "Find", "looks up one" },
    { "List", "returns every" },
    { "Update", "replaces a stored" },
    { "Delete", "removes a stored" },
    { "Validate", "reports the first problem of a" },
    { "Register", "adds its routes for a" },
    { "Handle", "answers a request about a" },
    { "Load", "reads the" },
    { "Count", "returns how many there are of" },
};

static void doc_func(gc_sim_writer *self, const gc_sim_decl *decl)
{
    char *what = gc_sim_words(*decl->receiver_type ? decl->receiver_type : self->stem);
    const char *thing = *what == '*' ? what + 1 : what;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (!gc_starts_with(decl->name, verbs[i].verb))
            continue;
        char *rest = gc_sim_words(decl->name + strlen(verbs[i].verb));
        gc_sim_comment(self, "%s %s %s.", decl->name, verbs[i].says,
                       *rest ? rest : thing);
        free(rest);
        free(what);
        return;
    }
    char *words = gc_sim_words(decl->name);
    gc_sim_comment(self, "%s is the %s step of the %s.", decl->name, words, thing);
    free(words);
    free(what);
}

void gc_sim_doc(gc_sim_writer *self, const gc_sim_decl *decl)
{
    char *words = gc_sim_words(decl->name);
    switch (decl->kind) {
    case GC_SIM_DECL_FUNC: doc_func(self, decl); break;
    case GC_SIM_DECL_TYPE:
        gc_sim_comment(self, "%s describes %s as package %s sees it.", decl->name, words,
                       self->pkg);
        break;
    case GC_SIM_DECL_GROUP:
        gc_sim_comment(self, "The values, beginning with %s.", decl->name);
        break;
    default: gc_sim_comment(self, "%s: %s.", decl->name, words); break;
    }
    free(words);
}
