/* Private parts of split: the <file> tag, fences, a scanner that knows when a Go line stands
 * inside a raw string or comment, and the JSON form. Pure. */
#ifndef GC_COMMON_SPLIT_PARTS_H
#define GC_COMMON_SPLIT_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

#define GC_SPLIT_MAX_PATH 4096

/* A piece of the answer, borrowed. */
typedef struct gc_span {
    const char *ptr;
    size_t len;
} gc_span;

gc_span gc_span_trim(gc_span text);
bool gc_span_starts(gc_span text, const char *prefix);
bool gc_span_is(gc_span text, const char *word);

/* Cuts the first line (with its newline) off *rest; false at the end. */
bool gc_span_line(gc_span *rest, gc_span *line);

/* A line of three or more backquotes or tildes; `bare`: with nothing after them. */
bool gc_fence_line(gc_span line, bool *bare);

/* Reads `<file ... path="...">` at the start of `text`. `path` (a buffer of limit
 * GC_SPLIT_MAX_PATH) gets the decoded path. Bytes of the tag; 0 if it is none.
 * `self_closed`: it ends in "/>". */
size_t gc_file_tag(gc_span text, gc_buf *path, bool *self_closed);

/* Follows Go text line by line. Zero is the start of a file. */
typedef enum gc_go_within {
    GC_WITHIN_CODE,
    GC_WITHIN_RAW_STRING,
    GC_WITHIN_COMMENT
} gc_go_within;
gc_go_within gc_go_follow(gc_go_within state, gc_span line);

/* The content as the file will hold it (free() it): without the fence around the whole of
 * it, lines ended by \n alone; a Go file ends in exactly one newline. */
char *gc_file_content(gc_span raw, bool is_go, size_t *len);

/* The one Go file that a bare answer holds (a single fenced block, or plain text from the
 * first line on); false if it holds none or several. For other files: all of it is one
 * fenced block. */
bool gc_bare_answer(gc_span answer, bool is_go, gc_span *out);

/* The JSON form, byte by byte: any object with string members `path` and `content`. */
typedef struct gc_split_json gc_split_json;
typedef void gc_split_json_fn(void *context, gc_span path, gc_span content);

typedef enum gc_json_step {
    GC_JSON_MORE,
    GC_JSON_DONE, /* this byte ended the value */
    GC_JSON_BAD   /* this byte cannot stand here: the text is no JSON */
} gc_json_step;

/* `found` is called at the end of each such object. */
gc_split_json *gc_split_json_new(gc_split_json_fn *found, void *context);
void gc_split_json_destroy(gc_split_json **self_p);
gc_json_step gc_split_json_byte(gc_split_json *self, char c);

#endif
