-- Records one probe: in the ring of the last probes and in the provider's health. A success clears an authentication
-- lock; a probe changes nothing else of the breaker.
--
-- KEYS[1] {ns}:2:events, KEYS[2] {ns}:2:breaker:<provider>
-- KEYS[3] {ns}:2:health:<provider>:probes  list, newest first: 1 where the provider answered, else 0
-- ARGV[1] the provider, ARGV[2] 1 where it answered, ARGV[3] 1 where it accepted the key
-- ARGV[4] the fingerprint of that key; '' where there is none
local events, key, probes, provider = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
redis.call('LPUSH', probes, ARGV[2])
redis.call('LTRIM', probes, 0, RING - 1)
redis.call('EXPIRE', probes, KEEP)
local b, now = read_breaker(key, clock())
if not b then b = new_breaker(now) end
b.failed_probes = ARGV[2] == '1' and 0 or b.failed_probes + 1
if ARGV[3] == '1' and ARGV[4] ~= '' then  -- it is refused no longer
  b.refused = string.gsub(string.gsub(b.refused, ' ?' .. ARGV[4], ''), '^ ', '')
end
if ARGV[3] == '1' and b.auth_locked == 1 then
  b.auth_locked = 0
  add_event(events, 'provider-auth-unlocked', provider, now, 'by', 'probe')
end
write_breaker(key, b, now, provider, events)
