-- Keeps messages held: their time of last being held becomes the server's.
--
-- KEYS[1]   kombu's unacked_index  zset: delivery tag -> s, when it was last held
-- ARGV[1..] delivery tags; one that is no longer there stays away
-- A full Redis refuses ZADD, but not in a script that has written already: what is held must not be delivered again.
redis.call('ZREM', KEYS[1], '')
local now = clock() / 1000
for _, tag in ipairs(ARGV) do redis.call('ZADD', KEYS[1], 'XX', now, tag) end
