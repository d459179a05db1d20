/* What a provider lets all workers together ask, and who goes next. */
#include "common/store_scripts_parts.h"

/* Design notes. A provider's bucket holds a minute's worth and refills continuously; who
 * spends a full one and then the refill has used twice the limit within a minute. So we count
 * a sliding window: the minute is cut into 60 slots, fields r<slot>, i<slot>, o<slot> hold the
 * requests, input and output tokens that were booked for it, and a call may go while the
 * window up to now has room in all three. Window and slots are counted with two slots to
 * spare, for calls that leave a little later than booked.
 *
 * Nothing is booked for the future: what a running call turns out not to need is room for the
 * next one at once. Who must wait gets a ticket and asks again; fields line_first, line_next
 * and line_last of the key and the hash gc:queue... (ticket -> "r i o till slot") hold the
 * line of those who wait. Whoever asks lets in, from line_next on, all who have room, in the
 * order of the tickets: they are booked (slot) even if they will only ask a little later, so
 * that nobody overtakes, and their booking moves to the moment at which they do. That cannot
 * fill a window that had room: a booking that moves on was in each window since. In the same
 * way the output of a call moves, at its end, to the slots in which it streamed; until then
 * all of it counts for the slot in which it was sent. Who has not
 * asked again by `till` is taken to be dead, and forgotten when the line comes to him. So a
 * wait ends, whoever else dies: what is ahead of a ticket only shrinks.
 *
 * A script reads a key of limits once and works on numbers: `r`, `i`, `o` by slot (absent: 0),
 * `f` the other fields. The sum of the window that ends at slot `at` is kept, for the next
 * call is mostly booked for the same slot. */
const char gc_lua_limit_lib[] =
    "local windows = {}\n"
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
    "  w.first = tonumber(w.f.line_first or '1')\n"
    "  w.next = tonumber(w.f.line_next or '1')\n"
    "  w.last = tonumber(w.f.line_last or '0')\n"
    "  w.queue = 'gc:queue' .. key:sub(9)\n" /* after "gc:limit" */
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
    "local function flush_limits()\n"
    "  for key, w in pairs(windows) do\n"
    "    for kind, slots in pairs(w.new) do\n"
    "      for slot in pairs(slots) do\n"
    "        local value = w[kind][slot]\n"
    "        if kind == 'f' then hset(key, slot, value)\n"
    "        else hset(key, kind .. int(slot), value and int(value) or false) end\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "end\n";

/* Bookings, and the line of those who wait. */
const char gc_lua_line_lib[] =
    "local function book_call(w, slot, r, i, o)\n"
    "  book(w, 'r', slot, r)\n"
    "  book(w, 'i', slot, i)\n"
    "  book(w, 'o', slot, o)\n"
    "end\n"
    /* As used evenly after slot `from`, until now; what no window reaches any more is lost. */
    "local function spread(w, kind, from, n)\n"
    "  local slots = w.here - from\n"
    "  local parts = min(20, slots)\n"
    "  for part = 1, parts do\n"
    "    local slot = w.here - floor((part - 0.5) * slots / parts)\n"
    "    if slot > w.here - w.span then\n"
    "      book(w, kind, slot, floor(n * part / parts) - floor(n * (part - 1) / parts))\n"
    "    end\n"
    "  end\n"
    "end\n"
    "local function has_room(w, r, i, o)\n"
    "  return not (full(w, 'r', w.here, r, w.r_most) or full(w, 'i', w.here, i, w.i_most) or\n"
    "              full(w, 'o', w.here, o, w.o_most))\n"
    "end\n"
    /* ---- the line ---- */
    /* Who waits for `ms` may ask a little late. */
    "local function till(w, ms) return now + ms + floor(w.win / 6) end\n"
    "local function get_ticket(w, n)\n"
    "  local text = hget(w.queue, int(n))\n"
    "  if not text then return nil end\n"
    "  local r, i, o, ends, slot = match(text, '^(%d+) (%d+) (%d+) (%d+) (%d+)$')\n"
    "  return {r = tonumber(r), i = tonumber(i), o = tonumber(o),\n"
    "          till = tonumber(ends), slot = tonumber(slot)}\n"
    "end\n"
    "local function put_ticket(w, n, t)\n"
    "  hset(w.queue, int(n), int(t.r) .. ' ' .. int(t.i) .. ' ' .. int(t.o) .. ' ' ..\n"
    "       int(t.till) .. ' ' .. int(t.slot))\n"
    "end\n"
    "local function unbook(w, t)\n"
    "  if t.slot > w.here - w.span then book_call(w, t.slot, -t.r, -t.i, -t.o) end\n"
    "  t.slot = 0\n"
    "end\n"
    "local function drop_ticket(w, n, t)\n"
    "  unbook(w, t)\n"
    "  hset(w.queue, int(n), false)\n"
    "end\n"
    /* Lets in who has room, unless there is a pause; forgets who does not come any more. */
    "local function advance(w, paused)\n"
    "  while w.first <= w.last do\n"
    "    local t = get_ticket(w, w.first)\n"
    "    if t and t.till >= now then break end\n"
    "    if t then drop_ticket(w, w.first, t) end\n"
    "    w.first = w.first + 1\n"
    "  end\n"
    "  w.next = max(w.next, w.first)\n"
    "  while not paused and w.next <= w.last do\n"
    "    local t = get_ticket(w, w.next)\n"
    "    if t and t.till < now then drop_ticket(w, w.next, t)\n"
    "    elseif t and t.slot == 0 then\n"
    "      if not has_room(w, t.r, t.i, t.o) then break end\n"
    "      t.slot = w.here\n"
    "      book_call(w, t.slot, t.r, t.i, t.o)\n"
    "      put_ticket(w, w.next, t)\n"
    "    end\n"
    "    w.next = w.next + 1\n"
    "  end\n"
    "end\n"
    /* At the end, or before all others. No ticket comes twice, even after FLUSHALL. */
    "local function new_ticket(w, in_front)\n"
    "  if w.first > w.last then\n"
    "    w.first = max(w.last + 1, time[1] * 1000000 + time[2])\n"
    "    w.next, w.last = w.first, w.first\n"
    "    return w.first\n"
    "  elseif in_front then\n"
    "    w.first = w.first - 1\n"
    "    w.next = w.first\n"
    "    return w.first\n"
    "  end\n"
    "  w.last = w.last + 1\n"
    "  return w.last\n"
    "end\n"
    "local function keep_line(w)\n"
    "  if w.first > w.last and not w.f.line_first then return end\n"
    "  for _, name in ipairs({'first', 'next', 'last'}) do\n"
    "    local value = w.first <= w.last and int(w[name])\n"
    "    if value ~= (w.f['line_' .. name] or false) then put(w, 'line_' .. name, value) end\n"
    "  end\n"
    "  if w.first <= w.last then live(w.queue, 3600000 + w.win) end\n"
    "end\n"
    /* Sooner where the turn may come soon, but all of them together a few hundred times a
     * second: `ahead` in the line all take what this one takes. */
    "local function ask_again_ms(w, ahead, r, i, o)\n"
    "  local part = 0\n"
    "  for kind, n in pairs({r = r, i = i, o = o}) do\n"
    "    local most = w[kind .. '_most']\n"
    "    if most > 0 then\n"
    "      part = max(part, (in_window(w, kind, w.here) + (ahead + 1) * n - most) / most)\n"
    "    end\n"
    "  end\n"
    "  local most_ms = min(max(w.width, (w.last - w.first) * w.width / 200), 30 * w.width)\n"
    "  return floor(min(max(part * w.win / 4, w.width / 4), most_ms)) + 1\n"
    "end\n";

/* ---- gc:limit: what all workers together may ask ---- */
#define LUA_WINDOW                                \
    "local now, w = now_ms(), load_window(KEY)\n" \
    "if w.win ~= ARGV[2] then measure(w, KEY, ARGV[2]) end\n"

/* ARGV: key window_ms slot ticket requests input output. `slot` and `ticket` are those of an
 * earlier answer (0: none). A booking stands, and moves to now, unless there is a pause or it
 * was made before the limit was known. Answers {OK, ms of a pause, ms until it is to ask
 * again (0: go), slot, ticket}. */
const char gc_lua_limit_take[] = LUA_WINDOW
    "local ticket = tonumber(ARGV[4])\n"
    "local own = {r = tonumber(ARGV[5]), i = tonumber(ARGV[6]), o = tonumber(ARGV[7]),\n"
    "             slot = tonumber(ARGV[3]), till = till(w, 0)}\n"
    "local paused = max(0, tonumber(w.f.paused_until or '0') - now)\n"
    "local t = ticket > 0 and get_ticket(w, ticket)\n"
    "if t then own.slot = t.slot end\n"
    "local went = own.slot > 0\n"
    "local function go()\n"
    "  own.slot = w.here\n"
    "  book_call(w, w.here, own.r, own.i, own.o)\n"
    "end\n"
    "trim(w)\n"
    "if went then\n"
    "  unbook(w, own)\n"
    "  if paused == 0 and has_room(w, own.r, own.i, own.o) then go() end\n"
    "end\n"
    "if own.slot == 0 and t then\n"
    "  w.next = min(w.next, ticket)\n"
    "  put_ticket(w, ticket, own)\n" /* it may only just be alive */
    "  advance(w, paused > 0)\n"
    "  own = get_ticket(w, ticket)\n"
    "elseif own.slot == 0 then\n"
    "  advance(w, paused > 0)\n"
    "  if paused > 0 or went or w.next <= w.last or not has_room(w, own.r, own.i, own.o) then\n"
    "    ticket = new_ticket(w, went)\n"
    "  else\n"
    "    go()\n"
    "  end\n"
    "end\n"
    "local wait = 0\n"
    "if own.slot > 0 then\n"
    "  if t then\n"
    "    hset(w.queue, int(ticket), false)\n"
    "    advance(w, paused > 0)\n"
    "  end\n"
    "  ticket = 0\n"
    "else\n"
    "  wait = paused > 0 and paused or\n"
    "    ask_again_ms(w, max(0, ticket - w.next), own.r, own.i, own.o)\n"
    "  own.till = till(w, wait)\n"
    "  put_ticket(w, ticket, own)\n"
    "end\n"
    "keep_line(w)\n"
    "return {'OK', paused, wait, own.slot, ticket}\n";

/* ARGV: key window_ms ticket: who had it does not wait any more. */
const char gc_lua_limit_leave[] = LUA_WINDOW "local ticket = tonumber(ARGV[3])\n"
                                             "local t = get_ticket(w, ticket)\n"
                                             "if t then drop_ticket(w, ticket, t) end\n"
                                             "return 'OK'\n";

/* ARGV: key window_ms slot ticket requests input output streamed: by how much the booking was
 * wrong, and the output tokens that came in since that slot (0: they count for it). */
const char gc_lua_limit_settle[] =
    LUA_WINDOW "local slot, streamed = tonumber(ARGV[3]), tonumber(ARGV[8])\n"
               "local old = slot <= w.here - w.span\n"
               "local function correct(kind, delta)\n"
               "  if not old then book(w, kind, slot, delta)\n"
               "  elseif delta > 0 then book(w, kind, w.here, delta) end\n"
               "end\n"
               "correct('r', tonumber(ARGV[5]))\n"
               "correct('i', tonumber(ARGV[6]))\n"
               "if streamed > 0 and slot + 2 < w.here then\n"
               "  if not old then book(w, 'o', slot, tonumber(ARGV[7]) - streamed) end\n"
               "  spread(w, 'o', slot, streamed)\n"
               "else\n"
               "  correct('o', tonumber(ARGV[7]))\n"
               "end\n"
               "return 'OK'\n";

/* ARGV: key window_ms, then limit and remaining of requests, input and output (-1: not
 * told). What others than these workers have used counts from now on, as used evenly in the
 * minute before: so it becomes free as the provider's bucket refills. */
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
    "    if foreign > 0 then spread(w, k, w.here - w.span, foreign) end\n"
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
