#include "common/hash.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define GATHERED 512

/* A call into OpenSSL costs as much as hashing a block: short fields are gathered. */
struct gc_hasher {
    EVP_MD_CTX *ctx;
    size_t used;
    unsigned char gathered[GATHERED];
};

/* Fetched once: an implicit fetch costs three times the hash of a short string. */
static EVP_MD *md;

static void fetch_md(void)
{
    md = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (!md) {
        fputs("OpenSSL offers no SHA-256\n", stderr);
        abort();
    }
}

static const EVP_MD *sha256_md(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch_md);
    return md;
}

static void must(int ok)
{
    if (!ok) {
        fputs("SHA-256 failed inside OpenSSL\n", stderr);
        abort();
    }
}

gc_sha gc_sha_of_raw(const unsigned char raw[GC_SHA_RAW])
{
    static const char digits[] = "0123456789abcdef";
    gc_sha sha;
    for (size_t i = 0; i < GC_SHA_HEX / 2; i++) {
        sha.hex[2 * i] = digits[raw[i] >> 4];
        sha.hex[2 * i + 1] = digits[raw[i] & 15];
    }
    sha.hex[GC_SHA_HEX] = '\0';
    return sha;
}

gc_sha gc_sha256(const void *mem, size_t len)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    must(EVP_Digest(mem, len, raw, NULL, sha256_md(), NULL));
    return gc_sha_of_raw(raw);
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool gc_sha_raw(const char *hex, unsigned char raw[GC_SHA_RAW])
{
    for (size_t i = 0; i < GC_SHA_RAW; i++) {
        int high = digit_of(hex[2 * i]);
        int low = high < 0 ? -1 : digit_of(hex[2 * i + 1]);
        if (low < 0)
            return false;
        raw[i] = (unsigned char)(high << 4 | low);
    }
    return hex[GC_SHA_HEX] == '\0';
}

bool gc_sha_valid(const char *hex)
{
    return strlen(hex) == GC_SHA_HEX && strspn(hex, "0123456789abcdef") == GC_SHA_HEX;
}

gc_hasher *gc_hasher_new(void)
{
    gc_hasher *self = gc_xmalloc(sizeof *self);
    self->used = 0;
    self->ctx = EVP_MD_CTX_new();
    must(self->ctx && EVP_DigestInit_ex(self->ctx, sha256_md(), NULL));
    return self;
}

static void flush(gc_hasher *self)
{
    must(EVP_DigestUpdate(self->ctx, self->gathered, self->used));
    self->used = 0;
}

void gc_hasher_field(gc_hasher *self, const void *mem, size_t len)
{
    unsigned char size[8];
    for (int i = 0; i < 8; i++)
        size[i] = (unsigned char)((uint64_t)len >> (8 * i));
    gc_hasher_stream(self, size, sizeof size);
    gc_hasher_stream(self, mem, len);
}

void gc_hasher_text(gc_hasher *self, const char *text)
{
    gc_hasher_field(self, text, strlen(text));
}

void gc_hasher_stream(gc_hasher *self, const void *mem, size_t len)
{
    if (len > GATHERED - self->used)
        flush(self);
    if (len > GATHERED) {
        must(EVP_DigestUpdate(self->ctx, mem, len));
    } else if (len) {
        memcpy(self->gathered + self->used, mem, len);
        self->used += len;
    }
}

gc_sha gc_hasher_finish(gc_hasher **self_p)
{
    gc_hasher *self = *self_p;
    unsigned char raw[EVP_MAX_MD_SIZE];
    flush(self);
    must(EVP_DigestFinal_ex(self->ctx, raw, NULL));
    EVP_MD_CTX_free(self->ctx);
    free(self);
    *self_p = NULL;
    return gc_sha_of_raw(raw);
}
