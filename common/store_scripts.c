#include "common/store_scripts.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/mem.h"
#include "common/store_scripts_provider.h"

/* Before every script. Time is the server's, so that no host's clock decides. Money is
 * counted in billionths of a dollar (exact in a Lua number up to nine million dollars);
 * the *_usd fields are the same figures for readers. Each script's first write is one that
 * Redis refuses when memory is full, so that a refusal comes before any change. */
static const char prelude[] =
    "local call = redis.call\n"
    "local time\n"
    "local function now_ms()\n"
    "  time = time or call('TIME')\n"
    "  return time[1] * 1000 + math.floor(time[2] / 1000)\n"
    "end\n"
    "local function int(n) return string.format('%.0f', n) end\n"
    /* What many operations of one script change alike is written once, by flush():
     * counters, the job's `updated_at` and number of files, whole small hashes, the epoch. */
    "local touched, counted, added, hashes, changed, lives, epoch_now =\n"
    "  {}, {}, {}, {}, {}, {}, nil\n"
    "local function add(job, field, n)\n"
    "  added[job] = added[job] or {}\n"
    "  added[job][field] = (added[job][field] or 0) + n\n"
    "end\n"
    "local function hash(key)\n"
    "  if not hashes[key] then\n"
    "    local f, flat = {}, call('HGETALL', key)\n"
    "    for i = 1, #flat, 2 do f[flat[i]] = flat[i + 1] end\n"
    "    hashes[key], changed[key] = f, {}\n"
    "  end\n"
    "  return hashes[key]\n"
    "end\n"
    "local function put(key, field, value)\n" /* nil: the field goes */
    "  hash(key)[field] = value\n"
    "  changed[key][field] = value or false\n"
    "end\n"
    "local function live(key, ms) lives[key] = math.max(lives[key] or 0, ms) end\n"
    "local function flush()\n"
    "  if epoch_now then call('SET', 'gc:epoch', int(epoch_now)) end\n"
    "  for key, fields in pairs(changed) do\n"
    "    for field, value in pairs(fields) do\n"
    "      if value then call('HSET', key, field, value)\n"
    "      else call('HDEL', key, field) end\n"
    "    end\n"
    "  end\n"
    "  for job, fields in pairs(added) do\n"
    "    for field, n in pairs(fields) do call('HINCRBY', job, field, int(n)) end\n"
    "  end\n"
    "  for job in pairs(counted) do\n"
    "    call('HSET', job, 'files_done', call('HLEN', job .. ':files'))\n"
    "  end\n"
    "  for job, now in pairs(touched) do call('HSET', job, 'updated_at', int(now)) end\n"
    "  for key, ms in pairs(lives) do call('PEXPIRE', key, int(ms)) end\n"
    "end\n"
    "local function money(job, name, delta)\n"
    "  if delta == 0 then return end\n"
    "  local n = call('HINCRBY', job, name .. '_nusd', int(delta))\n"
    "  if n < 0 then n = 0; call('HSET', job, name .. '_nusd', '0') end\n"
    "  call('HSET', job, name .. '_usd',\n"
    "       string.format('%d.%09d', math.floor(n / 1e9), n % 1e9))\n"
    "end\n"
    "local function amount(job, name)\n"
    "  return tonumber(call('HGET', job, name .. '_nusd') or '0')\n"
    "end\n"
    "local function touch(job, now) touched[job] = now end\n"
    "local function count_files(job) counted[job] = true end\n"
    "local cancels = {}\n"
    "local function is_cancelled(job)\n"
    "  cancels[job] = cancels[job] or call('HGET', job, 'cancel') or '0'\n"
    "  return cancels[job] == '1'\n"
    "end\n"
    /* "state worker attempt epoch updated_at" */
    "local function put_record(job, task, state, worker, attempt, epoch, now)\n"
    "  call('HSET', job .. ':tasks', task, state .. ' ' .. worker .. ' ' .. attempt ..\n"
    "       ' ' .. epoch .. ' ' .. int(now))\n"
    "end\n"
    "local function get_record(job, task)\n"
    "  local text = call('HGET', job .. ':tasks', task)\n"
    "  if not text then return nil end\n"
    "  return string.match(text, '^(%S+) (%S+) (%S+) (%S+)')\n"
    "end\n"
    "local function put_blob(sha, content)\n"
    "  local key = 'gc:blob:' .. sha\n"
    "  if call('GET', key) ~= content then call('SET', key, content) end\n"
    "end\n"
    /* Reserves: field "task worker" -> "nusd attempt expires_at", where expires_at is 0
     * once the holder let it lapse: the money may be spent, so it moved to unconfirmed. */
    "local reserving = {}\n"
    "local function put_reserve(job, field, n, attempt, till)\n"
    "  reserving[job] = 1\n"
    "  call('HSET', job .. ':reserves', field,\n"
    "       int(n) .. ' ' .. attempt .. ' ' .. int(till))\n"
    "end\n"
    "local function get_reserve(job, field)\n"
    "  reserving[job] = reserving[job] or call('EXISTS', job .. ':reserves')\n"
    "  if reserving[job] == 0 then return nil end\n"
    "  local text = call('HGET', job .. ':reserves', field)\n"
    "  if not text then return nil end\n"
    "  local n, attempt, expires = string.match(text, '^(%d+) (%S+) (%d+)$')\n"
    "  return tonumber(n), attempt, tonumber(expires)\n"
    "end\n"
    "local function lapse(job, field, n, attempt)\n"
    "  money(job, 'reserved', -n)\n"
    "  money(job, 'unconfirmed', n)\n"
    "  call('HSET', job .. ':reserves', field, int(n) .. ' ' .. attempt .. ' 0')\n"
    "end\n"
    /* Lapses what is overdue; the number of reserves that still run. */
    "local function sweep(job, now)\n"
    "  local all = call('HGETALL', job .. ':reserves')\n"
    "  local running = 0\n"
    "  for i = 1, #all, 2 do\n"
    "    local n, attempt, expires = string.match(all[i + 1], '^(%d+) (%S+) (%d+)$')\n"
    "    expires = tonumber(expires)\n"
    "    if expires > now then running = running + 1\n"
    "    elseif expires > 0 then lapse(job, all[i], tonumber(n), attempt) end\n"
    "  end\n"
    "  return running\n"
    "end\n"
    "local function drop_reserve(job, field)\n"
    "  local n, _, expires = get_reserve(job, field)\n"
    "  if not n then return end\n"
    "  money(job, expires == 0 and 'unconfirmed' or 'reserved', -n)\n"
    "  call('HDEL', job .. ':reserves', field)\n"
    "end\n"
    /* True the first time only; remembered for a day, longer than any repeat can come. */
    "local function once(job, mark)\n"
    "  local key = job .. ':once'\n"
    "  if call('SADD', key, mark) == 0 then return false end\n"
    "  live(key, 86400000)\n"
    "  return true\n"
    "end\n"
    /* Somebody claimed after `epoch` and has committed. */
    "local function committed_since(fingerprint, epoch)\n"
    "  local e = call('HGET', 'gc:gen:' .. fingerprint, 'epoch')\n"
    "  return e and tonumber(e) >= tonumber(epoch)\n"
    "end\n";

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

/* ARGV: job path sha256 content. */
static const char file_put[] = "local job = 'gc:job:' .. ARGV[1]\n"
                               "put_blob(ARGV[3], ARGV[4])\n"
                               "call('HSET', job .. ':files', ARGV[2], ARGV[3])\n"
                               "count_files(job)\n"
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
    "local out = {}\n"
    "for i, fp in ipairs(ARGV) do\n"
    "  local key = 'gc:gen:' .. fp\n"
    "  local f = call('HMGET', key, 'path', 'sha256', 'model', 'worker', 'tokens_input',\n"
    "    'tokens_cache_write_5m', 'tokens_cache_write_1h', 'tokens_cache_read',\n"
    "    'tokens_output', 'cost', 'created_at')\n"
    "  out[i] = false\n"
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

/* ARGV: model, bytes per token and seconds per output token in millionths (0: not
 * measured). Plain mean of the first ten calls, exponential after them. */
static const char model_add[] =
    "local key = 'gc:model:' .. ARGV[1]\n"
    "local f = hash(key)\n"
    "local n = tonumber(f.calls or '0') + 1\n"
    "put(key, 'calls', int(n))\n"
    "for i, name in ipairs({'bytes_per_token', 'seconds_per_output_token'}) do\n"
    "  local value = tonumber(ARGV[i + 1]) / 1e6\n"
    "  if value > 0 then\n"
    "    local old = tonumber(f[name] or value)\n"
    "    local new = old + (value - old) / math.min(n, 10)\n"
    "    put(key, name, string.format('%.9f', new))\n"
    "  end\n"
    "end\n"
    "put(key, 'updated_at', int(now_ms()))\n"
    "return 'OK'\n";

/* ARGV: model, then field of the sum, added, field of the divisor, added, bound of the
 * divisor … Halving both keeps their quotient and lets old calls fade. */
static const char model_learn[] =
    "local key = 'gc:model:' .. ARGV[1]\n"
    "for i = 2, #ARGV, 5 do\n"
    "  local sum = call('HINCRBY', key, ARGV[i], ARGV[i + 1])\n"
    "  local per = call('HINCRBY', key, ARGV[i + 2], ARGV[i + 3])\n"
    "  if per > tonumber(ARGV[i + 4]) then\n"
    "    call('HSET', key, ARGV[i], int(sum / 2), ARGV[i + 2], int(per / 2))\n"
    "  end\n"
    "end\n"
    "call('HSET', key, 'updated_at', int(now_ms()))\n"
    "return 'OK'\n";

/* ARGV: job task worker attempt lease_ms reuse cap_nusd reserve_nusd, then fingerprint
 * path … Answers {OK, epoch, "R<sha256>" | "W" | "M" …}, {ESTATE}, {EFULL, running}. */
static const char claim[] =
    "local job, task, worker, attempt = 'gc:job:' .. ARGV[1], ARGV[2], ARGV[3], ARGV[4]\n"
    "local now, first = now_ms(), 9\n"
    "if is_cancelled(job) then return {'ESTATE'} end\n"
    /* A repeat of this very claim is known by the task's record and a lease still held. */
    "local state, w, a, own = get_record(job, task)\n"
    "if not (state and w == worker and a == attempt) then own = nil end\n"
    "local out, gone, mine, waiting, held_lease = {}, {}, {}, false, false\n"
    "for i = first, #ARGV, 2 do\n"
    "  local fp = ARGV[i]\n"
    "  local gen = call('HMGET', 'gc:gen:' .. fp, 'sha256', 'job')\n"
    "  local has = gen[1] and call('EXISTS', 'gc:blob:' .. gen[1]) == 1\n"
    "  if gen[1] and not has then gone[#gone + 1] = 'gc:gen:' .. fp end\n"
    /* Without reuse, what this job itself has paid for is still adopted. */
    "  if has and (ARGV[6] == '1' or gen[2] == ARGV[1]) then\n"
    "    out[#out + 1] = 'R' .. gen[1]\n"
    "  else\n"
    "    local lease = call('GET', 'gc:lease:' .. fp)\n"
    "    local repeated = own and lease == worker .. ' ' .. own\n"
    "    held_lease = held_lease or repeated\n"
    "    if lease and not repeated then\n"
    "      out[#out + 1] = 'W'\n"
    "      waiting = true\n"
    "    else\n"
    "      out[#out + 1] = 'M'\n"
    "      mine[#mine + 1] = fp\n"
    "    end\n"
    "  end\n"
    "end\n"
    "if not held_lease then own = nil end\n"
    "local cap, want, field = tonumber(ARGV[7]), tonumber(ARGV[8]), task .. ' ' .. worker\n"
    "local n, of, expires = get_reserve(job, field)\n"
    "local held = n and of == attempt and expires > 0\n"
    "if held and #mine == 0 then\n"
    "  drop_reserve(job, field)\n"
    "elseif held then\n"
    "  put_reserve(job, field, n, attempt, now + ARGV[5])\n"
    "elseif cap > 0 and #mine > 0 then\n"
    "  local running = sweep(job, now)\n"
    "  if n and expires > now then\n"
    "    lapse(job, field, n, of)\n"
    "    running = running - 1\n"
    "  end\n"
    "  local used = amount(job, 'cost') + amount(job, 'unconfirmed') +\n"
    "    amount(job, 'reserved')\n"
    "  if used + want > cap then return {'EFULL', running} end\n"
    "  money(job, 'reserved', want)\n"
    "  put_reserve(job, field, want, attempt, now + ARGV[5])\n"
    "end\n"
    "local epoch = own or '0'\n"
    "if #mine > 0 then\n"
    "  if not own then\n"
    /* Never below the clock in microseconds: no epoch comes twice, even after FLUSHALL or
     * a failover that lost the last writes. */
    "    epoch_now = math.max((epoch_now or tonumber(call('GET', 'gc:epoch') or '0')) + 1,\n"
    "                         time[1] * 1000000 + time[2])\n"
    "    epoch = int(epoch_now)\n"
    "  end\n"
    "  for _, fp in ipairs(mine) do\n"
    "    call('SET', 'gc:lease:' .. fp, worker .. ' ' .. epoch, 'PX', ARGV[5])\n"
    "  end\n"
    "  put_record(job, task, 'running', worker, attempt, epoch, now)\n"
    "else\n"
    "  put_record(job, task, waiting and 'waiting' or 'done', worker, attempt, epoch, now)\n"
    "end\n"
    "local reused = 0\n"
    "for i, what in ipairs(out) do\n"
    "  if what:sub(1, 1) == 'R' then\n"
    "    local path = ARGV[first + (i - 1) * 2 + 1]\n"
    "    reused = reused + call('HSET', job .. ':files', path, what:sub(2))\n"
    "  end\n"
    "end\n"
    "add(job, 'files_reused', reused)\n"
    "count_files(job)\n"
    "touch(job, now)\n"
    "if #gone > 0 then call('DEL', unpack(gone)) end\n"
    "return {'OK', epoch, unpack(out)}\n";

/* ARGV: job task worker lease_ms, then fingerprint epoch … Answers {OK, 1 or 0 …}. A lease
 * that lapsed comes back if nobody claimed meanwhile. */
static const char renew[] =
    "local job, worker, now = 'gc:job:' .. ARGV[1], ARGV[3], now_ms()\n"
    "local out, kept = {'OK'}, false\n"
    "for i = 5, #ARGV, 2 do\n"
    "  local key, holder = 'gc:lease:' .. ARGV[i], worker .. ' ' .. ARGV[i + 1]\n"
    "  local lease = call('GET', key)\n"
    "  local ok = lease == holder or\n"
    "    (not lease and not committed_since(ARGV[i], ARGV[i + 1]))\n"
    "  if ok then call('SET', key, holder, 'PX', ARGV[4]); kept = true\n"
    "  elseif not lease then\n" /* committed: not lost if it was by this very holder */
    "    local gen = call('HMGET', 'gc:gen:' .. ARGV[i], 'worker', 'epoch')\n"
    "    ok = gen[1] == worker and gen[2] == ARGV[i + 1]\n"
    "  end\n"
    "  out[#out + 1] = ok and 1 or 0\n"
    "end\n"
    "local field = ARGV[2] .. ' ' .. worker\n"
    "local n, attempt, expires = get_reserve(job, field)\n"
    "if kept and n and expires > 0 then\n"
    "  call('HSET', job .. ':reserves', field,\n"
    "       int(n) .. ' ' .. attempt .. ' ' .. int(now + ARGV[4]))\n"
    "end\n"
    "return out\n";

/* ARGV: job task worker state, then fingerprint epoch … */
static const char release[] =
    "local job, worker = 'gc:job:' .. ARGV[1], ARGV[3]\n"
    "local state, w, attempt, epoch = get_record(job, ARGV[2])\n"
    "if state and w == worker and ARGV[4] ~= '' then\n"
    "  put_record(job, ARGV[2], ARGV[4], worker, attempt, epoch, now_ms())\n"
    "end\n"
    "drop_reserve(job, ARGV[2] .. ' ' .. worker)\n"
    "for i = 5, #ARGV, 2 do\n"
    "  local key = 'gc:lease:' .. ARGV[i]\n"
    "  if call('GET', key) == worker .. ' ' .. ARGV[i + 1] then call('DEL', key) end\n"
    "end\n"
    "return 'OK'\n";

/* ARGV: job task path fingerprint worker epoch sha256 model, input, cache writes 5m and 1h,
 * cache read, output, cost_nusd, content. Answers {OK, sha256} or {ESTATE, sha256 of the
 * one who committed or ""}. */
static const char commit[] =
    "local job, fp, worker, epoch, sha =\n"
    "  'gc:job:' .. ARGV[1], ARGV[4], ARGV[5], ARGV[6], ARGV[7]\n"
    "local key, lease = 'gc:gen:' .. fp, call('GET', 'gc:lease:' .. fp)\n"
    "local now = now_ms()\n"
    "if lease ~= worker .. ' ' .. epoch and\n"
    "   (lease or committed_since(fp, epoch)) then\n"
    "  local gen = call('HMGET', key, 'sha256', 'worker', 'epoch')\n"
    "  local theirs = gen[1] or ''\n"
    "  if theirs ~= '' and call('EXISTS', 'gc:blob:' .. theirs) == 0 then theirs = '' end\n"
    "  if theirs == sha and gen[2] == worker and gen[3] == epoch then\n"
    "    return {'OK', sha}\n" /* the repeat of a commit whose reply was lost */
    "  end\n"
    "  if once(job, 'stale ' .. fp .. ' ' .. worker .. ' ' .. epoch) then\n"
    "    call('HINCRBY', job, 'stale_results', 1)\n"
    "  end\n"
    "  return {'ESTATE', theirs}\n"
    "end\n"
    "put_blob(sha, ARGV[15])\n"
    "local cost, tokens = tonumber(ARGV[14]), 0\n"
    "for i = 9, 13 do tokens = tokens + ARGV[i] end\n"
    "call('HSET', key, 'path', ARGV[3], 'sha256', sha, 'model', ARGV[8],\n"
    "  'worker', worker, 'epoch', epoch, 'job', ARGV[1], 'task', ARGV[2],\n"
    "  'tokens', int(tokens), 'tokens_input', ARGV[9], 'tokens_cache_write_5m', ARGV[10],\n"
    "  'tokens_cache_write_1h', ARGV[11], 'tokens_cache_read', ARGV[12],\n"
    "  'tokens_output', ARGV[13],\n"
    "  'cost', string.format('%d.%09d', math.floor(cost / 1e9), cost % 1e9),\n"
    "  'created_at', int(now))\n"
    "call('HSET', job .. ':files', ARGV[3], sha)\n"
    "count_files(job)\n"
    "touch(job, now)\n"
    "call('DEL', 'gc:lease:' .. fp)\n"
    "return {'OK', sha}\n";

/* ARGV: job task worker attempt mark state, input, cache write, cache read, output,
 * cost_nusd, unconfirmed_nusd. The mark is this one request's own. */
static const char settle[] =
    "local job, task, worker, attempt = 'gc:job:' .. ARGV[1], ARGV[2], ARGV[3], ARGV[4]\n"
    "local now, tokens = now_ms(), 0\n"
    "if not once(job, table.concat({task, worker, attempt, ARGV[5]}, ' ')) then\n"
    "  return 'OK'\n"
    "end\n"
    "for i, name in ipairs({'input', 'cache_write', 'cache_read', 'output'}) do\n"
    "  local n = tonumber(ARGV[6 + i])\n"
    "  if n > 0 then add(job, 'tokens_' .. name, n) end\n"
    "  tokens = tokens + n\n"
    "end\n"
    "if tokens > 0 or ARGV[6] == 'done' then add(job, 'llm_calls', 1) end\n"
    "drop_reserve(job, task .. ' ' .. worker)\n"
    "money(job, 'cost', tonumber(ARGV[11]))\n"
    "money(job, 'unconfirmed', tonumber(ARGV[12]))\n"
    /* A task that another worker has taken over keeps his record. */
    "local state, w, a, epoch = get_record(job, task)\n"
    "if ARGV[6] ~= '' and (not state or (w == worker and a == attempt)) then\n"
    "  put_record(job, task, ARGV[6], worker, attempt, epoch or '0', now)\n"
    "end\n"
    "touch(job, now)\n"
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
    [GC_SCRIPT_FILE_PUT] = file_put,
    [GC_SCRIPT_FILE_REFS] = file_refs,
    [GC_SCRIPT_BLOB_PUT] = blob_put,
    [GC_SCRIPT_BLOB_DROP] = blob_drop,
    [GC_SCRIPT_GEN_FIND] = gen_find,
    [GC_SCRIPT_WORKERS] = workers,
    [GC_SCRIPT_WORKER_SEEN] = worker_seen,
    [GC_SCRIPT_WORKER_GONE] = worker_gone,
    [GC_SCRIPT_MODEL_ADD] = model_add,
    [GC_SCRIPT_MODEL_LEARN] = model_learn,
    [GC_SCRIPT_CLAIM] = claim,
    [GC_SCRIPT_RENEW] = renew,
    [GC_SCRIPT_RELEASE] = release,
    [GC_SCRIPT_COMMIT] = commit,
    [GC_SCRIPT_SETTLE] = settle,
    [GC_SCRIPT_PREFIX_CLAIM] = gc_lua_prefix_claim,
    [GC_SCRIPT_PREFIX_WARM] = gc_lua_prefix_warm,
    [GC_SCRIPT_PREFIX_ABANDON] = gc_lua_prefix_abandon,
    [GC_SCRIPT_LIMIT_TAKE] = gc_lua_limit_take,
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
    case GC_SCRIPT_LIMIT_SETTLE:
    case GC_SCRIPT_LIMIT_LEARN:
    case GC_SCRIPT_LIMIT_PAUSE: return true;
    default: return false;
    }
}

/* ARGV: msgpack of [script, [its arguments], script, [its arguments] …]. Answers one reply
 * for each. What fails alone answers with its error, as it would have by itself. */
static char *join_scripts(void)
{
    gc_buf text;
    gc_buf_init(&text, 1 << 20);
    gc_buf_printf(&text, "%slocal F = {}\n", prelude);
    for (int i = 0; i < GC_SCRIPT_COUNT; i++)
        if (gc_script_joins(i))
            gc_buf_printf(&text, "F[%d] = function(ARGV)\nlocal KEY = ARGV[1]\n%send\n",
                          i, bodies[i]);
    gc_buf_puts(&text,
                "local out, asked = {}, cmsgpack.unpack(ARGV[1])\n"
                "for i = 1, #asked, 2 do\n"
                "  local ok, reply = pcall(F[asked[i]], asked[i + 1])\n"
                "  if not ok and type(reply) ~= 'table' then reply = {err = reply} end\n"
                "  out[#out + 1] = reply\n"
                "end\n"
                "flush()\n"
                "return out\n");
    return gc_buf_take(&text);
}

void gc_scripts_init(gc_scripts *self)
{
    for (int i = 0; i < GC_SCRIPT_COUNT; i++) {
        gc_script *script = &self->items[i];
        script->text =
            i == GC_SCRIPT_MANY
                ? join_scripts()
                : gc_xasprintf("%slocal function run()\nlocal KEY = ARGV[1]\n%send\n"
                               "local reply = run()\nflush()\nreturn reply\n",
                               prelude, bodies[i]);
        gc_sha1_hex(script->text, strlen(script->text), script->sha1);
    }
}

void gc_scripts_release(gc_scripts *self)
{
    for (int i = 0; i < GC_SCRIPT_COUNT; i++)
        free(self->items[i].text);
    *self = (gc_scripts){ 0 };
}
