-- Extends a half-open permit once, when the first token came, if it has not run out.
--
-- KEYS[1] {ns}:2:breaker:<provider>
-- ARGV[1] the permit's id, ARGV[2] ms from now
-- Returns 1, or 0 where it had run out or was extended before. The half in a deadline marks an extended one.
local _, now = read_breaker(KEYS[1], clock())
local permits = KEYS[1] .. ':permits'
local deadline = redis.call('ZSCORE', permits, ARGV[1])
if not deadline or tonumber(deadline) <= now or tonumber(deadline) % 1 ~= 0 then return 0 end
redis.call('ZADD', permits, 'XX', string.format('%.1f', now + tonumber(ARGV[2]) + 0.5), ARGV[1])
return 1
