/* Documents as text, for tests: {key=value, ...}, [item, ...], ~ for null, 'quoted' and
 * plain scalars. */
#ifndef GC_TESTS_SUPPORT_DOC_TEXT_H
#define GC_TESTS_SUPPORT_DOC_TEXT_H

#include <stdbool.h>

#include "common/diag.h"
#include "common/doc.h"

/* The tree; with `places`, each node is followed by @LINE:COLUMN. free() it. */
char *doc_text(const gc_node *node, bool places);

/* The findings, one per line as `LINE:COLUMN: severity: text`. free() it. */
char *diags_text(gc_diags *diags);

/* Insists that `input` has no findings and gives the tree `want`. */
void must_parse(const char *input, gc_doc_format format, const char *want);

/* Insists that the findings of `input` have `want` in them; true if there is a tree. */
bool must_refuse(const char *input, gc_doc_format format, const char *want);

#endif
