-- Puts an unacknowledged message back into its queue.
--
-- KEYS[1]   kombu's unacked        hash: delivery tag -> [message, exchange, routing key] as JSON
-- KEYS[2]   kombu's unacked_index  zset: delivery tag -> s, when it was last held
-- KEYS[3..] lists to put it into
-- ARGV[1]   its delivery tag
-- ARGV[2]   the message to put back
-- ARGV[3]   RPUSH to be the next one taken, LPUSH to be the last
-- ARGV[4]   s since it was last renewed, at least; 0 if the caller holds it
-- Returns 1 if it was put back, 0 if it is held again or gone.
local now = clock() / 1000
local held = redis.call('ZSCORE', KEYS[2], ARGV[1])
if held and held + ARGV[4] > now and ARGV[4] ~= '0' then return 0 end
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
for i = 3, #KEYS do redis.call(ARGV[3], KEYS[i], ARGV[2]) end
return 1
