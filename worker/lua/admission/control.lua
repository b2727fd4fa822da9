-- Applies an operator's command to one breaker.
--
-- KEYS[1] {ns}:2:events, KEYS[2] {ns}:2:breaker:<provider>
-- ARGV[1] the provider
-- ARGV[2] open | closed (forces this state), reset (forgets everything but the generation)
-- ARGV[3] ms that a forced state lasts; 0 is without end
-- ARGV[4] who asked
local events, key, provider, action = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local b, now = read_breaker(key, clock())
if action == 'reset' then
  local old, unhealthy = b and b.generation or 0, b and b.unhealthy or 0
  b = new_breaker(now)
  b.generation, b.unhealthy = math.max(old + 1, now), unhealthy
  redis.call('DEL', key, key .. ':permits', key .. ':window')
else
  b = b or new_breaker(now)
  b.override = action
  local by = ARGV[4]
  if #by > 40 then by = string.gsub(string.sub(by, 1, 40), '[\192-\255][\128-\191]*$', '') end  -- no half a letter
  b.override_by = string.format('%.0f %s', now, by)
  b.override_until = tonumber(ARGV[3]) > 0 and now + tonumber(ARGV[3]) or 0
end
add_event(events, 'circuit-breaker-' .. (action == 'reset' and 'reset' or 'forced-' .. action), provider, now,
  'by', ARGV[4], 'until_ms', string.format('%.0f', b.override_until))
write_breaker(key, b, now, provider, events)
