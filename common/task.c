#include "common/task.h"

#include <stdlib.h>
#include <string.h>

#include "common/fs.h"
#include "common/hash.h"
#include "common/mem.h"
#include "common/pack.h"
#include "common/text.h"

#define MAX_BYTES ((int64_t)64 << 20)
#define MAX_SHORT 256
#define MAX_PATH 4096
#define MAX_PROMISE (1 << 20)
#define MAX_COMPLAINT 16384 /* longer ones are cut by the writer */
#define MAX_USD 1000000000LL
#define SCHEMA(rows, type)                                  \
    {                                                       \
        (rows), sizeof(rows) / sizeof *(rows), sizeof(type) \
    }

/* Rows of a schema; `need` is GC_PACK_NEED or 0, `count` the offset of the array's size. */
#define TEXT(type, name, need, limit)                        \
    {                                                        \
        .key = #name, .kind = GC_PACK_TEXT, .flags = (need), \
        .offset = offsetof(type, name), .max = (limit)       \
    }
#define INT(type, name, need)                               \
    {                                                       \
        .key = #name, .kind = GC_PACK_INT, .flags = (need), \
        .offset = offsetof(type, name), .max = INT64_MAX    \
    }
#define REAL(type, name, need)                               \
    {                                                        \
        .key = #name, .kind = GC_PACK_REAL, .flags = (need), \
        .offset = offsetof(type, name), .max = MAX_USD       \
    }
#define BOOL(type, name)                                           \
    {                                                              \
        .key = #name, .kind = GC_PACK_BOOL, .flags = GC_PACK_NEED, \
        .offset = offsetof(type, name)                             \
    }
#define MAP(type, name, rows)                                     \
    {                                                             \
        .key = #name, .kind = GC_PACK_MAP, .flags = GC_PACK_NEED, \
        .offset = offsetof(type, name), .schema = (rows)          \
    }
#define ARRAY(type, name, count, least, most, rows)                              \
    {                                                                            \
        .key = #name, .kind = GC_PACK_ARRAY, .flags = GC_PACK_NEED,              \
        .offset = offsetof(type, name), .count_offset = (count), .min = (least), \
        .max = (most), .schema = (rows)                                          \
    }

static const gc_pack_field price_rows[] = {
    REAL(gc_prices, input, GC_PACK_NEED),
    REAL(gc_prices, cache_write_5m, GC_PACK_NEED),
    REAL(gc_prices, cache_write_1h, GC_PACK_NEED),
    REAL(gc_prices, cache_read, GC_PACK_NEED),
    REAL(gc_prices, output, GC_PACK_NEED),
};
static const gc_pack_schema prices = SCHEMA(price_rows, gc_prices);

static const char *const thinking_words[] = { "none", "disabled", "between_tools", NULL };

static const gc_pack_field model_rows[] = {
    TEXT(gc_model, id, GC_PACK_NEED, MAX_SHORT),
    TEXT(gc_model, provider, GC_PACK_NEED, MAX_SHORT),
    BOOL(gc_model, priced),
    MAP(gc_model, prices, &prices),
    INT(gc_model, long_prompt_tokens, GC_PACK_NEED),
    MAP(gc_model, long_prices, &prices),
    INT(gc_model, context_tokens, GC_PACK_NEED),
    INT(gc_model, max_output_tokens, GC_PACK_NEED),
    INT(gc_model, cache_min_tokens, GC_PACK_NEED),
    BOOL(gc_model, effort),
    { "thinking_off", GC_PACK_ENUM, .flags = GC_PACK_NEED,
      .offset = offsetof(gc_model, thinking_off), .words = thinking_words },
    INT(gc_model, thinking_tokens, GC_PACK_NEED),
    REAL(gc_model, bytes_per_token, GC_PACK_NEED),
    REAL(gc_model, seconds_per_1k_output, GC_PACK_NEED),
};
static const gc_pack_schema model = SCHEMA(model_rows, gc_model);

static const gc_pack_field block_rows[] = {
    TEXT(gc_block, text, GC_PACK_NULL, MAX_BYTES),
    TEXT(gc_block, sha256, GC_PACK_NULL, GC_SHA_HEX),
    { "mark", GC_PACK_BOOL, .flags = 0, .offset = offsetof(gc_block, mark) },
};
static const gc_pack_schema block = SCHEMA(block_rows, gc_block);

static const gc_pack_field file_rows[] = {
    TEXT(gc_task_file, path, GC_PACK_NEED, MAX_PATH),
    TEXT(gc_task_file, fingerprint, GC_PACK_NEED, GC_SHA_HEX),
    TEXT(gc_task_file, package, GC_PACK_NEED, MAX_SHORT),
    TEXT(gc_task_file, kind, GC_PACK_NEED, MAX_SHORT),
    TEXT(gc_task_file, promise, GC_PACK_NEED, MAX_PROMISE),
};
static const gc_pack_schema task_file = SCHEMA(file_rows, gc_task_file);

static const gc_pack_field task_rows[] = {
    TEXT(gc_task, job, GC_PACK_NEED | GC_PACK_ID, 64),
    TEXT(gc_task, id, GC_PACK_NEED | GC_PACK_ID, 64),
    TEXT(gc_task, provider, GC_PACK_NEED | GC_PACK_ID, 64),
    MAP(gc_task, model, &model),
    TEXT(gc_task, effort, GC_PACK_NEED, MAX_SHORT),
    BOOL(gc_task, openai_cache),
    INT(gc_task, max_tokens, GC_PACK_NEED),
    INT(gc_task, expected_output, 0),
    TEXT(gc_task, cache_ttl, GC_PACK_NEED, MAX_SHORT),
    ARRAY(gc_task, system, offsetof(gc_task, system_count), 0, GC_TASK_MAX_BLOCKS,
          &block),
    ARRAY(gc_task, user, offsetof(gc_task, user_count), 1, GC_TASK_MAX_BLOCKS, &block),
    ARRAY(gc_task, files, offsetof(gc_task, file_count), 1, GC_TASK_MAX_FILES,
          &task_file),
    INT(gc_task, lease_ms, GC_PACK_NEED),
    INT(gc_task, patience_ms, GC_PACK_NEED),
    INT(gc_task, first_byte_ms, GC_PACK_NEED),
    INT(gc_task, idle_ms, GC_PACK_NEED),
    INT(gc_task, call_ms, GC_PACK_NEED),
    REAL(gc_task, max_cost_usd, GC_PACK_NEED),
    REAL(gc_task, reserve_usd, GC_PACK_NEED),
    BOOL(gc_task, reuse),
    BOOL(gc_task, simulated),
    INT(gc_task, prompt_bytes, GC_PACK_NEED),
};
static const gc_pack_schema task = SCHEMA(task_rows, gc_task);

static const gc_pack_field usage_rows[] = {
    INT(gc_usage, input, GC_PACK_NEED),  INT(gc_usage, cache_write_5m, 0),
    INT(gc_usage, cache_write_1h, 0),    INT(gc_usage, cache_read, 0),
    INT(gc_usage, output, GC_PACK_NEED),
};
static const gc_pack_schema usage = SCHEMA(usage_rows, gc_usage);

static const char *const outcome_words[] = { "made", "reused", "rejected", "waiting",
                                             NULL };

static const gc_pack_field file_result_rows[] = {
    TEXT(gc_file_result, path, GC_PACK_NEED, MAX_PATH),
    { "outcome", GC_PACK_ENUM, .flags = GC_PACK_NEED,
      .offset = offsetof(gc_file_result, outcome), .words = outcome_words },
    TEXT(gc_file_result, sha256, 0, GC_SHA_HEX),
    { "partial", GC_PACK_BOOL, .flags = 0, .offset = offsetof(gc_file_result, partial) },
    TEXT(gc_file_result, text, GC_PACK_CLIP, MAX_COMPLAINT),
    MAP(gc_file_result, usage, &usage),
    REAL(gc_file_result, cost_usd, GC_PACK_NEED),
};
static const gc_pack_schema file_result = SCHEMA(file_result_rows, gc_file_result);

static const gc_pack_field result_rows[] = {
    ARRAY(gc_result, files, offsetof(gc_result, file_count), 0, GC_TASK_MAX_FILES,
          &file_result),
    MAP(gc_result, usage, &usage),
    REAL(gc_result, cost_usd, GC_PACK_NEED),
    { "unconfirmed", GC_PACK_MAP, .offset = offsetof(gc_result, unconfirmed),
      .schema = &usage },
    REAL(gc_result, unconfirmed_usd, 0),
    REAL(gc_result, wasted_usd, 0),
    INT(gc_result, uncached, 0),
    INT(gc_result, calls, GC_PACK_NEED),
    INT(gc_result, requests, GC_PACK_NEED),
    REAL(gc_result, seconds, 0),
    REAL(gc_result, first_byte_seconds, 0),
    TEXT(gc_result, worker, GC_PACK_NEED, MAX_SHORT),
    TEXT(gc_result, stop_reason, GC_PACK_CLIP, MAX_SHORT),
};
static const gc_pack_schema result = SCHEMA(result_rows, gc_result);

static const gc_pack_field news_rows[] = {
    INT(gc_news, bytes, 0),
    INT(gc_news, tokens, 0),
    TEXT(gc_news, phase, 0, MAX_SHORT),
    TEXT(gc_news, path, 0, MAX_PATH),
};
static const gc_pack_schema news = SCHEMA(news_rows, gc_news);

/* ---- the task ---- */

gc_task *gc_task_new(void)
{
    return gc_xcalloc(1, sizeof(gc_task));
}

void gc_task_destroy(gc_task **self_p)
{
    if (!*self_p)
        return;
    gc_pack_release(&task, *self_p);
    free(*self_p);
    *self_p = NULL;
}

void gc_task_encode(const gc_task *self, gc_buf *out)
{
    gc_pack_encode(&task, NULL, self, out);
}

/* A text or the hash of one, never both. */
static gc_err check_blocks(const gc_block *blocks, size_t count, gc_errinfo *info)
{
    for (size_t i = 0; i < count; i++) {
        bool hash = !blocks[i].sha256 || gc_sha_valid(blocks[i].sha256);
        if (!blocks[i].text == !blocks[i].sha256 || !hash)
            return gc_fail(info, GC_EPROTO,
                           "block %zu of the prompt has not one text or sha256", i);
    }
    return GC_OK;
}

/* Each is asked for once, and none may leave the folder of whoever writes it. */
static gc_err check_files(const gc_task_file *files, size_t count, gc_errinfo *info)
{
    char path[128];
    for (size_t i = 0; i < count; i++) {
        gc_one_line(path, sizeof path, files[i].path);
        if (!gc_path_safe(files[i].path))
            return gc_fail(info, GC_EPROTO,
                           "the path \"%s\" leaves the project or is not in normal form",
                           path);
        if (!gc_sha_valid(files[i].fingerprint))
            return gc_fail(info, GC_EPROTO, "\"%s\" has no fingerprint", path);
        for (size_t k = 0; k < i; k++)
            if (strcmp(files[i].path, files[k].path) == 0)
                return gc_fail(info, GC_EPROTO, "the file \"%s\" stands twice in it",
                               path);
    }
    return GC_OK;
}

static gc_err check_task(const gc_task *self, gc_errinfo *info)
{
    if (strcmp(self->cache_ttl, "5m") != 0 && strcmp(self->cache_ttl, "1h") != 0) {
        char ttl[32];
        gc_one_line(ttl, sizeof ttl, self->cache_ttl);
        return gc_fail(info, GC_EPROTO, "cache_ttl is \"%s\", neither 5m nor 1h", ttl);
    }
    if (self->max_tokens < 1)
        return gc_fail(info, GC_EPROTO, "max_tokens is 0: no answer could come");
    gc_err err = check_files(self->files, self->file_count, info);
    if (!err)
        err = check_blocks(self->system, self->system_count, info);
    if (!err)
        err = check_blocks(self->user, self->user_count, info);
    return err;
}

gc_err gc_task_decode(const void *mem, size_t len, gc_task **out, gc_errinfo *info)
{
    gc_task *self = gc_task_new();
    gc_err err = gc_pack_decode(&task, NULL, mem, len, self, NULL);
    if (err)
        gc_fail(info, err, "the payload is no task of this version");
    else
        err = check_task(self, info);
    if (err)
        gc_task_destroy(&self);
    else
        *out = self;
    return err;
}

/* ---- the result ---- */

gc_result *gc_result_new(void)
{
    return gc_xcalloc(1, sizeof(gc_result));
}

void gc_result_destroy(gc_result **self_p)
{
    if (!*self_p)
        return;
    gc_pack_release(&result, *self_p);
    free(*self_p);
    *self_p = NULL;
}

void gc_result_encode(const gc_result *self, gc_buf *out)
{
    gc_pack_encode(&result, NULL, self, out);
}

/* A made or reused file names its content; a rejected one may. */
static bool result_ok(const gc_result *self)
{
    for (size_t i = 0; i < self->file_count; i++) {
        const gc_file_result *file = &self->files[i];
        bool stored = file->outcome == GC_FILE_MADE || file->outcome == GC_FILE_REUSED;
        if (!*file->path || ((stored || *file->sha256) && !gc_sha_valid(file->sha256)))
            return false;
    }
    return true;
}

gc_err gc_result_decode(const void *mem, size_t len, gc_result **out)
{
    gc_result *self = gc_result_new();
    gc_err err = gc_pack_decode(&result, NULL, mem, len, self, NULL);
    if (!err && !result_ok(self))
        err = GC_EPROTO;
    if (err)
        gc_result_destroy(&self);
    else
        *out = self;
    return err;
}

/* ---- news ---- */

void gc_news_encode(const gc_news *self, gc_buf *out)
{
    gc_pack_encode(&news, NULL, self, out);
}

gc_err gc_news_decode(const void *mem, size_t len, gc_news *out)
{
    *out = (gc_news){ 0 };
    return gc_pack_decode(&news, NULL, mem, len, out, NULL);
}

void gc_news_release(gc_news *self)
{
    gc_pack_release(&news, self);
}
