#include "common/store_scripts_provider.h"

/* ---- gc:prefix: one call writes the provider's cache, the others wait for it ---- */

/* ARGV: key holder claim_ms. Answers {"WARM", ms left}, {"MINE", 0} or {"WAIT", 0}. The
 * holder repeats it to keep the claim. */
const char gc_lua_prefix_claim[] =
    "local f = call('HMGET', KEY, 'state', 'holder', 'expires_at')\n"
    "local now = now_ms()\n"
    "if f[1] == 'warm' then\n"
    "  call('HINCRBY', KEY, 'hits', 1)\n"
    "  return {'WARM', math.max(0, tonumber(f[3]) - now)}\n"
    "end\n"
    "if f[1] == 'warming' and f[2] ~= ARGV[2] and f[2] then\n"
    "  local worker = string.match(f[2], '^%S+') or ''\n"
    "  local id = string.gsub(worker, '%.%w+$', '')\n" /* as given, without its random end */
    "  if call('EXISTS', 'gc:worker:' .. worker, 'gc:worker:' .. id) > 0 then\n"
    "    return {'WAIT', 0}\n"
    "  end\n"
    "end\n"
    "call('HSET', KEY, 'state', 'warming', 'holder', ARGV[2],\n"
    "     'expires_at', int(now + ARGV[3]))\n"
    "call('PEXPIRE', KEY, ARGV[3])\n"
    "return {'MINE', 0}\n";

/* ARGV: key tokens ttl_ms. A read of the cache renews it, so the end only moves back. */
const char gc_lua_prefix_warm[] =
    "local now = now_ms()\n"
    "local f = call('HMGET', KEY, 'state', 'expires_at')\n"
    "local ends = now + ARGV[3]\n"
    "if f[1] == 'warm' then ends = math.max(ends, tonumber(f[2])) end\n"
    "if ends <= now then return 'OK' end\n"
    "call('HSET', KEY, 'state', 'warm', 'expires_at', int(ends))\n"
    "if f[1] ~= 'warm' then call('HSET', KEY, 'warmed_at', int(now)) end\n"
    "if tonumber(ARGV[2]) > 0 then call('HSET', KEY, 'tokens', ARGV[2]) end\n"
    "call('HSETNX', KEY, 'hits', '0')\n"
    "call('HDEL', KEY, 'holder')\n"
    "call('PEXPIREAT', KEY, int(ends))\n"
    "return 'OK'\n";

/* ARGV: key holder. */
const char gc_lua_prefix_abandon[] =
    "local f = call('HMGET', KEY, 'state', 'holder')\n"
    "if f[1] == 'warming' and f[2] == ARGV[2] then call('DEL', KEY) end\n"
    "return 'OK'\n";

/* ---- gc:limit: what all workers together may ask ----
 *
 * Design notes. A provider's bucket holds a minute's worth and refills continuously; who
 * spends a full one and then the refill has used twice the limit within a minute. So we count
 * a sliding window: the minute is cut into 60 slots, fields r<slot>, i<slot>, o<slot> hold the
 * requests, input and output tokens that were booked for it, and a call is booked for the
 * first slot, now or later, at which the window up to it still has room in all three. Calls are
 * booked in the order of asking and never before an earlier one: nobody starves, and
 * each knows at once how long to wait. Window and slots are counted with two slots to spare,
 * for calls that leave a little later than booked. */
#define LUA_WINDOW                                                                  \
    "local win = tonumber(ARGV[2])\n"                                               \
    "local width = math.max(1, math.floor(win / 60))\n"                             \
    "local span = math.ceil(win / width) + 2\n"                                     \
    "local now = now_ms()\n"                                                        \
    "local here = math.floor(now / width)\n"                                        \
    "local f = hash(KEY)\n"                                                         \
    "local function used(kind, slot) return tonumber(f[kind .. slot] or '0') end\n" \
    "local function book(kind, slot, n)\n"                                          \
    "  if n == 0 then return end\n"                                                 \
    "  local sum = math.max(0, used(kind, slot) + n)\n"                             \
    "  put(KEY, kind .. slot, sum > 0 and int(sum) or nil)\n"                       \
    "end\n"                                                                         \
    "local function window(kind, slot)\n"                                           \
    "  local sum = 0\n"                                                             \
    "  for s = slot - span + 1, slot do sum = sum + used(kind, s) end\n"            \
    "  return sum\n"                                                                \
    "end\n"                                                                         \
    "local names = {r = 'requests', i = 'input', o = 'output'}\n"                   \
    "local function keep() live(KEY, 3600000 + win) end\n"

/* ARGV: key window_ms booked requests input output. `booked` is the slot of an earlier answer
 * (0: none): it stands if it is due and nobody was told to wait since. Answers {OK, ms of a
 * pause, ms until the slot, slot}. */
const char gc_lua_limit_take[] = LUA_WINDOW
    "local cost = {r = tonumber(ARGV[4]), i = tonumber(ARGV[5]), o = tonumber(ARGV[6])}\n"
    "local booked = tonumber(ARGV[3])\n"
    "local pause = tonumber(f.paused_until or '0')\n"
    "local paused = math.max(0, pause - now)\n"
    "if booked > 0 and paused == 0 and booked >= here - 1 then\n"
    "  return {'OK', 0, math.max(0, booked * width - now), booked}\n"
    "end\n"
    "local last = math.max(here, math.ceil(pause / width))\n"
    "if booked > 0 then for k, n in pairs(cost) do book(k, booked, -n) end end\n"
    "for name, n in pairs(f) do\n"
    "  local kind, slot = string.match(name, '^([rio])(%d+)$')\n"
    "  slot = tonumber(slot)\n"
    "  if kind and slot < here - span then put(KEY, name, nil)\n"
    "  elseif kind == 'r' and tonumber(n) > 0 and slot > last then last = slot end\n"
    "end\n"
    "local slot, sum, limited = last, {}, false\n"
    "for k in pairs(cost) do\n"
    "  limited = limited or tonumber(f[names[k] .. '_limit'] or '0') > 0\n"
    "end\n"
    "for k in pairs(cost) do sum[k] = limited and window(k, slot) or 0 end\n"
    "local function fits()\n"
    "  for k, n in pairs(cost) do\n"
    "    local limit = tonumber(f[names[k] .. '_limit'] or '0')\n"
    /* What is larger than the whole limit goes alone. */
    "    if limit > 0 and sum[k] > 0 and sum[k] + n > limit then return false end\n"
    "  end\n"
    "  return true\n"
    "end\n"
    "while not fits() do\n"
    "  slot = slot + 1\n"
    "  for k in pairs(cost) do sum[k] = sum[k] + used(k, slot) - used(k, slot - span) end\n"
    "end\n"
    "for k, n in pairs(cost) do book(k, slot, n) end\n"
    "keep()\n"
    "return {'OK', paused, math.max(0, slot * width - now), slot}\n";

/* ARGV: key window_ms slot requests input output: by how much the booking was wrong. */
const char gc_lua_limit_settle[] =
    LUA_WINDOW "local slot = tonumber(ARGV[3])\n"
               "local old = slot <= here - span\n"
               "for n, k in ipairs({'r', 'i', 'o'}) do\n"
               "  local delta = tonumber(ARGV[3 + n])\n"
               "  if not old then book(k, slot, delta)\n"
               "  elseif delta > 0 then book(k, here, delta) end\n"
               "end\n"
               "keep()\n"
               "return 'OK'\n";

/* ARGV: key window_ms, then limit and remaining of requests, input and output (-1: not
 * told). What others than these workers have used counts from now on. */
const char gc_lua_limit_learn[] = LUA_WINDOW
    "for n, k in ipairs({'r', 'i', 'o'}) do\n"
    "  local limit, left = tonumber(ARGV[1 + 2 * n]), tonumber(ARGV[2 + 2 * n])\n"
    "  if limit > 0 then\n"
    "    put(KEY, names[k] .. '_limit', int(limit))\n"
    /* Remaining tokens come rounded to thousands. */
    "    local foreign = left < 0 and 0 or\n"
    "      limit - left - (k == 'r' and 0 or 1000) - window(k, here)\n"
    "    if foreign > 0 then book(k, here, foreign) end\n"
    "  end\n"
    "end\n"
    "keep()\n"
    "return 'OK'\n";

/* ARGV: key wait_ms. Only ever lengthens a pause. */
const char gc_lua_limit_pause[] =
    "local till = int(now_ms() + ARGV[2])\n"
    "local f = hash(KEY)\n"
    "if tonumber(f.paused_until or '0') < tonumber(till) then\n"
    "  put(KEY, 'paused_until', till)\n"
    "  put(KEY, 'pauses', int((f.pauses or 0) + 1))\n"
    "  live(KEY, 3600000 + ARGV[2])\n"
    "end\n"
    "return 'OK'\n";
