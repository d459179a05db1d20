/* JSON written straight into a buffer, for the hot path of streaming. Pure. */
#ifndef GC_LLM_SIM_JSONTEXT_H
#define GC_LLM_SIM_JSONTEXT_H

#include <stddef.h>

#include "common/buf.h"

/* Appends `len` bytes of UTF-8 as a JSON string with its quotes. */
void gc_sim_json_string(gc_buf *out, const char *text, size_t len);

/* The largest length <= `want` at which `text` can be cut between two characters. */
size_t gc_sim_utf8_cut(const char *text, size_t len, size_t want);

#endif
