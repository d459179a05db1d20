/* What a prompt asks for: the <generate> elements at the very end of the last user text.
 *   <generate path="a/b.go" package="b" kind="service">
 *   raw Go: import lines, then declarations without function bodies
 *   </generate>
 * Attributes are XML-escaped, the body is raw; an element may be empty or self-closed. Only
 * the last unbroken run of elements counts, and nothing but blanks may follow it. Pure. */
#ifndef GC_LLM_SIM_WANTED_H
#define GC_LLM_SIM_WANTED_H

#include <stddef.h>

#define GC_SIM_WANTED_MAX 1000
#define GC_SIM_ATTRIBUTE_MAX ((size_t)4 << 10)
#define GC_SIM_PROMISE_MAX ((size_t)1 << 20)

typedef struct gc_sim_wanted_file {
    char *path;
    char *package; /* "" if the attribute is absent, like `kind` */
    char *kind;
    char *promise; /* "" if nothing is promised */
} gc_sim_wanted_file;

typedef struct gc_sim_wanted {
    gc_sim_wanted_file *files;
    size_t count;
    size_t cap;
} gc_sim_wanted;

/* Fills `out` (zero-initialised by the call); no elements give an empty list. Malformed
 * elements are text like any other. */
void gc_sim_wanted_parse(const char *text, size_t len, gc_sim_wanted *out);
void gc_sim_wanted_release(gc_sim_wanted *self);

#endif
