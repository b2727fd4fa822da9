-- An operator's hand, or an authenticated probe's, on one breaker.
--
-- KEYS[1] {ns}:events, KEYS[2] {ns}:breaker:<provider>
-- ARGV[1] the provider
-- ARGV[2] open | closed (force it so), reset (forget everything), unlock (end a block for authentication)
-- ARGV[3] ms that a forced state lasts; 0 is without end
-- ARGV[4] who asked
-- Returns 1 where something changed.
local events, key, provider, action = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local b, now = read(key, clock())
if action == 'unlock' then
  if not b or b.locked == 0 then return 0 end
  b.locked = 0
  write(key, b, now)
  tell(events, 'provider-unlocked', provider, now, 'by', ARGV[4])
  return 1
end
if action == 'reset' then
  local old = b and b.generation or 0
  b = fresh(now)
  b.generation = math.max(old + 1, now)
  redis.call('DEL', key, key .. ':leases', key .. ':window')
else
  b = b or fresh(now)
  b.override = action
  b.override_until = tonumber(ARGV[3]) > 0 and now + tonumber(ARGV[3]) or 0
end
write(key, b, now)
tell(events, 'circuit-breaker-' .. (action == 'reset' and 'reset' or 'forced-' .. action), provider, now,
  'by', ARGV[4], 'until_ms', string.format('%.0f', b.override_until))
return 1
