/* Mustache (https://github.com/mustache/spec): interpolation, sections, inverted sections,
 * partials, comments, set delimiters. No lambdas, no inheritance. HTML escaping is off
 * unless asked for: this writes code. Data is jansson JSON. False in sections: what is
 * missing, null, false, 0, "" and []. A name that is missing prints nothing; a list or an
 * object where a text belongs is an error. Pure. */
#ifndef GC_COMMON_TEMPLATE_H
#define GC_COMMON_TEMPLATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

#define GC_TEMPLATE_MAX_DEPTH 64 /* sections and partials within each other */
#define GC_TEMPLATE_MAX_BYTES (1 << 20)
#define GC_TEMPLATE_MAX_STEPS (8 << 20) /* tokens rendered and bytes parsed */

/* Text of the partial `name` or NULL (renders as nothing); borrowed for the render. */
typedef const char *(*gc_partial_fn)(void *arg, const char *name);

typedef struct gc_render_options {
    gc_partial_fn partial; /* NULL: none */
    void *partial_arg;
    bool escape_html;
} gc_render_options;

/* Appends the rendering of `len` bytes of template to `out` (part of it on an error).
 * `options` NULL: all off. GC_EINVAL: `info` has line, column and what is wrong. GC_ETOOBIG:
 * over one of the maxima above. GC_EFULL: over the limit of `out`. */
GC_MUST_CHECK gc_err gc_template_render(const char *text, size_t len, const json_t *data,
                                        const gc_render_options *options, gc_buf *out,
                                        gc_errinfo *info);

/* Checks a template without data: GC_EINVAL and GC_ETOOBIG as above, also for a partial that
 * `options->partial` (if there is one) does not know. */
GC_MUST_CHECK gc_err gc_template_check(const char *text, size_t len,
                                       const gc_render_options *options,
                                       gc_errinfo *info);

#endif
