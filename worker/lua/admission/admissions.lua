-- Reads when providers admit, and takes nothing.
--
-- KEYS[1..] {ns}:2:breaker:<provider>, ARGV[1..] the providers
-- Returns {time, then for each provider the ms at which it admits: the time itself for now, -1 where none is known}.
local time = clock()
local found = { time }
for i, key in ipairs(KEYS) do
  local b, now = read_breaker(key, time)
  local reason, at = nil, nil
  if b then reason, at = refusal(b, key, now) end
  if not reason then reason, at = over_limit(ARGV[i], key, now, { minutes = {} }, 1) end
  found[i + 1] = reason and at or time
end
return found
