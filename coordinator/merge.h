/* Three-way merge of text by diff3 (diffutils). */
#ifndef GC_COORDINATOR_MERGE_H
#define GC_COORDINATOR_MERGE_H

#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

typedef struct gc_text {
    const char *mem;
    size_t len;
} gc_text;

/* Changes from `base` to `theirs`, applied to `mine`. GC_EEXIST: they conflict (out is
 * empty). GC_ENOENT: diff3 is not installed. GC_EIO. */
GC_MUST_CHECK gc_err gc_merge(gc_text mine, gc_text base, gc_text theirs, gc_buf *out,
                              gc_errinfo *info);

#endif
