/* How calls speak TLS: whose certificates count, and what a connection keeps in memory. */
#ifndef GC_WORKER_TLS_H
#define GC_WORKER_TLS_H

#include <curl/curl.h>

/* `ca_file` (NULL: the system's) must live until the handle was used. */
void gc_tls_set_options(CURL *easy, const char *ca_file);

#endif
