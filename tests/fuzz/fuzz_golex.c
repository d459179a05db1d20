/* The lexer on any bytes: it ends, its tokens lie in order inside the source, and asking for
 * comments changes nothing else. */
#include "fuzz/body.h"

#include "common/gosrc.h"

/* The next token that is no comment. */
static gc_err next_real(gc_go_lexer *lexer, gc_go_token *token)
{
    gc_err err;
    do
        err = gc_go_lexer_next(lexer, token, NULL);
    while (!err && token->kind == GC_GO_COMMENT);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *src = (const char *)data;
    gc_go_lexer with, without;
    gc_go_token a = { 0 }, b = { 0 };
    const char *seen = src;
    gc_go_lexer_init(&with, src, size, true);
    gc_go_lexer_init(&without, src, size, false);
    do {
        gc_err err = next_real(&without, &b);
        must(err == next_real(&with, &a));
        if (err)
            return 0;
        must(a.kind == b.kind && a.text == b.text && a.len == b.len);
        must(a.line == b.line && a.column == b.column && a.column > 0);
        must(a.text >= seen && a.text + a.len <= src + size);
        must(a.len > 0 || a.kind == GC_GO_EOF || a.kind == GC_GO_SEMICOLON);
        seen = a.text + a.len;
    } while (a.kind != GC_GO_EOF);
    return 0;
}
