/* API keys: from the environment or a file, never from a flag, never shown. Nothing but the
 * request headers may carry one; everybody else knows a key by its id. */
#ifndef GC_COMMON_KEYS_H
#define GC_COMMON_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/config.h"
#include "common/err.h"

#define GC_KEY_ID 16

typedef struct gc_key {
    char *secret;           /* "" = none; wiped on release */
    char id[GC_KEY_ID + 1]; /* first hex digits of its sha256, "none" without one */
} gc_key;

typedef struct gc_keys {
    gc_key anthropic;
    gc_key openai;
} gc_keys;

/* ANTHROPIC_API_KEY and OPENAI_API_KEY (blanks and line ends around them do not count) win
 * over llm.api_key_file, which holds lines NAME=VALUE of these names, or one bare key for the
 * provider of llm.provider. A file that group or others may write is refused. GC_EINVAL,
 * GC_ENOENT, GC_EIO: `info` never quotes a key. */
GC_MUST_CHECK gc_err gc_keys_load(gc_keys *self, const gc_config *config,
                                  gc_errinfo *info);
void gc_keys_release(gc_keys *self);

/* May everybody on this machine read llm.api_key_file? It is used all the same, but whoever
 * starts a program with it should be told. A group may be meant to. */
bool gc_keys_exposed(const gc_config *config);
#define GC_KEYS_EXPOSED "everybody on this machine can read the key file %s; chmod o-r it"

/* Borrowed; NULL for an unknown provider. */
const gc_key *gc_keys_find(const gc_keys *self, const char *provider);

/* Can calls to this provider be made with them? A server of one's own may want no key: then
 * the address alone is enough for "openai". */
bool gc_keys_serve(const gc_keys *self, const gc_config *config, const char *provider);

/* Replaces the key, and everything that looks like one ("sk-..."), in `text` by stars of the
 * same length: for messages that came from outside. */
void gc_key_scrub(const gc_key *self, char *text);

/* llm.ca_file before it is used ("": there is none). GC_EINVAL: it cannot be read or holds no
 * certificate. */
GC_MUST_CHECK gc_err gc_ca_file_check(const char *path, gc_errinfo *info);

#endif
