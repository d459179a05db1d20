/* The command line of gc-llm-sim. */
#ifndef GC_LLM_SIM_OPTIONS_H
#define GC_LLM_SIM_OPTIONS_H

#include <stdbool.h>

#include "tests/llm-sim/engine.h"

typedef struct gc_sim_options {
    gc_sim_settings settings;
    const char *bind;
    int port;
    const char *port_file;
    int ready_fd; /* -1: standard output */
    bool die_with_parent;
} gc_sim_options;

/* True: run. False: leave with *status (help and version are printed, mistakes said).
 * Texts are borrowed from argv. */
bool gc_sim_options_read(gc_sim_options *self, int argc, char **argv, int *status);
void gc_sim_options_release(gc_sim_options *self);

#endif
