/* Writes the Go file that a <generate> element asks for: every promised declaration with a
 * body, nothing unused imported, gofmt's own layout. What it writes depends on path,
 * package, kind and promise alone, so files written apart fit together and the same
 * question has the same answer. Pure. */
#ifndef GC_LLM_SIM_GOWRITER_H
#define GC_LLM_SIM_GOWRITER_H

#include "common/buf.h"
#include "tests/llm-sim/wanted.h"

/* Appends the file to `out`. */
void gc_sim_go_write(const gc_sim_wanted_file *file, gc_buf *out);

#endif
