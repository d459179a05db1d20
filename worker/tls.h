/* How calls speak TLS: whose certificates count, and what a connection keeps in memory. */
#ifndef GC_WORKER_TLS_H
#define GC_WORKER_TLS_H

#include <curl/curl.h>

/* What handles share: sessions, so that a connection resumes what another one began and is not
 * sent the certificates anew. NULL: libcurl does not share any. Freed by curl_share_cleanup,
 * after all handles. One thread. */
CURLSH *gc_tls_share_new(void);

/* `share` may be NULL; `ca_file` (NULL: the system's) must live until the handle was used. */
void gc_tls_set_options(CURL *easy, CURLSH *share, const char *ca_file);

#endif
