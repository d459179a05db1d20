#include "common/store_scripts.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/store_scripts_parts.h"

/* ARGV: id owner ttl_ms created_at cost_nusd, then field value … (counters are only set
 * where absent, so that creating again after a lost record keeps what was counted). */
static const char job_create[] =
    "local job, owner, now = 'gc:job:' .. ARGV[1], ARGV[2], now_ms()\n"
    "local holder = call('HGET', job, 'owner')\n"
    "if holder and holder ~= owner then return 'EEXIST' end\n"
    "local created = tonumber(ARGV[4])\n"
    "if created == 0 then created = now end\n"
    "call('HSET', job, 'owner', owner, 'created_at', int(created))\n"
    "for i = 6, #ARGV, 2 do\n"
    "  if ARGV[i]:sub(1, 1) == '+' then\n"
    "    call('HSETNX', job, ARGV[i]:sub(2), ARGV[i + 1])\n"
    "  else\n"
    "    call('HSET', job, ARGV[i], ARGV[i + 1])\n"
    "  end\n"
    "end\n"
    "for _, name in ipairs({'cost', 'reserved', 'unconfirmed'}) do\n"
    "  call('HSETNX', job, name .. '_nusd', '0')\n"
    "  call('HSETNX', job, name .. '_usd', '0.000000000')\n"
    "end\n"
    "local more = tonumber(ARGV[5]) - amount(job, 'cost')\n"
    "if more > 0 then money(job, 'cost', more) end\n"
    "touch(job, now)\n"
    "call('SET', 'gc:owner:' .. ARGV[1], owner, 'PX', ARGV[3])\n"
    "call('ZADD', 'gc:jobs', int(created), ARGV[1])\n"
    "return 'OK'\n";

/* ARGV: id owner ttl_ms. ENOENT: the record is gone. */
static const char job_renew[] =
    "local key = 'gc:owner:' .. ARGV[1]\n"
    "local owner = call('HGET', 'gc:job:' .. ARGV[1], 'owner')\n"
    "if not owner then return 'ENOENT' end\n"
    "local holder = call('GET', key)\n"
    "if owner ~= ARGV[2] or (holder and holder ~= ARGV[2]) then return 'ESTATE' end\n"
    "call('SET', key, ARGV[2], 'PX', ARGV[3])\n"
    "return 'OK'\n";

/* ARGV: id owner ttl_ms force. */
static const char job_take[] =
    "local job, key = 'gc:job:' .. ARGV[1], 'gc:owner:' .. ARGV[1]\n"
    "if call('HEXISTS', job, 'owner') == 0 then return {'ENOENT'} end\n"
    "local holder = call('GET', key)\n"
    "if holder and holder ~= ARGV[2] and ARGV[4] ~= '1' then\n"
    "  return {'EEXIST', holder}\n"
    "end\n"
    "local now = now_ms()\n"
    "call('HSET', job, 'owner', ARGV[2], 'state', 'running')\n"
    "call('HDEL', job, 'cancel')\n"
    "sweep(job, now)\n"
    "touch(job, now)\n"
    "call('SET', key, ARGV[2], 'PX', ARGV[3])\n"
    "return {'OK'}\n";

/* ARGV: id owner state final. */
static const char job_state[] =
    "local job, key = 'gc:job:' .. ARGV[1], 'gc:owner:' .. ARGV[1]\n"
    "local owner, holder = call('HGET', job, 'owner'), call('GET', key)\n"
    "if not owner then return 'ENOENT' end\n"
    "if owner ~= ARGV[2] or (holder and holder ~= ARGV[2]) then return 'ESTATE' end\n"
    "local now = now_ms()\n"
    "call('HSET', job, 'state', ARGV[3])\n"
    "touch(job, now)\n"
    "if ARGV[4] == '1' then\n"
    "  sweep(job, now)\n"
    "  call('DEL', key)\n"
    "end\n"
    "return 'OK'\n";

/* ARGV: id field value. */
static const char job_set[] =
    "local job = 'gc:job:' .. ARGV[1]\n"
    "if call('HEXISTS', job, 'owner') == 0 then return 'ENOENT' end\n"
    "call('HSET', job, ARGV[2], ARGV[3])\n"
    "touch(job, now_ms())\n"
    "return 'OK'\n";

/* ARGV: id. Without an owner nobody else would ever say that it has ended. */
static const char job_cancel[] =
    "local job = 'gc:job:' .. ARGV[1]\n"
    "if call('HEXISTS', job, 'owner') == 0 then return 'ENOENT' end\n"
    "call('HSET', job, 'cancel', '1')\n"
    "if call('EXISTS', 'gc:owner:' .. ARGV[1]) == 0 then\n"
    "  call('HSET', job, 'state', 'cancelled')\n"
    "end\n"
    "touch(job, now_ms())\n"
    "return 'OK'\n";

/* ARGV: output fcs most. The newest that is not done: of the output, else of the FCS. */
static const char job_unfinished[] =
    "local of_fcs\n"
    "for _, id in ipairs(call('ZREVRANGE', 'gc:jobs', 0, ARGV[3] - 1)) do\n"
    "  local f = call('HMGET', 'gc:job:' .. id, 'state', 'output', 'fcs')\n"
    "  if f[1] and f[1] ~= 'done' then\n"
    "    if ARGV[1] ~= '' and f[2] == ARGV[1] then return {'OK', id} end\n"
    "    if ARGV[2] ~= '' and f[3] == ARGV[2] then of_fcs = of_fcs or id end\n"
    "  end\n"
    "end\n"
    "if of_fcs then return {'OK', of_fcs} end\n"
    "return {'ENOENT'}\n";

/* ARGV: job task state worker attempt epoch. */
static const char task_set[] =
    "put_record('gc:job:' .. ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6],\n"
    "           now_ms())\n"
    "return 'OK'\n";

/* ARGV: job, then path sha256 content … */
static const char files_put[] = "local job = 'gc:job:' .. ARGV[1]\n"
                                "for i = 2, #ARGV, 3 do\n"
                                "  put_blob(ARGV[i + 1], ARGV[i + 2])\n"
                                "  call('HSET', job .. ':files', ARGV[i], ARGV[i + 1])\n"
                                "end\n"
                                "count_files(job)\n"
                                "return 'OK'\n";

/* ARGV: job, most events of the stream, then JSON texts. */
static const char events_add[] =
    "local key = 'gc:job:' .. ARGV[1] .. ':events'\n"
    "for i = 3, #ARGV do\n"
    "  call('XADD', key, 'MAXLEN', '~', ARGV[2], '*', 'json', ARGV[i])\n"
    "end\n"
    "return 'OK'\n";

/* ARGV: job, then path sha256 …; nothing is recorded if one blob is missing. */
static const char file_refs[] =
    "local job = 'gc:job:' .. ARGV[1]\n"
    "for i = 3, #ARGV, 2 do\n"
    "  if call('EXISTS', 'gc:blob:' .. ARGV[i]) == 0 then return 'ENOENT' end\n"
    "end\n"
    "for i = 2, #ARGV, 2 do call('HSET', job .. ':files', ARGV[i], ARGV[i + 1]) end\n"
    "count_files(job)\n"
    "return 'OK'\n";

/* ARGV: sha256 content. Writing over a damaged blob heals it. */
static const char blob_put[] = "put_blob(ARGV[1], ARGV[2])\n"
                               "return 'OK'\n";

/* ARGV: sha256, sha1 of the damaged bytes that were read: a healed blob stays. */
static const char blob_drop[] =
    "local key = 'gc:blob:' .. ARGV[1]\n"
    "local content = call('GET', key)\n"
    "if content and redis.sha1hex(content) == ARGV[2] then call('DEL', key) end\n"
    "return 'OK'\n";

/* ARGV: fingerprints. Per fingerprint its fields, or false; a record without its blob is
 * dropped. */
static const char gen_find[] =
    "local out, keys = {}, {}\n"
    "for i, fp in ipairs(ARGV) do out[i], keys[i] = false, 'gc:gen:' .. fp end\n"
    "if #keys == 0 or call('EXISTS', unpack(keys)) == 0 then return out end\n"
    "for i, key in ipairs(keys) do\n"
    "  local f = call('HMGET', key, 'path', 'sha256', 'model', 'worker', 'tokens_input',\n"
    "    'tokens_cache_write_5m', 'tokens_cache_write_1h', 'tokens_cache_read',\n"
    "    'tokens_output', 'cost', 'created_at')\n"
    "  if f[2] then\n"
    "    if call('EXISTS', 'gc:blob:' .. f[2]) == 1 then out[i] = f\n"
    "    else call('DEL', key) end\n"
    "  end\n"
    "end\n"
    "return out\n";

/* The living workers, each as [id, field, value, …]; the dead leave the index. */
static const char workers[] =
    "local out = {}\n"
    "for _, id in ipairs(call('ZRANGE', 'gc:workers', 0, -1)) do\n"
    "  local f = call('HGETALL', 'gc:worker:' .. id)\n"
    "  if #f == 0 then call('ZREM', 'gc:workers', id)\n"
    "  else table.insert(f, 1, id); out[#out + 1] = f end\n"
    "end\n"
    "return out\n";

/* ARGV: id ttl_ms field value … */
static const char worker_seen[] =
    "local key, now = 'gc:worker:' .. ARGV[1], now_ms()\n"
    "call('HSET', key, 'seen_at', int(now), unpack(ARGV, 3))\n"
    "call('PEXPIRE', key, ARGV[2])\n"
    "call('ZADD', 'gc:workers', int(now), ARGV[1])\n"
    "call('ZREMRANGEBYSCORE', 'gc:workers', '-inf', int(now - 86400000))\n"
    "return 'OK'\n";

/* ARGV: id. */
static const char worker_gone[] = "call('DEL', 'gc:worker:' .. ARGV[1])\n"
                                  "call('ZREM', 'gc:workers', ARGV[1])\n"
                                  "return 'OK'\n";

/* ARGV: model, then for each group of sums: how many, the bound of the first, and field and
 * added of each. Halving all of a group keeps their quotients and lets old calls fade. */
static const char model_learn[] =
    "local key = 'gc:model:' .. ARGV[1]\n"
    "local at = 2\n"
    "while at < #ARGV do\n"
    "  local last = at + 2 * tonumber(ARGV[at])\n"
    "  local full = false\n"
    "  for i = at + 2, last, 2 do\n"
    "    local sum = call('HINCRBY', key, ARGV[i], ARGV[i + 1])\n"
    "    full = full or (i == at + 2 and sum > tonumber(ARGV[at + 1]))\n"
    "  end\n"
    "  for i = at + 2, full and last or 0, 2 do\n"
    "    call('HSET', key, ARGV[i], int(call('HGET', key, ARGV[i]) / 2))\n"
    "  end\n"
    "  at = last + 2\n"
    "end\n"
    "call('HSET', key, 'updated_at', int(now_ms()))\n"
    "return 'OK'\n";

static const char *const bodies[GC_SCRIPT_COUNT] = {
    [GC_SCRIPT_JOB_CREATE] = job_create,
    [GC_SCRIPT_JOB_RENEW] = job_renew,
    [GC_SCRIPT_JOB_TAKE] = job_take,
    [GC_SCRIPT_JOB_STATE] = job_state,
    [GC_SCRIPT_JOB_SET] = job_set,
    [GC_SCRIPT_JOB_CANCEL] = job_cancel,
    [GC_SCRIPT_JOB_UNFINISHED] = job_unfinished,
    [GC_SCRIPT_TASK_SET] = task_set,
    [GC_SCRIPT_FILES_PUT] = files_put,
    [GC_SCRIPT_EVENTS_ADD] = events_add,
    [GC_SCRIPT_FILE_REFS] = file_refs,
    [GC_SCRIPT_BLOB_PUT] = blob_put,
    [GC_SCRIPT_BLOB_DROP] = blob_drop,
    [GC_SCRIPT_GEN_FIND] = gen_find,
    [GC_SCRIPT_WORKERS] = workers,
    [GC_SCRIPT_WORKER_SEEN] = worker_seen,
    [GC_SCRIPT_WORKER_GONE] = worker_gone,
    [GC_SCRIPT_MODEL_ADD] = gc_lua_model_add,
    [GC_SCRIPT_MODEL_LEARN] = model_learn,
    [GC_SCRIPT_CLAIM] = gc_lua_claim,
    [GC_SCRIPT_RENEW] = gc_lua_renew,
    [GC_SCRIPT_RELEASE] = gc_lua_release,
    [GC_SCRIPT_COMMIT] = gc_lua_commit,
    [GC_SCRIPT_SETTLE] = gc_lua_settle,
    [GC_SCRIPT_PREFIX_CLAIM] = gc_lua_prefix_claim,
    [GC_SCRIPT_PREFIX_WARM] = gc_lua_prefix_warm,
    [GC_SCRIPT_PREFIX_ABANDON] = gc_lua_prefix_abandon,
    [GC_SCRIPT_LIMIT_TAKE] = gc_lua_limit_take,
    [GC_SCRIPT_LIMIT_LEAVE] = gc_lua_limit_leave,
    [GC_SCRIPT_LIMIT_SETTLE] = gc_lua_limit_settle,
    [GC_SCRIPT_LIMIT_LEARN] = gc_lua_limit_learn,
    [GC_SCRIPT_LIMIT_PAUSE] = gc_lua_limit_pause,
};

void gc_sha1_hex(const void *mem, size_t len, char out[GC_SCRIPT_SHA + 1])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(mem, len, digest, NULL, EVP_sha1(), NULL) != 1)
        abort(); /* OpenSSL without SHA-1 cannot name a script */
    for (int i = 0; i < GC_SCRIPT_SHA / 2; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

bool gc_script_joins(int id)
{
    switch (id) {
    case GC_SCRIPT_BLOB_PUT:
    case GC_SCRIPT_MODEL_ADD:
    case GC_SCRIPT_CLAIM:
    case GC_SCRIPT_RENEW:
    case GC_SCRIPT_RELEASE:
    case GC_SCRIPT_COMMIT:
    case GC_SCRIPT_SETTLE:
    case GC_SCRIPT_PREFIX_CLAIM:
    case GC_SCRIPT_PREFIX_WARM:
    case GC_SCRIPT_PREFIX_ABANDON:
    case GC_SCRIPT_LIMIT_TAKE:
    case GC_SCRIPT_LIMIT_LEAVE:
    case GC_SCRIPT_LIMIT_SETTLE:
    case GC_SCRIPT_LIMIT_LEARN:
    case GC_SCRIPT_LIMIT_PAUSE: return true;
    default: return false;
    }
}

static const char *const aheads[GC_SCRIPT_COUNT] = {
    [GC_SCRIPT_CLAIM] = gc_lua_claim_ahead,   [GC_SCRIPT_RENEW] = gc_lua_renew_ahead,
    [GC_SCRIPT_COMMIT] = gc_lua_commit_ahead, [GC_SCRIPT_RELEASE] = gc_lua_release_ahead,
    [GC_SCRIPT_SETTLE] = gc_lua_settle_ahead,
};

/* ARGV: msgpack of [script, [its arguments], script, [its arguments] …]. Answers one reply
 * for each. What fails alone answers with its error, as it would have by itself. */
static char *join_scripts(void)
{
    gc_buf text;
    gc_buf_init(&text, 1 << 20);
    gc_buf_printf(&text, "%s%s%s%s%s%slocal F, A = {}, {}\n", gc_lua_lib,
                  gc_lua_limit_lib, gc_lua_line_lib, gc_lua_provider_lib, gc_lua_flush,
                  gc_lua_ahead);
    for (int i = 0; i < GC_SCRIPT_COUNT; i++)
        if (gc_script_joins(i))
            gc_buf_printf(&text, "F[%d] = function(ARGV)\nlocal KEY = ARGV[1]\n%send\n",
                          i, bodies[i]);
    for (int i = 0; i < GC_SCRIPT_COUNT; i++)
        if (aheads[i])
            gc_buf_printf(&text, "A[%d] = function(ARGV)\n%send\n", i, aheads[i]);
    gc_buf_puts(&text,
                "local out, asked = {}, cmsgpack.unpack(ARGV[1])\n"
                "for i = 1, #asked, 2 do\n"
                "  local ahead = A[asked[i]]\n"
                "  if ahead then ahead(asked[i + 1]) end\n"
                "end\n"
                "read_ahead()\n"
                "for i = 1, #asked, 2 do\n"
                "  local ok, reply = pcall(F[asked[i]], asked[i + 1])\n"
                "  if not ok and type(reply) ~= 'table' then reply = {err = reply} end\n"
                "  out[#out + 1] = reply\n"
                "end\n"
                "flush()\n"
                "return out\n");
    return gc_buf_take(&text);
}

/* Redis makes the functions of a script anew each time that it runs: only those it needs. */
static const char *line_lib(int id)
{
    bool needs = id == GC_SCRIPT_LIMIT_TAKE || id == GC_SCRIPT_LIMIT_LEAVE ||
                 id == GC_SCRIPT_LIMIT_SETTLE || id == GC_SCRIPT_LIMIT_LEARN;
    return needs ? gc_lua_line_lib : "";
}

static char *lone_script(int id)
{
    return gc_xasprintf("%s%s%s%s%slocal function run()\nlocal KEY = ARGV[1]\n%send\n"
                        "local reply = run()\nflush()\nreturn reply\n",
                        gc_lua_lib, gc_lua_limit_lib, line_lib(id), gc_lua_provider_lib,
                        gc_lua_flush, bodies[id]);
}

void gc_scripts_init(gc_scripts *self)
{
    for (int i = 0; i < GC_SCRIPT_COUNT; i++) {
        gc_script *script = &self->items[i];
        script->text = i == GC_SCRIPT_MANY ? join_scripts() : lone_script(i);
        gc_sha1_hex(script->text, strlen(script->text), script->sha1);
    }
}

void gc_scripts_release(gc_scripts *self)
{
    for (int i = 0; i < GC_SCRIPT_COUNT; i++)
        free(self->items[i].text);
    *self = (gc_scripts){ 0 };
}
