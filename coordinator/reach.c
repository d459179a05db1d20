#include "coordinator/reach.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/llm_request.h"
#include "common/mem.h"
#include "common/text.h"

/* Lists of models are long where a server offers those of others. */
#define MAX_ANSWER ((size_t)8 << 20)
#define MAX_WORDS 160 /* bytes of what the server says that are shown */

/* ---- what an answer means ---- */

/* {"error":{"message":...}} of either API; "" if it says nothing. */
static void words_of(const json_t *root, char out[MAX_WORDS + 4])
{
    const json_t *error = json_object_get(root, "error");
    const char *words = json_string_value(json_object_get(error, "message"));
    snprintf(out, MAX_WORDS + 4, "%s%.*s", words ? ": " : "", MAX_WORDS,
             words ? words : "");
}

/* JSON of another kind may be a gateway of few words; a page is none. */
static gc_reach list_of_models(const json_t *root, char text[GC_REACH_TEXT])
{
    if (json_is_array(json_object_get(root, "data"))) {
        snprintf(text, GC_REACH_TEXT, "answers");
        return GC_REACH_FINE;
    }
    snprintf(text, GC_REACH_TEXT,
             "what answers is no list of models; if calls fail, too, correct the base "
             "URL, or what stands between (a proxy, a login page)");
    return root ? GC_REACH_DOUBT : GC_REACH_WRONG;
}

gc_reach gc_reach_read(long status, const char *mem, size_t len, bool asked_with_key,
                       char text[GC_REACH_TEXT])
{
    char words[MAX_WORDS + 4];
    gc_reach found = GC_REACH_DOUBT;
    json_t *root = json_loadb(mem, len, 0, NULL);
    words_of(root, words);
    if (status == 200) {
        found = list_of_models(root, text);
    } else if ((status == 401 || status == 403) && asked_with_key) {
        found = GC_REACH_WRONG;
        snprintf(text, GC_REACH_TEXT, "refuses the key (status %ld%s); take another",
                 status, words);
    } else if (status == 401 || status == 403) {
        snprintf(text, GC_REACH_TEXT, "answers, and wants a key; export it");
    } else if (status == 404 || status == 405 || status == 501) {
        snprintf(
            text, GC_REACH_TEXT,
            "answers, but lists no models (status %ld%s); if calls fail, too, correct "
            "the base URL",
            status, words);
    } else if (status == 429 || status >= 500) {
        snprintf(text, GC_REACH_TEXT, "answers, but not now (status %ld%s); try later",
                 status, words);
    } else {
        snprintf(
            text, GC_REACH_TEXT,
            "answers with status %ld%s; correct the base URL, or what stands between",
            status, words);
    }
    json_decref(root);
    return found;
}

/* Why there is no answer. */
static gc_reach unreached(CURLcode code, char text[GC_REACH_TEXT])
{
    const char *fix = "look at network, proxy and base URL";
    gc_reach found = GC_REACH_DOUBT;
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        fix = "correct the base URL, or see to the name service";
        break;
    case CURLE_COULDNT_RESOLVE_PROXY:
        fix = "correct https_proxy in the environment";
        break;
    case CURLE_COULDNT_CONNECT: fix = "start the server, or correct the base URL"; break;
    case CURLE_PEER_FAILED_VERIFICATION:
        found = GC_REACH_WRONG;
        fix =
            "name the file of the CA that signed it in llm.ca_file, or correct the base "
            "URL";
        break;
    case CURLE_SSL_CONNECT_ERROR:
        found = GC_REACH_WRONG;
        fix = "correct the base URL (http or https?), or what stands between";
        break;
    default: break;
    }
    snprintf(text, GC_REACH_TEXT, "%s; %s", curl_easy_strerror(code), fix);
    return found;
}

/* ---- asking ---- */

static size_t on_data(char *mem, size_t one, size_t len, void *arg)
{
    (void)one; /* always 1 */
    return gc_buf_append(arg, mem, len) ? 0 : len;
}

static struct curl_slist *headers_of(const char *provider, const gc_key *key)
{
    struct curl_slist *list = NULL;
    gc_strv lines = { 0 };
    const char *secret = key->secret ? key->secret : "";
    if (strcmp(provider, "openai") != 0)
        gc_anthropic_headers(secret, &lines);
    else if (*secret)
        gc_strv_push(&lines, gc_xasprintf("Authorization: Bearer %s", secret));
    for (size_t i = 0; i < lines.count; i++) {
        list = curl_slist_append(list, lines.items[i]);
        explicit_bzero(lines.items[i], strlen(lines.items[i]));
    }
    gc_strv_release(&lines);
    return list;
}

/* libcurl's copy of the key goes with the list. */
static void wipe_headers(struct curl_slist *list)
{
    for (struct curl_slist *line = list; line; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(list);
}

static gc_reach ask(CURL *easy, const gc_key *key, gc_buf *answer,
                    char text[GC_REACH_TEXT])
{
    long status = 0;
    CURLcode code = curl_easy_perform(easy);
    if (code != CURLE_OK && !answer->full)
        return unreached(code, text);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    gc_reach found = gc_reach_read(status, answer->ptr, answer->len,
                                   key->secret && *key->secret, text);
    gc_key_scrub(key, text);
    return found;
}

static void set_options(CURL *easy, const gc_config *config, const char *url,
                        struct curl_slist *headers, gc_buf *answer)
{
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (*config->llm_ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, config->llm_ca_file);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "gocreator/" GC_VERSION);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)GC_REACH_TOTAL_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
}

gc_reach gc_reach_api(const gc_config *config, const char *provider, const gc_key *key,
                      char text[GC_REACH_TEXT])
{
    gc_buf answer;
    gc_reach found = GC_REACH_DOUBT;
    char *url = gc_llm_url(gc_llm_base_url(config, provider), "/v1/models");
    struct curl_slist *headers = headers_of(provider, key);
    gc_buf_init(&answer, MAX_ANSWER);
    bool begun = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    CURL *easy = begun ? curl_easy_init() : NULL;
    if (easy) {
        set_options(easy, config, url, headers, &answer);
        found = ask(easy, key, &answer, text);
        curl_easy_cleanup(easy);
    } else {
        snprintf(text, GC_REACH_TEXT, "libcurl does not start");
    }
    if (begun)
        curl_global_cleanup();
    wipe_headers(headers);
    gc_buf_release(&answer);
    free(url);
    return found;
}
