/* Splits an LLM's answer into files, incrementally: bytes are fed as they stream in, and a
 * file is known as soon as its end is seen. Accepts `<file path="...">` blocks and the JSON
 * array of {path, content}; tolerates fences and prose around; takes only wanted paths, each
 * once (the first complete one that the judge takes). A file whose end was not seen is never
 * complete. Pure. */
#ifndef GC_COMMON_SPLIT_H
#define GC_COMMON_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

#define GC_SPLIT_MAX_BYTES ((size_t)8 << 20)

typedef struct gc_split gc_split;

/* `paths` are copied. */
gc_split *gc_split_new(const char *const *paths, size_t count);
void gc_split_destroy(gc_split **self_p);

/* Asked of each complete file; `index` as above. False: a later one of the same path may take
 * its place, and it is shown only if none has come by the end. */
typedef bool (*gc_split_judge_cb)(void *arg, size_t index, const char *content,
                                  size_t len);

/* Without a judge all are taken. */
void gc_split_set_judge(gc_split *self, gc_split_judge_cb judge, void *arg);

/* GC_ETOOBIG: over GC_SPLIT_MAX_BYTES; what was complete stays. GC_ESTATE: after the end. */
GC_MUST_CHECK gc_err gc_split_feed(gc_split *self, const char *mem, size_t len);

/* No more bytes. `stopped_short`: the model stopped at its output limit or the stream broke;
 * an unfinished file is then dropped. */
void gc_split_finish(gc_split *self, bool stopped_short);

/* Content of wanted file `index` if complete, else NULL (also for one that the judge did not
 * take, until the end); a fence around the whole content is
 * taken off, and a Go file ends in exactly one newline. Borrowed until drop or destroy. */
const char *gc_split_file(const gc_split *self, size_t index, size_t *len);

/* After the end, what came in place of wanted file `index` that is not complete: its text
 * without an end, a file of another path if one alone was wanted, or an answer that holds no
 * file at all. NULL: nothing. Borrowed until destroy; not NUL-terminated. */
const char *gc_split_piece(const gc_split *self, size_t index, size_t *len);

/* Frees that content: the file came, and is not asked for again. */
void gc_split_drop(gc_split *self, size_t index);

/* What was found besides: unwanted paths, duplicates; for a complaint. May be "". */
const char *gc_split_notes(const gc_split *self);

#endif
