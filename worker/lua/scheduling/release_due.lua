-- Puts scheduled messages whose time has come back into their queue, the oldest first; schedule.lua describes the keys.
--
-- KEYS[1] {ns}:2:scheduled, KEYS[2] {ns}:2:scheduled:due
-- KEYS[3..] the queue's lists, the most urgent first; the name of one ends in its priority, of the first in none
-- Returns ms until the next message goes back, 0 where more could now, -1 where none is scheduled.
local MOST, BYTES = 50, 1000000  -- per call: Redis does nothing else meanwhile

-- Returns the queue's list for a message's name.
local function queue_list(name)
  local priority = string.match(name, '^%d+')
  for i = 4, #KEYS do
    if string.match(KEYS[i], '%d+$') == priority then return KEYS[i] end
  end
  return KEYS[3]
end

local now, moved, bytes = clock(), 0, 0
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, MOST)) do
  bytes = bytes + redis.call('HSTRLEN', KEYS[1], name)
  if moved > 0 and bytes > BYTES then break end
  local message = redis.call('HGET', KEYS[1], name)
  if message then redis.call('LPUSH', queue_list(name), message) end
  redis.call('HDEL', KEYS[1], name)
  redis.call('ZREM', KEYS[2], name)
  moved = moved + 1
end
local following = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
return following and math.max(0, math.ceil(following - now)) or -1
