/* The text report, the metrics file, and the comparison of two metrics files. */
#ifndef GC_COORDINATOR_REPORT_H
#define GC_COORDINATOR_REPORT_H

#include <stdio.h>

#include "common/buf.h"
#include "coordinator/exit.h"
#include "coordinator/stats.h"

/* What is derived from the counters, in one place. Percentages are 0 to 100; a reduction is
 * negative where more was needed than before. */
typedef struct gc_figures {
    int64_t cache_write, prompt, processed;
    double hit_rate, savings, duration;
    double makespan, bound_ratio; /* s, 0 if nothing was made; of it to the lower bound */
    size_t batched;
    bool estimated; /* the baseline is a computation, not a run */
    int64_t baseline_processed, baseline_calls;
    double baseline_usd, baseline_s;
} gc_figures;

gc_figures gc_report_figures(const gc_stats *stats);
double gc_percent(double part, double whole);
double gc_reduction(double before, double now);

/* Text with the guide's headings: Token Efficiency, Caching, Batching, Templates,
 * Performance. Says which figures are estimated, and that a model is simulated. */
void gc_report_print(const gc_stats *stats, FILE *out);

/* Metrics as JSON (schema 1; names as documented in README and docs). */
void gc_metrics_json(const gc_stats *stats, gc_buf *out);

/* `compare-metrics A B`: a table, then the four lines with a check or a cross. Exit 0
 * whenever both files can be read, GC_EXIT_GENERAL otherwise (message on stderr). */
gc_exit gc_compare_metrics(const char *path_a, const char *path_b, bool json, FILE *out);

#endif
