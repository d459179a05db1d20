/* Shared by the three readers of doc.h (YAML, JSON, Markdown) and by nobody else: building
 * the tree under its limits, and the place of a byte in the text. */
#ifndef GC_COMMON_DOC_BUILD_H
#define GC_COMMON_DOC_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/doc.h"

/* Line and column (from 1, columns in code points). */
typedef struct gc_place {
    int line;
    int column;
} gc_place;

/* A place that only moves forward, so that finding all places costs one pass. Line ends are
 * LF, CR LF and CR. */
typedef struct gc_cursor {
    const char *text;
    size_t pos;
    gc_place place;
} gc_cursor;

/* Moves to byte `pos` (not before the last one) and returns its place. */
gc_place gc_cursor_move(gc_cursor *self, size_t pos);

typedef struct gc_doc_build {
    gc_diags *diags;
    size_t nodes;
    size_t text_bytes;
    bool stopped;    /* reported; no tree will come of it */
    gc_arena *arena; /* of all nodes, those that leave the tree, too */
} gc_doc_build;

void gc_doc_build_init(gc_doc_build *self, gc_diags *diags);
void gc_doc_build_release(gc_doc_build *self);

void gc_doc_error(gc_doc_build *self, gc_place at, const char *fmt, ...) GC_PRINTF(3, 4);

/* An error after which reading makes no sense; sets `stopped`. */
void gc_doc_stop(gc_doc_build *self, gc_place at, const char *fmt, ...) GC_PRINTF(3, 4);

/* A new node, or NULL (and stopped) at the limit of nodes. */
gc_node *gc_doc_node(gc_doc_build *self, gc_node_kind kind, gc_place at);

/* A new scalar with a copy of the text, or NULL (and stopped) at a limit. A text that is too
 * long or has control characters is an error, and replaced by an empty one. */
gc_node *gc_doc_scalar(gc_doc_build *self, gc_place at, const char *text, size_t len);

/* Adds `item`. NULL is ignored (the limit was reported). */
void gc_doc_push(gc_doc_build *self, gc_node *seq, gc_node *item);

/* Adds a pair, unless there is a NULL in it. */
void gc_doc_put(gc_doc_build *self, gc_node *map, gc_node *key, gc_node *value);

/* To be called when a map is complete: reports and drops every second value of a key. */
void gc_doc_close_map(gc_doc_build *self, gc_node *map);

/* GC_DOC_MAX_DEPTH; false (and stopped) if `depth`, from 1, is past it. */
bool gc_doc_depth_ok(gc_doc_build *self, int depth, gc_place at);

/* Control characters but tab and line ends, byte order marks and noncharacters. */
bool gc_doc_is_control(uint32_t code);

/* The start of `text`, whole code points only, as fits an error message. */
#define GC_CLIP_SIZE 84
const char *gc_doc_clip(const char *text, char out[GC_CLIP_SIZE]);

/* The readers. `at` is the place of the first byte in the file. The root, or NULL after an
 * error that stopped them. */
gc_node *gc_doc_read_yaml(gc_doc_build *self, const char *mem, size_t len, gc_place at);
gc_node *gc_doc_read_json(gc_doc_build *self, const char *mem, size_t len);
gc_node *gc_doc_read_markdown(gc_doc_build *self, const char *mem, size_t len);

#endif
