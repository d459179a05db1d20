/* What a worker does with a task: claim, renew, release, commit, settle (docs/redis.md). */
#include "common/store_scripts_parts.h"

/* ARGV: job task worker attempt lease_ms reuse cap_nusd reserve_nusd, then fingerprint
 * path … Answers {OK, epoch, "R<sha256>" | "W" | "M" …}, {ESTATE}, {EFULL, running}. */
const char gc_lua_claim[] =
    "local job, task, worker, attempt = 'gc:job:' .. ARGV[1], ARGV[2], ARGV[3], ARGV[4]\n"
    "local now, first = now_ms(), 9\n"
    "if is_cancelled(job) then return {'ESTATE'} end\n"
    /* A repeat of this very claim is known by the task's record and a lease still held. */
    "local _, own = get_record(job, task, worker, attempt)\n"
    "local holder = own and worker .. ' ' .. own\n"
    "local out, mine, gone = {'OK', '0'}, {}, {}\n"
    "local waiting, reused, all_held = false, {}, true\n"
    "for i = first, #ARGV, 2 do\n"
    "  local fp = ARGV[i]\n"
    "  local key, gen, has = 'gc:gen:' .. fp, nil, false\n"
    "  if not absent[key] then\n"
    "    gen = call('HMGET', key, 'sha256', 'job')\n"
    "    has = gen[1] and has_blob(gen[1])\n"
    "    if gen[1] and not has then gone[#gone + 1] = key end\n"
    "  end\n"
    /* Without reuse, what this job itself has paid for is still adopted. */
    "  if has and (ARGV[6] == '1' or gen[2] == ARGV[1]) then\n"
    "    out[#out + 1] = 'R' .. gen[1]\n"
    "    reused[ARGV[i + 1]] = gen[1]\n"
    "  else\n"
    "    key = 'gc:lease:' .. fp\n"
    "    local lease = get(key)\n"
    "    local repeated = lease and lease == holder\n"
    "    if lease and not repeated then\n"
    "      out[#out + 1] = 'W'\n"
    "      waiting = true\n"
    "    else\n"
    "      out[#out + 1] = 'M'\n"
    "      mine[#mine + 1] = key\n"
    "      all_held = all_held and repeated\n"
    "    end\n"
    "  end\n"
    "end\n"
    /* A lease that lapsed may have been another's since: all get a new epoch. */
    "if #mine == 0 or not all_held then own = nil end\n"
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
    "if #mine > 0 then\n"
    "  out[2] = own or next_epoch()\n"
    "  holder = worker .. ' ' .. out[2]\n"
    "  for _, key in ipairs(mine) do set(key, holder, ARGV[5]) end\n"
    "  put_record(job, task, 'running', worker, attempt, out[2])\n"
    "else\n"
    "  out[2] = own or '0'\n"
    "  put_record(job, task, waiting and 'waiting' or 'done', worker, attempt, out[2])\n"
    "end\n"
    "local files = job .. ':files'\n"
    "for path, sha in pairs(reused) do\n"
    "  if not hget(files, path) then add(job, 'files_reused', 1) end\n"
    "  hset(files, path, sha)\n"
    "end\n"
    "count_files(job)\n"
    "touch(job)\n"
    "for _, key in ipairs(gone) do del(key) end\n"
    "return out\n";

const char gc_lua_claim_ahead[] =
    "want(want_rows, 'gc:job:' .. ARGV[1] .. ':tasks', ARGV[2])\n"
    "for i = 9, #ARGV, 2 do\n"
    "  want_texts[#want_texts + 1] = 'gc:lease:' .. ARGV[i]\n"
    "  want_absent[#want_absent + 1] = 'gc:gen:' .. ARGV[i]\n"
    "end\n";

/* ARGV: job task worker lease_ms, then fingerprint epoch … Answers {OK, 1 or 0 …}. A lease
 * that lapsed comes back if nobody claimed or made the file meanwhile. */
const char gc_lua_renew[] =
    "local job, worker, now = 'gc:job:' .. ARGV[1], ARGV[3], now_ms()\n"
    "local out, kept = {'OK'}, false\n"
    "for i = 5, #ARGV, 2 do\n"
    "  local key, holder = 'gc:lease:' .. ARGV[i], worker .. ' ' .. ARGV[i + 1]\n"
    "  local lease = get(key)\n"
    "  local ok = lease == holder or\n"
    "    (not lease and not committed_since(ARGV[i], ARGV[i + 1]))\n"
    "  if ok then set(key, holder, ARGV[4]); kept = true\n"
    "  elseif not lease then\n" /* committed: not lost if it was by this very holder */
    "    local gen = call('HMGET', 'gc:gen:' .. ARGV[i], 'worker', 'epoch')\n"
    "    ok = gen[1] == worker and gen[2] == ARGV[i + 1]\n"
    "  end\n"
    "  out[#out + 1] = ok and 1 or 0\n"
    "end\n"
    "local field = ARGV[2] .. ' ' .. worker\n"
    "local n, attempt, expires = get_reserve(job, field)\n"
    "if kept and n and expires > 0 then\n"
    "  put_reserve(job, field, n, attempt, now + ARGV[4])\n"
    "end\n"
    "return out\n";

const char gc_lua_renew_ahead[] =
    "for i = 5, #ARGV, 2 do\n"
    "  want_texts[#want_texts + 1] = 'gc:lease:' .. ARGV[i]\n"
    "end\n";

/* ARGV: job task worker state, then fingerprint epoch … */
const char gc_lua_release[] =
    "local job, task, worker = 'gc:job:' .. ARGV[1], ARGV[2], ARGV[3]\n"
    "local text = hget(job .. ':tasks', task)\n"
    "local w, attempt, epoch = match(text or '', '^%S+ (%S+) (%S+) (%S+)')\n"
    "if w == worker and ARGV[4] ~= '' then\n"
    "  now_ms()\n"
    "  put_record(job, task, ARGV[4], worker, attempt, epoch)\n"
    "end\n"
    "drop_reserve(job, task .. ' ' .. worker)\n"
    "for i = 5, #ARGV, 2 do\n"
    "  local key = 'gc:lease:' .. ARGV[i]\n"
    "  if get(key) == worker .. ' ' .. ARGV[i + 1] then del(key) end\n"
    "end\n"
    "return 'OK'\n";

const char gc_lua_release_ahead[] =
    "want(want_rows, 'gc:job:' .. ARGV[1] .. ':tasks', ARGV[2])\n"
    "for i = 5, #ARGV, 2 do\n"
    "  want_texts[#want_texts + 1] = 'gc:lease:' .. ARGV[i]\n"
    "end\n";

/* ARGV: job task path fingerprint worker epoch sha256 model, input, cache writes 5m and 1h,
 * cache read, output, cost_nusd, content. Answers {OK, sha256} or {ESTATE, sha256 of the
 * one who committed or ""}. */
const char gc_lua_commit[] =
    "local job, fp, worker, epoch, sha =\n"
    "  'gc:job:' .. ARGV[1], ARGV[4], ARGV[5], ARGV[6], ARGV[7]\n"
    "local key, leased = 'gc:gen:' .. fp, 'gc:lease:' .. fp\n"
    "local lease = get(leased)\n"
    "now_ms()\n"
    "if lease ~= worker .. ' ' .. epoch and\n"
    "   (lease or committed_since(fp, epoch)) then\n"
    "  local gen = call('HMGET', key, 'sha256', 'worker', 'epoch')\n"
    "  local theirs = gen[1] or ''\n"
    "  if theirs ~= '' and not has_blob(theirs) then theirs = '' end\n"
    "  if theirs == sha and gen[2] == worker and gen[3] == epoch then\n"
    "    return {'OK', sha}\n" /* the repeat of a commit whose reply was lost */
    "  end\n"
    "  if once(job, 'stale ' .. fp .. ' ' .. worker .. ' ' .. epoch) then\n"
    "    add(job, 'stale_results', 1)\n"
    "  end\n"
    "  return {'ESTATE', theirs}\n"
    "end\n"
    "local cost, usd = tonumber(ARGV[14]), '0.000000000'\n"
    "if cost > 0 then usd = fmt('%d.%09d', floor(cost / 1e9), cost % 1e9) end\n"
    "put_blob(sha, ARGV[15])\n"
    "call('HSET', key, 'path', ARGV[3], 'sha256', sha, 'model', ARGV[8],\n"
    "  'worker', worker, 'epoch', epoch, 'job', ARGV[1], 'task', ARGV[2], 'tokens',\n"
    "  int(ARGV[9] + ARGV[10] + ARGV[11] + ARGV[12] + ARGV[13]),\n"
    "  'tokens_input', ARGV[9], 'tokens_cache_write_5m', ARGV[10],\n"
    "  'tokens_cache_write_1h', ARGV[11], 'tokens_cache_read', ARGV[12],\n"
    "  'tokens_output', ARGV[13], 'cost', usd, 'created_at', now_text)\n"
    "absent[key], written[key] = nil, nil\n"
    "hset(job .. ':files', ARGV[3], sha)\n"
    "count_files(job)\n"
    "touch(job)\n"
    "del(leased)\n"
    "return {'OK', sha}\n";

const char gc_lua_commit_ahead[] =
    "want_texts[#want_texts + 1] = 'gc:lease:' .. ARGV[4]\n"
    "want_absent[#want_absent + 1] = 'gc:blob:' .. ARGV[7]\n";

/* ARGV: job task worker attempt mark state, input, cache write, cache read, output,
 * cost_nusd, unconfirmed_nusd. The mark is this one request's own. */
const char gc_lua_settle[] =
    "local job, task, worker, attempt = 'gc:job:' .. ARGV[1], ARGV[2], ARGV[3], ARGV[4]\n"
    "if not once(job, task .. ' ' .. worker .. ' ' .. attempt .. ' ' .. ARGV[5]) then\n"
    "  return 'OK'\n"
    "end\n"
    "now_ms()\n"
    "local input, written, read, output =\n"
    "  tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])\n"
    "add(job, 'tokens_input', input)\n"
    "add(job, 'tokens_cache_write', written)\n"
    "add(job, 'tokens_cache_read', read)\n"
    "add(job, 'tokens_output', output)\n"
    "if ARGV[6] == 'done' or input + written + read + output > 0 then\n"
    "  add(job, 'llm_calls', 1)\n"
    "end\n"
    "drop_reserve(job, task .. ' ' .. worker)\n"
    "money(job, 'cost', tonumber(ARGV[11]))\n"
    "money(job, 'unconfirmed', tonumber(ARGV[12]))\n"
    /* A task that another worker has taken over keeps his record. */
    "local text, epoch = get_record(job, task, worker, attempt)\n"
    "if ARGV[6] ~= '' and (not text or epoch) then\n"
    "  put_record(job, task, ARGV[6], worker, attempt, epoch or '0')\n"
    "end\n"
    "touch(job)\n"
    "return 'OK'\n";

const char gc_lua_settle_ahead[] =
    "want(want_rows, 'gc:job:' .. ARGV[1] .. ':tasks', ARGV[2])\n"
    "want(want_marks, 'gc:job:' .. ARGV[1] .. ':once',\n"
    "     ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. ARGV[5])\n";
