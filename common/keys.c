#include "common/keys.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fs.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/strv.h"
#include "common/text.h"

#define MAX_FILE ((size_t)64 << 10)
#define MAX_KEY ((size_t)8 << 10)
#define MIN_SCRUB 8 /* shorter "keys" would blank out words */

static const char *const anthropic_name = "ANTHROPIC_API_KEY";
static const char *const openai_name = "OPENAI_API_KEY";

static gc_err key_set(gc_key *self, const char *secret, const char *from,
                      gc_errinfo *info)
{
    size_t len = strlen(secret);
    if (len > MAX_KEY)
        return gc_fail(info, GC_EINVAL, "the key in %s is longer than any key", from);
    for (size_t i = 0; i < len; i++)
        if (secret[i] <= ' ' || secret[i] > '~')
            return gc_fail(
                info, GC_EINVAL,
                "the key in %s has blanks or control bytes in it; copy it again", from);
    free(self->secret);
    self->secret = gc_xstrdup(secret);
    gc_sha sha = gc_sha256(secret, len);
    memcpy(self->id, len ? sha.hex : "none", len ? GC_KEY_ID : sizeof "none");
    return GC_OK;
}

static void key_release(gc_key *self)
{
    if (self->secret)
        explicit_bzero(self->secret, strlen(self->secret));
    free(self->secret);
    *self = (gc_key){ 0 };
}

void gc_keys_release(gc_keys *self)
{
    key_release(&self->anthropic);
    key_release(&self->openai);
}

const gc_key *gc_keys_find(const gc_keys *self, const char *provider)
{
    if (strcmp(provider, "anthropic") == 0)
        return &self->anthropic;
    return strcmp(provider, "openai") == 0 ? &self->openai : NULL;
}

bool gc_keys_serve(const gc_keys *self, const gc_config *config, const char *provider)
{
    const gc_key *key = gc_keys_find(self, provider);
    return key &&
           (*key->secret || (key == &self->openai && *config->llm_openai_base_url));
}

/* One line of the file: NAME=VALUE (also with `export` and quotes), or a bare key. */
static gc_err take_line(gc_keys *self, char *line, const gc_config *config,
                        gc_errinfo *info)
{
    gc_key *key =
        strcmp(config->llm_provider, "openai") == 0 ? &self->openai : &self->anthropic;
    const char *path = config->llm_api_key_file;
    if (gc_starts_with(line, "export "))
        line += strlen("export ");
    char *equals = strchr(line, '=');
    char *value = line;
    if (equals &&
        strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == (size_t)(equals - line)) {
        *equals = '\0';
        value = equals + 1;
        if (strcmp(line, anthropic_name) == 0)
            key = &self->anthropic;
        else if (strcmp(line, openai_name) == 0)
            key = &self->openai;
        else
            return GC_OK; /* somebody else's variable in a shared file */
    }
    size_t len = strlen(value);
    if (len >= 2 && (*value == '"' || *value == '\'') && value[len - 1] == *value) {
        value[len - 1] = '\0';
        value++;
    }
    return key_set(key, value, path, info);
}

bool gc_keys_exposed(const gc_config *config)
{
    struct stat st;
    return *config->llm_api_key_file && stat(config->llm_api_key_file, &st) == 0 &&
           (st.st_mode & S_IROTH);
}

static gc_err load_file(gc_keys *self, const gc_config *config, gc_errinfo *info)
{
    const char *path = config->llm_api_key_file;
    struct stat st;
    gc_strv lines = { 0 };
    gc_buf text;
    gc_buf_init(&text, MAX_FILE);
    gc_err err = gc_read_file(path, &text, info);
    if (!err && stat(path, &st) == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)))
        err = gc_fail(info, GC_EINVAL,
                      "%s may be written by others; chmod go-w it before use", path);
    if (err)
        goto out;
    gc_strv_split(&lines, text.ptr, '\n');
    for (size_t i = 0; i < lines.count && !err; i++)
        if (*lines.items[i] != '#')
            err = take_line(self, lines.items[i], config, info);
out:
    for (size_t i = 0; i < lines.count; i++)
        explicit_bzero(lines.items[i], strlen(lines.items[i]));
    gc_strv_release(&lines);
    explicit_bzero(text.ptr, text.len);
    gc_buf_release(&text);
    return err;
}

/* Blanks and line ends around it are no part of a key: secrets that were mounted from a file
 * often bring them along. */
static gc_err take_variable(gc_key *key, const char *name, gc_errinfo *info)
{
    static const char blanks[] = " \t\r\n";
    const char *value = getenv(name);
    if (!value)
        return GC_OK;
    value += strspn(value, blanks);
    size_t len = strlen(value);
    while (len > 0 && strchr(blanks, value[len - 1]))
        len--;
    if (len == 0)
        return GC_OK;
    char *own = gc_xmemdup(value, len);
    gc_err err = key_set(key, own, name, info);
    explicit_bzero(own, len);
    free(own);
    return err;
}

gc_err gc_keys_load(gc_keys *self, const gc_config *config, gc_errinfo *info)
{
    *self = (gc_keys){ 0 };
    const struct {
        const char *name;
        gc_key *key;
    } rows[] = { { anthropic_name, &self->anthropic }, { openai_name, &self->openai } };
    gc_err err = GC_OK;
    for (size_t i = 0; i < 2 && !err; i++)
        err = key_set(rows[i].key, "", "", info);
    if (!err && *config->llm_api_key_file)
        err = load_file(self, config, info);
    for (size_t i = 0; i < 2 && !err; i++)
        err = take_variable(rows[i].key, rows[i].name, info);
    if (err)
        gc_keys_release(self);
    return err;
}

void gc_key_scrub(const gc_key *self, char *text)
{
    size_t len = self->secret ? strlen(self->secret) : 0;
    char *at = text;
    while (len >= MIN_SCRUB && (at = strstr(at, self->secret))) {
        memset(at, '*', len);
        at += len;
    }
    for (at = text; (at = strstr(at, "sk-"));) {
        if (at > text && isalnum((unsigned char)at[-1])) {
            at++; /* the end of a word like "task-1" */
            continue;
        }
        while (isalnum((unsigned char)*at) || *at == '-' || *at == '_' || *at == '*')
            *at++ = '*';
    }
}

/* ---- whom to trust ---- */

gc_err gc_ca_file_check(const char *path, gc_errinfo *info)
{
    if (!*path)
        return GC_OK;
    if (access(path, R_OK) != 0)
        return gc_fail(info, GC_EINVAL, "llm.ca_file %s cannot be read: %s", path,
                       strerror(errno));
    X509_STORE *store = X509_STORE_new();
    bool good = store && X509_STORE_load_file(store, path) == 1;
    X509_STORE_free(store);
    ERR_clear_error();
    return good ? GC_OK
                : gc_fail(info, GC_EINVAL, "llm.ca_file %s holds no certificate", path);
}
