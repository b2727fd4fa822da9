-- Reads how many calls of each provider are silent. Changes nothing.
--
-- KEYS[i] {ns}:2:breaker:<provider>
-- Returns for each {silent calls, ms at which the first of them began}; none of a breaker that is not closed.
local time, found = clock(), {}
for i, key in ipairs(KEYS) do
  local b, now = read_breaker(key, time)
  local count, _, began
  if b and b.state == 'closed' then count, _, began = count_silent(key .. ':silent', b, now) end
  found[i] = { count or 0, began or 0 }
end
return found
