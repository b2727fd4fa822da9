-- Reads breakers as they are, changing nothing.
--
-- KEYS[1..] {ns}:breaker:<provider>
-- Returns {time, then per provider a flat list of FIELDS, status and cause with their values (empty: never asked)}.
local time = clock()
local all = { time }
for i, key in ipairs(KEYS) do
  local b, now = read(key, time)
  local flat = {}
  if b then
    for _, field in ipairs(FIELDS) do
      flat[#flat + 1] = field
      flat[#flat + 1] = TEXT[field] and b[field] or string.format('%.0f', b[field])
    end
    local status, cause = health(b, now)
    for _, value in ipairs({ 'status', status, 'cause', cause }) do flat[#flat + 1] = value end
  end
  all[i + 1] = flat
end
return all
