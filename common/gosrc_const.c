/* Values of constants, where the source shows them: literals and what is made of them. */
#include <stdlib.h>
#include <string.h>

#include "common/gosrc_lex.h"
#include "common/gosrc_parser.h"
#include "common/mem.h"

#define MAX_VALUE 256

typedef struct go_tokens {
    gc_go_token *items;
    size_t count;
    size_t cap;
} go_tokens;

/* False if there are more tokens than a value worth showing has. */
static bool collect(const char *src, size_t len, go_tokens *out)
{
    gc_go_lexer lexer;
    gc_go_token token;
    gc_go_lexer_init(&lexer, src, len, false);
    while (out->count < MAX_VALUE && !gc_go_lexer_next(&lexer, &token, NULL)) {
        if (token.kind == GC_GO_EOF || token.kind == GC_GO_SEMICOLON)
            return token.kind == GC_GO_EOF || token.len == 0;
        out->items = gc_grow(out->items, out->count, &out->cap, sizeof *out->items);
        out->items[out->count++] = token;
    }
    return false;
}

static bool is(const gc_go_token *token, const char *text)
{
    return token->len == strlen(text) && memcmp(token->text, text, token->len) == 0;
}

/* One spelling for each string: what it means, in double quotes. */
static void put_string(const gc_go_token *token, gc_buf *out)
{
    gc_buf text;
    gc_buf_init(&text, MAX_VALUE);
    gc_go_unquote(token->text, token->len, &text);
    gc_buf_putc(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c == '"' || c == '\\')
            gc_buf_printf(out, "\\%c", c);
        else if (c == '\n' || c == '\t')
            gc_buf_puts(out, c == '\n' ? "\\n" : "\\t");
        else if (c < 0x20 || c == 0x7f)
            gc_buf_printf(out, "\\x%02x", c);
        else
            gc_buf_putc(out, (char)c);
    }
    gc_buf_putc(out, '"');
    out->full |= text.full;
    gc_buf_release(&text);
}

/* False if the token is not known by itself: a name, a call, a function. */
static bool put_operand(const gc_go_token *token, long iota, gc_buf *out)
{
    switch (token->kind) {
    case GC_GO_STRING: put_string(token, out); return true;
    case GC_GO_RUNE: gc_buf_append(out, token->text, token->len); return true;
    case GC_GO_INT:
    case GC_GO_FLOAT:
    case GC_GO_IMAGINARY:
        for (size_t i = 0; i < token->len; i++)
            if (token->text[i] != '_')
                gc_buf_putc(out, token->text[i]);
        return true;
    case GC_GO_IDENT:
        if (is(token, "iota"))
            gc_buf_printf(out, "%ld", iota);
        else
            gc_buf_append(out, token->text, token->len);
        return is(token, "iota") || is(token, "true") || is(token, "false");
    default: return false;
    }
}

static bool put_operator(const gc_go_token *token, bool binary, gc_buf *out)
{
    static const char *const known[] = { "+", "-",  "*",  "/",  "%",  "&",  "|",
                                         "^", "<<", ">>", "&^", "&&", "||", "!",
                                         "<", ">",  "<=", ">=", "==", "!=" };
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        found |= is(token, known[i]);
    gc_buf_printf(out, binary ? " %.*s " : "%.*s", (int)token->len, token->text);
    return found;
}

/* The tokens as one line; false if they are not literals and operators alone. */
static bool put_tokens(const gc_go_token *tokens, size_t count, long iota, gc_buf *out)
{
    bool operand_before = false;
    int depth = 0;
    for (size_t i = 0; i < count; i++) {
        const gc_go_token *token = &tokens[i];
        if (token->kind != GC_GO_OPERATOR) {
            if (!put_operand(token, iota, out))
                return false;
            operand_before = true;
        } else if (is(token, "(") || is(token, ")")) {
            if (is(token, "(") && operand_before)
                return false; /* a call */
            depth += is(token, "(") ? 1 : -1;
            if (depth < 0)
                return false;
            gc_buf_append(out, token->text, 1);
            operand_before = is(token, ")");
        } else {
            if (!put_operator(token, operand_before, out))
                return false;
            operand_before = false;
        }
    }
    return !out->full && depth == 0;
}

static bool is_builtin_call(const gc_go_token *name)
{
    static const char *const names[] = { "len", "cap", "real", "imag", "complex",
                                         "min", "max", "new",  "make" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is(name, names[i]))
            return true;
    return false;
}

const char *gc_go_const_value(gc_go_parser *self, const char *src, size_t len, long iota,
                              const char **type)
{
    go_tokens tokens = { 0 };
    gc_buf text;
    gc_buf_init(&text, MAX_VALUE);
    const char *value = "";
    const char *converted = "";
    if (len > (size_t)MAX_VALUE * 16 || !collect(src, len, &tokens))
        goto out;
    const gc_go_token *from = tokens.items;
    size_t count = tokens.count;
    bool conversion = count > 3 && from[0].kind == GC_GO_IDENT && is(&from[1], "(") &&
                      is(&from[count - 1], ")") && !is_builtin_call(&from[0]);
    if (conversion) {
        from += 2;
        count -= 3;
    }
    if (!count || !put_tokens(from, count, iota, &text))
        goto out;
    value = gc_go_keep(self->file, text.ptr, text.len);
    if (conversion && !**type)
        converted = gc_go_keep(self->file, tokens.items[0].text, tokens.items[0].len);
    if (converted && *converted)
        *type = gc_go_plain_name(converted);
    if (!value || !converted) {
        value = "";
        gc_go_refuse(self, "the declarations are too large");
    }
out:
    gc_buf_release(&text);
    free(tokens.items);
    return value;
}
