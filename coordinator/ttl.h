/* How long the provider is asked to keep the prompts' shared start. Pure. */
#ifndef GC_COORDINATOR_TTL_H
#define GC_COORDINATOR_TTL_H

/* "5m" or "1h" (the dearer write). The clock starts with the request and every read renews it,
 * so what counts is the time between the starts of calls: at most `longest_call_s`, one
 * wave of calls after the other. A job that is over before that starts nothing later. */
const char *gc_cache_ttl(double longest_call_s, double job_s);

#endif
