-- Moves an unacknowledged message that is due later into the schedule; no process keeps it in memory.
--
-- Keys, kept until the last message has left:
--   {ns}:2:scheduled      hash, <priority>:<tag> -> message as in a queue's list
--   {ns}:2:scheduled:due  zset, the same names -> ms when the message goes back into its queue
-- A name has the tag, not the task's id: a task may have several messages, each due at another time.
--
-- KEYS[1] hash of the unacknowledged messages, tag -> [message, exchange, routing key] as JSON
-- KEYS[2] zset of the same tags by age
-- KEYS[3] {ns}:2:scheduled, KEYS[4] {ns}:2:scheduled:due
-- KEYS[5] {ns}:2:task:<id>, as in begin.lua
-- ARGV[1] the message's tag, ARGV[2] the name of the one queue whose messages are scheduled
-- ARGV[3] the priority of the message's list, ARGV[4] ms when it goes back, ARGV[5] ms when it is due
-- ARGV[6] s to keep the task's key after that, so that a revocation is remembered
-- Returns 1, or 0 where the message was acknowledged meanwhile, or is of another queue.
local entry = redis.call('HGET', KEYS[1], ARGV[1])
-- A pattern cuts the message out of the text: cjson would turn its empty lists into objects.
local message, queue = string.match(entry or '', '^%[(.*),%s*"[^"]*",%s*"([^"]*)"%]$')
if queue ~= ARGV[2] then return 0 end
local name = ARGV[3] .. ':' .. ARGV[1]
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[3], name, message)
redis.call('ZADD', KEYS[4], ARGV[4], name)
redis.call('HSETNX', KEYS[5], 'due', ARGV[5])
local left = math.ceil(math.max(0, ARGV[5] - clock()) / 1000)
redis.call('EXPIRE', KEYS[5], math.max(left + ARGV[6], redis.call('TTL', KEYS[5])))
return 1
