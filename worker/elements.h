/* The <generate> elements at the end of a prompt (docs/architecture.md has the layout): the
 * coordinator asks for all files of a task, a worker for those that are its to make. Pure. */
#ifndef GC_WORKER_ELEMENTS_H
#define GC_WORKER_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

/* True if the file of this path (XML escapes undone) is still wanted. */
typedef bool (*gc_elements_cb)(void *arg, const char *path);

/* Copies `text` to `out` without the elements of files that are not wanted. An element starts
 * at a line `<generate path="...` and ends at a line `</generate>`, or with its first line if
 * that closes itself (`/>`). Returns how many were left out. */
size_t gc_elements_keep(const char *text, size_t len, gc_elements_cb wanted, void *arg,
                        gc_buf *out);

#endif
