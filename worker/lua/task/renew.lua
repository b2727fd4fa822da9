-- Renews the leases that a process holds; one script for many takes a third of the time of one for each.
--
-- KEYS[i]     {ns}:2:task:<id>, as in begin.lua
-- ARGV[1]     the lease in ms, ARGV[2] s to keep the key, renewed because a call may last longer
-- ARGV[2 + i] the lease id of KEYS[i]
-- Returns for each 1, or 0 where another delivery holds it. Nobody holds what a restarted Redis has forgotten.
local held, ends = {}, string.format('%.0f', clock() + tonumber(ARGV[1]))
for i, key in ipairs(KEYS) do
  local holder = redis.call('HGET', key, 'holder')
  held[i] = (not holder or holder == ARGV[2 + i]) and 1 or 0
  if holder == ARGV[2 + i] then
    redis.call('HSET', key, 'until', ends)
    redis.call('EXPIRE', key, ARGV[2])
  end
end
return held
