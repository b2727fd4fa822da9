-- Takes a message from a worker's hands into a waiting room, where it is in no process's memory.
--
-- A room is for the completions of one priority that wait for the same providers; its name is both of them,
-- `<priority>:<provider>,...`. Keys of ours, kept until the last message has left:
--   {ns}:waiting                         hash, task's id -> message as it stands in a queue's list
--   {ns}:waiting:rooms                   zset, name of each room with somebody in it -> priority
--   {ns}:waiting:room:<room>             zset, task's id -> ms of its first delivery: the order of release
--   {ns}:waiting:room:<room>:deadlines   zset, task's id -> ms at which its time is over
--   {ns}:waiting:pace                    hash, see release.lua
--
-- KEYS[1] hash of messages in hand, tag -> [message, exchange, routing key] as JSON
-- KEYS[2] zset of the same tags by age
-- KEYS[3] {ns}:waiting, KEYS[4] {ns}:waiting:rooms, KEYS[5] {ns}:waiting:room:<room>
-- KEYS[6] {ns}:task:<id>, as in begin.lua
-- ARGV[1] the message's tag, ARGV[2] the task's id, ARGV[3] the room's name, ARGV[4] its priority
-- ARGV[5] the deadline, ms
-- Returns 1, or 0 where the message is not in hand any more. One of a task that waits already is let go: no message
-- of the same task says more than the other.
local entry = redis.call('HGET', KEYS[1], ARGV[1])
-- The message is cut out of its text: decoded and encoded again, empty lists would come back as objects.
local message = entry and string.match(entry, '^%[(.*),%s*"[^"]*",%s*"[^"]*"%]$')
if not message then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('HSETNX', KEYS[3], ARGV[2], message) == 0 then return 1 end
redis.call('ZADD', KEYS[4], ARGV[4], ARGV[3])
redis.call('ZADD', KEYS[5], redis.call('HGET', KEYS[6], 'first') or string.format('%.0f', clock()), ARGV[2])
redis.call('ZADD', KEYS[5] .. ':deadlines', ARGV[5], ARGV[2])
return 1
