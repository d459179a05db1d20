#include "worker/tls.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <string.h>

/* Thousands of streams are idle most of the time: their read and write buffers (a whole record
 * each, 33 KB together) go as soon as they are empty. See SSL_CTX_set_mode(3). */
static CURLcode on_context(CURL *easy, void *context, void *arg)
{
    (void)easy;
    (void)arg;
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return CURLE_OK;
}

/* Other TLS libraries hand over a context of another type. */
static bool speaks_openssl(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    return info->ssl_version && strncmp(info->ssl_version, "OpenSSL/", 8) == 0;
}

CURLSH *gc_tls_share_new(void)
{
    CURLSH *share = curl_share_init();
    if (share && curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION)) {
        curl_share_cleanup(share);
        share = NULL;
    }
    return share;
}

void gc_tls_set_options(CURL *easy, CURLSH *share, const char *ca_file)
{
    /* Else each handle has a table of its own, 1 KB even in the clear. */
    curl_easy_setopt(easy, CURLOPT_SHARE, share);
    /* With a CAPATH libcurl loads the whole CA bundle anew for every connection: 25 ms and
     * 900 KB each. CAINFO alone is shared by all of them. */
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    if (speaks_openssl())
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_context);
}
