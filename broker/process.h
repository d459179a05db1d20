/* What Linux knows about this process, for the standard metrics. */
#ifndef GC_BROKER_PROCESS_H
#define GC_BROKER_PROCESS_H

#include "broker/stats.h"

/* Fills cpu_seconds, resident_bytes and open_fds; what cannot be read stays 0. */
void gc_process_gauges(gc_gauges *out);

/* Raises the soft limit of open files to the hard one: a descriptor per peer. */
void gc_process_raise_files(void);

#endif
