-- Extends a half-open lease that still lives, once, when the first token came.
--
-- KEYS[1] {ns}:breaker:<provider>
-- ARGV[1] the permit, ARGV[2] ms from now
-- Returns 1 where the lease was still alive.
local _, now = read(KEYS[1], clock())
local leases = KEYS[1] .. ':leases'
local deadline = redis.call('ZSCORE', leases, ARGV[1])
if not deadline or tonumber(deadline) <= now then return 0 end
redis.call('ZADD', leases, 'XX', string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
return 1
