/* One job from plan to files: decides, asks, writes, remembers. The commands generate, full
 * (without its validation), explain, check and --dry-run. */
#ifndef GC_COORDINATOR_RUN_H
#define GC_COORDINATOR_RUN_H

#include "coordinator/exit.h"
#include "coordinator/options.h"

/* Each reads the spec, does its work and prints its results. */
gc_exit gc_run_generate(const gc_options *options);
gc_exit gc_run_dry(const gc_options *options);
gc_exit gc_run_explain(const gc_options *options);
gc_exit gc_run_check(const gc_options *options);

#endif
