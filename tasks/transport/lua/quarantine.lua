-- Moves a message that no worker can read into quarantine, and writes an event. Comes after event.lua.
--
-- KEYS[1] kombu's unacked        hash: delivery tag -> [message, exchange, routing key] as JSON
-- KEYS[2] kombu's unacked_index  zset: delivery tag -> s, when it was last held
-- KEYS[3] {ns}:2:quarantine        list of what the hash had, newest first
-- KEYS[4] {ns}:2:counters          hash
-- KEYS[5] {ns}:2:events            stream
-- ARGV[1] its delivery tag; ARGV[2] the type of the error
-- ARGV[3] messages to keep; ARGV[4] s to keep them after the last one
-- Returns 1 if the message was there, else 0.
local message = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if not message then return 0 end
redis.call('LPUSH', KEYS[3], message)
redis.call('LTRIM', KEYS[3], 0, ARGV[3] - 1)
redis.call('EXPIRE', KEYS[3], ARGV[4])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HINCRBY', KEYS[4], 'quarantined', 1)
add_event(KEYS[5], 'message-quarantined', '', clock(), 'cause', ARGV[2])
return 1
