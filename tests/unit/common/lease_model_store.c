#include "lease_model.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/map.h"
#include "common/mem.h"
#include "common/store_scripts.h"
#include "support/must.h"

#define PICTURE_LIMIT ((size_t)1 << 16)
#define TIME_DIGITS 13 /* milliseconds since 1970 */
#define EPOCH_DIGITS 16

struct model_store {
    astore_fixture *fixture;
    gc_task *tasks;
    gc_map *known; /* request in a picture -> model_reply */
    char *held;    /* picture that is in Redis now */
    size_t asked;
};

/* ---- breaking the scripts ---- */

static const model_flaw *wanted_flaw;

static char *broken(const char *text, const model_flaw *flaw, size_t *hits)
{
    gc_buf out;
    gc_buf_init(&out, (size_t)1 << 20);
    for (const char *at; (at = strstr(text, flaw->needle)); ++*hits) {
        gc_buf_append(&out, text, (size_t)(at - text));
        gc_buf_puts(&out, flaw->instead);
        text = at + strlen(flaw->needle);
    }
    gc_buf_puts(&out, text);
    return gc_buf_take(&out);
}

/* The linker puts this in the place of gc_scripts_init(). */
void __real_gc_scripts_init(gc_scripts *self);
void __wrap_gc_scripts_init(gc_scripts *self);
void __wrap_gc_scripts_init(gc_scripts *self)
{
    size_t hits = 0;
    __real_gc_scripts_init(self);
    for (size_t i = 0; wanted_flaw && i < GC_SCRIPT_COUNT; i++) {
        gc_script *script = &self->items[i];
        char *text = broken(script->text, wanted_flaw, &hits);
        free(script->text);
        script->text = text;
        gc_sha1_hex(text, strlen(text), script->sha1);
    }
    if (wanted_flaw && !hits)
        fail_msg("flaw \"%s\": no script has \"%s\" any more", wanted_flaw->name,
                 wanted_flaw->needle);
}

/* ---- in and out of Redis ---- */

static const char draw[] =
    "local out, keys = {}, redis.call('KEYS', '*')\n"
    "for _, key in ipairs(keys) do\n"
    "  local kind = redis.call('TYPE', key).ok\n"
    "  if kind == 'string' then\n"
    "    out[#out + 1] = 's\\t' .. key .. '\\t' .. redis.call('GET', key)\n"
    "  elseif kind == 'hash' then\n"
    "    local all = redis.call('HGETALL', key)\n"
    "    for i = 1, #all, 2 do\n"
    "      local more = all[i] == 'created_at' and '999' or ''\n"
    "      out[#out + 1] = 'h\\t' .. key .. '\\t' .. all[i] .. '\\t' .. all[i + 1] .. more\n"
    "    end\n"
    "  elseif kind == 'set' then\n"
    "    for _, member in ipairs(redis.call('SMEMBERS', key)) do\n"
    "      out[#out + 1] = 'm\\t' .. key .. '\\t' .. member\n"
    "    end\n"
    "  else error('no line for ' .. kind) end\n"
    "end\n"
    "table.sort(out)\n"
    "return table.concat(out, '\\n')\n";

static const char put_back[] =
    "redis.call('FLUSHDB')\n"
    "for line in ARGV[1]:gmatch('[^\\n]+') do\n"
    "  local w = {}\n"
    "  for word in (line .. '\\t'):gmatch('([^\\t]*)\\t') do w[#w + 1] = word end\n"
    "  if w[3] == 'created_at' then w[4] = w[4]:sub(1, -4) end\n"
    "  if w[1] == 's' then redis.call('SET', w[2], w[3])\n"
    "  elseif w[1] == 'h' then redis.call('HSET', w[2], w[3], w[4])\n"
    "  else redis.call('SADD', w[2], w[3]) end\n"
    "end\n"
    "return 'OK'\n";

/* Steps over one word of letters and digits; its length if it is nothing but digits. */
static size_t step_word(const char **text)
{
    const char *start = *text;
    bool digits = true;
    for (; isalnum((unsigned char)**text); ++*text)
        digits &= isdigit((unsigned char)**text) != 0;
    return digits ? (size_t)(*text - start) : 0;
}

static char *without_times(const char *text)
{
    gc_buf out;
    gc_buf_init(&out, PICTURE_LIMIT);
    while (*text) {
        const char *start = text;
        size_t digits = step_word(&text);
        if (digits == TIME_DIGITS)
            gc_buf_puts(&out, "0");
        else
            gc_buf_append(&out, start, (size_t)(text - start));
        if (*text)
            gc_buf_append(&out, text++, 1);
    }
    assert_false(out.full);
    return gc_buf_take(&out);
}

static char *take_picture(model_store *self)
{
    char *raw = must_redis_text(self->fixture->redis, "EVAL %s 0", draw);
    char *picture = without_times(raw);
    free(raw);
    return picture;
}

static void hold(model_store *self, const char *picture)
{
    if (strcmp(self->held, picture) == 0)
        return;
    freeReplyObject(must_redis(self->fixture->redis, "EVAL %s 0 %s", put_back, picture));
}

/* ---- asking ---- */

char *model_answer(const char *holder, size_t file)
{
    return gc_xasprintf("file %zu by %s", file, holder);
}

static claim_answer claims_of(const gc_task *task, const model_request *request)
{
    claim_answer claim = { .count = task->file_count };
    for (size_t i = 0; i < task->file_count; i++) {
        claim.files[i].outcome = request->epoch[i] ? GC_FILE_MADE : GC_FILE_WAITING;
        claim.files[i].epoch = request->epoch[i];
    }
    return claim;
}

static void perform(model_store *self, const model_request *request, model_reply *out)
{
    const gc_task *task = &self->tasks[request->task];
    claim_answer claim = claims_of(task, request);
    if (request->op == OP_CLAIM) {
        out->claim = do_claim(self->fixture, task, request->holder, request->attempt);
        out->err = out->claim.err;
    } else if (request->op == OP_RENEW) {
        renew_answer renew = do_renew(self->fixture, task, &claim, request->holder);
        out->err = renew.err;
        memcpy(out->kept, renew.ok, sizeof out->kept);
    } else if (request->op == OP_RELEASE) {
        out->err = do_release(self->fixture, task, &claim, request->holder, "queued");
    } else {
        char *text = model_answer(request->holder, request->file);
        commit_answer commit =
            do_commit(self->fixture, task, request->file, request->epoch[request->file],
                      request->holder, text);
        out->err = commit.err;
        memcpy(out->sha256, commit.sha256, sizeof out->sha256);
        free(text);
    }
}

model_reply *model_ask(model_store *self, const char *picture, int64_t number,
                       const model_request *request)
{
    char key[160];
    snprintf(key, sizeof key, "%d %d %s %zu %lld %lld %lld", request->op, request->task,
             request->holder, request->file, (long long)request->epoch[0],
             (long long)request->epoch[1], (long long)number);
    model_reply *reply = gc_map_get(self->known, key);
    if (!reply) {
        reply = gc_xcalloc(1, sizeof *reply);
        hold(self, picture);
        perform(self, request, reply);
        reply->after = take_picture(self);
        free(self->held);
        self->held = gc_xstrdup(reply->after);
        self->asked++;
        reply->after_number = -1;
        gc_map_set(self->known, key, reply);
    }
    return reply;
}

size_t model_store_asked(const model_store *self)
{
    return self->asked;
}

model_store *model_store_new(const model_flaw *flaw, gc_task *tasks)
{
    model_store *self = gc_xcalloc(1, sizeof *self);
    wanted_flaw = flaw;
    self->fixture = must_astore_new();
    wanted_flaw = NULL;
    self->tasks = tasks;
    self->known = gc_map_new();
    self->held = gc_xstrdup("");
    freeReplyObject(must_redis(self->fixture->redis, "CONFIG SET appendonly no"));
    freeReplyObject(must_redis(self->fixture->redis, "FLUSHDB"));
    return self;
}

void model_store_destroy(model_store **self_p)
{
    model_store *self = *self_p;
    void *value;
    for (size_t cursor = 0; gc_map_next(self->known, &cursor, NULL, &value);) {
        free(((model_reply *)value)->after);
        free(value);
    }
    gc_map_destroy(&self->known);
    must_astore_destroy(&self->fixture);
    free(self->held);
    free(self);
    *self_p = NULL;
}

/* ---- pictures ---- */

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

char *picture_find(const char *picture, const char *start)
{
    size_t len = strlen(start);
    for (; *picture; picture = next_line(picture))
        if (strncmp(picture, start, len) == 0)
            return gc_xmemdup(picture + len, strcspn(picture + len, "\n"));
    return NULL;
}

char *picture_without(const char *picture, const char *start)
{
    gc_buf out;
    gc_buf_init(&out, PICTURE_LIMIT);
    for (; *picture; picture = next_line(picture))
        if (strncmp(picture, start, strlen(start)) != 0)
            gc_buf_printf(&out, "%s%.*s", out.len ? "\n" : "",
                          (int)strcspn(picture, "\n"), picture);
    return gc_buf_take(&out);
}

size_t picture_epochs(const char *picture, int64_t *out, size_t count, size_t most)
{
    while (*picture) {
        const char *start = picture;
        if (step_word(&picture) == EPOCH_DIGITS) {
            assert_true(count < most);
            out[count++] = strtoll(start, NULL, 10);
        }
        picture += *picture != '\0';
    }
    return count;
}

char *picture_renumber(const char *picture, const int64_t *epochs, size_t count)
{
    gc_buf out;
    gc_buf_init(&out, PICTURE_LIMIT);
    while (*picture) {
        const char *start = picture;
        size_t rank = 0;
        if (step_word(&picture) == EPOCH_DIGITS) {
            int64_t epoch = strtoll(start, NULL, 10);
            while (rank < count && epochs[rank] != epoch)
                rank++;
            gc_buf_printf(&out, "%lld", (long long)model_epoch(rank));
        } else {
            gc_buf_append(&out, start, (size_t)(picture - start));
        }
        if (*picture)
            gc_buf_append(&out, picture++, 1);
    }
    return gc_buf_take(&out);
}
