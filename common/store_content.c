#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/store.h"
#include "common/store_private.h"

#define REFS_PER_CALL 500 /* keeps one script short: Redis serves nobody else meanwhile */
#define PUTS_PER_CALL 128 /* files, or */
#define PUT_BYTES ((size_t)4 << 20)
#define GENS_PER_CALL 500

gc_err gc_store_blob_put(gc_store *self, const void *mem, size_t len, gc_sha *sha)
{
    if (len > GC_STORE_MAX_BLOB)
        return GC_ETOOBIG;
    gc_sha hash = gc_sha256(mem, len);
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_BLOB_PUT);
    gc_cmd_text(&cmd, hash.hex);
    gc_cmd_mem(&cmd, mem, len);
    gc_err err = gc_store_run(self, &cmd);
    if (!err)
        *sha = hash;
    return err;
}

/* A string key as it is: GC_ENOENT, GC_ETOOBIG (over the limit of `out`). */
static gc_err get_string(gc_store *self, const char *kind, const char *sha256,
                         redisReply **out)
{
    if (!gc_sha_valid(sha256))
        return GC_EINVAL;
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_init(&cmd, "GET");
    gc_cmd_textf(&cmd, "gc:%s:%s", kind, sha256);
    gc_err err = gc_store_call(self, &cmd, &reply);
    gc_cmd_release(&cmd);
    if (err)
        return err;
    if (reply->type != REDIS_REPLY_STRING) {
        err = reply->type == REDIS_REPLY_NIL ? GC_ENOENT : GC_EPROTO;
        freeReplyObject(reply);
        return err;
    }
    *out = reply;
    return GC_OK;
}

static gc_err fill(gc_buf *out, const redisReply *reply)
{
    gc_buf_reset(out);
    return gc_buf_append(out, reply->str, reply->len) ? GC_ETOOBIG : GC_OK;
}

/* What does not hash to its name is dropped. */
static gc_err take_blob(gc_store *self, const char *sha256, const redisReply *reply,
                        gc_buf *out)
{
    gc_sha real = gc_sha256(reply->str, reply->len);
    if (strcmp(real.hex, sha256) == 0)
        return fill(out, reply);
    gc_cmd cmd;
    gc_cmd_blob_drop(&cmd, &self->scripts, sha256, reply);
    gc_err err = gc_store_run(self, &cmd);
    return err ? err : GC_EPROTO;
}

gc_err gc_store_blob_get(gc_store *self, const char *sha256, gc_buf *out)
{
    redisReply *reply = NULL;
    gc_err err = get_string(self, "blob", sha256, &reply);
    if (err)
        return err;
    err = take_blob(self, sha256, reply, out);
    freeReplyObject(reply);
    return err;
}

static gc_err get_blobs(gc_store *self, const char *const *sha256, size_t count,
                        redisReply **out)
{
    gc_cmd cmd;
    gc_cmd_init(&cmd, "MGET");
    for (size_t i = 0; i < count; i++)
        gc_cmd_textf(&cmd, "gc:blob:%s", sha256[i]);
    gc_err err = gc_store_call(self, &cmd, out);
    gc_cmd_release(&cmd);
    if (err)
        return err;
    if ((*out)->type == REDIS_REPLY_ARRAY && (*out)->elements == count)
        return GC_OK;
    freeReplyObject(*out);
    return GC_EPROTO;
}

void gc_store_blobs_get(gc_store *self, const char *const *sha256, size_t count,
                        gc_buf *out, gc_err *errs)
{
    redisReply *reply = NULL;
    bool valid = count > 1;
    for (size_t i = 0; i < count; i++)
        valid = valid && gc_sha_valid(sha256[i]);
    gc_err err = valid ? get_blobs(self, sha256, count, &reply) : GC_EINVAL;
    bool away = err == GC_EIO || err == GC_ECLOSED || err == GC_EAGAIN;
    /* One by one each says what is wrong with it, and none is too large alone. */
    for (size_t i = 0; i < count && err; i++)
        errs[i] = away ? err : gc_store_blob_get(self, sha256[i], &out[i]);
    if (err)
        return;
    for (size_t i = 0; i < count; i++) {
        const redisReply *one = reply->element[i];
        errs[i] = one->type == REDIS_REPLY_STRING
                      ? take_blob(self, sha256[i], one, &out[i])
                      : GC_ENOENT;
    }
    freeReplyObject(reply);
}

gc_err gc_store_fcs_put(gc_store *self, const char *sha256, const void *mem, size_t len)
{
    if (!gc_sha_valid(sha256))
        return GC_EINVAL;
    if (len > GC_STORE_MAX_BLOB)
        return GC_ETOOBIG;
    gc_cmd cmd;
    gc_cmd_init(&cmd, "SET");
    gc_cmd_textf(&cmd, "gc:fcs:%s", sha256);
    gc_cmd_mem(&cmd, mem, len);
    return gc_store_run(self, &cmd);
}

gc_err gc_store_fcs_get(gc_store *self, const char *sha256, gc_buf *out)
{
    redisReply *reply = NULL;
    gc_err err = get_string(self, "fcs", sha256, &reply);
    if (err)
        return err;
    err = fill(out, reply);
    freeReplyObject(reply);
    return err;
}

/* As many of the files as go into one command. */
static size_t fitting(const gc_store_file *files, size_t count)
{
    size_t n = 1, bytes = files[0].len;
    while (n < count && n < PUTS_PER_CALL && bytes + files[n].len <= PUT_BYTES)
        bytes += files[n++].len;
    return n;
}

static gc_err put_some(gc_store *self, const char *job, const gc_store_file *files,
                       size_t count)
{
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_FILES_PUT);
    gc_cmd_text(&cmd, job);
    for (size_t i = 0; i < count; i++) {
        gc_sha sha = gc_sha256(files[i].mem, files[i].len);
        gc_cmd_text(&cmd, files[i].path);
        gc_cmd_text(&cmd, sha.hex);
        gc_cmd_mem(&cmd, files[i].mem, files[i].len);
    }
    return gc_store_run(self, &cmd);
}

gc_err gc_store_files_put(gc_store *self, const char *job, const gc_store_file *files,
                          size_t count)
{
    gc_err err = gc_store_id(job) ? GC_OK : GC_EINVAL;
    for (size_t i = 0; i < count && !err; i++)
        err = !*files[i].path                    ? GC_EINVAL
              : files[i].len > GC_STORE_MAX_BLOB ? GC_ETOOBIG
                                                 : GC_OK;
    for (size_t i = 0, n; i < count && !err; i += n) {
        n = fitting(files + i, count - i);
        err = put_some(self, job, files + i, n);
    }
    return err;
}

gc_err gc_store_file_ref(gc_store *self, const char *job, const char *path,
                         const char *sha256)
{
    return gc_store_file_refs(self, job, &path, &sha256, 1);
}

static gc_err ref_some(gc_store *self, const char *job, const char *const *paths,
                       const char *const *shas, size_t count)
{
    gc_cmd cmd;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_FILE_REFS);
    gc_cmd_text(&cmd, job);
    for (size_t i = 0; i < count; i++) {
        gc_cmd_text(&cmd, paths[i]);
        gc_cmd_text(&cmd, shas[i]);
    }
    return gc_store_run(self, &cmd);
}

gc_err gc_store_file_refs(gc_store *self, const char *job, const char *const *paths,
                          const char *const *shas, size_t count)
{
    if (!gc_store_id(job))
        return GC_EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!*paths[i] || !gc_sha_valid(shas[i]))
            return GC_EINVAL;
    for (size_t i = 0; i < count; i += REFS_PER_CALL) {
        size_t n = count - i < REFS_PER_CALL ? count - i : REFS_PER_CALL;
        gc_err err = ref_some(self, job, paths + i, shas + i, n);
        if (err)
            return err;
    }
    return GC_OK;
}

void gc_gen_release(gc_gen *self)
{
    free(self->path);
    free(self->sha256);
    free(self->model);
    free(self->worker);
    *self = (gc_gen){ 0 };
}

/* Fields in the order of the script. */
static void gen_of(const redisReply *row, gc_gen *out)
{
    *out = (gc_gen){
        .path = gc_xstrdup(gc_reply_text(gc_reply_at(row, 0))),
        .sha256 = gc_xstrdup(gc_reply_text(gc_reply_at(row, 1))),
        .model = gc_xstrdup(gc_reply_text(gc_reply_at(row, 2))),
        .worker = gc_xstrdup(gc_reply_text(gc_reply_at(row, 3))),
        .usage = { .input = gc_reply_int(gc_reply_at(row, 4)),
                   .cache_write_5m = gc_reply_int(gc_reply_at(row, 5)),
                   .cache_write_1h = gc_reply_int(gc_reply_at(row, 6)),
                   .cache_read = gc_reply_int(gc_reply_at(row, 7)),
                   .output = gc_reply_int(gc_reply_at(row, 8)) },
        .cost_usd = gc_reply_double(gc_reply_at(row, 9)),
        .created_at = gc_reply_int(gc_reply_at(row, 10)),
    };
}

static gc_err find_some(gc_store *self, const char *const *fingerprints, size_t count,
                        gc_gen *out)
{
    gc_cmd cmd;
    redisReply *reply = NULL;
    gc_cmd_script(&cmd, &self->scripts, GC_SCRIPT_GEN_FIND);
    for (size_t i = 0; i < count; i++)
        gc_cmd_text(&cmd, fingerprints[i]);
    gc_err err = gc_store_call(self, &cmd, &reply);
    gc_cmd_release(&cmd);
    if (err)
        return err;
    for (size_t i = 0; i < count; i++) {
        const redisReply *row = gc_reply_at(reply, i);
        if (gc_sha_valid(gc_reply_text(gc_reply_at(row, 1))))
            gen_of(row, &out[i]);
    }
    freeReplyObject(reply);
    return GC_OK;
}

gc_err gc_store_gen_find(gc_store *self, const char *const *fingerprints, size_t count,
                         gc_gen *out)
{
    for (size_t i = 0; i < count; i++)
        if (!gc_sha_valid(fingerprints[i]))
            return GC_EINVAL;
    for (size_t i = 0; i < count; i += GENS_PER_CALL) {
        size_t n = count - i < GENS_PER_CALL ? count - i : GENS_PER_CALL;
        gc_err err = find_some(self, fingerprints + i, n, out + i);
        if (err)
            return err;
    }
    return GC_OK;
}
