/* The parser's small steps: tokens, errors, names, brackets, text. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/gosrc_parser.h"
#include "common/mem.h"
#include "common/text.h"

#define MAX_TEXT_BYTES ((size_t)64 << 20)
#define MAX_BRACKETS 10000
#define MAX_SOURCE_LINE 240

const char *gc_go_keep(gc_go_file *self, const char *mem, size_t len)
{
    if (len > MAX_TEXT_BYTES - self->text_bytes)
        return NULL;
    self->text_bytes += len;
    gc_strv_push(&self->texts, gc_xmemdup(mem, len));
    return self->texts.items[self->texts.count - 1];
}

const char *gc_go_keepf(gc_go_file *self, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (len < 0 || (size_t)len > MAX_TEXT_BYTES - self->text_bytes)
        return NULL;
    char *out = gc_xmalloc((size_t)len + 1);
    va_start(ap, fmt);
    vsnprintf(out, (size_t)len + 1, fmt, ap);
    va_end(ap);
    self->text_bytes += (size_t)len;
    gc_strv_push(&self->texts, out);
    return out;
}

/* ---- tokens ---- */

static bool token_is(const gc_go_token *token, const char *mark)
{
    bool fixed = token->kind == GC_GO_OPERATOR || token->kind == GC_GO_KEYWORD;
    return fixed && token->len == strlen(mark) &&
           memcmp(token->text, mark, token->len) == 0;
}

bool gc_go_is(const gc_go_parser *self, const char *mark)
{
    return token_is(&self->at.token, mark);
}

bool gc_go_is_kind(const gc_go_parser *self, gc_go_kind kind)
{
    return self->at.token.kind == kind;
}

static void stop(gc_go_parser *self)
{
    self->failed = true;
    self->at.token.kind = GC_GO_EOF;
    self->at.token.len = 0;
}

/* Notes the x of `x.y`: in a.b.c that is a alone. */
static void note_selected(gc_go_parser *self)
{
    const gc_go_place *at = &self->at;
    char name[GC_GO_MAX_NAME + 1];
    if (at->before.kind != GC_GO_IDENT || at->after_dot ||
        at->before.len > GC_GO_MAX_NAME)
        return;
    memcpy(name, at->before.text, at->before.len);
    name[at->before.len] = '\0';
    if (!gc_map_has(self->file->selected, name))
        gc_map_set(self->file->selected, name, self->file);
}

void gc_go_advance(gc_go_parser *self)
{
    gc_go_place *at = &self->at;
    if (self->failed)
        return;
    at->after_dot = token_is(&at->before, ".");
    at->before = at->token;
    if (gc_go_lexer_next(&at->lexer, &at->token, self->info))
        stop(self);
    else if (token_is(&at->token, "."))
        note_selected(self);
}

/* ---- errors ---- */

void gc_go_refuse(gc_go_parser *self, const char *what)
{
    if (self->failed)
        return;
    gc_fail(self->info, GC_EPROTO, "line %d: %s", self->at.token.line, what);
    stop(self);
}

/* At most `limit` bytes of `text`, cut between characters. */
static int whole_characters(const char *text, size_t len, size_t limit)
{
    if (len <= limit)
        return (int)len;
    while (limit && ((unsigned char)text[limit] & 0xc0) == 0x80)
        limit--;
    return (int)limit;
}

void gc_go_expected(gc_go_parser *self, const char *what)
{
    const gc_go_token *token = &self->at.token;
    if (self->failed)
        return;
    const char *newline = token->len ? memchr(token->text, '\n', token->len) : NULL;
    size_t len = newline ? (size_t)(newline - token->text) : token->len;
    if (token->kind == GC_GO_EOF)
        gc_fail(self->info, GC_EPROTO, "line %d: expected %s, found the end of the file",
                token->line, what);
    else if (!token->len)
        gc_fail(self->info, GC_EPROTO, "line %d: expected %s, found the end of the line",
                token->line, what);
    else
        gc_fail(self->info, GC_EPROTO, "line %d: expected %s, found '%.*s'", token->line,
                what, whole_characters(token->text, len, 60), token->text);
    stop(self);
}

bool gc_go_accept(gc_go_parser *self, const char *mark)
{
    if (!gc_go_is(self, mark))
        return false;
    gc_go_advance(self);
    return true;
}

bool gc_go_expect(gc_go_parser *self, const char *mark)
{
    char quoted[32];
    if (gc_go_accept(self, mark))
        return true;
    snprintf(quoted, sizeof quoted, "'%s'", mark);
    gc_go_expected(self, quoted);
    return false;
}

const char *gc_go_take_name(gc_go_parser *self)
{
    const gc_go_token token = self->at.token;
    if (token.kind != GC_GO_IDENT) {
        gc_go_expected(self, "a name");
        return NULL;
    }
    gc_go_advance(self);
    return gc_go_keep(self->file, token.text, token.len);
}

bool gc_go_refuse_closer(gc_go_parser *self)
{
    char mark = self->at.token.len == 1 ? self->at.token.text[0] : '\0';
    char what[64];
    if (!gc_go_is_kind(self, GC_GO_OPERATOR) || !mark || !strchr(")]}", mark))
        return false;
    snprintf(what, sizeof what, "unbalanced '%c': it closes nothing", mark);
    gc_go_refuse(self, what);
    return true;
}

void gc_go_end_of_line(gc_go_parser *self, const char *closer)
{
    if (gc_go_is_kind(self, GC_GO_SEMICOLON)) {
        gc_go_advance(self);
        return;
    }
    if (gc_go_is_kind(self, GC_GO_EOF) || gc_go_is(self, closer))
        return;
    /* No semicolon comes after the keyword in a promise's `type X struct`. */
    if (self->options->promise && self->at.token.line > self->at.before.line)
        return;
    if (*closer || !gc_go_refuse_closer(self))
        gc_go_expected(self, "the end of the line");
}

/* ---- brackets ---- */

typedef struct go_bracket {
    char closer;
    int line;
} go_bracket;

typedef struct go_brackets {
    go_bracket *items;
    size_t count;
    size_t cap;
    int suspect; /* line of a declaration that starts at the margin, inside; 0: none */
} go_brackets;

static char closer_of(char opener)
{
    return opener == '(' ? ')' : opener == '[' ? ']' : opener == '{' ? '}' : '\0';
}

static void never_closed(gc_go_parser *self, const go_brackets *open)
{
    const go_bracket *last = &open->items[open->count - 1];
    char opener = last->closer == ')' ? '(' : last->closer == ']' ? '[' : '{';
    char what[200];
    int n =
        snprintf(what, sizeof what, "the file ends, but '%c' of line %d is not closed",
                 opener, last->line);
    if (open->suspect)
        snprintf(what + n, sizeof what - (size_t)n,
                 " (it should be before line %d, where a declaration starts)",
                 open->suspect);
    gc_go_refuse(self, what);
}

/* One token inside brackets. */
static void bracket_token(gc_go_parser *self, go_brackets *open)
{
    const gc_go_token *token = &self->at.token;
    char mark = token->kind == GC_GO_OPERATOR && token->len == 1 ? token->text[0] : '\0';
    if (closer_of(mark)) {
        open->items = gc_grow(open->items, open->count, &open->cap, sizeof *open->items);
        open->items[open->count++] = (go_bracket){ closer_of(mark), token->line };
        if (open->count > MAX_BRACKETS)
            gc_go_refuse(self, "brackets are nested too deeply");
    } else if (mark == ')' || mark == ']' || mark == '}') {
        const go_bracket *last = &open->items[open->count - 1];
        if (last->closer != mark) {
            char what[120];
            snprintf(what, sizeof what,
                     "unbalanced '%c': '%c' is needed first, for the bracket of line %d",
                     mark, last->closer, last->line);
            gc_go_refuse(self, what);
        }
        open->count--;
    } else if (token->kind == GC_GO_KEYWORD && token->column == 1 && !open->suspect) {
        bool declares = gc_go_is(self, "func") || gc_go_is(self, "type") ||
                        gc_go_is(self, "var") || gc_go_is(self, "const");
        open->suspect = declares ? token->line : 0;
    }
}

void gc_go_skip_brackets(gc_go_parser *self)
{
    go_brackets open = { 0 };
    do {
        if (gc_go_is_kind(self, GC_GO_EOF)) {
            if (open.count)
                never_closed(self, &open);
            break;
        }
        bracket_token(self, &open);
        gc_go_advance(self);
    } while (open.count && !self->failed);
    free(open.items);
}

/* ---- text ---- */

/* Tokens with one blank where the source had some, and without its comments. */
const char *gc_go_source_since(gc_go_parser *self, const char *from)
{
    const char *end = self->at.before.text + self->at.before.len;
    const char *last = from;
    gc_go_lexer lexer;
    gc_go_token token;
    gc_buf out;
    if (self->failed)
        return NULL;
    gc_buf_init(&out, MAX_SOURCE_LINE);
    gc_go_lexer_init(&lexer, from, (size_t)(end - from), false);
    while (!gc_go_lexer_next(&lexer, &token, NULL) && token.kind != GC_GO_EOF) {
        size_t most = MAX_SOURCE_LINE - 8; /* leaves room for a blank and " ..." */
        size_t room = out.len < most ? most - out.len : 1;
        if (!token.len)
            continue;
        if (token.text > last)
            gc_buf_putc(&out, ' ');
        last = token.text + token.len;
        if (token.len >= room) {
            gc_buf_append(&out, token.text,
                          (size_t)whole_characters(token.text, token.len, room - 1));
            gc_buf_puts(&out, " ...");
            break;
        }
        gc_buf_append(&out, token.text, token.len);
    }
    const char *kept = gc_go_keep(self->file, out.ptr, out.len);
    gc_buf_release(&out);
    if (!kept)
        gc_go_refuse(self, "the declarations are too large");
    return kept;
}
