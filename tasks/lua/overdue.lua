-- Returns the delivery tags of messages that nobody has held for too long, the longest first.
--
-- KEYS[1] kombu's unacked_index  zset: delivery tag -> s, when it was last held
-- ARGV[1] s, how long is too long; ARGV[2] tags at most
local now = clock() / 1000
return redis.call('ZRANGE', KEYS[1], '-inf', now - ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
