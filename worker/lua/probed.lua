-- Takes in what one probe found: the ring of the last probes, the provider's health, the end of a block for
-- authentication; nothing else of the breaker.
--
-- KEYS[1] {ns}:events, KEYS[2] {ns}:breaker:<provider>
-- KEYS[3] {ns}:health:<provider>:probes  list, newest first: 1 for a provider that answered, else 0
-- ARGV[1] the provider, ARGV[2] 1 where it answered, ARGV[3] 1 where it took the key
local events, key, probes, provider = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
redis.call('LPUSH', probes, ARGV[2])
redis.call('LTRIM', probes, 0, RING - 1)
redis.call('EXPIRE', probes, KEEP)
local b, now = read(key, clock())
if not b then b = fresh(now) end
b.misses = ARGV[2] == '1' and 0 or b.misses + 1
if ARGV[3] == '1' and b.locked == 1 then
  b.locked = 0
  tell(events, 'provider-unlocked', provider, now, 'by', 'probe')
end
write(key, b, now, provider, events)
