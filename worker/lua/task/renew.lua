-- Renews a task's lease if this delivery still holds it.
--
-- KEYS[1] {ns}:2:task:<id>, as in begin.lua
-- ARGV[1] the lease id, ARGV[2] the lease in ms, ARGV[3] s to keep the key, renewed because a call may last longer
-- Returns 1, or 0 where another delivery holds it. Nobody holds what a restarted Redis has forgotten.
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder ~= ARGV[1] then return holder and 0 or 1 end
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', clock() + tonumber(ARGV[2])))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
