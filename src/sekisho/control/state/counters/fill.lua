-- Counts what the books say, in an epoch that is still to begin.
--
-- KEYS: one for each counter. ARGV: time ('': the server's), counters.
-- A counter: kind, period or window's beginning, window's end, and its entries: time, used (high, low), ascending.

local now = time(ARGV[1])
for i, counter in ipairs(cmsgpack.unpack(ARGV[2])) do
  local kind, a, b = unpack(counter, 1, 3)
  local key = KEYS[i]
  if kind == CALENDAR then
    local c = calendar.turn(key, now, a, b)
    for j = 4, #counter do
      c[USED], c[USED_LOW] = add(c[USED], c[USED_LOW], counter[j][2], counter[j][3])
    end
    calendar.save(key, c, now)
  else
    local c = sliding.load(key)
    for j = 4, #counter do sliding.push(key, c, counter[j][1], counter[j][2] * NANO + counter[j][3], 0) end
    expire(key, a + DAY)
  end
end
return 1
