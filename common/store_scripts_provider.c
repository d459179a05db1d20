/* What a provider allows: its prompt cache, its limits, and what its models were measured at. */
#include "common/store_scripts_parts.h"

/* Design notes of the limits. A provider's bucket holds a minute's worth and refills
 * continuously; who spends a full one and then the refill has used twice the limit within a
 * minute. So we count a sliding window: the minute is cut into 60 slots, fields r<slot>,
 * i<slot>, o<slot> hold the requests, input and output tokens that were booked for it, and a
 * call is booked for the first slot, now or later, at which the window up to it still has room
 * in all three. Calls are booked in the order of asking and never before an earlier one:
 * nobody starves, and each knows at once how long to wait. Window and slots are counted with
 * two slots to spare, for calls that leave a little later than booked.
 *
 * A script reads a key of limits once and works on numbers: `r`, `i`, `o` by slot (absent: 0),
 * `f` the other fields. The sum of the window that ends at slot `at` is kept, for the next
 * call is mostly booked for the same slot. */
const char gc_lua_provider_lib[] =
    "local windows, models, until_at = {}, {}, {}\n"
    "local function load_window(key)\n"
    "  local w = windows[key]\n"
    "  if w then return w end\n"
    "  w = {r = {}, i = {}, o = {}, f = {}, new = {r = {}, i = {}, o = {}, f = {}}, sum = {}}\n"
    "  local flat = call('HGETALL', key)\n"
    "  for n = 1, #flat, 2 do\n"
    "    local kind, slot = match(flat[n], '^([rio])(%d+)$')\n"
    "    if kind then w[kind][tonumber(slot)] = tonumber(flat[n + 1])\n"
    "    else w.f[flat[n]] = flat[n + 1] end\n"
    "  end\n"
    "  w.r_most = tonumber(w.f.requests_limit or '0')\n"
    "  w.i_most = tonumber(w.f.input_limit or '0')\n"
    "  w.o_most = tonumber(w.f.output_limit or '0')\n"
    "  windows[key] = w\n"
    "  return w\n"
    "end\n"
    "local function put(w, field, value) w.f[field], w.new.f[field] = value, true end\n"
    "local function measure(w, key, win)\n"
    "  w.win = win\n"
    "  w.width = max(1, floor(win / 60))\n"
    "  w.span = math.ceil(win / w.width) + 2\n"
    "  w.here = floor(now / w.width)\n"
    "  w.at = nil\n"
    "  live(key, 3600000 + win)\n"
    "end\n"
    "local function book(w, kind, slot, n)\n"
    "  if n == 0 then return end\n"
    "  local old = w[kind][slot] or 0\n"
    "  local sum = max(0, old + n)\n"
    "  w[kind][slot] = sum > 0 and sum or nil\n"
    "  w.new[kind][slot] = true\n"
    "  if w.at and slot <= w.at and slot > w.at - w.span and w.sum[kind] then\n"
    "    w.sum[kind] = w.sum[kind] + sum - old\n"
    "  end\n"
    "  if kind == 'r' and w.last then\n"
    "    if sum > 0 then w.last = max(w.last, slot)\n"
    "    elseif slot == w.last then w.last = nil end\n"
    "  end\n"
    "end\n"
    "local function last_booked(w)\n"
    "  if not w.last then\n"
    "    w.last = 0\n"
    "    for slot in pairs(w.r) do w.last = max(w.last, slot) end\n"
    "  end\n"
    "  return w.last\n"
    "end\n"
    "local function in_window(w, kind, slot)\n"
    "  if w.at and slot == w.at + 1 then\n"
    "    for k, sum in pairs(w.sum) do\n"
    "      w.sum[k] = sum + (w[k][slot] or 0) - (w[k][slot - w.span] or 0)\n"
    "    end\n"
    "    w.at = slot\n"
    "  elseif w.at ~= slot then\n"
    "    w.at, w.sum = slot, {}\n"
    "  end\n"
    "  if not w.sum[kind] then\n"
    "    local of, sum = w[kind], 0\n"
    "    for s = slot - w.span + 1, slot do sum = sum + (of[s] or 0) end\n"
    "    w.sum[kind] = sum\n"
    "  end\n"
    "  return w.sum[kind]\n"
    "end\n"
    /* What no window reaches any more. */
    "local function trim(w)\n"
    "  local slot = w.here - w.span\n"
    "  if w.trimmed == slot then return end\n"
    "  w.trimmed = slot\n"
    "  for _, kind in ipairs({'r', 'i', 'o'}) do\n"
    "    for s in pairs(w[kind]) do\n"
    "      if s < slot then w[kind][s], w.new[kind][s] = nil, true end\n"
    "    end\n"
    "  end\n"
    "end\n"
    /* What is larger than the whole limit goes alone. */
    "local function full(w, kind, slot, n, most)\n"
    "  if most <= 0 then return false end\n"
    "  local used = in_window(w, kind, slot)\n"
    "  return used > 0 and used + n > most\n"
    "end\n"
    "local function moved(mean, value, calls)\n"
    "  if value <= 0 then return mean end\n"
    "  return (mean or value) + (value - (mean or value)) / min(calls, 10)\n"
    "end\n"
    "local function flush_provider()\n"
    "  for key, w in pairs(windows) do\n"
    "    for kind, slots in pairs(w.new) do\n"
    "      for slot in pairs(slots) do\n"
    "        local value = w[kind][slot]\n"
    "        if kind == 'f' then hset(key, slot, value)\n"
    "        else hset(key, kind .. int(slot), value and int(value) or false) end\n"
    "      end\n"
    "    end\n"
    "  end\n"
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

/* ---- gc:limit: what all workers together may ask ---- */
#define LUA_WINDOW                                \
    "local now, w = now_ms(), load_window(KEY)\n" \
    "if w.win ~= ARGV[2] then measure(w, KEY, ARGV[2]) end\n"

/* ARGV: key window_ms booked requests input output. `booked` is the slot of an earlier answer
 * (0: none): it stands if it is due and nobody was told to wait since. Answers {OK, ms of a
 * pause, ms until the slot, slot}. */
const char gc_lua_limit_take[] = LUA_WINDOW
    "local r, i, o = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])\n"
    "local booked = tonumber(ARGV[3])\n"
    "local pause = tonumber(w.f.paused_until or '0')\n"
    "local paused = max(0, pause - now)\n"
    "if booked > 0 and paused == 0 and booked >= w.here - 1 then\n"
    "  return {'OK', 0, max(0, booked * w.width - now), booked}\n"
    "end\n"
    "if booked > 0 then\n"
    "  book(w, 'r', booked, -r)\n"
    "  book(w, 'i', booked, -i)\n"
    "  book(w, 'o', booked, -o)\n"
    "end\n"
    "trim(w)\n"
    "local slot = max(w.here, last_booked(w))\n"
    "if pause > now then slot = max(slot, math.ceil(pause / w.width)) end\n"
    "while full(w, 'r', slot, r, w.r_most) or full(w, 'i', slot, i, w.i_most) or\n"
    "      full(w, 'o', slot, o, w.o_most) do\n"
    "  slot = slot + 1\n"
    "end\n"
    "book(w, 'r', slot, r)\n"
    "book(w, 'i', slot, i)\n"
    "book(w, 'o', slot, o)\n"
    "return {'OK', paused, max(0, slot * w.width - now), slot}\n";

/* ARGV: key window_ms slot requests input output: by how much the booking was wrong. */
const char gc_lua_limit_settle[] =
    LUA_WINDOW "local slot = tonumber(ARGV[3])\n"
               "local old = slot <= w.here - w.span\n"
               "local function correct(kind, delta)\n"
               "  if not old then book(w, kind, slot, delta)\n"
               "  elseif delta > 0 then book(w, kind, w.here, delta) end\n"
               "end\n"
               "correct('r', tonumber(ARGV[4]))\n"
               "correct('i', tonumber(ARGV[5]))\n"
               "correct('o', tonumber(ARGV[6]))\n"
               "return 'OK'\n";

/* ARGV: key window_ms, then limit and remaining of requests, input and output (-1: not
 * told). What others than these workers have used counts from now on. */
const char gc_lua_limit_learn[] = LUA_WINDOW
    "for n, name in ipairs({'requests', 'input', 'output'}) do\n"
    "  local k = name:sub(1, 1)\n"
    "  local limit, left = tonumber(ARGV[1 + 2 * n]), tonumber(ARGV[2 + 2 * n])\n"
    "  if limit > 0 then\n"
    "    put(w, name .. '_limit', int(limit))\n"
    "    w[k .. '_most'] = limit\n"
    /* Remaining tokens come rounded to thousands. */
    "    local foreign = left < 0 and 0 or\n"
    "      limit - left - (k == 'r' and 0 or 1000) - in_window(w, k, w.here)\n"
    "    if foreign > 0 then book(w, k, w.here, foreign) end\n"
    "  end\n"
    "end\n"
    "return 'OK'\n";

/* ARGV: key wait_ms. Only ever lengthens a pause. */
const char gc_lua_limit_pause[] = "local w, till = load_window(KEY), now_ms() + ARGV[2]\n"
                                  "if tonumber(w.f.paused_until or '0') < till then\n"
                                  "  put(w, 'paused_until', int(till))\n"
                                  "  put(w, 'pauses', int((w.f.pauses or 0) + 1))\n"
                                  "  live(KEY, 3600000 + ARGV[2])\n"
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
