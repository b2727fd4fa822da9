-- Returns the delivery tags of messages that were last renewed too long ago, the oldest first.
--
-- KEYS[1] kombu's unacked_index  zset: delivery tag -> s, when it was last held
-- ARGV[1] s, the visibility timeout; ARGV[2] the most tags
local now = clock() / 1000
return redis.call('ZRANGE', KEYS[1], '-inf', now - ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
