-- Renews messages: sets the time when each was last held to the server's.
--
-- KEYS[1]   kombu's unacked_index  zset: delivery tag -> s, when it was last held
-- ARGV[1..] delivery tags; one that is no longer in the index is not added
-- A full Redis refuses ZADD, except in a script that has already written: a held message must not be delivered again.
redis.call('ZREM', KEYS[1], '')
local now = clock() / 1000
for _, tag in ipairs(ARGV) do redis.call('ZADD', KEYS[1], 'XX', now, tag) end
