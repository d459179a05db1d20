/* A run as one page for a browser: summary, timeline of calls, tokens by kind, hit rate over
 * time, cost by file. Self-contained: no script, no font, no address of anything outside. */
#ifndef GC_COORDINATOR_REPORT_HTML_H
#define GC_COORDINATOR_REPORT_HTML_H

#include "common/buf.h"
#include "coordinator/stats.h"

/* The same figures give the same bytes. The size is bounded whatever the run was: beyond some
 * thousand calls the timeline, beyond some hundred files the table is summed up, and says so. */
void gc_report_html(const gc_stats *stats, gc_buf *out);

#endif
