-- Reads breakers without changing them.
--
-- KEYS[1..] {ns}:2:breaker:<provider>
-- Returns {time, then for each provider a flat list of names and values}: the fields as stored, with the override in
-- force, status and cause, and `scored:<tier>` where its score has decided. The list is empty for a provider that was
-- never asked.

-- Returns of a usual prompt and answer: t (ms, 0 where it is not known), p (millionths), tokens of the prompt, of the
-- answer, cached thousandths of the prompt, thousandths of calls in flight, ms of the last outcome.
local function score_of(b, key, tier, now)
  local known, load, t = known_score(b, tier, now), load_now(b, now), 0
  if known.first then
    local first, token = pulled(known)
    local busy = loaded(string.match(key, 'breaker:(.*)$'), key, load, load.usual, now)
    t = expected_ms(b, tier, first, token, known.prompt, known.output, busy)
  end
  local figures = { t, success_of(known) * 1e6, known.prompt, known.output, known.cached * 1000, load.pending * 1000,
    known.at }
  for i, value in ipairs(figures) do figures[i] = whole(value) end
  return table.concat(figures, ' ')
end

local time = clock()
local all = { time }
for i, key in ipairs(KEYS) do
  local b, now = read_breaker(key, time)
  local flat = {}
  if b then
    local status, cause = health(b, now)
    local found = { override = b.override, override_until = string.format('%.0f', b.override_until), status = status,
      cause = cause }
    for field, value in pairs(getmetatable(b).stored) do
      found[field] = found[field] or value
      local tier = string.match(field, '^score:(.*)$')
      if tier then found['scored:' .. tier] = score_of(b, key, tier, now) end
    end
    for field, value in pairs(found) do
      flat[#flat + 1] = field
      flat[#flat + 1] = value
    end
  end
  all[i + 1] = flat
end
return all
