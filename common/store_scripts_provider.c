/* A provider: its prompt cache, and what its models were measured at. */
#include "common/store_scripts_parts.h"

/* After gc_lua_limit_lib. */
const char gc_lua_provider_lib[] =
    "local models, until_at = {}, {}\n"
    "local function moved(mean, value, calls)\n"
    "  if value <= 0 then return mean end\n"
    "  return (mean or value) + (value - (mean or value)) / min(calls, 10)\n"
    "end\n"
    "local function flush_provider()\n"
    "  flush_limits()\n"
    "  for key, m in pairs(models) do\n"
    "    hset(key, 'calls', int(m.calls))\n"
    "    hset(key, 'updated_at', now_text)\n"
    "    if m.bytes then hset(key, 'bytes_per_token', fmt('%.9f', m.bytes)) end\n"
    "    if m.seconds then hset(key, 'seconds_per_output_token', fmt('%.9f', m.seconds)) end\n"
    "  end\n"
    "  for key, at in pairs(until_at) do\n"
    "    write_hash(key)\n"
    "    call('PEXPIREAT', key, int(at))\n"
    "  end\n"
    "end\n";

/* ---- gc:prefix: one call writes the provider's cache, the others wait for it ---- */

/* ARGV: key holder claim_ms. Answers {"WARM", ms left}, {"MINE", 0} or {"WAIT", 0}. The
 * holder repeats it to keep the claim. */
const char gc_lua_prefix_claim[] =
    "local state, holder = hget(KEY, 'state'), hget(KEY, 'holder')\n"
    "local now = now_ms()\n"
    "if state == 'warm' then\n"
    "  hset(KEY, 'hits', int((hget(KEY, 'hits') or 0) + 1))\n"
    "  return {'WARM', max(0, tonumber(hget(KEY, 'expires_at')) - now)}\n"
    "end\n"
    "if state == 'warming' and holder ~= ARGV[2] and holder then\n"
    "  local worker = match(holder, '^%S+') or ''\n"
    "  local id = string.gsub(worker, '%.%w+$', '')\n" /* as given, without its random end */
    "  if call('EXISTS', 'gc:worker:' .. worker, 'gc:worker:' .. id) > 0 then\n"
    "    return {'WAIT', 0}\n"
    "  end\n"
    "end\n"
    "hset(KEY, 'state', 'warming')\n"
    "hset(KEY, 'holder', ARGV[2])\n"
    "hset(KEY, 'expires_at', int(now + ARGV[3]))\n"
    "until_at[KEY] = now + ARGV[3]\n"
    "return {'MINE', 0}\n";

/* ARGV: key tokens ttl_ms. A read of the cache renews it, so the end only moves back. */
const char gc_lua_prefix_warm[] =
    "local now = now_ms()\n"
    "local warm, ends = hget(KEY, 'state') == 'warm', now + ARGV[3]\n"
    "if warm then ends = max(ends, tonumber(hget(KEY, 'expires_at'))) end\n"
    "if ends <= now then return 'OK' end\n"
    "hset(KEY, 'state', 'warm')\n"
    "hset(KEY, 'expires_at', int(ends))\n"
    "if not warm then hset(KEY, 'warmed_at', now_text) end\n"
    "if tonumber(ARGV[2]) > 0 then hset(KEY, 'tokens', ARGV[2]) end\n"
    "if not hget(KEY, 'hits') then hset(KEY, 'hits', '0') end\n"
    "if hget(KEY, 'holder') then hset(KEY, 'holder', false) end\n"
    "until_at[KEY] = ends\n"
    "return 'OK'\n";

/* ARGV: key holder. */
const char gc_lua_prefix_abandon[] =
    "if hget(KEY, 'state') == 'warming' and hget(KEY, 'holder') == ARGV[2] then\n"
    "  rows[KEY], fresh[KEY], until_at[KEY] = nil, nil, nil\n"
    "  call('DEL', KEY)\n"
    "end\n"
    "return 'OK'\n";

/* ---- gc:model ---- */

/* ARGV: model, then of each call bytes per token and seconds per output token in millionths
 * (0: not measured). Plain mean of the first ten calls, exponential after them. */
const char gc_lua_model_add[] =
    "local key = 'gc:model:' .. ARGV[1]\n"
    "local m = models[key]\n"
    "now_ms()\n"
    "if not m then\n"
    "  local f = call('HMGET', key, 'calls', 'bytes_per_token', 'seconds_per_output_token')\n"
    "  m = {calls = tonumber(f[1] or '0'), bytes = f[2] and tonumber(f[2]),\n"
    "       seconds = f[3] and tonumber(f[3])}\n"
    "  models[key] = m\n"
    "end\n"
    "for i = 2, #ARGV, 2 do\n"
    "  m.calls = m.calls + 1\n"
    "  m.bytes = moved(m.bytes, ARGV[i] / 1e6, m.calls)\n"
    "  m.seconds = moved(m.seconds, ARGV[i + 1] / 1e6, m.calls)\n"
    "end\n"
    "return 'OK'\n";
