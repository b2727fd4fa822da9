-- Renews the slots of calls that a process has in flight, each {ns}:2:breaker:<provider>:slots.
--
-- KEYS[i] {ns}:2:breaker:<provider>, ARGV[i] the permit's id
-- A slot that another call took out meanwhile stays out: it was settled, or had run out.
local ends = whole(clock() + SLOT_MS)
for i, key in ipairs(KEYS) do
  redis.call('ZADD', key .. ':slots', 'XX', ends, ARGV[i])
  redis.call('EXPIRE', key .. ':slots', SLOTS_KEPT)
end
