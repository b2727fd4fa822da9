-- An operator's hand on one breaker.
--
-- KEYS[1] {ns}:events, KEYS[2] {ns}:breaker:<provider>
-- ARGV[1] the provider
-- ARGV[2] open | closed (force it so), reset (forget everything)
-- ARGV[3] ms that a forced state lasts; 0 is without end
-- ARGV[4] who asked
local events, key, provider, action = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local b, now = read(key, clock())
if action == 'reset' then
  local old, ill = b and b.generation or 0, b and b.ill or 0
  b = fresh(now)
  b.generation, b.ill = math.max(old + 1, now), ill
  redis.call('DEL', key, key .. ':leases', key .. ':window')
else
  b = b or fresh(now)
  b.override = action
  b.override_until = tonumber(ARGV[3]) > 0 and now + tonumber(ARGV[3]) or 0
end
tell(events, 'circuit-breaker-' .. (action == 'reset' and 'reset' or 'forced-' .. action), provider, now,
  'by', ARGV[4], 'until_ms', string.format('%.0f', b.override_until))
write(key, b, now, provider, events)
