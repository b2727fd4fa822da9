-- Extends a half-open lease that still lives, once, when the first token came.
--
-- KEYS[1] {ns}:breaker:<provider>
-- ARGV[1] the permit, ARGV[2] ms from now
-- Returns 1 where it was still alive and not extended yet.
local _, now = read(KEYS[1], clock())
local leases = KEYS[1] .. ':leases'
local deadline = redis.call('ZSCORE', leases, ARGV[1])
if not deadline or tonumber(deadline) <= now or tonumber(deadline) % 1 ~= 0 then return 0 end
redis.call('ZADD', leases, 'XX', string.format('%.1f', now + tonumber(ARGV[2]) + 0.5), ARGV[1])
return 1
