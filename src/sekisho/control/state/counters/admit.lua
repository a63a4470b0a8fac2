-- Holds all claims of a call, or nothing.
--
-- KEYS: marker, leases, hold, one for each claim.
-- ARGV: epoch, time ('': the server's), lease, what is claimed, '1': whatever there is room for.
-- A claim: kind, amount (high, low), limit (high, low), period or window's beginning, window's end.
--
-- Returns {0, time, remaining high, low, ...}; {1, time, claim, used high, low, held high, low, wait}: refused;
-- {2}: another epoch; {3, time}: a window does not hold the time; {4}: the hold is known.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {2} end
local now = time(ARGV[2])
lapse(KEYS[2], now)
if redis.call('EXISTS', KEYS[3]) == 1 then return {4} end
local claims = cmsgpack.unpack(ARGV[4])
local forced = ARGV[5] == '1'
local cells = {}

for i, claim in ipairs(claims) do
  local kind, high, low, limit_high, limit_low, a, b = unpack(claim, 1, 7)
  local key = KEYS[i + 3]
  if kind == CALENDAR then
    if now < a or now >= b then return {3, now} end
    local c = calendar.turn(key, now, a, b)
    local total_high, total_low = add(c[USED], c[USED_LOW], c[HELD], c[HELD_LOW])
    total_high, total_low = add(total_high, total_low, high, low)
    if not forced and more(total_high, total_low, limit_high, limit_low) then
      local wait = -1
      local alone_high, alone_low = add(c[USED], c[USED_LOW], high, low)
      if not more(alone_high, alone_low, limit_high, limit_low) then
        wait = SOON
      elseif c[STOP] < NEVER and not more(high, low, limit_high, limit_low) then
        wait = c[STOP] - now
      end
      return {1, now, i, c[USED], c[USED_LOW], c[HELD], c[HELD_LOW], wait}
    end
    cells[i] = c
  elseif kind == BUSY then
    local held = tonumber(redis.call('GET', key) or 0)
    if not forced and held + low > limit_low then
      return {1, now, i, 0, 0, 0, held, low <= limit_low and SOON or -1}
    end
    cells[i] = held
  else
    local c = sliding.turn(key, now, a)
    if not forced and c.u + c.h + low > limit_low then
      return {1, now, i, 0, c.u, 0, c.h, low <= limit_low and sliding.wait(key, c, now, a, limit_low - low) or -1}
    end
    cells[i] = c
  end
end

local hold, answer = {0}, {0, now}
for i, claim in ipairs(claims) do
  local kind, high, low, limit_high, limit_low, a = unpack(claim, 1, 6)
  local key, c = KEYS[i + 3], cells[i]
  local place = 0
  local left_high, left_low
  if kind == CALENDAR then
    c[HELD], c[HELD_LOW] = add(c[HELD], c[HELD_LOW], high, low)
    calendar.save(key, c, now)
    place = c[N]
    left_high, left_low = subtract(limit_high, limit_low, c[USED], c[USED_LOW])
    left_high, left_low = subtract(left_high, left_low, c[HELD], c[HELD_LOW])
  elseif kind == BUSY then
    redis.call('SET', key, c + low, 'PX', text(2 * DAY / 1000))
    left_high, left_low = 0, limit_low - c - low
  else
    if kind == REQUESTS then
      sliding.add(key, c, now, a, low, 0)
    else
      place = sliding.add(key, c, now, a, 0, low)
    end
    left_high, left_low = 0, limit_low - c.u - c.h
  end
  if kind ~= REQUESTS then hold[#hold + 1] = {key, kind, place, high, low, a} end
  answer[#answer + 1] = left_high
  answer[#answer + 1] = left_low
end
if #hold > 1 then
  keep(KEYS[3], hold)
  redis.call('ZADD', KEYS[2], text(now + tonumber(ARGV[3])), KEYS[3])
  expire(KEYS[2], 3 * DAY)
end
return answer
