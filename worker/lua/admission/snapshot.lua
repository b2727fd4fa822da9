-- Reads breakers without changing them.
--
-- KEYS[1..] {ns}:2:breaker:<provider>
-- Returns {time, then for each provider a flat list of names and values}: the fields as stored, with the override in
-- force, status and cause. The list is empty for a provider that was never asked.
local time = clock()
local all = { time }
for i, key in ipairs(KEYS) do
  local b, now = read_breaker(key, time)
  local flat = {}
  if b then
    local status, cause = health(b, now)
    local found = { override = b.override, override_until = string.format('%.0f', b.override_until), status = status,
      cause = cause }
    for field, value in pairs(getmetatable(b).stored) do found[field] = found[field] or value end
    for field, value in pairs(found) do
      flat[#flat + 1] = field
      flat[#flat + 1] = value
    end
  end
  all[i + 1] = flat
end
return all
