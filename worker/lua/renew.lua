-- Renews a task's lease that is still this delivery's.
--
-- KEYS[1] {ns}:task:<id>, as in begin.lua
-- ARGV[1] the delivery's token, ARGV[2] the lease in ms, ARGV[3] s to keep the key: a call may last longer than that
-- Returns 1, or 0 where another delivery holds it.
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', clock() + tonumber(ARGV[2])))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
