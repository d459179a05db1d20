/* The value of a constant, where literals alone make it:
 * https://go.dev/ref/spec#Constant_expressions */
#include <string.h>

#include "common/gosrc_lex.h"
#include "common/gosrc_parser.h"
#include "common/text.h"

#define VALUE_LIMIT 4096

/* Both forms of string literal get the same text. */
static void put_string(gc_buf *out, const gc_go_token *token)
{
    gc_buf plain;
    gc_buf_init(&plain, VALUE_LIMIT);
    gc_go_unquote(token->text, token->len, &plain);
    gc_buf_putc(out, '"');
    for (size_t i = 0; i < plain.len; i++) {
        unsigned char c = (unsigned char)plain.ptr[i];
        if (c == '"' || c == '\\')
            gc_buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            gc_buf_printf(out, "\\x%02x", c);
        else
            gc_buf_putc(out, (char)c);
    }
    gc_buf_putc(out, '"');
    out->full |= plain.full;
    gc_buf_release(&plain);
}

static bool word_is(const gc_go_token *token, const char *word)
{
    return token->len == strlen(word) && memcmp(token->text, word, token->len) == 0;
}

/* Appends one token; false if the value is not made of literals. */
static bool put_token(gc_buf *out, const gc_go_token *token, long iota)
{
    if (token->kind == GC_GO_STRING) {
        put_string(out, token);
    } else if (token->kind == GC_GO_IDENT && word_is(token, "iota")) {
        gc_buf_printf(out, "%ld", iota);
    } else if (token->kind == GC_GO_IDENT || token->kind == GC_GO_KEYWORD) {
        if (!word_is(token, "true") && !word_is(token, "false"))
            return false;
        gc_buf_append(out, token->text, token->len);
    } else if (token->kind != GC_GO_SEMICOLON) {
        gc_buf_append(out, token->text, token->len);
    }
    return !out->full;
}

/* `T(x)`: the inside, and the name T. False if `src` has another shape. */
static bool cut_conversion(gc_go_parser *self, const char **src, size_t *len,
                           const char **type)
{
    const char *open = memchr(*src, '(', *len);
    size_t name = open ? (size_t)(open - *src) : 0;
    while (name && ((*src)[name - 1] == ' ' || (*src)[name - 1] == '\t'))
        name--;
    if (!name || (*src)[*len - 1] != ')')
        return false;
    for (size_t i = 0; i < name; i++) {
        char c = (char)((*src)[i] | 32);
        if (!((c >= 'a' && c <= 'z') || ((*src)[i] >= '0' && (*src)[i] <= '9') ||
              (*src)[i] == '_'))
            return false;
    }
    if (**type == '\0') {
        const char *kept = gc_go_keep(self->file, *src, name);
        *type = kept ? kept : "";
    }
    *len -= (size_t)(open - *src) + 2;
    *src = open + 1;
    return true;
}

const char *gc_go_const_value(gc_go_parser *self, const char *src, size_t len, long iota,
                              const char **type)
{
    gc_go_lexer lexer;
    gc_go_token token;
    gc_buf out;
    const char *own_type = *type, *value = "";
    bool literal = true;
    while (len && (*src == ' ' || *src == '\t'))
        src++, len--;
    cut_conversion(self, &src, &len, &own_type);
    gc_buf_init(&out, VALUE_LIMIT);
    gc_go_lexer_init(&lexer, src, len, false);
    while (literal) {
        if (gc_go_lexer_next(&lexer, &token, NULL))
            literal = false;
        else if (token.kind == GC_GO_EOF)
            break;
        else
            literal = put_token(&out, &token, iota);
    }
    if (literal && out.len) {
        const char *kept = gc_go_keep(self->file, out.ptr, out.len);
        value = kept ? kept : "";
        *type = own_type;
    }
    gc_buf_release(&out);
    return value;
}
