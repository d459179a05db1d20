/* What a running process has used, for benchmarks. */
#ifndef GC_TESTS_SUPPORT_PROCESS_H
#define GC_TESTS_SUPPORT_PROCESS_H

#include <sys/types.h>

/* Seconds of CPU of all its threads so far; it must be there. */
double process_cpu_s(pid_t pid);

#endif
