/* Go source without a toolchain: a lexer for the whole language (strings, raw strings,
 * runes, comments, the semicolon rule; https://go.dev/ref/spec#Lexical_elements), the
 * declarations of a file, its API digest, and the gate that an answer must pass. Pure. */
#ifndef GC_COMMON_GOSRC_H
#define GC_COMMON_GOSRC_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/hash.h"

typedef enum gc_go_kind {
    GC_GO_EOF,
    GC_GO_IDENT,
    GC_GO_KEYWORD,
    GC_GO_INT,
    GC_GO_FLOAT,
    GC_GO_IMAGINARY,
    GC_GO_RUNE,
    GC_GO_STRING,
    GC_GO_OPERATOR,  /* operators and punctuation */
    GC_GO_SEMICOLON, /* written, or inserted at a line end (len 0 then) */
    GC_GO_COMMENT
} gc_go_kind;

typedef struct gc_go_token {
    gc_go_kind kind;
    const char *text; /* into the source */
    size_t len;
    int line;   /* from 1 */
    int column; /* from 1, bytes */
} gc_go_token;

typedef struct gc_go_lexer {
    const char *src;
    size_t len;
    size_t pos;
    int line;
    size_t line_start;
    bool want_semicolon;
    bool comments; /* true: comments are tokens too */
} gc_go_lexer;

void gc_go_lexer_init(gc_go_lexer *self, const char *src, size_t len, bool comments);

/* The next token; GC_GO_EOF at the end. GC_EPROTO: not Go; `info` says where and what. */
GC_MUST_CHECK gc_err gc_go_lexer_next(gc_go_lexer *self, gc_go_token *out,
                                      gc_errinfo *info);

/* The exported surface of one file: package name, exported constants, variables, types
 * (with exported fields and methods), functions and methods with signatures; normalised,
 * sorted, without bodies, comments or unexported parts: text fit for a prompt. Imports used
 * by it come first. GC_EPROTO: does not parse; GC_EFULL: more than `out` may hold. */
GC_MUST_CHECK gc_err gc_go_api(const char *src, size_t len, gc_buf *out,
                               gc_errinfo *info);

/* sha256 of gc_go_api(). */
GC_MUST_CHECK gc_err gc_go_api_digest(const char *src, size_t len, gc_sha *out,
                                      gc_errinfo *info);

/* The gate: package clause `package`, lexes, brackets balance, imports and top-level
 * declarations parse, and every declaration of `promise` (body of a <generate> element:
 * import lines, then Go declarations without function bodies) is there. Signatures compare
 * by type: parameter names, grouping, import alias and any/interface{} do not matter; a
 * promised struct may have more fields, a promised interface type must have the same
 * methods, more declarations are welcome. For a path that is no Go file only "not empty"
 * is asked. GC_EPROTO: `complaint` (limit-checked buffer) gets one line per problem, with
 * line numbers, in words the model can act on. */
GC_MUST_CHECK gc_err gc_go_gate(const char *path, const char *package,
                                const char *promise, const char *src, size_t len,
                                gc_buf *complaint);

#endif
