/* One tree for YAML, JSON and Markdown, with line and column for every node.
 *
 * Plain scalars are text: `1.20`, `yes` and `on` keep their spelling. Aliases are expanded
 * (the expanded size counts against the limits). Duplicate keys, second documents, control
 * characters, malformed UTF-8 and everything over a limit are errors, all reported in one
 * pass where the format allows going on. Used for specs and for configuration. */
#ifndef GC_COMMON_DOC_H
#define GC_COMMON_DOC_H

#include <stdbool.h>
#include <stddef.h>

#include "common/diag.h"
#include "common/err.h"

#define GC_DOC_MAX_BYTES ((size_t)32 << 20) /* file, and all texts after expansion */
#define GC_DOC_MAX_DEPTH 64
#define GC_DOC_MAX_NODES ((size_t)4000000) /* after alias expansion */
#define GC_DOC_MAX_SCALAR ((size_t)1 << 20)

typedef enum gc_node_kind {
    GC_NODE_NULL,
    GC_NODE_SCALAR,
    GC_NODE_SEQ,
    GC_NODE_MAP
} gc_node_kind;

typedef struct gc_node gc_node;
struct gc_node {
    gc_node_kind kind;
    int line;    /* from 1 */
    int column;  /* from 1 */
    bool quoted; /* scalar in quotes or a block scalar: never null, never a number */
    char *text;  /* scalar text, "" for null; NUL-terminated, no inner NUL */
    size_t len;
    gc_node **items; /* sequence: items; map: values */
    gc_node **keys;  /* map: key scalars, parallel to items; NULL otherwise */
    size_t count;
};

typedef enum gc_doc_format {
    GC_DOC_YAML,
    GC_DOC_JSON,
    GC_DOC_MARKDOWN
} gc_doc_format;

/* By file name: .json, .md/.markdown, else YAML. */
gc_doc_format gc_doc_format_of(const char *path);

/* Parses `len` bytes. *out is always set: the root (caller destroys it), or NULL if the text
 * could not be read to its end. GC_EINVAL: `diags` has at least one error that names the
 * place and the fix; *out may be a tree all the same (duplicate keys: the first one stays),
 * so that the caller can check it and report everything in one pass. An empty document gives
 * a null root. Limits hold for the expanded document: merge keys (`<<`) and aliases are
 * copies; a copy's root has the place of the alias, its inner nodes keep theirs. Tags other
 * than the core ones are ignored with a warning.
 *
 * Markdown: front matter (`---` YAML `---`, optional) gives the root map; the body is added
 * to it as the key "body": a sequence of blocks, each a map with the key `block` and, by its
 * value,
 *   heading    level (1 to 6), text
 *   paragraph  text (lines joined by newlines; `>` of quotations dropped)
 *   list       items: texts, two leading spaces per level of nesting; more lines of an item
 *              follow after newlines
 *   table      header: texts; rows: sequences of texts, as long as the header
 *   code       language (may be ""), text
 * Inline markup stays as written. Line and column are those in the file. */
GC_MUST_CHECK gc_err gc_doc_parse(const char *mem, size_t len, gc_doc_format format,
                                  gc_diags *diags, gc_node **out);

/* Frees the tree and sets *root_p NULL; NULL is fine. */
void gc_node_destroy(gc_node **root_p);

/* The value of `key` in a map, or NULL (also when `node` is NULL or no map). */
const gc_node *gc_node_get(const gc_node *node, const char *key);

/* The scalar text of `key` in a map, or NULL if absent, null or no scalar. */
const char *gc_node_text(const gc_node *node, const char *key);

#endif
