-- Hands messages over, the most urgent first, and registers each as held by whoever asked.
--
-- KEYS[1]   kombu's unacked        hash: delivery tag -> [message, exchange, routing key] as JSON
-- KEYS[2]   kombu's unacked_index  zset: delivery tag -> s, when it was last held
-- KEYS[3..] the queues' lists, the most urgent first
-- ARGV[1]   what the new tags begin with; a number from 0 on follows
-- ARGV[2]   messages at most
-- ARGV[3]   bytes from which on no further message is taken: this blocks the server for as long as it copies
-- ARGV[4..] for each list what stands behind the message in the hash
-- Returns {place in the lists from 0 on, message, place, message, ...}. When that is empty the lists have been read, so
-- that a connection which tracks what it reads is told as soon as one of them changes.
local now
local most, enough = tonumber(ARGV[2]), tonumber(ARGV[3])
local found, count, size = {}, 0, 0
for i = 3, #KEYS do
  while count < most and size < enough do
    local message = redis.call('RPOP', KEYS[i])
    if not message then break end
    now = now or clock() / 1000
    local tag = ARGV[1] .. count
    -- Never through cjson, which changes numbers and empty lists.
    redis.call('HSET', KEYS[1], tag, '[' .. message .. ARGV[i + 1])
    redis.call('ZADD', KEYS[2], now, tag)
    found[2 * count + 1], found[2 * count + 2] = i - 3, message
    count, size = count + 1, size + #message
  end
end
if count == 0 then redis.call('EXISTS', unpack(KEYS, 3)) end
return found
