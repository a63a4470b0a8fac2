-- What every script begins with: the counters of metering/counters/cells.py, each a hash.
--
-- Times are whole microseconds. Numbers are doubles, exact to 2^53: nano-USD are kept as two, billionths
-- apart (USD and the rest); requests and tokens are kept below 2^53 by who asks.

local CALENDAR, REQUESTS, TOKENS, BUSY = 1, 2, 3, 4
local NANO = 1000000000
local PARTS = 120
local SOON = 1000000
local DAY = 86400000000
local NEVER = 9000000000000000

local function text(number)
  return string.format('%.0f', number)
end

-- When it is: `given` stands in for the server's own clock in tests.
local function time(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end

local function expire(key, after)
  redis.call('PEXPIRE', key, text(math.floor(after / 1000)))
end

-- Nano-USD: high and low.
local function add(ah, al, bh, bl)
  local low = al + bl
  if low >= NANO then return ah + bh + 1, low - NANO end
  return ah + bh, low
end

local function subtract(ah, al, bh, bl)
  if al >= bl then return ah - bh, al - bl end
  return ah - bh - 1, al + NANO - bl
end

local function more(ah, al, bh, bl)
  return ah > bh or (ah == bh and al > bl)
end

-- Calendar: number of the window, its beginning and end, used, held, and beginning and use of the one before.

local calendar = {}
local N, START, STOP, USED, USED_LOW, HELD, HELD_LOW, BEFORE, BEFORE_USED, BEFORE_LOW = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

function calendar.load(key)
  local packed = redis.call('GET', key)
  return packed and cmsgpack.unpack(packed)
end

-- With the window that `now` is in.
function calendar.turn(key, now, start, stop)
  local c = calendar.load(key)
  if not c then return {0, start, stop, 0, 0, 0, 0, -1, 0, 0} end
  if now >= c[STOP] then
    return {c[N] + 1, start, stop, 0, 0, 0, 0, c[START], c[USED], c[USED_LOW]}
  elseif now < c[START] then
    if start == c[BEFORE] then
      c[USED], c[USED_LOW] = add(c[USED], c[USED_LOW], c[BEFORE_USED], c[BEFORE_LOW])
      c[BEFORE], c[BEFORE_USED], c[BEFORE_LOW] = -1, 0, 0
    end
    c[START], c[STOP] = start, stop
  end
  return c
end

function calendar.save(key, c, now)
  local after = math.max(0, math.min(c[STOP] - now, 400 * DAY)) + DAY
  redis.call('SET', key, cmsgpack.pack(c), 'PX', text(math.floor(after / 1000)))
end

-- What was held is held no longer, and what it came to is used. Returns what was used before and after; nothing
-- where the place is over.
function calendar.replace(key, place, held, held_low, used, used_low, now)
  local c = calendar.load(key)
  if not c then return nil end
  local answer
  if place == c[N] then
    c[HELD], c[HELD_LOW] = subtract(c[HELD], c[HELD_LOW], held, held_low)
    answer = {c[USED], c[USED_LOW]}
    c[USED], c[USED_LOW] = add(c[USED], c[USED_LOW], used, used_low)
    answer[3], answer[4] = c[USED], c[USED_LOW]
  elseif place == c[N] - 1 then
    c[BEFORE_USED], c[BEFORE_LOW] = add(c[BEFORE_USED], c[BEFORE_LOW], used, used_low)
  else
    return nil
  end
  calendar.save(key, c, now)
  return answer
end

-- Where a call of `made`, in a window from `start` to `stop`, counts.
function calendar.place(key, made, start, stop, now)
  local c = calendar.load(key)
  if not c or made >= c[STOP] then
    c = calendar.turn(key, made, start, stop)
    calendar.save(key, c, now)
  end
  if made >= c[START] then return c[N] end
  if start == c[BEFORE] then return c[N] - 1 end
  return -1
end

-- Sliding: used, held, first and last place, how many; for each place what is used and held there, and the next.

local sliding = {}

function sliding.load(key)
  local v = redis.call('HMGET', key, 'u', 'h', 'f', 'l', 'c')
  return {u = tonumber(v[1] or 0), h = tonumber(v[2] or 0), f = tonumber(v[3] or -1), l = tonumber(v[4] or -1),
    c = tonumber(v[5] or 0)}
end

function sliding.save(key, c)
  redis.call('HSET', key, 'u', c.u, 'h', c.h, 'f', c.f, 'l', c.l, 'c', c.c)
end

-- Takes the first entry out.
function sliding.pop(key, c)
  local place = text(c.f)
  local v = redis.call('HMGET', key, 'u' .. place, 'h' .. place, 'n' .. place)
  redis.call('HDEL', key, 'u' .. place, 'h' .. place, 'n' .. place)
  local entry = {place = c.f, u = tonumber(v[1] or 0), h = tonumber(v[2] or 0)}
  c.u, c.h, c.c = c.u - entry.u, c.h - entry.h, c.c - 1
  c.f = tonumber(v[3] or -1)
  if c.f < 0 then c.l, c.u, c.h, c.c = -1, 0, 0, 0 end
  return entry
end

-- Puts an entry behind all others, or into the last.
function sliding.push(key, c, place, used, held)
  c.u, c.h = c.u + used, c.h + held
  if place > c.l then
    local last = c.l
    c.l, c.c = place, c.c + 1
    if last < 0 then c.f = place end
    redis.call('HSET', key, 'n' .. text(last), text(place), 'u' .. text(place), used, 'h' .. text(place), held,
      'u', c.u, 'h', c.h, 'f', c.f, 'l', c.l, 'c', c.c)
    return place, true
  end
  if used > 0 then redis.call('HINCRBY', key, 'u' .. text(c.l), used) end
  if held > 0 then redis.call('HINCRBY', key, 'h' .. text(c.l), held) end
  redis.call('HSET', key, 'u', c.u, 'h', c.h)
  return c.l, false
end

function sliding.turn(key, now, period)
  local c = sliding.load(key)
  local changed = false
  if c.l > now + period / PARTS then -- the clock was put back: what lies ahead of it counts as of now
    local all = {}
    while c.f >= 0 do all[#all + 1] = sliding.pop(key, c) end
    for _, entry in ipairs(all) do sliding.push(key, c, math.min(entry.place, now), entry.u, entry.h) end
    changed = true
  end
  while c.f >= 0 and c.f <= now - period do
    sliding.pop(key, c)
    changed = true
  end
  if changed then sliding.save(key, c) end
  return c
end

function sliding.add(key, c, now, period, used, held)
  local place = now
  if c.l < now and c.c >= PARTS then
    local part = period / PARTS
    place = (math.floor(now / part) + 1) * part
  end
  local fresh
  place, fresh = sliding.push(key, c, place, used, held)
  if fresh then expire(key, period + DAY) end
  return place
end

-- As with calendars. An entry that has left is not counted; one that a clock put back moved counts as of now.
function sliding.replace(key, place, held, used, now, period)
  local at = text(place)
  local v = redis.call('HMGET', key, 'u' .. at, 'h' .. at, 'u', 'h')
  if v[1] then
    local there, before, all = tonumber(v[2]), tonumber(v[3]), tonumber(v[4])
    if held > there then held = 0 end
    redis.call('HSET', key, 'u' .. at, v[1] + used, 'h' .. at, there - held, 'u', before + used, 'h', all - held)
    return {0, before, 0, before + used}
  end
  if used == 0 or place <= now - period then return nil end
  local c = sliding.turn(key, now, period)
  sliding.add(key, c, now, period, used, 0)
  return {0, c.u - used, 0, c.u}
end

-- Microseconds until no more than `room` is used; -1: never.
function sliding.wait(key, c, now, period, room)
  if c.u <= room then return SOON end
  local left, place = c.u, c.f
  while place >= 0 do
    local v = redis.call('HMGET', key, 'u' .. text(place), 'n' .. text(place))
    left = left - tonumber(v[1] or 0)
    if left <= room then return place + period - now end
    place = tonumber(v[2] or -1)
  end
  return -1
end

-- Holds: a packed list in a string: whether the lease has ended, and for each claim key, kind, place, high, low
-- and period.

-- What a call came to in the place of what it held.
local function replace(claim, high, low, now)
  local key, kind, place, held, held_low, period = unpack(claim, 1, 6)
  if kind == CALENDAR then return calendar.replace(key, place, held, held_low, high, low, now) end
  if kind == TOKENS then return sliding.replace(key, place, held_low, high * NANO + low, now, period) end
  local busy = tonumber(redis.call('GET', key) or 0) - held_low
  redis.call('SET', key, math.max(0, busy), 'PX', text(2 * DAY / 1000))
  return nil
end

local function keep(key, hold)
  redis.call('SET', key, cmsgpack.pack(hold), 'PX', text(2 * DAY / 1000))
end

-- Leases that have ended: some of them, so that nobody waits for all. What was held can be settled for two days
-- more; the place of such a hold among the leases is its second end.
local function lapse(leases, now)
  local over = redis.call('ZRANGEBYSCORE', leases, '-inf', text(now), 'LIMIT', 0, 100)
  for _, key in ipairs(over) do
    local packed = redis.call('GET', key)
    local hold = packed and packed ~= 'void' and cmsgpack.unpack(packed)
    if hold and hold[1] == 0 then
      for i = 2, #hold do replace(hold[i], 0, 0, now) end
      hold[1] = 1
      keep(key, hold)
      redis.call('ZADD', leases, text(now + 2 * DAY), key)
    else
      redis.call('ZREM', leases, key)
      redis.call('DEL', key)
    end
  end
end
