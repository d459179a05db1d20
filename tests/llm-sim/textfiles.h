/* Files of a project that are no Go: go.mod, Dockerfile, README and so on. Pure. */
#ifndef GC_LLM_SIM_TEXTFILES_H
#define GC_LLM_SIM_TEXTFILES_H

#include "common/buf.h"

/* Appends sensible content for the file `path` of module `module`. */
void gc_sim_text_write(const char *path, const char *module, const char *go_version,
                       gc_buf *out);

#endif
