/* SHA-256 (FIPS 180-4, through OpenSSL), as 64 lower-case hex digits everywhere. */
#ifndef GC_COMMON_HASH_H
#define GC_COMMON_HASH_H

#include <stdbool.h>
#include <stddef.h>

#define GC_SHA_HEX 64
typedef struct gc_sha {
    char hex[GC_SHA_HEX + 1];
} gc_sha;

gc_sha gc_sha256(const void *mem, size_t len);

/* True for exactly 64 lower-case hex digits. */
bool gc_sha_valid(const char *hex);

/* The digest as its 32 bytes, and back. gc_sha_raw() false: no 64 lower-case hex digits. */
#define GC_SHA_RAW 32
bool gc_sha_raw(const char *hex, unsigned char raw[GC_SHA_RAW]);
gc_sha gc_sha_of_raw(const unsigned char raw[GC_SHA_RAW]);

/* A running hash over fields; each field is preceded by its length, so that no two lists
 * of fields collide by concatenation. One hasher serves one digest. */
typedef struct gc_hasher gc_hasher;
gc_hasher *gc_hasher_new(void);
void gc_hasher_field(gc_hasher *self, const void *mem, size_t len);
void gc_hasher_text(gc_hasher *self, const char *text);

/* Bytes without a length before them: a stream hashed in pieces equals gc_sha256() of it. */
void gc_hasher_stream(gc_hasher *self, const void *mem, size_t len);

/* Ends the digest, frees the hasher and sets *self_p NULL. */
gc_sha gc_hasher_finish(gc_hasher **self_p);

#endif
