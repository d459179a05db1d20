/* From the text of a Mustache template to a flat list of tokens: tags found, delimiters
 * changed, standalone lines taken away, sections matched. Internal to common/template.c.
 * Rules: https://github.com/mustache/spec (required modules). Pure. */
#ifndef GC_COMMON_TEMPLATE_PARSE_H
#define GC_COMMON_TEMPLATE_PARSE_H

#include <stddef.h>

#include "common/err.h"

/* Bytes of a name in a tag. */
#define GC_TEMPLATE_MAX_NAME 255

typedef enum gc_tag {
    GC_TAG_TEXT,     /* plain text */
    GC_TAG_VALUE,    /* {{name}} */
    GC_TAG_RAW,      /* {{{name}}} and {{&name}} */
    GC_TAG_SECTION,  /* {{#name}} */
    GC_TAG_INVERTED, /* {{^name}} */
    GC_TAG_CLOSE,    /* {{/name}} */
    GC_TAG_PARTIAL   /* {{>name}} */
} gc_tag;

typedef struct gc_tag_token {
    gc_tag tag;
    const char *text; /* the text or the name; into the template */
    size_t len;
    const char *at;     /* where the tag opens in the template, for errors */
    size_t end;         /* sections: index of the token that closes it */
    const char *indent; /* standalone partials: blanks before the tag */
    size_t indent_len;
} gc_tag_token;

/* A template's text and where it comes from, for the words of an error. */
typedef struct gc_template_text {
    const char *name; /* of the partial; NULL for the template itself */
    const char *text;
    size_t len;
    size_t indent; /* blanks that were put before each line */
} gc_template_text;

typedef struct gc_tag_tokens {
    gc_tag_token *items;
    size_t count;
    size_t cap;
} gc_tag_tokens;

/* Zero-initialised memory is an empty list. */
void gc_tag_tokens_release(gc_tag_tokens *self);

/* Adds the tokens of `source` to `out`. GC_EINVAL: malformed. GC_ETOOBIG: sections nested
 * deeper than GC_TEMPLATE_MAX_DEPTH, or a name longer than GC_TEMPLATE_MAX_NAME. */
GC_MUST_CHECK gc_err gc_template_parse(const gc_template_text *source, gc_tag_tokens *out,
                                       gc_errinfo *info);

/* gc_fail with the line and column of `at` before the words. */
gc_err gc_template_fail(const gc_template_text *source, const char *at, gc_errinfo *info,
                        gc_err code, const char *fmt, ...) GC_PRINTF(5, 6);

#endif
