#include "common/gosrc.h"

#include <string.h>

#include "common/gosrc_lex.h"
#include "common/text.h"

#define BYTE_ORDER_MARK 0xfeffU

void gc_go_lexer_init(gc_go_lexer *self, const char *src, size_t len, bool comments)
{
    *self = (gc_go_lexer){ .src = src, .len = len, .line = 1, .comments = comments };
    if (len >= 3 && memcmp(src, "\xef\xbb\xbf", 3) == 0)
        self->pos = self->line_start = 3;
}

size_t gc_go_char(const char *src, size_t len, size_t pos, uint32_t *code,
                  const char **problem)
{
    unsigned char c = (unsigned char)src[pos];
    *code = c;
    if (c > 0 && c < 0x80)
        return 1;
    size_t next = pos;
    if (c)
        *code = gc_utf8_next(src, len, &next);
    if (!c)
        *problem = "a NUL byte";
    else if (*code == 0xfffd && next == pos + 1)
        *problem = "bytes that are not UTF-8";
    else if (*code == BYTE_ORDER_MARK)
        *problem = "a byte order mark inside the file";
    else
        return next - pos;
    return 0;
}

/* Moves to `end`, counting the lines passed. */
static void move_to(gc_go_lexer *self, size_t end)
{
    while (self->pos < end) {
        const char *newline = memchr(self->src + self->pos, '\n', end - self->pos);
        if (!newline)
            break;
        self->pos = (size_t)(newline - self->src) + 1;
        self->line++;
        self->line_start = self->pos;
    }
    self->pos = end;
}

static gc_err refuse(const gc_go_lexer *self, size_t where, const char *problem,
                     gc_errinfo *info)
{
    gc_go_lexer probe = *self;
    move_to(&probe, where);
    return gc_fail(info, GC_EPROTO, "line %d: %s", probe.line, problem);
}

static void emit(gc_go_lexer *self, gc_go_token *out, gc_go_kind kind, size_t end)
{
    *out = (gc_go_token){ .kind = kind,
                          .text = self->src + self->pos,
                          .len = end - self->pos,
                          .line = self->line,
                          .column = (int)(self->pos - self->line_start) + 1 };
    move_to(self, end);
}

static void skip_blanks(gc_go_lexer *self)
{
    while (self->pos < self->len) {
        char c = self->src[self->pos];
        if (c == '\n' && self->want_semicolon)
            return;
        if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
            return;
        move_to(self, self->pos + 1);
    }
}

/* The end of the comment at pos. `spans`: it holds a newline and so acts like one. */
static gc_err comment_end(const gc_go_lexer *self, size_t *end, bool *spans,
                          gc_errinfo *info)
{
    const char *src = self->src;
    bool block = src[self->pos + 1] == '*';
    *spans = false;
    for (size_t i = self->pos + 2; i < self->len;) {
        uint32_t code;
        const char *problem;
        if (src[i] == '\n' && !block) {
            *end = i;
            return GC_OK;
        }
        if (block && src[i] == '*' && i + 1 < self->len && src[i + 1] == '/') {
            *end = i + 2;
            return GC_OK;
        }
        *spans |= src[i] == '\n';
        size_t n = gc_go_char(src, self->len, i, &code, &problem);
        if (!n)
            return refuse(self, i, problem, info);
        i += n;
    }
    if (block)
        return refuse(self, self->pos, "a comment that never ends: '*/' is missing",
                      info);
    *end = self->len;
    return GC_OK;
}

static bool in_words(const char *const *words, const char *text, size_t len)
{
    for (; *words; words++)
        if (**words == *text && strlen(*words) == len && memcmp(*words, text, len) == 0)
            return true;
    return false;
}

/* https://go.dev/ref/spec#Keywords */
static bool is_keyword(const char *text, size_t len)
{
    static const char *const words[] = {
        "break", "case",   "chan",      "const", "continue", "default", "defer",
        "else",  "for",    "func",      "go",    "goto",     "if",      "import",
        "map",   "range",  "interface", "type",  "package",  "return",  "select",
        "var",   "struct", "switch",    NULL,    NULL
    };
    return in_words(words, text, len) || (len == 11 && !memcmp(text, "fallthrough", 11));
}

/* https://go.dev/ref/spec#Semicolons: after these a newline is a semicolon. */
static bool ends_statement(const gc_go_token *token)
{
    static const char *const words[] = { "break", "continue", "fallthrough", "return",
                                         NULL };
    static const char *const marks[] = { "++", "--", ")", "]", "}", NULL };
    switch (token->kind) {
    case GC_GO_KEYWORD: return in_words(words, token->text, token->len);
    case GC_GO_OPERATOR: return in_words(marks, token->text, token->len);
    case GC_GO_SEMICOLON:
    case GC_GO_EOF: return false;
    default: return true;
    }
}

static bool is_ascii_letter(uint32_t c)
{
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* End of the identifier at pos; pos itself if none starts there. */
static gc_err identifier_end(const gc_go_lexer *self, size_t *end, gc_errinfo *info)
{
    size_t i = self->pos;
    while (i < self->len) {
        uint32_t code;
        const char *problem;
        size_t n = gc_go_char(self->src, self->len, i, &code, &problem);
        if (!n)
            return refuse(self, i, problem, info);
        bool letter = code < 0x80 ? is_ascii_letter(code) : gc_go_is_letter(code);
        bool digit = code < 0x80 ? code >= '0' && code <= '9' : gc_go_is_digit(code);
        if (!letter && !(digit && i > self->pos))
            break;
        i += n;
    }
    *end = i;
    return GC_OK;
}

/* The longest operator at pos, 0 if none. */
static size_t operator_len(const gc_go_lexer *self)
{
    static const char *const marks[] = {
        "<<=", ">>=", "&^=", "...", "&&", "||", "<-", "++", "--", "==", "!=", "<=", ">=",
        ":=",  "+=",  "-=",  "*=",  "/=", "%=", "&=", "|=", "^=", "<<", ">>", "&^", "+",
        "-",   "*",   "/",   "%",   "&",  "|",  "^",  "<",  ">",  "=",  "!",  "(",  ")",
        "[",   "]",   "{",   "}",   ",",  ".",  ":",  "~",  ";",  NULL
    };
    size_t left = self->len - self->pos;
    for (const char *const *mark = marks; *mark; mark++) {
        if (**mark != self->src[self->pos])
            continue;
        size_t n = strlen(*mark);
        if (n <= left && memcmp(self->src + self->pos, *mark, n) == 0)
            return n;
    }
    return 0;
}

static gc_err unknown_character(const gc_go_lexer *self, gc_errinfo *info)
{
    uint32_t code;
    const char *problem;
    if (!gc_go_char(self->src, self->len, self->pos, &code, &problem))
        return refuse(self, self->pos, problem, info);
    if (code > 0x20 && code < 0x7f)
        return gc_fail(info, GC_EPROTO, "line %d: '%c' is no Go character", self->line,
                       (int)code);
    return gc_fail(info, GC_EPROTO, "line %d: U+%04X is no Go character", self->line,
                   (unsigned)code);
}

static gc_err next_literal(gc_go_lexer *self, gc_go_token *out, gc_go_scan scan,
                           gc_errinfo *info)
{
    if (scan.problem)
        return refuse(self, scan.at, scan.problem, info);
    emit(self, out, scan.kind, scan.end);
    return GC_OK;
}

static gc_err next_token(gc_go_lexer *self, gc_go_token *out, gc_errinfo *info)
{
    const char *src = self->src;
    char c = src[self->pos];
    char after = self->pos + 1 < self->len ? src[self->pos + 1] : '\0';
    size_t end;
    if (c == '"' || c == '\'' || c == '`')
        return next_literal(self, out, gc_go_scan_quoted(src, self->len, self->pos),
                            info);
    if ((c >= '0' && c <= '9') || (c == '.' && after >= '0' && after <= '9'))
        return next_literal(self, out, gc_go_scan_number(src, self->len, self->pos),
                            info);
    gc_err err = identifier_end(self, &end, info);
    if (err)
        return err;
    if (end > self->pos) {
        bool keyword = is_keyword(src + self->pos, end - self->pos);
        emit(self, out, keyword ? GC_GO_KEYWORD : GC_GO_IDENT, end);
        return GC_OK;
    }
    size_t n = operator_len(self);
    if (!n)
        return unknown_character(self, info);
    emit(self, out, c == ';' ? GC_GO_SEMICOLON : GC_GO_OPERATOR, self->pos + n);
    return GC_OK;
}

static bool at_comment(const gc_go_lexer *self)
{
    return self->len - self->pos >= 2 && self->src[self->pos] == '/' &&
           (self->src[self->pos + 1] == '/' || self->src[self->pos + 1] == '*');
}

/* Where a newline counts, a semicolon stands before it, before a comment that holds it,
 * and before the end of the file. */
gc_err gc_go_lexer_next(gc_go_lexer *self, gc_go_token *out, gc_errinfo *info)
{
    gc_err err;
    for (;;) {
        size_t end = self->pos;
        bool spans = false;
        skip_blanks(self);
        if (self->pos >= self->len || self->src[self->pos] == '\n') {
            emit(self, out, self->want_semicolon ? GC_GO_SEMICOLON : GC_GO_EOF,
                 self->pos);
            self->want_semicolon = false;
            return GC_OK;
        }
        if (!at_comment(self))
            break;
        err = comment_end(self, &end, &spans, info);
        if (err)
            return err;
        if (spans && self->want_semicolon) {
            emit(self, out, GC_GO_SEMICOLON, self->pos);
            self->want_semicolon = false;
            return GC_OK;
        }
        if (self->comments) {
            emit(self, out, GC_GO_COMMENT, end);
            return GC_OK;
        }
        move_to(self, end);
    }
    err = next_token(self, out, info);
    if (!err)
        self->want_semicolon = ends_statement(out);
    return err;
}
