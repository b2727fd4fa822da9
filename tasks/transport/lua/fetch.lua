-- Pops messages, the most urgent first, and registers each as unacknowledged by the caller.
--
-- KEYS[1]   kombu's unacked        hash: delivery tag -> [message, exchange, routing key] as JSON
-- KEYS[2]   kombu's unacked_index  zset: delivery tag -> s, when it was last held
-- KEYS[3..] the queues' lists, the most urgent first
-- ARGV[1]   prefix of the new tags; a number from 0 on follows
-- ARGV[2]   the most messages
-- ARGV[3]   bytes at which it ends, because the server is blocked while it copies
-- ARGV[4..] for each list the text after the message in the hash
-- Returns {place in the lists from 0 on, message, place, message, ...}. If that is empty, the lists have been read, so
-- that a connection with CLIENT TRACKING gets a push as soon as one of them changes.
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
