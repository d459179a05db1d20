/* Private to gosrc: the parser's state and the steps that its two halves share. The first
 * error wins; after it the token is the end of the file, so that every loop ends. Functions
 * that yield text yield NULL after an error. */
#ifndef GC_COMMON_GOSRC_PARSER_H
#define GC_COMMON_GOSRC_PARSER_H

#include "common/gosrc.h"
#include "common/gosrc_ast.h"

/* Where the parser stands; copied to look ahead and come back. */
typedef struct gc_go_place {
    gc_go_lexer lexer;
    gc_go_token token;
    gc_go_token before; /* the token before it */
    bool after_dot;     /* `before` followed a point */
} gc_go_place;

typedef struct gc_go_parser {
    gc_go_place at;
    gc_go_file *file;
    const gc_go_parse_options *options;
    gc_errinfo *info;
    int depth;
    bool failed;
} gc_go_parser;

void gc_go_advance(gc_go_parser *self);

/* Fails with "line N: ..." at the present token. */
void gc_go_refuse(gc_go_parser *self, const char *what);

/* Fails with "line N: expected `what`, found ...". */
void gc_go_expected(gc_go_parser *self, const char *what);

bool gc_go_is(const gc_go_parser *self, const char *mark); /* operator or keyword */
bool gc_go_is_kind(const gc_go_parser *self, gc_go_kind kind);
bool gc_go_accept(gc_go_parser *self, const char *mark);
bool gc_go_expect(gc_go_parser *self, const char *mark);

/* Takes an identifier. */
const char *gc_go_take_name(gc_go_parser *self);

/* At an opening bracket: moves past the one that closes it; all three kinds must match. */
void gc_go_skip_brackets(gc_go_parser *self);

/* At a closing bracket that nothing opened: fails, true. */
bool gc_go_refuse_closer(gc_go_parser *self);

/* The end of a declaration or field: a semicolon (taken), or before a closing bracket. */
void gc_go_end_of_line(gc_go_parser *self, const char *closer);

/* The source from `from` to the present token, on one line. */
const char *gc_go_source_since(gc_go_parser *self, const char *from);

const char *gc_go_parse_type(gc_go_parser *self);

/* The predeclared aliases have one spelling each: byte and int32. */
const char *gc_go_plain_name(const char *name);

/* "(A, ...B) (C, D)" from the opening parenthesis on. */
const char *gc_go_parse_signature(gc_go_parser *self);

/* From `{` on. */
void gc_go_parse_fields(gc_go_parser *self, gc_go_members *out);
void gc_go_parse_elements(gc_go_parser *self, gc_go_members *out);

/* "[K comparable, V any]" from `[` on; the names are added to `names`. */
const char *gc_go_parse_type_params(gc_go_parser *self, gc_strv *names);

/* At the `[` after the name of a type declaration: type parameters, not an array? */
bool gc_go_at_type_params(gc_go_parser *self);

/* struct{...} or interface{...} as normal text. */
const char *gc_go_members_text(gc_go_parser *self, const gc_go_members *members,
                               bool is_struct);

/* Value of the constant expression `src`, with iota as given, as text: "" unless it is made
 * of literals, true, false, iota and operators. A conversion `T(x)` gives x, and T's name
 * goes to *type if that is "". */
const char *gc_go_const_value(gc_go_parser *self, const char *src, size_t len, long iota,
                              const char **type);

#endif
