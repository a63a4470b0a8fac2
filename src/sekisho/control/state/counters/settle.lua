-- Puts what calls came to in the place of what they held, once.
--
-- KEYS: marker, leases, ids of calls that were counted from the books, holds.
-- ARGV: epoch, time ('': the server's), settlements.
-- A settlement: 1 = book it also if there is no hold, and leave a mark: it may be sent once more, by whomever;
-- the call's id where the books may have it, or ''; when it was
-- admitted; and for each counter its key, kind, amount (high, low), period or window's beginning, window's end.
--
-- Returns {2} for another epoch, and else {0, ...}: for each counter of each settlement what was used before and
-- after (high, low), or where nothing changed -1 four times.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {2} end
local now = time(ARGV[2])
local answer = {0}

-- Of a call that holds nothing: by the time of its admission.
local function book(counter, made)
  local key, kind, high, low, a, b = unpack(counter, 1, 6)
  if kind == CALENDAR then
    return calendar.replace(key, calendar.place(key, made, a, b, now), 0, 0, high, low, now)
  end
  return sliding.replace(key, made, 0, high * NANO + low, now, a)
end

for i, settlement in ipairs(cmsgpack.unpack(ARGV[3])) do
  local late, id, made = settlement[1] == 1, settlement[2], settlement[3]
  local key = KEYS[i + 3]
  local packed = redis.call('GET', key)
  local used = {}
  if packed and packed ~= 'void' then
    local hold, came_to = cmsgpack.unpack(packed), {}
    for j = 4, #settlement do came_to[settlement[j][1]] = settlement[j] end
    for j = 2, #hold do
      local claim = hold[j]
      local counter = came_to[claim[1]] or {0, 0, 0, 0}
      if hold[1] == 1 then claim[4], claim[5] = 0, 0 end -- its lease has ended: nothing is held any more
      used[claim[1]] = replace(claim, counter[3], counter[4], now)
    end
    if late then redis.call('SET', key, 'void', 'PX', text(2 * DAY / 1000)) else redis.call('DEL', key) end
    redis.call('ZREM', KEYS[2], key)
  elseif not packed and late and not (id ~= '' and redis.call('SISMEMBER', KEYS[3], id) == 1) then
    -- Neither this settlement, if it is sent again, nor an admission that was sent before it may do anything.
    redis.call('SET', key, 'void', 'PX', text(2 * DAY / 1000))
    for j = 4, #settlement do used[settlement[j][1]] = book(settlement[j], made) end
  end
  for j = 4, #settlement do
    local each = used[settlement[j][1]]
    for k = 1, 4 do answer[#answer + 1] = each and each[k] or -1 end
  end
end
return answer
