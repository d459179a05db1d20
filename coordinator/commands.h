/* The commands that make nothing: they read or act on a specification, on Redis state, or on
 * this machine. Each prints its results on stdout. */
#ifndef GC_COORDINATOR_COMMANDS_H
#define GC_COORDINATOR_COMMANDS_H

#include "coordinator/exit.h"
#include "coordinator/options.h"

gc_exit gc_command_clarify(const gc_options *options);
gc_exit gc_command_dump_fcs(const gc_options *options);
gc_exit gc_command_jobs(const gc_options *options);
gc_exit gc_command_status(const gc_options *options);
gc_exit gc_command_cancel(const gc_options *options);
gc_exit gc_command_workers(const gc_options *options);
gc_exit gc_command_fetch(const gc_options *options);
gc_exit gc_command_doctor(const gc_options *options);
gc_exit gc_command_version(const gc_options *options);

#endif
